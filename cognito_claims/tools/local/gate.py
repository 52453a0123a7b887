"""Who may talk to the emulator: the command, by its key, and a browser at the hosted UI.

ministack asks nobody who they are, lets pages of every origin read its answers, and runs as a function whatever it is sent.
"""

import re
from collections.abc import Iterable, Iterator
from secrets import compare_digest

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY_HEADER = "x-cognito-claims-key"
_OPEN = re.compile(
    r"GET /oauth2/authorize|POST /login|POST /oauth2/token|GET /logout"
    r"|GET /[\w-]+/\.well-known/(?:jwks\.json|openid-configuration)",
    re.ASCII,
)
_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Gate:
    """Refuse whoever has no key and does more than signing in; only `origins` may read answers."""

    def __init__(self, app: ASGIApp, port: int, key: str, origins: Iterable[str]) -> None:
        self._app = app
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._key = key.encode()
        self._origins = frozenset(origins)
        self._posting = self._origins.union(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or answer it with a refusal."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = next(self._refusals(scope, headers), None)
        app = PlainTextResponse(f"{refusal}\n", 403) if refusal else self._app
        reader = headers.get("origin", "") if not refusal else ""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._set_headers(message, reader)
            await send(message)

        await app(scope, receive, send_with_headers)

    def _refusals(self, scope: Scope, headers: Headers) -> Iterator[str]:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            yield f"Host: expected one of {', '.join(self._hosts)}"
        if compare_digest(headers.get(KEY_HEADER, "").encode(), self._key):
            return
        if not _OPEN.fullmatch(f"{scope['method']} {scope['path']}") or "x-amz-target" in headers:
            yield "only the hosted UI is open here"
        if scope["method"] == "POST" and not self._posting.issuperset(origins):
            yield "Origin: expected the hosted UI's or the application's"
        if scope["method"] == "POST" and headers.get("sec-fetch-site") == "cross-site":
            yield "Sec-Fetch-Site: expected the hosted UI or the application"

    def _set_headers(self, message: Message, reader: str) -> None:
        """Take out the permission for everybody that is ministack's own."""
        named = ((name.lower(), value) for name, value in message["headers"])
        message["headers"] = [pair for pair in named if not pair[0].startswith(b"access-control-")]
        headers = MutableHeaders(scope=message)
        headers.update(_HEADERS)
        headers.add_vary_header("Origin")
        if reader in self._origins:
            headers["Access-Control-Allow-Origin"] = reader
