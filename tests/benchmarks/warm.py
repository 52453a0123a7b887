"""What an event costs a function that is warm: JSON in, the handler, JSON out, in a process of its own, and its memory.

Ours is measured twice: silent, as the peers are, and with the record of its decision in Lambda's JSON log, which the template turns on.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from statistics import median
from typing import NamedTuple

from tests.benchmarks import claims
from tests.benchmarks.claims import BY_HAND, GUIDE
from tests.benchmarks.compared import Check
from tests.benchmarks.figures import Case, Run, compared, in_rounds, spread, wall_ratio
from tests.benchmarks.functions import Function, Kit
from tests.benchmarks.report import Column, Section, Table, Target
from tests.benchmarks.usage import mib

EVENTS, EARLY, MANY = 2_000, 10_000, 100_000
MOST_GROWTH_MIB = 1.0
_LOGGED = ", with its log"
_PYTHON = """
import json, logging, os, sys, time
from importlib import import_module
module, _, name = sys.argv[1].rpartition(".")
if os.environ.get("AWS_LAMBDA_LOG_LEVEL"):
    from awslambdaric.lambda_runtime_log_utils import JsonFormatter
    handler = logging.StreamHandler(open(os.devnull, "w"))
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level="INFO", handlers=[handler])
handler = getattr(import_module(module), name)
text = sys.argv[2]
def answer(count):
    for _ in range(count):
        answered = json.dumps(handler(json.loads(text), None))
    return answered
answer(2000)
for line in sys.stdin:
    count, began = int(line), time.perf_counter()
    answered = answer(count)
    print(json.dumps([time.perf_counter() - began, json.loads(answered)]), flush=True)
"""
_NODE = """
import { createInterface } from "node:readline";
const [name, text] = process.argv.slice(1);
const { handler } = await import(`./${name.split(".")[0]}.mjs`);
async function answer(count) {
  let answered;
  for (let i = 0; i < count; i++) answered = JSON.stringify(await handler(JSON.parse(text)));
  return answered;
}
await answer(2000);
for await (const line of createInterface({ input: process.stdin })) {
  const began = performance.now();
  const answered = await answer(Number(line));
  console.log(JSON.stringify([(performance.now() - began) / 1000, JSON.parse(answered)]));
}
"""
_COLUMNS = (
    Column("event_us", "µs an event"),
    Column("event_minimum_us", "min"),
    Column("to_by_hand", "to Python by hand", 2),
    Column("to_guide", "to guide", 2),
    Column("spread", "spread", 2),
    Column("rounds", "rounds", 0),
)
_MANY_COLUMNS = (
    Column("events_per_second", "events a second", 0),
    Column("early_mib", f"MiB after {EARLY:,}"),
    Column("late_mib", f"MiB after {MANY:,}"),
)


class Warm(NamedTuple):
    """A process that answers an event as often as it is told."""

    process: "subprocess.Popen[str]"
    check: Check

    def answer(self, count: int) -> float:
        """Give the seconds that so many events took."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        seconds, answered = json.loads(self.process.stdout.readline())
        self.check(answered)
        return float(seconds)

    def timed(self) -> Run:
        """Answer some events; the wall time is microseconds an event."""
        return Run(self.answer(EVENTS) / EVENTS * 1e6, 0.0, 0.0)


def warm(kit: Kit, rounds: int) -> Section:
    """Let processes that live through all rounds answer in turn; then one of them answers many more."""
    started = {name: start(function, check) for name, function, check in _subjects(kit)}
    try:
        cases = [Case(name, each.timed, BY_HAND, GUIDE) for name, each in started.items()]
        runs = in_rounds(cases, rounds)
        many = {name: _many(started[name]) for name in ("both: ours", f"both: ours{_LOGGED}")}
    finally:
        for each in started.values():
            each.process.kill()
            each.process.communicate()
    rows: dict[str, tuple[float | None, ...]] = {}
    for name, kept in runs.items():
        walls = [run.wall for run in kept.values()]
        ratios = (compared(runs, name, other, wall_ratio) for other in (BY_HAND, GUIDE))
        rows[name] = (median(walls), min(walls), *ratios, spread(walls), len(kept))
    title = "Warm: microseconds an event, JSON both ways included."
    single = Table("event", title, _COLUMNS, rows)
    throughput = Table("many", f"One warm process, {MANY:,} events.", _MANY_COLUMNS, many)
    return Section("warm", (single, throughput), tuple(_targets(single, many)), kit.notes)


def _targets(single: Table, many: Mapping[str, tuple[float, ...]]) -> Iterator[Target]:
    for name in (f"{job}: ours{how}" for job in claims.OURS for how in ("", _LOGGED)):
        yield Target(f"warm, {name}: to Python by hand", 2.0, single.figure(name, "to_by_hand"))
    for name, (_, early, late) in many.items():
        yield Target(f"warm, {name}: MiB grown", MOST_GROWTH_MIB, late - early)


def _subjects(kit: Kit) -> Iterator[tuple[str, Function, Check]]:
    logged = {"AWS_LAMBDA_LOG_LEVEL": "INFO"}
    for subject in claims.subjects(kit):
        if not subject.name.endswith("from source"):
            yield subject.name, subject.function, subject.check
        if subject.name.endswith(": ours"):
            environ = {**subject.function.environ, **logged}
            yield subject.name + _LOGGED, subject.function._replace(environ=environ), subject.check


def start(function: Function, check: Check) -> Warm:
    """Start a process that answers the function's event."""
    program, *_ = function.runtime.client
    is_node = program.endswith("node")
    loop = ("--input-type=module", "-e", _NODE) if is_node else ("-c", _PYTHON)
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        (program, *loop, function.handler, json.dumps(function.event)),
        cwd=function.directory,
        env=function.whole_environ,
        stdin=pipe,
        stdout=pipe,
        text=True,
    )
    return Warm(process, check)


def _many(warm: Warm) -> tuple[float, float, float]:
    early_seconds = warm.answer(EARLY)
    early = mib(warm.process.pid, "VmRSS")
    seconds = early_seconds + warm.answer(MANY - EARLY)
    return MANY / seconds, early, mib(warm.process.pid, "VmRSS")
