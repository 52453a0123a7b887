"""Hasura's claims by hand: dict code, and `json`, which the runtime client has loaded."""

import json
from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    claims = {
        "x-hasura-user-id": event["request"]["userAttributes"]["sub"],
        "x-hasura-default-role": "user",
        "x-hasura-allowed-roles": ["user"],
    }
    event["response"]["claimsOverrideDetails"] = {
        "claimsToAddOrOverride": {"https://hasura.io/jwt/claims": json.dumps(claims)}
    }
    return event
