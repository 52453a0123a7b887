"""Our client and the official driver are one to whoever calls them, on the wire and in every fault."""

import gc
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any, TypeAlias
from weakref import ref

import fauna as driver
import httpx
import pytest
from fauna.client import Client
from fauna.errors import FaunaException
from fauna.http.httpx_client import HTTPXClient
from fauna.query import fql
from fauna.query.query_builder import LiteralFragment, ValueFragment
from fauna.query.query_builder import Query as DriverQuery
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims.clients.connection import tls_context
from cognito_claims.clients.fauna import (
    FaunaClient,
    Query,
    QueryClient,
    Value,
    milliseconds_left,
    query_url,
)
from cognito_claims.clients.fauna_driver import FaunaDriver
from cognito_claims.errors import CognitoClaimsError, DeadlineError, FaunaError, TransportError
from tests.deadlines import at_the_deadline
from tests.stand_ins import fauna_wire as fauna
from tests.stand_ins.certificates import Authority
from tests.stand_ins.fauna import SECRET, FaunaServer
from tests.stand_ins.fauna_wire import Answer, End, Fault, Request, Step

SECONDS = 0.15
EMAIL = "ada@example.com"
PLANTED = "pla" + "nted"  # so that no line of this file holds it, as a traceback would show
NO_ANSWER = "the answer is malformed"
ANSWER = b'{"data": {}}'
PROTOCOL = ("Authorization", "Content-Type", "X-Format", "X-Last-Txn-Ts")
OF_HTTP = ("Accept-Encoding", "Content-Length", "Host")
Outcome: TypeAlias = tuple[type, dict[str, Any]]


def sign_in(email: str = EMAIL) -> Query:
    return (
        *("let user = Customer.byEmail(", Value(email), ").first() ?? Customer.create({ email: "),
        *(Value(email), " })\nlet token = Token.create({ document: user, ttl: Time.now().add("),
        *(Value(1800), ', "seconds") })\n'),
        "{ userId: user.id, token: token.secret!, expires: token.ttl! }",
    )


@pytest.fixture
def server() -> Iterator[FaunaServer]:
    with FaunaServer() as server:
        yield server


@pytest.fixture(params=[FaunaClient, FaunaDriver])
def make(request: pytest.FixtureRequest) -> Callable[[str], QueryClient]:
    made: Callable[[str], QueryClient] = request.param
    return made


@pytest.fixture
def client(make: Callable[[str], QueryClient], server: FaunaServer) -> QueryClient:
    return make(server.endpoint)


def ask(
    client: QueryClient, seconds: float = 5, query: Query | None = None, secret: str = SECRET
) -> Mapping[str, str]:
    query = sign_in() if query is None else query
    return client.query(query, secret, deadline=monotonic() + seconds)


def says(*steps: Step) -> Fault:
    return Fault(lambda _: steps)


def answers(body: bytes, status: int = 200) -> Fault:
    return says(Answer(status, body).wire)


def outcome_of(client: QueryClient, server: FaunaServer, seconds: float = 5) -> Outcome:
    """Give the class and the attributes of what a query raises, after a search for what it repeats."""
    with pytest.raises(CognitoClaimsError) as caught:
        ask(client, seconds)
    told = "".join(texts(caught.value))
    kept = [SECRET, EMAIL, PLANTED, "stand-in", "<h1>", *(token.secret for token in server.tokens)]
    assert [each for each in kept if each in told] == []
    return type(caught.value), vars(caught.value)


def texts(error: BaseException | None) -> Iterator[str]:
    """Give all that an exception and those that it came from hold, suppressed ones included."""
    if error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield from texts(error.__cause__)
        yield from texts(error.__context__)


def refused(status: int, code: str, *, is_transient: bool = False) -> Outcome:
    return FaunaError, {"status": status, "fauna_code": code, "is_transient": is_transient}


def late(stage: str) -> Outcome:
    return DeadlineError, {"stage": stage}


def failed(stage: str, problem: str, *, is_transient: bool = True) -> Outcome:
    return TransportError, {"stage": stage, "problem": problem, "is_transient": is_transient}


def header(server: FaunaServer, name: str) -> list[str | None]:
    return [request.headers[name] for request in server.requests]


