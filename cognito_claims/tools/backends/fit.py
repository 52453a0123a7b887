"""Whether a script or configuration that is in use still fits the settings.

Every statement of ours has to stand there unchanged. Of SurrealQL beside ours, a few dangers are
looked for; of everything else, the lines are named as not examined. A finding names the line of the
file and what is expected there, and never repeats the file: it may hold keys.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from cognito_claims.tools.backends.fauna.fit import item_findings
from cognito_claims.tools.backends.hasura.fit import json_findings, kind_of
from cognito_claims.tools.backends.part import Language, Part, find_part
from cognito_claims.tools.backends.script.statements import Script, Statement, read_script
from cognito_claims.tools.backends.surrealdb.fit import (
    is_looked_through,
    order_findings,
    statement_findings,
)
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.findings import Finding

_FRAME = frozenset(("BEGIN", "CANCEL", "COMMIT", "ROLLBACK"))


def fit(parts: Sequence[Part], text: str) -> tuple[Part, list[Finding]]:
    """Give the part that the text is nearest to, and how they differ; raises `UnusableInput` for one that none is like."""
    scripts = [part for part in parts if part.language != "json"]
    is_any_json = len(scripts) < len(parts)
    content = _json(text)
    if content is not None and is_any_json:
        part = find_part(parts, kind_of(content))
        return part, [*json_findings(part, content)]
    if content is not None:
        raise UnusableInput(f"--check: the file is JSON, which {parts[0].name} is not")
    if not scripts or (is_any_json and text.lstrip().startswith(("{", "["))):
        raise UnusableInput("--check: the file is not JSON")
    compared = [(part, [*_script_findings(part, text)]) for part in scripts]
    return min(compared, key=lambda each: _distance(each[0], each[1], text))


def _distance(part: Part, findings: Sequence[Finding], text: str) -> tuple[bool, int]:
    """Count the words of a part that the text lacks; one that fits is nearer than any other."""
    lacking = _word_counts(part.text, part.language) - _word_counts(text, part.language)
    return any(finding.level == "error" for finding in findings), lacking.total()


def _word_counts(text: str, language: Language) -> Counter[str]:
    statements = read_script(text, language).statements
    return Counter(token.text for each in statements for token in each.tokens)


def _script_findings(part: Part, text: str) -> Iterator[Finding]:
    ours = read_script(part.text, part.language).statements
    expected = [each for each in ours if each.verb not in (*_FRAME, "REMOVE")]
    script = read_script(text, part.language)
    yield from _reading_findings(part, script)
    for statement in expected:
        same = [each for each in script.statements if statement.is_about(each)]
        yield from _statement_findings(part, statement, same)
    own = [each for each in script.statements if any(known.is_about(each) for known in expected)]
    others = [each for each in script.statements if each not in own]
    if part.language == "surrealql":
        yield from order_findings(part, own)
    read = [each for each in others if _is_read(each, script) and each.verb not in _FRAME]
    yield from _beside(part.language, read)
    yield from _frame_findings(part, script.statements)


def _is_read(statement: Statement, script: Script) -> bool:
    """Say whether a statement stands before what leaves open where it ends."""
    open_from = [*([] if script.broken is None else [script.broken]), *script.doubts]
    return not open_from or statement.line < min(open_from)


def _beside(language: Language, statements: Sequence[Statement]) -> Iterator[Finding]:
    """Tell what is found in statements that are not ours, and which of them nobody looked at."""
    lines: list[str] = []
    for each in statements:
        is_surrealql = language == "surrealql"
        found = [*statement_findings(each)] if is_surrealql else []
        yield from found
        if not found and not (is_surrealql and is_looked_through(each)):
            lines.append(str(each.line))
    if lines:
        where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(lines)}"
        yield Finding("not-examined", "warning", f"{where}: not examined")


def _reading_findings(part: Part, script: Script) -> Iterator[Finding]:
    """Say where brackets or quotes leave open what the rest of the file is, or engines may read it otherwise."""
    if script.broken is not None:
        unclosed = (
            f"line {script.broken}: brackets or quotes do not close: nothing after it was examined"
        )
        yield Finding("not-closed", "error", f"{part.name}: {unclosed}")
    elif script.doubts:
        doubt = (
            f"line {script.doubts[0]}: may be read in more than one way: not examined from there"
        )
        yield Finding("not-examined", "warning", doubt)


def _statement_findings(
    part: Part, statement: Statement, same: Sequence[Statement]
) -> Iterator[Finding]:
    if not same:
        yield Finding("missing", "error", f"{part.name}: {statement.subject} is missing")
        return
    where = f"{part.name}: {statement.subject}, line {same[-1].line}"
    if len(same) > 1:
        again = f"{part.name}: {statement.subject}, line {same[1].line}: stands here again"
        yield Finding("defined-twice", "error", again)
    elif part.language == "fsl":
        yield from item_findings(part, statement, same[0])
    elif not statement.matches(same[0]):
        yield _difference(part, statement, same[0])
    elif same[0].keeps:
        kept = "IF NOT EXISTS keeps what is there, which may be less strict"
        yield Finding("kept", "error", f"{where}: {kept}")


def _difference(part: Part, expected: Statement, given: Statement) -> Finding:
    pairs = zip(expected.tokens, given.tokens, strict=False)
    ends = (expected.tokens[-1], given.tokens[-1])
    wanted, found = next((pair for pair in pairs if not pair[0].matches(pair[1])), ends)
    line = part.text.splitlines()[wanted.line - 1].strip()
    where = f"{expected.subject}, line {found.line}"
    return Finding("differs", "error", f"{part.name}: {where}: expected {line}")


def _frame_findings(part: Part, given: Sequence[Statement]) -> Iterator[Finding]:
    """Look for a transaction that does not end well; 1.x forgets it without a word."""
    begun: int | None = None
    for statement in given:
        is_whole = statement.words[1:] in ([], ["TRANSACTION"])
        if statement.verb == "BEGIN" and is_whole:
            begun = statement.line
        elif statement.verb in _FRAME:
            if begun is None or statement.verb != "COMMIT" or not is_whole:
                amiss = (
                    f"line {statement.line}: expected BEGIN TRANSACTION and then COMMIT TRANSACTION"
                )
                yield Finding("not-committed", "error", f"{part.name}: {amiss}")
            begun = None
    if begun is not None:
        undone = f"line {begun}: BEGIN without a COMMIT defines nothing"
        yield Finding("not-committed", "error", f"{part.name}: {undone}")


def _json(text: str) -> object:
    """Give the content of JSON, None for another text; readers differ in which of two equal keys they believe."""
    try:
        content: object = json.loads(text, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError):
        return None
    return content


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise UnusableInput("--check: the file is JSON with a key that stands twice in one object")
    return content
