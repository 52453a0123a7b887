"""What an MCP server of one's own needs to take the pool's access tokens."""

from cognito_claims.contract.issuer import Issuer
from cognito_claims.tools.backends.named import to_json
from cognito_claims.tools.backends.part import Part


def mcp_parts(scopes: list[str], issuer: Issuer) -> list[Part]:
    """Write the server's metadata (RFC 9728)."""
    metadata = {
        "resource": "FILL_IN: the MCP server's URL, as in https://mcp.example.com/mcp",
        "authorization_servers": [issuer.url],
        "scopes_supported": scopes,
        "bearer_methods_supported": ["header"],
    }
    path = "an MCP server: /.well-known/oauth-protected-resource"
    return [Part("mcp-metadata", path, "json", to_json(metadata))]
