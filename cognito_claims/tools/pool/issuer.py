"""A pool's type of issuer, and whether the backends are set up for it."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.pool.aws import Aws, asking_aws, region_of_pool

_FIELD = "IssuerConfiguration"
_VERIFIERS = ("surrealdb", "hasura")


class IssuerType(StrEnum):
    """The two types of AWS's `IssuerConfiguration`."""

    ORIGINAL = "original"
    UPDATED = "updated"


def told_or_read(
    told: IssuerType | None, *, from_pool: bool, user_pool_id: str, environ: Mapping[str, str]
) -> IssuerType:
    """Give the type that the options name, or that the pool has; raises `UnusableInput`."""
    if not from_pool:
        return told or IssuerType.ORIGINAL
    if told is not None:
        raise UnusableInput("--issuer-type, --from-pool: give one of them")
    with asking_aws(user_pool_id):
        cognito = Aws(environ).client("cognito-idp", region_of_pool(user_pool_id))
        if not is_known(cognito):
            upgrade = f"the installed boto3 does not know {_FIELD}: upgrade it"
            raise UnusableInput(f"--from-pool: {upgrade}, or give --issuer-type")
        pool = cognito.describe_user_pool(UserPoolId=user_pool_id)["UserPool"]
    found = type_of(pool)
    if found is None:
        raise UnusableInput("--from-pool: the pool's issuer is of a type that is not known here")
    return found


def is_known(cognito: Any) -> bool:
    """Say whether this client of boto3 passes the type on."""
    return _FIELD in cognito.meta.service_model.shape_for("UserPoolType").members


def type_of(pool: Mapping[str, Any]) -> IssuerType | None:
    """Give the type of a described pool; None is one that this library does not know."""
    name = str((pool.get(_FIELD) or {}).get("Type") or IssuerType.ORIGINAL).lower()
    return IssuerType(name) if name in [*IssuerType] else None


def mismatch(
    pool: Mapping[str, Any], told: IssuerType | None, plugins: str, *, is_known: bool
) -> Iterator[str]:
    """Say how the pool's issuer differs from the one that the backends take, as far as is told.

    `plugins` is the function's setting, which says whether there are such backends.
    """
    names = [entry.strip() for entry in plugins.split(",")]
    if told is None and not any(name in names for name in _VERIFIERS):
        return
    if not is_known:
        yield f"the installed boto3 does not know {_FIELD}: whether it fits is not checked"
        return
    found = type_of(pool)
    if found is None:
        yield f"{_FIELD}: of a type that is not known here: whether it fits is not checked"
    elif told is not None and found is not told:
        remedy = "set them up again with --from-pool"
        yield f"{_FIELD}: the pool's issuer is {found}, and the backends take {told}; {remedy}"
    elif told is None and found is IssuerType.UPDATED:
        remedy = "if they are set up with it, say so: --issuer-type updated"
        yield f"{_FIELD}: the pool's issuer is updated, which setup prints with --from-pool; {remedy}"
