"""What the stand-in of Fauna holds, and the two queries that it understands."""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import count
from threading import Lock
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


class FaunaError(Exception):
    """A refusal, as the server words it."""

    def __init__(self, code: str, message: str, *, status: int = 400, field: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field

    def body(self) -> dict[str, object]:
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.code == "constraint_failure":
            error["constraint_failures"] = [{"paths": [[self.field]], "message": self.message}]
        if self.code == "abort":
            error["abort"] = {"@int": "1"}
        return {"error": error, "summary": f"error: {self.message}"}


class Key(NamedTuple):
    """What the holder of a secret may do; a token may do nothing."""

    read: bool = True
    create: bool = True
    mint: bool = True


class Document(NamedTuple):
    id: str
    data: Mapping[str, str]


class Token(NamedTuple):
    id: str
    secret: str
    document: str
    ttl: datetime
    data: Mapping[str, str] | None


class SignIn(NamedTuple):
    """One of the two queries; `refresh_seconds` is None in the simple one."""

    who: str | None
    seconds: int
    refresh_seconds: int | None

    @property
    def static_type(self) -> str:
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
    raise FaunaError("invalid_request", "value: not in the tagged format")


def _fragments(body: bytes) -> tuple[str, list[object]]:
    """Give the query's text, with a hole for each value, and the values."""
    try:
        sent = json.loads(body.decode())
    except ValueError:
        raise FaunaError("invalid_request", "body: not JSON in UTF-8") from None
    if not isinstance(sent, dict) or sent != {"query": sent.get("query"), "arguments": {}}:
        raise FaunaError("invalid_request", "body: not an object of query and empty arguments")
    query, fragments = sent["query"], []
    if isinstance(query, dict) and set(query) == {"fql"} and isinstance(query["fql"], list):
        fragments = query["fql"]
    values = [f["value"] for f in fragments if isinstance(f, dict) and set(f) == {"value"}]
    texts = [f for f in fragments if isinstance(f, str)]
    if not fragments or len(values) + len(texts) < len(fragments):
        raise FaunaError("invalid_request", "query.fql: not a list of strings and values")
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

    def __call__(self, body: bytes) -> SignIn:
        text, tagged = _fragments(body)
        values = [untag(value) for value in tagged]
        known = {3: self._simple, 4: self._pair}.get(len(values))
        if known is None or _tokens(text) != known:
            raise FaunaError("invalid_query", "query: its text is not one that is known here")
        who, again, *lives = values
        seconds = [life for life in lives if type(life) is int and abs(life) < 2**33]
        if not isinstance(who, str | None) or who != again or len(seconds) < len(lives):
            raise FaunaError("invalid_query", "query: its values are not one string and integers")
        return SignIn(who, seconds[-1], seconds[0] if len(seconds) > 1 else None)


class Store:
    """Documents with one unique field, and tokens; one query at a time, all of it or nothing."""

    def __init__(self, clock: Callable[[], datetime], keys: Mapping[str, Key], field: str) -> None:
        self.documents: list[Document] = []
        self.tokens: list[Token] = []
        self.races_to_lose = 0
        self._clock, self._keys, self._field = clock, keys, field
        self._ids, self._lock = count(412345678901234567), Lock()

    def key(self, authorization: str) -> Key:
        """Give the rights of `Bearer <secret>`."""
        no_right, now = Key(read=False, create=False, mint=False), self._clock()
        rights = {token.secret: no_right for token in list(self.tokens) if token.ttl > now}
        rights |= self._keys
        scheme, _, secret = authorization.partition(" ")
        if scheme != "Bearer" or secret not in rights:
            raise FaunaError("unauthorized", "the secret is not valid", status=401)
        return rights[secret]

    def sign_in(self, key: Key, query: SignIn) -> dict[str, object]:
        """Run a query, and give its data."""
        with self._lock:
            user, now = self._user(key, query.who), self._clock()
            until = now + timedelta(seconds=query.seconds)
            if query.refresh_seconds is None:
                token = self._mint(user, until, None)
                expires = {"@time": until.isoformat().replace("+00:00", "Z")}
                return {"userId": user.id, "token": token.secret, "expires": expires}
            refresh_until = now + timedelta(seconds=query.refresh_seconds)
            refresh = self._mint(user, refresh_until, {"type": "refresh"})
            access = self._mint(user, until, {"type": "access", "refresh": refresh.id})
            return {"userId": user.id, "access": access.secret, "refresh": refresh.secret}

    def _user(self, key: Key, who: str | None) -> Document:
        known = next((each for each in self.documents if each.data[self._field] == who), None)
        seen = known if key.read else None
        if not (seen or key.create):
            raise FaunaError("permission_denied", "no right to create a document")
        if not who or (known and not seen):
            raise FaunaError("constraint_failure", "the field must be unique", field=self._field)
        if not key.mint:
            raise FaunaError("permission_denied", "no right to create a Token")
        if seen is None:
            seen = Document(str(next(self._ids)), {self._field: who})
            self.documents.append(seen)
            if self.races_to_lose:
                self.races_to_lose -= 1  # the document is the winner's
                raise FaunaError("contended_transaction", "attempts are spent", status=409)
        return seen

    def _mint(self, user: Document, ttl: datetime, data: Mapping[str, str] | None) -> Token:
        secret = f"fnE{secrets.token_urlsafe(36)}"
        self.tokens.append(Token(str(next(self._ids)), secret, user.id, ttl, data))
        return self.tokens[-1]
