"""Backends whose claims a rules document makes: what `backends` in the document names."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.resources import files
from typing import Any, Literal, NamedTuple, Protocol

from cognito_claims.claims import Token
from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.issuer import Issuer
from cognito_claims.contract.jwt_rules import Source
from cognito_claims.rules.document import Document
from cognito_claims.rules.forms import ENCODERS
from cognito_claims.rules.rule import Rule
from cognito_claims.tools.backends.part import Part

RULES = "rules"
_FORMS: Mapping[str, Literal["list", "other"]] = {
    "list": "list",
    "number": "other",
    "boolean": "other",
}


class Room(Protocol):
    """What the tools know of one such backend."""

    @property
    def summary(self) -> str:
        """What `setup` prints for it, in a sentence."""
        ...

    def rules(self) -> str:
        """Return the rules document that comes with the package."""
        ...

    def tokens(self, document: Document) -> Collection[Token]:
        """Return the tokens to be judged, the one that counts first."""
        ...

    def verdict(
        self, document: Document, token: Token, issuer: Issuer, claims: dict[str, Any]
    ) -> Mapping[str, Any]:
        """Return what the backend makes of a token, as `preview` prints it."""
        ...

    def parts(self, document: Document, issuer: Issuer) -> list[Part]:
        """Write the other end; raise `UnusableInput` where the document does not tell enough."""
        ...


class NamedBackend(NamedTuple):
    """A backend, and the document that makes its claims."""

    room: Room
    document: Document

    @property
    def tokens(self) -> Collection[Token]:
        """The tokens to be judged."""
        return self.room.tokens(self.document)

    def verdict(self, token: str, issuer: Issuer, claims: dict[str, Any]) -> Mapping[str, Any]:
        """Return what the backend makes of a token, as `preview` prints it."""
        kind: Token = "access" if token == "access" else "id"
        return self.room.verdict(self.document, kind, issuer, claims)


def judged(ask: Callable[[], Mapping[str, Any]], sources: Mapping[str, Source]) -> dict[str, Any]:
    """Return the verdict of a table of rules, with the source of the rule that decides."""
    try:
        session = ask()
    except BackendRefusal as refusal:
        source = str(sources[refusal.code])
        told = {"code": refusal.code, "message": refusal.message}
        return {"accepted": False, **told, "source": source}
    return {"accepted": True, "session": dict(session), "source": str(sources["accepted"])}


def to_json(content: object) -> str:
    """Write JSON for people."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def rules_of(room: str) -> str:
    """Return the rules document of a room."""
    text = files("cognito_claims.tools.backends").joinpath(room, "rules.json")
    return text.read_text(encoding="utf-8")


def is_for_machines(document: Document) -> bool:
    """Return whether a machine's token gets anything by this document."""
    of_claims = any(claim.of_machines for claim in document.claims)
    return of_claims or any(scope.of_machines for scope in document.scopes)


def claim_rules(document: Document, name: str) -> Iterator[Rule]:
    """Return the rules that make a claim."""
    return (claim.rule for claim in document.claims if claim.name == name)


def possible_texts(rule: Rule) -> frozenset[str] | None:
    """Return all texts that a rule may give, alone or in a list; None where it may be any."""
    found: set[str] = set()
    if rule.table is not None:
        for given in rule.table.values():
            found.update([given] if isinstance(given, str) else given)
    elif rule.source is not None or rule.members:
        return None
    elif isinstance(rule.constant, str):
        found.add(rule.constant)
    elif isinstance(rule.constant, list | tuple):
        found.update(item for item in rule.constant if isinstance(item, str))
    for inner in (*rule.branches, *([] if rule.default is None else [rule.default])):
        texts = possible_texts(inner)
        if texts is None:
            return None
        found |= texts
    return frozenset(found)


def form_of(rule: Rule) -> Literal["text", "list", "other"]:
    """Return how a rule's values look in a token, as far as the rules tell."""
    if rule.encode is not None:
        names = (name for name, encode in ENCODERS.items() if encode is rule.encode)
        return _FORMS.get(next(names), "text")
    if rule.branches:
        return form_of(rule.branches[0])
    if rule.source is not None:
        is_list = rule.read is not None or rule.source.kind == "list"
        return "list" if is_list else "text"
    if isinstance(rule.constant, list | tuple):
        return "list"
    return "text" if isinstance(rule.constant, str) else "other"


def scopes_of(document: Document) -> frozenset[str]:
    """Return all scopes that the rules may add."""
    table = frozenset() if document.scopes_from is None else possible_texts(document.scopes_from)
    return frozenset(scope.name for scope in document.scopes) | (table or frozenset())
