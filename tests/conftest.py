"""Hypothesis profiles: `fast` by default; `HYPOTHESIS_PROFILE=full` runs every property on 100,000 examples.

And one PostgreSQL, and one moto, for all tests that ask for it.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings

from tests.stand_ins.moto import moto_server
from tests.stand_ins.postgres import postgres

settings.register_profile("fast", max_examples=200, deadline=None)
settings.register_profile(
    "full",
    max_examples=100_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def start(life: ExitStack) -> str:
    """Start a PostgreSQL, and give its DSN."""
    try:
        return life.enter_context(postgres())
    except FileNotFoundError as error:
        pytest.skip(str(error))


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
