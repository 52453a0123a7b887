"""What look-ups find in a preview: sample items, or, where that is asked for, what is really there."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from cognito_claims.claims import Claims, Json
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.plugin import PluginEntry
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.rules.context import Item, Lookup
from cognito_claims.rules.evaluation import claims_of
from cognito_claims.settings import suggestion
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.evaluation.rules_findings import mappers_of
from cognito_claims.tools.findings import Finding


class LookUps(NamedTuple):
    """The sample items by look-up, None for an absent one; or that tables and services are really asked."""

    items: Mapping[str, Item | None] = MappingProxyType({})
    are_live: bool = False


NO_SAMPLES = LookUps()


class _Sampled:
    """The rules of a document with sample items; `missing` are the look-ups that have none."""

    def __init__(self, mapper: Mapper, items: Mapping[str, Item | None]) -> None:
        self.missing: dict[str, None] = {}
        self._document = mapper.document
        self._items = items

    def __call__(self, event: PreTokenGenerationEvent, /) -> Claims:
        return claims_of(self._document, event, self._find)

    def _find(self, lookup: Lookup, values: Mapping[str, Json]) -> Item | None:
        if not lookup.has_key(values):
            return None
        if lookup.name not in self._items:
            self.missing[lookup.name] = None
        return self._items.get(lookup.name)


def with_look_ups(plugins: Mapping[str, PluginEntry], given: LookUps) -> dict[str, PluginEntry]:
    """Return the plugins, those with look-ups as they are to be asked; raise `UnusableInput` for a wrong name."""
    mappers = {name: each for name, each in mappers_of(plugins).items() if each.document.lookups}
    known = [look_up for mapper in mappers.values() for look_up in mapper.document.lookups]
    problems = [
        f"--item {name}: no such look-up{suggestion(name, known)}"
        for name in given.items
        if name not in known
    ]
    if given.are_live:
        told = "--live asks for it; leave one of the two out"
        problems += [f"--item {name}: {told}" for name in given.items if name in known]
    if problems:
        raise UnusableInput(*problems)
    return {
        name: entry if name not in mappers or given.are_live else _sampled(entry, given.items)
        for name, entry in plugins.items()
    }


def _sampled(entry: PluginEntry, items: Mapping[str, Item | None]) -> PluginEntry:
    sampled = PluginEntry(entry)
    sampled.plugin = _Sampled(entry.plugin, items)
    return sampled


def missing_items(plugins: Mapping[str, PluginEntry]) -> Iterator[Finding]:
    """Tell which look-ups had no sample item, now that the plugins were asked."""
    for name, entry in plugins.items():
        if isinstance(entry.plugin, _Sampled):
            for look_up in entry.plugin.missing:
                told = "is not asked here, and counts as absent; give preview a sample"
                option = f"--item {look_up}=item.json"
                yield Finding.warning("sample", f"{name}: look-up {look_up} {told}: {option}")
