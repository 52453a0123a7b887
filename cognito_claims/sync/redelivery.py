"""What becomes of messages that were not written: the dead-letter queue, or another delivery after a growing pause."""

import json
from collections.abc import Iterator, Sequence
from random import uniform
from typing import Any, NamedTuple

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

REASON = "Reason"  # the attribute of a dead-lettered message
_LONGEST_PAUSE_S = 900.0
_MOST_ENTRIES = 10  # in one batch call of SQS


class Delivery(NamedTuple):
    """A message as it was delivered; `receives` counts this delivery, too."""

    message_id: str
    receipt_handle: str
    body: str
    receives: int
    queue_arn: str

    @classmethod
    def of(cls, record: SQSRecord) -> "Delivery":
        """Read one record of Lambda's event."""
        return cls(
            record.message_id,
            record.receipt_handle,
            record.body,
            receives=int(record.attributes.approximate_receive_count),
            queue_arn=record.event_source_arn,
        )


class Failure(NamedTuple):
    """Why a message was not written; one that is final would fail again."""

    delivery: Delivery
    reason: str
    is_final: bool


class Source(NamedTuple):
    """A queue, and the redrive policy that it may have."""

    url: str
    dead_letter_url: str | None = None
    most_receives: int = 0


class Redelivery:
    """Settles with SQS (a client of boto3's) what becomes of messages; raises what boto3 raises.

    The first pause lasts `pause_s` seconds at most, each further one twice as long, and none longer than 15 minutes.
    """

    def __init__(self, sqs: Any, *, pause_s: float = 10.0) -> None:
        self._sqs = sqs
        self._pause_s = pause_s
        self._sources: dict[str, Source] = {}

    def dead_letter(self, failures: Sequence[Failure]) -> Iterator[Failure]:
        """Put what is final, or delivered for the last time, into the dead-letter queue; give each that is there."""
        for failure in failures:
            source = self._source(failure.delivery.queue_arn)
            is_last = failure.delivery.receives >= source.most_receives
            if source.dead_letter_url is not None and (failure.is_final or is_last):
                self._sqs.send_message(
                    QueueUrl=source.dead_letter_url,
                    MessageBody=failure.delivery.body,
                    MessageAttributes={
                        REASON: {"DataType": "String", "StringValue": failure.reason}
                    },
                )
                yield failure

    def delay(self, deliveries: Sequence[Delivery]) -> None:
        """Let messages of one queue be delivered again only after a pause, of a length that differs."""
        for start in range(0, len(deliveries), _MOST_ENTRIES):
            source = self._source(deliveries[start].queue_arn)
            entries = [
                {
                    "Id": str(number),
                    "ReceiptHandle": delivery.receipt_handle,
                    "VisibilityTimeout": self._pause(delivery.receives),
                }
                for number, delivery in enumerate(deliveries[start : start + _MOST_ENTRIES])
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=source.url, Entries=entries)

    def _source(self, arn: str) -> Source:
        if arn not in self._sources:
            url = self._url(arn)
            found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
            policy = json.loads(found.get("Attributes", {}).get("RedrivePolicy", "{}"))
            dead_letter_url = self._url(policy["deadLetterTargetArn"]) if policy else None
            most = int(policy["maxReceiveCount"]) if policy else 0
            self._sources[arn] = Source(url, dead_letter_url, most)
        return self._sources[arn]

    def _pause(self, receives: int) -> int:
        longest = min(self._pause_s * 2.0 ** min(receives - 1, 16), _LONGEST_PAUSE_S)
        return round(uniform(longest / 2, longest))  # noqa: S311  (nothing to guess)

    def _url(self, arn: str) -> str:
        _, _, _, _, account, name = arn.split(":", 5)
        found = self._sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
        return str(found["QueueUrl"])
