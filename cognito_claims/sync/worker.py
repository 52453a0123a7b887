"""The queue's worker: a batch of messages becomes one upsert, and no message is lost.

What can never succeed goes to the dead-letter queue with its reason. What may succeed later is delivered again, after a growing
pause; when the queue's `maxReceiveCount` is reached, it goes to the dead-letter queue, too.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import BotoCoreError, ClientError

from cognito_claims.errors import told
from cognito_claims.sync.batch import is_final, reason_of, write_batch
from cognito_claims.sync.queue import from_message
from cognito_claims.sync.redelivery import Delivery, Failure, Redelivery
from cognito_claims.sync.rows import Sink

_SERVICE = "user-sync-worker"
_NAMESPACE = "CognitoClaims"
_MARGIN_S = 3.0  # of the function's time, for what was not written
_ALONE_S = 30.0


class _LaterError(Exception):
    """SQS is to deliver this message again."""


class Worker:
    """A Lambda handler for the queue that `UserQueue` fills; answers with the messages that SQS is to deliver again.

    The event source mapping must have `FunctionResponseTypes: [ReportBatchItemFailures]`, or SQS takes all of them for done.
    """

    def __init__(self, sink: Sink, redelivery: Redelivery) -> None:
        self.sink: Sink = sink
        self._redelivery = redelivery
        self._log = Logger(service=_SERVICE)
        self._metrics = Metrics(namespace=_NAMESPACE, service=_SERVICE)
        self._processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    def __call__(self, event: dict[str, Any], context: Any = None) -> Mapping[str, Any]:
        """Write the messages' users, and give Lambda's partial batch response."""
        deliveries = [Delivery.of(SQSRecord(record)) for record in event["Records"]]
        failures = [*self._failures(deliveries, _deadline(context))]
        later = self._settled(failures)
        self._tell(len(deliveries), failures, later)

        def outcome(record: SQSRecord) -> None:
            if record.message_id in later:
                raise _LaterError

        response: Mapping[str, Any] = process_partial_response(event, outcome, self._processor)
        return response

    def _failures(self, deliveries: Sequence[Delivery], deadline: float) -> Iterator[Failure]:
        """Write what can be written, and give what was not."""
        columns = self.sink.columns
        read = [(delivery, from_message(delivery.body, columns)) for delivery in deliveries]
        sound = [(delivery, row) for delivery, row in read if row is not None]
        for delivery, row in read:
            if row is None:
                yield Failure(delivery, "malformed", is_final=True)
        outcomes = write_batch(self.sink, [row for _, row in sound], deadline=deadline)
        takes_others = None in outcomes
        for (delivery, _), error in zip(sound, outcomes, strict=True):
            if error is not None:
                final = is_final(error, takes_others=takes_others)
                yield Failure(delivery, reason_of(error), is_final=final)
        errors = Counter(told(error) for error in outcomes if error is not None)
        if errors:
            self._log.warning("not written", errors=dict(errors))

    def _settled(self, failures: Sequence[Failure]) -> set[str]:
        """Settle failures with SQS, and give the ids of the messages that are to come again."""
        later = {failure.delivery.message_id: failure.delivery for failure in failures}
        try:
            for failure in self._redelivery.dead_letter(failures):
                message_id = failure.delivery.message_id
                del later[message_id]
                self._log.error("dead-lettered", message_id=message_id, reason=failure.reason)
            self._redelivery.delay([*later.values()])
        except (BotoCoreError, ClientError) as error:  # they come again, and so does this
            self._log.error("SQS failed: %s", _aws_code(error))
        return {*later}

    def _tell(self, received: int, failures: Sequence[Failure], later: set[str]) -> None:
        counts = {
            "Written": received - len(failures),
            "DeadLettered": len(failures) - len(later),
            "Later": len(later),
        }
        for name, count in counts.items():
            self._metrics.add_metric(name, MetricUnit.Count, count)
        self._metrics.flush_metrics()
        self._log.info("user sync", received=received, counts=counts)


def _deadline(context: Any) -> float:
    remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
    seconds = _ALONE_S if remaining_ms is None else remaining_ms() / 1000 - _MARGIN_S
    return monotonic() + seconds


def _aws_code(error: Exception) -> str:
    """Give AWS's code, or the class: a text of boto3's may hold more than that."""
    response: Mapping[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", type(error).__name__))
