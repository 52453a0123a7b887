"""Fixtures for pytest. An entry point of the distribution makes them available in every test run."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.testing.builders import a_machine_event, a_user_event
from cognito_claims.testing.recorded import recorded, recorded_names


class LambdaContext:
    """The part of Lambda's context object that handlers read; `milliseconds` of time left.

    The time does not pass.
    """

    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def __init__(self, milliseconds: int = 5000) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left."""
        return self.milliseconds


@pytest.fixture
def lambda_context() -> LambdaContext:
    """Return a context with Cognito's five seconds left."""
    return LambdaContext()


@pytest.fixture
def user_event() -> PreTokenGenerationEvent:
    """Return the V2_0 event of a user with a verified email and no groups."""
    return a_user_event()


@pytest.fixture
def machine_event() -> PreTokenGenerationEvent:
    """Return the V3_0 event of a machine token."""
    return a_machine_event()


@pytest.fixture(params=recorded_names("pretoken_"))
def recorded_event(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return each recorded pre token generation event in turn, as JSON."""
    return recorded(request.param)


@pytest.fixture(scope="session")
def assert_accepted() -> Callable[..., Any]:
    """Return `cognito_claims.testing.acceptance.assert_accepted`; it needs the extra `testing`."""
    function: Callable[..., Any] = import_module(
        "cognito_claims.testing.acceptance"
    ).assert_accepted
    return function
