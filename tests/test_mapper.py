"""The plugin `mapper`: its settings, its marks, and its place beside other plugins."""

import json
from pathlib import Path
from typing import Any

import pytest

from cognito_claims import Claims, SettingsError, optional, pre_token_generation
from cognito_claims.errors import ClaimConflictError
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.registry import load
from cognito_claims.testing import a_user_event, to_json

PLAN = {"claims": {"plan": {"constant": "pro"}}}
ENVIRON = {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": json.dumps(PLAN)}


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ)
    return [str(problem) for problem in caught.value.problems]


def test_rules_stand_in_a_variable() -> None:
    (entry,) = load(ENVIRON).plugins.values()
    assert entry(a_user_event()) == Claims.adding({"plan": "pro"})
    assert (entry.is_pure, entry.decides_groups, entry.on_error) == (True, False, "deny")
    assert entry.owns == {"id": {"plan"}, "access": set()}


def test_rules_stand_in_a_file_beside_the_functions_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "claims.json").write_text("\ufeff" + json.dumps(PLAN), "utf-8")
    environ = {**ENVIRON, "MAPPER_RULES": "claims.json"}
    expected = Claims.adding({"plan": "pro"})

    assert Mapper.from_file(str(tmp_path / "claims.json"))(a_user_event()) == expected
    there = Mapper.from_env({**environ, "LAMBDA_TASK_ROOT": str(tmp_path)})
    monkeypatch.chdir(tmp_path)
    here = Mapper.from_env(environ)
    assert [there(a_user_event()), here(a_user_event())] == [expected, expected]


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("", ["MAPPER_RULES: required"]),
        ("none", ["MAPPER_RULES: cannot be none"]),
        ("{", ["MAPPER_RULES: is not JSON (line 1, column 2)"]),
        ("absent.json", ["MAPPER_RULES: the file cannot be read: No such file or directory"]),
        ("binary.json", ["MAPPER_RULES: the file is not UTF-8 text"]),
        ("list.json", ["MAPPER_RULES: expected an object"]),
        ("a\0b", ["MAPPER_RULES: a file cannot have this name"]),
        (
            '{"claims": {"x": {"from": "sub", "fro": 1}}, "clams": {}}',
            [
                "MAPPER_RULES: clams: unknown word; did you mean claims?",
                "MAPPER_RULES: claims.x.fro: unknown word; did you mean from?",
            ],
        ),
    ],
)
def test_a_wrong_setting_is_told_by_its_name_and_place(
    rules: str, told: list[str], tmp_path: Path
) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff")
    (tmp_path / "list.json").write_text("[]")
    assert problems({**ENVIRON, "MAPPER_RULES": rules, "LAMBDA_TASK_ROOT": str(tmp_path)}) == told


@pytest.mark.parametrize("name", ["../claims.json", "/etc/passwd", "a\\b"])
def test_a_file_has_a_plain_name(name: str) -> None:
    expected = "expected JSON that starts with {, or the name of a file, without a directory"
    assert problems({**ENVIRON, "MAPPER_RULES": name}) == [f"MAPPER_RULES: {expected}"]


def test_an_unknown_variable_is_a_problem_beside_the_documents() -> None:
    environ = {**ENVIRON, "MAPPER_RULE": "x", "MAPPER_RULES": '{"a": 1}'}
    assert problems(environ) == [
        "MAPPER_RULE: unknown setting; did you mean MAPPER_RULES?",
        "MAPPER_RULES: a: unknown word",
    ]


# What takes rights away may not be left out

DENY: dict[str, Any] = {"when": {"clients": ["a"]}}
ABSENT = {"from": "name", "absent": "deny"}
RESTRICTING: dict[str, dict[str, Any]] = {
    "deny": {"deny": [DENY]},
    "suppress": {"suppress": {"access": ["x"]}},
    "suppress_scopes": {"suppress_scopes": {"x": True}},
    "claims.x.absent": {"claims": {"x": ABSENT}},
    "claims.x.object.a.absent": {"claims": {"x": {"object": {"a": ABSENT}}}},
    "claims.x.default.absent": {"claims": {"x": {"from": "name", "default": ABSENT}}},
    "tenant.absent": {"tenant": ABSENT},
}


@pytest.mark.parametrize("place", RESTRICTING)
def test_rules_that_take_rights_away_cannot_be_left_out(place: str) -> None:
    rules = RESTRICTING[place]
    why = f"has rules that take rights away ({place}), so its failure must refuse the sign-in"
    environ = {**ENVIRON, "MAPPER_RULES": json.dumps(rules)}

    with pytest.raises(SettingsError) as caught:
        pre_token_generation(mapper=optional(Mapper(rules)))
    assert str(caught.value) == f"mapper: {why}"
    told = problems({**environ, "MAPPER_ON_ERROR": "omit"})
    assert told == [f"MAPPER_ON_ERROR: mapper {why}"]
    told = problems({**environ, "COGNITO_CLAIMS_ON_ERROR": "omit"})
    assert told == [f"COGNITO_CLAIMS_ON_ERROR: mapper {why}; set MAPPER_ON_ERROR=deny"]
    pre_token_generation(mapper=Mapper(rules))


def test_rules_that_decide_on_groups_cannot_be_left_out() -> None:
    environ = {**ENVIRON, "MAPPER_RULES": '{"groups": {"constant": "a"}}'}
    (told,) = problems({**environ, "MAPPER_ON_ERROR": "omit"})
    assert told.startswith("MAPPER_ON_ERROR: mapper decides on groups")


def test_rules_that_only_add_may_be_left_out() -> None:
    (entry,) = load({**ENVIRON, "MAPPER_ON_ERROR": "omit"}).plugins.values()
    assert entry.on_error == "omit"


# Beside other plugins


def test_other_plugins_see_the_groups_that_the_rules_decide() -> None:
    rules = Mapper({"groups": {"constant": "editors"}, "claims": {"g": {"from": "cognito:groups"}}})
    hasura = HasuraClaims(group_roles={"editors": "editor"}, claims_format="json")
    event = to_json(a_user_event(groups=["users"]))

    response = pre_token_generation(mapper=rules, hasura=hasura)(event, None)["response"]

    changes = response["claimsAndScopeOverrideDetails"]
    added = changes["idTokenGeneration"]["claimsToAddOrOverride"]
    assert changes["groupOverrideDetails"]["groupsToOverride"] == ["editors"]
    assert added["g"] == ["editors"]
    session = added["https://hasura.io/jwt/claims"]
    assert session["x-hasura-allowed-roles"] == ["user", "editor"]


def test_a_claim_of_another_plugin_is_a_conflict_at_start() -> None:
    rules = Mapper({"claims": {"https://hasura.io/jwt/claims": {"constant": {"a": 1}}}})
    with pytest.raises(ClaimConflictError):
        pre_token_generation(mapper=rules, hasura=HasuraClaims())
