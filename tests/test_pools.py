"""A handler answers the events of some pools, and of no other."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from cognito_claims import registry
from cognito_claims.claims import Claims
from cognito_claims.errors import Problem, SettingsError, SignInError, UserPoolError
from cognito_claims.handlers import (
    Handler,
    pre_token_generation,
    pre_token_generation_from_env,
    user_sync,
    user_sync_from_env,
)
from cognito_claims.pools import ANY, require_answered
from cognito_claims.sync import from_env as sinks
from cognito_claims.testing import (
    a_machine_event,
    a_post_authentication_event,
    a_user_event,
    recorded,
    to_json,
)
from cognito_claims.tools.evaluation.check import check
from cognito_claims.tools.evaluation.preview import preview

OURS, OTHERS = "eu-west-1_Ours1", "eu-west-1_Other"
SETTING = "COGNITO_CLAIMS_USER_POOLS"
SYNC = {
    "USER_SYNC_SINKS": "hasura",
    "HASURA_SYNC_URL": "https://hasura.example.com/v1/graphql",
    "HASURA_SYNC_ADMIN_SECRET": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf",
}
TOKENS = {"COGNITO_CLAIMS_PLUGINS": "hasura"}
EVENTS = [a_user_event(), a_machine_event(), a_post_authentication_event()]


def event_of(pool: str, event: Any) -> dict[str, Any]:
    if event == EVENTS[2]:
        return {**recorded("postauth_Authentication"), "userPoolId": pool}
    return to_json(event._replace(user_pool_id=pool))


def made(event: Any, asked: list[str], pools: tuple[str, ...] = (OURS,)) -> Handler:
    def plugin(event: Any) -> Claims:
        asked.append(event.user_pool_id)
        return Claims()

    if event == EVENTS[2]:
        return user_sync(user_pools=pools, plugin=plugin)
    return pre_token_generation(user_pools=pools, plugin=plugin)


@pytest.mark.parametrize("event", EVENTS, ids=["user", "machine", "sync"])
def test_an_event_of_another_pool_is_refused_before_any_plugin_is_asked(
    event: Any, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []
    handler = made(event, asked)

    handler(event_of(OURS, event), None)
    with pytest.raises(SignInError) as refused:
        handler(event_of(OTHERS, event), None)

    assert (asked, refused.value.reason_code) == ([OURS], "user-pool")
    told = "the event's pool is not one of COGNITO_CLAIMS_USER_POOLS (user_pools)"
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR] == [
        f"sign-in refused: userPoolId: {told} [user-pool]"
    ]


@pytest.mark.parametrize("pool", ["eu-west-1_ours1", "eu-west-1_Ours", "", "any"])
def test_a_pool_is_answered_to_the_letter(pool: str) -> None:
    with pytest.raises(UserPoolError) as refused:
        require_answered(pool, (OURS,))

    assert refused.value.user_pool_id == pool


def test_any_pool_is_answered_unless_some_are_named() -> None:
    asked: list[str] = []

    made(EVENTS[0], asked, ANY)(event_of(OTHERS, EVENTS[0]), None)

    assert asked == [OTHERS]
    assert registry.load(TOKENS).user_pools == sinks.load(SYNC).user_pools == ANY


@pytest.mark.parametrize("load", [registry.load, sinks.load])
@pytest.mark.parametrize(
    ("text", "pools"),
    [
        ("", ANY),
        (f" {OURS} ", (OURS,)),
        (f"{OURS}, us-gov-west-1_a1", (OURS, "us-gov-west-1_a1")),
    ],
)
def test_both_functions_read_the_pools(load: Any, text: str, pools: tuple[str, ...]) -> None:
    assert load({**TOKENS, **SYNC, SETTING: text}).user_pools == pools


@pytest.mark.parametrize("load", [registry.load, sinks.load])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("none", "names no pool; leave it out to answer any"),
        (f"any,{OURS}", "entry 1: expected a pool's id, as in eu-west-1_AbCd"),
        (f"{OURS},", "entry 2 of the comma list is empty"),
        *(
            (text, "entry 1: expected a pool's id, as in eu-west-1_AbCd")
            for text in (
                "*",
                "eu-west-1",
                "eu-west-1_",
                "eu-west-1_Ab_Cd",
                "EU-WEST-1_AbCd",
                "eu-west_AbCd",
                "west-1_AbCd",
                "eu--1_AbCd",
                "eu-west-1_Äb",
                f"arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{OURS}",
            )
        ),
    ],
)
def test_what_is_no_pools_id_is_told_once_and_never_means_any(
    load: Any, text: str, problem: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        load({**TOKENS, **SYNC, SETTING: text})

    assert raised.value.problems == (Problem(SETTING, problem),)


@pytest.mark.parametrize("made", [pre_token_generation, user_sync])
@pytest.mark.parametrize("pools", [(), "eu-west-1_Ours1", (None,), ["any"]])
def test_in_code_too_what_is_no_pools_id_makes_no_handler(made: Any, pools: Any) -> None:
    with pytest.raises(SettingsError, match=r"^user_pools: "):
        made(user_pools=pools, plugin=lambda _: Claims())


@pytest.mark.parametrize("name", ["COGNITO_CLAIMS_USER_POOL", "COGNITO_CLAIMS_LOGSUB"])
def test_a_misspelt_setting_of_both_functions_is_told_by_the_sync_too(name: str) -> None:
    with pytest.raises(SettingsError) as raised:
        sinks.load({**SYNC, name: "x"})

    assert [problem.setting for problem in raised.value.problems] == [name]


def test_the_sync_as_a_plugin_tells_a_wrong_pool_once() -> None:
    with pytest.raises(SettingsError) as raised:
        registry.load({**SYNC, "COGNITO_CLAIMS_PLUGINS": "user_sync", SETTING: "x"})

    assert len(raised.value.problems) == 1


def test_every_problem_of_a_sync_is_told_beside_a_wrong_pool() -> None:
    with pytest.raises(SettingsError) as raised:
        sinks.load({**SYNC, "HASURA_SYNC_URL": "", SETTING: "x"})

    assert [p.setting for p in raised.value.problems] == [SETTING, "HASURA_SYNC_URL"]


@pytest.mark.parametrize(
    ("from_env", "environ", "event"),
    [
        (pre_token_generation_from_env, TOKENS, EVENTS[0]),
        (user_sync_from_env, SYNC, EVENTS[2]),
    ],
)
def test_the_ready_made_functions_refuse_other_pools(
    from_env: Any, environ: Mapping[str, str], event: Any
) -> None:
    handler = from_env({**environ, SETTING: OURS})

    with pytest.raises(SignInError, match=r"\[user-pool\]$"):
        handler(event_of(OTHERS, event), None)


# The log


def record(caplog: pytest.LogCaptureFixture) -> Mapping[str, Any]:
    found: Mapping[str, Any] = vars(caplog.records[-1])
    return found


@pytest.mark.parametrize("make", [pre_token_generation, user_sync])
@pytest.mark.parametrize("logs_sub", [True, False])
def test_the_sub_is_logged_when_that_is_asked_for(
    make: Any, caplog: pytest.LogCaptureFixture, *, logs_sub: bool
) -> None:
    caplog.set_level(logging.INFO, "cognito_claims")
    event = EVENTS[2] if make is user_sync else EVENTS[0]
    handler = make(log_sub=logs_sub, user_pools=(OURS,), plugin=lambda _: Claims())

    handler(event_of(OURS, event), None)

    sub = event_of(OURS, event)["request"]["userAttributes"]["sub"]
    assert record(caplog).get("sub") == (sub if logs_sub else None)
    attributes = event_of(OURS, event)["request"]["userAttributes"]
    told = str([vars(r) for r in caplog.records])
    values = {text for name, text in attributes.items() if name != "sub" and len(text) > 5}
    assert {text for text in values if text in told} == set()
    with pytest.raises(SignInError):  # of another pool's users nothing is known
        handler(event_of(OTHERS, event), None)
    assert "sub" not in record(caplog)


def test_a_machine_has_no_sub_to_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "cognito_claims")

    pre_token_generation(log_sub=True, plugin=lambda _: Claims())(event_of(OURS, EVENTS[1]), None)

    assert "sub" not in record(caplog)


@pytest.mark.parametrize("load", [registry.load, sinks.load])
def test_both_functions_read_whether_to_log_the_sub(load: Any) -> None:
    environ = {**TOKENS, **SYNC}

    assert load(environ).log_sub is False
    assert load({**environ, "COGNITO_CLAIMS_LOG_SUB": "true"}).log_sub is True
    with pytest.raises(
        SettingsError, match=r"^COGNITO_CLAIMS_LOG_SUB: expected one of true, false"
    ):
        load({**environ, "COGNITO_CLAIMS_LOG_SUB": "yes"})


# The commands


def test_a_preview_refuses_what_the_function_refuses_and_lends_a_recorded_event_the_own_pool() -> (
    None
):
    environ = {**TOKENS, SETTING: OURS}

    refused = preview(event_of(OTHERS, EVENTS[0]), environ)
    lent = preview(recorded("pretoken_v2_Authentication"), environ)

    assert [(f.code, f.level) for f in refused.findings] == [("user-pool", "error")]
    assert lent.id_token is not None
    issuer = f"https://cognito-idp.eu-west-1.amazonaws.com/{OURS}"
    assert (lent.id_token.after["iss"], lent.verdicts["hasura"]["accepted"]) == (issuer, True)


@pytest.mark.parametrize("environ", [TOKENS, SYNC])
def test_a_check_says_that_the_log_names_users(environ: Mapping[str, str]) -> None:
    limited = {**environ, SETTING: OURS}

    before = check(limited)
    after = check({**limited, "COGNITO_CLAIMS_LOG_SUB": "true"})

    assert [f.code for f in after if f not in before] == ["logs-sub"]
    assert [f.level for f in before if f.level == "error"] == []
