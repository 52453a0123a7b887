"""`rules check` and `rules schema`; and rules in `check`, `preview`, `doctor` and the playground."""

import json
from pathlib import Path
from typing import Any

import pytest

from cognito_claims.plugins.mapper import Mapper
from cognito_claims.rules.document import Document
from cognito_claims.testing import recorded
from cognito_claims.tools.evaluation.check import check
from cognito_claims.tools.evaluation.preview import preview
from cognito_claims.tools.evaluation.rules_findings import document_findings
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.inputs import read_environment
from cognito_claims.tools.playground.answers import Fault, State, used
from cognito_claims.tools.playground.settings import Started
from tests.command import run
from tests.rules_documents import EXAMPLE, MEMBER, PLAN, without_lookups
from tests.test_rules_reader import SCHEMA

WRITABLE = "app clients may write it unless their WriteAttributes leave it out"


def settings(document: Any, **more: str) -> dict[str, str]:
    return {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": json.dumps(document), **more}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "claims.json"


# The command


def test_all_mistakes_are_told_at_once_by_place(file: Path) -> None:
    file.write_text(
        '{"claims": {"x": {"from": "nickame", "to": []}, "x": {"constant": ""}}, "a": 1}'
    )
    ran = run("rules", "check", str(file), "--format", "json", environ={}, exit_code=1)
    assert [finding["message"] for finding in ran.content["findings"]] == [
        "claims.x: occurs twice in one object",
        "a: unknown word",
        "claims.x.constant: is nothing",
    ]


@pytest.mark.parametrize(
    ("document", "exit_code", "told"),
    [
        ({}, 0, "No findings: the document says what the plugin can do.\n"),
        ({"claim": 1}, 1, "error: claim: unknown word; did you mean claims? [settings]\n"),
    ],
)
def test_a_document_is_checked(file: Path, document: Any, exit_code: int, told: str) -> None:
    file.write_text(json.dumps(document))
    assert run("rules", "check", str(file), environ={}, exit_code=exit_code).out == told


def test_the_example_has_no_mistake(file: Path) -> None:
    file.write_text(json.dumps(EXAMPLE))
    ran = run("rules", "check", str(file), "--format", "json", environ={})
    assert [finding["level"] for finding in ran.content["findings"]] == ["warning"] * 3


@pytest.mark.parametrize(
    ("text", "told"), [("{", "is not JSON (line 1, column 2)"), (None, "No such")]
)
def test_what_is_no_document_at_all_is_unusable(file: Path, text: str | None, told: str) -> None:
    if text is not None:
        file.write_text(text)
    ran = run("rules", "check", str(file), environ={}, exit_code=2)
    assert ran.err.startswith(f"cognito-claims: {file}: {told}")


def test_the_schema_is_printed() -> None:
    assert run("rules", "schema", environ={}).content == SCHEMA


# check


def dangers(document: Any) -> list[Finding]:
    return list(document_findings("m", Document(document)))


CHOICE = {"from": "client_metadata.t", "among": {"constant": ["a", "b"]}}
SCOPE = {"from": "custom:s", "values": {"a": "b"}}
BY_ATTRIBUTE = {"is": {"custom:x": ["a"]}}


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (
            {
                "groups": {
                    "from": "custom:g",
                    "read": "cognito-list",
                    "values": {"a": "b"},
                    "when": {"providers": ["Okta"]},
                }
            },
            {
                "m: groups: custom:g: app clients": "writable-attribute",
                "m: groups: custom:g: a": "stale-list",
            },
        ),
        ({"tenant": {"from": "custom:t"}}, {"m: tenant: custom:t": "writable-attribute"}),
        ({"tenant": {"from": "sub"}}, {}),
        (
            {"tenant": CHOICE},
            {
                "m: tenant.among: whoever": "chosen-by-client",
                "m: tenant: a refresh": "tenant-on-refresh",
            },
        ),
        (
            {"tenant": {**CHOICE, "among": {"from": "custom:l", "read": "csv"}}},
            {
                "m: tenant.among: custom:l": "writable-attribute",
                "m: tenant: a refresh": "tenant-on-refresh",
            },
        ),
        (
            {"tenant": {"from": "custom:t", "among": {"constant": ["a"]}}},
            {"m: tenant: custom:t": "writable-attribute"},
        ),
        (
            {"scopes_from": {**SCOPE, "among": {"constant": ["a"]}}},
            {"m: scopes_from: custom:s": "writable-attribute"},
        ),
        (
            {"scopes_from": {**SCOPE, "among": {"from": "cognito:groups"}}},
            {},
        ),
        ({"claims": {"x": CHOICE}}, {"m: claims.x.among: whoever": "chosen-by-client"}),
        (
            {"claims": {"x": {"from": "custom:g", "read": "cognito-list"}}},
            {"m: claims.x: custom:g": "stale-list"},
        ),
        (
            {"scopes": {"a": BY_ATTRIBUTE}, "deny": [{"unless": {"is": {"name": [1]}}}]},
            {
                "m: deny[0].unless.is.name: app": "writable-attribute",
                "m: deny[0].unless.is.name: is a text": "never-equal",
                "m: scopes.a.is.custom:x": "writable-attribute",
            },
        ),
        (
            {"scopes_from": SCOPE},
            {"m: scopes_from: custom:s": "writable-attribute"},
        ),
        (
            {
                "lookups": {"l": {**PLAN, "absent": "deny"}, "other": MEMBER},
                "claims": {"x": {"from": "l.a", "when": {"groups": ["b"]}}},
                "deny": [{"when": {"groups": ["b"], "is": {"l.a": [1]}}}],
            },
            {"m: lookups.l.absent": "no-gate"},
        ),
        ({"lookups": {"l": {**PLAN, "absent": "deny"}}, "claims": {"x": {"from": "l.a"}}}, {}),
        *(
            (
                {
                    "lookups": {"l": {**PLAN, "absent": "deny"}},
                    "claims": {"x": {"from": "l.a", "when": {"groups": ["b"]}}},
                    **gate,
                },
                {},
            )
            for gate in (
                {"tenant": {"from": "l.a"}},
                {"scopes_from": {"from": "l.a", "values": {"a": "b"}}},
                {"scopes": {"b": {"is": {"l.a": ["c"]}}}},
                {"suppress_scopes": {"b": {"is": {"l.a": ["c"]}}}},
            )
        ),
        (
            {
                "lookups": {"l": {**PLAN, "absent": "deny"}},
                "deny": [{"when": {"is": {"l.a": [1]}}}],
            },
            {},
        ),
    ],
)
def test_what_is_dangerous_in_a_document_is_told(document: Any, found: dict[str, str]) -> None:
    given = dangers(document)
    assert [finding.code for finding in given] == list(found.values())
    assert [
        f.message for f, start in zip(given, found, strict=True) if not f.message.startswith(start)
    ] == []


