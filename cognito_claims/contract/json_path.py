"""Where in a token Hasura looks for a claim: v2's JSON paths, and v3's JSON pointers.

Sources: v2's `Data.Parser.JSONPath` and `executeJSONPath`; for v3 RFC 6901 as serde_json reads it.
"""

import json
import re
from typing import NamedTuple

from pydantic import JsonValue
from pydantic_core import PydanticCustomError

_PATH_ELEMENT = re.compile(
    r"""\.? (?: (?P<name> [^\W\d][\w-]* )
              | \[ (?: (?P<position> [0-9]{1,18} )
                     | "(?P<double> (?: \\. | [^"\\] )* )"
                     | '(?P<single> (?: \\. | [^'\\] )* )' ) \] )""",
    re.VERBOSE,
)
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_POINTER_POSITION = re.compile(r"0|[1-9][0-9]{0,17}")


class Step(NamedTuple):
    """One step down: `key` in an object, `position` in an array; a pointer's `0` may be either."""

    key: str | None = None
    position: int | None = None


Steps = tuple[Step, ...]


def find(steps: Steps, document: JsonValue) -> JsonValue:
    """Return the value at the path, null included; raise `LookupError` if there is none."""
    for step in steps:
        document = _child(document, step)
    return document


def _child(value: JsonValue, step: Step) -> JsonValue:
    if isinstance(value, dict) and step.key is not None:
        return value[step.key]
    if isinstance(value, list) and step.position is not None:
        return value[step.position]
    raise LookupError


def parse_path(value: object) -> Steps:
    """Parse a v2 JSON path, with or without the leading `$`; raise what pydantic expects."""
    rest = value if isinstance(value, str) else ""
    if rest == "$":
        return ()
    rest = rest.removeprefix("$")
    steps: list[Step] = []
    while match := _PATH_ELEMENT.match(rest):
        steps.append(_path_step(match))
        rest = rest[match.end() :]
    if rest or not steps:
        raise _not_a_path()
    return tuple(steps)


def _path_step(match: re.Match[str]) -> Step:
    name, position, double, single = match.group("name", "position", "double", "single")
    if position is not None:
        return Step(position=int(position))
    if single is not None:
        double = re.sub(r"\\.|\"", _in_double_quotes, single)
    return Step(name if double is None else _unescaped(double))


def _in_double_quotes(match: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(match[0], match[0])


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        raise _not_a_path() from None


def _not_a_path() -> PydanticCustomError:
    return PydanticCustomError("json_path", "expected a JSON path such as $.a['b'].c[0]")


def parse_pointer(value: object) -> Steps:
    """Parse an RFC 6901 pointer; raise what pydantic expects of a validator."""
    if not isinstance(value, str) or not _POINTER.fullmatch(value):
        raise PydanticCustomError("json_pointer", "expected a JSON pointer such as /a/b~1c/0")
    keys = [part.replace("~1", "/").replace("~0", "~") for part in value.split("/")[1:]]
    return tuple(Step(k, int(k) if _POINTER_POSITION.fullmatch(k) else None) for k in keys)
