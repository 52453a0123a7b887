"""The pool's keys, as the server fetches them over HTTP: once, again, and when it must not.

The server keeps a JWKS for 12 hours, and fetches one again for an unknown `kid` when the last fetch
was five minutes ago. SURREAL_JWKS_CACHE_EXPIRATION_SECONDS and
SURREAL_JWKS_CACHE_COOLDOWN_SECONDS change these times.
"""

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.surrealdb_engines import an_id_token
from tests.surrealdb_server.conftest import Start
from tests.surrealdb_server.pool import Pool, a_user, key
from tests.surrealdb_server.server import ALLOWED, Answer, Server, printed_script

OPAQUE = Answer(401, "There was a problem with authentication")
WHO = "RETURN $access"


def asked(server: Server, pool: Pool, token: str) -> object:
    """Return the access method through which the bearer came in, or how they were refused."""
    answer = server.sql(pool.setup, token, WHO)
    return answer.body[0]["result"] if answer.status == 200 else answer


def test_keys_are_fetched_once_for_many_users(start: Start, pool: Pool) -> None:
    with start(*ALLOWED) as server:
        server.set_up(pool.setup, printed_script(pool))
        before = pool.fetches

        who = [asked(server, pool, pool.token(**a_user())) for _ in range(5)]

    assert (who, before, pool.fetches) == (["user"] * 5, 0, 1)


def test_a_new_key_is_fetched_after_the_pause_alone(start: Start, pool: Pool) -> None:
    """Wait for five minutes in the first server, and for none in the second."""
    answers, fetches = [], []
    for environ in ({}, {"SURREAL_JWKS_CACHE_COOLDOWN_SECONDS": "0"}):
        pool.kids, pool.fetches = ["first"], 0
        with start(*ALLOWED, **environ) as server:
            server.set_up(pool.setup, printed_script(pool))
            asked(server, pool, pool.token())
            pool.kids = ["first", "second"]
            tokens = [pool.signed(kid) for kid in ("second", "first")]
            answers += [asked(server, pool, token) for token in tokens]
            fetches.append(pool.fetches)

    assert answers == [OPAQUE, "user", "user", "user"]
    assert fetches == [1, 2]


def test_a_removed_key_is_good_until_the_keys_are_fetched_again(start: Start, pool: Pool) -> None:
    answers = []
    for environ in ({}, {"SURREAL_JWKS_CACHE_EXPIRATION_SECONDS": "0"}):
        pool.kids = ["first"]
        with start(*ALLOWED, **environ) as server:
            server.set_up(pool.setup, printed_script(pool))
            asked(server, pool, pool.token())
            pool.kids = ["second"]
            answers.append(asked(server, pool, pool.token()))

    assert answers == ["user", OPAQUE]


@pytest.mark.parametrize("options", [(), ("--allow-net", "127.0.0.2")])
def test_without_a_right_to_the_pools_host_nothing_is_fetched(
    start: Start, pool: Pool, options: tuple[str, ...]
) -> None:
    with start(*options) as server:
        server.set_up(pool.setup, printed_script(pool))

        answer = asked(server, pool, pool.token())

    assert (answer, pool.fetches) == (OPAQUE, 0)


def forged(pool: Pool, kind: str) -> str:
    """Make a token that the pool has not signed."""
    claims = an_id_token(iss=pool.issuer)
    if kind == "none":
        return f"{_unsigned({'alg': 'none', 'kid': 'first'}, claims)}."
    if kind == "public key as a secret":  # PyJWT would not sign so
        pem = (
            key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        text = _unsigned({"alg": "HS256", "kid": "first"}, claims)
        return f"{text}.{_base64url(hmac.digest(pem, text.encode(), 'sha256'))}"
    if kind == "no kid":
        return jwt.encode(claims, key("first"), "RS256")
    if kind == "unknown kid":
        return pool.signed("first", kid="unknown")
    return pool.signed("second", kid="first")


def _unsigned(header: dict[str, str], claims: dict[str, Any]) -> str:
    return ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "kind", ["unknown kid", "another's key", "no kid", "none", "public key as a secret"]
)
def test_what_the_pool_has_not_signed_is_refused(served: tuple[Server, Pool], kind: str) -> None:
    server, pool = served
    asked(server, pool, pool.token())

    answer = server.sql(pool.setup, forged(pool, kind), WHO)

    assert (answer.status, pool.fetches) == (401, 1)
