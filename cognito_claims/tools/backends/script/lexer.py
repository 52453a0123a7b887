"""A script as its tokens, whatever its layout, comments and quotes; where it could be read in two ways, that is said."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from cognito_claims.tools.backends.part import Language

Kind = Literal["doubt", "keyword", "literal", "name", "string", "unclosed", "word"]

_ESCAPED = r""""(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*'"""
_LEXEMES = {
    "surrealql": rf"""(?P<comment>--[^\n]* | //[^\n]* | \#[^\n]* | /\*.*?\*/)
        | (?P<literal>[bdfrsu](?:{_ESCAPED}))
        | (?P<quoted>{_ESCAPED} | `(?:\\.|[^`\\])*` | ⟨(?:\\.|[^⟩\\])*⟩)
        | (?P<plain>\w+ | \S)""",
    "sql": r"""(?P<comment>--[^\n]* | /\*.*?\*/) | (?P<literal>\$\w*\$)
        | (?P<quoted>"[^"]*" | '[^']*') | (?P<plain>\w+ | \S)""",
    "fsl": rf"""(?P<comment>//[^\n]* | /\*.*?\*/) | (?P<literal><<)
        | (?P<quoted>{_ESCAPED}) | (?P<plain>\w+ | \S)""",
}
_PATTERNS = {
    language: re.compile(lexemes, re.VERBOSE | re.DOTALL | re.IGNORECASE)
    for language, lexemes in _LEXEMES.items()
}
_REGEX = re.compile(r"(?P<literal>/(?:\\/|[^/])*+/)(?P<comment>)(?P<quoted>)(?P<plain>)")
# Engines end a line at different letters, nest comments or not, and know escapes or not.
_DOUBTFUL = {
    "surrealql": r"/\*.*/\* | (?:--|//|\#).*[\r\v\f\x85\u2028\u2029] | [a-z]['\"].*\\ | ⟨.*\\ | /[^/*].*\\\\/",
    "sql": r"/\*.*/\* | ['\"].*\\ | \$\w*\$",
    "fsl": r"/\*.*/\* | ['\"].*\#\{ | << | `",
}
_DOUBTS = {
    language: re.compile(doubtful, re.VERBOSE | re.DOTALL | re.IGNORECASE)
    for language, doubtful in _DOUBTFUL.items()
}
_ESCAPE = re.compile(r"\\([\"'`⟩\\])")  # any other would say another thing than the letter
_PLAIN = re.compile(r"[A-Za-z_]\w*")
_NAME_QUOTES = {"fsl": "", "sql": '"', "surrealql": "`⟨"}
_QUOTES = {"fsl": "\"'", "sql": "\"'", "surrealql": "\"'`⟨"}
_BEFORE_A_REGEX = frozenset(("", "=", "~", "(", ",", "[", "{", "!", "&", ";"))
_AFTER_A_VALUE = frozenset((")", "]"))


class ScriptToken(NamedTuple):
    """A word or symbol, a keyword in capitals, a string, or a name in its quotes; or a place that is not sure."""

    text: str
    kind: Kind
    line: int
    start: int
    end: int

    @property
    def unquoted(self) -> str:
        """Give a word or symbol in capitals, nothing for what stands in quotes."""
        return self.text.upper() if self.kind in ("keyword", "word") else ""

    def matches(self, other: "ScriptToken") -> bool:
        """Say whether the other says the same: a keyword in any case, a plain name with quotes or without."""
        if self.kind == "keyword":
            return self.text == other.unquoted
        if self.text != other.text:
            return False
        kinds = {self.kind, other.kind}
        return len(kinds) == 1 or ("string" not in kinds and bool(_PLAIN.fullmatch(self.text)))


def tokens_of(text: str, language: Language) -> Iterator[ScriptToken]:
    """Read a script; a `doubt` stands before what another reader may take for something else."""
    line, seen, is_parameter = 1, 0, False
    before = ScriptToken("", "word", 0, 0, 0)
    while match := _PATTERNS[language].search(text, seen):
        line += text.count("\n", seen, match.start())
        is_slash = language == "surrealql" and match["plain"] == "/"
        if is_slash and before.unquoted in _BEFORE_A_REGEX and before.kind == "word":
            match = _REGEX.match(text, match.start()) or match
        token = _token(match, language, line)
        is_unsure = is_slash and not (match["literal"] or is_parameter or _is_value(before))
        if is_unsure or _is_doubtful(token, match[0], before, language):
            yield token._replace(text="", kind="doubt")
        line, seen = line + match[0].count("\n"), match.end()
        if match["comment"]:
            continue
        yield token
        is_parameter = before.text == "$" and before.end == token.start
        before = token


def _token(match: re.Match[str], language: Language, line: int) -> ScriptToken:
    span = match.span()
    if match["quoted"]:
        is_name = match["quoted"][0] in _NAME_QUOTES[language]
        content = _ESCAPE.sub(r"\1", match["quoted"][1:-1])
        return ScriptToken(content, "name" if is_name else "string", line, *span)
    if match["literal"]:
        return ScriptToken(match["literal"], "literal", line, *span)
    is_open = match[0] in _QUOTES[language] or match.string.startswith("/*", match.start())
    if is_open and not match["comment"]:
        return ScriptToken(match[0], "unclosed", line, *span)
    is_keyword = match[0].isupper() and language != "fsl"
    return ScriptToken(match[0], "keyword" if is_keyword else "word", line, *span)


def _is_value(token: ScriptToken) -> bool:
    """Say whether it ends a value for sure, so that a slash behind it divides."""
    is_quoted = token.kind in ("literal", "name", "string")
    return is_quoted or token.text in _AFTER_A_VALUE or token.text[:1].isdigit()


def _is_doubtful(token: ScriptToken, lexeme: str, before: ScriptToken, language: Language) -> bool:
    """Say whether engines may read it otherwise, or whether it begins another language, as `function(` does."""
    is_script = (before.unquoted, token.text) == ("FUNCTION", "(") and language == "surrealql"
    return is_script or bool(_DOUBTS[language].match(lexeme))
