"""Whoever signs in or up ends in a table, by the handler and by the plugin, and what fails does what its policy says."""

import contextlib
import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from time import monotonic, sleep, time
from typing import Any

import pytest

from cognito_claims.__main__ import main
from cognito_claims.claims import Claims
from cognito_claims.errors import CognitoClaimsError, SettingsError, SignInError, TokenDenied
from cognito_claims.events import UserEvent
from cognito_claims.handlers import (
    Handler,
    pre_token_generation,
    pre_token_generation_from_env,
    user_sync,
    user_sync_from_env,
)
from cognito_claims.invocation import dispatch as asking
from cognito_claims.registry import load, optional
from cognito_claims.sync import from_env as sinks
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.sync.rows import Row
from cognito_claims.sync.users import UserSync
from cognito_claims.testing import (
    a_machine_event,
    a_post_authentication_event,
    a_user_event,
    recorded,
    recorded_names,
    to_json,
)
from tests.stand_ins import fauna_wire, hasura
from tests.stand_ins.fauna_wire import Fault
from tests.stand_ins.hasura import SECRET, HasuraServer

JANE = ("a1b2c3d4-5678-90ab-cdef-111122223333", "jane.doe")
GOOGLE = ("b2c3d4e5-6789-01bc-def0-222233334444", "Google_104938271650298374651")
RECORDED = {
    "postauth_Authentication": [JANE],
    "postauth_Authentication_clientMetadata": [JANE],
    "postauth_Authentication_federated": [GOOGLE],
    "postconfirmation_ConfirmForgotPassword": [],
    "postconfirmation_ConfirmSignUp": [JANE],
}
MACHINES = {"pretoken_v3_ClientCredentials", "pretoken_v3_odd_ClientCredentials_no_user"}
EMAIL = {"HASURA_SYNC_COLUMNS": "id=sub,email=email", "HASURA_SYNC_UPDATE_COLUMNS": "email"}
VERSIONED = {**EMAIL, "HASURA_SYNC_VERSION_COLUMN": "synced_at"}
NOBODY_LISTENS = "http://127.0.0.1:1/v1/graphql"
NEUTRAL = "Sign-in could not be completed [{}]"
ELSEWHERE = {
    "USER_SYNC_SINKS": "hasura",
    "HASURA_SYNC_URL": NOBODY_LISTENS,
    "HASURA_SYNC_ADMIN_SECRET": SECRET,
}
PLAIN_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime"}
MILLISECONDS = 400  # a deadline that a test can wait for


class Rows:
    """A sink that keeps what it is given, until it is told to fail."""

    def __init__(self, error: BaseException | None = None, **columns: str) -> None:
        self.columns: Mapping[str, str] = columns or {"id": "sub", "username": "userName"}
        self.written: list[Row] = []
        self.prepared: list[float] = []
        self.deadlines: list[float] = []
        self.error = error

    def prepare(self, *, deadline: float) -> None:
        self.prepared.append(deadline)

    def write(self, rows: Sequence[Row], *, deadline: float) -> None:
        if self.error is not None:
            raise self.error
        self.written += rows
        self.deadlines.append(deadline)


@pytest.fixture(autouse=True)
def outside_of_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "awslambdaric", raising=False)


