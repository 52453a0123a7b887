"""Whose tokens a backend accepts, and how a pool names itself in them."""

from typing import Final, Literal, NamedTuple, Self, TypeAlias

IssuerType: TypeAlias = Literal["original", "updated"]
"""`IssuerConfiguration.Type` of a pool, which decides on its tokens' `iss`."""

_HOSTS: Final[dict[IssuerType, str]] = {
    "original": "cognito-idp",
    "updated": "issuer-cognito-idp",
}
_SUFFIXES: Final = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}
"""Of the partitions beside the commercial one and GovCloud, by how their regions begin."""


class Issuer(NamedTuple):
    """Whose tokens are accepted: those of a pool, issued to one of these app clients."""

    url: str
    client_ids: tuple[str, ...]

    @classmethod
    def of_pool(
        cls,
        user_pool_id: str,
        region: str,
        *client_ids: str,
        issuer_type: IssuerType = "original",
    ) -> Self:
        """Return the issuer of a pool, named as in the `iss` of its tokens."""
        url = issuer_url(user_pool_id, region, issuer_type)
        return cls(url, client_ids)

    @property
    def jwks_url(self) -> str:
        """The address of the pool's public keys."""
        return f"{self.url}/.well-known/jwks.json"


def issuer_url(
    user_pool_id: str,
    region: str,
    issuer_type: IssuerType = "original",
) -> str:
    """Return the `iss` of a pool's tokens."""
    host = f"{_HOSTS[issuer_type]}.{region}.{dns_suffix(region)}"
    return f"https://{host}/{user_pool_id}"


def dns_suffix(region: str) -> str:
    """Return the end of the hosts of AWS's services in a region."""
    found = (suffix for prefix, suffix in _SUFFIXES.items() if region.startswith(prefix))
    return next(found, "amazonaws.com")
