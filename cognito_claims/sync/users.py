"""The sync of whoever signs in, as a plugin that adds no claims: for every trigger that has a user."""

from time import monotonic, time

from cognito_claims.claims import Claims
from cognito_claims.deadline import seconds_left
from cognito_claims.events import PreTokenGenerationEvent, UserEvent
from cognito_claims.sync.rows import Sink, row_of

_NO_CHANGE = "PostConfirmation_ConfirmForgotPassword"  # a new password, and nothing new of the user


class UserSync:
    """Write whoever signs in, or has signed up, to a sink; a password reset and a machine token write nothing.

    Writing a user again is harmless: Cognito may send an event twice, and sends several for one sign-in. Raises what the sink raises.
    """

    def __init__(self, sink: Sink) -> None:
        self.sink: Sink = sink

    def __call__(self, event: PreTokenGenerationEvent | UserEvent, /) -> Claims:
        """Write the event's user, as of now: an event does not say when it happened."""
        if event.user is not None and event.trigger_source != _NO_CHANGE:
            row = row_of(event.user, self.sink.columns, time())
            self.sink.write([row], deadline=monotonic() + seconds_left())
        return Claims()

    def prepare(self) -> None:
        """Let the sink fetch its secret ahead of the first event."""
        self.sink.prepare(deadline=monotonic() + seconds_left())

    def sample(self, _event: PreTokenGenerationEvent, /) -> Claims:
        """Add no claims, and write nothing."""
        return Claims()
