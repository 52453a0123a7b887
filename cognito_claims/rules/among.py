"""`among`: the values that a user may ask for. A user who asks for another value is refused."""

from collections.abc import Callable

from cognito_claims.claims import Json
from cognito_claims.errors import RuleError
from cognito_claims.rules.context import Context, refusal
from cognito_claims.rules.lookups import Lookup
from cognito_claims.rules.sources import Source


class Among:
    """The allowed values: a list of texts, a source of such a list, or a look-up.

    A look-up allows a value if it finds an item for it.
    """

    __slots__ = ("_allowed", "_texts", "item", "place", "source")

    def __init__(
        self,
        place: str,
        *,
        texts: tuple[str, ...] = (),
        source: Source | None = None,
        allowed: Callable[[Context], Json] | None = None,
        item: Lookup | None = None,
    ) -> None:
        self.place: str = place
        self.source: Source | None = source
        self.item: Lookup | None = item
        self._texts = texts
        self._allowed = allowed

    @property
    def needs_user(self) -> bool:
        """Whether there are no allowed values without a user."""
        return any(each is not None and each.needs_user for each in (self.source, self.item))

    def has(self, context: Context, asked: Json) -> bool:
        """Return whether all requested values are allowed."""
        if self.item is not None:
            return isinstance(asked, str) and context.is_member(self.item, asked)
        items = asked if isinstance(asked, (list, tuple)) else (asked,)
        allowed = self._all(context)
        return all(isinstance(item, str) and item in allowed for item in items)

    def only(self, context: Context, place: str) -> str | None:
        """Return the only allowed value, for a request without one; refuse if there are several."""
        if self.source is None:
            return None
        found = self._all(context)
        if len(found) > 1:
            raise refusal(place, "nothing was asked for, and more than one is allowed")
        return next(iter(found), None)

    def _all(self, context: Context) -> dict[str, None]:
        if self._allowed is None:
            return dict.fromkeys(self._texts)
        found = self._allowed(context)
        if found is None:
            return {}
        if not isinstance(found, (list, tuple)):
            raise RuleError(
                self.place, "" if self.source is None else self.source.name, "is not a list"
            )
        return dict.fromkeys(item for item in found if isinstance(item, str) and item)
