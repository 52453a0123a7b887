import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Any

import pytest

from cognito_claims.claims import Claims, Groups, TokenClaims
from cognito_claims.errors import Problem, SettingsError, SignInError, TokenDenied
from cognito_claims.handlers import (
    Handler,
    pre_token_generation,
    pre_token_generation_from_env,
)
from cognito_claims.invocation import decision
from cognito_claims.invocation import dispatch as asking
from cognito_claims.invocation.decision import decide, decide_typed
from cognito_claims.plugin import deciding_groups, mark, optional, pure
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.testing import a_machine_event, a_user_event, recorded_names, to_json
from cognito_claims.testing.acceptance import assert_accepted
from cognito_claims.testing.pytest_plugin import LambdaContext

V2_KEY = "claimsAndScopeOverrideDetails"
EVENT = to_json(a_user_event())
FREE = Claims.adding({"plan": "free"})
USER = {
    "trigger_version": "V2_0",
    "trigger_source": "TokenGeneration_Authentication",
    "client_id": "1example23456789abcdefghij",
}
PLAIN_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime"}


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Give what a hanging plugin waits for; it opens after the test."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture(autouse=True)
def outside_of_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "awslambdaric", raising=False)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "cognito_claims")
    return caplog


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock, so that a record can be compared whole."""
    monkeypatch.setattr(asking, "monotonic", lambda: 100.0)


def nothing(_event: object) -> Any:
    return None


def raising(error: BaseException) -> Callable[[object], Claims]:
    def plugin(_event: object) -> Claims:
        raise error

    return plugin


def place(plugin: Callable[[object], Claims]) -> str:
    return f"{__file__}:{plugin.__code__.co_firstlineno + 1} in plugin"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


def extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in PLAIN_RECORD}


def refusal(handler: Handler, event: object = EVENT) -> SignInError:
    with pytest.raises(SignInError) as raised:
        handler(event, None)
    return raised.value


def is_given_up(handler: Handler, gate: threading.Event, context: object = None) -> bool:
    """Say whether the handler answers before the plugin that hangs, which ends after half of 4 s."""
    end = threading.Timer(2, gate.set)
    end.start()
    assert handler(EVENT, context) == EVENT
    end.cancel()
    return not gate.is_set()


def added(response: Mapping[str, Any]) -> object:
    return response["response"][V2_KEY]["idTokenGeneration"]["claimsToAddOrOverride"]


def failing(kind: str, gate: threading.Event) -> Callable[[object], Any]:
    def hanging(_event: object) -> Claims:
        gate.wait()
        return FREE

    plugins: dict[str, Callable[[object], Any]] = {
        "hangs": hanging,
        "raises": raising(ValueError("hunter2")),
        "exits": raising(SystemExit("hunter2")),
        "is cancelled": raising(BaseException("hunter2")),
        "returns nothing": nothing,
        "returns a dict": lambda _: {"plan": "hunter2"},
    }
    return plugins[kind]


FAILURES = pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("hangs", "deadline"),
        ("raises", "plugin-failed"),
        ("exits", "plugin-failed"),
        ("is cancelled", "plugin-failed"),
        ("returns nothing", "plugin-result"),
        ("returns a dict", "plugin-result"),
    ],
)


def test_the_whole_event_comes_back_with_the_response(lambda_context: LambdaContext) -> None:
    event = {**EVENT, "something": {"new": [1]}}

    for context in (lambda_context, None):
        assert pre_token_generation(plan=lambda _: FREE)(event, context) == {
            **event,
            "response": {
                V2_KEY: {"idTokenGeneration": {"claimsToAddOrOverride": {"plan": "free"}}}
            },
        }


def test_answers_are_merged() -> None:
    handler = pre_token_generation(
        plan=lambda _: FREE,
        tenant=pure(lambda event: Claims.adding({"tenant": event.user.sub})),
        groups=deciding_groups(lambda _: Claims(groups=Groups(("editors",)))),
    )

    assert handler(EVENT, None)["response"] == {
        V2_KEY: {
            "idTokenGeneration": {
                "claimsToAddOrOverride": {
                    "plan": "free",
                    "tenant": EVENT["request"]["userAttributes"]["sub"],
                }
            },
            "groupOverrideDetails": {"groupsToOverride": ["editors"], "iamRolesToOverride": []},
        }
    }


def test_the_context_may_be_left_out() -> None:
    handler: Callable[..., Any] = pre_token_generation(none=lambda _: Claims())

    assert handler(EVENT) == EVENT


def test_no_event_is_changed(recorded_event: dict[str, Any], lambda_context: LambdaContext) -> None:
    before = deepcopy(recorded_event)
    handler = pre_token_generation(
        hasura=HasuraClaims(), surrealdb=SurrealDBClaims(namespace="n", database="d", access="a")
    )

    returned = handler(recorded_event, lambda_context)

    assert recorded_event == before
    assert {**returned, "response": None} == {**before, "response": None}


def test_cognito_accepts_every_answer() -> None:
    tokens = assert_accepted(
        pre_token_generation(
            hasura=HasuraClaims(group_roles={"editors": "editor"}),
            surrealdb=SurrealDBClaims(namespace="n", database="d", access="a"),
            failing=optional(raising(ValueError())),
        )
    )

    assert set(tokens) == set(recorded_names("pretoken_"))


@FAILURES
def test_a_plugin_that_fails_denies(
    kind: str, code: str, gate: threading.Event, log: pytest.LogCaptureFixture
) -> None:
    handler = pre_token_generation(x=failing(kind, gate), plan=lambda _: FREE, deadline_ms=30)

    error = refusal(handler)

    assert (str(error), error.code) == (f"Sign-in could not be completed [{code}]", "sign-in")
    assert (error.reason_code, error.__cause__, error.__context__) == (code, None, None)
    assert [record.levelname for record in log.records] == ["ERROR", "INFO"]
    assert log.records[0].getMessage().startswith("sign-in refused: plugin x: ")
    assert log.records[0].getMessage().endswith(f" [{code}]")


@FAILURES
def test_an_optional_plugin_that_fails_is_left_out(
    kind: str, code: str, gate: threading.Event, log: pytest.LogCaptureFixture
) -> None:
    plugin = optional(failing(kind, gate))
    handler = pre_token_generation(x=plugin, plan=lambda _: FREE, deadline_ms=30)

    assert added(handler(EVENT, None)) == {"plan": "free"}

    assert [record.levelname for record in log.records] == ["WARNING", "INFO"]
    assert log.records[0].getMessage().startswith("no claims: plugin x: ")
    assert log.records[0].getMessage().endswith(f" [{code}]")


def test_without_its_only_plugin_the_tokens_stay_as_they_are() -> None:
    handler = pre_token_generation(x=optional(raising(ValueError())))

    assert handler(EVENT, None) == EVENT


def test_an_answer_that_comes_late_is_not_taken_for_the_next_events() -> None:
    gate, threads = threading.Event(), []

    def slow_once(_event: object) -> Claims:
        threads.append(threading.current_thread())
        if len(threads) == 1:
            gate.wait()
            return FREE
        threads[0].join()
        return Claims.adding({"plan": "second"})

    handler = pre_token_generation(x=optional(slow_once), deadline_ms=30)
    first = handler(EVENT, None)
    gate.set()

    assert first == EVENT
    assert added(handler(EVENT, None)) == {"plan": "second"}
    assert first == EVENT


def test_a_plugin_has_no_more_time_than_the_context(gate: threading.Event) -> None:
    handler = pre_token_generation(x=optional(failing("hangs", gate)))

    assert is_given_up(handler, gate, LambdaContext(130))


def test_a_plugin_has_the_milliseconds_that_are_given(gate: threading.Event) -> None:
    handler = pre_token_generation(x=optional(failing("hangs", gate)), deadline_ms=30)

    assert is_given_up(handler, gate)


@pytest.mark.parametrize("wrap", [mark, pure, optional])
def test_a_refusal_is_heard_whatever_else_fails(
    wrap: Callable[[Any], Any], gate: threading.Event, log: pytest.LogCaptureFixture
) -> None:
    hidden = TokenDenied("Your membership has ended.")
    hidden.__cause__ = ValueError("hunter2")
    bad = raising(KeyError("hunter2"))
    handler = pre_token_generation(
        x=failing("hangs", gate), bad=bad, odd=nothing, no=wrap(raising(hidden)), deadline_ms=30
    )

    with pytest.raises(TokenDenied) as raised:
        handler(EVENT, None)

    assert raised.value is not hidden
    assert (str(raised.value), raised.value.reason) == ("Your membership has ended.",) * 2
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    others = [
        "WARNING no claims: plugin x: no answer before the deadline [deadline]",
        f"WARNING no claims: plugin bad: KeyError at {place(bad)} [plugin-failed]",
        "WARNING no claims: plugin odd: expected Claims, got NoneType [plugin-result]",
    ]
    assert lines(log) == [
        *([] if wrap is pure else others),  # whom a pure plugin refuses no other is asked about
        "INFO sign-in refused: denied by plugin no [denied]",
        "INFO pre token generation: refused",
    ]


def test_the_first_of_two_refusals_is_the_one_that_is_shown(log: pytest.LogCaptureFixture) -> None:
    handler = pre_token_generation(
        one=optional(raising(TokenDenied("one"))), two=raising(TokenDenied("two"))
    )

    with pytest.raises(TokenDenied, match=r"^one$"):
        handler(EVENT, None)

    assert lines(log)[0] == "INFO no claims: denied by plugin two [denied]"


def test_the_first_failure_that_denies_is_told_the_others_are_warnings(
    log: pytest.LogCaptureFixture,
) -> None:
    handler = pre_token_generation(
        omitted=optional(nothing), first=nothing, second=raising(ValueError())
    )

    assert refusal(handler).reason_code == "plugin-result"

    assert [line.split(":")[0] + line[-16:] for line in lines(log)[:3]] == [
        "WARNING no claims [plugin-result]",
        "WARNING no claims [plugin-failed]",
        "ERROR sign-in refused [plugin-result]",
    ]


@pytest.mark.parametrize(
    ("plugins", "event", "code", "told"),
    [
        ((Claims(),), None, "event", "event: expected an object, got nothing"),
        ((Claims(),), {}, "event", "triggerSource: expected a string, got nothing"),
        ((Claims(),), [EVENT], "event", "event: expected an object, got an array"),
        (
            (FREE, FREE),
            EVENT,
            "claim-conflict",
            "plan: decided twice in the id token (plugins: p0, p1)",
        ),
        (
            (Claims(groups=Groups()), Claims(groups=Groups())),
            EVENT,
            "claim-conflict",
            "cognito:groups: overridden by p0, which is not marked as deciding on groups: wrap the "
            "plugin in deciding_groups(...), or set decides_groups = True (plugins: p0, p1)",
        ),
        (
            (Claims(), Claims.adding({"sub": "hunter2"})),
            EVENT,
            "protected-claim",
            "sub: cannot be added or changed in the id token (plugin: p1)",
        ),
        (
            (Claims.adding({"plan": "free"}, to={"access"}),),
            to_json(a_user_event(version="1")),
            "unsupported-claim",
            "plan: the access token needs V2_0 or later (access token, V1_0, plugin: p0)",
        ),
        (
            (Claims(), Claims(access_token=TokenClaims(add_scopes=frozenset({"a"})))),
            to_json(a_user_event(version="1")),
            "unsupported-claim",
            "scope: the access token needs V2_0 or later (access token, V1_0, plugin: p1)",
        ),
        (
            (FREE,),
            to_json(a_machine_event()),
            "unsupported-claim",
            "plan: client credentials have no ID token (id token, V3_0, plugin: p0)",
        ),
    ],
)
def test_what_no_plugin_alone_did_wrong_is_named_in_the_log_and_neutral_outside(
    plugins: tuple[Claims, ...],
    event: object,
    code: str,
    told: str,
    log: pytest.LogCaptureFixture,
) -> None:
    answers: dict[str, Any] = {
        f"p{i}": lambda _, claims=claims: claims for i, claims in enumerate(plugins)
    }

    error = refusal(pre_token_generation(**answers), event)

    assert str(error) == f"Sign-in could not be completed [{code}]"
    assert (error.__cause__, error.__context__) == (None, None)
    assert lines(log) == [
        f"ERROR sign-in refused: {told} [{code}]",
        "INFO pre token generation: refused",
    ]


def test_a_conflict_is_no_failure_that_could_be_optional() -> None:
    handler = pre_token_generation(one=lambda _: FREE, two=optional(lambda _: FREE))

    assert refusal(handler).reason_code == "claim-conflict"


def test_what_nobody_expects_is_told_by_class_and_place(
    monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    unexpected = raising(RuntimeError("hunter2"))
    monkeypatch.setattr(decision, "render", lambda _, event: unexpected(event))

    error = refusal(pre_token_generation(none=lambda _: Claims()))

    assert str(error) == "Sign-in could not be completed [unexpected]"
    assert (error.__cause__, error.__context__) == (None, None)
    told = f"RuntimeError at {place(unexpected)}"
    assert lines(log)[0] == f"ERROR sign-in refused: {told} [unexpected]"


def test_what_nobody_expects_of_an_event_is_neutral_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unexpected = raising(RuntimeError("hunter2"))
    monkeypatch.setattr("cognito_claims.events.PreTokenGenerationEvent.from_json", unexpected)

    assert refusal(pre_token_generation(none=lambda _: Claims())).reason_code == "unexpected"


@pytest.mark.usefixtures("still")
def test_an_issued_token_has_one_record_of_names_and_sizes(log: pytest.LogCaptureFixture) -> None:
    wide = Claims(
        id_token=TokenClaims({"b": "ü", "a": {"x": [1, True]}}, suppress={"address"}),
        access_token=TokenClaims({"c": 1}, add_scopes={"orders/read"}),
    )
    handler = pre_token_generation(
        plan=pure(lambda _: FREE),
        wide=pure(lambda _: wide),
        none=pure(lambda _: Claims()),
        x=optional(pure(nothing)),
    )

    handler(EVENT, None)

    assert lines(log) == [
        "WARNING no claims: plugin x: expected Claims, got NoneType [plugin-result]",
        "INFO pre token generation: issued",
    ]
    assert extra(log.records[0]) == {}
    assert extra(log.records[1]) == {
        "outcome": "issued",
        **USER,
        "plugins": {
            "plan": {"milliseconds": 0.0, "id_token": ["plan"]},
            "wide": {"milliseconds": 0.0, "id_token": ["a", "address", "b"], "access_token": ["c"]},
            "none": {"milliseconds": 0.0},
            "x": {"milliseconds": 0.0, "error": "plugin-result", "on_error": "omit"},
        },
        "bytes_added": {
            "id_token": len('{"plan":"free","b":"ü","a":{"x":[1,true]}}'.encode()),
            "access_token": len('{"c":1}'),
        },
    }


def test_nothing_that_is_added_has_no_bytes(log: pytest.LogCaptureFixture) -> None:
    pre_token_generation(plan=lambda _: Claims(TokenClaims(suppress={"address"})))(EVENT, None)

    assert extra(log.records[0])["bytes_added"] == {"id_token": 0, "access_token": 0}


@pytest.mark.usefixtures("still")
def test_a_refused_token_has_one_record_with_its_code(log: pytest.LogCaptureFixture) -> None:
    handler = pre_token_generation(
        plan=pure(lambda _: FREE),
        x=pure(raising(ValueError())),
    )

    refusal(handler)

    assert [record.levelname for record in log.records] == ["ERROR", "INFO"]
    assert extra(log.records[1]) == {
        "outcome": "refused",
        **USER,
        "plugins": {
            "plan": {"milliseconds": 0.0, "id_token": ["plan"]},
            "x": {"milliseconds": 0.0, "error": "plugin-failed", "on_error": "deny"},
        },
        "code": "plugin-failed",
    }


def test_an_event_that_cannot_be_read_has_a_record_without_it(
    log: pytest.LogCaptureFixture,
) -> None:
    refusal(pre_token_generation(plan=lambda _: FREE), {})

    assert extra(log.records[1]) == {"outcome": "refused", "plugins": {}, "code": "event"}


@pytest.mark.parametrize("refuses", [None, "x"])
def test_a_record_that_nobody_wants_costs_nothing(
    refuses: str | None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING, "cognito_claims")
    monkeypatch.setattr(decision, "_summary", None)
    handler = pre_token_generation(plan=lambda _: FREE)

    if refuses:
        refusal(pre_token_generation(plan=raising(ValueError())))
    else:
        handler(EVENT, None)

    assert [record.levelname for record in caplog.records] == (["ERROR"] if refuses else [])


def test_an_event_that_is_typed_already_is_decided_as_it_is() -> None:
    event = a_user_event()

    decision = decide_typed(event, {"plan": mark(lambda _: FREE)}, monotonic() + 1)

    assert decision.event is event
    assert (decision.claims.id_token.add, decision.error) == ({"plan": "free"}, None)
    assert decision.response == pre_token_generation(plan=lambda _: FREE)(EVENT, None)["response"]


def test_deciding_never_raises() -> None:
    decision = decide(None, {}, 0)

    assert (decision.event, decision.outcomes, decision.claims) == (None, {}, Claims())
    assert (decision.response, getattr(decision.error, "code", None)) == ({}, "event")


HASURA = {"COGNITO_CLAIMS_PLUGINS": "hasura", "HASURA_DEFAULT_ROLE": "reader"}


def test_a_handler_is_made_of_the_environment(lambda_context: LambdaContext) -> None:
    handler = pre_token_generation_from_env(HASURA)

    for context in (lambda_context, None):
        assert added(handler(EVENT, context)) == {
            "https://hasura.io/jwt/claims": '{"x-hasura-allowed-roles":["reader"],'
            '"x-hasura-default-role":"reader",'
            f'"x-hasura-user-id":"{EVENT["request"]["userAttributes"]["sub"]}"}}'
        }


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch, gate: threading.Event) -> ModuleType:
    """Give a module whose factories make what fails, or fail themselves."""
    acme = ModuleType("acme_of_handlers")
    monkeypatch.setitem(sys.modules, acme.__name__, acme)
    vars(acme).update(
        hanging=lambda _: failing("hangs", gate),
        free=lambda _: lambda _: FREE,
        broken=raising(LookupError("hunter2")),
        refusing=raising(SettingsError((Problem("ACME_URL", "required"),))),
        exiting=raising(SystemExit("hunter2")),
    )
    return acme


@pytest.mark.usefixtures("acme")
def test_the_environments_deadline_and_policies_hold(gate: threading.Event) -> None:
    environ = {
        "COGNITO_CLAIMS_PLUGINS": "x=acme_of_handlers:hanging",
        "COGNITO_CLAIMS_DEADLINE_MS": "30",
        "X_ON_ERROR": "omit",
    }

    assert is_given_up(pre_token_generation_from_env(environ), gate)


@pytest.mark.usefixtures("acme")
def test_wrong_settings_are_all_in_the_log_and_neutral_outside(
    log: pytest.LogCaptureFixture,
) -> None:
    environ = {
        **HASURA,
        "COGNITO_CLAIMS_PLUGINS": "hasura,x=acme_of_handlers:refusing",
        "HASURA_TOKENS": "refresh",
    }

    with pytest.raises(SignInError) as raised:
        pre_token_generation_from_env(environ)

    assert str(raised.value) == "Sign-in could not be completed [settings]"
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert lines(log) == [
        "ERROR wrong setting: HASURA_TOKENS: expected one of id, access",
        "ERROR wrong setting: ACME_URL: required",
    ]


def test_a_factory_that_fails_is_told_by_class_and_place(
    acme: ModuleType, log: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SignInError) as raised:
        pre_token_generation_from_env({"COGNITO_CLAIMS_PLUGINS": "x=acme_of_handlers:broken"})

    told = f"LookupError at {place(acme.broken)}"
    assert str(raised.value) == "Sign-in could not be completed [plugin-failed]"
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert lines(log) == [f"ERROR no handler can be made: plugin x: {told}"]


def test_a_module_that_fails_is_told_by_class_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "acme_loud.py").write_text("\nraise LookupError('hunter2')\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(SignInError, match=r"^Sign-in could not be completed \[plugin-failed\]$"):
        pre_token_generation_from_env({"COGNITO_CLAIMS_PLUGINS": "x=acme_loud:f"})

    told = f"LookupError at {tmp_path / 'acme_loud.py'}:2 in <module>"
    assert lines(log) == [f"ERROR no handler can be made: plugin x: {told}"]


@pytest.mark.usefixtures("acme")
def test_a_factory_that_exits_is_neutral_outside() -> None:
    with pytest.raises(SignInError):
        pre_token_generation_from_env({"COGNITO_CLAIMS_PLUGINS": "x=acme_of_handlers:exiting"})


@pytest.mark.usefixtures("acme")
def test_no_name_of_a_plugin_is_taken() -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "deadline_ms=acme_of_handlers:free"}

    with suppress(SignInError):
        assert added(pre_token_generation_from_env(environ)(EVENT, None)) == {"plan": "free"}


@pytest.mark.parametrize("add", [None, {1: "free", "plan": "free"}, [("plan", "hunter2")]])
def test_malformed_claims_are_neutral_outside_and_no_value_in_the_log(
    add: Any, log: pytest.LogCaptureFixture
) -> None:
    handler = pre_token_generation(x=lambda _: Claims(TokenClaims(add)))

    assert refusal(handler).reason_code in ("plugin-result", "unexpected")
    assert [record.levelname for record in log.records] == ["ERROR", "INFO"]
    assert "hunter2" not in str([vars(record) for record in log.records])


def test_a_refusal_without_a_reason_is_neutral_outside() -> None:
    class Blocked(TokenDenied):
        def __init__(self) -> None:
            """Forget what the base class wants."""

    with pytest.raises((SignInError, TokenDenied)):
        pre_token_generation(x=raising(Blocked()))(EVENT, None)


def test_a_handler_takes_json_only() -> None:
    assert (
        refusal(pre_token_generation(none=lambda _: Claims()), a_user_event()).reason_code
        == "event"
    )


def test_a_decision_that_cannot_be_logged_is_still_neutral(
    log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object, **__: object) -> None:
        raise ValueError("hunter2")

    monkeypatch.setattr("cognito_claims.handlers.log_decision", fail)

    answer = pre_token_generation(plan=lambda _: FREE)(EVENT, None)

    assert answer["response"] != EVENT["response"]
    assert [record.getMessage() for record in log.records] == [
        "the decision could not be logged: ValueError"
    ]
