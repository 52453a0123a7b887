"""The documentation is true: its examples run, its links lead somewhere, its tables are those of the code."""

import doctest
import json
import re
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import cognito_claims.claims
import cognito_claims.testing.builders
from cognito_claims.rules.forms import ENCODERS, READERS
from cognito_claims.rules.sources import _NAMED
from cognito_claims.tools.backends.table import NAMED
from tests import rules_reference, settings_table
from tests.command import run

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run_and_their_tests_pass(page: Path) -> None:
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(page)
    for example in document.examples():
        example.evaluate()

    for name, example_test in list(document.namespace.items()):
        if name.startswith("test_"):
            example_test()


@pytest.mark.parametrize("module", [cognito_claims.claims, cognito_claims.testing.builders])
def test_the_examples_of_a_docstring_are_true(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]  # a module

    assert (result.failed, result.attempted > 0) == (0, True)


def test_every_link_of_the_readme_reads_right_on_pypi_and_leads_to_a_file_of_ours() -> None:
    repository = re.escape("https://github.com/cognito-claims/cognito-claims/blob/main/")
    targets = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    ours = [path for target in targets for path in re.findall(f"^{repository}([^#]+)", target)]

    assert [target for target in targets if not target.startswith("https://")] == []
    assert len(ours) > 10
    assert [path for path in ours if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_settings_page_is_the_one_made_from_the_code() -> None:
    page = settings_table.PAGE.read_text()

    assert page == settings_table.with_tables(page), "run: python tests/settings_table.py"


@pytest.mark.parametrize("prefix", settings_table.SOURCES)
def test_the_settings_page_has_a_row_for_every_setting(prefix: str) -> None:
    longer = tuple(f"{p}_" for p in settings_table.SOURCES if p.startswith(f"{prefix}_"))
    names = [
        name
        for name in (*settings_table.MEANINGS, *settings_table.CLIENTS)
        if name.startswith(f"{prefix}_") and not name.startswith(longer)
    ]

    assert re.findall(r"^\| `(\w+)` ", settings_table.table(prefix), re.M) == names


def test_the_page_about_rules_is_the_one_made_from_the_schema() -> None:
    page = rules_reference.PAGE.read_text("utf-8")

    assert page == rules_reference.made(page), "run: python -m tests.rules_reference"


def test_the_page_about_rules_has_every_source_and_form_and_finding() -> None:
    page = rules_reference.PAGE.read_text("utf-8")
    code = (ROOT / "cognito_claims/tools/evaluation/rules_findings.py").read_text("utf-8")
    findings = re.findall(r'(?:yield|warning\() ?"([a-z-]+)", ', code)
    names = [*_NAMED, *READERS, *ENCODERS, *findings]

    assert len(findings) > 8
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


def test_the_schema_on_the_page_about_fauna_is_what_setup_prints() -> None:
    required = {"FAUNA_ENDPOINT": "https://fauna.example.com", "FAUNA_SECRET": "a-key"}
    printed = run("setup", "fauna", environ={"COGNITO_CLAIMS_PLUGINS": "fauna", **required})

    page = (ROOT / "docs/fauna.md").read_text()
    assert f"<!-- begin schema -->\n```\n{printed.out}```\n" in page


@pytest.mark.parametrize("name", NAMED)
def test_every_backend_has_a_page_with_its_rules_and_a_row_in_the_table(name: str) -> None:
    rules = run("setup", name, "--part", "rules", environ={}).out
    page = (ROOT / f"docs/backends/{name}.md").read_text()

    assert f"<!-- begin rules -->\n```json\n{rules}```\n<!-- end rules -->\n" in page
    assert f"(backends/{name}.md)" in (ROOT / "docs/backends.md").read_text()


def test_the_figures_in_the_text_are_those_of_the_benchmark() -> None:
    sections = json.loads((ROOT / "docs/performance.json").read_text())["sections"]
    cold = sections["cold"]["tables"]["claims"]
    ours = cold["both: ours"]
    peers = [cold[f"Hasura: {name}"] for name in ("Powertools data classes", "pydantic")]
    first, second = (f"{ours['wall_ms'] / peer['wall_ms']:.2f}" for peer in peers)
    batch = sections["worker"]["tables"]["users"]["a version column, 5 ms away, batches of 100"]
    source = cold["both: ours, from source"]

    assert f"{first} of the time of Powertools' data classes, {second} of pydantic's" in page(
        "README.md"
    )
    told = f"{source['wall_to_bare']:.2f} times as long as that of an empty one"
    assert f"{told}, instead of [{ours['wall_to_bare']:.2f}](performance.md" in page(
        "docs/deploy.md"
    )
    assert f"[{batch['to_one_by_one']:.1f} times as fast](performance.md" in page(
        "docs/user-sync.md"
    )


def page(name: str) -> str:
    return " ".join((ROOT / name).read_text().split())
