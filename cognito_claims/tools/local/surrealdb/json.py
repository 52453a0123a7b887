"""SurrealDB's values in JSON, which has no word for most of them: as its server reads and writes them."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

from surrealdb import RecordID
from surrealdb.cbor import CBORTag
from surrealdb.data.types import constants

_RECORD = re.compile(r"([A-Za-z_]\w*):(\w+)")
_SECOND = 10**9
_DAY = 86_400 * _SECOND
_UNITS = (
    *(("y", 365 * _DAY), ("w", 7 * _DAY), ("d", _DAY), ("h", 3600 * _SECOND), ("m", 60 * _SECOND)),
    *(("s", _SECOND), ("ms", 10**6), ("µs", 1000), ("ns", 1)),
)


def from_json(body: bytes) -> Any:
    """Read what will be written in CBOR; raises ValueError, RecursionError."""
    return _as_the_server_reads(json.loads(body, parse_constant=_finite, parse_float=_finite))


def to_json(cbor: object) -> bytes:
    """Write what was read from CBOR, tags and all; a geometry comes without its type."""
    return json.dumps(cbor, default=_plain, ensure_ascii=False).encode()


def _plain(value: object) -> object:
    """Give what JSON can hold; what is no tag is a UUID."""
    if not isinstance(value, CBORTag):
        return str(value)
    match value.tag, value.value:
        case constants.TAG_NONE, _:
            return None
        case constants.TAG_RECORD_ID, [table, key]:
            return str(RecordID(table, key))
        case constants.TAG_DATETIME_COMPACT, [seconds, nanoseconds]:
            return _datetime(seconds, nanoseconds)
        case constants.TAG_DURATION_COMPACT, [*parts]:
            return _duration(*parts)
        case _, inner:
            return inner


def _datetime(seconds: int, nanoseconds: int) -> str:
    """Write three, six or nine digits of the second, or none."""
    digits = re.sub("(000)+$", "", f"{nanoseconds:09}")
    whole = datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")
    return f"{whole}.{digits}Z" if digits else f"{whole}Z"


def _duration(seconds: int = 0, nanoseconds: int = 0) -> str:
    written, left = "", seconds * _SECOND + nanoseconds
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        written += f"{count}{unit}" if count else ""
    return written or "0ns"


def _finite(text: str) -> float:
    """Read a number; what JSON has no word for could not be written back."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("no number of JSON's")
    return number


def _as_the_server_reads(value: Any) -> Any:
    """Turn a string of JSON that begins like a record id into one (surrealdb/surrealdb#5671)."""
    if isinstance(value, dict):
        return {name: _as_the_server_reads(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_the_server_reads(each) for each in value]
    found = _RECORD.match(value) if isinstance(value, str) else None
    return CBORTag(constants.TAG_RECORD_ID, [*found.groups()]) if found else value
