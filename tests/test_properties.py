"""What holds of any event and any answer; `HYPOTHESIS_PROFILE=full` tries 100,000 of each."""

from collections.abc import Mapping
from itertools import permutations
from typing import Any

from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims import (
    Claims,
    CognitoClaimsError,
    EventError,
    Groups,
    PreTokenGenerationEvent,
    TokenClaims,
    UserEvent,
    merge,
    render,
)
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.testing import recorded, recorded_names, to_json
from tests.strategies import ANSWERS, JSON, damaged

Answers = Mapping[str, Claims]
EVENTS = [recorded(name) for name in recorded_names("pretoken_")]


def outcome(answers: Answers) -> Claims | tuple[type[CognitoClaimsError], str]:
    try:
        return merge(answers)
    except CognitoClaimsError as error:
        return type(error), str(error)


@given(ANSWERS)
def test_the_order_of_plugins_never_matters(answers: Answers) -> None:
    first, *others = (outcome(dict(order)) for order in permutations(answers.items()))
    assert others == [first] * len(others)


@given(ANSWERS)
def test_plugins_without_an_answer_change_nothing(answers: Answers) -> None:
    padded = {"nothing": Claims(), **answers, "nothing of its own": Claims(TokenClaims(add={}))}
    assert outcome(padded) == outcome(answers)


@given(ANSWERS, st.integers(0, 3))
def test_merging_in_parts_comes_to_the_same_or_fails_as_well(answers: Answers, size: int) -> None:
    whole, items = outcome(answers), [*answers.items()]
    parts = {"one": outcome(dict(items[:size])), "other": outcome(dict(items[size:]))}
    sound = {name: part for name, part in parts.items() if isinstance(part, Claims)}
    in_parts = outcome(sound)
    if isinstance(whole, Claims):
        assert in_parts == whole
    else:
        assert len(sound) < len(parts) or not isinstance(in_parts, Claims)


@given(st.sampled_from(EVENTS), ANSWERS)
def test_cognito_takes_every_response_and_its_tokens_carry_what_was_asked_for(
    raw: dict[str, Any], answers: Answers
) -> None:
    try:
        claims = merge(answers)
        response = render(claims, PreTokenGenerationEvent.from_json(raw))
    except CognitoClaimsError as error:
        note(type(error).__name__)
        return
    note("issued")
    tokens = issue_tokens(raw, {**raw, "response": response})
    check_token(tokens.id_token, claims.id_token, claims.groups)
    check_token(tokens.access_token, claims.access_token, claims.groups)


def check_token(
    token: Mapping[str, Any] | None, wanted: TokenClaims, groups: Groups | None
) -> None:
    if token is None:  # a machine's ID token
        assert wanted == TokenClaims()
        return
    assert {claim: token[claim] for claim in wanted.add} == plain(wanted.add)
    assert not wanted.suppress & token.keys()
    scopes = set(token.get("scope", "").split())
    assert wanted.add_scopes <= scopes
    assert not wanted.suppress_scopes & scopes
    if groups is not None and "cognito:groups" not in wanted.suppress:
        assert token.get("cognito:groups", []) == list(groups.groups)


def plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: plain(member) for name, member in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


@given(JSON | damaged("pretoken_"))
def test_any_json_is_a_pre_token_generation_event_or_refused(raw: Any) -> None:
    before = repr(raw)
    event = read(PreTokenGenerationEvent, raw)
    assert repr(raw) == before
    if event is not None:
        assert (event.user is None) is (event.trigger_source == "TokenGeneration_ClientCredentials")
        assert PreTokenGenerationEvent.from_json(to_json(event)) == event


@given(JSON | damaged("post"))
def test_any_json_is_a_user_event_or_refused(raw: Any) -> None:
    before = repr(raw)
    event = read(UserEvent, raw)
    assert repr(raw) == before
    assert event is None or event.user.sub


def read(kind: Any, raw: Any) -> Any:
    try:
        event = kind.from_json(raw)
    except EventError as error:
        refusal = error
    else:
        note("an event")
        return event
    note("refused")
    assert refusal.path
    assert str(refusal).isprintable()
    return None
