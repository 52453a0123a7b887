"""A real SurrealDB in memory behind its HTTP endpoints."""
