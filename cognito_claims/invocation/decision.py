"""The decision on one event: merge and render claims, apply the policies, write the log."""

import json
import logging
from collections.abc import Collection, Mapping
from typing import Any

from cognito_claims.claims import Claims, TokenClaims, merge
from cognito_claims.composition import refuse_unmarked
from cognito_claims.errors import (
    CognitoClaimsError,
    PluginResultError,
    TokenDenied,
    UnexpectedError,
    UnsupportedClaimError,
    UserPoolError,
    raised_at,
)
from cognito_claims.events import PreTokenGenerationEvent, UserEvent
from cognito_claims.invocation.dispatch import PluginResult, ask
from cognito_claims.plugin import PluginEntry
from cognito_claims.pools import ANY, require_answered
from cognito_claims.response import render

_log = logging.getLogger("cognito_claims")
_NO_CLAIMS = Claims()
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode


class Decision:
    """The result of one event: a response, or the error that refuses the sign-in."""

    def __init__(self) -> None:
        self.event: PreTokenGenerationEvent | UserEvent | None = None
        self.outcomes: Mapping[str, PluginResult] = {}
        self.claims: Claims = _NO_CLAIMS
        self.response: dict[str, Any] = {}
        self.error: CognitoClaimsError | None = None
        self.unread: CognitoClaimsError | None = None


def decide(
    event: object,
    plugins: Mapping[str, PluginEntry],
    deadline: float,
    user_pools: Collection[str] = ANY,
) -> Decision:
    """Decide on a decoded event before the deadline (on the monotonic clock); never raises.

    No plugin is asked about an event of a pool that is not in `user_pools`.
    """
    decision = Decision()
    try:
        decision.event = read = PreTokenGenerationEvent.from_json(event)
        require_answered(read.user_pool_id, user_pools)
    except Exception as error:  # of any kind: its text must not reach Cognito
        decision.error = _known(error)
        return decision
    return decide_typed(read, plugins, deadline)


def decide_typed(
    event: PreTokenGenerationEvent, plugins: Mapping[str, PluginEntry], deadline: float
) -> Decision:
    """Decide on a parsed event as `decide` does."""
    decision = Decision()
    decision.event = event
    accepted: dict[str, Claims] = {}
    try:
        decision.outcomes = ask(plugins, event, deadline)
        accepted = _accepted(decision.outcomes)
        if len(decision.outcomes) > 1:
            refuse_unmarked(
                {name: (asked.plugin, asked.claims) for name, asked in decision.outcomes.items()}
            )
        decision.claims = merge(accepted)
        decision.response = render(decision.claims, event)
    except UnsupportedClaimError as error:
        decision.error = _attributed(error, accepted)
    except Exception as error:  # the same
        decision.error = _known(error)
    return decision


def decide_sync(
    event: object,
    plugins: Mapping[str, PluginEntry],
    deadline: float,
    user_pools: Collection[str] = ANY,
) -> Decision:
    """Decide on a decoded event of post authentication or post confirmation, as `decide` does.

    An event of another kind refuses nobody if every plugin is optional: the error is then in
    `unread` and not in `error`.
    """
    decision = Decision()
    try:
        decision.event = user_event = UserEvent.from_json(event)
    except Exception as error:  # the same
        is_let_go = plugins and all(plugin.on_error == "omit" for plugin in plugins.values())
        if is_let_go:
            decision.unread = _known(error)
        else:
            decision.error = _known(error)
        return decision
    try:
        require_answered(user_event.user_pool_id, user_pools)
        decision.outcomes = ask(plugins, user_event, deadline)
        for name, claims in _accepted(decision.outcomes).items():
            if claims != _NO_CLAIMS:
                problem = "returned claims, but this trigger issues no token"
                raise PluginResultError(name, "Claims", problem)  # noqa: TRY301  (handled like any other)
    except Exception as error:  # the same
        decision.error = _known(error)
    return decision


def _known(error: Exception) -> CognitoClaimsError:
    if isinstance(error, CognitoClaimsError):
        return error
    return UnexpectedError(type(error).__name__, raised_at(error))


def _attributed(
    error: UnsupportedClaimError, answers: Mapping[str, Claims]
) -> UnsupportedClaimError:
    """Return the error with the names of the plugins that want what the event cannot carry."""
    plugins = tuple(sorted(name for name, claims in answers.items() if _wants(claims, error)))
    return UnsupportedClaimError(error.subject, error.token, error.version, error.problem, plugins)


