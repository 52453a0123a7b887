"""Plugins that other distributions install, by entry points of `cognito_claims.plugins`.

This is a module of its own, so that only a function that names such a plugin imports
`importlib.metadata`.
"""

from importlib.metadata import entry_points


def paths() -> dict[str, dict[str, str]]:
    """Return the `module:factory` of every entry point, by its name and its distribution's name.

    If a distribution is on the path twice, the one that Python imports counts.
    """
    found: dict[str, dict[str, str]] = {}
    for entry_point in entry_points(group="cognito_claims.plugins"):
        distribution = "" if entry_point.dist is None else entry_point.dist.name
        path = f"{entry_point.module}:{entry_point.attr}"
        found.setdefault(entry_point.name, {}).setdefault(distribution, path)
    return found
