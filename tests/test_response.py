"""Claims as each version's response, and what a version, a token or JSON cannot carry."""

import copy
import json
from collections.abc import Callable, Mapping, Set
from decimal import Decimal
from math import inf
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from cognito_claims.claims import Claims, Groups, TokenClaims
from cognito_claims.errors import UnsupportedClaimError
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.response import render
from cognito_claims.testing import a_machine_event, a_user_event
from tests.strategies import a_value_within_itself

V1, V2, V3 = (a_user_event(version=version) for version in "123")
MACHINE = a_machine_event()
ADMINS = Groups(("admins", "editors"), ("arn:admins",), "arn:admins")
OVERRIDE = {
    "groupsToOverride": ["admins", "editors"],
    "iamRolesToOverride": ["arn:admins"],
    "preferredRole": "arn:admins",
}


def unsorted(*names: str) -> Set[str]:
    """Give a set that has an order, and not the alphabet's."""
    return dict.fromkeys(names).keys()


FULL = Claims(
    id_token=TokenClaims(add={"ns": "test", "tier": 2}, suppress=unsorted("phone", "email")),
    access_token=TokenClaims(
        add={"aud": V2.client_id, "team": {"id": 7}},
        suppress=unsorted("dev:y", "dev:x"),
        add_scopes=unsorted("orders/write", "orders/read"),
        suppress_scopes=unsorted("openid", "email"),
    ),
    groups=ADMINS,
    needs=frozenset({"email_verified"}),
)


def in_id(value: object, claim: str = "c") -> Claims:
    return Claims(id_token=TokenClaims(add={claim: value}))  # type: ignore[dict-item]  # wrong on purpose


def in_access(value: object, claim: str = "c") -> Claims:
    return Claims(access_token=TokenClaims(add={claim: value}))  # type: ignore[dict-item]  # wrong on purpose


def refusal(claims: Claims, event: PreTokenGenerationEvent = V2) -> UnsupportedClaimError:
    with pytest.raises(UnsupportedClaimError) as raised:
        render(claims, event)
    return raised.value


def told(error: UnsupportedClaimError) -> tuple[str, str, str]:
    return error.subject, error.token, error.version


def value_of(claims: Claims, event: PreTokenGenerationEvent = V2) -> Any:
    details = render(claims, event)["claimsAndScopeOverrideDetails"]
    return details["idTokenGeneration"]["claimsToAddOrOverride"]["c"]


# Each version's own response


@pytest.mark.parametrize(
    ("event", "response"),
    [
        (V1, {"claimsOverrideDetails": None}),
        (V2, {"claimsAndScopeOverrideDetails": None}),
        (V3, {"claimsAndScopeOverrideDetails": None}),
        (MACHINE, {"claimsAndScopeOverrideDetails": None}),
    ],
)
def test_no_claims_are_cognitos_own_no_override(
    event: PreTokenGenerationEvent, response: dict[str, Any]
) -> None:
    assert render(Claims(), event) == response
    assert render(Claims(TokenClaims(add={}), TokenClaims(suppress=set())), event) == response
    assert render(Claims(needs={"email"}), event) == response


def test_v1_carries_strings_suppressed_claims_and_groups() -> None:
    claims = Claims(TokenClaims(add={"ns": "test"}, suppress=unsorted("b", "a")), groups=ADMINS)
    assert render(claims, V1) == {
        "claimsOverrideDetails": {
            "claimsToAddOrOverride": {"ns": "test"},
            "claimsToSuppress": ["a", "b"],
            "groupOverrideDetails": OVERRIDE,
        }
    }


@pytest.mark.parametrize("event", [V2, V3])
def test_v2_and_v3_carry_everything(event: PreTokenGenerationEvent) -> None:
    assert render(FULL, event) == {
        "claimsAndScopeOverrideDetails": {
            "idTokenGeneration": {
                "claimsToAddOrOverride": {"ns": "test", "tier": 2},
                "claimsToSuppress": ["email", "phone"],
            },
            "accessTokenGeneration": {
                "claimsToAddOrOverride": {"aud": V2.client_id, "team": {"id": 7}},
                "claimsToSuppress": ["dev:x", "dev:y"],
                "scopesToAdd": ["orders/read", "orders/write"],
                "scopesToSuppress": ["email", "openid"],
            },
            "groupOverrideDetails": OVERRIDE,
        }
    }


