"""Who may invoke a function: findings about its resource policies."""

from collections.abc import Iterator, Sequence
from typing import Any

from cognito_claims.errors import shown
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool.description import Function
from cognito_claims.tools.pool.function_policy import grants
from cognito_claims.tools.pool.policy import Verdict, judge

NO_PERMISSION = "no-permission"
_LIMIT = "limit the statement by its source's ARN, to this pool alone"
_REMOVE = "remove the statement"
_FINDINGS = {
    Verdict.WIDE: ("permission-too-wide", "error", _LIMIT),
    Verdict.OTHER: ("other-invoker", "error", _REMOVE),
    Verdict.UNCLEAR_ALLOW: ("policy-not-understood", "error", _REMOVE),
    Verdict.DENIES: ("cognito-denied", "error", _REMOVE),
    Verdict.UNCLEAR_DENY: ("policy-not-understood", "warning", "look whether Cognito is kept out"),
}
_STOPS = (Verdict.DENIES, Verdict.UNCLEAR_DENY)


def invoker_findings(function: Function, triggers: str, pool_arn: str) -> Iterator[Finding]:
    """Judge the policy of the ARN that is attached, and those of the function's other qualifiers."""
    if function.statements is not None:
        yield from _judged(function.statements, triggers, pool_arn, is_attached=True)
        if not any(grants(s, pool_arn, function.arn) for s in function.statements):
            remedy = "cognito-claims attach adds the permission"
            told = f"{triggers}: the pool may not invoke it; {remedy}"
            yield Finding(NO_PERMISSION, "error", told)
    for name, statements in (function.elsewhere or {}).items():
        # A denial there is about another ARN than the one that Cognito invokes.
        yield from _judged(statements, f"{triggers}: {name}", pool_arn, is_attached=False)


def _judged(
    statements: Sequence[Any], where: str, pool_arn: str, *, is_attached: bool
) -> Iterator[Finding]:
    for number, statement in enumerate(statements, 1):
        verdict = judge(statement, pool_arn)
        if verdict in _FINDINGS and (is_attached or verdict not in _STOPS):
            code, level, remedy = _FINDINGS[verdict]
            told = f"{where}: {_named(statement, number)}: {verdict.value}; {remedy}"
            yield Finding(code, "error" if level == "error" else "warning", told)


def _named(statement: Any, number: int) -> str:
    sid = statement.get("Sid") if isinstance(statement, dict) else None
    return f"statement {shown(sid)}" if isinstance(sid, str) and sid else f"statement {number}"
