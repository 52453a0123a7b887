"""Which settings the page may show, may set, and may hand on in a link; and the plugins that it may run."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.references import Secret
from cognito_claims.registry import BUILT_IN
from cognito_claims.settings import suggestion
from cognito_claims.sync.hasura import HasuraUsers

PLACEHOLDER = "left-out"
EXAMPLE: Mapping[str, str] = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura",
    "SURREALDB_NAMESPACE": "test",
    "SURREALDB_DATABASE": "test",
    "SURREALDB_ACCESS": "user",
    "SURREALDB_TOKEN": "cognito",
    "SURREALDB_SCOPE": "account",
    "HASURA_GROUP_ROLES": "editors=editor",
    "HASURA_SESSION_VARIABLES": "x-hasura-groups=cognito:groups",
}
"""Those of docs/examples/surrealdb-hasura.env, for an environment that has none."""

_PLUGINS = "COGNITO_CLAIMS_PLUGINS"
_PREFIXES = ("COGNITO_CLAIMS_", "FAUNA_", "HASURA_", "SURREALDB_", "USER_SYNC_")
_READ_BY_NO_CLASS = (
    _PLUGINS,
    "COGNITO_CLAIMS_ON_ERROR",
    "COGNITO_CLAIMS_DEADLINE_MS",
    "FAUNA_ON_ERROR",
    "HASURA_ON_ERROR",
    "SURREALDB_ON_ERROR",
    "USER_SYNC_SINKS",
    "USER_SYNC_ON_ERROR",
    "USER_SYNC_DEADLINE_MS",
    "USER_SYNC_QUEUE_URL",
)
_READ_BY: Mapping[str, Any] = {
    "FAUNA": FaunaTokens,
    "HASURA": HasuraClaims,
    "HASURA_SYNC": HasuraUsers,
    "SURREALDB": SurrealDBClaims,
}
_OWN = "; one of your own must stand just so in the environment that the playground is started with"
_PLAIN = re.compile(r"[\w.,:/=@+*-]*", re.ASCII)

Entry = tuple[str, str | None]
"""A plugin's name, and the path of its factory where the entry gives one."""


class Started(NamedTuple):
    """What the environment of the command stands for, whatever the page or a link then says."""

    entries: frozenset[Entry]
    own: Mapping[str, str]
    """What plugins of one's own may read: a link must not turn them, or their secrets, elsewhere."""
    settings: Mapping[str, str]
    """What the page begins with."""

    @classmethod
    def with_environment(cls, environ: Mapping[str, str]) -> "Started":
        """Part an environment; its secrets come no further than `own`."""
        settings = {
            name: shown(name, value)
            for name, value in environ.items()
            if may_be_set(name) and name.isidentifier()
        }
        is_configured = any(name.startswith("COGNITO_CLAIMS_") for name in settings)
        return cls(
            frozenset(entry for _, entry in entries(environ)),
            {name: value for name, value in environ.items() if not may_be_set(name)},
            settings if is_configured else EXAMPLE,
        )


def settings_of(source: Any) -> Iterator[tuple[str, bool]]:
    """Give the settings that a constructor's parameters are, and whether each is a secret."""
    for name, kind in vars(source)["__init__"].__annotations__.items():
        if name != "return":
            yield name, Secret in (kind, *get_args(kind))


KNOWN: Mapping[str, bool] = dict.fromkeys(_READ_BY_NO_CLASS, False) | {
    f"{prefix}_{name.upper()}": is_secret
    for prefix, source in _READ_BY.items()
    for name, is_secret in settings_of(source)
}
"""Every setting of the library, and whether it is a secret."""


def may_be_set(name: str) -> bool:
    """Say whether the page may set it: all that the library itself reads, a wrong name of that kind included."""
    return name.startswith(_PREFIXES)


def shown(name: str, value: str) -> str:
    """Give the value as it may be seen by others: a secret, and what is not known to be none, is left out."""
    is_open = name in KNOWN and not KNOWN[name] and not _may_hold_a_secret(name, value)
    return value if is_open or not value.strip() else PLACEHOLDER


def as_text(environ: Mapping[str, str]) -> str:
    """Write the variables as the lines of an env file."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in environ.items())


def entries(environ: Mapping[str, str]) -> Iterator[tuple[int, Entry]]:
    """Part the plugins' entries as the registry does, with their positions; an empty one is for it to refuse."""
    text = environ.get(_PLUGINS, "").strip()
    for position, part in enumerate(text.split(","), 1):
        name, equals, path = (piece.strip() for piece in part.partition("="))
        if text != "none" and (name or equals):
            yield position, (name, path if equals else None)


def is_built_in(entry: Entry) -> bool:
    """Say whether the library itself has the plugin."""
    name, path = entry
    return path is None and name in BUILT_IN


def plugin_problems(environ: Mapping[str, str], started: Started) -> Iterator[str]:
    """Tell of every plugin that a link could have brought along: to import it would be to run it."""
    for position, entry in entries(environ):
        if not is_built_in(entry) and entry not in started.entries:
            name, path = entry
            near = suggestion(name, BUILT_IN) if path is None else ""
            yield f"{_PLUGINS}: entry {position}: not built in{near or _OWN}"


def _may_hold_a_secret(name: str, value: str) -> bool:
    return name.endswith(("_ENDPOINT", "_URL")) and not {"@", "?", "#"}.isdisjoint(value)


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
