"""What plugins may want, what Cognito keeps to itself, how answers are merged, and what every error tells."""

import re
from collections.abc import Mapping
from importlib import import_module
from itertools import permutations
from typing import Any

import pytest

from cognito_claims.claims import Claims, Groups, Token, TokenClaims, merge
from cognito_claims.errors import (
    AwsError,
    ClaimConflictError,
    CognitoClaimsError,
    DeadlineError,
    EventError,
    FaunaError,
    LookUpFailedError,
    PluginFailedError,
    PluginResultError,
    PluginTimeoutError,
    Problem,
    ProtectedClaimError,
    SecretError,
    SettingsError,
    SignInError,
    TokenDenied,
    TransportError,
    UnexpectedError,
    UnsupportedClaimError,
    raised_at,
)
from cognito_claims.events import PreTokenGenerationEvent

PLAN = {"plan": "pro"}
NONE: frozenset[str] = frozenset()
ADMINS = Groups(groups=("admins",), iam_roles=("arn:admins",), preferred_role="arn:admins")


def in_id(**wanted: Any) -> Claims:
    return Claims(id_token=TokenClaims(**wanted))


def in_access(**wanted: Any) -> Claims:
    return Claims(access_token=TokenClaims(**wanted))


def in_token(token: str, **wanted: Any) -> Claims:
    return in_id(**wanted) if token == "id" else in_access(**wanted)


# One plugin's answer


def test_no_claims_want_nothing() -> None:
    nothing = TokenClaims(add={}, suppress=NONE, add_scopes=NONE, suppress_scopes=NONE)
    assert Claims() == Claims(id_token=nothing, access_token=nothing, groups=None, needs=NONE)
    assert Groups() == Groups(groups=(), iam_roles=(), preferred_role=None)


@pytest.mark.parametrize(
    ("to", "id_token", "access_token"),
    [
        ({"id"}, PLAN, {}),
        ({"access"}, {}, PLAN),
        ({"id", "access"}, PLAN, PLAN),
    ],
)
def test_claims_are_added_to_the_tokens_that_are_named(
    to: set[Token], id_token: dict[str, str], access_token: dict[str, str]
) -> None:
    assert Claims.adding(PLAN, to=to) == Claims(
        TokenClaims(add=id_token), TokenClaims(add=access_token)
    )


def test_claims_are_added_to_the_id_token_unless_told() -> None:
    assert Claims.adding(PLAN) == in_id(add=PLAN)


def test_what_a_backend_reads_is_told_along_with_the_claims() -> None:
    claims = Claims.adding(PLAN, needs={"email"})
    assert claims == Claims(id_token=TokenClaims(add=PLAN), needs=frozenset({"email"}))


def test_added_claims_do_not_follow_what_they_were_made_of_and_cannot_be_changed() -> None:
    given, needs = dict(PLAN), {"email"}
    claims = Claims.adding(given, needs=needs)
    given["plan"] = "free"
    needs.clear()
    assert claims == Claims.adding(PLAN, needs={"email"})
    with pytest.raises(TypeError):
        claims.id_token.add["plan"] = "free"  # type: ignore[index]  # wrong on purpose


# Answers merged


def test_no_answers_merge_to_no_claims() -> None:
    assert merge({}) == Claims()


def test_answers_are_united() -> None:
    answers = {
        "hasura": Claims(
            id_token=TokenClaims(add={"h": [1]}, suppress={"email"}),
            access_token=TokenClaims(add={"h": "x"}, add_scopes={"a/read", "openid"}),
            needs={"given_name"},
        ),
        "nothing": Claims(),
        "surrealdb": Claims(
            id_token=TokenClaims(add={"ns": "test", "db": "test"}, suppress={"address"}),
            access_token=TokenClaims(
                suppress={"device"}, add_scopes={"openid"}, suppress_scopes={"phone"}
            ),
            groups=ADMINS,
            needs={"sub", "given_name"},
        ),
    }
    expected = Claims(
        id_token=TokenClaims(
            add={"h": [1], "ns": "test", "db": "test"}, suppress=frozenset({"email", "address"})
        ),
        access_token=TokenClaims(
            add={"h": "x"},
            suppress=frozenset({"device"}),
            add_scopes=frozenset({"a/read", "openid"}),
            suppress_scopes=frozenset({"phone"}),
        ),
        groups=ADMINS,
        needs=frozenset({"sub", "given_name"}),
    )
    assert all(merge(dict(order)) == expected for order in permutations(answers.items()))


