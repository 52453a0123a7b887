"""The sync of the user who signs in, as a plugin that adds no claims.

It works with every trigger that has a user.
"""

import logging
from collections.abc import Mapping, Sequence
from threading import Thread
from time import monotonic, time
from types import MappingProxyType

from cognito_claims.claims import Claims
from cognito_claims.deadline import seconds_left
from cognito_claims.errors import DeadlineError, describe_error, raised_at
from cognito_claims.events import PreTokenGenerationEvent, User, UserEvent
from cognito_claims.sync.rows import Row, Sink, row_of

_NO_CHANGE = "PostConfirmation_ConfirmForgotPassword"  # the password is new, the user is not
_QUEUES_SHARE = 0.25  # of the remaining time, after a failed sync
_HANDING_OVER_S = 0.02  # so that a sink can report what it was waiting for

_log = logging.getLogger("cognito_claims")


def _tried(sink: Sink, rows: Sequence[Row], deadline: float) -> BaseException | None:
    """Write in a thread that can be abandoned, and return what went wrong.

    The name resolver knows no deadline.
    """
    outcome: list[BaseException | None] = []

    def write() -> None:
        try:
            sink.write(rows, deadline=deadline - _HANDING_OVER_S)
        except BaseException as error:  # of any kind: the user must not be lost
            outcome.append(error)
        else:
            outcome.append(None)

    try:
        thread = Thread(target=write, daemon=True)
        thread.start()
    except RuntimeError as error:  # the process has no thread left
        return error
    thread.join(max(0.0, deadline - monotonic()))
    return outcome[0] if outcome else DeadlineError("writing the user")


def _tell_unverified(user: User, columns: Mapping[str, str]) -> None:
    count = sum(
        source in user.attributes and user.verified(source) is None for source in columns.values()
    )
    if count:
        _log.warning(
            "columns that are null because an email or phone number is not verified: %d", count
        )


class UserSync:
    """Write the user who signs in, or has signed up, to a sink.

    A password reset and a machine token write nothing. If the sink fails, or takes more than three
    quarters of the time, the row goes to the `queue`, and then counts as written. To write a user
    again is harmless: Cognito may send an event twice, and sends several for one sign-in. Raises
    what the sink raises, or, with a queue, what the queue raises.
    """

    owns: Mapping[str, frozenset[str]] = MappingProxyType({})

    def __init__(self, sink: Sink, *, queue: Sink | None = None) -> None:
        self.sink: Sink = sink
        self.queue: Sink | None = queue

    def __call__(self, event: PreTokenGenerationEvent | UserEvent, /) -> Claims:
        """Write the event's user with the current time, since an event has no time of its own."""
        if event.user is not None and event.trigger_source != _NO_CHANGE:
            _tell_unverified(event.user, self.sink.columns)
            self._write([row_of(event.user, self.sink.columns, time())])
        return Claims()

    def _write(self, rows: Sequence[Row]) -> None:
        seconds = seconds_left()
        deadline = monotonic() + seconds
        if self.queue is None:
            self.sink.write(rows, deadline=deadline)
            return
        error = _tried(self.sink, rows, deadline - seconds * _QUEUES_SHARE)
        if error is None:
            return
        failure = f"{describe_error(error)} at {raised_at(error)}"
        try:
            self.queue.write(rows, deadline=deadline)
        except Exception:
            _log.warning("not written: %s; the queue failed too", failure)
            raise
        _log.warning("put into the queue: %s", failure)

    def prepare(self) -> None:
        """Let the sink fetch its secret before the first event."""
        self.sink.prepare(deadline=monotonic() + seconds_left())

    def sample(self, _event: PreTokenGenerationEvent, /) -> Claims:
        """Return no claims, and write nothing."""
        return Claims()
