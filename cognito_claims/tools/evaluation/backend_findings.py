"""What `check` finds with the backends that a rules document names."""

from collections.abc import Iterator
from typing import Any

from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.contract.errors import ContractError
from cognito_claims.contract.issuer import Issuer
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.plugin import mark
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.registry import Configuration
from cognito_claims.testing.recorded import recorded
from cognito_claims.tools.backends.table import named_backends
from cognito_claims.tools.evaluation.attributes import SAMPLE_EVENTS
from cognito_claims.tools.evaluation.sampled import sampled
from cognito_claims.tools.evaluation.verdicts import AS_INTENDED, UNKNOWN, verdicts
from cognito_claims.tools.findings import Finding

_DEADLINE_MS = 4000
_UNASKED = {*AS_INTENDED, UNKNOWN}


def backend_findings(configuration: Configuration) -> Iterator[Finding]:
    """Warn of a backend that takes no sample user's token; a name that nobody knows is an error."""
    plugins = configuration.plugins
    mappers = {name: e for name, e in plugins.items() if named_backends(e.plugin)}
    if not mappers:
        return
    alone = Configuration(plugins=mappers, deadline_ms=configuration.deadline_ms)
    by_name: dict[str, list[dict[str, Any]]] = {}
    for event in SAMPLE_EVENTS:
        for name, verdict in _verdicts(event, alone).items():
            by_name.setdefault(name, []).append(verdict)
    for name, given in by_name.items():
        yield from _findings(name, given)


def findings_of(mapper: Mapper) -> Iterator[Finding]:
    """Warn of the same with one document alone."""
    yield from backend_findings(Configuration({"mapper": mark(mapper)}, deadline_ms=_DEADLINE_MS))


def _findings(name: str, given: list[dict[str, Any]]) -> Iterator[Finding]:
    if given[0].get("code") == UNKNOWN:
        yield Finding.error(UNKNOWN, f"{name}: {given[0]['message']}")
    asked = [verdict for verdict in given if verdict.get("code") not in _UNASKED]
    if asked and not any(verdict["accepted"] for verdict in asked):
        told = f"{name}: takes no sample user's token: {asked[0]['message']}"
        yield Finding.warning(f"{name}-refused", told)
    for note in dict.fromkeys(note for verdict in asked for note in verdict.get("notes", ())):
        yield Finding.warning(f"{name}-note", f"{name}: {note}")


def _verdicts(name: str, configuration: Configuration) -> dict[str, dict[str, Any]]:
    raw = recorded(name)
    event = PreTokenGenerationEvent.from_json(raw)
    decision = sampled(event, configuration).decision
    if decision.error is not None:
        return {}
    try:
        tokens = issue_tokens(raw, {**raw, "response": decision.response})
    except ContractError:
        return {}
    issuer = Issuer.of_pool(event.user_pool_id, event.region, event.client_id)
    return verdicts(configuration.plugins, event, tokens, issuer)
