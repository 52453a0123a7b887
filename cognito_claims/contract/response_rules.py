"""The rules for a response to a pre token generation event, as a table by key.

The rules are those of "AWS: Pre token generation Lambda trigger". If AWS documents no outcome (a
protected claim, an unknown key, a value of the wrong type), the answer is refused.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal, TypeAlias, cast

from cognito_claims.contract.default_tokens import (
    GROUP_CLAIMS,
    V1_DETAILS,
    V2_DETAILS,
    Event,
    shown,
)
from cognito_claims.contract.errors import ContractFinding
from cognito_claims.contract.json_value import ABSENT, Key, Unreadable, Value, member_path, mismatch

_Rule: TypeAlias = Callable[[Value, str], Iterator[ContractFinding]]
_StringRule: TypeAlias = Callable[[str, str], Iterator[ContractFinding]]
_TokenUse: TypeAlias = Literal["id", "access"]


_IN_BOTH_TOKENS = frozenset(
    {"acr", "amr", "auth_time", "azp", "exp", "iat", "iss", "jti", "nbf", "nonce"}
    | {"origin_jti", "sub", "token_use"}
)
_PROTECTED: dict[_TokenUse, frozenset[str]] = {
    "id": _IN_BOTH_TOKENS | {"at_hash", "aud", "identities"},
    "access": _IN_BOTH_TOKENS
    | {"aud", "client_id", "device_key", "event_id", "scope", "username", "version"},
}
_OTHER_WAY = {
    "scope": ": use scopesToAdd and scopesToSuppress",
    **dict.fromkeys(GROUP_CLAIMS, ": use groupOverrideDetails"),
}
_SIMPLE_IN_ID_TOKEN = ("address", "email_verified", "phone_number_verified", "updated_at")
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749, section 3.3


def problems(event: Event, before: dict[Key, Value], after: Value) -> Iterator[ContractFinding]:
    """Yield every reason why Cognito would not, or might not, accept the answer.

    The order is stable. A finding that explains others comes first: the answer is not the event at
    all, or has no response.
    """
    if not isinstance(after, dict):
        yield mismatch(after, "returned", "the whole event, an object", "not-an-object")
        return
    if after and not (before.keys() - {"response"}) & after.keys():
        yield ContractFinding(
            "not-the-event", "returned", f"must be the whole event, not {_instead(after)}"
        )
        return
    if "response" not in after and not is_untouched(before, after):
        yield ContractFinding("missing-response", "response", "is missing: return the whole event")
    for change in _changes({**before, "response": None}, {**after, "response": None}, ""):
        yield _event_changed(*change)
    if "response" not in after or is_untouched(before, after):
        return
    request = cast("dict[Key, Value]", before["request"])
    yield from _response(after["response"], event, request.get("groupConfiguration"))


def _instead(after: Mapping[Key, Value]) -> str:
    """Tell what came back in the place of the event."""
    if "response" in after:
        return "its response alone"
    is_content = V1_DETAILS in after or V2_DETAILS in after
    return "the content of its response" if is_content else "an object without its keys"


def _event_changed(path: str, before: Value, after: Value) -> ContractFinding:
    """Return the finding of a change outside the response.

    A change of the request is a warning, since Cognito probably reads only the response. The rest
    of the event must stay.
    """
    if before is not ABSENT and not path.startswith("request."):
        what = "is missing" if after is ABSENT else "was changed"
        return ContractFinding("event-changed", path, f"{what}: a trigger writes the response only")
    for unreadable in _unreadable_parts(None if after is ABSENT else after, path):
        return unreadable
    what = "was left out" if after is ABSENT else "was added" if before is ABSENT else "was changed"
    message = f"{what}: Cognito reads the response only, as far as is known, and drops this"
    return ContractFinding("event-changed", path, message, "warning")


def _changes(before: Value, after: Value, path: str) -> Iterator[tuple[str, Value, Value]]:
    """Yield the deepest parts that came back changed: the path, the value before and after."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before | after:
            at = member_path(path, name)
            yield from _changes(before.get(name, ABSENT), after.get(name, ABSENT), at)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changes(old, new, f"{path}[{place}]")
    elif isinstance(before, bool) is not isinstance(after, bool) or before != after:
        yield path, before, after


