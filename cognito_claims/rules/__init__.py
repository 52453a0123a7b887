"""Rules: a JSON document that tells which claims, scopes and groups a token gets."""
