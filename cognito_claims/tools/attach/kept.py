"""A pool's description, kept in a file for who is interrupted, and for the way back.

The file is created exclusively, for its owner alone, and no link is followed.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.files import replace_private, write_private


class Kept(NamedTuple):
    """What a pool was before it was attached to, and the triggers that it then got."""

    pool: Mapping[str, Any]
    triggers: Mapping[str, Any]


def create(path: Path, content: object) -> None:
    """Write a file that is not there yet; raises `UnusableInput` where it is."""
    _write(write_private, path, content)


def read(path: Path) -> dict[str, Any] | None:
    """Read a description; None where there is no file."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
            found: Any = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise UnusableInput(f"{path}: not a pool's description; remove it")
    return found


def keep(path: Path, kept: Kept) -> None:
    """Keep what a pool was, in the place of what was kept before."""
    _write(replace_private, path, kept._asdict())


def _write(write: Callable[[Path, str], None], path: Path, content: object) -> None:
    try:
        write(path, json.dumps(content, indent=1))
    except OSError as error:
        raise UnusableInput(f"{path}: {error.strerror}") from None


def read_kept(path: Path, user_pool_id: str) -> Kept:
    """Read what is kept of this pool; raises `UnusableInput` where there is nothing of it."""
    found = read(path)
    if found is None:
        raise UnusableInput(f"{path}: not here; attach writes it, into the directory it runs in")
    pool, triggers = found.get("pool"), found.get("triggers")
    if not isinstance(pool, dict) or not isinstance(triggers, dict):
        raise UnusableInput(f"{path}: not a pool's description; remove it")
    if pool.get("Id") != user_pool_id:
        raise UnusableInput(f"{path}: describes another pool")
    return Kept(pool, triggers)
