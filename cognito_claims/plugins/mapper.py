"""`Mapper`: claims, scopes and groups as a JSON document says; `docs/rules.md` describes the document."""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Self

from cognito_claims.claims import Claims, Groups, Token
from cognito_claims.errors import Problem, SettingsError
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.rules.context import Fetch, FetchAll, Item
from cognito_claims.rules.decoding import decoded
from cognito_claims.rules.document import Document
from cognito_claims.rules.evaluation import claims_of, decided_groups, no_item
from cognito_claims.settings import read_settings

_VARIABLE = "MAPPER_RULES"
_DIRECTORY = "LAMBDA_TASK_ROOT"
_NO_ITEMS: Mapping[str, Item] = MappingProxyType({})


class Mapper:
    """Add, suppress and decide what the rules of a document say.

    `environ` is for the credentials of look-ups; None is the process's own. Raises `SettingsError` with
    every mistake of the document, each with its place.
    """

    def __init__(
        self, rules: Mapping[str, object], environ: Mapping[str, str] | None = None
    ) -> None:
        self.document: Document = Document(rules)
        self.environ: Mapping[str, str] | None = environ
        self.pure: bool = not self.document.lookups
        self.prepare: Callable[[], None] | None = None
        self._find: Fetch = no_item
        self._find_all: FetchAll | None = None
        if self.document.lookups:
            self._look_up(environ)
        self.decides_groups: bool = self.document.decides_groups
        self.owns: Mapping[Token, frozenset[str]] = self.document.owns

    @classmethod
    def from_file(cls, path: str, environ: Mapping[str, str] | None = None) -> Self:
        """Read a JSON file, or raise `SettingsError`."""
        return cls(decoded(_text_of(path)), environ)

    @classmethod
    def from_env(cls, environ: Mapping[str, str], /) -> "Mapper":
        """Read `MAPPER_RULES`: the JSON itself, or the name of a file beside the function's code."""

        def made(*, rules: str) -> Mapper:
            text = rules if rules.startswith("{") else _text_of(_path(rules, environ))
            try:
                return cls(decoded(text), environ)
            except SettingsError as error:
                raise SettingsError(tuple(map(_named, error.problems))) from None

        return read_settings(made, "MAPPER", environ)

    @property
    def tokens(self) -> frozenset[Token]:
        """The tokens that the rules change."""
        return self.document.tokens

    @property
    def never_optional(self) -> str | None:
        """Why a failure of this plugin must refuse the sign-in, if it must."""
        place = self.document.restricts
        if place is None:
            return None
        return f"has rules that take rights away ({place}), so its failure must refuse the sign-in"

    def decide_groups(self, event: PreTokenGenerationEvent, /) -> Groups | None:
        """Return the groups that the rules decide on, or None where they stay as they are."""
        return decided_groups(self.document, event)

    def __call__(self, event: PreTokenGenerationEvent, /) -> Claims:
        """Return what the rules give for this event."""
        return claims_of(self.document, event, self._find, self._find_all)

    def sample(
        self, event: PreTokenGenerationEvent, /, *, items: Mapping[str, Item] = _NO_ITEMS
    ) -> Claims:
        """Return the same without a request: `items` are what the look-ups find, by name."""
        return claims_of(self.document, event, lambda lookup, _: items.get(lookup.name))

    def _look_up(self, environ: Mapping[str, str] | None) -> None:
        # Only a document with look-ups pays for their clients.
        made: Any = import_module("cognito_claims.lookups.from_rules").LookUps
        look_ups = made(self.document.lookups, environ)
        self.prepare = look_ups.prepare
        self._find, self._find_all = look_ups.find, look_ups.find_all


def _named(problem: Problem) -> Problem:
    """Say which variable holds the document."""
    if problem.setting == "rules":
        return problem  # the settings' reader names it
    return problem._replace(setting=f"{_VARIABLE}: {problem.setting}")


def _path(name: str, environ: Mapping[str, str]) -> str:
    if "/" in name or "\\" in name:
        expected = "expected JSON that starts with {, or the name of a file, without a directory"
        raise SettingsError((Problem("rules", expected),))
    directory = environ.get(_DIRECTORY)
    return f"{directory}/{name}" if directory else name


def _text_of(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (pathlib is an import that Lambda lacks)
            return file.read().decode().removeprefix("\ufeff")
    except OSError as error:
        problem = f"its file cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        problem = "its file is no text in UTF-8"
    except ValueError:
        problem = "its file cannot have this name"
    raise SettingsError((Problem("rules", problem),))
