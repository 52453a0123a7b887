"""`Rule`: gives a value for an event, or nothing (None).

The order inside a rule: `from`, `prefix`, `read`, `among`, `values`, `as`; then `default`,
`absent`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from cognito_claims.claims import Json
from cognito_claims.errors import RuleError
from cognito_claims.rules.context import Context, Lookup, Unreadable, refusal
from cognito_claims.rules.forms import something
from cognito_claims.rules.guard import ALWAYS, Guard
from cognito_claims.rules.sources import Among, Source

_LONGEST_METADATA = 1024
_NO_LOOKUPS: frozenset[Lookup] = frozenset()


class Rule:
    """The origin of a value (one of `source`, `constant`, `members` and `branches`) and its
    changes.
    """

    __slots__ = (
        "among",
        "branches",
        "constant",
        "default",
        "denies",
        "encode",
        "guard",
        "lookups",
        "members",
        "needs_user",
        "place",
        "prefix",
        "read",
        "read_form",
        "source",
        "table",
    )

    def __init__(self, place: str, guard: Guard = ALWAYS) -> None:
        self.place: str = place
        self.guard: Guard = guard
        self.source: Source | None = None
        self.constant: Json = None
        self.members: dict[str, Rule] = {}
        self.branches: tuple[Rule, ...] = ()
        self.prefix: str = ""
        self.read: Callable[[str], list[Json]] | None = None
        self.read_form: str = ""
        self.among: Among | None = None
        self.table: Mapping[str, str | list[str]] | None = None
        self.encode: Callable[[Any], Json] | None = None
        self.default: Rule | None = None
        self.denies: bool = False
        self.needs_user: bool = False
        self.lookups: frozenset[Lookup] = _NO_LOOKUPS

    @property
    def sources(self) -> list[Source]:
        """The sources that it reads itself."""
        among = None if self.among is None else self.among.source
        return [source for source in (self.source, among) if source is not None]

    @property
    def inner(self) -> tuple["Rule", ...]:
        """The rules that are nested in this one."""
        default = () if self.default is None else (self.default,)
        return (*self.members.values(), *self.branches, *default)

    def value(self, context: Context) -> Json:
        """Return what the rule gives; raise `TokenDenied` or `RuleError`."""
        if context.is_machine and self.needs_user:
            return None
        if self.guard is not ALWAYS and not self.guard.applies(context):
            return None
        if self.among is not None:
            value = self._chosen(context, self.among)
        else:
            value = self._made(context)
            if value is None:
                value = self._default(context)
        if value is None and self.denies:
            raise refusal(self.place, "gives nothing, and absent is deny")
        return value

    def _applies(self, context: Context) -> bool:
        return not (context.is_machine and self.needs_user) and self.guard.applies(context)

    def _made(self, context: Context) -> Json:
        if self.source is not None:
            value = self._read(context)
            return value if self.table is None and self.encode is None else self._translated(value)
        if self.members:
            found = {name: rule.value(context) for name, rule in self.members.items()}
            members = {name: value for name, value in found.items() if value is not None}
            return self._encoded(members or None)
        for branch in self.branches:
            value = branch.value(context)
            if value is not None:
                return self._encoded(value)
        return self._encoded(self.constant)

    def _chosen(self, context: Context, among: Among) -> Json:
        asked = self._read(context)
        if asked is None:
            value = self._default(context)
            return value if value is not None else self._translated(among.only(context, self.place))
        if not among.has(context, asked):
            raise refusal(self.place, "what was asked for is not allowed")
        value = self._translated(asked)
        return value if value is not None else self._default(context)

    def _read(self, context: Context) -> Any:
        source: Any = self.source
        try:
            value: Any = source.get(context)
            if value and (self.prefix or self.read is not None or source.kind == "metadata"):
                value = self._parted(value, source.kind)
        except Unreadable as error:
            raise self._failure(error) from None
        return something(value)

    def _parted(self, value: Any, kind: str) -> Any:
        if kind == "metadata" and len(value) > _LONGEST_METADATA:
            told = f"what was asked for is longer than {_LONGEST_METADATA:,} characters"
            raise refusal(self.place, told)
        if self.prefix:
            cut = len(self.prefix)
            return [text[cut:] for text in value if text.startswith(self.prefix) and text[cut:]]
        return value if self.read is None else self.read(_text(value))

    def _translated(self, value: Json) -> Json:
        if self.table is None or value is None:
            return self._encoded(value)
        if isinstance(value, (list, tuple)):
            given = [found for key, found in self.table.items() if key in value]
            texts = (text for found in given for text in _texts(found))
            return self._encoded(list(dict.fromkeys(texts)) or None)
        return self._encoded(self.table.get(value) if isinstance(value, str) else None)

    def _encoded(self, value: Json) -> Json:
        if value is None or self.encode is None:
            return value
        try:
            return self.encode(value)
        except Unreadable as error:
            raise self._failure(error) from None

    def _failure(self, error: Unreadable) -> RuleError:
        return RuleError(self.place, "" if self.source is None else self.source.name, str(error))

    def _default(self, context: Context) -> Json:
        if self.default is None:
            return None
        value = self.default.value(context)
        if self.among is None or value is None or self.default.is_constant:
            return value
        return value if self.among.has(context, value) else None

    @property
    def is_constant(self) -> bool:
        """Whether it gives the same value for every event."""
        return self.source is None and not self.members and not self.branches

    def add_wanted(self, context: Context, wanted: dict[Lookup, None]) -> None:
        """Add the look-ups that this rule may use for this event."""
        if not self.lookups or (context.is_machine and self.needs_user):
            return
        if not self.guard.may_apply(context, wanted):
            return
        for source in self.sources:
            if source.lookup is not None:
                wanted[source.lookup] = None
        for rule in self.inner:
            if rule not in self.branches:
                rule.add_wanted(context, wanted)
        self._add_branches(context, wanted)

    def _add_branches(self, context: Context, wanted: dict[Lookup, None]) -> None:
        for branch in self.branches:
            branch.add_wanted(context, wanted)
            if branch.is_constant and not branch.guard.lookups and branch._applies(context):
                break  # no later branch is ever used


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Unreadable("is not a text")
    return value


def _texts(found: str | list[str]) -> list[str]:
    return [found] if isinstance(found, str) else found
