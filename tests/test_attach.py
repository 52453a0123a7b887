"""`attach` and `detach` against moto's Cognito and Lambda: a pool keeps all that it has."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cognito_claims.cli.attach import Attachment
from cognito_claims.cli.pool_update import carried_over, differences
from tests.command import Run, run
from tests.stand_ins.account import Account
from tests.stand_ins.moto import Answer
from tests.stand_ins.sqs import in_front_of

pytestmark = pytest.mark.usefixtures("quick_clients")


@pytest.fixture
def account(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.chdir(tmp_path)
    return Account(moto)


def command(
    account: Account, name: str, *arguments: str, exit_code: int = 0, output: str = "json"
) -> Run:
    pool = ("--user-pool-id", account.pool_id, "--format", output)
    return run(name, *pool, *arguments, environ=account.environ, exit_code=exit_code)


def attach(account: Account, *arguments: str, exit_code: int = 0) -> Run:
    return command(
        account, "attach", "--function-arn", account.claims, *arguments, exit_code=exit_code
    )


def both(account: Account) -> tuple[str, ...]:
    return ("--function-arn", account.claims, "--sync-function-arn", account.sync)


def settings(account: Account) -> dict[str, Any]:
    """Give all of the pool but its triggers, and the days that Cognito takes from the password policy."""
    pool = account.pool()
    pool["AdminCreateUserConfig"].pop("UnusedAccountValidityDays", None)
    del pool["LambdaConfig"], pool["LastModifiedDate"]
    return pool


@pytest.mark.parametrize("version", ["V1_0", "V2_0", "V3_0"])
def test_a_pool_gets_its_triggers_and_keeps_every_other_setting(
    account: Account, version: str
) -> None:
    before = settings(account)

    ran = command(account, "attach", *both(account), "--event-version", version)

    assert settings(account) == before
    assert account.triggers() == {
        "PreSignUp": account.other,
        "PreTokenGeneration": account.claims,
        "PreTokenGenerationConfig": {"LambdaVersion": version, "LambdaArn": account.claims},
        "PostAuthentication": account.sync,
        "PostConfirmation": account.sync,
    }
    assert [change["path"] for change in ran.content["changed"]] == [
        "LambdaConfig.PostAuthentication",
        "LambdaConfig.PostConfirmation",
        "LambdaConfig.PreTokenGeneration",
        "LambdaConfig.PreTokenGenerationConfig",
    ]
    assert (ran.content["unexpected"], ran.content["dry_run"]) == ([], False)
    assert [*Path().iterdir()] == []


def test_the_pool_and_no_other_may_invoke_the_functions(account: Account) -> None:
    command(account, "attach", *both(account))

    for function in (account.claims, account.sync):
        assert account.statements(function) == [
            {
                "Sid": f"cognito-claims-{account.pool_id}",
                "Effect": "Allow",
                "Principal": {"Service": "cognito-idp.amazonaws.com"},
                "Action": "lambda:InvokeFunction",
                "Resource": function,
                "Condition": {
                    "ArnLike": {"AWS:SourceArn": account.pool()["Arn"]},
                    "StringEquals": {"AWS:SourceAccount": "123456789012"},
                },
            }
        ]


def test_attaching_again_changes_nothing(account: Account) -> None:
    attach(account)
    before = account.pool()

    ran = command(account, "attach", "--function-arn", account.claims, output="text")

    assert ran.out == "Nothing to change.\n"
    assert account.pool() == before
    assert len(account.statements(account.claims)) == 1


@pytest.mark.parametrize("version", ["V1_0", "V2_0", "V3_0"])
def test_without_a_version_an_attached_function_keeps_its_own(
    account: Account, version: str
) -> None:
    attach(account, "--event-version", version)

    command(account, "attach", *both(account))

    config = account.triggers()["PreTokenGenerationConfig"]
    assert config == {"LambdaVersion": version, "LambdaArn": account.claims}
    assert account.triggers()["PostAuthentication"] == account.sync


def test_without_a_version_a_function_at_the_old_key_alone_keeps_v1(account: Account) -> None:
    account.update(PreTokenGeneration=account.claims)

    attach(account)

    assert account.triggers()["PreTokenGenerationConfig"]["LambdaVersion"] == "V1_0"


def test_another_version_is_a_change(account: Account) -> None:
    attach(account, "--event-version", "V1_0")

    ran = attach(account, "--event-version", "V3_0")

    assert ran.content["changed"] == [
        {
            "path": "LambdaConfig.PreTokenGenerationConfig.LambdaVersion",
            "before": "V1_0",
            "after": "V3_0",
        }
    ]


def test_a_dry_run_tells_and_changes_nothing(account: Account) -> None:
    before = account.pool()

    ran = attach(account, "--dry-run")

    assert [change["path"] for change in ran.content["changed"]] == [
        "LambdaConfig.PreTokenGeneration",
        "LambdaConfig.PreTokenGenerationConfig",
    ]
    assert ran.content["dry_run"] is True
    assert (account.pool(), account.statements(account.claims)) == (before, [])
    assert [*Path().iterdir()] == []


@pytest.mark.parametrize(
    ("trigger", "value"),
    [
        ("PreTokenGeneration", lambda arn: arn),
        ("PreTokenGenerationConfig", lambda arn: {"LambdaVersion": "V1_0", "LambdaArn": arn}),
    ],
)
def test_another_function_is_replaced_only_when_that_is_asked_for(
    account: Account, trigger: str, value: Callable[[str], Any]
) -> None:
    account.update(**{trigger: value(account.other)})
    before = account.pool()

    ran = attach(account, exit_code=2)

    told = f"{trigger}: {account.other} is attached; --replace replaces it"
    assert ran.err == f"cognito-claims: {told}\n"
    assert (account.pool(), account.statements(account.claims)) == (before, [])
    attach(account, "--replace")
    assert account.triggers()["PreTokenGeneration"] == account.claims
    assert account.triggers()["PreTokenGenerationConfig"]["LambdaArn"] == account.claims


def test_one_function_of_the_two_can_be_attached_alone(account: Account) -> None:
    account.update(PreTokenGeneration=account.other)

    command(account, "attach", "--sync-function-arn", account.sync)

    assert account.triggers() == {
        "PreTokenGeneration": account.other,
        "PostAuthentication": account.sync,
        "PostConfirmation": account.sync,
    }


def test_detaching_undoes_attaching(account: Account) -> None:
    before = account.pool()
    command(account, "attach", *both(account))

    ran = command(account, "detach", *both(account))

    assert [*differences(before, account.pool())] == []
    assert account.triggers() == {"PreSignUp": account.other}
    assert account.statements(account.claims) == account.statements(account.sync) == []
    assert len(ran.content["notes"]) == 2
    again = command(account, "detach", *both(account), output="text")
    assert again.out == "Nothing to change.\n"


def test_detaching_leaves_another_function_where_it_is(account: Account) -> None:
    account.update(PreTokenGeneration=account.other)

    ran = command(account, "detach", *both(account))

    assert ran.content["changed"] == []
    assert account.triggers() == {"PreTokenGeneration": account.other}


def test_a_permission_that_another_trigger_needs_stays(account: Account) -> None:
    one = ("--function-arn", account.claims, "--sync-function-arn", account.claims)
    command(account, "attach", *one)

    ran = command(account, "detach", "--function-arn", account.claims)

    assert account.triggers()["PostAuthentication"] == account.claims
    assert (len(account.statements(account.claims)), ran.content["notes"]) == (1, [])


def test_a_permission_that_somebody_else_gave_stays_and_nothing_else_is_told(
    account: Account,
) -> None:
    account.functions.add_permission(
        FunctionName=account.claims,
        StatementId="template",
        Action="lambda:InvokeFunction",
        Principal="cognito-idp.amazonaws.com",
        SourceArn=account.pool()["Arn"],
        SourceAccount="123456789012",
    )
    attach(account)

    ran = command(account, "detach", "--function-arn", account.claims)

    assert [statement["Sid"] for statement in account.statements(account.claims)] == ["template"]
    assert ran.content["notes"] == []


def test_a_dry_run_of_detaching_changes_nothing(account: Account) -> None:
    attach(account)
    before = account.pool()

    ran = command(account, "detach", "--function-arn", account.claims, "--dry-run", output="text")

    assert "would change: LambdaConfig.PreTokenGeneration: " in ran.out
    assert "would change: " in ran.out.splitlines()[-1]
    assert (account.pool(), len(account.statements(account.claims))) == (before, 1)


# Interrupted, and changed by others


def killed_after(method: str) -> Any:
    """Let the process end right after one of the steps."""
    real = getattr(Attachment, method)

    def step(self: Attachment, *arguments: Any) -> None:
        real(self, *arguments)
        raise KeyboardInterrupt

    return mock.patch.object(Attachment, method, step)


@pytest.mark.parametrize("method", ["_save", "_refuse_if_changed", "_update"])
def test_who_was_killed_in_between_is_finished_by_the_next_run(
    account: Account, method: str
) -> None:
    before = settings(account)
    with killed_after(method):
        attach(account, exit_code=130)
    assert [path.name for path in Path().iterdir()] == [f"attach-{account.pool_id}.json"]

    attach(account)

    assert settings(account) == before
    assert account.triggers()["PreTokenGeneration"] == account.claims
    assert len(account.statements(account.claims)) == 1
    assert [*Path().iterdir()] == []


def test_what_was_changed_since_an_interrupted_run_is_told_and_left_alone(
    account: Account,
) -> None:
    with killed_after("_update"):
        attach(account, exit_code=130)
    pool = account.pool()
    account.cognito.update_user_pool(**{**carried_over(pool), "DeletionProtection": "ACTIVE"})
    changed = account.pool()

    ran = attach(account, exit_code=1)

    assert ran.content["unexpected"] == [
        {"path": "DeletionProtection", "before": "INACTIVE", "after": "ACTIVE"}
    ]
    assert account.pool() == changed
    assert [path.name for path in Path().iterdir()] == [f"attach-{account.pool_id}.json"]


def test_a_trigger_that_an_interrupted_run_lost_is_told(account: Account) -> None:
    with killed_after("_update"):
        attach(account, exit_code=130)
    account.update(**{n: v for n, v in account.triggers().items() if n != "PreSignUp"})

    ran = attach(account, exit_code=1)

    assert [found["path"] for found in ran.content["unexpected"]] == ["LambdaConfig.PreSignUp"]
    assert ran.content["changed"] == []
    saved = f"attach-{account.pool_id}.json holds the pool as an interrupted run found it"
    assert ran.content["notes"][-1].startswith(saved)


def test_an_update_that_cognito_throttles_is_not_sent_again(account: Account, moto: str) -> None:
    sent: list[str] = []

    def throttled(action: str, _: object) -> Answer | None:
        if action != "UpdateUserPool":
            return None
        sent.append(action)
        return Answer.refusing("TooManyRequestsException")

    with in_front_of(moto, throttled) as (url, _):
        environ = {**account.environ, "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": url}
        arguments = ("--user-pool-id", account.pool_id, "--function-arn", account.claims)
        ran = run("attach", *arguments, environ=environ, exit_code=2)

    assert sent == ["UpdateUserPool"]
    assert "TooManyRequestsException" in ran.err


def changed_meanwhile(account: Account) -> Any:
    """Let somebody change the pool once its description is saved."""
    real = Attachment._save

    def save(self: Attachment, *arguments: Any) -> None:
        real(self, *arguments)
        pool = account.pool()
        account.cognito.update_user_pool(**{**carried_over(pool), "DeletionProtection": "ACTIVE"})

    return mock.patch.object(Attachment, "_save", save)


def test_who_changes_the_pool_meanwhile_is_not_overwritten(account: Account) -> None:
    with changed_meanwhile(account):
        ran = attach(account, exit_code=2)

    told = "somebody else is changing it (DeletionProtection); run again"
    assert ran.err == f"cognito-claims: {account.pool_id}: {told}\n"
    assert account.pool()["DeletionProtection"] == "ACTIVE"
    assert account.triggers() == {"PreSignUp": account.other}
    attach(account)
    assert account.pool()["DeletionProtection"] == "ACTIVE"


def test_what_an_interrupted_run_saved_outlives_somebodys_change(account: Account) -> None:
    with killed_after("_save"):
        attach(account, exit_code=130)
    saved = Path(f"attach-{account.pool_id}.json")
    account.update({"EmailVerificationSubject": "Your code"}, PreSignUp=account.other)
    before = json.loads(saved.read_text())
    before["EmailVerificationSubject"] = "Your code"  # mended, as the note asks for
    saved.write_text(json.dumps({**before, "EstimatedNumberOfUsers": -1}))

    with changed_meanwhile(account):
        attach(account, exit_code=2)

    assert json.loads(saved.read_text())["EstimatedNumberOfUsers"] == -1


def test_what_an_update_loses_is_told(account: Account) -> None:
    def lossy(pool: dict[str, Any]) -> dict[str, Any]:
        kept = carried_over(pool)
        del kept["DeviceConfiguration"]
        return kept

    with mock.patch("cognito_claims.cli.attach.carried_over", lossy):
        ran = command(
            account, "attach", "--function-arn", account.claims, exit_code=1, output="text"
        )

    assert "unexpected: DeviceConfiguration: " in ran.out
    assert [path.name for path in Path().iterdir()] == [f"attach-{account.pool_id}.json"]


def test_what_set_user_pool_mfa_config_had_set_is_set_again(account: Account) -> None:
    mfa = {"SoftwareTokenMfaConfiguration": {"Enabled": True}, "MfaConfiguration": "OPTIONAL"}
    account.cognito.set_user_pool_mfa_config(UserPoolId=account.pool_id, **mfa)

    attach(account)

    found = account.cognito.get_user_pool_mfa_config(UserPoolId=account.pool_id)
    assert {name: found[name] for name in mfa} == mfa


# Wrong input


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name a function: --function-arn, --sync-function-arn or both"),
        (["--function-arn", "claims"], "--function-arn: expected a function's ARN"),
        (
            ["--function-arn", "arn:aws:s3:eu-west-1:123456789012:function:f"],
            "--function-arn: expected a function's ARN",
        ),
        (
            ["--sync-function-arn", "arn:aws:lambda:eu-west-1:123456789012:layer:f"],
            "--sync-function-arn: expected a function's ARN",
        ),
        (
            ["--function-arn", "arn:aws:lambda:us-east-1:123456789012:function:f"],
            "the functions must lie in the pool's region, eu-west-1",
        ),
        (
            ["--function-arn", "arn:aws:lambda:eu-west-1:1:function:f:live:x"],
            "--function-arn: expected a function's ARN",
        ),
    ],
)
def test_wrong_input_is_told_in_one_line(account: Account, arguments: list[str], told: str) -> None:
    ran = command(account, "attach", *arguments, exit_code=2)

    assert ran.err.startswith(f"cognito-claims: {told}")
    assert ran.err.count("\n") == 1


def test_a_pool_or_function_that_is_not_there_is_told(account: Account) -> None:
    nowhere = f"{account.claims}-nowhere"
    ran = command(account, "attach", "--function-arn", nowhere, exit_code=2)

    assert "ResourceNotFoundException" in ran.err
    assert account.triggers() == {"PreSignUp": account.other}
    account.pool_id = "eu-west-1_Nowhere"
    ran = attach(account, exit_code=2)
    assert ran.err.startswith("cognito-claims: eu-west-1_Nowhere: ResourceNotFoundException")


def test_a_pool_whose_plan_has_no_such_events_is_refused(account: Account) -> None:
    account.update({"UserPoolTier": "LITE"})

    ran = attach(account, "--event-version", "V2_0", exit_code=2)

    assert f"{account.pool_id}: LITE has no V2_0" in ran.err
    attach(account, "--event-version", "V1_0")


@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_a_function_that_is_not_there_is_told_before_anything_is_done(
    account: Account, dry: list[str]
) -> None:
    nowhere = f"{account.claims}-nowhere"

    ran = command(account, "attach", "--function-arn", nowhere, *dry, exit_code=2)

    assert "ResourceNotFoundException" in ran.err
    assert account.triggers() == {"PreSignUp": account.other}


def test_a_file_that_is_no_description_is_told(account: Account) -> None:
    path = Path(f"attach-{account.pool_id}.json")
    path.write_text("{")

    ran = attach(account, exit_code=2)

    assert ran.err == f"cognito-claims: {path}: not a pool's description; remove it\n"
