"""What is dangerous in a document of rules, and which rule gives which claim."""

from collections.abc import Iterator, Mapping
from typing import Any

from cognito_claims.claims import Claims
from cognito_claims.plugin import PluginEntry
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.rules.conditions import Conditions
from cognito_claims.rules.document import Document
from cognito_claims.rules.guard import Guard
from cognito_claims.rules.reader import within
from cognito_claims.rules.rule import Rule
from cognito_claims.rules.sources import Source
from cognito_claims.tools.findings import Finding

MOST_BYTES = 2500
_VARIABLE = "MAPPER_RULES"
_WRITABLE = "app clients may write it unless their WriteAttributes leave it out"
_STALE = "a provider that sends no list any more leaves the last one with the user"
_REFRESH = "a refresh may come without client_metadata, and then has the default"
_BY_CALLER = "whoever calls chooses among them, and nothing proves which is theirs"
_TEXT_ONLY = "is a text, so it never equals a number, true or false"


def mappers_of(plugins: Mapping[str, PluginEntry]) -> dict[str, Mapper]:
    """Return the plugins that follow a document, by name."""
    return {n: entry.plugin for n, entry in plugins.items() if isinstance(entry.plugin, Mapper)}


def attributes_of(plugins: Mapping[str, PluginEntry]) -> set[str]:
    """Return the attributes that rules read, whoever they apply to."""
    return {
        source.name
        for mapper in mappers_of(plugins).values()
        for source in _sources(mapper.document)
        if is_writable(source)
    }


def _sources(document: Document) -> Iterator[Source]:
    top = [*(claim.rule for claim in document.claims), *(entry.rule for entry in document.groups)]
    top += [rule for rule in (document.tenant, document.scopes_from) if rule is not None]
    rules = [rule for each in top for rule in nested(each)]
    guards = [rule.guard for rule in rules] + [entry.guard for entry in document.groups]
    guards += _limits(document)
    for rule in rules:
        yield from rule.sources
    for conditions in (each for guard in guards for each in guard.conditions):
        yield from (source for source, _ in conditions.sources.values())


def _limits(document: Document) -> list[Guard]:
    """Return the conditions of what is refused, and of scopes."""
    scopes = (*document.scopes, *document.suppressed_scopes)
    return [denial.guard for denial in document.denials] + [scope.guard for scope in scopes]


