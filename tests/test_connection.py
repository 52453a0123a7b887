"""Whatever the other end does, or does not do, the wait for it ends at the deadline, and the socket is closed."""

import gc
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any, NamedTuple
from weakref import ref

import pytest

from cognito_claims.clients import connection as module
from cognito_claims.clients.connection import Connection, connect, is_loopback, left, tls_context
from cognito_claims.errors import CognitoClaimsError, DeadlineError, TransportError
from tests.deadlines import at_the_deadline
from tests.stand_ins import fauna_wire as fauna
from tests.stand_ins.certificates import Authority, Certificate
from tests.stand_ins.fauna import FaunaServer
from tests.stand_ins.fauna_wire import End, Fault, Step

SECONDS = 0.15
Address = tuple[int, int, int, str, tuple[str, int]]


def soon(seconds: float = SECONDS) -> float:
    return monotonic() + seconds


def refused(action: Callable[[], object]) -> tuple[type, dict[str, Any]]:
    """Give the class and the attributes of what an action raises."""
    with pytest.raises(CognitoClaimsError) as caught:
        action()
    return type(caught.value), vars(caught.value)


def late(stage: str) -> tuple[type, dict[str, Any]]:
    return DeadlineError, {"stage": stage}


def failed(stage: str, problem: str, *, is_transient: bool = True) -> tuple[type, dict[str, Any]]:
    return TransportError, {"stage": stage, "problem": problem, "is_transient": is_transient}


# Sending and receiving


class Ends(NamedTuple):
    ours: Connection
    peer: socket.socket


@pytest.fixture
def ends() -> Iterator[Ends]:
    one, other = socket.socketpair()
    with other:
        ours = Connection(one)
        ours.begin(soon(5), 1000)
        yield Ends(ours, other)
        ours.end()


@contextmanager
def meanwhile(action: Callable[[], object]) -> Iterator[None]:
    """Do something over and over in another thread, every 10 ms."""
    stopped = Event()

    def repeatedly() -> None:
        while not stopped.wait(0.01):
            action()

    thread = Thread(target=repeatedly)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def test_everything_is_sent(ends: Ends) -> None:
    received = bytearray()
    content = b"0123456789" * 100_000
    ends.ours.begin(soon(5), 1000)

    with meanwhile(lambda: received.extend(ends.peer.recv(1 << 20))):
        ends.ours.sendall(content)
        ends.ours.end()
    while more := ends.peer.recv(1 << 20):
        received.extend(more)

    assert received == content


def test_a_peer_that_does_not_read_is_waited_for_until_the_deadline(ends: Ends) -> None:
    with at_the_deadline(SECONDS):
        ends.ours.begin(soon(), 1000)
        outcome = refused(lambda: ends.ours.sendall(bytes(1 << 24)))

    assert outcome == late("sending the request")


def test_a_peer_that_reads_slowly_is_waited_for_until_the_deadline(ends: Ends) -> None:
    with meanwhile(lambda: ends.peer.recv(1 << 16)), at_the_deadline(SECONDS):
        ends.ours.begin(soon(), 1000)
        outcome = refused(lambda: ends.ours.sendall(bytes(1 << 24)))

    assert outcome == late("sending the request")


def test_a_second_part_of_a_request_is_sent_as_the_first_was(ends: Ends) -> None:
    ends.ours.begin(soon(), 1000)
    ends.ours.sendall(b"headers")
    assert ends.ours.stage == "waiting for the answer"

    assert refused(lambda: ends.ours.sendall(bytes(1 << 24))) == late("sending the request")


def test_nothing_is_sent_after_the_deadline(ends: Ends) -> None:
    ends.ours.begin(monotonic(), 1000)

    assert refused(lambda: ends.ours.sendall(b"late")) == late("sending the request")
    with pytest.raises(BlockingIOError):
        ends.peer.recv(1, socket.MSG_DONTWAIT)


def test_lines_and_bytes_are_read_as_they_come(ends: Ends) -> None:
    ends.peer.sendall(b"one\n\ntwo\nand more")

    read = [ends.ours.readline(100), ends.ours.readline(100), ends.ours.readline(100)]

    assert read == [b"one\n", b"\n", b"two\n"]
    assert [ends.ours.read(3), ends.ours.read(0), ends.ours.read(5)] == [b"and", b"", b" more"]


