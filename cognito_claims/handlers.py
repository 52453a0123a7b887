"""Lambda handlers: plugins asked side by side under one deadline, policies, neutral errors, the decision log.

Cognito waits five seconds, cold start included, may invoke again, and shows whatever is raised to the person who
signs in (AWS: "Customizing user pool workflows with Lambda triggers").
"""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from cognito_claims.claims import Claims, TokenClaims, merge
from cognito_claims.deadline import Outcome, Patience, ask, place_of
from cognito_claims.errors import CognitoClaimsError, SettingsError, SignInError, TokenDenied
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.registry import Plugin, load, mark
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
    patience = Patience(deadline_ms / 1000)

    def handler(event: Any, context: Any = None) -> dict[str, Any]:
        deadline = patience.deadline(context)
        decision = _Decision()
        response: dict[str, Any] = {}
        refusal: CognitoClaimsError | None = None
        try:
            decision.event = PreTokenGenerationEvent.from_json(event)
            decision.outcomes = ask(marked, decision.event, deadline)
            decision.claims = merge(_accepted(decision.outcomes))
            response = render(decision.claims, decision.event)
        except TokenDenied as error:
            refusal = TokenDenied(error.reason)
        except CognitoClaimsError as error:
            _log.error("sign-in refused: %s [%s]", error, error.code)
            refusal = SignInError(error.code)
        except Exception as error:  # (whatever it is, its text must not reach Cognito)
            _log.error("sign-in refused: %s at %s", type(error).__name__, place_of(error))
            refusal = SignInError("internal")
        decision.log(refusal)
        if refusal is not None:
            raise refusal
        return {**event, "response": response}

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
    except Exception as error:  # (a foreign module's or factory's: its text may hold a secret)
        _log.error("a plugin could not be made: %s at %s", type(error).__name__, place_of(error))
        code = "plugin-failed"
    else:
        return pre_token_generation(deadline_ms=configuration.deadline_ms, **configuration.plugins)
    raise SignInError(code)


def _accepted(outcomes: Mapping[str, Outcome]) -> dict[str, Claims]:
    """Apply the policies: a refusal first, then a failure that denies; what is omitted is logged."""
    errors = [(o.error, o.plugin.on_error) for o in outcomes.values() if o.error is not None]
    for error, _ in errors:
        if isinstance(error, TokenDenied):
            raise error
    for error, on_error in errors:
        if on_error == "deny":
            raise error
        _log.warning("claims omitted: %s [%s]", error, error.code)
    return {name: o.claims for name, o in outcomes.items() if o.claims and o.error is None}


class _Decision:
    """What one invocation came to, for its record in the log: names and sizes, never a value."""

    def __init__(self) -> None:
        self.event: PreTokenGenerationEvent | None = None
        self.outcomes: dict[str, Outcome] = {}
        self.claims = Claims()

    def log(self, refusal: CognitoClaimsError | None) -> None:
        if not _log.isEnabledFor(logging.INFO):
            return
        outcome = "issued" if refusal is None else "refused"
        fields: dict[str, Any] = {"outcome": outcome}
        if isinstance(refusal, CognitoClaimsError):
            fields["code"] = getattr(refusal, "reason_code", refusal.code)
        if self.event is not None:
            fields["trigger_version"] = self.event.version.name
            fields["trigger_source"] = self.event.trigger_source
            fields["client_id"] = self.event.client_id
        fields["plugins"] = {name: _summary(outcome) for name, outcome in self.outcomes.items()}
        if refusal is None:
            fields["bytes_added"] = {
                "id_token": _size(self.claims.id_token),
                "access_token": _size(self.claims.access_token),
            }
        _log.info("pre token generation: %s", outcome, extra=fields)


def _summary(outcome: Outcome) -> dict[str, Any]:
    summary: dict[str, Any] = {"milliseconds": outcome.milliseconds}
    if outcome.error is not None:
        return {**summary, "error": outcome.error.code, "on_error": outcome.plugin.on_error}
    if outcome.claims is not None:
        for token in ("id_token", "access_token"):
            wanted: TokenClaims = getattr(outcome.claims, token)
            summary[token] = sorted((*wanted.add, *wanted.suppress))
    return summary


def _size(wanted: TokenClaims) -> int:
    text = json.dumps(dict(wanted.add), ensure_ascii=False, separators=(",", ":"), default=dict)
    return len(text.encode()) if wanted.add else 0
