"""What all look-ups do around their request: keep what was found, measure, and log."""

import logging
import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from threading import Lock
from time import monotonic
from typing import Generic, Protocol, TypeAlias, TypeVar

from cognito_claims.claims import Json
from cognito_claims.deadline import Stopwatch, seconds_left
from cognito_claims.errors import Problem, TokenDenied, shown

Item: TypeAlias = Mapping[str, Json]
"""What a look-up finds."""

_R = TypeVar("_R")
_MOST_KEPT = 1000
_LONGEST_KEPT_S = 86_400

_log = logging.getLogger("cognito_claims")


class LookUp(Protocol):
    """A look-up: what the rules ask, whatever stands behind it."""

    def find(self, values: Mapping[str, Json], /) -> Item | None:
        """Return the item for these values (`values_of`), or None where there is none.

        Raise `AwsError`, `DeadlineError`, `LookUpFailedError`, `SecretError` or `TransportError`.
        """
        ...

    def prepare(self) -> None:
        """Open the connection, and fetch a secret, ahead of the first event."""
        ...


class Kept(Generic[_R]):
    """What was found, by everything that was sent for it: 1,000 entries at most, for so many seconds."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._entries: dict[Hashable, tuple[Stopwatch, _R]] = {}
        self._lock = Lock()

    def get(self, sent: Hashable) -> _R | None:
        """Return what was found for this, if it is young enough."""
        entry = self._entries.get(sent)
        return entry[1] if entry is not None and entry[0].elapsed() < self._seconds else None

    def keep(self, sent: Hashable, found: _R) -> None:
        """Keep what was found; the oldest entry makes room for it."""
        if self._seconds:
            with self._lock:
                self._entries.pop(sent, None)
                if len(self._entries) >= _MOST_KEPT:
                    del self._entries[next(iter(self._entries))]
                self._entries[sent] = (Stopwatch(), found)


class Run(Generic[_R]):
    """One look-up's way from a request to an item.

    What an answer holds is read anew for each event: whoever changes an item changes nobody else's.
    """

    def __init__(self, name: str, cache_seconds: int, read: Callable[[_R], Item]) -> None:
        self._name = name
        self._kept: Kept[_R] = Kept(cache_seconds)
        self._read = read

    def __call__(
        self, sent: Callable[[], Hashable], fetch: Callable[[float], _R | None]
    ) -> Item | None:
        """Return what is kept for what is `sent`, or what `fetch` finds before its deadline; log it."""
        began = monotonic()
        outcome = "failed"
        try:
            key = sent()
            answer = self._kept.get(key)
            is_kept = answer is not None
            if answer is None:
                answer = fetch(began + seconds_left())
            item = None if answer is None else self._read(answer)
            outcome = "absent" if item is None else "kept" if is_kept else "found"
            if answer is not None and not is_kept:
                self._kept.keep(key, answer)
        finally:
            log(self._name, outcome, began)
        return item


def log(name: str, outcome: str, began: float) -> None:
    """Log one look-up: its name, what came of it, and the milliseconds."""
    milliseconds = round((monotonic() - began) * 1000, 3)
    fields = {"look_up": name, "outcome": outcome, "milliseconds": milliseconds}
    _log.info("look-up %s: %s (%s ms)", shown(name), outcome, milliseconds, extra=fields)


def required(item: Item | None, absent: str, name: str) -> Item | None:
    """Return the item; raise `TokenDenied` where there is none and `absent` is `deny`."""
    if item is None and absent == "deny":
        raise TokenDenied(
            TokenDenied.reason, setting=name, problem="the look-up found no item for this event"
        )
    return item


def common_problems(absent: str, cache_seconds: int) -> Iterator[Problem]:
    """Yield what is wrong with the settings that every look-up has."""
    if absent not in ("omit", "deny"):
        yield Problem("absent", "expected one of omit, deny")
    if type(cache_seconds) is not int or not 0 <= cache_seconds <= _LONGEST_KEPT_S:
        yield Problem("cache_seconds", f"expected 0 to {_LONGEST_KEPT_S} seconds")


def environment(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the environment for AWS credentials: the one given, or the process's."""
    return os.environ if environ is None else environ
