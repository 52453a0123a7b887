"""What the commands are given: an event's file or name, and an environment."""

import io
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from dotenv.parser import parse_stream

from cognito_claims.testing.recorded import meant, recorded, recorded_names
from cognito_claims.tools.errors import UnusableInput


def read_event(name: str) -> Any:
    """Read the JSON of a file, or of the recorded event of this name."""
    path = Path(name)
    if not path.exists():
        if name in recorded_names():
            return recorded(name)
        if near := meant(name):
            raise UnusableInput(f"{name}: no file, and no recorded event{near}")
    try:
        return parse_json(read_text(path))
    except (ValueError, RecursionError) as error:
        place = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UnusableInput(f"{name}: not JSON{place}") from None


def parse_json(text: str) -> Any:
    """Decode JSON, with no NaN or Infinity; raises `ValueError`, or `RecursionError` where it is nested too deep."""
    return json.loads(text, parse_constant=_refuse_constant)


def read_environment(env_file: Path | None) -> Mapping[str, str]:
    """Give the file's variables alone, or without a file this process's.

    A document of rules that is named there stands beside the env file, as it does beside the function's code.
    """
    if env_file is None:
        return os.environ
    environ = parse_environment(read_text(env_file), str(env_file))
    if not environ.get("MAPPER_RULES", "{").lstrip().startswith("{"):
        return {"LAMBDA_TASK_ROOT": str(env_file.parent), **environ}
    return environ


def parse_environment(text: str, name: str) -> Mapping[str, str]:
    """Read NAME=value lines; raises `UnusableInput` with a line for each that is wrong, `name` before it."""
    environ: dict[str, str] = {}
    problems: list[str] = []
    for binding in parse_stream(io.StringIO(text)):
        line = f"{name}: line {binding.original.line}"
        if binding.error or (binding.key is not None and binding.value is None):
            problems.append(f"{line}: expected NAME=value")
        elif binding.key is not None and binding.key in environ:
            problems.append(f"{line}: {binding.key} stands twice")
        elif binding.key is not None:
            environ[binding.key] = binding.value or ""
    if problems:
        raise UnusableInput(*problems)
    return environ


def read_text(path: Path) -> str:
    """Read a file in UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnusableInput(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnusableInput(f"{path}: not a text in UTF-8") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_POOL_ID = re.compile(r"([a-z]+(?:-[a-z]+)*-[0-9]+)_[0-9A-Za-z]+")


def region_of_pool(user_pool_id: str) -> str:
    """Give the region that a user pool's id begins with."""
    found = _POOL_ID.fullmatch(user_pool_id)
    if found is None:
        raise UnusableInput("--user-pool-id: expected a pool's id, as in eu-central-1_AbCdEfGhI")
    return found[1]
