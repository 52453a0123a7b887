"""`check`: every wrong setting, then the composition on recorded events, before anybody signs in with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from cognito_claims.composition import declared_conflict
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.contract.errors import ContractError
from cognito_claims.errors import (
    ClaimConflictError,
    SettingsError,
    TokenDenied,
    UnsupportedClaimError,
)
from cognito_claims.events import PreTokenGenerationEvent, TriggerVersion
from cognito_claims.invocation.decision import Decision
from cognito_claims.registry import Configuration
from cognito_claims.testing.recorded import recorded
from cognito_claims.tools.backends.other_clients import client_findings
from cognito_claims.tools.backends.table import backends_of
from cognito_claims.tools.configuration import loaded
from cognito_claims.tools.evaluation.attributes import SAMPLE_EVENTS, written_by_clients
from cognito_claims.tools.evaluation.backend_findings import backend_findings
from cognito_claims.tools.evaluation.decision_findings import told_of
from cognito_claims.tools.evaluation.rules_findings import (
    document_findings,
    mappers_of,
    size_finding,
)
from cognito_claims.tools.evaluation.sampled import Sampled, Traced, sampled, sampled_findings
from cognito_claims.tools.evaluation.sync_check import is_for_sync_alone, sync_findings
from cognito_claims.tools.evaluation.token_preview import sample_size_findings
from cognito_claims.tools.findings import Finding, contract_findings, settings_findings

_DEPENDS = "claims depend on "
_LOG_SUB = "COGNITO_CLAIMS_LOG_SUB"


def check(environ: Mapping[str, str]) -> list[Finding]:
    """Give all findings, errors first; none of them holds a setting's value."""
    found = dict.fromkeys([*_logged(environ), *sync_findings(environ)])
    if not is_for_sync_alone(environ):
        found |= dict.fromkeys(_token_findings(environ))
    return sorted(found, key=lambda finding: finding.level != "error")


def _logged(environ: Mapping[str, str]) -> Iterator[Finding]:
    if environ.get(_LOG_SUB, "").strip() == "true":
        told = "the log names users by their sub; keep it no longer than you need it"
        yield Finding("logs-sub", "warning", f"{_LOG_SUB}: {told}")


def _token_findings(environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        configuration = loaded(environ)
    except SettingsError as error:
        yield from settings_findings(error)
        return
    conflict = declared_conflict(configuration.plugins)
    if conflict is not None:  # the handler itself cannot be made
        yield Finding(conflict.code, "error", str(conflict))
        return
    found = [finding for name in SAMPLE_EVENTS for finding in _composition(name, configuration)]
    taken = {finding.message.rpartition(" taken from ")[2] for finding in found}
    for finding in found:  # of one value, the more exact one is enough
        if finding.message.removeprefix(_DEPENDS) not in taken - {finding.message}:
            yield finding
    for name, backend in backends_of(configuration.plugins).items():
        yield from backend.setting_findings(name)
    yield from client_findings(configuration.plugins)
    yield from backend_findings(configuration)
    yield from size_finding(environ)
    for name, mapper in mappers_of(configuration.plugins).items():
        yield from document_findings(name, mapper.document)


def _composition(name: str, configuration: Configuration) -> Iterator[Finding]:
    raw = recorded(name)
    event = PreTokenGenerationEvent.from_json(raw)
    sample = sampled(event, configuration)
    decision = sample.decision
    if isinstance(decision.error, UnsupportedClaimError) and _is_avoidable(event):
        advice = _advice(event, decision.error, configuration)
        yield Finding(decision.error.code, "warning", advice)
    elif isinstance(decision.error, TokenDenied):  # it may well mean to, on a made-up user
        yield Finding(
            decision.error.code, "warning", f"refuses a sample user: {told_of(decision.error)}"
        )
    else:
        yield from sampled_findings(event, configuration, decision)
    if isinstance(decision.error, ClaimConflictError):
        yield from _settled(decision.error, configuration)
    if decision.error is None:
        yield from _contract(raw, decision, configuration)
    yield from _written_by_clients(sample)
    if mappers_of(configuration.plugins):  # rules prove what they take of it, or a finding says so
        sample = sampled(event, _without_mappers(configuration))
    yield from _sent_by_clients(sample)


def _is_avoidable(event: PreTokenGenerationEvent) -> bool:
    """Say whether a pool can do without such events: V1_0, and client credentials."""
    return event.version is TriggerVersion.V1_0 or event.user is None


def _advice(
    event: PreTokenGenerationEvent, error: UnsupportedClaimError, configuration: Configuration
) -> str:
    if event.user is None:
        return f"client credentials would be refused: {error}"
    places = [
        claim.rule.place
        for mapper in mappers_of(configuration.plugins).values()
        for claim in mapper.document.claims
        if claim.name == error.subject and error.token == "id"
    ]
    instead = f", or carry {places[0]} as a text (as)" if places else ""
    return f"attach the trigger at V2_0 or later{instead}: {error}"


def _without_mappers(configuration: Configuration) -> Configuration:
    mappers = mappers_of(configuration.plugins)
    others = {n: entry for n, entry in configuration.plugins.items() if n not in mappers}
    return Configuration(others, deadline_ms=configuration.deadline_ms)


def _settled(error: ClaimConflictError, configuration: Configuration) -> Iterator[Finding]:
    for name, backend in backends_of(configuration.plugins).items():
        setting = backend.settlement(error.subject) if name in error.plugins else None
        if setting is not None:
            yield Finding(error.code, "warning", f"{setting} would keep {error.subject}")


def _contract(
    raw: dict[str, Any], decision: Decision, configuration: Configuration
) -> Iterator[Finding]:
    try:
        tokens = issue_tokens(raw, {**raw, "response": decision.response})
    except ContractError as error:
        yield from contract_findings(error.findings)
    else:
        yield from contract_findings(tokens.findings)
        if mappers_of(configuration.plugins):
            yield from sample_size_findings(tokens)


def _written_by_clients(sample: Sampled) -> Iterator[Finding]:
    advice = "app clients may write it unless their WriteAttributes leave it out"
    for attribute in written_by_clients(sample.attributes.asked):
        used = _used(sample.decision, sample.attributes, attribute, attribute)
        yield Finding("writable-attribute", "warning", f"{used}: {advice}")


def _sent_by_clients(sample: Sampled) -> Iterator[Finding]:
    advice = "every client may send what it likes, so it is no proof of anything"
    for name in sorted(sample.metadata.asked):
        used = _used(sample.decision, sample.metadata, name, f"client_metadata {name}")
        yield Finding("writable-attribute", "warning", f"{used}: {advice}")


def _used(decision: Decision, texts: Traced, name: str, told: str) -> str:
    """Tell what is made of an attribute or of client metadata."""
    claims = decision.claims
    tokens = (claims.id_token, claims.access_token)
    added = [
        claim for token in tokens for claim in token.add if texts.is_in(name, token.add[claim])
    ]
    used = [f"claim {', '.join(sorted({*added}))} is"] if added else []
    groups = claims.groups
    if groups is not None and texts.is_in(name, [*groups]):
        used.append("the groups are")
    if any(texts.is_in(name, [*token.add_scopes]) for token in tokens):
        used.append("the scopes are")
    if not used:
        return f"{_DEPENDS}{told}"
    return "; ".join(f"{what} taken from {told}" for what in used)
