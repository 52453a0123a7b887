"""Plugins that other distributions install as entry points of the group `cognito_claims.plugins`.

A module of its own, so that only those who name such a plugin pay for `importlib.metadata`.
"""

from importlib.metadata import entry_points
from typing import Any

_GROUP = "cognito_claims.plugins"


def factory(name: str) -> Any:
    """Load the factory that this entry point names, or give None."""
    for entry_point in entry_points(group=_GROUP, name=name):
        return entry_point.load()
    return None


def names() -> frozenset[str]:
    """Give the names of all that are installed."""
    return frozenset(entry_points(group=_GROUP).names)