def size_finding(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Warn of a document that fills the function's environment."""
    text = environ.get(_VARIABLE, "").strip()
    size = len(text.encode())
    if text.startswith("{") and size > MOST_BYTES:
        told = f"{size:,} bytes of JSON, and Lambda takes 4 KB for all variables"
        remedy = "put it into a file beside the function's code, and name the file here"
        yield Finding.warning("rules-size", f"{_VARIABLE}: {told}; {remedy}")


def document_findings(name: str, document: Document) -> Iterator[Finding]:
    """Warn of what is dangerous in a document; `name` is the plugin's."""
    for code, place, told in dict.fromkeys(_dangers(document)):
        yield Finding.warning(code, f"{name}: {place}: {told}")


def _dangers(document: Document) -> Iterator[tuple[str, str, str]]:
    for entry in document.groups:
        yield from _of_rights(entry.rule)
        yield from _of_guard(entry.guard)
    if document.tenant is not None:
        yield from _of_tenant(document.tenant)
    if document.scopes_from is not None:
        yield from _of_rights(document.scopes_from)
    for guard in _limits(document):
        yield from _of_guard(guard)
    for claim in document.claims:
        for rule in nested(claim.rule):
            yield from _of_guard(rule.guard)
            yield from _of_among(rule)
            if rule.read_form == "cognito-list" and rule.source is not None:
                yield "stale-list", rule.place, f"{rule.source.name}: {_STALE}"
    yield from _of_lookups(document)


def nested(rule: Rule) -> Iterator[Rule]:
    """Give a rule and all that is nested in it."""
    yield rule
    for inner in rule.inner:
        yield from nested(inner)


def _of_rights(top: Rule) -> Iterator[tuple[str, str, str]]:
    for rule in nested(top):
        yield from _of_guard(rule.guard)
        yield from _of_among(rule)
        for source in rule.sources:
            if is_writable(source) and not (source is rule.source and _is_proven(rule)):
                yield "writable-attribute", rule.place, f"{source.name}: {_WRITABLE}"
        if rule.read_form == "cognito-list" and rule.source is not None:
            yield "stale-list", rule.place, f"{rule.source.name}: {_STALE}"


def _of_tenant(rule: Rule) -> Iterator[tuple[str, str, str]]:
    if _is_proven(rule):  # a default must be among what is the user's own as well
        yield from _of_guard(rule.guard)
        yield from _of_among(rule)
    else:
        yield from _of_rights(rule)
    if rule.source is not None and rule.source.kind == "metadata":
        yield "tenant-on-refresh", rule.place, _REFRESH


def _is_proven(rule: Rule) -> bool:
    """Return whether what was asked for is looked for among what is the user's own."""
    among = rule.among
    return among is not None and (among.source is not None or among.item is not None)


def _of_among(rule: Rule) -> Iterator[tuple[str, str, str]]:
    among, source = rule.among, rule.source
    if among is None or source is None:
        return
    if among.source is None and among.item is None and source.kind == "metadata":
        yield "chosen-by-client", among.place, _BY_CALLER
    if among.source is not None and is_writable(among.source):
        yield "writable-attribute", among.place, f"{among.source.name}: {_WRITABLE}"


def _of_guard(guard: Guard) -> Iterator[tuple[str, str, str]]:
    for conditions in guard.conditions:
        for name, (source, values) in conditions.sources.items():
            place = within(f"{conditions.place}.is", name)
            if is_writable(source):
                yield "writable-attribute", place, _WRITABLE
            if source.lookup is None and not all(isinstance(value, str) for value in values):
                yield "never-equal", place, _TEXT_ONLY


def is_writable(source: Source) -> bool:
    """Return whether an app client may be allowed to write this attribute."""
    return source.kind == "attribute" and source.name != "sub" and "cognito:" not in source.name


def _of_lookups(document: Document) -> Iterator[tuple[str, str, str]]:
    """Warn of an item that must be there, and is asked for under conditions alone."""
    rules = [*(claim.rule for claim in document.claims), document.tenant, document.scopes_from]
    for lookup in document.lookups.values():
        guards = [rule.guard for rule in rules if rule and lookup in rule.lookups]
        guards += [guard for guard in _limits(document) if lookup in guard.lookups]
        if lookup.denies and guards and all(_has_plain(guard.conditions) for guard in guards):
            told = "only rules with conditions use it, so it refuses nobody else"
            yield "no-gate", f"{lookup.place}.absent", told


def _has_plain(conditions: tuple[Conditions, ...]) -> bool:
    return any(each.words != {"is"} or not each.lookups for each in conditions)


def origins(plugins: Mapping[str, PluginEntry], claims: Claims) -> dict[str, Any] | None:
    """Return the place of the rule that gave each claim and scope, None without rules."""
    documents = [mapper.document for mapper in mappers_of(plugins).values()]
    if not documents:
        return None
    found: dict[str, Any] = {"id": {}, "access": {}, "scopes": {}}
    for document in documents:
        for token, given in (("id", claims.id_token), ("access", claims.access_token)):
            for claim in document.claims:
                if token in claim.tokens and claim.name in given.add:
                    found[token][claim.name] = claim.rule.place
            suppressed = document.suppress["id" if token == "id" else "access"] & given.suppress
            found[token] |= dict.fromkeys(sorted(suppressed), f"suppress.{token}")
        found["scopes"] |= _scope_origins(document, claims)
        if document.groups and claims.groups is not None:
            found["groups"] = "groups"
    return found


def _scope_origins(document: Document, claims: Claims) -> dict[str, str]:
    token = claims.access_token
    found = {
        scope.name: within(section, scope.name)
        for section, scopes, given in (
            ("scopes", document.scopes, token.add_scopes),
            ("suppress_scopes", document.suppressed_scopes, token.suppress_scopes),
        )
        for scope in scopes
        if scope.name in given
    }
    if document.scopes_from is not None:
        place = document.scopes_from.place
        found |= dict.fromkeys(sorted(token.add_scopes - found.keys()), place)
    return found
