"""PostgREST's documented steps, on a real PostgreSQL: verify the token, take its role, ask, run."""

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import jwt
import psycopg
from cryptography.hazmat.primitives.asymmetric import rsa

POOL = "eu-central-1_AbCdEfGhI"
ISSUER = f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}"
CLIENT = "1example23456789abcdefghij"
ALICE = "a11ce000-0000-4000-8000-000000000001"
MALLORY = "3a110000-0000-4000-8000-000000000002"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims(sub: str = MALLORY, kind: str = "access", **changed: Any) -> dict[str, Any]:
    """Return a token's claims; None takes one away."""
    now = int(time.time())
    client = {"client_id": CLIENT} if kind == "access" else {"aud": CLIENT}
    own = {"iss": ISSUER, "sub": sub, "token_use": kind, "iat": now, "exp": now + 600, **client}
    found = {**own, "role": "authenticated", **changed}
    return {name: value for name, value in found.items() if value is not None}


def signed(content: Mapping[str, Any], key: Any = KEY, **how: Any) -> str:
    how = {"algorithm": "RS256", "headers": {"kid": "1"}, **how}
    return jwt.encode(dict(content), key, **how)


class Denied(Exception):  # noqa: N818  (what the server did)
    """The request is answered with an error."""


class Server(NamedTuple):
    """A PostgREST of one database."""

    dsn: str
    hook: str = "SELECT cognito.check_request()"

    def request(self, token: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement as the token's role; raise `Denied` where PostgREST answers an error."""
        try:
            content = jwt.decode(
                token, KEY.public_key(), ["RS256"], leeway=30, options={"verify_aud": False}
            )
        except jwt.InvalidTokenError as error:
            raise Denied(type(error).__name__) from None
        return self.run(content, statement, *values)

    def run(
        self, content: dict[str, Any], statement: str, *values: Any, role: str | None = None
    ) -> list[tuple[Any, ...]]:
        """Do what follows the verification."""
        role = role or str(content.get("role", "anon"))
        login = f"{self.dsn} user=authenticator"
        try:
            with psycopg.connect(login, autocommit=True) as connection, connection.transaction():
                connection.execute(
                    "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                    (role, json.dumps(content)),
                )
                connection.execute(self.hook.encode())
                cursor = connection.execute(statement.encode(), values or None)
                return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise Denied(f"{error.sqlstate}: {error}") from None


def rows(dsn: str) -> dict[UUID, list[str]]:
    """Return what is really there."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT owner, array_agg(body) FROM items GROUP BY owner")
        return dict(found.fetchall())
