"""How many users a second the queue's worker writes, by the size of its batches, and whether it grows.

Lambda's events go to a worker in a process of its own, which writes to the stand-in of Hasura in this one, over a real PostgreSQL:
as it is, and one network hop away.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from cognito_claims.sync.queue import to_message
from cognito_claims.sync.rows import Row
from cognito_claims.tools.local.postgresql import postgresql
from tests.benchmarks.cache import NotRun
from tests.benchmarks.figures import Case, Run, compared, in_rounds, spread
from tests.benchmarks.report import Column, Section, Table, Target
from tests.benchmarks.usage import mib
from tests.stand_ins.event_source import WorkerProcess
from tests.stand_ins.fauna_wire import Fault, slow
from tests.stand_ins.hasura import SECRET, HasuraServer
from tests.stand_ins.sqs import CREDENTIALS

MESSAGES = {1: 200, 10: 500, 100: 1_000, 1_000: 1_000}
"""By the size of the batches: so many are sent in each round."""
EARLY, MANY, MOST_GROWTH_MIB = 10_000, 100_000, 4.0
_ALONE, _BATCHES = 1, 1_000
_VERSION = {"HASURA_SYNC_VERSION_COLUMN": "synced_at"}
_SETTINGS = {
    **CREDENTIALS,
    "HASURA_SYNC_ADMIN_SECRET": SECRET,
    "HASURA_SYNC_COLUMNS": "id=sub,email=email",
    "HASURA_SYNC_UPDATE_COLUMNS": "email",
}
_COLUMNS = (
    Column("users_per_second", "users a second", 0),
    Column("to_one_by_one", "to one by one"),
    Column("spread", "spread", 2),
    Column("rounds", "rounds", 0),
)
_GROWTH = (Column("early_mib", f"MiB after {EARLY:,}"), Column("late_mib", f"MiB after {MANY:,}"))


class Way(NamedTuple):
    """How the messages are written."""

    name: str
    is_versioned: bool
    hop_s: float


WAYS = (
    Way("no version column, 0 ms away", is_versioned=False, hop_s=0.0),
    Way("no version column, 5 ms away", is_versioned=False, hop_s=0.005),
    Way("a version column, 5 ms away", is_versioned=True, hop_s=0.005),
)


class Distant(HasuraServer):
    """Answers so much later."""

    hop_s = 0.0

    def _take(self, *, on_accept: bool) -> Fault | None:
        return slow(self.hop_s) if self.hop_s and not on_accept else None


def worker(rounds: int) -> Section:
    """Write in each way and size of batch, in rounds; then many messages more by the first worker."""
    with ExitStack() as life:
        try:
            dsn = life.enter_context(postgresql())
        except FileNotFoundError as error:
            raise NotRun(str(error)) from None
        server = life.enter_context(Distant(dsn))
        plain = {**_SETTINGS, "HASURA_SYNC_URL": server.url}
        workers = [life.enter_context(WorkerProcess(each)) for each in (plain, plain | _VERSION)]
        rates = _rates(server, workers, max(3, rounds // 5))
        early, late = _growth(server, workers[0])
    grown = Table(
        "memory", "The worker's memory.", _GROWTH, {f"batches of {_BATCHES:,}": (early, late)}
    )
    target = Target("the worker, MiB grown", MOST_GROWTH_MIB, late - early)
    return Section("worker", (rates, grown), (target,))


def _rates(server: Distant, workers: list[WorkerProcess], rounds: int) -> Table:
    cases = [
        Case(_name(way, size), _written(server, workers[way.is_versioned], way, size))
        for way in WAYS
        for size in MESSAGES
    ]
    runs = in_rounds(cases, rounds)
    rows: dict[str, tuple[float | None, ...]] = {}
    for way in WAYS:
        for size in MESSAGES:
            walls = [run.wall for run in runs[_name(way, size)].values()]
            ratio = compared(runs, _name(way, size), _name(way, _ALONE), _times_as_fast)
            rows[_name(way, size)] = (1000 / median(walls), ratio, spread(walls), len(walls))
    return Table("users", "Users a second, by the size of a batch.", _COLUMNS, rows)


def _name(way: Way, size: int) -> str:
    return f"{way.name}, batches of {size:,}"


def _times_as_fast(run: Run, one_by_one: Run) -> float:
    return one_by_one.wall / run.wall


def _written(server: Distant, worker: WorkerProcess, way: Way, size: int) -> Callable[[], Run]:
    def run() -> Run:
        server.hop_s = way.hop_s
        server.truncate()
        server.requests.clear()
        events = [*_batches(MESSAGES[size], size)]
        began = perf_counter()
        for event in events:
            _write(worker, event)
        seconds = perf_counter() - began
        assert (len(server.rows()), len(server.requests)) == (MESSAGES[size], len(events))
        return Run(seconds / MESSAGES[size] * 1000, 0.0, 0.0)

    return run


def _growth(server: Distant, worker: WorkerProcess) -> tuple[float, float]:
    """Send many more messages, and look at the worker's memory on the way."""
    server.hop_s = 0.0
    server.truncate()
    early = 0.0
    for number, event in enumerate(_batches(MANY, _BATCHES), start=1):
        _write(worker, event)
        server.requests.clear()
        if number * _BATCHES == EARLY:
            early = mib(worker.pid, "VmRSS")
    assert len(server.rows()) == MANY
    return early, mib(worker.pid, "VmRSS")


def _write(worker: WorkerProcess, event: Mapping[str, Any]) -> None:
    assert worker.invoke(event) == {"batchItemFailures": []}


def _batches(count: int, size: int) -> Iterator[dict[str, Any]]:
    """Give as many messages, each of another user, in events."""
    for start in range(0, count, size):
        yield {"Records": [_record(number) for number in range(start, start + size)]}


def _record(number: int) -> dict[str, Any]:
    at = f"2030-01-01T00:00:00.{number:06}Z"
    email = f"user.of.number.{number}@example.com"
    row = Row({"id": f"00000000-0000-4000-9000-{number:012}", "email": email}, at)
    return {
        "messageId": f"00000000-0000-4000-8000-{number:012}",
        "receiptHandle": f"{number:0180}",
        "body": to_message(row),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:users",
        "awsRegion": "eu-west-1",
    }
