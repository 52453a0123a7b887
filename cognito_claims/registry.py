"""`load` makes the plugins that an environment names.

It imports only what is named. It searches the installed entry points only for a name that is
neither built in nor given as `name=import.path:factory`: the search takes as long as the start of
the Lambda runtime itself.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, TypeAlias

from cognito_claims.claims import Claims
from cognito_claims.composition import (
    NOT_FOR_SOME_CLIENTS,
    decider_problems,
    entry_problems,
    never_optional,
    plugin_problem,
)
from cognito_claims.errors import (
    PluginFailedError,
    Problem,
    SettingsError,
    describe_error,
    raised_at,
)
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.plugin import (
    Marked,
    OnError,
    Plugin,
    PluginEntry,
    PluginFactory,
    UserPlugin,
    is_client_id,
    mark,
    optional,
    pure,
)
from cognito_claims.pools import ANY, pool_problems
from cognito_claims.settings import read_settings, suggestion

__all__ = [
    "BUILT_IN",
    "LONGEST_DEADLINE_MS",
    "Configuration",
    "Marked",
    "OnError",
    "Plugin",
    "PluginEntry",
    "PluginFactory",
    "UserPlugin",
    "clients_in",
    "entry_parts",
    "load",
    "mark",
    "optional",
    "plugin_entries",
    "pure",
    "without",
]

BUILT_IN = {
    "fauna": "cognito_claims.plugins.fauna:FaunaTokens.from_env",
    "hasura": "cognito_claims.plugins.hasura:HasuraClaims.from_env",
    "mapper": "cognito_claims.plugins.mapper:Mapper.from_env",
    "surrealdb": "cognito_claims.plugins.surrealdb:SurrealDBClaims.from_env",
    "user_sync": "cognito_claims.sync.from_env:plugin_from_env",
}
_PLUGINS = "COGNITO_CLAIMS_PLUGINS"
_ON_ERROR = "COGNITO_CLAIMS_ON_ERROR"
_POLICIES = {"user_sync": ("deny", "allow")}  # a sync makes no claims to omit
_TAKEN = ("deadline_ms", "log_sub", "user_pools")  # the handler's own arguments
_FACTORY = "expected a factory, which takes the environment and returns a plugin"
_NOWHERE = "it is neither in the working directory nor on PYTHONPATH"
LONGEST_DEADLINE_MS = 5000  # Cognito waits so long
_Core: TypeAlias = "tuple[tuple[str, ...], OnError, int, tuple[str, ...], bool]"


class Configuration:
    """The configuration in an environment; `plugins` keeps the order in which they are named."""

    __slots__ = ("deadline_ms", "log_sub", "plugins", "user_pools")

    def __init__(
        self,
        plugins: Mapping[str, PluginEntry],
        *,
        deadline_ms: int,
        user_pools: tuple[str, ...] = ANY,
        log_sub: bool = False,
    ) -> None:
        self.plugins: Mapping[str, PluginEntry] = plugins
        self.deadline_ms: int = deadline_ms
        self.user_pools: tuple[str, ...] = user_pools
        self.log_sub: bool = log_sub


def load(environ: Mapping[str, str]) -> Configuration:
    """Make every plugin that `COGNITO_CLAIMS_PLUGINS` names.

    Raises `SettingsError` with every problem of every plugin. Raises `PluginFailedError` for what a
    foreign module or factory raises, except `ImportError` and `SettingsError`.
    """
    problems: list[Problem] = []
    try:
        entries, default, deadline_ms, user_pools, log_sub = read_settings(
            _core, "COGNITO_CLAIMS", environ
        )
    except SettingsError as error:
        problems += error.problems
        core = _core(plugins=plugin_entries(environ))
        entries, default, deadline_ms, user_pools, log_sub = core
    plugins: dict[str, PluginEntry] = {}
    seen: set[str] = set()
    own = _without_clients(environ, entries)
    for position, entry in enumerate(entries, 1):
        if entry:  # an empty one is already a problem
            try:
                name, plugin = _plugin(position, entry, seen, environ, own, default)
                plugins[name] = plugin
            except SettingsError as error:
                problems += error.problems
    problems += (
        problem._replace(setting=f"{_PLUGINS}: {problem.setting}")
        for problem in decider_problems(plugins)
    )
    if problems:
        raise SettingsError(tuple(problems))
    return Configuration(plugins, deadline_ms=deadline_ms, user_pools=user_pools, log_sub=log_sub)


def plugin_entries(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the entries of `COGNITO_CLAIMS_PLUGINS`; an empty string for an empty entry."""
    text = environ.get(_PLUGINS, "").strip()
    return () if text == "none" else tuple(entry.strip() for entry in text.split(","))