# A query and its answer


def test_a_query_gives_the_strings_of_its_result(client: QueryClient, server: FaunaServer) -> None:
    minted = ask(client)

    (document,), (token,) = server.documents, server.tokens
    assert document.data == {"email": EMAIL}
    assert minted == {"userId": document.id, "token": token.secret}  # and no time


def test_what_is_no_string_is_left_out(client: QueryClient, server: FaunaServer) -> None:
    data = {"a": "b", "n": None, "i": {"@int": "1"}, "t": {"@time": "2026-01-01T00:00:00Z"}}
    server.faults.append(answers(json.dumps({"data": data | {"y": True, "l": ["x"]}}).encode()))

    assert ask(client) == {"a": "b"}


def test_values_travel_beside_the_text_as_tagged_values(
    client: QueryClient, server: FaunaServer
) -> None:
    ints = (0, 1800, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**63 - 1)
    server.faults.append(answers(ANSWER))

    ask(client, query=("text(", Value('"}) ${x} \u2028'), *map(Value, ints), ")"))

    tags = ("@int", "@int", "@int", "@long", "@int", "@long", "@long")
    tagged = [{"value": {tag: str(i)}} for tag, i in zip(tags, ints, strict=True)]
    fragments = ["text(", {"value": '"}) ${x} \u2028'}, *tagged, ")"]
    sent = json.loads(server.requests[0].body)
    assert sent == {"query": {"fql": fragments}, "arguments": {}}


def test_a_request_says_what_the_protocol_asks_for(
    client: QueryClient, server: FaunaServer
) -> None:
    ask(client)

    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/query/1")
    assert [request.headers.get_all(name) for name in (*PROTOCOL, "Accept-Encoding")] == [
        [f"Bearer {SECRET}"],
        ["application/json;charset=utf-8"],
        ["tagged"],
        None,
        ["identity"],
    ]


@pytest.mark.parametrize(
    ("made", "others"), [(FaunaClient, []), (FaunaDriver, ["X-Driver", "X-Driver-Env"])]
)
def test_a_request_says_no_more(
    server: FaunaServer, made: Callable[[str], QueryClient], others: list[str]
) -> None:
    client = made(server.endpoint)
    ask(client)
    ask(client)

    said = sorted({*PROTOCOL, *OF_HTTP, "X-Query-Timeout-Ms", *others})
    assert sorted(server.requests[1].headers.keys()) == said


def test_an_endpoint_may_end_in_a_slash_or_have_a_path(
    make: Callable[[str], QueryClient], server: FaunaServer
) -> None:
    ask(make(f"{server.endpoint}/"))
    server.faults.append(answers(ANSWER))
    ask(make(f"{server.endpoint}/behind/a/proxy/"))

    paths = [request.path for request in server.requests]
    assert paths == ["/query/1", "/behind/a/proxy/query/1"]
    assert query_url("https://fauna.example") == "https://fauna.example/query/1"


@pytest.mark.parametrize("endpoint", ["", "http://fauna.example", "https://fauna.example?a=b"])
def test_an_endpoint_that_cannot_be_one_is_refused(
    make: Callable[[str], QueryClient], endpoint: str
) -> None:
    with pytest.raises(ValueError, match=r"^(expected a URL|must )"):
        make(endpoint)


def test_fauna_may_take_what_is_left(client: QueryClient, server: FaunaServer) -> None:
    ask(client, seconds=4)
    server.faults += [fauna.status(503, "time_out")]
    ask(client, seconds=2)

    first, second, third = (int(each or "") for each in header(server, "X-Query-Timeout-Ms"))
    assert 3800 < first <= 4000
    assert 1800 < second <= 2000
    assert third <= second - 45  # after an attempt and a pause


def test_fauna_may_take_a_millisecond_at_least() -> None:
    assert milliseconds_left(monotonic() + 0.0009) == 1
    with pytest.raises(DeadlineError) as caught:
        milliseconds_left(monotonic())
    assert caught.value.stage == "sending the request"


# Timestamps


def timed(txn_ts: object, status: int = 200) -> Fault:
    error = {"code": "abort", "message": PLANTED}
    return answers(json.dumps({"data": {}, "error": error, "txn_ts": txn_ts}).encode(), status)


