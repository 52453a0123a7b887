"""What attach and detach are asked to do, and what came of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from cognito_claims.tools.json_diff import Difference
from cognito_claims.tools.pool.update import Triggers


class AttachOptions(NamedTuple):
    """What the commands are asked to do."""

    user_pool_id: str
    triggers: Triggers
    is_replacing: bool = False
    is_dry: bool = False
    is_forced: bool = False


class Change(NamedTuple):
    """What came of it, or would come of it: what was asked for, and what should be as it was and is not; `notes` tell what else was done, or is to be done."""

    wanted: list[Difference]
    unwanted: list[Difference]
    notes: list[str]
    is_dry: bool
    remarks: tuple[str, ...] = ()  # what nothing is done about

    @property
    def exit_code(self) -> int:
        """Give 0 only when all else is as it was."""
        return 1 if self.unwanted else 0

    def to_json(self) -> dict[str, Any]:
        """Give what `--format json` prints."""
        return {
            "changed": [difference._asdict() for difference in self.wanted],
            "unexpected": [difference._asdict() for difference in self.unwanted],
            "notes": [*self.notes, *self.remarks],
            "dry_run": self.is_dry,
        }


Confirm = Callable[[Change], bool]


def unasked(_: Change) -> bool:
    """Agree to every change."""
    return True
