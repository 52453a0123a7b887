"""A user pool: AWS's clients, its description, its update, and its functions' policies."""