def test_a_line_is_put_together_from_its_parts(ends: Ends) -> None:
    parts = iter([b"ab", b"c", b"\nd", *[b""] * 100])

    with meanwhile(lambda: ends.peer.sendall(next(parts))):
        assert [ends.ours.readline(100), ends.ours.read(1)] == [b"abc\n", b"d"]


def test_a_line_is_no_longer_than_asked_for(ends: Ends) -> None:
    ends.peer.sendall(b"abcdef\ng")

    read = [ends.ours.readline(3), ends.ours.readline(3), ends.ours.readline(3)]

    assert read == [b"abc", b"def", b"\n"]
    assert ends.ours.readline(1) == b"g"  # and waits for no more


def test_bytes_are_fewer_when_the_other_end_closes(ends: Ends) -> None:
    ends.peer.sendall(b"abc")
    ends.peer.close()

    assert [ends.ours.read(5), ends.ours.read(5)] == [b"abc", b""]


@pytest.mark.parametrize(
    ("came", "stage"), [(b"", "waiting for the answer"), (b"HTTP/1.1 200", "reading the answer")]
)
def test_a_close_before_the_end_of_a_line_is_no_end_of_it(
    ends: Ends, came: bytes, stage: str
) -> None:
    ends.ours.sendall(b"request")
    ends.peer.recv(100)
    ends.peer.sendall(came)
    ends.peer.close()

    outcome = refused(lambda: ends.ours.readline(100))

    assert outcome == failed(stage, "the connection was closed")


@pytest.mark.parametrize("read", [Connection.read, Connection.readline])
def test_a_silent_peer_is_waited_for_until_the_deadline(
    ends: Ends, read: Callable[[Connection, int], bytes]
) -> None:
    with at_the_deadline(SECONDS):
        ends.ours.begin(soon(), 1000)
        ends.ours.sendall(b"request")
        assert refused(lambda: read(ends.ours, 100)) == late("waiting for the answer")


@pytest.mark.parametrize("read", [Connection.read, Connection.readline])
def test_a_peer_that_drips_is_waited_for_until_the_deadline(
    ends: Ends, read: Callable[[Connection, int], bytes]
) -> None:
    with meanwhile(lambda: ends.peer.sendall(b"x")), at_the_deadline(SECONDS):
        ends.ours.begin(soon(), 1000)
        assert refused(lambda: read(ends.ours, 100)) == late("reading the answer")


def test_what_is_received_is_bounded_over_a_whole_exchange(ends: Ends) -> None:
    too_much = failed("reading the answer", "more than 10 bytes", is_transient=False)
    ends.ours.begin(soon(5), 10)
    ends.peer.sendall(b"line\n12345")
    assert (ends.ours.readline(100), ends.ours.read(5)) == (b"line\n", b"12345")

    ends.peer.sendall(b"6")

    assert refused(lambda: ends.ours.read(1)) == too_much
    assert ends.ours.received == 11


def test_an_exchange_has_a_deadline_and_a_bound_of_its_own(ends: Ends) -> None:
    ends.peer.sendall(b"0123456789")
    ends.ours.read(10)

    ends.ours.begin(soon(5), 10)

    assert (ends.ours.received, ends.ours.stage) == (0, "sending the request")
    ends.peer.sendall(b"9876543210")
    assert ends.ours.read(10) == b"9876543210"


def test_what_http_client_does_to_its_file_leaves_the_connection_open(ends: Ends) -> None:
    ends.ours.makefile("rb").flush()
    ends.ours.makefile("rb").close()

    ends.peer.sendall(b"abc")
    assert ends.ours.read(3) == b"abc"


def test_the_end_is_seen_by_the_other_end(ends: Ends) -> None:
    ends.ours.end()

    assert ends.peer.recv(1) == b""


# Between two exchanges


