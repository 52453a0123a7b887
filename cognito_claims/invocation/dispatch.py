"""Asks plugins in parallel until the deadline, and collects their results."""

from collections.abc import Mapping
from contextlib import suppress
from threading import Thread
from time import monotonic
from types import MappingProxyType
from typing import Any, TypeAlias

from cognito_claims.claims import Claims, Groups
from cognito_claims.deadline import set_thread_deadline
from cognito_claims.errors import (
    CognitoClaimsError,
    DeadlineError,
    PluginFailedError,
    PluginResultError,
    PluginTimeoutError,
    TokenDenied,
    describe_error,
    raised_at,
)
from cognito_claims.events import PreTokenGenerationEvent, UserEvent
from cognito_claims.plugin import PluginEntry, groups_error, result_error

_Event: TypeAlias = PreTokenGenerationEvent | UserEvent
_NO_EVENTS: Mapping[str, _Event] = MappingProxyType({})
_NO_GROUPS = Groups()


class PluginResult:
    """The result of one plugin: claims, or the error that prevented them."""

    __slots__ = ("claims", "error", "milliseconds", "plugin")

    def __init__(
        self, plugin: PluginEntry, milliseconds: float, answer: Claims | CognitoClaimsError
    ) -> None:
        self.plugin: PluginEntry = plugin
        self.milliseconds: float = milliseconds
        self.claims: Claims | None = None
        self.error: CognitoClaimsError | None = None
        if isinstance(answer, Claims):
            self.claims = answer
        else:
            self.error = answer

    @property
    def is_refusal(self) -> bool:
        """Whether it fails the sign-in: a denial, or an error of a plugin that is not optional."""
        if self.error is None:
            return False
        is_needed = self.plugin.on_error == "deny" or self.plugin.decides_groups
        return is_needed or isinstance(self.error, TokenDenied)


def ask(
    plugins: Mapping[str, PluginEntry], event: _Event, deadline: float
) -> dict[str, PluginResult]:
    """Ask the plugins that serve the event's app client, and return their results by name.

    A plugin that decides on groups is asked first, and all others see its decision; if it fails, no
    other is asked. The pure plugins are next. If one refuses the sign-in, no other is asked, so
    that nothing is made for a user who does not get it. All others then run in parallel. A plugin
    that has not answered at the deadline has timed out.
    """
    began = monotonic()
    asked: dict[str, PluginEntry] = {}
    decider = None
    for name, plugin in plugins.items():
        if plugin.clients is None or event.client_id in plugin.clients:
            asked[name] = plugin
            if plugin.decides_groups:
                decider = name
    if decider is None or isinstance(event, UserEvent):
        return _ask_all(asked, event, deadline, began)
    decide = asked[decider].decide_groups
    if decide is None:
        return _ask_after(decider, asked, event, deadline, began)
    return _ask_beside(decider, decide, asked, event, deadline, began)


def _ask_after(
    decider: str,
    plugins: dict[str, PluginEntry],
    event: PreTokenGenerationEvent,
    deadline: float,
    began: float,
) -> dict[str, PluginResult]:
    """Ask the plugin that decides on groups, and then the others."""
    plugin = plugins.pop(decider)
    outcomes = _ask_all({decider: plugin}, event, deadline, began)
    claims = outcomes[decider].claims
    if claims is None:
        return outcomes
    if claims.groups is not None:
        decided = _frozen(claims.groups)
        outcomes[decider].claims = claims._replace(groups=decided)
        event = _with_groups(event, decided)
    return outcomes | _ask_all(plugins, event, deadline, began)


def _ask_beside(
    decider: str,
    decide: Any,
    plugins: dict[str, PluginEntry],
    event: PreTokenGenerationEvent,
    deadline: float,
    began: float,
) -> dict[str, PluginResult]:
    """Call `decide_groups` first, and then ask all plugins for their claims."""
    plugin = plugins[decider]
    answer: Any = None
    problem: CognitoClaimsError | None
    try:
        answer = decide(event)
        problem = groups_error(decider, answer)
    except BaseException as error:  # SystemExit too: it would end the thread without an answer
        problem = _failure(decider, plugin, error)
    if problem is not None:
        return {decider: PluginResult(plugin, _since(began), problem)}
    decided = None if answer is None else _frozen(answer)
    seen = event if decided is None else _with_groups(event, decided)
    outcomes = _ask_all(plugins, seen, deadline, began, {decider: event})
    outcome = outcomes.get(decider)  # None if a pure plugin refused first
    if outcome is not None and outcome.claims is not None:
        groups = outcome.claims.groups
        if (None if groups is None else _frozen(groups)) != decided:
            problem_text = "its Claims hold other groups than decide_groups returned"
            problem = PluginResultError(decider, "Claims", problem_text)
            outcomes[decider] = PluginResult(plugin, outcome.milliseconds, problem)
        else:
            outcome.claims = outcome.claims._replace(groups=decided)
    return outcomes


