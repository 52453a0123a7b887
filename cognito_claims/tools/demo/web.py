"""`demo --web`: the web application of the SurrealDB guide, with all that it needs, on this machine alone."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.datastructures import URL
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Host, Route
from starlette.types import Receive, Scope, Send

from cognito_claims.contract.surrealdb_script import setup_script
from cognito_claims.tools.demo import shop
from cognito_claims.tools.local.cognito import LocalCognito
from cognito_claims.tools.local.loopback import address, listening, serving
from cognito_claims.tools.local.sign_in import sign_in
from cognito_claims.tools.local.surrealdb.process import database

FILES = Path(__file__).parent / "spa"
SETTINGS: Mapping[str, str] = {"COGNITO_CLAIMS_PLUGINS": "surrealdb", **shop.SETTINGS}
EDITABLE = ("display_name", "about")
"""What a user may change; app.surql limits how long it may be."""

_KINDS = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Values(NamedTuple):
    """What differs from place to place; by default, as the example's files have it."""

    cognito: str = "https://shop.auth.eu-central-1.amazoncognito.com"
    issuer: str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab1Cd2Ef3"
    client_id: str = "1example23456789abcdefghij"
    surrealdb: str = "https://surrealdb.example.com"


class LocalWeb(NamedTuple):
    """What runs: the application's address, its Cognito, and SurrealDB's address."""

    url: str
    cognito: LocalCognito
    surrealdb: str


def serve_web(*, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C, and leave nothing behind.

    `on_ready` gets the address, and on a second line who may sign in. Raises `UnusableInput` for a
    port that cannot be had, `Failed` for what goes wrong.
    """
    with suppress(KeyboardInterrupt), local_web(port=port) as web:
        who = f"{web.cognito.username} with the password {web.cognito.password}"
        on_ready(f"{web.url}\nSign in as {who}")
        Event().wait()


@contextmanager
def local_web(*, port: int) -> Iterator[LocalWeb]:
    """Run the application, Cognito and SurrealDB, each on an origin of its own, as they are elsewhere."""
    with ExitStack() as stack:
        listener = stack.enter_context(listening(port))
        here = address(listener)
        urls = [f"{here}/"]
        cognito = LocalCognito(SETTINGS, callback_urls=urls, logout_urls=urls)
        surrealdb = stack.enter_context(_database(here, stack.enter_context(cognito)))
        values = Values(cognito.url, cognito.issuer, cognito.client_id, surrealdb)
        stack.enter_context(serving(application(values), listener))
        yield LocalWeb(f"{here}/", cognito, surrealdb)


def application(values: Values) -> Starlette:
    """Serve the example's files with these values in place of its own."""
    files = [path for path in sorted(FILES.iterdir()) if path.suffix in _KINDS]
    routes = [Route(f"/{path.name}", _file(path, values)) for path in files]
    return Starlette(
        routes=[
            Host("localhost", app=_by_number),  # Cognito sends browsers back to the number alone
            *routes,
            Route("/", _file(FILES / "index.html", values)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    )


async def _by_number(scope: Scope, receive: Receive, send: Send) -> None:
    elsewhere = RedirectResponse(URL(scope=scope).replace(hostname="127.0.0.1"))
    await elsewhere(scope, receive, send)


def read(name: str, values: Values) -> str:
    """Read one of the example's files with these values in place of its own."""
    text = (FILES / name).read_text(encoding="utf-8")
    for example, value in zip(Values(), values, strict=True):
        text = text.replace(example, value)
    return text


def _file(path: Path, values: Values) -> Callable[[Request], Response]:
    body = read(path.name, values)
    headers = {
        **_HEADERS,
        **({"Content-Security-Policy": _policy(body)} if "<html" in body else {}),
    }

    def file(_: Request) -> Response:
        return Response(body, headers=headers, media_type=_KINDS[path.suffix])

    return file


def _policy(page: str) -> str:
    """Give the page's own policy for a header, which alone can say who may frame the page."""
    written = page.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[0]
    return f"{written}; frame-ancestors 'none'"


def _database(here: str, cognito: LocalCognito) -> AbstractContextManager[str]:
    """Set a database up for the pool; its key is that of ID tokens, since a pool has two."""
    setup = shop.setup_for(cognito)
    key = cognito.public_key_of(sign_in(cognito).id_token)
    more = (FILES / "app.surql").read_text(encoding="utf-8")
    return database(here, setup, setup_script(setup, public_key=key, editable=EDITABLE), more)
