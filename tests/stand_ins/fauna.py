"""A strict stand-in of a self-hosted Fauna server, with faults that a test can script."""

import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from threading import Event, Lock, Thread
from typing import Self

from cognito_claims.tools.local.fauna.endpoint import Endpoint
from cognito_claims.tools.local.fauna.query import Recogniser
from cognito_claims.tools.local.fauna.store import Key, Store
from tests.stand_ins.certificates import Certificate
from tests.stand_ins.fauna_wire import Answer, End, Fault, Request, Step, as_json, read, well

SECRET = "fnAEstandInOfAServerKeyForTheTestsAlone0"


class FaunaServer:
    """Serves on a free port of 127.0.0.1 while it is entered; `now` may be set to another clock.

    A fault is taken from `faults` per request, or per connection by one that is `on_accept`.
    """

    def __init__(
        self,
        *,
        keys: Mapping[str, Key] | None = None,
        certificate: Certificate | None = None,
        collection: str = "Customer",
        index: str = "byEmail",
        field: str = "email",
    ) -> None:
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.store = Store(lambda: self.now(), {SECRET: Key()} if keys is None else keys, field)
        self.documents, self.tokens = self.store.documents, self.store.tokens
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.connections = 0
        self._endpoint = Endpoint(self.store, Recogniser(collection, index, field))
        self._tls = certificate.server_context() if certificate else None
        self._lock, self._closing = Lock(), Event()
        self._open: dict[int, socket.socket] = {}
        self._threads: list[Thread] = []

    @property
    def open_connections(self) -> int:
        return len(self._open)

    @property
    def redirect_was_followed(self) -> bool:
        return any(request.path == "/elsewhere" for request in self.requests)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.endpoint = f"https://localhost:{port}" if self._tls else f"http://127.0.0.1:{port}"
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        socket.create_connection(self._listener.getsockname()).close()  # wakes `accept`
        self._threads[0].join()
        for connection in list(self._open.values()):
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        self._threads.append(Thread(target=target, args=args, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closing.is_set():
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            fault = self._take(on_accept=True)
            try:
                if self._tls and not fault:
                    connection.getpeername()  # Python 3.11 leaks what it wraps after a reset
                    connection = self._tls.wrap_socket(
                        connection, server_side=True, do_handshake_on_connect=False
                    )
            except OSError:  # it left already
                connection.close()
                continue
            self._open[self.connections] = connection
            self._start(self._serve, self.connections, connection, fault)

    def _take(self, *, on_accept: bool) -> Fault | None:
        with self._lock:
            found = self.faults and self.faults[0].on_accept == on_accept
            return self.faults.pop(0) if found else None

    def _serve(self, number: int, connection: socket.socket, fault: Fault | None) -> None:
        with connection, suppress(OSError):  # a client may leave at any time
            if fault:
                self._play(connection, fault.steps(lambda: Answer(500, b"")))
            else:
                self._converse(number, connection)
        del self._open[number]

    def _converse(self, number: int, connection: socket.socket) -> None:
        if isinstance(connection, ssl.SSLSocket):
            connection.do_handshake()
        with connection.makefile("rb") as reader:
            goes_on = True
            while goes_on and (request := read(number, reader)):
                self.requests.append(request)
                fault = self._take(on_accept=False) or well
                goes_on = self._play(connection, fault.steps(partial(self._answer, request)))
                goes_on = goes_on and request.keeps_alive

    def _play(self, connection: socket.socket, steps: Iterable[Step]) -> bool:
        """Do what is to be done, and say whether the connection lives on."""
        for step in steps:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, float):
                if self._closing.wait(step):
                    return False
            else:
                if step is End.HANG:
                    self._closing.wait()
                if step is End.RESET:
                    at_once = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                return False
        return True

    def _answer(self, request: Request) -> Answer:
        def header(name: str) -> list[str]:
            return request.headers.get_all(name, [])

        return as_json(*self._endpoint(request.method, request.path, header, request.body))
