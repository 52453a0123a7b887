"""The faults of `docs/fauna-faults.md`, each met by real handlers: `python -m tests.fauna_faults` writes the table anew."""

import logging
import os
import re
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from types import FunctionType, MethodType
from typing import Any, Literal, NamedTuple
from unittest.mock import patch
from urllib.parse import urlsplit

from cognito_claims.clients.connection import tls_context
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.errors import SignInError, TokenDenied
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.handlers import Handler, pre_token_generation
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.registry import optional
from cognito_claims.secret import Secret
from cognito_claims.testing import a_user_event, to_json
from cognito_claims.tools.local.fauna.endpoint import JSON
from tests.stand_ins import fauna_wire as fauna
from tests.stand_ins.certificates import Authority, Certificate
from tests.stand_ins.fauna import SECRET, FaunaServer
from tests.stand_ins.fauna_wire import Fault
from tests.stand_ins.moto import HIDDEN, Answer, answering

PAGE = Path(__file__).parents[1] / "docs" / "fauna-faults.md"
DEADLINE_MS = 400
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"
AWS_URL = "AWS_ENDPOINT_URL_SECRETS_MANAGER"
OURS = ("cognito_claims.", "tests.")
WITH_TOKEN = "signs in, with a token"
WITHOUT = "signs in, without Fauna's claims"
REFUSED, OMITTED = "ERROR sign-in refused: ", "WARNING no claims: "
DENIED = "INFO sign-in refused: "
Client = Literal["http", "driver"]
_BEGIN, _END = "<!-- begin faults -->\n", "<!-- end faults -->"
_AWS = {"AWS_ACCESS_KEY_ID": "AKIDOFTHETESTS", "AWS_SECRET_ACCESS_KEY": "a/secret+key"}
_AT_ONCE_MS, _RETRY_MS = 150, 100
_PLACE = re.compile(r" at [^\n]*?:\d+ in \S+")
_STANDSTILL_S = 0.055
_MEANWHILE_S = 0.1
_EVERY_TIME = 9  # more often than anybody asks
_SOMEBODY = a_user_event(name="somebody", email="somebody@example.com")
_CERTIFICATES = ("good", "expired", "self_signed", "for_another_host")


class Aws(NamedTuple):
    """A Secrets Manager: it gives these answers, the last one again and again; without any, it is not there."""

    answers: tuple[Answer, ...] = ()
    is_silent: bool = False


class Case(NamedTuple):
    """A fault in the words of the table; `before` is what the sign-in before met, on a connection kept since."""

    name: str
    fault: Fault | None = None
    before: tuple[Fault, ...] | None = None
    certificate: str = "good"
    has_server: bool = True
    event: PreTokenGenerationEvent = a_user_event()
    aws: Aws | None = None
    own_ms: int = 0


class Result(NamedTuple):
    """What one event came to."""

    meets: str
    log: tuple[str, ...]
    retries: int
    milliseconds: float
    id_token: Mapping[str, Any]
    documents: int


class Met(NamedTuple):
    """A row: what a fault makes of a sign-in under either policy; `still` says that the machine stood still."""

    case: Case
    often: Literal["", ", once", ", every time"]
    deny: Result
    omit: Result
    still: bool

    @property
    def name(self) -> str:
        return f"{self.case.name}{self.often}"

    @property
    def told(self) -> str:
        """Give the log line without its beginning, which is the policy's."""
        return "".join(self.deny.log).removeprefix(REFUSED).removeprefix(DENIED)

    @property
    def is_late(self) -> bool:
        return self.told.endswith("[deadline]")

    @property
    def is_in_time(self) -> bool:
        return max(self.deny.milliseconds, self.omit.milliseconds) <= self.most_ms

    @property
    def is_steady(self) -> bool:
        """Whether the machine let everybody run: a thread had its moment to say what it was waiting for."""
        lines = "".join((*self.deny.log, *self.omit.log))
        return self.is_in_time and not self.still and "deadline [deadline]" not in lines

    @property
    def most_ms(self) -> int:
        """Give the bound that is promised: of the fault itself and of the retries, or the deadline."""
        wanted = self.case.own_ms + _AT_ONCE_MS + _RETRY_MS * self.deny.retries
        return DEADLINE_MS if self.is_late else min(wanted, DEADLINE_MS)


# Not at once, or a client may or may not have said its first word.
_reset_in_handshake = Fault(lambda _: [0.05, fauna.End.RESET], on_accept=True)


