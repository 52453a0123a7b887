"""The backends that a rules document names: their documents, their verdicts, what `setup` prints."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cognito_claims.errors import SettingsError
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.testing import recorded
from cognito_claims.tools.backends.table import NAMED
from cognito_claims.tools.evaluation.check import check
from cognito_claims.tools.evaluation.preview import Preview, preview
from cognito_claims.tools.evaluation.token_preview import COOKIE_BYTES
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.playground.answers import State, answer
from cognito_claims.tools.playground.settings import Started
from tests.command import run

V2 = "pretoken_v2_Authentication"
SUB = "a1b2c3d4-5678-90ab-cdef-111122223333"
TO_BOTH = ["id", "access"]
ROLE = {"role": {"constant": "authenticated", "to": TO_BOTH}}
POOL = ("--user-pool-id", "eu-central-1_AbCdEfGhI", "--client-id", "abc")


def settings(document: dict[str, Any], **more: str) -> dict[str, str]:
    rules = {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": json.dumps(document)}
    return {**rules, **more}


def previewed(document: dict[str, Any], event: str = V2, **more: str) -> Preview:
    return preview(recorded(event), settings(document, **more))


def refusals(shown: Preview) -> dict[str, str]:
    return {name: v["code"] for name, v in shown.verdicts.items() if not v["accepted"]}


def without_source(verdict: dict[str, Any]) -> dict[str, Any]:
    return {
        name: each for name, each in verdict.items() if name not in ("source", "foreign_client")
    }


@pytest.mark.parametrize("name", NAMED)
def test_a_document_that_comes_with_us_fits_once_it_is_filled_in(name: str) -> None:
    text = run("setup", name, "--part", "rules", environ={}).out
    document = json.loads(text)

    filled = re.sub(r'"FILL_IN: [^"]*, as in ([^"]*)"', r'"\1"', text)
    assert Mapper(json.loads(filled)).document.backends == (name,)
    if filled != text:
        with pytest.raises(SettingsError, match="is still to be filled in"):
            Mapper(document)


def test_each_named_backend_gives_a_verdict() -> None:
    names = ["supabase", "postgrest", "postgresql"]
    shown = previewed({"backends": names, "claims": ROLE})

    session = {"role": "authenticated", "sub": SUB}
    assert {name: without_source(verdict) for name, verdict in shown.verdicts.items()} == {
        name: {"token": "id", "accepted": True, "session": session} for name in names
    }
    assert "a table of rules, not the backend itself" in shown.verdicts["supabase"]["source"]
    assert not shown.has_errors


def test_a_token_without_the_claim_is_refused() -> None:
    shown = previewed({"backends": ["supabase"], "claims": {}})

    assert refusals(shown) == {"supabase": "anonymous"}
    assert [finding.code for finding in shown.findings if finding.level == "error"] == [
        "supabase-refused"
    ]


def test_a_claim_in_the_id_token_alone_is_told_of() -> None:
    document = {"backends": ["supabase"], "claims": {"role": {"constant": "authenticated"}}}
    shown = previewed(document)

    assert refusals(shown) == {}
    assert [note.partition(":")[0] for note in shown.verdicts["supabase"]["notes"]] == [
        "the access token has no role"
    ]
    assert "supabase-note" in {finding.code for finding in check(settings(document))}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("postgres", "backends: no backend of this name is known; did you mean postgrest?"),
        ("hasura", "its claims come from the plugin hasura, not from rules"),
    ],
)
def test_a_name_that_nobody_knows_is_an_error(name: str, told: str) -> None:
    document = {"backends": [name]}

    assert previewed(document).verdicts[name]["message"] == told
    assert Finding("unknown-backend", "error", f"{name}: {told}") in check(settings(document))


def test_what_gets_no_claims_on_purpose_is_no_error() -> None:
    document = {"backends": ["supabase"], "claims": ROLE}
    elsewhere = previewed(document, MAPPER_CLIENTS="another")
    machine = previewed(document, "pretoken_v3_ClientCredentials")
    client = recorded("pretoken_v3_ClientCredentials")["callerContext"]["clientId"]
    agents = {"constant": ["agent"], "when": {"clients": [client]}, "to": ["access"]}
    both = {"backends": ["supabase", "agentcore"], "claims": {**ROLE, "roles": agents}}
    agent = previewed(both, "pretoken_v3_ClientCredentials")

    assert (refusals(elsewhere), refusals(machine)) == (
        {"supabase": "other-client"},
        {"supabase": "no-user"},
    )
    assert not elsewhere.has_errors
    assert not machine.has_errors
    assert refusals(agent) == {"supabase": "no-user"}


def test_check_warns_of_a_backend_that_takes_nobody() -> None:
    document = {"backends": ["supabase"], "claims": {"role": {"constant": "service_role"}}}

    assert "supabase-refused" in {finding.code for finding in check(settings(document))}
    assert "supabase-refused" not in {
        finding.code for finding in check(settings({"backends": ["supabase"], "claims": ROLE}))
    }


def test_rules_check_says_it_of_the_document_alone(tmp_path: Path) -> None:
    path = tmp_path / "claims.json"
    path.write_text(json.dumps({"backends": ["supabase", "postgres"], "claims": {}}))
    told = run("rules", "check", str(path), "--format", "json", environ={}, exit_code=1).content[
        "findings"
    ]

    assert {(finding["code"], finding["level"]) for finding in told} == {
        ("supabase-refused", "warning"),
        ("unknown-backend", "error"),
    }


def test_the_command_prints_the_verdict_and_where_it_comes_from() -> None:
    environ = settings({"backends": ["supabase"], "claims": ROLE})
    printed = run("preview", V2, environ=environ).out

    assert "supabase: accepted" in printed
    assert "a table of rules, not the backend itself; PostgREST, Authentication" in printed


def test_the_playground_shows_the_same_verdict() -> None:
    environ = settings({"backends": ["supabase"], "claims": ROLE})
    text = "\n".join(f"{name}='{value}'" for name, value in environ.items())
    shown = answer(State(event=V2, settings=text), Started(frozenset(), {}, {}))

    assert shown["preview"]["verdicts"] == preview(recorded(V2), environ).to_json()["verdicts"]
    assert shown["preview"]["verdicts"]["supabase"]["accepted"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("postgresql", {"sql", "transaction"}),
        ("postgrest", {"sql", "hook", "config"}),
        ("supabase", {"sql", "hook", "config"}),
    ],
)
def test_the_other_end_is_printed_from_the_rules(name: str, parts: set[str]) -> None:
    environ = settings({"claims": ROLE})
    printed = run("setup", name, *POOL, "--format", "json", environ=environ).content["parts"]

    assert printed.keys() == parts
    assert all(printed.values())


def test_the_other_end_needs_a_pool() -> None:
    told = run("setup", "supabase", environ=settings({"claims": ROLE}), exit_code=2).err

    assert told == "cognito-claims: --user-pool-id, --client-id: needed for all parts but rules\n"


def test_one_pool_and_one_function_serve_them_all() -> None:
    document = {
        "backends": ["supabase", "apigateway"],
        "claims": ROLE,
        "scopes": {"orders/read": True, "orders/write": {"groups": ["editors"]}},
    }
    event = recorded(V2)
    event["request"]["groupConfiguration"]["groupsToOverride"] = ["editors"]
    environ = {
        **settings(document),
        "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura,mapper",
        "SURREALDB_NAMESPACE": "shop",
        "SURREALDB_DATABASE": "shop",
        "SURREALDB_ACCESS": "user",
        "HASURA_GROUP_ROLES": "editors=editor",
    }
    shown = preview(event, environ)

    assert {name: verdict["accepted"] for name, verdict in shown.verdicts.items()} == {
        "surrealdb": True,
        "hasura": True,
        "supabase": True,
        "apigateway": True,
    }
    assert not shown.has_errors
    assert shown.id_token is not None
    assert shown.access_token is not None
    assert shown.access_token.bytes < shown.id_token.bytes < COOKIE_BYTES // 2
    assert "conflict" not in {finding.code for finding in check(environ)}
