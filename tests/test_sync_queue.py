"""A row survives the queue and nothing else does; what SQS refuses is told without a value."""

import json
from collections.abc import Mapping
from threading import Event
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims.clients.sigv4 import Credentials
from cognito_claims.errors import (
    AwsError,
    CognitoClaimsError,
    DeadlineError,
    SecretError,
    SettingsError,
    TransportError,
)
from cognito_claims.events import User
from cognito_claims.sync.queue import UserQueue, region_of, to_message, url_problems
from cognito_claims.sync.rows import Row, key_of, row_of
from cognito_claims.sync.worker.messages import CLOCK_SKEW_S, from_message
from tests.stand_ins.moto import HIDDEN, SILENCE, Answer, Request, answering, refusal
from tests.stand_ins.sqs import CREDENTIALS, Queues

COLUMNS = {"id": "sub", "email": "email"}
AT = "2026-01-01T12:00:00.000000Z"
NOON = 1767268800.0  # the same
ADA = Row({"id": "ada", "email": "ada@example.com"}, AT)
BEN = Row({"id": "ben", "email": None}, AT)
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/users"
SENT = Answer.of({"MessageId": "a-message"})
KEY = Credentials("testing", "testing")


def queue_at(environ: Mapping[str, str], **settings: Any) -> UserQueue:
    url = environ.get("USER_SYNC_QUEUE_URL", QUEUE)
    return UserQueue(**{"queue_url": url, "columns": COLUMNS, "environ": environ, **settings})


def write(queue: UserQueue, *rows: Row, seconds: float = 10) -> None:
    queue.write(rows or [ADA], deadline=monotonic() + seconds)


def failure(environ: Mapping[str, str], *, seconds: float = 10) -> str:
    """Give what is raised when a row is sent."""
    with pytest.raises(CognitoClaimsError) as raised:
        write(queue_at(environ), seconds=seconds)
    assert HIDDEN not in f"{raised.value!r} {vars(raised.value)} {raised.value.__context__!r}"
    return f"{type(raised.value).__name__}: {raised.value}"


def elsewhere(url: str) -> dict[str, str]:
    return {**CREDENTIALS, "AWS_ENDPOINT_URL": url}


# What a message holds


def test_a_message_holds_the_rows_values_and_its_time_and_nothing_more() -> None:
    assert json.loads(to_message(BEN)) == {"at": AT, "values": {"id": "ben", "email": None}}


def test_a_message_is_ascii_that_sqs_takes_whatever_a_user_is_called() -> None:
    message = to_message(Row({"id": "a", "email": "\x00\ud800é\U0001f600\n"}, AT))

    assert message.isascii()
    assert message.isprintable()


TEXTS = st.none() | st.text(st.characters(), max_size=8)
NAMES = st.text("abc_", min_size=1, max_size=3).filter(lambda name: name != "id")


@given(st.text(st.characters(), min_size=1), st.dictionaries(NAMES, TEXTS), st.floats(0, 4e9))
def test_what_a_message_was_made_of_comes_out(
    sub: str, values: dict[str, str | None], at: float
) -> None:
    columns = {"id": "sub", **{name: f"custom:{name}" for name in values}}
    of_user = {f"custom:{name}": text for name, text in values.items() if text is not None}
    row = row_of(User("a", {"sub": sub, **of_user}), columns, at)

    assert from_message(to_message(row), columns, now=at) == row
    assert key_of(row, columns) == sub


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "at": st.just(AT) | ANYTHING,
        "values": ANYTHING
        | st.fixed_dictionaries({}, optional={"id": TEXTS | ANYTHING, "email": TEXTS | ANYTHING}),
        "x": ANYTHING,
    },
)


@given(st.text(st.characters()) | ANYTHING.map(json.dumps) | LIKELY.map(json.dumps))
def test_any_text_is_a_row_of_the_columns_or_what_it_lacks(body: str) -> None:
    read = from_message(body, COLUMNS, now=NOON)

    if isinstance(read, Row):
        assert from_message(to_message(read), COLUMNS, now=NOON) == read
        assert (read.values.keys(), key_of(read, COLUMNS) != "") == (COLUMNS.keys(), True)
    else:
        assert read in ("malformed", "other-columns")


def a_body(**changes: Any) -> str:
    return json.dumps({"at": AT, "values": {"id": "ada", "email": None}, **changes})


