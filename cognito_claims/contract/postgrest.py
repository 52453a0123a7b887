"""What PostgREST, Supabase, or a service on plain PostgreSQL makes of a token: a role and a user.

The part behind it is PostgreSQL's own: `setup` prints its roles and policies.
"""

import time
from collections.abc import Set
from typing import Final
from uuid import UUID

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.jwt_rules import (
    Claims,
    Source,
    check_client,
    check_issuer,
    check_times,
)

SKEW_S: Final = 30
ANONYMOUS: Final = "anon"
LOGIN: Final = "authenticator"
ABOVE_ROWS: Final = frozenset(("service_role", "postgres", "supabase_admin"))
"""The roles that row-level security does not hold."""
_AUTH = "PostgREST, Authentication"
_SQL = "the SQL that setup prints, run on PostgreSQL"
SOURCES: Final = {
    "accepted": Source(f"{_AUTH}, and {_SQL}", "documented"),
    "no-exp": Source(_SQL, "seen"),
    "expired": Source(f"{_AUTH}: exp, iat and nbf with 30 s of skew", "documented"),
    "not-yet-valid": Source(f"{_AUTH}: exp, iat and nbf with 30 s of skew", "documented"),
    "wrong-issuer": Source(f"{_SQL}; Supabase compares iss as well", "seen"),
    "wrong-client": Source(f"{_SQL}; jwt-aud lets a token without aud pass", "seen"),
    "anonymous": Source(f"{_AUTH}: without the claim the anonymous role is used", "documented"),
    "role-not-text": Source("no page says what becomes of such a role", "assumed"),
    "role-above-rows": Source("Supabase: service_role bypasses row-level security", "documented"),
    "role-not-granted": Source(f"{_AUTH}: SET ROLE to a role that is not granted", "documented"),
    "sub-no-uuid": Source("Supabase: auth.uid() casts sub to uuid", "documented"),
}


def session(
    token: Claims,
    *,
    issuer: str,
    client_ids: tuple[str, ...],
    roles: Set[str],
    now: float | None = None,
) -> dict[str, str]:
    """Return the database role and the user of a request with this token.

    `roles` are those granted to the login role, case-sensitive. What is refused raises `BackendRefusal`:
    by PostgREST, by PostgreSQL, or by the functions that `setup` prints.
    """
    check_times(token, time.time() if now is None else now, SKEW_S)
    check_issuer(token, issuer)
    check_client(token, client_ids)
    role = token.get("role")
    if role is None or role == ANONYMOUS:
        told = f"role: without it the request runs as {ANONYMOUS}: no error, and no rows"
        raise BackendRefusal("anonymous", told)
    if not isinstance(role, str) or not role:
        raise BackendRefusal("role-not-text", "role: is not a text")
    if role in ABOVE_ROWS:
        told = f"role: row-level security does not hold {role}"
        raise BackendRefusal("role-above-rows", told)
    if role not in roles or role == LOGIN:
        raise BackendRefusal("role-not-granted", f"role: is not granted to {LOGIN}")
    return {"role": role, "sub": _user(token)}


def _user(token: Claims) -> str:
    sub = token.get("sub")
    try:
        if isinstance(sub, str) and str(UUID(sub)) == sub.lower():
            return sub
    except ValueError:
        pass
    raise BackendRefusal(
        "sub-no-uuid", "sub: is not a UUID; that of a machine is its app client's id"
    )
