"""What batches gain the user sync's worker, and whether it grows.

`python tests/benchmarks/user_sync_worker.py [rounds]`; needs PostgreSQL. The same messages, as Lambda's events in batches of several sizes,
go to a worker in a process of its own, which writes to the stand-in of Hasura in this one: as it is, and one network hop away.
"""

import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from cognito_claims.sync.queue import to_message
from cognito_claims.sync.rows import Row
from tests.benchmarks.cold_processes import wanted_rounds
from tests.stand_ins.event_source import WorkerProcess
from tests.stand_ins.fauna_wire import Fault, slow
from tests.stand_ins.hasura import SECRET, HasuraServer
from tests.stand_ins.postgres import postgres
from tests.stand_ins.sqs import CREDENTIALS

MESSAGES, SIZES = 1000, (1, 10, 100, 1000)
HOP_S = 0.005
EARLY, ALL, SIZE = 10_000, 100_000, 100
MOST_GROWTH_MIB = 4.0
VERSION = {"HASURA_SYNC_VERSION_COLUMN": "synced_at"}
SETTINGS = {
    **CREDENTIALS,
    "HASURA_SYNC_ADMIN_SECRET": SECRET,
    "HASURA_SYNC_COLUMNS": "id=sub,email=email",
    "HASURA_SYNC_UPDATE_COLUMNS": "email",
}


class Case(NamedTuple):
    """How the messages are written."""

    is_versioned: bool
    hop_s: float
    size: int

    @property
    def name(self) -> str:
        version = "a version column" if self.is_versioned else "no version column"
        return f"{version}, {self.hop_s * 1000:.0f} ms away"


class Distant(HasuraServer):
    """Answers so much later."""

    hop_s = 0.0

    def _take(self, *, on_accept: bool) -> Fault | None:
        return slow(self.hop_s) if self.hop_s and not on_accept else None


def main() -> None:
    """Print both tables; raises when the worker grows."""
    rounds = wanted_rounds()
    with ExitStack() as life:
        server = life.enter_context(Distant(life.enter_context(postgres())))
        plain = {**SETTINGS, "HASURA_SYNC_URL": server.url}
        workers = [life.enter_context(WorkerProcess(each)) for each in (plain, plain | VERSION)]
        print_rates(in_rounds(rounds, server, workers))
        print_growth(server, life.enter_context(WorkerProcess(plain | VERSION)))


def in_rounds(
    rounds: int, server: Distant, workers: Sequence[WorkerProcess]
) -> Mapping[Case, list[float]]:
    """Give each case's seconds in each round; one more round warms all of them, but for the slowest."""
    cases = [Case(*each) for each in product((False, True), (0.0, HOP_S), SIZES)]
    seconds: dict[Case, list[float]] = {case: [] for case in cases}
    for number in range(rounds + 1):
        for case in random.sample(cases, len(cases)):
            if number or case.size > 1:
                taken = run(case, server, workers[case.is_versioned])
                seconds[case] += [taken] if number else []
    return seconds


def run(case: Case, server: Distant, worker: WorkerProcess) -> float:
    server.hop_s = case.hop_s
    server.truncate()
    server.requests.clear()
    events = [*batches(MESSAGES, case.size)]
    began = perf_counter()
    for event in events:
        write(worker, event)
    taken = perf_counter() - began
    assert (len(server.rows()), len(server.requests)) == (MESSAGES, len(events))
    return taken


def write(worker: WorkerProcess, event: Mapping[str, Any]) -> None:
    assert worker.invoke(event) == {"batchItemFailures": []}


def batches(count: int, size: int) -> Iterator[dict[str, Any]]:
    """Give as many messages, each of another user, in events."""
    for start in range(0, count, size):
        yield {"Records": [record(number) for number in range(start, start + size)]}


def record(number: int) -> dict[str, Any]:
    at = f"2030-01-01T00:00:00.{number:06}Z"
    email = f"user.of.number.{number}@example.com"
    return {
        "messageId": f"00000000-0000-4000-8000-{number:012}",
        "receiptHandle": f"{number:0180}",
        "body": to_message(
            Row({"id": f"00000000-0000-4000-9000-{number:012}", "email": email}, at)
        ),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:users",
        "awsRegion": "eu-west-1",
    }


def print_rates(seconds: Mapping[Case, Sequence[float]]) -> None:
    print(f"{MESSAGES:,} messages: a second, median; and how many times as fast as one by one,")
    print("the median of each round's own ratio.")
    print(f"{'':32}" + "".join(f"{f'batches of {size:,}':>22}" for size in SIZES))
    for case in (case for case in seconds if case.size == 1):
        row = f"{case.name:32}"
        for size in SIZES:
            pairs = zip(seconds[case], seconds[case._replace(size=size)], strict=True)
            ratio = statistics.median(alone / batch for alone, batch in pairs)
            rate = MESSAGES / statistics.median(seconds[case._replace(size=size)])
            row += f"{rate:14,.0f} {ratio:6.1f}x"
        print(row)


def print_growth(server: Distant, worker: WorkerProcess) -> None:
    """Send many more messages, and look at the worker's memory on the way."""
    server.hop_s = 0.0
    server.truncate()
    early = 0.0
    for number, event in enumerate(batches(ALL, SIZE), start=1):
        write(worker, event)
        server.requests.clear()
        if number * SIZE == EARLY:
            early = resident_mib(worker.pid)
    late = resident_mib(worker.pid)
    assert len(server.rows()) == ALL
    print(f"The worker's memory: {early:.1f} MiB after {EARLY:,} messages in batches of {SIZE},")
    print(f"{late:.1f} MiB after {ALL:,}.")
    assert late - early < MOST_GROWTH_MIB


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
