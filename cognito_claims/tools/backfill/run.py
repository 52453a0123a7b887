"""`backfill`: the users whom a pool has already, into the sync's sink."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import ClientError

from cognito_claims.errors import SettingsError
from cognito_claims.sync.from_env import sink_names
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.tools.backfill.checkpoint import Checkpoint, Job
from cognito_claims.tools.backfill.fill import PAGE, Stopped, fill, lacking, pages
from cognito_claims.tools.backfill.target import Target, destination
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.evaluation.sync_check import hasura_findings
from cognito_claims.tools.inputs import region_of_pool
from cognito_claims.tools.pool.aws import AWS_ERRORS, Aws, asking_aws, aws_message

_REFUSED_TOKEN = "InvalidParameterException"


class BackfillOptions(NamedTuple):
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


class Report(Protocol):
    """Who is told how far a backfill has come."""

    def note(self, text: str) -> None:
        """Take a line that is worth knowing."""
        ...

    def warn(self, text: str) -> None:
        """Take a warning."""
        ...

    def bar(self, done: int, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Begin to count users; what the context gives takes their number."""
        ...


class Backfill:
    """One run of the command; raises `UnusableInput` for what is to be changed first."""

    def __init__(
        self, options: BackfillOptions, environ: Mapping[str, str], report: Report
    ) -> None:
        self._report = report
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
                    report.warn(finding.message)

    def dry_run(self) -> DryRun:
        """Look at all users, and write nothing anywhere."""
        users, null = 0, Counter[str]()
        with asking_aws(self._pool), self._report.bar(0, self._estimate()) as advance:
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
        with self._report.bar(start.done, total) as advance:
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
            self._report.note(f"{why}: starting over.")
            return fresh
        self._report.note(f"Going on after {start.done:,} users.")
        return start

    def _estimate(self) -> int | None:
        """Give how many users the pool has, about; None without the right to ask."""
        try:
            found = self._cognito.describe_user_pool(UserPoolId=self._pool)
        except ClientError:
            return None
        return found.get("UserPool", {}).get("EstimatedNumberOfUsers") or None


def _default_target(environ: Mapping[str, str]) -> Target:
    """Give what `USER_SYNC_SINKS` names, Hasura where it names both or is not set."""
    names = sink_names(environ) or {Target.HASURA.value}
    if not names <= {*Target}:
        raise UnusableInput(f"USER_SYNC_SINKS: expected one of {', '.join(Target)}")
    return Target.HASURA if Target.HASURA in names else Target.QUEUE
