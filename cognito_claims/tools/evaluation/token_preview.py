"""One token without the trigger and with it: its claims, its changes, its size."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from cognito_claims.contract.cognito import Tokens
from cognito_claims.tools.findings import Finding

COOKIE_BYTES = 4096
HEADER_BYTES = 8160
# Largest first: bytes, the code of a finding, what takes no more.
_MARKS = (
    (10_240, "token-over-api-gateway", "that API Gateway takes in a request's line and headers"),
    (HEADER_BYTES, "token-over-header", "that nginx, Apache and gunicorn take in a header"),
    (COOKIE_BYTES, "token-over-cookie", "of one browser cookie"),
    (2048, "token-over-app-services", "that MongoDB App Services takes"),
)
MARKS = tuple(size for size, _, _ in reversed(_MARKS))
"""The sizes, in bytes, beyond which something takes no token."""

# A header with Cognito's kid and alg, two dots, an RS256 signature.
_SIGNED_BYTES = 87 + 1 + 1 + 342


class TokenPreview(NamedTuple):
    """One token: its claims without the trigger, with it, and its size as a signed JWT."""

    before: dict[str, Any]
    after: dict[str, Any]
    bytes: int


def token_preview(
    before: dict[str, Any] | None, after: dict[str, Any] | None
) -> TokenPreview | None:
    """Return the token's claims and its size, or None where Cognito issues no such token."""
    if before is None or after is None:
        return None
    payload = json.dumps(after, separators=(",", ":"), ensure_ascii=False).encode()
    encoded = base64.urlsafe_b64encode(payload).rstrip(b"=")
    return TokenPreview(before, after, _SIGNED_BYTES + len(encoded))


def size_findings(
    name: str, token: TokenPreview | None, *, is_of_rules: bool = False
) -> Iterator[Finding]:
    """Warn of the largest mark that a token exceeds; the smallest one counts for rules alone.

    Whoever reads a ready-made plugin's claims is known, and takes more.
    """
    for size, code, taken in _MARKS if is_of_rules else _MARKS[:-1]:
        if token is not None and token.bytes > size:
            told = f"{name} token: {token.bytes} bytes, more than the {size} {taken}"
            yield Finding.warning(code, told)
            return


def sample_size_findings(tokens: Tokens) -> Iterator[Finding]:
    """Warn of the sizes that a sample user's tokens exceed by rules."""
    for name, claims in (("ID", tokens.id_token), ("access", tokens.access_token)):
        for finding in size_findings(name, token_preview(claims, claims), is_of_rules=True):
            told = finding.message.partition(", ")[2]
            yield Finding.warning(finding.code, f"{name} token of a sample user: {told}")


class ClaimChange(NamedTuple):
    """One claim of a token; None where the token lacks it."""

    mark: Literal["added", "changed", "suppressed", "unchanged"]
    claim: str
    before: str | None
    after: str | None


def changes(token: TokenPreview) -> Iterator[ClaimChange]:
    """Give every claim, as text: what a browser makes of a large number is another one."""
    for claim in sorted({*token.before, *token.after}):
        before, after = _text(token.before, claim), _text(token.after, claim)
        if claim not in token.before:
            yield ClaimChange("added", claim, before, after)
        elif claim not in token.after:
            yield ClaimChange("suppressed", claim, before, after)
        elif token.before[claim] != token.after[claim]:
            yield ClaimChange("changed", claim, before, after)
        else:
            yield ClaimChange("unchanged", claim, before, after)


def _text(claims: Mapping[str, Any], claim: str) -> str | None:
    if claim not in claims:
        return None
    value = claims[claim]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
