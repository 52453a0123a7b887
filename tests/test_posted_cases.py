"""What people posted, each with its input in `cases/`: through the commands and the contract."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cognito_claims.cli.options import IssuerType
from cognito_claims.contract import hasura, surrealdb
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.errors import SignInError
from cognito_claims.handlers import pre_token_generation_from_env
from cognito_claims.tools.evaluation.preview import preview
from cognito_claims.tools.inputs import read_environment
from cognito_claims.tools.pool.issuer import mismatch
from tests.command import Run, run

CASES = Path(__file__).parent / "cases"
NAMESPACE = "https://hasura.io/jwt/claims"
POOL, CLIENT = "us-east-1_Ab1Cd2Ef3", "1example23456789abcdefghij"


class Case(NamedTuple):
    """One case, in whose folder the commands run, as they are run by hand."""

    folder: Path

    def read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())

    def run(self, command: str, *arguments: str, exit_code: int | None = None) -> Run:
        given = (command, *arguments, "--env-file", "settings.env", "--format", "json")
        return run(*given, environ={}, exit_code=exit_code)

    def preview(self) -> Any:
        return self.run("preview", "event.json").content

    def findings(self) -> list[tuple[str, str]]:
        """Return what `check` finds."""
        return [
            (found["code"], found["message"]) for found in self.run("check").content["findings"]
        ]


@pytest.fixture
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    folder = CASES / request.param
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, "plugin", raising=False)
    yield Case(folder)
    sys.modules.pop("plugin", None)


def of(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", names, indirect=True)


@of("groups-of-one-plugin-unseen-by-another", "groups-of-an-identity-provider")
def test_groups_that_another_plugin_has_read_cannot_be_changed_unmarked(case: Case) -> None:
    shown = case.preview()

    assert (shown["id_token"], [found["code"] for found in shown["findings"]]) == (
        None,
        ["claim-conflict"],
    )
    assert case.findings()[0] == ("claim-conflict", shown["findings"][0]["message"])
    assert "deciding_groups(...)" in shown["findings"][0]["message"]


@of("groups-of-one-plugin-unseen-by-another")
def test_no_role_is_kept_after_its_group_was_taken_away(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark_as_deciding("revoke", monkeypatch)

    token = case.preview()["id_token"]["after"]

    assert "cognito:groups" not in token
    assert roles_and_groups(token) == (["user"], "{}")


@of("groups-of-an-identity-provider")
def test_the_groups_of_a_provider_give_roles(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    mark_as_deciding("groups_of_the_provider", monkeypatch)

    token = case.preview()["id_token"]["after"]

    groups = [f"{POOL}_Okta", "editors", "staff"]
    assert token["cognito:groups"] == groups
    literal = "{" + ",".join(f'"{group}"' for group in groups) + "}"
    assert roles_and_groups(token) == (["user", "editor"], literal)


def mark_as_deciding(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(".")
    plugin = __import__("plugin")
    getattr(plugin, name).decides_groups = True


def roles_and_groups(token: dict[str, Any]) -> tuple[list[str], str]:
    claims = json.loads(token[NAMESPACE])
    return claims["x-hasura-allowed-roles"], claims["x-hasura-groups"]


@of("updated-issuer")
def test_tokens_of_the_updated_issuer_get_in_where_the_setup_names_it(case: Case) -> None:
    claims = case.read("claims.json") | {"exp": int(time.time()) + 300, "iat": int(time.time())}
    ours = {NAMESPACE: '{"x-hasura-allowed-roles":["user"],"x-hasura-default-role":"user"}'}
    claims |= {"ns": "shop", "db": "main", "ac": "user"} | ours
    pool = ("--user-pool-id", POOL, "--client-id", CLIENT)
    answers = {}
    for kind in IssuerType:
        part = ("--part", "jwt-secret", "--issuer-type", kind.value)
        given = ("setup", "hasura", *pool, *part, "--env-file", "settings.env")
        secret = run(*given, environ={}).content
        verdict = surrealdb.verdict(
            claims,
            namespace="shop",
            database="main",
            access="user",
            issuer=secret["issuer"],
            client_id=CLIENT,
        )
        answers[kind.value] = (hasura_answer(claims, secret), verdict.get("message", "accepted"))

    assert answers == {
        "original": ("invalid-jwt", "SurrealDB 2.x: Wrong issuer"),
        "updated": ("accepted", "accepted"),
    }
    (told,) = mismatch(case.read("pool.json"), "original", is_verified=True, is_known=True)
    assert "IssuerConfiguration" in told


def hasura_answer(claims: dict[str, Any], secret: dict[str, Any]) -> str:
    try:
        hasura.session(claims, secret)
    except BackendRefusal as refusal:
        return refusal.code
    return "accepted"


@of("scope-claim-of-the-id-token")
def test_the_id_token_takes_a_scope(case: Case) -> None:
    event, response = case.read("event.json"), case.read("response.json")
    scope = response["claimsOverrideDetails"]["claimsToAddOrOverride"]["scope"]

    shown = case.preview()

    assert (shown["response"], shown["findings"]) == (response, [])
    assert shown["id_token"]["after"]["scope"] == scope
    tokens = issue_tokens(event, {**event, "response": response})
    assert tokens.id_token is not None
    assert tokens.id_token["scope"] == scope


@of("claims-of-client-metadata")
def test_a_claim_that_the_client_writes_is_warned_of(case: Case) -> None:
    advice = "every client may send what it likes, so it is no proof of anything"

    assert case.findings() == [
        ("writable-attribute", f"claim role is taken from client_metadata role: {advice}"),
        (
            "writable-attribute",
            f"claim tenant is taken from client_metadata selectedTenantId: {advice}",
        ),
    ]


@of("plugin-beside-the-settings")
def test_a_plugin_in_the_working_directory_is_found_by_the_command_itself(case: Case) -> None:
    command = Path(sys.executable).with_name("cognito-claims")
    ran = subprocess.run(
        [command, "check", "--env-file", "settings.env", "--format", "json"],
        cwd=case.folder,
        capture_output=True,
        check=False,
    )

    assert (json.loads(ran.stdout), ran.returncode) == ({"findings": []}, 0)


@of("plugin-beside-the-settings")
def test_a_plugin_where_a_factory_should_be_is_told(case: Case) -> None:
    ran = run("check", environ={"COGNITO_CLAIMS_PLUGINS": "plan=plugin:plan"}, exit_code=1)

    assert "expected a factory, which takes the environment and returns a plugin" in ran.out
    assert case.folder.is_dir()


@of("request-changed-in-place")
def test_a_request_that_was_changed_in_place_is_a_warning(case: Case) -> None:
    event = case.read("event.json")

    tokens = issue_tokens(event, case.read("returned.json"))

    assert tokens.id_token is not None
    assert tokens.id_token["cognito:groups"] == ["admins", "editors", "extra"]
    assert [(found.code, found.level) for found in tokens.findings] == [
        ("event-changed", "warning")
    ]
    for returned in ({**event, "more": 1}, {**event, "response": {}}):
        assert [found.level for found in issue_tokens(event, returned).findings] == ["warning"]


@of("version-1-with-scopes")
def test_scopes_do_not_make_an_event_v2(case: Case) -> None:
    shown = case.preview()

    assert list(shown["response"]) == ["claimsOverrideDetails"]
    assert shown["verdicts"]["hasura"]["accepted"]


@of("closed-fauna")
def test_the_closed_service_is_an_error(case: Case) -> None:
    (found,) = case.findings()

    assert found[0] == "settings"
    assert found[1].startswith("FAUNA_ENDPOINT: fauna.com is closed")


@of("group-names-with-comma-or-equals")
@pytest.mark.parametrize("pairs", ["CN=Admins,OU=Groups=editor", "CN=Admins,OU=Groups"])
def test_a_directorys_name_is_not_taken_for_pairs(case: Case, pairs: str) -> None:
    assert pairs in (case.folder / "settings.env").read_text()
    told = 'write names that hold , or = as JSON, as in {"a,b": "c"}'

    wrong = run("check", environ={**HASURA, "HASURA_GROUP_ROLES": pairs}, exit_code=1)
    right = '{"CN=Admins,OU=Groups": "editor"}'
    run("check", environ={**HASURA, "HASURA_GROUP_ROLES": right})

    assert told in wrong.out


HASURA = {"COGNITO_CLAIMS_PLUGINS": "hasura"}


@of("identities-as-in-the-token")
def test_identities_have_the_texts_of_a_real_token(case: Case) -> None:
    (identity,) = case.preview()["id_token"]["before"]["identities"]

    assert (identity["primary"], identity["dateCreated"]) == ("true", "1614866385549")


@of("events-of-emulators")
def test_an_emulators_event_is_previewed_with_its_fault_named_and_refused_by_the_handler(
    case: Case,
) -> None:
    shown = case.preview()

    assert shown["verdicts"]["hasura"]["accepted"]
    (found,) = shown["findings"]
    assert (found["code"], found["level"]) == ("emulator", "warning")
    assert "LocalStack" in found["message"]
    handler = pre_token_generation_from_env(read_environment(Path("settings.env")))
    with pytest.raises(SignInError, match=r"\[event\]"):
        handler(case.read("event.json"), None)


@of("no-email-said-to-be-unverified")
def test_a_user_without_an_email_is_told_from_one_whose_email_is_not_verified(case: Case) -> None:
    event = case.read("event.json")
    verified = {"email": "some.user@example.com", "email_verified": "false"}
    attributes = event["request"]["userAttributes"] | verified
    unverified = event | {"request": event["request"] | {"userAttributes": attributes}}

    messages = [
        preview(each, read_environment(Path("settings.env"))).findings[0].message
        for each in (event, unverified)
    ]

    way = "at the provider, or set SURREALDB_TOKENS=access, whose script needs no email"
    assert messages == [
        f"surrealdb: SurrealDB: the user has {told} {way}"
        for told in (
            "no attribute email; map email and email_verified",
            "an email that is not verified (email_verified); map email_verified",
        )
    ]


@of("place-of-a-failure")
def test_the_place_of_a_failure_is_the_plugins_own_line(case: Case) -> None:
    (found,) = case.preview()["findings"]

    place = f"{case.folder / 'plugin.py'}:17 in provider"
    assert found["message"] == f"plugin idp: JSONDecodeError at {place}"
