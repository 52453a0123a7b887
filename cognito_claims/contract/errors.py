"""The errors of the other side: what Cognito or a backend would refuse."""

from typing import Literal, NamedTuple


class ContractFinding(NamedTuple):
    """One problem: a stable code, the place in the response, and a sentence for people."""

    code: str
    path: str
    message: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        """Return the finding as one line."""
        return f"{self.path}: {self.message} [{self.code}]"


class ContractError(Exception):
    """Cognito would not accept this response.

    `findings` lists every reason, and never the value of an attribute.
    """

    def __init__(self, findings: tuple[ContractFinding, ...]) -> None:
        self.findings = findings
        super().__init__("; ".join(map(str, findings)))


class BackendRefusal(Exception):  # noqa: N818  (what the backend did, not a fault of ours)
    """A backend would refuse this token; `code` is the backend's own, if it has one."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{message} [{code}]")


Refused = BackendRefusal  # its name until 0.2
