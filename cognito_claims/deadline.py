"""All of the waiting: how long an event may take, and plugins asked side by side until then."""

import sys
from collections.abc import Mapping
from threading import Thread
from time import monotonic, process_time
from types import CoroutineType
from typing import Any

from cognito_claims.claims import Claims, malformed_part
from cognito_claims.errors import (
    CognitoClaimsError,
    PluginFailedError,
    PluginResultError,
    PluginTimeoutError,
    TokenDenied,
    place_of,
)
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.registry import Marked

# When the process, and with it Cognito's wait, began: until here, a cold start does nothing but import.
_process_started = monotonic() - process_time()
_AHEAD_S = 1.0
_LONGEST_INIT_S = 10.0  # Lambda's own limit: whatever took longer is not an init
_MARGIN_S = 0.1


class Patience:
    """How long an event may take: the first one shares Cognito's five seconds with the cold start."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ready = monotonic()
        self._cold = "awslambdaric" in sys.modules

    def deadline(self, context: Any) -> float:
        """Give the moment, on the monotonic clock, at which this invocation must answer."""
        now = monotonic()
        seconds = self._seconds
        # After a pause, Lambda had initialised ahead (provisioned concurrency, SnapStart), and nobody waited.
        init = self._ready - _process_started
        if self._cold and init < _LONGEST_INIT_S and now - self._ready < _AHEAD_S:
            seconds -= init
        self._cold = False
        remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
        if remaining_ms is not None:  # None without Lambda, as in a test
            seconds = min(seconds, remaining_ms() / 1000 - _MARGIN_S)
        return now + seconds


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
            thread = Thread(target=_ask, args=(name, plugin, event, began, outcomes), daemon=True)
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
