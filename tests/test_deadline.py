import sys
import threading
from io import BytesIO
from pathlib import Path
from subprocess import check_output
from types import ModuleType

import pytest

import cognito_claims
from cognito_claims import deadline
from cognito_claims.deadline import Stopwatch, TimeBudget, seconds_left, set_thread_deadline
from cognito_claims.testing.pytest_plugin import LambdaContext

ROOT = Path(cognito_claims.__file__).parents[1]
STARTED, READY = 100.0, 101.5


class Clock:
    now = READY


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give a clock that stands still, in a process that took 1.5 s until its handler was ready."""
    clock = Clock()
    monkeypatch.setattr(deadline, "monotonic", lambda: clock.now)
    monkeypatch.setattr(deadline, "_process_started", STARTED)
    monkeypatch.delitem(sys.modules, "awslambdaric", raising=False)
    return clock


@pytest.fixture
def in_lambda(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setitem(sys.modules, "awslambdaric", ModuleType("awslambdaric"))
    return clock


def seconds_for_an_event(patience: TimeBudget, clock: Clock, context: object = None) -> float:
    return round(patience.deadline(context) - clock.now, 6)


def test_an_event_has_all_its_seconds_outside_of_lambda(clock: Clock) -> None:
    assert seconds_for_an_event(TimeBudget(4), clock) == 4


def test_the_first_event_in_lambda_has_what_init_left(in_lambda: Clock) -> None:
    patience = TimeBudget(4)

    in_lambda.now = READY + 0.999
    assert seconds_for_an_event(patience, in_lambda) == 2.5
    assert seconds_for_an_event(patience, in_lambda) == 4


def test_a_first_event_long_after_init_has_all_its_seconds(in_lambda: Clock) -> None:
    patience = TimeBudget(4)

    in_lambda.now = READY + 1
    assert seconds_for_an_event(patience, in_lambda) == 4


def test_what_took_longer_than_lambda_allows_was_no_init(
    in_lambda: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "_process_started", in_lambda.now - 10)

    assert seconds_for_an_event(TimeBudget(4), in_lambda) == 4


@pytest.mark.parametrize("context", [None, {}, object()])
def test_what_is_no_lambda_context_limits_nothing(clock: Clock, context: object) -> None:
    assert seconds_for_an_event(TimeBudget(4), clock, context) == 4


@pytest.mark.parametrize(
    ("milliseconds", "first", "second"),
    [(5000, 2.5, 4), (4100, 2.5, 4), (4099, 2.5, 3.999), (2000, 1.9, 1.9), (50, -0.05, -0.05)],
)
def test_no_event_has_more_than_its_context_has_left(
    in_lambda: Clock, milliseconds: int, first: float, second: float
) -> None:
    patience, context = TimeBudget(4), LambdaContext(milliseconds)

    assert seconds_for_an_event(patience, in_lambda, context) == first
    assert seconds_for_an_event(patience, in_lambda, context) == second


def test_what_the_process_did_before_this_library_counts_as_init() -> None:
    probe = (
        f"import sys, time; sys.path.insert(0, {str(ROOT)!r}); sys.modules['awslambdaric'] = sys\n"
        "while time.process_time() < 0.3: pass\n"
        "from cognito_claims.deadline import TimeBudget\n"
        "print(TimeBudget(4).deadline(None) - time.monotonic())"
    )

    seconds = float(check_output([sys.executable, "-c", probe], env={}))

    assert seconds <= 3.7


def test_a_wait_before_this_library_is_imported_counts_as_init() -> None:
    probe = (
        f"import sys, time; sys.path.insert(0, {str(ROOT)!r}); sys.modules['awslambdaric'] = sys\n"
        "time.sleep(0.3)\n"
        "from cognito_claims.deadline import TimeBudget\n"
        "print(TimeBudget(4).deadline(None) - time.monotonic())"
    )

    seconds = float(check_output([sys.executable, "-c", probe], env={}))

    assert seconds <= 3.72  # the kernel counts in hundredths


@pytest.mark.parametrize("stat", [b"", b"1 (x) " + b"0 " * 19 + b"x", b"1 (x)"])
def test_where_the_kernel_does_not_tell_the_cpu_time_does(
    stat: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stat").write_bytes(stat)
    monkeypatch.setattr(deadline, "open", lambda *_: (tmp_path / "stat").open("rb"), raising=False)
    monkeypatch.setattr(deadline, "monotonic", lambda: 50.0)
    monkeypatch.setattr(deadline, "process_time", lambda: 0.25)

    assert deadline._process_start() == 49.75


def test_a_process_older_than_an_init_is_told_by_its_cpu_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = iter((b"1 (a b) " + b"0 " * 19 + b"100 0", b"11.5 0"))
    monkeypatch.setattr(deadline, "open", lambda *_: BytesIO(next(texts)), raising=False)
    monkeypatch.setattr("os.sysconf", lambda _: 100)
    monkeypatch.setattr(deadline, "monotonic", lambda: 50.0)
    monkeypatch.setattr(deadline, "process_time", lambda: 0.25)

    assert deadline._process_start() == 49.75


def test_a_moment_counts_by_the_clock_that_went_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"monotonic": 10.0, "time": 1000.0}
    for clock in now:
        monkeypatch.setattr(deadline, clock, lambda clock=clock: now[clock])
    moment = Stopwatch()

    now["time"] += 60  # frozen: only the time of day went on
    assert moment.elapsed() == 60
    now.update(monotonic=90.0, time=900.0)  # the time of day was set back
    assert moment.elapsed() == 80


def test_a_thread_has_as_long_as_its_handler_says_and_any_other_four_seconds(
    clock: Clock,
) -> None:
    told: list[float] = []

    def plugin() -> None:
        set_thread_deadline(clock.now + 1)
        told.append(seconds_left())

    thread = threading.Thread(target=plugin)
    thread.start()
    thread.join()

    assert [round(seconds, 6) for seconds in told] == [0.98]
    assert seconds_left() == 4
