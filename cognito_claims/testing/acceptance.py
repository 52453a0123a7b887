"""Runs a handler against every recorded event, and checks each answer against the contract."""

import warnings
from collections.abc import Callable, Collection
from typing import Any

from cognito_claims.contract.cognito import Tokens, issue_tokens
from cognito_claims.contract.errors import ContractError, ContractFinding
from cognito_claims.testing.builders import version_in_events
from cognito_claims.testing.recorded import recorded, recorded_names


def assert_accepted(
    handler: Callable[[Any, Any], Any],
    *,
    versions: Collection[str] = ("1", "2", "3"),
    context: Any = None,
    refuses: Collection[str] = (),
) -> dict[str, Tokens]:
    """Return both tokens by event name; raise `AssertionError` with all that Cognito would refuse.

    `versions` are the versions of the events to send. `refuses` names the events for which the
    handler must raise. A warning is a `UserWarning`, and is in the `findings` of the tokens.
    """
    tokens: dict[str, Tokens] = {}
    problems: list[str] = []
    for name in _sent(versions, refuses):
        event = recorded(name)
        try:
            returned = handler(recorded(name), context)
        except Exception as error:  # a handler under test may raise anything
            if name not in refuses:
                problems.append(f"{name}: raised {type(error).__name__}: {error}")
            continue
        if name in refuses:
            problems.append(f"{name}: was to be refused")
        try:
            tokens[name] = issue_tokens(event, returned)
        except ContractError as error:
            problems += [f"{name}: {_line(finding)}" for finding in error.findings]
            continue
        for finding in tokens[name].findings:
            warnings.warn(f"{name}: {finding}", stacklevel=2)
    if problems:
        raise AssertionError("\n".join(problems))
    return tokens


def _sent(versions: Collection[str], refuses: Collection[str]) -> tuple[str, ...]:
    """Return the names of the events to send, or raise for what names none."""
    for name in refuses:
        recorded(name)
    return recorded_names(*(f"pretoken_v{version_in_events(each)}_" for each in versions))


def _line(finding: ContractFinding) -> str:
    return f"{finding}" if finding.level == "error" else f"{finding.level}: {finding}"
