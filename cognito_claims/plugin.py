"""What a plugin is, how the handler treats it, and which answers are malformed."""

from collections.abc import Callable, Mapping, Set
from types import CoroutineType, MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias

from cognito_claims.claims import Claims, Groups, TokenClaims
from cognito_claims.errors import PluginResultError, shown
from cognito_claims.events import PreTokenGenerationEvent, UserEvent, are_texts

OnError: TypeAlias = Literal["deny", "omit"]

_NO_CLAIMS = Claims()
_MAPPINGS = frozenset((dict, MappingProxyType))
_SETS = frozenset((frozenset, set))


class Plugin(Protocol):
    """Anything that can be called with an event and returns `Claims`."""

    def __call__(self, event: PreTokenGenerationEvent, /) -> Claims:
        """Return the changes to this event's tokens; raise `TokenDenied` to refuse the sign-in."""
        ...


class UserPlugin(Protocol):
    """Anything that can be called with a `UserEvent` and returns `Claims()`, for `user_sync`."""

    def __call__(self, event: UserEvent, /) -> Claims:
        """Do the work for this user; raise `TokenDenied` to refuse the sign-in."""
        ...


class PluginFactory(Protocol):
    """Makes a plugin from the environment, once, at cold start; raises `SettingsError`."""

    def __call__(self, environ: Mapping[str, str], /) -> Plugin:
        """Return a plugin, configured by its own variables."""
        ...


class PluginEntry:
    """A plugin and how the handler treats it; itself a plugin.

    It inherits the marks of an entry that it wraps, and the plugin's own attributes (`pure`,
    `decides_groups`, `decide_groups`, `owns`). The plugin is asked only for events of the app
    clients in `clients`; None means all.
    """

    __slots__ = (
        "clients",
        "decide_groups",
        "decides_groups",
        "is_pure",
        "on_error",
        "owns",
        "plugin",
    )

    def __init__(
        self,
        plugin: Plugin | UserPlugin,
        *,
        on_error: OnError | None = None,
        is_pure: bool | None = None,
        decides_groups: bool | None = None,
        clients: Set[str] | None = None,
    ) -> None:
        own: Any = plugin
        if isinstance(plugin, PluginEntry):
            own = plugin.plugin
            on_error = on_error or plugin.on_error
            is_pure = plugin.is_pure if is_pure is None else is_pure
            decides_groups = plugin.decides_groups if decides_groups is None else decides_groups
            if plugin.clients is not None:  # a second mark never adds app clients
                clients = plugin.clients if clients is None else plugin.clients & clients
            self.decide_groups: Callable[[PreTokenGenerationEvent], Groups | None] | None = (
                plugin.decide_groups
            )
            self.owns: Mapping[str, Set[str]] | None = plugin.owns
        else:
            self.decide_groups = getattr(own, "decide_groups", None)
            self.owns = getattr(own, "owns", None)
        if is_pure is None:
            is_pure = getattr(own, "pure", False) is True
        if decides_groups is None:
            decides_groups = getattr(own, "decides_groups", False) is True
        self.plugin: Any = own
        self.on_error: OnError = on_error or "deny"
        self.is_pure: bool = is_pure
        self.decides_groups: bool = decides_groups
        self.clients: frozenset[str] | None = None if clients is None else frozenset(clients)

    def __call__(self, event: PreTokenGenerationEvent | UserEvent, /) -> Claims:
        """Call the plugin."""
        claims: Claims = self.plugin(event)
        return claims

    def sampled(self) -> "PluginEntry":
        """Return the entry with the plugin's `sample` in place of the plugin, if it has one."""
        entry = PluginEntry(self)
        entry.plugin = getattr(self.plugin, "sample", None) or self.plugin
        return entry


Marked = PluginEntry  # the name until 0.2


def mark(plugin: Plugin | UserPlugin) -> PluginEntry:
    """Return the plugin as an entry.

    The policy is `deny`, and the plugin is pure only if its own `pure` attribute says so.
    """
    return plugin if isinstance(plugin, PluginEntry) else PluginEntry(plugin)


def optional(plugin: Plugin | UserPlugin) -> PluginEntry:
    """Issue the tokens without this plugin's claims when it fails; `TokenDenied` still refuses."""
    return PluginEntry(plugin, on_error="omit")


def pure(plugin: Plugin | UserPlugin) -> PluginEntry:
    """Promise that the plugin does no I/O and answers at once, so that it needs no thread."""
    return PluginEntry(plugin, is_pure=True)