@pytest.fixture
def server(dsn: str) -> Iterator[HasuraServer]:
    with HasuraServer(dsn) as server:
        yield server


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "cognito_claims")
    return caplog


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock that measures plugins, so that a record can be compared whole."""
    monkeypatch.setattr(asking, "monotonic", lambda: 100.0)


def settings_for(server: HasuraServer, **more: str) -> dict[str, str]:
    return {**ELSEWHERE, "HASURA_SYNC_URL": server.url, **more}


def handler_for(server: HasuraServer, **more: str) -> Handler:
    return user_sync_from_env(settings_for(server, **more))


def plugin_for(server: HasuraServer, **more: str) -> Handler:
    environ = {"COGNITO_CLAIMS_PLUGINS": "hasura,user_sync", **settings_for(server, **more)}
    return pre_token_generation_from_env(environ)


def signing_in(name: str = "postauth_Authentication", **attributes: str) -> dict[str, Any]:
    event = recorded(name)
    event["request"]["userAttributes"].update(attributes)
    return event


def users(server: HasuraServer) -> list[tuple[str, str]]:
    return [(row["id"], row["username"]) for row in server.rows()]


def emails(server: HasuraServer) -> list[tuple[str, str | None]]:
    return [(row["id"], row["email"]) for row in server.rows()]


def refusal(handler: Handler, event: object) -> str:
    with pytest.raises(SignInError) as raised:
        handler(event, None)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    return str(raised.value)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what is logged, without the places, which hold paths and line numbers."""
    found = [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
    return [re.sub(r" at \S+:\d+ in \w+", "", line) for line in found]


def record_of(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """Give the fields of the only record of what an event came to."""
    (record,) = [record for record in caplog.records if record.levelno == logging.INFO]
    return {name: value for name, value in vars(record).items() if name not in PLAIN_RECORD}


def problems(load: Callable[[Mapping[str, str]], object], environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(environ)
    return [str(problem) for problem in raised.value.problems]


# Who is written


def test_every_recorded_event_of_these_triggers_is_expected_here() -> None:
    assert set(RECORDED) == set(recorded_names("postauth_", "postconfirmation_"))


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("policy", ["allow", "deny"])
def test_an_event_ends_in_its_users_row_and_comes_back_as_it_came(
    server: HasuraServer, name: str, policy: str
) -> None:
    event = recorded(name)
    before = deepcopy(event)

    answer = handler_for(server, USER_SYNC_ON_ERROR=policy)(event, None)

    assert answer is event
    assert event == before
    assert users(server) == RECORDED[name]


def test_a_first_federated_sign_in_is_written_though_post_authentication_does_not_run(
    server: HasuraServer,
) -> None:
    event = recorded("postauth_Authentication_federated")
    event["triggerSource"] = "PostConfirmation_ConfirmSignUp"
    del event["request"]["newDeviceUsed"]

    handler_for(server)(event, None)

    assert users(server) == [GOOGLE]


def test_who_signed_up_is_found_again_when_they_sign_in(server: HasuraServer) -> None:
    handler = handler_for(server, USER_SYNC_ON_ERROR="deny")
    for name in ("postconfirmation_ConfirmSignUp", "postauth_Authentication"):
        handler(recorded(name), None)

    assert users(server) == [JANE]
    assert len(server.requests) == 2


def test_a_password_reset_asks_nobody(server: HasuraServer) -> None:
    handler_for(server)(recorded("postconfirmation_ConfirmForgotPassword"), None)

    assert server.requests == []


def test_the_same_event_twice_leaves_one_row(server: HasuraServer) -> None:
    handler = handler_for(server, USER_SYNC_ON_ERROR="deny", **VERSIONED)
    for _ in range(2):
        handler(signing_in(), None)

    assert emails(server) == [(JANE[0], "jane.doe@example.com")]


@pytest.mark.parametrize(
    ("settings", "email"),
    [
        (EMAIL, "jane@example.org"),
        (VERSIONED, "jane@example.org"),
        ({"HASURA_SYNC_COLUMNS": EMAIL["HASURA_SYNC_COLUMNS"]}, "jane.doe@example.com"),
    ],
    ids=["updated", "with a version", "kept"],
)
def test_a_changed_email_arrives_where_the_settings_say_so(
    server: HasuraServer, settings: dict[str, str], email: str
) -> None:
    handler = handler_for(server, USER_SYNC_ON_ERROR="deny", **settings)
    handler(signing_in(), None)
    handler(signing_in(email="jane@example.org"), None)

    assert emails(server) == [(JANE[0], email)]


def test_a_row_is_as_of_now(server: HasuraServer) -> None:
    began = time()
    handler_for(server, **VERSIONED)(signing_in(), None)
    (row,) = server.rows()

    synced_at = row["synced_at"]
    assert began - 1e-3 <= synced_at.timestamp() <= time()
    assert abs(synced_at - datetime.now(UTC)).total_seconds() < 5


# What fails


def with_janes_email_taken(server: HasuraServer, policy: str) -> Handler:
    handler = handler_for(server, USER_SYNC_ON_ERROR=policy, **EMAIL)
    handler(recorded("postauth_Authentication_federated"), None)
    server.requests.clear()
    return handler


TAKEN = "plugin hasura: HasuraError: Hasura: constraint-violation (HTTP 200) [plugin-failed]"


def test_an_email_that_is_anothers_is_in_the_log_and_no_obstacle(
    server: HasuraServer, log: pytest.LogCaptureFixture
) -> None:
    handler = with_janes_email_taken(server, "allow")
    log.clear()
    event = signing_in()

    assert handler(event, None) is event
    assert lines(log) == [f"WARNING not synced: {TAKEN}", "INFO user sync: failed"]
    assert len(server.requests) == 1
    assert emails(server) == [(GOOGLE[0], "jane.doe@example.com")]


def test_an_email_that_is_anothers_refuses_where_that_is_the_policy(
    server: HasuraServer, log: pytest.LogCaptureFixture
) -> None:
    handler = with_janes_email_taken(server, "deny")
    log.clear()

    assert refusal(handler, signing_in()) == NEUTRAL.format("plugin-failed")
    assert lines(log) == [f"ERROR sign-in refused: {TAKEN}", "INFO user sync: refused"]
    assert len(server.requests) == 1


DOWN = [
    hasura.status(503),
    hasura.error("postgres-error"),
    hasura.reset_unexecuted,
    hasura.null_data,
]


@pytest.mark.parametrize("fault", DOWN, ids=["503", "no database", "reset", "no data"])
def test_a_hasura_that_is_down_does_what_the_policy_says(
    server: HasuraServer, fault: Fault
) -> None:
    event = signing_in()
    allowing, denying = (
        handler_for(server, USER_SYNC_ON_ERROR=policy) for policy in ("allow", "deny")
    )
    server.faults += [fault] * 2
    assert allowing(event, None) is event
    server.faults[:] = [fault] * 2
    assert refusal(denying, event) == NEUTRAL.format("plugin-failed")
    server.faults.clear()

    assert users(server) == []
    assert allowing(event, None) is event
    assert users(server) == [JANE]


def test_where_nobody_listens_the_log_says_so(log: pytest.LogCaptureFixture) -> None:
    event = signing_in()

    assert user_sync_from_env(ELSEWHERE)(event, None) is event
    told, done = lines(log)
    assert told.startswith("WARNING not synced: plugin hasura: TransportError: ")
    assert told.endswith(" (connecting) [plugin-failed]")
    assert done == "INFO user sync: failed"


SLOW = [fauna_wire.hang, fauna_wire.slow(5), fauna_wire.drip_body(0.1, endless=True)]


@pytest.mark.parametrize("fault", SLOW, ids=["hangs", "is slow", "drips"])
@pytest.mark.parametrize("policy", ["allow", "deny"])
def test_a_hasura_without_an_answer_keeps_nobody_beyond_the_deadline(
    server: HasuraServer, log: pytest.LogCaptureFixture, fault: Fault, policy: str
) -> None:
    handler = handler_for(
        server, USER_SYNC_ON_ERROR=policy, USER_SYNC_DEADLINE_MS=str(MILLISECONDS)
    )
    server.faults.append(fault)
    event = signing_in()

    began = monotonic()
    if policy == "allow":
        assert handler(event, None) is event
    else:
        assert refusal(handler, event) == NEUTRAL.format("deadline")
    took = monotonic() - began

    assert MILLISECONDS / 1000 - 0.1 < took < MILLISECONDS / 1000 + 0.2
    assert "plugin hasura: no answer before the deadline" in lines(log)[0]


def test_without_a_setting_the_deadline_is_four_seconds() -> None:
    assert sinks.load(ELSEWHERE).deadline_ms == 4000


# The plugin itself


def test_a_sink_is_given_the_row_and_the_time_that_is_left() -> None:
    sink = Rows(id="sub", mail="email", phone="phone_number")
    user = a_post_authentication_event(attributes={"phone_number": "+12065551212"})
    began = monotonic()

    answer = UserSync(sink)(user)

    assert answer == Claims()
    assert [row.values for row in sink.written] == [
        {"id": JANE[0], "mail": "jane.doe@example.com", "phone": None}
    ]
    (deadline,) = sink.deadlines
    assert began + 4 <= deadline <= monotonic() + 4  # outside a handler


def test_a_handlers_deadline_is_the_sinks_a_little_earlier() -> None:
    sink = Rows()
    began = monotonic()
    user_sync(x=UserSync(sink), deadline_ms=1000)(signing_in(), None)

    (deadline,) = sink.deadlines
    assert began + 0.9 < deadline < monotonic() + 0.99


def test_a_sample_writes_nothing() -> None:
    sink = Rows()

    assert UserSync(sink).sample(a_user_event()) == Claims()
    assert (sink.written, sink.prepared) == ([], [])


@pytest.mark.parametrize("make", [user_sync, pre_token_generation])
def test_a_sink_may_fetch_ahead_before_the_first_event(make: Callable[..., Handler]) -> None:
    sink = Rows()
    began = monotonic()
    make(x=optional(UserSync(sink)))
    while not sink.prepared and monotonic() < began + 5:
        sleep(0.001)

    (deadline,) = sink.prepared
    assert began + 4 <= deadline <= monotonic() + 4
    assert sink.written == []


@pytest.mark.parametrize("policy", ["deny", "omit"])
def test_a_sync_in_code_refuses_unless_it_is_optional(policy: str) -> None:
    event = signing_in()
    plugin = UserSync(Rows(ValueError("hunter2")))
    handler = user_sync(x=optional(plugin) if policy == "omit" else plugin)

    if policy == "omit":
        assert handler(event, None) is event
    else:
        assert refusal(handler, event) == NEUTRAL.format("plugin-failed")


def test_a_handler_in_code_writes_to_hasura(server: HasuraServer) -> None:
    sink = HasuraUsers(url=server.url, admin_secret=SECRET)

    user_sync(users=UserSync(sink))(signing_in(), None)

    assert users(server) == [JANE]


def test_a_plugin_of_ones_own_refuses_in_its_own_words_even_when_it_is_optional() -> None:
    def closed(_event: UserEvent) -> Claims:
        raise TokenDenied("We are closed.")

    sink = Rows()
    handler = user_sync(x=optional(closed), y=UserSync(sink))

    with pytest.raises(TokenDenied, match=r"^We are closed\.$"):
        handler(signing_in(), None)
    assert len(sink.written) == 1


def test_several_plugins_are_each_asked_with_the_users_event() -> None:
    asked: list[UserEvent] = []

    def ask(event: UserEvent) -> Claims:
        asked.append(event)
        return Claims()

    user_sync(x=ask, y=ask)(signing_in(), None)

    assert asked == [UserEvent.from_json(signing_in())] * 2


def test_claims_that_no_token_can_carry_are_an_error(log: pytest.LogCaptureFixture) -> None:
    handler = user_sync(x=lambda _: Claims.adding({"plan": "hunter2"}))

    assert refusal(handler, signing_in()) == NEUTRAL.format("plugin-result")
    assert lines(log) == [
        "ERROR sign-in refused: plugin x: returned claims, but this trigger issues no token"
        " [plugin-result]",
        "INFO user sync: refused",
    ]


# Beside a pre token generation trigger


@pytest.mark.parametrize("name", [n for n in recorded_names("pretoken_") if n not in MACHINES])
def test_a_user_is_written_beside_their_claims_which_stay_the_same(
    server: HasuraServer, name: str
) -> None:
    event = recorded(name)
    alone = pre_token_generation_from_env({"COGNITO_CLAIMS_PLUGINS": "hasura"})(event, None)

    answer = plugin_for(server, USER_SYNC_ON_ERROR="deny")(event, None)

    assert answer == alone
    attributes = event["request"]["userAttributes"]
    assert users(server) == [(attributes["sub"], event["userName"])]


@pytest.mark.parametrize(
    "event",
    [*map(recorded, sorted(MACHINES)), to_json(a_machine_event())],
    ids=[*sorted(MACHINES), "built"],
)
def test_a_machine_token_asks_nobody(server: HasuraServer, event: dict[str, Any]) -> None:
    handler = plugin_for(server, USER_SYNC_ON_ERROR="deny")

    assert handler(event, None) == event
    assert server.requests == []


@pytest.mark.parametrize(
    ("policies", "answer"),
    [
        ({}, "claims"),
        ({"USER_SYNC_ON_ERROR": "allow"}, "claims"),
        ({"USER_SYNC_ON_ERROR": "deny"}, "refusal"),
        ({"COGNITO_CLAIMS_ON_ERROR": "deny"}, "claims"),
        ({"COGNITO_CLAIMS_ON_ERROR": "deny", "USER_SYNC_ON_ERROR": "allow"}, "claims"),
        ({"COGNITO_CLAIMS_ON_ERROR": "omit"}, "claims"),
        ({"COGNITO_CLAIMS_ON_ERROR": "omit", "USER_SYNC_ON_ERROR": "deny"}, "refusal"),
    ],
)
def test_a_plugin_that_fails_lets_the_sign_in_go_on_unless_its_own_policy_denies(
    server: HasuraServer, policies: dict[str, str], answer: str
) -> None:
    event = to_json(a_user_event())
    handler = plugin_for(server, **policies)
    server.faults.append(hasura.error("permission-error"))

    if answer == "claims":
        alone = pre_token_generation_from_env({"COGNITO_CLAIMS_PLUGINS": "hasura"})
        assert handler(event, None) == alone(event, None)
    else:
        assert refusal(handler, event) == NEUTRAL.format("plugin-failed")
    assert len(server.requests) == 1


def test_a_plugin_that_hangs_takes_the_pre_token_generations_deadline(server: HasuraServer) -> None:
    handler = plugin_for(server, COGNITO_CLAIMS_DEADLINE_MS=str(MILLISECONDS))
    server.faults.append(fauna_wire.hang)

    began = monotonic()
    answer = handler(to_json(a_user_event()), None)

    assert monotonic() - began < MILLISECONDS / 1000 + 0.2
    assert answer["response"]["claimsAndScopeOverrideDetails"]["idTokenGeneration"]


def test_a_failure_beside_claims_is_a_warning_under_the_plugins_name(
    server: HasuraServer, log: pytest.LogCaptureFixture
) -> None:
    handler = plugin_for(server)
    server.faults.append(hasura.error("permission-error"))

    handler(to_json(a_user_event()), None)

    assert lines(log) == [
        "WARNING no claims: plugin user_sync: HasuraError: Hasura: permission-error (HTTP 200)"
        " [plugin-failed]",
        "INFO pre token generation: issued",
    ]


@pytest.mark.parametrize(
    "arguments", [("preview", "pretoken_v2_Authentication"), ("check",)], ids=["preview", "check"]
)
def test_looking_at_tokens_touches_no_network(
    server: HasuraServer, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "COGNITO_CLAIMS_PLUGINS": "hasura,user_sync",
        "USER_SYNC_SINKS": "hasura",
        "HASURA_SYNC_URL": server.url,
        "HASURA_SYNC_ADMIN_SECRET": "ssm:/hasura/admin",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_ENDPOINT_URL": server.endpoint,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["cognito-claims", *arguments, "--format", "json"])

    with contextlib.redirect_stdout(io.StringIO()) as printed, pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 0
    assert "findings" in json.loads(printed.getvalue())
    assert (server.connections, server.rows()) == (0, [])


# Events of no use


def without(*path: str) -> dict[str, Any]:
    event = inner = signing_in()
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return event


NO_EVENTS: dict[str, tuple[Any, str]] = {
    "nothing": (None, "event: expected an object, got nothing"),
    "a list": ([], "event: expected an object, got an array"),
    "an empty object": ({}, "triggerSource: expected a string, got nothing"),
    "no request": (without("request"), "request: expected an object, got nothing"),
    "no sub": (
        without("request", "userAttributes", "sub"),
        "request.userAttributes.sub: expected a non-empty string",
    ),
    "no user name": (without("userName"), "userName: expected a string, got nothing"),
    **{
        name: (
            recorded(name),
            "triggerSource: expected PostAuthentication_* or PostConfirmation_*",
        )
        for name in recorded_names("pre")
    },
}


@pytest.mark.parametrize("name", NO_EVENTS)
def test_what_is_no_event_of_these_triggers_is_refused(
    name: str, log: pytest.LogCaptureFixture
) -> None:
    sink = Rows()
    event, told = NO_EVENTS[name]
    handler = user_sync(x=UserSync(sink), y=optional(UserSync(sink)))

    assert refusal(handler, event) == NEUTRAL.format("event")
    assert lines(log) == [f"ERROR sign-in refused: {told} [event]", "INFO user sync: refused"]
    assert record_of(log) == {"outcome": "refused", "plugins": {}, "code": "event"}
    assert sink.written == []


@pytest.mark.parametrize("name", NO_EVENTS)
def test_where_a_failure_is_allowed_an_event_that_cannot_be_read_is_an_error_in_the_log_alone(
    name: str, log: pytest.LogCaptureFixture
) -> None:
    sink = Rows()
    event, told = NO_EVENTS[name]

    assert user_sync(x=optional(UserSync(sink)))(event, None) is event
    assert lines(log) == [f"ERROR not synced: {told} [event]", "INFO user sync: failed"]
    assert record_of(log) == {"outcome": "failed", "plugins": {}, "code": "event"}
    assert sink.written == []


UNVERIFIED = {"email": "hunter2@example.com", "email_verified": "false"}


@pytest.mark.parametrize(
    ("attributes", "warnings"),
    [
        (
            UNVERIFIED,
            ["WARNING columns that are null because an email or phone number is not verified: 1"],
        ),
        (
            {**UNVERIFIED, "phone_number": "+1", "phone_number_verified": "false"},
            ["WARNING columns that are null because an email or phone number is not verified: 2"],
        ),
        ({}, []),
    ],
)
def test_the_log_counts_the_columns_that_are_null_for_want_of_a_verification(
    log: pytest.LogCaptureFixture, attributes: dict[str, str], warnings: list[str]
) -> None:
    sink = Rows(id="sub", email="email", phone="phone_number", nick="nickname")

    user_sync(users=UserSync(sink))(signing_in(**attributes), None)

    assert lines(log) == [*warnings, "INFO user sync: done"]
    assert len(sink.written) == 1


@pytest.mark.parametrize("name", RECORDED)
def test_a_pre_token_generation_trigger_refuses_the_other_triggers_events(name: str) -> None:
    sink = Rows()
    handler = pre_token_generation(x=optional(UserSync(sink)))

    assert refusal(handler, recorded(name)) == NEUTRAL.format("event")
    assert sink.written == []


# Settings


WRONG = [
    ({"USER_SYNC_SINKS": ""}, "USER_SYNC_SINKS: required"),
    ({"USER_SYNC_SINKS": "none"}, "USER_SYNC_SINKS: expected one of hasura, queue"),
    ({"USER_SYNC_SINKS": "hunter2"}, "USER_SYNC_SINKS: expected one of hasura, queue"),
    ({"USER_SYNC_SINKS": "hasura,"}, "USER_SYNC_SINKS: entry 2 of the comma list is empty"),
    (
        {"USER_SYNC_SINK": "hunter2"},
        "USER_SYNC_SINK: unknown setting; did you mean USER_SYNC_SINKS?",
    ),
    ({"USER_SYNC_ON_ERROR": "omit"}, "USER_SYNC_ON_ERROR: expected one of allow, deny"),
    ({"USER_SYNC_ON_ERROR": "none"}, "USER_SYNC_ON_ERROR: cannot be none"),
    ({"USER_SYNC_ON_ERROR": "hunter2"}, "USER_SYNC_ON_ERROR: expected one of allow, deny"),
    ({"USER_SYNC_DEADLINE_MS": "0"}, "USER_SYNC_DEADLINE_MS: expected 1 to 5000 milliseconds"),
    ({"USER_SYNC_DEADLINE_MS": "5001"}, "USER_SYNC_DEADLINE_MS: expected 1 to 5000 milliseconds"),
    ({"USER_SYNC_DEADLINE_MS": "hunter2"}, "USER_SYNC_DEADLINE_MS: expected a whole number"),
    ({"HASURA_SYNC_URL": ""}, "HASURA_SYNC_URL: required"),
    ({"HASURA_SYNC_ADMIN_SECRET": ""}, "HASURA_SYNC_ADMIN_SECRET: required"),
    (
        {"HASURA_SYNC_TABEL": "hunter2"},
        "HASURA_SYNC_TABEL: unknown setting; did you mean HASURA_SYNC_TABLE?",
    ),
    (
        {"HASURA_SYNC_ON_ERROR": "deny"},
        "HASURA_SYNC_ON_ERROR: unknown setting; did you mean USER_SYNC_ON_ERROR?",
    ),
]


@pytest.mark.parametrize(("wrong", "problem"), WRONG, ids=[problem for _, problem in WRONG])
@pytest.mark.parametrize("load", [sinks.load, load], ids=["handler", "plugin"])
def test_a_wrong_setting_is_told_once_by_its_name(
    load: Callable[[Mapping[str, str]], object], wrong: dict[str, str], problem: str
) -> None:
    environ = {**ELSEWHERE, "COGNITO_CLAIMS_PLUGINS": "user_sync", **wrong}

    assert problems(load, environ) == [problem]


@pytest.mark.parametrize(
    ("settings", "on_error", "deadline_ms"),
    [
        ({}, "omit", 4000),
        ({"USER_SYNC_ON_ERROR": "allow", "USER_SYNC_DEADLINE_MS": "1"}, "omit", 1),
        ({"USER_SYNC_ON_ERROR": "deny", "USER_SYNC_DEADLINE_MS": "5000"}, "deny", 5000),
    ],
)
def test_settings_say_what_a_failure_does_and_when_a_sync_is_given_up(
    settings: dict[str, str], on_error: str, deadline_ms: int
) -> None:
    configuration = sinks.load({**ELSEWHERE, **settings})

    (marked,) = configuration.plugins.values()
    assert list(configuration.plugins) == ["hasura"]
    assert isinstance(marked.plugin, UserSync)
    assert (marked.on_error, marked.is_pure) == (on_error, False)
    assert configuration.deadline_ms == deadline_ms


ALL_WRONG = {
    "USER_SYNC_SINKS": "hunter2",
    "USER_SYNC_ON_ERROR": "hunter2",
    "USER_SYNC_DEADLINE_MS": "hunter2",
    "USER_SYNC_HUNTER": "hunter2",
    "HASURA_SYNC_URL": "ftp://hunter2",
    "HASURA_SYNC_TABLE": "hunter 2",
    "HASURA_SYNC_UPDATE_COLUMNS": "hunter2",
    "HASURA_SYNC_ON_ERROR": "hunter2",
}
EVERY_NAME = {*ALL_WRONG, "HASURA_SYNC_ADMIN_SECRET"}


def test_all_that_is_wrong_is_told_at_once_by_name_and_never_by_value() -> None:
    told = problems(sinks.load, ALL_WRONG)

    assert {line.partition(":")[0] for line in told} == EVERY_NAME
    assert "hunter2" not in "".join(told)


@pytest.mark.parametrize("make", [user_sync_from_env, pre_token_generation_from_env])
def test_wrong_settings_fail_the_cold_start_with_a_neutral_text(
    make: Callable[[Mapping[str, str]], Handler], log: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SignInError) as raised:
        make({"COGNITO_CLAIMS_PLUGINS": "user_sync", **ALL_WRONG})

    assert str(raised.value) == NEUTRAL.format("settings")
    told = [re.fullmatch(r"ERROR wrong setting: (\w+): .+", line) for line in lines(log)]
    assert {match[1] for match in told if match} == EVERY_NAME
    assert len(told) == len(EVERY_NAME)
    assert "hunter2" not in log.text


def test_no_settings_at_all_fail_the_cold_start(log: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SignInError, match=r"\[settings\]$"):
        user_sync_from_env({})

    assert lines(log) == [
        f"ERROR wrong setting: {name}: required"
        for name in ("USER_SYNC_SINKS", "HASURA_SYNC_URL", "HASURA_SYNC_ADMIN_SECRET")
    ]


# The log


SIGNED_IN = {
    "trigger_source": "PostAuthentication_Authentication",
    "client_id": "1example23456789abcdefghij",
}
FAILED: dict[str, Any] = {"milliseconds": 0.0, "error": "plugin-failed"}


@pytest.mark.usefixtures("still")
def test_a_sync_has_one_record(log: pytest.LogCaptureFixture) -> None:
    user_sync(users=UserSync(Rows()))(signing_in(), None)

    assert lines(log) == ["INFO user sync: done"]
    summary = {"milliseconds": 0.0}
    assert record_of(log) == {"outcome": "done", **SIGNED_IN, "plugins": {"users": summary}}


@pytest.mark.usefixtures("still")
def test_a_sync_that_failed_has_a_record_with_its_code(log: pytest.LogCaptureFixture) -> None:
    user_sync(users=optional(UserSync(Rows(ValueError("hunter2")))))(signing_in(), None)

    warning = "WARNING not synced: plugin users: ValueError [plugin-failed]"
    assert lines(log) == [warning, "INFO user sync: failed"]
    failed = {**FAILED, "on_error": "omit"}
    assert record_of(log) == {"outcome": "failed", **SIGNED_IN, "plugins": {"users": failed}}


@pytest.mark.usefixtures("still")
def test_a_sync_that_refuses_has_a_record_with_its_code(log: pytest.LogCaptureFixture) -> None:
    refusal(user_sync(users=UserSync(Rows(ValueError("hunter2")))), signing_in())

    error = "ERROR sign-in refused: plugin users: ValueError [plugin-failed]"
    assert lines(log) == [error, "INFO user sync: refused"]
    failed = {**FAILED, "on_error": "deny"}
    record = {"outcome": "refused", **SIGNED_IN, "plugins": {"users": failed}}
    assert record_of(log) == {**record, "code": "plugin-failed"}


def test_the_milliseconds_are_those_that_a_sync_took(
    server: HasuraServer, log: pytest.LogCaptureFixture
) -> None:
    handler = handler_for(server)
    server.faults.append(fauna_wire.slow(0.1))

    handler(signing_in(), None)

    assert 100 <= record_of(log)["plugins"]["hasura"]["milliseconds"] < 1000


def test_a_record_that_nobody_wants_is_none(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "cognito_claims")
    user_sync(users=UserSync(Rows()))(signing_in(), None)

    assert lines(caplog) == []


def test_what_goes_wrong_within_deciding_is_neutral_outside(
    monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> Mapping[str, object]:
        raise ValueError("hunter2")

    monkeypatch.setattr("cognito_claims.invocation.decision.ask", fail)

    assert refusal(user_sync(x=UserSync(Rows())), signing_in()) == NEUTRAL.format("unexpected")
    assert lines(log)[0] == "ERROR sign-in refused: ValueError [unexpected]"


def test_what_refuses_a_sign_in_is_never_an_error_of_another_kind() -> None:
    for error in (SignInError("x"), CognitoClaimsError("hunter2"), SystemExit("hunter2")):
        handler = user_sync(x=UserSync(Rows(error)))
        assert refusal(handler, signing_in()) == NEUTRAL.format("plugin-failed")
