"""Whether a Hasura configuration, or what was sent to its metadata API, still fits the settings."""

import json
from collections.abc import Iterator
from typing import Any, Final

from cognito_claims.contract.hasura_config import AuthConfigJwt, JwtSecret, parse_config
from cognito_claims.tools.backends.hasura.fit_metadata import metadata_findings
from cognito_claims.tools.backends.hasura.server import SKEW_S
from cognito_claims.tools.backends.part import Part
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.json_diff import differences

_LONGEST_SKEW_S: Final = 60
_V2_DEFAULTS = {
    "claims_namespace": "https://hasura.io/jwt/claims",
    "claims_format": "json",
    "audience": [],
}
_SKEWS = ("allowed_skew", "allowedSkew")


def kind_of(content: object) -> str:
    """Name the part that this content is meant to be."""
    keys = content.keys() if isinstance(content, dict) else set()
    if {"type", "args"} <= keys:
        return "metadata"
    return "auth-config" if keys & {"claimsConfig", "definition", "kind"} else "jwt-secret"


def json_findings(part: Part, content: object) -> Iterator[Finding]:
    """Compare a part that is JSON with the content of a file."""
    expected = json.loads(part.text)
    if not isinstance(content, dict):
        yield Finding("differs", "error", f"{part.name}: expected an object")
    elif part.name == "metadata":
        yield from metadata_findings(expected, content)
    elif part.name == "jwt-secret":
        yield from _config_findings(part.name, JwtSecret, expected, _V2_DEFAULTS | content)
    else:
        yield from _auth_config_findings(part.name, expected, content)


def _auth_config_findings(
    name: str, expected: dict[str, Any], content: dict[str, Any]
) -> Iterator[Finding]:
    """Compare an AuthConfig, of which `definition.mode.jwt` may also be given by itself."""
    jwt = expected["definition"]["mode"].pop("jwt")
    if "claimsConfig" in content:
        yield from _config_findings(name, AuthConfigJwt, jwt, content)
        return
    for path, wanted, _ in differences(expected, content, more="allowed"):
        yield Finding("differs", "error", f"{name}: {path}: expected {json.dumps(wanted)}")
    definition = _object(content.get("definition"))
    mode = _object(definition.get("mode"))
    yield from _config_findings(name, AuthConfigJwt, jwt, _object(mode.get("jwt")))
    if len(mode) > 1:
        yield Finding("another-entrance", "error", f"{name}: definition.mode: expected jwt alone")
    if "alternativeModes" in definition:
        other = "alternativeModes: expected none: each is another way in"
        yield Finding("another-entrance", "error", f"{name}: definition.{other}")
    if len(content) > len(expected) or definition.keys() - {"alternativeModes", "mode"}:
        more = "more keys than the settings need: not examined"
        yield Finding("not-examined", "warning", f"{name}: {more}")


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _config_findings(
    name: str,
    model: type[AuthConfigJwt | JwtSecret],
    expected: dict[str, Any],
    given: dict[str, Any],
) -> Iterator[Finding]:
    if given.get("claims_map") or given.get("claims_namespace_path"):
        advice = "expected claims_namespace, and neither claims_map nor claims_namespace_path"
        yield Finding("differs", "error", f"{name}: {advice}")
        return
    try:
        parse_config(model, given)
    except ValueError as error:
        yield Finding("differs", "error", f"{name}: {error}")
        return
    audience = given.get("audience") or []
    given = {**given, "audience": [audience] if isinstance(audience, str) else audience}
    yield from _audience_findings(name, expected.pop("audience"), given["audience"])
    skew = next((given[key] for key in _SKEWS if given.get(key) is not None), 0)
    for key in _SKEWS:
        expected.pop(key, None)
    for path, wanted, _ in differences(expected, given, more="allowed"):
        yield Finding("differs", "error", f"{name}: {path}: expected {json.dumps(wanted)}")
    if not 1 <= skew <= _LONGEST_SKEW_S:
        advice = f"expected about {SKEW_S} seconds: Cognito's clock may be ahead"
        yield Finding("skew", "warning", f"{name}: {' or '.join(_SKEWS)}: {advice}")


def _audience_findings(name: str, expected: list[str], given: list[str]) -> Iterator[Finding]:
    if not set(expected) <= set(given):
        wanted = json.dumps(expected)
        yield Finding("differs", "error", f"{name}: audience: expected {wanted}")
    elif len(given) > len(expected):
        others = "tokens of other app clients are taken, too"
        yield Finding("other-audience", "warning", f"{name}: audience: {others}")