# As load balancers say it to whoever has been idle; it is no answer to the next request.
_farewell = Fault(lambda ask: [ask().wire, fauna.Answer(408, b"").wire])
_CHUNKED = (f"Content-Type: {JSON}", "Transfer-Encoding: chunked")
_cut_chunks = Fault(
    lambda ask: [fauna.head(200, *_CHUNKED), b"%x\r\n" % 9999, ask().body, fauna.End.CLOSE]
)


def _refusing(status: int, code: str) -> Case:
    return Case(f"HTTP {status} `{code}`", fauna.status(status, code))


CASES = (
    Case("the email is not verified", event=a_user_event(email_verified=False)),
    Case("there is no email", event=a_user_event(email=None)),
    Case("the connection is refused", has_server=False),
    Case("the certificate has expired", certificate="expired"),
    Case("the certificate is self-signed", certificate="self_signed"),
    Case("the certificate is another host's", certificate="for_another_host"),
    Case("the server hangs before TLS", fauna.hang_before_tls),
    Case("a reset within the TLS handshake", _reset_in_handshake, own_ms=50),
    Case("the server hangs after the request", fauna.hang),
    Case("the answer comes after 200 ms", fauna.slow(0.2), own_ms=200),
    Case("the answer comes after the deadline", fauna.slow(0.6)),
    Case("the headers drip", fauna.drip_headers()),
    Case("a header never ends", fauna.drip_headers(endless=True)),
    Case("the body drips", fauna.drip_body()),
    Case("the body never ends", fauna.drip_body(endless=True)),
    Case("`100 Continue` without end", fauna.endless_100_continue()),
    Case("a reset in the answer's place", fauna.reset_before),
    Case("a reset in the headers", fauna.reset_in_headers),
    Case("a reset in the body", fauna.reset_in_body),
    Case("the body is cut short", fauna.short_body),
    Case("the body is cut short, chunked", _cut_chunks),
    Case("a reset after the answer", fauna.reset_after),
    Case("the kept connection was closed meanwhile", before=(fauna.close_after,)),
    Case("the kept connection was reset meanwhile", before=(fauna.reset_after,)),
    Case("HTTP 408 came over the kept connection meanwhile", before=(_farewell,)),
    Case("a reset in the answer's place, on a kept connection", fauna.reset_before, before=()),
    Case("a reset in the headers, on a kept connection", fauna.reset_in_headers, before=()),
    Case("the server hangs, on a kept connection", fauna.hang, before=()),
    Case("a body of 8 MiB", fauna.oversized()),
    Case("a body of 8 MiB, chunked", fauna.oversized(chunked=True)),
    Case("a header of 1 MiB", fauna.oversized_headers()),
    Case("200 headers", fauna.oversized_headers(200, 8)),
    Case(
        "an answer that is not HTTP", Fault(lambda ask: [ask().body, b"\r\n\r\n", fauna.End.CLOSE])
    ),
    Case("HTTP 200, half of the JSON", fauna.half_json),
    Case("HTTP 200, a page of HTML", fauna.html),
    Case("HTTP 200, without a token", fauna.wrong_shape),
    Case("HTTP 200, with null for the token", fauna.null_secret),
    Case("HTTP 302, which nobody follows", fauna.redirect),
    _refusing(400, "abort"),
    _refusing(400, "constraint_failure"),
    _refusing(400, "invalid_query"),
    _refusing(400, "permission_denied"),
    Case("HTTP 400, with a code that is none of Fauna's", fauna.status(400, HIDDEN)),
    _refusing(401, "unauthorized"),
    _refusing(409, "contended_transaction"),
    _refusing(410, "disabled_account"),
    _refusing(429, "limit_exceeded"),
    _refusing(440, "time_out"),
    _refusing(500, "internal_error"),
    Case("HTTP 502, a page of HTML", fauna.bad_gateway),
    _refusing(503, "service_unavailable"),
    _refusing(503, "time_out"),
    _refusing(504, "gateway_timeout"),
    Case(
        "HTTP 401, and the secret's reference gives a new key",
        aws=Aws((Answer.of({"SecretString": "fnAold"}), Answer.of({"SecretString": SECRET}))),
    ),
    Case(
        "HTTP 401, and the secret's reference gives the same key",
        aws=Aws((Answer.of({"SecretString": "fnAold"}),)),
    ),
    Case("AWS refuses the secret", aws=Aws((Answer.refusing("AccessDeniedException"),))),
    Case("AWS has no such secret", aws=Aws((Answer.refusing("ResourceNotFoundException"),))),
    Case("AWS cannot be reached for the secret", aws=Aws()),
    Case("AWS does not answer for the secret", aws=Aws(is_silent=True)),
)


