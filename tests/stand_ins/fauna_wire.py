"""What the stand-in of Fauna reads and sends, and the faults that a test can script."""

import json
from collections.abc import Callable, Iterable, Iterator
from email.message import Message
from enum import Enum
from http.client import HTTPException, parse_headers, responses
from io import BufferedReader
from itertools import chain, repeat
from time import monotonic
from typing import NamedTuple

from cognito_claims.tools.local.fauna.endpoint import JSON
from cognito_claims.tools.local.fauna.query import Refusal


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


def as_json(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body).encode())


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _spoilt(answer: Answer, spoil: Callable[[dict[str, object]], dict[str, object]]) -> bytes:
    envelope = json.loads(answer.body)
    return as_json(200, envelope | {"data": spoil(envelope["data"])}).wire


well = Fault(lambda ask: [ask().wire])
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
    error = Refusal(code, "a fault of the stand-in", field="email")
    return Fault(lambda _: [as_json(status, error.body()).wire])


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


def read(number: int, reader: BufferedReader) -> Request | None:
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