def test_a_machine_token_takes_access_claims_and_scopes() -> None:
    assert render(Claims(access_token=FULL.access_token), MACHINE) == {
        "claimsAndScopeOverrideDetails": {
            "accessTokenGeneration": {
                "claimsToAddOrOverride": {"aud": MACHINE.client_id, "team": {"id": 7}},
                "claimsToSuppress": ["dev:x", "dev:y"],
                "scopesToAdd": ["orders/read", "orders/write"],
                "scopesToSuppress": ["email", "openid"],
            }
        }
    }


@pytest.mark.parametrize(
    ("claims", "details"),
    [
        (in_id("x"), {"idTokenGeneration": {"claimsToAddOrOverride": {"c": "x"}}}),
        (in_access("x"), {"accessTokenGeneration": {"claimsToAddOrOverride": {"c": "x"}}}),
        (
            Claims(TokenClaims(suppress={"cognito:groups"})),
            {"idTokenGeneration": {"claimsToSuppress": ["cognito:groups"]}},
        ),
        (
            Claims(access_token=TokenClaims(add_scopes={"openid"})),
            {"accessTokenGeneration": {"scopesToAdd": ["openid"]}},
        ),
        (
            Claims(access_token=TokenClaims(suppress_scopes={"openid"})),
            {"accessTokenGeneration": {"scopesToSuppress": ["openid"]}},
        ),
        (Claims(groups=ADMINS), {"groupOverrideDetails": OVERRIDE}),
    ],
)
def test_what_is_not_wanted_is_left_out(claims: Claims, details: dict[str, Any]) -> None:
    assert render(claims, V2) == {"claimsAndScopeOverrideDetails": details}


@pytest.mark.parametrize(
    ("groups", "override"),
    [
        (Groups(), {"groupsToOverride": [], "iamRolesToOverride": []}),
        (Groups(("a",)), {"groupsToOverride": ["a"], "iamRolesToOverride": []}),
        (
            Groups(preferred_role=""),
            {"groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": ""},
        ),
    ],
)
def test_no_groups_at_all_are_an_override_too(groups: Groups, override: dict[str, Any]) -> None:
    claims = Claims(groups=groups)
    assert render(claims, V1) == {"claimsOverrideDetails": {"groupOverrideDetails": override}}


# What a version or a token cannot carry


@pytest.mark.parametrize("value", [1, 1.5, True, None, ["a"], {"a": "b"}, ("a",), b"a"])
def test_v1_carries_nothing_but_strings(value: object) -> None:
    error = refusal(in_id(value), V1)
    assert told(error) == ("c", "id", "V1_0")


@pytest.mark.parametrize(
    ("wanted", "subject"),
    [
        (TokenClaims(add={"b": "x", "a": "x"}), "a"),
        (TokenClaims(suppress={"email"}), "email"),
        (TokenClaims(add={"b": "x"}, suppress={"a"}, add_scopes={"openid"}), "a"),
        (TokenClaims(add_scopes={"openid"}), "scope"),
        (TokenClaims(suppress_scopes={"openid"}), "scope"),
    ],
)
def test_v1_changes_nothing_in_the_access_token(wanted: TokenClaims, subject: str) -> None:
    error = refusal(Claims(access_token=wanted), V1)
    assert told(error) == (subject, "access", "V1_0")


@pytest.mark.parametrize("event", [V1, V2, V3, MACHINE])
@pytest.mark.parametrize(
    "wanted", [TokenClaims(add_scopes={"openid"}), TokenClaims(suppress_scopes={"openid"})]
)
def test_the_id_token_has_no_scopes(event: PreTokenGenerationEvent, wanted: TokenClaims) -> None:
    error = refusal(Claims(id_token=wanted), event)
    assert told(error) == ("openid", "id", event.version.name)


