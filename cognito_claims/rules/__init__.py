"""Rules: a JSON document that says which claims, scopes and groups a token gets."""
