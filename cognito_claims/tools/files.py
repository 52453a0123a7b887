"""Files that the tools write: for their owner alone, and never through a link."""

import os
from pathlib import Path
from typing import BinaryIO

_MODE = 0o600
_EXCLUSIVELY = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # O_EXCL follows no link


def create_private(path: Path) -> BinaryIO:
    """Create a file with mode 0600, and open it.

    Raise `FileExistsError` when anything has this name already, a link that leads nowhere included.
    """
    return os.fdopen(os.open(path, _EXCLUSIVELY, _MODE), "wb")


def write_private(path: Path, text: str) -> None:
    """Create a file with this text. It is on the disk when this returns."""
    with create_private(path) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def replace_private(path: Path, text: str) -> None:
    """Write the whole text or nothing. A file or a link that has this name is replaced."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    write_private(beside, text)
    beside.replace(path)
