"""A real SurrealDB 2.x in memory, which judges who the bearer of a token is.

An embedded engine has authentication off: a session that is NOT authenticated sees everything. So
no row counts before `$auth` and `$access` tell who is asking.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.extra import testing_extra
from cognito_claims.contract.surrealdb_claims import payload
from cognito_claims.contract.surrealdb_engine3 import Engine3
from cognito_claims.contract.surrealdb_reach import ask, check_reach, plant
from cognito_claims.contract.surrealdb_script import Generation, Setup, checks, setup_script

with testing_extra():
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from jwt import PyJWS
    from surrealdb import BlockingEmbeddedSurrealConnection as Engine
    from surrealdb import RecordID

ENGINE = "2.3.10"
"""The engine inside surrealdb 2.0 for Python, which cannot tell its version itself."""

UNEXPLAINED = "unexplained"
"""The code for a refusal whose reason the engine kept to itself."""


class SignIn(NamedTuple):
    """Who the bearer is in the database: the record, and the access method of the sign-in."""

    auth: str
    access: str


@cache
def private_key() -> RSAPrivateKey:
    """Return the key that replaces the user pool's, made once per process."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def public_key() -> str:
    """Return the PEM that a set-up script takes in place of the pool's JWKS URL."""
    key = private_key().public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sign(claims: Mapping[str, Any], key: RSAPrivateKey | None = None) -> str:
    """Sign the claims unchanged; PyJWT's own encoder would refuse or convert unusual ones."""
    return PyJWS().encode(payload(claims), key or private_key(), algorithm="RS256")


def sign_in(
    token: str,
    setup: Setup,
    *,
    script: str | None = None,
    editable: Sequence[str] = (),
    generation: Generation = "2.x",
) -> SignIn:
    """Sign a token's bearer in to a new database, and check that they reach only their own row.

    They can read it, and change its `editable` fields and nothing else. `script` replaces the
    set-up script.
    """
    script = script or setup_script(setup, generation, public_key=public_key(), editable=editable)
    opened: Any = Engine("mem://") if generation == "2.x" else Engine3()
    with opened as engine:
        engine.use(setup.namespace, setup.database)
        ask(engine, script)
        others = plant(engine, setup)
        _authenticate(engine, token, setup)
        bearer = _bearer(engine, setup)
        check_reach(engine, setup, bearer, others, editable)
    return SignIn(str(bearer), setup.access or "")


def _authenticate(engine: Engine | Engine3, token: str, setup: Setup) -> None:
    """Pass the token to the engine; turn a refusal into a code, since its text may quote claims."""
    try:
        engine.authenticate(token)
    except (RuntimeError, ValueError) as error:  # the engine's; its client's, for what is no token
        said = str(error).removeprefix("There was a problem with the database: ")
    else:
        return
    reasons = {f"An error occurred: {check.reason}": check.code for check in checks(setup)}
    reasons["The token has expired"] = "expired"
    if said in reasons:
        raise BackendRefusal(reasons[said], said.removeprefix("An error occurred: "))
    raise BackendRefusal(UNEXPLAINED, "the engine refused the token, and gave no reason")


def _bearer(engine: Engine | Engine3, setup: Setup) -> RecordID:
    """Return who is signed in; nothing else counts before this."""
    auth, access = ask(engine, "RETURN [$auth, $access];")
    if access != setup.access:
        raise BackendRefusal(
            "wrong-access", "the bearer signed in by another access method, or not at all"
        )
    if not isinstance(auth, RecordID):
        raise BackendRefusal(
            "system-user", "the bearer is not a record, so no table permission stops them"
        )
    return auth
