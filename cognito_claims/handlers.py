"""Lambda handlers: they call plugins in parallel under one deadline and log each decision.

They apply the error policies and raise neutral errors. Cognito waits five seconds, cold start
included, may invoke again, and shows the text of an exception to the person who signs in (AWS:
"Customizing user pool workflows with Lambda triggers").
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
    """Make a handler from plugins, given by name; the names are used in logs and errors.

    When a plugin fails, the sign-in fails, unless the plugin is `optional`. A plugin that is not
    `pure` runs in a thread of its own. It has failed if it has not answered `deadline_ms` after the
    event (for the first event: after the start of the process). The handler refuses events of pools
    that are not in `user_pools`. `log_sub` adds the user's `sub` to the log. The handler raises
    `SignInError` or `TokenDenied`, whose texts Cognito shows; the details are in the log.

    Raises `SettingsError` for an object that is not a plugin and for marks that contradict each
    other, and `ClaimConflictError` for two plugins that declare the same claim.
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
    """Make a handler for post authentication and post confirmation; it returns the event unchanged.

    A plugin is a `UserSync`, or anything that takes a `UserEvent` and returns `Claims()`. Failures,
    time, pools, errors and log work as with `pre_token_generation`: wrap a plugin in `optional` to
    let the sign-in continue when it fails.
    """
    _refuse_none(plugins)
    require_pools(user_pools)
    marked = composed(plugins)
    deciding = [name for name, entry in marked.items() if entry.decides_groups]
    if deciding:
        problem = "decides on groups, but this trigger has no groups"
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
    """Log a decision, and raise an error that Cognito may show if it refuses the sign-in."""
    try:
        log(decision, log_sub=log_sub)
    except (
        Exception
    ) as error:  # of a plugin's own mapping, for example: its text must not reach Cognito
        _log.error("the decision could not be logged: %s", type(error).__name__)
    if isinstance(decision.error, TokenDenied):
        raise TokenDenied(decision.error.reason)
    if decision.error is not None:
        raise SignInError(decision.error.code)


def pre_token_generation_from_env(environ: Mapping[str, str]) -> Handler:
    """Make the handler that `COGNITO_CLAIMS_*` and the plugins' own variables describe.

    Raises `SignInError`, since Cognito also shows what a cold start raises. The log has every
    problem.
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
    """Make the handler that `USER_SYNC_*` and the sinks' own variables describe.

    Raises `SignInError`, as `pre_token_generation_from_env` does.
    """
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
    """Make the handler; if that fails, write the reason to the log only."""
    try:
        return make(environ)
    except SettingsError as error:
        for problem in error.problems:
            _log.error("wrong setting: %s", problem)
        code = error.code
    except (
        CognitoClaimsError
    ) as error:  # of a foreign module or factory, or a conflict of two plugins
        _log.error("no handler can be made: %s", error)
        code = error.code
    except BaseException as error:  # a bug of this library
        _log.error("no handler can be made: %s at %s", type(error).__name__, raised_at(error))
        code = "plugin-failed"
    raise SignInError(code)
