"""A strict stand-in of a self-hosted Fauna server, with faults that a test can script."""

import json
import re
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.message import Message
from enum import Enum
from functools import partial
from http.client import HTTPException, parse_headers, responses
from io import BufferedReader
from itertools import chain, repeat
from threading import Event, Lock, Thread
from time import monotonic, time_ns
from typing import NamedTuple, Self

from tests.stand_ins.certificates import Certificate
from tests.stand_ins.fauna_store import FaunaError, Key, Recogniser, Store

SECRET = "fnAEstandInOfAServerKeyForTheTestsAlone0"
JSON = "application/json;charset=utf-8"
_REQUIRED = {
    "Host": r".+",
    "Content-Length": r"[0-9]+",
    "Content-Type": re.escape(JSON),
    "X-Format": r"tagged",
    "X-Query-Timeout-Ms": r"[1-9][0-9]*",
}


class Request(NamedTuple):
    """What was asked, on which connection (the first is 1), and when on the monotonic clock."""

    connection: int
    at: float
    method: str
    path: str
    headers: Message
    body: bytes

    @property
    def keeps_alive(self) -> bool:
        closes = self.headers.get("Connection", "").lower() == "close"
        return not closes and "Transfer-Encoding" not in self.headers


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: tuple[str, ...] = (f"Content-Type: {JSON}",)

    @property
    def head(self) -> bytes:
        return head(self.status, *self.headers, f"Content-Length: {len(self.body)}")

    @property
    def wire(self) -> bytes:
        return self.head + self.body


class End(Enum):
    """How a connection ends: never, until the server closes; with RST; or with FIN."""

    HANG = "hang"
    RESET = "reset"
    CLOSE = "close"


Step = bytes | float | End
"""Send these bytes; wait so many seconds; or end."""


class Fault(NamedTuple):
    """What happens in place of sending the right answer, which `ask` gives by running the query."""

    steps: Callable[[Callable[[], Answer]], Iterable[Step]]
    on_accept: bool = False


def head(status: int, *lines: str) -> bytes:
    first = f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}"
    return "\r\n".join((first, *lines, "Connection: keep-alive", "\r\n")).encode()


def _json(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body).encode())


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _spoilt(answer: Answer, spoil: Callable[[dict[str, object]], dict[str, object]]) -> bytes:
    envelope = json.loads(answer.body)
    return _json(200, envelope | {"data": spoil(envelope["data"])}).wire


_well = Fault(lambda ask: [ask().wire])
hang = Fault(lambda _: [End.HANG])
hang_before_tls = Fault(lambda _: [End.HANG], on_accept=True)
reset_on_accept = Fault(lambda _: [End.RESET], on_accept=True)
reset_before = Fault(lambda ask: (ask(), End.RESET)[1:])
reset_in_headers = Fault(lambda ask: [_half(ask().head), End.RESET])
reset_in_body = Fault(lambda ask: [(answer := ask()).head, _half(answer.body), End.RESET])
reset_after = Fault(lambda ask: [ask().wire, End.RESET])
close_after = Fault(lambda ask: [ask().wire, End.CLOSE])
short_body = Fault(lambda ask: [(answer := ask()).head, _half(answer.body), End.CLOSE])
half_json = Fault(lambda ask: [Answer(200, _half(ask().body)).wire])
html = Fault(lambda _: [Answer(200, b"<h1>Welcome</h1>", ("Content-Type: text/html",)).wire])
bad_gateway = Fault(lambda _: [Answer(502, b"<h1>Bad</h1>", ("Content-Type: text/html",)).wire])
redirect = Fault(lambda _: [Answer(302, b"", ("Location: /elsewhere",)).wire])
wrong_shape = Fault(lambda ask: [_spoilt(ask(), lambda data: {"userId": data["userId"]})])
null_secret = Fault(
    lambda ask: [_spoilt(ask(), lambda data: dict.fromkeys(data) | {"userId": data["userId"]})]
)


def status(status: int, code: str) -> Fault:
    """Answer an error without running the query."""
    error = FaunaError(code, "a fault of the stand-in", field="email")
    return Fault(lambda _: [_json(status, error.body()).wire])


def slow(seconds: float) -> Fault:
    """Run the query, and give its answer late."""
    return Fault(lambda ask: [float(seconds), ask().wire])


def _dripped(data: Iterable[int], seconds: float) -> Iterator[Step]:
    for byte in data:
        yield bytes([byte])
        yield float(seconds)


