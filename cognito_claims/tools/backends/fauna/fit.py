"""What stands otherwise in a Fauna schema than in ours, and beside it."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from cognito_claims.tools.backends.part import Part
from cognito_claims.tools.backends.script.statements import Statement, members
from cognito_claims.tools.findings import Finding

_MAY_HAVE_MORE = ("collection", "role cognitoUser")  # what teams add to
_HARMLESS = frozenset(("COLLECTION", "FUNCTION", "ROLE"))
_KEYS_TO_ALL = frozenset(("ACCESSPROVIDER", "CREDENTIAL", "KEY", "ROLE", "TOKEN"))


def item_findings(part: Part, expected: Statement, given: Statement) -> Iterator[Finding]:
    """Compare a role or collection member by member, any other item as a whole."""
    wanted, found = members(expected), members(given)
    for member in wanted:
        if not any(member.matches(each) for each in found):
            line = part.text.splitlines()[member.line - 1].strip()
            advice = (
                f"{expected.subject}, line {given.line}: expected {line} ... as `setup` prints it"
            )
            yield Finding("differs", "error", f"{part.name}: {advice}")
    for member in wanted:
        for again in [each for each in found if member.is_about(each)][1:]:
            twice = f"{member.subject}, line {again.line}: stands here again"
            yield Finding("defined-twice", "error", f"{part.name}: {twice}")
    if len(found) > len(wanted) and not expected.subject.startswith(_MAY_HAVE_MORE):
        grants = f"{expected.subject}, line {given.line}: grants more than is needed"
        yield Finding("grants-more", "error", f"{part.name}: {grants}")
    elif given.verb == "ROLE":
        own = [each for each in found if not any(member.is_about(each) for member in wanted)]
        yield from _key_findings(own)


def beside_schema(collection: str, items: Sequence[Statement]) -> Iterator[Finding]:
    """Warn of who else may come in, what else our users may do, and who may make keys to all of it."""
    for item in items:
        kind = _kind(item)
        found = [*_key_findings(members(_unmarked(item)))] if kind == "ROLE" else []
        if kind == "ACCESS":
            yield _not_examined(item.line, "an access provider: another way in")
        elif _is_with_role(item):
            yield _not_examined(item.line, "what is called here runs with a role of its own")
        elif kind not in _HARMLESS:
            yield _not_examined(item.line, "")
        elif kind == "ROLE" and _has_member(item, collection):
            yield _not_examined(item.line, f"another role that {collection} is a member of")
        yield from found


def _key_findings(parts: Sequence[Statement]) -> Iterator[Finding]:
    """Look for privileges on what makes tokens, keys and roles."""
    for each in parts:
        if each.verb == "PRIVILEGES" and _KEYS_TO_ALL.intersection(each.words[1:2]):
            yield _not_examined(each.line, "privileges on what tokens, keys and roles are made of")


def _not_examined(line: int, what: str) -> Finding:
    said = f"line {line}: {what}: not examined" if what else f"line {line}: not examined"
    return Finding("not-examined", "warning", said)


def _unmarked(item: Statement) -> Statement:
    """Leave out the annotations before an item, as in @role(name)."""
    tokens = item.tokens
    while tokens and tokens[0].text == "@":
        closing = [n for n, token in enumerate(tokens, 1) if token.unquoted == ")"]
        tokens = tokens[closing[0] :] if closing else ()
    return Statement(tokens or item.tokens)


def _kind(item: Statement) -> str:
    return _unmarked(item).verb


def _is_with_role(item: Statement) -> bool:
    words = item.words
    return ("@", "ROLE") in pairwise(words)


def _has_member(item: Statement, collection: str) -> bool:
    tokens = item.tokens
    return any(
        token.unquoted == "MEMBERSHIP" and member.text == collection
        for token, member in pairwise(tokens)
    )
