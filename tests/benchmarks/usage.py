"""What another process has used so far, as Linux tells it."""

from pathlib import Path
from time import clock_gettime

from tests.benchmarks.figures import Run


def usage_of(pid: int | None, wall: float) -> Run:
    """Give a run that took so many seconds; of a process that is there no more, nothing else is known."""
    if pid is None:
        return Run(wall * 1000, 0.0, 0.0)
    cpu = clock_gettime((~pid << 3) | 2)  # the number of that process's CPU clock
    return Run(wall * 1000, cpu * 1000, mib(pid, "VmHWM"))


def mib(pid: int, name: str) -> float:
    """Read the resident memory (VmRSS), or the most that it ever was (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def child_of(parent: int) -> int | None:
    """Find the function's process; one that ran out of time is there no more."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[1]) == parent:
            return int(stat.parent.name)
    return None
