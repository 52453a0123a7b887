"""Hasura's claims with the data classes of Powertools."""

import json
from typing import Any

from aws_lambda_powertools.utilities.data_classes.cognito_user_pool_event import (
    PreTokenGenerationTriggerEvent,
)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    sign_in = PreTokenGenerationTriggerEvent(event)
    claims = {
        "x-hasura-user-id": sign_in.request.user_attributes["sub"],
        "x-hasura-default-role": "user",
        "x-hasura-allowed-roles": ["user"],
    }
    added = {"https://hasura.io/jwt/claims": json.dumps(claims)}
    sign_in.response.claims_override_details.claims_to_add_or_override = added
    return sign_in.raw_event
