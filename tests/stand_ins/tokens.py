"""Tokens of a made-up pool, signed with its key."""

import time
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

POOL = "eu-central-1_AbCdEfGhI"
ISSUER = f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}"
CLIENT = "1example23456789abcdefghij"
ALICE = "a11ce000-0000-4000-8000-000000000001"
MALLORY = "3a110000-0000-4000-8000-000000000002"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims(sub: str = MALLORY, kind: str = "access", **changed: Any) -> dict[str, Any]:
    """Return a token's claims; None takes one away."""
    now = int(time.time())
    client = {"client_id": CLIENT} if kind == "access" else {"aud": CLIENT}
    own = {"iss": ISSUER, "sub": sub, "token_use": kind, "iat": now, "exp": now + 600, **client}
    found = {**own, "role": "authenticated", **changed}
    return {name: value for name, value in found.items() if value is not None}


def signed(content: Mapping[str, Any], key: Any = KEY, **how: Any) -> str:
    how = {"algorithm": "RS256", "headers": {"kid": "1"}, **how}
    return jwt.encode(dict(content), key, **how)