def test_from_the_second_query_on_the_latest_timestamp_is_said(
    client: QueryClient, server: FaunaServer
) -> None:
    server.faults += [timed(5), timed(3), timed(7), timed(6)]

    for _ in range(4):
        ask(client)
    ask_in_vain(client)

    assert header(server, "X-Last-Txn-Ts") == [None, "5", "5", "7", "7"]


def ask_in_vain(client: QueryClient) -> None:
    with suppress(FaunaError):
        ask(client)


def test_a_refusal_says_no_timestamp(client: QueryClient, server: FaunaServer) -> None:
    server.faults += [timed(5), timed(9, 400), timed(5)]

    ask(client)
    ask_in_vain(client)
    ask(client)

    assert header(server, "X-Last-Txn-Ts") == [None, "5", "5"]


def test_without_a_timestamp_none_is_said(server: FaunaServer) -> None:
    client = FaunaClient(server.endpoint)
    server.faults += [
        timed(None),
        timed("5"),
        timed([]),
        answers(b'{"data": {}, "txn_ts": true}'),
        timed(1 << 63),
        answers(ANSWER),
    ]

    for _ in range(6):
        ask(client)

    assert header(server, "X-Last-Txn-Ts") == [None] * 6


def test_a_value_hides_itself() -> None:
    assert repr(("let a = ", Value(PLANTED))) == "('let a = ', Value(***))"


def test_a_query_that_ends_late_does_not_set_the_timestamp_back(
    client: QueryClient, server: FaunaServer
) -> None:
    asked = Event()
    early = Answer(200, b'{"data": {}, "txn_ts": 5}').wire
    server.faults.append(Fault(lambda _: (early for _ in [asked.wait(5)])))
    thread = Thread(target=ask, args=(client,))
    thread.start()
    until(lambda: server.requests)
    server.faults += [timed(7), timed(8)]

    ask(client)
    asked.set()
    thread.join()
    ask(client)

    assert header(server, "X-Last-Txn-Ts") == [None, None, "7"]


def until(condition: Callable[[], object]) -> None:
    end = monotonic() + 5
    while not condition():
        assert monotonic() < end
        sleep(0.002)


# Refusals


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_query"),
        (400, "permission_denied"),
        (400, "unauthorized"),
        (401, "unauthorized"),
        (404, "time_out"),
        (440, "time_out"),
    ],
)
def test_a_refusal_that_lasts_is_told_by_status_and_code_at_once(
    client: QueryClient, server: FaunaServer, status: int, code: str
) -> None:
    server.faults.append(fauna.status(status, code))

    assert outcome_of(client, server) == refused(status, code)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "contended_transaction"),
        (429, "limit_exceeded"),
        (503, "time_out"),
        (504, "gateway_timeout"),
    ],
)
def test_a_refusal_that_may_pass_is_told_after_a_second_attempt(
    client: QueryClient, server: FaunaServer, status: int, code: str
) -> None:
    server.faults += [fauna.status(status, code)] * 2

    assert outcome_of(client, server) == refused(status, code, is_transient=True)
    assert len(server.requests) == 2
    assert ask(client)["token"] == server.tokens[0].secret


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"\xff",
        b'{"error": "unauthorized"}',
        b'{"error": {"code": ["abort"]}}',
        b'{"error": {"code": "Abort"}}',
        f'{{"error": {{"code": "{PLANTED}", "message": "{PLANTED}"}}}}'.encode(),
        f"<h1>{PLANTED}</h1>".encode(),
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("status", [302, 400])
def test_a_code_that_is_none_of_faunas_is_unknown(
    client: QueryClient, server: FaunaServer, status: int, body: bytes
) -> None:
    server.faults.append(answers(body, status))

    assert outcome_of(client, server) == refused(status, "unknown")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "abort", "Fauna: abort (HTTP 400)"),
        (
            400,
            "constraint_failure",
            "Fauna: constraint_failure (HTTP 400): the key may lack the right to read the collection",
        ),
        (
            400,
            "permission_denied",
            "Fauna: permission_denied (HTTP 400): the key lacks a right that the query needs",
        ),
        (
            401,
            "unauthorized",
            "Fauna: unauthorized (HTTP 401): the key is unknown, revoked or expired",
        ),
    ],
)
def test_a_refusal_says_what_to_change(
    client: QueryClient, server: FaunaServer, status: int, code: str, message: str
) -> None:
    server.faults.append(fauna.status(status, code))

    with pytest.raises(FaunaError) as caught:
        ask(client)

    assert str(caught.value) == message


