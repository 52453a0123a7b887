"""One more attempt, where it may help and there is time."""

from collections.abc import Callable
from time import monotonic, monotonic_ns, sleep
from typing import TypeVar

from cognito_claims.errors import AwsError, FaunaError, HasuraError, TransportError

_T = TypeVar("_T")
_PAUSE_S = 0.05
_LEAST_S = 0.15  # what is too short for a pause and an answer


def retried(attempt: Callable[[], _T], *, deadline: float) -> _T:
    """Make an attempt, and after a transient failure another one; what the last one raises comes out."""
    try:
        return attempt()
    except (AwsError, FaunaError, HasuraError, TransportError) as error:
        if not error.is_transient or deadline - monotonic() < _LEAST_S:
            raise
    # Of a length that differs, so that those who failed together do not come back together.
    sleep(_PAUSE_S * (1 + monotonic_ns() % 1000 / 1000))
    return attempt()
