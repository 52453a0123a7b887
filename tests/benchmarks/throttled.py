"""Which functions answer their first event within the five seconds that Cognito waits, at the CPU that little memory brings.

A CFS quota holds the function's process, and not the servers. It is the pessimistic case: Lambda lets init run at full speed and throttles
what comes after, and the emulator puts init into the first invocation. Memory itself is not limited, only what comes with it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from time import sleep

from tests.benchmarks import claims, deployed
from tests.benchmarks.cache import NotRun
from tests.benchmarks.compared import Subject
from tests.benchmarks.emulator import first_invocation
from tests.benchmarks.functions import Kit
from tests.benchmarks.report import Column, Section, Table, Target
from tests.benchmarks.services import Services, services

SIZES_MIB = (128, 256, 512, 1024)
LIMIT_MS = 5000.0
_ONE_CPU_MIB = 1769
_PERIOD_US = 20_000
_SETTLED_S = 0.5  # for what was under way when a function was ended
_V1, _V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
_COLUMNS = (
    *(Column(f"at_{size}_mib_ms", f"{size} MB: ms", 0) for size in SIZES_MIB),
    *(Column(f"at_{size}_mib_slowest_ms", f"slowest at {size}", 0) for size in SIZES_MIB),
)
_TITLE = "The first invocation in milliseconds, init included, at the CPU that comes with this much memory."


def throttled(kit: Kit, rounds: int) -> Section:
    """Run each function a few times at each size; beyond five seconds Lambda ends it."""
    few = max(3, rounds // 5)
    with services(kit.cache.directory / "services") as running, _cgroup() as group:
        subjects = [*_subjects(kit), *_deployed(kit, running)]
        rows = {each.name: _row(kit, group, running, each, few) for each in subjects}
    found = Table("throttled", _TITLE, _COLUMNS, rows)
    targets = [
        Target(
            f"{name} at 512 MB, slowest, ms", LIMIT_MS, found.figure(name, "at_512_mib_slowest_ms")
        )
        for name in rows
        if ": ours" in name
    ]
    return Section("throttled", (found,), tuple(targets), kit.notes)


def _subjects(kit: Kit) -> Iterator[Subject]:
    for subject in claims.subjects(kit):
        if subject.name in (claims.BARE, claims.GUIDE, "both: ours"):
            yield subject


def _deployed(kit: Kit, running: Services) -> Iterator[Subject]:
    for subject in deployed.subjects(kit, running):
        is_worker = subject.name.startswith("worker")  # it has a minute, and nobody waits for it
        if subject.name.endswith(("deployed: ours", "deployed: guide, Node")) and not is_worker:
            yield subject


def _row(
    kit: Kit, group: Path, running: Services, subject: Subject, rounds: int
) -> tuple[float, ...]:
    taken: dict[int, list[float]] = {}
    for size in SIZES_MIB:
        _limit(group, size)
        taken[size] = [_milliseconds(kit, group, running, subject) for _ in range(rounds)]
    return (*(median(each) for each in taken.values()), *(max(each) for each in taken.values()))


def _milliseconds(kit: Kit, group: Path, running: Services, subject: Subject) -> float:
    into = ("/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', os.fspath(group / "cgroup.procs"))
    answer = first_invocation(kit.emulator, subject.function, kit.log, before=into)
    try:
        subject.check(answer.content)
    except (AssertionError, KeyError, TypeError, ValueError):
        if "timed out" not in str(answer.content):
            raise
        sleep(_SETTLED_S)
        running.clear()
        return LIMIT_MS + 1
    return answer.run.wall


@contextmanager
def _cgroup() -> Iterator[Path]:
    """Make a group for the function's process; raises `NotRun` where that is not allowed."""
    parent = _V1 if (_V1 / "cpu.cfs_quota_us").exists() else _V2
    group = parent / f"cognito-claims-benchmark-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise NotRun(
            f"no cgroup: {group}: {error.strerror}; run as root, outside a container"
        ) from None
    try:
        _limit(group, _ONE_CPU_MIB)
        yield group
    except FileNotFoundError as error:
        raise NotRun(f"no cgroup: {error.filename}; enable the cpu controller") from None
    finally:
        _remove(group)


def _remove(group: Path) -> None:
    """Remove it, as soon as the last process in it has been buried."""
    for _ in range(100):
        with suppress(OSError):
            group.rmdir()
            return
        sleep(0.05)


def _limit(group: Path, size: int) -> None:
    quota = size * _PERIOD_US // _ONE_CPU_MIB
    limits: Mapping[str, str] = {"cpu.max": f"{quota} {_PERIOD_US}"}
    if (group / "cpu.cfs_quota_us").exists():
        limits = {"cpu.cfs_period_us": f"{_PERIOD_US}", "cpu.cfs_quota_us": f"{quota}"}
    for name, text in limits.items():
        with (group / name).open("r+") as file:
            file.write(text)
