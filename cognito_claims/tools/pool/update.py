"""What UpdateUserPool must be told so that a pool keeps all that it has: the call resets what is left out.

AWS says so of the call ("API_UpdateUserPool"). Nothing here asks anybody.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from cognito_claims.tools.json_diff import Difference, differences

_READ_ONLY = frozenset(  # what DescribeUserPool tells, and UpdateUserPool refuses
    (
        "AliasAttributes",
        "Arn",
        "CreationDate",
        "CustomDomain",
        "Domain",
        "EmailConfigurationFailure",
        "EstimatedNumberOfUsers",
        "Id",
        "LastModifiedDate",
        "Name",
        "SchemaAttributes",
        "SmsConfigurationFailure",
        "Status",
        "UsernameAttributes",
        "UsernameConfiguration",
    )
)
_UNUSED_DAYS = "UnusedAccountValidityDays"  # Cognito tells it, and wants the password policy's days in its place
_VOLATILE = frozenset(
    ("EstimatedNumberOfUsers", "LastModifiedDate", f"AdminCreateUserConfig.{_UNUSED_DAYS}")
)
_V1, _CONFIG = "PreTokenGeneration", "PreTokenGenerationConfig"
_SYNC = ("PostAuthentication", "PostConfirmation")
MANAGED: tuple[str, ...] = (_V1, _CONFIG, *_SYNC)  # the triggers that are attached and detached


class EventVersion(StrEnum):
    """The version of the events that a pool sends to its pre token generation function."""

    V1_0 = "V1_0"
    V2_0 = "V2_0"
    V3_0 = "V3_0"


class Triggers(NamedTuple):
    """The functions to attach or detach, by ARN; None for one that is not asked for."""

    function_arn: str | None = None
    event_version: EventVersion | None = None  # what the pool sends already, or V2_0
    sync_function_arn: str | None = None


def carried_over(pool: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of an UpdateUserPool that changes nothing."""
    kept = {name: value for name, value in pool.items() if name not in _READ_ONLY}
    policy = kept.get("Policies", {}).get("PasswordPolicy", {})
    if "TemporaryPasswordValidityDays" in policy and "AdminCreateUserConfig" in kept:
        config = kept["AdminCreateUserConfig"]
        kept["AdminCreateUserConfig"] = {n: v for n, v in config.items() if n != _UNUSED_DAYS}
    return {"UserPoolId": pool["Id"], "PoolName": pool["Name"], **kept}


def attached(config: Mapping[str, Any], triggers: Triggers) -> dict[str, Any]:
    """Give a pool's LambdaConfig with these triggers; its two pre token generation keys name one function."""
    wanted = dict(config)
    if triggers.function_arn is not None:
        arn = triggers.function_arn
        wanted[_V1] = arn
        wanted[_CONFIG] = {"LambdaVersion": _version(config, triggers), "LambdaArn": arn}
    if triggers.sync_function_arn is not None:
        wanted |= dict.fromkeys(_SYNC, triggers.sync_function_arn)
    return wanted


def _version(config: Mapping[str, Any], triggers: Triggers) -> str:
    if triggers.event_version is not None:
        return triggers.event_version.value
    return version_of(config) or EventVersion.V2_0.value


def version_of(config: Mapping[str, Any]) -> str | None:
    """Give the version of the events that a pool sends; None without a function to send them to."""
    if config.get(_CONFIG):
        return str(config[_CONFIG]["LambdaVersion"])
    return EventVersion.V1_0.value if config.get(_V1) else None


def managed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Give those of a pool's triggers that are attached and detached here."""
    return {name: config[name] for name in MANAGED if config.get(name)}


def restored(config: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Give a pool's LambdaConfig with the triggers that are managed here as they were before."""
    rest = {name: value for name, value in config.items() if name not in MANAGED}
    return {**rest, **managed(before)}


def functions_of(config: Mapping[str, Any]) -> set[str]:
    """Give the ARNs of the functions that are managed here."""
    return {arn for _, arn in _functions(config)}


def detached(config: Mapping[str, Any], triggers: Triggers) -> dict[str, Any]:
    """Give a pool's LambdaConfig without these triggers; another function's stay."""
    wanted = dict(config)
    for name, arn in _functions(config):
        asked = triggers.sync_function_arn if name in _SYNC else triggers.function_arn
        if arn == asked:
            del wanted[name]
    return wanted


def others(config: Mapping[str, Any], triggers: Triggers) -> Iterator[tuple[str, str]]:
    """Give the triggers that are asked for and belong to other functions, with those."""
    for name, arn in _functions(config):
        asked = triggers.sync_function_arn if name in _SYNC else triggers.function_arn
        if asked is not None and arn != asked:
            yield name, arn


def changes(before: object, after: object) -> Iterator[Difference]:
    """Compare two descriptions of a pool, setting by setting; what changes by itself is left out."""
    return (found for found in differences(before, after) if found.path not in _VOLATILE)


def is_attached(arn: str, config: Mapping[str, Any]) -> bool:
    """Say whether a function is one of a pool's triggers of any kind."""
    values = [
        value.values() if isinstance(value, Mapping) else (value,) for value in config.values()
    ]
    return any(arn in inner for inner in values)


def _functions(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in (_V1, *_SYNC):
        if config.get(name):
            yield name, config[name]
    if config.get(_CONFIG):
        yield _CONFIG, config[_CONFIG]["LambdaArn"]
