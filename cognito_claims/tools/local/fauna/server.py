"""A stand-in of Fauna on loopback: there is no Fauna that could be installed with a package."""

import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import NamedTuple, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cognito_claims.errors import FaunaError
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.testing.builders import a_user_event
from cognito_claims.tools.local.errors import Failed
from cognito_claims.tools.local.fauna.endpoint import Endpoint
from cognito_claims.tools.local.fauna.query import Recogniser
from cognito_claims.tools.local.fauna.store import Key, Store
from cognito_claims.tools.local.loopback import address, listening, serving


class Bearer(NamedTuple):
    """What the holder of a minted secret met: the document it is for, and two refusals."""

    document: str
    mints: str
    forged: str


class FaunaStandIn:
    """Serves on a free port of loopback while it is entered, and keeps its documents and tokens in memory."""

    def __init__(self) -> None:
        self._key = f"fnA{secrets.token_urlsafe(28)[:37]}"
        self._store = Store(lambda: datetime.now(UTC), {self._key: Key()}, "sub")
        endpoint = Endpoint(self._store, Recogniser("Customer", "bySub", "sub"))

        async def query(request: Request) -> JSONResponse:
            status, body = endpoint(
                request.method, request.url.path, request.headers.getlist, await request.body()
            )
            return JSONResponse(body, status)

        self._app = Starlette(routes=[Route("/{path:path}", query, methods=["POST"])])
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start it; the port is open on return, whoever asks waits for the rest."""
        listener = self._stack.enter_context(listening(0))
        self._endpoint = address(listener)
        self._stack.enter_context(serving(self._app, listener))
        return self

    def __exit__(self, *_: object) -> None:
        """End it; an open connection is given a second."""
        self._stack.close()

    @property
    def environ(self) -> Mapping[str, str]:
        """Give the settings with which the function asks it."""
        return {"FAUNA_ENDPOINT": self._endpoint, "FAUNA_SECRET": self._key}

    def check(self, secret: str, user_id: str, sub: str) -> Bearer:
        """Use a minted secret, and a forged one; raises `Failed` unless it is this user's, and mints nothing."""
        token = next((token for token in self._store.tokens if token.secret == secret), None)
        documents = {each.id: each.data for each in self._store.documents}
        if token is None or token.document != user_id or documents.get(user_id) != {"sub": sub}:
            raise Failed("the secret in the ID token is not for this user's document")
        mints, forged = self._asked_by(secret), self._asked_by(f"fnE{secrets.token_urlsafe(36)}")
        if (mints, forged) != ("permission_denied", "unauthorized"):
            raise Failed(f"a token may mint tokens ({mints}), or a forged one is known ({forged})")
        return Bearer(user_id, mints, forged)

    def _asked_by(self, secret: str) -> str:
        """Ask for a token of somebody's as the holder of this secret; give the refusal."""
        try:
            FaunaTokens(endpoint=self._endpoint, secret=secret)(a_user_event())
        except FaunaError as refusal:
            return refusal.fauna_code
        return "minted"
