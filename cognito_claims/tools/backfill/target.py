"""Where a backfill writes: through Hasura, or into the sync's queue."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from cognito_claims.clients.http import Response
from cognito_claims.errors import AwsError, Problem, SettingsError
from cognito_claims.sync.from_env import columns_from_env
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.sync.queue import region_of, to_message, url_problems
from cognito_claims.sync.rows import Row, Sink
from cognito_claims.sync.worker.session import HttpSession
from cognito_claims.tools.pool.aws import Aws
from cognito_claims.tools.waiting import waiting_for

_MOST = 10  # in one call of SendMessageBatch
_QUEUE_URL = "USER_SYNC_QUEUE_URL"


class Target(StrEnum):
    """Where a backfill writes."""

    HASURA = "hasura"
    QUEUE = "queue"


class Destination(NamedTuple):
    """A sink, and all that says where and what it writes: a run that goes on must find the same."""

    sink: Sink
    settings: Mapping[str, str]


class QueueBatches:
    """What `UserQueue` is in a trigger, by boto3 and ten messages at a time; `write` raises `AwsError`, and what boto3 raises."""

    def __init__(self, sqs: Any, queue_url: str, columns: Mapping[str, str]) -> None:
        self.columns: Mapping[str, str] = columns
        self.queue_url: str = queue_url
        self._sqs = sqs

    def prepare(self, *, deadline: float) -> None:
        """Do nothing: a connection is made with the first rows."""

    def write(self, rows: Sequence[Row], *, deadline: float) -> None:  # noqa: ARG002  (boto3 has its own)
        """Send a message for each row."""
        for start in range(0, len(rows), _MOST):
            entries = [
                {"Id": str(number), "MessageBody": to_message(row)}
                for number, row in enumerate(rows[start : start + _MOST])
            ]
            answer = self._sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            for failed in answer.get("Failed", ()):
                raise AwsError("sqs", 400 if failed["SenderFault"] else 500, failed["Code"])
            if len(answer.get("Successful", ())) != len(entries):  # it was not SQS that answered
                raise AwsError("sqs", 200, "unknown")


class _ToldSession:
    """A session with Hasura that tells when it waits long for an answer."""

    def __init__(self, url: str) -> None:
        self._session = HttpSession(url)

    def request(
        self, method: str, headers: Mapping[str, str], body: bytes, *, deadline: float
    ) -> Response:
        """Give the answer, as `HttpSession` does."""
        with waiting_for("the answer of Hasura (HASURA_SYNC_URL)"):
            return self._session.request(method, headers, body, deadline=deadline)


def destination(into: Target, environ: Mapping[str, str], aws: Aws) -> Destination:
    """Give where to write, or raise `SettingsError` with every problem, and what boto3 raises."""
    if into is Target.QUEUE:
        queue = _queue(environ, aws)
        return Destination(queue, {"queue": queue.queue_url})
    is_kept = environ.get("HASURA_SYNC_ADMIN_SECRET", "").strip().startswith(("arn:", "ssm:"))
    users = HasuraUsers.from_env(aws.environ() if is_kept else environ)
    users.http = _ToldSession(users.url)
    settings = {
        "url": users.url,
        "table": users.table,
        "constraint": users.constraint,
        "update_columns": ",".join(users.update_columns),
        "version_column": users.version_column or "",
    }
    return Destination(users, settings)


def _queue(environ: Mapping[str, str], aws: Aws) -> QueueBatches:
    problems: list[Problem] = []
    queue_url = environ.get(_QUEUE_URL, "").strip()
    if queue_url:
        problems += (p._replace(setting=_QUEUE_URL) for p in url_problems(queue_url))
    else:
        problems.append(Problem(_QUEUE_URL, "required"))
    columns: Mapping[str, str] = {}
    try:
        columns = columns_from_env(environ)
    except SettingsError as error:
        problems += error.problems
    if problems:
        raise SettingsError(tuple(problems))
    return QueueBatches(aws.client("sqs", region_of(queue_url)), queue_url, columns)
