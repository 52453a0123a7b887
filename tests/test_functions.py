import json
import sys
from subprocess import CompletedProcess, run
from typing import Any

import pytest

from cognito_claims.testing import recorded
from tests import runtime_api
from tests.runtime_api import Posted, clean_environ
from tests.stand_ins import hasura
from tests.stand_ins.hasura import SECRET, HasuraServer

HANDLER = "cognito_claims.functions.pre_token_generation.handler"
SYNC_HANDLER = "cognito_claims.functions.user_sync.handler"
HASURA = "https://hasura.io/jwt/claims"
GOOD = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura",
    "SURREALDB_NAMESPACE": "acme",
    "SURREALDB_DATABASE": "shop",
    "SURREALDB_ACCESS": "user",
    "HASURA_GROUP_ROLES": "editors=editor",
}
WRONG = {**GOOD, "SURREALDB_NAMESPACE": "", "HASURA_TOKENS": "hunter2", "COGNITO_CLAIMS_X": "1"}
PROBLEMS = [
    "wrong setting: COGNITO_CLAIMS_X: unknown setting",
    "wrong setting: SURREALDB_NAMESPACE: required",
    "wrong setting: HASURA_TOKENS: expected one of id, access",
]
ADDED = {
    "ns": "acme",
    "db": "shop",
    "ac": "user",
    HASURA: '{"x-hasura-allowed-roles":["user","editor"],"x-hasura-default-role":"user",'
    '"x-hasura-user-id":"a1b2c3d4-5678-90ab-cdef-111122223333"}',
}
ANSWER = {"claimsAndScopeOverrideDetails": {"idTokenGeneration": {"claimsToAddOrOverride": ADDED}}}
MACHINE = recorded("pretoken_v3_ClientCredentials")
PROBE = """
import json, sys
from cognito_claims.functions.pre_token_generation import handler
from cognito_claims.testing import recorded
print(json.dumps(handler(recorded(sys.argv[1]), None)["response"]))
"""


def probed(
    environ: dict[str, str], event: str, function: str = "pre_token_generation"
) -> CompletedProcess[str]:
    return run(
        [sys.executable, "-c", PROBE.replace("pre_token_generation", function), event],
        env=clean_environ(environ),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_environment_alone_makes_a_handler() -> None:
    done = probed(GOOD, "pretoken_v1_Authentication")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"claimsOverrideDetails": {"claimsToAddOrOverride": ADDED}}


def test_wrong_settings_fail_the_import_with_a_neutral_text_and_every_problem_in_the_log() -> None:
    done = probed(WRONG, "pretoken_v2_Authentication")

    *log, raised = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert log[:3] == PROBLEMS
    assert raised == "cognito_claims.errors.SignInError: Sign-in could not be completed [settings]"
    assert "hunter2" not in done.stderr
    assert "During handling" not in done.stderr


def test_lambdas_runtime_client_gets_whole_events_back() -> None:
    event = recorded("pretoken_v2_Authentication")

    answers, printed = runtime_api.run(HANDLER, GOOD, [event, MACHINE])

    assert answers == [
        Posted("response", {**event, "response": ANSWER}),
        Posted("response", MACHINE),
    ]
    assert printed == ""


