"""A made-up token, for a script that is tried on an engine."""

import time
from typing import Any

from cognito_claims.contract.surrealdb_script import Setup


def sample_claims(setup: Setup) -> dict[str, Any]:
    """Make up a token of this pool and app client, of a user whom nobody else is."""
    names = {
        "ns": setup.namespace,
        "db": setup.database,
        "ac": setup.access,
        "tk": setup.token_name,
        "sc": setup.scope,
    }
    claims: dict[str, Any] = {claim: name for claim, name in names.items() if name is not None}
    claims |= {"iss": setup.issuer, "token_use": setup.token_use, "sub": "a-made-up-user"}
    if setup.token_use == "access":
        claims |= {"client_id": setup.client_id, "username": "made-up"}
    else:
        claims |= {"aud": setup.client_id, "cognito:username": "made-up"}
        claims |= {"email": "made-up@example.com", "email_verified": True}
    return {**claims, "exp": int(time.time()) + 3600}
