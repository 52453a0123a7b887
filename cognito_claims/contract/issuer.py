"""Whose tokens a backend is set up to take."""

from typing import NamedTuple


class Issuer(NamedTuple):
    """Whose tokens are taken: a pool's, issued to one of its app clients."""

    url: str
    client_id: str

    @property
    def jwks_url(self) -> str:
        """Give the address of the pool's public keys."""
        return f"{self.url}/.well-known/jwks.json"