@pytest.mark.parametrize("secret", ["fnAEother", ""])
def test_a_wrong_secret_is_told_and_not_repeated(
    client: QueryClient, server: FaunaServer, secret: str
) -> None:
    with pytest.raises(FaunaError) as caught:
        ask(client, secret=secret)

    assert vars(caught.value) == refused(401, "unauthorized")[1]
    assert header(server, "Authorization") == [f"Bearer {secret}"]
    assert "fnAEother" not in "".join(texts(caught.value))


@pytest.mark.parametrize("secret", [f"{PLANTED}\n", f"{PLANTED}\u20ac"])
def test_a_secret_that_cannot_be_sent_is_not_repeated(
    client: QueryClient, server: FaunaServer, secret: str
) -> None:
    with pytest.raises(TransportError) as caught:
        ask(client, secret=secret)

    assert (caught.value.stage, caught.value.is_transient) == ("sending the request", False)
    assert PLANTED not in "".join(texts(caught.value))
    assert server.requests == []


@pytest.mark.parametrize(
    "fault",
    [fauna.status(400, "abort"), fauna.html, fauna.half_json, fauna.oversized_headers()],
    ids=["refused", "html", "half", "headers"],
)
def test_an_error_does_not_keep_itself_alive_and_the_secret_with_it(
    client: QueryClient, server: FaunaServer, fault: Fault
) -> None:
    server.faults.append(fault)
    gc.disable()
    try:
        assert error_of(client)() is None
    finally:
        gc.enable()


def error_of(client: QueryClient) -> ref[BaseException]:
    try:
        ask(client)
    except CognitoClaimsError as error:
        return ref(error)
    raise AssertionError


# Answers that are none


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"data": null}',
        b'{"data": {"@int": "1"}, ',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"data": {}, "txn_ts": ' + b"9" * 5000 + b"}",
        f"<h1>{PLANTED}</h1>".encode(),
    ],
    ids=lambda body: body[:20],
)
def test_an_answer_without_a_result_is_none_of_faunas(
    client: QueryClient, server: FaunaServer, body: bytes
) -> None:
    server.faults.append(answers(body))

    assert outcome_of(client, server) == refused(200, NO_ANSWER)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [fauna.wrong_shape, fauna.null_secret], ids=["shape", "null"])
def test_an_answer_without_a_secret_has_none(
    client: QueryClient, server: FaunaServer, fault: Fault
) -> None:
    server.faults.append(fault)

    assert ask(client) == {"userId": "412345678901234567"}


# Connections