def is_untouched(before: Mapping[Any, Value], after: Mapping[Any, Value]) -> bool:
    """Return whether the response came back unchanged, which means the default tokens."""
    old, new = (side.get("response", ABSENT) for side in (before, after))
    return not any(_changes(old, new, "response"))


def _response(response: Value, event: Event, own_groups: Value) -> Iterator[ContractFinding]:
    key, other = (V1_DETAILS, V2_DETAILS) if event.is_v1 else (V2_DETAILS, V1_DETAILS)
    if not isinstance(response, dict):
        yield mismatch(response, "response", "an object")
        return
    if other in response:
        message = f"belongs to another event version: this event takes {key}"
        yield ContractFinding("wrong-version-key", f"response.{other}", message)
    elif not response:
        message = "is missing: nobody documents that an empty response means the default tokens"
        yield ContractFinding("missing-key", f"response.{key}", message, "warning")
    elif key not in response:
        yield ContractFinding(
            "missing-key", f"response.{key}", "is missing: this event takes no other key"
        )
    rest: dict[Key, Value] = {name: value for name, value in response.items() if name != other}
    details: _Rule = partial(_object, rules=_details_rules(event, own_groups))
    yield from _object(rest, "response", rules={key: details})


def _details_rules(event: Event, own_groups: Value) -> dict[str, _Rule]:
    id_rules: dict[str, _Rule] = {
        "claimsToAddOrOverride": partial(_added, token_use="id", event=event),
        "claimsToSuppress": _suppressing("id"),
    }
    if not (event.has_id_token or event.is_for_machine):
        id_rules = {name: partial(_ineffective, rule=rule) for name, rule in id_rules.items()}
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


def _access_token(value: Value, path: str, *, event: Event) -> Iterator[ContractFinding]:
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
            yield ContractFinding(
                "scope-added-and-suppressed", f"{path}.scopesToAdd[{place}]", message
            )


def _vanishing(
    value: Value, path: str, *, rule: _Rule, code: str, what: str
) -> Iterator[ContractFinding]:
    if isinstance(value, dict) and any(value.values()):
        yield ContractFinding(code, path, f"would vanish: client credentials come without {what}")
    yield from rule(value, path)


def _ineffective(value: Value, path: str, *, rule: _Rule) -> Iterator[ContractFinding]:
    if value:
        message = "has no effect: without the scope openid a hosted sign-in has no ID token"
        yield ContractFinding("no-id-token", path, message, "warning")
    yield from rule(value, path)


def _groups(value: Value, path: str, *, own: Value) -> Iterator[ContractFinding]:
    """Yield the problems of a group override.

    A copy of the request's groups is always right: Cognito may have added fields to them.
    """
    if any(_changes(own, value, path)):
        rules: dict[str, _Rule] = {
            "groupsToOverride": _strings,
            "iamRolesToOverride": _strings,
            "preferredRole": _string_or_null,
        }
        wrong = [*_object(value, path, rules=rules)]
        yield from wrong
        if not wrong and _names_none(value) and _names_some(own):
            message = "null takes all groups away: name them, or leave this key out to keep them"
            yield ContractFinding("groups-wiped", path, message, "warning")


def _names_none(groups: Value) -> bool:
    """Return whether the groups are null, as typed languages send them by mistake.

    An empty list is on purpose.
    """
    return groups is None or (isinstance(groups, dict) and groups.get("groupsToOverride") is None)


def _names_some(groups: Value) -> bool:
    return isinstance(groups, dict) and bool(groups.get("groupsToOverride"))


def _object(value: Value, path: str, *, rules: Mapping[str, _Rule]) -> Iterator[ContractFinding]:
    """Yield the problems of an object; null means nothing, as in every list."""
    if not isinstance(value, dict):
        if value is not None:
            yield mismatch(value, path, "an object")
        return
    for name, member in value.items():
        at = member_path(path, name)
        rule = rules.get(name) if isinstance(name, str) else None
        yield from rule(member, at) if rule else _unknown_key(name, at, rules)


def _unknown_key(name: Key, path: str, known: Iterable[str]) -> Iterator[ContractFinding]:
    near = get_close_matches(name, known, n=1) if isinstance(name, str) else []
    hint = f"did you mean {near[0]}?" if near else f"Cognito knows {', '.join(known)}"
    yield ContractFinding("unknown-key", path, f"is an unknown key: {hint}")


