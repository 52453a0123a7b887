"""`read_settings` makes a plugin from environment variables.

It reports every problem at once, and never puts a value into a message.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from json import JSONDecodeError, loads
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin

from cognito_claims.errors import Problem, SettingsError
from cognito_claims.secret import Secret

_T = TypeVar("_T")
_NONE = "none"
_AS_JSON = """write names that hold , or = as JSON, as in {"a,b": "c"}"""
_OF_DIRECTORIES = frozenset(("cn", "dc", "ou"))  # the attribute types of directory names (RFC 4514)
_STAND_INS: Mapping[Any, Any] = {
    str: "missing",
    int: 0,
    bool: False,
    tuple[str, ...]: (),
    Mapping[str, str]: {},
    str | None: None,
    Set[Literal["id", "access"]]: frozenset(("id",)),
}


def read_settings(
    factory: Callable[..., _T],
    prefix: str,
    environ: Mapping[str, str],
    *,
    foreign: tuple[str, ...] = (),
) -> _T:
    """Call the factory with the values of `PREFIX_FIELD` variables, by its keyword-only parameters.

    The annotation of a parameter tells how to parse its text: `str`, `int`, `bool`, a `Literal`, a
    comma list (`tuple[str, ...]`), a set of a `Literal`'s choices, pairs (`Mapping[str, str]`, as
    in `a=b,c=d`), or a `Secret`. A comma list may be a JSON array of strings, and pairs may be a
    JSON object of strings. An empty variable counts as unset; `none` is an explicit None or an
    empty collection. The factory itself may raise `SettingsError` with the names of its parameters.

    The registry reads `PREFIX_ON_ERROR` and `PREFIX_CLIENTS`, and removes the latter before a
    plugin reads its settings. So a `PREFIX_CLIENTS` that is still there belongs to no plugin, and
    is a problem. Variables with one of the longer prefixes in `foreign` are ignored.

    Raises `SettingsError` with every problem, unknown variables of this prefix included.
    """
    kinds, defaults = _parameters(factory)
    variables = {field: f"{prefix}_{field.upper()}" for field in kinds}
    known = {*variables.values(), f"{prefix}_ON_ERROR"}
    problems = list(_unknown(prefix, environ, known, foreign))
    values, wrong_values = _values(kinds, defaults, variables, environ)
    problems += wrong_values
    # Stand-ins replace wrong values, so that the factory's own checks are reported in the same run.
    # An unusual kind is checked even if there is a value.
    complete = {
        field: values[field]
        if field in values and kind in _STAND_INS
        else values.get(field, _stand_in(field, kind))
        for field, kind in kinds.items()
    }
    try:
        made = factory(**complete)
    except SettingsError as error:
        own = (p for p in error.problems if p.setting in values or p.setting not in kinds)
        problems += [Problem(variables.get(p.setting, p.setting), p.message) for p in own]
    except Exception:
        if not problems:  # otherwise a stand-in may be the cause
            raise
    else:
        if not problems:
            return made
    raise SettingsError(tuple(problems))


read = read_settings  # its name until 0.2


def _parameters(factory: Callable[..., object]) -> tuple[dict[str, Any], Mapping[str, Any]]:
    made_by: Any = factory
    signature = made_by.__init__ if isinstance(factory, type) else made_by
    kinds = {name: kind for name, kind in signature.__annotations__.items() if name != "return"}
    return kinds, signature.__kwdefaults__ or {}


def _values(
    kinds: Mapping[str, Any],
    defaults: Mapping[str, Any],
    variables: Mapping[str, str],
    environ: Mapping[str, str],
) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for field, variable in variables.items():
        text = environ.get(variable, "").strip()
        try:
            values[field] = _parse(text, kinds[field], environ) if text else defaults[field]
        except KeyError:
            problems.append(Problem(variable, "required"))
        except ValueError as error:
            problems.append(Problem(variable, str(error)))
    return values, problems


def choice_problems(plugin: object, choices: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    """Yield a problem for each attribute of a plugin whose value is not among the choices.

    The attributes have the names of the settings.
    """
    for setting, allowed in choices.items():
        if getattr(plugin, setting) not in allowed:
            yield Problem(setting, f"expected one of {', '.join(allowed)}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that this name is probably a misspelling of, or None."""
    ranked = sorted((_distance(name, candidate), candidate) for candidate in known)
    if ranked and ranked[0][0] <= max(1, len(name) // 3):
        return ranked[0][1]
    return None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message, with the nearest known name if there is one."""
    near = nearest(name, known)
    return f"; did you mean {near}?" if near else ""


def _unknown(
    prefix: str, environ: Mapping[str, str], known: Set[str], foreign: tuple[str, ...]
) -> Iterator[Problem]:
    own = f"{prefix}_"
    for name in sorted([name for name in environ if name.startswith(own)]):
        if name not in known and not name.startswith(foreign):
            clients = f"{prefix}_CLIENTS"
            if name != clients:
                yield Problem(name, f"unknown setting{suggestion(name, {*known, clients})}")
            elif environ[name].strip():
                yield Problem(
                    name, f"no plugin in COGNITO_CLAIMS_PLUGINS is named {prefix.lower()}"
                )


def _parse(text: str, kind: Any, environ: Mapping[str, str]) -> Any:
    is_secret = Secret in (kind, *get_args(kind))
    if NoneType in get_args(kind):
        if text == _NONE:
            return None
        kind = get_args(kind)[0]
    if get_origin(kind) in (tuple, Set, Mapping):
        return _parse_many(text, kind)
    if text == _NONE:
        raise ValueError("cannot be none")
    return Secret(text, environ) if is_secret else _parse_one(text, kind)


def _parse_one(text: str, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        return _choice(text, get_args(kind))
    if kind is bool:
        return _choice(text, ("true", "false")) == "true"
    return _whole_number(text) if kind is int else text


def _stand_in(field: str, kind: Any) -> Any:
    """Return some value of this kind; raise `TypeError` for a kind that settings cannot have."""
    if kind in _STAND_INS:
        return _STAND_INS[kind]
    kinds = get_args(kind)
    if kind is Secret or Secret in kinds:
        return Secret("missing")
    if NoneType in kinds:
        _stand_in(field, kinds[0])
        return None
    if get_origin(kind) is Literal and all(isinstance(choice, str) for choice in kinds):
        return kinds[0]
    if get_origin(kind) is Set and get_origin(kinds[0]) is Literal:
        return frozenset((_stand_in(field, kinds[0]),))
    raise TypeError(f"{field}: a setting cannot be of the kind {kind}")


def _parse_many(text: str, kind: Any) -> Any:
    if get_origin(kind) is Mapping:
        return _pairs(text)
    if get_origin(kind) is tuple:
        return _entries(text)
    return frozenset(_choice(entry, get_args(get_args(kind)[0])) for entry in _entries(text))


def _entries(text: str) -> tuple[str, ...]:
    if text == _NONE:
        return ()
    if text.startswith("["):
        return _json_array(text)
    entries = tuple(entry.strip() for entry in text.split(","))
    if "" in entries:
        raise ValueError(f"entry {entries.index('') + 1} of the comma list is empty")
    return entries


def _pairs(text: str) -> Mapping[str, str]:
    if text.startswith("{"):
        return _json_object(text)
    pairs: dict[str, str] = {}
    entries = () if text == _NONE else text.split(",")
    for position, entry in enumerate(entries, 1):
        name, *rest = (part.strip() for part in entry.split("="))
        if len(rest) != 1 or not name or not rest[0]:
            raise ValueError(f"entry {position}: expected name=value; {_AS_JSON}")
        if name.casefold() in _OF_DIRECTORIES:  # CN=Admins,OU=Groups is one name, not two pairs
            raise ValueError(f"entry {position}: is part of a directory name; {_AS_JSON}")
        if name in pairs:
            raise ValueError(f"entry {position}: duplicate name")
        pairs[name] = rest[0]
    return pairs


def _json_array(text: str) -> tuple[str, ...]:
    found = _decoded(text)
    if not all(isinstance(entry, str) and entry.strip() for entry in found):
        raise ValueError("expected a JSON array of strings that are not empty")
    return tuple(found)


def _json_object(text: str) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for position, (name, value) in enumerate(_decoded(text), 1):
        if not isinstance(value, str) or not name.strip() or not value.strip():
            raise ValueError(f"entry {position}: expected a name and a string, neither empty")
        if name in pairs:
            raise ValueError(f"entry {position}: duplicate name")
        pairs[name] = value
    return pairs


class _Members(tuple[tuple[str, Any], ...]):
    """The members of a JSON object, including those with the same name."""

    __slots__ = ()


def _decoded(text: str) -> Any:
    try:
        return loads(text, object_pairs_hook=_Members)
    except (ValueError, RecursionError) as error:
        place = f" (character {error.pos + 1})" if isinstance(error, JSONDecodeError) else ""
        raise ValueError(f"is not JSON{place}") from None


def _choice(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise ValueError(f"expected one of {', '.join(choices)}")
    return text


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError("expected a whole number")
    return int(text)


def _distance(one: str, other: str) -> int:
    """Return the Levenshtein distance; to import difflib would make every cold start slower."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, wanted in enumerate(other, 1):
            diagonal, row[j] = (
                row[j],
                min(row[j] + 1, row[j - 1] + 1, diagonal + (letter != wanted)),
            )
    return row[-1]
