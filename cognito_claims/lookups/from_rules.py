"""The look-ups that a document of rules names, made of its settings."""

from collections.abc import Collection, Mapping

from cognito_claims.claims import Json
from cognito_claims.errors import Problem, SettingsError
from cognito_claims.lookups.dynamodb import DynamoDBItem
from cognito_claims.lookups.https import HttpsAnswer
from cognito_claims.lookups.looking_up import Item, LookUp
from cognito_claims.lookups.side_by_side import find_all, prepare_all
from cognito_claims.rules.context import Lookup
from cognito_claims.rules.lookups import DynamoDBTable, HttpsService

_OF_THE_LOOKUP = ("absent", "cache_seconds")


class LookUps:
    """A document's look-ups by name; raises `SettingsError` with each problem's place in the document."""

    def __init__(
        self, lookups: Mapping[str, Lookup], environ: Mapping[str, str] | None = None
    ) -> None:
        self._made: dict[str, LookUp] = {}
        problems: list[Problem] = []
        for name, lookup in lookups.items():
            try:
                self._made[name] = _made(lookup, environ)
            except SettingsError as error:
                problems += (_placed(problem, lookup) for problem in error.problems)
        if problems:
            raise SettingsError(tuple(problems))

    def find(self, lookup: Lookup, values: Mapping[str, Json]) -> Item | None:
        """Return the item of one look-up, or None; raise what `LookUp.find` raises."""
        return self._made[lookup.name].find(values)

    def find_all(
        self, lookups: Collection[Lookup], values: Mapping[str, Json]
    ) -> Mapping[str, Item | None]:
        """Return the items of several look-ups, made side by side, by name."""
        return find_all({lookup.name: self._made[lookup.name] for lookup in lookups}, values)

    def prepare(self) -> None:
        """Let all of them open connections and fetch secrets, ahead of the first event."""
        prepare_all(self._made)


def _made(lookup: Lookup, environ: Mapping[str, str] | None) -> LookUp:
    store = lookup.store
    if isinstance(store, DynamoDBTable):
        key: dict[str, str | Mapping[str, str]] = {
            attribute: {"N": template.source} if template.is_number else template.source
            for attribute, template in store.key.items()
        }
        return DynamoDBItem(
            table=store.table,
            key=key,
            # Those alone that a rule reads: an item may hold others, which no claim can.
            attributes=(*store.key, *sorted(lookup.attributes)),
            consistent=store.is_consistent,
            region=store.region,
            cache_seconds=lookup.cache_seconds,
            name=lookup.name,
            environ=environ,
        )
    assert isinstance(store, HttpsService)  # noqa: S101  (a document without a store was refused)
    return HttpsAnswer(
        url=store.url,
        secret=store.secret,
        auth="standard-webhooks" if store.auth == "standard-webhooks" else "bearer",
        cache_seconds=lookup.cache_seconds,
        name=lookup.name,
        environ=environ,
    )


def _placed(problem: Problem, lookup: Lookup) -> Problem:
    kind = "dynamodb" if isinstance(lookup.store, DynamoDBTable) else "https"
    inner = "" if problem.setting in _OF_THE_LOOKUP else f".{kind}"
    return problem._replace(setting=f"{lookup.place}{inner}.{problem.setting}")
