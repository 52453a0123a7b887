"""The queue's worker: one request for a batch, no user lost, and the dead-letter queue for what can never be written."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import permutations
from subprocess import CompletedProcess, run
from time import monotonic
from typing import Any, NamedTuple

import pytest

from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.sync.queue import to_message
from cognito_claims.sync.rows import Row
from cognito_claims.sync.worker.extra import worker_extra
from cognito_claims.sync.worker.handler import Worker
from cognito_claims.sync.worker.redelivery import Redelivery
from cognito_claims.sync.worker.session import HttpSession
from tests.runtime_api import clean_environ
from tests.stand_ins import fauna_wire, hasura
from tests.stand_ins.fauna_wire import Fault
from tests.stand_ins.hasura import SECRET, HasuraServer
from tests.stand_ins.moto import SILENCE, Answer, answering
from tests.stand_ins.postgres import Column, Table
from tests.stand_ins.sqs import Dead, Queues, client_of, in_front_of

EMAIL = {"id": "sub", "email": "email"}
UPDATING: dict[str, Any] = {"columns": EMAIL, "update_columns": ("email",)}
VERSIONED: dict[str, Any] = {**UPDATING, "version_column": "synced_at"}
DOWN = hasura.error("postgres-error")
TAKEN = "cat@example.com"
DONE: dict[str, list[object]] = {"batchItemFailures": []}
UUIDS = Table({"id": Column("uuid", is_nullable=False), "email": Column()}, {"users_pkey": ("id",)})
WITH_EMAIL = Table(
    {"id": Column(is_nullable=False), "email": Column(is_nullable=False)}, {"users_pkey": ("id",)}
)

pytestmark = pytest.mark.usefixtures("own_logger")


class Context(NamedTuple):
    """Lambda's, as far as the worker reads it."""

    milliseconds: int

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture
def server(dsn: str) -> Iterator[HasuraServer]:
    with HasuraServer(dsn) as server:
        yield server


@pytest.fixture
def queues(moto: str) -> Queues:
    return Queues(moto)


def worker_for(
    server: HasuraServer, queues: Queues, *, url: str | None = None, **settings: Any
) -> Worker:
    """Give a worker whose messages come again at once, from the queue itself or by another URL."""
    users = HasuraUsers(**{"url": server.url, "admin_secret": SECRET, **UPDATING, **settings})
    users.http = HttpSession(users.url)
    return Worker(users, Redelivery(client_of(url) if url else queues.sqs, pause_s=0))


def a_message(sub: str, second: int = 0, email: str | None = None) -> str:
    values = {"id": sub, "email": email or f"{sub}.{second}@example.com"}
    return to_message(Row(values, f"2026-01-01T12:00:{second:02}.000000Z"))


def emails(server: HasuraServer) -> dict[str, str | None]:
    return {str(row["id"]): row["email"] for row in server.rows()}


def deliver(queues: Queues, worker: Worker, *bodies: str) -> int:
    """Send messages, let the worker have what is in the queue, and count those that are to come again."""
    queues.send(*bodies)
    return len(queues.deliver(worker))


def failed(response: Any) -> set[str]:
    assert response.keys() == {"batchItemFailures"}
    return {failure["itemIdentifier"] for failure in response["batchItemFailures"]}


# What is written


def test_a_batch_is_one_request(server: HasuraServer, queues: Queues) -> None:
    subs = [f"{number:02}" for number in range(10)]
    queues.send(*map(a_message, subs))
    event = queues.event()

    assert worker_for(server, queues)(event, None) == DONE
    assert len(server.requests) == 1
    assert emails(server) == {sub: f"{sub}.0@example.com" for sub in subs}


def test_what_is_written_does_not_come_again(server: HasuraServer, queues: Queues) -> None:
    assert deliver(queues, worker_for(server, queues), a_message("ada"), a_message("ben")) == 0
    assert queues.left() == (0, 0)
    assert queues.dead() == Counter()


