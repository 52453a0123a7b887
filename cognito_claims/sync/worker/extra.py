"""One sentence for a worker that is deployed without the libraries that it needs."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def worker_extra() -> Iterator[None]:
    """Name the command that installs a missing library."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("cognito_claims"):
            raise
        told = f"the worker needs {error.name}: pip install 'cognito-claims[worker]'"
        raise ModuleNotFoundError(told, name=error.name) from None
