"""Which claims each generation of SurrealDB reads, and why it would not take a token.

From SurrealDB's claims structure, version by version, and run on 1.0.0, 2.3.10 and 3.0.2. It answers
for the generations that have no engine in Python, and explains a refusal where an engine does not.
"""

import time
from collections.abc import Mapping
from typing import Any

from cognito_claims.contract.errors import Refused
from cognito_claims.contract.surrealql import Generation, Setup

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
"""The accepted names of each claim; one token may use one of them."""


def check(claims: Mapping[str, Any], setup: Setup, generation: Generation) -> None:
    """Raise `Refused` when this generation would not take the token, or take it for more than a user."""
    _check_dangerous(claims)
    _check_address(claims, setup, generation)
    _check_registered(claims)
    if claims.get("iss") != setup.issuer:
        raise Refused("wrong-issuer", "iss is not the user pool")
    (_check_id_token if setup.token == "id" else _check_access_token)(claims, setup)
    _check_subject(claims, "cognito:username" if setup.token == "id" else "username")
