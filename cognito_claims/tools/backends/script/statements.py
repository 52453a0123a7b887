"""A script as its statements, so that two can be compared whatever their layout, comments and quotes."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cognito_claims.tools.backends.part import Language
from cognito_claims.tools.backends.script.lexer import ScriptToken, tokens_of

_KEEPS = ("IF", "NOT", "EXISTS")
_MODIFIERS = (("OVERWRITE",), _KEEPS)
_MEMBERS = frozenset(("index", "membership", "privileges", "unique"))
_PAIRS = {")": "(", "]": "[", "}": "{"}


class Statement(NamedTuple):
    """The tokens of one statement, or of one item of a schema; `keeps` says that it leaves alone what is there."""

    tokens: tuple[ScriptToken, ...]
    keeps: bool = False

    def matches(self, other: "Statement") -> bool:
        """Say whether the other says the same."""
        return _match(self.tokens, other.tokens)

    def is_about(self, other: "Statement") -> bool:
        """Say whether the other is about the same, whatever it says of it."""
        return _match(self.about, other.about)

    @property
    def subject(self) -> str:
        """Name what it is about, as in `DEFINE FIELD email ON user` or `role cognitoUser`."""
        return " ".join(token.text for token in self.about)

    @property
    def verb(self) -> str:
        """Give its first word, in capitals."""
        return self.tokens[0].unquoted

    @property
    def line(self) -> int:
        """Give the line that it begins in."""
        return self.tokens[0].line

    @property
    def words(self) -> list[str]:
        """Give its words and symbols in capitals, nothing for what stands in quotes."""
        return [token.unquoted for token in self.tokens]

    @property
    def about(self) -> tuple[ScriptToken, ...]:
        """Give the tokens that say what it is about."""
        tokens = self.tokens
        if self.verb == "@":  # an annotation, as in @role(name)
            tokens = tokens[next((n for n, t in enumerate(tokens, 1) if t.unquoted == ")"), 0) :]
        first, second = [*(token.unquoted for token in tokens[:2]), "", ""][:2]
        if (first, second) in (("DEFINE", "FIELD"), ("DEFINE", "INDEX"), ("CREATE", "TABLE")):
            return tokens[:5]
        if (first, second) == ("UNIQUE", "["):  # a collection may have several
            return tokens
        return tokens[: 3 if first == "DEFINE" else 1 if first == "USE" else 2]


class Script(NamedTuple):
    """What was read, with the lines that may say something else, and the one from which brackets or quotes are open."""

    statements: list[Statement]
    doubts: list[int]
    broken: int | None


def read_script(text: str, language: Language) -> Script:
    """Split a script; how a definition treats one that is there does not count, but is remembered."""
    found = [*tokens_of(text, language)]
    amiss = [token.line for token in found if token.kind == "unclosed"]
    sure = [token for token in found if token.kind not in ("doubt", "unclosed")]
    split = [*_split(sure, "}" if language == "fsl" else ";", amiss)]
    doubts = [token.line for token in found if token.kind == "doubt"]
    return Script([_bare(tokens) for tokens in split], doubts, min(amiss, default=None))


def members(item: Statement) -> list[Statement]:
    """Split a schema's role or collection: what stands before its braces, each of its members, what else is in it."""
    words = item.words
    if item.verb not in ("COLLECTION", "ROLE") or "{" not in words:
        return [item]
    opening = words.index("{")
    found: list[list[ScriptToken]] = [[*item.tokens[:opening]], []]
    depth = 0
    for token in item.tokens[opening + 1 : -1]:
        if depth == 0 and token.kind == "word" and token.text in _MEMBERS:
            found.append([])
        found[-1].append(token)
        depth += (token.unquoted in _PAIRS.values()) - (token.unquoted in _PAIRS)
        if depth == 0 and token.unquoted in ("]", "}"):
            found.append([])
    return [Statement(tuple(tokens)) for tokens in found if tokens]


def _match(wanted: tuple[ScriptToken, ...], found: tuple[ScriptToken, ...]) -> bool:
    pairs = zip(wanted, found, strict=False)
    return len(wanted) == len(found) and all(token.matches(other) for token, other in pairs)


def _split(
    tokens: Sequence[ScriptToken], end: str, amiss: list[int]
) -> Iterator[list[ScriptToken]]:
    """Split after each end outside of brackets; add to `amiss` the lines of brackets without their other half."""
    gathered: list[ScriptToken] = []
    opened: list[ScriptToken] = []
    for token in tokens:
        if not _goes_with(opened, token):
            amiss.append(token.line)
        is_end = not opened and token.unquoted == end
        if not (is_end and end == ";"):
            gathered.append(token)
        if is_end and gathered:
            yield gathered
            gathered = []
    amiss.extend(token.line for token in opened)
    if gathered:
        yield gathered


def _goes_with(opened: list[ScriptToken], token: ScriptToken) -> bool:
    """Keep account of what is open; no bracket closes another kind, and a `;` stands in braces or in none."""
    symbol = token.unquoted
    if symbol in _PAIRS.values():
        opened.append(token)
    elif symbol in _PAIRS:
        if not opened or opened[-1].unquoted != _PAIRS[symbol]:
            return False
        opened.pop()
    return symbol != ";" or not opened or opened[-1].unquoted == "{"


def _bare(tokens: list[ScriptToken]) -> Statement:
    """Leave out how a definition treats one that is there, and the word TABLE, which may follow ON."""
    words = [token.unquoted for token in tokens]
    keeps = words[0] == "DEFINE" and tuple(words[2:5]) == _KEEPS
    if words[0] == "DEFINE":
        for modifier in _MODIFIERS:
            if tuple(words[2 : 2 + len(modifier)]) == modifier:
                del tokens[2 : 2 + len(modifier)], words[2 : 2 + len(modifier)]
        if words[3:5] == ["ON", "TABLE"]:
            del tokens[4]
    return Statement(tuple(tokens), keeps)
