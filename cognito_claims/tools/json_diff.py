"""Where one JSON value differs from another."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

More = Literal["told", "allowed", "refused"]


class Difference(NamedTuple):
    """A place where two values differ; None where one has nothing there."""

    path: str
    before: Any
    after: Any


def differences(
    before: object, after: object, path: str = "", *, more: More = "told"
) -> Iterator[Difference]:
    """Compare two values member by member; the order of a list does not matter.

    `more` says what becomes of members that `after` alone has: each is a difference, or allowed, or
    the object that has them is another one as a whole.
    """
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        if _unordered(before) != _unordered(after):
            yield Difference(path, before, after)
        return
    beyond = after.keys() - before.keys()
    if beyond and more == "refused":
        yield Difference(path, before, after)
        return
    for name in sorted({*before} | (beyond if more == "told" else set())):
        inner = f"{path}.{name}" if path else name
        yield from differences(before.get(name), after.get(name), inner, more=more)


def _unordered(value: object) -> object:
    if not isinstance(value, list):
        return value
    return sorted(json.dumps(item, default=str) for item in value)
