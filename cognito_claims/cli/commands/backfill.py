"""The command `backfill`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from cognito_claims.cli.console import line
from cognito_claims.cli.escapes import json_text
from cognito_claims.cli.options import EnvFile, Format, OutputFormat, PoolId
from cognito_claims.tools.backfill.run import Backfill, BackfillOptions, DryRun, Result
from cognito_claims.tools.backfill.target import Target
from cognito_claims.tools.inputs import read_environment


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
    options = BackfillOptions(user_pool_id, into, checkpoint, is_restart=restart)
    work = Backfill(options, read_environment(env_file), ConsoleReport(Console(stderr=True)))
    result = work.dry_run() if dry_run else work.run()
    if output_format is Format.JSON:
        print(json_text(result.to_json()))  # noqa: T201  (the output)
    else:
        print_backfill(result, Console())
    raise typer.Exit(result.exit_code)


def print_backfill(result: Result | DryRun, console: Console) -> None:
    """Print how far a backfill has come and whom it could not write, or what it would write."""
    if isinstance(result, DryRun):
        console.print(Text(f"{result.users:,} users would be written."))
        for column, users in sorted(result.null.items()):
            console.print(line(f"{column}: null for {users:,} of them"))
        return
    done = result.done
    failed = f", {len(done.failed):,} not" if done.failed else ""
    console.print(Text(f"{done.written:,} users are written{failed}."))
    for sub, reason in done.failed.items():
        console.print(line(f"not written: {sub} [{reason}]"))
    if result.stopped is not None:
        advice = f"the same command goes on from {result.path}"
        stopped = line(f"Stopped: {result.stopped}; {advice}.", style="bold red")
        console.print(stopped, soft_wrap=True)


class ConsoleReport:
    """Tells on a console how far a backfill has come."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, text: str) -> None:
        """Print a line."""
        self._console.print(Text(text))

    def warn(self, text: str) -> None:
        """Print a warning."""
        self._console.print(Text(f"warning: {text}", style="yellow"))

    @contextmanager
    def bar(self, done: int, total: int | None) -> Iterator[Callable[[int], None]]:
        """Show a bar, and give what moves it to so many users."""
        columns = (
            TextColumn("users"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task("users", total=total, completed=done)
            yield lambda users: progress.update(task, completed=users)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Show the speed of the last half minute."""
        return Text(f"{task.speed:,.0f} users/s" if task.speed else "")
