"""What the JWT authorizer of a Bedrock AgentCore gateway or runtime makes of a token."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.jwt_rules import (
    NOT_GIVEN,
    Claims,
    Source,
    check_issuer,
    check_times,
)

DISCOVERY: Final = "/.well-known/openid-configuration"
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,255}")
_VALUE = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_GUIDE = "AgentCore guide, Configure inbound JWT authorizer"
_MODEL = "the service model of bedrock-agentcore-control in botocore"
SOURCES: Final = {
    "accepted": Source(f"{_GUIDE}; {_MODEL}", "documented"),
    "no-exp": Source("no page says so of AgentCore", "assumed"),
    "expired": Source("no page gives the skew", "assumed"),
    "not-yet-valid": Source("no page says so of AgentCore", "assumed"),
    "wrong-issuer": Source(f"{_GUIDE}: the issuer of discoveryUrl", "documented"),
    "wrong-client": Source(f"{_GUIDE}: allowedClients is compared with client_id", "documented"),
    "unmatchable": Source(f"{_MODEL}: the patterns of names and values", "documented"),
    "claim-type": Source(f"{_MODEL}: STRING or STRING_ARRAY", "documented"),
    NOT_GIVEN: Source(f"{_GUIDE}: customClaims; that one of allowedScopes is enough", "assumed"),
}


def authorize(
    token: Claims, authorizer: Mapping[str, Any], *, now: float | None = None
) -> dict[str, Any]:
    """Return who asks; raise `BackendRefusal` for a token that the authorizer would not let in.

    `authorizer` is the `customJWTAuthorizer` of the gateway or runtime.
    """
    for problem in problems(authorizer):
        raise BackendRefusal("unmatchable", problem)
    check_issuer(token, authorizer["discoveryUrl"].removesuffix(DISCOVERY))
    check_times(token, time.time() if now is None else now, 0)
    client = token.get("client_id")
    if client not in authorizer["allowedClients"]:
        raise BackendRefusal(
            "wrong-client", "client_id: is not in allowedClients; ID tokens have none"
        )
    scopes = str(token.get("scope", "")).split(" ")
    allowed = authorizer.get("allowedScopes")
    if allowed and not set(allowed) & set(scopes):
        raise BackendRefusal(NOT_GIVEN, "scope: the token has none of allowedScopes")
    matched = {
        rule["inboundTokenClaimName"]: _matched(token, rule)
        for rule in authorizer.get("customClaims", [])
    }
    granted = {"scopes": sorted(set(allowed) & set(scopes))} if allowed else {}
    return {"sub": token.get("sub"), "client_id": client, **granted, **matched}


def problems(authorizer: Mapping[str, Any]) -> Iterator[str]:
    """Return what the service would not take: claims and values that no rule can match."""
    for rule in authorizer.get("customClaims", []):
        name = rule["inboundTokenClaimName"]
        if not _NAME.fullmatch(name):
            yield f"{name}: a claim's name may have letters, digits, _, ., : and - alone"
        values = _wanted(rule)
        if not all(map(_VALUE.fullmatch, values)):
            yield f"{name}: a value may have letters, digits, _, . and - alone"


def _wanted(rule: Mapping[str, Any]) -> list[str]:
    value = rule["authorizingClaimMatchValue"]["claimMatchValue"]
    return value.get("matchValueStringList") or [value["matchValueString"]]


def _matched(token: Claims, rule: Mapping[str, Any]) -> Any:
    name, kind = rule["inboundTokenClaimName"], rule["inboundTokenClaimValueType"]
    found = token.get(name)
    if found is None:
        raise BackendRefusal(NOT_GIVEN, f"{name}: the token has no such claim")
    if not isinstance(found, str if kind == "STRING" else list):
        told = "a text is no list, not even JSON" if kind == "STRING_ARRAY" else "is not a text"
        raise BackendRefusal("claim-type", f"{name}: expected {kind}; {told}")
    values = [found] if isinstance(found, str) else found
    if not set(_wanted(rule)) & {value for value in values if isinstance(value, str)}:
        raise BackendRefusal(NOT_GIVEN, f"{name}: has none of the values that are asked for")
    return found
