"""API Gateway: scopes of the access token decide on methods and routes."""
