"""A real SurrealDB 2.x, in memory, asked who the bearer of a token is and what they can touch.

An embedded engine has authentication off: a session that is NOT authenticated sees everything. So
no row is believed before `$auth` and `$access` say who is asking.
"""

import uuid
from collections.abc import Mapping
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

ATTEMPTS = (
    'UPDATE user SET cognito_username = "changed";',
    'UPDATE $me SET email = "changed@example.com";',
    'UPDATE $others SET cognito_username = "changed";',
    "DELETE $others;",
    'CREATE user SET email = "created@example.com", cognito_username = "created";',
)
"""What the bearer tries: the first may change their own row, the others nothing at all."""


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


def sign_in(token: str, setup: Setup, *, script: str | None = None) -> SignIn:
    """Sign a token's bearer in to a fresh database, and see that they reach their own row alone.

    `script` replaces the set-up script, for tests of what each of its lines is good for.
    """
    script = script or setup_script(setup, public_key=public_key())
    with Engine("mem://") as engine:
        engine.use(setup.namespace, setup.database)
        _ask(engine, script)
        others = _plant(engine, setup)
        _authenticate(engine, token, setup)
        bearer = _bearer(engine, setup)
        _check_reach(engine, setup, bearer, others)
    return SignIn(str(bearer), setup.access or "")


def _plant(engine: Engine, setup: Setup) -> Rows:
    """Plant a second user, whom no token could name beforehand; return every row there is."""
    stranger = {"id": RecordID("user", str(uuid.uuid4())), "cognito_username": "stranger"}
    if setup.reads == "id":
        stranger["email"] = f"{uuid.uuid4()}@example.com"
    _ask(engine, "CREATE user CONTENT $stranger;", stranger=stranger)
    return _rows(engine)


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


def _check_reach(engine: Engine, setup: Setup, bearer: RecordID, others: Rows) -> None:
    """Try, as the bearer, what only owners may do; then look, as nobody, at what came of it."""
    me = str(bearer)
    others.pop(me, None)
    seen = _rows(engine)
    variables: dict[str, Any] = {"me": bearer, "others": [row["id"] for row in others.values()]}
    for attempt in ATTEMPTS:
        engine.query_raw(attempt, variables)
    engine.invalidate()
    engine.use(setup.namespace, setup.database)
    after = _rows(engine)
    own, own_after = seen.pop(me, None), after.pop(me, None)
    if seen or after != others:
        raise Refused("other-row", "the bearer can read or change another user's row")
    if own is None or own_after != {**own, "cognito_username": "changed"}:
        raise Refused("own-row", "the bearer cannot read their row, or not change just its name")


def _rows(engine: Engine) -> Rows:
    rows: list[dict[str, Any]] = _ask(engine, "SELECT * FROM user;")
    return {str(row["id"]): row for row in rows}


def _ask(engine: Engine, query: str, **variables: Any) -> Any:
    """Return the last statement's result; one that fails is a fault in the set-up script."""
    try:
        statements = engine.query_raw(query, variables)["result"]
    except RuntimeError as error:
        raise Refused("setup-script", "the engine cannot read the set-up script") from error
    if any(statement["status"] != "OK" for statement in statements):
        raise Refused("setup-script", "the engine refused a statement of the set-up script")
    return statements[-1]["result"]