def test_merged_claims_do_not_follow_the_answers() -> None:
    added: dict[str, str] = dict(PLAN)
    merged = merge({"plan": in_id(add=added)})
    added["plan"] = "free"
    assert merged == in_id(add=PLAN)
    with pytest.raises(TypeError):
        merged.id_token.add["plan"] = "free"  # type: ignore[index]  # wrong on purpose


NOT_CONFLICTS: list[tuple[Claims, Claims, Claims]] = [
    (in_id(add=PLAN), in_access(add=PLAN), Claims(TokenClaims(add=PLAN), TokenClaims(add=PLAN))),
    (
        in_id(suppress={"plan"}),
        in_access(add=PLAN),
        Claims(TokenClaims(suppress={"plan"}), TokenClaims(add=PLAN)),
    ),
    (in_access(add_scopes={"x"}), in_access(add_scopes={"x"}), in_access(add_scopes={"x"})),
    (
        in_access(suppress_scopes={"x"}),
        in_access(suppress_scopes={"x"}),
        in_access(suppress_scopes={"x"}),
    ),
    (
        in_access(add_scopes={"email"}),
        in_access(suppress={"email"}),
        in_access(suppress={"email"}, add_scopes={"email"}),
    ),
    (Claims(needs={"email"}), Claims(needs={"email"}), Claims(needs={"email"})),
    (
        Claims(needs={"email"}),
        in_access(suppress={"email"}),
        Claims(access_token=TokenClaims(suppress={"email"}), needs={"email"}),
    ),
    (
        Claims(groups=ADMINS),
        in_id(suppress={"email"}),
        Claims(TokenClaims(suppress={"email"}), groups=ADMINS),
    ),
    (
        in_id(suppress={"cognito:groups"}),
        in_access(suppress={"cognito:groups"}),
        Claims(TokenClaims(suppress={"cognito:groups"}), TokenClaims(suppress={"cognito:groups"})),
    ),
]


@pytest.mark.parametrize(("one", "other", "united"), NOT_CONFLICTS)
def test_what_does_not_meet_in_one_token_does_not_conflict(
    one: Claims, other: Claims, united: Claims
) -> None:
    assert merge({"a": one, "b": other}) == merge({"b": other, "a": one}) == united


GROUPS_AND_THEIR_CLAIM = Claims(groups=ADMINS, id_token=TokenClaims(suppress={"cognito:roles"}))


def test_a_plugin_may_override_the_groups_and_suppress_a_claim_of_them() -> None:
    assert merge({"a": GROUPS_AND_THEIR_CLAIM}) == GROUPS_AND_THEIR_CLAIM


SAME_CLAIM: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"add": {"email": "x"}}, {"add": {"email": "y"}}),
    ({"add": {"email": "x"}}, {"add": {"email": "x"}}),
    ({"add": {"email": "x"}}, {"suppress": {"email"}}),
    ({"suppress": {"email"}}, {"suppress": {"email"}}),
]
CONFLICTS: list[tuple[Claims, Claims, str]] = [
    *(
        (in_token(token, **one), in_token(token, **other), "email")
        for token in ("id", "access")
        for one, other in SAME_CLAIM
    ),
    (Claims(needs={"email"}), in_id(suppress={"email"}), "email"),
    (Claims(needs=set("abcdefghijk")), in_id(suppress=set("bcdefghijkl")), "b"),
    (in_access(add_scopes={"x"}), in_access(suppress_scopes={"x"}), "x"),
    (in_access(add_scopes=set("abcdefghijk")), in_access(suppress_scopes=set("bcdefghijkl")), "b"),
    (Claims(groups=ADMINS), Claims(groups=Groups()), "cognito:groups"),
    (Claims(groups=ADMINS), Claims(groups=ADMINS), "cognito:groups"),
    (GROUPS_AND_THEIR_CLAIM, Claims(groups=Groups()), "cognito:groups"),
    *(
        (Claims(groups=ADMINS), in_token(token, suppress={claim}), claim)
        for token in ("id", "access")
        for claim in ("cognito:groups", "cognito:roles", "cognito:preferred_role")
    ),
    (Claims(groups=ADMINS), in_id(suppress={"cognito:roles", "cognito:groups"}), "cognito:groups"),
]


@pytest.mark.parametrize(("one", "other", "subject"), CONFLICTS)
def test_two_plugins_cannot_decide_on_one_thing(one: Claims, other: Claims, subject: str) -> None:
    answers = {"zeta": one, "bystander": Claims.adding({"mine": 1}), "alpha": other}
    for order in permutations(answers.items()):
        with pytest.raises(ClaimConflictError) as raised:
            merge(dict(order))
        assert raised.value.subject == subject
        assert raised.value.plugins == ("alpha", "zeta")


