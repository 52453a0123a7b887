"""Every setting of the library, by the plugins that read them."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from cognito_claims.registry import BUILT_IN
from cognito_claims.secret import Secret
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.tools.backends.table import TABLE

_READ_BY_NO_CLASS = (
    "COGNITO_CLAIMS_PLUGINS",
    "COGNITO_CLAIMS_ON_ERROR",
    "COGNITO_CLAIMS_DEADLINE_MS",
    "COGNITO_CLAIMS_LOG_SUB",
    "COGNITO_CLAIMS_USER_POOLS",
    "MAPPER_RULES",
    "MAPPER_ON_ERROR",
    "MAPPER_CLIENTS",
    "USER_SYNC_SINKS",
    "USER_SYNC_ON_ERROR",
    "USER_SYNC_DEADLINE_MS",
    "USER_SYNC_QUEUE_URL",
    "USER_SYNC_CLIENTS",
    *(f"{name.upper()}_{setting}" for name in TABLE for setting in ("ON_ERROR", "CLIENTS")),
)
_READ_BY: Mapping[str, Any] = {
    **{name.upper(): row.plugin for name, row in TABLE.items()},
    "HASURA_SYNC": HasuraUsers,
}


def settings_of(source: Any) -> Iterator[tuple[str, bool]]:
    """Give the settings that a constructor's parameters are, and whether each is a secret."""
    for name, kind in vars(source)["__init__"].__annotations__.items():
        if name != "return":
            yield name, Secret in (kind, *get_args(kind))


KNOWN: Mapping[str, bool] = dict.fromkeys(_READ_BY_NO_CLASS, False) | {
    f"{prefix}_{name.upper()}": is_secret
    for prefix, source in _READ_BY.items()
    for name, is_secret in settings_of(source)
}
"""Every setting of the library, and whether it is a secret."""
PREFIXES: Mapping[str, tuple[str, ...]] = {
    name: (f"{name.upper()}_", *(("HASURA_SYNC_",) if name == "user_sync" else ()))
    for name in BUILT_IN
}
