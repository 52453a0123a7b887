"""One request is one answer, whole and before the deadline, or one error that repeats nothing of the other side."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http.client import HTTPResponse
from itertools import chain, repeat
from threading import Event, Thread
from time import monotonic, sleep, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims import deadline as clocks
from cognito_claims.clients import connection, http
from cognito_claims.clients.connection import tls_context
from cognito_claims.clients.http import HttpClient, Response, url_problem
from cognito_claims.errors import CognitoClaimsError, DeadlineError, TransportError
from tests.deadlines import at_the_deadline
from tests.stand_ins import fauna_wire as fauna
from tests.stand_ins.certificates import Authority
from tests.stand_ins.fauna import FaunaServer
from tests.stand_ins.fauna_wire import End, Fault, Step

SECONDS = 0.15
PLANTED = "pla" + "nted"  # so that no line of this file holds it, as a traceback would show
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WAITING, READING = "waiting for the answer", "reading the answer"
CLOSED = "the connection was closed"


def says(*steps: Step) -> Fault:
    return Fault(lambda _: steps)


def whole(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def drips(start: bytes, drop: bytes) -> Fault:
    return Fault(lambda _: chain([start], chain.from_iterable(repeat((drop, 0.01)))))


@pytest.fixture
def server() -> Iterator[FaunaServer]:
    with FaunaServer() as server:
        yield server


@pytest.fixture
def client(server: FaunaServer) -> HttpClient:
    return HttpClient(f"{server.endpoint}/place")


def ask(
    client: HttpClient,
    seconds: float = 5,
    headers: Mapping[str, str] = {},
    body: bytes = b"",
) -> Response:
    return client.request("POST", headers, body, deadline=monotonic() + seconds)


def refused(action: Callable[[], object]) -> tuple[type, dict[str, Any]]:
    """Give the class and the attributes of what an action raises, in which nothing is repeated."""
    with pytest.raises(CognitoClaimsError) as caught:
        action()
    assert PLANTED not in "".join(texts(caught.value))
    return type(caught.value), vars(caught.value)


def texts(error: BaseException | None) -> Iterator[str]:
    """Give all that an exception and those that it came from hold, suppressed ones included."""
    if error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield from texts(error.__cause__)
        yield from texts(error.__context__)


def late(stage: str) -> tuple[type, dict[str, Any]]:
    return DeadlineError, {"stage": stage}


def failed(stage: str, problem: str, *, is_transient: bool = True) -> tuple[type, dict[str, Any]]:
    return TransportError, {"stage": stage, "problem": problem, "is_transient": is_transient}


def until(condition: Callable[[], object]) -> None:
    end = monotonic() + 5
    while not condition():
        assert monotonic() < end
        sleep(0.002)


# A request and its answer


def test_a_request_is_what_was_asked_for_and_no_more(
    client: HttpClient, server: FaunaServer
) -> None:
    server.faults.append(says(whole(b"answer")))

    assert ask(client, headers={"X-One": "1"}, body=b"body") == (200, b"answer")

    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/place", b"body")
    assert request.headers.items() == [
        ("Host", server.endpoint.removeprefix("http://")),
        ("Accept-Encoding", "identity"),
        ("Content-Length", "4"),
        ("X-One", "1"),
    ]


def test_another_method_may_have_no_body(client: HttpClient, server: FaunaServer) -> None:
    server.faults.append(says(whole(b"")))

    assert client.request("GET", {}, b"", deadline=monotonic() + 5) == (200, b"")
    assert [request.method for request in server.requests] == ["GET"]


def test_a_url_without_a_path_is_for_the_root(server: FaunaServer) -> None:
    server.faults.append(says(whole(b"")))

    ask(HttpClient(server.endpoint))

    assert [request.path for request in server.requests] == ["/"]


@pytest.mark.parametrize(
    ("wire", "response"),
    [
        (whole(b"no", b"503 Unavailable"), (503, b"no")),
        (whole(b"", b"204 No Content"), (204, b"")),
        (CHUNKED + b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\nTrailer: x\r\n\r\n", (200, b"abc")),
        (HEAD + b"\r\nuntil the close", (200, b"until the close")),
        (b"HTTP/1.0 200 OK\r\n\r\nold", (200, b"old")),
        (b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" * 3 + whole(b"final"), (200, b"final")),
        (HEAD + b"Content-Length: 262000\r\n\r\n" + b"x" * 262000, (200, b"x" * 262000)),
    ],
    ids=["error", "empty", "chunked", "until-close", "HTTP/1.0", "interim", "large"],
)
def test_an_answer_may_come_in_any_form(
    client: HttpClient, server: FaunaServer, wire: bytes, response: tuple[int, bytes]
) -> None:
    server.faults.append(says(wire, End.CLOSE))

    assert ask(client) == response


def test_nothing_is_printed_whatever_the_process_has_set(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("http.client.HTTPConnection.debuglevel", 1)

    ask(client, headers={"Authorization": PLANTED}, body=PLANTED.encode())

    assert capfd.readouterr() == ("", "")


def test_a_response_hides_its_body() -> None:
    assert repr(Response(200, PLANTED.encode())) == "Response(status=200)"


def test_a_kept_connection_that_the_server_meant_to_close_is_opened_again(
    client: HttpClient, server: FaunaServer
) -> None:
    too_late = says(whole(b"", b"408 Request Timeout"))
    server.faults += [says(whole(b"one")), too_late, says(whole(b"two")), too_late]
    ask(client)

    assert ask(client) == (200, b"two")
    assert ask(HttpClient(server.endpoint)) == (408, b"")
    assert server.connections == 3


def test_no_redirect_is_followed(client: HttpClient, server: FaunaServer) -> None:
    server.faults.append(fauna.redirect)

    assert ask(client) == (302, b"")
    assert (server.redirect_was_followed, len(server.requests)) == (False, 1)


def test_no_proxy_is_asked(
    client: HttpClient, server: FaunaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    server.faults.append(says(whole(b"direct")))

    assert ask(client) == (200, b"direct")


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"Authorization": f"Bearer {PLANTED}\n"}, "ValueError"),
        ({"Authorization": f"Bearer {PLANTED}\u20ac"}, "UnicodeEncodeError"),
    ],
)
def test_a_header_that_cannot_be_sent_is_not_repeated(
    client: HttpClient, server: FaunaServer, headers: Mapping[str, str], problem: str
) -> None:
    outcome = refused(lambda: ask(client, headers=headers))

    assert outcome == failed("sending the request", problem, is_transient=False)
    assert server.requests == []


# The deadline


@pytest.mark.parametrize(
    ("fault", "stage"),
    [
        (fauna.hang, WAITING),
        (fauna.slow(0.5), WAITING),
        (drips(b"", b"H"), READING),
        (drips(HEAD + b"X-Endless: ", b"x"), READING),
        (drips(HEAD, b"X: y\r\n"), READING),
        (drips(HEAD + b"Content-Length: 1000\r\n\r\n", b"x"), READING),
        (drips(HEAD + b"\r\n", b"x"), READING),
        (drips(CHUNKED, b"1\r\nx\r\n"), READING),
        (drips(CHUNKED, b"0"), READING),
        (drips(CHUNKED + b"0\r\n", b"X: y\r\n"), READING),
        (drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), READING),
        (fauna.drip_headers(0.01, endless=True), READING),
        (fauna.drip_body(0.01, endless=True), READING),
        (says(CHUNKED + b"ffffffffffff\r\nx", End.HANG), READING),
        (says(HEAD + b"Content-Length: 10000000000000\r\n\r\nx", End.HANG), READING),
    ],
    ids=[
        *("silence", "slow", "status", "header", "headers", "body", "until-close", "chunks"),
        *("chunk-size", "trailers", "interim", "stand-in-headers", "stand-in-body"),
        *("huge-chunk", "huge-length"),
    ],
)
def test_an_answer_is_waited_for_until_the_deadline(
    client: HttpClient, server: FaunaServer, fault: Fault, stage: str
) -> None:
    server.faults.append(fault)

    with at_the_deadline(SECONDS):
        assert refused(lambda: ask(client, SECONDS)) == late(stage)
    assert len(server.requests) == 1


def test_a_server_that_does_not_read_is_waited_for_until_the_deadline(
    client: HttpClient, server: FaunaServer
) -> None:
    server.faults.append(fauna.hang_before_tls)

    with at_the_deadline(SECONDS):
        outcome = refused(lambda: ask(client, SECONDS, body=bytes(1 << 25)))

    assert outcome == late("sending the request")


def test_on_a_kept_connection_the_deadline_is_the_new_requests(
    client: HttpClient, server: FaunaServer
) -> None:
    server.faults += [says(whole(b"")), fauna.hang]
    ask(client)

    with at_the_deadline(SECONDS):
        assert refused(lambda: ask(client, SECONDS)) == late(WAITING)
    assert (server.connections, len(server.requests)) == (1, 2)


def test_after_the_deadline_nothing_is_sent(client: HttpClient, server: FaunaServer) -> None:
    assert refused(lambda: ask(client, 0)) == late("connecting")
    server.faults.append(says(whole(b"")))
    ask(client)

    assert refused(lambda: ask(client, 0)) == late("sending the request")
    assert (server.connections, len(server.requests)) == (1, 1)


def test_an_answer_that_was_read_before_a_freeze_is_late_after_it(
    client: HttpClient, server: FaunaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = [0.0]
    read = HTTPResponse.read

    def read_and_freeze(self: HTTPResponse, most: int) -> bytes:
        body = read(self, most)
        frozen[0] = 100
        return body

    monkeypatch.setattr(HTTPResponse, "read", read_and_freeze)
    monkeypatch.setattr(connection, "monotonic", lambda: monotonic() + frozen[0])
    server.faults.append(says(whole(b"answer")))

    assert refused(lambda: ask(client, SECONDS)) == late(READING)
    until(lambda: server.open_connections == 0)


# What is not an answer


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ([End.CLOSE], failed(WAITING, CLOSED)),
        ([End.RESET], failed(WAITING, "ConnectionResetError")),
        ([b"HTTP/1.1 20", End.CLOSE], failed(READING, CLOSED)),
        ([HEAD, End.CLOSE], failed(READING, CLOSED)),
        ([HEAD + b"Content-Le", End.CLOSE], failed(READING, CLOSED)),
        ([whole(b"answer")[:-1], End.CLOSE], failed(READING, "the answer ends too early")),
        ([CHUNKED + b"5", End.CLOSE], failed(READING, CLOSED)),
        ([CHUNKED + b"5\r\nx", End.CLOSE], failed(READING, "IncompleteRead")),
        ([CHUNKED + b"0\r\n", End.CLOSE], failed(READING, CLOSED)),
        ([CHUNKED + b"ffffffffffff\r\nx", End.CLOSE], failed(READING, "IncompleteRead")),
    ],
)
def test_an_answer_that_is_cut_may_come_whole_another_time(
    client: HttpClient, server: FaunaServer, steps: list[Step], outcome: tuple[type, object]
) -> None:
    server.faults.append(says(*steps))

    assert refused(lambda: ask(client)) == outcome
    assert (server.connections, len(server.requests)) == (1, 1)


@pytest.mark.parametrize(
    ("wire", "problem"),
    [
        (f"SSH-2.0-{PLANTED}\r\n", "BadStatusLine"),
        (f"HTTP/1.1 2OO {PLANTED}\r\n\r\n", "BadStatusLine"),
        (f"HTTP/2 200 {PLANTED}\r\n\r\n", "UnknownProtocol"),
        (f"HTTP/1.1 200 OK\r\nX: {PLANTED * 20_000}\r\n\r\n", "LineTooLong"),
        ("HTTP/1.1 200 OK\r\n" + f"X: {PLANTED}\r\n" * 101 + "\r\n", "HTTPException"),
    ],
    ids=["other-protocol", "status", "version", "one-header", "many-headers"],
)
def test_what_is_not_http_will_not_be_another_time(
    client: HttpClient, server: FaunaServer, wire: str, problem: str
) -> None:
    server.faults.append(says(wire.encode()))

    outcome = refused(lambda: ask(client))

    assert outcome == failed(READING, problem, is_transient=False)
    assert len(server.requests) == 1


def test_what_stands_in_a_broken_chunk_is_not_repeated(
    client: HttpClient, server: FaunaServer
) -> None:
    content = f"1\r\nx\r\n{PLANTED}\r\n{PLANTED}".encode()
    server.faults.append(says(CHUNKED + content))

    assert refused(lambda: ask(client)) == failed(READING, "IncompleteRead")


@pytest.mark.parametrize(
    "fault",
    [
        fauna.oversized(),
        fauna.oversized(chunked=True),
        Fault(lambda _: chain([HEAD + b"\r\n"], repeat(b" " * 65536))),
        Fault(lambda _: chain([CHUNKED], repeat(b"10000\r\n" + b" " * 65536 + b"\r\n"))),
        Fault(lambda _: chain([CHUNKED + b"0\r\n"], repeat(b"X: y\r\n" * 1000))),
        Fault(lambda _: repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)),
    ],
    ids=["length", "chunked", "until-close", "chunks", "trailers", "interim"],
)
def test_an_answer_has_no_more_than_a_mebibyte(
    client: HttpClient, server: FaunaServer, fault: Fault
) -> None:
    server.faults.append(fault)

    outcome = refused(lambda: ask(client))

    assert outcome == failed(READING, "more than 262144 bytes", is_transient=False)
    until(lambda: server.open_connections == 0)


@pytest.mark.parametrize(
    "wire", [b"nonsense\r\n", HEAD + b"Content-Length: 9\r\n\r\n", CHUNKED + b"zz\r\n"]
)
def test_a_failed_exchange_closes_its_connection(
    client: HttpClient, server: FaunaServer, wire: bytes
) -> None:
    server.faults.append(says(wire))

    with pytest.raises((DeadlineError, TransportError)) as held:
        ask(client, SECONDS)

    until(lambda: server.open_connections == 0)
    assert (
        held.value.__traceback__
    )  # whose frames hold the connection: it was closed, not forgotten


PIECES = st.sampled_from(
    [
        *(
            b"HTTP/1.1 ",
            b"HTTP/1.0 200 OK\r\n",
            b"200 OK",
            b"100 Continue",
            b"204 ",
            b"\r\n",
            b"\n",
        ),
        *(b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"5"),
        *(b"-5\r\n", b"\r\n\r\n", b"0\r\n", b"hello", b": ", b"\0", b"\xff", b"1_0\r\n", HEAD),
        CHUNKED,
    ]
)


def test_whatever_comes_there_is_an_answer_or_an_error_of_ours() -> None:
    with FaunaServer() as server:

        @given(st.lists(PIECES | st.binary(max_size=5), max_size=12).map(b"".join))
        def comes(wire: bytes) -> None:
            server.faults = [says(wire, End.CLOSE)]
            with suppress(TransportError):
                assert 100 <= ask(HttpClient(server.endpoint)).status <= 999

        comes()


# A connection is kept


def test_a_connection_is_kept_for_the_next_request(client: HttpClient, server: FaunaServer) -> None:
    server.faults += [says(whole(b"1")), says(CHUNKED + b"1\r\n2\r\n0\r\n\r\n"), says(whole(b"3"))]

    assert [ask(client).body for _ in range(3)] == [b"1", b"2", b"3"]
    assert [request.connection for request in server.requests] == [1, 1, 1]


@pytest.mark.parametrize(
    "wire",
    [
        whole(b"1").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        whole(b"1").replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
def test_a_connection_that_the_server_will_close_is_not_kept(
    client: HttpClient, server: FaunaServer, wire: bytes
) -> None:
    server.faults += [says(wire), says(whole(b"2"))]

    assert [ask(client).body, ask(client).body] == [b"1", b"2"]
    assert [request.connection for request in server.requests] == [1, 2]
    until(lambda: server.open_connections == 1)


@pytest.mark.parametrize("fault", [fauna.close_after, fauna.reset_after])
def test_no_request_is_sent_on_a_connection_that_was_closed(
    client: HttpClient, server: FaunaServer, fault: Fault
) -> None:
    server.faults.append(fault)
    ask(client)
    until(lambda: server.open_connections == 0)

    server.faults.append(says(whole(b"2")))

    assert ask(client).body == b"2"
    assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize("end", [End.CLOSE, End.RESET])
def test_a_kept_connection_that_proves_dead_is_opened_again(
    client: HttpClient, server: FaunaServer, end: End
) -> None:
    server.faults += [says(whole(b"1")), says(end), says(whole(b"2"))]

    assert [ask(client).body, ask(client).body] == [b"1", b"2"]
    assert [request.connection for request in server.requests] == [1, 1, 2]


def test_it_is_opened_again_once(client: HttpClient, server: FaunaServer) -> None:
    server.faults += [says(whole(b"1")), says(End.CLOSE), says(End.CLOSE)]
    ask(client)

    assert refused(lambda: ask(client)) == failed(WAITING, CLOSED)
    assert [request.connection for request in server.requests] == [1, 1, 2]


def test_it_is_not_opened_again_after_the_answer_began(
    client: HttpClient, server: FaunaServer
) -> None:
    server.faults += [says(whole(b"1")), says(b"H", End.CLOSE)]
    ask(client)

    assert refused(lambda: ask(client)) == failed(READING, CLOSED)
    assert [request.connection for request in server.requests] == [1, 1]


@pytest.mark.parametrize("clock", ["monotonic", "time"])
@pytest.mark.parametrize(("idle", "connections"), [(59.0, [1, 1]), (60.0, [1, 2])])
def test_a_connection_is_kept_for_a_minute_by_either_clock(
    client: HttpClient,
    server: FaunaServer,
    monkeypatch: pytest.MonkeyPatch,
    clock: str,
    idle: float,
    connections: list[int],
) -> None:
    server.faults += [says(whole(b"1")), says(whole(b"2"))]
    ask(client)

    now = {"monotonic": monotonic, "time": time}[clock]
    monkeypatch.setattr(clocks, clock, lambda: now() + idle)

    assert ask(client).body == b"2"
    assert [request.connection for request in server.requests] == connections
    until(lambda: server.open_connections == 1)


def test_bytes_beyond_an_answer_are_not_the_next_one(
    client: HttpClient, server: FaunaServer
) -> None:
    server.faults += [says(whole(b"1") + whole(b"stale")), says(whole(b"2"))]

    assert [ask(client).body, ask(client).body] == [b"1", b"2"]
    assert [request.connection for request in server.requests] == [1, 2]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    tls_context.cache_clear()
    yield authority
    tls_context.cache_clear()


@pytest.fixture(params=["http", "https"])
def either(request: pytest.FixtureRequest, trusted: Authority) -> Iterator[FaunaServer]:
    with FaunaServer(certificate=trusted.good() if request.param == "https" else None) as server:
        yield server


def test_bytes_that_come_later_are_not_the_next_answer(either: FaunaServer) -> None:
    more, came = Event(), Event()

    def steps() -> Iterator[Step]:
        yield whole(b"1")
        more.wait(5)
        yield whole(b"stale")
        came.set()

    client = HttpClient(either.endpoint)
    either.faults += [Fault(lambda _: steps()), says(whole(b"2"))]
    assert ask(client).body == b"1"
    more.set()
    came.wait(5)

    assert ask(client).body == b"2"
    assert [request.connection for request in either.requests] == [1, 2]


def test_after_an_interim_answer_the_final_one_is_not_the_next_requests(
    client: HttpClient, server: FaunaServer
) -> None:
    asked = Event()

    def steps() -> Iterator[Step]:
        yield b"HTTP/1.1 103 Early Hints\r\n\r\n"
        asked.wait(5)
        yield whole(b"another user's")

    server.faults += [Fault(lambda _: steps()), says(whole(b"2"))]

    assert ask(client) == (103, b"")
    assert ask(client) == (200, b"2")
    asked.set()


def test_a_connection_in_use_is_not_shared_and_one_is_kept(
    client: HttpClient, server: FaunaServer
) -> None:
    asked = Event()
    answers: list[Response] = []
    server.faults.append(Fault(lambda _: (whole(b"first") for _ in [asked.wait(5)])))
    thread = Thread(target=lambda: answers.append(ask(client)))
    thread.start()
    until(lambda: server.requests)

    server.faults.append(says(whole(b"second")))
    answers.append(ask(client))
    asked.set()
    thread.join()

    assert answers == [(200, b"second"), (200, b"first")]
    until(lambda: server.open_connections == 1)


def test_threads_get_their_own_answers(client: HttpClient, server: FaunaServer) -> None:
    server.faults += [says(whole(b"%d" % number)) for number in range(200)]
    answers: list[bytes] = []

    def ask_often() -> None:
        answers.extend(ask(client).body for _ in range(50))

    threads = [Thread(target=ask_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(int, answers)) == list(range(200))
    until(lambda: server.open_connections <= 4)


def test_a_kept_connection_goes_with_its_client(server: FaunaServer) -> None:
    server.faults.append(says(whole(b"")))
    client = HttpClient(server.endpoint)
    ask(client)
    assert server.open_connections == 1

    del client
    gc.collect()

    until(lambda: server.open_connections == 0)


# Opened ahead


def test_a_connection_that_was_opened_ahead_is_the_first_requests(
    client: HttpClient, server: FaunaServer
) -> None:
    for _ in range(2):
        client.open(monotonic() + 5)
    until(lambda: server.connections)
    assert server.requests == []
    server.faults.append(says(whole(b"first")))

    assert ask(client) == (200, b"first")
    assert server.connections == 1


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Event, Event]]:
    """Hold the first connection until the second event is set; the first event says that it is held."""
    held, release = Event(), Event()

    def connect(*address: Any) -> connection.Connection:
        if not held.is_set():
            held.set()
            assert release.wait(30)
        return connection.connect(*address)

    monkeypatch.setattr(http, "connect", connect)
    yield held, release
    release.set()


def test_a_request_waits_for_the_connection_that_is_being_opened(
    client: HttpClient, server: FaunaServer, gate: tuple[Event, Event]
) -> None:
    held, release = gate
    server.faults.append(says(whole(b"first")))
    opening = Thread(target=client.open, args=(monotonic() + 30,))
    opening.start()
    assert held.wait(30)
    answers: list[Response] = []
    asking = Thread(target=lambda: answers.append(ask(client)))
    asking.start()
    sleep(0.05)
    release.set()
    opening.join()
    asking.join()

    assert answers == [(200, b"first")]
    assert server.connections == 1


def test_an_opening_that_hangs_is_not_waited_for_for_long(
    client: HttpClient, server: FaunaServer, gate: tuple[Event, Event]
) -> None:
    held, release = gate
    server.faults.append(says(whole(b"first")))
    opening = Thread(target=client.open, args=(monotonic() + 30,), daemon=True)
    opening.start()
    assert held.wait(30)

    try:
        assert ask(client) == (200, b"first")
        assert server.connections == 1
    finally:  # while the server is still there
        release.set()
        opening.join()


def test_what_a_shorter_answer_may_have_is_the_clients(server: FaunaServer) -> None:
    server.faults += [says(whole(b"x" * 100)), says(whole(b"x" * 2000))]
    client = HttpClient(server.endpoint, longest_answer=1000)

    assert ask(client) == (200, b"x" * 100)
    outcome = refused(lambda: ask(client))
    assert outcome == failed(READING, "more than 1000 bytes", is_transient=False)


# TLS


def test_over_tls_a_connection_is_kept_too(trusted: Authority) -> None:
    with FaunaServer(certificate=trusted.good()) as server:
        client = HttpClient(server.endpoint)
        server.faults += [says(whole(b"1")), says(whole(b"2")), fauna.close_after]

        assert [ask(client).body for _ in range(2)] == [b"1", b"2"]
        ask(client)
        until(lambda: server.open_connections == 0)
        server.faults.append(says(whole(b"4")))
        assert ask(client).body == b"4"

    assert [request.connection for request in server.requests] == [1, 1, 1, 2]


def test_a_certificate_that_cannot_be_trusted_gets_no_request(trusted: Authority) -> None:
    with FaunaServer(certificate=trusted.self_signed()) as server:
        outcome = refused(lambda: ask(HttpClient(server.endpoint)))

    problem = "the certificate is self-signed"
    assert outcome == failed("TLS handshake", problem, is_transient=False)
    assert (server.connections, server.requests) == (1, [])


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://fauna.example", "fauna.example", 443),
        ("https://fauna.example:443", "fauna.example", 443),
        ("https://fauna.example:80", "fauna.example:80", 80),
        ("https://Fauna.example:8443", "fauna.example:8443", 8443),
        ("http://127.0.0.1", "127.0.0.1", 80),
        ("http://127.0.0.1:443", "127.0.0.1:443", 443),
        ("http://[::1]", "[::1]", 80),
        ("http://[::1]:8443", "[::1]:8443", 8443),
    ],
)
def test_a_host_is_named_with_a_port_that_is_not_its_schemes(
    trusted: Authority, monkeypatch: pytest.MonkeyPatch, url: str, host: str, port: int
) -> None:
    certificate = trusted.for_another_host() if url.startswith("https") else None
    asked: list[int] = []
    with FaunaServer(certificate=certificate) as server, monkeypatch.context() as patched:
        address = ("127.0.0.1", int(server.endpoint.rpartition(":")[2]))

        def getaddrinfo(_: bytes, port: int, **__: object) -> list[object]:
            asked.append(port)
            return [(2, 1, 0, "", address)]

        patched.setattr("socket.getaddrinfo", getaddrinfo)
        server.faults.append(says(whole(b"")))
        ask(HttpClient(url))

    assert [request.headers["Host"] for request in server.requests] == [host]
    assert asked == [port]


# URLs


@pytest.mark.parametrize(
    "url",
    [
        "https://fauna.example",
        "https://fauna.example:8443/some/path%20here",
        "https://192.0.2.1",
        "https://[2001:db8::1]:8443/",
        "HTTPS://fauna.example",
        "http://localhost:8443",
        "http://LOCALHOST",
        "http://127.0.0.1:8443/",
        "http://127.255.0.9",
        "http://[::1]:8443",
    ],
)
def test_a_url_of_https_or_of_loopback_is_good(url: str) -> None:
    assert url_problem(url) is None


NO_URL = "expected a URL"
NO_HOST = "expected a host's name or address"
NOT_WHOLE = "expected a URL, as in https://host:port"
BAD_CHARACTER = "holds a character that no URL may hold"
TOO_MUCH = "must not hold a user, a query or a fragment"
PLAIN = "must start with https://; plain http:// is for a loopback address"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://fauna.example:99999", NO_URL),
        ("https://fauna.example:port", NO_URL),
        ("https://[::1", NO_URL),
        ("", NOT_WHOLE),
        ("fauna.example", NOT_WHOLE),
        ("localhost:8443", NOT_WHOLE),
        ("//fauna.example", NOT_WHOLE),
        ("https://", NOT_WHOLE),
        ("https://:8443", NOT_WHOLE),
        ("https://fauna.example:0", NOT_WHOLE),
        ("ftp://fauna.example", NOT_WHOLE),
        ("file:///etc/passwd", NOT_WHOLE),
        ("https://fauna.example/a b", BAD_CHARACTER),
        (" https://fauna.example", BAD_CHARACTER),
        ("https://fauna.exam\nple", BAD_CHARACTER),
        ("https://fauna.example/\r\nX: y", BAD_CHARACTER),
        ("https://fauna.example\x7f", BAD_CHARACTER),
        ('https://fauna.example"', BAD_CHARACTER),
        ("https://{fauna}.example", BAD_CHARACTER),
        ("https://$(fauna)", NO_HOST),
        ("https://*", NO_HOST),
        ("https://fauna_1.example", NO_HOST),
        ("https://[::1]x:443", NO_HOST),
        ("https://fauna.example?", TOO_MUCH),
        ("https://fauna.example#", TOO_MUCH),
        ("https://f\u00e4una.example", BAD_CHARACTER),
        ("https://fauna.example\\@evil.example", BAD_CHARACTER),
        ("https://user@fauna.example", TOO_MUCH),
        ("https://@fauna.example", TOO_MUCH),
        ("https://user:password@fauna.example", TOO_MUCH),
        ("https://fauna.example?a=b", TOO_MUCH),
        ("https://fauna.example#a", TOO_MUCH),
        ("http://fauna.example", PLAIN),
        ("http://10.0.0.1", PLAIN),
        ("http://128.0.0.1", PLAIN),
        ("http://0.0.0.0", PLAIN),
        ("http://127.1", PLAIN),
        ("http://127.0.0.1.evil.example", PLAIN),
        ("http://localhost.evil.example", PLAIN),
        ("http://[::2]", PLAIN),
        ("http://[::ffff:10.0.0.1]", PLAIN),
    ],
)
def test_any_other_url_is_refused_without_repeating_it(url: str, problem: str) -> None:
    assert url_problem(url) == problem
    with pytest.raises(ValueError, match=problem) as caught:
        HttpClient(url)

    assert caught.value.args == (problem,)
