"""A script as its statements, so that two can be compared whatever their layout, comments and quotes."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from cognito_claims.cli.setup.parts import Language

Kind = Literal["keyword", "name", "string", "word"]

_COMMENTS = {
    "surrealql": r"--[^\n]*|//[^\n]*|\#[^\n]*|/\*.*?\*/",
    "sql": r"--[^\n]*|/\*.*?\*/",
    "fsl": r"//[^\n]*|/\*.*?\*/",
}
_REST = r"""
  | (?P<quoted>"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `(?:\\.|[^`\\])*` | ⟨(?:\\.|[^⟩\\])*⟩)
  | (?P<plain>\w+|\S)
"""
_ESCAPE = re.compile(r"\\([\"'`⟩\\])")  # any other would say another thing than the letter
_PLAIN = re.compile(r"[A-Za-z_]\w*")
_NAME_QUOTES = {"fsl": "", "sql": '"', "surrealql": "`⟨"}
_MODIFIERS = (("OVERWRITE",), ("IF", "NOT", "EXISTS"))
_MEMBERS = frozenset(("index", "membership", "privileges", "unique"))


class Token(NamedTuple):
    """A word or symbol, a keyword in capitals, a string, or a name in its quotes."""

    text: str
    kind: Kind
    line: int

    @property
    def unquoted(self) -> str:
        """Give a word or symbol in capitals, nothing for what stands in quotes."""
        return self.text.upper() if self.kind in ("keyword", "word") else ""

    def matches(self, other: "Token") -> bool:
        """Say whether the other says the same: a keyword in any case, a plain name with quotes or without."""
        if self.kind == "keyword":
            return self.text == other.unquoted
        if self.text != other.text:
            return False
        kinds = {self.kind, other.kind}
        return len(kinds) == 1 or ("string" not in kinds and bool(_PLAIN.fullmatch(self.text)))


class Statement(NamedTuple):
    """The tokens of one statement, or of one item of a schema."""

    tokens: tuple[Token, ...]

    def matches(self, other: "Statement") -> bool:
        """Say whether the other says the same."""
        return _match(self.tokens, other.tokens)

    def is_about(self, other: "Statement") -> bool:
        """Say whether the other is about the same, whatever it says of it."""
        return _match(self._subject, other._subject)

    @property
    def subject(self) -> str:
        """Name what it is about, as in `DEFINE FIELD email ON user` or `role cognitoUser`."""
        return " ".join(token.text for token in self._subject)

    @property
    def verb(self) -> str:
        """Give its first word, in capitals."""
        return self.tokens[0].unquoted

    @property
    def _subject(self) -> tuple[Token, ...]:
        tokens = self.tokens
        if self.verb == "@":  # an annotation, as in @role(name)
            tokens = tokens[next((n for n, t in enumerate(tokens, 1) if t.unquoted == ")"), 0) :]
        first, second = [*(token.unquoted for token in tokens[:2]), "", ""][:2]
        if (first, second) in (("DEFINE", "FIELD"), ("DEFINE", "INDEX"), ("CREATE", "TABLE")):
            return tokens[:5]
        return tokens[: 3 if first == "DEFINE" else 1 if first == "USE" else 2]


def statements(text: str, language: Language) -> list[Statement]:
    """Split a script; how a definition treats one that is there does not count."""
    split = _schema_items if language == "fsl" else _ended_by_semicolons
    return [_bare(tokens) for tokens in split(_tokens(text, language))]


def members(item: Statement) -> list[Statement]:
    """Split a schema's role or collection: what stands before its braces, each of its members, what else is in it."""
    words = [token.unquoted for token in item.tokens]
    if item.verb not in ("COLLECTION", "ROLE") or "{" not in words:
        return [item]
    opening = words.index("{")
    found: list[list[Token]] = [[*item.tokens[:opening]], []]
    depth = 0
    for token in item.tokens[opening + 1 : -1]:
        if depth == 0 and token.kind == "word" and token.text in _MEMBERS:
            found.append([])
        found[-1].append(token)
        depth += _depth(token)
        if depth == 0 and token.unquoted in ("]", "}"):
            found.append([])
    return [Statement(tuple(tokens)) for tokens in found if tokens]


def _match(wanted: tuple[Token, ...], found: tuple[Token, ...]) -> bool:
    pairs = zip(wanted, found, strict=False)
    return len(wanted) == len(found) and all(token.matches(other) for token, other in pairs)


def _tokens(text: str, language: Language) -> Iterator[Token]:
    pattern = re.compile(_COMMENTS[language] + _REST, re.VERBOSE | re.DOTALL)
    line, seen = 1, 0
    for match in pattern.finditer(text):
        line += text.count("\n", seen, match.start())
        seen = match.start()
        if match["quoted"]:
            is_name = match["quoted"][0] in _NAME_QUOTES[language]
            content = _ESCAPE.sub(r"\1", match["quoted"][1:-1])
            yield Token(content, "name" if is_name else "string", line)
        elif match["plain"]:
            is_keyword = match["plain"].isupper() and language != "fsl"
            yield Token(match["plain"], "keyword" if is_keyword else "word", line)


def _ended_by_semicolons(tokens: Iterator[Token]) -> Iterator[list[Token]]:
    gathered: list[Token] = []
    depth = 0
    for token in tokens:
        depth += _depth(token)
        if depth == 0 and token.unquoted == ";":
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
        if depth == 0 and token.unquoted == "}":
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
    words = [token.unquoted for token in tokens]
    if words[0] == "DEFINE":
        for modifier in _MODIFIERS:
            if tuple(words[2 : 2 + len(modifier)]) == modifier:
                del tokens[2 : 2 + len(modifier)], words[2 : 2 + len(modifier)]
        if words[3:5] == ["ON", "TABLE"]:
            del tokens[4]
    return Statement(tuple(tokens))
