"""What is measured, again and again, on a machine whose speed changes: rounds, medians, ratios within a round, reruns.

A round runs every case once, shuffled. Ratios are the median of each round's own, so that both halves met the same machine.
A case whose wall times spread too much gets more rounds, with what it is compared with.
"""

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

SPREAD = 0.15
"""The interquartile range over the median beyond which a case is run again."""
MOST = 1.5
"""How many times the wanted rounds there may be at most."""


class Run(NamedTuple):
    """Milliseconds from the start to the answer, and of CPU (user and system); the process's peak memory in MiB."""

    wall: float
    cpu: float
    peak: float


class Case(NamedTuple):
    """What is started anew in each round, and checks its own work; `bare` and `guide` are the cases it is compared with."""

    name: str
    start: Callable[[], Run]
    bare: str = ""
    guide: str = ""


Runs = Mapping[str, Mapping[int, Run]]
"""By a case's name and the number of its round."""


def in_rounds(cases: Sequence[Case], rounds: int) -> Runs:
    """Run all cases in each round; one more, the first, warms files and servers and is not kept."""
    runs: dict[str, dict[int, Run]] = {case.name: {} for case in cases}
    for number in range(rounds + 1):
        _round(number, cases, runs)
    for number in range(rounds + 1, round(MOST * rounds) + 1):
        again = {name for name, kept in runs.items() if spread(_walls(kept)) > SPREAD}
        again |= {
            other for case in cases if case.name in again for other in (case.bare, case.guide)
        }
        if not again:
            break
        _round(number, [case for case in cases if case.name in again], runs)
    for kept in runs.values():
        del kept[0]
    return runs


def _round(number: int, cases: Sequence[Case], runs: Mapping[str, dict[int, Run]]) -> None:
    for case in random.sample(cases, len(cases)):
        runs[case.name][number] = case.start()


def _walls(runs: Mapping[int, Run]) -> list[float]:
    return [run.wall for number, run in runs.items() if number]


def spread(figures: Sequence[float]) -> float:
    """Give the interquartile range over the median."""
    if len(figures) < 2:
        return 0.0
    low, median, high = statistics.quantiles(figures, n=4, method="inclusive")
    return (high - low) / median


def compared(runs: Runs, name: str, other: str, how: Callable[[Run, Run], float]) -> float | None:
    """Give the median, over the rounds that both had, of a comparison; None where there is nothing to compare with."""
    if other not in runs or other == name:
        return None
    both = runs[name].keys() & runs[other].keys()
    return statistics.median(how(runs[name][number], runs[other][number]) for number in both)


def wall_ratio(run: Run, other: Run) -> float:
    return run.wall / other.wall


def cpu_ratio(run: Run, other: Run) -> float:
    return run.cpu / other.cpu


def cpu_over(run: Run, other: Run) -> float:
    return run.cpu - other.cpu
