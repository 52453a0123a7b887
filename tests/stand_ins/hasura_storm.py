"""The stand-in of Hasura in a storm: so many of its requests meet a fault, and at times nobody listens."""

import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from threading import Event

from tests.stand_ins import hasura
from tests.stand_ins.fauna_wire import Answer, End, Fault, short_body
from tests.stand_ins.hasura import HasuraServer
from tests.stand_ins.hasura_schema import Role

ROLE = "cognito_sync"
_ALLOWED = Role(
    insert=("id", "email", "synced_at"), update=("email", "synced_at"), select=("synced_at",)
)
_AWAY_S = 0.2
_HANGS_S, _HANGS_LONG_S = 1.2, 6.0  # longer than a sign-in waits, and than a worker
_FAULTS: Mapping[str, Fault] = {
    "reset before the commit": hasura.reset_unexecuted,
    "reset after the commit": hasura.answer_lost,
    "answer cut short": short_body,
    "hang": Fault(lambda _: [_HANGS_S, End.RESET]),
    "long hang after the commit": Fault(lambda ask: (ask(), _HANGS_LONG_S, End.RESET)[1:]),
    **{f"HTTP {status}": hasura.status(status) for status in (429, 500, 502, 503, 504)},
    **{
        code: hasura.error(code)
        for code in ("concurrent-update", "postgres-error", "timeout", "unexpected")
    },
}


class StormyHasura(HasuraServer):
    """Counts in `met` what its requests meet; one of the faults is that connections are refused for a moment."""

    def __init__(self, dsn: str, seed: int) -> None:
        super().__init__(dsn, roles={ROLE: _ALLOWED})
        self.rate = 0.0
        self.met = Counter[str]()
        self.asked = 0
        self._chance = Random(seed)  # noqa: S311 - for a test to repeat
        self._kinds = {**_FAULTS, "listens no more": Fault(self._leave)}
        self._listens = Event()
        self._listens.set()

    def __exit__(self, *exception: object) -> None:
        self.rate = 0.0
        self._listens.wait()
        super().__exit__(*exception)

    def _take(self, *, on_accept: bool) -> Fault | None:
        if on_accept:
            return None
        with self._lock:
            self.asked += 1
            if self._chance.random() >= self.rate:
                return None
            kind = self._chance.choice([*self._kinds])
            self.met[kind] += 1
        return self._kinds[kind]

    def _leave(self, _: Callable[[], Answer]) -> list[End]:
        self._listens.clear()
        with suppress(OSError):  # another request met the same
            self._listener.shutdown(socket.SHUT_RDWR)
        return [End.RESET]

    def _accept(self) -> None:
        while not self._closing.is_set():
            with suppress(OSError):  # it listens no more
                super()._accept()
            if not self._listens.is_set():
                address = self._listener.getsockname()
                self._listener.close()
                time.sleep(_AWAY_S)
                self._listener = socket.create_server(address)
                self._listens.set()
