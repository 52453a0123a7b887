"""How long an event may take, and how long ago something was, in a process that Lambda may freeze."""

import os
import sys
from threading import local
from time import monotonic, process_time, time
from typing import Any

_AHEAD_S = 1.0
_LONGEST_INIT_S = 10.0  # Lambda's own limit: whatever took longer is not an init
_MARGIN_S = 0.1
_HANDING_OVER_S = 0.02  # so that a plugin can say what it was waiting for
_ALONE_S = 4.0

_asked = local()


class TimeBudget:
    """How long an event may take: the first one shares Cognito's five seconds with the cold start."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ready = monotonic()
        self._cold = "awslambdaric" in sys.modules

    def deadline(self, context: Any) -> float:
        """Give the moment, on the monotonic clock, at which this invocation must answer."""
        now = monotonic()
        seconds = self._seconds
        # After a pause, Lambda had initialised ahead (provisioned concurrency, SnapStart), and nobody waited.
        init = self._ready - _process_started
        if self._cold and init < _LONGEST_INIT_S and now - self._ready < _AHEAD_S:
            seconds -= init
        self._cold = False
        remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
        if remaining_ms is not None:  # None without Lambda, as in a test
            seconds = min(seconds, remaining_ms() / 1000 - _MARGIN_S)
        return now + seconds


class Stopwatch:
    """A moment to count from, on two clocks: a process that was frozen may find that one stood still."""

    __slots__ = ("_monotonic", "_time")

    def __init__(self) -> None:
        self._monotonic = monotonic()
        self._time = time()

    def elapsed(self) -> float:
        """Give the seconds since then, by the clock that counts more of them."""
        return max(monotonic() - self._monotonic, time() - self._time)


def set_thread_deadline(deadline: float) -> None:
    """Let whatever this thread does for an event end at the deadline; for the handler."""
    _asked.deadline = deadline - _HANDING_OVER_S


def seconds_left() -> float:
    """Give the seconds that the plugin which this thread asks may still take; 4.0 outside a handler.

    For the timeout of a plugin's I/O. At or below zero there is no time left.
    """
    deadline: float | None = getattr(_asked, "deadline", None)
    return _ALONE_S if deadline is None else deadline - monotonic()


def _process_start() -> float:
    """Give the moment, on the monotonic clock, at which the process began, and with it Cognito's wait."""
    now = monotonic()
    age = (
        process_time()
    )  # where the kernel does not say: until here, a cold start does nothing but import
    try:
        with open("/proc/self/stat", "rb") as stat:  # noqa: PTH123  (pathlib is an import that Lambda lacks)
            ticks = int(stat.read().rpartition(b")")[2].split()[19])
        with open("/proc/uptime", "rb") as uptime:  # noqa: PTH123  (the same)
            told = float(uptime.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return now - age
    return now - told if age <= told < _LONGEST_INIT_S else now - age


_process_started = _process_start()