def entry_parts(entry: str) -> tuple[str, str | None]:
    """Return the plugin name of an entry, and the path of its factory, or None without a path."""
    name, equals, path = entry.partition("=")
    return name.strip(), path.strip() if equals else None


def clients_in(variable: str, environ: Mapping[str, str]) -> frozenset[str] | None:
    """Return the app clients in a comma list, or None for all; raise `SettingsError` if invalid."""
    text = environ.get(variable, "").strip()
    if not text:
        return None
    ids = [entry.strip() for entry in text.split(",")]
    wrong = next((n for n, entry in enumerate(ids, 1) if not is_client_id(entry)), None)
    if text == "none" or wrong is not None:
        place = "" if text == "none" else f"entry {wrong}: "
        expected = "expected ids of app clients: letters, digits, _ and +"
        raise SettingsError((Problem(variable, f"{place}{expected}"),))
    return frozenset(ids)


def _variable(name: str, setting: str) -> str:
    return f"{name.upper().replace('-', '_')}_{setting}"


def without(environ: Mapping[str, str], variables: frozenset[str]) -> Mapping[str, str]:
    """Return the environment without these variables."""
    if not variables:
        return environ
    found: Mapping[str, str] = import_module("cognito_claims.without").Without(environ, variables)
    return found


def _without_clients(environ: Mapping[str, str], entries: tuple[str, ...]) -> Mapping[str, str]:
    """Return the environment without the `CLIENTS` variables that this module reads.

    `read` then refuses the `<PREFIX>_CLIENTS` of a plugin that has another name.
    """
    variables = (_variable(entry_parts(entry)[0], "CLIENTS") for entry in entries)
    return without(environ, frozenset(name for name in variables if name in environ))


def _core(
    *,
    plugins: tuple[str, ...],
    on_error: OnError = "deny",
    deadline_ms: int = 4000,
    user_pools: tuple[str, ...] = ANY,
    log_sub: bool = False,
) -> _Core:
    problems = [*pool_problems(user_pools)]
    if not 1 <= deadline_ms <= LONGEST_DEADLINE_MS:
        expected = f"expected 1 to {LONGEST_DEADLINE_MS} milliseconds"
        problems.append(Problem("deadline_ms", expected))
    if problems:
        raise SettingsError(tuple(problems))
    return plugins, on_error, deadline_ms, user_pools, log_sub


def _plugin(
    position: int,
    entry: str,
    seen: set[str],
    environ: Mapping[str, str],
    own: Mapping[str, str],
    default: OnError,
) -> tuple[str, PluginEntry]:
    name, path = _parted(position, entry, seen)
    problems: list[Problem] = []
    made: PluginEntry | None = None
    try:
        made = _made(position, name, path, own)
    except SettingsError as error:
        problems += error.problems
    policy = _policy(name, environ, problems)
    clients: frozenset[str] | None = None
    try:
        clients = clients_in(_variable(name, "CLIENTS"), environ)
    except SettingsError as error:
        problems += error.problems
    is_marked = bool(policy) or default == "omit" or clients is not None
    if made is not None and is_marked:
        problems += _mark_problems(name, made, policy, default, clients)
    if made is None or problems:
        raise SettingsError(tuple(problems))
    plugin = made
    if is_marked:
        on_error: OnError | None = "omit" if policy != "deny" else "deny"
        is_told = policy or default == "omit"
        plugin = PluginEntry(made, on_error=on_error if is_told else None, clients=clients)
    for problem in entry_problems(plugin):
        raise _entry_error(position, problem)
    return name, plugin


def _parted(position: int, entry: str, seen: set[str]) -> tuple[str, str | None]:
    name, path = entry_parts(entry)
    if path is not None and (name in _TAKEN or not name.replace("-", "_").isidentifier()):
        raise _entry_error(position, "the text before = is not a valid plugin name")
    if name in seen:
        raise _entry_error(position, "duplicate plugin name")
    seen.add(name)
    return name, path


def _made(position: int, name: str, path: str | None, environ: Mapping[str, str]) -> PluginEntry:
    try:
        factory = _named(position, name) if path is None else _imported(position, path)
        plugin: Any = factory(environ)
    except (SettingsError, KeyboardInterrupt):
        raise
    except BaseException as error:  # of a foreign module or factory, SystemExit too
        got = _got_instead(error, environ)
        if got is not None:
            raise _entry_error(position, f"{_FACTORY}; got {got}") from None
        module = (path or "").partition(":")[0]
        raise PluginFailedError(name, describe_error(error), raised_at(error, module)) from None
    if isinstance(plugin, Claims):
        raise _entry_error(position, f"{_FACTORY}; got a plugin")
    if plugin_problem(plugin) is not None:
        raise _entry_error(position, "the factory did not return a plugin")
    return mark(plugin)


