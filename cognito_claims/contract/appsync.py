"""What AppSync and Amplify Data make of a token: an owner's identity, and groups."""

import json
import re
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
    client_of,
)

_API = "the service model of AppSync in botocore"
_VTL = "the templates that @aws-amplify/graphql-auth-transformer 4.2.9 writes"
SOURCES: Final = {
    "accepted": Source(f"{_API}; {_VTL}", "seen"),
    "no-exp": Source("no page says so of AppSync", "assumed"),
    "expired": Source("no page gives the skew", "assumed"),
    "not-yet-valid": Source("no page says so of AppSync", "assumed"),
    "wrong-issuer": Source(f"{_API}: the pool of the API", "documented"),
    "wrong-client": Source(f"{_API}: appIdClientRegex; for ID tokens against aud", "documented"),
    "not-a-claim-for-rules": Source(f"{_VTL}: texts and lists of texts", "seen"),
    "one-group": Source(f"{_VTL}: a text that is no JSON list is one group", "seen"),
    NOT_GIVEN: Source(f"{_VTL}: a claim that is absent matches nothing", "seen"),
}


def identity(
    token: Claims,
    *,
    issuer: str,
    client_pattern: str,
    claims: Set[str],
    now: float | None = None,
) -> dict[str, Any]:
    """Return what rules on these claims see; raise `BackendRefusal` for a token that gets nowhere.

    `client_pattern` is the API's `appIdClientRegex`.
    """
    check_issuer(token, issuer)
    check_times(token, time.time() if now is None else now, 0)
    client = client_of(token)
    if not (isinstance(client, str) and re.fullmatch(client_pattern, client)):
        raise BackendRefusal("wrong-client", "client_id, aud: does not match appIdClientRegex")
    seen = {name: _seen(name, token[name]) for name in sorted(claims) if name in token}
    if not seen:
        raise BackendRefusal(NOT_GIVEN, "the token has none of the claims that the rules make")
    groups = token.get("cognito:groups", [])
    return {"sub": token.get("sub"), "cognito:groups": groups, **seen}


def _seen(name: str, value: object) -> str | list[str]:
    """Return a text as an owner's identity or one group, a list as groups."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            told = f"{name}: a text in brackets that is not JSON: all of it is one group's name"
            raise BackendRefusal("one-group", told) from None
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise BackendRefusal("not-a-claim-for-rules", f"{name}: is neither a text nor a list of texts")
