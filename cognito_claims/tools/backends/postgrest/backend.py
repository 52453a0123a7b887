"""What the tools know of PostgREST, and of those that do as it does."""

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from cognito_claims.claims import Token
from cognito_claims.contract import postgrest
from cognito_claims.contract.issuer import Issuer
from cognito_claims.rules.document import Document
from cognito_claims.tools.backends.named import claim_rules, judged, possible_texts, rules_of
from cognito_claims.tools.backends.part import Part
from cognito_claims.tools.backends.postgrest.server import config_parts, sql
from cognito_claims.tools.errors import UnusableInput

_ROLE = "role"
_TOKENS: tuple[Token, ...] = ("access", "id")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
_NOTE = (
    "the access token has no role: whoever sends it runs as anon and sees no rows, without an error"
)


class PostgREST(NamedTuple):
    """PostgREST, or what does as it does; the text is the name in `backends`."""

    name: Literal["postgrest", "supabase", "postgresql"]

    @property
    def summary(self) -> str:
        """What `setup` prints for it."""
        return "Print the SQL with roles, grants and row-level security, and what runs it."

    def rules(self) -> str:
        """Return the rules document that comes with the package."""
        return rules_of("postgrest").replace("NAME", self.name)

    def tokens(self, document: Document) -> tuple[Token, ...]:
        """Return those that get the role; without any, the one that most libraries send."""
        return tuple(t for t in _TOKENS if _ROLE in document.owns[t]) or _TOKENS[:1]

    def verdict(
        self,
        document: Document,
        token: Token,  # noqa: ARG002  (as `Room` has it)
        issuer: Issuer,
        claims: dict[str, Any],
    ) -> Mapping[str, Any]:
        """Apply the rules to a token."""
        roles = _roles(document)
        granted = frozenset((str(claims.get(_ROLE)),)) if roles is None else roles
        given = judged(
            lambda: postgrest.session(
                claims, issuer=issuer.url, client_ids=issuer.client_ids, roles=granted
            ),
            postgrest.SOURCES,
        )
        return given if "access" in self.tokens(document) else {**given, "notes": [_NOTE]}

    def parts(self, document: Document, issuer: Issuer) -> list[Part]:
        """Write the SQL for the roles that the rules give, and the server's configuration."""
        roles = _roles(document)
        if not roles:
            raise UnusableInput("claims.role: expected a constant, or values: name each role")
        wrong = {*postgrest.ABOVE_ROWS, postgrest.LOGIN, postgrest.ANONYMOUS} & roles
        if wrong:
            told = "may do more, or less, than a user: name another role"
            raise UnusableInput(*(f"claims.role: {role} {told}" for role in sorted(wrong)))
        if not all(map(_NAME.fullmatch, roles)):
            raise UnusableInput("claims.role: expected letters, digits, _ and -, at most 63")
        text = sql(roles, issuer, has_roles=self.name == "supabase")
        return [
            Part("sql", "roles, functions, and a table with policies", "sql", text),
            *config_parts(self.name, issuer),
        ]


def _roles(document: Document) -> frozenset[str] | None:
    """Return the roles that the rules may give; None where they may be any."""
    found: frozenset[str] = frozenset()
    for rule in claim_rules(document, _ROLE):
        texts = possible_texts(rule)
        if texts is None:
            return None
        found |= texts
    return found
