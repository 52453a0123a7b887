"""A real SurrealDB in memory, which answers nobody who has not signed in with the pool's token.

An embedded engine has authentication off: a session that is NOT authenticated sees everything. So
no call reaches it before `$auth` and `$access` say who is asking, and nobody stays signed in.
"""

from collections.abc import Mapping
from threading import Lock
from typing import Any, NoReturn, Self

from surrealdb import RecordID
from surrealdb._surrealdb_ext import SyncEmbeddedDB
from surrealdb.cbor import dumps
from surrealdb.data.cbor import decode

from cognito_claims.contract.surrealdb_script import Setup
from cognito_claims.tools.local.errors import Failed

METHODS = frozenset(
    [
        "query",
        "select",
        "create",
        "insert",
        "insert_relation",
        "update",
        "upsert",
        "merge",
        "patch",
        "delete",
        "relate",
        "run",
        "info",
    ]
)
"""What a bearer may call. `reset` would end this process, `let` and `use` outlast the call."""

_REFUSED = "There was a problem with authentication"
_DATABASE = "There was a problem with the database: "
_THROWN = "An error occurred: "
_WHO = "RETURN [$auth, $access, $session.ns, $session.db];"


class Unauthenticated(Exception):  # noqa: N818  (what SurrealDB did, not a fault of ours)
    """SurrealDB would not take the token; the text is one that its server would send."""


class NotDone(Exception):  # noqa: N818  (what SurrealDB did, not a fault of ours)
    """SurrealDB could not do what was asked; text and code are its own."""

    def __init__(self, message: str, code: int = -32000) -> None:
        self.code = code
        super().__init__(message)


class LocalSurrealDB:
    """An engine with one database, set up by scripts; one bearer at a time, from any thread."""

    def __init__(self, setup: Setup, *scripts: str) -> None:
        self._setup = setup
        self._scripts = scripts
        self._lock = Lock()
        self._engine = SyncEmbeddedDB("mem://")

    def __enter__(self) -> Self:
        """Start it, and run the scripts; raises `Failed` where a statement fails."""
        self._engine.connect()
        self._leave()
        for script in self._scripts:
            self._set_up(script)
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for a call under way, and forget all rows."""
        with self._lock:
            self._engine.close()

    def has(self, namespace: str | None, database: str | None) -> bool:
        """Say whether this is the database that is meant; None leaves it to the token."""
        meant = (namespace, self._setup.namespace), (database, self._setup.database)
        return all(name in (None, own) for name, own in meant)

    def check(self, token: str) -> None:
        """Sign the bearer in and out again; raises `Unauthenticated`."""
        self.answer(token, {"method": "info", "params": []})

    def answer(self, token: str, request: Mapping[str, Any]) -> bytes:
        """Run one of `METHODS` as the token's bearer, and give the engine's answer, in CBOR.

        Raises `Unauthenticated`, and `NotDone` for what the engine says of the call.
        """
        with self._lock:
            try:
                self._sign_in(token)
                if request["method"] not in METHODS:
                    raise NotDone("Method not found", -32601)
                return self._call(request)
            finally:
                self._leave()

    def _sign_in(self, token: str) -> None:
        try:
            self._call({"method": "authenticate", "params": [token]})
        except NotDone as error:
            _refuse(str(error).removeprefix(_DATABASE))
        auth, *rest = self._query(_WHO)[0]["result"]
        expected = [self._setup.access, self._setup.namespace, self._setup.database]
        if not isinstance(auth, RecordID) or rest != expected:
            raise Unauthenticated(_REFUSED)  # a system user, or somebody elsewhere

    def _leave(self) -> None:
        """Sign out, and undo what a `USE` in a query has changed."""
        names = [self._setup.namespace, self._setup.database]
        self._call({"method": "invalidate", "params": []})
        self._call({"method": "use", "params": names})

    def _set_up(self, script: str) -> None:
        try:
            results = self._query(script)
        except NotDone:
            raise Failed("SurrealDB cannot read a set-up script") from None
        if any(result["status"] != "OK" for result in results):
            raise Failed("SurrealDB refused a statement of a set-up script")

    def _query(self, text: str) -> Any:
        return decode(self._call({"method": "query", "params": [text, {}]}))["result"]

    def _call(self, request: Mapping[str, Any]) -> bytes:
        try:
            return self._engine.execute(dumps(dict(request)))
        except (RuntimeError, ValueError) as error:  # the engine's; its decoder's
            raise NotDone(str(error)) from None


def _refuse(said: str) -> NoReturn:
    """Tell what the set-up script throws and that a token is old; other texts may quote claims."""
    if said.startswith(_THROWN) or said == "The token has expired":
        raise Unauthenticated(f"{_DATABASE}{said}") from None
    raise Unauthenticated(_REFUSED) from None
