"""The worker's HTTP: what may pass is asked again, and the key goes to its one place only."""

import logging
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from cognito_claims.clients.http import LONGEST_ANSWER, Response
from cognito_claims.errors import DeadlineError, TransportError
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.sync.rows import Row
from cognito_claims.sync.worker import session
from cognito_claims.sync.worker.session import HttpSession
from tests.deadlines import at_the_deadline
from tests.stand_ins import hasura
from tests.stand_ins.certificates import Authority
from tests.stand_ins.fauna import FaunaServer
from tests.stand_ins.fauna_wire import Answer, End, Fault, hang, redirect, slow
from tests.stand_ins.hasura import SECRET, HasuraServer

HIDDEN = "hunter" + "2"
KEY = {"x-hasura-admin-secret": HIDDEN}
NOBODY_LISTENS = f"http://127.0.0.1:1/{HIDDEN}"
DONE = Response(200, b"{}")
ADA = Row({"id": "ada", "username": "ada"}, "2026-01-01T12:00:00.000000Z")
reset = Fault(lambda _: [End.RESET])
short = Fault(lambda _: [Answer(200, b"{}", ("Set-Cookie: a=b; Path=/",)).wire[:-1], End.CLOSE])


@pytest.fixture
def server() -> Iterator[FaunaServer]:
    with FaunaServer() as server:
        yield server


def answer(status: int, *headers: str, body: bytes = b"{}", after: float = 0) -> Fault:
    return Fault(lambda _: [float(after), Answer(status, body, headers).wire])


def session_for(server: FaunaServer) -> HttpSession:
    return HttpSession(f"{server.endpoint}/v1/graphql")


def post(session: HttpSession, *, seconds: float = 10, body: bytes = b"{}") -> Response:
    return session.request("POST", KEY, body, deadline=monotonic() + seconds)


# What is sent, and what comes back


def test_a_request_arrives_as_it_is_and_its_answer_comes_back(server: FaunaServer) -> None:
    server.faults.append(answer(418, body=b"\xffshort and stout"))

    assert post(session_for(server), body=b"\x00\xff") == Response(418, b"\xffshort and stout")
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/v1/graphql", b"\x00\xff")
    assert request.headers["x-hasura-admin-secret"] == HIDDEN


def test_a_connection_serves_the_next_request_too(server: FaunaServer) -> None:
    server.faults += [answer(200)] * 3
    session = session_for(server)

    assert [post(session) for _ in range(3)] == [DONE] * 3
    assert server.connections == 1


def test_a_sink_takes_it_in_the_place_of_its_own_client(dsn: str) -> None:
    with HasuraServer(dsn) as server:
        users = HasuraUsers(url=server.url, admin_secret=SECRET)
        users.http = HttpSession(users.url)
        server.faults.append(hasura.status(503))
        users.write([ADA], deadline=monotonic() + 10)

        assert [(row["id"], row["username"]) for row in server.rows()] == [("ada", "ada")]
        assert len(server.requests) == 2


# What is asked again


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_asked_again_whatever_the_server_says_of_the_time(
    server: FaunaServer, status: int
) -> None:
    server.faults += [answer(status, "Retry-After: 3600"), answer(200)]

    assert post(session_for(server)) == DONE
    assert len(server.requests) == 2


def test_what_does_not_pass_is_answered_after_three_times_more_with_growing_pauses(
    server: FaunaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(session, "sleep", pauses.append)
    server.faults += [answer(status) for status in (429, 502, 504, 503, 200)]

    assert post(session_for(server)) == Response(503, b"{}")
    assert pauses == [0.2, 0.4, 0.8]
    assert len(server.faults) == 1


@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 408, 413, 500, 501])
def test_any_other_status_is_an_answer(server: FaunaServer, status: int) -> None:
    server.faults += [answer(status, "Retry-After: 0"), answer(200)]

    assert post(session_for(server)) == Response(status, b"{}")
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [reset, short], ids=["reset", "ends too early"])
def test_what_broke_off_is_not_asked_again(server: FaunaServer, fault: Fault) -> None:
    server.faults += [fault, answer(200)]

    with pytest.raises(TransportError) as raised:
        post(session_for(server))

    assert raised.value.stage == "waiting for the answer"
    assert raised.value.is_transient
    assert len(server.requests) == 1


