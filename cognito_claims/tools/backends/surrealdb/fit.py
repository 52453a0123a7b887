"""What stands in a SurrealQL script in another order than ours, and beside it."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from cognito_claims.tools.backends.part import Part
from cognito_claims.tools.backends.script.statements import Statement
from cognito_claims.tools.backends.surrealdb.fit_fields import (
    expression_findings,
    permission_findings,
)
from cognito_claims.tools.findings import Finding

_TABLE = "user"
_AFTER = {"FIELD": "TABLE", "TOKEN": "SCOPE"}
_ENTRANCES = frozenset(("ACCESS", "LOGIN", "SCOPE", "TOKEN", "USER"))


def order_findings(part: Part, given: Sequence[Statement]) -> Iterator[Finding]:
    """Look for what stands before the database that it is meant for, or before what it is made on."""
    kinds = [_what(each) for each in given]
    for place, statement in enumerate(given):
        later = kinds[place + 1 :]
        if (kinds[place] and "" in later) or _AFTER.get(kinds[place]) in later:
            early = f"line {statement.line}: {statement.subject} stands before what it needs"
            yield Finding("order", "error", f"{part.name}: {early}")


def statement_findings(statement: Statement) -> Iterator[Finding]:
    """Tell what a statement beside ours opens, takes back or shows, as far as it is looked for."""
    yield from _entrances(statement)
    yield from _undoing(statement)
    yield from _indexed(statement)
    yield from permission_findings(statement, _TABLE)
    yield from expression_findings(statement)


def is_looked_through(statement: Statement) -> bool:
    """Say whether nothing is left to look at: a field, or an index that is removed."""
    return statement.words[:2] in (["DEFINE", "FIELD"], ["REMOVE", "INDEX"])


def _what(statement: Statement) -> str:
    """Give what is defined, nothing for another statement."""
    return [*statement.words, ""][1] if statement.verb == "DEFINE" else ""


def _entrances(statement: Statement) -> Iterator[Finding]:
    """Look at any depth: a block or an expression may define what it likes."""
    words = statement.words
    for place, (word, what) in enumerate(pairwise(words)):
        if word == "DEFINE" and what in _ENTRANCES:
            line = statement.tokens[place].line
            entrance = f"line {line}: DEFINE {what}: another way in, not examined"
            yield Finding("another-entrance", "warning", entrance)


def _undoing(statement: Statement) -> Iterator[Finding]:
    if statement.words[:2] == ["REMOVE", "INDEX"]:  # which opens nothing
        return
    for place, (word, after) in enumerate(pairwise(statement.words)):
        if word in ("ALTER", "REMOVE") and after.isalpha():  # not array::remove(...)
            line = statement.tokens[place].line
            undone = f"line {line}: {word} may undo what stands before"
            yield Finding("not-examined", "warning", undone)


def _indexed(statement: Statement) -> Iterator[Finding]:
    """Tell of an index on the users' table, at any depth: it answers whoever asks for a value."""
    words = statement.words
    for place, pair in enumerate(pairwise(words)):
        if pair == ("DEFINE", "INDEX") and "ON" in words[place:]:
            on = words.index("ON", place)
            if _TABLE in [token.text for token in statement.tokens[on + 1 : on + 3]]:
                line = statement.tokens[place].line
                told = f"an index on {_TABLE} tells every user which values others' rows hold"
                yield Finding("indexed", "error", f"line {line}: {told}")
