"""The same sign-ins on the stand-in and, where FAUNA_ENDPOINT and FAUNA_SECRET name one, on a real Fauna.

The real one needs the schema of docs/fauna.md, and a key of its minter's role.
"""

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, NamedTuple

import pytest

from cognito_claims.clients.fauna import FaunaClient
from cognito_claims.errors import FaunaError
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.testing import a_user_event
from tests.stand_ins.fauna import SECRET, FaunaServer


class Target(NamedTuple):
    endpoint: str
    secret: str

    def __repr__(self) -> str:
        return "Target(***)"  # pytest prints it when a test fails

    def tokens(self, **settings: Any) -> FaunaTokens:
        return FaunaTokens(endpoint=self.endpoint, secret=self.secret, identity="email", **settings)


@pytest.fixture(params=["stand-in", "real"])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    if request.param == "real":
        given = Target(os.environ.get("FAUNA_ENDPOINT", ""), os.environ.get("FAUNA_SECRET", ""))
        if not all(given):
            pytest.skip("no real Fauna: set FAUNA_ENDPOINT and FAUNA_SECRET to sign in on one")
        yield given
    else:
        with FaunaServer() as server:
            yield Target(server.endpoint, SECRET)


@pytest.fixture
def email() -> str:
    return f"cognito-claims-{secrets.token_hex(8)}@example.com"


@pytest.mark.parametrize("client", ["http", "driver"])
def test_the_second_sign_in_finds_what_the_first_one_made(
    target: Target, email: str, client: str
) -> None:
    plugin = target.tokens(client=client)

    first = plugin(a_user_event(email=email)).id_token.add
    second = plugin(a_user_event(email=email.upper(), name="again")).id_token.add

    assert first["userId"] == second["userId"]
    assert first["fauna_token_secret"] != second["fauna_token_secret"]
    assert [str(tokens["fauna_token_secret"])[:3] for tokens in (first, second)] == ["fnE", "fnE"]


def test_the_pair_has_two_tokens_of_one_document(target: Target, email: str) -> None:
    pair = target.tokens(refresh_ttl_seconds=3600)(a_user_event(email=email)).id_token.add
    one = target.tokens()(a_user_event(email=email)).id_token.add

    assert set(pair) == {"fauna_access_token", "fauna_refresh_token", "userId"}
    assert pair["userId"] == one["userId"]
    assert len({pair["fauna_access_token"], pair["fauna_refresh_token"]}) == 2


def test_first_sign_ins_at_once_end_with_one_document(target: Target, email: str) -> None:
    def sign_in(number: int) -> Any:
        event = a_user_event(email=email, name=f"session {number}")
        return target.tokens()(event).id_token.add["userId"]

    with ThreadPoolExecutor(8) as pool:
        documents = set(pool.map(sign_in, range(8)))

    assert len(documents) == 1


def test_a_key_that_is_none_is_unauthorized(target: Target, email: str) -> None:
    plugin = FaunaTokens(endpoint=target.endpoint, secret=f"fnA{'x' * 37}")

    with pytest.raises(FaunaError) as refused:
        plugin(a_user_event(email=email))

    assert (refused.value.status, refused.value.fauna_code) == (401, "unauthorized")


def test_a_name_that_is_none_is_an_invalid_query(target: Target, email: str) -> None:
    with pytest.raises(FaunaError) as refused:
        target.tokens(collection="NoSuchCollectionHere")(a_user_event(email=email))

    assert (refused.value.status, refused.value.fauna_code) == (400, "invalid_query")


def test_a_query_that_is_none_is_refused_and_tells_nothing(target: Target) -> None:
    client = FaunaClient(target.endpoint)

    with pytest.raises(FaunaError) as refused:
        client.query(("let hunter2 =",), target.secret, deadline=monotonic() + 4)

    assert str(refused.value) == "Fauna: invalid_query (HTTP 400)"
