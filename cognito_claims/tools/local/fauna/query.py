"""The two queries that the stand-in of Fauna understands, and how it refuses others."""

import json
import re
from typing import NamedTuple

_TOKEN = re.compile(r'"[^"\n]*"|\?\?|\w+|\n|\S', re.ASCII)
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_USER = "let user = Customer.byEmail(\0).first() ?? Customer.create({ email: \0 })\n"
_SIMPLE = _USER + (
    'let token = Token.create({ document: user, ttl: Time.now().add(\0, "seconds") })\n'
    "{ userId: user.id, token: token.secret!, expires: token.ttl! }"
)
_PAIR = _USER + (
    "let now = Time.now()\n"
    'let refresh = Token.create({ document: user, ttl: now.add(\0, "seconds"),'
    ' data: { type: "refresh" } })\n'
    'let access = Token.create({ document: user, ttl: now.add(\0, "seconds"),'
    ' data: { type: "access", refresh: refresh.id.toString() } })\n'
    "{ userId: user.id, access: access.secret!, refresh: refresh.secret! }"
)


class Refusal(Exception):  # noqa: N818  (what the server does, not a fault of ours)
    """What the server refuses, as it words it."""

    def __init__(self, code: str, message: str, *, status: int = 400, field: str = "") -> None:
        super().__init__(message)
        self.status: int = status
        self.code: str = code
        self.message: str = message
        self.field: str = field

    def body(self) -> dict[str, object]:
        """Give the answer's body."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.code == "constraint_failure":
            error["constraint_failures"] = [{"paths": [[self.field]], "message": self.message}]
        if self.code == "abort":
            error["abort"] = {"@int": "1"}
        return {"error": error, "summary": f"error: {self.message}"}


class FaunaSignIn(NamedTuple):
    """One of the two queries; `refresh_seconds` is None in the simple one."""

    who: str | None
    seconds: int
    refresh_seconds: int | None

    @property
    def static_type(self) -> str:
        """Give the type of its result, as the server tells it."""
        if self.refresh_seconds is None:
            return "{ userId: ID, token: String, expires: Time }"
        return "{ userId: ID, access: String, refresh: String }"


def untag(value: object) -> str | int | bool | None:
    """Take a value out of the tagged format, in which no number stands bare."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        tag, digits = next(iter(value.items()))
        if isinstance(digits, str) and _INTEGER.fullmatch(digits):
            number = int(digits)
            bits = max(number, ~number).bit_length()
            if (tag == "@int" and bits < 32) or (tag == "@long" and 32 <= bits < 64):
                return number
    raise Refusal("invalid_request", "value: not in the tagged format")


def _fragments(body: bytes) -> tuple[str, list[object]]:
    """Give the query's text, with a hole for each value, and the values."""
    try:
        sent = json.loads(body.decode())
    except ValueError:
        raise Refusal("invalid_request", "body: not JSON in UTF-8") from None
    if not isinstance(sent, dict) or sent != {"query": sent.get("query"), "arguments": {}}:
        raise Refusal("invalid_request", "body: not an object of query and empty arguments")
    query, fragments = sent["query"], []
    if isinstance(query, dict) and set(query) == {"fql"} and isinstance(query["fql"], list):
        fragments = query["fql"]
    values = [f["value"] for f in fragments if isinstance(f, dict) and set(f) == {"value"}]
    texts = [f for f in fragments if isinstance(f, str)]
    if not fragments or len(values) + len(texts) < len(fragments):
        raise Refusal("invalid_request", "query.fql: not a list of strings and values")
    return "".join(f if isinstance(f, str) else "\0" for f in fragments), values


def _tokens(text: str) -> list[str]:
    """Split FQL, where a line's end is white space in brackets and ends a statement elsewhere."""
    tokens: list[str] = []
    depth = 0
    for token in _TOKEN.findall(text.strip(" \n")):
        depth += (token in "([{") - (token in ")]}")
        if token != "\n" or (depth == 0 and tokens[-1] != "\n"):
            tokens.append(token)
    return tokens


class Recogniser:
    """Knows the two queries in the words of one collection, index and field."""

    def __init__(self, collection: str, index: str, field: str) -> None:
        names = {"Customer": collection, "byEmail": index, "email": field}
        self._simple, self._pair = (
            [names.get(token, token) for token in _tokens(query)] for query in (_SIMPLE, _PAIR)
        )

    def __call__(self, body: bytes) -> FaunaSignIn:
        """Read a request's body, or raise `Refusal` for what is none of the two."""
        text, tagged = _fragments(body)
        values = [untag(value) for value in tagged]
        known = {3: self._simple, 4: self._pair}.get(len(values))
        if known is None or _tokens(text) != known:
            raise Refusal("invalid_query", "query: its text is not one that is known here")
        who, again, *lives = values
        seconds = [life for life in lives if type(life) is int and abs(life) < 2**33]
        if not isinstance(who, str | None) or who != again or len(seconds) < len(lives):
            raise Refusal("invalid_query", "query: its values are not one string and integers")
        return FaunaSignIn(who, seconds[-1], seconds[0] if len(seconds) > 1 else None)