def test_check_knows_what_rules_prove_and_says_the_rest() -> None:
    document = {
        "tenant": {
            "from": "client_metadata.t",
            "among": {"from": "cognito:groups", "prefix": "t:"},
        },
        "claims": {"tenant": {"from": "tenant"}, "roles": {"from": "cognito:groups"}},
    }
    found = [finding.message for finding in check(settings(document))]
    v1 = "roles: V1_0 carries strings only, got list; a value of another type needs V2_0 or later"
    instead = "attach the trigger at V2_0 or later, or carry claims.roles as a text (as)"
    assert found == [
        f"{instead}: {v1} (id token, V1_0, plugin: mapper)",
        "mapper: tenant: a refresh may come without client_metadata, and then has the default",
    ]


def test_check_warns_of_a_large_document_in_a_variable() -> None:
    document = {"claims": {"x": {"constant": "y" * 2600}}}
    (finding,) = (each for each in check(settings(document)) if each.code == "rules-size")
    assert finding.message.startswith("MAPPER_RULES: 2,635 bytes of JSON, and Lambda takes 4 KB")


@pytest.mark.parametrize(
    ("length", "code", "limit"),
    [
        (500, "token-over-app-services", 2048),
        (3000, "token-over-cookie", 4096),
        (6000, "token-over-header", 8160),
        (9000, "token-over-api-gateway", 10240),
    ],
)
def test_the_size_of_the_tokens_is_told(length: int, code: str, limit: int) -> None:
    environ = settings({"claims": {"x": {"constant": "y" * length}}})
    found = {finding.code: finding.message for finding in check(environ)}
    shown = preview(recorded("pretoken_v2_Authentication"), environ)
    size = shown.id_token.bytes if shown.id_token else 0

    assert found[code].startswith(f"ID token of a sample user: more than the {limit} ")
    (finding,) = (each for each in shown.findings if each.code == code)
    assert finding.message.startswith(f"ID token: {size} bytes, more than the {limit} ")


