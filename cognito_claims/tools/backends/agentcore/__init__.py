"""Bedrock AgentCore, and MCP servers: scopes and claims of the access token."""
