"""What stands in a SurrealQL script in another order than ours, and beside it."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from cognito_claims.tools.backends.part import Part
from cognito_claims.tools.backends.script.lexer import Token
from cognito_claims.tools.backends.script.statements import Statement
from cognito_claims.tools.backends.surrealdb.fit_fields import permission_findings, reads_elsewhere
from cognito_claims.tools.findings import Finding

_TABLE = "user"
_RECORD = re.compile(rf"[`⟨]?{_TABLE}[`⟩]?:")
_AFTER = {"FIELD": "TABLE", "TOKEN": "SCOPE"}
_ENTRANCES = frozenset(("ACCESS", "LOGIN", "SCOPE", "TOKEN", "USER"))
_DEFINITIONS = frozenset(("ANALYZER", "EVENT", "FIELD", "FUNCTION", "INDEX", "PARAM", "TABLE"))
_DATA = ("CREATE", "DELETE", "INSERT", "RELATE", "SELECT", "UPDATE", "UPSERT")
_KNOWN = frozenset(("DEFINE", "FOR", "IF", "LET", "RETURN", *_DATA))
_SESSION = frozenset(("access", "auth", "scope", "session", "token"))  # what permissions look at
_ANY_TABLE = frozenset(("RECORD", "TABLE", "THING"))  # as in type::table(...)


def order_findings(part: Part, given: Sequence[Statement]) -> Iterator[Finding]:
    """Look for what stands before the database that it is meant for, or before what it is made on."""
    kinds = [_what(each) for each in given]
    for place, statement in enumerate(given):
        later = kinds[place + 1 :]
        if (kinds[place] and "" in later) or _AFTER.get(kinds[place]) in later:
            early = f"line {statement.line}: {statement.subject} stands before what it needs"
            yield Finding("order", "error", f"{part.name}: {early}")


def beside_surrealql(statements: Sequence[Statement]) -> Iterator[Finding]:
    """Warn of what opens another way in, takes back what the script says, reaches the users, or is not known here."""
    for statement in statements:
        if statement.words[:2] == ["REMOVE", "INDEX"]:  # which opens nothing
            continue
        found = [*_entrances(statement), *_undoing(statement), *_indexed(statement)]
        yield from found
        if found:
            continue
        yield from permission_findings(statement, _TABLE)
        if _names_table(statement):
            named = f"line {statement.line}: the table {_TABLE} is named: not examined"
            yield Finding("not-examined", "warning", named)
        elif reads_elsewhere(statement):
            computed = f"line {statement.line}: the field may compute with other rows: not examined"
            yield Finding("not-examined", "warning", computed)
        elif not _is_harmless(statement):
            yield Finding("not-examined", "warning", f"line {statement.line}: not examined")


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
    for place, word in enumerate(statement.words):
        after = _around(statement.tokens, place)[2]
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


def _is_harmless(statement: Statement) -> bool:
    """Say whether it is of a kind that can open nothing, and names its tables."""
    pairs = {*pairwise(statement.words)}
    defined = {what for word, what in pairs if word == "DEFINE"}
    is_known = defined <= _DEFINITIONS and statement.verb in _KNOWN
    is_view = "TABLE" in defined and "AS" in statement.words
    is_session = "PARAM" in defined and any(token.text in _SESSION for token in statement.tokens)
    places = range(len(statement.tokens))
    is_made = any(_makes_table(statement, place) for place in places)
    return is_known and not (is_view or is_session or is_made)


def _makes_table(statement: Statement, place: int) -> bool:
    """Say whether a function makes a table's or record's name here of anything but one string."""
    words, kinds = statement.words, [token.kind for token in statement.tokens]
    if words[place : place + 3] != ["TYPE", ":", ":"] or len(words) < place + 7:
        return False
    is_sure = kinds[place + 5] == "string" and words[place + 6] in (",", ")")
    return words[place + 3] in _ANY_TABLE and not is_sure


def _names_table(statement: Statement) -> bool:
    """Say whether the users' table is named, but for the field or index that is defined on it."""
    tokens = statement.tokens
    first = 0
    if _what(statement) in ("FIELD", "INDEX") and "ON" in statement.words[3:]:
        first = statement.words.index("ON", 3) + 2
    return any(
        _is_named_users(tokens[place]) and not _is_another_name(tokens, place)
        for place in range(first, len(tokens))
    )


def _is_named_users(token: Token) -> bool:
    if token.kind == "literal":
        return bool(_RECORD.match(token.text, 2))
    return token.text == _TABLE or (token.kind == "string" and bool(_RECORD.match(token.text)))


def _is_another_name(tokens: Sequence[Token], place: int) -> bool:
    """Say whether it is a parameter, a field, a function, or the type of a link: `$user`, `a.user`, `user =`, `record<user>`."""
    first, before, after = _around(tokens, place - 1)[0], *_around(tokens, place)[::2]
    is_type = before in ("<", "(", "|") and after in (">", ")", "|") and _is_link(tokens, place)
    is_path = (first, before) == (":", ":") or before in ("$", ".")
    return is_path or is_type or after == "="


def _is_link(tokens: Sequence[Token], place: int) -> bool:
    """Say whether it stands in the brackets of a `record<...>`, as 1.x spells it `record(...)`."""
    words = [token.unquoted for token in tokens[:place]]
    opening = max((n for n, word in enumerate(words) if word in ("<", "(")), default=0)
    return opening > 0 and words[opening - 1] == "RECORD"


def _around(tokens: Sequence[Token], place: int) -> tuple[str, str, str]:
    """Give the words before, at and after a place, nothing where there is none."""
    before, here, after = (
        tokens[n].unquoted if 0 <= n < len(tokens) else "" for n in range(place - 1, place + 2)
    )
    return before, here, after
