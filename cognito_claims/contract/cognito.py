"""What Amazon Cognito makes of a pre token generation trigger's answer.

The rules are those of "AWS: Pre token generation Lambda trigger". Where AWS documents no outcome (a
protected claim, an unknown key, a value of the wrong type), the answer is refused.
"""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal, TypeAlias, cast

from cognito_claims.contract.errors import ContractError, Finding
from cognito_claims.contract.tokens import (
    GROUP_CLAIMS,
    V1_DETAILS,
    V2_DETAILS,
    Event,
    GroupConfiguration,
    Tokens,
    default_tokens,
    read_event,
    shown,
)

__all__ = ["Tokens", "issue_tokens"]


@dataclass(frozen=True)
class _Unreadable:
    """Stands where JSON could not carry what a trigger returned, or where nothing is."""

    reason: str
    code: str | None = None


_Key: TypeAlias = str | _Unreadable
_Value: TypeAlias = (
    "bool | int | float | str | list[_Value] | dict[_Key, _Value] | _Unreadable | None"
)
_Rule: TypeAlias = Callable[[_Value, str], Iterator[Finding]]
_StringRule: TypeAlias = Callable[[str, str], Iterator[Finding]]
_TokenUse: TypeAlias = Literal["id", "access"]

_ABSENT = _Unreadable("is missing")
_CYCLE = _Unreadable("contains itself")
_TOO_LARGE = _Unreadable("is too deep or too large")
_NOT_JSON = _Unreadable("is a Python object that JSON cannot carry")
_NOT_FINITE = _Unreadable("is infinite, too big or no number")
_NOT_UTF8 = _Unreadable("cannot be encoded as UTF-8", "not-utf8")
_NOT_A_NAME = _Unreadable("is no string")

_DEEPEST = 64
_MOST_MEMBERS = 100_000
_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}

_IN_BOTH_TOKENS = frozenset(
    {"acr", "amr", "auth_time", "azp", "exp", "iat", "iss", "jti", "nbf", "nonce"}
    | {"origin_jti", "scope", "sub", "token_use"}
)
_PROTECTED: dict[_TokenUse, frozenset[str]] = {
    "id": _IN_BOTH_TOKENS | {"at_hash", "aud", "identities"},
    "access": _IN_BOTH_TOKENS
    | {"aud", "client_id", "device_key", "event_id", "username", "version"},
}
_OTHER_WAY = {
    "scope": ": use scopesToAdd and scopesToSuppress",
    **dict.fromkeys(GROUP_CLAIMS, ": use groupOverrideDetails"),
}
_SIMPLE_IN_ID_TOKEN = ("address", "email_verified", "phone_number_verified", "updated_at")
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749, section 3.3


def issue_tokens(event: dict[str, Any], returned: object, *, now: float | None = None) -> Tokens:
    """Apply what a trigger returned to the tokens that its event would get without one.

    `event` is the event as it was before the trigger ran: a response equal to the event's own is an
    untouched one, and means the default tokens. Raises a `ContractError` with every reason why
    Cognito would not, or might not, take the answer.
    """
    before, after = _Reader().read(event), _Reader().read(returned)
    parsed = read_event(before)
    if findings := tuple(_problems(parsed, cast("dict[_Key, _Value]", before), after)):
        raise ContractError(findings)
    details = _details(parsed, cast("dict[str, Any]", before), cast("dict[str, Any]", after))
    return _applied(parsed, details, now=int(time.time() if now is None else now))


