"""The playground's server: the page's files, what it begins with, previews and tests."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from cognito_claims.errors import raised_at
from cognito_claims.tools.playground.answers import State, answer, beginning
from cognito_claims.tools.playground.export import export
from cognito_claims.tools.playground.guard import Guard
from cognito_claims.tools.playground.settings import Started

LONGEST_BODY = 1 << 20
_FILES = {
    "index.html": "text/html",
    "link.js": "text/javascript",
    "playground.css": "text/css",
    "playground.js": "text/javascript",
    "result.js": "text/javascript",
}
_STATIC = Path(__file__).parent / "static"


def application(environ: Mapping[str, str], port: int, token: str) -> ASGIApp:
    """Make the server's application for the port on which it listens, and for who knows the token."""
    started = Started.with_environment(environ)
    routes: list[BaseRoute] = [_file(name, kind) for name, kind in _FILES.items()]
    routes.append(Route("/beginning", _beginning(started)))
    routes += [
        Route(f"/{what.__name__}", _answering(what, started), methods=["POST"])
        for what in (answer, export)
    ]
    app = Starlette(routes=routes, exception_handlers={Exception: _failed})
    app.router.redirect_slashes = False
    return Guard(app, port, token)


def _file(name: str, kind: str) -> Route:
    content = (_STATIC / name).read_bytes()

    def give(_request: Request) -> Response:
        return Response(content, media_type=kind)

    return Route("/" if name == "index.html" else f"/{name}", give)


def _beginning(started: Started) -> Callable[[Request], Response]:
    def give(_request: Request) -> Response:
        return _json(beginning(started))

    return give


def _answering(what: Callable[[State, Started], dict[str, Any]], started: Started) -> Any:
    async def give(request: Request) -> Response:
        try:
            state = State.model_validate_json(await _body(request))
        except ValidationError:
            return PlainTextResponse("expected an object with the texts event and settings\n", 400)
        return _json(await run_in_threadpool(what, state, started))

    return give


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise HTTPException(413, f"longer than {LONGEST_BODY:,} bytes\n")
    return bytes(body)


def _json(content: dict[str, Any]) -> Response:
    # ASCII: an attribute may hold half of a surrogate pair, which UTF-8 cannot carry.
    text = json.dumps(content, allow_nan=False)
    return Response(text, media_type="application/json")


def _failed(_request: Request, error: Exception) -> Response:
    """Tell where a mistake of ours is; its text may hold a value."""
    return PlainTextResponse(f"failed: {type(error).__name__} at {raised_at(error)}\n", 500)
