"""What each backend's room tells of a plugin: how its backend judges tokens, and what is dangerous."""

from collections.abc import Collection, Iterator, Mapping, Set
from typing import Any, NamedTuple, Protocol

from cognito_claims.contract.issuer import Issuer
from cognito_claims.tools.findings import Finding


class Identity(NamedTuple):
    """The attribute by which a plugin knows a user, and whose users' emails count."""

    attribute: str
    setting: str  # that names the providers
    providers: Collection[str]


class Judge(Protocol):
    """What gives verdicts on tokens."""

    @property
    def tokens(self) -> Collection[str]:
        """The tokens that get claims for it."""
        ...

    def verdict(self, token: str, issuer: Issuer, claims: dict[str, Any]) -> Mapping[str, Any]:
        """Return what the backend makes of a token, as `preview` prints it."""
        ...


class Backend(Judge, Protocol):
    """A configured plugin, with what the tools know of its backend."""

    @property
    def verifies_tokens(self) -> bool:
        """Whether the backend takes the tokens themselves; only then there are verdicts."""
        ...

    @property
    def open_to_clients(self) -> str | None:
        """Why any app client's access tokens get in, if they do."""
        ...

    @property
    def identity(self) -> Identity | None:
        """By what the plugin knows a user, if the settings decide on it."""
        ...

    @property
    def needs_verified_email(self) -> bool:
        """Whether the backend refuses users without a verified email."""
        ...

    @property
    def adds_secret(self) -> bool:
        """Whether a claim of the plugin is a secret."""
        ...

    def setting_findings(self, name: str) -> Iterator[Finding]:
        """Warn of what is dangerous in the settings alone; `name` is the plugin's."""
        ...

    def pool_findings(self, groups: Set[str]) -> Iterator[Finding]:
        """Warn of what is dangerous in a pool with these groups."""
        ...

    def settlement(self, claim: str) -> str | None:
        """Return the setting that would end a conflict over this claim, if there is one."""
        ...
