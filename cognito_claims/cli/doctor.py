"""`doctor`: what is wrong with a pool and the functions that are attached to it, found by reading alone."""

from collections.abc import Mapping

from cognito_claims.cli.aws import asking_aws
from cognito_claims.cli.diagnoses import diagnoses
from cognito_claims.cli.facts import Reader
from cognito_claims.cli.preview import Finding


def doctor(user_pool_id: str, client_id: str | None, environ: Mapping[str, str]) -> list[Finding]:
    """Give all findings, errors first; raises `UnusableInput` where the pool itself cannot be read."""
    with asking_aws(user_pool_id):
        facts = Reader(user_pool_id, client_id, environ).facts()
    return sorted(dict.fromkeys(diagnoses(facts)), key=lambda finding: finding.level != "error")


def nothing_found(client_id: str | None) -> str:
    """Say what no finding means: with one app client alone, nothing about the pool as a whole."""
    if client_id is None:
        return "No findings: the pool and its functions are sound."
    looked_at = f"the app client {client_id}, the pool, its groups, providers and functions"
    return f"No findings in what was looked at: {looked_at}. Other app clients were not looked at."
