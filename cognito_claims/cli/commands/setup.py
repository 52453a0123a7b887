"""The command `setup` with its backends."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from cognito_claims.cli.commands.setup_named import command_of
from cognito_claims.cli.console import tell_findings
from cognito_claims.cli.escapes import json_text, printable
from cognito_claims.cli.options import (
    ClientIds,
    Commands,
    EnvFile,
    Format,
    Issuer,
    IssuerType,
    OutputFormat,
    PoolId,
)
from cognito_claims.contract import issuer as contract
from cognito_claims.contract.surrealdb_script import Setup
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.tools.backends.dynamodb import setup as dynamodb_setup
from cognito_claims.tools.backends.fauna import setup as fauna_setup
from cognito_claims.tools.backends.fit import fit
from cognito_claims.tools.backends.hasura import setup as hasura_setup
from cognito_claims.tools.backends.other_clients import client_findings
from cognito_claims.tools.backends.part import Part, find_part, issuer_of
from cognito_claims.tools.backends.surrealdb import setup as surrealdb_setup
from cognito_claims.tools.backends.table import NAMED
from cognito_claims.tools.configuration import configured
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.inputs import read_environment, read_text

setup: typer.Typer = Commands(
    no_args_is_help=True, help="Print what a backend needs to take the pool's tokens."
)


class TokenKind(StrEnum):
    """The two tokens that a user gets."""

    ID = "id"
    ACCESS = "access"


FromPool = Annotated[
    bool, typer.Option("--from-pool", help="Read the type of issuer from the pool itself.")
]
PartName = Annotated[
    str | None, typer.Option("--part", help="Print this part alone, just as its backend takes it.")
]
CheckFile = Annotated[
    Path | None,
    typer.Option("--check", help="Print no part; say whether this file still fits the settings."),
]


@setup.command()
def surrealdb(
    *,
    user_pool_id: PoolId,
    client_ids: ClientIds,
    issuer_type: Issuer = None,
    from_pool: FromPool = False,
    token: Annotated[
        TokenKind | None,
        typer.Option(help="The token that the database gets, where both have claims."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what an earlier run has defined.")
    ] = False,
    editable: Annotated[
        list[str] | None,
        typer.Option(help="A field that users may change in their own row; repeat it for more."),
    ] = None,
    part: PartName = None,
    check_file: CheckFile = None,
    env_file: EnvFile = None,
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Print the SurrealQL for 1.x, 2.x and 3.x, each to be run as it is."""
    environ = read_environment(env_file)
    kind = _issuer_type(issuer_type, user_pool_id, environ, from_pool=from_pool)
    issuer = issuer_of(user_pool_id, client_ids, kind)
    wanted = surrealdb_setup.setup_of(environ, issuer, token)
    fields = editable or ()
    parts = _chosen(surrealdb_setup.parts(wanted, overwrite=overwrite, editable=fields), part)
    if check_file is None:
        _print(parts, output_format)
        _warn(environ, SurrealDBClaims)
    else:
        text = read_text(check_file)
        nearest, findings = fit(parts, text)
        if nearest.name == "2.x" and not any(finding.level == "error" for finding in findings):
            findings = [*findings, *_run(text, wanted, fields)]
        findings = [*findings, *_client_findings(environ, SurrealDBClaims)]
        _tell(findings, check_file, output_format)


@setup.command()
def hasura(
    *,
    user_pool_id: PoolId,
    client_ids: ClientIds,
    issuer_type: Issuer = None,
    from_pool: FromPool = False,
    part: PartName = None,
    check_file: CheckFile = None,
    env_file: EnvFile = None,
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Print the JWT configurations; for a user sync, its table and permissions as well."""
    environ = read_environment(env_file)
    kind = _issuer_type(issuer_type, user_pool_id, environ, from_pool=from_pool)
    issuer = issuer_of(user_pool_id, client_ids, kind)
    parts = hasura_setup.parts(environ, issuer)
    warnings = [*_client_findings(environ, HasuraClaims)]
    _print_or_check(parts, part, check_file, output_format, warnings)
    if check_file is None:
        _warn(environ, HasuraClaims)


@setup.command()
def fauna(
    *,
    part: PartName = None,
    check_file: CheckFile = None,
    env_file: EnvFile = None,
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Print the schema, in FSL: the collection, who mints tokens, what users may do with them."""
    parts = fauna_setup.parts(read_environment(env_file))
    _print_or_check(parts, part, check_file, output_format)


@setup.command()
def dynamodb(
    *, part: PartName = None, env_file: EnvFile = None, output_format: OutputFormat = Format.TEXT
) -> None:
    """Print the tables of the rules' look-ups, the policy of the function's role, and sample items."""
    environ = read_environment(env_file)
    _print(_chosen(dynamodb_setup.parts(environ), part), output_format)


def _issuer_type(
    told: IssuerType | None, user_pool_id: str, environ: Mapping[str, str], *, from_pool: bool
) -> contract.IssuerType:
    if not from_pool:
        return "original" if told is None else told.value
    if told is not None:
        raise UnusableInput("--issuer-type, --from-pool: give one of them")
    found: contract.IssuerType = import_module("cognito_claims.tools.pool.issuer").read_type(
        user_pool_id, environ
    )
    return found


def _run(text: str, setup: Setup, editable: Sequence[str]) -> Iterator[Finding]:
    """Let an engine run the script; only this loads SurrealDB."""
    engine = import_module("cognito_claims.tools.backends.surrealdb.run_script")
    found: Iterator[Finding] = engine.engine_findings(text, setup, editable=editable)
    return found


def _print_or_check(
    parts: Sequence[Part],
    name: str | None,
    check_file: Path | None,
    output_format: Format,
    warnings: Sequence[Finding] = (),
) -> None:
    parts = _chosen(parts, name)
    if check_file is None:
        _print(parts, output_format)
    else:
        findings = [*fit(parts, read_text(check_file))[1], *warnings]
        _tell(findings, check_file, output_format)


def _client_findings(environ: Mapping[str, str], kind: type) -> list[Finding]:
    plugins = configured(environ).plugins.items()
    own = {name: entry for name, entry in plugins if isinstance(entry.plugin, kind)}
    return [*client_findings(own)]


def _warn(environ: Mapping[str, str], kind: type) -> None:
    """Print the warnings to standard error, since the output is for a file."""
    for finding in _client_findings(environ, kind):
        told = printable(f"cognito-claims: warning: {finding.message}")
        print(told, file=sys.stderr)  # noqa: T201  (a warning)


def _chosen(parts: Sequence[Part], name: str | None) -> Sequence[Part]:
    return parts if name is None else [find_part(parts, name)]


def _print(parts: Sequence[Part], output_format: Format) -> None:
    if output_format is Format.JSON:
        content = {part.name: part.text for part in parts}
        text = json_text({"parts": content})
    elif len(parts) == 1:
        text = parts[0].text
    else:
        text = "\n".join(f"# {part.name}: {part.purpose}\n\n{part.text}" for part in parts)
    print(text.removesuffix("\n"))  # noqa: T201  (the output)


def _tell(findings: Sequence[Finding], check_file: Path, output_format: Format) -> None:
    tell_findings(findings, output_format, f"No findings: {check_file} fits the settings.")


for _name, _room in NAMED.items():
    setup.command(_name, help=_room.summary)(
        command_of(
            _room,
            lambda told, pool, environ, asked: _issuer_type(told, pool, environ, from_pool=asked),
            _print,
        )
    )
