"""What each judge asks of a token first: whose it is, and whether it is valid now.

The judges that use this are tables of rules: no backend is asked. So each rule has a `Source`,
which says where it stands and how sure it is.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from cognito_claims.contract.errors import BackendRefusal

Claims: TypeAlias = Mapping[str, Any]
NOT_GIVEN: Final = "not-given"
"""The code of what a user may lack on purpose: the rules give it to others."""
Sure = Literal["documented", "seen", "assumed"]


class Source(NamedTuple):
    """Where a rule stands. `seen`: in the backend's code or as it ran; `assumed`: nowhere."""

    where: str
    sure: Sure

    def __str__(self) -> str:
        """Read as a sentence of the verdict."""
        return f"a table of rules, not the backend itself; {self.where} ({self.sure})"


def check_times(token: Claims, now: float, skew: float) -> None:
    """Raise `BackendRefusal` for a token that is expired, not yet valid, or without an end."""
    if not _is_number(token.get("exp")):
        raise BackendRefusal("no-exp", "exp: the token does not say when it ends")
    if now >= token["exp"] + skew:
        raise BackendRefusal("expired", "exp: the token is expired")
    for claim in ("nbf", "iat"):
        start = token.get(claim)
        if start is not None and not (_is_number(start) and start <= now + skew):
            raise BackendRefusal("not-yet-valid", f"{claim}: the token is not valid yet")


def check_issuer(token: Claims, url: str) -> None:
    """Raise `BackendRefusal` for a token of another issuer."""
    if token.get("iss") != url:
        raise BackendRefusal(
            "wrong-issuer", "iss: the token is of another pool, or of its other issuer"
        )


def client_of(token: Claims) -> object:
    """Return the app client: `client_id` of an access token, `aud` of an ID token."""
    return token.get("client_id" if token.get("token_use") == "access" else "aud")


def check_client(token: Claims, client_ids: tuple[str, ...]) -> None:
    """Raise `BackendRefusal` for a token of an app client that is not named."""
    if client_of(token) not in client_ids:
        claim = "client_id" if token.get("token_use") == "access" else "aud"
        raise BackendRefusal("wrong-client", f"{claim}: the token is of another app client")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
