"""What a sync writes: the row of one user, as of a moment, and where it goes."""

from collections.abc import Iterator, Mapping, Sequence
from time import gmtime, strftime
from types import MappingProxyType
from typing import NamedTuple, Protocol

from cognito_claims.errors import Problem
from cognito_claims.events import User

USER_NAME = "userName"
COLUMNS: Mapping[str, str] = MappingProxyType({"id": "sub", "username": USER_NAME})  # the guide's
_SUB = "sub"


class Row(NamedTuple):
    """One user's columns, None for an attribute that the user lacks; `at` is the event's time (RFC 3339, UTC)."""

    values: Mapping[str, str | None]
    at: str

    def __repr__(self) -> str:
        """Hide the values, which are a user's."""
        return f"Row(at={self.at!r})"


class Sink(Protocol):
    """Where rows go."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Give the columns, each with its attribute."""
        ...

    def prepare(self, *, deadline: float) -> None:
        """Fetch what can be fetched ahead of the first row."""
        ...

    def write(self, rows: Sequence[Row], *, deadline: float) -> None:
        """Write all of the rows, or raise; `deadline` is on the monotonic clock. Writing a row again is harmless."""
        ...


def row_of(user: User, columns: Mapping[str, str], at: float) -> Row:
    """Give a user's row at that Unix time; an email or phone number that is not verified counts as absent.

    All times have one length and zone, so that they compare as texts.
    """
    values = {
        column: user.name if source == USER_NAME else user.verified(source)
        for column, source in columns.items()
    }
    fraction = int(at % 1 * 1_000_000)
    return Row(values, f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(at))}.{fraction:06d}Z")


def key_of(row: Row, columns: Mapping[str, str]) -> str:
    """Give the user's `sub`."""
    return next(row.values[column] or "" for column, source in columns.items() if source == _SUB)


def column_problems(columns: Mapping[str, str]) -> Iterator[Problem]:
    """Say what is wrong with a mapping of columns from attributes."""
    if not all(is_name(column) for column in columns):
        yield Problem("columns", "a column must be a GraphQL name: letters, digits and _")
    if not all(columns.values()):
        yield Problem("columns", "expected column=attribute")
    if list(columns.values()).count(_SUB) != 1:
        yield Problem("columns", "one column must be taken from sub, as in id=sub")


def is_name(text: str) -> bool:
    """Say whether this is a name in GraphQL's grammar that is not reserved."""
    return text.isascii() and text.isidentifier() and not text.startswith("__")
