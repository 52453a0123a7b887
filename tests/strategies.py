"""What the tests break and draw: places in JSON, damaged events, and plugins' answers, the wrong ones included."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from hypothesis import strategies as st

from cognito_claims.claims import Claims, Groups, TokenClaims
from cognito_claims.testing import recorded, recorded_names

Place: TypeAlias = tuple[str | int, ...]
_Drawn: TypeAlias = st.SearchStrategy[Any]


def places(document: Any, above: Place = ()) -> Iterator[Place]:
    """Give the way to everything inside a JSON document."""
    members = enumerate(document) if isinstance(document, list) else document.items()
    for step, member in members:
        yield (*above, step)
        if isinstance(member, (dict, list)):
            yield from places(member, (*above, step))


def changed(document: Any, place: Place, value: object) -> Any:
    """Give a copy of a JSON document with something else at this place."""
    copy = json.loads(json.dumps(document))
    parent_of(copy, place)[place[-1]] = value
    return copy


def parent_of(document: Any, place: Place) -> Any:
    """Give the object or array that this place is in."""
    for step in place[:-1]:
        document = document[step]
    return document


# Any JSON, and damaged events

_TEXTS = st.text(st.characters(exclude_categories=()), max_size=4)  # lone surrogates included
_KEYS = _TEXTS | st.sampled_from(
    sorted(
        {
            step
            for name in recorded_names()
            for place in places(recorded(name))
            for step in place
            if isinstance(step, str)
        }
    )
)
_SPELLINGS = st.sampled_from(
    [
        *("1", "2", "3", "true", "TokenGeneration_ClientCredentials", "TokenGeneration_HostedAuth"),
        *("PostAuthentication_Authentication", "PostConfirmation_ConfirmSignUp"),
    ]
)
_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXTS, _SPELLINGS)
JSON: _Drawn = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


def damaged(*prefixes: str) -> _Drawn:
    """Draw recorded events with one to three things replaced, deleted or inserted."""
    return _damaged([json.dumps(recorded(name)) for name in recorded_names(*prefixes)])


@st.composite
def _damaged(draw: st.DrawFn, texts: list[str]) -> Any:
    event = json.loads(draw(st.sampled_from(texts)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([*places(event)]))
        parent = parent_of(event, place)
        match draw(st.sampled_from(["replace", "delete", "insert"])):
            case "replace":
                parent[place[-1]] = draw(JSON)
            case "delete" if len(event) > 1:  # so that some place is left
                del parent[place[-1]]
            case _ if isinstance(parent, dict):
                parent[draw(_KEYS)] = draw(JSON)
            case _:
                parent.insert(place[-1], draw(JSON))
    return event


# Plugins' answers

_NAMES = st.sampled_from(
    [
        *("plan", "ns", "email", "email_verified", "address", "updated_at", "tier", "a b"),
        *("https://hasura.io/jwt/claims", "custom:tenant_id", "naïve"),
    ]
)
_WRONG_NAMES = st.sampled_from(
    [
        *("", "\ud800", "sub", "aud", "scope", "exp", "username", "client_id", "at_hash"),
        *("cognito:username", "cognito:x", "cognito:groups", "cognito:roles", "dev:flag"),
    ]
)
_SCOPES = st.sampled_from(["openid", "email", "orders/read", "orders/write", "x"])
_WRONG_SCOPES = st.sampled_from(["", "a b", 'a"b', "a\\b", "ä", "a\n", "\ud800"])
_NO_SCOPES = st.just(frozenset[str]())
_PLAIN = st.one_of(
    st.text(max_size=4),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)
_INSIDE: _Drawn = st.recursive(
    st.none() | _PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.tuples(inner),
        st.dictionaries(st.text(max_size=2), inner, max_size=2).map(MappingProxyType),
    ),
    max_leaves=5,
)
_VALUES = st.one_of(
    _PLAIN,
    st.lists(_PLAIN, max_size=2),
    st.tuples(_PLAIN),
    st.dictionaries(st.text(max_size=2), _INSIDE, max_size=2),
)


def a_value_within_itself() -> Any:
    """Make an object that no JSON can hold."""
    value: dict[str, Any] = {}
    value["self"] = {"again": value}
    return value


_WRONG_LEAVES = st.sampled_from(
    [
        *(None, float("nan"), float("inf"), 10**400, "\ud800", b"", object()),
        *(frozenset(), {"a"}, a_value_within_itself()),
    ]
)
_WRONG_VALUES = _WRONG_LEAVES.flatmap(
    lambda leaf: st.sampled_from([leaf, [leaf], ([leaf],), {"a": [{"b": leaf}]}, {7: leaf}])
)


def _or_else(sound: _Drawn, wrong: _Drawn) -> _Drawn:
    return st.booleans().flatmap(lambda is_wrong: wrong if is_wrong else sound)


_GROUPS = st.builds(
    Groups,
    groups=st.lists(_TEXTS, max_size=2).map(tuple),
    iam_roles=st.lists(_TEXTS, max_size=2).map(tuple),
    preferred_role=st.none() | _TEXTS,
)


def _token_claims(names: _Drawn, values: _Drawn, scopes: _Drawn) -> _Drawn:
    changes = st.builds(
        TokenClaims,
        add=st.dictionaries(names, values, max_size=3),
        suppress=st.frozensets(names, max_size=1),
        add_scopes=scopes,
        suppress_scopes=scopes,
    )
    return st.just(TokenClaims()) | changes


def _answers(
    names: _Drawn, values: _Drawn, scopes: _Drawn, *, id_scopes: _Drawn = _NO_SCOPES
) -> _Drawn:
    claims = st.builds(
        Claims,
        id_token=_token_claims(names, values, id_scopes),
        access_token=_token_claims(names, values, scopes),
        groups=st.none() | _GROUPS,
        needs=st.frozensets(names, max_size=1),
    )
    plugins = st.sampled_from(["fauna", "hasura", "plan", "surrealdb"])
    return st.dictionaries(plugins, claims, max_size=3)


_SCOPE_SETS = st.frozensets(_SCOPES, max_size=1)
ANSWERS: st.SearchStrategy[Mapping[str, Claims]] = st.one_of(
    _answers(_NAMES, _VALUES, _SCOPE_SETS),
    _answers(_NAMES, st.text(max_size=4), _NO_SCOPES),  # what V1_0 carries
    _answers(_NAMES | _WRONG_NAMES, _VALUES, _SCOPE_SETS),
    _answers(_NAMES, _or_else(_VALUES, _WRONG_VALUES), _SCOPE_SETS),
    _answers(_NAMES, _VALUES, st.frozensets(_SCOPES | _WRONG_SCOPES, max_size=2)),
    _answers(_NAMES, _VALUES, _SCOPE_SETS, id_scopes=_SCOPE_SETS),
)
