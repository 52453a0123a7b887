"""What was not written is dead-lettered with its reason, or comes again after a pause that grows."""

import json
from collections import Counter
from time import monotonic
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import ClientError

from cognito_claims.sync.worker.redelivery import Delivery, Failure, Redelivery, Source
from tests.stand_ins.moto import Answer
from tests.stand_ins.sqs import Dead, Queues, client_of, in_front_of


@pytest.fixture
def queues(moto: str) -> Queues:
    return Queues(moto)


def delivered(queues: Queues, *bodies: str) -> list[Delivery]:
    queues.send(*bodies)
    records = queues.event(len(bodies))["Records"]
    return sorted((Delivery.of(SQSRecord(record)) for record in records), key=lambda d: d.body)


def failures(queues: Queues, *bodies: str, is_final: bool = True) -> list[Failure]:
    return [Failure(each, "a-reason", is_final) for each in delivered(queues, *bodies)]


def test_a_delivery_is_read_from_lambdas_record(queues: Queues) -> None:
    queues.send("a body")
    (record,) = queues.event()["Records"]

    assert Delivery.of(SQSRecord(record)) == Delivery(
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        body="a body",
        receives=1,
        queue_arn=queues.arn,
    )


def test_its_repr_hides_the_body(queues: Queues) -> None:
    (delivery,) = delivered(queues, "ada@example.com")

    assert repr(delivery) == f"Delivery({delivery.message_id!r}, receives=1)"


# The dead-letter queue


def put(redelivery: Redelivery, found: list[Failure]) -> list[str]:
    """Give the bodies of what is in the dead-letter queue, as the worker puts it there."""
    source = redelivery.source(found[0].delivery.queue_arn)
    dead = [failure for failure in found if source.is_dead(failure)]
    bodies = {failure.delivery.message_id: failure.delivery.body for failure in dead}
    return [bodies[old] for sent in redelivery.dead_letter(source, dead) for old in sent]


def delay(redelivery: Redelivery, found: list[Delivery]) -> None:
    redelivery.delay(redelivery.source(found[0].queue_arn), found)


def test_what_is_final_is_dead_lettered_with_its_reason(queues: Queues) -> None:
    found = failures(queues, "a", "b")

    assert put(Redelivery(queues.sqs), found) == ["a", "b"]
    assert queues.dead() == Counter([Dead("a", "a-reason"), Dead("b", "a-reason")])


def test_what_may_be_written_later_is_not_dead_lettered(queues: Queues) -> None:
    found = failures(queues, "a", "b", is_final=False)

    assert put(Redelivery(queues.sqs), found) == []
    assert queues.dead() == Counter()


@pytest.mark.parametrize(("receives", "is_last"), [(1, False), (4, False), (5, True), (6, True)])
def test_what_is_delivered_for_the_last_time_is_dead_lettered(
    queues: Queues, receives: int, *, is_last: bool
) -> None:
    (delivery,) = delivered(queues, "a")
    found = Failure(delivery._replace(receives=receives), "a-reason", is_final=False)

    assert put(Redelivery(queues.sqs), [found]) == (["a"] if is_last else [])
    assert queues.dead() == (Counter([Dead("a", "a-reason")] if is_last else []))


@pytest.mark.parametrize("is_final", [True, False])
def test_a_queue_without_a_dead_letter_queue_keeps_all(queues: Queues, *, is_final: bool) -> None:
    queues.sqs.set_queue_attributes(QueueUrl=queues.url, Attributes={"RedrivePolicy": ""})
    (delivery,) = delivered(queues, "a")
    found = Failure(delivery._replace(receives=1000), "a-reason", is_final)

    assert put(Redelivery(queues.sqs), [found]) == []
    assert queues.dead() == Counter()


def test_more_than_ten_are_several_calls_and_what_is_there_is_told_as_it_gets_there(
    queues: Queues, moto: str
) -> None:
    def fails(action: str, payload: Any) -> Answer | None:
        is_last = action == "SendMessageBatch" and len(payload["Entries"]) < 10
        return Answer.refusing("AccessDeniedException") if is_last else None

    found = failures(queues, *"abcdefghijkl")
    with in_front_of(moto, fails) as (url, _):
        redelivery = Redelivery(client_of(url))
        sending = redelivery.dead_letter(redelivery.source(queues.arn), found)
        there = next(sending)
        with pytest.raises(ClientError):
            next(sending)

    assert [*there] == [failure.delivery.message_id for failure in found[:10]]
    assert queues.dead() == Counter(Dead(body, "a-reason") for body in "abcdefghij")


