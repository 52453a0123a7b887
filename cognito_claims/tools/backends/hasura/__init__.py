"""What the tools know of Hasura."""