def test_a_connection_on_which_nothing_came_is_quiet(ends: Ends) -> None:
    assert [ends.ours.is_quiet(), ends.ours.is_quiet()] == [True, True]

    ends.peer.sendall(b"abc")
    assert ends.ours.read(3) == b"abc"
    assert ends.ours.is_quiet()


def test_a_connection_with_bytes_left_is_not_quiet(ends: Ends) -> None:
    ends.peer.sendall(b"abcd")
    ends.ours.read(3)

    assert not ends.ours.is_quiet()


def test_a_connection_on_which_something_came_is_not_quiet(ends: Ends) -> None:
    ends.peer.sendall(b"a")

    assert not ends.ours.is_quiet()


def test_a_closed_connection_is_not_quiet(ends: Ends) -> None:
    ends.peer.close()

    assert not ends.ours.is_quiet()


def test_a_reset_connection_is_not_quiet(ends: Ends) -> None:
    ends.ours.sendall(b"unread, so that the close is a reset")
    ends.peer.close()

    assert not ends.ours.is_quiet()


# Connecting


@pytest.fixture
def server() -> Iterator[FaunaServer]:
    with FaunaServer() as server:
        yield server


@pytest.fixture
def silent() -> Iterator[Address]:
    """Give an address that answers no attempt to connect: its queue is full."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        yield address(listener.getsockname()[1])


def address(port: int, family: int = socket.AF_INET) -> Address:
    return int(family), int(socket.SOCK_STREAM), 0, "", ("127.0.0.1", port)


def port_of(server: FaunaServer) -> int:
    return int(server.endpoint.rpartition(":")[2])


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give a function that says which addresses every host has."""
    return lambda *found: monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)


def test_a_connection_is_made_and_waits_for_no_other_packet(server: FaunaServer) -> None:
    connection = connect("127.0.0.1", port_of(server), None, soon(5))

    assert connection._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert connection.is_quiet()
    connection.end()


def test_a_closed_port_is_told_by_class() -> None:
    port = closed_port()

    outcome = refused(lambda: connect("127.0.0.1", port, None, soon(5)))

    assert outcome == failed("connecting", "ConnectionRefusedError")


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 70}.example"])
def test_a_host_that_cannot_be_one_has_no_address(host: str) -> None:
    outcome = refused(lambda: connect(host, 443, None, soon(5)))

    assert outcome == failed("connecting", "the host's address cannot be found")


