"""What commands tell of a server that does not answer: each server here answers once that is told."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from cognito_claims.tools import waiting
from cognito_claims.tools.backfill import fill as filling
from cognito_claims.tools.waiting import waiting_for
from tests.command import Run, run
from tests.stand_ins.moto import Answer, Request, answering
from tests.stand_ins.sqs import CREDENTIALS

POOL = "eu-west-1_AbCdEfGhI"
LONGEST_S = 60.0  # for a test that fails
NO_USERS: dict[str, Any] = {"Users": []}
ONE_USER = {"Users": [{"Username": "u", "Attributes": [{"Name": "sub", "Value": "s"}]}]}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(waiting, "PATIENCE_S", 0.01)
    monkeypatch.setattr(filling, "PAUSES_S", (0.01, 0.01))


@contextmanager
def silent_until_told(told: str, answer: Callable[[Request], Answer]) -> Iterator[str]:
    """Give the URL of a server that answers only when the command has told what it waits for.

    It answers at once what backfill asks first, which is how many users there are.
    """

    def slow(request: Request) -> Answer:
        if operation(request) == "DescribeUserPool" and "DescribeUserPool" not in told:
            return answer(request)
        clock = Event()
        for _ in range(int(LONGEST_S / 0.01)):
            if told in getattr(sys.stderr, "getvalue", str)():
                break
            clock.wait(0.01)
        return answer(request)

    with answering(slow) as url:
        yield url


def operation(request: Request) -> str:
    return request.headers.get("x-amz-target", "").rpartition(".")[2]


def backfill(exit_code: int, **environ: str) -> Run:
    settings = {
        "HASURA_SYNC_ADMIN_SECRET": "x",
        "HASURA_SYNC_VERSION_COLUMN": "synced_at",
        "HASURA_SYNC_UPDATE_COLUMNS": "username",
        **CREDENTIALS,
        **environ,
    }
    return run("backfill", "--user-pool-id", POOL, environ=settings, exit_code=exit_code)


def lists(users: object) -> Callable[[Request], Answer]:
    return lambda request: Answer.of(users if operation(request) == "ListUsers" else {})


def test_doctor_tells_which_call_is_not_answered() -> None:
    told = "waiting for cognito-idp:DescribeUserPool at 127.0.0.1, for "
    refusing = Answer.refusing("ResourceNotFoundException")

    with silent_until_told(told, lambda _: refusing) as url:
        environ = {**CREDENTIALS, "AWS_ENDPOINT_URL": url}
        ran = run("doctor", "--user-pool-id", POOL, environ=environ, exit_code=2)

    assert ran.err.startswith(f"cognito-claims: {told}")
    assert ran.err.splitlines()[-1].startswith(f"cognito-claims: {POOL}: ResourceNotFoundException")


def test_backfill_tells_that_cognito_does_not_list_the_users() -> None:
    told = "waiting for cognito-idp:ListUsers at 127.0.0.1, for "

    with silent_until_told(told, lists(NO_USERS)) as url:
        ran = backfill(0, AWS_ENDPOINT_URL=url, HASURA_SYNC_URL="http://127.0.0.1:1")

    assert f"cognito-claims: {told}" in ran.err


def test_backfill_tells_that_hasura_does_not_answer() -> None:
    told = "waiting for the answer of Hasura (HASURA_SYNC_URL), for "
    written = Answer.of({"data": {"a0": {"affected_rows": 1}}})

    with (
        answering(lists(ONE_USER)) as cognito,
        silent_until_told(told, lambda _: written) as hasura,
    ):
        ran = backfill(0, AWS_ENDPOINT_URL=cognito, HASURA_SYNC_URL=f"{hasura}v1/graphql")

    assert f"cognito-claims: {told}" in ran.err


def test_backfill_tells_that_the_secret_is_not_given() -> None:
    told = "waiting for the secret (HASURA_SYNC_ADMIN_SECRET), for "
    refusing = Answer.refusing("ParameterNotFound")

    with answering(lists(ONE_USER)) as cognito, silent_until_told(told, lambda _: refusing) as ssm:
        ran = backfill(
            1,
            AWS_ENDPOINT_URL=cognito,
            AWS_ENDPOINT_URL_SSM=ssm,
            AWS_REGION="eu-west-1",
            HASURA_SYNC_ADMIN_SECRET="ssm:/hasura",
            HASURA_SYNC_URL="http://127.0.0.1:1",
        )

    assert f"cognito-claims: {told}" in ran.err
    assert "Stopped: ssm: ParameterNotFound (HTTP 400); " in ran.out


def test_backfill_tells_why_it_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "PAUSES_S", (0.5,))

    with answering(lists(ONE_USER)) as cognito:
        ran = backfill(1, AWS_ENDPOINT_URL=cognito, HASURA_SYNC_URL="http://127.0.0.1:1")

    assert "waiting for another try: ConnectionError (connecting), for " in ran.err


def test_what_is_waited_for_is_told_again_and_no_more_when_it_is_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "AGAIN_S", 0.01)
    seen, told = "", Event()
    with waiting_for("Godot"):
        while seen.count("waiting for Godot") < 3:
            told.wait(0.01)
            seen += capsys.readouterr().err

    capsys.readouterr()
    told.wait(0.05)  # in which it would be told again
    assert capsys.readouterr().err == ""


def test_what_is_quick_is_not_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_S", LONGEST_S)
    with waiting_for("nothing"):
        pass

    assert capsys.readouterr().err == ""
