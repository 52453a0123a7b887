"""Messages that were not written: to the dead-letter queue, or again after a growing pause."""

import json
from collections.abc import Iterator, Sequence
from random import uniform
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

REASON = "Reason"  # the attribute of a dead-lettered message
_LONGEST_PAUSE_S = 900.0
_KNOWN_FOR_S = 300.0  # a redrive policy may change
_MOST_ENTRIES = 10  # in one batch call of SQS
_T = TypeVar("_T")


class Delivery(NamedTuple):
    """A message as it was delivered; `receives` includes this delivery."""

    message_id: str
    receipt_handle: str
    body: str
    receives: int
    queue_arn: str

    @classmethod
    def of(cls, record: SQSRecord) -> "Delivery":
        """Return the delivery in one record of Lambda's event."""
        return cls(
            record.message_id,
            record.receipt_handle,
            record.body,
            receives=int(record.attributes.approximate_receive_count),
            queue_arn=record.event_source_arn,
        )

    def __repr__(self) -> str:
        """Hide the body, which is about a user."""
        return f"Delivery({self.message_id!r}, receives={self.receives})"


class Failure(NamedTuple):
    """Why a message was not written; a final one would fail again."""

    delivery: Delivery
    reason: str
    is_final: bool


class Source(NamedTuple):
    """A queue, and its redrive policy if it has one that can be read."""

    url: str
    dead_letter_url: str | None = None
    most_receives: int = 0

    def is_dead(self, failure: Failure) -> bool:
        """Return whether a message must go to the dead-letter queue.

        This is so if its failure is final, or if this was its last delivery.
        """
        is_last = failure.delivery.receives >= self.most_receives
        return self.dead_letter_url is not None and (failure.is_final or is_last)


class Redelivery:
    """Tells SQS (a boto3 client) what to do with messages; raises what boto3 raises.

    The first pause is at most `pause_s` seconds, each further one twice as long, and none longer
    than 15 minutes.
    """

    def __init__(self, sqs: Any, *, pause_s: float = 10.0) -> None:
        self._sqs = sqs
        self._pause_s = pause_s
        self._sources: dict[str, tuple[Source, float]] = {}

    def source(self, arn: str) -> Source:
        """Return a queue by its ARN; keep it for some minutes."""
        known = self._sources.get(arn)
        if known is not None and monotonic() - known[1] < _KNOWN_FOR_S:
            return known[0]
        url = self._url(arn)
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        source = Source(url)
        try:
            policy = json.loads(found["Attributes"]["RedrivePolicy"])
            dead_letter_arn, most = policy["deadLetterTargetArn"], int(policy["maxReceiveCount"])
        except (KeyError, TypeError, ValueError):
            dead_letter_arn, most = "", 0
        if dead_letter_arn:
            source = Source(url, self._url(dead_letter_arn), most)
        self._sources[arn] = source, monotonic()
        return source

    def dead_letter(self, source: Source, failures: Sequence[Failure]) -> Iterator[dict[str, str]]:
        """Put messages into the dead-letter queue, ten at a time.

        Yield the new ids of the messages that are there, by their old ids.
        """
        for part in _parts(failures):
            entries = [
                {
                    "Id": str(number),
                    "MessageBody": failure.delivery.body,
                    "MessageAttributes": {
                        REASON: {"DataType": "String", "StringValue": failure.reason}
                    },
                }
                for number, failure in enumerate(part)
            ]
            answer = self._sqs.send_message_batch(QueueUrl=source.dead_letter_url, Entries=entries)
            yield {
                part[int(sent["Id"])].delivery.message_id: sent["MessageId"]
                for sent in answer.get("Successful", ())
            }

    def delay(self, source: Source, deliveries: Sequence[Delivery]) -> None:
        """Delay the next delivery of messages, by pauses of different lengths."""
        for part in _parts(deliveries):
            entries = [
                {
                    "Id": str(number),
                    "ReceiptHandle": delivery.receipt_handle,
                    "VisibilityTimeout": self._pause(delivery.receives),
                }
                for number, delivery in enumerate(part)
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=source.url, Entries=entries)

    def _pause(self, receives: int) -> int:
        longest = min(self._pause_s * 2.0 ** min(receives - 1, 16), _LONGEST_PAUSE_S)
        return round(uniform(longest / 2, longest))  # noqa: S311  (nothing to guess)

    def _url(self, arn: str) -> str:
        *_, account, name = arn.split(":")
        found = self._sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
        return str(found["QueueUrl"])


def _parts(entries: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(entries), _MOST_ENTRIES):
        yield entries[start : start + _MOST_ENTRIES]
