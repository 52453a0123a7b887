"""What Hasura does with a token: the session variables in force, or a refusal with Hasura's code.

v2 follows graphql-engine 2.48, `Hasura.Server.Auth.JWT` with the `jose` library; v3 (DDN) follows
`hasura-authn-jwt` with `jsonwebtoken`. The signature is not checked, nor the `kid` in the header,
which v3 requires.

DDN has no codes, so the most similar codes of v2 are used; `access-denied` also stands for a
default role outside the allowed ones. This module is stricter than some DDN releases about empty
role names, and about an `aud` or `iss` of a wrong type.

The compatibility date of a DDN project decides on two rules of v3. Since 2024-10-16 session
variables are any JSON. Before, only strings work: this module refuses others, while DDN accepts
them and lets the permission fail. Since 2025-03-11 a token with `aud` is refused unless an audience
is configured and matches. Before, `aud` was not compared.
"""

import json
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any, Final, Literal, NoReturn, TypeVar

from pydantic import JsonValue

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.hasura_config import (
    ALLOWED_ROLES,
    DEFAULT_ROLE,
    AuthConfigJwt,
    ClaimsConfig,
    ClaimSource,
    JwtSecret,
    misfit,
    parse_config,
)
from cognito_claims.contract.json_path import Step, Steps, find

Refused = BackendRefusal  # its name until 0.2

_ROLE: Final = "x-hasura-role"
_ROLE_CLAIMS: Final = frozenset({ALLOWED_ROLES, DEFAULT_ROLE})
_SECRETS: Final = frozenset({"x-hasura-admin-secret", "x-hasura-access-key"})
_REGISTERED: Final = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
_V2_NAMESPACE: Final = "https://hasura.io/jwt/claims"
_V3_LEEWAY: Final = 60

_JSON_VARIABLES_SINCE: Final = date(2024, 10, 16)
_AUDIENCE_CHECKED_SINCE: Final = date(2025, 3, 11)

Engine = Literal["v2", "v3"]
_Claims = dict[str, JsonValue]
_Item = TypeVar("_Item")


def session(
    token: dict[str, Any],
    config: dict[str, Any],
    role: str | None = None,
    *,
    engine: Engine = "v2",
    now: float | None = None,
    compatibility_date: date | str | None = None,
) -> dict[str, Any]:
    """Return the session variables of a request with this token, `x-hasura-role` included.

    They are strings in v2, and any JSON in v3. `compatibility_date` (as in `2025-03-11`) is that of
    the DDN project; without it, today's rules apply.

    `config` is the JSON of HASURA_GRAPHQL_JWT_SECRET, or for v3 an AuthConfig's
    `definition.mode.jwt`; a wrong one is a `ValueError`. `role` is the request's X-Hasura-Role
    header. Raises `BackendRefusal` for what Hasura refuses; its message names claims and never quotes
    them.
    """
    now = time.time() if now is None else now
    if engine == "v3":
        return _v3_session(token, config, role, now, _date(compatibility_date))
    if engine != "v2":
        raise ValueError("engine: expected v2 or v3")
    if compatibility_date is not None:
        raise ValueError("compatibility_date: v2 has none")
    return _v2_session(token, config, role, now)


def _date(given: date | str | None) -> date:
    if given is None:
        return date.max
    try:
        return date.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        raise ValueError("compatibility_date: expected a date, as in 2025-03-11") from None


def _v2_session(token: JsonValue, config: object, header: str | None, now: float) -> _Claims:
    secret = parse_config(JwtSecret, config)
    claims = _claims_set(token)
    _check_registered(claims, now, abs(secret.allowed_skew or 0))
    _check_accepted(claims, "iss", secret.issuer)
    _check_accepted(claims, "aud", secret.audience)
    found = _v2_claims(claims, secret)
    allowed, default = _roles(found)
    role = header or default  # to v2 an empty header is none
    _check_allowed(role, allowed)
    variables = _strings(_variables(found))
    kept = {name: value for name, value in variables.items() if name not in _SECRETS}
    return {**kept, _ROLE: role}


def _check_registered(claims: _Claims, now: float, skew: float) -> None:
    for name in ("iss", "sub", "jti"):
        if not isinstance(claims.get(name), str | None):
            raise BackendRefusal("invalid-jwt", f"{name}: expected a string")
    if claims.get("aud") == []:
        raise BackendRefusal("invalid-jwt", "aud: expected an audience")
    exp = _seconds(claims, "exp")
    if exp is not None and exp <= now - skew:
        raise BackendRefusal("invalid-jwt", "exp: in the past")
    for name in ("nbf", "iat"):
        start = _seconds(claims, name)
        if start is not None and start > now + skew:
            raise BackendRefusal("invalid-jwt", f"{name}: in the future")


def _v2_claims(claims: _Claims, secret: JwtSecret) -> _Claims:
    if secret.claims_map is not None:
        return _v2_mapped(claims, _folded(secret.claims_map))
    place = secret.claims_namespace_path
    if place is None:
        name = secret.claims_namespace
        place = (Step(_V2_NAMESPACE if name is None else name),)
    unregistered = {name: value for name, value in claims.items() if name not in _REGISTERED}
    stringified = secret.claims_format == "stringified_json"
    return _folded(_namespaced(unregistered, place, stringified=stringified))


def _v2_mapped(claims: _Claims, sources: Mapping[str, ClaimSource[Any]]) -> _Claims:
    found = _mapped(sources, _as_jose_writes(claims))
    _roles(found)  # these are complained about first
    for name in sources:
        if name not in found:
            raise BackendRefusal("jwt-invalid-claims", f"{name}: not in the token")
    return found


