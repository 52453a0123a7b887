"""What the commands are given: an event's file or name, and an environment."""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from dotenv.parser import parse_stream

from cognito_claims.testing.recorded import recorded, recorded_names


class UnusableInput(Exception):  # noqa: N818  (not a fault of the program)
    """What was given cannot be used; each of `lines` names one thing to change."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__("; ".join(lines))


def read_event(name: str) -> Any:
    """Read the JSON of a file, or of the recorded event of this name."""
    path = Path(name)
    if name in recorded_names() and not path.exists():
        return recorded(name)
    try:
        return json.loads(_read_text(path), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        place = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UnusableInput(f"{name}: not JSON{place}") from None


def read_environment(env_file: Path | None) -> Mapping[str, str]:
    """Give the file's variables alone, or without a file this process's."""
    if env_file is None:
        return os.environ
    environ: dict[str, str] = {}
    problems: list[str] = []
    for binding in parse_stream(io.StringIO(_read_text(env_file))):
        line = f"{env_file}: line {binding.original.line}"
        if binding.error or (binding.key is not None and binding.value is None):
            problems.append(f"{line}: expected NAME=value")
        elif binding.key is not None and binding.key in environ:
            problems.append(f"{line}: {binding.key} stands twice")
        elif binding.key is not None:
            environ[binding.key] = binding.value or ""
    if problems:
        raise UnusableInput(*problems)
    return environ


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnusableInput(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnusableInput(f"{path}: not a text in UTF-8") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
