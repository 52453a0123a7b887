"""The database for which the demo's tokens are: the function's settings, and the set-up that fits them."""

from collections.abc import Mapping

from cognito_claims.contract.surrealdb_script import Setup
from cognito_claims.tools.local.cognito import LocalCognito

_NAMESPACE, _DATABASE, _ACCESS = "shop", "main", "user"
SETTINGS: Mapping[str, str] = {
    "SURREALDB_NAMESPACE": _NAMESPACE,
    "SURREALDB_DATABASE": _DATABASE,
    "SURREALDB_ACCESS": _ACCESS,
}


def setup_for(cognito: LocalCognito) -> Setup:
    """Give what a database has to expect of this pool's tokens."""
    return Setup(_NAMESPACE, _DATABASE, cognito.issuer, cognito.client_id, _ACCESS)
