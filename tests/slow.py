"""The marker of tests that take long: only `tox -e tests` runs them."""

from typing import Any

import pytest

SLOW = pytest.mark.slow


def slow(*parameters: Any) -> list[Any]:
    """Mark these parameters of a test; a tuple holds the values of several names."""
    rows = (each if isinstance(each, tuple) else (each,) for each in parameters)
    return [pytest.param(*row, marks=SLOW) for row in rows]
