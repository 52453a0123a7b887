"""Plugins that other distributions install as entry points of the group `cognito_claims.plugins`.

A module of its own, so that only those who name such a plugin pay for `importlib.metadata`.
"""

from importlib.metadata import entry_points


def paths() -> dict[str, str]:
    """Give every entry point's `module:factory` by its name."""
    found = entry_points(group="cognito_claims.plugins")
    return {entry_point.name: f"{entry_point.module}:{entry_point.attr}" for entry_point in found}
