"""What a plugin is, and `load`: the plugins that an environment names, made from its settings.

Only what is named is imported, and installed entry points are searched only for a name that is neither built in
nor given as `name=import.path:factory`: the search costs as much as the Lambda runtime itself.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from cognito_claims.claims import Claims
from cognito_claims.errors import Problem, SettingsError, place_of
from cognito_claims.events import PreTokenGenerationEvent, UserEvent
from cognito_claims.pools import ANY, pool_problems
from cognito_claims.settings import read, suggestion

OnError: TypeAlias = Literal["deny", "omit"]

BUILT_IN = {
    "fauna": "cognito_claims.plugins.fauna:FaunaTokens.from_env",
    "hasura": "cognito_claims.plugins.hasura:HasuraClaims.from_env",
    "surrealdb": "cognito_claims.plugins.surrealdb:SurrealDBClaims.from_env",
    "user_sync": "cognito_claims.sinks:plugin_from_env",
}
_PLUGINS = "COGNITO_CLAIMS_PLUGINS"
_POLICIES = {"user_sync": ("deny", "allow")}  # a sync gives no claims that could be omitted
_TAKEN = ("deadline_ms", "log_sub", "user_pools")  # arguments of the handler's own
LONGEST_DEADLINE_MS = 5000  # what Cognito waits


class Plugin(Protocol):
    """Anything that can be called with an event and gives `Claims`: a function, a lambda, an object."""

    def __call__(self, event: PreTokenGenerationEvent, /) -> Claims:
        """Say what this event's tokens should hold; raise `TokenDenied` to refuse the sign-in."""
        ...


class UserPlugin(Protocol):
    """What `user_sync` asks: anything that can be called with a `UserEvent`, and gives `Claims()`."""

    def __call__(self, event: UserEvent, /) -> Claims:
        """Do what is to be done for this user; raise `TokenDenied` to refuse the sign-in."""
        ...


class PluginFactory(Protocol):
    """Makes a plugin from the environment, once, at cold start; raises `SettingsError` for what is wrong there."""

    def __call__(self, environ: Mapping[str, str], /) -> Plugin:
        """Read the plugin's own variables."""
        ...


class Marked:
    """A plugin and how the handler treats it; made by `optional` and `pure`, itself a plugin."""

    __slots__ = ("is_pure", "on_error", "plugin")

    def __init__(self, plugin: Plugin | UserPlugin, *, on_error: OnError, is_pure: bool) -> None:
        self.plugin: Any = plugin
        self.on_error: OnError = on_error
        self.is_pure: bool = is_pure

    def __call__(self, event: PreTokenGenerationEvent | UserEvent, /) -> Claims:
        """Ask the plugin."""
        claims: Claims = self.plugin(event)
        return claims


def optional(plugin: Plugin | UserPlugin) -> Marked:
    """Let tokens go out without this plugin's claims when it fails; its `TokenDenied` still refuses."""
    return Marked(_bare(plugin), on_error="omit", is_pure=mark(plugin).is_pure)


def pure(plugin: Plugin | UserPlugin) -> Marked:
    """Promise that the plugin does no I/O and answers at once, so that it needs no thread of its own."""
    return Marked(_bare(plugin), on_error=mark(plugin).on_error, is_pure=True)


def mark(plugin: Plugin | UserPlugin) -> Marked:
    """Give the plugin with its marks: `deny`, and not pure unless its own `pure` attribute says so."""
    if isinstance(plugin, Marked):
        return plugin
    return Marked(plugin, on_error="deny", is_pure=getattr(plugin, "pure", False) is True)


def _bare(plugin: Plugin | UserPlugin) -> Any:
    return plugin.plugin if isinstance(plugin, Marked) else plugin


class Configuration:
    """What an environment asks for; `plugins` is in the order in which they are named."""

    __slots__ = ("deadline_ms", "log_sub", "plugins", "user_pools")

    def __init__(
        self,
        plugins: Mapping[str, Marked],
        *,
        deadline_ms: int,
        user_pools: tuple[str, ...] = ANY,
        log_sub: bool = False,
    ) -> None:
        self.plugins: Mapping[str, Marked] = plugins
        self.deadline_ms: int = deadline_ms
        self.user_pools: tuple[str, ...] = user_pools
        self.log_sub: bool = log_sub


