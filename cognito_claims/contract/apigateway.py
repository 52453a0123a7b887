"""What API Gateway makes of a token where a method or route asks for scopes.

The rules are those of the JWT authorizer of HTTP APIs. A REST API's authorizer of type
COGNITO_USER_POOLS asks the same of scopes, and does not compare the app client.
"""

import time
from collections.abc import Set
from typing import Any, Final

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.jwt_rules import (
    NOT_GIVEN,
    Claims,
    Source,
    check_issuer,
    check_times,
)

_HTTP = "API Gateway guide, JWT authorizers"
_REST = "API Gateway guide, Integrate an API with a user pool"
SOURCES: Final = {
    "accepted": Source(f"{_HTTP}; {_REST}", "documented"),
    "no-exp": Source(f"{_HTTP}: exp", "documented"),
    "expired": Source(f"{_HTTP}: exp", "documented"),
    "not-yet-valid": Source(f"{_HTTP}: nbf, iat", "documented"),
    "wrong-issuer": Source(f"{_HTTP}: iss", "documented"),
    "wrong-client": Source(f"{_HTTP}: aud, and client_id only where aud is absent", "documented"),
    "no-scope-at-all": Source(f"{_REST}: with scopes an access token is expected", "documented"),
    NOT_GIVEN: Source(f"{_HTTP}: any one of the route's scopes is enough", "documented"),
}


def authorize(
    token: Claims,
    *,
    issuer: str,
    client_ids: tuple[str, ...],
    scopes: Set[str],
    now: float | None = None,
) -> dict[str, Any]:
    """Return who asks, and which of these scopes they have; raise `BackendRefusal` for none of them."""
    check_issuer(token, issuer)
    check_times(token, time.time() if now is None else now, 0)
    audience = token.get("aud", token.get("client_id"))
    audiences = audience if isinstance(audience, list) else [audience]
    if not any(client in client_ids for client in audiences):
        raise BackendRefusal("wrong-client", "aud, client_id: neither is the authorizer's audience")
    given = _scopes(token)
    if not given:
        raise BackendRefusal(
            "no-scope-at-all", "scope: the token has none; ID tokens never have any"
        )
    granted = sorted(scopes & given)
    if not granted:
        raise BackendRefusal(NOT_GIVEN, "scope: the rules give this token none of their scopes")
    return {"sub": token.get("sub"), "scopes": granted}


def _scopes(token: Claims) -> frozenset[str]:
    given = token.get("scope", token.get("scp"))
    if isinstance(given, list):
        return frozenset(scope for scope in given if isinstance(scope, str))
    return frozenset(given.split(" ")) if isinstance(given, str) else frozenset()
