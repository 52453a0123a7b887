"""Where one JSON value differs from another."""

import json
from collections.abc import Iterator
from typing import Any


def differences(
    expected: Any, given: Any, path: str = "", *, is_exact: bool = False
) -> Iterator[tuple[str, Any]]:
    """Give the places that differ, with what is expected there; in a filter or check, more is another thing."""
    if not (isinstance(expected, dict) and isinstance(given, dict)):
        if _unordered(expected) != _unordered(given):
            yield path, expected
        return
    if is_exact and not given.keys() <= expected.keys():
        yield path, expected
        return
    for key, value in expected.items():
        inner = f"{path}.{key}" if path else key
        if key in given:
            yield from differences(value, given[key], inner, is_exact=is_exact)
        else:
            yield inner, value


def _unordered(value: Any) -> Any:
    """Give a list, of columns, in one order."""
    return sorted(map(json.dumps, value)) if isinstance(value, list) else value
