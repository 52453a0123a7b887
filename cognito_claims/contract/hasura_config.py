"""Hasura's JWT configurations: v2's `HASURA_GRAPHQL_JWT_SECRET`, v3's AuthConfig `mode.jwt`.

Sources: v2's `JWTConfig`; for v3 (DDN) `JWTConfig` of `hasura-authn-jwt`. Keys that only the
signature needs are optional here. v2 ignores an unknown key, and a claims namespace beside a claims
map; here these are errors.
"""

from typing import Annotated, Any, Final, Generic, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    NonNegativeInt,
    PlainValidator,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from cognito_claims.contract.json_path import Steps, find, parse_path, parse_pointer

ALLOWED_ROLES: Final = "x-hasura-allowed-roles"
DEFAULT_ROLE: Final = "x-hasura-default-role"

_STRICT = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)
JsonPath = Annotated[Steps, PlainValidator(parse_path)]
JsonPointer = Annotated[Steps, PlainValidator(parse_pointer)]
Where = TypeVar("Where", bound=Steps)
Model = TypeVar("Model", bound=BaseModel)


def misfit(name: str, value: JsonValue) -> str | None:
    """Return the expected kind of value for this claim, in words, or None if the value fits."""
    if name == ALLOWED_ROLES:
        fits = isinstance(value, list) and all(isinstance(role, str) and role for role in value)
        return None if fits else "a list of non-empty strings"
    if name == DEFAULT_ROLE:
        return None if isinstance(value, str) and value else "a non-empty string"
    return None if isinstance(value, str) else "a string"


class Place(BaseModel, Generic[Where]):
    """A place in the token, and the default if nothing is there."""

    model_config = _STRICT

    path: Where
    default: JsonValue = None


class ClaimSource(BaseModel, Generic[Where]):
    """The source of one claim, as v3 spells it."""

    model_config = _STRICT

    path: Place[Where] | None = None
    literal: JsonValue = None

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.path is None) == (self.literal is None):
            raise PydanticCustomError("source", "expected a path or a literal value")
        return self

    @property
    def constant(self) -> JsonValue:
        """The literal in the configuration, or the default if there is one."""
        return self.literal if self.path is None else self.path.default

    def find(self, document: JsonValue) -> JsonValue:
        """Return the claim; raise `LookupError` if there is neither a claim nor a constant."""
        try:
            return self.literal if self.path is None else find(self.path.path, document)
        except LookupError:
            if self.constant is None:
                raise
            return self.constant


def _with_roles(sources: dict[str, ClaimSource[Where]]) -> dict[str, ClaimSource[Where]]:
    for name in (ALLOWED_ROLES, DEFAULT_ROLE, *sources):
        if name not in sources:
            raise PydanticCustomError("roles", "{name} is required", {"name": name})
        constant = sources[name].constant
        if constant is not None and (kind := misfit(name, constant)):
            raise PydanticCustomError(
                "kind", "{name}: expected {kind}", {"name": name, "kind": kind}
            )
    return sources


def _in_v3_spelling(value: object) -> object:
    return {"path" if isinstance(value, dict) else "literal": value}


_V2Sources = dict[str, Annotated[ClaimSource[JsonPath], BeforeValidator(_in_v3_spelling)]]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class JwtSecret(BaseModel):
    """v2: the JSON of HASURA_GRAPHQL_JWT_SECRET."""

    model_config = _STRICT

    type: str | None = None
    key: str | None = Field(default=None, repr=False)
    jwk_url: str | None = None
    header: dict[str, Any] | None = None
    claims_namespace: str | None = None
    claims_namespace_path: JsonPath | None = None
    claims_format: Literal["json", "stringified_json"] | None = None
    claims_map: Annotated[_V2Sources, AfterValidator(_with_roles)] | None = None
    audience: Annotated[list[str] | None, BeforeValidator(_as_list)] = None
    issuer: str | None = None
    allowed_skew: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        _at_most_one(self, "key", "jwk_url")
        _at_most_one(self, "claims_namespace", "claims_namespace_path", "claims_map")
        return self


class Namespace(BaseModel):
    """v3: all claims in one object of the token."""

    model_config = _STRICT

    location: JsonPointer
    claims_format: Literal["Json", "StringifiedJson"] = Field(alias="claimsFormat")


class ClaimsConfig(BaseModel):
    """v3: claims in one object, or each in its own place."""

    model_config = _STRICT

    namespace: Namespace | None = None
    locations: (
        Annotated[dict[str, ClaimSource[JsonPointer]], AfterValidator(_with_roles)] | None
    ) = None

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if self.namespace is None and self.locations is None:
            raise PydanticCustomError("missing", "expected namespace or locations")
        _at_most_one(self, "namespace", "locations")
        return self


class AuthConfigJwt(BaseModel):
    """v3: an AuthConfig's `definition.mode.jwt`."""

    model_config = _STRICT

    claims_config: ClaimsConfig = Field(alias="claimsConfig")
    audience: list[str] | None = None
    issuer: str | None = None
    allowed_skew: NonNegativeInt | None = Field(default=None, alias="allowedSkew")
    token_location: dict[str, Any] | None = Field(default=None, alias="tokenLocation")
    key: dict[str, Any] | None = Field(default=None, repr=False)


def _at_most_one(model: BaseModel, *names: str) -> None:
    if sum(getattr(model, name) is not None for name in names) > 1:
        raise PydanticCustomError(
            "exclusive", "expected one of {names}", {"names": ", ".join(names)}
        )


def parse_config(model: type[Model], config: object) -> Model:
    """Parse a configuration, or raise a `ValueError` of one line.

    The message has only keys and rules, since a value may be secret.
    """
    try:
        return model.model_validate(config)
    except ValidationError as invalid:
        problems = [
            f"{'.'.join(map(str, problem['loc'])) or 'config'}: {problem['msg']}"
            for problem in invalid.errors(include_url=False, include_input=False)
        ]
    raise ValueError("; ".join(problems))
