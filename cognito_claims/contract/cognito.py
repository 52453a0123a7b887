"""What Amazon Cognito does with the answer of a pre token generation trigger.

The result is both tokens, or the reasons against them. The rules are those of "AWS: Pre token
generation Lambda trigger".
"""

import time
from collections.abc import Collection
from typing import Any, cast

from cognito_claims.contract.default_tokens import (
    GROUP_CLAIMS,
    V1_DETAILS,
    V2_DETAILS,
    Event,
    GroupConfiguration,
    Pool,
    Tokens,
    default_tokens,
    read_event,
)
from cognito_claims.contract.errors import ContractError
from cognito_claims.contract.issuer import IssuerType
from cognito_claims.contract.json_value import JsonReader, Key, Value
from cognito_claims.contract.response_rules import is_untouched, problems

__all__ = ["Tokens", "issue_tokens"]


def issue_tokens(
    event: dict[str, Any],
    returned: object,
    *,
    now: float | None = None,
    issuer_type: IssuerType = "original",
    read_attributes: Collection[str] | None = None,
) -> Tokens:
    """Return the tokens of an event after the changes that a trigger returned.

    `event` is the event before the trigger ran: a response equal to the event's own is unchanged,
    and means the default tokens. Raises a `ContractError` with every reason why Cognito would not,
    or might not, accept the answer. Warnings are in the `findings` of the tokens.

    `issuer_type` is the pool's, and `read_attributes` are those that the app client may read (None
    means all). No event has these.
    """
    before, after = JsonReader().read(event), JsonReader().read(returned)
    parsed = read_event(before)
    findings = tuple(problems(parsed, cast("dict[Key, Value]", before), after))
    if any(finding.level == "error" for finding in findings):
        raise ContractError(tuple(sorted(findings, key=lambda found: found.level != "error")))
    details = _details(parsed, cast("dict[str, Any]", before), cast("dict[str, Any]", after))
    pool = Pool(issuer_type, None if read_attributes is None else frozenset(read_attributes))
    tokens = _applied(parsed, pool, details, now=int(time.time() if now is None else now))
    return tokens.with_findings(findings)


def _details(event: Event, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    if is_untouched(before, after):
        return {}
    return after["response"].get(V1_DETAILS if event.is_v1 else V2_DETAILS) or {}


def _applied(event: Event, pool: Pool, details: dict[str, Any], *, now: int) -> Tokens:
    id_changes = details if event.is_v1 else details.get("idTokenGeneration") or {}
    access_changes = details.get("accessTokenGeneration") or {}
    groups = event.request.group_configuration
    if "groupOverrideDetails" in details:  # null suppresses the groups, as an empty object does
        groups = GroupConfiguration.model_validate(details["groupOverrideDetails"] or {})
    scopes = _scopes_after(event.scopes, access_changes)
    id_token, access_token = default_tokens(event, pool, groups=groups, scopes=scopes, now=now)
    return Tokens(_with_claims(id_token, id_changes), _with_claims(access_token, access_changes))


def _scopes_after(scopes: list[str], changes: dict[str, Any]) -> list[str]:
    suppressed = changes.get("scopesToSuppress") or ()
    wanted = dict.fromkeys([*scopes, *(changes.get("scopesToAdd") or ())])
    return [scope for scope in wanted if scope not in suppressed]


def _with_claims(token: dict[str, Any] | None, changes: dict[str, Any]) -> dict[str, Any] | None:
    if token is None:
        return None
    claims = token | (changes.get("claimsToAddOrOverride") or {})
    suppressed: set[str] = set(changes.get("claimsToSuppress") or ())
    if "cognito:groups" in suppressed:
        suppressed.update(GROUP_CLAIMS)
    return {name: value for name, value in claims.items() if name not in suppressed}
