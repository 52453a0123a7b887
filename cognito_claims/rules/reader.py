"""`Reader`: reads the parts of a document, and collects every mistake with its place."""

from collections.abc import Collection
from typing import Any

from cognito_claims.errors import Problem, shown
from cognito_claims.settings import suggestion


class Reader:
    """Collects the mistakes of one document."""

    __slots__ = ("problems",)

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, place: str, message: str) -> None:
        """Add a mistake."""
        self.problems.append(Problem(place, message))

    def members(
        self, value: Any, place: str, words: Collection[str], elsewhere: Collection[str] = ()
    ) -> dict[str, Any]:
        """Return the members of an object; report words that are unknown, or not allowed here."""
        if not isinstance(value, dict):
            self.wrong(place, "expected an object")
            return {}
        for word in value:
            if word in elsewhere and word not in words:
                self.wrong(within(place, word), "is not allowed here")
            elif word not in words:
                self.wrong(within(place, word), f"unknown word{suggestion(word, words)}")
        return value

    def table(self, value: Any, place: str) -> dict[str, Any]:
        """Return the members of an object whose names the author chooses; none may be empty."""
        if not isinstance(value, dict):
            self.wrong(place, "expected an object")
            return {}
        if "" in value:
            self.wrong(place, "a name cannot be empty")
        return value

    def entries(self, value: Any, place: str) -> list[tuple[str, Any]]:
        """Return the items of a list, each with its place."""
        if not isinstance(value, list):
            self.wrong(place, "expected a list")
            return []
        return [(f"{place}[{index}]", item) for index, item in enumerate(value)]

    def texts(self, value: Any, place: str) -> tuple[str, ...]:
        """Return a list of texts, none of them empty or repeated."""
        if not isinstance(value, list) or not all(isinstance(t, str) and t for t in value):
            self.wrong(place, "expected a list of texts that are not empty")
            return ()
        if len(set(value)) < len(value):
            self.wrong(place, "duplicate text")
        return tuple(value)

    def some_texts(self, value: Any, place: str) -> tuple[str, ...]:
        """Return a list of one text or more."""
        if value == []:
            self.wrong(place, "expected one text or more")
        return self.texts(value, place)

    def text(self, value: Any, place: str) -> str:
        """Return a text that is not empty; `""` after a mistake."""
        if isinstance(value, str) and value:
            return value
        self.wrong(place, "expected a text that is not empty")
        return ""

    def choice(self, value: Any, place: str, choices: Collection[str]) -> str:
        """Return one of the allowed words, or `""` after a mistake."""
        if isinstance(value, str) and value in choices:
            return value
        near = suggestion(value, choices) if isinstance(value, str) else ""
        self.wrong(place, f"expected one of {', '.join(choices)}{near}")
        return ""

    def flag(self, value: Any, place: str) -> bool:
        """Return true or false."""
        if not isinstance(value, bool):
            self.wrong(place, "expected true or false")
        return value is True


def within(place: str, name: str) -> str:
    """Return the place of a member."""
    return f"{place}.{shown(name)}" if place else shown(name)
