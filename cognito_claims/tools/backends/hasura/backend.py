"""What the tools know of Hasura: its verdict on tokens, and which roles are dangerous."""

from collections.abc import Collection, Iterator, Mapping, Set
from typing import Any

from cognito_claims.contract import hasura
from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.issuer import Issuer
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.tools.backends.backend import Identity
from cognito_claims.tools.backends.hasura.server import auth_config, jwt_secret
from cognito_claims.tools.findings import Finding

_ADMIN = "admin"


class HasuraBackend:
    """Hasura, behind a configured plugin."""

    verifies_tokens: bool = True
    open_to_clients = "access tokens carry no aud, so Hasura's audience does not keep them out"
    needs_verified_email: bool = False
    adds_secret: bool = False

    def __init__(self, plugin: HasuraClaims) -> None:
        self.plugin = plugin

    @property
    def tokens(self) -> Collection[str]:
        """The tokens that the plugin adds claims to."""
        return self.plugin.tokens

    @property
    def identity(self) -> Identity:
        """The attribute that `x-hasura-user-id` holds."""
        plugin = self.plugin
        return Identity(plugin.user_id_attribute, "HASURA_EMAIL_PROVIDERS", plugin.email_providers)

    def verdict(self, token: str, issuer: Issuer, claims: dict[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002  (one for both)
        """Apply Hasura's rules, with the server's configuration that `setup` prints."""
        plugin = self.plugin
        engine: hasura.Engine = getattr(plugin, "engine", "v2")
        shape = {"namespace": plugin.claims_namespace, "claims_format": plugin.claims_format}
        if engine == "v3":
            config = auth_config(issuer, **shape)["definition"]["mode"]["jwt"]
        else:
            config = jwt_secret(issuer, **shape)
        try:
            session = hasura.session(claims, config, engine=engine)
        except BackendRefusal as refusal:
            verdict = {"accepted": False, "code": refusal.code, "message": refusal.message}
        else:
            verdict = {"accepted": True, "session": session}
        return {**verdict, "engine": engine}

    def setting_findings(self, name: str) -> Iterator[Finding]:
        """Warn of the role that sees and changes everything."""
        if _ADMIN in self.plugin.allowed_roles:
            told = "every user may take Hasura's role admin, which sees and changes everything"
            yield Finding("admin-for-everyone", "warning", f"{name}: {told}")

    def pool_findings(self, groups: Set[str]) -> Iterator[Finding]:
        """Tell whom the settings make Hasura's admin."""
        if _ADMIN in self.plugin.allowed_roles:
            told = "every user may take Hasura's role admin"
            settings = "HASURA_ALLOWED_ROLES, HASURA_DEFAULT_ROLE"
            yield Finding("admin-for-everyone", "error", f"{settings}: {told}")
        for group, role in sorted(self.plugin.group_roles.items()):
            if role == _ADMIN and group in groups:
                told = f"whoever is in the group {group} may do everything in Hasura"
                yield Finding("admin-group", "warning", f"HASURA_GROUP_ROLES: {told}")

    def settlement(self, claim: str) -> None:
        """Return None: no setting of Hasura's leaves a claim to others."""
