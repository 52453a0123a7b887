"""Hypothesis profiles: `fast` by default, `thorough` in tox; `HYPOTHESIS_PROFILE=full` is 100,000 examples.

And one PostgreSQL, and one moto, for all tests that ask for it.
"""

import gc
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from cognito_claims.tools.local.postgresql import postgresql
from cognito_claims.tools.pool.aws import Aws
from tests.stand_ins.moto import moto_server

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background job
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or no child could be interrupted

settings.register_profile("fast", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=200, deadline=None)
settings.register_profile(
    "full",
    max_examples=100_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
if os.environ.get("HYPOTHESIS_PROFILE") == "full":
    os.environ.setdefault("PYTEST_TIMEOUT", "0")  # none: they take minutes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give slow tests more time, for a busy machine."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(600))


def pytest_collection_finish() -> None:
    """Let no collection of garbage look at the thousands of tests again."""
    gc.collect()
    gc.freeze()


def start(life: ExitStack) -> str:
    """Start a PostgreSQL, and give its DSN."""
    try:
        return life.enter_context(postgresql())
    except FileNotFoundError as error:
        pytest.skip(str(error))


_COGNITO = "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"


@pytest.fixture(scope="session")
def kept_clients() -> dict[Any, Any]:
    return {}


@pytest.fixture
def quick_clients(kept_clients: dict[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands share their clients of boto3's, each of which takes a tenth of a second to make."""
    make = Aws.client

    def client(
        self: Aws, service: str, region: str | None = None, *, is_retried: bool = True
    ) -> Any:
        environ = self._environ
        names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SHARED_CREDENTIALS_FILE")
        own = (_COGNITO, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS")
        key = (service, region, is_retried, *map(environ.get, (*names, *own)))
        if key not in kept_clients:
            kept_clients[key] = make(self, service, region, is_retried=is_retried)
        return kept_clients[key]

    monkeypatch.setattr(Aws, "client", client)


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    with ExitStack() as life:
        yield start(life)


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def own_logger() -> None:
    """Let Powertools make the worker's logger anew: the one there is writes to another test's stdout."""
    logging.Logger.manager.loggerDict.pop("user-sync-worker", None)
