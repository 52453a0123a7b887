"""Signed requests according to Standard Webhooks.

A request has an id, a time, and an HMAC-SHA256 over both and the body.
"""

import hmac
from base64 import b64decode, b64encode

from cognito_claims.errors import SecretError

_PREFIX = "whsec_"
_SHORTEST = 16


def signed(secret: str, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers; raise `SecretError` if the secret is not of this scheme."""
    text = f"{message_id}.{timestamp}."
    signature = b64encode(hmac.digest(_key(secret), text.encode() + body, "sha256")).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def _key(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(_PREFIX) or len(key) < _SHORTEST:
        raise SecretError(
            f"secret: expected {_PREFIX} and the base64 of {_SHORTEST} random bytes or more, "
            "as Standard Webhooks has it"
        )
    return key
