"""A TCP or TLS connection with one deadline for every wait, however small.

The timeout of a socket starts again with each byte, so a slow server would hold its client for
ever.
"""

import socket
import ssl
from functools import cache
from time import monotonic

from cognito_claims.errors import DeadlineError, TransportError

_CHUNK = 1 << 16
_HANDSHAKE = "TLS handshake"
_SENDING = "sending the request"
_UNTRUSTED = {  # the usual ones of OpenSSL's X509_V_ERR_*
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate's issuer is not trusted",
    20: "the certificate's issuer is not trusted",
    62: "the certificate is for another host",
    64: "the certificate is for another host",
}


@cache
def tls_context() -> ssl.SSLContext:
    """Return the shared context, which trusts the system's authorities or `SSL_CERT_FILE`."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    context.keylog_filename = None  # type: ignore[assignment]  # in spite of SSLKEYLOGFILE
    return context


class Connection:
    """A socket for `http.client`, with a deadline and a limit on the received bytes."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = bytearray()
        self._most = 0
        self._deadline = 0.0
        self._stage = ""
        self.received: int = 0

    def begin(self, deadline: float, most: int) -> None:
        """Start an exchange that ends at the deadline and receives at most so many bytes."""
        self._deadline = deadline
        self._most = most
        self._stage = _SENDING
        self.received = 0

    def sendall(self, data: bytes) -> None:
        """Send all of the data."""
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
        """Return this object as the file from which the answer is read."""
        return self

    def readline(self, most: int) -> bytes:
        """Read until a newline; raise an error if the other end closes first.

        `http.client` would take the rest for a whole line.
        """
        while (end := self._buffer.find(b"\n", 0, most)) < 0 and len(self._buffer) < most:
            if not self._receive():
                raise TransportError(self._stage, "the connection was closed")
        return self._take(most if end < 0 else end + 1)

    def read(self, count: int) -> bytes:
        """Read so many bytes, or fewer if the other end closes."""
        while len(self._buffer) < count and self._receive():
            pass
        return self._take(count)

    def flush(self) -> None:
        """Do nothing; `http.client` flushes its file before it closes it."""

    def close(self) -> None:
        """Do nothing; `http.client` closes its file after each answer. `end` closes the socket."""

    def end(self) -> None:
        """Close the socket."""
        self._socket.close()

    def is_quiet(self) -> bool:
        """Return whether the other end is connected and has sent nothing since the last answer."""
        if self._buffer:
            return False
        self._socket.settimeout(0)
        try:
            # Below TLS: a waiting record most likely closes the connection.
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
    """Connect, with TLS if there is a context; raises `DeadlineError` or `TransportError`."""
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
        del failure  # or the error and this frame would refer to each other


def left(deadline: float, stage: str) -> float:
    """Return the seconds until the deadline; raise `DeadlineError` if there are none."""
    seconds = deadline - monotonic()
    if seconds <= 0:
        raise DeadlineError(stage)
    return seconds


def is_loopback(address: str) -> bool:
    """Return whether an IP address is a loopback address."""
    try:
        return address == "::1" or socket.inet_pton(socket.AF_INET, address)[0] == 127
    except OSError:
        return False


def _connect(host: str, port: int, deadline: float, *, is_plain: bool) -> socket.socket:
    stage = "connecting"
    problem = "the host's address cannot be found"
    try:
        # The resolver is the only wait without a time limit. The handler's deadline covers it.
        # Bytes, here and for TLS: a string would need the IDNA codec, which is three imports.
        found = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
    except OSError:
        found = []
    if is_plain:  # a name such as localhost may lead to anybody
        found = [entry for entry in found if is_loopback(str(entry[4][0]))]
    for position, (family, kind, protocol, _, address) in enumerate(found):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # a kernel without IPv6, if an IPv6 address comes first
            problem = type(error).__name__
            continue
        try:
            # Each address gets a share of the time, so that a silent one leaves time for the next.
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
