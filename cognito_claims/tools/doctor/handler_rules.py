"""What an attached function is: this library's or somebody else's, with settings or without."""

from collections.abc import Iterator, Mapping

from cognito_claims.errors import SettingsError
from cognito_claims.pools import ANY
from cognito_claims.registry import load
from cognito_claims.sync import from_env as sinks
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool.description import CLAIMS, SYNC, Function

PLUGINS = "COGNITO_CLAIMS_PLUGINS"
_POOLS = "COGNITO_CLAIMS_USER_POOLS"
_READY_MADE = {
    CLAIMS: "cognito_claims.functions.pre_token_generation.handler",
    **dict.fromkeys(SYNC, "cognito_claims.functions.user_sync.handler"),
}


def readable(function: Function) -> Mapping[str, str] | None:
    """Give the function's settings; None where they may not be read, or cannot be decrypted."""
    found = function.configuration
    if found is None or "Error" in found.get("Environment", {}):
        return None
    return function.environ


def handler_findings(function: Function, triggers: str, pool_id: str) -> Iterator[Finding]:
    """Say whose handler it is, and what its settings lack as a whole."""
    environ = readable(function)
    if environ is None:
        return
    names = triggers.split(", ")
    if any((function.configuration or {}).get("Handler") != _READY_MADE[name] for name in names):
        told = "its handler is not this library's ready-made one: what it does is not checked"
        yield Finding("not-checked", "warning", f"{triggers}: {told}")
        return
    if CLAIMS not in names:
        yield from _of_sync(environ, triggers, pool_id)
        return
    text = environ.get(PLUGINS, "").strip()
    if not text:
        told = f"{PLUGINS}: empty, so that every sign-in fails; name the plugins, or none"
        yield Finding("settings", "error", f"{CLAIMS}: {told}")
    elif text == "none":
        told = f"{PLUGINS}: none: the function adds no claims"
        yield Finding("no-plugins", "warning", f"{CLAIMS}: {told}")
    try:
        pools = load({**environ, PLUGINS: "none"}).user_pools
    except SettingsError as error:
        yield from (Finding("settings", "error", f"{CLAIMS}: {p}") for p in error.problems)
    else:
        yield from _answered(pools, triggers, pool_id)


def _of_sync(environ: Mapping[str, str], triggers: str, pool_id: str) -> Iterator[Finding]:
    if not any(name.startswith("USER_SYNC_") for name in environ):  # else `sync_findings` tells
        told = "USER_SYNC_SINKS: required, so that every sync fails"
        yield Finding("settings", "error", f"{triggers}: {told}")
        return
    try:
        pools = sinks.load(environ).user_pools
    except SettingsError:  # told by `sync_findings`
        return
    yield from _answered(pools, triggers, pool_id)


def _answered(pools: tuple[str, ...], triggers: str, pool_id: str) -> Iterator[Finding]:
    if pools != ANY and pool_id not in pools:
        told = "does not name this pool, so that its events are refused"
        yield Finding("user-pool", "error", f"{triggers}: {_POOLS}: {told}")
