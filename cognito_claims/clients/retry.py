"""One more attempt after a transient failure, if there is time."""

from collections.abc import Callable
from time import monotonic, monotonic_ns, sleep
from typing import TypeVar

from cognito_claims.errors import AwsError, FaunaError, HasuraError, TransportError

_T = TypeVar("_T")
_PAUSE_S = 0.05
_LEAST_S = 0.15  # less is too short for a pause and an answer


def retried(attempt: Callable[[], _T], *, deadline: float) -> _T:
    """Call `attempt`, and once more after a transient failure; raise what the last call raises."""
    try:
        return attempt()
    except (AwsError, FaunaError, HasuraError, TransportError) as error:
        if not error.is_transient or deadline - monotonic() < _LEAST_S:
            raise
    # Pauses differ, so that calls which failed together do not come back together.
    sleep(_PAUSE_S * (1 + monotonic_ns() % 1000 / 1000))
    return attempt()