class Bench:
    """What all runs share: certificates that clients trust, the connections that were tried, and the log."""

    def __init__(self, certificates: Mapping[str, Certificate]) -> None:
        self.certificates = certificates
        self.stills: list[float] = []
        self.connects: list[int] = []
        self.records: list[logging.LogRecord] = []

    def meet(self, case: Case, client: Client, attempts: int = 1) -> list[Met]:
        """Give a case's rows; without a second attempt, once is the same as every time."""
        once = self._steady(case, 1, client, attempts)
        if not (case.fault and once.deny.retries):
            return [once]
        always = self._steady(case, _EVERY_TIME, client, attempts)
        return [once._replace(often=", once"), always._replace(often=", every time")]

    def _steady(self, case: Case, times: int, client: Client, attempts: int) -> Met:
        """Take what came while the machine was not too busy, or the last attempt's result."""
        for _ in range(attempts - 1):
            met = self._met(case, times, client)
            if met.is_steady:
                return met
        return self._met(case, times, client)

    def _met(self, case: Case, times: int, client: Client) -> Met:
        began = monotonic()
        deny, omit = (self._run(case, times, client, on_error=p) for p in ("deny", "omit"))
        return Met(case, "", deny, omit, still=any(end > began for end in self.stills))

    def _run(self, case: Case, times: int, client: Client, *, on_error: str) -> Result:
        with ExitStack() as stack:
            server = FaunaServer(certificate=self.certificates[case.certificate])
            stack.enter_context(server)
            endpoint = stack.enter_context(_endpoint(case, server))
            environ = stack.enter_context(_environ(case.aws))
            secret = Secret(ARN, environ) if case.aws else SECRET
            plugin = FaunaTokens(endpoint=endpoint, secret=secret, identity="email", client=client)
            beside: dict[str, Any] = {"hasura": HasuraClaims()} if on_error == "omit" else {}
            marked = optional(plugin) if on_error == "omit" else plugin
            handler = pre_token_generation(deadline_ms=DEADLINE_MS, fauna=marked, **beside)
            await_preparations()
            if case.before is not None:
                server.faults += case.before
                handler(to_json(_SOMEBODY), None)
                sleep(_MEANWHILE_S)
            server.faults += [case.fault] * times if case.fault else []
            ports = {urlsplit(url).port or 0 for url in (endpoint, environ.get(AWS_URL, endpoint))}
            return self._result(handler, to_json(case.event), server, ports)

    def _result(self, handler: Handler, event: Any, server: FaunaServer, ports: Set[int]) -> Result:
        requests, connects, records = len(server.requests), len(self.connects), len(self.records)
        began = monotonic()
        returned: dict[str, Any] | None = None
        try:
            returned = handler(event, None)
            meets = WITHOUT
        except (SignInError, TokenDenied) as error:
            meets = str(error)
        milliseconds = (monotonic() - began) * 1000
        connected = self.connects[connects:]
        attempts = max(len(server.requests) - requests, *map(connected.count, ports))
        token = (issue_tokens(event, returned, now=0).id_token if returned else None) or {}
        if token.get("fauna_token_secret") in {each.secret for each in server.tokens}:
            meets = WITH_TOKEN
        mine = [
            record
            for record in self.records[records:]
            if record.thread == threading.get_ident() and not hasattr(record, "outcome")
        ]
        log = tuple(f"{r.levelname} {_PLACE.sub('', r.getMessage())}" for r in mine)
        return Result(meets, log, max(attempts - 1, 0), milliseconds, token, len(server.documents))


@contextmanager
def bench() -> Iterator[Bench]:
    """Give a bench whose authority is the one that clients trust while it is entered."""
    with ExitStack() as stack:
        authority = Authority(Path(stack.enter_context(TemporaryDirectory())))
        made = Bench({name: getattr(authority, name)() for name in _CERTIFICATES})
        stack.enter_context(trusting(authority))
        stack.enter_context(standstills(made.stills))
        stack.enter_context(_counting(made.connects))
        stack.enter_context(_logging_to(made.records))
        yield made


@contextmanager
def standstills(ends: list[float]) -> Iterator[None]:
    """Note when the machine had let a thread wait that wanted to run, for 50 ms or more."""
    is_over = threading.Event()

    def watch() -> None:
        before = monotonic()
        while not is_over.wait(0.005):
            now = monotonic()
            if now - before > _STANDSTILL_S:
                ends.append(now)
            before = now

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextmanager
def trusting(authority: Authority) -> Iterator[None]:
    """Let clients that are made meanwhile trust this authority and no other."""
    with patch.dict(os.environ, SSL_CERT_FILE=str(authority.path)):
        tls_context.cache_clear()
        yield
    tls_context.cache_clear()


