"""Sign-ins in a storm: faults, killed workers, messages twice and out of order; and at the end nobody is lost.

`python -m tests.user_sync_storm [SIGN_INS]` prints what happened, and fails when a user or a message is not where it belongs.
`USER_SYNC_STORM_SEED` repeats the scenario and what is drawn, though not how the threads are interleaved.
"""

import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from random import Random
from threading import Lock
from time import monotonic, sleep, time_ns
from unittest.mock import patch

from cognito_claims.errors import SignInError
from cognito_claims.events import User
from cognito_claims.handlers import Handler, user_sync_from_env
from cognito_claims.sync import users
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.sync.queue import UserQueue, to_message
from cognito_claims.sync.rows import Row, row_of
from cognito_claims.tools.local.postgresql import postgresql
from tests.stand_ins.event_source import EventSource, OneByOne, WorkerProcess
from tests.stand_ins.hasura import SECRET
from tests.stand_ins.hasura_storm import ROLE, StormyHasura
from tests.stand_ins.moto import moto_server
from tests.stand_ins.sqs import Dead, Queues
from tests.user_sync_scenario import MARK, Came, Scenario, SignIn

RATE = 0.3
_CONTAINERS, _WORKERS = 4, 2
_RECEIVES, _VISIBILITY_S, _PAUSE_S = 50, 2, 0.001
_DEEPEST = 120  # messages: moto takes the longer for each, the more there are
_PATIENCE_S = 120.0  # after the last sign-in
_ATTEMPTS, _MOST_REFUSED = 5, 0.4  # a busy machine meets more deadlines
_SETTINGS = {
    "USER_SYNC_ON_ERROR": "deny",  # so that whoever was not kept is known, and signs in again
    "USER_SYNC_DEADLINE_MS": "1000",
    "HASURA_SYNC_ADMIN_SECRET": SECRET,
    "HASURA_SYNC_ROLE": ROLE,
    "HASURA_SYNC_COLUMNS": "id=sub,email=email",
    "HASURA_SYNC_UPDATE_COLUMNS": "email",
    "HASURA_SYNC_VERSION_COLUMN": "synced_at",
}
_write = UserQueue.write


