"""Whatever waits ends at its deadline: not before it, and before somebody who never ends would be let go."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Timer
from time import monotonic

_RELEASE_S = 10.0  # a busy machine is never that late


@contextmanager
def at_the_deadline(seconds: float) -> Iterator[None]:
    """Hold what is to end so many seconds from now."""
    began, is_released = monotonic(), Event()
    release = Timer(_RELEASE_S, is_released.set)
    release.daemon = True
    release.start()
    try:
        yield
        assert monotonic() - began >= seconds - 0.02
        assert not is_released.is_set()
    finally:
        release.cancel()