def _wants(claims: Claims, error: UnsupportedClaimError) -> bool:
    if error.subject == "cognito:groups" and claims.groups is not None:
        return True
    wanted = claims.id_token if error.token == "id" else claims.access_token
    if error.subject == "scope":  # any scope
        return bool(wanted.add_scopes or wanted.suppress_scopes)
    return any(error.subject in names for names in wanted)


def _accepted(outcomes: Mapping[str, PluginResult]) -> dict[str, Claims]:
    """Apply the policies: raise a refusal first, and then a failure that denies."""
    accepted: dict[str, Claims] = {}
    failures: list[PluginResult] = []
    for name, outcome in outcomes.items():
        if outcome.claims is None:
            failures.append(outcome)
        else:
            accepted[name] = outcome.claims
    for outcome in failures:
        if isinstance(outcome.error, TokenDenied):
            raise outcome.error
    for outcome in failures:
        if outcome.error is not None and outcome.is_refusal:
            raise outcome.error
    return accepted


def log_decision(decision: Decision, *, log_sub: bool = False) -> None:
    """Write one INFO record of names and sizes, after an ERROR or WARNING for each failure.

    It holds no value except, with `log_sub`, the user's `sub`. A plugin's denial is logged at INFO:
    it is not a failure, and otherwise anybody who signs in could raise an alarm.
    """
    _log_failures(decision, "no claims")
    if not _log.isEnabledFor(logging.INFO):
        return
    fields: dict[str, Any] = {"outcome": "issued" if decision.error is None else "refused"}
    if isinstance(decision.event, PreTokenGenerationEvent):
        fields["trigger_version"] = decision.event.version.name
    if decision.error is None:
        fields["bytes_added"] = {
            "id_token": _size(decision.claims.id_token),
            "access_token": _size(decision.claims.access_token),
        }
    _record(decision, "pre token generation", fields, log_sub=log_sub)


def log_sync(decision: Decision, *, log_sub: bool = False) -> None:
    """Write the result of a sync to the log, as `log_decision` does."""
    _log_failures(decision, "not synced")
    if decision.unread is not None:
        _log.error("not synced: %s [%s]", decision.unread, decision.unread.code)
    if not _log.isEnabledFor(logging.INFO):
        return
    failed = decision.unread or any(asked.error is not None for asked in decision.outcomes.values())
    outcome = "refused" if decision.error is not None else "failed" if failed else "done"
    _record(decision, "user sync", {"outcome": outcome}, log_sub=log_sub)


def _log_failures(decision: Decision, omitted: str) -> None:
    for asked in decision.outcomes.values():
        if asked.error is not None and asked.error is not decision.error:
            _log_failure(logging.WARNING, omitted, asked.error)
    if decision.error is not None:
        _log_failure(logging.ERROR, "sign-in refused", decision.error)


def _log_failure(level: int, what: str, error: CognitoClaimsError) -> None:
    if isinstance(error, TokenDenied):
        level = logging.INFO
    _log.log(level, "%s: %s [%s]", what, _told(error), error.code)


def _record(decision: Decision, what: str, fields: dict[str, Any], *, log_sub: bool) -> None:
    if decision.event is not None:
        fields["trigger_source"] = decision.event.trigger_source
        fields["client_id"] = decision.event.client_id
        user = decision.event.user
        # Nothing is known of another pool's user, not even that it is a user.
        if log_sub and user is not None and not isinstance(decision.error, UserPoolError):
            fields["sub"] = user.sub
    fields["plugins"] = {name: _summary(asked) for name, asked in decision.outcomes.items()}
    error = decision.error or decision.unread
    if error is not None:
        fields["code"] = error.code
    _log.info("%s: %s", what, fields["outcome"], extra=fields)


def _told(error: CognitoClaimsError) -> str:
    """Return the text for the log, without the reason of a denial.

    The reason is for the person who signs in, and may name them.
    """
    if not isinstance(error, TokenDenied):
        return str(error)
    setting = f" ({error.setting})" if error.setting else ""
    return f"denied by plugin {error.plugin}{setting}"


def _summary(outcome: PluginResult) -> dict[str, Any]:
    summary: dict[str, Any] = {"milliseconds": outcome.milliseconds}
    if outcome.error is not None:
        summary |= {"error": outcome.error.code, "on_error": outcome.plugin.on_error}
    claims = outcome.claims or _NO_CLAIMS
    for name, wanted in (("id_token", claims.id_token), ("access_token", claims.access_token)):
        names = sorted((*wanted.add, *wanted.suppress))
        if names:
            summary[name] = names
    return summary


def _size(wanted: TokenClaims) -> int:
    return len(_to_json(dict(wanted.add)).encode()) if wanted.add else 0
