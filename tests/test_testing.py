"""The testing kit: builders, recorded events, acceptance, and the fixtures that pytest finds by itself."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cognito_claims import (
    Claims,
    EventError,
    PreTokenGenerationEvent,
    TriggerVersion,
    UserEvent,
    pre_token_generation,
)
from cognito_claims.testing import (
    a_machine_event,
    a_post_authentication_event,
    a_user_event,
    recorded,
    recorded_names,
    to_json,
)
from cognito_claims.testing.acceptance import assert_accepted

ROOT = Path(__file__).parents[1]
USERS_TEST = """
from cognito_claims import Claims, pre_token_generation

def plan(event):
    return Claims.adding({"plan": "free"}) if event.user else Claims()

def test_one(user_event):
    assert plan(user_event) == Claims.adding({"plan": "free"})

def test_two(machine_event):
    assert plan(machine_event) == Claims()

def test_three(recorded_event, lambda_context):
    handler = pre_token_generation(plan=plan)
    assert "response" in handler(recorded_event, lambda_context)
    assert lambda_context.get_remaining_time_in_millis() == 5000

def test_four(assert_accepted):
    assert assert_accepted(pre_token_generation(plan=plan))
"""


def test_a_user_event_is_a_v2_event_of_a_user_with_a_verified_email() -> None:
    event = a_user_event()

    assert event.version is TriggerVersion.V2_0
    assert event.user is not None
    assert event.user.verified("email") == "jane.doe@example.com"
    assert event.groups == ()


def test_a_user_event_takes_what_the_test_is_about() -> None:
    event = a_user_event(
        groups=("admin",), version="1", email_verified=False, attributes={"custom:tier": "pro"}
    )

    assert (event.groups, event.version, event.scopes) == (("admin",), TriggerVersion.V1_0, ())
    assert event.user is not None
    assert event.user.verified("email") is None
    assert event.user.verified("custom:tier") == "pro"


def test_a_user_event_may_be_without_an_email() -> None:
    user = a_user_event(email=None).user

    assert user is not None
    assert {"email", "email_verified"} & set(user.attributes) == set()


def test_a_machine_event_has_no_user() -> None:
    event = a_machine_event(scopes=("a/b",))

    assert (event.user, event.scopes, event.version) == (None, ("a/b",), TriggerVersion.V3_0)


def test_a_post_authentication_event_is_of_a_user() -> None:
    event = a_post_authentication_event(new_device_used=True)

    assert isinstance(event, UserEvent)
    assert (event.user.name, event.new_device_used) == ("jane.doe", True)


@pytest.mark.parametrize("name", recorded_names("pretoken_"))
def test_the_way_to_json_leads_back_to_the_event(name: str) -> None:
    event = PreTokenGenerationEvent.from_json(recorded(name))

    assert PreTokenGenerationEvent.from_json(to_json(event)) == event


def test_a_recorded_event_is_read_afresh() -> None:
    recorded("pretoken_v2_Authentication")["request"].clear()

    assert recorded("pretoken_v2_Authentication")["request"] != {}


def test_a_name_that_is_not_recorded_is_told_with_the_nearest() -> None:
    with pytest.raises(LookupError, match="did you mean pretoken_v2_Authentication"):
        recorded("pretoken_v2_Authentification")


def test_there_is_a_recorded_event_for_every_source_and_version() -> None:
    sources = ["Authentication", "AuthenticateDevice", "HostedAuth", "NewPasswordChallenge"]
    expected = {f"pretoken_v{v}_{s}" for v in "123" for s in (*sources, "RefreshTokens")}

    missing = (expected | {"pretoken_v3_ClientCredentials"}) - set(recorded_names())

    assert missing == set()


def test_acceptance_gives_the_tokens_by_event() -> None:
    handler = pre_token_generation(tier=lambda event: _tier(event, {"tier": "pro"}))

    tokens = assert_accepted(handler)

    assert set(tokens) == set(recorded_names("pretoken_"))
    assert (tokens["pretoken_v2_Authentication"].id_token or {})["tier"] == "pro"


def test_acceptance_tells_everything_that_cognito_would_refuse() -> None:
    def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
        return {**event, "response": {"claimOverrideDetails": {}}}

    with pytest.raises(AssertionError) as failure:
        assert_accepted(handler, versions=("1",))

    lines = str(failure.value).splitlines()
    assert {line.split(":")[0] for line in lines} == set(recorded_names("pretoken_v1_"))
    assert {line.rpartition(" ")[2] for line in lines} == {"[missing-key]", "[unknown-key]"}


def test_acceptance_can_be_of_certain_versions_only() -> None:
    handler = pre_token_generation(tier=lambda event: _tier(event, {"tier": 1}))

    assert set(assert_accepted(handler, versions=("2", "3"))) == set(
        recorded_names("pretoken_v2_", "pretoken_v3_")
    )
    with pytest.raises(AssertionError, match="pretoken_v1_Authentication: raised SignInError"):
        assert_accepted(handler)


def test_acceptance_knows_the_events_that_a_handler_must_refuse() -> None:
    machines = [name for name in recorded_names("pretoken_") if "ClientCredentials" in name]
    handler = pre_token_generation(tier=lambda _: Claims.adding({"tier": "pro"}))

    assert set(assert_accepted(handler, refuses=machines)).isdisjoint(machines)
    with pytest.raises(AssertionError, match="pretoken_v2_Authentication: was to be refused"):
        assert_accepted(handler, refuses=[*machines, "pretoken_v2_Authentication"])


def test_acceptance_warns_of_what_is_worth_a_warning_alone() -> None:
    def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
        return {**event, "request": {**event["request"], "seen": True}}

    with pytest.warns(UserWarning, match="request.seen: was added") as told:
        tokens = assert_accepted(handler, versions=("1",))

    assert len(told) == len(tokens) == len(recorded_names("pretoken_v1_"))
    assert {finding.code for each in tokens.values() for finding in each.findings} == {
        "event-changed"
    }


def test_acceptance_marks_the_warnings_beside_what_cognito_would_refuse() -> None:
    def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
        return {**event, "seen": True, "response": None}

    with pytest.raises(AssertionError) as failure:
        assert_accepted(handler, versions=("1",))

    first, second = str(failure.value).splitlines()[:2]
    assert first.startswith("pretoken_v1_AuthenticateDevice: response: must be an object")
    assert second.startswith("pretoken_v1_AuthenticateDevice: warning: seen: was added")


def test_pytest_finds_the_fixtures_without_a_conftest(tmp_path: Path) -> None:
    (tmp_path / "test_users.py").write_text(USERS_TEST)

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert f"{3 + len(recorded_names('pretoken_'))} passed" in run.stdout


def _tier(event: PreTokenGenerationEvent, claims: dict[str, Any]) -> Claims:
    return Claims.adding(claims) if event.user else Claims()


@pytest.mark.parametrize("version", ["2", "V2_0", TriggerVersion.V2_0])
def test_a_version_has_the_spelling_of_the_event_or_of_the_trigger(version: str) -> None:
    assert a_user_event(version=version) == a_user_event()
    assert list(assert_accepted(unchanged, versions=[version])) == [*recorded_names("pretoken_v2_")]


def test_a_version_or_an_event_that_there_is_none_of_is_no_success() -> None:
    with pytest.raises(EventError, match="expected 1, 2 or 3, or V1_0, V2_0 or V3_0"):
        a_user_event(version="V4_0")
    with pytest.raises(EventError, match="expected 1, 2 or 3, or V1_0, V2_0 or V3_0"):
        assert_accepted(unchanged, versions=["V4_0"])
    with pytest.raises(LookupError, match="did you mean pretoken_v2_RefreshTokens"):
        assert_accepted(unchanged, refuses=["pretoken_v2_RefreshToken"])


def unchanged(event: Any, _context: Any) -> Any:
    return event


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("pretoken_v2_Authentcation", "; did you mean pretoken_v2_Authentication?"),
        ("HostedAuth", "; did you mean one of pretoken_v1_HostedAuth, pretoken_v1_HostedAuth_fed"),
        ("TokenGeneration_HostedAuth", "; did you mean one of pretoken_v1_HostedAuth, pretoken"),
        ("pretoken_v3", "; did you mean one of pretoken_v3_AuthenticateDevice, pretoken_v3_Au"),
        ("nothing like it", ""),
    ],
)
def test_an_unknown_event_is_told_with_those_that_may_be_meant(name: str, meant: str) -> None:
    with pytest.raises(LookupError) as raised:
        recorded(name)

    assert str(raised.value).startswith(f"no recorded event {name!r}{meant}")
    assert bool(meant) is str(raised.value).endswith("?")


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("testing.acceptance", "cognito_claims.contract needs pydantic: [testing]"),
        ("contract.surrealdb", "cognito_claims.contract needs pydantic: [testing]"),
        ("functions.user_sync_worker", "the worker needs boto3: [worker]"),
    ],
)
def test_a_missing_extra_is_one_sentence_with_the_command(module: str, told: str) -> None:
    command = [sys.executable, "-S", "-c", f"import cognito_claims.{module}"]
    ran = subprocess.run(
        command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )

    needs, _, extra = told.partition(": ")
    sentence = f"ModuleNotFoundError: {needs}: pip install 'cognito-claims{extra}'"
    assert (ran.stderr.splitlines()[-1], "another exception" in ran.stderr) == (sentence, False)


@pytest.mark.parametrize("module", ["cryptography", "surrealdb"])
def test_a_part_of_an_extra_that_is_missing_is_told_alike(module: str) -> None:
    block = f"import sys; sys.modules[{module!r}] = None; import cognito_claims.contract.surrealdb"
    ran = subprocess.run(
        [sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, check=False
    )

    told = f"cognito_claims.contract needs {module}: pip install 'cognito-claims[testing]'"
    assert ran.stderr.splitlines()[-1] == f"ModuleNotFoundError: {told}"
