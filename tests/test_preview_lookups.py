"""`preview` of rules with look-ups: sample items, none, or what is really there; a page never asks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cognito_claims.testing import recorded
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.evaluation.look_ups import LookUps
from cognito_claims.tools.evaluation.preview import Preview, preview
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.playground.answers import State, answer
from cognito_claims.tools.playground.settings import Started
from tests.command import run
from tests.stand_ins.fauna_wire import as_json
from tests.stand_ins.lookups import CREDENTIALS, Server, Table, at

EVENT = "pretoken_v2_Authentication"
SUB = recorded(EVENT)["request"]["userAttributes"]["sub"]
MEMBER = {"dynamodb": {"table": "members", "key": {"pk": "USER#{sub}"}}}
OTHER = {"dynamodb": {"table": "others", "key": {"pk": "USER#{sub}"}}}
RULES: dict[str, Any] = {
    "lookups": {"member": MEMBER},
    "claims": {"role": {"from": "member.role", "default": "none"}},
}
MISSING = (
    "mapper: look-up member is not asked here, and counts as absent; "
    "give preview a sample: --item member=item.json"
)


@pytest.fixture
def table() -> Iterator[Server]:
    with Server(Table({f"USER#{SUB}": {"role": {"S": "owner"}}})) as server:
        yield server


def environ_of(server: Server, rules: dict[str, Any] = RULES) -> dict[str, str]:
    return at(server, COGNITO_CLAIMS_PLUGINS="mapper", MAPPER_RULES=json.dumps(rules))


def role(previewed: Preview) -> object:
    assert previewed.id_token is not None
    return previewed.id_token.after["role"]


@pytest.mark.parametrize(("item", "found"), [({"role": "owner"}, "owner"), (None, "none")])
def test_a_sample_item_is_what_a_look_up_finds(table: Server, item: Any, found: str) -> None:
    result = preview(recorded(EVENT), environ_of(table), look_ups=LookUps({"member": item}))

    assert (role(result), result.findings, table.requests) == (found, [], [])


def test_without_a_sample_item_nothing_is_asked_and_a_finding_says_which_to_give(
    table: Server,
) -> None:
    result = preview(recorded(EVENT), environ_of(table))

    assert (role(result), table.requests) == ("none", [])
    assert result.findings == [Finding("sample", "warning", MISSING)]


def test_a_look_up_that_no_rule_uses_for_the_event_needs_no_sample_item(table: Server) -> None:
    claim = {"from": "member.role", "default": "none", "when": {"groups": ["nobody"]}}
    rules = {"lookups": {"member": MEMBER}, "claims": {"role": claim}}

    assert preview(recorded(EVENT), environ_of(table, rules)).findings == []


def test_a_sample_item_is_not_found_by_a_key_that_the_event_does_not_make(table: Server) -> None:
    lookup = {"dynamodb": {"table": "members", "key": {"pk": "USER#{tenant}"}}}
    environ = environ_of(table, {**RULES, "lookups": {"member": lookup}})
    result = preview(recorded(EVENT), environ, look_ups=LookUps({"member": {"role": "owner"}}))

    assert (role(result), result.findings) == ("none", [])


def test_live_asks_for_real(table: Server) -> None:
    result = preview(recorded(EVENT), environ_of(table), look_ups=LookUps(are_live=True))

    assert (role(result), result.findings, len(table.requests)) == ("owner", [], 1)


def test_an_item_of_no_look_up_and_one_beside_live_are_refused(table: Server) -> None:
    items: dict[str, Any] = {"member": {}, "membre": {}}
    with pytest.raises(UnusableInput) as refused:
        preview(recorded(EVENT), environ_of(table), look_ups=LookUps(items, are_live=True))

    assert refused.value.lines == (
        "--item membre: no such look-up; did you mean member?",
        "--item member: --live asks for it; leave one of the two out",
    )


def test_the_command_takes_several_items(table: Server, tmp_path: Path) -> None:
    rules = {
        "lookups": {"member": MEMBER, "other": OTHER},
        "claims": {"role": {"from": "member.role"}, "plan": {"from": "other.plan"}},
    }
    member, other = tmp_path / "member.json", tmp_path / "other.json"
    member.write_text('{"role": "owner"}')
    other.write_text("null")
    items = ("--item", f"member={member}", "--item", f"other={other}")
    shown = run("preview", EVENT, *items, "--format", "json", environ=environ_of(table, rules))

    after = shown.content["id_token"]["after"]
    assert (after["role"], "plan" in after, shown.content["findings"]) == ("owner", False, [])


def test_the_command_takes_aws_credentials_beside_an_env_file_only_where_it_asks(
    table: Server, tmp_path: Path
) -> None:
    file = tmp_path / "claims.env"
    file.write_text(f"COGNITO_CLAIMS_PLUGINS=mapper\nMAPPER_RULES='{json.dumps(RULES)}'\n")
    arguments = ("preview", EVENT, "--env-file", str(file), "--format", "json")

    assert run(*arguments, environ=at(table)).content["id_token"]["after"]["role"] == "none"
    assert table.requests == []
    asked = run(*arguments, "--live", environ=at(table))
    assert asked.content["id_token"]["after"]["role"] == "owner"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["member"], "--item: expected a look-up and a file, as in member=item.json"),
        (["member=FILE", "member=FILE"], "--item member: given twice"),
        (["member=FILE"], "FILE: expected an object, or null for an item that is absent"),
    ],
)
def test_a_wrong_item_is_told(given: list[str], told: str, table: Server, tmp_path: Path) -> None:
    file = tmp_path / "item.json"
    file.write_text('["owner"]' if len(given) == 1 else "{}")
    options = [part for each in given for part in ("--item", each.replace("FILE", str(file)))]
    shown = run("preview", EVENT, *options, environ=environ_of(table), exit_code=None)

    assert (shown.exit_code, shown.out) == (2, "")
    assert told.replace("FILE", str(file)) in shown.err


def test_a_link_makes_no_request_and_reads_no_file(tmp_path: Path) -> None:
    (tmp_path / "claims.json").write_text(json.dumps(RULES))
    with Server(lambda _: as_json(200, {"role": "owner"})) as server:
        service = {"https": {"url": server.endpoint, "secret": "abc", "auth": "bearer"}}
        vault = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:claims"
        rules = {
            "lookups": {
                "member": service,
                "other": MEMBER,
                "third": {"https": {**service["https"], "secret": vault}},
            },
            "claims": {
                n: {"from": f"{n}.role", "default": "none"} for n in ("member", "other", "third")
            },
        }
        own = {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": server.endpoint,
            "LAMBDA_TASK_ROOT": str(tmp_path),
        }
        started = Started.with_environment(own)
        inline, named = (
            answer(
                State(
                    event=EVENT, settings=f"COGNITO_CLAIMS_PLUGINS=mapper\nMAPPER_RULES='{text}'\n"
                ),
                started,
            )
            for text in (json.dumps(rules), "claims.json")
        )

        assert server.requests == []
    after = inline["preview"]["id_token"]["after"]
    assert [after[name] for name in ("member", "other", "third")] == ["none"] * 3
    assert named == {
        "unusable": {
            "input": "settings",
            "lines": ("MAPPER_RULES: expected the JSON itself; the page reads no file",),
        }
    }