@pytest.mark.parametrize("settings", [UPDATING, VERSIONED], ids=["updating", "versioned"])
def test_a_users_newest_message_wins_whatever_the_order(
    server: HasuraServer, queues: Queues, settings: dict[str, Any]
) -> None:
    queues.send(*(a_message("ada", second) for second in range(3)))
    worker, records = worker_for(server, queues, **settings), queues.event()["Records"]
    for order in permutations(records):
        server.truncate()

        assert worker({"Records": [*order]}, None) == DONE
        assert emails(server) == {"ada": "ada.2@example.com"}
    assert len(server.requests) == 6


def test_with_a_version_column_an_older_message_never_overwrites_a_newer_row(
    server: HasuraServer, queues: Queues
) -> None:
    worker = worker_for(server, queues, **VERSIONED)
    for second in (1, 3, 0, 2):
        assert deliver(queues, worker, a_message("ada", second)) == 0

    assert emails(server) == {"ada": "ada.3@example.com"}


@pytest.mark.parametrize("settings", [UPDATING, VERSIONED], ids=["updating", "versioned"])
def test_a_message_that_comes_twice_is_harmless(
    server: HasuraServer, queues: Queues, settings: dict[str, Any]
) -> None:
    worker = worker_for(server, queues, **settings)
    for _ in range(2):
        assert deliver(queues, worker, *[a_message("ada")] * 3) == 0

    assert emails(server) == {"ada": "ada.0@example.com"}
    assert queues.dead() == Counter()


def test_an_answer_that_is_lost_after_the_commit_is_harmless(
    server: HasuraServer, queues: Queues
) -> None:
    worker = worker_for(server, queues, **VERSIONED)
    server.faults += [hasura.answer_lost] * 2

    assert deliver(queues, worker, a_message("ada"), a_message("ben")) == 2
    assert deliver(queues, worker) == 0
    assert emails(server) == {"ada": "ada.0@example.com", "ben": "ben.0@example.com"}


def test_the_sinks_own_client_serves_as_well(server: HasuraServer, queues: Queues) -> None:
    users = HasuraUsers(url=server.url, admin_secret=SECRET, **UPDATING)

    assert deliver(queues, Worker(users, Redelivery(queues.sqs)), a_message("ada")) == 0
    assert emails(server) == {"ada": "ada.0@example.com"}


# What can never be written


MALFORMED = ["", "{}", "hunter2", a_message("ada")[:-1], '{"at":"now","values":{"id":"ada"}}']


def test_what_is_no_row_is_dead_lettered_as_malformed(server: HasuraServer, queues: Queues) -> None:
    bodies = [body for body in MALFORMED if body]  # SQS refuses an empty one

    assert deliver(queues, worker_for(server, queues), *bodies, a_message("ben")) == 0
    assert queues.dead() == Counter(Dead(body, "malformed") for body in bodies)
    assert emails(server) == {"ben": "ben.0@example.com"}


def test_what_is_from_the_future_is_dead_lettered(server: HasuraServer, queues: Queues) -> None:
    ahead = to_message(Row({"id": "ada", "email": None}, "9999-01-01T12:00:00.000000Z"))

    assert deliver(queues, worker_for(server, queues), ahead, a_message("ben")) == 0
    assert queues.dead() == Counter([Dead(ahead, "future")])
    assert emails(server) == {"ben": "ben.0@example.com"}


def test_a_row_of_other_columns_waits_for_a_worker_that_knows_them(
    server: HasuraServer, moto: str
) -> None:
    queues = Queues(moto, most_receives=2)
    columns = {"id": "sub", "username": "userName"}
    worker = worker_for(server, queues, **UPDATING | {"columns": columns, "update_columns": ()})
    queues.send(a_message("ada"))
    event = queues.event()

    response = worker(event, None)
    assert (len(failed(response)), queues.dead()) == (1, Counter())
    make_visible(queues, event, failed(response))
    assert deliver(queues, worker) == 0
    assert queues.dead() == Counter([Dead(a_message("ada"), "other-columns")])
    assert server.requests == []


