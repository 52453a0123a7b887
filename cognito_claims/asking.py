"""Plugins asked side by side until the deadline, and what came of each."""

from collections.abc import Mapping, Set
from contextlib import suppress
from threading import Thread
from time import monotonic
from types import CoroutineType, MappingProxyType
from typing import Any

from cognito_claims.claims import Claims, Groups, TokenClaims
from cognito_claims.deadline import limit
from cognito_claims.errors import (
    CognitoClaimsError,
    DeadlineError,
    PluginFailedError,
    PluginResultError,
    PluginTimeoutError,
    TokenDenied,
    place_of,
    told,
)
from cognito_claims.events import PreTokenGenerationEvent, UserEvent, are_texts
from cognito_claims.registry import Marked

_NO_CLAIMS = Claims()
_MAPPINGS = frozenset((dict, MappingProxyType))
_SETS = frozenset((frozenset, set))


class Outcome:
    """What came of asking one plugin: claims, or why there are none."""

    __slots__ = ("claims", "error", "milliseconds", "plugin")

    def __init__(
        self, plugin: Marked, milliseconds: float, answer: Claims | CognitoClaimsError
    ) -> None:
        self.plugin: Marked = plugin
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
        denied = isinstance(self.error, TokenDenied)
        return denied or (self.error is not None and self.plugin.on_error == "deny")


def ask(
    plugins: Mapping[str, Marked], event: PreTokenGenerationEvent | UserEvent, deadline: float
) -> dict[str, Outcome]:
    """Ask the pure plugins, then all others side by side; whoever has not answered at the deadline has timed out.

    Where a pure plugin refuses the sign-in, no other is asked: nothing is made for somebody who does not get it.
    """
    outcomes: dict[str, Outcome] = {}
    began = monotonic()
    for name, plugin in plugins.items():
        if plugin.is_pure:
            _ask(name, plugin, event, began, outcomes)
    if len(outcomes) == len(plugins) or any(outcome.is_refusal for outcome in outcomes.values()):
        return outcomes
    threads: list[Thread] = []
    for name, plugin in plugins.items():
        if not plugin.is_pure:
            asked = (name, plugin, event, began, outcomes)
            thread = Thread(target=_ask_until, args=(deadline, *asked), daemon=True)
            threads += _started(thread, name, plugin, outcomes)
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    late = _since(began)
    return {
        name: outcomes.get(name) or Outcome(plugin, late, PluginTimeoutError(name))
        for name, plugin in plugins.items()
    }


def _started(
    thread: Thread, name: str, plugin: Marked, outcomes: dict[str, Outcome]
) -> tuple[Thread, ...]:
    try:
        thread.start()
    except RuntimeError as error:  # the process has no thread left
        failure = PluginFailedError(name, type(error).__name__, place_of(error))
        outcomes[name] = Outcome(plugin, 0.0, failure)
        return ()
    return (thread,)


def prepare(plugins: Mapping[str, Marked]) -> None:
    """Let the plugins that can (by a `prepare` method) fetch ahead, each in a thread of its own."""
    for plugin in plugins.values():
        if callable(getattr(plugin.plugin, "prepare", None)):
            with suppress(RuntimeError):  # the process has no thread left
                Thread(target=_prepare, args=(plugin.plugin,), daemon=True).start()


def _prepare(plugin: Any) -> None:
    # What fails here fails again when an event comes, and there its policy and the log are.
    with suppress(BaseException):
        plugin.prepare()


def _ask_until(deadline: float, *asked: Any) -> None:
    limit(deadline)
    _ask(*asked)


def _ask(
    name: str,
    plugin: Marked,
    event: PreTokenGenerationEvent | UserEvent,
    began: float,
    outcomes: dict[str, Outcome],
) -> None:
    answer: Claims | CognitoClaimsError
    try:
        claims = plugin.plugin(event)
        answer = _result_error(name, claims) or claims
    except TokenDenied as denial:
        denial.plugin = name
        answer = denial
    except DeadlineError as error:
        answer = PluginTimeoutError(name, error.stage)
    except BaseException as error:  # SystemExit too would take the answer along
        answer = PluginFailedError(name, told(error), place_of(error))
    outcomes[name] = Outcome(plugin, _since(began), answer)


def _result_error(name: str, answer: Any) -> PluginResultError | None:
    if not isinstance(answer, Claims):
        if isinstance(answer, CoroutineType):
            answer.close()  # or Python warns that nobody awaited it
        return PluginResultError(name, type(answer).__name__)
    malformed = malformed_part(answer)
    return None if malformed is None else PluginResultError(name, f"Claims with {malformed}")


def malformed_part(claims: Claims) -> str | None:
    """Name what is not of its declared type, in the answer of a plugin that no type checker has seen."""
    tokens: tuple[object, ...] = (claims.id_token, claims.access_token)
    for token in tokens:
        if token is not _NO_CLAIMS.id_token and not _is_well_formed(token):
            return "malformed TokenClaims"
    if claims.groups is not None and not _are_groups(claims.groups):
        return "groups that are not Groups"
    return None if _are_names(claims.needs) else "needs that are not a set of names"


def _is_well_formed(token: object) -> bool:
    if not isinstance(token, TokenClaims):
        return False
    add: Any = token.add
    return (
        (type(add) in _MAPPINGS or isinstance(add, Mapping))  # which takes longer to say
        and are_texts(add)
        and _are_names(token.suppress)
        and _are_names(token.add_scopes)
        and _are_names(token.suppress_scopes)
    )


def _are_groups(groups: object) -> bool:
    if not isinstance(groups, Groups):
        return False
    parts: tuple[object, ...] = (groups.groups, groups.iam_roles)
    return all(isinstance(part, (tuple, list)) and are_texts(part) for part in parts) and (
        groups.preferred_role is None or isinstance(groups.preferred_role, str)
    )


def _are_names(names: Any) -> bool:
    if names is _NO_CLAIMS.needs:
        return True
    return (type(names) in _SETS or isinstance(names, Set)) and are_texts(names)


def _since(began: float) -> float:
    return round((monotonic() - began) * 1000, 3)