@pytest.mark.parametrize(
    ("claims", "subject", "token"),
    [
        (in_id("x"), "c", "id"),
        (Claims(TokenClaims(suppress={"email"})), "email", "id"),
        (Claims(groups=ADMINS), "cognito:groups", "access"),
        (Claims(groups=Groups()), "cognito:groups", "access"),
    ],
)
def test_a_machine_has_no_id_token_and_no_groups(claims: Claims, subject: str, token: str) -> None:
    assert told(refusal(claims, MACHINE)) == (subject, token, "V3_0")


@pytest.mark.parametrize("verb", ["add_scopes", "suppress_scopes"])
@pytest.mark.parametrize(
    "scope",
    ["", "a b", " a", "a\n", "a\t", 'a"b', "a\\b", "\x00", "\x7f", "ä", "a\u00a0b", "\ud800"],
)
def test_a_scope_is_one_printable_ascii_word(verb: str, scope: str) -> None:
    wanted = TokenClaims(**{verb: frozenset({"openid", scope})})  # type: ignore[arg-type]  # wrong on purpose
    assert told(refusal(Claims(access_token=wanted))) == (scope, "access", "V2_0")


def test_every_other_ascii_character_may_be_in_a_scope() -> None:
    scope = "!" + "".join(map(chr, range(0x23, 0x5C))) + "".join(map(chr, range(0x5D, 0x7F)))
    response = render(Claims(access_token=TokenClaims(add_scopes={scope})), V2)
    section = response["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]
    assert section == {"scopesToAdd": [scope]}


@pytest.mark.parametrize("event", [V2, V3, MACHINE])
@pytest.mark.parametrize("audience", ["", "another-client", 7, [], [V2.client_id]])
def test_an_audience_is_the_app_client_or_nobody(
    event: PreTokenGenerationEvent, audience: object
) -> None:
    assert told(refusal(in_access(audience, "aud"), event)) == ("aud", "access", event.version.name)


@pytest.mark.parametrize(
    ("claims", "event"),
    [
        (in_id("x", ""), V1),
        (in_id("x", ""), V2),
        (in_access("x", ""), V2),
        (Claims(TokenClaims(suppress={""})), V1),
        (Claims(TokenClaims(suppress={"a", ""})), V2),
        (Claims(access_token=TokenClaims(suppress={""})), MACHINE),
    ],
)
def test_a_claim_has_a_name(claims: Claims, event: PreTokenGenerationEvent) -> None:
    assert refusal(claims, event).subject == ""


# Values


class Pair(NamedTuple):
    left: str
    right: int


class Headers(Mapping[str, Any]):
    """A mapping that is no dict."""

    def __getitem__(self, name: str) -> Any:
        return {"a": (1, 2)}[name]

    def __iter__(self) -> Any:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("value", "carried"),
    [
        ("", ""),
        ("Größe 😀", "Größe 😀"),
        (0, 0),
        (-(2**63), -(2**63)),
        (0.5, 0.5),
        (False, False),
        ([], []),
        (["a", 1, 0.5, True], ["a", 1, 0.5, True]),
        (("a", "b"), ["a", "b"]),
        (Pair("a", 1), ["a", 1]),
        ({}, {}),
        ({"": None}, {"": None}),
        ({"a": {"b": [None, {"c": ({"d": [[]]},)}]}}, {"a": {"b": [None, {"c": [{"d": [[]]}]}]}}),
        (MappingProxyType({"a": MappingProxyType({"b": ()})}), {"a": {"b": []}}),
        (Headers(), {"a": [1, 2]}),
    ],
)
@pytest.mark.parametrize("event", [V2, V3])
def test_a_value_becomes_plain_json(
    event: PreTokenGenerationEvent, value: object, carried: object
) -> None:
    found = value_of(in_id(value), event)
    assert found == carried
    assert json.loads(json.dumps(found)) == carried


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


