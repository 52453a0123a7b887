"""`Context`: the view of one event that rules have; `Lookup`: what they may ask a store for."""

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from cognito_claims.claims import Json
from cognito_claims.errors import TokenDenied
from cognito_claims.events import PreTokenGenerationEvent

Item: TypeAlias = Mapping[str, Json]
_OF_A_USER = frozenset(("sub", "cognito:username", "email"))
_OF_A_CLIENT = frozenset(("client_id",))
_NO_TEXTS: Mapping[str, str] = MappingProxyType({})
_UNKNOWN = "the attribute identities cannot be read"


class Unreadable(Exception):  # noqa: N818  (always caught by the rule)
    """A value does not have the type that the rule requires; the text holds no value."""


class Lookup:
    """One look-up.

    `names` are the placeholders of its key; a service always gets the same values. `attributes` are
    those of the item that rules read. `store` is where items come from. An item of one that
    `proves_tenants` proves that this user or client belongs to the tenant.
    """

    __slots__ = (
        "attributes",
        "cache_seconds",
        "denies",
        "name",
        "names",
        "needs_user",
        "place",
        "proves_tenants",
        "store",
    )

    def __init__(
        self, name: str, place: str, store: object, names: frozenset[str] = frozenset()
    ) -> None:
        self.name: str = name
        self.place: str = place
        self.store: object = store
        self.names: frozenset[str] = names
        self.needs_user: bool = not _OF_A_USER.isdisjoint(names)
        self.proves_tenants: bool = False
        self.attributes: set[str] = set()
        self.denies: bool = False
        self.cache_seconds: int = 0

    @property
    def is_by_client(self) -> bool:
        """Whether the app client alone decides which item is found."""
        return self.names == _OF_A_CLIENT

    @property
    def uses_tenant(self) -> bool:
        """Whether its key holds the tenant; the values that a service gets are not a key."""
        return "tenant" in self.names

    def has_key(self, values: Mapping[str, Json]) -> bool:
        """Return whether these values make a key; without one there is no item, and no request."""
        templates: Mapping[str, Any] = getattr(self.store, "key", {})  # a service has no key
        return all(template.text(values) is not None for template in templates.values())


Fetch: TypeAlias = Callable[[Lookup, Mapping[str, Json]], Item | None]
"""Fetches the item for these values (placeholders, `groups`, `trigger_source`): None where there is none.

What fails raises. A value that may not stand in a key (`Template.text` gives None) is no item.
"""
FetchAll: TypeAlias = Callable[[Collection[Lookup], Mapping[str, Json]], Mapping[str, Item | None]]
"""Fetches the items of several look-ups for the same values, by name."""


def items_of(items: Mapping[str, Item | None]) -> Fetch:
    """Return what finds these items, by name: a sample for each look-up whose key the event makes."""
    return lambda lookup, values: items.get(lookup.name) if lookup.has_key(values) else None


class Context:
    """An event, the groups in force, the chosen tenant and the items of look-ups."""

    __slots__ = (
        "_email_providers",
        "_fetch",
        "_fetch_all",
        "_trusted",
        "attributes",
        "event",
        "groups",
        "is_machine",
        "items",
        "tenant",
    )

    def __init__(
        self,
        event: PreTokenGenerationEvent,
        email_providers: frozenset[str],
        fetch: Fetch,
        fetch_all: FetchAll | None = None,
    ) -> None:
        self.event: PreTokenGenerationEvent = event
        self.is_machine: bool = event.user is None
        self.attributes: Mapping[str, str] = (
            _NO_TEXTS if event.user is None else event.user.attributes
        )
        self.groups: tuple[str, ...] = event.groups
        self.tenant: str | None = None
        self.items: dict[str, Item | None] = {}
        self._email_providers = email_providers
        self._trusted: dict[str, str | None] = {}
        self._fetch = fetch
        self._fetch_all = fetch_all

    def trusted(self, attribute: str) -> str | None:
        """Return the email or phone number, if it counts for this user."""
        if attribute not in self._trusted:
            user = self.event.user
            found = None if user is None else user.trusted(attribute, self._email_providers)
            self._trusted[attribute] = found
        return self._trusted[attribute]

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers that the user is linked to; raises `Unreadable`."""
        found = () if self.event.user is None else self.event.user.providers
        if found is None:
            raise Unreadable(_UNKNOWN)
        return found

    @property
    def email_domain(self) -> str | None:
        """The part after the last @ of the email, with ASCII letters in lower case."""
        _, at, domain = (self.trusted("email") or "").rpartition("@")
        return small(domain) if at else None

    def find(self, lookups: Iterable[Lookup]) -> None:
        """Fetch missing items of look-ups; raise `TokenDenied` if a required one does not exist."""
        missing = [lookup for lookup in lookups if lookup.name not in self.items]
        if missing and self._fetch_all is not None:
            self.items |= self._fetch_all(missing, {**self._values(), "tenant": self.tenant})
        else:
            for lookup in missing:
                self.items[lookup.name] = self._fetched(lookup, self.tenant)
        for lookup in lookups:
            if lookup.denies and self.items[lookup.name] is None:
                raise refusal(lookup.place, "no item was found, and absent is deny")

    def is_member(self, lookup: Lookup, tenant: str) -> bool:
        """Return whether the look-up finds an item for this tenant; keep the item."""
        item = self._fetched(lookup, tenant)
        if item is not None:
            self.items[lookup.name] = item
        return item is not None

    def _fetched(self, lookup: Lookup, tenant: str | None) -> Item | None:
        return self._fetch(lookup, {**self._values(), "tenant": tenant})

    def _values(self) -> dict[str, Json]:
        event = self.event
        email = self.trusted("email")
        return {
            "sub": self.attributes.get("sub"),
            "cognito:username": None if event.user is None else event.user.name,
            "email": small(email) if email and email.isascii() else None,
            "client_id": event.client_id,
            "groups": list(self.groups),
            "trigger_source": event.trigger_source,
        }


def refusal(place: str, problem: str, reason: str = TokenDenied.reason) -> TokenDenied:
    """Return the error that refuses the sign-in, with the place of the rule for the log."""
    return TokenDenied(reason, setting=place, problem=problem)


def small(text: str) -> str:
    """Return the text with ASCII letters in lower case; other letters do not change."""
    if text.isascii():
        return text.lower()
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
