"""What the bearer of a token can reach in an embedded SurrealDB, found by running statements.

An engine runs the bearer's expressions before it looks at permissions, and an expression can throw
what it sees. So this module reads the bearer's errors as well as their results.
"""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.extra import testing_extra
from cognito_claims.contract.surrealdb_script import Setup

with testing_extra():
    from surrealdb import RecordID


class Engine(Protocol):
    """An embedded engine; `invalidate` ends a sign-in, and the session belongs to the owner again."""

    def use(self, namespace: str, database: str) -> None:
        """Choose a namespace and a database."""
        ...

    def query_raw(self, query: str, variables: dict[str, Any], /) -> dict[str, Any]:
        """Return the result of each statement."""
        ...

    def invalidate(self) -> None:
        """Act as the owner again."""
        ...


Rows = dict[str, dict[str, Any]]

_AT_ROWS = (
    "SELECT * FROM {rows}",
    "SELECT * FROM {rows} WHERE {throw}",
    "SELECT * FROM {rows} WHERE id != $me AND (SELECT VALUE { THROW <string> $parent } FROM 1)",
    "SELECT *, {throw} FROM {rows}",
    *(
        f"{verb} {{rows}} {clause}"
        for verb in ("UPDATE", "UPSERT")
        for clause in (
            "SET {values}",
            "SET {values} WHERE {throw}",
            "SET {values} WHERE id != $me AND <int> <string> $this = 1",
            "SET cognito_username = {throw}",
            "MERGE { cognito_username: {throw} }",
            "CONTENT { cognito_username: {throw} }",
            "SET cognito_username = 1 RETURN {throw}",
            "SET email = 1",
        )
    ),
    "DELETE {rows} WHERE {throw}",
    "DELETE {rows} WHERE id != $me AND <int> <string> $this = 1",
    "DELETE {rows} RETURN BEFORE",
)
_THROW = "{ IF id != $me { THROW <string> $this }; RETURN false }"
_VALUES = 'cognito_username = "changed", email = "changed@example.com"'
ATTEMPTS = (
    *(
        each.replace("{rows}", rows).replace("{throw}", _THROW).replace("{values}", _VALUES)
        for each in _AT_ROWS
        for rows in ("user", "$one", "$two")
    ),
    "FOR $auth IN [$one] { SELECT * FROM $one WHERE { THROW <string> $this } }",
    "FOR $auth IN [$one] { DELETE $one }",
    "RETURN [$one.*, $two.*]",
    'UPDATE $me SET cognito_username = "changed"',
    'UPDATE $me SET email = "changed@example.com"',
    'UPDATE $me SET not_defined = "changed"',
    "DELETE $me",
    'CREATE user SET email = "created@example.com", cognito_username = "created"',
)
"""What the bearer tries on all rows, on two other users' rows and on their own: all in vain."""

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_FILLINGS = ("$secret", "true", "7", "time::now()", "1d", "rand::uuid()", "{ a: 1 }", "[1]", "$id")
"""What a field may hold, whatever its type."""

_PROBES = (
    "SELECT * FROM user WHERE {seen}",
    "UPDATE user SET cognito_username = 1 WHERE {seen}",
    "DELETE user WHERE {seen}",
)
_SEEN = "{ IF id != $me AND `{field}` NOT IN [NONE, {}] { THROW $seen }; RETURN false }"


def ask(engine: Engine, query: str, **variables: Any) -> Any:
    """Return the last statement's result; a failed statement is a fault in the set-up script."""
    try:
        statements = _raw(engine, query, variables)
    except RuntimeError as error:
        raise BackendRefusal("setup-script", "the engine cannot read the set-up script") from error
    if any(statement["status"] != "OK" for statement in statements):
        raise BackendRefusal("setup-script", "the engine refused a statement of the set-up script")
    return statements[-1]["result"]


def plant(engine: Engine, setup: Setup) -> Rows:
    """Make two more users, whom no token could name before; return all rows."""
    for _ in range(2):
        record = RecordID("user", str(uuid.uuid4()))
        stranger = {"id": record, "cognito_username": _secret()}
        if setup.token_use == "id":
            stranger["email"] = f"{_secret()}@example.com"
        ask(engine, "CREATE user CONTENT $stranger;", stranger=stranger)
        for field in ask(engine, "INFO FOR TABLE user;")["fields"]:
            if _PATH.fullmatch(field) and field not in stranger:
                _fill(engine, record, field)
    return _rows(engine)


