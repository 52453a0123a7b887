"""Attempts that are made again, where it may help and there is time."""

from collections.abc import Callable
from time import monotonic, monotonic_ns, sleep
from typing import TypeVar

from cognito_claims.errors import (
    AwsError,
    FaunaError,
    HasuraError,
    LookUpFailedError,
    TransportError,
)

_T = TypeVar("_T")
_PAUSE_S = 0.05
_ANSWER_S = 0.05  # what is too short for an answer


def retried(attempt: Callable[[], _T], *, deadline: float, retries: int = 1) -> _T:
    """Make an attempt, and after each transient failure another one, up to so many retries.

    What the last attempt raises comes out. Each pause is twice the one before.
    """
    pause = _PAUSE_S
    for _ in range(retries):
        try:
            return attempt()
        except (AwsError, FaunaError, HasuraError, LookUpFailedError, TransportError) as error:
            if not error.is_transient or deadline - monotonic() < 2 * pause + _ANSWER_S:
                raise
        # Of a length that differs, so that those who failed together do not come back together.
        sleep(pause * (1 + monotonic_ns() % 1000 / 1000))
        pause *= 2
    return attempt()