def test_a_value_has_10_000_members_at_most_however_it_shares_them() -> None:
    shared: Any = "x"
    for _ in range(30):
        shared = {"a": shared, "b": shared}

    assert len(value_of(in_id({"a": [1] * 9_999}))["a"]) == 9_999
    assert told(refusal(in_id({"a": [1] * 10_000}))) == ("c", "id", "V2_0")
    assert told(refusal(in_id(shared))) == ("c", "id", "V2_0")


def test_objects_nest_32_levels_deep() -> None:
    assert value_of(in_id(nested(32))) == nested(32)
    assert told(refusal(in_id(nested(33)))) == ("c", "id", "V2_0")
    assert told(refusal(in_id({"a": [[nested(31)]]}))) == ("c", "id", "V2_0")


WRONG: list[object] = [
    *(float("nan"), float("inf"), float("-inf"), 10**400, -(10**400), 10**5000),
    *(b"x", bytearray(), {1}, frozenset({"a"}), object(), 1j, range(2), "\ud800", "a\udfffb"),
]


@pytest.mark.parametrize("value", [None, *WRONG], ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda value: value,
        lambda value: [value],
        lambda value: ("a", value),
    ],
    ids=["bare", "in a list", "in a tuple"],
)
def test_what_is_no_claim_value_is_refused(
    wrapped: Callable[[object], object], value: object
) -> None:
    for claims, token in ((in_id(wrapped(value)), "id"), (in_access(wrapped(value)), "access")):
        assert told(refusal(claims)) == ("c", token, "V2_0")


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
def test_what_is_no_json_is_refused_inside_objects_too(value: object) -> None:
    for inside in ({"a": value}, {"a": [value]}, {"a": {"b": ({"c": value},)}}):
        assert told(refusal(in_id(inside))) == ("c", "id", "V2_0")


@pytest.mark.parametrize(
    "value",
    [
        [[]],
        [{}],
        [("a",)],
        [{"a": "b"}],
        {7: "x"},
        {None: "x"},
        {"a": {b"a": "x"}},
        {"\ud800": "x"},
        {"a": {"\udfff": "x"}},
        a_value_within_itself(),
        {"a": [a_value_within_itself()]},
    ],
)
def test_an_array_holds_scalars_and_names_are_text(value: object) -> None:
    assert told(refusal(in_id(value))) == ("c", "id", "V2_0")


@pytest.mark.parametrize(
    "claim", ["address", "email_verified", "phone_number_verified", "updated_at"]
)
def test_some_claims_take_no_complex_value_in_the_id_token(claim: str) -> None:
    complex_values: list[object] = [[], {}, (), {"a": "b"}, MappingProxyType({})]
    for value in complex_values:
        assert told(refusal(in_id(value, claim))) == (claim, "id", "V2_0")
        assert render(in_access(value, claim), V2)
    for simple in ("x", 7, True):
        section = {"claimsToAddOrOverride": {claim: simple}}
        assert render(in_id(simple, claim), V2) == {
            "claimsAndScopeOverrideDetails": {"idTokenGeneration": section}
        }


