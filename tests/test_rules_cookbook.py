"""Every recipe of the cookbook passes its own cases, and has an answer for every recorded event; and the tutorial."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cognito_claims.rules.document import Document
from cognito_claims.testing import recorded_names
from cognito_claims.testing.rules import case_problems
from cognito_claims.tools.evaluation.rules_findings import document_findings
from tests.command import run

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "rules-cookbook.md").read_text("utf-8")
TUTORIAL = (DOCS / "rules-tutorial.md").read_text("utf-8")
_RECIPE = re.compile(r"^## (.+?)\n.*?```json\n(.*?)```\n\nCases:\n\n```json\n(.*?)```", re.S | re.M)
RECIPES = {
    title: (json.loads(rules), json.loads(cases)) for title, rules, cases in _RECIPE.findall(PAGE)
}


def test_every_recipe_is_found() -> None:
    assert len(RECIPES) == PAGE.count("\n## ") >= 15


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_passes_its_cases(title: str) -> None:
    rules, cases = RECIPES[title]
    assert [problem for case in cases for problem in case_problems(rules, case)] == []


@pytest.mark.parametrize("title", RECIPES)
def test_cognito_takes_what_a_recipe_makes_of_any_event_or_it_is_refused_by_a_known_code(
    title: str,
) -> None:
    rules: dict[str, Any] = RECIPES[title][0]
    for name in recorded_names("pretoken_"):
        found = case_problems(rules, {"event": name, "id_token": {}})
        assert [
            told for told in found if not told.startswith("refused: expected nothing, got ")
        ] == []
        assert not any('"unexpected"' in told or '"plugin-failed"' in told for told in found), name


def test_recipes_say_what_is_dangerous_about_them() -> None:
    dangerous = {
        t for t, (rules, _) in RECIPES.items() if [*document_findings("m", Document(rules))]
    }
    assert dangerous == {
        "Groups of a SAML or OIDC provider",
        "A provider's list as a claim",
        "The tenant from a group, with a switch",
    }


def test_the_tutorial_works_as_it_stands(tmp_path: Path) -> None:
    blocks = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", TUTORIAL, re.S)]
    (settings,) = re.findall(r"```ini\n(.*?)```", TUTORIAL, re.S)
    env_file, rules, cases = (tmp_path / n for n in ("claims.env", "claims.json", "cases"))
    env_file.write_text(settings)
    cases.mkdir()
    (cases / "tenants.json").write_text(json.dumps(blocks[-1]))
    preview = ("preview", "pretoken_v2_Authentication", "--env-file", str(env_file))

    printed = []
    for document in blocks[:-1]:
        rules.write_text(json.dumps(document))
        printed.append(run("rules", "check", str(rules), environ={}).out)
        previewed = run(*preview, environ={}, exit_code=None).out
        assert "rule: access token, roles: claims.roles" in previewed or "tenant_id" in previewed
    assert "tenant-on-refresh" in printed[-1]
    assert run("rules", "test", str(cases), environ={}).out == "All cases hold (3).\n"
