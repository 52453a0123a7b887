"""What the tools find: one thing to know, with a stable code."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, Self

from cognito_claims.contract import errors as contract
from cognito_claims.errors import SettingsError


class Finding(NamedTuple):
    """One thing to know; only those of level error make the commands exit with 1."""

    code: str
    level: Literal["error", "warning"]
    message: str

    @classmethod
    def error(cls, code: str, message: str) -> Self:
        """Make a finding that lets the command fail."""
        return cls(code, "error", message)

    @classmethod
    def warning(cls, code: str, message: str) -> Self:
        """Make a finding that is worth knowing."""
        return cls(code, "warning", message)


def settings_findings(error: SettingsError) -> Iterator[Finding]:
    """Give a finding for each wrong setting."""
    for problem in error.problems:
        yield Finding("settings", "error", str(problem))


def contract_findings(found: Iterable[contract.ContractFinding]) -> Iterator[Finding]:
    """Give what the contract finds as findings of the commands."""
    return (Finding(f.code, f.level, f"{f.path}: {f.message}") for f in found)
