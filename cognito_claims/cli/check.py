"""`check`: every wrong setting, then the composition on recorded events, before anybody signs in with it."""

import time
from collections.abc import Iterator, Mapping, Set
from typing import Any

from cognito_claims.cli.preview import (
    Finding,
    contract_findings,
    decision_findings,
    loaded,
    offline,
    told_of,
)
from cognito_claims.cli.sync_check import is_for_sync_alone, settings_findings, sync_findings
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.contract.errors import ContractError
from cognito_claims.decision import Decision, decide_typed
from cognito_claims.errors import (
    ClaimConflictError,
    SettingsError,
    TokenDenied,
    UnsupportedClaimError,
)
from cognito_claims.events import PreTokenGenerationEvent, TriggerVersion
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.registry import Configuration
from cognito_claims.testing.recorded import recorded

_EVENTS = (
    "pretoken_v1_Authentication",
    "pretoken_v2_Authentication",
    "pretoken_v3_Authentication",
    "pretoken_v3_ClientCredentials",
)
_LOG_SUB = "COGNITO_CLAIMS_LOG_SUB"
_NOT_WRITABLE = frozenset(("sub", "identities", "email_verified", "phone_number_verified"))


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
    for name in _EVENTS:
        yield from _composition(name, configuration)
    yield from _roles(configuration)


def _composition(name: str, configuration: Configuration) -> Iterator[Finding]:
    raw = recorded(name)
    event, attributes = _traced(PreTokenGenerationEvent.from_json(raw))
    deadline = time.monotonic() + configuration.deadline_ms / 1000
    decision = decide_typed(event, offline(configuration), deadline)
    if isinstance(decision.error, UnsupportedClaimError) and _is_avoidable(event):
        yield Finding(decision.error.code, "warning", _advice(event, decision.error))
    elif isinstance(decision.error, TokenDenied):  # it may well mean to, on a made-up user
        yield Finding(
            decision.error.code, "warning", f"refuses a sample user: {told_of(decision.error)}"
        )
    else:
        yield from decision_findings(decision)
    if isinstance(decision.error, ClaimConflictError):
        yield from _settled(decision.error, configuration)
    if decision.error is None:
        yield from _contract(raw, decision)
    yield from _written_by_clients(decision, attributes)


def _is_avoidable(event: PreTokenGenerationEvent) -> bool:
    """Say whether a pool can do without such events: V1_0, and client credentials."""
    return event.version is TriggerVersion.V1_0 or event.user is None


def _advice(event: PreTokenGenerationEvent, error: UnsupportedClaimError) -> str:
    if event.user is None:
        return f"client credentials would be refused: {error}"
    return f"attach the trigger at V2_0 or later: {error}"


def _settled(error: ClaimConflictError, configuration: Configuration) -> Iterator[Finding]:
    for name in error.plugins:
        plugin = configuration.plugins[name].plugin
        if isinstance(plugin, FaunaTokens) and error.subject in plugin.suppress:
            yield Finding(error.code, "warning", f"FAUNA_SUPPRESS=none would keep {error.subject}")


def _contract(raw: dict[str, Any], decision: Decision) -> Iterator[Finding]:
    try:
        tokens = issue_tokens(raw, {**raw, "response": decision.response})
    except ContractError as error:
        yield from contract_findings(error.findings)
    else:
        yield from contract_findings(tokens.findings)


def _written_by_clients(decision: Decision, attributes: "TracedAttributes") -> Iterator[Finding]:
    for attribute in written_by_clients(attributes.asked):
        claims = sorted(
            claim
            for token in (decision.claims.id_token, decision.claims.access_token)
            for claim, value in token.add.items()
            if attributes.is_in(attribute, value)
        )
        taken = f"claim {', '.join(dict.fromkeys(claims))} is taken from {attribute}"
        used = taken if claims else f"claims depend on {attribute}"
        advice = "app clients may write it unless their WriteAttributes leave it out"
        yield Finding("writable-attribute", "warning", f"{used}: {advice}")


def written_by_clients(asked: Set[str]) -> list[str]:
    """Give those of the attributes that plugins ask for which an app client may be allowed to write."""
    return sorted(
        attribute
        for attribute in asked - _NOT_WRITABLE
        # What is asked for together with whether it is verified is nothing that a user just writes.
        if not attribute.startswith("cognito:") and f"{attribute}_verified" not in asked
    )


def asked_attributes(configuration: Configuration) -> set[str]:
    """Give the attributes that the plugins ask for, of a user who has any that there may be."""
    asked: set[str] = set()
    for name in _EVENTS:
        event, attributes = _traced(PreTokenGenerationEvent.from_json(recorded(name)))
        deadline = time.monotonic() + configuration.deadline_ms / 1000
        decide_typed(event, offline(configuration), deadline)
        asked |= attributes.asked
    return asked


def _traced(
    event: PreTokenGenerationEvent,
) -> tuple[PreTokenGenerationEvent, "TracedAttributes"]:
    attributes = TracedAttributes(event.user.attributes if event.user else {})
    if event.user is not None:
        event = event._replace(user=event.user._replace(attributes=attributes))
    return event, attributes


def _roles(configuration: Configuration) -> Iterator[Finding]:
    for name, marked in configuration.plugins.items():
        if isinstance(marked.plugin, HasuraClaims) and "admin" in marked.plugin.allowed_roles:
            yield Finding(
                "admin-for-everyone",
                "warning",
                f"{name}: every user may take Hasura's role admin, which sees and changes everything",
            )


class TracedAttributes(Mapping[str, str]):
    """A user's attributes that know which were asked for, and that have any attribute there may be."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self._attributes = attributes
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        """Give an attribute, made up where the user has none."""
        self.asked.add(name)
        if name == "identities":  # a made-up one would be unreadable, and no native user has any
            return self._attributes[name]
        return self._attributes.get(name) or _made_up(name)

    def __iter__(self) -> Iterator[str]:
        """Iterate over those that the user has."""
        return iter(self._attributes)

    def __len__(self) -> int:
        """Count those that the user has."""
        return len(self._attributes)

    def is_in(self, name: str, value: object) -> bool:
        """Say whether a claim's value holds this attribute's."""
        return self[name] in str(value)


def _made_up(name: str) -> str:
    return f"made-up-{name}"
