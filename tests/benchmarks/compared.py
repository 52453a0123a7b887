"""Cases that are started in rounds, and the table of what they took."""

from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any, NamedTuple

from tests.benchmarks.figures import (
    Case,
    Run,
    Runs,
    compared,
    cpu_over,
    cpu_ratio,
    in_rounds,
    spread,
    wall_ratio,
)
from tests.benchmarks.functions import Answer, Function
from tests.benchmarks.report import Column, Table

Check = Callable[[Any], None]
"""Given what a function answered, refuse it unless its work is done; then undo that, for the next one."""

COLUMNS = (
    Column("wall_ms", "wall ms"),
    Column("wall_minimum_ms", "min"),
    Column("cpu_ms", "CPU ms"),
    Column("cpu_minimum_ms", "min"),
    Column("cpu_over_bare_ms", "CPU over bare"),
    Column("wall_to_bare", "wall to bare", 2),
    Column("wall_to_guide", "wall to guide", 2),
    Column("cpu_to_guide", "CPU to guide", 2),
    Column("peak_mib", "peak MiB"),
    Column("zipped_kb", "zip kB", 0),
    Column("wall_spread", "spread", 2),
    Column("rounds", "rounds", 0),
)


class Subject(NamedTuple):
    """A function to be started by a name, what checks its answer, and whom it is compared with."""

    name: str
    function: Function
    check: Check
    zipped: int = 0
    bare: str = ""
    guide: str = ""


def table(
    name: str,
    title: str,
    subjects: Iterable[Subject],
    rounds: int,
    start: Callable[[Function], Answer],
) -> Table:
    """Start each subject in each round, check its answer, and give all medians."""
    every = [*subjects]
    cases = [Case(each.name, _checked(each, start), each.bare, each.guide) for each in every]
    runs = in_rounds(cases, rounds)
    return Table(name, title, COLUMNS, {each.name: _row(each, runs) for each in every})


def _checked(subject: Subject, start: Callable[[Function], Answer]) -> Callable[[], Run]:
    def run() -> Run:
        answer = start(subject.function)
        try:
            subject.check(answer.content)
        except (AssertionError, KeyError, TypeError) as error:
            error.add_note(f"{subject.name} answered: {str(answer.content)[:2000]}")
            raise
        return answer.run

    return run


def _row(subject: Subject, runs: Runs) -> tuple[float | None, ...]:
    kept: Mapping[int, Run] = runs[subject.name]
    walls, cpus = [run.wall for run in kept.values()], [run.cpu for run in kept.values()]
    return (
        median(walls),
        min(walls),
        median(cpus),
        min(cpus),
        compared(runs, subject.name, subject.bare, cpu_over),
        compared(runs, subject.name, subject.bare, wall_ratio),
        compared(runs, subject.name, subject.guide, wall_ratio),
        compared(runs, subject.name, subject.guide, cpu_ratio),
        median(run.peak for run in kept.values()),
        subject.zipped / 1000 or None,
        spread(walls),
        len(kept),
    )