def deciding_groups(plugin: Plugin) -> PluginEntry:
    """Let this plugin decide on the user's groups; all other plugins see its decision.

    Only one plugin of a handler may decide. It is asked first, and it cannot be `optional`.
    """
    return PluginEntry(plugin, decides_groups=True)


def for_clients(plugin: Plugin | UserPlugin, *client_ids: str) -> PluginEntry:
    """Ask the plugin only for events of these app clients; others get none of its claims.

    Raises `ValueError` without an id, and for a malformed id.
    """
    if not client_ids or not all(map(is_client_id, client_ids)):
        raise ValueError("client_ids: expected ids of app clients: letters, digits, _ and +")
    return PluginEntry(plugin, clients=frozenset(client_ids))


def is_client_id(text: object) -> bool:
    """Return whether this text can be the id of an app client."""
    if not isinstance(text, str) or not text.isascii():
        return False
    return text.replace("_", "a").replace("+", "a").isalnum() and len(text) <= 128


def result_error(name: str, entry: PluginEntry, answer: Any) -> PluginResultError | None:
    """Return the error of a malformed answer, or None."""
    if not isinstance(answer, Claims):
        if isinstance(answer, CoroutineType):
            answer.close()  # otherwise Python warns that it was never awaited
        return PluginResultError(name, type(answer).__name__)
    problem = malformed_part(answer)
    if problem is None and entry.owns is not None:
        problem = _undeclared_claim(answer, entry.owns)
    return None if problem is None else PluginResultError(name, "Claims", problem)


def groups_error(name: str, answer: Any) -> PluginResultError | None:
    """Return the error of a malformed answer of `decide_groups`, or None."""
    if answer is None or _are_groups(answer):
        return None
    if isinstance(answer, CoroutineType):
        answer.close()  # as in result_error
    if isinstance(answer, Groups):
        return PluginResultError(name, "Groups", f"decide_groups: {_NOT_TEXTS}")
    returned = type(answer).__name__
    return PluginResultError(
        name, returned, f"decide_groups: expected Groups or None, got {returned}"
    )


def malformed_part(claims: Claims) -> str | None:
    """Return which part of the claims does not have its declared type, or None.

    No type checker may have seen the plugin.
    """
    for name, token in (("id_token", claims.id_token), ("access_token", claims.access_token)):
        if token is not _NO_CLAIMS.id_token:
            problem = _malformed_token(token)
            if problem is not None:
                return f"{name}{problem}"
    groups: Any = claims.groups
    if groups is not None and not _are_groups(groups):
        returned = type(groups).__name__
        is_typed = isinstance(groups, Groups)
        return f"groups: {_NOT_TEXTS if is_typed else f'expected Groups, got {returned}'}"
    return None if _are_names(claims.needs) else f"needs: {_NOT_NAMES}"


_NOT_NAMES = "expected a set of strings"
_NOT_TEXTS = "expected tuples of strings, and a preferred role that is a string"


def _malformed_token(token: object) -> str | None:
    if not isinstance(token, TokenClaims):
        return f": expected TokenClaims, got {type(token).__name__}"
    add: Any = token.add
    # The second check is slower.
    if not ((type(add) in _MAPPINGS or isinstance(add, Mapping)) and are_texts(add)):
        return ".add: expected a mapping from strings"
    if not _are_names(token.suppress):
        return f".suppress: {_NOT_NAMES}"
    if not _are_names(token.add_scopes):
        return f".add_scopes: {_NOT_NAMES}"
    return None if _are_names(token.suppress_scopes) else f".suppress_scopes: {_NOT_NAMES}"


def _undeclared_claim(claims: Claims, owns: Mapping[str, Set[str]]) -> str | None:
    for token, wanted in (("id", claims.id_token), ("access", claims.access_token)):
        if wanted.add or wanted.suppress:
            undeclared = {*wanted.add, *wanted.suppress}.difference(owns.get(token, ()))
            if undeclared:
                claim = shown(min(undeclared))
                return (
                    f"{claim} in the {token} token is not among the claims that it declares (owns)"
                )
    return None


def _are_groups(groups: object) -> bool:
    if not isinstance(groups, Groups):
        return False
    parts: tuple[object, ...] = (groups.groups, groups.iam_roles)
    return all(isinstance(part, (tuple, list)) and are_texts(part) for part in parts) and (
        groups.preferred_role is None or isinstance(groups.preferred_role, str)
    )


def _are_names(names: Any) -> bool:
    if names is _NO_CLAIMS.needs:
        return True
    return (type(names) in _SETS or isinstance(names, Set)) and are_texts(names)
