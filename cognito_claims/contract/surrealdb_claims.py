"""Which claims each generation of SurrealDB reads, and why it would refuse a token.

The rules come from SurrealDB's own claims structure, version by version; tests compare them with
1.0.0, 2.3.10 and 3.0.2. This module judges for generations without an engine, and explains a
refusal if an engine gives no reason.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.surrealdb_script import Generation, Setup

_URL = "https://surrealdb.com/"
NAMES = {
    "namespace": ("ns", "NS", f"{_URL}ns", f"{_URL}namespace"),
    "database": ("db", "DB", f"{_URL}db", f"{_URL}database"),
    "access": ("ac", "AC", f"{_URL}ac", f"{_URL}access"),
    "scope": ("sc", "SC", f"{_URL}sc", f"{_URL}scope"),
    "token": ("tk", "TK", f"{_URL}tk", f"{_URL}token"),
    "record": ("id", "ID", f"{_URL}id", f"{_URL}record"),
    "roles": ("rl", "RL", f"{_URL}rl", f"{_URL}roles"),
}
"""The accepted names of each claim: a token may use one of them, never two."""

Claims = Mapping[str, Any]
_I64 = 2**63 - 1


def payload(claims: Claims) -> bytes:
    """Return the claims in the form in which a token carries them, or refuse what no token can
    carry.
    """
    try:
        return json.dumps(claims, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BackendRefusal(
            "not-json", "the claims are not JSON, so no token can hold them"
        ) from error


def check(claims: Claims, setup: Setup, generation: Generation) -> None:
    """Raise `BackendRefusal` if this generation would refuse the token, or accept it for more than a user."""
    payload(claims)
    _check_dangerous(claims)
    _check_address(claims, setup, generation)
    _check_registered(claims)
    _check_times(claims, time.time())
    _expect(claims, "iss", (setup.issuer,), "wrong-issuer")
    if setup.token_use == "access":
        _check_access_token(claims, setup)
    else:
        _check_id_token(claims, setup)
        if generation != "1.x":  # nothing is filled in there
            _require(claims, "cognito:username", "missing-username")


def _check_dangerous(claims: Claims) -> None:
    """Refuse claims that SurrealDB accepts and that nobody should send."""
    if _value(claims, "record") is not None:
        raise BackendRefusal(
            "record-claim",
            "id names a record, and 3.x cuts an unescaped id short: one user could become another",
        )
    if _value(claims, "roles") is not None:
        raise BackendRefusal(
            "roles-claim", "rl gives the roles of a system user, and a Cognito user is not one"
        )


def _check_address(claims: Claims, setup: Setup, generation: Generation) -> None:
    """Compare the claims that address the token with the set-up."""
    entrance = ("token", "scope") if generation == "1.x" else ("access",)
    expected = {
        "namespace": setup.namespace,
        "database": setup.database,
        "access": setup.access,
        "token": setup.token_name,
        "scope": setup.scope,
    }
    for claim in ("namespace", "database", *entrance):
        value = _value(claims, claim)
        if value is None:
            raise _missing(claim)
        if not isinstance(value, str):
            raise _wrong_type(claim, "a string")
        if value != expected[claim]:
            raise BackendRefusal(
                f"wrong-{claim}", f"{NAMES[claim][0]} is not the {claim} of this set-up"
            )


def _check_registered(claims: Claims) -> None:
    """Check the types of the JWT's own claims; a wrong type makes the token unreadable."""
    for name in ("iss", "sub", "jti"):
        if not isinstance(claims.get(name), str | None):
            raise _wrong_type(name, "a string")
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name)
        if isinstance(value, bool) or not isinstance(value, int | None) or abs(value or 0) > _I64:
            raise _wrong_type(name, "a whole number of 64 bits")


def _check_times(claims: Claims, now: float) -> None:
    """Require `exp`; SurrealDB grants no leeway in either direction."""
    if claims.get("exp") is None:
        raise BackendRefusal("missing-exp", "exp is missing: SurrealDB accepts no token without it")
    if claims["exp"] <= now:
        raise BackendRefusal("expired", "the token has expired")
    if (claims.get("nbf") or 0) > now:
        raise BackendRefusal("not-yet-valid", "nbf is in the future")


def _check_id_token(claims: Claims, setup: Setup) -> None:
    """Check the conditions in the set-up script for ID tokens."""
    _expect(claims, "token_use", ("id",), "wrong-token-use")
    _expect(claims, "aud", setup.client_ids, "wrong-audience")
    _require(claims, "sub", "missing-subject")
    if claims.get("email_verified") is not True:
        raise BackendRefusal("email-not-verified", "email_verified is not the boolean true")
    local, _, domain = _require(claims, "email", "missing-email").rpartition("@")
    if not (local and domain):
        raise BackendRefusal("missing-email", "email is not an address")


def _check_access_token(claims: Claims, setup: Setup) -> None:
    """Check the conditions in the script for access tokens; a machine token has no username."""
    _expect(claims, "token_use", ("access",), "wrong-token-use")
    _expect(claims, "client_id", setup.client_ids, "wrong-client")
    _require(claims, "sub", "missing-subject")
    _require(claims, "username", "missing-username")


def _value(claims: Claims, claim: str) -> Any:
    """Return a claim under any of its names; null counts as absent."""
    found = [name for name in NAMES[claim] if name in claims]
    if len(found) > 1:
        raise BackendRefusal(
            "duplicate-claim", f"{found[0]} and {found[1]} are two names of one claim"
        )
    return claims[found[0]] if found else None


def _expect(claims: Claims, name: str, expected: tuple[str, ...], code: str) -> None:
    if claims.get(name) not in expected:
        raise BackendRefusal(code, f"{name} is not what the set-up script expects")


def _require(claims: Claims, name: str, code: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise BackendRefusal(code, f"{name} is missing, or not a string")
    return value


def _missing(claim: str) -> BackendRefusal:
    """Return the refusal for a missing claim; in 1.x, no scope makes it another kind of token."""
    if claim == "scope":
        return BackendRefusal(
            "system-user",
            "tk without sc names a database token: no table permission stops its bearer",
        )
    return BackendRefusal(
        f"missing-{claim}", f"{NAMES[claim][0]} is missing: the token names no {claim}"
    )


def _wrong_type(claim: str, expected: str) -> BackendRefusal:
    return BackendRefusal("claim-type", f"{NAMES.get(claim, (claim,))[0]} must be {expected}")
