"""The sync of whoever signs in, as a plugin that adds no claims: for every trigger that has a user."""

import logging
from collections.abc import Sequence
from time import monotonic, time

from cognito_claims.claims import Claims
from cognito_claims.deadline import seconds_left
from cognito_claims.errors import place_of, told
from cognito_claims.events import PreTokenGenerationEvent, UserEvent
from cognito_claims.sync.rows import Row, Sink, row_of

_NO_CHANGE = "PostConfirmation_ConfirmForgotPassword"  # a new password, and nothing new of the user
_QUEUES_SHARE = 0.25  # of the time that is left, for a sync that failed

_log = logging.getLogger("cognito_claims")


class UserSync:
    """Write whoever signs in, or has signed up, to a sink; a password reset and a machine token write nothing.

    What the sink fails to write within three quarters of the time goes to the `queue`, and then counts as done. Writing a user
    again is harmless: Cognito may send an event twice, and sends several for one sign-in. Raises what the last of both raises.
    """

    def __init__(self, sink: Sink, *, queue: Sink | None = None) -> None:
        self.sink: Sink = sink
        self.queue: Sink | None = queue

    def __call__(self, event: PreTokenGenerationEvent | UserEvent, /) -> Claims:
        """Write the event's user, as of now: an event does not say when it happened."""
        if event.user is not None and event.trigger_source != _NO_CHANGE:
            self._write([row_of(event.user, self.sink.columns, time())])
        return Claims()

    def _write(self, rows: Sequence[Row]) -> None:
        seconds = seconds_left()
        deadline = monotonic() + seconds
        if self.queue is None:
            self.sink.write(rows, deadline=deadline)
            return
        try:
            self.sink.write(rows, deadline=deadline - seconds * _QUEUES_SHARE)
        except Exception as error:  # whatever it is: the user must not be lost
            _log.warning("put into the queue: %s at %s", told(error), place_of(error))
            self.queue.write(rows, deadline=deadline)

    def prepare(self) -> None:
        """Let the sink fetch its secret ahead of the first event."""
        self.sink.prepare(deadline=monotonic() + seconds_left())

    def sample(self, _event: PreTokenGenerationEvent, /) -> Claims:
        """Add no claims, and write nothing."""
        return Claims()
