"""The tables of `docs/settings.md`; `python tests/settings_table.py` writes them from the code."""

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
    """Stand in for the mapper, whose constructor takes the document itself."""


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
    "COGNITO_CLAIMS_ON_ERROR": "what happens when a plugin fails: the sign-in is refused, or the tokens are issued without this plugin's claims; `<NAME>_ON_ERROR` sets it for one plugin",
    "COGNITO_CLAIMS_DEADLINE_MS": "the deadline of plugins that do I/O, 1 to 5000 milliseconds after the event (for the first event: after the start of the process)",
    "COGNITO_CLAIMS_USER_POOLS": "comma list of pool ids, as in `eu-west-1_AbCdEfGhI`: events of other pools are refused, by the user sync too; `any` for all pools",
    "COGNITO_CLAIMS_LOG_SUB": "`true` adds the user's `sub` to the log record of each event, of the user sync too",
    "SURREALDB_NAMESPACE": "claim `ns`",
    "SURREALDB_DATABASE": "claim `db`",
    "SURREALDB_ACCESS": "claim `ac` (SurrealDB 2.x, 3.x); this, or token and scope, or all three",
    "SURREALDB_TOKEN": "claim `tk` (SurrealDB 1.x), with the scope",
    "SURREALDB_SCOPE": "claim `sc` (SurrealDB 1.x), with the token",
    "SURREALDB_TOKENS": "the tokens that get the claims; the access token needs V2_0",
    "HASURA_CLAIMS_NAMESPACE": "the claim that holds the session variables",
    "HASURA_ENGINE": "the version of Hasura that reads the claim. `v2`: every value is a string. `v3` (DDN): groups are a list, and an attribute that is a JSON number, `true` or `false` has this type",
    "HASURA_CLAIMS_FORMAT": "as Hasura's `claims_format`; `json` needs V2_0",
    "HASURA_DEFAULT_ROLE": "`x-hasura-default-role`",
    "HASURA_DEFAULT_ROLES": "`group=role` pairs: the first group that the user is in sets the default role; the role must be an allowed one, or the one that the group gives",
    "HASURA_ALLOWED_ROLES": "comma list of roles that every user may take, including the default role; unset: the default role alone",
    "HASURA_GROUP_ROLES": "`group=role` pairs: the role that a Cognito group gives; a group that is not named gives no role",
    "HASURA_SESSION_VARIABLES": "`variable=attribute` pairs, as in `x-hasura-org-id=custom:org_id`; `cognito:groups` gives the groups, as a Postgres array literal (v2) or a list (v3)",
    "HASURA_USER_ID_ATTRIBUTE": "the user attribute for `x-hasura-user-id`",
    "HASURA_EMAIL_PROVIDERS": "comma list of identity providers, by name, whose users' verified emails and phone numbers count; those of native users always count",
    "HASURA_TOKENS": "the tokens that get the claim; the access token needs V2_0",
    "FAUNA_ENDPOINT": "the URL of your Fauna, as in `https://fauna.example.com:8443`; plain `http://` for a loopback address only",
    "FAUNA_SECRET": "the key of the role `cognitoTokenMinter`: the value, a Secrets Manager ARN (a JSON field by `#key`) or `ssm:/path`",
    "FAUNA_CLIENT": "our own client, or the official `driver` (extra `fauna`) on our transport",
    "FAUNA_COLLECTION": "the collection of the users' documents",
    "FAUNA_INDEX": "the index of the collection over the field in `FAUNA_IDENTITY`",
    "FAUNA_IDENTITY": "the field that identifies a document: Cognito's `sub`, or the verified email in lower case",
    "FAUNA_EMAIL_PROVIDERS": "comma list of identity providers, by name, whose users' verified emails count; those of native users always count",
    "FAUNA_TTL_SECONDS": "the life of the token, in seconds",
    "FAUNA_REFRESH_TTL_SECONDS": "the life of the refresh token in seconds, longer than that of the token; turns on the pair of an access and a refresh token",
    "FAUNA_SUPPRESS": "comma list of claims to suppress in the ID token; set `none` beside SurrealDB, which needs `email`",
    "MAPPER_RULES": "a document of [rules](rules.md): the JSON itself, or the name of a JSON file beside the function's code",
    "USER_SYNC_SINKS": "where users are written: through Hasura, or into a queue that the worker reads",
    "USER_SYNC_ON_ERROR": "what happens when a sync fails: the sign-in continues, or is refused",
    "USER_SYNC_DEADLINE_MS": "the deadline of a sync, as `COGNITO_CLAIMS_DEADLINE_MS`",
    "USER_SYNC_QUEUE_URL": "the URL of a standard SQS queue for what `hasura` failed to write; required for the sink `queue`",
    "HASURA_SYNC_URL": "Hasura's GraphQL endpoint, as in `https://hasura.example.com/v1/graphql`",
    "HASURA_SYNC_ADMIN_SECRET": "Hasura's admin secret: the value, a Secrets Manager ARN (a JSON field by `#key`) or `ssm:/path`",
    "HASURA_SYNC_ROLE": "the role whose permissions apply; unset: `admin`, which may do everything",
    "HASURA_SYNC_BACKEND_ONLY": "`true` if the insert permission of the role is a backend-only one",
    "HASURA_SYNC_TABLE": "the table's name in GraphQL, with its schema as in `auth_users`",
    "HASURA_SYNC_CONSTRAINT": "the constraint whose violation means that the row of the user exists",
    "HASURA_SYNC_COLUMNS": "`column=attribute` pairs; `userName` is the user's name; one column must take `sub`",
    "HASURA_SYNC_UPDATE_COLUMNS": "comma list of columns to update in an existing row, as in `email`",
    "HASURA_SYNC_VERSION_COLUMN": "a `timestamptz` column that holds the time of the sync, so that an older sync does not overwrite a newer one",
}


# Read by the registry for every plugin, so that no plugin's parameters name it.
CLIENTS = {
    f"{prefix}_CLIENTS": "comma list of app clients' ids: the plugin is asked only for their events"
    for prefix in ("SURREALDB", "HASURA", "FAUNA", "MAPPER", "USER_SYNC")
}
CLIENTS["USER_SYNC_CLIENTS"] = (
    "comma list of app clients' ids: users who sign in by others are not synced"
)

_DERIVED = {"FAUNA_INDEX": "`bySub`; `byEmail` for the identity `email`"}


def table(prefix: str) -> str:
    """Return the Markdown table of one prefix."""
    rows = ["| name | value | default | meaning |", "|---|---|---|---|", *_rows(prefix)]
    return "\n".join(rows) + "\n"


def with_tables(page: str) -> str:
    """Return the page with every table between its marks written again."""
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
