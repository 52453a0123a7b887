"""The section `lookups`: where items come from, their keys, and what happens without an item.

This module reads the settings. Another module fetches the items (`Fetch`).
"""

from collections.abc import Mapping
from typing import Any

from cognito_claims.rules.context import Lookup
from cognito_claims.rules.reader import Reader, within
from cognito_claims.rules.templates import Template

_WHOSE = frozenset(("sub", "cognito:username", "email", "client_id"))
_AUTH = ("bearer", "standard-webhooks")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_WORDS = ("dynamodb", "https", "absent", "cache_seconds")


class DynamoDBTable:
    """An item of a table, by its key; each attribute of the key has a template."""

    __slots__ = ("is_consistent", "key", "region", "table")

    def __init__(self, table: str, key: Mapping[str, Template]) -> None:
        self.table: str = table
        self.key: Mapping[str, Template] = key
        self.is_consistent: bool = False
        self.region: str | None = None


class HttpsService:
    """A service that returns an item as JSON."""

    __slots__ = ("auth", "secret", "url")

    def __init__(self, url: str, secret: str, auth: str) -> None:
        self.url: str = url
        self.secret: str = secret
        self.auth: str = auth


def read_lookups(reader: Reader, value: Any, taken: frozenset[str]) -> dict[str, Lookup]:
    """Read the section; the words in `taken` mean another source."""
    lookups = {}
    for name, settings in reader.table(value, "lookups").items():
        place = within("lookups", name)
        if name in taken:
            reader.wrong(place, "is the name of another source")
        elif not name.replace("-", "a").replace("_", "a").isalnum():
            reader.wrong(place, "expected a name of letters, digits, - and _")
        lookups[name] = _lookup(reader, settings, name, place)
    return lookups


def _lookup(reader: Reader, value: Any, name: str, place: str) -> Lookup:
    members = reader.members(value, place, _WORDS)
    store: DynamoDBTable | HttpsService | None = None
    if ("dynamodb" in members) is ("https" in members):
        reader.wrong(place, "expected one of dynamodb, https")
    elif "dynamodb" in members:
        store = _table(reader, members["dynamodb"], f"{place}.dynamodb")
    else:
        store = _service(reader, members["https"], f"{place}.https")
    lookup = _of_store(name, place, store)
    if "absent" in members:
        absent = reader.choice(members["absent"], f"{place}.absent", ("omit", "deny"))
        lookup.denies = absent == "deny"
    seconds = members.get("cache_seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
        reader.wrong(f"{place}.cache_seconds", "expected a whole number of seconds")
    else:
        lookup.cache_seconds = seconds
    return lookup


def _of_store(name: str, place: str, store: DynamoDBTable | HttpsService | None) -> Lookup:
    if not isinstance(store, DynamoDBTable):
        lookup = Lookup(name, place, store)
        lookup.proves_tenants = store is not None
        return lookup
    names = frozenset(name for template in store.key.values() for name in template.names)
    lookup = Lookup(name, place, store, names)
    lookup.proves_tenants = lookup.uses_tenant and not _WHOSE.isdisjoint(names)
    return lookup


def _table(reader: Reader, value: Any, place: str) -> DynamoDBTable:
    members = reader.members(value, place, ("table", "key", "consistent", "region"))
    table = reader.text(members.get("table"), f"{place}.table")
    key = reader.table(members.get("key"), f"{place}.key")
    if len(key) not in (1, 2):
        reader.wrong(f"{place}.key", "expected one attribute or two")
    templates = {}
    for attribute, text in key.items():
        template = _template(reader, text, within(f"{place}.key", attribute))
        if template is not None:
            templates[attribute] = template
    store = DynamoDBTable(table, templates)
    if "consistent" in members:
        store.is_consistent = reader.flag(members["consistent"], f"{place}.consistent")
    if "region" in members:
        store.region = reader.text(members["region"], f"{place}.region")
    return store


def _template(reader: Reader, value: Any, place: str) -> Template | None:
    is_number = isinstance(value, dict)
    if is_number:
        value, place = reader.members(value, place, ("N",)).get("N"), f"{place}.N"
    text = reader.text(value, place)
    if not text:
        return None  # which is told already
    try:
        return Template(text, is_number=is_number)
    except ValueError as error:
        reader.wrong(place, str(error))
        return None


def _service(reader: Reader, value: Any, place: str) -> HttpsService:
    members = reader.members(value, place, ("url", "secret", "auth"))
    url = reader.text(members.get("url"), f"{place}.url")
    if url and not _is_safe(url):
        told = "expected https://; plain http:// is for a loopback address"
        reader.wrong(f"{place}.url", told)
    secret = reader.text(members.get("secret"), f"{place}.secret")
    return HttpsService(url, secret, reader.choice(members.get("auth"), f"{place}.auth", _AUTH))


def _is_safe(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    if scheme == "http":
        name, colon, port = host.rpartition(":")
        return (name if colon and port.isdigit() else host) in _LOOPBACK
    return scheme == "https" and host != "" and "@" not in host
