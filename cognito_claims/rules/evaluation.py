"""The result of a document for one event: the decided groups, or the claims.

The order: groups; refusals that need neither look-ups nor the tenant; the tenant, with the look-ups
that it uses; all other look-ups; the other refusals; the rest.
"""

from types import MappingProxyType
from typing import Any

from cognito_claims.claims import Claims, Groups, Json, TokenClaims
from cognito_claims.errors import RuleError
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.rules.context import Context, Fetch, FetchAll, Lookup
from cognito_claims.rules.document import Document
from cognito_claims.rules.rule import Rule
from cognito_claims.rules.sections import GroupsRule, Scope, is_of_machines

_NO_CLAIMS = Claims()


def decided_groups(document: Document, event: PreTokenGenerationEvent) -> Groups | None:
    """Return the groups that the document decides, or None to keep them; uses no look-up."""
    if not document.groups:
        return None
    return _decided(document.groups, Context(event, document.email_providers, no_item))


def _decided(entries: list[GroupsRule], context: Context) -> Groups | None:
    """Return the groups of the entries that apply, or None to keep the groups."""
    if context.is_machine:
        return None
    applying = [entry for entry in entries if entry.guard.applies(context)]
    if not applying:
        return None
    given = [text for entry in applying for text in _group_names(entry.rule.value(context))]
    event = context.event
    if not all(entry.is_added for entry in applying):
        return Groups(tuple(dict.fromkeys(given)))
    if set(given).issubset(event.groups):
        return None
    united = tuple(dict.fromkeys((*event.groups, *given)))
    return Groups(united, event.iam_roles, event.preferred_role)


def _group_names(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [text for text in value if text]


def claims_of(
    document: Document,
    event: PreTokenGenerationEvent,
    fetch: Fetch,
    fetch_all: FetchAll | None = None,
) -> Claims:
    """Return the claims of the document's rules; raise `TokenDenied` or `RuleError`.

    `fetch_all` runs several look-ups in parallel. Without it, `fetch` runs one after the other.
    """
    decided = decided_groups(document, event)
    context = Context(event, document.email_providers, fetch, fetch_all)
    if decided is not None:
        context.groups = decided.groups
    for denial in document.denials:
        if denial.is_early:
            denial.refuse(context)
    _choose_tenant(document, context)
    if document.lookups:
        context.find(_wanted(document, context))
    for denial in document.denials:
        if not denial.is_early:
            denial.refuse(context)
    return _claims(document, context, decided)


def no_item(lookup: Lookup, values: object) -> None:
    """Return None, in place of a look-up."""


def _choose_tenant(document: Document, context: Context) -> None:
    rule = document.tenant
    if rule is None or (context.is_machine and not is_of_machines(rule)):
        return
    wanted: dict[Lookup, None] = {}
    rule.add_wanted(context, wanted)
    context.find(wanted)
    tenant = rule.value(context)
    if tenant is not None and not isinstance(tenant, str):
        raise RuleError("tenant", "", "its value is not a text")
    context.tenant = tenant


def _wanted(document: Document, context: Context) -> dict[Lookup, None]:
    """Return the look-ups that some rule may use for this event."""
    wanted: dict[Lookup, None] = {}
    for denial in document.denials:
        if denial.of_machines or not context.is_machine:
            denial.guard.may_apply(context, wanted)
    for scope in (*document.scopes, *document.suppressed_scopes):
        if scope.of_machines or not context.is_machine:
            scope.guard.may_apply(context, wanted)
    for rule in _applicable(document, context):
        rule.add_wanted(context, wanted)
    return wanted


def _applicable(document: Document, context: Context) -> list[Rule]:
    is_machine = context.is_machine
    rules = [each.rule for each in document.claims if each.of_machines or not is_machine]
    if document.scopes_from is not None and (
        not is_machine or is_of_machines(document.scopes_from)
    ):
        rules.append(document.scopes_from)
    return rules


def _claims(document: Document, context: Context, decided: Groups | None) -> Claims:
    id_token: dict[str, Json] = {}
    access_token: dict[str, Json] = {}
    for claim in document.claims:
        if context.is_machine and not claim.of_machines:
            continue
        value = claim.rule.value(context)
        if value is not None:
            if "id" in claim.tokens and not context.is_machine:
                id_token[claim.name] = value
            if "access" in claim.tokens:
                access_token[claim.name] = value
    suppress = {} if context.is_machine else document.suppress
    return Claims(
        _token(id_token, suppress.get("id", frozenset())),
        _token(
            access_token,
            suppress.get("access", frozenset()),
            _added_scopes(document, context),
            _names(document.suppressed_scopes, context),
        ),
        decided,
    )


def _token(
    add: dict[str, Json],
    suppress: frozenset[str],
    add_scopes: frozenset[str] = frozenset(),
    suppress_scopes: frozenset[str] = frozenset(),
) -> TokenClaims:
    if not (add or suppress or add_scopes or suppress_scopes):
        return _NO_CLAIMS.id_token
    return TokenClaims(MappingProxyType(add), suppress, add_scopes, suppress_scopes)


def _names(scopes: list[Scope], context: Context) -> frozenset[str]:
    return frozenset(scope.name for scope in scopes if scope.applies(context))


def _added_scopes(document: Document, context: Context) -> frozenset[str]:
    added = _names(document.scopes, context)
    rule = document.scopes_from
    if rule is None or (context.is_machine and not is_of_machines(rule)):
        return added
    given: Any = rule.value(context)  # of a table: a text, or a list of texts
    if given is None:
        return added
    return added.union([given] if isinstance(given, str) else given)
