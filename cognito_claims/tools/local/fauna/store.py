"""What the stand-in of Fauna holds: documents, tokens, and what a key's holder may do."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import count
from threading import Lock
from typing import NamedTuple

from cognito_claims.tools.local.fauna.query import FaunaSignIn, Refusal


class Key(NamedTuple):
    """What the holder of a secret may do; a token may do nothing."""

    read: bool = True
    create: bool = True
    mint: bool = True


class Document(NamedTuple):
    """A user's document: its one field."""

    id: str
    data: Mapping[str, str]


class IssuedToken(NamedTuple):
    """A token for a document, until `ttl`."""

    id: str
    secret: str
    document: str
    ttl: datetime
    data: Mapping[str, str] | None


class Store:
    """Documents with one unique field, and tokens; one query at a time, all of it or nothing."""

    def __init__(self, clock: Callable[[], datetime], keys: Mapping[str, Key], field: str) -> None:
        self.documents: list[Document] = []
        self.tokens: list[IssuedToken] = []
        self.races_to_lose: int = 0
        self._clock, self._keys, self._field = clock, keys, field
        self._ids, self._lock = count(412345678901234567), Lock()

    def key(self, authorization: str) -> Key:
        """Give the rights of `Bearer <secret>`."""
        no_right, now = Key(read=False, create=False, mint=False), self._clock()
        rights = {token.secret: no_right for token in list(self.tokens) if token.ttl > now}
        rights |= self._keys
        scheme, _, secret = authorization.partition(" ")
        if scheme != "Bearer" or secret not in rights:
            raise Refusal("unauthorized", "the secret is not valid", status=401)
        return rights[secret]

    def sign_in(self, key: Key, query: FaunaSignIn) -> dict[str, object]:
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
            raise Refusal("permission_denied", "no right to create a document")
        if not who or (known and not seen):
            raise Refusal("constraint_failure", "the field must be unique", field=self._field)
        if not key.mint:
            raise Refusal("permission_denied", "no right to create a Token")
        if seen is None:
            seen = Document(str(next(self._ids)), {self._field: who})
            self.documents.append(seen)
            if self.races_to_lose:
                self.races_to_lose -= 1  # the document is the winner's
                raise Refusal("contended_transaction", "attempts are spent", status=409)
        return seen

    def _mint(self, user: Document, ttl: datetime, data: Mapping[str, str] | None) -> IssuedToken:
        secret = f"fnE{secrets.token_urlsafe(36)}"
        self.tokens.append(IssuedToken(str(next(self._ids)), secret, user.id, ttl, data))
        return self.tokens[-1]
