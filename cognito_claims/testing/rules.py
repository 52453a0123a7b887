"""Rules under test: what a document makes of an event, by an assertion or by cases as data."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from cognito_claims.claims import Claims, Groups
from cognito_claims.contract.cognito import Tokens, issue_tokens
from cognito_claims.contract.errors import ContractError
from cognito_claims.errors import CognitoClaimsError
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.invocation.decision import decide
from cognito_claims.plugin import mark
from cognito_claims.rules.context import Item, items_of
from cognito_claims.rules.decoding import decoded
from cognito_claims.rules.document import Document
from cognito_claims.rules.evaluation import claims_of, decided_groups
from cognito_claims.settings import suggestion
from cognito_claims.testing.builders import to_json
from cognito_claims.testing.recorded import recorded, recorded_names

Rules: TypeAlias = Mapping[str, object] | Path
Event: TypeAlias = PreTokenGenerationEvent | Mapping[str, Any] | str
_NO_ITEMS: Mapping[str, Item] = {}
_INPUTS = ("event", "groups", "attributes", "client_metadata", "items")
_OUTPUTS = ("id_token", "access_token", "scopes", "refused")


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_table_of(kind: type) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, dict) and all(isinstance(each, kind) for each in value.values())
    )


_TEXTS = (_are_texts, "a list of texts")
_TABLE = (_is_table_of(str), "an object whose members are texts")
_CLAIMS = (_is_table_of(object), "an object")
_FORMS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "groups": _TEXTS,
    "attributes": _TABLE,
    "client_metadata": _TABLE,
    "items": (_is_table_of(dict), "an object whose members are objects"),
    "id_token": _CLAIMS,
    "access_token": _CLAIMS,
    "scopes": _TEXTS,
    "refused": (lambda value: isinstance(value, str), "a text"),
}


def assert_rules(
    document: Rules,
    event: Event,
    *,
    id_token: Mapping[str, object] | None = None,
    access_token: Mapping[str, object] | None = None,
    scopes: Collection[str] | None = None,
    refused: str | None = None,
    items: Mapping[str, Item] = _NO_ITEMS,
) -> None:
    """Raise `AssertionError` unless the tokens of this event are as told.

    What is named must hold. A claim that is None must not be there. `scopes` are all scopes of the access
    token. `refused` is the code of the refusal, as in "denied". `event` is an event or a recorded one's name.
    `items` are what the look-ups find, by name. A wrong document raises `SettingsError`.
    """
    rules = Document(
        decoded(document.read_text("utf-8")) if isinstance(document, Path) else document
    )
    told = {
        "id_token": id_token,
        "access_token": access_token,
        "scopes": scopes,
        "refused": refused,
    }
    wanted = {name: value for name, value in told.items() if value is not None}
    problems = list(_differences(rules, _raw(event), items, wanted))
    if problems:
        raise AssertionError("\n".join(problems))


def case_problems(document: Mapping[str, object], case: object) -> list[str]:
    """Return what does not hold of a case as data; a wrong case has its own problems."""
    known = (*_INPUTS, *_OUTPUTS)
    if not isinstance(case, dict):
        return ["expected an object"]
    unknown = [
        f"{name}: unknown word{suggestion(name, known)}" for name in case if name not in known
    ]
    event = case.get("event")
    if event not in recorded_names("pretoken_"):
        near = suggestion(str(event), recorded_names("pretoken_"))
        unknown.append(f"event: expected the name of a recorded event{near}")
    unknown += (
        f"{word}: expected {told}"
        for word, (is_right, told) in _FORMS.items()
        if word in case and not is_right(case[word])
    )
    if not any(word in case for word in _OUTPUTS):
        unknown.append(f"expected one or more of {', '.join(_OUTPUTS)}")
    if unknown:
        return unknown
    wanted = {word: case[word] for word in _OUTPUTS if word in case}
    try:
        return list(
            _differences(Document(document), _event_of(case), case.get("items", {}), wanted)
        )
    except CognitoClaimsError as error:
        return [str(error)]


def _event_of(case: Mapping[str, Any]) -> dict[str, Any]:
    event = recorded(case["event"])
    request = event["request"]
    if "groups" in case:
        request["groupConfiguration"] = {"groupsToOverride": case["groups"]}
    if "attributes" in case:
        request["userAttributes"] = {**request.get("userAttributes", {}), **case["attributes"]}
    if "client_metadata" in case:
        request["clientMetadata"] = case["client_metadata"]
    return event


def _raw(event: Event) -> dict[str, Any]:
    if isinstance(event, str):
        return recorded(event)
    return to_json(event) if isinstance(event, PreTokenGenerationEvent) else dict(event)


class _Plugin:
    """The document as a plugin that makes no request."""

    pure = True

    def __init__(self, document: Document, items: Mapping[str, Item]) -> None:
        self._document = document
        self._items = items
        self.decides_groups = document.decides_groups

    def decide_groups(self, event: PreTokenGenerationEvent, /) -> Groups | None:
        return decided_groups(self._document, event)

    def __call__(self, event: PreTokenGenerationEvent, /) -> Claims:
        return claims_of(self._document, event, items_of(self._items))


def _differences(
    document: Document,
    event: dict[str, Any],
    items: Mapping[str, Item],
    wanted: Mapping[str, Any],
) -> Iterator[str]:
    decision = decide(event, {"mapper": mark(_Plugin(document, items))}, float("inf"))
    refused = None if decision.error is None else decision.error.code
    if refused is not None or "refused" in wanted:
        if refused != wanted.get("refused"):
            told = "" if decision.error is None else f" ({decision.error})"
            yield f"refused: expected {_shown(wanted.get('refused'))}, got {_shown(refused)}{told}"
        return
    try:
        tokens = issue_tokens(event, {**event, "response": decision.response})
    except ContractError as error:
        yield from map(str, error.findings)
        return
    yield from _of_tokens(tokens, wanted)


def _of_tokens(tokens: Tokens, wanted: Mapping[str, Any]) -> Iterator[str]:
    issued = {"id_token": tokens.id_token or {}, "access_token": tokens.access_token or {}}
    for name, token in issued.items():
        for claim, value in wanted.get(name, {}).items():
            if not _are_same(token.get(claim), value) or (value is None and claim in token):
                yield f"{name}.{claim}: expected {_shown(value)}, got {_shown(token.get(claim))}"
    if "scopes" in wanted:
        scopes = sorted(str(issued["access_token"].get("scope", "")).split())
        if scopes != sorted(wanted["scopes"]):
            yield f"scopes: expected {_shown(sorted(wanted['scopes']))}, got {_shown(scopes)}"


def _are_same(one: object, other: object) -> bool:
    """Return whether two JSON values are the same; `1` is not `true`."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_are_same(one[n], other[n]) for n in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_are_same, one, other))
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def _shown(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
