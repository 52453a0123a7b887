"""Time limits of an event, and elapsed time in a process that Lambda may freeze."""

import os
import sys
from threading import local
from time import monotonic, process_time, time
from typing import Any

_AHEAD_S = 1.0
_LONGEST_INIT_S = 10.0  # Lambda's own limit for init
_MARGIN_S = 0.1
_HANDING_OVER_S = 0.02  # so that a plugin can report what it was waiting for
_ALONE_S = 4.0

_asked = local()


class TimeBudget:
    """The time limit of an event; the first event shares Cognito's five seconds with the cold
    start.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ready = monotonic()
        self._cold = "awslambdaric" in sys.modules

    def deadline(self, context: Any) -> float:
        """Return when this invocation must answer, on the monotonic clock."""
        now = monotonic()
        seconds = self._seconds
        # After a pause, init ran ahead (provisioned concurrency, SnapStart), and nobody waited.
        init = self._ready - _process_started
        if self._cold and init < _LONGEST_INIT_S and now - self._ready < _AHEAD_S:
            seconds -= init
        self._cold = False
        remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
        if remaining_ms is not None:  # None outside Lambda, as in a test
            seconds = min(seconds, remaining_ms() / 1000 - _MARGIN_S)
        return now + seconds


class Stopwatch:
    """A start time, on two clocks: in a process that was frozen, one of them may have stood still."""

    __slots__ = ("_monotonic", "_time")

    def __init__(self) -> None:
        self._monotonic = monotonic()
        self._time = time()

    def elapsed(self) -> float:
        """Return the seconds since then, by the clock that counts more."""
        return max(monotonic() - self._monotonic, time() - self._time)


def set_thread_deadline(deadline: float) -> None:
    """Set the deadline for what this thread does for an event; called by the handler."""
    _asked.deadline = deadline - _HANDING_OVER_S


def seconds_left() -> float:
    """Return the seconds that this plugin may still take; 4.0 outside a handler.

    Use it for the timeout of a plugin's I/O. Zero or less means that no time is left.
    """
    deadline: float | None = getattr(_asked, "deadline", None)
    return _ALONE_S if deadline is None else deadline - monotonic()


def _process_start() -> float:
    """Return when the process started, on the monotonic clock. Cognito waits since then."""
    now = monotonic()
    age = process_time()  # if the kernel does not tell: until here, a cold start only imports
    try:
        with open("/proc/self/stat", "rb") as stat:  # noqa: PTH123  (pathlib is an import that Lambda lacks)
            ticks = int(stat.read().rpartition(b")")[2].split()[19])
        with open("/proc/uptime", "rb") as uptime:  # noqa: PTH123  (the same)
            told = float(uptime.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return now - age
    return now - told if age <= told < _LONGEST_INIT_S else now - age


_process_started = _process_start()
