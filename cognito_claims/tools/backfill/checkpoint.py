"""How far a backfill has come, in a file from which the next run goes on."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from cognito_claims.tools.backfill.target import Target
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.files import replace_private


class Job(BaseModel, frozen=True, extra="forbid"):
    """What is to be done: another job must not go on from this one's file."""

    user_pool_id: str
    into: Target
    settings: dict[str, str]
    columns: dict[str, str]


class Checkpoint(BaseModel, frozen=True, extra="forbid"):
    """What is done: all users before `token`, of whom those in `failed` (reason by `sub`) are not written."""

    job: Job
    token: str | None = None
    written: int = 0
    failed: dict[str, str] = {}
    is_complete: bool = False

    @property
    def done(self) -> int:
        """Count the users that need no further look."""
        return self.written + len(self.failed)

    @classmethod
    def read(cls, path: Path, job: Job) -> Self:
        """Read where the job has got to; a file that is not there, or of a run that has ended, is a start."""
        try:
            found = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return cls(job=job)
        except OSError as error:
            raise UnusableInput(f"{path}: {error.strerror}") from None
        except ValidationError:
            advice = "name another file with --checkpoint, or forget this one with --restart"
            raise UnusableInput(f"{path}: not a backfill's checkpoint; {advice}") from None
        if found.is_complete:
            return cls(job=job)
        if found.job != job:
            advice = "finish that one first, name another file with --checkpoint, or forget it with --restart"
            others = "of another pool, or of other settings of the sync"
            raise UnusableInput(f"{path}: {others}; {advice}")
        return found

    def write(self, path: Path) -> None:
        """Write all of it or nothing, readable by its owner alone."""
        try:
            replace_private(path, self.model_dump_json(indent=1))
        except (FileExistsError, FileNotFoundError) as error:
            is_shared = path.parent.is_dir()
            problem = "another backfill writes there, too" if is_shared else error.strerror
            raise UnusableInput(f"{path}: {problem}") from None
        except OSError as error:
            raise UnusableInput(f"{path}: {error.strerror}") from None
