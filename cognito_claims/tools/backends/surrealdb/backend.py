"""What the tools know of SurrealDB: its verdict on tokens, and that it reads the email."""

from collections.abc import Collection, Iterator, Mapping, Set
from importlib import import_module
from typing import Any

from cognito_claims.contract.issuer import Issuer
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.tools.backends.backend import Identity
from cognito_claims.tools.findings import Finding

_ABOUT_EMAIL = ("missing-email", "email-not-verified")
_WAY_OUT = "or set SURREALDB_TOKENS=access, whose script needs no email"


class SurrealDBBackend:
    """SurrealDB, behind a configured plugin."""

    verifies_tokens: bool = True
    open_to_clients = "only a script that compares client_id, as ours does, keeps them out"
    identity: Identity | None = None
    adds_secret: bool = False

    def __init__(self, plugin: SurrealDBClaims) -> None:
        self.plugin = plugin

    @property
    def tokens(self) -> Collection[str]:
        """The tokens that the plugin adds claims to."""
        return self.plugin.tokens

    @property
    def needs_verified_email(self) -> bool:
        """Whether the script reads the ID token, and with it the email."""
        return "id" in self.plugin.tokens

    def verdict(self, token: str, issuer: Issuer, claims: dict[str, Any]) -> Mapping[str, Any]:
        """Ask an engine that is set up as `setup` says; only this loads one."""
        plugin = self.plugin
        verdict = import_module("cognito_claims.contract.surrealdb").verdict(
            claims,
            namespace=plugin.namespace,
            database=plugin.database,
            issuer=issuer.url,
            client_id=issuer.client_ids[0],
            access=plugin.access,
            token_name=plugin.token,
            scope=plugin.scope,
            token="access" if token == "access" else "id",
            other_client_ids=issuer.client_ids[1:],
        )
        return _with_way_out(dict(verdict), claims)

    def setting_findings(self, name: str) -> Iterator[Finding]:  # noqa: ARG002  (as `Backend` has it)
        """Return nothing."""
        return iter(())

    def pool_findings(self, groups: Set[str]) -> Iterator[Finding]:  # noqa: ARG002  (as `Backend` has it)
        """Return nothing."""
        return iter(())

    def settlement(self, claim: str) -> None:
        """Return None: no setting of SurrealDB's leaves a claim to others."""


def _with_way_out(answer: dict[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
    """Say whether there is no email or one that is not verified, and what can be done about it."""
    if "versions" in answer:
        versions = answer["versions"].items()
        answer["versions"] = {name: _with_way_out(dict(each), claims) for name, each in versions}
    if answer.get("code") in _ABOUT_EMAIL:
        missing = not claims.get("email")
        answer["code"] = _ABOUT_EMAIL[0] if missing else _ABOUT_EMAIL[1]
        told = "no attribute email" if missing else "an email that is not verified (email_verified)"
        answer["message"] = (
            f"SurrealDB: the user has {told}; {_remedy(claims, missing)}, {_WAY_OUT}"
        )
    return answer


def _remedy(claims: Mapping[str, Any], is_missing: bool) -> str:  # noqa: FBT001  (private)
    if "identities" in claims:
        return f"map {'email and ' if is_missing else ''}email_verified at the provider"
    return "give them a verified one" if is_missing else "let them verify it"
