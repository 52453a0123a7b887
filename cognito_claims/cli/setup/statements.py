"""A script as its statements, so that two can be compared whatever their layout, comments and quotes."""

import re
from collections.abc import Iterator, Set
from typing import Literal, NamedTuple

from cognito_claims.cli.setup.parts import Language

Kind = Literal["name", "string", "word"]

_COMMENTS = {
    "surrealql": r"--[^\n]*|//[^\n]*|\#[^\n]*|/\*.*?\*/",
    "sql": r"--[^\n]*|/\*.*?\*/",
    "fsl": r"//[^\n]*|/\*.*?\*/",
}
_REST = r"""
  | (?P<quoted>"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `(?:\\.|[^`\\])*`)
  | (?P<plain>\w+|\S)
"""
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NAME_QUOTES = {"sql": '"', "surrealql": "`"}
_MODIFIERS = (("OVERWRITE",), ("IF", "NOT", "EXISTS"))
_MEMBERS = frozenset(("index", "membership", "privileges", "unique"))


class Token(NamedTuple):
    """A word or symbol, a string, or a name that would be no word without its quotes."""

    text: str
    kind: Kind
    line: int

    @property
    def says(self) -> tuple[str, Kind]:
        """Give what it says, without where it stands."""
        return self.text, self.kind


class Statement(NamedTuple):
    """The tokens of one statement, or of one item of a schema."""

    tokens: tuple[Token, ...]

    @property
    def says(self) -> tuple[tuple[str, Kind], ...]:
        """Give what it says, without where it stands."""
        return tuple(token.says for token in self.tokens)

    @property
    def subject(self) -> str:
        """Name what it is about, as in `DEFINE FIELD email ON user` or `role cognitoUser`."""
        texts = [token.text for token in self.tokens]
        if texts[0] == "@":
            texts = texts[texts.index(")") + 1 :] if ")" in texts else texts
        if texts[:2] in (["DEFINE", "FIELD"], ["DEFINE", "INDEX"], ["CREATE", "TABLE"]):
            return " ".join(texts[:5])
        return " ".join(texts[: 3 if texts[0] == "DEFINE" else 1 if texts[0] == "USE" else 2])


def statements(text: str, language: Language) -> list[Statement]:
    """Split a script; the words of transactions, and of how a definition treats one that is there, do not count."""
    split = _schema_items if language == "fsl" else _ended_by_semicolons
    found = (_bare(tokens) for tokens in split(_tokens(text, language)))
    return [each for each in found if each.tokens[0].text.upper() not in ("BEGIN", "COMMIT")]


def alike(expected: str, given: str, language: Language) -> tuple[list[Statement], list[Statement]]:
    """Split two scripts, in both of which the keywords are written in capitals: whatever the first has in capitals."""
    wanted, found = statements(expected, language), statements(given, language)
    words = (token for statement in wanted for token in statement.tokens if token.kind == "word")
    keywords = {token.text for token in words if token.text.isupper()}
    return [_folded(each, keywords) for each in wanted], [_folded(each, keywords) for each in found]


def _folded(statement: Statement, keywords: Set[str]) -> Statement:
    return Statement(
        tuple(
            token._replace(text=token.text.upper())
            if token.kind == "word" and token.text.upper() in keywords
            else token
            for token in statement.tokens
        )
    )


def _tokens(text: str, language: Language) -> Iterator[Token]:
    pattern = re.compile(_COMMENTS[language] + _REST, re.VERBOSE | re.DOTALL)
    line, seen = 1, 0
    for match in pattern.finditer(text):
        line += text.count("\n", seen, match.start())
        seen = match.start()
        if match["quoted"]:
            yield _unquoted(match["quoted"], line, language)
        elif match["plain"]:
            yield Token(match["plain"], "word", line)


def _unquoted(quoted: str, line: int, language: Language) -> Token:
    content = _ESCAPE.sub(r"\1", quoted[1:-1])
    if quoted[0] != _NAME_QUOTES.get(language):
        return Token(content, "string", line)
    return Token(content, "word" if re.fullmatch(r"[A-Za-z_]\w*", content) else "name", line)


def _ended_by_semicolons(tokens: Iterator[Token]) -> Iterator[list[Token]]:
    gathered: list[Token] = []
    depth = 0
    for token in tokens:
        depth += _depth(token)
        if depth == 0 and token.says == (";", "word"):
            if gathered:
                yield gathered
            gathered = []
        else:
            gathered.append(token)
    if gathered:
        yield gathered


def _schema_items(tokens: Iterator[Token]) -> Iterator[list[Token]]:
    gathered: list[Token] = []
    depth = 0
    for token in tokens:
        gathered.append(token)
        depth += _depth(token)
        if depth == 0 and token.says == ("}", "word"):
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _depth(token: Token) -> int:
    if token.kind != "word":
        return 0
    return (token.text in "([{") - (token.text in ")]}")


def _bare(tokens: list[Token]) -> Statement:
    """Leave out how a definition treats one that is there, and the word TABLE, which may follow ON."""
    texts = [token.text.upper() for token in tokens]
    if texts[0] == "DEFINE":
        for words in _MODIFIERS:
            if tuple(texts[2 : 2 + len(words)]) == words:
                del tokens[2 : 2 + len(words)], texts[2 : 2 + len(words)]
        if texts[3:5] == ["ON", "TABLE"]:
            del tokens[4]
    return Statement(tuple(tokens))


def members(item: Statement) -> list[Statement]:
    """Split what stands in the braces of a schema's item: all that begins at its keywords, or the whole."""
    opening = item.says.index(("{", "word"))
    found: list[list[Token]] = [[*item.tokens[:opening]]]
    depth = 0
    for token in item.tokens[opening + 1 : -1]:
        if depth == 0 and token.kind == "word" and token.text in _MEMBERS:
            found.append([])
        found[-1].append(token)
        depth += _depth(token)
    return [Statement(tuple(tokens)) for tokens in found]