def _policy(name: str, environ: Mapping[str, str], problems: list[Problem]) -> str:
    variable = _variable(name, "ON_ERROR")
    policy = environ.get(variable, "").strip()
    policies = _POLICIES.get(name, ("deny", "omit"))
    told_of = {problem.setting for problem in problems}
    if policy not in ("", *policies) and variable not in told_of:
        problems.append(Problem(variable, f"expected one of {', '.join(policies)}"))
    return policy


def _mark_problems(
    name: str, made: PluginEntry, policy: str, default: OnError, clients: frozenset[str] | None
) -> Iterator[Problem]:
    """Yield the settings that contradict the marks of the plugin."""
    variable = _variable(name, "ON_ERROR")
    is_omitted = policy in ("omit", "allow") or (not policy and default == "omit")
    reason = never_optional(made) if is_omitted else None
    if reason is not None and policy:
        yield Problem(variable, f"{name} {reason}")
    elif reason is not None:
        yield Problem(_ON_ERROR, f"{name} {reason}; set {variable}=deny")
    if made.decides_groups and clients is not None:
        yield Problem(_variable(name, "CLIENTS"), f"{name} {NOT_FOR_SOME_CLIENTS}")


def _named(position: int, name: str) -> PluginFactory:
    if name in BUILT_IN:
        return _imported(position, BUILT_IN[name])
    installed = import_module("cognito_claims.plugins.entry_points")
    paths: Mapping[str, Mapping[str, str]] = installed.paths()
    offers = paths.get(name, {})
    if len(offers) > 1:
        told = f"{name} is offered by several installed distributions: {', '.join(sorted(offers))}"
        problem = f"{told}; uninstall all but one, or write name=import.path:factory"
        raise _entry_error(position, problem)
    if offers:
        (path,) = offers.values()
        return _imported(position, path)
    near = suggestion(name, (*BUILT_IN, *paths))
    problem = f"neither a known plugin nor name=import.path:factory{near}"
    raise _entry_error(position, problem)


def _imported(position: int, path: str) -> PluginFactory:
    module_name, _, attributes = path.partition(":")
    if not all(part.isidentifier() for part in f"{module_name}.{attributes}".split(".")):
        raise _entry_error(position, "expected name=import.path:factory")
    try:
        found: Any = import_module(module_name)
    except ImportError as error:
        # The place only: the name of a missing module may be a setting's value.
        is_missing = f"{module_name}.".startswith(f"{error.name}.")
        place = f"{describe_error(error)} at {raised_at(error, module_name)}"
        place = f": {_NOWHERE if is_missing else place}"
        raise _entry_error(position, f"the module cannot be imported{place}") from None
    for attribute in attributes.split("."):
        found = None if found is None else getattr(found, attribute, None)
    if found is None:
        raise _entry_error(position, "the module has no such factory")
    factory: PluginFactory = found
    if not callable(factory):
        raise _entry_error(position, f"{_FACTORY}; got {type(found).__name__}")
    if path not in BUILT_IN.values() and _is_plugin(factory):
        raise _entry_error(position, f"{_FACTORY}; got a plugin")
    return factory


def _got_instead(error: BaseException, environ: Mapping[str, str]) -> str | None:
    """Return what was given in place of a factory, judged by its exception, or None.

    It expects an event, or no argument at all.
    """
    if isinstance(error, AttributeError) and error.obj is environ:
        return "a plugin" if error.name in PreTokenGenerationEvent._fields else None
    trace = error.__traceback__
    was_called = trace is not None and trace.tb_next is not None
    return (
        "something that does not take it"
        if isinstance(error, TypeError) and not was_called
        else None
    )


def _is_plugin(found: Any) -> bool:
    """Return whether the annotations of this object show that it is a plugin, not a factory."""
    if isinstance(found, (PluginEntry, type)):
        return isinstance(found, PluginEntry)
    asked = found if hasattr(found, "__code__") else type(found).__call__
    annotations = getattr(asked, "__annotations__", {}).values()
    return any(kind in ("PreTokenGenerationEvent", PreTokenGenerationEvent) for kind in annotations)


def _entry_error(position: int, problem: str) -> SettingsError:
    return SettingsError((Problem(_PLUGINS, f"entry {position}: {problem}"),))