class Overheard(logging.Handler):
    """What the handlers made of sign-ins: rows by their marks, messages, and what had failed before these."""

    def __init__(self, lock: Lock) -> None:
        super().__init__()
        self.rows: dict[str, Row] = {}
        self.messages: set[str] = set()
        self.failed = Counter[str]()
        self._lock = lock  # `OneByOne` says why

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to all handlers, whose log goes nowhere else."""

        def write(queue: UserQueue, rows: Sequence[Row], *, deadline: float) -> None:
            with self._lock:
                _write(queue, rows, deadline=deadline)
            self.messages.update(map(to_message, rows))

        log = logging.getLogger("cognito_claims")
        log.addHandler(self)
        with (
            patch.object(log, "propagate", new=False),
            patch.object(users, "row_of", self._row_of),
            patch.object(UserQueue, "write", write),
        ):
            yield
        log.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        told = record.getMessage().partition("put into the queue: ")[2]
        if told:
            self.failed[told.partition(" at ")[0]] += 1

    def _row_of(self, user: User, columns: Mapping[str, str], at: float) -> Row:
        row = self.rows[user.attributes[MARK]] = row_of(user, columns, at)
        return row


class Storm:
    """One run over fresh queues and an empty table."""

    def __init__(self, scenario: Scenario, server: StormyHasura, queues: Queues, seed: int) -> None:
        self.scenario, self.server, self.queues, self.seed = scenario, server, queues, seed
        self.environ = {**queues.environ, **_SETTINGS, "HASURA_SYNC_URL": server.url}
        self.kept: dict[str, SignIn] = {}  # by mark
        self.refused: dict[str, SignIn] = {}
        self.dead = Counter[Dead]()
        self.delivered = Counter[str]()
        lock = Lock()
        self.overheard = Overheard(lock)
        queues.sqs = OneByOne(queues.sqs, lock)
        self._sources: list[EventSource] = []
        self._ends: float | None = None

    def run(self) -> None:
        """Let all sign in while the workers work, and wait until the queue is empty."""
        HasuraUsers.from_env(self.environ).write(self.scenario.owners, deadline=monotonic() + 9)
        self.server.rate = RATE
        with self.overheard.listening(), ThreadPoolExecutor() as pool:
            sources = [pool.submit(self._deliver, self.seed + n) for n in range(_WORKERS)]
            try:
                parts = [self.scenario.arrivals[n::_CONTAINERS] for n in range(_CONTAINERS)]
                [*pool.map(self._contain, parts)]
            finally:
                self._ends = monotonic() + _PATIENCE_S
            for source in sources:
                self.delivered.update(source.result())
        self.dead = self.queues.dead()

    def _contain(self, arrivals: Sequence[SignIn | Dead]) -> None:
        """Be a Lambda environment of either function: one event at a time."""
        inline, queue = (
            user_sync_from_env({**self.environ, "USER_SYNC_SINKS": sink})
            for sink in ("hasura", "queue")
        )
        for arrival in arrivals:
            while any(source.depth > _DEEPEST for source in self._sources):
                sleep(0.05)
            if isinstance(arrival, Dead):
                self.queues.send(arrival.body)
            else:
                self._sign_in(arrival, inline if arrival.is_inline else queue)

    def _sign_in(self, sign_in: SignIn, handler: Handler) -> None:
        for number in range(_ATTEMPTS):
            mark, event = sign_in.attempt(number)
            try:
                handler(event, None)
            except SignInError:
                self.refused[mark] = sign_in
            else:
                self.kept[mark] = sign_in
                break

    def _deliver(self, seed: int) -> Counter[str]:
        """Be a worker and its event source until everything is done."""
        environ = {name: text for name, text in self.environ.items() if name[:9] != "USER_SYNC"}
        with WorkerProcess(environ, pause_s=_PAUSE_S) as worker:
            source = EventSource(self.queues, worker, seed)
            self._sources.append(source)
            while self._ends is None or monotonic() < self._ends:
                if not source.turn() and self._ends and source.is_drained:
                    break
            return source.counts

    def came(self) -> Came:
        table = [
            Row({"id": row["id"], "email": row["email"]}, _text(row["synced_at"]))
            for row in self.server.rows()
        ]
        return Came(self.kept, self.refused, self.overheard.rows, table, self.dead)

    def figures(self) -> Iterator[tuple[str, int]]:
        """Give what happened, in numbers."""
        heard, sign_ins = self.overheard, self.scenario.sign_ins
        inline = [heard.rows[m] for m, s in self.kept.items() if s.is_inline and not s.is_reset]
        yield "sign-ins", len(sign_ins)
        yield "  first federated ones", sum(s.is_federated and s.is_first for s in sign_ins)
        yield "  password resets", sum(s.is_reset for s in sign_ins)
        yield "  of users with another's email", sum(s.is_poison for s in sign_ins)
        yield "  refused, and tried again", len(self.refused)
        yield "synced inline", sum(to_message(row) not in heard.messages for row in inline)
        yield "queued", len(heard.messages)
        yield "  because Hasura failed", sum(heard.failed.values())
        yield from ((f"    {name}", count) for name, count in heard.failed.most_common())
        yield "queued by nobody's sign-in", len(self.scenario.strange)
        yield "requests to Hasura", self.server.asked
        yield "  that met a fault", sum(self.server.met.values())
        yield from ((f"    {name}", count) for name, count in sorted(self.server.met.items()))
        yield from self.delivered.items()
        yield "dead-lettered", sum(self.dead.values())
        yield "  copies", sum(self.dead.values()) - len(self.dead)
        for reason, count in sorted(Counter(str(dead.reason) for dead in self.dead).items()):
            yield f"  {reason}", count
        yield "users in the table", len(self.server.rows())

    def problems(self) -> Counter[str]:
        """Count what is not as it should be."""
        found = self.came().wrong(self.scenario)
        found["messages left in the queue"] = sum(self.queues.left())
        found["invocations that raised"] = self.delivered["  that raised"]
        if len(self.refused) > _MOST_REFUSED * len(self.scenario.sign_ins) + 2:
            found["sign-ins refused"] = len(self.refused)
        return +found


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def a_storm(dsn: str, sign_ins: int, seed: int, life: ExitStack) -> Storm:
    """Let one blow, and give it when it is over."""
    scenario = Scenario.of(sign_ins, Random(seed))  # noqa: S311 - for a test to repeat
    server = life.enter_context(StormyHasura(dsn, seed))
    moto = life.enter_context(moto_server())
    queues = Queues(moto, most_receives=_RECEIVES, visibility_s=_VISIBILITY_S)
    storm = Storm(scenario, server, queues, seed)
    storm.run()
    return storm


def main() -> None:
    """Print what happened; exit with 1 when anything is not as it should be."""
    sign_ins = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed, began = int(os.environ.get("USER_SYNC_STORM_SEED", time_ns())), monotonic()
    with ExitStack() as life:
        storm = a_storm(life.enter_context(postgresql()), sign_ins, seed, life)
        lines = [*storm.figures(), ("wrong or missing", storm.problems().total())]
        lines += [(f"  {name}", count) for name, count in storm.problems().items()]
    width = max(len(name) for name, _ in lines)
    sys.stdout.writelines(f"{name:{width}} {count:>7,}\n" for name, count in lines)
    print(f"in {monotonic() - began:.0f} s; again with USER_SYNC_STORM_SEED={seed}")
    sys.exit(1 if lines[-1][0] != "wrong or missing" else 0)


if __name__ == "__main__":
    main()
