"""What a pool at its default quota asks of DynamoDB: 120 events a second for a minute, with and without a cache.

Some warm functions take the events in turn, as Lambda's copies do: each has its own connection and cache.
Events come at their time, whether the one before is done or not. Users are drawn anew for each event.
"""

import json
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from time import monotonic, sleep
from typing import Any

import boto3
import pytest

from cognito_claims.errors import SignInError
from cognito_claims.handlers import Handler, pre_token_generation
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.testing import a_user_event, to_json
from tests.benchmarks.cache import NotRun
from tests.benchmarks.report import Column, Figure, Section, Table
from tests.stand_ins.lookups import CREDENTIALS, REGION, dynalite

A_SECOND, SECONDS, USERS, FUNCTIONS = 120, 60, 600, 4
_TITLE = (
    f"{A_SECOND} events a second for {SECONDS} seconds, of {USERS:,} users, through {FUNCTIONS} warm "
    "functions in one process, against dynalite."
)
_COLUMNS = (
    Column("events", "events", 0),
    Column("a_second", "a second", 0),
    Column("requests", "requests to DynamoDB", 0),
    Column("requests_per_event", "requests per event", 2),
    Column("refused", "refused", 0),
    Column("median_ms", "median ms"),
    Column("p99_ms", "p99 ms"),
)


class _Outcomes(logging.Handler):
    """Counts what came of the look-ups, by the log."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.of: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        outcome = getattr(record, "outcome", "")
        if hasattr(record, "look_up"):
            self.of[outcome] = self.of.get(outcome, 0) + 1


def load(_rounds: int) -> Section:
    """Send a minute of events without a cache, and one with it; each event must have its own user's role."""
    try:
        with dynalite() as url:
            _fill(url)
            rows = {f"cache_seconds {seconds}": _row(url, seconds) for seconds in (0, 30, 300)}
    except pytest.skip.Exception as reason:
        raise NotRun(str(reason)) from None
    return Section("load", (Table("load", _TITLE, _COLUMNS, rows),))


def _fill(url: str) -> None:
    keys: dict[str, Any] = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=url, **keys)
    client.create_table(
        TableName="members",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1000, "WriteCapacityUnits": 1000},
    )
    client.get_waiter("table_exists").wait(TableName="members", WaiterConfig={"Delay": 1})
    for user in range(USERS):
        item = {"pk": {"S": f"USER#{user}"}, "role": {"S": f"role-{user}"}}
        client.put_item(TableName="members", Item=item)


def _row(url: str, cache_seconds: int) -> tuple[Figure, ...]:
    handlers = [_handler(url, cache_seconds) for _ in range(FUNCTIONS)]
    events = [to_json(a_user_event(sub=str(user))) for user in range(USERS)]
    chosen = random.Random(17)  # noqa: S311  (the same users each time)
    drawn = [chosen.randrange(USERS) for _ in range(A_SECOND * SECONDS)]
    outcomes, log = _Outcomes(), logging.getLogger("cognito_claims")
    log.addHandler(outcomes)
    log.setLevel(logging.INFO)
    began = monotonic()

    def run(function: int) -> list[float | None]:
        return [
            _took(
                handlers[function], events[drawn[number]], drawn[number], began + number / A_SECOND
            )
            for number in range(function, len(drawn), FUNCTIONS)
        ]

    try:
        with ThreadPoolExecutor(FUNCTIONS) as pool:
            taken = [one for part in pool.map(run, range(FUNCTIONS)) for one in part]
    finally:
        log.removeHandler(outcomes)
    seconds = monotonic() - began
    walls = [one for one in taken if one is not None]
    asked = sum(number for outcome, number in outcomes.of.items() if outcome != "kept")
    return (
        *(len(taken), len(taken) / seconds, asked, asked / len(taken), len(taken) - len(walls)),
        *(median(walls), quantiles(walls, n=100)[98]),
    )


def _handler(url: str, cache_seconds: int) -> Handler:
    member = {"dynamodb": {"table": "members", "key": {"pk": "USER#{sub}"}}}
    rules = {
        "lookups": {"member": {**member, "cache_seconds": cache_seconds}},
        "claims": {"role": {"from": "member.role"}},
    }
    environ = {**CREDENTIALS, "AWS_ENDPOINT_URL_DYNAMODB": url}
    return pre_token_generation(mapper=Mapper(rules, environ))


def _took(handler: Handler, event: Any, user: int, due: float) -> float | None:
    """Return the milliseconds from the event's time to its answer, or None if it was refused."""
    sleep(max(0.0, due - monotonic()))
    try:
        response = json.dumps(handler(event, None)["response"])
    except SignInError:
        return None
    assert f'{{"role": "role-{user}"}}' in response
    return (monotonic() - due) * 1000