@pytest.mark.parametrize("settings", [UPDATING, VERSIONED], ids=["updating", "versioned"])
def test_another_users_email_is_dead_lettered_and_keeps_no_other_from_being_written(
    server: HasuraServer, queues: Queues, settings: dict[str, Any]
) -> None:
    worker = worker_for(server, queues, **settings)
    deliver(queues, worker, a_message("cat", email=TAKEN))
    poison = a_message("eve", email=TAKEN)
    others = [a_message(sub) for sub in ("ada", "ben", "dan", "fay")]

    assert deliver(queues, worker, *others[:2], poison, *others[2:]) == 0
    assert queues.dead() == Counter([Dead(poison, "constraint-violation")])
    assert emails(server).keys() == {"ada", "ben", "cat", "dan", "fay"}


def test_another_users_email_is_dead_lettered_alone_too(
    server: HasuraServer, queues: Queues
) -> None:
    worker = worker_for(server, queues)
    deliver(queues, worker, a_message("cat", email=TAKEN))
    poison = a_message("eve", email=TAKEN)

    assert deliver(queues, worker, poison) == 0
    assert queues.dead() == Counter([Dead(poison, "constraint-violation")])


def test_who_is_refused_as_of_now_is_written_as_they_last_could(
    server: HasuraServer, queues: Queues
) -> None:
    worker = worker_for(server, queues, **VERSIONED)
    deliver(queues, worker, a_message("cat", email=TAKEN))
    newest = a_message("eve", 9, TAKEN)

    assert deliver(queues, worker, a_message("eve", 1), newest, a_message("eve", 0)) == 0
    assert queues.dead() == Counter([Dead(newest, "constraint-violation")])
    assert emails(server) == {"cat": TAKEN, "eve": "eve.1@example.com"}


def test_a_key_that_the_database_cannot_read_is_dead_lettered(dsn: str, queues: Queues) -> None:
    key = "a1b2c3d4-5678-90ab-cdef-111122223333"
    with HasuraServer(dsn, table=UUIDS) as server:
        worker = worker_for(server, queues)

        assert deliver(queues, worker, a_message("ada"), a_message(key)) == 0
        assert queues.dead() == Counter([Dead(a_message("ada"), "data-exception")])
        assert emails(server) == {key: f"{key}.0@example.com"}


def test_a_null_where_none_may_be_is_dead_lettered_when_others_are_written(
    dsn: str, queues: Queues
) -> None:
    poison = to_message(Row({"id": "eve", "email": None}, "2026-01-01T12:00:00.000000Z"))
    with HasuraServer(dsn, table=WITH_EMAIL) as server:
        assert deliver(queues, worker_for(server, queues), a_message("ada"), poison) == 0
        assert queues.dead() == Counter([Dead(poison, "validation-failed")])
        assert emails(server) == {"ada": "ada.0@example.com"}


def test_a_null_where_none_may_be_comes_again_while_nobody_else_can_be_written(
    dsn: str, queues: Queues
) -> None:
    poison = to_message(Row({"id": "eve", "email": None}, "2026-01-01T12:00:00.000000Z"))
    with HasuraServer(dsn, table=WITH_EMAIL) as server:
        worker = worker_for(server, queues)

        assert deliver(queues, worker, poison) == 1
        assert queues.dead() == Counter()
        assert deliver(queues, worker, a_message("ada")) == 0
        assert queues.dead() == Counter([Dead(poison, "validation-failed")])


def test_poison_of_every_kind_is_told_apart_in_one_batch(
    server: HasuraServer, queues: Queues
) -> None:
    worker = worker_for(server, queues)
    deliver(queues, worker, a_message("cat", email=TAKEN))
    taken, nul = a_message("eve", email=TAKEN), a_message("nul", email="a\x00b")
    half = a_message("half", email="\ud800")

    assert deliver(queues, worker, taken, "x", a_message("ada"), nul, half, a_message("ben")) == 0
    assert queues.dead() == Counter(
        [
            Dead(taken, "constraint-violation"),
            Dead("x", "malformed"),
            Dead(nul, "data-exception"),
            Dead(half, "invalid-json"),
        ]
    )
    assert emails(server).keys() == {"ada", "ben", "cat"}


# What may be written later