def test_the_resolver_is_asked_for_streams(
    server: FaunaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def getaddrinfo(*arguments: object, **more: object) -> list[Address]:
        asked.append((arguments, more))
        return [address(port_of(server))]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    connect("fauna.example", 8443, None, soon(5)).end()

    assert asked == [((b"fauna.example", 8443), {"type": socket.SOCK_STREAM})]


def test_without_tls_a_name_must_be_the_machines_own(
    server: FaunaServer, resolve: Callable[..., None]
) -> None:
    there = (*address(port_of(server))[:4], ("192.0.2.1", port_of(server)))
    resolve(there)
    outcome = refused(lambda: connect("localhost", 1, None, soon(5)))
    assert outcome == failed("connecting", "the host's address cannot be found")

    resolve(there, address(port_of(server)))
    connect("localhost", 1, None, soon(5)).end()


def test_loopback_is_what_starts_with_127_and_the_1_of_ipv6() -> None:
    others = ["128.0.0.1", "::2", "fe80::1%eth0", "localhost", "127.1", ""]

    assert [*filter(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", *others])] == [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
    ]


def test_no_keys_of_tls_are_written_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    tls_context.cache_clear()

    context = tls_context()
    tls_context.cache_clear()

    assert context.keylog_filename is None


def test_nothing_is_connected_to_after_the_deadline(server: FaunaServer) -> None:
    port = port_of(server)

    assert refused(lambda: connect("127.0.0.1", port, None, monotonic())) == late("connecting")
    assert server.connections == 0


def test_a_resolver_that_takes_until_the_deadline_leaves_no_time(
    resolve: Callable[..., None],
) -> None:
    resolve()

    assert refused(lambda: connect("localhost", 1, None, monotonic())) == late("connecting")


def test_a_silent_address_is_waited_for_until_the_deadline(
    silent: Address, resolve: Callable[..., None]
) -> None:
    resolve(silent)

    with at_the_deadline(SECONDS):
        assert refused(lambda: connect("localhost", 1, None, soon())) == late("connecting")


def test_several_silent_addresses_share_the_time(
    silent: Address, resolve: Callable[..., None]
) -> None:
    resolve(silent, silent, silent)

    with at_the_deadline(SECONDS):
        assert refused(lambda: connect("localhost", 1, None, soon())) == late("connecting")


def test_a_silent_address_leaves_time_for_the_next(
    server: FaunaServer, silent: Address, resolve: Callable[..., None]
) -> None:
    resolve(silent, address(port_of(server)))

    with at_the_deadline(0.1):
        connect("localhost", 1, None, soon(0.2)).end()


def test_an_address_that_refuses_leaves_its_time_to_the_next(
    silent: Address, resolve: Callable[..., None]
) -> None:
    resolve(address(closed_port()), silent)

    with at_the_deadline(SECONDS):
        assert refused(lambda: connect("localhost", 1, None, soon())) == late("connecting")


def test_the_last_of_several_refusals_is_told(
    silent: Address, resolve: Callable[..., None]
) -> None:
    resolve(silent, address(closed_port()))

    outcome = refused(lambda: connect("localhost", 1, None, soon(0.4)))

    assert outcome == failed("connecting", "ConnectionRefusedError")


def test_an_address_of_a_family_that_the_kernel_lacks_is_passed_over(
    server: FaunaServer, resolve: Callable[..., None]
) -> None:
    resolve(address(1, family=9999), address(port_of(server)))

    connect("localhost", 1, None, soon(5)).end()


def test_a_host_of_such_addresses_alone_cannot_be_reached(resolve: Callable[..., None]) -> None:
    resolve(address(1, family=9999))

    outcome = refused(lambda: connect("localhost", 1, None, soon(5)))

    assert outcome == failed("connecting", "OSError")


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def context(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    tls_context.cache_clear()
    yield tls_context()
    tls_context.cache_clear()


def shake_hands(server: FaunaServer, host: str = "localhost", seconds: float = 5) -> None:
    """Connect with the library's own context."""
    connect(host, port_of(server), tls_context(), soon(seconds)).end()


def test_the_one_context_verifies_the_certificate_and_the_host(context: ssl.SSLContext) -> None:
    assert context is tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_of_a_trusted_authority_is_good(authority: Authority, host: str) -> None:
    with FaunaServer(certificate=authority.good()) as server:
        shake_hands(server, host)


def test_a_server_of_several_protocols_is_told_to_speak_http_1_1(
    authority: Authority, context: ssl.SSLContext
) -> None:
    chosen: list[str | None] = []
    served = authority.good().server_context()
    served.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with served.wrap_socket(listener.accept()[0], server_side=True) as wire:
                chosen.append(wire.selected_alpn_protocol())

        thread = Thread(target=serve)
        thread.start()
        connect("localhost", listener.getsockname()[1], context, soon(5)).end()
        thread.join()

    assert chosen == ["http/1.1"]


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(
    ("make", "host", "problem"),
    [
        (Authority.expired, "localhost", "the certificate has expired"),
        (Authority.self_signed, "localhost", "the certificate is self-signed"),
        (Authority.for_another_host, "localhost", "the certificate is for another host"),
        (Authority.for_another_host, "127.0.0.1", "the certificate is for another host"),
    ],
)
def test_a_certificate_that_cannot_be_trusted_is_refused_for_good(
    authority: Authority, make: Callable[[Authority], Certificate], host: str, problem: str
) -> None:
    with FaunaServer(certificate=make(authority)) as server:
        outcome = refused(lambda: shake_hands(server, host))

    assert outcome == failed("TLS handshake", problem, is_transient=False)
    assert server.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path).client_context()
    with FaunaServer(certificate=authority.good()) as server:
        port = port_of(server)
        outcome = refused(lambda: connect("localhost", port, other, soon(5)))

    problem = "the certificate's issuer is not trusted"
    assert outcome == failed("TLS handshake", problem, is_transient=False)


def test_a_certificate_that_is_bad_in_a_rare_way_is_refused(
    authority: Authority, context: ssl.SSLContext
) -> None:
    strict = authority.client_context()
    strict.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF  # and there is no such list
    assert strict.verify_mode == context.verify_mode
    with FaunaServer(certificate=authority.good()) as server:
        port = port_of(server)
        outcome = refused(lambda: connect("localhost", port, strict, soon(5)))

    assert outcome == failed("TLS handshake", "the certificate is not valid", is_transient=False)


def dripped_record() -> Iterator[Step]:
    """Give a record that would be complete after minutes."""
    return chain([b"\x16\x03\x03\x3f\xff"], chain.from_iterable(repeat((b"\0", 0.01))))


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(
    "fault",
    [fauna.hang_before_tls, Fault(lambda _: dripped_record(), on_accept=True)],
    ids=["silent", "drips"],
)
def test_a_handshake_is_waited_for_until_the_deadline(authority: Authority, fault: Fault) -> None:
    with FaunaServer(certificate=authority.good()) as server:
        server.faults.append(fault)
        with at_the_deadline(SECONDS):
            assert refused(lambda: shake_hands(server, seconds=SECONDS)) == late("TLS handshake")


@pytest.mark.usefixtures("context")
def test_a_server_that_does_not_speak_tls_is_told_by_class(authority: Authority) -> None:
    with FaunaServer(certificate=authority.good()) as server:
        steps = (b"HTTP/1.1 400 planted\r\n\r\n", End.HANG)
        server.faults.append(Fault(lambda _: steps, on_accept=True))
        outcome = refused(lambda: shake_hands(server))

    assert outcome == failed("TLS handshake", "SSLError")


def test_a_reset_in_a_handshake_is_told_by_class(context: ssl.SSLContext) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reset() -> None:
            wire = listener.accept()[0]
            wire.recv(1)  # or the reset might come before the handshake
            wire.close()  # with more of the greeting unread

        thread = Thread(target=reset)
        thread.start()
        port = listener.getsockname()[1]
        outcome = refused(lambda: connect("localhost", port, context, soon(5)))
        thread.join()

    assert outcome == failed("TLS handshake", "ConnectionResetError")


@pytest.mark.usefixtures("context")
def test_a_handshake_has_all_the_time_that_is_left(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaunaServer(certificate=authority.good()) as server, monkeypatch.context() as patched:
        server.faults.append(fauna.hang_before_tls)
        found = [address(port_of(server)), address(closed_port())]  # of which each has its share
        patched.setattr("socket.getaddrinfo", lambda *_, **__: found)
        with at_the_deadline(SECONDS):
            outcome = refused(lambda: shake_hands(server, seconds=SECONDS))

    assert outcome == late("TLS handshake")


@pytest.mark.usefixtures("context")
def test_a_certificate_is_for_the_host_that_was_asked_for(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = authority.for_another_host()
    with FaunaServer(certificate=certificate) as server, monkeypatch.context() as patched:
        found = [address(port_of(server))]
        patched.setattr("socket.getaddrinfo", lambda *_, **__: found)
        shake_hands(server, "fauna.example")


def test_an_error_does_not_keep_itself_alive(authority: Authority) -> None:
    gc.disable()
    try:
        with FaunaServer(certificate=authority.self_signed()) as server:
            error = error_of(server)
        assert error() is None
    finally:
        gc.enable()


def error_of(server: FaunaServer) -> ref[BaseException]:
    try:
        shake_hands(server)
    except TransportError as error:
        return ref(error)
    raise AssertionError


def test_no_handshake_begins_after_the_deadline(
    context: ssl.SSLContext, server: FaunaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 2.0])
    monkeypatch.setattr(module, "monotonic", lambda: next(times))

    outcome = refused(lambda: connect("127.0.0.1", port_of(server), context, 1.0))

    assert outcome == late("TLS handshake")
    gc.collect()  # which would warn of a socket that was left open


def test_what_is_left_is_never_nothing() -> None:
    assert 0 < left(soon(), "waiting") <= SECONDS
    assert refused(lambda: left(monotonic(), "waiting")) == late("waiting")
