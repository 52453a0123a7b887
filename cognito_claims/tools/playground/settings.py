"""Which settings the page may show, may set, and may hand on in a link; and the plugins that it may run."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cognito_claims.registry import BUILT_IN, entry_parts, plugin_entries
from cognito_claims.settings import suggestion
from cognito_claims.tools.backends.settings import KNOWN, PREFIXES

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
_OWN = "; one of your own must stand just so in the environment that the playground is started with"
_USUAL_URL = re.compile(
    r"https?://[\w.:\[\]-]+(?:/|/v1/graphql)?"
    r"|https://sqs\.[\w.-]+\.amazonaws\.com/\d{12}/[\w-]{1,80}(?:\.fifo)?",
    re.ASCII,
)
_HOST = re.compile(r"(https?://)(?:[^/?#]*@)?([\w.:\[\]-]+)(?=[/?#]|$)", re.ASCII)
_PLAIN = re.compile(r"[\w.,:/=@+*-]*", re.ASCII)

LONGEST_TEXT = 64 * 1024
LONGEST_LINE = 4096
"""In characters: what reads env files takes the square of a line's length."""

Entry = tuple[str, str | None]
"""A plugin's name, and the path of its factory where the entry gives one."""


class Started(NamedTuple):
    """What the environment of the command stands for, whatever the page or a link then says."""

    entries: frozenset[Entry]
    own: Mapping[str, str]
    """All that is no setting of the library: plugins of one's own may read it, and no link may change it."""
    settings: Mapping[str, str]
    """What the page begins with."""

    @property
    def runs_own(self) -> bool:
        """Whether a state may run a plugin that is not the library's."""
        return not all(map(is_built_in, self.entries))

    @classmethod
    def with_environment(cls, environ: Mapping[str, str]) -> "Started":
        """Part an environment; its secrets come no further than `own`."""
        settings = {name: shown(name, value) for name, value in environ.items() if name in KNOWN}
        is_configured = any(name.startswith("COGNITO_CLAIMS_") for name in settings)
        return cls(
            frozenset(entry for _, entry in entries(environ)),
            {name: value for name, value in environ.items() if name not in KNOWN},
            settings if is_configured else EXAMPLE,
        )


def shown(name: str, value: str) -> str:
    """Give a setting's value as it may be seen by others: no secret, and of a URL no more than is usual."""
    if not value.strip():
        return value
    if KNOWN[name]:
        return PLACEHOLDER
    return _shown_url(value) if name.endswith(("_ENDPOINT", "_URL")) else value


def as_text(environ: Mapping[str, str]) -> str:
    """Write the variables as the lines of an env file."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in environ.items())


def entries(environ: Mapping[str, str]) -> Iterator[tuple[int, Entry]]:
    """Give the plugins' entries with their positions; an empty one is for the registry to refuse."""
    for position, entry in enumerate(plugin_entries(environ), 1):
        if entry:
            yield position, entry_parts(entry)


def is_built_in(entry: Entry) -> bool:
    """Say whether the library itself has the plugin."""
    name, path = entry
    return path is None and name in BUILT_IN


def length_problem(text: str) -> str | None:
    """Say what is too long about an env file's text, before anything reads it."""
    if len(text) > LONGEST_TEXT:
        return f"settings: longer than {LONGEST_TEXT:,} characters"
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if len(line) > LONGEST_LINE:
            return f"settings: line {number}: longer than {LONGEST_LINE:,} characters"
    return None


def plugin_problems(environ: Mapping[str, str], started: Started) -> Iterator[str]:
    """Tell of every plugin that a link could have brought along: to import it would be to run it."""
    for position, entry in entries(environ):
        if not is_built_in(entry) and entry not in started.entries:
            name, path = entry
            near = suggestion(name, BUILT_IN) if path is None else ""
            yield f"{_PLUGINS}: entry {position}: not built in{near or _OWN}"


def unknown_settings(environ: Mapping[str, str]) -> Iterator[str]:
    """Tell of every name that a named built-in plugin would take for a wrong one of its own."""
    named = (name for _, (name, _) in entries(environ))
    prefixes = tuple(prefix for name in named for prefix in PREFIXES.get(name, ()))
    for name in environ:
        if name not in KNOWN and name.startswith(("COGNITO_CLAIMS_", *prefixes)):
            yield f"{name}: unknown setting{suggestion(name[:64], KNOWN)}"


def _shown_url(url: str) -> str:
    """Leave a password out, and a path that may be one: who knows a webhook's address may use it."""
    if _USUAL_URL.fullmatch(url):
        return url
    found = _HOST.match(url)
    return f"{found[1]}{found[2]}/{PLACEHOLDER}" if found else PLACEHOLDER


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
