"""A small storm for the user sync, and what would be found if somebody were lost; `python -m tests.user_sync_storm` is the whole one."""

import os
from collections import Counter
from contextlib import ExitStack
from random import Random
from time import time_ns
from typing import Any

import pytest

from cognito_claims.sync.queue import to_message
from cognito_claims.sync.rows import Row
from tests.stand_ins.sqs import Dead
from tests.user_sync_scenario import Came, Scenario
from tests.user_sync_storm import a_storm

SIGN_INS = 140
SCENARIO = Scenario.of(SIGN_INS, Random(1))  # noqa: S311 - the same each time


@pytest.mark.slow
def test_a_storm_loses_nobody_and_dead_letters_nothing_but_poison(dsn: str) -> None:
    seed = int(os.environ.get("USER_SYNC_STORM_SEED", time_ns()))
    with ExitStack() as life:
        storm = a_storm(dsn, SIGN_INS, seed, life)
        problems, figures = storm.problems(), dict(storm.figures())

    again = f"again with USER_SYNC_STORM_SEED={seed}: {figures}"
    assert problems == {}, again
    assert figures["sign-ins"] == SIGN_INS, again
    assert figures["  that met a fault"] > 0.1 * figures["requests to Hasura"], again
    assert figures["  killed in mid-batch"] > 0, again
    assert figures["  though handled before"] > 0, again


def test_a_small_storm_loses_nobody(dsn: str) -> None:
    with ExitStack() as life:
        storm = a_storm(dsn, 20, seed=1, life=life)

        assert storm.problems() == {}


def well() -> Came:
    """Give a scenario that came out well: each sign-in was kept at once, one a second."""
    rows = {}
    for second, sign_in in enumerate(SCENARIO.sign_ins):
        if not sign_in.is_reset:
            at = f"2030-01-01T00:{second // 60:02}:{second % 60:02}.000000Z"
            rows[f"{sign_in.number}.0"] = Row(sign_in.values, at)
    kept = {f"{sign_in.number}.0": sign_in for sign_in in SCENARIO.sign_ins}
    sound = {row.values["id"]: row for mark, row in rows.items() if not kept[mark].is_poison}
    poison = [row for mark, row in rows.items() if kept[mark].is_poison]
    dead = SCENARIO.strange | {Dead(to_message(row), "constraint-violation") for row in poison}
    return Came(kept, {}, rows, [*SCENARIO.owners, *sound.values()], Counter(dead))


CAME = well()
RESET = next(mark for mark, sign_in in CAME.kept.items() if sign_in.is_reset)
POISON = next(
    mark for mark, sign_in in CAME.kept.items() if sign_in.is_poison and mark in CAME.rows
)
STALE = Row(CAME.table[-1].values, "2020-01-01T00:00:00.000000Z")
STRANGE = next(iter(SCENARIO.strange))


def without(mapping: Any, key: object) -> Any:
    return type(mapping)({name: value for name, value in mapping.items() if name != key})


@pytest.mark.parametrize(
    ("came", "found"),
    [
        (CAME, {}),
        (CAME._replace(table=CAME.table[:-1]), {"users missing": 1}),
        (CAME._replace(table=[*CAME.table, CAME.table[-1]]), {"users there twice": 1}),
        (
            CAME._replace(table=[*CAME.table, CAME.rows[POISON]]),
            {"users who should not be there": 1},
        ),
        (CAME._replace(table=[*CAME.table[:-1], STALE]), {"users not in their newest state": 1}),
        (CAME._replace(dead=without(CAME.dead, STRANGE)), {"poison not dead-lettered": 1}),
        (
            CAME._replace(dead=CAME.dead + Counter([STRANGE._replace(reason="another")])),
            {"dead-lettered, but no poison": 1},
        ),
        (CAME._replace(kept=without(CAME.kept, RESET)), {"sign-ins not kept": 1}),
        (
            CAME._replace(rows={**CAME.rows, RESET: STALE}),
            {"sign-ins of which another row was made": 1},
        ),
    ],
    ids=lambda given: next(iter(given), "nothing") if isinstance(given, dict) else "",
)
def test_what_goes_wrong_is_found(came: Came, found: dict[str, int]) -> None:
    assert came.wrong(SCENARIO) == found


def test_a_message_of_a_refused_sign_in_may_be_dead_lettered_or_not() -> None:
    again = f"{POISON}.again"
    row = Row(CAME.rows[POISON].values, "2030-01-01T00:30:00.000000Z")
    refused = CAME._replace(refused={again: CAME.kept[POISON]}, rows={**CAME.rows, again: row})
    dead = Counter([*refused.dead, Dead(to_message(row), "constraint-violation")])

    assert refused.wrong(SCENARIO) == {}
    assert refused._replace(dead=dead).wrong(SCENARIO) == {}
