"""What the tools know of SurrealDB."""