@pytest.mark.parametrize(
    "fault",
    [
        fauna.reset_on_accept,
        fauna.reset_before,
        fauna.reset_in_headers,
        fauna.reset_in_body,
        fauna.short_body,
        fauna.bad_gateway,
        says(b"HTTP/1.1 200 OK\r\nContent-", End.CLOSE),
    ],
    ids=["accept", "before", "in-headers", "in-body", "short", "gateway", "short-headers"],
)
def test_what_may_pass_is_tried_once_more(
    client: QueryClient, server: FaunaServer, fault: Fault
) -> None:
    server.faults.append(fault)

    assert ask(client)["token"] == server.tokens[-1].secret
    assert len(server.documents) == 1


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (fauna.reset_before, failed("waiting for the answer", "ConnectionResetError")),
        (fauna.short_body, failed("reading the answer", "the answer ends too early")),
        (fauna.bad_gateway, refused(502, "unknown", is_transient=True)),
    ],
    ids=["reset", "short", "gateway"],
)
def test_there_is_no_third_attempt(
    client: QueryClient, server: FaunaServer, fault: Fault, outcome: Outcome
) -> None:
    server.faults += [fault] * 3

    assert outcome_of(client, server) == outcome
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (fauna.oversized(), "more than 262144 bytes"),
        (fauna.oversized(chunked=True), "more than 262144 bytes"),
        (fauna.oversized_headers(), "LineTooLong"),
        (fauna.oversized_headers(101, 1000), "HTTPException"),
        (says(f"{PLANTED}\r\n".encode()), "BadStatusLine"),
    ],
    ids=["length", "chunked", "one-header", "many-headers", "no-http"],
)
def test_what_would_come_again_is_not_asked_for_again(
    client: QueryClient, server: FaunaServer, fault: Fault, problem: str
) -> None:
    server.faults.append(fault)

    outcome = outcome_of(client, server)

    assert outcome == failed("reading the answer", problem, is_transient=False)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "stage"),
    [
        (fauna.hang, "waiting for the answer"),
        (fauna.hang_before_tls, "waiting for the answer"),
        (fauna.slow(1), "waiting for the answer"),
        (fauna.drip_headers(0.02), "reading the answer"),
        (fauna.drip_body(0.02), "reading the answer"),
        (fauna.drip_headers(0.01, endless=True), "reading the answer"),
        (fauna.drip_body(0.01, endless=True), "reading the answer"),
    ],
    ids=["hang", "accept", "slow", "headers", "body", "endless-headers", "endless-body"],
)
def test_an_answer_is_waited_for_until_the_deadline_and_not_asked_for_again(
    client: QueryClient, server: FaunaServer, fault: Fault, stage: str
) -> None:
    server.faults.append(fault)

    with at_the_deadline(SECONDS):
        assert outcome_of(client, server, SECONDS) == late(stage)
    assert server.connections == 1


def test_both_attempts_end_at_one_deadline(client: QueryClient, server: FaunaServer) -> None:
    server.faults += [fauna.status(503, "time_out"), fauna.hang]

    with at_the_deadline(0.4):
        assert outcome_of(client, server, 0.4) == late("waiting for the answer")
    assert len(server.requests) == 2


def test_near_the_deadline_nothing_is_tried_again(client: QueryClient, server: FaunaServer) -> None:
    refusal = fauna.status(503, "time_out")
    server.faults.append(Fault(lambda ask: [0.25, *refusal.steps(ask)]))

    outcome = outcome_of(client, server, 0.39)

    assert outcome == refused(503, "time_out", is_transient=True)
    assert len(server.requests) == 1


def test_after_the_deadline_nothing_is_sent(client: QueryClient, server: FaunaServer) -> None:
    assert outcome_of(client, server, 0) == late("sending the request")
    assert server.connections == 0


def test_no_redirect_is_followed(client: QueryClient, server: FaunaServer) -> None:
    server.faults.append(fauna.redirect)

    assert outcome_of(client, server) == refused(302, "unknown")
    assert (server.redirect_was_followed, server.connections) == (False, 1)


def test_a_connection_is_kept_and_opened_again(client: QueryClient, server: FaunaServer) -> None:
    ask(client)
    ask(client)
    server.faults.append(fauna.close_after)
    ask(client)
    until(lambda: server.open_connections == 0)
    ask(client)

    assert [request.connection for request in server.requests] == [1, 1, 1, 2]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    tls_context.cache_clear()
    yield authority
    tls_context.cache_clear()


def test_over_tls_a_query_is_the_same(
    make: Callable[[str], QueryClient], trusted: Authority
) -> None:
    with FaunaServer(certificate=trusted.good()) as server:
        client = make(server.endpoint)

        assert [ask(client)["token"], ask(client)["token"]] == [t.secret for t in server.tokens]
        assert server.connections == 1


# The driver's traps


