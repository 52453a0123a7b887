"""Who may talk to the page's server: the page itself, in a browser on this machine, and no other page."""

from collections.abc import Iterator

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_READING = ("GET", "HEAD")


class Guard:
    """Refuse what does not come from the page that this port serves, and give every answer its headers.

    A name that an attacker's DNS points here shows in `Host`, another page in `Origin` and `Sec-Fetch-Site`; and JSON is what no
    form can send, nor a script elsewhere without asking first, which is never granted.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._origins = tuple(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or answer it with a refusal."""
        refusal = next(self._refusals(scope), None)
        app = PlainTextResponse(f"{refusal[1]}\n", refusal[0]) if refusal else self._app

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await app(scope, receive, send_with_headers)

    def _refusals(self, scope: Scope) -> Iterator[tuple[int, str]]:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        sites = headers.getlist("sec-fetch-site")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            yield 403, f"Host: expected one of {', '.join(self._hosts)}"
        if scope["method"] in _READING:
            # A link elsewhere may open the page; what the page then loads is for itself.
            if scope["path"] != "/" and not {*sites} <= {"same-origin", "none"}:
                yield 403, "Sec-Fetch-Site: expected same-origin"
            return
        if len(origins) != 1 or origins[0] not in self._origins:
            yield 403, f"Origin: expected one of {', '.join(self._origins)}"
        if not {*sites} <= {"same-origin"}:
            yield 403, "Sec-Fetch-Site: expected same-origin"
        kinds = headers.getlist("content-type")
        if [kind.partition(";")[0].strip().lower() for kind in kinds] != ["application/json"]:
            yield 415, "Content-Type: expected application/json"