@pytest.mark.parametrize(
    ("answer", "subject"),
    [
        (in_id(add=PLAN, suppress={"plan"}), "plan"),
        (in_access(add=PLAN, suppress={"plan"}), "plan"),
        (in_access(add_scopes={"x"}, suppress_scopes={"x"}), "x"),
        (Claims(TokenClaims(suppress={"email"}), needs={"email"}), "email"),
    ],
)
def test_a_plugin_cannot_contradict_itself(answer: Claims, subject: str) -> None:
    with pytest.raises(ClaimConflictError) as raised:
        merge({"plan": answer})
    assert (raised.value.subject, raised.value.plugins) == (subject, ("plan",))


def test_suppressing_the_groups_conflicts_with_a_backend_that_reads_the_roles() -> None:
    """AWS: suppressing `cognito:groups` drops `cognito:roles` and `cognito:preferred_role` as well."""
    for needed in ("cognito:roles", "cognito:preferred_role"):
        with pytest.raises(ClaimConflictError) as raised:
            merge({"b": Claims(needs={needed}), "a": in_id(suppress={"cognito:groups"})})
        assert raised.value.plugins == ("a", "b")


def test_changing_what_anothers_backend_reads_is_a_conflict() -> None:
    """Else a plugin could give a user another's email, which the backend takes for verified."""
    needing, changing = Claims(needs={"email"}), in_id(add={"email": "x"})
    with pytest.raises(ClaimConflictError) as raised:
        merge({"b": needing, "a": changing})

    assert (raised.value.subject, raised.value.plugins) == ("email", ("a", "b"))
    assert merge({"b": Claims(TokenClaims(add={"email": "x"}), needs={"email"}), "a": Claims()})
    assert merge({"b": needing, "a": in_access(add={"email": "x"})})


def test_replacing_the_groups_by_none_conflicts_with_a_backend_that_reads_them() -> None:
    with pytest.raises(ClaimConflictError) as raised:
        merge({"b": Claims(needs={"cognito:groups"}), "a": Claims(groups=Groups())})

    assert (raised.value.subject, raised.value.plugins) == ("cognito:groups", ("a", "b"))
    assert merge({"b": Claims(needs={"cognito:groups"}), "a": Claims(groups=Groups(("x",)))})


@pytest.mark.parametrize("to", [set(), {"ID"}, {"id", "refresh"}])
def test_claims_are_added_to_tokens_that_there_are(to: Any) -> None:
    with pytest.raises(ValueError, match="to: expected one or both of id, access"):
        Claims.adding({"plan": "pro"}, to=to)


def test_three_plugins_at_one_scope_are_all_named() -> None:
    adding, suppressing = in_access(add_scopes={"x"}), in_access(suppress_scopes={"x"})
    with pytest.raises(ClaimConflictError) as raised:
        merge({"c": adding, "a": suppressing, "b": adding, "d": Claims()})
    assert raised.value.plugins == ("a", "b", "c")


@pytest.mark.parametrize(
    "answers",
    [
        {"a": in_id(add=PLAN), "b": in_id(add=PLAN | {"sub": "x"})},
        {"a": in_id(add=PLAN), "b": in_id(add=PLAN), "c": in_id(add={"sub": "x"})},
    ],
)
def test_the_error_does_not_depend_on_the_order_of_plugins(answers: Mapping[str, Claims]) -> None:
    told = set()
    for order in permutations(answers.items()):
        with pytest.raises(CognitoClaimsError) as raised:
            merge(dict(order))
        told.add(str(raised.value))
    assert len(told) == 1


# What Cognito keeps to itself (AWS: "Pre token generation Lambda trigger"), written down a second time

BOTH = [
    *("acr", "amr", "auth_time", "azp", "exp", "iat", "iss", "jti", "nbf", "nonce", "origin_jti"),
    *("token_use", "sub", "cognito:username", "cognito:mfa_enabled", "cognito:"),
]
ID_ONLY = ["aud", "at_hash", "identities"]
ACCESS_ONLY = ["username", "client_id", "event_id", "device_key", "version", "scope"]
GROUP_CLAIMS = ["cognito:groups", "cognito:roles", "cognito:preferred_role"]

