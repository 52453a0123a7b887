"""Plugins asked side by side until the deadline, and what came of each."""

from collections.abc import Mapping
from contextlib import suppress
from threading import Thread
from time import monotonic
from types import CoroutineType
from typing import Any

from cognito_claims.claims import Claims, malformed_part
from cognito_claims.deadline import limit
from cognito_claims.errors import (
    AwsError,
    CognitoClaimsError,
    DeadlineError,
    FaunaError,
    PluginFailedError,
    PluginResultError,
    PluginTimeoutError,
    SecretError,
    TokenDenied,
    TransportError,
    place_of,
)
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.registry import Marked

_TOLD = (
    AwsError,
    FaunaError,
    SecretError,
    TransportError,
)  # their texts are made here, of no value


class Outcome:
    """What came of asking one plugin: claims, or why there are none."""

    __slots__ = ("claims", "error", "milliseconds", "plugin")

    def __init__(
        self, plugin: Marked, milliseconds: float, answer: Claims | CognitoClaimsError
    ) -> None:
        self.plugin: Marked = plugin
        self.milliseconds: float = milliseconds
        self.claims: Claims | None = answer if isinstance(answer, Claims) else None
        self.error: CognitoClaimsError | None = None if isinstance(answer, Claims) else answer


def ask(
    plugins: Mapping[str, Marked], event: PreTokenGenerationEvent, deadline: float
) -> dict[str, Outcome]:
    """Ask all plugins side by side; whoever has not answered at the deadline has timed out."""
    outcomes: dict[str, Outcome] = {}
    began = monotonic()
    threads: list[Thread] = []
    for name, plugin in plugins.items():
        if not plugin.is_pure:
            asked = (name, plugin, event, began, outcomes)
            thread = Thread(target=_ask_until, args=(deadline, *asked), daemon=True)
            thread.start()
            threads.append(thread)
    for name, plugin in plugins.items():
        if plugin.is_pure:
            _ask(name, plugin, event, began, outcomes)
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    late = _since(began)
    return {
        name: outcomes.get(name) or Outcome(plugin, late, PluginTimeoutError(name))
        for name, plugin in plugins.items()
    }


def prepare(plugins: Mapping[str, Marked]) -> None:
    """Let the plugins that can (by a `prepare` method) fetch ahead, each in a thread of its own."""
    for plugin in plugins.values():
        if callable(getattr(plugin.plugin, "prepare", None)):
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
    event: PreTokenGenerationEvent,
    began: float,
    outcomes: dict[str, Outcome],
) -> None:
    answer: Claims | CognitoClaimsError
    try:
        claims = plugin(event)
        answer = _result_error(name, claims) or claims
    except TokenDenied as denial:
        answer = denial
    except DeadlineError as error:
        answer = PluginTimeoutError(name, error.stage)
    except _TOLD as error:
        answer = PluginFailedError(name, f"{type(error).__name__}: {error}", place_of(error))
    except BaseException as raised:  # SystemExit too would take the answer along
        answer = PluginFailedError(name, type(raised).__name__, place_of(raised))
    outcomes[name] = Outcome(plugin, _since(began), answer)


def _result_error(name: str, answer: Any) -> PluginResultError | None:
    if isinstance(answer, CoroutineType):
        answer.close()  # or Python warns that nobody awaited it
    if not isinstance(answer, Claims):
        return PluginResultError(name, type(answer).__name__)
    malformed = malformed_part(answer)
    return None if malformed is None else PluginResultError(name, f"Claims with {malformed}")


def _since(began: float) -> float:
    return round((monotonic() - began) * 1000, 3)
