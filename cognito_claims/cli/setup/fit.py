"""Whether a script or configuration that is in use still fits the settings.

A finding names the line of the file and what is expected there, and never repeats the file: it may hold keys.
"""

import json
import re
from collections.abc import Iterator, Sequence

from cognito_claims.cli.inputs import UnusableInput
from cognito_claims.cli.preview import Finding
from cognito_claims.cli.setup.fit_json import json_findings, kind_of
from cognito_claims.cli.setup.parts import Part, the_part
from cognito_claims.cli.setup.statements import Statement, members, statements
from cognito_claims.cli.setup.surrealdb import sample_claims
from cognito_claims.contract.errors import Refused
from cognito_claims.contract.surrealdb import public_key, sign, sign_in
from cognito_claims.contract.surrealql import Setup, string

_ENTRANCES = frozenset(("ACCESS", "LOGIN", "SCOPE", "TOKEN", "USER"))
_JWKS = re.compile(r"\bWITH\s+JWT\s+URL\s+(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_MAY_HAVE_MORE = ("collection", "role cognitoUser")  # what teams add to
_AFTER = {"FIELD": "TABLE", "INDEX": "FIELD", "TOKEN": "SCOPE"}
_FRAME = frozenset(("BEGIN", "CANCEL", "COMMIT", "ROLLBACK"))


def fit(parts: Sequence[Part], text: str) -> tuple[Part, list[Finding]]:
    """Give the part that the text is nearest to, and how they differ; raises `UnusableInput` for one that none is like."""
    scripts = [part for part in parts if part.language != "json"]
    is_any_json = len(scripts) < len(parts)
    content = _json(text)
    if content is not None and is_any_json:
        part = the_part(parts, kind_of(content))
        return part, [*json_findings(part, content)]
    if content is not None:
        raise UnusableInput(f"--check: the file is JSON, which {parts[0].name} is not")
    if not scripts or (is_any_json and text.lstrip().startswith(("{", "["))):
        raise UnusableInput("--check: the file is not JSON")
    compared = [(part, [*_script_findings(part, text)]) for part in scripts]
    return min(compared, key=lambda each: sum(finding.level == "error" for finding in each[1]))


def engine_findings(text: str, setup: Setup) -> Iterator[Finding]:
    """Let an embedded SurrealDB 2.x run a script of that version, and a made-up user try what nobody may."""
    # No embedded engine fetches keys: it gets the one that the made-up token is signed with.
    script = _JWKS.sub(lambda _: f"WITH JWT ALGORITHM RS256 KEY {string(public_key())}", text)
    try:
        sign_in(sign(sample_claims(setup)), setup, script=script)
    except Refused as refusal:
        yield Finding(refusal.code, "error", f"run on a SurrealDB 2.x: {refusal.message}")


def _script_findings(part: Part, text: str) -> Iterator[Finding]:
    expected = [each for each in statements(part.text, part.language) if each.verb not in _FRAME]
    given = statements(text, part.language)
    for statement in expected:
        same = [each for each in given if statement.is_about(each)]
        if not same:
            yield Finding("missing", "error", f"{part.name}: {statement.subject} is missing")
        elif len(same) > 1:
            yield _again(part, statement, same[1])
        elif part.language == "fsl":
            yield from _item_findings(part, statement, same[0])
        elif not statement.matches(same[0]):
            yield _difference(part, statement, same[0])
    if part.language == "surrealql":
        own = [each for each in given if any(known.is_about(each) for known in expected)]
        yield from _order_findings(part, own)
        yield from _beside([each for each in given if each not in own])
    if part.language != "fsl":
        yield from _frame_findings(part, given)


def _again(part: Part, expected: Statement, given: Statement) -> Finding:
    again = f"{expected.subject}, line {given.tokens[0].line}: stands here again"
    return Finding("defined-twice", "error", f"{part.name}: {again}")


def _difference(part: Part, expected: Statement, given: Statement) -> Finding:
    pairs = zip(expected.tokens, given.tokens, strict=False)
    ends = (expected.tokens[-1], given.tokens[-1])
    wanted, found = next((pair for pair in pairs if not pair[0].matches(pair[1])), ends)
    line = part.text.splitlines()[wanted.line - 1].strip()
    where = f"{expected.subject}, line {found.line}"
    return Finding("differs", "error", f"{part.name}: {where}: expected {line}")


def _item_findings(part: Part, expected: Statement, given: Statement) -> Iterator[Finding]:
    wanted, found = members(expected), members(given)
    for member in wanted:
        if not any(member.matches(each) for each in found):
            line = part.text.splitlines()[member.tokens[0].line - 1].strip()
            advice = f"{expected.subject}, line {given.tokens[0].line}: expected {line} ... as `setup` prints it"
            yield Finding("differs", "error", f"{part.name}: {advice}")
    for member in wanted:
        for again in [each for each in found if member.is_about(each)][1:]:
            yield _again(part, member, again)
    if len(found) > len(wanted) and not expected.subject.startswith(_MAY_HAVE_MORE):
        grants = f"{expected.subject}, line {given.tokens[0].line}: grants more than is needed"
        yield Finding("grants-more", "error", f"{part.name}: {grants}")


def _order_findings(part: Part, given: Sequence[Statement]) -> Iterator[Finding]:
    """Look for what stands before the database that it is meant for, or before what it is made on."""
    kinds = [_what(each) for each in given]
    for place, statement in enumerate(given):
        later = kinds[place + 1 :]
        if (kinds[place] and "" in later) or _AFTER.get(kinds[place]) in later:
            line = statement.tokens[0].line
            early = f"line {line}: {statement.subject} stands before what it needs"
            yield Finding("order", "error", f"{part.name}: {early}")


def _what(statement: Statement) -> str:
    """Give what is defined, nothing for another statement."""
    return (
        statement.tokens[1].unquoted
        if statement.verb == "DEFINE" and len(statement.tokens) > 1
        else ""
    )


def _beside(statements: Sequence[Statement]) -> Iterator[Finding]:
    """Warn of what opens another way in, or takes back what the script says."""
    for statement in statements:
        line = statement.tokens[0].line
        if _what(statement) in _ENTRANCES:
            entrance = f"line {line}: DEFINE {_what(statement)}: another way in, not examined"
            yield Finding("another-entrance", "warning", entrance)
        elif statement.verb in ("ALTER", "REMOVE"):
            undone = f"line {line}: {statement.verb} may undo what stands before"
            yield Finding("not-examined", "warning", undone)


def _frame_findings(part: Part, given: Sequence[Statement]) -> Iterator[Finding]:
    """Look for a transaction that does not end well; 1.x forgets it without a word."""
    begun: int | None = None
    for statement in given:
        line = statement.tokens[0].line
        is_whole = [token.unquoted for token in statement.tokens[1:]] in ([], ["TRANSACTION"])
        if statement.verb == "BEGIN" and is_whole:
            begun = line
        elif statement.verb in _FRAME:
            if begun is None or statement.verb != "COMMIT" or not is_whole:
                amiss = f"line {line}: expected BEGIN TRANSACTION and then COMMIT TRANSACTION"
                yield Finding("not-committed", "error", f"{part.name}: {amiss}")
            begun = None
    if begun is not None:
        undone = f"line {begun}: BEGIN without a COMMIT defines nothing"
        yield Finding("not-committed", "error", f"{part.name}: {undone}")


def _json(text: str) -> object:
    """Give the content of JSON, None for another text."""
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content