@pytest.mark.parametrize(
    "fault",
    [
        Fault(lambda ask: [ask().wire]),
        fauna.status(400, "constraint_failure"),
        fauna.html,
        fauna.reset_in_body,
        fauna.hang,
    ],
    ids=["well", "refused", "html", "reset", "hang"],
)
def test_nothing_is_logged(
    client: QueryClient, server: FaunaServer, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("fauna", "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=name)
    server.faults.append(fault)

    with suppress(CognitoClaimsError):
        ask(client, SECONDS)

    assert caplog.records == []
    assert len(server.requests) >= 1


def test_nothing_is_taken_from_the_environment(
    make: Callable[[str], QueryClient], server: FaunaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaunaServer() as other:
        monkeypatch.setenv("FAUNA_ENDPOINT", other.endpoint)
        monkeypatch.setenv("FAUNA_SECRET", PLANTED)
        client = make(server.endpoint)

        ask(client)
        with pytest.raises(FaunaError):
            ask(client, secret="")

    assert (other.connections, driver.global_http_client) == (0, None)
    assert header(server, "Authorization") == [f"Bearer {SECRET}", "Bearer "]


# The driver as an oracle


def recorded(server: FaunaServer, action: Callable[[], object]) -> Request:
    """Give the one request that an action sends; what is answered does not matter."""
    before = len(server.requests)
    with suppress(CognitoClaimsError, FaunaException):
        action()
    (request,) = server.requests[before:]
    return request


@contextmanager
def plain_driver(server: FaunaServer) -> Iterator[Client]:
    """Give the driver as it comes, over its own transport."""
    with closing(httpx.Client()) as client:
        yield Client(server.endpoint, SECRET, HTTPXClient(client), max_attempts=1)


def said(request: Request) -> dict[str, object]:
    """Give what is said in the protocol's words."""
    headers = {name: request.headers.get_all(name) for name in PROTOCOL}
    has_timeout = (request.headers["X-Query-Timeout-Ms"] or "").isdecimal()
    sent = json.loads(request.body)
    return headers | {"timeout": has_timeout, "body": sent | {"query": joined(sent["query"])}}


def joined(query: Mapping[str, list[object]]) -> list[object]:
    """Give a query's fragments, with neighbouring texts as one: where texts are cut means nothing."""
    fragments: list[object] = []
    for each in query["fql"]:
        if isinstance(each, str) and fragments and isinstance(fragments[-1], str):
            fragments[-1] += each
        elif each != "":
            fragments.append(each)
    return fragments


def as_driver_query(query: Query) -> DriverQuery:
    """Give a query in the driver's own words: a template, or fragments where a template has no words for it."""
    texts = [part for part in query if isinstance(part, str)]
    if any("$" in text for text in texts):
        return DriverQuery(
            [LiteralFragment(p) if isinstance(p, str) else ValueFragment(p.value) for p in query]
        )
    values = {f"v{i}": part.value for i, part in enumerate(query) if isinstance(part, Value)}
    parts = [part if isinstance(part, str) else f"${{v{i}}}" for i, part in enumerate(query)]
    return fql("".join(parts), **values)


TEXT = st.text() | st.text(alphabet="${}\"'\\\n\u2028\u0000ab@", max_size=20)
INT = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**31, 2**31 - 1, -(2**31) - 1])
QUERIES = st.lists(TEXT | st.builds(Value, TEXT | INT), max_size=8).map(tuple)


def test_any_query_is_on_the_wire_what_the_driver_makes_of_it() -> None:
    with FaunaServer() as server, plain_driver(server) as plain:
        clients: list[QueryClient] = [FaunaClient(server.endpoint), FaunaDriver(server.endpoint)]

        @given(QUERIES)
        def same(query: Query) -> None:
            oracle = said(recorded(server, lambda: plain.query(as_driver_query(query))))
            for client in clients:
                request = recorded(server, partial(ask, client, query=query))
                assert said(request) == oracle

        same()


def test_a_second_query_says_what_the_drivers_says(server: FaunaServer) -> None:
    ours, ours_driven = FaunaClient(server.endpoint), FaunaDriver(server.endpoint)
    requests = list[dict[str, object]]()
    with plain_driver(server) as plain:
        queries: list[Callable[[], object]] = [
            lambda: plain.query(as_driver_query(sign_in())),
            lambda: ask(ours),
            lambda: ask(ours_driven),
        ]
        for query in queries:
            server.faults.append(timed(1700000000000000))
            query()
            server.faults.append(timed(1700000000000001))
            requests.append(said(recorded(server, query)))

    assert requests == [requests[0]] * 3
    assert requests[0]["X-Last-Txn-Ts"] == ["1700000000000000"]
