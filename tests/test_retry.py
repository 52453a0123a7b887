"""More attempts after what may pass, when there is time for them, and never more than are wanted."""

from collections.abc import Callable, Iterator

import pytest

from cognito_claims.clients import retry
from cognito_claims.clients.retry import retried
from cognito_claims.errors import (
    AwsError,
    CognitoClaimsError,
    DeadlineError,
    FaunaError,
    LookUpFailedError,
    SecretError,
    TransportError,
)

TRANSIENT: list[CognitoClaimsError] = [
    TransportError("connecting", "ConnectionRefusedError"),
    *(FaunaError(status, "unknown") for status in (409, 429, 500, 502, 503, 504)),
    *(AwsError("ssm", status, "unknown") for status in (429, 500, 503)),
    AwsError("ssm", 400, "ThrottlingException"),
    *(LookUpFailedError("member", status, "refused") for status in (408, 429, 500, 503)),
]
LASTING: list[Exception] = [
    TransportError("TLS handshake", "the certificate has expired", is_transient=False),
    *(FaunaError(status, "unknown") for status in (200, 302, 400, 401, 403, 404, 410, 440)),
    *(AwsError("ssm", status, "unknown") for status in (400, 403)),
    *(LookUpFailedError("member", status, "refused") for status in (200, 302, 401)),
    DeadlineError("connecting"),
    SecretError("the secret is empty"),
    ValueError("a bug"),
]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the time be 100 seconds, and record the pauses instead of making them."""
    made: list[float] = []
    monkeypatch.setattr(retry, "monotonic", lambda: 100.0)
    monkeypatch.setattr(retry, "sleep", made.append)
    return made


def raising(*errors: Exception) -> Callable[[], str]:
    """Give an attempt that fails with these, one after the other, and then succeeds."""
    left: Iterator[Exception] = iter(errors)

    def attempt() -> str:
        for error in left:
            raise error
        return "done"

    return attempt


def name(error: Exception) -> str:
    return f"{type(error).__name__}-{error}"


def test_an_attempt_that_succeeds_is_the_only_one(pauses: list[float]) -> None:
    answers = iter(["first", "second"])

    assert retried(lambda: next(answers), deadline=100.0) == "first"
    assert (pauses, next(answers)) == ([], "second")


@pytest.mark.parametrize("error", TRANSIENT, ids=name)
def test_what_may_pass_is_tried_once_more_after_a_pause(
    pauses: list[float], error: Exception
) -> None:
    assert retried(raising(error), deadline=101.0) == "done"
    assert len(pauses) == 1


@pytest.mark.parametrize("error", LASTING, ids=name)
def test_what_does_not_pass_is_raised_as_it_is(pauses: list[float], error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        retried(raising(error), deadline=101.0)

    assert (caught.value, pauses) == (error, [])


@pytest.mark.parametrize("second", [*TRANSIENT[:2], *LASTING[:2]], ids=name)
def test_there_is_no_third_attempt_and_the_last_error_comes_alone(
    pauses: list[float], second: Exception
) -> None:
    with pytest.raises(type(second)) as caught:
        retried(raising(FaunaError(500, "unknown"), second), deadline=101.0)

    assert (caught.value, len(pauses)) == (second, 1)
    assert (second.__context__, second.__cause__) == (None, None)


@pytest.mark.parametrize(("left", "attempts"), [(0.125, 1), (0.1875, 2), (-1.0, 1)])
def test_another_attempt_needs_time(pauses: list[float], left: float, attempts: int) -> None:
    attempt = raising(TRANSIENT[0], TRANSIENT[1])

    with pytest.raises((TransportError, FaunaError)) as caught:
        retried(attempt, deadline=100.0 + left)

    assert (caught.value, len(pauses)) == (TRANSIENT[attempts - 1], attempts - 1)


def test_of_several_retries_each_waits_twice_as_long(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "monotonic_ns", lambda: 0)
    answer = retried(raising(*TRANSIENT[:3]), deadline=101.0, retries=3)

    assert (answer, pauses) == ("done", [0.05, 0.1, 0.2])


def test_a_later_retry_needs_time_for_its_longer_pause(pauses: list[float]) -> None:
    with pytest.raises(FaunaError) as caught:
        retried(raising(*TRANSIENT[:3]), deadline=100.2, retries=3)

    assert (caught.value, len(pauses)) == (TRANSIENT[1], 1)


def test_those_who_failed_together_do_not_come_back_together(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for nanoseconds in (7_000, 7_500, 7_999):
        monkeypatch.setattr(retry, "monotonic_ns", lambda now=nanoseconds: now)
        retried(raising(TRANSIENT[0]), deadline=101.0)

    assert [round(pause, 5) for pause in pauses] == [0.05, 0.075, 0.09995]