@pytest.mark.parametrize(
    "fault",
    [
        *[hasura.error(code) for code in ("postgres-error", "timeout", "access-denied")],
        hasura.reset_unexecuted,
        hasura.null_data,
        fauna_wire.html,
        hasura.status(500),
    ],
    ids=["database", "timeout", "secret", "reset", "no data", "no JSON", "500"],
)
def test_while_hasura_is_down_all_come_again_and_none_is_dead_lettered(
    server: HasuraServer, queues: Queues, fault: Fault
) -> None:
    worker = worker_for(server, queues)
    server.faults += [fault] * 20

    assert deliver(queues, worker, *map(a_message, ("ada", "ben", "cat"))) == 3
    assert (emails(server), queues.dead()) == ({}, Counter())
    server.faults.clear()
    assert deliver(queues, worker) == 0
    assert emails(server).keys() == {"ada", "ben", "cat"}


@pytest.mark.parametrize(
    "settings",
    [
        {"role": "nobody"},
        {"admin_secret": "another"},
        {"table": "people"},
        {"constraint": "people_pkey"},
        {"columns": {"id": "sub", "mail": "email"}, "update_columns": ()},
        {"version_column": "at"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_what_is_to_be_set_right_loses_nobody(
    server: HasuraServer, queues: Queues, settings: dict[str, Any]
) -> None:
    column = "mail" if "columns" in settings else "email"
    rows = [Row({"id": sub, column: None}, "2026-01-01T12:00:00.000000Z") for sub in "abc"]

    assert deliver(queues, worker_for(server, queues, **settings), *map(to_message, rows)) == 3
    assert (emails(server), queues.dead()) == ({}, Counter())


def test_what_was_delivered_for_the_last_time_is_dead_lettered_with_its_reason(
    server: HasuraServer, moto: str
) -> None:
    queues = Queues(moto, most_receives=2)
    worker = worker_for(server, queues)
    server.faults += [DOWN] * 4

    assert deliver(queues, worker, a_message("ada")) == 1
    assert queues.dead() == Counter()
    assert deliver(queues, worker) == 0
    assert queues.dead() == Counter([Dead(a_message("ada"), "postgres-error")])
    assert queues.left() == (0, 0)


def test_the_last_deliverys_reason_may_be_none_of_hasuras(server: HasuraServer, moto: str) -> None:
    queues = Queues(moto, most_receives=1)
    server.faults += [hasura.reset_unexecuted] * 2

    assert deliver(queues, worker_for(server, queues), a_message("ada")) == 0
    assert queues.dead() == Counter([Dead(a_message("ada"), "transport")])


@pytest.mark.parametrize("milliseconds", [0, -1])
def test_without_time_all_come_again(
    server: HasuraServer, queues: Queues, milliseconds: int
) -> None:
    queues.send("x", a_message("ada"), a_message("ben"))
    event = queues.event()
    ids = {record["body"]: record["messageId"] for record in event["Records"]}

    response = worker_for(server, queues)(event, Context(milliseconds))

    assert failed(response) == {ids[a_message("ada")], ids[a_message("ben")]}
    assert server.requests == []
    assert queues.dead() == Counter([Dead("x", "malformed")])


def test_what_hangs_is_given_up_while_there_is_time_to_settle_it(
    server: HasuraServer, queues: Queues
) -> None:
    server.faults += [fauna_wire.hang] * 2
    queues.send(a_message("ada"))
    event = queues.event()

    began = monotonic()
    response = worker_for(server, queues)(event, Context(2000))

    assert monotonic() - began < 1.8
    assert len(failed(response)) == 1


def test_a_response_names_just_the_messages_that_are_to_come_again(
    server: HasuraServer, queues: Queues
) -> None:
    queues.send(a_message("ada"))
    (record,) = queues.event()["Records"]
    server.faults += [DOWN] * 2

    answer = worker_for(server, queues)({"Records": [record]}, None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}


def test_one_batchs_answer_knows_nothing_of_the_batch_before(
    server: HasuraServer, queues: Queues
) -> None:
    worker = worker_for(server, queues)
    server.faults += [DOWN] * 2
    queues.send(a_message("ada"))
    first, second = queues.event(), Queues(queues.sqs.meta.endpoint_url)
    second.send(a_message("ben"))

    assert len(failed(worker(first, None))) == 1
    assert worker(second.event(), None) == DONE


# When SQS fails


def test_a_message_that_sqs_does_not_take_into_the_dead_letter_queue_comes_again(
    server: HasuraServer, queues: Queues, moto: str
) -> None:
    def second_fails(action: str, payload: Any) -> Answer | None:
        fails = action == "SendMessageBatch" and len(payload["Entries"]) < 10
        return Answer.refusing("AccessDeniedException") if fails else None

    with in_front_of(moto, second_fails) as (url, asked):
        worker = worker_for(server, queues, url=url)
        bodies = [str(number) for number in range(12)]
        queues.send(*bodies, a_message("ada"))
        event = queues.event(13)
        response = worker(event, None)
    queues.conclude(event, response)
    assert len(failed(response)) == 2
    assert "ChangeMessageVisibilityBatch" in [action for action, _ in asked]
    assert emails(server) == {"ada": "ada.0@example.com"}

    make_visible(queues, event, failed(response))
    assert deliver(queues, worker_for(server, queues)) == 0
    assert queues.dead() == Counter(Dead(body, "malformed") for body in bodies)


def make_visible(queues: Queues, event: dict[str, Any], ids: set[str]) -> None:
    """Let messages in flight come again now."""
    for record in event["Records"]:
        if record["messageId"] in ids:
            handle = record["receiptHandle"]
            queues.sqs.change_message_visibility(
                QueueUrl=queues.url, ReceiptHandle=handle, VisibilityTimeout=0
            )


@pytest.mark.parametrize(
    "answer", [Answer.refusing("AccessDeniedException"), Answer(500, b""), SILENCE]
)
def test_when_sqs_says_nothing_of_its_queues_all_that_was_not_written_comes_again(
    server: HasuraServer, queues: Queues, answer: Answer
) -> None:
    queues.send("x", a_message("ada"))
    event = queues.event()
    ids = {record["body"]: record["messageId"] for record in event["Records"]}
    with answering(lambda _: answer) as url:
        response = worker_for(server, queues, url=url)(event, None)

    assert failed(response) == {ids["x"]}
    assert emails(server) == {"ada": "ada.0@example.com"}
    assert queues.dead() == Counter()


def test_when_nobody_listens_in_sqs_place_all_that_was_not_written_comes_again(
    server: HasuraServer, queues: Queues
) -> None:
    queues.send("x")
    worker = worker_for(server, queues, url="http://127.0.0.1:1")

    assert len(failed(worker(queues.event(), None))) == 1


def test_while_all_is_well_sqs_is_not_asked(server: HasuraServer, queues: Queues) -> None:
    worker = worker_for(server, queues, url="http://127.0.0.1:1")

    assert deliver(queues, worker, a_message("ada")) == 0


def test_the_same_message_twice_in_one_batch_is_settled(
    server: HasuraServer, queues: Queues
) -> None:
    queues.send("x", a_message("ada"))
    records = queues.event()["Records"]

    assert worker_for(server, queues)({"Records": records * 2}, None) == DONE
    assert {*queues.dead()} == {Dead("x", "malformed")}


# What is told


def printed_by(
    worker: Worker, event: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> list[dict[str, Any]]:
    capsys.readouterr()
    worker(event, None)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_batch_has_one_record_and_its_metrics(
    server: HasuraServer, queues: Queues, capsys: pytest.CaptureFixture[str]
) -> None:
    queues.send(*map(a_message, ("ada", "ben", "ben")))
    metrics, record = printed_by(worker_for(server, queues), queues.event(), capsys)

    described = metrics.pop("_aws")["CloudWatchMetrics"]
    names = ["Written", "DeadLettered", "Later"]
    assert described == [
        {
            "Namespace": "CognitoClaims",
            "Dimensions": [["service"]],
            "Metrics": [{"Name": name, "Unit": "Count"} for name in names],
        }
    ]
    assert metrics == {
        "service": "user-sync-worker",
        "Written": [3.0],
        "DeadLettered": [0.0],
        "Later": [0.0],
    }
    counts = {"Written": 3, "DeadLettered": 0, "Later": 0}
    assert (record["level"], record["message"]) == ("INFO", "user sync")
    assert (record["received"], record["counts"]) == (3, counts)


def test_what_was_not_written_is_counted_by_what_became_of_it(
    server: HasuraServer, queues: Queues, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = worker_for(server, queues)
    queues.send("x", *map(a_message, ("ada", "ben")))
    event = queues.event()
    ids = {record["body"]: record["messageId"] for record in event["Records"]}
    server.faults += [DOWN] * 6
    not_written, dead, metrics, record = printed_by(worker, event, capsys)

    assert (not_written["level"], not_written["message"]) == ("WARNING", "not written")
    assert not_written["errors"] == {"HasuraError: Hasura: postgres-error (HTTP 200)": 2}
    assert (dead["level"], dead["message"]) == ("ERROR", "dead-lettered")
    assert (dead["message_id"], dead["reason"]) == (ids["x"], "malformed")
    counts = {"Written": 0, "DeadLettered": 1, "Later": 2}
    assert (record["received"], record["counts"]) == (3, counts)
    assert {name: metrics[name] for name in counts} == {n: [float(c)] for n, c in counts.items()}


def test_a_queue_without_a_dead_letter_queue_keeps_what_is_malformed_and_that_is_told(
    server: HasuraServer, queues: Queues, capsys: pytest.CaptureFixture[str]
) -> None:
    queues.sqs.set_queue_attributes(QueueUrl=queues.url, Attributes={"RedrivePolicy": ""})
    queues.send("x")
    event = queues.event()

    told, *_ = printed_by(worker_for(server, queues), event, capsys)

    assert (told["level"], told["message"]) == ("ERROR", "the queue has no dead-letter queue")
    assert sum(queues.left()) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer.refusing("AccessDeniedException"), "AccessDeniedException"),
        (Answer(500, b""), "500"),
        (SILENCE, "ConnectionClosedError"),
    ],
)
def test_a_failure_of_sqs_is_told_by_its_code(
    server: HasuraServer,
    queues: Queues,
    capsys: pytest.CaptureFixture[str],
    answer: Answer,
    told: str,
) -> None:
    queues.send("x")
    event = queues.event()
    with answering(lambda _: answer) as url:
        failure, *_ = printed_by(worker_for(server, queues, url=url), event, capsys)

    assert (failure["level"], failure["message"], failure["code"]) == ("ERROR", "SQS failed", told)


# The function


FUNCTION = """
import json, sys
from cognito_claims.functions.user_sync_worker import handler
print(json.dumps(handler(json.loads(sys.argv[1]), None)))
"""


def function(event: dict[str, Any], **environ: str) -> CompletedProcess[str]:
    return run(
        [sys.executable, "-c", FUNCTION, json.dumps(event)],
        env=clean_environ(environ),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_environment_alone_makes_the_worker(server: HasuraServer, queues: Queues) -> None:
    queues.send("x", a_message("ada"))
    done = function(
        queues.event(),
        **queues.environ,
        AWS_DEFAULT_REGION="eu-west-1",
        HASURA_SYNC_URL=server.url,
        HASURA_SYNC_ADMIN_SECRET=SECRET,
        HASURA_SYNC_COLUMNS="id=sub,email=email",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout.splitlines()[-1]) == DONE
    assert emails(server) == {"ada": "ada.0@example.com"}
    assert queues.dead() == Counter([Dead("x", "malformed")])
    assert server.requests[0].headers["User-Agent"].startswith("python-requests/")


def test_wrong_settings_fail_the_workers_import_by_name() -> None:
    done = function({}, HASURA_SYNC_ADMIN_SECRET="hunter2", HASURA_SYNC_COLUMN="hunter2")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "cognito_claims.errors.SettingsError: HASURA_SYNC_COLUMN: unknown setting; did you mean"
        " HASURA_SYNC_COLUMNS?; HASURA_SYNC_URL: required"
    )
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("boto3", "the worker needs boto3: pip install 'cognito-claims[worker]'"),
        ("cognito_claims.sync.typo", "as it was"),
        (None, "as it was"),
    ],
)
def test_a_library_that_is_missing_is_named_with_the_command_that_installs_it(
    name: str | None, told: str
) -> None:
    with pytest.raises(ModuleNotFoundError) as missing, worker_extra():
        raise ModuleNotFoundError("as it was", name=name)

    assert str(missing.value) == told