FOREIGN = {
    "nothing": "",
    "no JSON": "ada",
    "half of it": a_body()[:-1],
    "two of it": a_body() * 2,
    "a list": f"[{a_body()}]",
    "null": "null",
    "a text": json.dumps(a_body()),
    "too deep": "[" * 100_000,
    "too deep within": '{"at":' + "[" * 100_000,
    "too many digits": '{"at":' + "1" * 5000 + "}",
    "no time": json.dumps({"values": {"id": "ada", "email": None}}),
    "no values": json.dumps({"at": AT}),
    "an extra field": a_body(version=2),
    "a list of values": a_body(values=["id", "email"]),
    "a text of values": a_body(values="id"),
    "values that are null": a_body(values=None),
    "a number": a_body(values={"id": "ada", "email": 1}),
    "a boolean": a_body(values={"id": "ada", "email": False}),
    "an object": a_body(values={"id": "ada", "email": {"_inc": 1}}),
    "a sub that is empty": a_body(values={"id": "", "email": None}),
    "a sub that is null": a_body(values={"id": None, "email": None}),
    "a sub that is a number": a_body(values={"id": 7, "email": None}),
}


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_row_is_malformed(body: str) -> None:
    assert from_message(body, COLUMNS, now=NOON) == "malformed"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"id": "ada"},
        {"id": "ada", "email": None, "role": "admin"},
        {"id": "ada", "role": "admin"},
        {"ID": "ada", "email": None},
    ],
)
def test_a_row_of_other_columns_is_told_apart(values: dict[str, str | None]) -> None:
    assert from_message(a_body(values=values), COLUMNS, now=NOON) == "other-columns"


TIMES = [
    *("", "noon", "2026-01-01", "2026-01-01T12:00:00Z", "2026-01-01T12:00:00.000Z"),
    *("2026-01-01T12:00:00.000000+00:00", "2026-01-01t12:00:00.000000z", f"{AT} ", f" {AT}"),
    *("2026-01-01 12:00:00.000000Z", "12026-01-01T12:00:00.000000Z", f"{AT}\n"),
    *("٢٠٢٦-01-01T12:00:00.000000Z", "202६-01-01T12:00:00.000000Z"),
    *("2026-02-30T12:00:00.000000Z", "2026-13-01T12:00:00.000000Z", "0000-01-01T12:00:00.000000Z"),
    *("2026-01-01T24:00:01.000000Z", "9999-99-99T99:99:99.999999Z"),
    *("-026-01-01T12:00:00.000000Z", "dddd-dd-ddTdd:dd:dd.ddddddZ", "d026-01-01T12:00:00.000000Z"),
]


@pytest.mark.parametrize("at", [*TIMES, None, 1767268800, [AT]], ids=repr)
def test_a_time_in_another_form_would_compare_wrongly_and_is_refused(at: object) -> None:
    assert from_message(a_body(at=at), COLUMNS, now=NOON) == "malformed"


@pytest.mark.parametrize(("ahead", "is_read"), [(0.0, True), (CLOCK_SKEW_S, True), (301.0, False)])
def test_a_row_may_be_as_far_ahead_as_a_clock(ahead: float, *, is_read: bool) -> None:
    read = from_message(to_message(ADA), COLUMNS, now=NOON - ahead)

    assert read == (ADA if is_read else "future")


def test_half_of_a_surrogate_pair_comes_out_as_it_went_in() -> None:
    row = Row({"id": "ada", "email": "\ud83d"}, AT)

    assert from_message(to_message(row), COLUMNS, now=NOON) == row


def test_the_columns_order_in_a_message_does_not_matter() -> None:
    body = '{"values":{"email":"ada@example.com","id":"ada"},"at":"' + AT + '"}'

    assert from_message(body, COLUMNS, now=NOON) == ADA


# A row's key


@pytest.mark.parametrize(
    ("columns", "key"),
    [({"id": "sub", "b": "x"}, "1"), ({"b": "sub", "id": "x"}, "2"), ({"n": "sub"}, "")],
)
def test_a_rows_key_is_the_column_that_is_taken_from_sub(columns: dict[str, str], key: str) -> None:
    assert key_of(Row({"id": "1", "b": "2", "n": None}, AT), columns) == key


# Where a queue is


@pytest.mark.parametrize(
    ("url", "region"),
    [
        (QUEUE, "eu-west-1"),
        ("https://SQS.EU-WEST-1.amazonaws.com/1/a", "eu-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/1/a", "cn-north-1"),
        ("https://sqs.us-gov-west-1.amazonaws.com/1/a", "us-gov-west-1"),
        ("https://sqs-fips.us-east-1.amazonaws.com/1/a", "us-east-1"),
        ("https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com/1/a", "eu-west-1"),
        ("https://sqs.eusc-de-east-1.amazonaws.eu/1/a", "eusc-de-east-1"),
        ("https://sqs.us-iso-east-1.c2s.ic.gov/1/a", "us-iso-east-1"),
        ("https://sqs.amazonaws.com/1/a", None),
        ("https://sqs.eu-west-1.example.com/1/a", None),
        ("https://sqs.eu-west-1.amazonaws.com.example.com/1/a", None),
        ("http://127.0.0.1:5000/1/a", None),
        ("https:///1/a", None),
    ],
)
def test_a_queue_lies_in_the_region_that_its_url_names(url: str, region: str | None) -> None:
    assert region_of(url) == region


