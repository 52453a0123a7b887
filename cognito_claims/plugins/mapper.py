"""`Mapper`: the claims, scopes and groups of a JSON document; docs/rules.md describes the document."""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Self

from cognito_claims.claims import Claims, Groups, Token
from cognito_claims.errors import Problem, SettingsError
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.rules.context import Fetch, FetchAll, Item, items_of
from cognito_claims.rules.decoding import decoded
from cognito_claims.rules.document import Document
from cognito_claims.rules.evaluation import claims_of, decided_groups, no_item
from cognito_claims.settings import read_settings

_VARIABLE = "MAPPER_RULES"
_DIRECTORY = "LAMBDA_TASK_ROOT"
_NO_ITEMS: Mapping[str, Item] = MappingProxyType({})


class Mapper:
    """Applies the rules of a document to each event.

    `environ` has the credentials of look-ups; None means the environment of the process. Raises
    `SettingsError` with every mistake in the document, each with its place.
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
        """Read the document in a JSON file, or raise `SettingsError`."""
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
        """Why a failure of this plugin must refuse the sign-in, or None."""
        place = self.document.restricts
        if place is None:
            return None
        return f"has rules that take rights away ({place}), so its failure must refuse the sign-in"

    def decide_groups(self, event: PreTokenGenerationEvent, /) -> Groups | None:
        """Return the groups that the rules decide, or None to leave them unchanged."""
        return decided_groups(self.document, event)

    def __call__(self, event: PreTokenGenerationEvent, /) -> Claims:
        """Return the claims of the rules for this event."""
        return claims_of(self.document, event, self._find, self._find_all)

    def sample(
        self, event: PreTokenGenerationEvent, /, *, items: Mapping[str, Item | None] = _NO_ITEMS
    ) -> Claims:
        """Return the claims without a request; `items` are the results of the look-ups, by name."""
        return claims_of(self.document, event, items_of(items))

    def _look_up(self, environ: Mapping[str, str] | None) -> None:
        # Only a document with look-ups needs their clients.
        made: Any = import_module("cognito_claims.lookups.from_rules").LookUps
        look_ups = made(self.document.lookups, environ)
        self.prepare = look_ups.prepare
        self._find, self._find_all = look_ups.find, look_ups.find_all


def _named(problem: Problem) -> Problem:
    """Return the problem with the name of the variable that holds the document."""
    if problem.setting == "rules":
        return problem  # `read_settings` adds the variable's name
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
        problem = f"the file cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        problem = "the file is not UTF-8 text"
    except ValueError:
        problem = "a file cannot have this name"
    raise SettingsError((Problem("rules", problem),))
