"""A real MCP server (fastmcp) takes the tokens that the rules make, and no others: `tox -e mcp`."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastmcp.server.auth.providers.aws import AWSCognitoTokenVerifier
from fastmcp.server.auth.providers.jwt import JWTVerifier

from cognito_claims.contract import agentcore
from cognito_claims.contract.errors import BackendRefusal
from tests.stand_ins.tokens import (
    CLIENT,
    ISSUER,
    KEY,
    MALLORY,
    OTHER_KEY,
    claims,
    signed,
)

SCOPE = "agent/invoke"
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
COGNITO = AWSCognitoTokenVerifier(
    public_key=PEM, issuer=ISSUER, audience=CLIENT, required_scopes=[SCOPE]
)
RESOURCE = "https://mcp.example.com/mcp"
BOUND = JWTVerifier(public_key=PEM, issuer=ISSUER, audience=RESOURCE, required_scopes=[SCOPE])
AUTHORIZER = {
    "discoveryUrl": f"{ISSUER}/.well-known/openid-configuration",
    "allowedClients": [CLIENT],
    "allowedScopes": [SCOPE],
}
GRANTED = {"scope": f"openid {SCOPE}"}
REFUSED: dict[str, Mapping[str, Any]] = {
    "no scope": {},
    "another scope": {"scope": "agent/invoke-all"},
    "another client": {**GRANTED, "client_id": "another"},
    "an ID token": {"token_use": "id", "client_id": None, "aud": CLIENT},
    "another pool": {**GRANTED, "iss": ISSUER + "x"},
    "expired": {**GRANTED, "exp": 1},
}


def taken(verifier: JWTVerifier, token: str) -> str | None:
    found = asyncio.run(verifier.verify_token(token))
    return None if found is None else found.subject


def test_a_member_with_the_scope_is_that_member() -> None:
    assert taken(COGNITO, signed(claims(MALLORY, **GRANTED))) == MALLORY


@pytest.mark.parametrize("changed", REFUSED.values(), ids=REFUSED)
def test_any_other_token_is_refused_and_our_table_says_the_same(changed: Mapping[str, Any]) -> None:
    token = claims(MALLORY, **changed)

    assert taken(COGNITO, signed(token)) is None
    with pytest.raises(BackendRefusal):
        agentcore.authorize(token, AUTHORIZER)


@pytest.mark.parametrize(
    "how",
    [
        {"key": OTHER_KEY},
        {"key": None, "algorithm": "none"},
        {"key": "x" * 32, "algorithm": "HS256"},
    ],
)
def test_a_forged_token_is_refused(how: dict[str, Any]) -> None:
    assert taken(COGNITO, signed(claims(MALLORY, **GRANTED), **how)) is None


def test_a_bound_audience_is_compared_by_the_plain_verifier_alone() -> None:
    elsewhere = signed(claims(MALLORY, **GRANTED, aud="https://another.example.com"))
    here = signed(claims(MALLORY, **GRANTED, aud=RESOURCE))

    assert (taken(COGNITO, elsewhere), taken(BOUND, elsewhere)) == (MALLORY, None)
    assert taken(BOUND, here) == MALLORY