def _strings(
    value: Value, path: str, *, rule: _StringRule | None = None
) -> Iterator[ContractFinding]:
    if value is not None and not isinstance(value, list):
        yield mismatch(value, path, "an array of strings")
    for place, item in enumerate(_items(value)):
        at = f"{path}[{place}]"
        if not isinstance(item, str):
            yield mismatch(item, at, "a string")
        elif rule:
            yield from rule(item, at)


def _items(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def _string_or_null(value: Value, path: str) -> Iterator[ContractFinding]:
    if value is not None and not isinstance(value, str):
        yield mismatch(value, path, "a string or null")


def _scope(scope: str, path: str) -> Iterator[ContractFinding]:
    if not _SCOPE_TOKEN.fullmatch(scope):
        message = "must be one scope: printable ASCII, no blank, double quote or backslash"
        yield ContractFinding("invalid-scope", path, message)


def _suppressing(token_use: _TokenUse) -> _Rule:
    return partial(_strings, rule=partial(_claim_name, token_use=token_use, verb="suppressed"))


def _added(
    value: Value, path: str, *, token_use: _TokenUse, event: Event
) -> Iterator[ContractFinding]:
    if value is not None and not isinstance(value, dict):
        yield mismatch(value, path, "an object")
        return
    for name, claim in (value or {}).items():
        at = member_path(path, name)
        if not isinstance(name, str):
            yield mismatch(name, at, "a claim name")
        elif (token_use, name) != ("access", "aud"):
            yield from _claim_name(name, at, token_use=token_use, verb="added")
            yield from _claim_value(name, claim, at, token_use=token_use, is_v1=event.is_v1)
        elif claim != event.client_id:
            yield ContractFinding(
                "protected-claim", at, "must be the app client's id: callerContext.clientId"
            )


def _claim_name(
    name: str, path: str, *, token_use: _TokenUse, verb: Literal["added", "suppressed"]
) -> Iterator[ContractFinding]:
    if not name:
        yield ContractFinding("empty-claim-name", path, "must name a claim: the name is empty")
    elif _is_protected(name, token_use, is_added=verb == "added"):
        token = "ID token" if token_use == "id" else "access token"
        message = f"{shown(name)} cannot be {verb} in the {token}{_OTHER_WAY.get(name, '')}"
        yield ContractFinding("protected-claim", path, message)


def _is_protected(name: str, token_use: _TokenUse, *, is_added: bool) -> bool:
    if name.startswith("cognito:"):
        return is_added or name not in GROUP_CLAIMS
    if name.startswith("dev:"):
        return is_added and token_use == "id"
    return name in _PROTECTED[token_use]


def _claim_value(
    name: str, value: Value, path: str, *, token_use: _TokenUse, is_v1: bool
) -> Iterator[ContractFinding]:
    if is_v1:
        if not isinstance(value, str):
            yield mismatch(value, path, "a string, in a V1 event", "not-a-string")
    elif isinstance(value, dict | list) and token_use == "id" and name in _SIMPLE_IN_ID_TOKEN:
        yield mismatch(value, path, "a string, a number or a boolean", "unsupported-value")
    else:
        yield from _json_value(value, path)


def _json_value(value: Value, path: str) -> Iterator[ContractFinding]:
    """Yield the problems of a value: arrays hold scalars only, objects hold any JSON."""
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _scalar(item, f"{path}[{place}]")
    elif isinstance(value, dict):
        yield from _unreadable_parts(value, path)
    else:
        yield from _scalar(value, path)


def _scalar(value: Value, path: str) -> Iterator[ContractFinding]:
    if not isinstance(value, str | int | float):
        yield mismatch(value, path, "a string, a number or a boolean", "unsupported-value")


def _unreadable_parts(value: Value, path: str) -> Iterator[ContractFinding]:
    if isinstance(value, Unreadable):
        yield mismatch(value, path, "a JSON value", "unsupported-value")
    elif isinstance(value, dict):
        for name, member in value.items():
            at = member_path(path, name)
            yield from _unreadable_parts(name, at)
            yield from _unreadable_parts(member, at)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _unreadable_parts(item, f"{path}[{place}]")
