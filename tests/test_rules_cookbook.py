"""Every recipe of the cookbook passes its own cases, and has an answer for every recorded event."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cognito_claims.rules.document import Document
from cognito_claims.testing import recorded_names
from cognito_claims.testing.rules import case_problems
from cognito_claims.tools.evaluation.rules_findings import document_findings

PAGE = (Path(__file__).parents[1] / "docs/rules-cookbook.md").read_text("utf-8")
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
