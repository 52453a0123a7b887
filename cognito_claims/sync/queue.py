"""An SQS queue as a sink: one message for each row, which the worker reads and writes later."""

import json
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from cognito_claims.clients.aws import HOSTS, AwsClient
from cognito_claims.clients.http import url_problem
from cognito_claims.errors import AwsError, Problem, SettingsError
from cognito_claims.sync.rows import COLUMNS, Row, column_problems


class UserQueue:
    """Sends users to a standard SQS queue; reads AWS's own variables from `environ`.

    Raises `AwsError`, `TransportError` and `DeadlineError`, and `SecretError` for a missing
    setting.
    """

    def __init__(
        self, *, queue_url: str, environ: Mapping[str, str], columns: Mapping[str, str] = COLUMNS
    ) -> None:
        self.queue_url: str = queue_url
        self.columns: Mapping[str, str] = dict(columns)
        problems = [*column_problems(self.columns), *url_problems(queue_url)]
        if problems:
            raise SettingsError(tuple(problems))
        parts = urlsplit(queue_url)
        self._sqs = AwsClient(
            "sqs",
            region_of(queue_url),
            environ,
            json_version="1.0",
            endpoint=f"{parts.scheme}://{parts.netloc}/",
        )

    def prepare(self, *, deadline: float) -> None:  # noqa: ARG002  (a sink's signature)
        """Load what TLS needs before the first row."""
        self._sqs.prepare()

    def write(self, rows: Sequence[Row], *, deadline: float) -> None:
        """Send the rows, one after the other."""
        for row in rows:
            message = {"QueueUrl": self.queue_url, "MessageBody": to_message(row)}
            answer = self._sqs.call("AmazonSQS.SendMessage", message, deadline=deadline)
            if not isinstance(answer.get("MessageId"), str):  # the answer is not from SQS
                raise AwsError("sqs", 200, "unknown")


def to_message(row: Row) -> str:
    """Return a row as the body of a message: its values by column, and its time."""
    return json.dumps({"at": row.at, "values": dict(row.values)}, separators=(",", ":"))


def region_of(queue_url: str) -> str | None:
    """Return the region in the URL of an AWS queue; None means the environment's region."""
    host = urlsplit(queue_url).hostname or ""
    labels = host.split(".")
    for service in ("sqs", "sqs-fips"):
        if service in labels and host.endswith(HOSTS):
            region = labels[labels.index(service) + 1]
            return None if region == "amazonaws" else region
    return None


def url_problems(queue_url: str) -> Iterator[Problem]:
    """Yield what is wrong with the URL of a queue."""
    problem = url_problem(queue_url)
    if problem is not None:
        yield Problem("queue_url", problem)
    elif len(urlsplit(queue_url).path.strip("/").split("/")) != 2:
        yield Problem("queue_url", "expected a queue's URL, which ends with /ACCOUNT/NAME")
    elif queue_url.rstrip("/").endswith(".fifo"):
        yield Problem("queue_url", "expected a standard queue; a version column keeps the order")
