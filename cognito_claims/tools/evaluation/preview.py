"""`preview`: one event through the configured plugins, both tokens before and after, and the backends' verdicts."""

import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from cognito_claims.composition import declared_conflict
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.contract.errors import ContractError
from cognito_claims.contract.issuer import Issuer, IssuerType
from cognito_claims.errors import (
    CognitoClaimsError,
    EventError,
)
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.invocation.decision import decide
from cognito_claims.plugin import PluginEntry
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.tools.configuration import configured
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.evaluation.decision_findings import decision_findings, sample_findings
from cognito_claims.tools.evaluation.emulators import as_cognito_would_send
from cognito_claims.tools.evaluation.look_ups import (
    NO_SAMPLES,
    LookUps,
    missing_items,
    with_look_ups,
)
from cognito_claims.tools.evaluation.own_pool import of_own_pool
from cognito_claims.tools.evaluation.rules_findings import origins
from cognito_claims.tools.evaluation.token_preview import TokenPreview, size_findings, token_preview
from cognito_claims.tools.evaluation.verdicts import AS_INTENDED, level_of, verdicts
from cognito_claims.tools.findings import Finding, contract_findings


class Pool(NamedTuple):
    """What no event tells: of its pool, its app client, and whose tokens the backends take."""

    issuer_type: IssuerType = "original"
    read_attributes: Collection[str] | None = None
    client_ids: Sequence[str] = ()


NOTHING_TOLD = Pool()


class Preview(NamedTuple):
    """What would come of this event; no tokens and no response when the sign-in is refused."""

    response: dict[str, Any] | None
    id_token: TokenPreview | None
    access_token: TokenPreview | None
    findings: list[Finding]
    verdicts: dict[str, dict[str, Any]]
    refusal: CognitoClaimsError | None = None
    rules: dict[str, Any] | None = None
    """Which rule gave each claim, where a document of rules is configured."""

    @property
    def has_errors(self) -> bool:
        """Whether anything is wrong, and not just worth knowing."""
        return any(finding.level == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Give the pinned JSON shape of `preview --format json`."""
        rules = {} if self.rules is None else {"rules": self.rules}
        return {
            "response": self.response,
            "id_token": self.id_token and self.id_token._asdict(),
            "access_token": self.access_token and self.access_token._asdict(),
            "findings": [finding._asdict() for finding in self.findings],
            "verdicts": self.verdicts,
            **rules,
        }


def preview(
    event: Any,
    environ: Mapping[str, str],
    pool: Pool = NOTHING_TOLD,
    look_ups: LookUps = NO_SAMPLES,
) -> Preview:
    """Preview a decoded event; raises `UnusableInput` for what is no event, and for wrong settings."""
    event, faults = as_cognito_would_send(event)
    try:
        parsed = PreTokenGenerationEvent.from_json(event)
    except EventError as error:
        raise UnusableInput(f"not a pre token generation event: {error}") from None
    configuration = configured(environ)
    event = of_own_pool(event, configuration.user_pools)
    parsed = parsed._replace(user_pool_id=event["userPoolId"], region=event["region"])
    plugins = _asked(configuration.plugins, look_ups)
    conflict = declared_conflict(configuration.plugins)
    if conflict is not None:  # the handler itself cannot be made
        finding = Finding(conflict.code, "error", str(conflict))
        return Preview(None, None, None, [finding], {}, conflict)
    deadline = time.monotonic() + configuration.deadline_ms / 1000
    decision = decide(event, plugins, deadline, configuration.user_pools)
    findings = [Finding("emulator", "warning", fault) for fault in faults]
    findings += [*sample_findings(configuration, decision), *missing_items(plugins)]
    findings += decision_findings(decision)
    if decision.error is not None:
        return Preview(None, None, None, findings, {}, decision.error)
    issued = partial(
        issue_tokens,
        event,
        now=time.time(),
        issuer_type=pool.issuer_type,
        read_attributes=pool.read_attributes,
    )
    try:
        before = issued(event)
        after = issued({**event, "response": decision.response})
    except ContractError as error:
        findings += contract_findings(error.findings)
        return Preview(decision.response, None, None, findings, {})
    findings += contract_findings(after.findings)
    id_token = token_preview(before.id_token, after.id_token)
    access_token = token_preview(before.access_token, after.access_token)
    rules = origins(configuration.plugins, decision.claims)
    for name, token in (("ID", id_token), ("access", access_token)):
        findings += size_findings(name, token, is_of_rules=rules is not None)
    issuer = Issuer.of_pool(
        parsed.user_pool_id,
        parsed.region,
        *(pool.client_ids or (parsed.client_id,)),
        issuer_type=pool.issuer_type,
    )
    given = verdicts(configuration.plugins, parsed, after, issuer)
    findings += [
        Finding(f"{name}-refused", level_of(verdict), f"{name}: {verdict['message']}")
        for name, verdict in given.items()
        if not verdict["accepted"] and verdict["code"] not in AS_INTENDED
    ]
    return Preview(decision.response, id_token, access_token, findings, given, rules=rules)


def _asked(plugins: Mapping[str, PluginEntry], look_ups: LookUps) -> dict[str, PluginEntry]:
    """Return the plugins as a preview asks them: nothing is minted to be looked at."""
    entries = with_look_ups(plugins, look_ups)
    return {
        name: entry if isinstance(entry.plugin, Mapper) else entry.sampled()
        for name, entry in entries.items()
    }
