"""The tables of `docs/settings.md`, made from the code: `python tests/settings_table.py` writes them anew."""

from collections.abc import Callable, Iterator, Mapping, Set
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from cognito_claims import registry
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.secret import Secret
from cognito_claims.sync import from_env as sinks
from cognito_claims.sync.hasura import HasuraUsers

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
_BEGIN, _END = "<!-- begin {} -->\n", "<!-- end {} -->"


def _mapper(*, rules: str) -> None:
    """Stand for the mapper, whose constructor takes the document itself."""


SOURCES: dict[str, Callable[..., Any]] = {
    "COGNITO_CLAIMS": registry._core,  # its parameters are the settings
    "SURREALDB": SurrealDBClaims,
    "HASURA": HasuraClaims,
    "FAUNA": FaunaTokens,
    "MAPPER": _mapper,
    "USER_SYNC": sinks._settings,
    "HASURA_SYNC": HasuraUsers,
}
MEANINGS = {
    "COGNITO_CLAIMS_PLUGINS": "comma list: a built-in name (`mapper`, `surrealdb`, `hasura`, `fauna`, `user_sync`), `name=import.path:factory`, or an installed entry point; `none` for no plugin at all",
    "COGNITO_CLAIMS_ON_ERROR": "what a failing plugin does to the sign-in: refuse it, or leave this plugin's claims out; `<NAME>_ON_ERROR` says it for one plugin",
    "COGNITO_CLAIMS_DEADLINE_MS": "when plugins that do I/O are given up, 1 to 5000, counted from the event (the first event's: from the start of the process)",
    "COGNITO_CLAIMS_USER_POOLS": "comma list of pool ids, as in `eu-west-1_AbCdEfGhI`: events of other pools are refused, by the user sync too; unset: any",
    "COGNITO_CLAIMS_LOG_SUB": "`true` puts the user's `sub` into the log's record of each event, of the user sync too",
    "SURREALDB_NAMESPACE": "claim `ns`",
    "SURREALDB_DATABASE": "claim `db`",
    "SURREALDB_ACCESS": "claim `ac` (SurrealDB 2.x, 3.x); this, or token and scope, or all three",
    "SURREALDB_TOKEN": "claim `tk` (SurrealDB 1.x), with the scope",
    "SURREALDB_SCOPE": "claim `sc` (SurrealDB 1.x), with the token",
    "SURREALDB_TOKENS": "the tokens that get the claims; the access token needs V2_0",
    "HASURA_CLAIMS_NAMESPACE": "the claim that holds the session variables",
    "HASURA_ENGINE": "the Hasura that reads the claim: for `v3` (DDN) groups are a list, and attributes that are a JSON number, `true` or `false` have this type; for `v2` every value is a string",
    "HASURA_CLAIMS_FORMAT": "as Hasura's `claims_format`; `json` needs V2_0",
    "HASURA_DEFAULT_ROLE": "`x-hasura-default-role`",
    "HASURA_DEFAULT_ROLES": "`group=role` pairs: the first group that the user is in sets the default role; the role must be an allowed one, or the one that the group gives",
    "HASURA_ALLOWED_ROLES": "comma list of roles that every user may take, the default role among them; unset: the default role alone",
    "HASURA_GROUP_ROLES": "`group=role` pairs: the role that a Cognito group gives; groups not named give none",
    "HASURA_SESSION_VARIABLES": "`variable=attribute` pairs, as in `x-hasura-org-id=custom:org_id`; `cognito:groups` gives the groups, as a Postgres array literal or (v3) a list",
    "HASURA_USER_ID_ATTRIBUTE": "the user attribute for `x-hasura-user-id`",
    "HASURA_EMAIL_PROVIDERS": "comma list of identity providers, by name, whose users' verified emails and phone numbers count; native users' always do",
    "HASURA_TOKENS": "the tokens that get the claim; the access token needs V2_0",
    "FAUNA_ENDPOINT": "where your Fauna is, as in `https://fauna.example.com:8443`; plain `http://` for a loopback address only",
    "FAUNA_SECRET": "the minter's key: the value, a Secrets Manager ARN (a JSON field by `#key`) or `ssm:/path`",
    "FAUNA_CLIENT": "our own client, or the official `driver` (extra `fauna`) on our transport",
    "FAUNA_COLLECTION": "the collection of the users' documents",
    "FAUNA_INDEX": "its index over the identity's field",
    "FAUNA_IDENTITY": "the field that names a document: Cognito's `sub`, or the verified email in lower case",
    "FAUNA_EMAIL_PROVIDERS": "comma list of identity providers, by name, whose users' verified emails count; native users' always do",
    "FAUNA_TTL_SECONDS": "the token's life",
    "FAUNA_REFRESH_TTL_SECONDS": "the refresh token's life, longer than the token's; turns on the pair of access and refresh token",
    "FAUNA_SUPPRESS": "comma list of claims to take out of the ID token; `none` beside SurrealDB, which needs `email`",
    "MAPPER_RULES": "a document of [rules](rules.md): the JSON itself, or the name of a JSON file beside the function's code",
    "USER_SYNC_SINKS": "where users go: through Hasura, or into a queue that the worker empties",
    "USER_SYNC_ON_ERROR": "what a failed sync does to the sign-in: let it go on, or refuse it",
    "USER_SYNC_DEADLINE_MS": "when a sync is given up, as `COGNITO_CLAIMS_DEADLINE_MS`",
    "USER_SYNC_QUEUE_URL": "a standard SQS queue, which takes what `hasura` failed to write; required for the sink `queue`",
    "HASURA_SYNC_URL": "Hasura's GraphQL endpoint, as in `https://hasura.example.com/v1/graphql`",
    "HASURA_SYNC_ADMIN_SECRET": "Hasura's admin secret: the value, a Secrets Manager ARN (a JSON field by `#key`) or `ssm:/path`",
    "HASURA_SYNC_ROLE": "the role whose permissions hold; unset: `admin`, who may do everything",
    "HASURA_SYNC_BACKEND_ONLY": "whether the role's insert permission is a backend-only one",
    "HASURA_SYNC_TABLE": "the table's name in GraphQL, with its schema as in `auth_users`",
    "HASURA_SYNC_CONSTRAINT": "the constraint whose conflict means that the user is there",
    "HASURA_SYNC_COLUMNS": "`column=attribute` pairs; `userName` is the user's name; one column must take `sub`",
    "HASURA_SYNC_UPDATE_COLUMNS": "comma list of columns to update where the user is there, as in `email`",
    "HASURA_SYNC_VERSION_COLUMN": "a `timestamptz` column that takes the sync's time, and keeps an older sync from overwriting a newer one",
}