TWO_PARTS = "expected a queue's URL, which ends with /ACCOUNT/NAME"
STANDARD = "expected a standard queue; a version column keeps the order"
PLAIN = "must start with https://; plain http:// is for a loopback address"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"{QUEUE}.fifo", STANDARD),
        ("https://sqs.eu-west-1.amazonaws.com", TWO_PARTS),
        ("https://sqs.eu-west-1.amazonaws.com/", TWO_PARTS),
        ("https://sqs.eu-west-1.amazonaws.com/users", TWO_PARTS),
        ("https://sqs.eu-west-1.amazonaws.com/a/b/c", TWO_PARTS),
        ("http://sqs.eu-west-1.amazonaws.com/1/a", PLAIN),
        (f"{QUEUE}?a=b", "must not hold a user, a query or a fragment"),
        ("arn:aws:sqs:eu-west-1:123456789012:users", "expected a URL, as in https://host:port"),
        ("", "expected a URL, as in https://host:port"),
    ],
)
def test_a_url_of_no_standard_queue_is_refused_by_name(url: str, problem: str) -> None:
    assert [str(found) for found in url_problems(url)] == [f"queue_url: {problem}"]
    with pytest.raises(SettingsError, match=r"^queue_url: "):
        UserQueue(queue_url=url, environ={})


@pytest.mark.parametrize("url", [QUEUE, f"{QUEUE}/", "http://127.0.0.1:5000/1/a", f"{QUEUE}_fifo"])
def test_a_url_of_a_queue_is_taken(url: str) -> None:
    assert list(url_problems(url)) == []


def test_all_that_is_wrong_with_a_queue_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        UserQueue(queue_url="x", columns={"id": "userName"}, environ={})

    assert [str(problem) for problem in raised.value.problems] == [
        "columns: one column must be taken from sub, as in id=sub",
        "queue_url: expected a URL, as in https://host:port",
    ]


def test_by_default_a_queue_takes_the_guides_columns() -> None:
    queue = UserQueue(queue_url=QUEUE, environ={})

    assert (queue.queue_url, queue.columns) == (QUEUE, {"id": "sub", "username": "userName"})


def test_columns_that_change_afterwards_are_not_the_queues() -> None:
    columns = dict(COLUMNS)
    queue = UserQueue(queue_url=QUEUE, columns=columns, environ={})
    columns["role"] = "custom:role"

    assert queue.columns == COLUMNS


# What is sent


def test_each_row_is_a_message(moto: str) -> None:
    queues = Queues(moto)
    write(queue_at(queues.environ), ADA, BEN)

    assert sorted(queues.bodies()) == [to_message(ADA), to_message(BEN)]


def test_nobody_to_write_is_nothing_to_ask() -> None:
    queue_at(elsewhere("http://127.0.0.1:1")).write([], deadline=monotonic() + 1)


def test_a_message_is_sent_to_the_queue_and_signed_for_sqs() -> None:
    asked: list[Request] = []

    def sqs(request: Request) -> Answer:
        asked.append(request)
        return refusal(request, KEY, "eu-west-1", "sqs") or SENT

    with answering(sqs) as url:
        write(queue_at({**elsewhere(url), "AWS_REGION": "us-east-1"}))

    (request,) = asked
    assert (request.method, request.path) == ("POST", "/")
    assert request.headers["content-type"] == "application/x-amz-json-1.0"
    assert request.headers["x-amz-target"] == "AmazonSQS.SendMessage"
    assert json.loads(request.body) == {"QueueUrl": QUEUE, "MessageBody": to_message(ADA)}


def test_a_queue_that_names_no_region_is_in_the_environments() -> None:
    with answering(lambda request: refusal(request, KEY, "eu-south-2", "sqs") or SENT) as url:
        environ = {**elsewhere(url), "AWS_REGION": "eu-south-2"}
        write(queue_at(environ, queue_url=f"{url}123456789012/users"))


def test_a_queue_is_asked_at_its_own_url_where_the_environment_names_no_other(moto: str) -> None:
    queues = Queues(moto)
    environ = {**CREDENTIALS, "USER_SYNC_QUEUE_URL": queues.url}

    write(queue_at(environ))

    assert queues.bodies() == [to_message(ADA)]


