"""App clients that nobody named: who gets claims in access tokens, which carry no audience."""

from collections.abc import Iterator, Mapping

from cognito_claims.plugin import PluginEntry
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.tools.findings import Finding

_WHY: tuple[tuple[type, str], ...] = (
    (HasuraClaims, "access tokens carry no aud, so Hasura's audience does not keep them out"),
    (SurrealDBClaims, "only a script that compares client_id, as ours does, keeps them out"),
)


def client_findings(plugins: Mapping[str, PluginEntry]) -> Iterator[Finding]:
    """Warn of claims in the access tokens of every app client of the pool."""
    for name, entry in plugins.items():
        why = next((why for kind, why in _WHY if isinstance(entry.plugin, kind)), None)
        if why is not None and entry.clients is None and "access" in entry.plugin.tokens:
            variable = f"{name.upper().replace('-', '_')}_CLIENTS"
            told = "access tokens of all the pool's app clients get these claims"
            remedy = f"set {variable} to the app clients that may have them"
            yield Finding("any-client", "warning", f"{name}: {told}; {why}; {remedy}")
