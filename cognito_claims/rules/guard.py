"""`Guard`: whether a rule applies to an event."""

from typing import Any

from cognito_claims.rules.conditions import Conditions, read_conditions
from cognito_claims.rules.context import Context, Lookup
from cognito_claims.rules.sources import Sources

_NO_LOOKUPS: frozenset[Lookup] = frozenset()


class Guard:
    """`when` and `unless`. With `needs_user`, the rule never applies to a machine token."""

    __slots__ = ("lookups", "needs_user", "unless", "when")

    def __init__(self, when: Conditions | None = None, unless: Conditions | None = None) -> None:
        self.when: Conditions | None = when
        self.unless: Conditions | None = unless
        self.lookups: frozenset[Lookup] = _NO_LOOKUPS
        self.needs_user: bool = False
        for conditions in self.conditions:
            self.lookups |= conditions.lookups
            self.needs_user = self.needs_user or conditions.need_user

    @property
    def conditions(self) -> tuple[Conditions, ...]:
        """The conditions that exist."""
        return tuple(each for each in (self.when, self.unless) if each is not None)

    @property
    def names_clients(self) -> bool:
        """Whether its `when` names app clients: a rule for machines must do so."""
        return self.when is not None and "clients" in self.when.words

    @property
    def uses_tenant(self) -> bool:
        """Whether a condition compares the tenant."""
        return any(conditions.use_tenant for conditions in self.conditions)

    def applies(self, context: Context) -> bool:
        """Return whether the conditions are satisfied."""
        if self.when is not None and not self.when.hold(context):
            return False
        return self.unless is None or not self.unless.hold(context)

    def may_apply(self, context: Context, wanted: dict[Lookup, None]) -> bool:
        """Return whether it may apply, for any result of look-ups.

        Adds the look-ups that it needs to `wanted`.
        """
        if self.when is not None and not self.when.plain(context):
            return False
        needed = self.when.lookups if self.when is not None else _NO_LOOKUPS
        if self.unless is not None and self.unless.plain(context):
            if not self.unless.lookups:
                return False
            needed |= self.unless.lookups
        wanted.update(dict.fromkeys(sorted(needed, key=_name)))
        return True


def _name(lookup: Lookup) -> str:
    return lookup.name


ALWAYS = Guard()


def read_guard(sources: Sources, members: dict[str, Any], place: str) -> Guard:
    """Read `when` and `unless` of a rule."""
    found = [
        read_conditions(sources, members[word], f"{place}.{word}") if word in members else None
        for word in ("when", "unless")
    ]
    return Guard(*found) if any(found) else ALWAYS
