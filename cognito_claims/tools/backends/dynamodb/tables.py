"""The tables that a document of rules looks into: their keys, and what is read of their items."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cognito_claims.plugins.mapper import Mapper
from cognito_claims.rules.context import Lookup
from cognito_claims.rules.lookups import DynamoDBTable
from cognito_claims.rules.templates import Template
from cognito_claims.tools.errors import UnusableInput

Key = Mapping[str, Template]


class Table(NamedTuple):
    """A table, by name or ARN; `keys` are the key of each look-up, all of the same attributes."""

    table: str
    region: str | None
    keys: tuple[Key, ...]
    attributes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The table's name, without what an ARN says before it."""
        return self.table.rpartition("/")[2]

    @property
    def types(self) -> dict[str, str]:
        """The type of each attribute of the key: `S` or `N`."""
        return types_of(self.keys[0])


def tables_of(mapper: Mapper) -> list[Table]:
    """Return the tables of a plugin's look-ups; raise `UnusableInput` where one has two different keys."""
    found: dict[str, list[Lookup]] = {}
    for lookup in mapper.document.lookups.values():
        if isinstance(lookup.store, DynamoDBTable):
            found.setdefault(lookup.store.table, []).append(lookup)
    return [_table(name, lookups) for name, lookups in found.items()]


def types_of(key: Key) -> dict[str, str]:
    """Return the type of each attribute of a key."""
    return {name: "N" if template.is_number else "S" for name, template in key.items()}


def _table(name: str, lookups: Iterable[Lookup]) -> Table:
    keys: list[Key] = []
    attributes: dict[str, None] = {}
    region = None
    for lookup in lookups:
        store = lookup.store
        assert isinstance(store, DynamoDBTable)  # noqa: S101  (so `tables_of` has chosen them)
        if keys and [*types_of(store.key).items()] != [*types_of(keys[0]).items()]:
            told = "another look-up has another key for the same table"
            raise UnusableInput(f"{lookup.place}.dynamodb.key: {told}")
        keys.append(store.key)
        attributes |= dict.fromkeys((*store.key, *sorted(lookup.attributes)))
        region = store.region or region
    return Table(name, region, tuple(keys), tuple(attributes))