def _details(event: Event, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    if _is_untouched(before, after):
        return {}
    return after["response"][V1_DETAILS if event.is_v1 else V2_DETAILS] or {}


def _applied(event: Event, details: dict[str, Any], *, now: int) -> Tokens:
    id_changes = details if event.is_v1 else details.get("idTokenGeneration") or {}
    access_changes = details.get("accessTokenGeneration") or {}
    groups = event.request.group_configuration
    if "groupOverrideDetails" in details:  # null suppresses the groups, as an empty object does
        groups = GroupConfiguration.model_validate(details["groupOverrideDetails"] or {})
    scopes = _scopes_after(event.scopes, access_changes)
    id_token, access_token = default_tokens(event, groups=groups, scopes=scopes, now=now)
    return Tokens(_with_claims(id_token, id_changes), _with_claims(access_token, access_changes))


def _scopes_after(scopes: list[str], changes: dict[str, Any]) -> list[str]:
    suppressed = changes.get("scopesToSuppress") or ()
    wanted = dict.fromkeys([*scopes, *(changes.get("scopesToAdd") or ())])
    return [scope for scope in wanted if scope not in suppressed]


def _with_claims(token: dict[str, Any] | None, changes: dict[str, Any]) -> dict[str, Any] | None:
    if token is None:
        return None
    claims = token | (changes.get("claimsToAddOrOverride") or {})
    suppressed: set[str] = set(changes.get("claimsToSuppress") or ())
    if "cognito:groups" in suppressed:
        suppressed.update(GROUP_CLAIMS)
    return {name: value for name, value in claims.items() if name not in suppressed}


def _problems(event: Event, before: dict[_Key, _Value], after: _Value) -> Iterator[Finding]:
    if not isinstance(after, dict):
        yield _mismatch(after, "returned", "the whole event, an object", "not-an-object")
        return
    yield from _changes({**before, "response": None}, {**after, "response": None}, "")
    if _is_untouched(before, after):
        return
    if "response" not in after:
        yield Finding("missing-response", "response", "is missing: return the whole event")
        return
    request = cast("dict[_Key, _Value]", before["request"])
    yield from _response(after["response"], event, request.get("groupConfiguration"))


def _changes(before: _Value, after: _Value, path: str) -> Iterator[Finding]:
    """Name the deepest parts of the event that did not come back as they were sent."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before | after:
            at = _at(path, name)
            yield from _changes(before.get(name, _ABSENT), after.get(name, _ABSENT), at)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changes(old, new, f"{path}[{place}]")
    elif isinstance(before, bool) is not isinstance(after, bool) or before != after:
        lost_or_changed = "is missing" if after is _ABSENT else "was changed"
        what = "was added" if before is _ABSENT else lost_or_changed
        yield Finding("event-changed", path, f"{what}: a trigger writes the response only")


def _is_untouched(before: Mapping[Any, _Value], after: Mapping[Any, _Value]) -> bool:
    old, new = (side.get("response", _ABSENT) for side in (before, after))
    return not any(_changes(old, new, "response"))


def _response(response: _Value, event: Event, own_groups: _Value) -> Iterator[Finding]:
    key, other = (V1_DETAILS, V2_DETAILS) if event.is_v1 else (V2_DETAILS, V1_DETAILS)
    if not isinstance(response, dict):
        yield _mismatch(response, "response", "an object")
        return
    if other in response:
        message = f"belongs to another event version: this event takes {key}"
        yield Finding("wrong-version-key", f"response.{other}", message)
    elif key not in response:
        yield Finding("missing-key", f"response.{key}", "is missing: this event takes no other key")
    rest: dict[_Key, _Value] = {name: value for name, value in response.items() if name != other}
    details: _Rule = partial(_object, rules=_details_rules(event, own_groups))
    yield from _object(rest, "response", rules={key: details})


def _details_rules(event: Event, own_groups: _Value) -> dict[str, _Rule]:
    id_rules: dict[str, _Rule] = {
        "claimsToAddOrOverride": partial(_added, token_use="id", event=event),
        "claimsToSuppress": _suppressing("id"),
    }
    groups: _Rule = partial(_groups, own=own_groups)
    if event.is_v1:
        return {**id_rules, "groupOverrideDetails": groups}
    id_token: _Rule = partial(_object, rules=id_rules)
    if event.is_for_machine:
        id_token = partial(_vanishing, rule=id_token, code="no-id-token", what="ID token")
        groups = partial(_vanishing, rule=groups, code="no-groups", what="groups")
    return {
        "idTokenGeneration": id_token,
        "accessTokenGeneration": partial(_access_token, event=event),
        "groupOverrideDetails": groups,
    }


def _access_token(value: _Value, path: str, *, event: Event) -> Iterator[Finding]:
    rules: dict[str, _Rule] = {
        "claimsToAddOrOverride": partial(_added, token_use="access", event=event),
        "claimsToSuppress": _suppressing("access"),
        "scopesToAdd": partial(_strings, rule=_scope),
        "scopesToSuppress": partial(_strings, rule=_scope),
    }
    yield from _object(value, path, rules=rules)
    section = value if isinstance(value, dict) else {}
    suppressed = _items(section.get("scopesToSuppress"))
    for place, scope in enumerate(_items(section.get("scopesToAdd"))):
        if isinstance(scope, str) and scope in suppressed:
            message = f"is in scopesToSuppress[{suppressed.index(scope)}] too: keep one of them"
            yield Finding("scope-added-and-suppressed", f"{path}.scopesToAdd[{place}]", message)


def _vanishing(value: _Value, path: str, *, rule: _Rule, code: str, what: str) -> Iterator[Finding]:
    if isinstance(value, dict) and any(value.values()):
        yield Finding(code, path, f"would vanish: client credentials come without {what}")
    yield from rule(value, path)


def _groups(value: _Value, path: str, *, own: _Value) -> Iterator[Finding]:
    """A copy of the request's groups is right as it is: Cognito may have added fields to them."""
    if any(_changes(own, value, path)):
        rules: dict[str, _Rule] = {
            "groupsToOverride": _strings,
            "iamRolesToOverride": _strings,
            "preferredRole": _string_or_null,
        }
        yield from _object(value, path, rules=rules)


def _object(value: _Value, path: str, *, rules: Mapping[str, _Rule]) -> Iterator[Finding]:
    """Null is the wire's way to say nothing, here as in every list."""
    if not isinstance(value, dict):
        if value is not None:
            yield _mismatch(value, path, "an object")
        return
    for name, member in value.items():
        at = _at(path, name)
        rule = rules.get(name) if isinstance(name, str) else None
        yield from rule(member, at) if rule else _unknown_key(name, at, rules)


def _unknown_key(name: _Key, path: str, known: Iterable[str]) -> Iterator[Finding]:
    near = get_close_matches(name, known, n=1) if isinstance(name, str) else []
    hint = f"did you mean {near[0]}?" if near else f"Cognito knows {', '.join(known)}"
    yield Finding("unknown-key", path, f"is an unknown key: {hint}")


def _strings(value: _Value, path: str, *, rule: _StringRule | None = None) -> Iterator[Finding]:
    if value is not None and not isinstance(value, list):
        yield _mismatch(value, path, "an array of strings")
    for place, item in enumerate(_items(value)):
        at = f"{path}[{place}]"
        if not isinstance(item, str):
            yield _mismatch(item, at, "a string")
        elif rule:
            yield from rule(item, at)


def _items(value: _Value) -> list[_Value]:
    return value if isinstance(value, list) else []


def _string_or_null(value: _Value, path: str) -> Iterator[Finding]:
    if value is not None and not isinstance(value, str):
        yield _mismatch(value, path, "a string or null")


def _scope(scope: str, path: str) -> Iterator[Finding]:
    if not _SCOPE_TOKEN.fullmatch(scope):
        message = "must be one scope: printable ASCII, no blank, double quote or backslash"
        yield Finding("invalid-scope", path, message)


def _suppressing(token_use: _TokenUse) -> _Rule:
    return partial(_strings, rule=partial(_claim_name, token_use=token_use, verb="suppressed"))


def _added(value: _Value, path: str, *, token_use: _TokenUse, event: Event) -> Iterator[Finding]:
    if value is not None and not isinstance(value, dict):
        yield _mismatch(value, path, "an object")
        return
    for name, claim in (value or {}).items():
        at = _at(path, name)
        if not isinstance(name, str):
            yield _mismatch(name, at, "a claim name")
        elif (token_use, name) != ("access", "aud"):
            yield from _claim_name(name, at, token_use=token_use, verb="added")
            yield from _claim_value(name, claim, at, token_use=token_use, is_v1=event.is_v1)
        elif claim != event.client_id:
            yield Finding(
                "protected-claim", at, "must be the app client's id: callerContext.clientId"
            )


def _claim_name(
    name: str, path: str, *, token_use: _TokenUse, verb: Literal["added", "suppressed"]
) -> Iterator[Finding]:
    if not name:
        yield Finding("empty-claim-name", path, "must name a claim: the name is empty")
    elif _is_protected(name, token_use, is_added=verb == "added"):
        token = "ID token" if token_use == "id" else "access token"
        message = f"{shown(name)} cannot be {verb} in the {token}{_OTHER_WAY.get(name, '')}"
        yield Finding("protected-claim", path, message)


def _is_protected(name: str, token_use: _TokenUse, *, is_added: bool) -> bool:
    if name.startswith("cognito:"):
        return is_added or name not in GROUP_CLAIMS
    if name.startswith("dev:"):
        return is_added and token_use == "id"
    return name in _PROTECTED[token_use]


def _claim_value(
    name: str, value: _Value, path: str, *, token_use: _TokenUse, is_v1: bool
) -> Iterator[Finding]:
    if is_v1:
        if not isinstance(value, str):
            yield _mismatch(value, path, "a string, in a V1 event", "not-a-string")
    elif isinstance(value, dict | list) and token_use == "id" and name in _SIMPLE_IN_ID_TOKEN:
        yield _mismatch(value, path, "a string, a number or a boolean", "unsupported-value")
    else:
        yield from _json_value(value, path)


def _json_value(value: _Value, path: str) -> Iterator[Finding]:
    """Arrays hold scalars only, but inside an object anything goes that JSON can carry."""
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _scalar(item, f"{path}[{place}]")
    elif isinstance(value, dict):
        yield from _unreadable_parts(value, path)
    else:
        yield from _scalar(value, path)


def _scalar(value: _Value, path: str) -> Iterator[Finding]:
    if not isinstance(value, str | int | float):
        yield _mismatch(value, path, "a string, a number or a boolean", "unsupported-value")


def _unreadable_parts(value: _Value, path: str) -> Iterator[Finding]:
    if isinstance(value, _Unreadable):
        yield _mismatch(value, path, "a JSON value", "unsupported-value")
    elif isinstance(value, dict):
        for name, member in value.items():
            at = _at(path, name)
            yield from _unreadable_parts(name, at)
            yield from _unreadable_parts(member, at)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _unreadable_parts(item, f"{path}[{place}]")


def _mismatch(value: _Value, path: str, expected: str, code: str = "wrong-type") -> Finding:
    if isinstance(value, _Unreadable):
        return Finding(value.code or code, path, f"{value.reason}: it must be {expected}")
    return Finding(code, path, f"must be {expected}, not {_KINDS[type(value)]}")


def _at(path: str, name: _Key) -> str:
    step = shown(name) if isinstance(name, str) else f"<a key that {name.reason}>"
    return f"{path}.{step}" if path else step


class _Reader:
    """Copies any Python object into JSON's own types: it never fails, and calls nothing overridden.

    A tuple is an array on the wire. A named tuple is unreadable, since encoders differ over it.
    """

    def __init__(self) -> None:
        self._members_left = _MOST_MEMBERS

    def read(self, value: object, above: tuple[int, ...] = ()) -> _Value:
        """Copy a value that lies within the containers `above`, known by their ids."""
        kind = type(value)
        if issubclass(kind, dict):
            return self._object(cast("dict[object, object]", value), above)
        if issubclass(kind, list) or kind is tuple:
            return self._array(cast("list[object] | tuple[object, ...]", value), above)
        return _read_scalar(value)

    def _object(self, value: dict[object, object], above: tuple[int, ...]) -> _Value:
        members = list(dict.items(value))
        return self._refusal(value, len(members), above) or {
            _read_key(name): self.read(member, (*above, id(value))) for name, member in members
        }

    def _array(self, value: list[object] | tuple[object, ...], above: tuple[int, ...]) -> _Value:
        items = list(value) if isinstance(value, tuple) else list.copy(value)
        return self._refusal(value, len(items), above) or [
            self.read(item, (*above, id(value))) for item in items
        ]

    def _refusal(self, value: object, size: int, above: tuple[int, ...]) -> _Unreadable | None:
        if id(value) in above:
            return _CYCLE
        if size > self._members_left or len(above) == _DEEPEST:
            return _TOO_LARGE
        self._members_left -= size
        return None


def _read_scalar(value: object) -> _Value:
    kind = type(value)
    if value is None or kind is bool:
        return cast("bool | None", value)
    if issubclass(kind, str):
        return _read_text(str.__str__(cast("str", value)))
    if issubclass(kind, int):
        return _read_number(int.__pos__(cast("int", value)))
    if issubclass(kind, float):
        return _read_number(float.__pos__(cast("float", value)))
    return _NOT_JSON


def _read_number(number: float) -> _Value:
    return number if abs(number) <= sys.float_info.max else _NOT_FINITE


def _read_key(name: object) -> _Key:
    is_text = issubclass(type(name), str)
    return _read_text(str.__str__(cast("str", name))) if is_text else _NOT_A_NAME


def _read_text(text: str) -> _Key:
    try:
        text.encode()
    except UnicodeEncodeError:
        return _NOT_UTF8
    return text
