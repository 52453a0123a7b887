"""What an event comes to: claims merged and rendered, the policies applied, and the record of it in the log."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cognito_claims.asking import Outcome, ask
from cognito_claims.claims import Claims, TokenClaims, merge
from cognito_claims.errors import (
    CognitoClaimsError,
    PluginResultError,
    TokenDenied,
    UnexpectedError,
    place_of,
)
from cognito_claims.events import PreTokenGenerationEvent, UserEvent
from cognito_claims.registry import Marked
from cognito_claims.response import render

_log = logging.getLogger("cognito_claims")


class Decision:
    """What one event came to: a response, or the error that refuses the sign-in."""

    def __init__(self) -> None:
        self.event: PreTokenGenerationEvent | UserEvent | None = None
        self.outcomes: Mapping[str, Outcome] = {}
        self.claims: Claims = Claims()
        self.response: dict[str, Any] = {}
        self.error: CognitoClaimsError | None = None


def decide(event: object, plugins: Mapping[str, Marked], deadline: float) -> Decision:
    """Decide on a decoded event before the deadline (on the monotonic clock); never raises."""
    return _decide(lambda: PreTokenGenerationEvent.from_json(event), plugins, deadline)


def decide_typed(
    event: PreTokenGenerationEvent, plugins: Mapping[str, Marked], deadline: float
) -> Decision:
    """Decide on an event as `decide` does."""
    return _decide(lambda: event, plugins, deadline)


def _decide(
    read_event: Callable[[], PreTokenGenerationEvent],
    plugins: Mapping[str, Marked],
    deadline: float,
) -> Decision:
    decision = Decision()
    with _deciding(decision):
        decision.event = event = read_event()
        decision.outcomes = ask(plugins, event, deadline)
        decision.claims = merge(_accepted(decision.outcomes))
        decision.response = render(decision.claims, event)
    return decision


def decide_sync(event: object, plugins: Mapping[str, Marked], deadline: float) -> Decision:
    """Decide on a decoded event of post authentication or post confirmation, as `decide` does."""
    decision = Decision()
    with _deciding(decision):
        decision.event = user_event = UserEvent.from_json(event)
        decision.outcomes = ask(plugins, user_event, deadline)
        for name, claims in _accepted(decision.outcomes).items():
            if claims != Claims():
                raise PluginResultError(name, "claims, for which this trigger has no token")
    return decision


@contextmanager
def _deciding(decision: Decision) -> Iterator[None]:
    try:
        yield
    except CognitoClaimsError as error:
        decision.error = error
    except Exception as error:  # whatever it is, its text must not reach Cognito
        decision.error = UnexpectedError(type(error).__name__, place_of(error))


def _accepted(outcomes: Mapping[str, Outcome]) -> dict[str, Claims]:
    """Apply the policies: a refusal first, then a failure that denies."""
    failures = [outcome for outcome in outcomes.values() if outcome.error is not None]
    for outcome in failures:
        if isinstance(outcome.error, TokenDenied):
            raise outcome.error
    for outcome in failures:
        if outcome.error is not None and outcome.is_refusal:
            raise outcome.error
    return {name: o.claims for name, o in outcomes.items() if o.claims is not None}


def log_decision(decision: Decision) -> None:
    """Write one INFO record of names and sizes, never a value; before it, what went wrong, as ERROR or WARNING."""
    fields: dict[str, Any] = {}
    if isinstance(decision.event, PreTokenGenerationEvent):
        fields["trigger_version"] = decision.event.version.name
    if decision.error is None:
        fields["bytes_added"] = {
            "id_token": _size(decision.claims.id_token),
            "access_token": _size(decision.claims.access_token),
        }
    outcome = "issued" if decision.error is None else "refused"
    _record(decision, "pre token generation", outcome, "no claims", fields)


def log_sync(decision: Decision) -> None:
    """Write what came of a sync, as `log_decision` does."""
    failed = any(outcome.error is not None for outcome in decision.outcomes.values())
    outcome = "refused" if decision.error is not None else "failed" if failed else "done"
    _record(decision, "user sync", outcome, "not synced", {})


def _record(
    decision: Decision, what: str, outcome: str, omitted: str, more: Mapping[str, Any]
) -> None:
    for asked in decision.outcomes.values():
        if asked.error is not None and asked.error is not decision.error:
            _log.warning("%s: %s [%s]", omitted, _told(asked.error), asked.error.code)
    if decision.error is not None:
        _log.error("sign-in refused: %s [%s]", _told(decision.error), decision.error.code)
    if not _log.isEnabledFor(logging.INFO):
        return
    fields: dict[str, Any] = {"outcome": outcome, **more}
    if decision.event is not None:
        fields["trigger_source"] = decision.event.trigger_source
        fields["client_id"] = decision.event.client_id
    fields["plugins"] = {name: _summary(asked) for name, asked in decision.outcomes.items()}
    if decision.error is not None:
        fields["code"] = decision.error.code
    _log.info("%s: %s", what, outcome, extra=fields)


def _told(error: CognitoClaimsError) -> str:
    """Give the text for the log; a refusal's is for the person who signs in, and may name them."""
    return "denied by a plugin" if isinstance(error, TokenDenied) else str(error)


def _summary(outcome: Outcome) -> dict[str, Any]:
    summary: dict[str, Any] = {"milliseconds": outcome.milliseconds}
    if outcome.error is not None:
        summary |= {"error": outcome.error.code, "on_error": outcome.plugin.on_error}
    claims = outcome.claims or Claims()
    for name, wanted in (("id_token", claims.id_token), ("access_token", claims.access_token)):
        names = sorted((*wanted.add, *wanted.suppress))
        if names:
            summary[name] = names
    return summary


def _size(wanted: TokenClaims) -> int:
    text = json.dumps(dict(wanted.add), ensure_ascii=False, separators=(",", ":"), default=dict)
    return len(text.encode()) if wanted.add else 0
