"""Rules under test: `assert_rules`, and cases as data by `rules test`."""

import json
from pathlib import Path
from typing import Any

import pytest

from cognito_claims.errors import SettingsError
from cognito_claims.testing import a_machine_event, a_user_event, recorded
from cognito_claims.testing.rules import assert_rules, case_problems
from tests.command import run
from tests.rules_documents import CLIENT, PLAN

RULES: dict[str, Any] = {
    "lookups": {"plan": CLIENT},
    "claims": {
        "plan": {"from": "plan.name", "default": "free"},
        "roles": {"from": "cognito:groups", "to": ["access"]},
        "team": {"from": "custom:team", "absent": "deny", "when": {"groups": ["staff"]}},
    },
    "scopes": {"orders/write": {"groups": ["admins"]}},
    "suppress": {"id": ["email"]},
}
EVENT = a_user_event(groups=["admins"], scopes=["openid"])


def test_what_is_named_must_hold() -> None:
    assert_rules(
        RULES,
        EVENT,
        id_token={"plan": "gold", "email": None},
        access_token={"roles": ["admins"]},
        scopes=["orders/write", "openid"],
        items={"plan": {"name": "gold"}},
    )
    assert_rules(RULES, "pretoken_v2_Authentication", id_token={"plan": "free"})
    assert_rules(RULES, recorded("pretoken_v2_Authentication"), id_token={"plan": "free"})
    assert_rules(RULES, a_user_event(groups=["staff"]), refused="denied")
    assert_rules(RULES, a_machine_event(), access_token={"roles": None})


def test_an_item_is_not_found_by_a_key_that_the_event_does_not_make() -> None:
    rules = {**RULES, "lookups": {"plan": PLAN}}  # by a tenant, and none is chosen
    assert_rules(rules, EVENT, id_token={"plan": "free"}, items={"plan": {"name": "gold"}})


def test_everything_that_does_not_hold_is_told() -> None:
    wanted = {"plan": "gold", "email": None, "sub": None}
    with pytest.raises(AssertionError) as caught:
        assert_rules(RULES, EVENT, id_token=wanted, access_token={"roles": []}, scopes=["openid"])
    assert str(caught.value).splitlines() == [
        'id_token.plan: expected "gold", got "free"',
        'id_token.sub: expected nothing, got "a1b2c3d4-5678-90ab-cdef-111122223333"',
        'access_token.roles: expected [], got ["admins"]',
        'scopes: expected ["openid"], got ["openid", "orders/write"]',
    ]


def test_a_refusal_that_is_not_meant_is_told_with_its_reason() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_rules(RULES, a_user_event(groups=["staff"]), id_token={})
    told = 'refused: expected nothing, got "denied" (Sign-in could not be completed [denied])'
    assert str(caught.value) == told
    with pytest.raises(AssertionError) as caught:
        assert_rules(RULES, EVENT, refused="denied")
    assert str(caught.value) == 'refused: expected "denied", got nothing'


def test_what_cognito_would_not_send_is_told() -> None:
    event = recorded("pretoken_v2_Authentication")
    event["request"]["userAttributes"]["custom:x"] = "\ud800"
    with pytest.raises(AssertionError, match="Input should be a valid string"):
        assert_rules({}, event, id_token={})


def test_a_document_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "claims.json").write_text('{"claims": {"a": {"constant": 1}}}')
    assert_rules(tmp_path / "claims.json", EVENT, id_token={"a": 1})
    with pytest.raises(SettingsError):
        assert_rules({"claim": {}}, EVENT)


NAME = "pretoken_v2_Authentication"


@pytest.mark.parametrize(
    ("case", "problems"),
    [
        ([], ["expected an object"]),
        (
            {"evnt": NAME},
            [
                "evnt: unknown word; did you mean event?",
                "event: expected the name of a recorded event",
                "expected one or more of id_token, access_token, scopes, refused",
            ],
        ),
        (
            {"event": NAME[:-1], "refused": "denied"},
            [f"event: expected the name of a recorded event; did you mean {NAME}?"],
        ),
        (
            {
                "event": NAME,
                "groups": "staff",
                "attributes": {"custom:team": 1},
                "client_metadata": [],
                "items": {"plan": None},
                "id_token": 1,
                "access_token": [],
                "scopes": [1],
                "refused": None,
            },
            [
                "groups: expected a list of texts",
                "attributes: expected an object whose members are texts",
                "client_metadata: expected an object whose members are texts",
                "items: expected an object whose members are objects",
                "id_token: expected an object",
                "access_token: expected an object",
                "scopes: expected a list of texts",
                "refused: expected a text",
            ],
        ),
        ({"event": NAME, "refused": "denied", "groups": ["staff"]}, []),
        (
            {
                "event": NAME,
                "groups": ["staff"],
                "attributes": {"custom:team": "blue"},
                "client_metadata": {"a": "b"},
                "items": {"plan": {"name": "gold"}},
                "id_token": {"plan": "gold", "team": "blue"},
            },
            [],
        ),
        ({"event": NAME, "id_token": {"plan": "x"}}, ['id_token.plan: expected "x", got "free"']),
    ],
)
def test_a_case_as_data_is_run(case: Any, problems: list[str]) -> None:
    assert case_problems(RULES, case) == problems


def test_a_number_is_not_true() -> None:
    document = {"claims": {"x": {"constant": {"a": [1]}}}}
    assert case_problems(document, {"event": NAME, "id_token": {"x": {"a": [1.0]}}}) == []
    assert case_problems(document, {"event": NAME, "id_token": {"x": {"a": [True]}}}) == [
        'id_token.x: expected {"a": [true]}, got {"a": [1]}'
    ]


def test_a_wrong_document_is_the_cases_problem() -> None:
    assert case_problems({"a": 1}, {"event": NAME, "refused": "x"}) == ["a: unknown word"]


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    (tmp_path / "claims.json").write_text(json.dumps(RULES))
    directory = tmp_path / "cases"
    directory.mkdir()
    return directory


def test_a_directory_of_cases_is_run(cases: Path) -> None:
    good = {"event": NAME, "id_token": {"plan": "free"}}
    (cases / "a.json").write_text(json.dumps(good))
    (cases / "b.json").write_text(json.dumps([good, good]))
    assert run("rules", "test", str(cases), environ={}).out == "All cases hold (3).\n"

    (cases / "a.json").write_text(json.dumps({**good, "id_token": {"plan": "x"}}))
    (cases / "b.json").write_text(json.dumps([good, {**good, "scopes": []}]))
    printed = run("rules", "test", str(cases), environ={}, exit_code=1).out.splitlines()
    assert printed[0] == 'a.json: id_token.plan: expected "x", got "free"'
    assert printed[1].startswith("b.json[1]: scopes: expected [], got [")


def test_what_cannot_be_run_is_told(cases: Path) -> None:
    told = run("rules", "test", str(cases), environ={}, exit_code=2).err
    assert told == f"cognito-claims: {cases}: no cases there, which are JSON files\n"
    (cases / "claims.json").write_text('{"a": 1}')
    told = run("rules", "test", str(cases), environ={}, exit_code=2).err
    assert told == f"cognito-claims: {cases / 'claims.json'}: a: unknown word\n"
    told = run("rules", "test", str(cases), "--rules", "no", environ={}, exit_code=2).err
    assert told == "cognito-claims: no: No such file or directory\n"
