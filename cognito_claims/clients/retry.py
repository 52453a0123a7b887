"""One more attempt after a transient failure, if there is time."""

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
    """Call `attempt`, and once more after a transient failure; raise what the last call raises."""
    pause = _PAUSE_S
    for _ in range(retries):
        try:
            return attempt()
        except (AwsError, FaunaError, HasuraError, LookUpFailedError, TransportError) as error:
            if not error.is_transient or deadline - monotonic() < 2 * pause + _ANSWER_S:
                raise
        # Pauses differ, so that calls which failed together do not come back together.
        sleep(pause * (1 + monotonic_ns() % 1000 / 1000))
        pause *= 2
    return attempt()
