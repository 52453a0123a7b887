"""Documents of rules over every recorded event: the whole response, and what Cognito makes of it.

`python -m tests.test_rules_golden` writes the golden file anew: read the difference before you commit it.
"""

import json
import logging
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.errors import TokenDenied
from cognito_claims.invocation.decision import Decision, decide, log_decision
from cognito_claims.plugin import mark
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.testing import recorded, recorded_names
from tests.rules_documents import RIGHT, Document, without_lookups

Json = dict[str, Any]
GOLDEN = Path(__file__).parent / "golden_rules.json"
EVENTS = recorded_names("pretoken_")
MACHINE = {"clients": ["7m2mexample0123456789abcde"]}
DOCUMENTS: dict[str, Document] = {
    "the example": without_lookups(),
    "the example, with a tenant for all": {**without_lookups(), "tenant": {"constant": "acme"}},
    "texts for V1_0": {
        "email_providers": ["Google"],
        "claims": {
            "mail": {"from": "email", "absent": "deny"},
            "roles": {"from": "cognito:groups", "as": "json", "default": "[]"},
            "plan": {"from": "custom:plan", "values": {"pro": "gold"}, "default": "free"},
        },
    },
    "groups": {
        "groups": [{"constant": "all", "keep": True}],
        "suppress": {"id": ["cognito:roles", "email"]},
        "claims": {"groups": {"from": "cognito:groups", "as": "csv"}},
    },
    "machines": {
        "claims": {
            "service": {"constant": {"name": "billing"}, "when": MACHINE, "to": ["access"]},
            "app": {"from": "client_id", "to": ["access"]},
        },
        "scopes": {"orders/read": MACHINE},
        "scopes_from": {"from": "scope", "values": {"openid": "app/user"}},
    },
}


def decided(document: Document, event: Json) -> Decision:
    return decide(event, {"mapper": mark(Mapper(document))}, float("inf"))


def outcome(document: Document, event: Json) -> Json | str:
    decision = decided(document, event)
    if isinstance(decision.error, TokenDenied):
        return f"denied by {decision.error.setting}"
    if decision.error is not None:
        return str(decision.error).partition(" at /")[0]  # without the line of code
    return decision.response


def made_golden() -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for title, document in DOCUMENTS.items():
        entries = found.setdefault(title, [])
        for name in EVENTS:
            result = outcome(document, recorded(name))
            known = next((entry for entry in entries if entry["outcome"] == result), None)
            if known is None:
                entries.append({"events": [name], "outcome": result})
            else:
                known["events"].append(name)
    return found


@cache
def golden() -> dict[tuple[str, str], Any]:
    return {
        (title, name): entry["outcome"]
        for title, entries in json.loads(GOLDEN.read_text("utf-8")).items()
        for entry in entries
        for name in entry["events"]
    }


@pytest.mark.parametrize("title", DOCUMENTS)
def test_every_recorded_event_comes_to_what_the_golden_file_says(title: str) -> None:
    for name in EVENTS:
        assert outcome(DOCUMENTS[title], recorded(name)) == golden()[title, name], name


@pytest.mark.parametrize(("title", "name"), [pair for pair in golden() if pair[1] in EVENTS])
def test_cognito_takes_every_answer(title: str, name: str) -> None:
    event, answer = recorded(name), golden()[title, name]
    if not isinstance(answer, str):
        issue_tokens(event, {**event, "response": answer})


# Any event through any document

_PLANTED = "Pl4nted"
_TEXTS = st.sampled_from(
    [
        *(
            _PLANTED,
            f"[{_PLANTED}, b+c%41]",
            f"[{_PLANTED}%]",
            f'["{_PLANTED}"]',
        ),
        *("true", "1e999", "", "acme", f"a@{_PLANTED}.example.com"),
    ]
)
_DOCUMENTS = [*DOCUMENTS.values(), *(doc for doc in RIGHT.values() if "lookups" not in doc)]
_RULES = st.sampled_from(
    [
        {"from": "custom:x", "read": read, "as": form, "to": to}
        for read in ("cognito-list", "json", "csv", "words")
        for form in ("list", "json", "csv", "words", "postgres_array")
        for to in (["id"], ["access"])
    ]
    + [{"from": "custom:x", "as": form} for form in ("number", "boolean", "string", "list")]
    + [{"from": "email", "to": ["id", "access"]}, {"from": "provider"}]
)


@given(
    st.sampled_from(EVENTS),
    st.sampled_from(_DOCUMENTS) | _RULES.map(lambda rule: {"claims": {"x": rule}}),
    st.dictionaries(
        st.sampled_from(
            ["custom:x", "custom:home_tenant", "custom:idp_groups", "identities", "email"]
        ),
        _TEXTS,
    ),
    st.dictionaries(st.just("tenant"), _TEXTS),
    st.lists(st.sampled_from(["editors", "tenant:", "tenant:acme", "tenant:b", "admins"])),
)
def test_any_event_has_an_answer_that_cognito_takes_or_a_refusal_without_values(
    name: str, document: Json, attributes: dict[str, str], metadata: Json, groups: list[str]
) -> None:
    event = recorded(name)
    if "ClientCredentials" not in name:
        event["request"]["userAttributes"] |= attributes
        event["request"]["groupConfiguration"] = {"groupsToOverride": groups}
    event["request"]["clientMetadata"] = metadata
    decision = decided(document, event)
    if decision.error is None:
        issue_tokens(event, {**event, "response": decision.response})
    else:
        assert decision.error.code in ("denied", "plugin-failed", "unsupported-claim")
        assert "RuleError" in str(decision.error) or decision.error.code != "plugin-failed"
    assert _PLANTED not in told(decision)


class Records(logging.Handler):
    """Keep what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.getMessage()} {record.__dict__}")


def told(decision: Decision) -> str:
    """Give all that is said of a decision: its log, and its error's text and repr."""
    records, log = Records(), logging.getLogger("cognito_claims")
    level = log.level
    log.addHandler(records)
    log.setLevel(logging.DEBUG)
    try:
        log_decision(decision)
    finally:
        log.removeHandler(records)
        log.setLevel(level)
    return " ".join([*records.texts, str(decision.error), repr(decision.error)])


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(made_golden(), indent=2, ensure_ascii=False) + "\n", "utf-8")
