"""How an answer's time grows with plugins, groups and claims, and how many bytes it has: what grows faster than they do is a defect."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Any

from cognito_claims import Claims, pre_token_generation, pure
from cognito_claims.handlers import Handler
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.testing import recorded
from tests.benchmarks.report import Column, Section, Table, Target

STEEPEST = 1.15
"""The exponent of growth, over the two largest sizes, that still counts as linear: 1 and the clock's noise."""
_SECONDS = 0.03
_COLUMNS = (
    Column("size", "number", 0),
    Column("answer_minimum_us", "µs an answer, min"),
    Column("bytes", "bytes", 0),
    Column("exponent", "exponent", 2),
)
Made = tuple[Handler, dict[str, Any]]


def growth(rounds: int) -> Section:
    """Measure each of them at several sizes, in this process."""
    tables = tuple(_table(name, sizes, make, rounds) for name, (sizes, make) in _KINDS.items())
    return Section("growth", tables, tuple(_targets(tables)))


def _targets(tables: tuple[Table, ...]) -> Iterator[Target]:
    for table in tables:
        *_, largest = table.rows
        measured = table.figure(largest, "exponent")
        yield Target(f"growth, {table.name}: exponent", STEEPEST, measured)


def _table(name: str, sizes: tuple[int, ...], make: Callable[[int], Made], rounds: int) -> Table:
    """Let the sizes take turns, and give each one's quickest, and the exponent since the size before."""
    made = {size: make(size) for size in sizes}
    counts = {size: _as_often_as_fits(*made[size]) for size in sizes}
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(max(rounds, 10)):
        for size in sizes:
            seconds[size].append(_seconds(*made[size], counts[size]))
    rows: dict[str, tuple[float | None, ...]] = {}
    before: tuple[int, float] | None = None
    for size in sizes:
        taken = min(seconds[size])
        exponent = None
        if before and before[0]:
            exponent = math.log(taken / before[1]) / math.log(size / before[0])
        handler, event = made[size]
        length = len(json.dumps(handler(event, None)["response"]).encode())
        rows[f"{size:,}"] = (size, taken * 1e6, length, exponent)
        before = (size, taken)
    return Table(name.split()[0].lower(), f"{name}.", _COLUMNS, rows)


def _as_often_as_fits(handler: Handler, event: dict[str, Any]) -> int:
    handler(event, None)
    return max(1, int(_SECONDS / _seconds(handler, event, 3)))


def _seconds(handler: Handler, event: dict[str, Any], count: int) -> float:
    began = perf_counter()
    for _ in range(count):
        handler(event, None)
    return (perf_counter() - began) / count


def _event() -> dict[str, Any]:
    return recorded("pretoken_v2_Authentication")


def _pure_plugins(count: int) -> Made:
    plugins: dict[str, Any] = {f"plugin_{n}": pure(_adding(f"claim_{n}")) for n in range(count)}
    return pre_token_generation(**plugins), _event()


def _threaded_plugins(count: int) -> Made:
    plugins: dict[str, Any] = {f"plugin_{n}": _adding(f"claim_{n}") for n in range(count)}
    return pre_token_generation(**plugins), _event()


def _adding(name: str) -> Callable[[object], Claims]:
    claims = Claims.adding({name: "a value"})
    return lambda _: claims


def _groups(count: int) -> Made:
    """Give as many groups, a role for each of them, and all of them as a session variable."""
    groups = [f"group-{n}" for n in range(count)]
    event = _event()
    event["request"]["groupConfiguration"]["groupsToOverride"] = groups
    hasura = HasuraClaims(
        group_roles={group: f"role-{n}" for n, group in enumerate(groups)},
        session_variables={"x-hasura-groups": "cognito:groups"},
    )
    return pre_token_generation(hasura=hasura), event


def _claims(count: int) -> Made:
    claims = Claims.adding({f"claim_{n}": f"value {n}" for n in range(count)})
    return pre_token_generation(many=pure(lambda _: claims)), _event()


_KINDS: Mapping[str, tuple[tuple[int, ...], Callable[[int], Made]]] = {
    "Pure plugins": ((1, 5, 10, 25, 50), _pure_plugins),
    "Threads, one for each plugin": ((1, 5, 10, 25, 50), _threaded_plugins),
    "Groups, each with a role": ((0, 10, 100, 1_000, 10_000), _groups),
    "Claims of one plugin": ((1, 10, 100, 1_000, 10_000), _claims),
}
