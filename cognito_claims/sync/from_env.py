"""`load` makes the user sync that an environment describes; it imports only the named sinks."""

from collections.abc import Iterator, Mapping, Set
from importlib import import_module
from typing import Any, Literal, NamedTuple

from cognito_claims.errors import Problem, SettingsError
from cognito_claims.plugin import OnError, Plugin, PluginEntry
from cognito_claims.pools import ANY, require_pools
from cognito_claims.registry import LONGEST_DEADLINE_MS, Configuration, clients_in, without
from cognito_claims.settings import read_settings
from cognito_claims.sync.rows import COLUMNS, Sink, column_problems

_SINKS = ("hasura", "queue")
_PREFIX = "USER_SYNC"
_CLIENTS = "USER_SYNC_CLIENTS"
_HASURA = "HASURA_SYNC"
_CORE = "COGNITO_CLAIMS"
_OF_CLAIMS = ("COGNITO_CLAIMS_PLUGINS", "COGNITO_CLAIMS_DEADLINE_MS")  # of the other function


class _Settings(NamedTuple):
    sinks: Set[str]
    on_error: OnError
    deadline_ms: int
    queue_url: str


class _Core(NamedTuple):
    user_pools: tuple[str, ...]
    log_sub: bool


def load(environ: Mapping[str, str]) -> Configuration:
    """Make a plugin for every sink in `USER_SYNC_SINKS`; raise `SettingsError` with every problem."""
    problems: list[Problem] = []
    core = _Core(ANY, log_sub=False)
    try:
        core = read_settings(_core, _CORE, environ, foreign=_OF_CLAIMS)
    except SettingsError as error:
        problems += error.problems
    try:
        plugins, deadline_ms = _load(environ)
    except SettingsError as error:
        raise SettingsError((*problems, *error.problems)) from None
    if problems:
        raise SettingsError(tuple(problems))
    return Configuration(
        plugins, deadline_ms=deadline_ms, user_pools=core.user_pools, log_sub=core.log_sub
    )


def plugin_from_env(environ: Mapping[str, str], /) -> Plugin:
    """Make a plugin for pre token generation that writes users and adds no claims.

    It is for pools without another trigger.
    """
    plugins = [*_load(environ)[0].values()]
    if len(plugins) > 1:
        advice = "name one sink; beside hasura, USER_SYNC_QUEUE_URL keeps what failed"
        raise SettingsError((Problem(f"{_PREFIX}_SINKS", advice),))
    return plugins[0]


def _load(environ: Mapping[str, str]) -> tuple[dict[str, PluginEntry], int]:
    problems = [*_stray(environ)]
    plugins: dict[str, Plugin] = {}
    clients = None
    try:
        clients = clients_in(_CLIENTS, environ)
    except SettingsError as error:
        problems += error.problems
    if _CLIENTS in environ:
        environ = without(environ, frozenset((_CLIENTS,)))
    try:
        settings = read_settings(_settings, _PREFIX, environ)
    except SettingsError as error:
        problems += error.problems
        # What is meant, as far as one can tell, so that its own problems are told in the same run.
        sinks = sink_names(environ).intersection(_SINKS) or {"hasura"}
        settings = _Settings(sinks, "deny", deadline_ms=0, queue_url="")
    try:
        plugins = _plugins(settings, environ)
    except SettingsError as error:
        problems += error.problems
    if problems:
        raise SettingsError(tuple(problems))
    marked = {
        name: PluginEntry(plugin, on_error=settings.on_error, is_pure=False, clients=clients)
        for name, plugin in plugins.items()
    }
    return marked, settings.deadline_ms


def sink_names(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the names in `USER_SYNC_SINKS`, whether such sinks exist or not."""
    text = environ.get(f"{_PREFIX}_SINKS", "").strip()
    return frozenset(name.strip() for name in text.split(",")) if text else frozenset()


def columns_from_env(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Read `HASURA_SYNC_COLUMNS` alone, for a function that fills a queue without access to Hasura."""
    parameters: Any = import_module("cognito_claims.sync.hasura").HasuraUsers.__init__
    names = {*parameters.__annotations__} - {"columns", "return"}
    foreign = tuple(f"{_HASURA}_{name.upper()}" for name in names)
    return read_settings(_columns, _HASURA, environ, foreign=foreign)


def _plugins(settings: _Settings, environ: Mapping[str, str]) -> dict[str, Plugin]:
    user_sync: Any = import_module("cognito_claims.sync.users").UserSync
    if "hasura" not in settings.sinks:
        columns = columns_from_env(environ)
        if not settings.queue_url:  # already a problem
            return {}
        return {"queue": user_sync(_queue(settings, columns, environ))}
    users: Sink = import_module("cognito_claims.sync.hasura").HasuraUsers.from_env(environ)
    if not settings.queue_url:
        return {"hasura": user_sync(users)}
    queue = _queue(settings, users.columns, environ)
    if "queue" not in settings.sinks:
        return {"hasura": user_sync(users, queue=queue)}
    return {"hasura": user_sync(users), "queue": user_sync(queue)}


def _queue(settings: _Settings, columns: Mapping[str, str], environ: Mapping[str, str]) -> Sink:
    user_queue: Any = import_module("cognito_claims.sync.queue").UserQueue
    sink: Sink = user_queue(queue_url=settings.queue_url, columns=columns, environ=environ)
    return sink


def _settings(
    *,
    sinks: Set[Literal["hasura", "queue"]],
    on_error: Literal["allow", "deny"] = "allow",
    deadline_ms: int = 4000,
    queue_url: str | None = None,
) -> _Settings:
    problems: list[Problem] = []
    if not sinks:
        problems.append(Problem("sinks", f"expected one of {', '.join(_SINKS)}"))
    if not 1 <= deadline_ms <= LONGEST_DEADLINE_MS:
        expected = f"expected 1 to {LONGEST_DEADLINE_MS} milliseconds"
        problems.append(Problem("deadline_ms", expected))
    if queue_url is not None:
        problems += import_module("cognito_claims.sync.queue").url_problems(queue_url)
    elif "queue" in sinks:
        problems.append(Problem("queue_url", "required for the sink queue"))
    if problems:
        raise SettingsError(tuple(problems))
    policy: OnError = "omit" if on_error == "allow" else "deny"
    return _Settings(sinks, policy, deadline_ms, queue_url or "")


def _core(*, user_pools: tuple[str, ...] = ANY, log_sub: bool = False) -> _Core:
    require_pools(user_pools)
    return _Core(user_pools, log_sub)


def _columns(*, columns: Mapping[str, str] = COLUMNS) -> Mapping[str, str]:
    problems = tuple(column_problems(columns))
    if problems:
        raise SettingsError(problems)
    return columns


def _stray(environ: Mapping[str, str]) -> Iterator[Problem]:
    for name in (f"{sink.upper()}_SYNC_ON_ERROR" for sink in _SINKS):
        if name in environ:  # `read_settings` ignores policies
            yield Problem(name, "unknown setting; did you mean USER_SYNC_ON_ERROR?")