def drip_headers(seconds: float = 0.05, *, endless: bool = False) -> Fault:
    """Send a byte at a time until the answer is complete, or a header that has no end."""
    if endless:
        start = head(200)[:-2] + b"X-Endless: "
        return Fault(lambda _: _dripped(chain(start, repeat(ord("x"))), seconds))
    return Fault(lambda ask: chain(_dripped((answer := ask()).head, seconds), [answer.body]))


def drip_body(seconds: float = 0.05, *, endless: bool = False) -> Fault:
    """Send the headers at once and the body a byte at a time, with 10 GB to come if endless."""
    if endless:
        start = head(200, f"Content-Type: {JSON}", "Content-Length: 10000000000")
        spaces = repeat(ord(" "))
        return Fault(lambda ask: chain([start], _dripped(chain(ask().body, spaces), seconds)))
    return Fault(lambda ask: chain([(answer := ask()).head], _dripped(answer.body, seconds)))


def oversized(megabytes: int = 8, *, chunked: bool = False) -> Fault:
    """Answer rightly, with mebibytes of white space after the JSON."""

    def steps(ask: Callable[[], Answer]) -> Iterator[Step]:
        body, piece = ask().body, b" " * 65536
        length = f"Content-Length: {len(body) + megabytes * 2**20}"
        framing = "Transfer-Encoding: chunked" if chunked else length
        yield head(200, f"Content-Type: {JSON}", framing)
        for part in (body, *[piece] * (megabytes * 16), b""):
            yield b"%x\r\n%b\r\n" % (len(part), part) if chunked else part

    return Fault(steps)


def oversized_headers(count: int = 1, size: int = 2**20) -> Fault:
    """Answer rightly, with so many headers of that size before it."""
    lines = (f"Content-Type: {JSON}", *[f"X-Large: {'x' * size}"] * count)
    return Fault(lambda ask: [Answer(200, ask().body, lines).wire])


def endless_100_continue(seconds: float = 0.001) -> Fault:
    """Send interim answers and never a final one."""
    interim: tuple[Step, Step] = (b"HTTP/1.1 100 Continue\r\n\r\n", float(seconds))
    return Fault(lambda _: chain.from_iterable(repeat(interim)))


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
        self._recognise = Recogniser(collection, index, field)
        self._txns: list[int] = []
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
            while goes_on and (request := _read(number, reader)):
                self.requests.append(request)
                fault = self._take(on_accept=False) or _well
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
        try:
            return _json(200, self._run(request) | self._receipt())
        except FaunaError as error:
            receipt = self._receipt() if error.status in (400, 409) else {}
            return _json(error.status, error.body() | receipt)

    def _run(self, request: Request) -> dict[str, object]:
        if (request.method, request.path) != ("POST", "/query/1"):
            raise FaunaError("not_found", "nothing is served there", status=404)
        key = self.store.key(request.headers.get("Authorization", ""))
        self._check(request.headers)
        query = self._recognise(request.body)
        data = self.store.sign_in(key, query)
        return {"data": data, "static_type": query.static_type, "summary": ""}

    def _check(self, headers: Message) -> None:
        for name, pattern in _REQUIRED.items():
            if not re.fullmatch(pattern, ", ".join(headers.get_all(name, []))):
                raise FaunaError("invalid_request", f"{name}: expected {pattern}")
        seen = headers.get_all("X-Last-Txn-Ts", [])
        if seen and ", ".join(seen) not in map(str, self._txns):
            raise FaunaError("invalid_request", "X-Last-Txn-Ts: never given out by this server")

    def _receipt(self) -> dict[str, object]:
        with self._lock:
            self._txns.append(max(time_ns() // 1000, *(last + 1 for last in self._txns[-1:]), 0))
            stats = {"compute_ops": 1, "read_ops": 1, "write_ops": 1, "query_time_ms": 1}
            stats |= {"storage_bytes_read": 1, "storage_bytes_write": 1, "contention_retries": 0}
            return {"txn_ts": self._txns[-1], "stats": stats, "schema_version": 1}


def _read(number: int, reader: BufferedReader) -> Request | None:
    """Read a request, or give None where none comes, or not a whole one."""
    try:
        method, path, _ = reader.readline(65537).decode("latin-1").split()
        headers = parse_headers(reader)
        length = int(headers.get("Content-Length", "0"))
        body = reader.read(length)
    except (ValueError, HTTPException):
        return None
    return (
        Request(number, monotonic(), method, path, headers, body) if len(body) == length else None
    )
