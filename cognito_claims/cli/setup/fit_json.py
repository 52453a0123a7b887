"""Whether a Hasura configuration, or what was sent to its metadata API, still fits the settings."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cognito_claims.cli.preview import Finding
from cognito_claims.cli.setup.parts import Part
from cognito_claims.contract.hasura_config import AuthConfigJwt, JwtSecret, parse_config
from cognito_claims.contract.hasura_setup import SKEW_S

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
        yield from _metadata_findings(expected, content)
    elif part.name == "jwt-secret":
        yield from _config_findings(part.name, JwtSecret, expected, _V2_DEFAULTS | content)
    else:
        jwt = _inner(content)
        yield from _config_findings(part.name, AuthConfigJwt, _inner(expected), jwt)


def _inner(config: dict[str, Any]) -> dict[str, Any]:
    """Give `definition.mode.jwt` of an AuthConfig, which may also be given by itself."""
    found: Any = config
    for key in ("definition", "mode", "jwt"):
        found = found.get(key, found) if isinstance(found, dict) else found
    return found if isinstance(found, dict) else {}


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
    audience = given.get("audience", [])
    given = {**given, "audience": [audience] if isinstance(audience, str) else audience}
    yield from _audience_findings(name, expected.pop("audience"), given["audience"])
    skew = next((given[key] for key in _SKEWS if key in given), 0)
    for key in _SKEWS:
        expected.pop(key, None)
    for path, wanted in _differences(expected, given):
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


def _metadata_findings(expected: dict[str, Any], content: dict[str, Any]) -> Iterator[Finding]:
    """Look for each call; whoever may do more with the table than that is worth a look."""
    wanted = {_subject(call): call for call in expected["args"]}
    calls = content.get("args")
    given = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    found = {_subject(call): call for call in given}
    for subject, call in wanted.items():
        if subject not in found:
            yield Finding("missing", "error", f"metadata: {subject} is missing")
            continue
        for path, value in _differences(call, found[subject], is_exact=True):
            differs = f"metadata: {subject}: {path}: expected {json.dumps(value)}"
            yield Finding("differs", "error", differs)
    table = expected["args"][0]["args"]["table"]
    for subject, call in found.items():
        if subject not in wanted and _args(call).get("table") in (table, table["name"]):
            more = f"metadata: {subject}: more than the settings need"
            yield Finding("grants-more", "warning", more)


def _subject(call: Mapping[str, Any]) -> str:
    """Name a call by its type and the role that it is about."""
    role = _args(call).get("role")
    return f"{call.get('type')}" if role is None else f"{call.get('type')} for {json.dumps(role)}"


def _args(call: Mapping[str, Any]) -> Mapping[str, Any]:
    args = call.get("args")
    return args if isinstance(args, dict) else {}


def _differences(
    expected: Any, given: Any, path: str = "", *, is_exact: bool = False
) -> Iterator[tuple[str, Any]]:
    """Give the places that differ, with what is expected there; in a filter or check, more is another thing."""
    if not (isinstance(expected, dict) and isinstance(given, dict)):
        if expected != given:
            yield path, expected
        return
    if is_exact and not given.keys() <= expected.keys():
        yield path, expected
        return
    for key, value in expected.items():
        inner = f"{path}.{key}" if path else key
        if key in given:
            yield from _differences(value, given[key], inner, is_exact=is_exact)
        else:
            yield inner, value