def test_lambdas_json_log_has_one_record_an_event() -> None:
    environ = {**GOOD, "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}

    _, printed = runtime_api.run(HANDLER, environ, [recorded("pretoken_v2_Authentication")])

    assert printed.count('"message": "pre token generation: issued"') == 1
    assert '"outcome": "issued", "trigger_version": "V2_0"' in printed
    assert '"id_token": ["ac", "db", "ns"]' in printed


@pytest.mark.parametrize(
    ("environ", "event", "code"),
    [
        (GOOD, {}, "event"),
        (
            {**GOOD, "SURREALDB_TOKENS": "access"},
            recorded("pretoken_v1_Authentication"),
            "unsupported-claim",
        ),
    ],
)
def test_lambdas_runtime_client_shows_a_neutral_refusal(
    environ: dict[str, str], event: Any, code: str
) -> None:
    (answer,), printed = runtime_api.run(HANDLER, environ, [event])

    assert (answer.kind, answer.body["errorType"]) == ("error", "SignInError")
    assert answer.body["errorMessage"] == f"Sign-in could not be completed [{code}]"
    assert "sign-in refused: " in printed


def test_lambdas_runtime_client_shows_a_neutral_failure_to_start() -> None:
    (answer,), printed = runtime_api.run(HANDLER, WRONG)

    assert (answer.kind, answer.body["errorType"]) == ("init/error", "SignInError")
    assert answer.body["errorMessage"] == "Sign-in could not be completed [settings]"
    assert [problem for problem in PROBLEMS if problem not in printed] == []
    assert "hunter2" not in f"{answer} {printed}"


def test_a_plugins_refusal_reaches_the_person_word_for_word() -> None:
    environ = {**GOOD, "HASURA_USER_ID_ATTRIBUTE": "email"}

    (answer,), _ = runtime_api.run(HANDLER, environ, [recorded("pretoken_v2_odd_unverified_email")])

    assert (answer.kind, answer.body["errorType"]) == ("error", "TokenDenied")
    assert (
        answer.body["errorMessage"]
        == "This account lacks an attribute that the sign-in needs verified."
    )


def sync_environ(server: HasuraServer, **more: str) -> dict[str, str]:
    return {
        "USER_SYNC_SINKS": "hasura",
        "HASURA_SYNC_URL": server.url,
        "HASURA_SYNC_ADMIN_SECRET": SECRET,
        **more,
    }


def test_the_environment_alone_makes_a_handler_of_user_sync(dsn: str) -> None:
    with HasuraServer(dsn) as server:
        done = probed(sync_environ(server), "postauth_Authentication", "user_sync")
        rows = [row["username"] for row in server.rows()]

    assert (done.returncode, done.stdout, done.stderr) == (0, "{}\n", "")
    assert rows == ["jane.doe"]


def test_lambdas_runtime_client_gets_the_events_of_a_user_sync_back_as_they_came(dsn: str) -> None:
    names = ("postconfirmation_ConfirmSignUp", "postauth_Authentication")
    federated = recorded("postauth_Authentication_federated")
    events = [*map(recorded, names), federated]
    with HasuraServer(dsn) as server:
        answers, printed = runtime_api.run(SYNC_HANDLER, sync_environ(server), events)
        rows = [(row["id"], row["username"]) for row in server.rows()]

    assert answers == [Posted("response", event) for event in events]
    assert rows == [
        ("a1b2c3d4-5678-90ab-cdef-111122223333", "jane.doe"),
        ("b2c3d4e5-6789-01bc-def0-222233334444", "Google_104938271650298374651"),
    ]
    assert printed == ""


@pytest.mark.parametrize("policy", ["allow", "deny"])
def test_lambdas_runtime_client_shows_of_a_failed_sync_what_the_policy_says(
    dsn: str, policy: str
) -> None:
    event = recorded("postauth_Authentication")
    with HasuraServer(dsn) as server:
        server.faults.append(hasura.error("permission-error"))
        environ = sync_environ(server, USER_SYNC_ON_ERROR=policy)
        (answer,), printed = runtime_api.run(SYNC_HANDLER, environ, [event])

    assert "plugin hasura: HasuraError: Hasura: permission-error (HTTP 200) at " in printed
    if policy == "allow":
        assert answer == Posted("response", event)
        assert "not synced: " in printed
    else:
        assert (answer.kind, answer.body["errorType"]) == ("error", "SignInError")
        assert answer.body["errorMessage"] == "Sign-in could not be completed [plugin-failed]"
        assert "sign-in refused: " in printed


def test_lambdas_json_log_has_one_record_of_a_sync(dsn: str) -> None:
    with HasuraServer(dsn) as server:
        json_log = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
        environ = sync_environ(server, **json_log)
        _, printed = runtime_api.run(SYNC_HANDLER, environ, [recorded("postauth_Authentication")])

    assert printed.count('"message": "user sync: done"') == 1
    assert '"outcome": "done", "trigger_source": "PostAuthentication_Authentication"' in printed


def test_a_sync_without_its_settings_fails_to_start_with_a_neutral_text() -> None:
    environ = {"USER_SYNC_SINKS": "hasura", "HASURA_SYNC_ADMIN_SECRET": "hunter2"}
    (answer,), printed = runtime_api.run(SYNC_HANDLER, environ)

    assert (answer.kind, answer.body["errorType"]) == ("init/error", "SignInError")
    assert answer.body["errorMessage"] == "Sign-in could not be completed [settings]"
    assert "wrong setting: HASURA_SYNC_URL: required" in printed
    assert "hunter2" not in f"{answer} {printed}"