@contextmanager
def _counting(ports: list[int]) -> Iterator[None]:
    connect = socket.socket.connect

    def counted(sock: socket.socket, address: Any) -> None:
        if address[0] == "127.0.0.1":  # and not ::1, which a "localhost" is, too
            ports.append(address[1])
        connect(sock, address)

    with patch.object(socket.socket, "connect", counted):
        yield


@contextmanager
def _logging_to(records: list[logging.LogRecord]) -> Iterator[None]:
    logger, handler = logging.getLogger("cognito_claims"), logging.Handler(logging.INFO)
    with (
        patch.object(handler, "emit", records.append),
        patch.object(logger, "propagate", new=False),
    ):
        logger.addHandler(handler)
        yield
        logger.removeHandler(handler)


@contextmanager
def _endpoint(case: Case, server: FaunaServer) -> Iterator[str]:
    if case.has_server:
        yield server.endpoint
    else:
        with _port(is_silent=False) as port:
            yield f"https://127.0.0.1:{port}"


@contextmanager
def _environ(aws: Aws | None) -> Iterator[Mapping[str, str]]:
    if aws is None:
        yield {}
    elif aws.answers:
        left = [*aws.answers]
        with answering(lambda _: left.pop(0) if left[1:] else left[0]) as url:
            yield {**_AWS, AWS_URL: url}
    else:
        with _port(is_silent=aws.is_silent) as port:
            yield {**_AWS, AWS_URL: f"http://127.0.0.1:{port}"}


@contextmanager
def _port(*, is_silent: bool) -> Iterator[int]:
    """Give a port that refuses connections, or takes them and never says a word."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        if is_silent:
            sock.listen()
        yield sock.getsockname()[1]


def await_preparations() -> None:
    """Let what a handler fetches ahead come, if it comes soon."""
    for thread in threading.enumerate():
        if "_prepare" in thread.name and thread.is_alive():
            thread.join(0.3)


def held_by(root: object) -> Iterator[object]:
    """Give everything of the library's that can be reached from an object, and what lies between."""
    seen: dict[int, object] = {}
    left = [root]
    while left:
        held = left.pop()
        if id(held) not in seen:
            seen[id(held)] = held
            left += _parts(held)
            yield held


def _parts(held: Any) -> Iterator[object]:
    if isinstance(held, FunctionType):
        yield from (cell.cell_contents for cell in held.__closure__ or ())
    elif isinstance(held, MethodType):
        yield held.__self__
    elif isinstance(held, Mapping):
        yield from held.values()
    elif isinstance(held, list | tuple):
        yield from held
    elif type(held).__module__.startswith(OURS):
        yield from getattr(held, "__dict__", {}).values()
        slots = (name for kind in type(held).__mro__ for name in getattr(kind, "__slots__", ()))
        yield from (getattr(held, name) for name in slots if hasattr(held, name))


def all_met(client: Client) -> list[Met]:
    """Let handlers meet all faults, some at a time, and those alone that the machine was too busy for."""
    with bench() as made:
        with ThreadPoolExecutor(4) as pool:
            found = [*pool.map(lambda case: made.meet(case, client), CASES)]
        for number, rows in enumerate(found):
            if not all(row.is_steady for row in rows):
                found[number] = made.meet(CASES[number], client, attempts=8)
    return [row for rows in found for row in rows]


def table(rows: Iterable[Met]) -> str:
    """Give the Markdown table."""
    lines = [
        "| fault | what the user sees | the same, if the plugin is `optional` | at most, ms | retries | log line |",
        "|---|---|---|---|---|---|",
        *(_row(met) for met in rows),
        "",
        f"The log line begins with `{REFUSED.strip()}`, or, if the plugin is optional, with",
        f"`{OMITTED.strip()}`",
    ]
    return "\n".join(lines) + "\n"


def _row(met: Met) -> str:
    most = f"{met.most_ms}, the deadline" if met.is_late else met.most_ms
    log = f"`{met.told}`" if met.told else "none"
    cells = (met.name, met.deny.meets, met.omit.meets, most, met.deny.retries, log)
    return f"| {' | '.join(map(str, cells))} |"


def with_table(page: str, rows: Iterable[Met]) -> str:
    """Give the page with the table between its marks made anew."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table(rows)}{_END}{after}"


if __name__ == "__main__":
    rows = all_met("http")
    PAGE.write_text(with_table(PAGE.read_text(), rows))
