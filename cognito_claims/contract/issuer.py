"""Whose tokens a backend is set up to take."""

from typing import NamedTuple, Self


class Issuer(NamedTuple):
    """Whose tokens are taken: a pool's, issued to one of its app clients."""

    url: str
    client_id: str

    @classmethod
    def of_pool(cls, user_pool_id: str, region: str, client_id: str) -> Self:
        """Name a pool as the `iss` of its tokens does."""
        return cls(f"https://cognito-idp.{region}.amazonaws.com/{user_pool_id}", client_id)

    @property
    def jwks_url(self) -> str:
        """Give the address of the pool's public keys."""
        return f"{self.url}/.well-known/jwks.json"
