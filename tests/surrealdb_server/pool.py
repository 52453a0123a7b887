"""A user pool's JWKS over HTTP on loopback, whose keys a test adds and takes away."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from cognito_claims.contract.surrealdb_script import Setup
from tests.surrealdb_engines import CLIENT, POOL, an_id_token


@cache
def key(_kid: str) -> RSAPrivateKey:
    """Make the private key of this id, once per process."""
    return generate_private_key(public_exponent=65537, key_size=2048)


class Pool:
    """What a SurrealDB server sees of a user pool: its issuer, its public keys, and its tokens."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}/{POOL}"
        self.kids = ["first"]
        self.fetches = 0

    @property
    def setup(self) -> Setup:
        return Setup("app", "main", self.issuer, CLIENT, "user")

    def jwks(self) -> dict[str, Any]:
        return {"keys": [_jwk(kid) for kid in self.kids]}

    def token(self, **changed: Any) -> str:
        """Sign an ID token with the pool's first key."""
        return self.signed("first", **changed)

    def signed(self, signer: str, kid: str | None = None, **changed: Any) -> str:
        """Sign an ID token; its header names the signer's key, or another."""
        claims = an_id_token(**{"iss": self.issuer, **changed})
        return jwt.encode(claims, key(signer), "RS256", {"kid": kid or signer})


def a_user(name: str = "alice") -> dict[str, str]:
    """Return the claims of somebody whom no database has seen yet."""
    sub = str(uuid4())
    return {"sub": sub, "email": f"{name}-{sub}@example.com", "cognito:username": name}


@contextmanager
def a_pool() -> Iterator[Pool]:
    """Serve a pool's keys until it is left."""

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_jwks = self.path == f"/{POOL}/.well-known/jwks.json"
            pool.fetches += is_jwks
            body = json.dumps(pool.jwks()).encode() if is_jwks else b""
            self.send_response(200 if is_jwks else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        pool = Pool(server.server_port)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield pool
        server.shutdown()
        thread.join()


def _jwk(kid: str) -> dict[str, Any]:
    public = RSAAlgorithm.to_jwk(key(kid).public_key(), as_dict=True)
    return {**public, "kid": kid, "alg": "RS256", "use": "sig"}
