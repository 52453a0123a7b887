"""One build, one pool and one server for the package; a test that needs other options starts its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.surrealdb_server.pool import Pool, a_pool
from tests.surrealdb_server.server import ALLOWED, Server, a_server, build, printed_script

Start = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Return what starts a server with options of a test's own."""
    binary = build()

    def started(*options: str, **environ: str) -> AbstractContextManager[Server]:
        folder: Path = tmp_path_factory.mktemp("surrealdb")
        return a_server(binary, folder, *options, environ=environ)

    return started


@pytest.fixture
def pool() -> Iterator[Pool]:
    with a_pool() as pool:
        yield pool


@pytest.fixture(scope="module")
def served(start: Start) -> Iterator[tuple[Server, Pool]]:
    """Give a server that is set up by the printed script for a pool, as the docs say to start it."""
    with a_pool() as pool, start(*ALLOWED) as server:
        server.set_up(pool.setup, printed_script(pool))
        yield server, pool
