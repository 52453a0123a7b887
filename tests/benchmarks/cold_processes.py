"""What a cold start takes: a fresh process in a clean environment, from its spawn to its response.

A process is killed once it has answered: Lambda, too, never lets one end by itself.
"""

import os
import random
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple


class Case(NamedTuple):
    """A handler to start, in its directory, beside its language's bare one, and the one that its ratios are to."""

    name: str
    directory: Path
    command: tuple[str, ...]
    environ: Mapping[str, str]
    bare: str = ""
    rival: str = ""


class Run(NamedTuple):
    """Milliseconds from the spawn to the response, and of CPU (user and system)."""

    wall: float
    cpu: float


Check = Callable[[Case, str], None]
"""Given what a case answered, refuse it unless its work is done; then undo that, for the next one."""


def wanted_rounds() -> int:
    """Read the command line, and from now on leave in order when told to."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return int(sys.argv[1]) if len(sys.argv) > 1 else 30


def in_rounds(rounds: int, cases: Sequence[Case], check: Check) -> dict[str, list[Run]]:
    """Run all cases in each round, shuffled; one more round warms the file system and the servers."""
    runs: dict[str, list[Run]] = {case.name: [] for case in cases}
    for number in range(rounds + 1):
        for case in random.sample(cases, len(cases)):
            run = _run(case, check)
            if number:
                runs[case.name].append(run)
    return runs


def _run(case: Case, check: Check) -> Run:
    pipe = subprocess.PIPE
    began = perf_counter()
    with subprocess.Popen(
        case.command, cwd=case.directory, env=case.environ, stdin=pipe, stdout=pipe
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            wall = perf_counter() - began
        finally:
            os.kill(process.pid, signal.SIGKILL)  # `process.kill` would wait for one that has ended
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    assert line, f"{case.name}: no response"
    check(case, line.decode())
    return Run(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000)


def ratios(case: Case, runs: Mapping[str, list[Run]]) -> Run:
    """Give the median of each round's own ratio to the rival: the machine's speed changes meanwhile."""
    pairs = [*zip(runs[case.name], runs[case.rival], strict=True)]
    return Run(
        statistics.median(run.wall / rival.wall for run, rival in pairs),
        statistics.median(run.cpu / rival.cpu for run, rival in pairs),
    )


def print_table(cases: Iterable[Case], runs: Mapping[str, list[Run]]) -> None:
    print("Milliseconds: median / fastest, and what the median is over the bare handler's.")
    print('Ratios to "Node": the median of each round\'s own.')
    print(f"{'':42}{'wall':>14}{'added':>8}{'ratio':>7}{'CPU':>14}{'added':>8}{'ratio':>7}")
    for case in cases:
        row = f"{case.name:42}"
        for field in (0, 1):
            figures = [run[field] for run in runs[case.name]]
            median = statistics.median(figures)
            row += f"{median:8.1f} /{min(figures):4.0f}"
            if case.rival:
                bare = statistics.median(run[field] for run in runs[case.bare])
                row += f"{median - bare:8.1f}{ratios(case, runs)[field]:7.2f}"
            else:
                row += f"{'':15}"
        print(row)
