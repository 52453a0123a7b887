"""The row that a sync writes for one user, and the protocol of what takes it."""

from collections.abc import Iterator, Mapping, Sequence
from time import gmtime, strftime
from types import MappingProxyType
from typing import NamedTuple, Protocol

from cognito_claims.errors import Problem
from cognito_claims.events import User

USER_NAME = "userName"
COLUMNS: Mapping[str, str] = MappingProxyType(
    {"id": "sub", "username": USER_NAME}
)  # as in Hasura's guide
_SUB = "sub"


class Row(NamedTuple):
    """One user's columns, with None for a missing attribute.

    `at` is the time of the event (RFC 3339, UTC).
    """

    values: Mapping[str, str | None]
    at: str

    def __repr__(self) -> str:
        """Hide the values, which belong to a user."""
        return f"Row(at={self.at!r})"


class Sink(Protocol):
    """Takes rows."""

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns, each with its attribute."""
        ...

    def prepare(self, *, deadline: float) -> None:
        """Fetch what can be fetched before the first row."""
        ...

    def write(self, rows: Sequence[Row], *, deadline: float) -> None:
        """Write all of the rows, or raise an error; `deadline` is on the monotonic clock.

        To write a row again must be harmless.
        """
        ...


def row_of(user: User, columns: Mapping[str, str], at: float) -> Row:
    """Return a user's row at that Unix time.

    An email or phone number that is not verified counts as absent. All times have the same length
    and zone, so that they compare as strings.
    """
    values = {
        column: user.name if source == USER_NAME else user.verified(source)
        for column, source in columns.items()
    }
    fraction = int(at % 1 * 1_000_000)
    return Row(values, f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(at))}.{fraction:06d}Z")


def key_of(row: Row, columns: Mapping[str, str]) -> str:
    """Return the user's `sub`."""
    return next(row.values[column] or "" for column, source in columns.items() if source == _SUB)


def column_problems(columns: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with a mapping of columns to attributes."""
    if not all(is_name(column) for column in columns):
        yield Problem("columns", "a column must be a GraphQL name: letters, digits and _")
    if not all(columns.values()):
        yield Problem("columns", "expected column=attribute")
    if list(columns.values()).count(_SUB) != 1:
        yield Problem("columns", "one column must be taken from sub, as in id=sub")


def is_name(text: str) -> bool:
    """Return whether this is a name in GraphQL's grammar and not reserved."""
    return text.isascii() and text.isidentifier() and not text.startswith("__")
