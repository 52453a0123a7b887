"""A queue with its dead-letter queue on moto's SQS, and what Lambda's event source mapping does with it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request as Forwarded
from urllib.request import urlopen
from uuid import uuid4

import boto3
from botocore.config import Config

from tests.stand_ins.moto import Answer, Request, answering

REGION = "eu-west-1"
CREDENTIALS = {
    "AWS_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
_MOST = 10  # in one call


class Dead(NamedTuple):
    """A message in the dead-letter queue; none without a reason is the worker's."""

    body: str
    reason: str | None


@cache
def client_of(url: str) -> Any:
    """Give a client of boto3's, which asks only once; to make one takes as long as some calls."""
    return boto3.client(
        "sqs",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )


@contextmanager
def in_front_of(
    moto: str, fault: Callable[[str, Any], Answer | None] = lambda *_: None
) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Give an URL where moto answers unless `fault` does, and the actions with their payloads that were asked for."""
    asked: list[tuple[str, Any]] = []

    def answer(request: Request) -> Answer:
        action = request.headers["x-amz-target"].partition(".")[2]
        payload = json.loads(request.body)
        asked.append((action, payload))
        return fault(action, payload) or _forwarded(moto, request)

    with answering(answer) as url:
        yield url, asked


def _forwarded(moto: str, request: Request) -> Answer:
    headers = {name: text for name, text in request.headers.items() if name != "content-length"}
    try:
        with urlopen(Forwarded(f"{moto}/", request.body, headers)) as answered:  # noqa: S310  (moto, over http)
            return Answer(answered.status, answered.read())
    except HTTPError as refused:
        with refused:
            return Answer(refused.code, refused.read())


class Queues:
    """A standard queue and its dead-letter queue, both empty; `sqs` is boto3's client."""

    def __init__(self, moto: str, *, most_receives: int = 5, visibility_s: int = 30) -> None:
        self.sqs: Any = client_of(moto)
        name = uuid4().hex
        self.dead_letter_url, self.dead_letter_arn = self._create(f"{name}-dead", {})
        policy = {"deadLetterTargetArn": self.dead_letter_arn, "maxReceiveCount": most_receives}
        attributes = {
            "RedrivePolicy": json.dumps(policy),
            "VisibilityTimeout": str(visibility_s),
        }
        self.url, self.arn = self._create(name, attributes)
        # What a function's environment holds:
        self.environ = {**CREDENTIALS, "USER_SYNC_QUEUE_URL": self.url, "AWS_ENDPOINT_URL": moto}

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def bodies(self) -> list[str]:
        """Take all messages that are there, and delete them."""
        return [message["Body"] for message in self._taken(self.url)]

    def dead(self) -> Counter[Dead]:
        """Take all messages of the dead-letter queue, and delete them."""
        found = Counter[Dead]()
        for message in self._taken(self.dead_letter_url):
            reason = message.get("MessageAttributes", {}).get("Reason", {}).get("StringValue")
            found[Dead(message["Body"], reason)] += 1
        return found

    def event(self, most: int = 10) -> dict[str, Any]:
        """Receive messages as Lambda does, in an event for the worker; they stay in flight."""
        records: list[dict[str, Any]] = []
        while len(records) < most:
            received = self._receive(self.url, min(_MOST, most - len(records)))
            records += map(self._record, received)
            if not received:
                break
        return {"Records": records}

    def conclude(self, event: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        """Delete what the worker's answer does not name as failed."""
        failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        for record in event["Records"]:
            if record["messageId"] not in failed:
                handle = record["receiptHandle"]
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=handle)

    def deliver(self, worker: Callable[..., Mapping[str, Any]], most: int = 10) -> list[str]:
        """Let the worker have one batch, and give the ids of those that are to come again."""
        event = self.event(most)
        response = worker(event, None)
        self.conclude(event, response)
        return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]

    def left(self) -> tuple[int, int]:
        """Count the messages that are waiting, and those in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        waiting, in_flight = (int(found["Attributes"][name]) for name in names)
        return waiting, in_flight

    def _create(self, name: str, attributes: Mapping[str, str]) -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    def _receive(self, url: str, most: int) -> list[dict[str, Any]]:
        received = self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=most,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = received.get("Messages", [])
        return messages

    def _taken(self, url: str) -> Iterator[dict[str, Any]]:
        while messages := self._receive(url, _MOST):
            for message in messages:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield message

    def _record(self, message: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": message.get("MessageAttributes", {}),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": REGION,
        }