PROTECTED: list[tuple[str, str, str]] = [
    *(("id", "add", claim) for claim in [*BOTH, *ID_ONLY, *GROUP_CLAIMS, "dev:flag", "dev:"]),
    *(("id", "suppress", claim) for claim in [*BOTH, *ID_ONLY]),
    *(("access", "add", claim) for claim in [*BOTH, *ACCESS_ONLY, *GROUP_CLAIMS]),
    *(("access", "suppress", claim) for claim in [*BOTH, *ACCESS_ONLY, "aud"]),
]
FREE: list[tuple[str, str, str]] = [
    *(
        ("id", "add", claim)
        for claim in [*ACCESS_ONLY, "email", "Sub", "cognito", "dev", "subject"]
    ),
    *(("id", "suppress", claim) for claim in [*ACCESS_ONLY, *GROUP_CLAIMS, "dev:flag", "email"]),
    *(("access", "add", claim) for claim in ["at_hash", "identities", "aud", "dev:flag", "email"]),
    *(("access", "suppress", claim) for claim in ["at_hash", *GROUP_CLAIMS, "dev:flag", "email"]),
]


def a_change(token: str, verb: str, claim: str) -> Claims:
    return in_token(token, **{verb: {claim: "x"} if verb == "add" else frozenset({claim})})


@pytest.mark.parametrize(("token", "verb", "claim"), PROTECTED)
def test_cognitos_own_claims_are_protected(token: str, verb: str, claim: str) -> None:
    with pytest.raises(ProtectedClaimError) as raised:
        merge({"other": Claims.adding(PLAN), "mine": a_change(token, verb, claim)})
    error = raised.value
    assert (error.claim, error.token, error.plugin) == (claim, token, "mine")


@pytest.mark.parametrize(("token", "verb", "claim"), FREE)
def test_other_claims_are_free(token: str, verb: str, claim: str) -> None:
    assert merge({"mine": a_change(token, verb, claim)}) == a_change(token, verb, claim)


@pytest.mark.parametrize("claim", ["", "cognito:groups"])
def test_needs_are_not_changes_and_so_never_protected(claim: str) -> None:
    assert merge({"mine": Claims(needs={claim})}) == Claims(needs={claim})


# What errors tell


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (
            {"b": in_id(add=PLAN), "a": in_id(add=PLAN)},
            "plan: decided twice in the id token (plugins: a, b)",
        ),
        (
            {"b": in_access(suppress=PLAN.keys()), "a": in_access(add=PLAN)},
            "plan: decided twice in the access token (plugins: a, b)",
        ),
        (
            {"b": Claims(needs={"email"}), "a": in_id(suppress={"email"})},
            "email: suppressed in the id token, but a backend reads it (plugins: a, b)",
        ),
        (
            {"b": in_access(add_scopes={"x"}), "a": in_access(suppress_scopes={"x"})},
            "x: the scope is both added and suppressed (plugins: a, b)",
        ),
        (
            {"b": Claims(groups=ADMINS), "a": Claims(groups=ADMINS)},
            "cognito:groups: groups overridden twice (plugins: a, b)",
        ),
        (
            {"b": Claims(groups=ADMINS), "a": in_id(suppress={"cognito:roles"})},
            "cognito:roles: overridden and suppressed (plugins: a, b)",
        ),
        (
            {"a": in_id(add={"sub": "x"})},
            "sub: cannot be added or changed in the id token (plugin: a)",
        ),
        (
            {"a": in_id(add={"dev:x": "x"})},
            "dev:x: can only be suppressed in the id token (plugin: a)",
        ),
        (
            {"a": in_access(suppress={"scope"})},
            "scope: cannot be suppressed in the access token (plugin: a)",
        ),
        (
            {"a": in_access(suppress={"aud"})},
            "aud: can only be added in the access token (plugin: a)",
        ),
    ],
)
def test_a_refusal_to_merge_says_what_and_who(answers: Mapping[str, Claims], message: str) -> None:
    with pytest.raises(CognitoClaimsError) as raised:
        merge(answers)
    assert str(raised.value) == message


PROBLEMS = (Problem("A", "required"), Problem("B", "cannot be empty"))


