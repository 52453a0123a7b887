"""What a trigger returned, as JSON: read from any Python object, without ever failing."""

import sys
from dataclasses import dataclass
from typing import TypeAlias, cast

from cognito_claims.contract.default_tokens import shown
from cognito_claims.contract.errors import ContractFinding


@dataclass(frozen=True)
class Unreadable:
    """Stands for a value that JSON cannot hold, or for a missing value."""

    reason: str
    code: str | None = None


Key: TypeAlias = str | Unreadable
Value: TypeAlias = "bool | int | float | str | list[Value] | dict[Key, Value] | Unreadable | None"

ABSENT = Unreadable("is missing")
_CYCLE = Unreadable("contains itself")
_TOO_LARGE = Unreadable("is too deep or too large")
_NOT_JSON = Unreadable("is a Python object that JSON cannot carry")
_NOT_FINITE = Unreadable("is infinite, too big or no number")
_NOT_UTF8 = Unreadable("cannot be encoded as UTF-8", "not-utf8")
_NOT_A_NAME = Unreadable("is not a string")

_DEEPEST = 64
_MOST_MEMBERS = 100_000
_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


class JsonReader:
    """Copies any Python object into JSON's own types; never fails, and calls no overridden method.

    A tuple becomes an array. A named tuple is unreadable, since encoders treat it differently.
    """

    def __init__(self) -> None:
        self._members_left = _MOST_MEMBERS

    def read(self, value: object, above: tuple[int, ...] = ()) -> Value:
        """Return a copy of a value inside the containers `above`, which are known by their ids."""
        kind = type(value)
        if issubclass(kind, dict):
            return self._object(cast("dict[object, object]", value), above)
        if issubclass(kind, list) or kind is tuple:
            return self._array(cast("list[object] | tuple[object, ...]", value), above)
        return _read_scalar(value)

    def _object(self, value: dict[object, object], above: tuple[int, ...]) -> Value:
        members = list(dict.items(value))
        return self._refusal(value, len(members), above) or {
            _read_key(name): self.read(member, (*above, id(value))) for name, member in members
        }

    def _array(self, value: list[object] | tuple[object, ...], above: tuple[int, ...]) -> Value:
        items = list(value) if isinstance(value, tuple) else list.copy(value)
        return self._refusal(value, len(items), above) or [
            self.read(item, (*above, id(value))) for item in items
        ]

    def _refusal(self, value: object, size: int, above: tuple[int, ...]) -> Unreadable | None:
        if id(value) in above:
            return _CYCLE
        if size > self._members_left or len(above) == _DEEPEST:
            return _TOO_LARGE
        self._members_left -= size
        return None


def _read_scalar(value: object) -> Value:
    kind = type(value)
    if value is None or kind is bool:
        return cast("bool | None", value)
    if issubclass(kind, str):
        return _read_text(str.__str__(cast("str", value)))
    if issubclass(kind, int):
        return _read_number(int.__pos__(cast("int", value)))
    if issubclass(kind, float):
        return _read_number(float.__pos__(cast("float", value)))
    return _NOT_JSON


def _read_number(number: float) -> Value:
    return number if abs(number) <= sys.float_info.max else _NOT_FINITE


def _read_key(name: object) -> Key:
    is_text = issubclass(type(name), str)
    return _read_text(str.__str__(cast("str", name))) if is_text else _NOT_A_NAME


def _read_text(text: str) -> Key:
    try:
        text.encode()
    except UnicodeEncodeError:
        return _NOT_UTF8
    return text


def mismatch(value: Value, path: str, expected: str, code: str = "wrong-type") -> ContractFinding:
    """Return the finding of a value of the wrong kind; it names the kind only."""
    if isinstance(value, Unreadable):
        return ContractFinding(value.code or code, path, f"{value.reason}: it must be {expected}")
    return ContractFinding(code, path, f"must be {expected}, not {_KINDS[type(value)]}")


def member_path(path: str, name: Key) -> str:
    """Return the path of an object's member."""
    step = shown(name) if isinstance(name, str) else f"<a key that {name.reason}>"
    return f"{path}.{step}" if path else step
