"""`doctor`: what is wrong with a pool and the functions that are attached to it, found by reading alone."""

from collections.abc import Mapping, Sequence

from cognito_claims.cli.aws import asking_aws
from cognito_claims.cli.diagnoses import diagnoses
from cognito_claims.cli.facts import CLAIMS, Reader
from cognito_claims.cli.pool_issuer import IssuerType, mismatch
from cognito_claims.cli.preview import Finding


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
        reader = Reader(user_pool_id, client_ids, environ)
        facts = reader.facts()
    function = facts.functions.get(CLAIMS)
    plugins = "" if function is None else function.environ.get("COGNITO_CLAIMS_PLUGINS", "")
    told = mismatch(facts.pool, issuer_type, plugins, is_known=reader.knows_issuers)
    found = [*diagnoses(facts), *(Finding("issuer", "warning", message) for message in told)]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.level != "error")
