"""SurrealDB's set-up: one script for each version that the settings address."""

import re
from collections.abc import Iterator, Mapping, Sequence

from cognito_claims.claims import Token
from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.issuer import Issuer
from cognito_claims.contract.surrealdb_script import (
    Generation,
    Setup,
    check_editable,
    identifier,
    setup_script,
)
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.tools.backends.part import Part, find_plugin
from cognito_claims.tools.errors import UnusableInput

# What 1.x may read as a record's id, a time or a uuid, though it stands in quotes: its scope would equal nothing.
_NO_STRING_TO_1_X = re.compile(r".*:.*|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}", re.DOTALL | re.I)
_FIRST_SIGN_IN = 'CREATE type::thing("user", $token.sub);'


def parts(setup: Setup, *, overwrite: bool = False, editable: Sequence[str] = ()) -> list[Part]:
    """Write a script for every version that the settings address.

    Raises `UnusableInput` for a field that users may never change.
    """
    try:
        check_editable(editable)
    except BackendRefusal as refusal:
        raise UnusableInput(f"--editable: {refusal.message}") from None
    return [
        Part(
            generation,
            f"SurrealDB {generation}, to run as the root or namespace owner",
            "surrealql",
            _comment(setup, generation, editable)
            + setup_script(setup, generation, overwrite=overwrite, editable=editable),
        )
        for generation in setup.generations()
    ]


def setup_of(environ: Mapping[str, str], issuer: Issuer, token: str | None) -> Setup:
    """Give what the database is to expect; one database reads one of the two tokens (`id`, `access`).

    Raises `UnusableInput`, also for a name that no script can hold.
    """
    plugin = find_plugin(SurrealDBClaims, "surrealdb", environ)
    reads: list[Token] = [kind for kind in plugin.tokens if token in (None, kind)]
    if not reads:
        raise UnusableInput("--token: SURREALDB_TOKENS does not name this one")
    if len(reads) > 1:
        raise UnusableInput("--token: SURREALDB_TOKENS names both, say which the database gets")
    named = {
        "SURREALDB_NAMESPACE": plugin.namespace,
        "SURREALDB_DATABASE": plugin.database,
        "SURREALDB_ACCESS": plugin.access,
        "SURREALDB_TOKEN": plugin.token,
        "SURREALDB_SCOPE": plugin.scope,
    }
    problems = [*_unquotable(named)]
    if problems:
        raise UnusableInput(*problems)
    return Setup(
        plugin.namespace,
        plugin.database,
        issuer.url,
        issuer.client_ids[0],
        plugin.access,
        plugin.token,
        plugin.scope,
        reads[0],
        issuer.client_ids[1:],
    )


def _unquotable(named: Mapping[str, str | None]) -> Iterator[str]:
    for setting, name in named.items():
        try:
            identifier(name or "none")
        except BackendRefusal:
            yield f"{setting}: a set-up script takes printable text alone"
    if _NO_STRING_TO_1_X.fullmatch(named["SURREALDB_SCOPE"] or ""):
        yield "SURREALDB_SCOPE: SurrealDB 1.x takes a text with a colon, or one like a uuid, for no text"


def _comment(setup: Setup, generation: Generation, editable: Sequence[str]) -> str:
    """Say how to start the server, and what the script cannot do itself."""
    host = setup.issuer.split("/")[2]
    lines = [
        "The server fetches the pool's keys. Start it with:",
        f"surreal start --deny-funcs=http --allow-net={host} ...",
        "Without --deny-funcs=http, a signed-in user's http::get reaches that host too.",
        "With --deny-all it needs --allow-funcs=session,type,string,time besides.",
        "Let users reach it without WebSockets: on some versions a LIVE SELECT shows them what",
        "others write.",
    ]
    if generation == "2.x":
        lines += [
            "On 2.x a user who knows another user's id and email can act as that user. Use 3.x, or",
            "start 2.x with --deny-arbitrary-query=record as well.",
        ]
    if generation == "3.x":
        name = identifier(setup.database)
        lines += [
            f"Make the database with DEFINE DATABASE {name} STRICT;",
            "Without STRICT, a signed-in user can make empty tables.",
        ]
    if generation == "1.x":
        lines = ["From 1.2 on.", *lines, *_warnings_of_1_x(editable)]
    return "".join(f"-- {line}\n" for line in lines)


def _warnings_of_1_x(editable: Sequence[str]) -> Iterator[str]:
    yield "1.x lets every signed-in user read all that is stored in this database, whatever the"
    yield "permissions say. So a row holds its id alone: email and name come from the token."
    yield "Keep nothing else here that one user may not see of another."
    if editable:
        yield f"Every signed-in user can read these fields of all users: {', '.join(editable)}."
    yield "Rows of an earlier script still hold emails and names. This takes them out: UPDATE user;"
    yield "At a user's first sign-in the application makes the row:"
    yield _FIRST_SIGN_IN
