"""Templates of keys: `USER#{sub}`. No two users may come to one key."""

from collections.abc import Mapping

from cognito_claims.claims import Json
from cognito_claims.settings import suggestion

PLACEHOLDERS = ("sub", "cognito:username", "client_id", "tenant", "email")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_IN_KEYS = frozenset(f"{_LETTERS}{_LETTERS.upper()}0123456789._@+-")
_IN_NUMBERS = frozenset("0123456789.-")
_LONGEST = 256
_MOST_DIGITS = 38  # of a number of DynamoDB's
_EMAIL = "email"


class Template:
    """Text with placeholders; `parts` are a text, a placeholder's name, a text, and so on."""

    __slots__ = ("is_number", "names", "parts", "source")

    def __init__(self, text: str, *, is_number: bool = False) -> None:
        """Raise `ValueError` for what is no template."""
        literal, *pieces = text.split("{")
        parts = [literal]
        for piece in pieces:
            name, brace, literal = piece.partition("}")
            if not brace:
                raise ValueError("a brace is not closed")
            parts += [name, literal]
        self.source: str = text
        self.parts: tuple[str, ...] = tuple(parts)
        self.names: frozenset[str] = frozenset(parts[1::2])
        self.is_number: bool = is_number
        if not text:
            raise ValueError("expected a text that is not empty")
        self._check()

    def _check(self) -> None:
        if any("}" in literal for literal in self.parts[::2]):
            raise ValueError("a brace is not opened")
        for name in self.parts[1::2]:
            if name not in PLACEHOLDERS:
                raise ValueError(f"no such placeholder{suggestion(name, PLACEHOLDERS)}")
        if any(_IN_KEYS.issuperset(literal) for literal in self.parts[2:-1:2]):
            expected = "a character other than letters, digits and ._@+-"
            raise ValueError(f"expected {expected} between two placeholders")
        literals = self.parts[::2]
        if self.is_number and (len(literals) > 2 or not _IN_NUMBERS.issuperset("".join(literals))):
            raise ValueError("can never be a number")

    def text(self, values: Mapping[str, Json]) -> str | None:
        """Return the text with these values, or None where one of them may not stand in a key."""
        text = self.parts[0]
        for name, literal in zip(self.parts[1::2], self.parts[2::2], strict=True):
            value = values.get(name)
            if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST:
                return None
            if not _IN_KEYS.issuperset(value):
                return None
            # ASCII letters alone are left by now.
            text = f"{text}{value.lower() if name == _EMAIL else value}{literal}"
        return None if self.is_number and not _is_number(text) else text


def _is_number(text: str) -> bool:
    """Return whether this is a number in the only way to write it: 1.0 would be the key of 1, too."""
    whole, dot, fraction = text.removeprefix("-").partition(".")
    if not (whole.isascii() and whole.isdigit()) or (whole != "0" and whole.startswith("0")):
        return False
    if dot and not (fraction.isascii() and fraction.isdigit() and not fraction.endswith("0")):
        return False
    return text != "-0" and len(whole) + len(fraction) <= _MOST_DIGITS
