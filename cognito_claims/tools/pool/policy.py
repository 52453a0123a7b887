"""A statement of a function's resource policy, judged: whom it lets invoke the function, or keeps from it.

What is not understood is told as such, and never passed over (AWS: "IAM JSON policy elements").
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

PRINCIPAL = "cognito-idp.amazonaws.com"
ACTION = "lambda:InvokeFunction"
_ARN, _ACCOUNT = "aws:sourcearn", "aws:sourceaccount"
_EQUAL = ("ArnEquals", "ArnLike", "StringEquals", "StringLike")
_KNOWN = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


class Verdict(Enum):
    """What a statement does."""

    POOL = "lets Cognito invoke it for this pool, and nobody else"
    WIDE = "Cognito may invoke it for other pools than this one"
    OTHER = "somebody else than Cognito for this pool may use it"
    UNCLEAR_ALLOW = "it allows what is not understood here"
    DENIES = "it keeps Cognito from invoking it"
    UNCLEAR_DENY = "it denies what is not understood here, and may stop Cognito"
    HARMLESS = "it denies others"


def judge(statement: object, pool_arn: str) -> Verdict:
    """Judge one statement for one pool."""
    if not isinstance(statement, Mapping):
        return Verdict.UNCLEAR_ALLOW
    if statement.get("Effect") == "Deny":
        return _denial(statement, pool_arn)
    if statement.get("Effect") != "Allow":
        return Verdict.UNCLEAR_ALLOW
    return _permission(statement, pool_arn)


def _permission(statement: Mapping[str, Any], pool_arn: str) -> Verdict:
    is_plain = set(statement) <= _KNOWN
    principal, action = statement.get("Principal"), _alone(statement.get("Action"))
    if not is_plain or not isinstance(principal, Mapping) or [*principal] != ["Service"]:
        return Verdict.OTHER
    if _alone(principal["Service"]) != PRINCIPAL:
        return Verdict.OTHER
    if not isinstance(action, str) or action.lower() != ACTION.lower():
        return Verdict.OTHER
    return _limited(statement.get("Condition"), pool_arn)


def _limited(conditions: object, pool_arn: str) -> Verdict:
    """Judge the conditions of a statement that lets Cognito invoke the function."""
    if not isinstance(conditions, Mapping):
        return Verdict.WIDE
    asked = [*_conditions(conditions)]
    arns = [value for operator, key, value in asked if key == _ARN and operator in _EQUAL]
    if not any(_is_one(arn) for arn in arns):
        return Verdict.WIDE
    if not any(_alone(arn) == pool_arn for arn in arns):
        return Verdict.OTHER
    account = pool_arn.split(":")[4]
    wanted = {_ARN: (pool_arn, _EQUAL), _ACCOUNT: (account, _EQUAL[2:])}
    for operator, key, value in asked:
        text, operators = wanted.get(key, (None, ()))
        if operator not in operators or _alone(value) != text:
            return Verdict.UNCLEAR_ALLOW
    return Verdict.POOL


def _denial(statement: Mapping[str, Any], pool_arn: str) -> Verdict:
    told = (
        _is_about_cognito(statement),
        _is_about_invoking(statement),
        _holds(statement.get("Condition", {}), pool_arn),
    )
    if False in told:
        return Verdict.HARMLESS
    return Verdict.UNCLEAR_DENY if None in told or set(statement) - _ALL else Verdict.DENIES


_ALL = _KNOWN | {"NotPrincipal", "NotAction"}


def _is_about_cognito(statement: Mapping[str, Any]) -> bool | None:
    """Say whether a denial's principals hold Cognito; None where that cannot be told."""
    if "NotPrincipal" in statement:
        return _names_cognito(statement["NotPrincipal"]) is False or None
    return _names_cognito(statement.get("Principal"))


def _names_cognito(principal: object) -> bool | None:
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        return None
    named = {kind: _texts(value) for kind, value in principal.items()}
    if "*" in (named.get("AWS") or ()) or {"*", PRINCIPAL} & {*(named.get("Service") or ())}:
        return True
    is_known = set(named) <= {"AWS", "Service", "Federated", "CanonicalUser"}
    return False if is_known and None not in named.values() else None


def _is_about_invoking(statement: Mapping[str, Any]) -> bool | None:
    """Say whether a denial's actions hold InvokeFunction; None where that cannot be told."""
    element = "NotAction" if "NotAction" in statement else "Action"
    patterns = _texts(statement.get(element))
    if patterns is None:
        return None
    is_named = any(_is_like(ACTION.lower(), pattern.lower()) for pattern in patterns)
    return is_named is (element == "Action")


def _holds(conditions: object, pool_arn: str) -> bool | None:
    """Say whether conditions hold when Cognito invokes it for the pool; None where that cannot be told."""
    if not isinstance(conditions, Mapping):
        return None
    given = {_ARN: pool_arn, _ACCOUNT: pool_arn.split(":")[4]}
    held = [
        _is_met(operator.removesuffix("IfExists"), given.get(key), _texts(value))
        for operator, key, value in _conditions(conditions)
    ]
    return False if False in held else None if None in held else True


def _is_met(operator: str, given: str | None, values: list[str] | None) -> bool | None:
    if given is None or values is None:
        return None
    if any("${" in value for value in values):
        return None  # a variable, which Lambda fills in
    is_negated = "Not" in operator
    positive = operator.replace("Not", "")
    if positive not in _EQUAL:
        return None
    if positive.startswith("Arn") and any("*" in value or "?" in value for value in values):
        return None  # matched part by part
    found = (_is_like(given, v) if positive == "StringLike" else given == v for v in values)
    return any(found) is not is_negated


def _conditions(conditions: Mapping[str, Any]) -> Iterator[tuple[str, str, object]]:
    """Give operator, key in lower case, and value; a key that is none where there is no object."""
    for operator, keys in conditions.items():
        if not isinstance(keys, Mapping):
            yield operator, "", None
            continue
        for key, value in keys.items():
            yield operator, key.lower(), value


def _is_one(value: object) -> bool:
    """Say whether this is one source, with no wildcard."""
    alone = _alone(value)
    return isinstance(alone, str) and "*" not in alone and "?" not in alone


def _alone(value: object) -> object:
    """Give the only entry of a list, and anything else as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _texts(value: object) -> list[str] | None:
    """Give one text or several as a list; None for anything else."""
    values: list[Any] = value if isinstance(value, list) else [value]
    return values if values and all(isinstance(each, str) for each in values) else None


def _is_like(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))
