"""The benchmark's own arithmetic, and what it writes; the benchmark itself is no part of the suite."""

from itertools import cycle

from tests.benchmarks import figures
from tests.benchmarks.__main__ import ALONE, WITH_KIT
from tests.benchmarks.figures import Case, Run, compared, in_rounds, wall_ratio
from tests.benchmarks.pages import PAGE, with_tables
from tests.benchmarks.report import Column, Section, Table, Target, as_json

MACHINE = {"cpu": "a CPU", "cores": 2, "system": "Linux", "python": "3.11", "node": "20"}
ABOUT = {"date": "2026-01-01", "commit": "abc+", "rounds": 2, "machine": MACHINE}
TABLE = Table(
    "claims",
    "Cold.",
    (Column("wall_ms", "wall ms"), Column("rounds", "rounds", 0)),
    {"bare Node": (30.04, 20), "Hasura: ours": (1234.56, 20), "Hasura: guide, Node": (None, None)},
)
SECTION = Section("cold", (TABLE,), (Target("fast", 2.0, 2.5), Target("small", 2.0, None)), ("so",))


def case(name: str, *walls: float) -> Case:
    taken = cycle(walls)
    return Case(name, lambda: Run(next(taken), 1.0, 1.0))


def test_a_ratio_is_the_median_of_each_rounds_own() -> None:
    runs = in_rounds([case("one", 1, 1, 1, 1), case("other", 9, 2, 4, 8)], 3)

    assert compared(runs, "one", "other", wall_ratio) == 0.25
    assert compared(runs, "one", "one", wall_ratio) is None
    assert compared(runs, "one", "absent", wall_ratio) is None


def test_what_spreads_too_much_is_run_again_with_what_it_is_compared_with() -> None:
    wild = case("wild", 1, 1, 9)._replace(guide="guide")
    runs = in_rounds([wild, case("guide", 1), case("steady", 1)], 4)

    most = round(figures.MOST * 4)
    assert {name: len(kept) for name, kept in runs.items()} == {
        "wild": most,
        "guide": most,
        "steady": 4,
    }


def test_the_json_has_stable_keys() -> None:
    assert as_json(SECTION)["tables"]["claims"]["Hasura: ours"] == {
        "wall_ms": 1234.56,
        "rounds": 20,
    }
    assert as_json(SECTION)["targets"][0] == {
        "name": "fast",
        "bound": 2.0,
        "measured": 2.5,
        "verdict": "missed",
    }


def test_the_page_has_marks_for_every_section_and_a_run_replaces_what_is_between_them() -> None:
    sections = [Section(name, (TABLE,)) for name in (*WITH_KIT, *ALONE)]
    page = PAGE.read_text()

    made = with_tables(page, sections, ABOUT)

    assert made.count("| bare Node | 30.0 | 20 |") == len(sections)
    assert "commit abc and changes to it, in 2 rounds" in made
    assert with_tables(made, sections, ABOUT) == made
