"""The tokens that Cognito issues without a trigger, and the event that requests them."""

import json
from collections.abc import Set
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, from_json

from cognito_claims.contract.errors import ContractError, ContractFinding
from cognito_claims.contract.issuer import IssuerType, issuer_url

V1_DETAILS = "claimsOverrideDetails"
V2_DETAILS = "claimsAndScopeOverrideDetails"
GROUP_CLAIMS = ("cognito:groups", "cognito:roles", "cognito:preferred_role")

_LIFETIME_SECONDS = 3600
_SCOPE_WITHOUT_OAUTH = "aws.cognito.signin.user.admin"
_HOSTED = "TokenGeneration_HostedAuth"
_REFRESH = "TokenGeneration_RefreshTokens"
_VERIFIED_FLAGS = ("email_verified", "phone_number_verified")
_ALWAYS_READ = ("sub", "identities")
_SCOPE_OF = {
    "email": "email",
    "email_verified": "email",
    "phone_number": "phone",
    "phone_number_verified": "phone",
}
"""The scopes that bring one attribute and its flag; `profile` brings all others."""
_ATTRIBUTE_SCOPES = frozenset(("profile", *_SCOPE_OF.values()))


def shown(name: str) -> str:
    """Return a name in a form that fits into one line."""
    return name if name.isprintable() and name else json.dumps(name)


class Pool(NamedTuple):
    """The facts about a pool and its app client that an event lacks; no `read_attributes` means
    all.
    """

    issuer_type: IssuerType = "original"
    read_attributes: Set[str] | None = None


class _Payloads(NamedTuple):
    id_token: dict[str, Any] | None
    access_token: dict[str, Any] | None


class Tokens(_Payloads):
    """The two payloads that Cognito would sign; None for a token that is not issued.

    `findings` holds warnings about the answer. It is not a third item: two pairs of the same tokens
    are equal, whatever it holds.
    """

    findings: tuple[ContractFinding, ...] = ()

    def with_findings(self, findings: tuple[ContractFinding, ...]) -> Self:
        """Return the same tokens with these findings."""
        copy = self._replace()
        copy.findings = findings
        return copy


def _or_empty(value: object) -> object:
    return value or {}


def _first(value: object) -> object:
    if not isinstance(value, list):
        return value
    items: list[object] = value
    return items[0] if items else None


class _Wire(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, strict=True, alias_generator=to_camel, hide_input_in_errors=True
    )


class GroupConfiguration(_Wire):
    """A user's groups and roles, in a request and in `groupOverrideDetails`."""

    groups_to_override: list[str] | None = None
    iam_roles_to_override: list[str] | None = None
    preferred_role: Annotated[str | None, BeforeValidator(_first)] = None

    def claims(self) -> dict[str, Any]:
        """Return the group claims; none without a group, since roles come from groups."""
        if not self.groups_to_override:
            return {}
        values = (self.groups_to_override, self.iam_roles_to_override, self.preferred_role)
        pairs = zip(GROUP_CLAIMS, values, strict=True)
        return {
            name: value.copy() if isinstance(value, list) else value
            for name, value in pairs
            if value
        }


class _CallerContext(_Wire):
    client_id: str = Field(min_length=1)


class _Request(_Wire):
    user_attributes: Annotated[dict[str, str], BeforeValidator(_or_empty)] = Field(
        default_factory=dict[str, str]
    )
    group_configuration: Annotated[GroupConfiguration, BeforeValidator(_or_empty)] = (
        GroupConfiguration()
    )
    scopes: list[str] | None = None


class Event(_Wire):
    """A pre token generation event, as tolerant as real events and AWS's own samples require."""

    version: Literal["1", "2", "3"]
    trigger_source: str = Field(pattern="^TokenGeneration_")
    region: str = Field(min_length=1)
    user_pool_id: str = Field(min_length=1)
    user_name: str | None = None
    caller_context: _CallerContext
    request: _Request
    response: Any = None

    @property
    def is_v1(self) -> bool:
        """Whether the event is of V1_0: the key of its response decides, and otherwise `version`.

        AWS's documentation has V2_0 samples with the version "1".
        """
        keys = self.response if isinstance(self.response, dict) else {}
        if (V1_DETAILS in keys) is not (V2_DETAILS in keys):
            return V1_DETAILS in keys
        return self.version == "1"

    @property
    def is_for_machine(self) -> bool:
        """Whether it is for client credentials, which have no user, and so no ID token."""
        return self.trigger_source == "TokenGeneration_ClientCredentials"

    @property
    def has_id_token(self) -> bool:
        """Whether there is an ID token: not for a machine, nor a hosted sign-in without `openid`."""
        is_hosted = self.trigger_source == _HOSTED
        is_without = bool(self.request.scopes) and "openid" not in (self.request.scopes or ())
        return not self.is_for_machine and not (is_hosted and is_without)

    @property
    def attribute_scopes(self) -> Set[str]:
        """The scopes that limit the ID token's attributes, which they do after a hosted sign-in.

        A refresh belongs to a hosted sign-in if it has `openid`; no sign-in by API has that scope.
        """
        scopes = frozenset(self.request.scopes or ())
        is_oauth = self.trigger_source in (_HOSTED, _REFRESH) and "openid" in scopes
        return scopes & _ATTRIBUTE_SCOPES if is_oauth else frozenset()

    @property
    def client_id(self) -> str:
        """The app client that requested the tokens."""
        return self.caller_context.client_id

    @property
    def scopes(self) -> list[str]:
        """The scopes of the access token; a user who signed in without OAuth has one scope."""
        if self.request.scopes is not None:
            return self.request.scopes
        return [] if self.is_for_machine else [_SCOPE_WITHOUT_OAUTH]


