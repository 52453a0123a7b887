"""What the tools know of Fauna: it mints secrets, and judges no token."""

from collections.abc import Collection, Iterator, Mapping, Set
from typing import Any

from cognito_claims.contract.issuer import Issuer
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.tools.backends.backend import Identity
from cognito_claims.tools.findings import Finding


class FaunaBackend:
    """Fauna, behind a configured plugin."""

    verifies_tokens: bool = False
    tokens: Collection[str] = ("id",)
    open_to_clients: str | None = None
    needs_verified_email: bool = False
    adds_secret: bool = True

    def __init__(self, plugin: FaunaTokens) -> None:
        self.plugin = plugin

    @property
    def identity(self) -> Identity:
        """The attribute that its documents are found by."""
        plugin = self.plugin
        return Identity(plugin.identity, "FAUNA_EMAIL_PROVIDERS", plugin.email_providers)

    def verdict(self, token: str, issuer: Issuer, claims: dict[str, Any]) -> Mapping[str, Any]:
        """Raise: Fauna sees its own secrets alone."""
        raise NotImplementedError

    def setting_findings(self, name: str) -> Iterator[Finding]:  # noqa: ARG002  (as `Backend` has it)
        """Return nothing."""
        return iter(())

    def pool_findings(self, groups: Set[str]) -> Iterator[Finding]:  # noqa: ARG002  (as `Backend` has it)
        """Return nothing."""
        return iter(())

    def settlement(self, claim: str) -> str | None:
        """Return the setting that keeps a claim which the plugin suppresses."""
        return "FAUNA_SUPPRESS=none" if claim in self.plugin.suppress else None
