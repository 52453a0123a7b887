"""The commands `attach` and `detach`."""

import json
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from cognito_claims.cli.console import line
from cognito_claims.cli.escapes import json_text, printable
from cognito_claims.cli.options import EnvFile, Format, OutputFormat, PoolId
from cognito_claims.tools.attach.attach import Attachment
from cognito_claims.tools.attach.change import AttachOptions, Change, unasked
from cognito_claims.tools.inputs import read_environment
from cognito_claims.tools.json_diff import Difference
from cognito_claims.tools.pool.update import EventVersion, Triggers

FunctionArn = Annotated[
    str | None, typer.Option(help="The pre token generation function; an alias or version, too.")
]
SyncFunctionArn = Annotated[
    str | None, typer.Option(help="The function for post authentication and post confirmation.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and stop.")]


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


def ask(change: Change) -> bool:
    """Show a change and ask, on standard error; without a terminal, agree unasked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    print_change(change._replace(is_dry=True), Console(stderr=True))
    sys.stderr.write("Change it? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _tell_change(change: Change, output_format: Format) -> NoReturn:
    if output_format is Format.JSON:
        print(json_text(change.to_json()))  # noqa: T201  (the output)
    else:
        print_change(change, Console())
    raise typer.Exit(change.exit_code)


def print_change(change: Change, console: Console) -> None:
    """Print what attaching or detaching changed, or would change, setting by setting."""
    if not (change.wanted or change.notes or change.unwanted or change.remarks):
        console.print(Text("Nothing to change.", style="green"))
    would = "would change: " if change.is_dry else ""
    for difference in change.wanted:
        console.print(Text(would).append(_compared(difference)))
    for note in change.notes:
        console.print(line(f"{would}{note}"))
    for remark in change.remarks:
        console.print(line(remark))
    for difference in change.unwanted:
        console.print(Text("unexpected: ", style="bold red").append(_compared(difference)))


def _compared(difference: Difference) -> str:
    before, after = (
        "nothing" if value is None else printable(json.dumps(value, ensure_ascii=False))
        for value in (difference.before, difference.after)
    )
    return f"{printable(difference.path)}: {before} -> {after}"
