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
from cognito_claims.cli.setup.statements import Statement, alike, members
from cognito_claims.cli.setup.surrealdb import sample_claims
from cognito_claims.contract.errors import Refused
from cognito_claims.contract.surrealdb import public_key, sign, sign_in
from cognito_claims.contract.surrealql import Setup, string

_ENTRANCES = frozenset(("ACCESS", "LOGIN", "SCOPE", "TOKEN", "USER"))
_JWKS = re.compile(r"\bWITH\s+JWT\s+URL\s+(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_MAY_HAVE_MORE = ("collection", "role cognitoUser")  # what teams add to


def fit(parts: Sequence[Part], text: str) -> tuple[Part, list[Finding]]:
    """Give the part that the text is nearest to, and how they differ; raises `UnusableInput` for one that none is like."""
    content = _json(text)
    if content is not None:
        part = the_part(parts, kind_of(content))
        return part, [*json_findings(part, content)]
    scripts = [part for part in parts if part.language != "json"]
    if not scripts:
        raise UnusableInput(f"--check: not JSON, which {parts[0].name} is")
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
    expected, given = alike(part.text, text, part.language)
    for statement in expected:
        same = [each for each in given if each.subject == statement.subject]
        if not same:
            yield Finding("missing", "error", f"{part.name}: {statement.subject} is missing")
        elif len(same) > 1:
            again = f"line {same[1].tokens[0].line}: {statement.subject} stands here again"
            yield Finding("defined-twice", "error", f"{part.name}: {again}")
        elif part.language == "fsl":
            yield from _item_findings(part, statement, same[0])
        else:
            yield from _difference(part, statement, same[0])
    if part.language == "surrealql":
        subjects = {statement.subject for statement in expected}
        yield from _beside([each for each in given if each.subject not in subjects])


def _difference(part: Part, expected: Statement, given: Statement) -> Iterator[Finding]:
    if expected.says == given.says:
        return
    pairs = zip(expected.tokens, given.tokens, strict=False)
    ends = (expected.tokens[-1], given.tokens[-1])
    wanted, found = next((pair for pair in pairs if pair[0].says != pair[1].says), ends)
    line = part.text.splitlines()[wanted.line - 1].strip()
    where = f"{expected.subject}, line {found.line}"
    yield Finding("differs", "error", f"{part.name}: {where}: expected {line}")


def _item_findings(part: Part, expected: Statement, given: Statement) -> Iterator[Finding]:
    wanted, found = members(expected), members(given)
    for member in wanted:
        if member.says not in [each.says for each in found]:
            line = part.text.splitlines()[member.tokens[0].line - 1].strip()
            advice = f"{expected.subject}, line {given.tokens[0].line}: expected {line} ... as `setup` prints it"
            yield Finding("differs", "error", f"{part.name}: {advice}")
    if len(found) > len(wanted) and not expected.subject.startswith(_MAY_HAVE_MORE):
        grants = f"{expected.subject}, line {given.tokens[0].line}: grants more than is needed"
        yield Finding("grants-more", "error", f"{part.name}: {grants}")


def _beside(statements: Sequence[Statement]) -> Iterator[Finding]:
    """Warn of what opens another way in, or takes back what the script says."""
    for statement in statements:
        verb, *what = statement.subject.upper().split()
        line = statement.tokens[0].line
        if verb == "DEFINE" and what and what[0] in _ENTRANCES:
            entrance = f"line {line}: DEFINE {what[0]}: another way in, not examined"
            yield Finding("another-entrance", "warning", entrance)
        elif verb in ("ALTER", "REMOVE"):
            yield Finding(
                "not-examined", "warning", f"line {line}: {verb} may undo what stands before"
            )


def _json(text: str) -> object:
    """Give the content of JSON, None for another text."""
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content
