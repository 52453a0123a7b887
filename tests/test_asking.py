import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from enum import StrEnum
from importlib import import_module
from inspect import CORO_CLOSED, getcoroutinestate
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

import cognito_claims
from cognito_claims.claims import Claims, Groups, TokenClaims
from cognito_claims.deadline import seconds_left
from cognito_claims.errors import (
    AwsError,
    DeadlineError,
    EventError,
    FaunaError,
    PluginFailedError,
    PluginResultError,
    PluginTimeoutError,
    SecretError,
    TokenDenied,
    TransportError,
    raised_at,
)
from cognito_claims.handlers import pre_token_generation
from cognito_claims.invocation.dispatch import PluginResult, ask
from cognito_claims.plugin import malformed_part, mark, optional, pure
from cognito_claims.testing import a_user_event, to_json
from tests.deadlines import at_the_deadline

ROOT = Path(cognito_claims.__file__).parents[1]
EVENT = a_user_event()
FREE = Claims.adding({"plan": "free"})
PRO = Claims.adding({"plan": "pro"})
NOT_TEXTS = "expected tuples of strings, and a preferred role that is a string"


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Give what a hanging plugin waits for; it opens after the test."""
    gate = threading.Event()
    yield gate
    gate.set()


def ask_all(*, seconds: float = 5, **plugins: Callable[[Any], Any]) -> dict[str, PluginResult]:
    marked = {name: mark(plugin) for name, plugin in plugins.items()}
    return ask(marked, EVENT, monotonic() + seconds)


def answer(plugin: Callable[[Any], Any], *, seconds: float = 5) -> PluginResult:
    return ask_all(x=plugin, seconds=seconds)["x"]


def raising(error: BaseException) -> Callable[[object], Claims]:
    def plugin(_event: object) -> Claims:
        raise error

    return plugin


def test_answers_come_by_name_in_the_plugins_order() -> None:
    outcomes = ask_all(slow=lambda _: FREE, quick=pure(lambda _: Claims()), other=lambda _: PRO)

    assert [(name, o.claims, o.error) for name, o in outcomes.items()] == [
        ("slow", FREE, None),
        ("quick", Claims(), None),
        ("other", PRO, None),
    ]


def test_plugins_are_given_the_event() -> None:
    outcomes = ask_all(
        one=lambda event: Claims.adding({"is": event is EVENT}),
        two=pure(lambda event: Claims.adding({"is": event is EVENT})),
    )

    assert [outcome.claims for outcome in outcomes.values()] == [Claims.adding({"is": True})] * 2


@pytest.mark.parametrize("error", [TokenDenied("no"), ValueError()])
def test_nobody_else_is_asked_about_whom_a_pure_plugin_refuses(error: Exception) -> None:
    asked: list[object] = []

    outcomes = ask_all(mint=asked.append, no=pure(raising(error)))

    assert (list(outcomes), asked) == (["no"], [])


def test_a_pure_plugin_that_may_fail_keeps_nobody_from_being_asked() -> None:
    outcomes = ask_all(one=lambda _: FREE, no=optional(pure(raising(ValueError()))))

    assert [outcome.claims for outcome in outcomes.values()] == [FREE, None]


def test_a_plugin_without_a_thread_to_run_in_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    handler = pre_token_generation(one=optional(Preparing()), two=pure(lambda _: PRO))

    assert "pro" in str(handler(to_json(EVENT), None)["response"])


def test_plugins_are_asked_side_by_side() -> None:
    meeting = threading.Barrier(5, timeout=5)

    def together(_event: object) -> Claims:
        meeting.wait()
        return FREE

    outcomes = ask_all(a=together, b=together, c=together, d=together, e=together)

    assert [outcome.claims for outcome in outcomes.values()] == [FREE] * 5


def test_pure_plugins_run_in_the_callers_thread_and_the_others_in_daemons_of_their_own() -> None:
    threads: dict[str, threading.Thread] = {}

    def noting(name: str) -> Callable[[object], Claims]:
        return lambda _: (threads.update({name: threading.current_thread()}), FREE)[1]

    ask_all(one=noting("one"), two=noting("two"), pure=pure(noting("pure")))

    here = threading.current_thread()
    assert threads["pure"] is here
    assert len({here, threads["one"], threads["two"]}) == 3
    assert (threads["one"].daemon, threads["two"].daemon) == (True, True)


def test_plugins_that_hang_are_given_up_at_the_deadline_together(gate: threading.Event) -> None:
    def hanging(_event: object) -> Claims:
        gate.wait()
        return FREE

    with at_the_deadline(0.1):
        outcomes = ask_all(one=hanging, two=hanging, three=lambda _: PRO, seconds=0.1)

    assert outcomes["three"].claims is PRO
    for name in ("one", "two"):
        late = outcomes[name]
        assert (late.claims, type(late.error)) == (None, PluginTimeoutError)
        assert str(late.error) == f"plugin {name}: no answer before the deadline"
        assert late.milliseconds >= 100


def test_a_deadline_that_has_passed_leaves_no_time_to_wait(gate: threading.Event) -> None:
    outcomes = ask_all(x=lambda _: (gate.wait(), FREE)[1], y=pure(lambda _: PRO), seconds=-1)

    assert isinstance(outcomes["x"].error, PluginTimeoutError)
    assert outcomes["y"].claims is PRO


def test_an_answer_that_comes_late_changes_nothing(gate: threading.Event) -> None:
    threads: list[threading.Thread] = []

    def late(_event: object) -> Claims:
        threads.append(threading.current_thread())
        gate.wait()
        return FREE

    outcomes = ask_all(x=late, seconds=0.02)
    before = outcomes["x"]
    gate.set()
    threads[0].join()

    assert outcomes == {"x": before}
    assert (before.claims, type(before.error)) == (None, PluginTimeoutError)


ERRORS = [
    ValueError("hunter2"),
    EventError("hunter2", "hunter2"),
    SystemExit("hunter2"),
    KeyboardInterrupt("hunter2"),
    GeneratorExit("hunter2"),
    asyncio.CancelledError("hunter2"),
    BaseException("hunter2"),
]


@pytest.mark.parametrize("wrap", [mark, pure])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_a_plugin_raises_is_told_by_class_and_place(
    wrap: Callable[[Any], Any], error: BaseException
) -> None:
    plugin = raising(error)

    outcome = answer(wrap(plugin))

    place = f"{__file__}:{plugin.__code__.co_firstlineno + 1} in plugin"
    assert outcome.claims is None
    assert isinstance(outcome.error, PluginFailedError)
    assert vars(outcome.error) == {"plugin": "x", "raised": type(error).__name__, "place": place}
    assert str(outcome.error) == f"plugin x: {type(error).__name__} at {place}"
    assert (outcome.error.__context__, outcome.error.__cause__) == (None, None)


@pytest.mark.parametrize("wrap", [mark, pure, optional])
def test_a_refusal_is_kept_as_it_is(wrap: Callable[[Any], Any]) -> None:
    denial = TokenDenied("Your membership has ended.")

    outcome = answer(wrap(raising(denial)))

    assert (outcome.claims, outcome.error) == (None, denial)


@pytest.mark.parametrize(
    ("returned", "name"),
    [
        (None, "NoneType"),
        ({"plan": "free"}, "dict"),
        ((), "tuple"),
        ("hunter2", "str"),
        (Claims, "type"),
        (TokenClaims(), "TokenClaims"),
    ],
)
def test_what_is_not_claims_is_told_by_its_type(returned: object, name: str) -> None:
    outcome = answer(lambda _: returned)

    assert (outcome.claims, type(outcome.error)) == (None, PluginResultError)
    assert vars(outcome.error) == {"plugin": "x", "returned": name}
    assert str(outcome.error) == f"plugin x: expected Claims, got {name}"


async def later(_event: object) -> Claims:
    return FREE


@pytest.fixture
def coroutine() -> Iterator[Coroutine[Any, Any, Claims]]:
    coroutine = later(EVENT)
    yield coroutine
    coroutine.close()


def test_a_coroutine_is_not_claims(coroutine: Coroutine[Any, Any, Claims]) -> None:
    assert str(answer(lambda _: coroutine).error) == "plugin x: expected Claims, got coroutine"


def test_a_coroutine_that_nobody_awaits_is_closed(coroutine: Coroutine[Any, Any, Claims]) -> None:
    answer(lambda _: coroutine)

    assert getcoroutinestate(coroutine) == CORO_CLOSED


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        (Claims(id_token={"plan": "free"}), "id_token: expected TokenClaims, got dict"),  # type: ignore[arg-type]  # wrong on purpose
        (Claims(access_token=None), "access_token: expected TokenClaims, got NoneType"),  # type: ignore[arg-type]  # wrong on purpose
        (Claims(TokenClaims(add=["plan"])), "id_token.add: expected a mapping from strings"),  # type: ignore[arg-type]  # wrong on purpose
        (Claims(TokenClaims(suppress="email")), "id_token.suppress: expected a set of strings"),  # type: ignore[arg-type]  # wrong on purpose
        (Claims(groups=("editors",)), "groups: expected Groups, got tuple"),  # type: ignore[arg-type]  # wrong on purpose
        (Claims(groups=Groups("editors")), f"groups: {NOT_TEXTS}"),  # type: ignore[arg-type]  # wrong on purpose
        (Claims(needs="email"), "needs: expected a set of strings"),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_of_malformed_claims_the_part_comes_first(returned: Claims, problem: str) -> None:
    error = answer(lambda _: returned).error

    assert (type(error), str(error)) == (PluginResultError, f"plugin x: {problem}")


class Lazy(Mapping[str, str]):
    """Reads what it holds from somewhere, when it is asked."""

    def __getitem__(self, name: str) -> str:
        raise LookupError(name)

    def __iter__(self) -> Iterator[str]:
        raise LookupError("hunter2")

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize("wrap", [mark, pure])
def test_an_answer_that_raises_when_it_is_looked_at_is_a_failure(
    wrap: Callable[[Any], Any],
) -> None:
    outcome = answer(wrap(lambda _: Claims(TokenClaims(Lazy()))))

    assert isinstance(outcome.error, (PluginFailedError, PluginResultError))


def test_the_place_is_the_innermost_one() -> None:
    def inner() -> None:
        raise LookupError

    def outer() -> None:
        inner()

    with pytest.raises(LookupError) as raised:
        outer()

    line = inner.__code__.co_firstlineno + 1
    assert raised_at(raised.value) == f"{__file__}:{line} in inner"


def test_the_place_is_never_within_pythons_own_import_system() -> None:
    with pytest.raises(ModuleNotFoundError) as raised:
        import_module("acme_of_no_name")

    assert raised_at(raised.value).endswith(" in import_module")


def test_what_was_never_raised_has_no_place() -> None:
    assert raised_at(ValueError()) == "an unknown place"


class Preparing:
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.prepared = threading.Event()
        self.thread: threading.Thread | None = None

    def prepare(self) -> None:
        self.thread = threading.current_thread()
        self.prepared.set()
        if self.error is not None:
            raise self.error

    def __call__(self, _event: object) -> Claims:
        return FREE


@pytest.mark.parametrize("error", [None, RuntimeError("hunter2"), SystemExit(1)])
@pytest.mark.parametrize("wrap", [mark, optional, pure])
def test_a_plugin_may_prepare_in_a_thread_of_its_own_and_fail_there(
    wrap: Callable[[Any], Any], error: BaseException | None
) -> None:
    plugin = Preparing(error)

    handler = pre_token_generation(x=wrap(plugin), y=lambda _: Claims())

    assert plugin.prepared.wait(5)
    assert plugin.thread is not threading.current_thread()
    assert handler(to_json(EVENT), None)["response"] != {}


def test_a_plugin_that_prepares_for_long_keeps_nobody_waiting(gate: threading.Event) -> None:
    class Waiting(Preparing):
        def prepare(self) -> None:
            gate.wait()

    plugin = Waiting()

    assert pre_token_generation(x=plugin)(to_json(EVENT), None)["response"] != {}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FaunaError(400, "permission_denied"), "FaunaError: Fauna: permission_denied (HTTP 400)"),
        (AwsError("ssm", 400, "ParameterNotFound"), "AwsError: ssm: ParameterNotFound (HTTP 400)"),
        (SecretError("set AWS_REGION"), "SecretError: set AWS_REGION"),
        (TransportError("connecting", "OSError"), "TransportError: OSError (connecting)"),
        (EventError("hunter2", "hunter2"), "EventError"),
    ],
)
def test_of_what_a_client_raises_the_text_is_told_and_of_all_else_the_class(
    error: Exception, told: str
) -> None:
    failure = answer(raising(error)).error

    assert isinstance(failure, PluginFailedError)
    assert failure.raised == told


def test_a_client_that_ran_out_of_time_says_at_what() -> None:
    failure = answer(raising(DeadlineError("TLS handshake"))).error

    assert isinstance(failure, PluginTimeoutError)
    assert (failure.plugin, failure.stage) == ("x", "TLS handshake")


def test_a_plugin_learns_how_long_it_may_take() -> None:
    told: list[float] = []

    def plugin(_event: object) -> Claims:
        told.append(seconds_left())
        return FREE

    ask_all(x=plugin, seconds=2)

    assert 1.9 < told[0] <= 1.98


# Answers that no type checker has seen


class Name(StrEnum):
    PLAN = "plan"


def a_token_with(part: str, value: Any) -> TokenClaims:
    return TokenClaims(**{part: value})


NO_MAPPINGS: list[Any] = [None, ["plan"], {7: "x"}]
NO_SETS: list[Any] = [None, "email", ["email"], ("email",), {"email": 1}, {7}, {None}]
NO_TUPLES: list[Any] = [None, "admins", {"admins"}, {"admins": 1}, ("admins", 7), (None,), 7]
WRONG_GROUPS: list[Any] = [
    *((), ("admins",), "admins", {}, Groups),
    *(Groups(groups=wrong) for wrong in NO_TUPLES),
    *(Groups(iam_roles=wrong) for wrong in NO_TUPLES),
    *(Groups(preferred_role=wrong) for wrong in NO_SETS if wrong not in (None, "email")),
]
WRONG_TOKEN_CLAIMS: list[Any] = [
    *({}, None, ("plan",), TokenClaims),
    *(TokenClaims(add=wrong) for wrong in NO_MAPPINGS),
    *(
        a_token_with(part, wrong)
        for part in ("suppress", "add_scopes", "suppress_scopes")
        for wrong in NO_SETS
    ),
]


@pytest.mark.parametrize("wrong", WRONG_TOKEN_CLAIMS)
def test_token_claims_that_no_type_checker_has_seen_may_be_malformed(wrong: Any) -> None:
    told = [malformed_part(Claims(id_token=wrong)), malformed_part(Claims(access_token=wrong))]

    assert [str(problem).partition(": ")[0].partition(".")[0] for problem in told] == [
        "id_token",
        "access_token",
    ]


@pytest.mark.parametrize(
    ("claims", "part"),
    [
        *((Claims(groups=wrong), "groups") for wrong in WRONG_GROUPS),
        *((Claims(needs=wrong), "needs") for wrong in NO_SETS),
        (Claims(), None),
        (Claims(TokenClaims(), FREE.id_token), None),
        (
            Claims(
                TokenClaims(add={"": None}, suppress={"a"}, add_scopes=FREE.id_token.add.keys())
            ),
            None,
        ),
        (Claims(groups=Groups(("admins",)), needs={"email"}), None),
        (Claims(groups=Groups()), None),
        (Claims(groups=Groups(["admins"], ["arn:admins"], "")), None),  # type: ignore[arg-type]  # wrong on purpose
        (Claims.adding({Name.PLAN: Name.PLAN}, needs=Name), None),  # type: ignore[arg-type]  # a class of strings
        (Claims.adding({"plan": "free"}, to={"id", "access"}, needs={"email"}), None),
    ],
)
def test_the_malformed_part_of_an_answer_is_named_if_there_is_one(
    claims: Claims, part: str | None
) -> None:
    problem = malformed_part(claims)

    assert (None if problem is None else problem.partition(":")[0]) == part
