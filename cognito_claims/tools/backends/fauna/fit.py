"""What stands otherwise in a Fauna schema than in ours."""

from collections.abc import Iterator, Sequence

from cognito_claims.tools.backends.part import Part
from cognito_claims.tools.backends.script.statements import Statement, members
from cognito_claims.tools.findings import Finding

_MAY_HAVE_MORE = ("collection", "role cognitoUser")  # what teams add to
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


def _key_findings(parts: Sequence[Statement]) -> Iterator[Finding]:
    """Look for privileges on what makes tokens, keys and roles."""
    for each in parts:
        if each.verb == "PRIVILEGES" and _KEYS_TO_ALL.intersection(each.words[1:2]):
            told = "privileges on what tokens, keys and roles are made of: not examined"
            yield Finding("not-examined", "warning", f"line {each.line}: {told}")
