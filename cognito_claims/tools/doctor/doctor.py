"""`doctor`: what is wrong with a pool and the functions that are attached to it, found by reading alone."""

from collections.abc import Mapping, Sequence

from cognito_claims.contract.issuer import IssuerType
from cognito_claims.registry import plugin_entries
from cognito_claims.tools.backends.table import VERIFIERS
from cognito_claims.tools.doctor.lookup_rules import lookup_findings
from cognito_claims.tools.doctor.pool_rules import diagnoses
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool.aws import asking_aws
from cognito_claims.tools.pool.description import CLAIMS, PoolReader
from cognito_claims.tools.pool.issuer import mismatch


def doctor(
    user_pool_id: str,
    client_ids: Sequence[str],
    environ: Mapping[str, str],
    *,
    issuer_type: IssuerType | None = None,
) -> list[Finding]:
    """Give all findings, errors first; raises `UnusableInput` where the pool itself cannot be read.

    `issuer_type` is the one that the backends are set up for.
    """
    with asking_aws(user_pool_id):
        reader = PoolReader(user_pool_id, client_ids, environ)
        facts = reader.facts()
    function = facts.functions.get(CLAIMS)
    plugins = () if function is None else plugin_entries(function.environ)
    told = mismatch(
        *(facts.pool, issuer_type),
        is_verified=not VERIFIERS.isdisjoint(plugins),
        is_known=reader.knows_issuers,
    )
    with asking_aws(user_pool_id):
        tables = [*lookup_findings(CLAIMS, function, reader.client)]
    found = [
        *diagnoses(facts),
        *tables,
        *(Finding("issuer", "warning", message) for message in told),
    ]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.level != "error")


def nothing_found(client_ids: Sequence[str]) -> str:
    """Say what no finding means: of the pool as a whole nothing, where some app clients are named."""
    if not client_ids:
        return "No findings: the pool and its functions are sound."
    clients = " and ".join(f"the app client {client_id}" for client_id in client_ids)
    looked_at = f"{clients}, the pool, its groups, providers and functions"
    return f"No findings in what was looked at: {looked_at}. Other app clients were not looked at."
