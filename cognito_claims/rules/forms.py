"""Forms of a value: how to read a text as a list (`read`), and how to write a value (`as`).

A value that cannot be read or written raises `Unreadable`. Nothing is guessed, and nothing becomes
`false`.
"""

from collections.abc import Callable, Mapping
from json import JSONEncoder, loads
from typing import Any, NoReturn

from cognito_claims.claims import Json
from cognito_claims.rules.context import Unreadable

_LARGEST = 2**53 - 1  # beyond it, readers of JSON take one number for another
_HEX = frozenset("0123456789abcdefABCDEF")
_BOOLEANS = {"true": True, "false": False}
_to_json = JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=dict
).encode


def something(value: Any) -> Any:
    """Return the value, or None for nothing: absent, `""`, null, an empty list or object."""
    if value or isinstance(value, (int, float)):  # false and 0 are values
        return value
    return None


def _cognito_list(text: str) -> list[Json]:
    """Read a list as Cognito stores the values of a provider: `[a, b]`, each URL-encoded.

    (AWS: "Specifying identity provider attribute mappings for your user pool".)
    """
    if not (text.startswith("[") and text.endswith("]") and len(text) > 1):
        return [text]
    return [_url_decoded(item) for item in text[1:-1].split(", ") if item]


def _url_decoded(text: str) -> str:
    first, *pieces = text.replace("+", " ").split("%")
    if not pieces:
        return text.replace("+", " ")
    encoded = first.encode(errors="surrogatepass")
    for piece in pieces:
        if len(piece) < 2 or not _HEX.issuperset(piece[:2]):
            raise Unreadable("has a malformed %")
        encoded += bytes.fromhex(piece[:2]) + piece[2:].encode(errors="surrogatepass")
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        raise Unreadable("is not UTF-8 when decoded") from None


def _json_list(text: str) -> list[Json]:
    try:
        found = loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Unreadable("is not JSON") from None
    if not isinstance(found, list):
        raise Unreadable("is not a JSON list")
    for item in found:
        _scalar(item)
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


READERS: Mapping[str, Callable[[str], list[Json]]] = {
    "cognito-list": _cognito_list,
    "json": _json_list,
    "csv": lambda text: [part for item in text.split(",") if (part := item.strip(" "))],
    "words": lambda text: [word for word in text.split(" ") if word],
}


def _scalar(value: Json) -> str:
    """Return a text, number or boolean as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(_in_range(value))
    raise Unreadable("is not a text, number or boolean")


def _in_range(number: int | float) -> int | float:
    if not -_LARGEST <= number <= _LARGEST:
        raise Unreadable("is a number beyond 2^53-1")
    return number


def _items(value: Json) -> list[str]:
    return (
        [_scalar(item) for item in value] if isinstance(value, (list, tuple)) else [_scalar(value)]
    )


def _as_list(value: Json) -> Json:
    if isinstance(value, (list, tuple)):
        return value
    _scalar(value)
    return [value]


def _as_csv(value: Json) -> str:
    items = _items(value)
    if any("," in item or not item for item in items):
        raise Unreadable("has an item with a comma, or an empty one")
    return ",".join(items)


def _as_words(value: Json) -> str:
    items = _items(value)
    if any(item.split() != [item] for item in items):
        raise Unreadable("has an item with a blank, or an empty one")
    return " ".join(items)


def _as_postgres_array(value: Json) -> str:
    quoted = (item.replace("\\", "\\\\").replace('"', '\\"') for item in _items(value))
    return "{" + ",".join(f'"{item}"' for item in quoted) + "}"


def _as_number(value: Json) -> Json:
    if isinstance(value, str):
        value = _number(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unreadable("is not a number")
    return _in_range(value)


def _number(text: str) -> Json:
    """Read a number in the form of JSON, in ASCII."""
    if not (text.isascii() and text[-1:].isdigit() and text[0] in "-0123456789"):
        return None
    try:
        found: Json = loads(text)
    except ValueError:
        return None
    return found


def _as_boolean(value: Json) -> Json:
    found = _BOOLEANS.get(value) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise Unreadable("is neither true nor false")
    return found


def _as_json(value: Json) -> str:
    try:
        return _to_json(value)
    except (TypeError, ValueError, RecursionError):
        raise Unreadable("cannot be written as JSON") from None


ENCODERS: Mapping[str, Callable[[Any], Json]] = {
    "string": _scalar,
    "list": _as_list,
    "json": _as_json,
    "csv": _as_csv,
    "words": _as_words,
    "postgres_array": _as_postgres_array,
    "number": _as_number,
    "boolean": _as_boolean,
}
