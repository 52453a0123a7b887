"""A pool's issuer: its address in every partition, its type, and what the backends are set up for."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.session import get_session
from botocore.stub import Stubber

from cognito_claims.contract.issuer import IssuerType, dns_suffix, issuer_url
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.pool import aws
from cognito_claims.tools.pool.issuer import is_known, mismatch, read_type, type_of
from tests.command import run

POOL = "eu-west-1_aBcDeFgHi"
UPDATED = {"IssuerConfiguration": {"Type": "UPDATED"}}
UNKNOWN = {"IssuerConfiguration": {"Type": "NEWEST"}}
HASURA = {"COGNITO_CLAIMS_PLUGINS": "hasura"}


def regions() -> Iterator[tuple[str, str]]:
    """Give every region that botocore knows, and how its hosts end."""
    for partition in get_session().get_data("partitions")["partitions"]:
        for region in partition["regions"]:
            if not region.endswith("-global"):
                yield region, partition["outputs"]["dnsSuffix"]


@pytest.mark.parametrize(("region", "suffix"), [*regions(), ("eu-new-7", "amazonaws.com")])
def test_the_suffix_is_that_of_the_regions_partition(region: str, suffix: str) -> None:
    assert dns_suffix(region) == suffix


def test_the_updated_issuer_has_a_host_of_its_own() -> None:
    updated = issuer_url("eusc-de-east-1_A", "eusc-de-east-1", "updated")

    assert updated == "https://issuer-cognito-idp.eusc-de-east-1.amazonaws.eu/eusc-de-east-1_A"


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ({}, "original"),
        ({"IssuerConfiguration": None}, "original"),
        ({"IssuerConfiguration": {"Type": "ORIGINAL"}}, "original"),
        (UPDATED, "updated"),
        (UNKNOWN, None),
    ],
)
def test_a_described_pool_tells_its_type(pool: dict[str, Any], expected: IssuerType | None) -> None:
    assert type_of(pool) is expected


@pytest.mark.parametrize(
    ("pool", "told", "is_verified", "expected"),
    [
        (UPDATED, None, True, "the pool's issuer is updated, which setup prints with"),
        (UPDATED, "original", False, "is updated, and the backends take original; set them"),
        ({}, "updated", False, "is original, and the backends take updated; set them"),
        (UNKNOWN, None, True, "of a type that is not known here"),
    ],
)
def test_an_issuer_that_does_not_fit_is_told(
    pool: dict[str, Any],
    told: IssuerType | None,
    is_verified: bool,  # noqa: FBT001  (a case)
    expected: str,
) -> None:
    [message] = mismatch(pool, told, is_verified=is_verified, is_known=True)

    assert expected in message


@pytest.mark.parametrize(
    ("pool", "told", "is_verified"),
    [
        (UPDATED, None, False),
        (UPDATED, "updated", True),
        ({}, None, True),
        ({}, "original", True),
    ],
)
def test_nothing_is_told_of_one_that_fits_or_is_no_matter(
    pool: dict[str, Any],
    told: IssuerType | None,
    is_verified: bool,  # noqa: FBT001  (a case)
) -> None:
    assert [*mismatch(pool, told, is_verified=is_verified, is_known=True)] == []


def test_a_boto3_that_does_not_pass_the_type_on_is_told() -> None:
    [message] = mismatch({}, None, is_verified=True, is_known=False)

    assert message.startswith("the installed boto3 does not know IssuerConfiguration")


def reading(monkeypatch: pytest.MonkeyPatch, pool: dict[str, Any]) -> IssuerType:
    """Read the type from the answer that AWS gives for this pool."""
    client = boto3.client(
        *("cognito-idp", "eu-west-1"), aws_access_key_id="a", aws_secret_access_key="b"
    )
    assert is_known(client)
    monkeypatch.setattr(aws.Aws, "client", lambda *_: client)
    with Stubber(client) as stub:
        stub.add_response("describe_user_pool", {"UserPool": pool}, {"UserPoolId": POOL})
        return read_type(POOL, {})


def test_the_type_is_read_from_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reading(monkeypatch, UPDATED) == "updated"


def test_a_type_that_is_not_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnusableInput, match="--from-pool: the pool's issuer is of a type"):
        reading(monkeypatch, UNKNOWN)


def test_the_type_is_told_or_read_and_not_both() -> None:
    options = (
        "--user-pool-id",
        POOL,
        "--client-id",
        "a",
        "--from-pool",
        "--issuer-type",
        "updated",
    )

    told = run("setup", "hasura", *options, environ=HASURA, exit_code=2).err

    assert told == "cognito-claims: --issuer-type, --from-pool: give one of them\n"


@pytest.mark.parametrize(
    ("options", "host"),
    [((), "cognito-idp"), (("--issuer-type", "updated"), "issuer-cognito-idp")],
)
def test_setup_prints_the_issuer_its_keys_and_every_app_client(
    options: tuple[str, ...], host: str
) -> None:
    clients = ("--client-id", "web", "--client-id", "mobile", "--client-id", "web")
    command = ("setup", "hasura", "--user-pool-id", POOL, "--part", "jwt-secret")

    secret = run(*command, *clients, *options, environ=HASURA).content

    issuer = f"https://{host}.eu-west-1.amazonaws.com/{POOL}"
    assert (secret["issuer"], secret["jwk_url"], secret["audience"]) == (
        issuer,
        f"{issuer}/.well-known/jwks.json",
        ["web", "mobile"],
    )
