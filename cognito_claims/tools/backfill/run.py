"""`backfill`: the users whom a pool has already, into the sync's sink."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
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

from cognito_claims.errors import SettingsError
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.tools.backfill.checkpoint import Checkpoint, Job
from cognito_claims.tools.backfill.fill import PAGE, Stopped, fill, lacking, pages
from cognito_claims.tools.backfill.target import Target, destination
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.evaluation.sync_check import hasura_findings
from cognito_claims.tools.pool.aws import AWS_ERRORS, Aws, asking_aws, aws_message, region_of_pool

_REFUSED_TOKEN = "InvalidParameterException"


class Options(NamedTuple):
    """What the command is asked to do; `into` is None for what `USER_SYNC_SINKS` says."""

    user_pool_id: str
    into: Target | None
    checkpoint: Path | None
    is_restart: bool


class Result(NamedTuple):
    """How far the run has come, and what kept it from going on, if anything did."""

    done: Checkpoint
    path: Path
    stopped: str | None

    @property
    def exit_code(self) -> int:
        """Give 0 only when every user is written."""
        return 0 if self.done.is_complete and not self.done.failed else 1

    def to_json(self) -> dict[str, Any]:
        """Give what `--format json` prints."""
        found = self.done.model_dump(exclude={"token"})
        return {**found.pop("job"), **found, "stopped": self.stopped}


class DryRun(NamedTuple):
    """What would be written: so many users, and by column how many of them lack its value."""

    users: int
    null: Mapping[str, int]
    exit_code: int = 0

    def to_json(self) -> dict[str, Any]:
        """Give what `--format json` prints."""
        return {"users": self.users, "null": dict(self.null)}


class Backfill:
    """One run of the command; raises `UnusableInput` for what is to be changed first."""

    def __init__(self, options: Options, environ: Mapping[str, str], console: Console) -> None:
        self._console = console
        self._pool = options.user_pool_id
        self._is_restart = options.is_restart
        self._path = options.checkpoint or Path(f"backfill-{self._pool}.json")
        region = region_of_pool(self._pool)
        into = options.into or _default_target(environ)
        try:
            with asking_aws(self._pool):
                aws = Aws(environ)
                self._sink, settings = destination(into, environ, aws)
                self._cognito = aws.client("cognito-idp", region)
        except SettingsError as error:
            raise UnusableInput(*map(str, error.problems)) from None
        self._job = Job(
            user_pool_id=self._pool,
            into=into,
            settings=dict(settings),
            columns=dict(self._sink.columns),
        )
        if isinstance(self._sink, HasuraUsers):
            for finding in hasura_findings(self._sink):
                if finding.code == "no-version-column":
                    console.print(Text(f"warning: {finding.message}", style="yellow"))

    def dry_run(self) -> DryRun:
        """Look at all users, and write nothing anywhere."""
        users, null = 0, Counter[str]()
        with asking_aws(self._pool), self._bar(0, self._estimate()) as advance:
            for page in pages(self._cognito, self._pool, None):
                users += len(page.users)
                null += lacking(page.users, self._sink.columns)
                advance(users)
        return DryRun(users, null)

    def run(self) -> Result:
        """Write all users from the checkpoint on."""
        with asking_aws(self._pool):
            total = self._estimate()
            done = start = self._start()

        def save(checkpoint: Checkpoint) -> None:
            nonlocal done
            done = checkpoint
            checkpoint.write(self._path)
            advance(checkpoint.done)

        stopped = None
        with self._bar(start.done, total) as advance:
            try:
                listed = pages(self._cognito, self._pool, start.token)
                fill(self._sink, listed, start, save=save)
            except Stopped as error:
                stopped = str(error)
            except AWS_ERRORS as error:
                stopped = aws_message(error)
            except KeyboardInterrupt:
                stopped = "interrupted"
        if done.is_complete and not done.failed:
            self._path.unlink()
        return Result(done, self._path, stopped)

    def _start(self) -> Checkpoint:
        fresh = Checkpoint(job=self._job)
        start = fresh if self._is_restart else Checkpoint.read(self._path, self._job)
        if start.token is None:
            return start
        try:
            self._cognito.list_users(UserPoolId=self._pool, Limit=PAGE, PaginationToken=start.token)
        except ClientError as error:
            if error.response["Error"]["Code"] != _REFUSED_TOKEN:
                raise
            why = "Cognito does not know any more where the last run was"
            self._console.print(Text(f"{why}: starting over."))
            return fresh
        self._console.print(Text(f"Going on after {start.done:,} users."))
        return start

    @contextmanager
    def _bar(self, done: int, total: int | None) -> Iterator[Callable[[int], None]]:
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

    def _estimate(self) -> int | None:
        """Give how many users the pool has, about; None without the right to ask."""
        try:
            found = self._cognito.describe_user_pool(UserPoolId=self._pool)
        except ClientError:
            return None
        return found.get("UserPool", {}).get("EstimatedNumberOfUsers") or None


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Show the speed of the last half minute."""
        return Text(f"{task.speed:,.0f} users/s" if task.speed else "")


def _default_target(environ: Mapping[str, str]) -> Target:
    """Give what `USER_SYNC_SINKS` names, Hasura where it names both or is not set."""
    text = environ.get("USER_SYNC_SINKS", "").strip()
    names = {name.strip() for name in text.split(",")} if text else {Target.HASURA.value}
    if not names <= {*Target}:
        raise UnusableInput(f"USER_SYNC_SINKS: expected one of {', '.join(Target)}")
    return Target.HASURA if Target.HASURA in names else Target.QUEUE
