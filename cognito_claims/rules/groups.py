"""How the section `groups` is read; only a document that has it pays for this."""

from typing import Any

from cognito_claims.rules.conditions import read_conditions
from cognito_claims.rules.forms import something
from cognito_claims.rules.guard import ALWAYS, Guard
from cognito_claims.rules.reading import CLAIM, RuleReader
from cognito_claims.rules.sections import GroupsRule
from cognito_claims.rules.sources import Kind

_RULE = ("from", "constant", "read", "values")
_COMPARED: tuple[Kind, ...] = ("attribute", "verified")
_REQUIRED = "required beside an attribute"
_KINDS: tuple[Kind, ...] = ("attribute", "verified", "text", "list")


def read_groups(rules: RuleReader, value: Any) -> list[GroupsRule]:
    """Read one entry, or a list of them."""
    if isinstance(value, list):
        return [_entry(rules, v, place) for place, v in rules.reader.entries(value, "groups")]
    return [_entry(rules, value, "groups")]


def _entry(rules: RuleReader, value: Any, place: str) -> GroupsRule:
    reader = rules.reader
    members = dict(reader.members(value, place, (*_RULE, "when", "keep"), elsewhere=CLAIM))
    is_added = reader.flag(members.pop("keep", False), f"{place}.keep")
    known = {word: members[word] for word in _RULE if word in members}
    rule = rules.rule(known, place, _RULE, kinds=_KINDS)
    reads_attribute = rule.source is not None and rule.source.kind == "attribute"
    guard = ALWAYS
    if "when" in members:
        conditions = read_conditions(
            rules.sources,
            members["when"],
            f"{place}.when",
            kinds=_COMPARED,
            needs_all_providers=reads_attribute,
        )
        guard = Guard(conditions)
    if reads_attribute and rule.table is None:
        reader.wrong(f"{place}.values", f"{_REQUIRED}: which of its texts give which groups")
    if reads_attribute and not (guard.when and "providers" in guard.when.words):
        reader.wrong(f"{place}.when", f"{_REQUIRED}: providers, whose users it is read of")
    if "constant" in members:
        _check_constant(rules, members["constant"], f"{place}.constant")
    return GroupsRule(guard, rule, is_added=is_added)


def _check_constant(rules: RuleReader, value: Any, place: str) -> None:
    if isinstance(value, list) and value:
        rules.reader.texts(value, place)
    elif value is not None and not isinstance(value, str) and something(value) is not None:
        rules.reader.wrong(place, "expected a group or a list of groups")
