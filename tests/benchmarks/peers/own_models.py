"""Hasura's claims with pydantic: models of the event and of the claims."""

from typing import Any, Literal

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


class Claims(BaseModel):
    user_id: str = Field(serialization_alias="x-hasura-user-id")
    default_role: str = Field(default="user", serialization_alias="x-hasura-default-role")
    allowed_roles: list[str] = Field(default=["user"], serialization_alias="x-hasura-allowed-roles")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    sign_in = SignIn.model_validate(event)
    claims = Claims(user_id=sign_in.request.attributes.sub).model_dump_json(by_alias=True)
    added = {"https://hasura.io/jwt/claims": claims}
    return {**event, "response": {"claimsOverrideDetails": {"claimsToAddOrOverride": added}}}
