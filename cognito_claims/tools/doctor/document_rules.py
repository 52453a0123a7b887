"""What does not fit between a document of rules and the pool."""

from collections.abc import Iterator
from typing import Any

from cognito_claims.registry import Configuration
from cognito_claims.rules.document import Document
from cognito_claims.rules.guard import Guard
from cognito_claims.rules.rule import Rule
from cognito_claims.rules.sections import Scope, texts_of_table
from cognito_claims.tools.evaluation.rules_findings import mappers_of, nested
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool.description import Facts

_UNKNOWN = "the pool has no group of this name"
_NO_ONE = "the pool has none of these groups, so no user gets it"
_UNVERIFIED = "maps no email_verified, so that its users' emails are nothing"


def document_pool_findings(facts: Facts, configuration: Configuration) -> Iterator[Finding]:
    """Warn of groups that the pool does not have, and of providers whose emails never count."""
    for name, mapper in mappers_of(configuration.plugins).items():
        document = mapper.document
        for place, told in dict.fromkeys(_groups(document, {*facts.groups})):
            yield Finding.warning("unknown-group", f"{name}: {place}: {told}")
        for provider in facts.providers:
            mapping = provider.get("AttributeMapping", {})
            is_named = provider["ProviderName"] in document.email_providers
            if is_named and "email_verified" not in mapping:
                told = f"{name}: email_providers: {provider['ProviderName']} {_UNVERIFIED}"
                yield Finding.warning("provider-email-not-verified", told)


def _groups(document: Document, pool: set[str]) -> Iterator[tuple[str, str]]:
    known = pool | set(_decided(document))
    for scope in document.scopes:
        if _never(scope, known):
            yield f"scopes.{scope.name}", _NO_ONE
    rules = [rule for claim in document.claims for rule in nested(claim.rule)]
    if document.scopes_from is not None:
        rules.append(document.scopes_from)
    for rule in rules:
        yield from _of_table(rule, known)
    for entry in document.groups:
        yield from _of_table(entry.rule, pool)


def _decided(document: Document) -> Iterator[str]:
    """Give the groups that the document itself may decide on."""
    for entry in document.groups:
        if entry.rule.table is not None:
            yield from texts_of_table(entry.rule)
        else:
            given: Any = entry.rule.constant
            yield from [given] if isinstance(given, str) else given or ()


def _never(scope: Scope, known: set[str]) -> bool:
    guard: Guard = scope.guard
    wanted = frozenset() if guard.when is None else guard.when.groups
    return bool(wanted) and wanted.isdisjoint(known)


def _of_table(rule: Rule, known: set[str]) -> Iterator[tuple[str, str]]:
    if rule.source is not None and rule.source.name == "cognito:groups" and rule.table is not None:
        for group in rule.table:
            if f"{rule.prefix}{group}" not in known:
                yield f"{rule.place}.values.{group}", _UNKNOWN
