"""What the tests break and draw: places in JSON, damaged events, and plugins' answers, the wrong ones included."""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from hypothesis import strategies as st

from cognito_claims.testing import recorded, recorded_names

Place: TypeAlias = tuple[str | int, ...]
_Texts: TypeAlias = st.SearchStrategy[str]
_Any: TypeAlias = st.SearchStrategy[Any]


def places(document: Any, above: Place = ()) -> Iterator[Place]:
    """Give the way to everything inside a JSON document."""
    members = enumerate(document) if isinstance(document, list) else document.items()
    for step, member in members:
        yield (*above, step)
        if isinstance(member, (dict, list)):
            yield from places(member, (*above, step))


def changed(document: Any, place: Place, value: object) -> Any:
    """Give a copy with something else at this place."""
    if not place:
        return value
    step, *rest = place
    copy = list(document) if isinstance(document, list) else dict(document)
    inner = copy[step] if rest else None  # type: ignore[index]
    copy[step] = changed(inner, tuple(rest), value)  # type: ignore[index]
    return copy


_ANY_CHARACTER = st.characters(exclude_categories=())  # lone surrogates, too
_SPELLINGS = st.sampled_from(
    ["1", "2", "true", "TokenGeneration_ClientCredentials", "TokenGeneration_RefreshTokens"]
    + ["PostAuthentication_Authentication", "PostConfirmation_ConfirmSignUp"]
)
_KEYS = st.sampled_from(
    ["version", "triggerSource", "userPoolId", "region", "userName", "callerContext", "clientId"]
    + [
        "request",
        "userAttributes",
        "sub",
        "groupConfiguration",
        "groupsToOverride",
        "preferredRole",
    ]
    + ["iamRolesToOverride", "scopes", "clientMetadata", "newDeviceUsed"]
    + ["response", "claimsOverrideDetails", "claimsAndScopeOverrideDetails"]
) | st.text(_ANY_CHARACTER, max_size=3)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(_ANY_CHARACTER, max_size=5),
    _SPELLINGS,
)


def _containers(members: _Any, keys: _Texts) -> _Any:
    return st.lists(members, max_size=3) | st.dictionaries(keys, members, max_size=4)


JSON: _Any = st.recursive(_SCALARS, lambda inner: _containers(inner, _KEYS), max_leaves=12)


@st.composite
def damaged_events(draw: st.DrawFn, *prefixes: str) -> Any:
    """Draw a recorded event with one to three things replaced, deleted or inserted."""
    event = json.loads(
        draw(st.sampled_from([json.dumps(recorded(n)) for n in recorded_names(*prefixes)]))
    )
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from([*places(event)] or [("version",)]))
        parent = event
        for step in way:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "delete", "insert"])):
            case "delete" if parent:
                del parent[last]
            case "insert" if isinstance(parent, list):
                parent.insert(last, draw(JSON))
            case "insert":
                parent[draw(_KEYS)] = draw(JSON)
            case _:
                parent[last] = draw(JSON)
    return event
