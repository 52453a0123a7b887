"""`among`: what may be asked for. Whoever asks for something else is refused."""

from collections.abc import Callable

from cognito_claims.claims import Json
from cognito_claims.errors import RuleError
from cognito_claims.rules.context import Context, refusal
from cognito_claims.rules.lookups import Lookup
from cognito_claims.rules.sources import Source


class Among:
    """A list of texts, a source that gives such a list, or a look-up that finds an item for what was asked."""

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
        """Whether there is nothing to choose from without a user."""
        return any(each is not None and each.needs_user for each in (self.source, self.item))

    def has(self, context: Context, asked: Json) -> bool:
        """Return whether all that was asked for is allowed."""
        if self.item is not None:
            return isinstance(asked, str) and context.is_member(self.item, asked)
        items = asked if isinstance(asked, (list, tuple)) else (asked,)
        allowed = self._all(context)
        return all(isinstance(item, str) and item in allowed for item in items)

    def only(self, context: Context, place: str) -> str | None:
        """Return what a source allows to who has asked for nothing; more than one text refuses."""
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
                self.place, "" if self.source is None else self.source.name, "is no list"
            )
        return dict.fromkeys(item for item in found if isinstance(item, str) and item)
