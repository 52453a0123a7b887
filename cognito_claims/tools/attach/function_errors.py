"""What doctor would find wrong with functions, before they are attached."""

from collections.abc import Mapping, Sequence
from typing import Any

from cognito_claims.tools.doctor.invokers import NO_PERMISSION
from cognito_claims.tools.doctor.pool_rules import diagnoses
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool.description import PoolReader


def function_errors(
    pool: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[list[Finding], Sequence[str]]:
    """Give the errors of the functions that a pool is going to have, and the actions not allowed.

    Raise what boto3 raises. The permission for the pool is no matter: to attach a function adds it.
    """
    facts = PoolReader(pool["Id"], (), environ).facts_of_functions(pool)
    found = dict.fromkeys(diagnoses(facts))
    errors = [f for f in found if f.level == "error" and f.code != NO_PERMISSION]
    return errors, facts.unread