def test_a_wrong_document_is_told_by_check() -> None:
    assert check(settings({"claim": {}})) == [
        Finding.error("settings", "MAPPER_RULES: claim: unknown word; did you mean claims?")
    ]


# preview


def test_a_refusal_tells_its_rule_and_its_code_once() -> None:
    document = {"claims": {"x": {"from": "custom:none", "absent": "deny"}}}
    told = (
        "error: mapper: claims.x: gives nothing, and absent is deny: Sign-in could not be completed"
    )
    environ = {**settings(document), "COLUMNS": "120"}
    ran = run("preview", "pretoken_v2_Authentication", environ=environ, exit_code=1)
    assert ran.out == f"The sign-in is refused: no tokens.\n{told} [denied]\n"


def test_the_preview_says_which_rule_gave_each_claim() -> None:
    document = {
        **without_lookups(),
        "tenant": {"constant": "acme"},
        "groups": {"constant": "admins", "keep": True},
        "scopes_from": {"from": "cognito:groups", "values": {"admins": "all"}},
        "suppress_scopes": {"email": True},
    }
    result = preview(recorded("pretoken_v2_Authentication"), settings(document)).to_json()
    assert result["findings"] == []
    assert result["rules"] == {
        "id": {
            "tenant_id": "claims.tenant_id",
            "role": "claims.role",
            "https://aws.amazon.com/tags": "claims.https://aws.amazon.com/tags",
            "phone_number": "suppress.id",
        },
        "access": {"tenant_id": "claims.tenant_id", "roles": "claims.roles"},
        "scopes": {
            "orders/write": "scopes.orders/write",
            "orders/read": "scopes.orders/read",
            "email": "suppress_scopes.email",
            "all": "scopes_from",
        },
    }


def test_the_preview_has_a_document_beside_the_env_file(file: Path, tmp_path: Path) -> None:
    env_file = tmp_path / "claims.env"
    env_file.write_text("COGNITO_CLAIMS_PLUGINS=mapper\nMAPPER_RULES=claims.json\n")
    file.write_text('{"claims": {"plan": {"constant": "pro"}}, "groups": {"constant": "a"}}')
    name = "pretoken_v2_Authentication"
    ran = run("preview", name, "--env-file", str(env_file), environ={})
    assert ran.out.endswith("rule: ID token, plan: claims.plan\nrule: groups: groups\n")


def test_an_env_file_with_the_json_itself_is_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "x.env").write_text("MAPPER_RULES='{}'\n")
    assert read_environment(tmp_path / "x.env") == {"MAPPER_RULES": "{}"}


# The playground


def test_the_page_shows_rules_and_reads_no_file() -> None:
    started = Started.with_environment({})
    document = json.dumps({"claims": {"plan": {"constant": "pro"}}})
    lines = "COGNITO_CLAIMS_PLUGINS=mapper\nMAPPER_RULES="
    shown = used(
        State(event="pretoken_v2_Authentication", settings=f"{lines}'{document}'"), started
    )
    refused = used(
        State(event="pretoken_v2_Authentication", settings=f"{lines}claims.json"), started
    )
    assert not isinstance(shown, Fault)
    assert shown.preview.rules == {"id": {"plan": "claims.plan"}, "access": {}, "scopes": {}}
    told = "MAPPER_RULES: expected the JSON itself; the page reads no file"
    assert refused == Fault("settings", (told,))


def test_the_example_works_in_two_commands(file: Path) -> None:
    file.write_text(json.dumps(without_lookups()))
    assert "error" not in run("rules", "check", str(file), environ={}).out
    Mapper.from_file(str(file))
