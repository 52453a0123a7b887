"""`Document`: the content of a JSON document, parsed once."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from cognito_claims.claims import GROUP_CLAIMS, Token
from cognito_claims.errors import SettingsError
from cognito_claims.rules.context import Lookup
from cognito_claims.rules.decoding import copied
from cognito_claims.rules.reader import Reader, within
from cognito_claims.rules.reading import TENANT, RuleReader
from cognito_claims.rules.rule import Rule
from cognito_claims.rules.sections import (
    Claim,
    Denial,
    GroupsRule,
    Scope,
    is_of_machines,
    read_claims,
    read_denials,
    read_scopes,
    read_scopes_from,
    read_suppressed,
    texts_of_table,
)
from cognito_claims.rules.sources import TAKEN, Sources

SECTIONS = (
    "$schema",
    "lookups",
    "email_providers",
    "groups",
    "tenant",
    "deny",
    "claims",
    "scopes",
    "scopes_from",
    "suppress_scopes",
    "suppress",
    "backends",
)


class Document:
    """The rules of a document; raises `SettingsError` with every mistake and its place."""

    def __init__(self, document: object) -> None:
        reader = Reader()
        sections = reader.members(copied(document, reader), "", SECTIONS)
        lookups = _read_lookups(reader, sections)
        sources = Sources(reader, lookups, has_tenant="tenant" in sections)
        rules = RuleReader(sources)
        self.lookups: Mapping[str, Lookup] = lookups
        self.tenant: Rule | None = _read_tenant(rules, sections)
        self.email_providers: frozenset[str] = frozenset(
            _texts(reader, sections, "email_providers")
        )
        self.backends: tuple[str, ...] = _texts(reader, sections, "backends")
        self.groups: list[GroupsRule] = _read_groups(rules, sections)
        self.denials: list[Denial] = read_denials(sources, sections.get("deny", []))
        self.claims: list[Claim] = read_claims(rules, sections.get("claims", {}))
        self.scopes: list[Scope] = read_scopes(
            sources, sections.get("scopes", {}), "scopes", added=True
        )
        self.suppressed_scopes: list[Scope] = read_scopes(
            sources, sections.get("suppress_scopes", {}), "suppress_scopes", added=False
        )
        self.scopes_from: Rule | None = None
        if "scopes_from" in sections:
            self.scopes_from = read_scopes_from(rules, sections["scopes_from"])
        self.suppress: Mapping[Token, frozenset[str]] = read_suppressed(
            reader, sections.get("suppress", {})
        )
        if "$schema" in sections:
            reader.text(sections["$schema"], "$schema")
        self._refuse_both(reader)
        if reader.problems:
            raise SettingsError(tuple(reader.problems))

    def _refuse_both(self, reader: Reader) -> None:
        """Tell of what is both added and suppressed."""
        for claim in self.claims:
            for token in claim.tokens:
                if claim.name in self.suppress[token]:
                    told = f"is both added and suppressed in the {token} token"
                    reader.wrong(within("claims", claim.name), told)
        suppressed = {scope.name for scope in self.suppressed_scopes}
        given = {} if self.scopes_from is None else texts_of_table(self.scopes_from)
        for name in (*(scope.name for scope in self.scopes), *given):
            if name in suppressed:
                reader.wrong(within("suppress_scopes", name), "is both added and suppressed")

    @property
    def decides_groups(self) -> bool:
        """Whether the document decides on groups, or suppresses them in a token."""
        return bool(self.groups) or any(
            not GROUP_CLAIMS.isdisjoint(names) for names in self.suppress.values()
        )

    @property
    def owns(self) -> dict[Token, frozenset[str]]:
        """The claims that it adds or suppresses, by token."""
        owned: dict[Token, set[str]] = {token: set(names) for token, names in self.suppress.items()}
        for claim in self.claims:
            for token in claim.tokens:
                owned[token].add(claim.name)
        return {token: frozenset(names) for token, names in owned.items()}

    @property
    def tokens(self) -> frozenset[Token]:
        """The tokens that it changes."""
        owned: set[Token] = {token for token, names in self.owns.items() if names}
        if self.scopes or self.suppressed_scopes or self.scopes_from is not None:
            owned.add("access")
        return frozenset(owned)

    @property
    def restricts(self) -> str | None:
        """The place of a rule that removes a right, so that the plugin cannot be left out."""
        sections = {
            "deny": self.denials,
            "groups": self.groups,
            "suppress": any(self.suppress.values()),
            "suppress_scopes": self.suppressed_scopes,
        }
        for section, found in sections.items():
            if found:
                return section
        rules = [claim.rule for claim in self.claims]
        rules += [rule for rule in (self.tenant, self.scopes_from) if rule is not None]
        denying = (denied_at(rule) for rule in rules)
        lookups = (f"{lookup.place}.absent" for lookup in self.lookups.values() if lookup.denies)
        return next((place for place in (*denying, *lookups) if place is not None), None)


def denied_at(rule: Rule) -> str | None:
    """Return the place of an `absent: deny` in a rule or in a nested rule."""
    if rule.denies:
        return f"{rule.place}.absent"
    return next((place for inner in rule.inner if (place := denied_at(inner)) is not None), None)


def _read_tenant(rules: RuleReader, sections: Mapping[str, Any]) -> Rule | None:
    if "tenant" not in sections:
        return None
    sources = rules.sources
    sources.is_in_tenant = True
    rule = rules.rule(sections["tenant"], "tenant", TENANT)
    sources.is_in_tenant = False
    sources.tenant_needs_user = not is_of_machines(rule)
    for lookup in sources.lookups.values():
        if lookup.uses_tenant and sources.tenant_needs_user:
            lookup.needs_user = True
    return rule


def _read_lookups(reader: Reader, sections: Mapping[str, Any]) -> dict[str, Lookup]:
    if "lookups" not in sections:
        return {}
    read: Any = import_module("cognito_claims.rules.lookups").read_lookups
    found: dict[str, Lookup] = read(reader, sections["lookups"], TAKEN)
    return found


def _read_groups(rules: RuleReader, sections: Mapping[str, Any]) -> list[GroupsRule]:
    if "groups" not in sections:
        return []
    read: Any = import_module("cognito_claims.rules.groups").read_groups
    found: list[GroupsRule] = read(rules, sections["groups"])
    return found


def _texts(reader: Reader, sections: Mapping[str, Any], section: str) -> tuple[str, ...]:
    return reader.texts(sections.get(section, []), section)
