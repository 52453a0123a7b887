"""Lambda handlers: plugins asked side by side under one deadline, policies, neutral errors, the decision log.

Cognito waits five seconds, cold start included, may invoke again, and shows whatever is raised to the person who
signs in (AWS: "Customizing user pool workflows with Lambda triggers").
"""

import logging
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any, TypeAlias

from cognito_claims.asking import prepare
from cognito_claims.deadline import Patience
from cognito_claims.decision import Decision, decide, decide_sync, log_decision, log_sync
from cognito_claims.errors import SettingsError, SignInError, TokenDenied, place_of
from cognito_claims.pools import ANY, require_pools
from cognito_claims.registry import Configuration, Plugin, UserPlugin, load, mark

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
    """
    require_pools(user_pools)
    marked = {name: mark(plugin) for name, plugin in plugins.items()}
    prepare(marked)
    patience = Patience(deadline_ms / 1000)

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
    require_pools(user_pools)
    marked = {name: mark(plugin) for name, plugin in plugins.items()}
    prepare(marked)
    patience = Patience(deadline_ms / 1000)

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
    configuration = _configured(load, environ)
    return pre_token_generation(
        deadline_ms=configuration.deadline_ms,
        user_pools=configuration.user_pools,
        log_sub=configuration.log_sub,
        **configuration.plugins,
    )


def user_sync_from_env(environ: Mapping[str, str]) -> Handler:
    """Make the handler that `USER_SYNC_*` and the sinks' own variables describe; raises as the other one does."""
    configuration = _configured(import_module("cognito_claims.sinks").load, environ)
    return user_sync(
        deadline_ms=configuration.deadline_ms,
        user_pools=configuration.user_pools,
        log_sub=configuration.log_sub,
        **configuration.plugins,
    )


def _configured(
    load: Callable[[Mapping[str, str]], Configuration], environ: Mapping[str, str]
) -> Configuration:
    try:
        return load(environ)
    except SettingsError as error:
        for problem in error.problems:
            _log.error("wrong setting: %s", problem)
        code = error.code
    except BaseException as error:  # a foreign module's or factory's, SystemExit too
        _log.error("a plugin could not be made: %s at %s", type(error).__name__, place_of(error))
        code = "plugin-failed"
    raise SignInError(code)
