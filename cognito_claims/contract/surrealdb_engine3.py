"""A real SurrealDB 3.x in memory, with the few methods that the checks need.

`surrealdb-embedded` takes requests in CBOR, as a server's WebSocket does. A new session belongs to
the owner until it authenticates; afterwards 3.x accepts nobody without a name. So there is an owner
with a password. The password hash uses the least possible work: nobody else can reach the engine,
and a usual hash takes a quarter of a second.
"""

from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Self

from cognito_claims.contract.extra import testing_extra

with testing_extra():
    from surrealdb.data.cbor import decode, encode

ENGINE = "3.2.4"
"""The engine inside surrealdb-embedded 3.0.0b10."""

IS_INSTALLED = find_spec("surrealdb_embedded") is not None

_OWNER = {"user": "owner", "pass": "owner"}
_HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$Q8/VAKAfzK4ecHssLvP7yw$BGdROkobnFeHJDodNgyw62Jk2WPLeASmJy7WbsSc1x0"
)


class Engine3:
    """One engine; a request that it refuses is a `RuntimeError` with its text."""

    def __init__(self) -> None:
        self._database: Any = import_module("surrealdb_embedded").SyncEmbeddedDB("mem://")

    def __enter__(self) -> Self:
        """Start the engine, and make its owner."""
        self._database.connect()
        self.query_raw(f"DEFINE USER owner ON ROOT PASSHASH '{_HASH}' ROLES OWNER", {})
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the engine."""
        with suppress(RuntimeError):
            self._database.close()

    def use(self, namespace: str, database: str) -> None:
        """Choose a namespace and a database."""
        self._call("use", namespace, database)

    def query_raw(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of each statement."""
        return self._call("query", query, dict(variables))

    def authenticate(self, token: str) -> None:
        """Act as the token's bearer from now on."""
        self._call("authenticate", token)

    def invalidate(self) -> None:
        """Act as the owner again."""
        self._call("signin", _OWNER)

    def _call(self, method: str, *parameters: Any) -> dict[str, Any]:
        request = {"id": "1", "method": method, "params": list(parameters)}
        answer: dict[str, Any] = decode(self._database.execute(encode(request)))
        if "error" in answer:
            raise RuntimeError(str(answer["error"].get("message")))
        return answer
