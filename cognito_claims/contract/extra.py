"""One sentence for whoever imports this package without the libraries that it needs."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def testing_extra() -> Iterator[None]:
    """Tell which command installs a missing library that this package imports."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("cognito_claims"):
            raise
        library = error.name.partition(".")[0]
        told = f"cognito_claims.contract needs {library}: pip install 'cognito-claims[testing]'"
        raise ModuleNotFoundError(told, name=error.name) from None
