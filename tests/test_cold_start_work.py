"""How much a function's cold start works: bytecode instructions from its import to its first answer, counted without a clock."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cognito_claims.sync.queue import to_message
from cognito_claims.sync.rows import Row
from tests.stand_ins.fauna import FaunaServer
from tests.stand_ins.hasura import HasuraServer
from tests.stand_ins.lookups import Server, Table, at
from tests.stand_ins.moto import answering
from tests.test_cold_start import CREDENTIALS, FAUNA, RULES, SENT, SIGNS_IN, SYNC, probe

BUDGET: dict[str, tuple[int, int | None]] = {
    "surrealdb": (10_619, 20_079),
    "hasura": (10_920, 21_082),
    "both": (14_004, 21_760),
    "mapper": (36_571, 20_683),
    "fauna": (14_715, 30_349),
    "sync": (13_682, 31_486),
    "sync, with a queue": (15_267, 35_032),
    "queue": (15_381, 35_079),
    "worker": (11_451, None),
    "look-up": (25_628, 34_125),
}
"""Under Python 3.11: our modules' instructions, and the standard library's on their behalf, but for its import, which
`test_cold_start.py` guards; the worker's libraries use it as they like."""
# Every Python counts a little differently.
JUMP = 1.1 if sys.version_info[:2] == (3, 11) else 1.5
COUNT = """
import hashlib, hmac, http.client, json, ssl, sys, threading, typing
from importlib import import_module
import awslambdaric.__main__, awslambdaric.bootstrap
event = EVENT
own = others = 0

def is_counted(code):
    name = code.co_filename
    return "cognito_claims" in name or not ("site-packages" in name or name.startswith("<"))

def count(code):
    global own, others
    if "cognito_claims" in code.co_filename:
        own += 1
    else:
        others += 1

def trace(frame, event, _):
    if not is_counted(frame.f_code):
        return None
    frame.f_trace_opcodes, frame.f_trace_lines = True, False
    if event == "opcode":
        count(frame.f_code)
    return trace

def instruction(code, _):
    if not is_counted(code):
        return sys.monitoring.DISABLE
    count(code)

if hasattr(sys, "monitoring"):
    tool, kind = sys.monitoring.PROFILER_ID, sys.monitoring.events.INSTRUCTION
    sys.monitoring.use_tool_id(tool, "count")
    sys.monitoring.register_callback(tool, kind, instruction)
    sys.monitoring.set_events(tool, kind)
else:
    threading.settrace(trace)
    sys.settrace(trace)
handler = import_module("cognito_claims.functions.FUNCTION").handler
handler(event, None)
sys.settrace(None)
print(json.dumps([own, others]))
"""
RECORD = {
    "messageId": "1",
    "receiptHandle": "1",
    "body": to_message(Row({"id": "a1b2c3d4", "username": "jane"}, "2026-01-01T12:00:00.000000Z")),
    "attributes": {"ApproximateReceiveCount": "1"},
    "messageAttributes": {},
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:users",
    "awsRegion": "eu-west-1",
}
Settings = dict[str, str]


@contextmanager
def fauna() -> Iterator[Settings]:
    with FaunaServer(index="bySub", field="sub") as server:
        yield {**FAUNA, "FAUNA_ENDPOINT": server.endpoint}
        assert len(server.tokens) == 1


@contextmanager
def queue() -> Iterator[Settings]:
    with answering(lambda _: SENT) as url:
        yield {**CREDENTIALS, "AWS_ENDPOINT_URL": url, "USER_SYNC_QUEUE_URL": f"{url}1/users"}


@pytest.fixture
def hasura(dsn: str) -> Iterator[Settings]:
    with HasuraServer(dsn) as server:
        yield {**SYNC, "HASURA_SYNC_URL": server.url}
        assert [row["id"] for row in server.rows()] == ["a1b2c3d4"]


def counted(function: str, settings: Settings, *, event: str = "") -> tuple[int, int]:
    """Count in a process of its own, where the function must answer."""
    code = COUNT.replace("FUNCTION", function).replace("EVENT", event or "json.loads(sys.argv[1])")
    source = SIGNS_IN if function == "user_sync" else "TokenGeneration_Authentication"
    printed = probe(code, trigger_source=source, **settings)
    own, others = json.loads(printed.splitlines()[-1])  # the worker prints its metrics
    return own, others


def assert_within(budget: str, counts: tuple[int, int]) -> None:
    print(f'    "{budget}": {counts},')  # for the table above, where more or less work is meant  # noqa: T201  (to be pasted into BUDGET)
    for wanted, count in zip(BUDGET[budget], counts, strict=True):
        assert wanted is None or wanted / JUMP <= count <= wanted * JUMP


@pytest.mark.parametrize("plugins", ["surrealdb", "hasura", "both"])
def test_claims_do_no_more_work_at_a_cold_start(plugins: str) -> None:
    named = "surrealdb,hasura" if plugins == "both" else plugins

    counts = counted("pre_token_generation", {"COGNITO_CLAIMS_PLUGINS": named})

    assert_within(plugins, counts)


def test_rules_do_no_more_work_at_a_cold_start() -> None:
    assert_within("mapper", counted("pre_token_generation", RULES))


def test_a_look_up_does_no_more_work_at_a_cold_start() -> None:
    sub = "a1b2c3d4"  # the probe's
    rules = {
        "lookups": {"member": {"dynamodb": {"table": "members", "key": {"pk": "{sub}"}}}},
        "claims": {"role": {"from": "member.role"}},
    }
    settings = {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": json.dumps(rules)}
    with Server(Table({sub: {"pk": {"S": sub}, "role": {"S": "editor"}}})) as server:
        counts = counted("pre_token_generation", {**settings, **at(server)})

    assert len(server.requests) == 1
    assert_within("look-up", counts)


def test_fauna_does_no_more_work_at_a_cold_start() -> None:
    with fauna() as settings:
        counts = counted("pre_token_generation", settings)

    assert_within("fauna", counts)


def test_the_sync_does_no_more_work_at_a_cold_start(hasura: Settings) -> None:
    assert_within("sync", counted("user_sync", hasura))


def test_a_queue_behind_the_sync_costs_no_more_at_a_cold_start(hasura: Settings) -> None:
    with queue() as settings:
        counts = counted("user_sync", {**hasura, **settings})

    assert_within("sync, with a queue", counts)


def test_a_queue_alone_does_no_more_work_at_a_cold_start() -> None:
    with queue() as settings:
        counts = counted("user_sync", {**settings, "USER_SYNC_SINKS": "queue"})

    assert_within("queue", counts)


def test_the_worker_does_no_more_work_at_a_cold_start(hasura: Settings) -> None:
    event = repr({"Records": [RECORD]})

    settings = {**hasura, **CREDENTIALS, "AWS_DEFAULT_REGION": "eu-west-1"}
    counts = counted("user_sync_worker", settings, event=event)

    assert_within("worker", counts)
