"""A pool's type of issuer, and whether the backends are set up for it."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from cognito_claims.contract.issuer import IssuerType
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.inputs import region_of_pool
from cognito_claims.tools.pool.aws import Aws, asking_aws

_FIELD = "IssuerConfiguration"
_TYPES: tuple[IssuerType, ...] = get_args(IssuerType)


def read_type(user_pool_id: str, environ: Mapping[str, str]) -> IssuerType:
    """Read the type from the pool. Raise `UnusableInput` for one that is not known here."""
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
    name = str((pool.get(_FIELD) or {}).get("Type") or "original").lower()
    return next((kind for kind in _TYPES if kind == name), None)


def mismatch(
    pool: Mapping[str, Any], told: IssuerType | None, *, is_verified: bool, is_known: bool
) -> Iterator[str]:
    """Say how the pool's issuer differs from the one that the backends take, as far as is told.

    `is_verified` says whether there are such backends.
    """
    if told is None and not is_verified:
        return
    if not is_known:
        yield f"the installed boto3 does not know {_FIELD}: whether it fits is not checked"
        return
    found = type_of(pool)
    if found is None:
        yield f"{_FIELD}: of a type that is not known here: whether it fits is not checked"
    elif told is not None and found != told:
        remedy = "set them up again with --from-pool"
        yield f"{_FIELD}: the pool's issuer is {found}, and the backends take {told}; {remedy}"
    elif told is None and found == "updated":
        remedy = "if they are set up with it, say so: --issuer-type updated"
        yield f"{_FIELD}: the pool's issuer is updated, which setup prints with --from-pool; {remedy}"