def test_the_new_id_of_a_dead_letter_is_told(queues: Queues) -> None:
    (failure,) = failures(queues, "a")
    redelivery = Redelivery(queues.sqs)
    (sent,) = redelivery.dead_letter(redelivery.source(queues.arn), [failure])

    (message,) = queues.sqs.receive_message(QueueUrl=queues.dead_letter_url)["Messages"]
    assert sent == {failure.delivery.message_id: message["MessageId"]}


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "x",
        '"x"',
        "[]",
        '{"maxReceiveCount":"3"}',
        '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:1:d"}',
    ],
)
def test_a_policy_that_cannot_be_read_is_none(queues: Queues, moto: str, policy: str) -> None:
    def answers(action: str, _: Any) -> Answer | None:
        odd = Answer.of({"Attributes": {"RedrivePolicy": policy}})
        return odd if action == "GetQueueAttributes" else None

    with in_front_of(moto, answers) as (url, _):
        assert Redelivery(client_of(url)).source(queues.arn)[1:] == (None, 0)


def test_a_policy_is_looked_up_again_after_some_minutes(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    redelivery = Redelivery(queues.sqs)
    assert redelivery.source(queues.arn).most_receives == 5
    policy = {"deadLetterTargetArn": queues.dead_letter_arn, "maxReceiveCount": 7}
    queues.sqs.set_queue_attributes(
        QueueUrl=queues.url, Attributes={"RedrivePolicy": json.dumps(policy)}
    )
    assert redelivery.source(queues.arn).most_receives == 5

    monkeypatch.setattr(
        "cognito_claims.sync.worker.redelivery.monotonic", lambda: monotonic() + 301
    )
    assert redelivery.source(queues.arn).most_receives == 7


def test_a_queues_policy_is_asked_for_once(queues: Queues, moto: str) -> None:
    with in_front_of(moto) as (url, asked):
        redelivery = Redelivery(client_of(url))
        for body in ("a", "b"):
            assert put(redelivery, failures(queues, body)) == [body]
            delay(redelivery, delivered(queues, "later"))

    assert Counter(action for action, _ in asked) == {
        "GetQueueUrl": 2,  # and its dead-letter queue's
        "GetQueueAttributes": 1,
        "SendMessageBatch": 2,
        "ChangeMessageVisibilityBatch": 2,
    }


def test_each_queue_has_a_dead_letter_queue_of_its_own(queues: Queues, moto: str) -> None:
    other = Queues(moto)
    redelivery = Redelivery(queues.sqs)
    for each, body in ((queues, "a"), (other, "b")):
        assert put(redelivery, failures(each, body)) == [body]

    assert queues.dead() == Counter([Dead("a", "a-reason")])
    assert other.dead() == Counter([Dead("b", "a-reason")])


# Pauses


def test_what_is_delayed_comes_after_its_pause_and_not_before(queues: Queues) -> None:
    delay(Redelivery(queues.sqs, pause_s=0), delivered(queues, "a"))
    assert queues.bodies() == ["a"]

    delay(Redelivery(queues.sqs), delivered(queues, "b"))
    assert (queues.bodies(), queues.left()) == ([], (0, 1))


def pauses(queues: Queues, moto: str, receives: int, **settings: float) -> list[int]:
    found = [each._replace(receives=receives) for each in delivered(queues, *"abcdefgh")]
    with in_front_of(moto) as (url, asked):
        delay(Redelivery(client_of(url), **settings), found)
    (entries,) = [payload["Entries"] for action, payload in asked if "Batch" in action]
    return [entry["VisibilityTimeout"] for entry in entries]


@pytest.mark.parametrize(
    ("receives", "longest"), [(1, 10), (2, 20), (3, 40), (7, 640), (8, 900), (17, 900), (2000, 900)]
)
def test_a_pause_doubles_with_each_delivery_up_to_a_quarter_of_an_hour(
    queues: Queues, moto: str, receives: int, longest: int
) -> None:
    found = pauses(queues, moto, receives)

    assert all(longest / 2 <= pause <= longest for pause in found)
    assert len(set(found)) > 1  # so that they do not all come back together


def test_the_first_pause_can_be_set(queues: Queues, moto: str) -> None:
    assert all(50 <= pause <= 100 for pause in pauses(queues, moto, 1, pause_s=100))


def test_more_than_sqs_takes_in_one_call_are_several(queues: Queues, moto: str) -> None:
    found = delivered(queues, *map(str, range(23)))
    with in_front_of(moto) as (url, asked):
        delay(Redelivery(client_of(url), pause_s=0), found)

    batches = [payload["Entries"] for action, payload in asked if "Batch" in action]
    assert [len(batch) for batch in batches] == [10, 10, 3]
    for batch in batches:
        assert len({entry["Id"] for entry in batch}) == len(batch)
    assert sorted(queues.bodies()) == sorted(map(str, range(23)))


def test_with_nothing_to_settle_sqs_is_not_asked() -> None:
    redelivery = Redelivery(client_of("http://127.0.0.1:1"))
    redelivery.delay(Source("http://127.0.0.1:1"), [])

    assert [*redelivery.dead_letter(Source("http://127.0.0.1:1"), [])] == []
