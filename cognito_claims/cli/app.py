"""The commands and their options; each command's work is in the module of its name."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from cognito_claims.cli.ask import ask
from cognito_claims.cli.attach import Attachment, Change, unasked
from cognito_claims.cli.attach import Options as AttachOptions
from cognito_claims.cli.backfill import Backfill, Options
from cognito_claims.cli.check import check as run_check
from cognito_claims.cli.doctor import doctor as run_doctor
from cognito_claims.cli.doctor import nothing_found
from cognito_claims.cli.inputs import UnusableInput, read_environment, read_event
from cognito_claims.cli.local import app as local
from cognito_claims.cli.options import (
    ClientIds,
    Commands,
    EnvFile,
    Format,
    Issuer,
    OutputFormat,
    PoolId,
    tell_findings,
)
from cognito_claims.cli.pool_issuer import IssuerType
from cognito_claims.cli.pool_update import EventVersion, Triggers
from cognito_claims.cli.preview import Pool
from cognito_claims.cli.preview import preview as run_preview
from cognito_claims.cli.report import json_text, print_backfill, print_change, print_preview
from cognito_claims.cli.setup.command import setup
from cognito_claims.cli.targets import Target

app: typer.Typer = Commands(
    name="cognito-claims",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(setup, name="setup")
app.add_typer(local)


FunctionArn = Annotated[
    str | None, typer.Option(help="The pre token generation function; an alias or version, too.")
]
SyncFunctionArn = Annotated[
    str | None, typer.Option(help="The function for post authentication and post confirmation.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and stop.")]


@app.callback()
def cognito_claims() -> None:
    """See offline what Amazon Cognito's tokens will hold, and set the functions on a pool."""


@app.command()
def preview(
    event: Annotated[str, typer.Argument(help="A JSON file, or the name of a recorded event.")],
    *,
    issuer_type: Issuer = None,
    read_attributes: Annotated[
        list[str] | None,
        typer.Option(
            "--read-attribute", help="One that the app client may read; without any, all are."
        ),
    ] = None,
    client_ids: ClientIds = [],  # noqa: B006  (typer's way to a list)
    env_file: EnvFile = None,
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Run one event through the configured plugins; exits with 1 when there is an error.

    With --client-id, the backends take tokens of these app clients; without, of the event's own.
    """
    pool = Pool((issuer_type or IssuerType.ORIGINAL).value, read_attributes or None, client_ids)
    result = run_preview(read_event(event), read_environment(env_file), pool)
    if output_format is Format.JSON:
        print(json_text(result.to_json()))  # noqa: T201  (the output)
    else:
        print_preview(result, Console())
    raise typer.Exit(1 if result.has_errors else 0)


@app.command()
def check(env_file: EnvFile = None, output_format: OutputFormat = Format.TEXT) -> None:
    """Check the settings and the composition of the plugins; exits with 1 when there is an error."""
    findings = run_check(read_environment(env_file))
    tell_findings(findings, output_format, "No findings: the settings fit together.")


@app.command()
def doctor(
    *,
    user_pool_id: PoolId,
    client_ids: Annotated[
        list[str] | None,
        typer.Option("--client-id", help="An app client, instead of all; again for each."),
    ] = None,
    issuer_type: Annotated[
        IssuerType | None,
        typer.Option("--issuer-type", help="The pool's issuer that the backends are set up for."),
    ] = None,
    env_file: EnvFile = None,
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Examine a pool and the functions attached to it, by reading alone; exits with 1 when there is an error."""
    environ = read_environment(env_file)
    findings = run_doctor(user_pool_id, client_ids or (), environ, issuer_type=issuer_type)
    tell_findings(findings, output_format, nothing_found(client_ids or ()))


@app.command()
def backfill(
    *,
    user_pool_id: PoolId,
    into: Annotated[
        Target | None, typer.Option(help="Without it, queue where USER_SYNC_SINKS says so.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="How far it has come; without it, backfill-POOL.json.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look, and write nothing.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Forget the checkpoint.")] = False,
    env_file: EnvFile = None,
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Write the users that a pool has already; run it again to go on. Exits with 1 when some are not written."""
    options = Options(user_pool_id, into, checkpoint, is_restart=restart)
    work = Backfill(options, read_environment(env_file), Console(stderr=True))
    result = work.dry_run() if dry_run else work.run()
    if output_format is Format.JSON:
        print(json_text(result.to_json()))  # noqa: T201  (the output)
    else:
        print_backfill(result, Console())
    raise typer.Exit(result.exit_code)


@app.command()
def attach(
    *,
    user_pool_id: PoolId,
    function_arn: FunctionArn = None,
    event_version: Annotated[
        EventVersion | None,
        typer.Option(help="Without it, what the pool sends already, or V2_0."),
    ] = None,
    sync_function_arn: SyncFunctionArn = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Even where another function is attached.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Restore the triggers from before attach.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Even a function that doctor finds an error in.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, on a terminal either.")] = False,
    dry_run: DryRun = False,
    env_file: EnvFile = None,
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Attach functions to a pool that exists, and keep all that it has. Exits with 1 when something else changed."""
    triggers = Triggers(function_arn, event_version, sync_function_arn)
    options = AttachOptions(
        user_pool_id, triggers, is_replacing=replace, is_dry=dry_run, is_forced=force
    )
    confirm = unasked if yes else ask
    attachment = Attachment(options, read_environment(env_file), confirm)
    _tell_change(attachment.rollback() if rollback else attachment.attach(), output_format)


@app.command()
def detach(
    *,
    user_pool_id: PoolId,
    function_arn: FunctionArn = None,
    sync_function_arn: SyncFunctionArn = None,
    dry_run: DryRun = False,
    env_file: EnvFile = None,
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Undo what attach did, for these functions; other functions stay."""
    triggers = Triggers(function_arn, sync_function_arn=sync_function_arn)
    options = AttachOptions(user_pool_id, triggers, is_dry=dry_run)
    _tell_change(Attachment(options, read_environment(env_file)).detach(), output_format)


def _tell_change(change: Change, output_format: Format) -> NoReturn:
    if output_format is Format.JSON:
        print(json_text(change.to_json()))  # noqa: T201  (the output)
    else:
        print_change(change, Console())
    raise typer.Exit(change.exit_code)


def run() -> None:
    """Run the command; what cannot be used is told in one line each, with exit code 2.

    A plugin's module may be in the working directory. It comes last, so that it hides no other module.
    """
    if "" not in sys.path:
        sys.path.append("")
    try:
        app()
    except UnusableInput as error:
        for line in error.lines:
            print(f"cognito-claims: {line}", file=sys.stderr)  # noqa: T201  (the command's own error)
        sys.exit(2)
