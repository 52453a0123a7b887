"""`preview`: one event through the configured plugins, both tokens before and after, and the backends' verdicts."""

import base64
import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

from cognito_claims.claims import Claims
from cognito_claims.cli.emulators import as_cognito_would_send
from cognito_claims.cli.inputs import UnusableInput
from cognito_claims.cli.own_pool import of_own_pool
from cognito_claims.cli.verdicts import AS_INTENDED, verdicts
from cognito_claims.composition import declared_conflict
from cognito_claims.contract import errors as contract
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.contract.errors import ContractError
from cognito_claims.contract.issuer import Issuer, IssuerType
from cognito_claims.decision import Decision, decide
from cognito_claims.errors import (
    CognitoClaimsError,
    EventError,
    PluginFailedError,
    SettingsError,
    TokenDenied,
)
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.registry import Configuration, Marked, Plugin, load

COOKIE_BYTES = 4096
HEADER_BYTES = 8192
_SIGNED_BYTES = (
    87 + 1 + 1 + 342
)  # a header with Cognito's kid and alg, two dots, an RS256 signature


class Finding(NamedTuple):
    """One thing to know; only those of level error make the commands exit with 1."""

    code: str
    level: Literal["error", "warning"]
    message: str


class Pool(NamedTuple):
    """What no event tells: of its pool, its app client, and whose tokens the backends take."""

    issuer_type: IssuerType = "original"
    read_attributes: Collection[str] | None = None
    client_ids: Sequence[str] = ()


NOTHING_TOLD = Pool()


class TokenPreview(NamedTuple):
    """One token: its claims without the trigger, with it, and its size as a signed JWT."""

    before: dict[str, Any]
    after: dict[str, Any]
    bytes: int


class Preview(NamedTuple):
    """What would come of this event; no tokens and no response when the sign-in is refused."""

    response: dict[str, Any] | None
    id_token: TokenPreview | None
    access_token: TokenPreview | None
    findings: list[Finding]
    verdicts: dict[str, dict[str, Any]]
    refusal: CognitoClaimsError | None = None

    @property
    def has_errors(self) -> bool:
        """Whether anything is wrong, and not just worth knowing."""
        return any(finding.level == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Give the pinned JSON shape of `preview --format json`."""
        return {
            "response": self.response,
            "id_token": self.id_token and self.id_token._asdict(),
            "access_token": self.access_token and self.access_token._asdict(),
            "findings": [finding._asdict() for finding in self.findings],
            "verdicts": self.verdicts,
        }


def preview(event: Any, environ: Mapping[str, str], pool: Pool = NOTHING_TOLD) -> Preview:
    """Preview a decoded event; raises `UnusableInput` for what is no event, and for wrong settings."""
    event, faults = as_cognito_would_send(event)
    try:
        parsed = PreTokenGenerationEvent.from_json(event)
    except EventError as error:
        raise UnusableInput(f"not a pre token generation event: {error}") from None
    configuration = configured(environ)
    event = of_own_pool(event, configuration.user_pools)
    parsed = parsed._replace(user_pool_id=event["userPoolId"], region=event["region"])
    conflict = declared_conflict(configuration.plugins)
    if conflict is not None:  # the handler itself cannot be made
        finding = Finding(conflict.code, "error", str(conflict))
        return Preview(None, None, None, [finding], {}, conflict)
    deadline = time.monotonic() + configuration.deadline_ms / 1000
    decision = decide(event, offline(configuration), deadline, configuration.user_pools)
    findings = [Finding("emulator", "warning", fault) for fault in faults]
    findings += [*_sampled_findings(configuration, decision), *decision_findings(decision)]
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
    id_token = _token(before.id_token, after.id_token)
    access_token = _token(before.access_token, after.access_token)
    findings += [*_size_findings("ID", id_token), *_size_findings("access", access_token)]
    issuer = Issuer.of_pool(
        parsed.user_pool_id,
        parsed.region,
        *(pool.client_ids or (parsed.client_id,)),
        issuer_type=pool.issuer_type,
    )
    given = verdicts(configuration.plugins, parsed, after, issuer)
    findings += [
        Finding(f"{name}-refused", "error", f"{name}: {verdict['message']}")
        for name, verdict in given.items()
        if not verdict["accepted"] and verdict["code"] not in AS_INTENDED
    ]
    return Preview(decision.response, id_token, access_token, findings, given)


def configured(environ: Mapping[str, str]) -> Configuration:
    """Load the plugins, or raise `UnusableInput` with a line for every wrong setting."""
    try:
        return loaded(environ)
    except SettingsError as error:
        raise UnusableInput(*map(str, error.problems)) from None


def loaded(environ: Mapping[str, str]) -> Configuration:
    """Load the plugins; what a foreign module or factory raises is `UnusableInput`, by class and place."""
    try:
        return load(environ)
    except PluginFailedError as error:
        raise UnusableInput(str(error)) from None


def offline(configuration: Configuration) -> dict[str, Marked]:
    """Give the plugins, with `sample` in the place of each that has one: nothing is minted to be looked at."""
    return {name: marked.sampled() for name, marked in configuration.plugins.items()}


def _sampled_findings(configuration: Configuration, decision: Decision) -> Iterator[Finding]:
    """Tell which plugins' claims are made up."""
    for name, outcome in decision.outcomes.items():
        marked = configuration.plugins[name]
        if _sampled(marked) is not marked.plugin and outcome.claims not in (None, Claims()):
            message = f"{name}: its values here are made up; a sign-in asks its backend for them"
            yield Finding("sample", "warning", message)


def _sampled(marked: Marked) -> Plugin:
    sample: Plugin | None = getattr(marked.plugin, "sample", None)
    return marked.plugin if sample is None else sample


def decision_findings(decision: Decision) -> Iterator[Finding]:
    """Tell why the sign-in is refused, and what an optional plugin left out."""
    for outcome in decision.outcomes.values():
        if outcome.error is not None and outcome.error is not decision.error:
            yield Finding(outcome.error.code, "warning", f"claims omitted: {outcome.error}")
    if decision.error is not None:
        yield Finding(decision.error.code, "error", told_of(decision.error))


def told_of(error: CognitoClaimsError) -> str:
    """Return an error's text; of a refusal also what the developer needs, which the user does not read."""
    if not isinstance(error, TokenDenied):
        return str(error)
    why = "".join(f"{part}: " for part in (error.plugin, error.setting, error.problem) if part)
    return f"{why}{error}"


def contract_findings(found: Iterable[contract.Finding]) -> Iterator[Finding]:
    """Give what the contract finds as findings of the commands."""
    return (Finding(f.code, f.level, f"{f.path}: {f.message}") for f in found)


def _token(before: dict[str, Any] | None, after: dict[str, Any] | None) -> TokenPreview | None:
    if before is None or after is None:
        return None
    payload = json.dumps(after, separators=(",", ":"), ensure_ascii=False).encode()
    encoded = base64.urlsafe_b64encode(payload).rstrip(b"=")
    return TokenPreview(before, after, _SIGNED_BYTES + len(encoded))


def _size_findings(name: str, token: TokenPreview | None) -> Iterator[Finding]:
    if token is not None and token.bytes > HEADER_BYTES:
        yield Finding(
            "token-over-header",
            "warning",
            f"{name} token: {token.bytes} bytes, more than the {HEADER_BYTES} that many proxies take in a header",
        )
    elif token is not None and token.bytes > COOKIE_BYTES:
        yield Finding(
            "token-over-cookie",
            "warning",
            f"{name} token: {token.bytes} bytes, more than the {COOKIE_BYTES} of one browser cookie",
        )
