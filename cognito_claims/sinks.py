"""`load`: the user sync that an environment describes; the sinks stand here by name, and only what is named is imported."""

from collections.abc import Mapping, Set
from importlib import import_module
from typing import Any, Literal, NamedTuple

from cognito_claims.errors import Problem, SettingsError
from cognito_claims.registry import LONGEST_DEADLINE_MS, Configuration, Marked, OnError, Plugin
from cognito_claims.settings import read

_SINKS = {"hasura": ("cognito_claims.sync.hasura", "HasuraUsers")}


class _Settings(NamedTuple):
    sinks: Set[Literal["hasura"]]
    on_error: OnError
    deadline_ms: int


def load(environ: Mapping[str, str]) -> Configuration:
    """Make a plugin of every sink in `USER_SYNC_SINKS`; raises `SettingsError` with every problem."""
    problems: list[Problem] = []
    try:
        settings = read(_settings, "USER_SYNC", environ)
    except SettingsError as error:
        problems += error.problems
        settings = _settings(sinks=frozenset(("hasura",)))
    user_sync: Any = import_module("cognito_claims.sync.users").UserSync
    plugins: dict[str, Marked] = {}
    for name in sorted(settings.sinks):
        stray = f"{name.upper()}_SYNC_ON_ERROR"  # `read` leaves a policy to others
        if stray in environ:
            message = "unknown setting; did you mean USER_SYNC_ON_ERROR?"
            problems.append(Problem(stray, message))
        module, factory = _SINKS[name]
        try:
            sink = getattr(import_module(module), factory).from_env(environ)
        except SettingsError as error:
            problems += error.problems
        else:
            plugins[name] = Marked(user_sync(sink), on_error=settings.on_error, is_pure=False)
    if problems:
        raise SettingsError(tuple(problems))
    return Configuration(plugins, deadline_ms=settings.deadline_ms)


def plugin_from_env(environ: Mapping[str, str], /) -> Plugin:
    """Make the sync a plugin for pre token generation, which adds no claims, for pools with no other trigger."""
    (plugin,) = load(environ).plugins.values()
    return plugin


def _settings(
    *,
    sinks: Set[Literal["hasura"]],
    on_error: Literal["allow", "deny"] = "allow",
    deadline_ms: int = 4000,
) -> _Settings:
    problems: list[Problem] = []
    if not sinks:
        problems.append(Problem("sinks", f"expected one of {', '.join(_SINKS)}"))
    if not 1 <= deadline_ms <= LONGEST_DEADLINE_MS:
        expected = f"expected 1 to {LONGEST_DEADLINE_MS} milliseconds"
        problems.append(Problem("deadline_ms", expected))
    if problems:
        raise SettingsError(tuple(problems))
    return _Settings(sinks, "omit" if on_error == "allow" else "deny", deadline_ms)
