"""Lambda handlers: plugins asked side by side under one deadline, policies, neutral errors, the decision log.

Cognito waits five seconds, cold start included, may invoke again, and shows whatever is raised to the person who
signs in (AWS: "Customizing user pool workflows with Lambda triggers").
"""

import logging
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any, TypeAlias

from cognito_claims.composition import composed, declared_conflict
from cognito_claims.deadline import TimeBudget
from cognito_claims.errors import (
    CognitoClaimsError,
    Problem,
    SettingsError,
    SignInError,
    TokenDenied,
    raised_at,
)
from cognito_claims.invocation.decision import Decision, decide, decide_sync, log_decision, log_sync
from cognito_claims.invocation.dispatch import prepare
from cognito_claims.plugin import Plugin, PluginEntry, UserPlugin
from cognito_claims.pools import ANY, require_pools
from cognito_claims.registry import Configuration, load

Handler: TypeAlias = Callable[[Any, Any], dict[str, Any]]

_log = logging.getLogger("cognito_claims")


def pre_token_generation(
    *,
    deadline_ms: int = 4000,
    user_pools: Collection[str] = ANY,
    log_sub: bool = False,
    **plugins: Plugin,
) -> Handler:
    """Make a handler of plugins by name; the names are for the log, for policies and for errors.

    A plugin that fails fails the sign-in, unless it is `optional`. One that is not `pure` runs in a thread of its
    own and is given up `deadline_ms` after the event came (the first event's: after the process started).
    Events of other pools than `user_pools` are refused; `log_sub` puts the user's `sub` into the log.
    The handler raises `SignInError` or `TokenDenied`, whose texts Cognito shows; what they must not tell is in the log.

    Raises `SettingsError` for what is no plugin and for marks that do not go together, and `ClaimConflictError` for
    two plugins that declare one claim.
    """
    _refuse_none(plugins)
    return _pre_token_generation(composed(plugins), deadline_ms, user_pools, log_sub)


def _pre_token_generation(
    marked: Mapping[str, PluginEntry],
    deadline_ms: int,
    user_pools: Collection[str],
    log_sub: bool,  # noqa: FBT001  (private)
) -> Handler:
    require_pools(user_pools)
    conflict = declared_conflict(marked)
    if conflict is not None:
        raise conflict
    prepare(marked)
    patience = TimeBudget(deadline_ms / 1000)

    def handler(event: Any, context: Any = None) -> dict[str, Any]:
        decision = decide(event, marked, patience.deadline(context), user_pools)
        _conclude(decision, log_decision, log_sub=log_sub)
        return {**event, "response": decision.response}

    return handler


def user_sync(
    *,
    deadline_ms: int = 4000,
    user_pools: Collection[str] = ANY,
    log_sub: bool = False,
    **plugins: UserPlugin,
) -> Handler:
    """Make a handler for post authentication and post confirmation, which returns the event as it came.

    A plugin is a `UserSync`, or anything that takes a `UserEvent` and gives no claims. Failure, time, pools, errors and log are
    as with `pre_token_generation`: wrap a plugin in `optional` to let the sign-in go on when it fails.
    """
    _refuse_none(plugins)
    require_pools(user_pools)
    marked = composed(plugins)
    deciding = [name for name, entry in marked.items() if entry.decides_groups]
    if deciding:
        problem = "decides on groups, which this trigger has none of"
        raise SettingsError(tuple(Problem(name, problem) for name in deciding))
    prepare(marked)
    patience = TimeBudget(deadline_ms / 1000)

    def handler(event: Any, context: Any = None) -> dict[str, Any]:
        decision = decide_sync(event, marked, patience.deadline(context), user_pools)
        _conclude(decision, log_sync, log_sub=log_sub)
        unchanged: dict[str, Any] = event
        return unchanged

    return handler


def _conclude(decision: Decision, log: Callable[..., None], *, log_sub: bool) -> None:
    """Log a decision, and raise what Cognito may show when it refuses."""
    try:
        log(decision, log_sub=log_sub)
    except Exception as error:  # of a plugin's own mapping, say: no reason to tell Cognito its text
        _log.error("the decision could not be logged: %s", type(error).__name__)
    if isinstance(decision.error, TokenDenied):
        raise TokenDenied(decision.error.reason)
    if decision.error is not None:
        raise SignInError(decision.error.code)


def pre_token_generation_from_env(environ: Mapping[str, str]) -> Handler:
    """Make the handler that `COGNITO_CLAIMS_*` and the plugins' own variables describe.

    Raises `SignInError`: Cognito shows what a cold start raises, too. Every problem is in the log.
    """
    return _made(_pre_token_generation_of, environ)


def _pre_token_generation_of(environ: Mapping[str, str]) -> Handler:
    configuration = load(environ)
    return _pre_token_generation(
        configuration.plugins,
        configuration.deadline_ms,
        configuration.user_pools,
        configuration.log_sub,
    )


def user_sync_from_env(environ: Mapping[str, str]) -> Handler:
    """Make the handler that `USER_SYNC_*` and the sinks' own variables describe; raises as the other one does."""
    return _made(_user_sync_of, environ)


def _user_sync_of(environ: Mapping[str, str]) -> Handler:
    configuration: Configuration = import_module("cognito_claims.sync.from_env").load(environ)
    return user_sync(
        deadline_ms=configuration.deadline_ms,
        user_pools=configuration.user_pools,
        log_sub=configuration.log_sub,
        **configuration.plugins,
    )


def _refuse_none(plugins: Mapping[str, object]) -> None:
    if not plugins:
        raise SettingsError((Problem("plugins", "expected at least one, by name"),))


def _made(make: Callable[[Mapping[str, str]], Handler], environ: Mapping[str, str]) -> Handler:
    """Make the handler, and tell the log alone why that cannot be done."""
    try:
        return make(environ)
    except SettingsError as error:
        for problem in error.problems:
            _log.error("wrong setting: %s", problem)
        code = error.code
    except CognitoClaimsError as error:  # of a foreign module or factory, or of two plugins
        _log.error("no handler can be made: %s", error)
        code = error.code
    except BaseException as error:  # of this library's own
        _log.error("no handler can be made: %s at %s", type(error).__name__, raised_at(error))
        code = "plugin-failed"
    raise SignInError(code)
