"""What the tools know of Bedrock AgentCore and MCP servers: a verdict, and the authorizer."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cognito_claims.claims import Token
from cognito_claims.contract import agentcore
from cognito_claims.contract.issuer import Issuer
from cognito_claims.rules.document import Document
from cognito_claims.rules.guard import ALWAYS
from cognito_claims.tools.backends.agentcore.mcp import mcp_parts
from cognito_claims.tools.backends.named import (
    form_of,
    judged,
    possible_texts,
    rules_of,
    scopes_of,
    to_json,
)
from cognito_claims.tools.backends.part import Part
from cognito_claims.tools.errors import UnusableInput

_UNREAD = "the authorizer does not compare it: no list of known texts, nor one text that some have"


class AgentCore(NamedTuple):
    """A gateway or runtime with a JWT authorizer."""

    @property
    def summary(self) -> str:
        """What `setup` prints for it."""
        return "Print the JWT authorizer of a gateway or runtime, and what an MCP server needs."

    def rules(self) -> str:
        """Return the rules document that comes with the package."""
        return rules_of("agentcore")

    def tokens(self, document: Document) -> tuple[Token, ...]:  # noqa: ARG002  (as `Room` has it)
        """Return the access token: `allowedClients` reads its `client_id`."""
        return ("access",)

    def verdict(
        self,
        document: Document,
        token: Token,  # noqa: ARG002  (as `Room` has it)
        issuer: Issuer,
        claims: dict[str, Any],
    ) -> Mapping[str, Any]:
        """Apply the rules to a token."""
        authorizer = _authorizer(document, issuer)
        given = judged(lambda: agentcore.authorize(claims, authorizer), agentcore.SOURCES)
        read = {each["inboundTokenClaimName"] for each in authorizer.get("customClaims", [])}
        notes = [f"{name}: {_UNREAD}" for name in sorted(document.owns["access"] - read)]
        return {**given, "notes": notes} if notes else given

    def parts(self, document: Document, issuer: Issuer) -> list[Part]:
        """Write the authorizer for the scopes and claims that the rules make."""
        authorizer = _authorizer(document, issuer)
        if wrong := [*agentcore.problems(authorizer)]:
            raise UnusableInput(*(f"claims.{problem}" for problem in wrong))
        content = to_json({"customJWTAuthorizer": authorizer})
        return [
            Part("authorizer", "authorizerConfiguration of the gateway", "json", content),
            *mcp_parts(sorted(scopes_of(document)), issuer),
        ]


def _authorizer(document: Document, issuer: Issuer) -> dict[str, Any]:
    authorizer: dict[str, Any] = {
        "discoveryUrl": f"{issuer.url}{agentcore.DISCOVERY}",
        "allowedClients": [*issuer.client_ids],
    }
    if scopes := sorted(scopes_of(document)):
        authorizer["allowedScopes"] = scopes
    if claims := [*_custom_claims(document)]:
        authorizer["customClaims"] = claims
    return authorizer


def _custom_claims(document: Document) -> Iterator[dict[str, Any]]:
    """Return what can be compared: a list with known values, and one text that not all have."""
    for claim in document.claims:
        texts = sorted(possible_texts(claim.rule) or ())
        form = form_of(claim.rule)
        if "access" not in claim.tokens or not texts:
            continue
        if form == "list":
            value = {"matchValueStringList": texts}
            yield _custom_claim(claim.name, "STRING_ARRAY", value, "CONTAINS_ANY")
        elif len(texts) == 1 and claim.rule.guard is not ALWAYS:
            yield _custom_claim(claim.name, "STRING", {"matchValueString": texts[0]}, "EQUALS")


def _custom_claim(name: str, kind: str, value: dict[str, Any], operator: str) -> dict[str, Any]:
    return {
        "inboundTokenClaimName": name,
        "inboundTokenClaimValueType": kind,
        "authorizingClaimMatchValue": {"claimMatchValue": value, "claimMatchOperator": operator},
    }
