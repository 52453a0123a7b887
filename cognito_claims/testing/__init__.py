"""Recorded Cognito events, and builders of typed events, for tests.

`cognito_claims.testing.acceptance` runs a handler against all recorded events; it needs the extra
`testing`.
"""

from cognito_claims.testing.builders import (
    a_machine_event,
    a_post_authentication_event,
    a_user_event,
    to_json,
)
from cognito_claims.testing.recorded import recorded, recorded_names

__all__ = [
    "a_machine_event",
    "a_post_authentication_event",
    "a_user_event",
    "recorded",
    "recorded_names",
    "to_json",
]
