"""App clients: for whose events a plugin is asked, and who is warned where nobody named them."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cognito_claims.errors import SettingsError, describe_error
from cognito_claims.handlers import pre_token_generation_from_env, user_sync_from_env
from cognito_claims.registry import load
from cognito_claims.sync.from_env import load as load_sync
from cognito_claims.testing import a_user_event, recorded, to_json
from cognito_claims.tools.evaluation.check import check
from cognito_claims.tools.evaluation.preview import preview
from cognito_claims.without import Without
from tests.command import run

WEB, OTHER = "1example23456789abcdefghij", "2another23456789abcdefghij"
HASURA = {"COGNITO_CLAIMS_PLUGINS": "hasura"}
NAMESPACE = "https://hasura.io/jwt/claims"


def problems_of(environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(environ)
    return [str(problem) for problem in refused.value.problems]


def claims_for(client_id: str, environ: Mapping[str, str]) -> object:
    handler = pre_token_generation_from_env(environ)
    answer = handler(to_json(a_user_event(client_id=client_id)), None)
    return answer["response"]["claimsAndScopeOverrideDetails"]


def test_a_plugin_is_asked_for_the_clients_alone_that_its_variable_names() -> None:
    environ = {**HASURA, "HASURA_CLIENTS": f" {WEB} , another "}

    assert NAMESPACE in str(claims_for(WEB, environ))
    assert claims_for(OTHER, environ) is None


def test_an_empty_variable_names_no_clients() -> None:
    assert NAMESPACE in str(claims_for(OTHER, {**HASURA, "HASURA_CLIENTS": " "}))


@pytest.mark.parametrize(
    ("text", "place"), [("none", ""), ("a,,b", "entry 2: "), ("a b", "entry 1: ")]
)
def test_what_is_no_list_of_clients_is_refused_beside_every_other_problem(
    text: str, place: str
) -> None:
    environ = {**HASURA, "HASURA_CLIENTS": text, "HASURA_ON_ERROR": "perhaps"}

    assert problems_of(environ) == [
        "HASURA_ON_ERROR: expected one of deny, omit",
        f"HASURA_CLIENTS: {place}expected ids of app clients: letters, digits, _ and +",
    ]


def test_clients_of_a_name_that_no_plugin_has_are_a_problem() -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "h=cognito_claims.plugins.hasura:HasuraClaims.from_env"}

    assert load({**environ, "H_CLIENTS": WEB}).plugins["h"].clients == frozenset((WEB,))
    assert problems_of({**environ, "HASURA_CLIENTS": WEB}) == [
        "HASURA_CLIENTS: no plugin in COGNITO_CLAIMS_PLUGINS is named hasura"
    ]
    load({**environ, "HASURA_CLIENTS": " "})


def test_a_sync_has_clients_as_well() -> None:
    environ = {
        "USER_SYNC_SINKS": "queue",
        "USER_SYNC_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/users",
        "USER_SYNC_CLIENTS": WEB,
        "AWS_REGION": "eu-west-1",
    }

    assert load_sync(environ).plugins["queue"].clients == frozenset((WEB,))
    user_sync_from_env(environ)
    with pytest.raises(SettingsError, match="USER_SYNC_CLIENTS: entry 1"):
        load_sync({**environ, "USER_SYNC_CLIENTS": "a b"})


def test_an_environment_without_variables_shows_no_value() -> None:
    rest = Without({"A": "1", "B": "hunter2"}, frozenset("B"))

    assert (dict(rest), len(rest), repr(rest)) == ({"A": "1"}, 1, "Without(['B'])")
    with pytest.raises(KeyError):
        rest["B"]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"Error": {"Code": "AccessDeniedException"}}, "ClientError: AccessDeniedException"),
        ({"Error": {"Code": "jane doe@example.com"}}, "ClientError"),
        ({"Error": {"Code": "x" * 65}}, "ClientError"),
        ({"Error": {"Code": 7}}, "ClientError"),
        ({"Error": "x"}, "ClientError"),
    ],
)
def test_of_a_client_error_the_log_has_its_code_and_no_other_text(
    answer: Mapping[str, object], text: str
) -> None:
    error = ClientError({"Error": {}}, "GetItem")
    error.response = answer

    assert describe_error(error) == text
    error.response = None
    assert describe_error(error) == "ClientError"


ACCESS = {
    "SURREALDB_NAMESPACE": "app",
    "SURREALDB_DATABASE": "main",
    "SURREALDB_ACCESS": "user",
    "SURREALDB_TOKENS": "access",
    "HASURA_TOKENS": "id,access",
    "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura",
}


def any_client(environ: Mapping[str, str]) -> list[str]:
    return [f.message.split(":")[0] for f in check(environ) if f.code == "any-client"]


def test_claims_in_access_tokens_of_every_client_are_warned_of() -> None:
    assert any_client(ACCESS) == ["surrealdb", "hasura"]
    assert any_client({**ACCESS, "HASURA_CLIENTS": WEB}) == ["surrealdb"]
    assert any_client({**ACCESS, "SURREALDB_TOKENS": "id", "HASURA_TOKENS": "id"}) == []


@pytest.mark.parametrize("backend", ["hasura", "surrealdb"])
def test_a_set_up_for_access_tokens_of_every_client_is_warned_of_beside_its_output(
    backend: str,
) -> None:
    pool = ("--user-pool-id", "eu-west-1_aBcDeFgHi", "--client-id", WEB)
    plain = run("setup", backend, *pool, environ=ACCESS)
    named = run("setup", backend, *pool, environ={**ACCESS, f"{backend.upper()}_CLIENTS": WEB})

    assert plain.err.startswith(f"cognito-claims: warning: {backend}: access tokens of all")
    assert (named.out, named.err) == (plain.out, "")


def verdicts(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    found = preview(recorded("pretoken_v2_Authentication"), {**ACCESS, **environ})
    assert not found.has_errors
    return found.verdicts


IN = "gets in: it has these claims, and no aud that could be wrong; set HASURA_CLIENTS"
BY_SCRIPT = "the script that setup prints compares client_id, and another need not"


@pytest.mark.parametrize(
    ("environ", "hasura", "surrealdb"),
    [
        (
            {"SURREALDB_TOKENS": "id", "HASURA_TOKENS": "id"},
            (False, "the ID token of another app client is refused: aud: not the configured one"),
            (False, "the ID token of another app client is refused: SurrealDB 2.x: Wrong audience"),
        ),
        (
            {},
            (True, f"the access token of another app client {IN}"),
            (
                False,
                "the access token of another app client is refused: "
                f"{BY_SCRIPT}; set SURREALDB_CLIENTS",
            ),
        ),
        (
            {"HASURA_TOKENS": "access", "HASURA_CLIENTS": WEB, "SURREALDB_CLIENTS": WEB},
            *(
                (
                    False,
                    f"the access token of another app client is refused: {name}_CLIENTS "
                    "does not name that client, so that it has none of these claims",
                )
                for name in ("HASURA", "SURREALDB")
            ),
        ),
    ],
)
def test_a_verdict_says_what_the_token_of_another_client_would_get(
    environ: dict[str, str], hasura: tuple[bool, str], surrealdb: tuple[bool, str]
) -> None:
    foreign = {name: v["foreign_client"] for name, v in verdicts(environ).items()}

    assert {name: (v["accepted"], v["message"]) for name, v in foreign.items()} == {
        "hasura": hasura,
        "surrealdb": surrealdb,
    }


def test_a_client_that_is_not_named_is_no_error() -> None:
    found = verdicts({"HASURA_CLIENTS": OTHER, "SURREALDB_CLIENTS": OTHER})

    assert found == {
        name: {
            "accepted": False,
            "code": "other-client",
            "message": f"{name.upper()}_CLIENTS does not name this app client, "
            "so that its tokens get none of these claims",
        }
        for name in ("surrealdb", "hasura")
    }


def test_the_text_of_a_verdict_names_another_clients_token() -> None:
    assert IN in run("preview", "pretoken_v2_Authentication", environ=ACCESS).out.replace("\n", " ")
