"""Plugins that other distributions install as entry points of the group `cognito_claims.plugins`.

A module of its own, so that only those who name such a plugin pay for `importlib.metadata`.
"""

from importlib.metadata import entry_points


def paths() -> dict[str, dict[str, str]]:
    """Return every entry point's `module:factory`, by its name and then by its distribution's name.

    A distribution that is found twice on the path counts once: the one that Python imports.
    """
    found: dict[str, dict[str, str]] = {}
    for entry_point in entry_points(group="cognito_claims.plugins"):
        distribution = "" if entry_point.dist is None else entry_point.dist.name
        path = f"{entry_point.module}:{entry_point.attr}"
        found.setdefault(entry_point.name, {}).setdefault(distribution, path)
    return found
