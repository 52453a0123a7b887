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
        for key in ("kind", "version"):
            if "definition" in content and content.get(key) != expected[key]:
                wanted = json.dumps(expected[key])
                yield Finding("differs", "error", f"{part.name}: {key}: expected {wanted}")


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
    audience = given.get("audience") or []
    given = {**given, "audience": [audience] if isinstance(audience, str) else audience}
    yield from _audience_findings(name, expected.pop("audience"), given["audience"])
    skew = next((given[key] for key in _SKEWS if given.get(key) is not None), 0)
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
    """Look for each call about the table; whoever may do more with it than that is worth a look."""
    if content["type"] != expected["type"]:
        yield Finding(
            "differs", "error", f"metadata: type: expected {json.dumps(expected['type'])}"
        )
    wanted = {_subject(call): call for call in expected["args"]}
    given = [*_calls_about(expected["args"][0]["args"]["table"], content["args"])]
    for subject, call in wanted.items():
        same = [(place, each) for place, each in given if _subject(each) == subject]
        if not same:
            yield Finding("missing", "error", f"metadata: {subject} is missing")
        for place, _ in same[1:]:
            twice = f"metadata: {place}: {subject} stands here again"
            yield Finding("defined-twice", "error", twice)
        for path, value in _differences(call, same[0][1], is_exact=True) if same else ():
            differs = f"metadata: {same[0][0]}: {subject}: {path}: expected {json.dumps(value)}"
            yield Finding("differs", "error", differs)
    for place, each in given:
        if _subject(each) not in wanted:
            more = f"metadata: {place}: more than the settings need"
            yield Finding("grants-more", "warning", more)


def _calls_about(table: dict[str, str], calls: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the calls about one table, by their places: what a file says is not to be repeated."""
    for place, call in enumerate(calls if isinstance(calls, list) else []):
        if isinstance(call, dict) and _args(call).get("table") in (table, table["name"]):
            yield f"args[{place}]", call


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
        if _unordered(expected) != _unordered(given):
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


def _unordered(value: Any) -> Any:
    """Give a list, of columns, in one order."""
    return sorted(map(json.dumps, value)) if isinstance(value, list) else value