def _as_jose_writes(claims: _Claims) -> _Claims:
    """Return the claims without registered nulls, and with one audience as a string.

    A claims map sees the claims in this form.
    """
    written = {n: value for n, value in claims.items() if value is not None or n not in _REGISTERED}
    audience = written.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        written["aud"] = audience[0]
    return written


def _folded(named: Mapping[str, _Item]) -> dict[str, _Item]:
    """Return the names in lower case; of two spellings, the last in code point order wins.

    v2 fills a case-insensitive map from aeson's KeyMap, which is ordered unless built otherwise.
    """
    return {name.casefold(): named[name] for name in sorted(named) if _is_variable(name)}


def _v3_session(
    token: JsonValue, config: object, header: str | None, now: float, since: date
) -> _Claims:
    auth = parse_config(AuthConfigJwt, config)
    claims = _claims_set(token)
    _check_expiry(claims, now, _V3_LEEWAY if auth.allowed_skew is None else auth.allowed_skew)
    _check_accepted(claims, "iss", auth.issuer)
    if since >= _AUDIENCE_CHECKED_SINCE:
        if auth.audience is None and claims.get("aud") is not None:
            raise BackendRefusal("invalid-jwt", "aud: no audience is configured")
        _check_accepted(claims, "aud", auth.audience)
    found = _v3_claims(claims, auth.claims_config)
    allowed, default = _roles(found)
    _check_allowed(default, allowed)
    if len(set(allowed)) < len(allowed):
        raise BackendRefusal("jwt-invalid-claims", f"{ALLOWED_ROLES}: duplicate role")
    role = default if header is None else header
    _check_allowed(role, allowed)
    variables = _variables(found)
    is_json = since >= _JSON_VARIABLES_SINCE
    return {**(variables if is_json else _strings(variables)), _ROLE: role}


def _check_expiry(claims: _Claims, now: float, leeway: int) -> None:
    """Check `exp` only, as v3 does: it ignores `nbf` and `iat`."""
    exp = _seconds(claims, "exp")
    if exp is None or exp < math.floor(now) - leeway:
        raise BackendRefusal("invalid-jwt", "exp: missing, or in the past")


def _v3_claims(claims: _Claims, config: ClaimsConfig) -> _Claims:
    if config.namespace is None:
        found = _mapped(config.locations or {}, claims)
    else:
        stringified = config.namespace.claims_format == "StringifiedJson"
        found = _namespaced(claims, config.namespace.location, stringified=stringified)
    return {name: value for name, value in found.items() if _is_variable(name)}


def _claims_set(token: JsonValue) -> _Claims:
    if not isinstance(token, dict):
        raise BackendRefusal("invalid-jwt", "the token: expected a JSON object")
    return token


def _seconds(claims: _Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
        raise BackendRefusal("invalid-jwt", f"{name}: expected a number")
    return value


def _check_accepted(claims: _Claims, name: str, accepted: str | list[str] | None) -> None:
    """Accept a token without the claim, in any configuration: access tokens have no `aud`."""
    carried = claims.get(name)
    if carried is None:
        return
    values = carried if isinstance(carried, list) else [carried]
    if not all(isinstance(value, str) for value in values):
        raise BackendRefusal("invalid-jwt", f"{name}: expected a string or a list of strings")
    wanted = [accepted] if isinstance(accepted, str) else accepted
    if wanted is not None and not any(value in wanted for value in values):
        raise BackendRefusal("invalid-jwt", f"{name}: not the configured one")


def _namespaced(document: _Claims, place: Steps, *, stringified: bool) -> _Claims:
    try:
        value = find(place, document)
    except LookupError:
        raise BackendRefusal(
            "jwt-invalid-claims", "the claims namespace: not in the token"
        ) from None
    if stringified:
        value = _unstringified(value)
    if not isinstance(value, dict):
        raise BackendRefusal("jwt-invalid-claims", "the claims namespace: expected a JSON object")
    return value


def _unstringified(value: JsonValue) -> JsonValue:
    """Decode the string without a cause in its error: a JSON error holds the text."""
    if not isinstance(value, str):
        raise BackendRefusal(
            "jwt-invalid-claims", "the claims namespace: expected a string of JSON"
        )
    try:
        parsed: JsonValue = json.loads(value, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BackendRefusal(
            "jwt-invalid-claims", "the claims namespace: not a string of JSON"
        ) from None
    return parsed


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _mapped(sources: Mapping[str, ClaimSource[Any]], document: _Claims) -> _Claims:
    found: _Claims = {}
    for name, source in sources.items():
        with suppress(LookupError):
            found[name] = source.find(document)
    return found


def _is_variable(name: str) -> bool:
    return name.casefold().startswith("x-hasura-")


def _roles(found: _Claims) -> tuple[list[str], str]:
    return _role_claim(found, ALLOWED_ROLES), _role_claim(found, DEFAULT_ROLE)


def _role_claim(found: _Claims, name: str) -> Any:
    if name not in found:
        raise BackendRefusal("jwt-missing-role-claims", f"{name}: not in the token")
    _check_kind(name, found[name])
    return found[name]


def _check_kind(name: str, value: JsonValue) -> None:
    if kind := misfit(name, value):
        raise BackendRefusal("jwt-invalid-claims", f"{name}: expected {kind}")


def _check_allowed(role: str, allowed: list[str]) -> None:
    if role not in allowed:
        raise BackendRefusal(
            "access-denied", f"{ALLOWED_ROLES}: the role in force is not among them"
        )


def _variables(found: _Claims) -> _Claims:
    return {name: value for name, value in found.items() if name not in _ROLE_CLAIMS}


def _strings(variables: _Claims) -> _Claims:
    for name, value in variables.items():
        _check_kind(name, value)
    return variables