def test_where_nobody_listens_is_told_without_the_url(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with pytest.raises(TransportError) as raised:
        post(HttpSession(NOBODY_LISTENS))

    assert str(raised.value) == "ConnectionError (connecting)"
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert HIDDEN not in caplog.text


# In time


def test_a_server_that_hangs_is_given_up_within_the_time(server: FaunaServer) -> None:
    server.faults += [hang, answer(200)]

    with at_the_deadline(0.3), pytest.raises(DeadlineError) as raised:
        post(session_for(server), seconds=0.6)  # of which half is for one request

    assert raised.value.stage == "waiting for the answer"
    assert len(server.requests) == 1


def test_a_server_that_takes_no_connection_is_told_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        with socket.create_connection(address), pytest.raises(DeadlineError) as raised:
            post(HttpSession(f"http://127.0.0.1:{address[1]}/v1/graphql"), seconds=1)

    assert raised.value.stage == "connecting"


def test_answers_that_are_slow_to_refuse_are_given_up_within_the_time(
    server: FaunaServer,
) -> None:
    server.faults += [answer(503, after=0.15)] * 8

    with suppress(DeadlineError):
        post(session_for(server), seconds=0.4)

    assert len(server.requests) < 4


@pytest.mark.parametrize("seconds", [0, -1])
def test_without_any_time_nobody_is_asked(server: FaunaServer, seconds: float) -> None:
    with pytest.raises(DeadlineError) as raised:
        post(session_for(server), seconds=seconds)

    assert raised.value.stage == "connecting"
    assert server.connections == 0


def test_an_answer_may_take_half_of_the_time(server: FaunaServer) -> None:
    server.faults.append(slow(0.3))

    assert post(session_for(server), seconds=1).status == 404  # it is Fauna


# Where the key goes


def test_no_proxy_is_taken_from_the_environment(
    server: FaunaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    server.faults.append(answer(200))

    assert post(session_for(server)) == DONE


def test_no_password_is_taken_from_the_environment(
    server: FaunaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "netrc"
    file.write_text(f"machine 127.0.0.1 login ada password {HIDDEN}\n")
    monkeypatch.setenv("NETRC", str(file))
    server.faults.append(answer(200))
    post(session_for(server))

    assert server.requests[0].headers["Authorization"] is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: FaunaServer, status: int) -> None:
    server.faults += [answer(status, "Location: /elsewhere"), redirect]

    assert post(session_for(server)).status == status
    assert not server.redirect_was_followed
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 503])
def test_no_cookie_is_kept(server: FaunaServer, status: int) -> None:
    server.faults += [answer(status, "Set-Cookie: a=b; Path=/"), answer(200), answer(200)]
    session = session_for(server)
    for _ in range(2):
        post(session)

    assert [request.headers["Cookie"] for request in server.requests[1:]] == [
        None for _ in server.requests[1:]
    ]


def test_no_cookie_is_kept_of_an_answer_that_broke_off(server: FaunaServer) -> None:
    server.faults += [short, answer(200)]
    session = session_for(server)
    with pytest.raises(TransportError):
        post(session)
    post(session)

    assert server.requests[-1].headers["Cookie"] is None


@pytest.mark.parametrize(("more", "is_taken"), [(0, True), (1, False)])
def test_an_answer_has_a_longest_length(server: FaunaServer, more: int, *, is_taken: bool) -> None:
    body = b"x" * (LONGEST_ANSWER + more)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    server.faults.append(Fault(lambda _: [head, body]))

    if is_taken:
        assert post(session_for(server)) == Response(200, body)
    else:
        with pytest.raises(TransportError, match=r"^the answer is too long "):
            post(session_for(server))


def test_an_answer_that_trickles_is_given_up_within_the_time(server: FaunaServer) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    parts: list[bytes | float | End] = [head]
    for _ in range(100):
        parts += [b"x", 0.05]
    server.faults.append(Fault(lambda _: parts))

    with at_the_deadline(0.4), pytest.raises(DeadlineError):
        post(session_for(server), seconds=0.4)


# TLS


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    return authority


def test_an_authority_of_ones_own_is_trusted_by_the_variable_that_the_triggers_read(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    with FaunaServer(certificate=authority.good()) as server:
        server.faults.append(answer(200))

        assert post(session_for(server)) == DONE


@pytest.mark.parametrize("kind", ["expired", "for_another_host", "self_signed"])
def test_a_certificate_that_is_not_good_never_sees_the_key(authority: Authority, kind: str) -> None:
    with FaunaServer(certificate=getattr(authority, kind)()) as server:
        with pytest.raises(TransportError, match=r"^SSLError \(TLS handshake\)$"):
            post(session_for(server))

        assert server.requests == []


def test_without_that_variable_the_systems_authorities_are_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with FaunaServer(certificate=authority.good()) as server, pytest.raises(TransportError):
        post(session_for(server))


def test_where_the_system_has_no_file_of_authorities_those_of_requests_are_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    with FaunaServer(certificate=authority.good()) as server, pytest.raises(TransportError):
        post(session_for(server))
