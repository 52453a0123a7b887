"""What a Hasura server is configured with to take one pool's tokens: v2's JWT secret, v3's AuthConfig."""

from typing import Any

from cognito_claims.contract.issuer import Issuer

SKEW_S = 10  # Cognito's clock may be ahead of the server's, and v2 refuses an `iat` to come


def jwt_secret(issuer: Issuer, *, namespace: str, claims_format: str) -> dict[str, Any]:
    """Give the JSON of HASURA_GRAPHQL_JWT_SECRET (v2)."""
    return {
        "jwk_url": issuer.jwks_url,
        "issuer": issuer.url,
        "audience": [*issuer.client_ids],
        "claims_namespace": namespace,
        "claims_format": claims_format,
        "allowed_skew": SKEW_S,
    }


def auth_config(issuer: Issuer, *, namespace: str, claims_format: str) -> dict[str, Any]:
    """Give the AuthConfig object (v3, DDN), whose `location` is a JSON pointer (RFC 6901)."""
    escaped = namespace.replace("~", "~0").replace("/", "~1")
    spelled = "Json" if claims_format == "json" else "StringifiedJson"
    jwt = {
        "claimsConfig": {"namespace": {"location": f"/{escaped}", "claimsFormat": spelled}},
        "key": {"jwkFromUrl": issuer.jwks_url},
        "tokenLocation": {"type": "BearerAuthorization"},
        "issuer": issuer.url,
        "audience": [*issuer.client_ids],
        "allowedSkew": SKEW_S,
    }
    return {"kind": "AuthConfig", "version": "v3", "definition": {"mode": {"jwt": jwt}}}
