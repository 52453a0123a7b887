"""App clients that nobody named: who gets claims in access tokens, which carry no audience."""

from collections.abc import Iterator, Mapping

from cognito_claims.plugin import PluginEntry
from cognito_claims.tools.backends.table import backends_of
from cognito_claims.tools.findings import Finding


def client_findings(plugins: Mapping[str, PluginEntry]) -> Iterator[Finding]:
    """Warn of claims in the access tokens of every app client of the pool."""
    for name, backend in backends_of(plugins).items():
        why = backend.open_to_clients
        if why is not None and plugins[name].clients is None and "access" in backend.tokens:
            variable = f"{name.upper().replace('-', '_')}_CLIENTS"
            told = "access tokens of all the pool's app clients get these claims"
            remedy = f"set {variable} to the app clients that may have them"
            yield Finding("any-client", "warning", f"{name}: {told}; {why}; {remedy}")