def read_event(event: object) -> Event:
    """Parse an event, or raise a `ContractError` that names the wrong place."""
    try:
        parsed = Event.model_validate(event)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        raise ContractError(tuple(map(_finding, details))) from None
    if findings := _inconsistencies(parsed):
        raise ContractError(findings)
    return parsed


def default_tokens(
    event: Event, pool: Pool, *, groups: GroupConfiguration, scopes: list[str], now: int
) -> Tokens:
    """Return both payloads; their ids depend only on the event, so that they can be compared."""
    times = {"auth_time": now, "iat": now, "exp": now + _LIFETIME_SECONDS}
    scope = {"scope": " ".join(scopes)} if scopes else {}
    if event.is_for_machine:
        return Tokens(id_token=None, access_token=_machine_token(event, pool) | times | scope)
    id_token = _id_token(event, pool) | groups.claims() | times
    return Tokens(
        id_token=id_token if event.has_id_token else None,
        access_token=_user_access_token(event, pool)
        | {name: value for name, value in groups.claims().items() if name == "cognito:groups"}
        | times
        | scope,
    )


def _id_token(event: Event, pool: Pool) -> dict[str, Any]:
    attributes = {
        name: _attribute_claim(name, value)
        for name, value in event.request.user_attributes.items()
        if not name.startswith("cognito:") and _is_read(name, event, pool)
    }
    fixed = {"aud": event.client_id, "cognito:username": event.user_name}
    return attributes | _shared_claims(event, pool, "id") | fixed


def _is_read(name: str, event: Event, pool: Pool) -> bool:
    if name in _ALWAYS_READ:
        return True
    if pool.read_attributes is not None and name not in pool.read_attributes:
        return False
    scopes = event.attribute_scopes
    return not scopes or _SCOPE_OF.get(name, "profile") in scopes


def _user_access_token(event: Event, pool: Pool) -> dict[str, Any]:
    return _shared_claims(event, pool, "access") | {
        "client_id": event.client_id,
        "username": event.user_name,
        "version": 2,
    }


def _machine_token(event: Event, pool: Pool) -> dict[str, Any]:
    return {
        "sub": event.client_id,
        "client_id": event.client_id,
        "token_use": "access",
        "iss": _issuer(event, pool),
        "jti": _id_of(event, "jti of the access token"),
        "version": 2,
    }


def _shared_claims(event: Event, pool: Pool, token_use: str) -> dict[str, Any]:
    return {
        "sub": event.request.user_attributes["sub"],
        "iss": _issuer(event, pool),
        "event_id": _id_of(event, "event_id"),
        "origin_jti": _id_of(event, "origin_jti"),
        "jti": _id_of(event, f"jti of the {token_use} token"),
        "token_use": token_use,
    }


def _issuer(event: Event, pool: Pool) -> str:
    return issuer_url(event.user_pool_id, event.region, pool.issuer_type)


def _id_of(event: Event, purpose: str) -> str:
    facts = json.dumps(event.model_dump(exclude={"response"}), sort_keys=True)
    return str(uuid5(NAMESPACE_URL, f"{purpose} {facts}"))


def _attribute_claim(name: str, value: str) -> Any:
    if name in _VERIFIED_FLAGS:
        return value.lower() == "true"
    return _identities(value) if name == "identities" else value


def _identities(text: str) -> Any:
    """Decode the event's string; published tokens have strings for its numbers and booleans."""
    try:
        parsed = from_json(text, allow_inf_nan=False)
    except ValueError:
        return text
    return [*map(_identity, parsed)] if isinstance(parsed, list) else text


def _identity(linked: Any) -> Any:
    if not isinstance(linked, dict):
        return linked
    return {
        name: json.dumps(value) if isinstance(value, int | float) else value
        for name, value in linked.items()
    }


def _finding(error: ErrorDetails) -> ContractFinding:
    steps = (f"[{step}]" if isinstance(step, int) else f".{shown(step)}" for step in error["loc"])
    path = "event" + "".join(steps)
    return ContractFinding("event", path, f"not a pre token generation event: {error['msg']}")


def _inconsistencies(event: Event) -> tuple[ContractFinding, ...]:
    if event.is_for_machine:
        message = "client credentials come with version 3 only"
        is_v3 = event.version == "3" and not event.is_v1
        return () if is_v3 else (ContractFinding("event", "event.version", message),)
    needed = {
        "event.userName": event.user_name,
        "event.request.userAttributes.sub": event.request.user_attributes.get("sub"),
    }
    return tuple(
        ContractFinding("event", path, "is missing: only client credentials come without a user")
        for path, value in needed.items()
        if not value
    )
