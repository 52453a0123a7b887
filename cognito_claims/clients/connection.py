"""A TCP or TLS connection of which every wait, however small, ends at one deadline.

A socket's own timeout starts anew with each byte, so that a server that drips would hold its client for ever.
"""

import socket
import ssl
from functools import cache
from time import monotonic

from cognito_claims.errors import DeadlineError, TransportError

_CHUNK = 1 << 16
_HANDSHAKE = "TLS handshake"
_SENDING = "sending the request"
_UNTRUSTED = {  # OpenSSL's X509_V_ERR_*, the usual ones
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate's issuer is not trusted",
    20: "the certificate's issuer is not trusted",
    62: "the certificate is for another host",
    64: "the certificate is for another host",
}


@cache
def tls_context() -> ssl.SSLContext:
    """Give the one context, which verifies against the system's authorities or those in `SSL_CERT_FILE`."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    context.keylog_filename = None  # type: ignore[assignment]  # whatever SSLKEYLOGFILE says
    return context


class Connection:
    """What `http.client` takes for a socket, with a deadline and a bound on what is received."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = bytearray()
        self._most = 0
        self._deadline = 0.0
        self._stage = ""
        self.received: int = 0

    def begin(self, deadline: float, most: int) -> None:
        """Let one exchange last until the deadline, and receive so many bytes at most."""
        self._deadline = deadline
        self._most = most
        self._stage = _SENDING
        self.received = 0

    def sendall(self, data: bytes) -> None:
        """Send everything."""
        view = memoryview(data)
        self._stage = _SENDING
        while view:
            self._socket.settimeout(left(self._deadline, self._stage))
            try:
                view = view[self._socket.send(view) :]
            except TimeoutError:
                raise DeadlineError(self._stage) from None
        self._stage = "waiting for the answer"

    def makefile(self, _mode: str) -> "Connection":
        """Be the file from which the answer is read."""
        return self

    def readline(self, most: int) -> bytes:
        """Read up to and with the next newline; a close before it is an error, for `http.client` takes it for one."""
        while (end := self._buffer.find(b"\n", 0, most)) < 0 and len(self._buffer) < most:
            if not self._receive():
                raise TransportError(self._stage, "the connection was closed")
        return self._take(most if end < 0 else end + 1)

    def read(self, count: int) -> bytes:
        """Read so many bytes, or fewer when the other end closes."""
        while len(self._buffer) < count and self._receive():
            pass
        return self._take(count)

    def flush(self) -> None:
        """Do nothing: `http.client` flushes its file before it closes it."""

    def close(self) -> None:
        """Do nothing: `http.client` closes its file after each answer, and its owner ends the connection."""

    def end(self) -> None:
        """Close the socket."""
        self._socket.close()

    def is_quiet(self) -> bool:
        """Say whether the other end is there and has sent nothing more than the last answer."""
        if self._buffer:
            return False
        self._socket.settimeout(0)
        try:
            # Below TLS: a record that waits there is a goodbye, most likely.
            socket.socket.recv(self._socket, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    @property
    def stage(self) -> str:
        """What the exchange is waiting for, in words."""
        return self._stage

    def _receive(self) -> int:
        self._socket.settimeout(left(self._deadline, self._stage))
        try:
            data = self._socket.recv(_CHUNK)
        except TimeoutError:
            raise DeadlineError(self._stage) from None
        if data:
            self._stage = "reading the answer"
        self.received += len(data)
        if self.received > self._most:
            problem = f"more than {self._most} bytes"
            raise TransportError(self._stage, problem, is_transient=False)
        self._buffer += data
        return len(data)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


def connect(host: str, port: int, context: ssl.SSLContext | None, deadline: float) -> Connection:
    """Connect, with TLS when there is a context; raises `DeadlineError` or `TransportError`."""
    sock = _connect(host, port, deadline, is_plain=context is None)
    if context is None:
        return Connection(sock)
    try:
        sock.settimeout(left(deadline, _HANDSHAKE))
        return Connection(context.wrap_socket(sock, server_hostname=host.encode()))
    except TimeoutError:
        failure: DeadlineError | TransportError = DeadlineError(_HANDSHAKE)
    except DeadlineError as error:
        failure = error
    except ssl.SSLCertVerificationError as error:
        problem = _UNTRUSTED.get(error.verify_code, "the certificate is not valid")
        failure = TransportError(_HANDSHAKE, problem, is_transient=False)
    except OSError as error:
        failure = TransportError(_HANDSHAKE, type(error).__name__)
    sock.close()
    try:
        raise failure
    finally:
        del failure  # or it would hold this frame, which would hold it


def left(deadline: float, stage: str) -> float:
    """Give the seconds until the deadline; raises `DeadlineError` when there are none."""
    seconds = deadline - monotonic()
    if seconds <= 0:
        raise DeadlineError(stage)
    return seconds


def is_loopback(address: str) -> bool:
    """Say whether an IP address is the machine's own."""
    try:
        return address == "::1" or socket.inet_pton(socket.AF_INET, address)[0] == 127
    except OSError:
        return False


def _connect(host: str, port: int, deadline: float, *, is_plain: bool) -> socket.socket:
    stage = "connecting"
    problem = "the host's address cannot be found"
    try:
        # The one wait without an end of its own: the resolver's. The handler's deadline covers it.
        # As bytes, here and for TLS: a text would be taken through the IDNA codec, three imports away.
        found = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
    except OSError:
        found = []
    if is_plain:  # a name like localhost may be anybody's
        found = [entry for entry in found if is_loopback(str(entry[4][0]))]
    for position, (family, kind, protocol, _, address) in enumerate(found):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # a kernel without IPv6, to which an IPv6 address is told first
            problem = type(error).__name__
            continue
        try:
            # Each of several addresses gets its share, so that one that is silent leaves time for the next.
            sock.settimeout(left(deadline, stage) / (len(found) - position))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            problem = type(error).__name__
            sock.close()
        except DeadlineError:
            sock.close()
            raise
        else:
            return sock
    left(deadline, stage)
    raise TransportError(stage, problem)
