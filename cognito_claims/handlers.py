"""Lambda handlers: plugins asked side by side under one deadline, policies, neutral errors, the decision log.

Cognito waits five seconds, cold start included, may invoke again, and shows whatever is raised to the person who
signs in (AWS: "Customizing user pool workflows with Lambda triggers").
"""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from cognito_claims.asking import Outcome, ask, prepare
from cognito_claims.claims import Claims, TokenClaims, merge
from cognito_claims.deadline import Patience
from cognito_claims.errors import (
    CognitoClaimsError,
    SettingsError,
    SignInError,
    TokenDenied,
    UnexpectedError,
    place_of,
)
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.registry import Marked, Plugin, load, mark
from cognito_claims.response import render

Handler: TypeAlias = Callable[[Any, Any], dict[str, Any]]

_log = logging.getLogger("cognito_claims")


def pre_token_generation(*, deadline_ms: int = 4000, **plugins: Plugin) -> Handler:
    """Make a handler of plugins by name; the names are for the log, for policies and for errors.

    A plugin that fails fails the sign-in, unless it is `optional`. One that is not `pure` runs in a thread of its
    own and is given up `deadline_ms` after the event came (the first event's: after the process started).
    The handler raises `SignInError` or `TokenDenied`, whose texts Cognito shows; what they must not tell is in the log.
    """
    marked = {name: mark(plugin) for name, plugin in plugins.items()}
    prepare(marked)
    patience = Patience(deadline_ms / 1000)

    def handler(event: Any, context: Any = None) -> dict[str, Any]:
        decision = decide(event, marked, patience.deadline(context))
        try:
            _log_decision(decision)
        except (
            Exception
        ) as error:  # of a plugin's own mapping, say: no reason to tell Cognito its text
            _log.error("the decision could not be logged: %s", type(error).__name__)
        if isinstance(decision.error, TokenDenied):
            raise TokenDenied(decision.error.reason)
        if decision.error is not None:
            raise SignInError(decision.error.code)
        return {**event, "response": decision.response}

    return handler


def pre_token_generation_from_env(environ: Mapping[str, str]) -> Handler:
    """Make the handler that `COGNITO_CLAIMS_*` and the plugins' own variables describe.

    Raises `SignInError`: Cognito shows what a cold start raises, too. Every problem is in the log.
    """
    try:
        configuration = load(environ)
    except SettingsError as error:
        for problem in error.problems:
            _log.error("wrong setting: %s", problem)
        code = error.code
    except BaseException as error:  # a foreign module's or factory's, SystemExit too
        _log.error("a plugin could not be made: %s at %s", type(error).__name__, place_of(error))
        code = "plugin-failed"
    else:
        return pre_token_generation(deadline_ms=configuration.deadline_ms, **configuration.plugins)
    raise SignInError(code)


class Decision:
    """What one event came to: a response, or the error that refuses the sign-in."""

    def __init__(self) -> None:
        self.event: PreTokenGenerationEvent | None = None
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
    try:
        decision.event = read_event()
        decision.outcomes = ask(plugins, decision.event, deadline)
        decision.claims = merge(_accepted(decision.outcomes))
        decision.response = render(decision.claims, decision.event)
    except CognitoClaimsError as error:
        decision.error = error
    except Exception as error:  # whatever it is, its text must not reach Cognito
        decision.error = UnexpectedError(type(error).__name__, place_of(error))
    return decision


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


def _log_decision(decision: Decision) -> None:
    """Write one INFO record of names and sizes, never a value; before it, what went wrong, as ERROR or WARNING."""
    for outcome in decision.outcomes.values():
        if outcome.error is not None and outcome.error is not decision.error:
            _log.warning("no claims: %s [%s]", _told(outcome.error), outcome.error.code)
    if decision.error is not None:
        _log.error("sign-in refused: %s [%s]", _told(decision.error), decision.error.code)
    if not _log.isEnabledFor(logging.INFO):
        return
    fields: dict[str, Any] = {"outcome": "issued" if decision.error is None else "refused"}
    if decision.event is not None:
        fields["trigger_version"] = decision.event.version.name
        fields["trigger_source"] = decision.event.trigger_source
        fields["client_id"] = decision.event.client_id
    fields["plugins"] = {name: _summary(outcome) for name, outcome in decision.outcomes.items()}
    if decision.error is None:
        fields["bytes_added"] = {
            "id_token": _size(decision.claims.id_token),
            "access_token": _size(decision.claims.access_token),
        }
    else:
        fields["code"] = decision.error.code
    _log.info("pre token generation: %s", fields["outcome"], extra=fields)


def _told(error: CognitoClaimsError) -> str:
    """Give the text for the log; a refusal's is for the person who signs in, and may name them."""
    return "denied by a plugin" if isinstance(error, TokenDenied) else str(error)


def _summary(outcome: Outcome) -> dict[str, Any]:
    summary: dict[str, Any] = {"milliseconds": outcome.milliseconds}
    if outcome.error is not None:
        return {**summary, "error": outcome.error.code, "on_error": outcome.plugin.on_error}
    claims = outcome.claims or Claims()
    for name, wanted in (("id_token", claims.id_token), ("access_token", claims.access_token)):
        summary[name] = sorted((*wanted.add, *wanted.suppress))
    return summary


def _size(wanted: TokenClaims) -> int:
    text = json.dumps(dict(wanted.add), ensure_ascii=False, separators=(",", ":"), default=dict)
    return len(text.encode()) if wanted.add else 0
