"""Hasura's claims with the parser of Powertools, and pydantic models of one's own: it has none of this trigger."""

import json
from typing import Any, Literal

from aws_lambda_powertools.utilities.parser import event_parser
from pydantic import BaseModel, ConfigDict, Field


class Attributes(BaseModel):
    model_config = ConfigDict(extra="allow")
    sub: str


class Asked(BaseModel):
    model_config = ConfigDict(extra="allow")
    attributes: Attributes = Field(alias="userAttributes")


class SignIn(BaseModel):
    model_config = ConfigDict(extra="allow")
    version: Literal["1"]
    request: Asked
    response: dict[str, Any]


@event_parser(model=SignIn)
def handler(event: SignIn, _context: object) -> dict[str, Any]:
    claims = {
        "x-hasura-user-id": event.request.attributes.sub,
        "x-hasura-default-role": "user",
        "x-hasura-allowed-roles": ["user"],
    }
    added = {"https://hasura.io/jwt/claims": json.dumps(claims)}
    event.response["claimsOverrideDetails"] = {"claimsToAddOrOverride": added}
    return event.model_dump(by_alias=True)