def check_reach(
    engine: Engine, setup: Setup, bearer: RecordID, others: Rows, editable: Sequence[str]
) -> None:
    """Try, as the bearer, what nobody may do; then check the result as the owner."""
    me = str(bearer)
    others.pop(me, None)
    seen = _rows(engine)
    one, two = [row["id"] for row in others.values()][-2:]
    secrets = {"me": bearer, "one": one, "two": two, "seen": _secret()}
    told = _told(engine, secrets, others, editable)
    engine.invalidate()
    engine.use(setup.namespace, setup.database)
    after = _rows(engine)
    own, own_after = seen.pop(me, None), after.pop(me, None)
    if seen or after != others or secrets["seen"] in told or _shows(told, others):
        raise BackendRefusal("other-row", "the bearer can read or change another user's row")
    if any(str(row["id"].id) in told for row in (others[str(one)], others[str(two)])):
        raise BackendRefusal(
            "other-id", "the bearer can see other users' ids, which are their subs"
        )
    if own is None or own_after is None:
        raise BackendRefusal("own-row", "the bearer cannot read their own row, or can delete it")
    if _not_theirs(own) != _not_theirs(own_after):
        raise BackendRefusal("own-row", "the bearer can change what only their token may change")
    if any(own_after.get(field) != "changed" for field in editable):
        raise BackendRefusal(
            "own-row", "the bearer cannot change an editable field of their own row"
        )
    if setup.token_use == "id":
        _check_sharing(engine, own_after["email"])
    if ask(engine, "INFO FOR TABLE user;")["indexes"]:
        said = "an index of the table tells the bearer which values other users' rows hold"
        raise BackendRefusal("indexed", said)


def _check_sharing(engine: Engine, email: str) -> None:
    """Check that a second user may have an email: else its first bearer locks the owner out."""
    twin = {"email": email, "cognito_username": _secret()}
    try:
        ask(engine, "CREATE user CONTENT $twin;", twin=twin)
    except BackendRefusal as refusal:
        said = "only one row may have an email: a second user with the same email cannot sign in"
        raise BackendRefusal("unique-email", said) from refusal


def _told(engine: Engine, variables: dict[str, Any], others: Rows, editable: Sequence[str]) -> str:
    """Return all that the bearer learns: results, and errors that quote what an expression saw."""
    changes = (f'UPDATE $me MERGE {{ `{name}`: "changed" }}' for name in editable)
    told = []
    for attempt in (*ATTEMPTS, *_probes(others), *changes):
        try:
            told.append(str(_raw(engine, attempt, variables)))
        except RuntimeError as error:
            told.append(str(error))
    return "\n".join(told)


def _probes(others: Rows) -> Iterator[str]:
    """Ask for each field whether the bearer can tell that others have it, whatever its value is."""
    fields = {field for row in others.values() for field in row} - {"id"}
    for field in sorted(fields):
        for probe in _PROBES:
            yield probe.replace("{seen}", _SEEN.replace("{field}", field))


def _fill(engine: Engine, record: RecordID, field: str) -> None:
    """Store the first value that a field accepts."""
    for filling in _FILLINGS:
        fill = f"UPDATE $id SET {field} = {filling};"  # noqa: S608  (a path of names)
        (done,) = _raw(engine, fill, {"id": record, "secret": _secret()})
        if done["status"] == "OK":
            return


def _secret() -> str:
    return f"secret-{uuid.uuid4()}"


def _shows(told: str, others: Rows) -> bool:
    secrets = [each for row in others.values() for each in row.values() if isinstance(each, str)]
    return any(secret in told for secret in secrets if secret.startswith("secret-"))


def _not_theirs(row: Mapping[str, Any]) -> list[Any]:
    return [row.get(field) for field in ("email", "cognito_username", "not_defined")]


def _rows(engine: Engine) -> Rows:
    rows: list[dict[str, Any]] = ask(engine, "SELECT * FROM user;")
    return {str(row.get("id")): row for row in rows}


def _raw(engine: Engine, query: str, variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        statements: list[dict[str, Any]] = engine.query_raw(query, dict(variables))["result"]
    except BufferError as error:  # the client's, for a type that it does not know
        raise BackendRefusal(
            "unreadable", "the engine's client cannot read a field's value"
        ) from error
    return statements