@pytest.mark.parametrize(
    ("claims", "event"),
    [
        (in_id("x", "\ud800"), V1),
        (in_id("x", "\ud800"), V2),
        (in_access("x", "\ud800"), V3),
        (Claims(TokenClaims(suppress={"\ud800"})), V2),
        (Claims(access_token=TokenClaims(suppress={"\ud800"})), MACHINE),
        (Claims(groups=Groups(("a", "\ud800"))), V1),
        (Claims(groups=Groups(iam_roles=("\ud800",))), V2),
        (Claims(groups=Groups(preferred_role="\ud800")), V3),
        (Claims(groups=Groups(("a", 7))), V1),  # type: ignore[arg-type]  # wrong on purpose
        (Claims(groups=Groups(iam_roles=(None,))), V2),  # type: ignore[arg-type]  # wrong on purpose
        (Claims(groups=Groups(preferred_role=["a"])), V3),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_names_and_groups_are_text_that_utf8_can_carry(
    claims: Claims, event: PreTokenGenerationEvent
) -> None:
    subject = "\ud800" if claims.groups is None else "cognito:groups"
    error = refusal(claims, event)
    assert (error.subject, error.version) == (subject, event.version.name)


@pytest.mark.parametrize(
    ("claims", "event", "message"),
    [
        (
            in_id(7),
            V1,
            "c: V1_0 carries strings only, got int; a value of another type needs V2_0 or later",
        ),
        (in_access("x"), V1, "c: the access token needs V2_0 or later"),
        (in_id("x"), MACHINE, "c: client credentials have no ID token"),
        (Claims(groups=ADMINS), MACHINE, "cognito:groups: client credentials have no groups"),
        (in_id(None), V2, "c: expected a value, got nothing"),
        (
            in_id([None]),
            V2,
            "c: expected a string, number, boolean, array of these, or an object, got nothing",
        ),
        (
            in_id({"price": Decimal(7)}),
            V2,
            "c: expected a string, number, boolean, array of these, or an object, got Decimal",
        ),
        (in_id(inf), V2, "c: expected a number that a double can hold"),
        (in_id({7: "x"}), V2, "c: expected names that are strings, got int"),
        (in_id("\ud800"), V2, "c: expected text that UTF-8 can carry"),
        (in_id(nested(33)), V2, "c: nested more than 32 levels deep"),
        (in_id([], "address"), V2, "address: cannot be an array or an object"),
        (in_id("x", ""), V2, "'': a claim name cannot be empty"),
        (in_access("x", "aud"), V2, "aud: can only be the app client's id"),
        (
            Claims(access_token=TokenClaims(add_scopes={"a b"})),
            V2,
            "a b: not a valid scope (RFC 6749)",
        ),
        (
            Claims(access_token=TokenClaims(add_scopes={"a\n\ud800"})),
            V2,
            r"'a\n\ud800': not a valid scope (RFC 6749)",
        ),
        (in_id("x", "\ud800"), V2, r"'\ud800': expected text that UTF-8 can carry"),
        (
            Claims(TokenClaims(add_scopes={"openid"})),
            V2,
            "openid: only the access token has scopes",
        ),
    ],
)
def test_a_refusal_says_what_and_why(
    claims: Claims, event: PreTokenGenerationEvent, message: str
) -> None:
    error = refusal(claims, event)
    assert str(error) == f"{message} ({error.token} token, {error.version})"


@pytest.mark.parametrize(
    "claims",
    [
        *(in_id(wrong) for wrong in ({"S3CRET"}, "S3CRET\ud800", ["S3CRET", None])),
        *(in_id({"S3CRET": wrong}) for wrong in ({1}, "S3CRET\ud800", nested(33))),
        in_id({"S3CRET": "S3CRET"}, "address"),
        in_access("S3CRET", "aud"),
    ],
)
def test_no_refusal_tells_a_value(claims: Claims) -> None:
    error = refusal(claims)
    assert "S3CRET" not in f"{error} {vars(error)} {error.__cause__}"


# The response as a whole


def test_the_response_survives_json() -> None:
    for event in (V2, V3):
        response = render(FULL, event)
        assert json.loads(json.dumps(response, allow_nan=False)) == response


def containers(value: object) -> list[Any]:
    members = value.values() if isinstance(value, Mapping) else value
    if isinstance(members, str) or not hasattr(members, "__iter__"):
        return []
    return [value, *(inner for member in members for inner in containers(member))]


def test_the_response_shares_nothing_with_the_claims() -> None:
    def claims() -> Claims:
        added: dict[str, Any] = {"list": [1], "tuple": (1,), "deep": {"a": [{"b": []}]}}
        changes = TokenClaims(added, {"x"}, frozenset(), frozenset())
        return Claims(changes, changes._replace(add_scopes={"s"}), groups=ADMINS)

    mine = claims()
    before = copy.deepcopy(render(mine, V2))
    response = render(mine, V2)
    for container in containers(response):
        container.clear()
    assert mine == claims()
    assert render(mine, V2) == before


def test_the_event_is_not_changed() -> None:
    event = a_user_event(groups=("a",), client_metadata={"a": "b"})
    render(FULL, event)
    assert event == a_user_event(groups=("a",), client_metadata={"a": "b"})
