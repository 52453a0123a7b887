"""What `check` says of a user sync's settings."""

import json
import sys
from pathlib import Path

import pytest

from cognito_claims.__main__ import main
from cognito_claims.tools.evaluation.check import check

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/users"
WORKER = {
    "HASURA_SYNC_URL": "https://hasura.example.com/v1/graphql",
    "HASURA_SYNC_ADMIN_SECRET": "hunter2",
    "HASURA_SYNC_ROLE": "cognito_sync",
}
INLINE = {**WORKER, "USER_SYNC_SINKS": "hasura"}
UPDATES = {
    "HASURA_SYNC_COLUMNS": "id=sub,email=email,name=name",
    "HASURA_SYNC_UPDATE_COLUMNS": "email,name",
}
UNVERIFIED = (
    "null-unless-verified",
    "warning",
    "HASURA_SYNC_COLUMNS: email is null for a user whose email is not verified",
)


def writable(column: str, source: str) -> tuple[str, str, str]:
    told = f"{column} is taken from {source}, which app clients may write unless their WriteAttributes leave it out: let no permission rest on it"
    return "writable-attribute", "warning", f"HASURA_SYNC_COLUMNS: {told}"


OF_UPDATES = [UNVERIFIED, writable("name", "name")]
NO_VERSION = (
    "no-version-column",
    "warning",
    "HASURA_SYNC_VERSION_COLUMN: unset, an older sync that comes late overwrites what a newer one wrote to email, name",
)
AS_ADMIN = (
    "sync-as-admin",
    "warning",
    "HASURA_SYNC_ROLE: the sync acts as Hasura's admin, who sees and changes everything",
)


@pytest.mark.parametrize(
    "settings",
    [
        WORKER,
        INLINE,
        {**INLINE, "USER_SYNC_QUEUE_URL": QUEUE},
        {"USER_SYNC_SINKS": "queue", "USER_SYNC_QUEUE_URL": QUEUE},
        {**INLINE, "COGNITO_CLAIMS_PLUGINS": "hasura,user_sync"},
    ],
    ids=["worker", "inline", "with a queue", "queue alone", "as a plugin"],
)
def test_settings_of_a_sync_that_are_sound_have_no_findings(settings: dict[str, str]) -> None:
    assert check(settings) == []


UNKNOWN = (
    "unknown-attribute",
    "warning",
    "HASURA_SYNC_COLUMNS: username is no attribute of Cognito's, so that name is always null; userName is the user's name",
)
IDENTITY = (
    "updated-identity",
    "warning",
    "HASURA_SYNC_UPDATE_COLUMNS: id is a user's identity: to update it gives one user's row to another",
)


@pytest.mark.parametrize("base", [WORKER, INLINE], ids=["worker", "inline"])
@pytest.mark.parametrize(
    ("more", "findings"),
    [
        ({"HASURA_SYNC_COLUMNS": "id=sub,role=custom:role"}, [writable("role", "custom:role")]),
        (
            {"HASURA_SYNC_COLUMNS": "id=sub,who=preferred_username"},
            [writable("who", "preferred_username")],
        ),
        ({"HASURA_SYNC_COLUMNS": "id=sub,s=cognito:user_status,e=email_verified"}, []),
        ({**UPDATES, "HASURA_SYNC_VERSION_COLUMN": "synced_at"}, OF_UPDATES),
        ({"HASURA_SYNC_COLUMNS": "id=sub,name=username"}, [UNKNOWN]),
        (
            {"HASURA_SYNC_UPDATE_COLUMNS": "id", "HASURA_SYNC_VERSION_COLUMN": "synced_at"},
            [IDENTITY],
        ),
        (UPDATES, [NO_VERSION, *OF_UPDATES]),
        ({"HASURA_SYNC_ROLE": ""}, [AS_ADMIN]),
        ({"HASURA_SYNC_ROLE": "admin"}, [AS_ADMIN]),
        ({**UPDATES, "HASURA_SYNC_ROLE": ""}, [NO_VERSION, AS_ADMIN, *OF_UPDATES]),
    ],
    ids=[
        "custom",
        "standard",
        "not theirs",
        "versioned",
        "unknown",
        "identity",
        "no version",
        "no role",
        "admin",
        "neither",
    ],
)
def test_what_is_dangerous_in_a_sync_is_a_warning(
    base: dict[str, str], more: dict[str, str], findings: list[tuple[str, str, str]]
) -> None:
    assert check({**base, **more}) == findings


def test_a_plugins_sync_is_warned_of_once() -> None:
    plugin = {"COGNITO_CLAIMS_PLUGINS": "hasura,user_sync"}

    assert check({**INLINE, **plugin, **UPDATES}) == [NO_VERSION, *OF_UPDATES]


@pytest.mark.parametrize(
    ("settings", "problems"),
    [
        (
            {**INLINE, "USER_SYNC_SINKS": "hunter2"},
            ["USER_SYNC_SINKS: expected one of hasura, queue"],
        ),
        ({**WORKER, "HASURA_SYNC_ADMIN_SECRET": ""}, ["HASURA_SYNC_ADMIN_SECRET: required"]),
        ({**WORKER, "HASURA_SYNC_URL": ""}, ["HASURA_SYNC_URL: required"]),
        (
            {"USER_SYNC_SINKS": "hasura"},
            ["HASURA_SYNC_URL: required", "HASURA_SYNC_ADMIN_SECRET: required"],
        ),
        (
            {"USER_SYNC_SINKS": "queue"},
            ["USER_SYNC_QUEUE_URL: required for the sink queue"],
        ),
        (
            {"USER_SYNC_SINKS": "queue", "USER_SYNC_QUEUE_URL": f"{QUEUE}.fifo"},
            ["USER_SYNC_QUEUE_URL: expected a standard queue; a version column keeps the order"],
        ),
    ],
)
def test_a_wrong_setting_of_a_sync_is_an_error_told_once(
    settings: dict[str, str], problems: list[str]
) -> None:
    assert check(settings) == [("settings", "error", problem) for problem in problems]


def test_a_sync_does_not_hide_what_is_wrong_with_the_claims() -> None:
    assert check({**INLINE, "COGNITO_CLAIMS_PLUGINS": "hasurra"})[0].level == "error"


def test_the_command_warns_and_exits_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = tmp_path / "sync.env"
    env_file.write_text("\n".join(f"{k}={v}" for k, v in {**INLINE, **UPDATES}.items()))

    arguments = ["check", "--env-file", str(env_file), "--format", "json"]
    monkeypatch.setattr(sys, "argv", ["cognito-claims", *arguments])

    with pytest.raises(SystemExit) as ended:
        main()

    printed = capsys.readouterr().out
    assert ended.value.code == 0
    codes = [finding["code"] for finding in json.loads(printed)["findings"]]
    assert codes == ["no-version-column", "null-unless-verified", "writable-attribute"]
    assert "hunter2" not in printed
