"""What the worker reads in a message: a row, or the reason why the text is not a row."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from cognito_claims.clients.http import json_object
from cognito_claims.sync.rows import Row, key_of

CLOCK_SKEW_S = 300.0
"""By how much the sender's clock may be ahead of the worker's."""

_DIGITS = frozenset("0123456789")
_TIME = "0000-00-00T00:00:00.000000Z"


def from_message(
    body: str, columns: Mapping[str, str], *, now: float
) -> Row | Literal["malformed", "other-columns", "future"]:
    """Return the row in a message's body, or why it is not a row with exactly these columns.

    `now` is a Unix time. A row from the future would block every later row of this user.
    """
    content = json_object(body) or {}
    values, text = content.get("values"), content.get("at")
    if content.keys() != {"at", "values"} or not isinstance(values, dict):
        return "malformed"
    texts = all(value is None or isinstance(value, str) for value in values.values())
    at = _time(text) if texts and isinstance(text, str) else None
    if at is None:
        return "malformed"
    if values.keys() != columns.keys():
        return "other-columns"
    row = Row(values, str(text))
    if not key_of(row, columns):
        return "malformed"
    return "future" if at > now + CLOCK_SKEW_S else row


def _time(text: str) -> float | None:
    """Return the Unix time of a text in the format of `row_of`, or None for another text."""
    if "".join("0" if letter in _DIGITS else letter for letter in text) != _TIME:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
