"""`attach` and `detach` against moto's Cognito and Lambda: a pool keeps all that it has."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cognito_claims.tools.attach.attach import Attachment
from cognito_claims.tools.pool.update import carried_over, changes
from tests.command import Run, run
from tests.slow import slow
from tests.stand_ins.account import Account
from tests.stand_ins.moto import Answer, answering
from tests.stand_ins.sqs import CREDENTIALS, in_front_of

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


def files() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def settings(account: Account) -> dict[str, Any]:
    """Give all of the pool but its triggers, and the days that Cognito takes from the password policy."""
    pool = account.pool()
    pool["AdminCreateUserConfig"].pop("UnusedAccountValidityDays", None)
    del pool["LambdaConfig"], pool["LastModifiedDate"]
    return pool


@pytest.mark.parametrize("version", ["V2_0", *slow("V1_0", "V3_0")])
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
    assert files() == [f"attach-{account.pool_id}.before.json"]


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


@pytest.mark.parametrize("version", ["V2_0", *slow("V1_0", "V3_0")])
@pytest.mark.slow
def test_without_a_version_an_attached_function_keeps_its_own(
    account: Account, version: str
) -> None:
    attach(account, "--event-version", version)

    command(account, "attach", *both(account))

    config = account.triggers()["PreTokenGenerationConfig"]
    assert config == {"LambdaVersion": version, "LambdaArn": account.claims}
    assert account.triggers()["PostAuthentication"] == account.sync


@pytest.mark.slow
def test_without_a_version_a_function_at_the_old_key_alone_keeps_v1(account: Account) -> None:
    account.update(PreTokenGeneration=account.claims)

    attach(account)

    assert account.triggers()["PreTokenGenerationConfig"]["LambdaVersion"] == "V1_0"


@pytest.mark.slow
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


@pytest.mark.slow
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

    assert [*changes(before, account.pool())] == []
    assert account.triggers() == {"PreSignUp": account.other}
    assert account.statements(account.claims) == account.statements(account.sync) == []
    assert len(ran.content["notes"]) == 2
    again = command(account, "detach", *both(account), output="text")
    assert again.out == "Nothing to change.\n"


@pytest.mark.slow
def test_detaching_leaves_another_function_where_it_is(account: Account) -> None:
    account.update(PreTokenGeneration=account.other)

    ran = command(account, "detach", *both(account))

    assert ran.content["changed"] == []
    assert account.triggers() == {"PreTokenGeneration": account.other}


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.parametrize("method", ["_update", *slow("_save", "_refuse_if_changed")])
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
    assert files() == [f"attach-{account.pool_id}.before.json"]
    command(account, "attach", "--rollback")
    assert (settings(account), account.triggers()) == (before, {"PreSignUp": account.other})


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


@pytest.mark.slow
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


def test_what_may_not_be_read_of_a_function_is_told(account: Account) -> None:
    arguments = ("--user-pool-id", account.pool_id, "--function-arn", account.claims)
    with answering(lambda _: Answer.refusing("AccessDeniedException")) as url:
        environ = {**account.environ, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": url}
        ran = run("attach", *arguments, "--format", "json", environ=environ)

    told = "logs:DescribeLogGroups is not allowed: what it tells is not checked"
    assert ran.content["notes"][1:] == [told]


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


@pytest.mark.slow
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

    with mock.patch("cognito_claims.tools.attach.attach.carried_over", lossy):
        ran = command(
            account, "attach", "--function-arn", account.claims, exit_code=1, output="text"
        )

    assert "unexpected: DeviceConfiguration: " in ran.out
    assert [path.name for path in Path().iterdir()] == [f"attach-{account.pool_id}.json"]


@pytest.mark.slow
def test_what_set_user_pool_mfa_config_had_set_is_set_again(account: Account) -> None:
    mfa = {"SoftwareTokenMfaConfiguration": {"Enabled": True}, "MfaConfiguration": "OPTIONAL"}
    account.cognito.set_user_pool_mfa_config(UserPoolId=account.pool_id, **mfa)

    attach(account)

    found = account.cognito.get_user_pool_mfa_config(UserPoolId=account.pool_id)
    assert {name: found[name] for name in mfa} == mfa


# The way back


def kept(account: Account) -> Path:
    return Path(f"attach-{account.pool_id}.before.json")


@pytest.mark.parametrize("version", ["V2_0", *slow("V1_0", "V3_0")])
def test_a_rollback_restores_the_triggers_with_their_versions_and_nothing_else(
    account: Account, version: str
) -> None:
    config = {"LambdaVersion": version, "LambdaArn": account.other}
    was: dict[str, Any] = {"PreTokenGeneration": account.other, "PreTokenGenerationConfig": config}
    account.update(PreSignUp=account.other, **was)
    before = settings(account)
    command(account, "attach", *both(account), "--replace", "--event-version", "V2_0")
    account.update({"EmailVerificationSubject": "Later"}, **account.triggers())

    planned = command(account, "attach", "--rollback", "--dry-run")
    assert account.triggers()["PreTokenGeneration"] == account.claims
    ran = command(account, "attach", "--rollback")

    assert account.triggers() == {"PreSignUp": account.other, **was}
    assert settings(account) == {**before, "EmailVerificationSubject": "Later"}
    assert ran.content == {**planned.content, "dry_run": False}
    assert [note.partition(": ")[2] for note in ran.content["notes"]] == [
        "Cognito may invoke it, for this pool",
        "the permission that attach gave is taken back",
        "the permission that attach gave is taken back",
    ]
    assert files() == []
    assert [len(account.statements(f)) for f in (account.claims, account.sync)] == [0, 0]
    assert len(account.statements(account.other)) == 1  # which nobody had granted


@pytest.mark.slow
def test_a_rollback_of_nothing_is_told(account: Account) -> None:
    ran = command(account, "attach", "--rollback", exit_code=2)

    told = f"{kept(account)}: not here; attach writes it, into the directory it runs in"
    assert ran.err == f"cognito-claims: {told}\n"


def test_triggers_that_somebody_has_changed_since_are_rolled_back_only_when_that_is_asked_for(
    account: Account,
) -> None:
    attach(account)
    command(account, "detach", "--function-arn", account.claims)
    account.update(PreSignUp=account.other, PreTokenGeneration=account.other)

    ran = command(account, "attach", "--rollback", exit_code=2)

    assert "the triggers were changed since attach; --replace restores them all the same" in ran.err
    assert account.triggers()["PreTokenGeneration"] == account.other
    command(account, "attach", "--rollback", "--replace")
    assert account.triggers() == {"PreSignUp": account.other}


@pytest.mark.parametrize("method", ["_update", *slow("_save")])
@pytest.mark.slow
def test_a_rollback_that_was_killed_is_finished_by_the_next(account: Account, method: str) -> None:
    attach(account)
    with killed_after(method):
        command(account, "attach", "--rollback", exit_code=130)

    command(account, "attach", "--rollback")

    assert (account.triggers(), files()) == ({"PreSignUp": account.other}, [])
    assert account.statements(account.claims) == []


@pytest.mark.slow
def test_an_attach_after_a_killed_rollback_keeps_the_first_description(account: Account) -> None:
    attach(account)
    with killed_after("_update"):
        command(account, "attach", "--rollback", exit_code=130)

    attach(account)
    command(account, "attach", "--rollback")

    assert account.triggers() == {"PreSignUp": account.other}


@pytest.mark.slow
def test_a_later_attach_is_what_is_rolled_back(account: Account) -> None:
    attach(account, "--event-version", "V1_0")
    attach(account, "--event-version", "V3_0")
    attach(account)  # which changes nothing

    command(account, "attach", "--rollback")

    assert account.triggers()["PreTokenGenerationConfig"]["LambdaVersion"] == "V1_0"


def test_what_is_kept_is_for_its_owner_alone(account: Account) -> None:
    attach(account)

    assert kept(account).stat().st_mode & 0o777 == 0o600
    assert json.loads(kept(account).read_text())["pool"]["Id"] == account.pool_id


@pytest.mark.parametrize("suffix", [".json", ".before.json"])
@pytest.mark.parametrize("is_there", [True, *slow(not True)])
def test_no_link_is_followed(account: Account, suffix: str, *, is_there: bool) -> None:
    target = Path("somebodys")
    if is_there:
        target.write_text("{}")
    Path(f"attach-{account.pool_id}{suffix}").symlink_to(target)

    attach(account, exit_code=0 if suffix == ".before.json" else 2)

    assert (target.read_text() if is_there else target.exists()) == ("{}" if is_there else False)
    if suffix == ".before.json":
        assert not kept(account).is_symlink()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[]", "not a pool's description; remove it"),
        ("{}", "not a pool's description; remove it"),
        ('{"pool": {"Id": "x"}, "triggers": {}}', "describes another pool"),
    ],
)
@pytest.mark.slow
def test_what_is_no_description_of_the_pool_is_not_restored(
    account: Account, content: str, told: str
) -> None:
    kept(account).write_text(content)

    ran = command(account, "attach", "--rollback", exit_code=2)

    assert ran.err == f"cognito-claims: {kept(account)}: {told}\n"


@pytest.mark.slow
def test_a_rollback_takes_no_function(account: Account) -> None:
    ran = attach(account, "--rollback", exit_code=2)

    assert ran.err == "cognito-claims: --rollback: takes no function and no event version\n"


# The version of the function that is replaced


@pytest.mark.parametrize(
    ("was", "version"),
    [
        ({}, "V1_0"),
        ({"LambdaVersion": "V2_0"}, "V2_0"),
        *slow(({"LambdaVersion": "V1_0"}, "V1_0"), ({"LambdaVersion": "V3_0"}, "V3_0")),
    ],
)
@pytest.mark.parametrize("asked", [None, *slow("V3_0")])
def test_the_event_version_stays_when_a_function_is_replaced(
    account: Account, was: dict[str, str], version: str, asked: str | None
) -> None:
    config = {"PreTokenGenerationConfig": {**was, "LambdaArn": account.other}} if was else {}
    account.update(PreTokenGeneration=account.other, **config)

    ran = attach(account, "--replace", *(("--event-version", asked) if asked else ()))

    new = {"LambdaVersion": asked or version, "LambdaArn": account.claims}
    assert account.triggers()["PreTokenGenerationConfig"] == new
    told = f"{version} stays, as the function that is replaced has it; --event-version sets another"
    assert [n for n in ran.content["notes"] if "stays" in n] == (
        [] if asked else [f"event version: {told}"]
    )


# Checked first


def open_to_all(account: Account) -> None:
    account.functions.add_permission(
        FunctionName=account.claims,
        StatementId="all",
        Action="lambda:InvokeFunction",
        Principal="*",
    )


def test_a_function_that_doctor_finds_an_error_in_is_not_attached(account: Account) -> None:
    open_to_all(account)
    before = account.pool()

    ran = attach(account, exit_code=2)

    told = "PreTokenGeneration: statement all: somebody else than Cognito for this pool may use it"
    assert ran.err.splitlines() == [
        f"cognito-claims: {told}; remove the statement [other-invoker]",
        "cognito-claims: mend it first; --force attaches it all the same",
    ]
    assert (account.pool(), len(account.statements(account.claims))) == (before, 1)
    assert attach(account, "--dry-run", exit_code=2).err == ran.err
    forced = attach(account, "--force")
    assert forced.content["notes"][-1].startswith(f"attached in spite of this: {told}")
    assert account.triggers()["PreTokenGeneration"] == account.claims


@pytest.mark.parametrize(
    ("settings", "arguments", "code"),
    [
        ({"HASURA_TOKENS": "access"}, ["--event-version", "V1_0"], "event-version"),
        *slow(
            ({"COGNITO_CLAIMS_PLUGINS": ""}, [], "settings"),
            ({"HASURA_ALLOWED_ROLES": "user,admin"}, [], "admin-for-everyone"),
            ({"COGNITO_CLAIMS_USER_POOLS": "eu-west-1_Other"}, [], "user-pool"),
        ),
    ],
)
def test_the_settings_of_a_function_are_checked_too(
    account: Account, settings: dict[str, str], arguments: list[str], code: str
) -> None:
    variables = {"COGNITO_CLAIMS_PLUGINS": "hasura", **settings}
    account.functions.update_function_configuration(
        FunctionName=account.claims, Environment={"Variables": variables}
    )

    ran = attach(account, *arguments, exit_code=2)

    assert f"[{code}]" in ran.err
    assert account.triggers() == {"PreSignUp": account.other}


# The question


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_a_terminal(
    account: Account, answer: str, *arguments: str, exit_code: int
) -> tuple[Run, str]:
    """Attach at a terminal whose user types this answer; give what it showed, too."""
    asked = Terminal()
    shown = contextlib.redirect_stderr(asked)
    with (
        mock.patch("sys.stdin", Terminal(answer)),
        mock.patch("contextlib.redirect_stderr", return_value=shown),
    ):
        ran = attach(account, *arguments, exit_code=exit_code)
    return ran, asked.getvalue()


@pytest.mark.parametrize("answer", ["\n", *slow("n\n", "")])
def test_who_does_not_agree_changes_nothing(account: Account, answer: str) -> None:
    _, asked = at_a_terminal(account, answer, exit_code=2)

    assert "would change: LambdaConfig.PreTokenGeneration: nothing -> " in asked
    assert f"would change: {account.claims}: Cognito may invoke it, for this pool" in asked
    told = f"cognito-claims: {account.pool_id}: not confirmed, so that nothing is changed\n"
    assert asked.endswith(f"Change it? [y/N] {told}")
    assert (account.triggers(), account.statements(account.claims)) == (
        {"PreSignUp": account.other},
        [],
    )
    assert files() == []


def test_who_agrees_changes_it(account: Account) -> None:
    ran, asked = at_a_terminal(account, "y\n", exit_code=0)

    assert ran.content["unexpected"] == []  # the answer for programs has no question in it
    assert asked.count("Change it?") == 1
    assert account.triggers()["PreTokenGeneration"] == account.claims


@pytest.mark.parametrize("arguments", [["--yes"], ["--dry-run"]])
@pytest.mark.slow
def test_nobody_is_asked_who_has_agreed_or_only_looks(
    account: Account, arguments: list[str]
) -> None:
    _, asked = at_a_terminal(account, "", *arguments, exit_code=0)

    assert asked == ""


@pytest.mark.slow
def test_nobody_is_asked_about_nothing(account: Account) -> None:
    attach(account)

    assert at_a_terminal(account, "", exit_code=0)[1] == ""


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
def test_wrong_input_is_told_in_one_line(arguments: list[str], told: str) -> None:
    pool = ("--user-pool-id", "eu-west-1_a1B2c3D4e")

    ran = run("attach", *pool, *arguments, environ=CREDENTIALS, exit_code=2)

    assert ran.err.startswith(f"cognito-claims: {told}")
    assert ran.err.count("\n") == 1


def test_a_pool_that_is_not_there_is_told(account: Account) -> None:
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
@pytest.mark.slow
def test_a_function_that_is_not_there_is_told_before_anything_is_done(
    account: Account, dry: list[str]
) -> None:
    nowhere = f"{account.claims}-nowhere"

    ran = command(account, "attach", "--function-arn", nowhere, *dry, exit_code=2)

    told = "there is no such function; deploy it first"
    assert ran.err == f"cognito-claims: {nowhere}: {told}\n"
    assert account.triggers() == {"PreSignUp": account.other}


def test_a_function_that_is_gone_is_not_restored(account: Account) -> None:
    account.update(PreTokenGeneration=account.other)
    attach(account, "--replace")
    account.functions.delete_function(FunctionName=account.other)

    ran = command(account, "attach", "--rollback", exit_code=2)

    told = "there is no such function; deploy it first"
    assert ran.err == f"cognito-claims: {account.other}: {told}\n"
    assert account.triggers()["PreTokenGeneration"] == account.claims


@pytest.mark.slow
def test_a_file_that_is_no_description_is_told(account: Account) -> None:
    path = Path(f"attach-{account.pool_id}.json")
    path.write_text("{")

    ran = attach(account, exit_code=2)

    assert ran.err == f"cognito-claims: {path}: not a pool's description; remove it\n"
