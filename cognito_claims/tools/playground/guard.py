"""Who may talk to the page's server: the page itself, in the browser of whoever started the command."""

from collections.abc import Iterator
from secrets import compare_digest

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
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
_NO_TOKEN = (
    "Open the whole address that the command printed, its token included, once in this browser"
)


class Guard:
    """Refuse what does not come from the page that this port serves, and give every answer its headers.

    A name that an attacker's DNS points here shows in `Host`, another page in `Origin` and `Sec-Fetch-Site`; and JSON is what no
    form can send, nor a script elsewhere without asking first, which is never granted. Other users of this machine do not know the
    token: it is in the address that the command prints, and then in a cookie.
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app = app
        self._token = token
        self._cookie = f"playground-{port}"  # cookies are the same for all ports
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._origins = tuple(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or answer it with a refusal."""
        refusal = next(self._refusals(scope), None)
        app = self._app
        if refusal:
            app = PlainTextResponse(f"{refusal[1]}\n", refusal[0])
        elif self._is_start(scope):
            app = self._started()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await app(scope, receive, send_with_headers)

    def _refusals(self, scope: Scope) -> Iterator[tuple[int, str]]:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            yield 403, f"Host: expected one of {', '.join(self._hosts)}"
        yield from self._foreign(scope, headers)
        kept = HTTPConnection(scope).cookies.get(self._cookie)
        if not self._is_known(kept) and not self._is_start(scope):
            yield 403, _NO_TOKEN

    def _foreign(self, scope: Scope, headers: Headers) -> Iterator[tuple[int, str]]:
        origins, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
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

    def _is_start(self, scope: Scope) -> bool:
        is_page = scope["path"] == "/" and scope["method"] in _READING
        return is_page and self._is_known(HTTPConnection(scope).query_params.get("token"))

    def _is_known(self, token: str | None) -> bool:
        return token is not None and compare_digest(token.encode(), self._token.encode())

    def _started(self) -> Response:
        """Keep the token in a cookie, and take it out of the address; a browser keeps what is behind #."""
        response = RedirectResponse("/", 303)
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
        return response
