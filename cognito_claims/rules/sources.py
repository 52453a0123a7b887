"""Sources: where the value of a rule comes from (`from`), and the values that a user may ask for."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, get_args

from cognito_claims.claims import Json
from cognito_claims.errors import RuleError
from cognito_claims.rules.context import Context, Lookup, refusal
from cognito_claims.rules.reader import Reader
from cognito_claims.settings import suggestion

Get: TypeAlias = Callable[[Context], Json]
Kind: TypeAlias = Literal["attribute", "verified", "text", "list", "metadata", "tenant", "lookup"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STANDARD = frozenset(
    ("address", "birthdate", "family_name", "gender", "given_name", "locale", "middle_name")
) | {"name", "nickname", "picture", "preferred_username", "profile", "sub", "updated_at", "website"}
STANDARD |= {"zoneinfo"}
_VERIFIED = ("email", "phone_number")
_METADATA = "client_metadata"
_NO_SOURCES = {
    "email_verified": "is not a source: email gives nothing unless it is verified",
    "phone_number_verified": "is not a source: phone_number gives nothing unless it is verified",
    "identities": "is not a source: provider gives the names of the user's providers",
    _METADATA: "expected a key, as in client_metadata.tenant",
}


class Source:
    """One source. `lookup` is the look-up whose item it reads."""

    __slots__ = ("get", "kind", "lookup", "name", "needs_user")

    def __init__(
        self, name: str, kind: Kind, get: Get, *, needs_user: bool, lookup: Lookup | None = None
    ) -> None:
        self.name: str = name
        self.kind: Kind = kind
        self.get: Get = get
        self.needs_user: bool = needs_user
        self.lookup: Lookup | None = lookup

    @property
    def is_of_machines(self) -> bool:
        """Whether a rule with this source applies to a machine token without a condition."""
        if self.lookup is not None:
            return self.lookup.is_by_client
        return self.name in ("client_id", "scope")


_NAMED: Mapping[str, tuple[Kind, Get, bool]] = {
    "client_id": ("text", lambda context: context.event.client_id, False),
    "cognito:groups": ("list", lambda context: list(context.groups), True),
    "cognito:username": (
        "text",
        lambda context: None if context.event.user is None else context.event.user.name,
        True,
    ),
    "provider": ("list", lambda context: list(context.providers), True),
    "scope": ("list", lambda context: list(context.event.scopes), False),
    "tenant": ("tenant", lambda context: context.tenant, False),
}
TAKEN = STANDARD.union(_NAMED, _VERIFIED, _NO_SOURCES)
"""What no look-up may be called."""


class Sources:
    """The sources of a document, with those of its sections `lookups` and `tenant`."""

    __slots__ = ("has_tenant", "is_in_tenant", "lookups", "reader", "tenant_needs_user")

    def __init__(self, reader: Reader, lookups: Mapping[str, Lookup], *, has_tenant: bool) -> None:
        self.reader: Reader = reader
        self.lookups: Mapping[str, Lookup] = lookups
        self.has_tenant: bool = has_tenant
        self.is_in_tenant: bool = False
        self.tenant_needs_user: bool = True

    def read(self, value: Any, place: str, kinds: tuple[Kind, ...] = KINDS) -> Source | None:
        """Return the source that a text names, if it is of one of these kinds."""
        name = self.reader.text(value, place)
        if not name:
            return None
        try:
            source = _source(name, self.lookups)
        except ValueError as error:
            self.reader.wrong(place, str(error))
            return None
        problem = self._problem(source, kinds)
        if problem is not None:
            self.reader.wrong(place, problem)
            return None
        if source.kind == "tenant":
            source.needs_user = self.tenant_needs_user
        return source

    def _problem(self, source: Source, kinds: tuple[Kind, ...]) -> str | None:
        if source.kind not in kinds:
            return "this source may not be used here"
        if source.kind == "tenant" and not self.has_tenant:
            return "the document has no section tenant"
        if self.is_in_tenant and source.kind == "tenant":
            return "the tenant cannot depend on itself"
        if self.is_in_tenant and source.lookup is not None and source.lookup.uses_tenant:
            return "the tenant cannot depend on a look-up whose key holds {tenant}"
        return None


def _source(name: str, lookups: Mapping[str, Lookup]) -> Source:
    if name in _NAMED:
        kind, get, needs_user = _NAMED[name]
        return Source(name, kind, get, needs_user=needs_user)
    if ":" in name or name in STANDARD:
        return Source(name, "attribute", lambda c: c.attributes.get(name), needs_user=True)
    if name in _VERIFIED:
        return Source(name, "verified", lambda c: c.trusted(name), needs_user=True)
    if name in _NO_SOURCES:
        raise ValueError(_NO_SOURCES[name])
    first, _, rest = name.partition(".")
    if first == _METADATA and rest:
        get = lambda c: c.event.client_metadata.get(rest)  # noqa: E731  (as the others)
        return Source(name, "metadata", get, needs_user=False)
    if first in lookups:
        return _looked_up(name, lookups[first], rest.split("."))
    known = (*STANDARD, *_NAMED, *_VERIFIED, f"{_METADATA}.", *(f"{each}." for each in lookups))
    raise ValueError(f"no such source{suggestion(name, known)}")


def _looked_up(name: str, lookup: Lookup, path: list[str]) -> Source:
    if "" in path:
        raise ValueError("expected a look-up and names, as in member.plan")
    lookup.attributes.add(path[0])

    def get(context: Context) -> Json:
        value: Any = context.items[lookup.name]
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        found: Json = value
        return found

    return Source(name, "lookup", get, needs_user=lookup.needs_user, lookup=lookup)


class Among:
    """The allowed values: a list of texts, a source of such a list, or a look-up.

    A look-up allows a value if it finds an item for it.
    """

    __slots__ = ("_allowed", "_texts", "item", "place", "source")

    def __init__(
        self,
        place: str,
        *,
        texts: tuple[str, ...] = (),
        source: Source | None = None,
        allowed: Callable[[Context], Json] | None = None,
        item: Lookup | None = None,
    ) -> None:
        self.place: str = place
        self.source: Source | None = source
        self.item: Lookup | None = item
        self._texts = texts
        self._allowed = allowed

    @property
    def needs_user(self) -> bool:
        """Whether there are no allowed values without a user."""
        return any(each is not None and each.needs_user for each in (self.source, self.item))

    def has(self, context: Context, asked: Json) -> bool:
        """Return whether all requested values are allowed."""
        if self.item is not None:
            return isinstance(asked, str) and context.is_member(self.item, asked)
        items = asked if isinstance(asked, (list, tuple)) else (asked,)
        allowed = self._all(context)
        return all(isinstance(item, str) and item in allowed for item in items)

    def only(self, context: Context, place: str) -> str | None:
        """Return the only allowed value, for a request without one; refuse if there are several."""
        if self.source is None:
            return None
        found = self._all(context)
        if len(found) > 1:
            raise refusal(place, "nothing was asked for, and more than one is allowed")
        return next(iter(found), None)

    def _all(self, context: Context) -> dict[str, None]:
        if self._allowed is None:
            return dict.fromkeys(self._texts)
        found = self._allowed(context)
        if found is None:
            return {}
        if not isinstance(found, (list, tuple)):
            raise RuleError(
                self.place, "" if self.source is None else self.source.name, "is not a list"
            )
        return dict.fromkeys(item for item in found if isinstance(item, str) and item)
