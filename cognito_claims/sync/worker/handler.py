"""The worker of the queue: a batch of messages becomes one upsert, and no message is lost.

A message that can never succeed goes to the dead-letter queue with its reason. A message that may
succeed later is delivered again, after a growing pause. After the queue's `maxReceiveCount`
deliveries, it goes to the dead-letter queue too.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic, time
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

from cognito_claims.errors import describe_error
from cognito_claims.sync.batch import is_final, reason_of, write_batch
from cognito_claims.sync.rows import Row, Sink
from cognito_claims.sync.worker.messages import from_message
from cognito_claims.sync.worker.redelivery import Delivery, Failure, Redelivery, Source

_SERVICE = "user-sync-worker"
_NAMESPACE = "CognitoClaims"
_HASURAS_SHARE = 0.7  # of the function's time; the rest is for messages that were not written
_ALONE_S = 30.0


class _LaterError(Exception):
    """Tells Powertools that SQS must deliver this message again."""


class Worker:
    """A Lambda handler for the queue that `UserQueue` fills.

    It returns the messages that SQS must deliver again. The event source mapping must have
    `FunctionResponseTypes: [ReportBatchItemFailures]`, otherwise SQS deletes all of them.
    """

    def __init__(self, sink: Sink, redelivery: Redelivery) -> None:
        self.sink: Sink = sink
        self._redelivery = redelivery
        self._log = Logger(service=_SERVICE)
        self._metrics = Metrics(namespace=_NAMESPACE, service=_SERVICE)
        self._processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    def __call__(self, event: dict[str, Any], context: Any = None) -> Mapping[str, Any]:
        """Write the users in the messages, and return Lambda's partial batch response."""
        received = map(Delivery.of, map(SQSRecord, event["Records"]))
        deliveries = {
            delivery.message_id: delivery for delivery in received
        }  # a message may occur twice
        failures = [*self._failures([*deliveries.values()], _deadline(context))]
        later = self._settled(failures)
        self._tell(len(deliveries), failures, later)

        def outcome(record: SQSRecord) -> None:
            if record.message_id in later:
                raise _LaterError

        response: Mapping[str, Any] = process_partial_response(event, outcome, self._processor)
        return response

    def _failures(self, deliveries: Sequence[Delivery], deadline: float) -> Iterator[Failure]:
        """Write what can be written, and yield the failures."""
        sound: list[tuple[Delivery, Row]] = []
        for delivery in deliveries:
            read = from_message(delivery.body, self.sink.columns, now=time())
            if isinstance(read, Row):
                sound.append((delivery, read))
            else:
                yield Failure(delivery, read, is_final=read != "other-columns")
        rows = [row for _, row in sound]
        outcomes = write_batch(self.sink, rows, deadline=deadline)
        takes_others = None in outcomes
        for (delivery, _), error in zip(sound, outcomes, strict=True):
            if error is not None:
                final = is_final(error, takes_others=takes_others)
                yield Failure(delivery, reason_of(error), is_final=final)
        errors = Counter(describe_error(error) for error in outcomes if error is not None)
        if errors:
            self._log.warning("not written", errors=dict(errors))

    def _settled(self, failures: Sequence[Failure]) -> Mapping[str, Delivery]:
        """Handle failures with SQS; return the messages to deliver again, by id."""
        later = {failure.delivery.message_id: failure.delivery for failure in failures}
        if not failures:
            return later
        with self._calling_sqs():
            source = self._redelivery.source(failures[0].delivery.queue_arn)
            with self._calling_sqs():  # a message that fails here comes again
                for message_id in self._dead_lettered(source, failures):
                    del later[message_id]
            self._redelivery.delay(source, [*later.values()])
        return later

    def _dead_lettered(self, source: Source, failures: Sequence[Failure]) -> Iterator[str]:
        """Yield the ids of the messages that reach the dead-letter queue."""
        if source.dead_letter_url is None:
            self._log.error("the queue has no dead-letter queue")
        dead = {f.delivery.message_id: f for f in failures if source.is_dead(f)}
        for sent in self._redelivery.dead_letter(source, [*dead.values()]):
            for message_id, new_id in sent.items():
                self._log.error(
                    "dead-lettered",
                    message_id=message_id,
                    dead_letter_id=new_id,
                    reason=dead[message_id].reason,
                )
                yield message_id

    @contextmanager
    def _calling_sqs(self) -> Iterator[None]:
        """Log AWS's code, or the class: the text of a boto3 exception may hold more."""
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            response: Mapping[str, Any] = getattr(error, "response", None) or {}
            code = response.get("Error", {}).get("Code", type(error).__name__)
            self._log.error("SQS failed", code=code)

    def _tell(
        self, received: int, failures: Sequence[Failure], later: Mapping[str, Delivery]
    ) -> None:
        counts = {
            "Written": received - len(failures),
            "DeadLettered": len(failures) - len(later),
            "Later": len(later),
        }
        for name, count in counts.items():
            self._metrics.add_metric(name, MetricUnit.Count, count)
        self._metrics.flush_metrics()
        reasons = dict(Counter(failure.reason for failure in failures))
        self._log.info("user sync", received=received, counts=counts, reasons=reasons)


def _deadline(context: Any) -> float:
    remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
    seconds = _ALONE_S if remaining_ms is None else remaining_ms() / 1000 * _HASURAS_SHARE
    return monotonic() + seconds
