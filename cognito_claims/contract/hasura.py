"""What Hasura makes of a token: the session variables in force, or a refusal with Hasura's own code.

v2 follows graphql-engine 2.48, `Hasura.Server.Auth.JWT` with the `jose` library; v3 (DDN) follows
`hasura-authn-jwt` with `jsonwebtoken`. Out of scope: the signature, and with it `key`, `jwk_url`
and the header's `kid`, which v3 requires.

DDN has no codes: the nearest of v2's stand in, `access-denied` also for a default role outside the
allowed ones. Stricter here than some DDN releases: session variables that are not strings, empty
role names, `aud` or `iss` of a wrong kind. Looser: a project with a compatibility date since
2025-03-11 also refuses a token with `aud` when no `audience` is configured.
"""

import json
import math
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Annotated, Any, Final, Literal, NamedTuple, NoReturn, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    NonNegativeInt,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from cognito_claims.contract.errors import Refused
from cognito_claims.contract.json_path import (
    ALLOWED_ROLES,
    DEFAULT_ROLE,
    STRICT,
    ClaimsMap,
    JsonPath,
    JsonPointer,
    Locations,
    Step,
    find,
    sources,
)

ROLE: Final = "x-hasura-role"

_PREFIX: Final = "x-hasura-"
_SECRETS: Final = frozenset({"x-hasura-admin-secret", "x-hasura-access-key"})
_DDN_LEEWAY: Final = 60

_Claims = dict[str, JsonValue]
_Item = TypeVar("_Item")
_Model = TypeVar("_Model", bound=BaseModel)


def session(
    token: dict[str, Any],
    config: dict[str, Any],
    role: str | None = None,
    *,
    engine: Literal["v2", "v3"] = "v2",
    now: float | None = None,
) -> dict[str, str]:
    """Return the session variables, `x-hasura-role` among them, of a request with this token.

    `config` is the JSON of HASURA_GRAPHQL_JWT_SECRET, or for v3 an AuthConfig's
    `definition.mode.jwt`; a wrong one is a `ValueError`. `role` is the request's X-Hasura-Role
    header. What Hasura refuses raises `Refused`, which names claims and never quotes them.
    """
    judge = {"v2": _v2_session, "v3": _v3_session}.get(engine)
    if judge is None:
        raise ValueError("engine: expected v2 or v3")
    return judge(token, config, role, time.time() if now is None else now)


# --- v2 ---


class _JwtSecret(BaseModel):
    """An unknown key is an error, and so is a namespace beside a claims map: v2 ignores both."""

    model_config = STRICT

    type: str | None = None
    key: str | None = Field(default=None, repr=False)
    jwk_url: str | None = None
    header: dict[str, Any] | None = None
    claims_namespace: str | None = None
    claims_namespace_path: JsonPath | None = None
    claims_format: Literal["json", "stringified_json"] | None = None
    claims_map: ClaimsMap | None = None
    audience: str | list[str] | None = None
    issuer: str | None = None
    allowed_skew: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _no_contradictions(self) -> Self:
        _at_most_one(self, "key", "jwk_url")
        _at_most_one(self, "claims_namespace", "claims_namespace_path", "claims_map")
        return self


def _v2_session(token: object, config: object, header: str | None, now: float) -> dict[str, str]:
    secret = _parsed(_JwtSecret, config)
    claims = _claims_set(token)
    _check_registered(claims, now, secret)
    found = _v2_claims(secret, claims)
    allowed, default = _roles(found)
    role = header or default
    if role not in allowed: raise
    return {**_variables(found, without=_SECRETS), ROLE: role}
