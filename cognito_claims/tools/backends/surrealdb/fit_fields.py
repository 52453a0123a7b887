"""A team's own fields in a SurrealQL script: who may see and change them, and what they compute."""

from collections.abc import Iterator
from itertools import pairwise

from cognito_claims.tools.backends.script.statements import Statement
from cognito_claims.tools.findings import Finding

_COMPUTED = frozenset(("ASSERT", "COMPUTED", "DEFAULT", "VALUE"))
_CLAUSES = frozenset(("COMMENT", "FLEXIBLE", "PERMISSIONS", "READONLY", "REFERENCE", "TYPE"))
_ELSEWHERE = frozenset(
    ("CREATE", "DELETE", "FN", "HTTP", "INSERT", "RELATE", "SELECT", "UPDATE", "UPSERT")
)
_SHADOWED = {"access": "session::ac()", "auth": "session::rd()", "session": "session::rd()"}
_NEEDED = frozenset(("SELECT", "UPDATE"))


def permission_findings(statement: Statement, table: str) -> Iterator[Finding]:
    """Warn of a field of the table without permissions: the engines then take FULL."""
    words = statement.words
    if words[:2] != ["DEFINE", "FIELD"] or "ON" not in words[3:-1]:
        return
    if statement.tokens[words.index("ON", 3) + 1].text != table:  # behind a path, as in a.b.*
        return
    missing = _NEEDED - _permitted(words)
    if missing:
        lacking = " and ".join(sorted(word.lower() for word in missing))
        text = f"a field of {table} has no permission for {lacking}: every user has it"
        yield Finding("field-permission", "warning", f"line {statement.line}: {text}")
    texts = [token.text for token in statement.tokens]
    said = texts[words.index("PERMISSIONS") :] if "PERMISSIONS" in words else []
    for name in _SHADOWED:
        if ("$", name) in pairwise(said):
            text = f"users can give ${name} another value; ask {_SHADOWED[name]}"
            yield Finding("field-permission", "warning", f"line {statement.line}: {text}")


def expression_findings(statement: Statement) -> Iterator[Finding]:
    """Warn of a field whose expression may reach other rows: it runs without permissions."""
    if _reads_elsewhere(statement):
        computed = f"line {statement.line}: the field may compute with other rows: not examined"
        yield Finding("not-examined", "warning", computed)


def _reads_elsewhere(statement: Statement) -> bool:
    """Say whether a field's expression may reach other rows.

    A dot is the way into a linked record, but not behind a parameter such as `$token`.
    """
    words = statement.words
    if words[:2] != ["DEFINE", "FIELD"]:
        return False
    is_inside = False
    for place, word in enumerate(words[3:], 3):
        is_inside = word in _COMPUTED or (is_inside and word not in _CLAUSES)
        is_link = word == "." and words[place - 2] != "$" and not words[place - 1].isdigit()
        is_edge = word in ("-", "<") and words[place + 1 : place + 2] in ([">"], ["-"])
        if is_inside and (word in _ELSEWHERE or is_link or is_edge):
            return True
    return False


def _permitted(words: list[str]) -> frozenset[str]:
    """Give the kinds of access for which something is said, whatever it is; FULL says nothing."""
    if "PERMISSIONS" not in words:
        return frozenset()
    said = words[len(words) - words[::-1].index("PERMISSIONS") :]
    if said[:1] == ["NONE"]:
        return _NEEDED
    named: set[str] = set()
    kinds: list[str] = []
    is_list = False
    for word in said:
        if word == "FOR":
            kinds, is_list = [], True
        elif word in ("WHERE", "NONE", "FULL"):
            named.update(kinds if is_list and word != "FULL" else ())
            is_list = False
        elif is_list and word != ",":
            kinds.append(word)
    return frozenset(named)
