"""Where in a token Hasura finds its claims: JSON paths (v2), JSON pointers (v3), and maps of them.

Grammars: v2's `Data.Parser.JSONPath`; RFC 6901. Look-ups: v2's `executeJSONPath`, and v3's
`Value::pointer` (serde_json). Shapes: `JWTCustomClaimsMap` (v2), `JWTClaimsMap` (v3).
"""

import json
import re
from typing import Annotated, Any, Final, Generic, NamedTuple, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

ALLOWED_ROLES: Final = "x-hasura-allowed-roles"
DEFAULT_ROLE: Final = "x-hasura-default-role"

STRICT = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)
_OPEN = ConfigDict(strict=True, frozen=True, extra="allow", hide_input_in_errors=True)

_PATH_ELEMENT = re.compile(
    r"""\.? (?: (?P<name> [^\W\d][\w-]* )
              | \[ (?: (?P<position> [0-9]{1,18} )
                     | "(?P<double> (?: \\. | [^"\\] )* )"
                     | '(?P<single> (?: \\. | [^'\\] )* )' ) \] )""",
    re.VERBOSE | re.DOTALL,
)
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_POINTER_POSITION = re.compile(r"0|[1-9][0-9]{0,17}")


class Step(NamedTuple):
    """One step down: `key` in an object, `position` in an array; a pointer's `0` may be either."""

    key: str | None = None
    position: int | None = None


def find(steps: tuple[Step, ...], document: JsonValue) -> JsonValue:
    """Return what is there, null included; raise `LookupError` when nothing is."""
    for step in steps:
        document = _child(document, step)
    return document


def _child(value: JsonValue, step: Step) -> JsonValue:
    if isinstance(value, dict) and step.key is not None:
        return value[step.key]
    if isinstance(value, list) and step.position is not None:
        return value[step.position]
    raise LookupError


def _parse_path(value: object) -> tuple[Step, ...]:
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
        double = re.sub(r"\\.|\"", _in_double_quotes, single, flags=re.DOTALL)
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


def _parse_pointer(value: object) -> tuple[Step, ...]:
    if not isinstance(value, str) or not _POINTER.fullmatch(value):
        raise PydanticCustomError("json_pointer", "expected a JSON pointer such as /a/b~1c/0")
    keys = [part.replace("~1", "/").replace("~0", "~") for part in value.split("/")[1:]]
    return tuple(Step(k, int(k) if _POINTER_POSITION.fullmatch(k) else None) for k in keys)


JsonPath = Annotated[tuple[Step, ...], PlainValidator(_parse_path)]
JsonPointer = Annotated[tuple[Step, ...], PlainValidator(_parse_pointer)]
Role = Annotated[str, Field(min_length=1)]
Where = TypeVar("Where", bound=tuple[Step, ...])
Value = TypeVar("Value", str, list[Role])


class Place(BaseModel, Generic[Where, Value]):
    """A place in the token, and what stands in when nothing is there."""

    model_config = STRICT

    path: Where
    default: Value | None = None


class Source(BaseModel, Generic[Where, Value]):
    """Where one claim comes from, in v3's spelling."""

    model_config = STRICT

    path: Place[Where, Value] | None = None
    literal: Value | None = None

    @model_validator(mode="after")
    def _path_or_literal(self) -> Self:
        if (self.path is None) == (self.literal is None):
            raise PydanticCustomError("source", "expected a path, or a literal value")
        return self

    def find(self, document: JsonValue) -> Value | JsonValue:
        """Return the claim; raise `LookupError` when there is neither claim nor default."""
        if self.path is None:
            return self.literal
        try:
            return find(self.path.path, document)
        except LookupError:
            if self.path.default is None:
                raise
            return self.path.default


def _spelled_as_v3(value: object) -> object:
    return {"path" if isinstance(value, dict) else "literal": value}


_V2 = BeforeValidator(_spelled_as_v3)


class ClaimsMap(BaseModel):
    """v2's claims of one's own: the two role claims, and any session variable."""

    model_config = _OPEN
    __pydantic_extra__: dict[str, Annotated[Source[JsonPath, str], _V2]]

    default_role: Annotated[Source[JsonPath, Role], _V2] = Field(alias=DEFAULT_ROLE)
    allowed_roles: Annotated[Source[JsonPath, list[Role]], _V2] = Field(alias=ALLOWED_ROLES)


class Locations(BaseModel):
    """The same in v3."""

    model_config = _OPEN
    __pydantic_extra__: dict[str, Source[JsonPointer, str]]

    default_role: Source[JsonPointer, Role] = Field(alias=DEFAULT_ROLE)
    allowed_roles: Source[JsonPointer, list[Role]] = Field(alias=ALLOWED_ROLES)


def sources(mapping: ClaimsMap | Locations) -> dict[str, Source[Any, Any]]:
    """Return where each claim comes from, by name."""
    roles = {DEFAULT_ROLE: mapping.default_role, ALLOWED_ROLES: mapping.allowed_roles}
    return {**(mapping.model_extra or {}), **roles}
