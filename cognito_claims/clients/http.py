"""HTTP/1.1 for triggers: one deadline for a whole request, verified TLS, reused connections.

There are no redirects, proxies or cookies: a bearer key goes to the configured URL and nowhere
else.
"""

import http.client
import json
from collections.abc import Mapping
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit
from weakref import finalize

from cognito_claims.clients.connection import Connection, connect, is_loopback, left, tls_context
from cognito_claims.deadline import Stopwatch
from cognito_claims.errors import CognitoClaimsError, DeadlineError, TransportError

LONGEST_ANSWER = (
    1 << 18
)  # room for a secret of AWS's longest, and read at once on the smallest function
_LONGEST_OPENING_S = 0.5
_LONGEST_IDLE_S = 60.0  # NATs and load balancers forget a connection after minutes, without a word
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_CHARACTERS = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('"<>\\^`{|}')
_TOO_LATE = 408
_STAGE = "reading the answer"


class Response(NamedTuple):
    """An answer: its status, and the whole body."""

    status: int
    body: bytes

    def __repr__(self) -> str:
        """Hide the body."""
        return f"Response(status={self.status})"


class Http(Protocol):
    """A client of one URL: `HttpClient`, or `HttpSession` where import time does not matter."""

    def request(
        self, method: str, headers: Mapping[str, str], body: bytes, *, deadline: float
    ) -> Response:
        """Return the answer, whatever its status; raises `DeadlineError` and `TransportError`."""
        ...


class HttpClient:
    """Sends requests to one URL, from one thread or several.

    Raises `ValueError` for a URL that is not https, or http to a loopback address.
    """

    def __init__(self, url: str, *, longest_answer: int = LONGEST_ANSWER) -> None:
        problem = url_problem(url)
        if problem is not None:
            raise ValueError(problem)
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._context = tls_context() if parts.scheme == "https" else None
        self._default_port = 80 if self._context is None else 443
        self._port = parts.port or self._default_port
        self._target = parts.path or "/"
        self._longest_answer = longest_answer
        self._kept: list[tuple[Connection, Stopwatch]] = []
        self._opening = Lock()
        finalize(self, _end, self._kept)

    def open(self, deadline: float) -> None:
        """Open the connection ahead of the first request; raise what `request` raises.

        A request that comes meanwhile waits for this connection for a while, and then opens its own.
        """
        with self._opening:
            if not self._kept:
                opened = connect(self._host, self._port, self._context, deadline)
                self._kept.append((opened, Stopwatch()))

    def request(
        self, method: str, headers: Mapping[str, str], body: bytes, *, deadline: float
    ) -> Response:
        """Send a request and return its answer; `deadline` is on the monotonic clock.

        If a kept connection fails before the first byte of the answer, or the server has closed it
        (408), the request is sent once more on a new connection. Raises `DeadlineError` and
        `TransportError`.
        """
        if self._opening.locked():
            self._await_opening(deadline)
        kept = self._take()
        if kept is not None:
            try:
                response = self._exchange(kept, method, headers, body, deadline)
            except TransportError:
                if kept.received:
                    raise
            else:
                if response.status != _TOO_LATE:
                    return response
        left(deadline, "connecting")
        fresh = connect(self._host, self._port, self._context, deadline)
        return self._exchange(fresh, method, headers, body, deadline)

    def _await_opening(self, deadline: float) -> None:
        # In a frozen process an opening may hang for ever: it is waited for like an address.
        if self._opening.acquire(timeout=max(0.0, min(_LONGEST_OPENING_S, deadline - monotonic()))):
            self._opening.release()

    def _take(self) -> Connection | None:
        """Return the kept connection, unless it was idle too long or the other end has sent
        something.
        """
        try:
            connection, since = self._kept.pop()
        except IndexError:
            return None
        if since.elapsed() < _LONGEST_IDLE_S and connection.is_quiet():
            return connection
        connection.end()
        return None

    def _exchange(
        self,
        connection: Connection,
        method: str,
        headers: Mapping[str, str],
        body: bytes,
        deadline: float,
    ) -> Response:
        connection.begin(deadline, self._longest_answer)
        failure: CognitoClaimsError
        is_kept = False
        try:
            wire: Any = http.client.HTTPConnection(self._host, self._port)
            wire.default_port = self._default_port
            wire.set_debuglevel(0)  # whatever the process has set: it would print what is sent
            wire.sock = connection
            wire.request(method, self._target, body, headers)
            answer: http.client.HTTPResponse = wire.getresponse()
            response = Response(answer.status, _body(answer, self._longest_answer))
            left(deadline, connection.stage)
            # After an interim answer the final one is to come: the next request would take it for its own.
            is_kept = answer.status >= 200 and not answer.will_close and not self._kept
        except (DeadlineError, TransportError) as error:
            failure = error
        except (OSError, ValueError, http.client.HTTPException) as error:
            # By class only: these exceptions hold what was sent, or received.
            is_transient = isinstance(error, (OSError, http.client.IncompleteRead))
            failure = TransportError(
                connection.stage, type(error).__name__, is_transient=is_transient
            )
        else:
            return response
        finally:
            if is_kept:
                self._kept.append((connection, Stopwatch()))
            else:
                connection.end()
        try:
            raise failure
        finally:
            del failure  # or it would hold this frame, which would hold it


def json_object(text: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object in an answer, or None.

    A decoder's own exception would hold the whole text.
    """
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refuse_constant(_name: str) -> Any:
    raise ValueError  # NaN and Infinity, which JSON lacks and Python reads


def _end(kept: list[tuple[Connection, Stopwatch]]) -> None:
    for connection, _ in kept:
        connection.end()


def url_problem(url: str) -> str | None:
    """Return why no secret can be sent to this URL, or None; the URL is not repeated."""
    if not _CHARACTERS.issuperset(url):
        return "holds a character that no URL may hold"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "expected a URL"
    if not host or port == 0 or parts.scheme not in ("http", "https"):
        return "expected a URL, as in https://host:port"
    if "@" in parts.netloc or "?" in url or "#" in url:
        return "must not hold a user, a query or a fragment"
    if not _is_host(parts.netloc.removesuffix(f":{port}"), host):
        return "expected a host's name or address"
    if parts.scheme == "http" and host != "localhost" and not is_loopback(host):
        return "must start with https://; plain http:// is for a loopback address"
    return None


def _is_host(written: str, host: str) -> bool:
    if written.startswith("["):
        return written == f"[{host}]" or written.lower() == f"[{host}]"
    return _NAME.issuperset(host) and ".." not in host


def _body(answer: http.client.HTTPResponse, longest: int) -> bytes:
    # Asked for at most so much, or a length that the other end made up would be allocated at once.
    body = answer.read(longest)
    if answer.length:
        raise TransportError(_STAGE, "the answer ends too early")
    return body
