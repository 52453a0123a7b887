"""The stand-in of Fauna is strict, its faults are what they say, and the official driver takes it for the real one."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fauna import errors
from fauna.client import Client
from fauna.encoding import QuerySuccess
from fauna.http.httpx_client import HTTPXClient
from fauna.query import fql

from cognito_claims.tools.local.fauna.store import Document, IssuedToken, Key
from tests.stand_ins import fauna_wire as faults
from tests.stand_ins.certificates import Authority, Certificate
from tests.stand_ins.fauna import SECRET, FaunaServer
from tests.stand_ins.fauna_wire import Fault

EMAIL = "ada@example.com"
USER = "let user = Customer.byEmail(${email}).first() ?? Customer.create({ email: ${email} })\n"
SIMPLE = USER + (
    'let token = Token.create({ document: user, ttl: Time.now().add(${seconds}, "seconds") })\n'
    "{ userId: user.id, token: token.secret!, expires: token.ttl! }"
)
PAIR = USER + (
    "let now = Time.now()\n"
    'let refresh = Token.create({ document: user, ttl: now.add(${refresh}, "seconds"), data: { type: "refresh" } })\n'
    'let access = Token.create({ document: user, ttl: now.add(${seconds}, "seconds"), data: { type: "access", refresh: refresh.id.toString() } })\n'
    "{ userId: user.id, access: access.secret!, refresh: refresh.secret! }"
)
FRAGMENTS: list[Any] = [
    "let user = Customer.byEmail(",
    {"value": EMAIL},
    ").first() ?? Customer.create({ email: ",
    {"value": EMAIL},
    " })\nlet token = Token.create({ document: user, ttl: Time.now().add(",
    {"value": {"@int": "1800"}},
    ', "seconds") })\n{ userId: user.id, token: token.secret!, expires: token.ttl! }',
]
HEADERS = {
    "Authorization": f"Bearer {SECRET}",
    "Content-Type": "application/json;charset=utf-8",
    "X-Format": "tagged",
    "X-Query-Timeout-Ms": "2000",
}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[FaunaServer]:
    with FaunaServer() as server:
        yield server


@contextmanager
def driver(server: FaunaServer, secret: str = SECRET) -> Iterator[Client]:
    """Give the official driver, which asks once."""
    with closing(httpx.Client()) as client:
        yield Client(server.endpoint, secret, HTTPXClient(client), max_attempts=1)


def sign_in(server: FaunaServer, email: str | None = EMAIL, secret: str = SECRET) -> QuerySuccess:
    with driver(server, secret) as client:
        return client.query(fql(SIMPLE, email=email, seconds=1800))


def body(fragments: object = FRAGMENTS, **more: object) -> bytes:
    return json.dumps({"query": {"fql": fragments}, "arguments": {}, **more}).encode()


def with_fragment(index: int, fragment: object) -> bytes:
    return body([*FRAGMENTS[:index], fragment, *FRAGMENTS[index + 1 :]])


def connect(server: FaunaServer) -> HTTPConnection:
    return HTTPConnection(urlsplit(server.endpoint).netloc, timeout=5)


def ask(connection: HTTPConnection, headers: Mapping[str, str] = HEADERS) -> tuple[int, bytes]:
    connection.request("POST", "/query/1", body(), headers)
    with connection.getresponse() as response:
        return response.status, response.read()


def refusal(
    server: FaunaServer,
    *,
    headers: Mapping[str, str] = HEADERS,
    content: bytes | None = None,
    method: str = "POST",
    path: str = "/query/1",
) -> tuple[int, str, str]:
    """Give the status, code and message of the answer to one request."""
    with closing(connect(server)) as connection:
        connection.request(method, path, body() if content is None else content, headers)
        with connection.getresponse() as response:
            error = json.loads(response.read())["error"]
            return response.status, error["code"], error["message"]


def _request() -> bytes:
    content = body()
    lines = [f"{name}: {value}" for name, value in HEADERS.items()]
    lines += ["Host: x", f"Content-Length: {len(content)}", "\r\n"]
    return "\r\n".join(["POST /query/1 HTTP/1.1", *lines]).encode() + content


def on_the_wire(
    server: FaunaServer, seconds: float = 5, enough: bytes = b"\n never \n"
) -> tuple[bytes, str]:
    """Send one request; give what came within the seconds, or until it is enough, and the end."""
    until, came = monotonic() + seconds, b""
    with closing(socket.create_connection(("127.0.0.1", urlsplit(server.endpoint).port))) as wire:
        try:
            wire.sendall(_request())
            while enough not in came:
                wire.settimeout(max(until - monotonic(), 0.001))
                piece = wire.recv(65536)
                if not piece:
                    return came, "closed"
                came += piece
        except ConnectionError:
            return came, "reset"
        except TimeoutError:
            pass
    return came, "open"


def wait_until(condition: Callable[[], object]) -> None:
    end = monotonic() + 5
    while not condition():
        assert monotonic() < end
        sleep(0.002)


# The official driver


def test_the_driver_mints_a_token(server: FaunaServer) -> None:
    server.now = lambda: NOON

    answer = sign_in(server)

    (document,), (token,) = server.documents, server.tokens
    assert document == Document(document.id, {"email": EMAIL})
    ttl = NOON + timedelta(seconds=1800)
    assert token == IssuedToken(token.id, token.secret, document.id, ttl, None)
    assert answer.data == {"userId": document.id, "token": token.secret, "expires": ttl}
    assert answer.static_type == "{ userId: ID, token: String, expires: Time }"


def test_the_driver_mints_a_pair_of_which_the_access_token_holds_the_id_of_the_refresh_token(
    server: FaunaServer,
) -> None:
    server.now = lambda: NOON

    with driver(server) as client:
        answer = client.query(fql(PAIR, email=EMAIL, seconds=1800, refresh=2**31))

    document, refresh, access = server.documents[0], *server.tokens
    lives = [NOON + timedelta(seconds=seconds) for seconds in (2**31, 1800)]
    holds = {"type": "access", "refresh": refresh.id}
    assert refresh == IssuedToken(
        refresh.id, refresh.secret, document.id, lives[0], {"type": "refresh"}
    )
    assert access == IssuedToken(access.id, access.secret, document.id, lives[1], holds)
    assert answer.data == {
        "userId": document.id,
        "access": access.secret,
        "refresh": refresh.secret,
    }


def test_a_second_sign_in_finds_the_document_of_the_first(server: FaunaServer) -> None:
    first, second = sign_in(server), sign_in(server)

    assert first.data["userId"] == second.data["userId"]
    assert (len(server.documents), len(server.tokens)) == (1, 2)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "invalid_query", errors.QueryCheckError),
        (400, "abort", errors.AbortError),
        (400, "permission_denied", errors.QueryRuntimeError),
        (401, "unauthorized", errors.AuthenticationError),
        (409, "contended_transaction", errors.QueryRuntimeError),
        (429, "limit_exceeded", errors.ThrottlingError),
        (440, "time_out", errors.QueryTimeoutError),
        (500, "internal_error", errors.ServiceInternalError),
    ],
)
def test_the_driver_raises_what_a_status_and_code_stand_for(
    server: FaunaServer, status: int, code: str, error: type[errors.ServiceError]
) -> None:
    server.faults.append(faults.status(status, code))

    with pytest.raises(error) as caught:
        sign_in(server)

    raised = caught.value
    assert (type(raised), raised.status_code, raised.code) == (error, status, code)
    assert server.tokens == []
    assert sign_in(server).data["token"] == server.tokens[0].secret


@pytest.mark.parametrize("email", [None, ""])
def test_nobody_is_refused_with_the_path_of_the_field(
    server: FaunaServer, email: str | None
) -> None:
    with pytest.raises(errors.QueryRuntimeError) as caught:
        sign_in(server, email)

    assert (caught.value.code, caught.value.txn_ts > 0) == ("constraint_failure", True)
    assert [failure.paths for failure in caught.value.constraint_failures] == [[["email"]]]
    assert (server.documents, server.tokens) == ([], [])


# Who may


@pytest.mark.parametrize("secret", [SECRET.lower(), "fnE" + "x" * 48], ids=["key", "token"])
def test_a_wrong_secret_is_unauthorized(server: FaunaServer, secret: str) -> None:
    with pytest.raises(errors.AuthenticationError):
        sign_in(server, secret=secret)


def test_a_token_is_valid_until_its_end_and_may_do_nothing(server: FaunaServer) -> None:
    server.now = lambda: NOON
    secret = sign_in(server).data["token"]

    with pytest.raises(errors.QueryRuntimeError, match="permission_denied"):
        sign_in(server, secret=secret)
    server.now = lambda: NOON + timedelta(seconds=1800)
    with pytest.raises(errors.AuthenticationError):
        sign_in(server, secret=secret)


@pytest.mark.parametrize(
    ("key", "first", "second"),
    [
        (Key(), "", ""),
        (Key(read=False), "", "constraint_failure"),
        (Key(create=False), "permission_denied", ""),
        (Key(mint=False), "permission_denied", "permission_denied"),
        (Key(read=False, create=False), "permission_denied", "permission_denied"),
    ],
)
def test_a_key_does_what_it_has_the_right_to(key: Key, first: str, second: str) -> None:
    with FaunaServer(keys={SECRET: key, "fnAall": Key()}) as server:
        codes = [_code(server)]
        sign_in(server, secret="fnAall")
        codes.append(_code(server))

    assert codes == [first, second]


def _code(server: FaunaServer) -> str:
    try:
        sign_in(server)
    except errors.FaunaError as error:
        return f"{error.code}"
    return ""


# What is refused


def test_the_request_from_which_the_refused_ones_are_made_is_good(server: FaunaServer) -> None:
    with closing(connect(server)) as connection:
        status, content = ask(connection)

    assert (status, set(json.loads(content)["data"])) == (200, {"userId", "token", "expires"})
    assert server.requests[0].body == body()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Type", None),
        ("Content-Type", "text/plain;charset=utf-8"),
        ("X-Format", None),
        ("X-Format", "simple"),
        ("X-Query-Timeout-Ms", None),
        ("X-Query-Timeout-Ms", "0"),
        ("X-Last-Txn-Ts", "yesterday"),
        ("X-Last-Txn-Ts", "1767268800000000"),
    ],
)
def test_a_header_that_is_missing_or_wrong_is_named(
    server: FaunaServer, name: str, value: str | None
) -> None:
    headers = {each: HEADERS[each] for each in HEADERS if each != name}

    status, code, message = refusal(
        server, headers=headers if value is None else headers | {name: value}
    )

    assert (status, code, message.split(":")[0]) == (400, "invalid_request", name)
    assert server.tokens == []


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'{"query": {"fql": ["1"]}}', "body"),
        (body(more=1), "body"),
        (body(arguments=[]), "body"),
        (body(arguments={"a": 1}), "body"),
        (body(query={"fql": FRAGMENTS, "more": 1}), "query.fql"),
        (body([]), "query.fql"),
        (with_fragment(1, {}), "query.fql"),
        (with_fragment(1, {"value": EMAIL, "more": 1}), "query.fql"),
        (with_fragment(1, {"fql": ["1"]}), "query.fql"),
        (with_fragment(5, {"value": 1800}), "value"),
        (with_fragment(5, {"value": {"@int": "1,800"}}), "value"),
        (with_fragment(5, {"value": {"@int": "01800"}}), "value"),
        (with_fragment(5, {"value": {"@int": "2147483648"}}), "value"),
        (with_fragment(5, {"value": {"@long": "1800"}}), "value"),
        (with_fragment(5, {"value": {"@long": "9223372036854775808"}}), "value"),
        (with_fragment(5, {"value": {"@int": "1", "@long": "1"}}), "value"),
        (with_fragment(5, {"value": {"@double": "1800"}}), "value"),
        (with_fragment(5, {"value": {"seconds": 1800}}), "value"),
    ],
)
def test_a_body_that_is_not_the_protocols_is_named(
    server: FaunaServer, content: bytes, named: str
) -> None:
    status, code, message = refusal(server, content=content)

    assert (status, code, message.split(":")[0]) == (400, "invalid_request", named)
    assert server.tokens == []


@pytest.mark.parametrize(
    "content",
    [
        body([{"value": EMAIL}]),
        body([f'Customer.byEmail("{EMAIL}").first()']),
        body([f'{FRAGMENTS[0]}"{EMAIL}"{FRAGMENTS[2]}', *FRAGMENTS[3:]]),
        body([*FRAGMENTS[:4], f"{FRAGMENTS[4]}1800{FRAGMENTS[6]}"]),
        body([f"{FRAGMENTS[0]}\0{FRAGMENTS[2]}", *FRAGMENTS[3:]]),
        body([*FRAGMENTS, "\n1"]),
        body(FRAGMENTS[:6]),
        with_fragment(0, "let user = Product.byEmail("),
        with_fragment(0, "let user = Customer.byemail("),
        with_fragment(2, ").first() ?? Customer.create({ mail: "),
        with_fragment(6, FRAGMENTS[6].replace('"seconds"', '"minutes"')),
        with_fragment(6, FRAGMENTS[6].replace("token.secret!", "token.secret")),
        with_fragment(1, {"value": "eve@example.com"}),
        with_fragment(5, {"value": "1800"}),
        with_fragment(5, {"value": {"@long": "9223372036854775807"}}),
    ],
)
def test_a_query_that_is_not_known_is_refused(server: FaunaServer, content: bytes) -> None:
    assert refusal(server, content=content)[:2] == (400, "invalid_query")
    assert (server.documents, server.tokens) == ([], [])


# Races


class SlowList(list[Document]):
    def append(self, document: Document) -> None:
        sleep(0.02)
        super().append(document)


def test_first_sign_ins_at_once_make_one_document(server: FaunaServer) -> None:
    server.documents = server.store.documents = SlowList()
    barrier = threading.Barrier(8)

    def first_sign_in() -> None:
        with closing(connect(server)) as connection:
            connection.connect()
            barrier.wait()
            ask(connection)

    threads = [threading.Thread(target=first_sign_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(server.documents), len(server.tokens), server.connections) == (1, 8, 8)


def test_a_lost_race_is_answered_once_and_leaves_the_winners_document(server: FaunaServer) -> None:
    server.store.races_to_lose = 1

    assert _code(server) == "contended_transaction"
    assert (len(server.documents), len(server.tokens)) == (1, 0)
    assert _code(server) == ""
    assert (len(server.documents), len(server.tokens)) == (1, 1)


# Faults, as they are seen on the wire


@pytest.mark.parametrize(
    ("fault", "ending", "minted"),
    [
        (faults.hang, "open", 0),
        (faults.hang_before_tls, "open", 0),
        (faults.reset_on_accept, "reset", 0),
        (faults.reset_before, "reset", 1),
    ],
    ids=["hang", "hang_before_tls", "reset_on_accept", "reset_before"],
)
def test_a_fault_before_the_answer_sends_no_byte(
    server: FaunaServer, fault: Fault, ending: str, minted: int
) -> None:
    server.faults.append(fault)

    assert on_the_wire(server, 0.1 if ending == "open" else 5) == (b"", ending)
    assert len(server.tokens) == minted
    assert len(server.requests) == (0 if fault.on_accept else 1)


def test_a_reset_in_the_headers_cuts_them_after_the_mint(server: FaunaServer) -> None:
    server.faults.append(faults.reset_in_headers)

    came, ending = on_the_wire(server)

    assert (came[:15], b"\r\n\r\n" in came, ending) == (b"HTTP/1.1 200 OK", False, "reset")
    assert len(server.tokens) == 1


@pytest.mark.parametrize(
    ("fault", "ending", "whole"),
    [
        (faults.reset_in_body, "reset", False),
        (faults.short_body, "closed", False),
        (faults.reset_after, "reset", True),
        (faults.close_after, "closed", True),
        (faults.half_json, "open", True),
    ],
    ids=["reset_in_body", "short_body", "reset_after", "close_after", "half_json"],
)
def test_a_fault_after_the_headers_cuts_the_body_or_the_connection(
    server: FaunaServer, fault: Fault, ending: str, *, whole: bool
) -> None:
    server.faults.append(fault)

    came, ended = on_the_wire(server, 0.3 if ending == "open" else 5)

    head, _, content = came.partition(b"\r\n\r\n")
    promised = int(head.partition(b"Content-Length: ")[2].split()[0])
    assert b"Connection: keep-alive" in head
    assert (len(content) == promised, ended, len(content) > 50) == (whole, ending, True)
    assert len(server.tokens) == 1


@pytest.mark.parametrize("fault", [faults.drip_headers(0), faults.drip_body(0)])
def test_what_drips_is_complete_in_the_end(server: FaunaServer, fault: Fault) -> None:
    server.faults.append(fault)

    with closing(connect(server)) as connection:
        assert json.loads(ask(connection)[1])["data"]["token"] == server.tokens[0].secret
        assert ask(connection)[0] == 200


@pytest.mark.parametrize(
    ("fault", "more"),
    [
        (faults.drip_headers(0, endless=True), b"X-Endless: xxxxxxxxxx"),
        (faults.drip_body(0, endless=True), b"}          "),
        (faults.endless_100_continue(), b"HTTP/1.1 100 Continue\r\n\r\n" * 10),
    ],
    ids=["headers", "body", "interim"],
)
def test_what_is_endless_goes_on(server: FaunaServer, fault: Fault, more: bytes) -> None:
    server.faults.append(fault)

    came, ending = on_the_wire(server, enough=more)

    assert (more in came, ending) == (True, "open")


@pytest.mark.parametrize("chunked", [False, True])
def test_an_oversized_answer_is_json_with_much_white_space(
    server: FaunaServer, *, chunked: bool
) -> None:
    server.faults.append(faults.oversized(chunked=chunked))

    with closing(connect(server)) as connection:
        connection.request("POST", "/query/1", body(), HEADERS)
        response = connection.getresponse()
        content = response.read()

    assert (response.headers["Transfer-Encoding"] == "chunked") == chunked
    assert (response.headers["Content-Length"] is None) == chunked
    assert len(content.rstrip()) + 8 * 2**20 == len(content)
    assert json.loads(content)["data"]["token"] == server.tokens[0].secret


def test_a_fault_is_taken_by_one_request_in_order(server: FaunaServer) -> None:
    server.faults += [faults.status(500, "internal_error"), faults.status(429, "limit_exceeded")]

    assert [_code(server) for _ in range(3)] == ["internal_error", "limit_exceeded", ""]


def test_a_fault_on_accept_waits_for_the_next_connection(server: FaunaServer) -> None:
    with closing(connect(server)) as connection:
        ask(connection)
        server.faults.append(faults.reset_on_accept)

        assert ask(connection)[0] == 200
        assert on_the_wire(server) == (b"", "reset")
        assert on_the_wire(server, enough=b"}}")[0].startswith(b"HTTP/1.1 200 OK")


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def test_a_good_certificate_is_trusted_by_who_trusts_the_authority(authority: Authority) -> None:
    with (
        FaunaServer(certificate=authority.good()) as server,
        closing(httpx.Client(verify=authority.client_context())) as client,
    ):
        driven = Client(server.endpoint, SECRET, HTTPXClient(client))
        answer = driven.query(fql(SIMPLE, email=EMAIL, seconds=1))

    assert server.endpoint.startswith("https://localhost:")
    assert answer.data["token"] == server.tokens[0].secret


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Authority.expired, "certificate has expired"),
        (Authority.self_signed, "self-signed certificate"),
        (Authority.for_another_host, "Hostname mismatch"),
    ],
)
def test_a_bad_certificate_is_refused_for_its_one_fault(
    authority: Authority, make: Callable[[Authority], Certificate], reason: str
) -> None:
    context = authority.client_context()
    with FaunaServer(certificate=make(authority)) as server:
        address = ("127.0.0.1", urlsplit(server.endpoint).port)
        with (
            socket.create_connection(address) as wire,
            pytest.raises(ssl.SSLCertVerificationError, match=reason),
        ):
            context.wrap_socket(wire, server_hostname="localhost")

    assert server.requests == []


# The end


@pytest.mark.parametrize(
    "fault",
    [
        faults.hang,
        faults.slow(60),
        faults.drip_headers(60),
        faults.oversized(64),
        None,
    ],
    ids=["hang", "slow", "drip", "unread", "idle"],
)
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_closing_ends_every_connection_and_thread_at_once(
    authority: Authority, fault: Fault | None, *, secure: bool
) -> None:
    before = threading.active_count()
    with FaunaServer(certificate=authority.good() if secure else None) as server:
        server.faults += [fault] if fault else []
        wire = _left_open(server, authority.client_context() if secure else None, fault)
        wait_until(lambda: server.requests or server.connections * (not fault))

    with closing(wire):
        assert (_ends(wire), server.open_connections) == (True, 0)
    assert threading.active_count() == before


def _left_open(
    server: FaunaServer, context: ssl.SSLContext | None, fault: Fault | None
) -> socket.socket:
    """Ask, except an idle connection, and do not read."""
    wire = socket.create_connection(("127.0.0.1", urlsplit(server.endpoint).port), 5)
    if context:
        wire = context.wrap_socket(wire, server_hostname="localhost")
    if fault:
        wire.sendall(_request())
    return wire


def _ends(wire: socket.socket) -> bool:
    try:
        while wire.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True