def load(environ: Mapping[str, str]) -> Configuration:
    """Make every plugin that `COGNITO_CLAIMS_PLUGINS` names.

    Raises `SettingsError` with every problem of every plugin. What a foreign module or factory raises besides
    `ImportError` and `SettingsError` comes out as it is.
    """
    problems: list[Problem] = []
    try:
        core = read(_core, "COGNITO_CLAIMS", environ)
    except SettingsError as error:
        problems += error.problems
        core = _core(plugins=_legible_entries(environ))
    plugins: dict[str, Marked] = {}
    seen: set[str] = set()
    for position, entry in enumerate(core.plugins, 1):
        if entry:  # an empty one is a problem already
            try:
                name, plugin = _plugin(position, entry, seen, environ, core.on_error)
                plugins[name] = plugin
            except SettingsError as error:
                problems += error.problems
    if problems:
        raise SettingsError(tuple(problems))
    return Configuration(
        plugins, deadline_ms=core.deadline_ms, user_pools=core.user_pools, log_sub=core.log_sub
    )


class _Core(NamedTuple):
    plugins: tuple[str, ...]
    on_error: OnError
    deadline_ms: int
    user_pools: tuple[str, ...]
    log_sub: bool


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
    return _Core(plugins, on_error, deadline_ms, user_pools, log_sub)


def _legible_entries(environ: Mapping[str, str]) -> tuple[str, ...]:
    text = environ.get(_PLUGINS, "").strip()
    return () if text == "none" else tuple(entry.strip() for entry in text.split(","))


def _plugin(
    position: int, entry: str, seen: set[str], environ: Mapping[str, str], default: OnError
) -> tuple[str, Marked]:
    name, colon, path = (part.strip() for part in entry.partition("="))
    if colon and (name in _TAKEN or not name.replace("-", "_").isidentifier()):
        raise _entry_error(position, "what stands before = is no name for a plugin")
    if name in seen:
        raise _entry_error(position, "its name stands twice")
    seen.add(name)
    variable = f"{name.upper().replace('-', '_')}_ON_ERROR"
    policy = environ.get(variable, "").strip()
    wrong_policy: tuple[Problem, ...] = ()
    policies = _POLICIES.get(name, ("deny", "omit"))
    if policy not in ("", *policies):
        wrong_policy = (Problem(variable, f"expected one of {', '.join(policies)}"),)
    try:
        factory = _imported(position, path) if colon else _named(position, name)
        plugin = mark(factory(environ))
        if not _is_callable(plugin.plugin):
            raise _entry_error(position, "its factory makes no plugin")
    except SettingsError as error:
        told = {problem.setting for problem in error.problems}
        more = (problem for problem in wrong_policy if problem.setting not in told)
        raise SettingsError((*error.problems, *more)) from None
    if wrong_policy:
        raise SettingsError(wrong_policy)
    if policy == "deny":
        return name, Marked(plugin.plugin, on_error="deny", is_pure=plugin.is_pure)
    return name, optional(plugin) if policy or default == "omit" else plugin


def _is_callable(plugin: object) -> bool:
    return callable(plugin)


def _named(position: int, name: str) -> PluginFactory:
    if name in BUILT_IN:
        return _imported(position, BUILT_IN[name])
    installed = import_module("cognito_claims.installed")
    paths: Mapping[str, str] = installed.paths()
    if name in paths:
        return _imported(position, paths[name])
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
        # Where, not what: the name of a module that is missing may be a setting's value.
        is_missing = f"{module_name}.".startswith(f"{error.name}.")
        place = "" if is_missing else f": {type(error).__name__} at {place_of(error)}"
        raise _entry_error(position, f"its module cannot be imported{place}") from None
    for attribute in attributes.split("."):
        found = None if found is None else getattr(found, attribute, None)
    factory: PluginFactory | None = found
    if not callable(factory):
        raise _entry_error(position, "its module has no such factory")
    return factory


def _entry_error(position: int, problem: str) -> SettingsError:
    return SettingsError((Problem(_PLUGINS, f"entry {position}: {problem}"),))