def test_a_queue_that_does_not_exist_is_told_as_such(moto: str) -> None:
    environ = {**elsewhere(moto), "USER_SYNC_QUEUE_URL": f"{moto}/123456789012/nobodys"}

    assert failure(environ) == "AwsError: sqs: QueueDoesNotExist (HTTP 400)"


@pytest.mark.parametrize(
    "answer",
    [
        Answer.of({}),
        Answer.of({"MessageId": None}),
        Answer.of({"MessageId": 1}),
        Answer.of({"MessageID": HIDDEN}),
    ],
)
def test_an_answer_without_a_messages_id_is_none_of_sqs(answer: Answer) -> None:
    with answering(lambda _: answer) as url:
        assert failure(elsewhere(url)) == "AwsError: sqs: unknown (HTTP 200)"


def test_an_answer_that_is_no_json_is_none_of_sqs() -> None:
    with answering(lambda _: Answer(200, HIDDEN.encode())) as url:
        told = "sqs: the answer is not a JSON object; is AWS_ENDPOINT_URL right?"
        assert failure(elsewhere(url)) == f"SecretError: {told}"


@pytest.mark.parametrize(
    "failing",
    [
        SILENCE,
        Answer.refusing("ServiceUnavailable", 503),
        Answer.refusing("com.amazonaws.sqs#RequestThrottled"),
        Answer.refusing("com.amazonaws.sqs#KmsThrottled"),
    ],
)
def test_what_may_pass_is_sent_once_more(failing: Answer) -> None:
    answers = [failing, SENT]
    with answering(lambda _: answers.pop(0)) as url:
        write(queue_at(elsewhere(url)))

    assert answers == []


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        (
            [SILENCE, SILENCE],
            "TransportError: the connection was closed (waiting for the answer)",
        ),
        (
            [Answer.refusing("com.amazonaws.sqs#KmsDisabled")],
            "AwsError: sqs: KmsDisabled (HTTP 400)",
        ),
    ],
)
def test_what_does_not_pass_is_told(failing: list[Answer], told: str) -> None:
    answers = [*failing, SENT]
    with answering(lambda _: answers.pop(0)) as url:
        assert failure(elsewhere(url)) == told

    assert answers == [SENT]


def test_one_that_fails_keeps_the_others_behind_it_unsent() -> None:
    asked: list[str] = []

    def once(request: Request) -> Answer:
        asked.append(json.loads(request.body)["MessageBody"])
        return SENT if len(asked) == 1 else Answer.refusing("AccessDeniedException", 403)

    with answering(once) as url, pytest.raises(AwsError):
        write(queue_at(elsewhere(url)), ADA, BEN, ADA)

    assert asked == [to_message(ADA), to_message(BEN)]


def test_a_queue_that_hangs_is_given_up_at_the_deadline() -> None:
    over = Event()

    def hang(_: Request) -> Answer:
        over.wait(30)
        return SENT

    with answering(hang) as url:
        began = monotonic()
        with pytest.raises(DeadlineError):
            write(queue_at(elsewhere(url)), seconds=0.2)
        assert monotonic() - began < 1
        over.set()


def test_a_queue_that_nobody_serves_is_a_failed_connection() -> None:
    with pytest.raises(TransportError):
        write(queue_at(elsewhere("http://127.0.0.1:1")))


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"AWS_REGION": ""}, "AWS_REGION: required to call AWS"),
        (
            {"AWS_SECRET_ACCESS_KEY": ""},
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: set both or neither",
        ),
    ],
)
def test_what_is_to_be_set_is_told_by_its_name(variables: dict[str, str], problem: str) -> None:
    environ = {**elsewhere("http://127.0.0.1:1"), **variables}

    assert failure({**environ, "USER_SYNC_QUEUE_URL": "http://127.0.0.1:1/1/a"}) == (
        f"SecretError: {problem}"
    )


# Ahead of the first row


def prepare(environ: Mapping[str, str], url: str = QUEUE) -> None:
    queue_at(environ, queue_url=url).prepare(deadline=monotonic())


def test_to_prepare_asks_nobody() -> None:
    asked: list[Request] = []

    def record(request: Request) -> Answer:
        asked.append(request)
        return SENT

    with answering(record) as url:
        prepare(elsewhere(url))

    assert asked == []


def test_to_prepare_without_a_region_says_what_to_set() -> None:
    with pytest.raises(SecretError, match=r"^AWS_REGION: required to call AWS$"):
        prepare({}, "http://127.0.0.1:1/1/a")