@pytest.mark.parametrize(
    ("error", "code", "attributes", "message"),
    [
        (CognitoClaimsError("x"), "failed", {}, "x"),
        (EventError("a[0]", "wrong"), "event", {"path": "a[0]", "problem": "wrong"}, "a[0]: wrong"),
        (
            ClaimConflictError("plan", ("a", "b"), "owned twice"),
            "claim-conflict",
            {"subject": "plan", "plugins": ("a", "b")},
            "plan: owned twice (plugins: a, b)",
        ),
        (
            ProtectedClaimError("sub", "id", "a", "cannot be added"),
            "protected-claim",
            {"claim": "sub", "token": "id", "plugin": "a"},
            "sub: cannot be added in the id token (plugin: a)",
        ),
        (
            UnsupportedClaimError("plan", "id", "V1_0", "strings only"),
            "unsupported-claim",
            {"subject": "plan", "token": "id", "version": "V1_0"}
            | {"problem": "strings only", "plugins": ()},
            "plan: strings only (id token, V1_0)",
        ),
        (
            PluginResultError("a", "Claims", "needs: expected a set of strings"),
            "plugin-result",
            {"plugin": "a", "returned": "Claims"},
            "plugin a: needs: expected a set of strings",
        ),
        (
            SettingsError(PROBLEMS),
            "settings",
            {"problems": PROBLEMS},
            "A: required; B: cannot be empty",
        ),
        (
            PluginFailedError("a", "KeyError", "m.py:7"),
            "plugin-failed",
            {"plugin": "a", "raised": "KeyError", "place": "m.py:7"},
            "plugin a: KeyError at m.py:7",
        ),
        (
            PluginResultError("a", "dict"),
            "plugin-result",
            {"plugin": "a", "returned": "dict"},
            "plugin a: expected Claims, got dict",
        ),
        (
            PluginTimeoutError("a"),
            "deadline",
            {"plugin": "a", "stage": None},
            "plugin a: no answer before the deadline",
        ),
        (
            PluginTimeoutError("a", "connecting"),
            "deadline",
            {"plugin": "a", "stage": "connecting"},
            "plugin a: no answer before the deadline (connecting)",
        ),
        (
            DeadlineError("connecting"),
            "deadline",
            {"stage": "connecting"},
            "no answer before the deadline (connecting)",
        ),
        (
            TransportError("connecting", "ConnectionRefusedError"),
            "transport",
            {"stage": "connecting", "problem": "ConnectionRefusedError", "is_transient": True},
            "ConnectionRefusedError (connecting)",
        ),
        (
            FaunaError(409, "contended_transaction", ": why"),
            "fauna",
            {"status": 409, "fauna_code": "contended_transaction", "is_transient": True},
            "Fauna: contended_transaction (HTTP 409): why",
        ),
        (
            AwsError("ssm", 400, "ParameterNotFound"),
            "aws",
            {
                "service": "ssm",
                "status": 400,
                "aws_code": "ParameterNotFound",
                "is_transient": False,
            },
            "ssm: ParameterNotFound (HTTP 400)",
        ),
        (
            LookUpFailedError("member", 503, "refused"),
            "look-up",
            {"look_up": "member", "status": 503, "problem": "refused", "is_transient": True},
            "look-up member: refused (HTTP 503)",
        ),
        (SecretError("no such key"), "secret", {"problem": "no such key"}, "no such key"),
        (
            UnexpectedError("TypeError", "m.py:7"),
            "unexpected",
            {"raised": "TypeError", "place": "m.py:7"},
            "TypeError at m.py:7",
        ),
        (
            TokenDenied("No plan.", setting="A", problem="no plan is set"),
            "denied",
            {"reason": "No plan.", "setting": "A", "problem": "no plan is set"},
            "No plan.",
        ),
        (
            SignInError("deadline"),
            "sign-in",
            {"reason_code": "deadline"},
            "Sign-in could not be completed [deadline]",
        ),
    ],
)
def test_an_error_has_a_code_attributes_and_a_message(
    error: CognitoClaimsError, code: str, attributes: dict[str, Any], message: str
) -> None:
    assert (error.code, vars(error), str(error)) == (code, attributes, message)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ClaimConflictError("a\nb", ("x",), "wrong"), r"'a\nb': wrong (plugins: x)"),
        (
            ProtectedClaimError("\ud800", "id", "x", "no"),
            r"'\ud800': no in the id token (plugin: x)",
        ),
        (UnsupportedClaimError("", "id", "V1_0", "no"), "'': no (id token, V1_0)"),
        (UnsupportedClaimError("Größe 1", "id", "V1_0", "no"), "Größe 1: no (id token, V1_0)"),
    ],
)
def test_a_message_is_one_line_whatever_the_claim_is_called(
    error: CognitoClaimsError, message: str
) -> None:
    assert str(error) == message


def test_the_place_of_an_error_is_where_it_was_raised_and_not_its_text() -> None:
    with pytest.raises(EventError) as raised:
        PreTokenGenerationEvent.from_json(None)
    assert re.fullmatch(r"\S+/events\.py:\d+ in _object", raised_at(raised.value))
    with pytest.raises(ModuleNotFoundError) as missing:
        import_module("cognito_claims.no_such_module")
    assert re.fullmatch(
        r"\S+/importlib/__init__\.py:\d+ in import_module", raised_at(missing.value)
    )
    assert raised_at(ValueError("S3CRET")) == "an unknown place"


def test_a_refusal_made_without_its_reason_still_has_one_to_show() -> None:
    assert TokenDenied.reason == "Sign-in could not be completed [denied]"
