"""Every built function under Lambda's own emulator: its answers are judged by the contract."""

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.testing import recorded, recorded_names
from tests.sam.conftest import OURS, RUNTIME, SAM, build, install_runtime_client
from tests.sam.emulator import Emulator, emulated

CLAIMS = "cognito_claims.functions.pre_token_generation.handler"
SYNC = "cognito_claims.functions.user_sync.handler"
WORKER = "cognito_claims.functions.user_sync_worker.handler"
COMPOSED = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura",
    "SURREALDB_NAMESPACE": "test",
    "SURREALDB_DATABASE": "test",
    "SURREALDB_ACCESS": "user",
    "HASURA_GROUP_ROLES": "editors=editor",
}
HASURA = {
    "HASURA_SYNC_URL": "http://127.0.0.1:1/v1/graphql",
    "HASURA_SYNC_ADMIN_SECRET": "hunter2",
}


@pytest.fixture(scope="module")
def claims(
    built: Path, runtime_client: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Emulator]:
    log = tmp_path_factory.mktemp("log") / "claims"
    function = built / "ClaimsFunction"
    with emulated(function, CLAIMS, COMPOSED, runtime_client=runtime_client, log=log) as emulator:
        yield emulator


@pytest.mark.parametrize("name", recorded_names("pretoken_"))
def test_cognito_takes_the_answer_to_every_recorded_event(claims: Emulator, name: str) -> None:
    event = recorded(name)

    answer = claims.invoke(event).content

    tokens = issue_tokens(event, answer)
    if "ClientCredentials" not in name:
        assert tokens.id_token is not None
        assert {"ns", "db", "ac", "https://hasura.io/jwt/claims"} <= tokens.id_token.keys()


def test_a_wrong_setting_fails_at_init_with_all_of_them_in_the_log_and_a_neutral_text(
    built: Path, runtime_client: Path, tmp_path: Path
) -> None:
    wrong = {"COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura", "HASURA_TOKENS": "hunter2"}
    log = tmp_path / "log"
    with emulated(
        built / "ClaimsFunction", CLAIMS, wrong, runtime_client=runtime_client, log=log
    ) as emulator:
        answer = emulator.invoke(recorded("pretoken_v2_Authentication")).content

    assert answer["errorMessage"] == "Sign-in could not be completed [settings]"
    printed = log.read_text()
    for name in ("SURREALDB_NAMESPACE", "SURREALDB_DATABASE", "HASURA_TOKENS"):
        assert f"wrong setting: {name}: " in printed
    assert "hunter2" not in json.dumps(answer) + printed


def test_rules_in_a_file_beside_the_function_are_taken_along_and_read(
    runtime_client: Path, tmp_path: Path
) -> None:
    source, built = tmp_path / "sam", tmp_path / "built"
    shutil.copytree(SAM, source, ignore=shutil.ignore_patterns(".aws-sam", "__pycache__"))
    shutil.copy(SAM.parent / "pyproject.toml", tmp_path)
    rules = {"claims": {"plan": {"constant": "pro"}}}
    (source / "triggers/claims.json").write_text(json.dumps(rules))
    build(built, source=source)
    settings = {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": "claims.json"}
    with emulated(
        built / "ClaimsFunction",
        CLAIMS,
        settings,
        runtime_client=runtime_client,
        log=tmp_path / "log",
    ) as emulator:
        answer = emulator.invoke(recorded("pretoken_v2_Authentication")).content

    given = answer["response"]["claimsAndScopeOverrideDetails"]["idTokenGeneration"]
    assert given["claimsToAddOrOverride"] == {"plan": "pro"}


@pytest.mark.parametrize("runtime", [r for r in OURS.RUNTIMES if r != RUNTIME])
def test_a_build_for_another_runtime_runs_with_its_python(runtime: str, tmp_path: Path) -> None:
    try:
        python = OURS.interpreter(runtime)
    except SystemExit:
        pytest.skip(f"{runtime} is not here")
    build(tmp_path / "built", runtime=runtime)
    client = install_runtime_client(python, tmp_path / "client")
    event = recorded("pretoken_v2_Authentication")
    with emulated(
        tmp_path / "built" / "ClaimsFunction",
        CLAIMS,
        COMPOSED,
        runtime_client=client,
        log=tmp_path / "log",
        python=python,
    ) as emulator:
        answer = emulator.invoke(event).content

    assert issue_tokens(event, answer).id_token is not None
    print(f"{runtime}: built and run by {python}")


@contextmanager
def silence() -> Iterator[str]:
    """Give the URL of a server that takes connections and says nothing."""
    done = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            while not done.is_set():
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return

        Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        done.set()
    for connection in kept:
        connection.close()


def test_a_server_that_hangs_is_answered_for_within_cognitos_five_seconds(
    built: Path, runtime_client: Path, tmp_path: Path
) -> None:
    with silence() as url:
        fauna = {
            "COGNITO_CLAIMS_PLUGINS": "fauna",
            "FAUNA_ENDPOINT": url,
            "FAUNA_SECRET": "hunter2",
            "FAUNA_IDENTITY": "sub",
        }
        with emulated(
            built / "ClaimsFunction",
            CLAIMS,
            fauna,
            runtime_client=runtime_client,
            log=tmp_path / "log",
        ) as emulator:
            first, second = (
                emulator.invoke(recorded("pretoken_v1_Authentication")) for _ in range(2)
            )

    for answer in (first, second):
        assert answer.content["errorMessage"] == "Sign-in could not be completed [deadline]"
        assert 2 < answer.seconds < 5
    assert "hunter2" not in (tmp_path / "log").read_text()


def test_the_emulator_ends_what_takes_longer_than_the_templates_timeout(
    runtime_client: Path, tmp_path: Path
) -> None:
    function = tmp_path / "slow"
    function.mkdir()
    (function / "slow.py").write_text("import time\nhandler = lambda *_: time.sleep(9)\n")
    with emulated(
        function, "slow.handler", {}, runtime_client=runtime_client, log=tmp_path / "log"
    ) as emulator:
        answer = emulator.invoke({})

    assert "Task timed out after 5.00 seconds" in str(answer.content)
    assert 4.9 < answer.seconds < 7


def test_a_user_sync_returns_every_event_whatever_becomes_of_the_user(
    built: Path, runtime_client: Path, tmp_path: Path
) -> None:
    environ = {**HASURA, "USER_SYNC_SINKS": "hasura"}
    events = [recorded(n) for n in recorded_names("post")]
    with emulated(
        built / "UserSyncFunction",
        SYNC,
        environ,
        runtime_client=runtime_client,
        log=tmp_path / "log",
    ) as emulator:
        assert [emulator.invoke(event).content for event in events] == events

    assert len(events) == 5
    # A password reset is no change; nobody listens for the others.
    assert (tmp_path / "log").read_text().count("not synced") == 4


def test_the_worker_starts_and_keeps_what_it_cannot_settle(
    built: Path, runtime_client: Path, tmp_path: Path
) -> None:
    record = {
        "messageId": "1",
        "receiptHandle": "1",
        "body": "hunter3",
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:user-sync",
        "awsRegion": "eu-west-1",
    }
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    with emulated(
        built / "WorkerFunction",
        WORKER,
        {**HASURA, **nowhere, **keys},
        runtime_client=runtime_client,
        log=tmp_path / "log",
        timeout_s=60,
    ) as emulator:
        answer = emulator.invoke({"Records": [record]}).content

    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    printed = (tmp_path / "log").read_text()
    assert '"message":"SQS failed"' in printed
    assert "hunter" not in printed
