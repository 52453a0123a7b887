"""PostgREST's documented steps, on a real PostgreSQL: verify the token, take its role, ask, run."""

import json
from typing import Any, NamedTuple
from uuid import UUID

import jwt
import psycopg

from tests.stand_ins.tokens import KEY


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
