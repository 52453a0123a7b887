"""The tables of `docs/settings.md`, made from the code: `python tests/settings_table.py` writes them anew."""

from collections.abc import Callable, Iterator, Set
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from cognito_claims import registry
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.references import Secret

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
_BEGIN, _END = "<!-- begin {} -->\n", "<!-- end {} -->"
SOURCES: dict[str, Callable[..., Any]] = {
    "COGNITO_CLAIMS": registry._core,  # its parameters are the settings
    "SURREALDB": SurrealDBClaims,
    "HASURA": HasuraClaims,
    "FAUNA": FaunaTokens,
}
MEANINGS = {
    "COGNITO_CLAIMS_PLUGINS": "comma list: a built-in name (`surrealdb`, `hasura`, `fauna`), `name=import.path:factory`, or an installed entry point; `none` for no plugin at all",
    "COGNITO_CLAIMS_ON_ERROR": "what a failing plugin does to the sign-in: refuse it, or leave this plugin's claims out; `<NAME>_ON_ERROR` says it for one plugin",
    "COGNITO_CLAIMS_DEADLINE_MS": "when plugins that do I/O are given up, 1 to 5000, counted from the event (the first event's: from the start of the process)",
    "SURREALDB_NAMESPACE": "claim `ns`",
    "SURREALDB_DATABASE": "claim `db`",
    "SURREALDB_ACCESS": "claim `ac` (SurrealDB 2.x, 3.x); this, or token and scope, or all three",
    "SURREALDB_TOKEN": "claim `tk` (SurrealDB 1.x), with the scope",
    "SURREALDB_SCOPE": "claim `sc` (SurrealDB 1.x), with the token",
    "SURREALDB_TOKENS": "the tokens that get the claims; the access token needs V2_0",
    "HASURA_CLAIMS_NAMESPACE": "the claim that holds the session variables",
    "HASURA_CLAIMS_FORMAT": "as Hasura's `claims_format`; `json` needs V2_0",
    "HASURA_DEFAULT_ROLE": "`x-hasura-default-role`",
    "HASURA_ALLOWED_ROLES": "comma list of roles that every user may take, the default role among them; unset: the default role alone",
    "HASURA_GROUP_ROLES": "`group=role` pairs: the role that a Cognito group gives; groups not named give none",
    "HASURA_SESSION_VARIABLES": "`variable=attribute` pairs, as in `x-hasura-org-id=custom:org_id`; `cognito:groups` gives the groups as a Postgres array literal",
    "HASURA_USER_ID_ATTRIBUTE": "the user attribute for `x-hasura-user-id`",
    "HASURA_TOKENS": "the tokens that get the claim; the access token needs V2_0",
    "FAUNA_ENDPOINT": "where your Fauna is, as in `https://fauna.example.com:8443`; plain `http://` for a loopback address only",
    "FAUNA_SECRET": "the minter's key: the value, a Secrets Manager ARN (a JSON field by `#key`) or `ssm:/path`",
    "FAUNA_CLIENT": "our own client, or the official `driver` (extra `fauna`) on our transport",
    "FAUNA_COLLECTION": "the collection of the users' documents",
    "FAUNA_INDEX": "its index over the identity's field",
    "FAUNA_IDENTITY": "the field that names a document: the verified email in lower case, or Cognito's `sub`",
    "FAUNA_TTL_SECONDS": "the token's life",
    "FAUNA_REFRESH_TTL_SECONDS": "the refresh token's life, longer than the token's; turns on the pair of access and refresh token",
    "FAUNA_SUPPRESS": "comma list of claims to take out of the ID token; `none` beside SurrealDB, which needs `email`",
}


_DERIVED = {"FAUNA_INDEX": "`byEmail`; `bySub` for the identity `sub`"}


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
    defaults = signature.__kwdefaults__
    for field, kind in signature.__annotations__.items():
        if field != "return":
            name = f"{prefix}_{field.upper()}"
            default = _DERIVED.get(name) or (
                _default(defaults[field]) if field in defaults else "required"
            )
            yield f"| `{name}` | {_value(kind)} | {default} | {MEANINGS[name]} |"


def _value(kind: Any) -> str:
    if Secret in get_args(kind):
        return "secret"
    if NoneType in get_args(kind):
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is Set:
        return "`id`, `access` or `id,access`"
    if get_origin(kind) is tuple:
        return "comma list"
    return {int: "whole number", str: "text"}.get(kind, "pairs")


def _default(value: object) -> str:
    if value is None or value in ({}, ()):
        return "none"
    shown = ",".join(sorted(value)) if isinstance(value, frozenset | tuple) else value
    return f"`{shown}`"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
