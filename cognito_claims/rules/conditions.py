"""Conditions: `when` and `unless` of a rule, and the conditions of a scope."""

from collections.abc import Callable
from typing import Any, TypeAlias

from cognito_claims.claims import Json
from cognito_claims.errors import RuleError
from cognito_claims.rules.context import Context, Lookup, Unreadable, small
from cognito_claims.rules.reader import within
from cognito_claims.rules.sources import Kind, Source, Sources

_Test: TypeAlias = Callable[[Context], bool]
_WORDS = ("groups", "clients", "scopes", "providers", "email_domains", "is")
_OF_MACHINES = frozenset(("clients", "scopes"))
_COMPARED: tuple[Kind, ...] = ("attribute", "verified", "tenant", "lookup")
_NO_LOOKUPS: frozenset[Lookup] = frozenset()


class Conditions:
    """Conditions that must all hold.

    `words` are the kinds of conditions, and `sources` the sources that are compared.
    """

    __slots__ = ("_looked_up", "_tests", "groups", "lookups", "place", "sources", "words")

    def __init__(self, place: str, words: frozenset[str]) -> None:
        self.place: str = place
        self.words: frozenset[str] = words
        self.groups: frozenset[str] = frozenset()
        self.sources: dict[str, tuple[Source, tuple[Json, ...]]] = {}
        self.lookups: frozenset[Lookup] = _NO_LOOKUPS
        self._tests: list[_Test] = []
        self._looked_up: list[_Test] = []

    def add(self, test: _Test) -> None:
        """Add a condition that needs no look-up."""
        self._tests.append(test)

    def compare(self, source: Source, values: tuple[Json, ...]) -> None:
        """Add a comparison of a source with values."""
        self.sources[source.name] = source, values
        tests = self._tests
        if source.lookup is not None:
            self.lookups |= {source.lookup}
            tests = self._looked_up
        tests.append(lambda context: _is_any(source.get(context), values))

    @property
    def need_user(self) -> bool:
        """Whether they cannot hold for a machine."""
        is_of_users = not self.words <= {*_OF_MACHINES, "is"}
        return is_of_users or any(source.needs_user for source, _ in self.sources.values())

    @property
    def use_tenant(self) -> bool:
        """Whether they compare the tenant."""
        return "tenant" in self.sources

    @property
    def are_of_machines(self) -> bool:
        """Whether they are about app clients and scopes only."""
        return self.words <= _OF_MACHINES

    def plain(self, context: Context) -> bool:
        """Return whether all conditions that need no look-up hold."""
        try:
            for test in self._tests:  # twice as fast as all(...), at every sign-in
                if not test(context):
                    return False
        except Unreadable as error:
            raise RuleError(f"{self.place}.providers", "provider", str(error)) from None
        return True

    def hold(self, context: Context) -> bool:
        """Return whether all conditions hold."""
        if not self.plain(context):
            return False
        return not self._looked_up or all(test(context) for test in self._looked_up)


def _is_any(value: Json, wanted: tuple[Json, ...]) -> bool:
    """Return whether the value, or an item of a list, equals a wanted one; `1` is not `true`."""
    items = value if isinstance(value, (list, tuple)) else (value,)
    return any(
        item == each and isinstance(item, bool) is isinstance(each, bool)
        for item in items
        for each in wanted
    )


def read_conditions(
    sources: Sources,
    value: Any,
    place: str,
    *,
    kinds: tuple[Kind, ...] = _COMPARED,
    needs_all_providers: bool = False,
) -> Conditions:
    """Read conditions; with `of_groups`, all providers of the user must be in the list."""
    reader = sources.reader
    members = reader.members(value, place, _WORDS)
    if value == {}:
        reader.wrong(place, "expected a condition")
    conditions = Conditions(place, frozenset(members))
    lists = {
        word: frozenset(reader.some_texts(members[word], f"{place}.{word}"))
        for word in _WORDS
        if word in members and word != "is"
    }
    for word, wanted in lists.items():
        if word == "email_domains":
            _check_domains(sources, wanted, f"{place}.{word}")
            wanted = frozenset(map(small, wanted))
        if word == "groups":
            conditions.groups = wanted
        conditions.add(_test(word, wanted, needs_all=needs_all_providers))
    if "is" in members:
        _read_comparisons(sources, conditions, members["is"], f"{place}.is", kinds)
    return conditions


def _test(word: str, wanted: frozenset[str], *, needs_all: bool) -> _Test:
    if word == "providers" and needs_all:
        return lambda context: _are_all_in(context, wanted)
    tests: dict[str, _Test] = {
        "clients": lambda context: context.event.client_id in wanted,
        "email_domains": lambda context: context.email_domain in wanted,
        "groups": lambda context: not wanted.isdisjoint(context.groups),
        "providers": lambda context: not wanted.isdisjoint(context.providers),
        "scopes": lambda context: not wanted.isdisjoint(context.event.scopes),
    }
    return tests[word]


def _are_all_in(context: Context, wanted: frozenset[str]) -> bool:
    user = context.event.user
    providers = None if user is None else user.providers
    return bool(providers) and wanted.issuperset(providers or ())


def _check_domains(sources: Sources, domains: frozenset[str], place: str) -> None:
    if any("@" in domain for domain in domains):
        sources.reader.wrong(place, "expected domains, as in example.com, without @")


def _read_comparisons(
    sources: Sources, conditions: Conditions, value: Any, place: str, kinds: tuple[Kind, ...]
) -> None:
    if value == {}:
        sources.reader.wrong(place, "expected a source")
    for name, wanted in sources.reader.table(value, place).items():
        inner = within(place, name)
        source = sources.read(name, inner, kinds) if name else None
        if not wanted or not isinstance(wanted, list) or not all(map(_is_scalar, wanted)):
            sources.reader.wrong(inner, "expected a list of texts, numbers, true and false")
        elif source is not None:
            conditions.compare(source, tuple(wanted))


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int, float)) and value != ""
