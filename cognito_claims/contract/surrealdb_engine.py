"""A real SurrealDB 2.x, in memory, asked who the bearer of a token is and what they can touch.

An embedded engine has authentication off: a session that is NOT authenticated sees everything. So
no row is believed before `$auth` and `$access` say who is asking.

An engine runs the bearer's expressions before it looks at permissions, and an expression can throw
what it sees. So the bearer's errors are read as well as their results.
"""

import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWS
from surrealdb import BlockingEmbeddedSurrealConnection as Engine
from surrealdb import RecordID

from cognito_claims.contract.errors import Refused
from cognito_claims.contract.surrealdb_claims import payload
from cognito_claims.contract.surrealql import Setup, checks, setup_script

Rows = dict[str, dict[str, Any]]

ENGINE = "2.3.10"
"""The engine inside surrealdb 2.0 for Python, which cannot tell its version itself."""

UNEXPLAINED = "unexplained"
"""The code for a refusal whose reason the engine kept to itself."""

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
    "RETURN [$one.*, $two.*]",
    'UPDATE $me SET cognito_username = "changed", email = "changed@example.com"',
    "DELETE $me",
    'CREATE user SET email = "created@example.com", cognito_username = "created"',
)
"""What the bearer tries on all rows, on two other users' rows and on their own: all in vain."""


class SignIn(NamedTuple):
    """Who the bearer is to the database: their record, and the access method they came through."""

    auth: str
    access: str


@cache
def private_key() -> RSAPrivateKey:
    """Make the key that stands in for the user pool's, once per process."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def public_key() -> str:
    """Return the PEM that a set-up script takes in place of the pool's JWKS URL."""
    key = private_key().public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sign(claims: Mapping[str, Any], key: RSAPrivateKey | None = None) -> str:
    """Sign the claims as they are: PyJWT's own encoder would refuse or convert odd ones."""
    return PyJWS().encode(payload(claims), key or private_key(), algorithm="RS256")


def sign_in(
    token: str, setup: Setup, *, script: str | None = None, editable: Sequence[str] = ()
) -> SignIn:
    """Sign a token's bearer in to a fresh database, and see that they reach their own row alone.

    They read it, and change its `editable` fields and nothing else. `script` replaces the set-up
    script.
    """
    script = script or setup_script(setup, public_key=public_key(), editable=editable)
    with Engine("mem://") as engine:
        engine.use(setup.namespace, setup.database)
        _ask(engine, script)
        others = _plant(engine, setup)
        _authenticate(engine, token, setup)
        bearer = _bearer(engine, setup)
        _check_reach(engine, setup, bearer, others, editable)
    return SignIn(str(bearer), setup.access or "")


def _plant(engine: Engine, setup: Setup) -> Rows:
    """Plant two more users, whom no token could name beforehand; return every row there is."""
    for _ in range(2):
        record = RecordID("user", str(uuid.uuid4()))
        stranger = {"id": record, "cognito_username": _secret()}
        if setup.reads == "id":
            stranger["email"] = f"{_secret()}@example.com"
        _ask(engine, "CREATE user CONTENT $stranger;", stranger=stranger)
        for field in _ask(engine, "INFO FOR TABLE user;")["fields"]:
            if field.isidentifier() and field not in ("id", *stranger):
                fill = f"UPDATE $id SET {field} = $value;"  # noqa: S608  (an identifier)
                engine.query_raw(fill, {"id": record, "value": _secret()})
    return _rows(engine)


def _secret() -> str:
    return f"secret-{uuid.uuid4()}"


def _authenticate(engine: Engine, token: str, setup: Setup) -> None:
    """Hand over the token; a refusal becomes a code, since the engine's text may quote claims."""
    try:
        engine.authenticate(token)
    except (RuntimeError, ValueError) as error:  # the engine's; its client's, for what is no token
        said = str(error).removeprefix("There was a problem with the database: ")
    else:
        return
    reasons = {f"An error occurred: {check.reason}": check.code for check in checks(setup)}
    reasons["The token has expired"] = "expired"
    if said in reasons:
        raise Refused(reasons[said], said.removeprefix("An error occurred: "))
    raise Refused(UNEXPLAINED, "the engine would not take the token, and does not say why")


def _bearer(engine: Engine, setup: Setup) -> RecordID:
    """Ask who is signed in; believe nothing else before this."""
    auth, access = _ask(engine, "RETURN [$auth, $access];")
    if access != setup.access:
        raise Refused("wrong-access", "the bearer is in by another access method, or not at all")
    if not isinstance(auth, RecordID):
        raise Refused("system-user", "the bearer is no record: no table permission stops them")
    return auth


def _check_reach(
    engine: Engine, setup: Setup, bearer: RecordID, others: Rows, editable: Sequence[str]
) -> None:
    """Try, as the bearer, what nobody may do; then look, as nobody, at what came of it."""
    me = str(bearer)
    others.pop(me, None)
    seen = _rows(engine)
    one, two = [row["id"] for row in others.values()][-2:]
    told = _told(engine, {"me": bearer, "one": one, "two": two}, editable)
    engine.invalidate()
    engine.use(setup.namespace, setup.database)
    after = _rows(engine)
    own, own_after = seen.pop(me, None), after.pop(me, None)
    if seen or after != others or _shows(told, others):
        raise Refused("other-row", "the bearer can read or change another user's row")
    if any(str(row["id"].id) in told for row in (others[str(one)], others[str(two)])):
        raise Refused("other-id", "the bearer can see other users' ids, which are their subs")
    if own is None or own_after is None:
        raise Refused("own-row", "the bearer cannot read their own row, or can delete it")
    if _from_token(own) != _from_token(own_after):
        raise Refused("own-row", "the bearer can change what only their token may")
    if any(own_after.get(field) != "changed" for field in editable):
        raise Refused("own-row", "the bearer cannot change an editable field of their own row")


def _told(engine: Engine, variables: dict[str, Any], editable: Sequence[str]) -> str:
    """Give all that the bearer is told: results, and errors that quote what an expression saw."""
    told = []
    for attempt in (
        *ATTEMPTS,
        *(f'UPDATE $me MERGE {{ `{name}`: "changed" }}' for name in editable),
    ):
        try:
            told.append(str(engine.query_raw(attempt, variables)["result"]))
        except RuntimeError as error:
            told.append(str(error))
    return "\n".join(told)


def _shows(told: str, others: Rows) -> bool:
    secrets = [each for row in others.values() for each in row.values() if isinstance(each, str)]
    return any(secret in told for secret in secrets if secret.startswith("secret-"))


def _from_token(row: Mapping[str, Any]) -> list[Any]:
    return [row.get("email"), row.get("cognito_username")]


def _rows(engine: Engine) -> Rows:
    rows: list[dict[str, Any]] = _ask(engine, "SELECT * FROM user;")
    return {str(row.get("id")): row for row in rows}


def _ask(engine: Engine, query: str, **variables: Any) -> Any:
    """Return the last statement's result; one that fails is a fault in the set-up script."""
    try:
        statements = engine.query_raw(query, variables)["result"]
    except RuntimeError as error:
        raise Refused("setup-script", "the engine cannot read the set-up script") from error
    if any(statement["status"] != "OK" for statement in statements):
        raise Refused("setup-script", "the engine refused a statement of the set-up script")
    return statements[-1]["result"]
