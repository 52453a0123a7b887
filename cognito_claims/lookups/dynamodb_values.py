"""DynamoDB's typed JSON as JSON: sets are sorted lists, and numbers are integers where they are whole."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cognito_claims.claims import Json
from cognito_claims.lookups.looking_up import Item

_T = TypeVar("_T")
_DEEPEST = 32  # levels of a document of DynamoDB's
_LONGEST_NUMBER = 64
_LARGEST_POWER = 512
_IN_NUMBERS = frozenset("0123456789+-.eE")
_MALFORMED = "an attribute is malformed"
_BINARY = "an attribute is binary, which no claim can hold; name the attributes that are needed"


def item_of(attributes: Mapping[str, Any]) -> Item:
    """Return an item's values by name; raise `ValueError`, without a value, for what JSON lacks."""
    return {name: _value(typed, _DEEPEST) for name, typed in attributes.items()}


def number_of(text: object) -> int | float:
    """Return an integer for a number that is whole, in whatever notation, and else a float."""
    if not isinstance(text, str) or len(text) > _LONGEST_NUMBER or not _IN_NUMBERS.issuperset(text):
        raise ValueError(_MALFORMED)
    value: float
    mantissa, _, power = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    try:
        value, scaled = float(text), int(whole + fraction)
        shift = int(power or "0") - len(fraction)
    except ValueError:
        raise ValueError(_MALFORMED) from None
    if abs(value) == float("inf") or abs(shift) > _LARGEST_POWER:
        raise ValueError(_MALFORMED)
    scale: int = 10 ** abs(shift)
    if shift >= 0:
        return scaled * scale
    return value if scaled % scale else scaled // scale


def _value(typed: Any, depth: int) -> Json:
    if not isinstance(typed, dict) or len(typed) != 1 or depth < 0:
        raise ValueError(_MALFORMED)
    ((kind, value),) = typed.items()
    reader = _READERS.get(kind)
    if reader is None:
        raise ValueError(_MALFORMED)
    return reader(value, depth - 1)


def _typed(value: Any, kind: type[_T]) -> _T:
    if type(value) is not kind:
        raise ValueError(_MALFORMED)
    return value


def _binary(_value: Any, _depth: int) -> Json:
    raise ValueError(_BINARY)


_READERS: Mapping[str, Callable[[Any, int], Json]] = {
    "S": lambda value, _: _typed(value, str),
    "N": lambda value, _: number_of(value),
    "BOOL": lambda value, _: _typed(value, bool),
    "NULL": lambda _value, _depth: None,
    "L": lambda value, depth: [_value(member, depth) for member in _typed(value, list)],
    "M": lambda value, depth: {
        name: _value(member, depth) for name, member in _typed(value, dict).items()
    },
    "SS": lambda value, _: sorted(_typed(member, str) for member in _typed(value, list)),
    "NS": lambda value, _: sorted(map(number_of, _typed(value, list))),
    "B": _binary,
    "BS": _binary,
}