# Read by the registry for every plugin, so that no plugin's parameters name it.
CLIENTS = {
    f"{prefix}_CLIENTS": "comma list of app clients' ids: the plugin is asked for their events alone"
    for prefix in ("SURREALDB", "HASURA", "FAUNA", "MAPPER", "USER_SYNC")
}
CLIENTS["USER_SYNC_CLIENTS"] = (
    "comma list of app clients' ids: users who sign in by others are not synced"
)

_DERIVED = {"FAUNA_INDEX": "`bySub`; `byEmail` for the identity `email`"}


def table(prefix: str) -> str:
    """Give the Markdown table of one prefix."""
    rows = ["| name | value | default | meaning |", "|---|---|---|---|", *_rows(prefix)]
    return "\n".join(rows) + "\n"


def with_tables(page: str) -> str:
    """Give the page with every table between its marks made anew."""
    for prefix in SOURCES:
        begin, end = _BEGIN.format(prefix), _END.format(prefix)
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}{table(prefix)}{end}{after}"
    return page


def _rows(prefix: str) -> Iterator[str]:
    source: Any = SOURCES[prefix]
    signature: Any = source
    if isinstance(source, type):
        signature = vars(source)["__init__"]
    defaults = signature.__kwdefaults__ or {}
    for field, kind in signature.__annotations__.items():
        if field != "return":
            name = f"{prefix}_{field.upper()}"
            default = _DERIVED.get(name) or (
                _default(defaults[field]) if field in defaults else "required"
            )
            yield f"| `{name}` | {_value(kind)} | {default} | {MEANINGS[name]} |"
    if (clients := f"{prefix}_CLIENTS") in CLIENTS:
        yield f"| `{clients}` | comma list | all | {CLIENTS[clients]} |"


def _value(kind: Any) -> str:
    if Secret in get_args(kind):
        return "secret"
    if NoneType in get_args(kind):
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is Set:
        choices = get_args(get_args(kind)[0])
        return f"`{choices[0]}`, `{choices[1]}` or `{','.join(choices)}`"
    if get_origin(kind) is tuple:
        return "comma list"
    names = {int: "whole number", str: "text", bool: "`true` or `false`"}
    return names.get(kind, "pairs")


def _default(value: object) -> str:
    if value is None or value in ({}, ()):
        return "none"
    if isinstance(value, bool):
        return f"`{value}`".lower()
    if isinstance(value, Mapping):
        value = tuple(f"{name}={text}" for name, text in value.items())
    shown = ",".join(sorted(value)) if isinstance(value, frozenset | tuple) else value
    return f"`{shown}`"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
