"""The claims of the benchmark's rules with the parser of Powertools, and pydantic models of one's own."""

from typing import Any, Literal

from aws_lambda_powertools.utilities.parser import event_parser
from pydantic import BaseModel, ConfigDict, Field

_ROLES = {"editors": ("editor", "author"), "admins": ("admin",)}


class Attributes(BaseModel):
    model_config = ConfigDict(extra="allow")
    email: str
    email_verified: Literal["true", "false"]
    plan: str = Field("free", alias="custom:plan")
    level: int = Field(alias="custom:level")
    beta: bool = Field(alias="custom:beta")
    teams: str = Field("", alias="custom:teams")


class GroupConfiguration(BaseModel):
    model_config = ConfigDict(extra="allow")
    groups: list[str] = Field(alias="groupsToOverride")


class Asked(BaseModel):
    model_config = ConfigDict(extra="allow")
    attributes: Attributes = Field(alias="userAttributes")
    group_configuration: GroupConfiguration = Field(alias="groupConfiguration")
    client_metadata: dict[str, str] = Field(default={}, alias="clientMetadata")


class SignIn(BaseModel):
    model_config = ConfigDict(extra="allow")
    version: Literal["2"]
    request: Asked
    response: dict[str, Any]


@event_parser(model=SignIn)
def handler(event: SignIn, _context: object) -> dict[str, Any]:
    attributes, groups = event.request.attributes, event.request.group_configuration.groups
    domain = attributes.email.rpartition("@")[2].lower()
    if attributes.email_verified != "true" or domain != "example.com":
        raise PermissionError("Sign in with your work account.")
    tenant = _tenant(event.request.client_metadata.get("tenant"), groups)
    role = "admin" if "admins" in groups else "editor" if "editors" in groups else "authenticated"
    event.response["claimsAndScopeOverrideDetails"] = {
        "idTokenGeneration": {
            "claimsToAddOrOverride": {
                "tenant_id": tenant,
                "role": role,
                "plan": attributes.plan,
                "level": attributes.level,
                "beta": attributes.beta,
                "https://aws.amazon.com/tags": {"principal_tags": {"tenant": [tenant]}},
            }
        },
        "accessTokenGeneration": {
            "claimsToAddOrOverride": {
                "tenant_id": tenant,
                "roles": [role for group in _ROLES if group in groups for role in _ROLES[group]],
                "plan": attributes.plan,
                "work_email": attributes.email,
                "teams": [team.strip(" ") for team in attributes.teams.split(",")],
                "service": "shop",
            },
            "scopesToAdd": ["orders/read", *(["orders/write"] if "editors" in groups else [])],
        },
    }
    return event.model_dump(by_alias=True)


def _tenant(asked: str | None, groups: list[str]) -> str:
    tenants = [group[7:] for group in groups if group.startswith("tenant:") and group[7:]]
    if asked in tenants:
        return str(asked)
    if asked or len(tenants) != 1:
        raise PermissionError("Sign-in could not be completed")
    return tenants[0]