def _frozen(groups: Groups) -> Groups:
    """Return an immutable copy, since a plugin without types may have used lists."""
    return Groups(tuple(groups.groups), tuple(groups.iam_roles), groups.preferred_role)


def _with_groups(event: PreTokenGenerationEvent, groups: Groups) -> PreTokenGenerationEvent:
    """Return the event with these groups; without groups there are no roles, as in the tokens."""
    if not groups.groups:
        groups = _NO_GROUPS
    return event._replace(
        groups=groups.groups, iam_roles=groups.iam_roles, preferred_role=groups.preferred_role
    )


def _ask_all(
    plugins: Mapping[str, PluginEntry],
    event: _Event,
    deadline: float,
    began: float,
    own: Mapping[str, _Event] = _NO_EVENTS,
) -> dict[str, PluginResult]:
    """Ask the pure plugins, and then all others in parallel.

    `own` has the events of those plugins that see another event than the rest.
    """
    outcomes: dict[str, PluginResult] = {}
    for name, plugin in plugins.items():
        if plugin.is_pure:
            _ask(name, plugin, own.get(name, event), began, outcomes)
    if len(outcomes) == len(plugins) or any(outcome.is_refusal for outcome in outcomes.values()):
        return outcomes
    threads: list[Thread] = []
    for name, plugin in plugins.items():
        if not plugin.is_pure:
            asked = (name, plugin, own.get(name, event), began, outcomes)
            thread = Thread(target=_ask_until, args=(deadline, *asked), daemon=True)
            threads += _started(thread, name, plugin, outcomes)
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    late = _since(began)
    return {
        name: outcomes.get(name) or PluginResult(plugin, late, PluginTimeoutError(name))
        for name, plugin in plugins.items()
    }


def _started(
    thread: Thread, name: str, plugin: PluginEntry, outcomes: dict[str, PluginResult]
) -> tuple[Thread, ...]:
    try:
        thread.start()
    except RuntimeError as error:  # the process has no thread left
        failure = PluginFailedError(name, type(error).__name__, raised_at(error))
        outcomes[name] = PluginResult(plugin, 0.0, failure)
        return ()
    return (thread,)


def prepare(plugins: Mapping[str, PluginEntry]) -> None:
    """Start the `prepare` method of each plugin that has one, each in a thread of its own."""
    for plugin in plugins.values():
        if callable(getattr(plugin.plugin, "prepare", None)):
            with suppress(RuntimeError):  # the process has no thread left
                Thread(target=_prepare, args=(plugin.plugin,), daemon=True).start()


def _prepare(plugin: Any) -> None:
    # A failure here happens again at the first event, where the policy and the log apply.
    with suppress(BaseException):
        plugin.prepare()


def _ask_until(deadline: float, *asked: Any) -> None:
    set_thread_deadline(deadline)
    _ask(*asked)


def _ask(
    name: str, plugin: PluginEntry, event: _Event, began: float, outcomes: dict[str, PluginResult]
) -> None:
    answer: Claims | CognitoClaimsError
    try:
        claims = plugin.plugin(event)
        answer = result_error(name, plugin, claims) or claims
    except BaseException as error:  # SystemExit too: it would end the thread without an answer
        answer = _failure(name, plugin, error)
    outcomes[name] = PluginResult(plugin, _since(began), answer)


def _failure(name: str, plugin: PluginEntry, error: BaseException) -> CognitoClaimsError:
    if isinstance(error, TokenDenied):
        error.plugin = name
        return error
    if isinstance(error, DeadlineError):
        return PluginTimeoutError(name, error.stage)
    module = getattr(getattr(plugin.plugin, "func", plugin.plugin), "__module__", "")
    return PluginFailedError(name, describe_error(error), raised_at(error, str(module)))


def _since(began: float) -> float:
    return round((monotonic() - began) * 1000, 3)
