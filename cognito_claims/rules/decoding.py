"""A document as plain JSON values: decoded from a text, or copied from a Python value."""

from collections.abc import Mapping
from json import JSONDecodeError, loads
from typing import Any, NoReturn

from cognito_claims.errors import Problem, SettingsError
from cognito_claims.rules.reader import Reader, within

_DEEPEST = 32  # the depth that a claim in a token may have
_LARGEST = 1.7976931348623157e308  # of a double
_TO_FILL_IN = "FILL_IN"


class _Repeating(dict[str, Any]):
    """An object with duplicate names."""

    __slots__ = ("repeated",)

    def __init__(self, members: dict[str, Any], repeated: list[str]) -> None:
        super().__init__(members)
        self.repeated: list[str] = repeated


def decoded(text: str) -> Any:
    """Return the JSON value of a text; raise `SettingsError` if it is not JSON."""
    try:
        return loads(text, object_pairs_hook=_members, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        place = ""
        if isinstance(error, JSONDecodeError):
            place = f" (line {error.lineno}, column {error.colno})"
        raise SettingsError((Problem("rules", f"is not JSON{place}"),)) from None


def copied(document: object, reader: Reader) -> dict[str, Any]:
    """Return a copy of the document; raise `SettingsError` if it is not JSON."""
    copier = _Copier(reader)
    copy = copier.copy(document, "", 0)
    if not isinstance(copy, dict) and not copier.has_failed:
        copier.fail("", "expected an object")
    if copier.has_failed:
        raise SettingsError(
            tuple(p._replace(setting=p.setting or "rules") for p in reader.problems)
        )
    found: dict[str, Any] = copy
    return found


class _Copier:
    __slots__ = ("_reader", "has_failed")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.has_failed = False

    def fail(self, place: str, message: str) -> None:
        """Keep a mistake that leaves nothing to be read."""
        self._reader.wrong(place, message)
        self.has_failed = True

    def copy(self, value: object, place: str, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value, place)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            if not -_LARGEST <= value <= _LARGEST:
                self._reader.wrong(place, "expected a number that a double can hold")
            return value
        if depth > _DEEPEST:
            return self.fail(place, f"nested more than {_DEEPEST} levels deep")
        if isinstance(value, Mapping):
            return self._object(value, place, depth + 1)
        if isinstance(value, (list, tuple)):
            return [self.copy(v, f"{place}[{i}]", depth + 1) for i, v in enumerate(value)]
        return self.fail(place, f"expected JSON, got {type(value).__name__}")

    def _object(self, value: Mapping[Any, object], place: str, depth: int) -> dict[str, Any]:
        if isinstance(value, _Repeating):
            for name in value.repeated:
                self._reader.wrong(within(place, name), "occurs twice in one object")
        copy = {}
        for name, member in value.items():
            if isinstance(name, str):
                copy[self._text(name, place)] = self.copy(member, within(place, name), depth)
            else:
                self.fail(place, f"expected names that are texts, got {type(name).__name__}")
        return copy

    def _text(self, text: str, place: str) -> str:
        if text.startswith(_TO_FILL_IN):
            self._reader.wrong(place, "is still to be filled in")
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                self._reader.wrong(place, "expected text that UTF-8 can carry")
        return text


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    names = [name for name, _ in pairs]
    return _Repeating(members, sorted({name for name in names if names.count(name) > 1}))


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
