"""SurrealDB's HTTP endpoints `/sql`, `/rpc`, `/health` and `/version`, with a real engine behind them.

Methods, headers, answers and errors are those of SurrealDB's "HTTP & REST" and "RPC" pages; what needs
a user and a password, or a second database, is not there.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from surrealdb.cbor import CBORDecodeError, CBOREncodeError, dumps, loads

from cognito_claims.contract.surrealdb_engine import ENGINE
from cognito_claims.tools.local.surrealdb.engine import LocalSurrealDB, NotDone, Unauthenticated
from cognito_claims.tools.local.surrealdb.json import from_json, to_json

LARGEST_BODY = 1024 * 1024
"""In bytes; the real server's own limit for `/sql`."""

_JSON, _CBOR = "application/json", "application/cbor"
_HEADERS = ("accept", "authorization", "content-type", "surreal-db", "surreal-ns")
_VERSION = f"surrealdb-{ENGINE}"
_UNREADABLE = (  # the decoder of CBOR lets most of them through, for one tag or another
    *(ArithmeticError, AssertionError, AttributeError, KeyError, RecursionError, TypeError),
    *(ValueError, CBORDecodeError, CBOREncodeError),
)
_NO_TOKEN = "There was a problem with authentication"

_Endpoint = Callable[[Request], Awaitable[Response]]


def application(database: LocalSurrealDB, origin: str) -> Starlette:
    """Make the endpoints of one database, for pages of one origin and for programs on this machine."""
    return Starlette(
        routes=[
            Route("/health", lambda _: Response()),
            Route("/version", lambda _: PlainTextResponse(_VERSION)),
            Route("/sql", _sql(database), methods=["POST"]),
            Route("/rpc", _rpc(database), methods=["POST"]),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            Middleware(
                CORSMiddleware,
                allow_origins=[origin],
                allow_methods=["GET", "POST"],
                allow_headers=_HEADERS,
            ),
        ],
        exception_handlers={Unauthenticated: _unauthenticated, HTTPException: _refused},
    )


def _sql(database: LocalSurrealDB) -> _Endpoint:
    async def sql(request: Request) -> Response:
        if _JSON not in request.headers.get("accept", _JSON).replace("*/*", _JSON):
            raise HTTPException(415, "The specified media type is unsupported")
        _check_names(database, request)
        text = (await _body(request)).decode(errors="replace")
        query = {"method": "query", "params": [text, dict(request.query_params)]}
        try:
            answer = await run_in_threadpool(database.answer, _bearer(request), query)
        except NotDone as error:
            raise HTTPException(400, str(error)) from None
        return Response(to_json(loads(answer)["result"]), media_type=_JSON)

    return sql


def _rpc(database: LocalSurrealDB) -> _Endpoint:
    async def rpc(request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (_JSON, _CBOR):
            raise HTTPException(415, "The specified media type is unsupported")
        _check_names(database, request)
        call = _read(await _body(request), kind)
        answer = await run_in_threadpool(_answer, database, request, call)
        body = answer if kind == _CBOR else to_json(loads(answer))
        return Response(body, media_type=kind)

    return rpc


def _answer(database: LocalSurrealDB, request: Request, call: dict[str, Any]) -> bytes:
    """Give the answer in CBOR: a result, or what SurrealDB's RPC calls an error."""
    method, params, named = call["method"], call["params"], {"id": call["id"]}
    if method in ("ping", "version"):
        return dumps({**named, "result": _VERSION if method == "version" else None})
    if method == "authenticate" and len(params) == 1 and isinstance(params[0], str):
        database.check(params[0])
        return dumps({**named, "result": None})
    token = _bearer(request)
    if method == "invalidate" or (method == "use" and len(params) == 2 and database.has(*params)):
        database.check(token)
        return dumps({**named, "result": None})  # a session ends with its request anyway
    try:
        return database.answer(token, call)
    except NotDone as error:
        return dumps({**named, "error": {"code": error.code, "message": str(error)}})


def _read(body: bytes, kind: str) -> dict[str, Any]:
    """Read a call; what the engine gets is written anew, so that nobody reads it in another way."""
    try:
        raw = loads(body) if kind == _CBOR else from_json(body)
        call = {"id": raw.get("id"), "method": raw["method"], "params": raw.get("params", [])}
        dumps(call)
    except _UNREADABLE as error:
        raise HTTPException(400, "Parse error") from error
    if not isinstance(call["method"], str) or not isinstance(call["params"], list):
        raise HTTPException(400, "Invalid request")
    return call


def _check_names(database: LocalSurrealDB, request: Request) -> None:
    if not database.has(request.headers.get("surreal-ns"), request.headers.get("surreal-db")):
        raise HTTPException(400, "surreal-ns, surreal-db: not those of this database")


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(_NO_TOKEN)
    return token


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise HTTPException(413, "length limit exceeded")
    return bytes(body)


def _unauthenticated(_: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 401, {"WWW-Authenticate": "Bearer"})


def _refused(_: Request, error: Exception) -> Response:
    """Answer in the shape of the server's own errors."""
    status, information = (
        (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
    )
    body: Mapping[str, object] = {
        "code": status,
        "details": "Request problems detected",
        "information": information,
    }
    return JSONResponse(body, status)
