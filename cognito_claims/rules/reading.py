"""Reads a rule from a document."""

from typing import Any

from cognito_claims.rules.context import Lookup
from cognito_claims.rules.forms import ENCODERS, READERS, something
from cognito_claims.rules.guard import ALWAYS, Guard, read_guard
from cognito_claims.rules.reader import Reader, within
from cognito_claims.rules.rule import Rule
from cognito_claims.rules.sources import KINDS, Among, Kind, Sources
from cognito_claims.settings import suggestion

_GIVERS = ("from", "constant", "object", "first")
_BESIDE_FROM = ("prefix", "read", "values", "among")
_GUARDS = ("when", "unless")
BRANCH = (*_GIVERS, *_BESIDE_FROM, *_GUARDS, "as")
NESTED = (*BRANCH, "default", "absent")
CLAIM = (*NESTED, "to")
TENANT = tuple(word for word in NESTED if word != "object")
SCOPES = ("from", *_BESIDE_FROM, *_GUARDS)
_AMONG = ("from", "prefix", "read", "values")
_LISTS: tuple[Kind, ...] = ("attribute", "list", "lookup")
_MOST_OBJECTS = 5
_DEEPEST = 16


class RuleReader:
    """Reads rules, with the `sources` of the document."""

    __slots__ = ("reader", "sources")

    def __init__(self, sources: Sources) -> None:
        self.sources: Sources = sources
        self.reader: Reader = sources.reader

    def rule(
        self,
        value: Any,
        place: str,
        words: tuple[str, ...],
        *,
        kinds: tuple[Kind, ...] = KINDS,
        around: tuple[int, int] = (0, 0),
    ) -> Rule:
        """Read a rule with these allowed words; `around` counts the rules and objects around it."""
        members = self.reader.members(value, place, words, elsewhere=CLAIM)
        if not isinstance(value, dict):
            return Rule(place)
        rule = Rule(place, self._guard(members, words, place))
        givers = [word for word in _GIVERS if word in words]
        given = sum(word in members for word in givers)
        if given != 1:
            self.reader.wrong(place, f"expected {'one of ' * (len(givers) > 1)}{', '.join(givers)}")
        if around[0] >= _DEEPEST:
            self.reader.wrong(place, f"nested in more than {_DEEPEST} others")
            return rule
        if "from" in members:
            self._from(rule, members, kinds)
        for word in _BESIDE_FROM:
            if given and "from" not in members and word in members and word in words:
                self.reader.wrong(f"{place}.{word}", "is allowed only beside from")
        self._nested(rule, members, around)
        self._result(rule, members, around)
        _sum_up(rule)
        return rule

    def _guard(self, members: dict[str, Any], words: tuple[str, ...], place: str) -> Guard:
        return read_guard(self.sources, members, place) if "when" in words else ALWAYS

    def _from(self, rule: Rule, members: dict[str, Any], kinds: tuple[Kind, ...]) -> None:
        place = rule.place
        source = rule.source = self.sources.read(members["from"], f"{place}.from", kinds)
        if "prefix" in members:
            rule.prefix = self.reader.text(members["prefix"], f"{place}.prefix")
            if source is not None and source.name != "cognito:groups":
                self.reader.wrong(f"{place}.prefix", "is allowed only beside cognito:groups")
        if "read" in members:
            rule.read_form = self.reader.choice(members["read"], f"{place}.read", READERS)
            rule.read = READERS.get(rule.read_form)
            if source is not None and source.kind not in ("attribute", "lookup"):
                told = "is allowed only beside an attribute or a value of a look-up"
                self.reader.wrong(f"{place}.read", told)
        if "values" in members:
            rule.table = self._table(members["values"], f"{place}.values")
        if "among" in members:
            rule.among = self._among(members["among"], f"{place}.among")
        elif source is not None and source.kind == "metadata":
            self.reader.wrong(f"{place}.from", "needs among: a client may send what it likes")

    def _table(self, value: Any, place: str) -> dict[str, str | list[str]]:
        table: dict[str, str | list[str]] = {}
        for key, found in self.reader.table(value, place).items():
            inner = within(place, key)
            if isinstance(found, list):
                table[key] = list(self.reader.some_texts(found, inner))
            else:
                table[key] = self.reader.text(found, inner)
        if value == {}:
            self.reader.wrong(place, "expected a row or more")
        return table

    def _among(self, value: Any, place: str) -> Among:
        members = self.reader.members(value, place, (*_AMONG, "constant", "item"))
        if sum(word in members for word in ("from", "constant", "item")) != 1:
            self.reader.wrong(place, "expected one of from, constant, item")
            return Among(place)
        if "constant" in members:
            texts = self.reader.some_texts(members["constant"], f"{place}.constant")
            return Among(place, texts=texts)
        if "item" in members:
            return Among(place, item=self._item(members["item"], f"{place}.item"))
        return self._listed(members, place)

    def _item(self, value: Any, place: str) -> Lookup | None:
        name = self.reader.text(value, place)
        lookup = self.sources.lookups.get(name)
        if name and lookup is None:
            self.reader.wrong(place, f"no such look-up{suggestion(name, self.sources.lookups)}")
        elif not self.sources.is_in_tenant:
            self.reader.wrong(place, "is allowed only in the section tenant")
        elif lookup is not None and not lookup.proves_tenants:
            whose = "{sub}, {cognito:username}, {email}, {client_id}"
            self.reader.wrong(place, f"its key must hold {{tenant}} and one of {whose}")
        return lookup

    def _listed(self, members: dict[str, Any], place: str) -> Among:
        known = {word: members[word] for word in _AMONG if word in members}
        rule = self.rule(known, place, _AMONG, kinds=_LISTS)
        source = rule.source
        if source is not None and source.kind == "attribute" and rule.read is None:
            self.reader.wrong(f"{place}.from", "gives a text, and a list is needed: add read")
        return Among(place, source=source, allowed=rule.value)

    def _nested(self, rule: Rule, members: dict[str, Any], around: tuple[int, int]) -> None:
        reader, place = self.reader, rule.place
        if "constant" in members:
            rule.constant = self._constant(members["constant"], f"{place}.constant")
        if "object" in members:
            deeper = around[0] + 1, around[1] + 1
            if around[1] >= _MOST_OBJECTS:
                reader.wrong(f"{place}.object", f"nested more than {_MOST_OBJECTS} levels deep")
            if members["object"] == {}:
                reader.wrong(f"{place}.object", "expected a member or more")
            for name, value in reader.table(members["object"], f"{place}.object").items():
                inner = within(f"{place}.object", name)
                rule.members[name] = self.rule(value, inner, NESTED, around=deeper)
        if "first" in members:
            if members["first"] == []:
                reader.wrong(f"{place}.first", "expected an entry or more")
            rule.branches = tuple(
                self.rule(value, inner, BRANCH, around=(around[0] + 1, around[1]))
                for inner, value in reader.entries(members["first"], f"{place}.first")
            )

    def _constant(self, value: Any, place: str) -> Any:
        if something(value) is None:
            self.reader.wrong(place, "is nothing")
        return value

    def _result(self, rule: Rule, members: dict[str, Any], around: tuple[int, int]) -> None:
        place = rule.place
        if "as" in members:
            encoder = self.reader.choice(members["as"], f"{place}.as", ENCODERS)
            rule.encode = ENCODERS.get(encoder)
        if isinstance(members.get("default"), dict):
            deeper = around[0] + 1, around[1]
            rule.default = self.rule(members["default"], f"{place}.default", NESTED, around=deeper)
        elif "default" in members:
            rule.default = Rule(f"{place}.default")
            rule.default.constant = self._constant(members["default"], f"{place}.default")
        if "absent" in members:
            absent = self.reader.choice(members["absent"], f"{place}.absent", ("omit", "deny"))
            rule.denies = absent == "deny"


def _sum_up(rule: Rule) -> None:
    """Record whether the rule itself needs a user, and which look-ups it may use."""
    needs_user = rule.guard.needs_user or any(source.needs_user for source in rule.sources)
    rule.needs_user = needs_user or (rule.among is not None and rule.among.needs_user)
    rule.lookups = rule.guard.lookups.union(
        *(inner.lookups for inner in rule.inner),
        (source.lookup for source in rule.sources if source.lookup is not None),
    )
