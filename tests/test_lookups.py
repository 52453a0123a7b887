"""What look-ups share: templates, what is kept, the log, the deadline, and that nobody gets another's item."""

import logging
from collections.abc import Callable, Iterator, Mapping
from threading import Event
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims import deadline
from cognito_claims.claims import Claims, Json
from cognito_claims.deadline import seconds_left
from cognito_claims.errors import DeadlineError, TokenDenied
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.handlers import pre_token_generation
from cognito_claims.lookups import DynamoDBItem, Item, find_all, prepare_all, values_of
from cognito_claims.lookups import looking_up as module
from cognito_claims.lookups.looking_up import Kept
from cognito_claims.rules.templates import PLACEHOLDERS, Template
from cognito_claims.testing import a_machine_event, a_user_event, to_json
from tests.stand_ins.lookups import Server, Table, at

SAFE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@+-"
OTHER_CLIENT = "9example23456789abcdefghij"


class Fake:
    """A look-up that does what it is told to."""

    def __init__(self, find: Callable[[Mapping[str, Json]], Item | None]) -> None:
        self._find = find
        self.prepared = Event()

    def find(self, values: Mapping[str, Json], /) -> Item | None:
        return self._find(values)

    def prepare(self) -> None:
        self.prepared.set()
        raise SystemExit  # which reaches nobody


# Templates


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        ("USER#{sub}", {"sub": "a-1"}, "USER#a-1"),
        (
            "{cognito:username}",
            {"cognito:username": "Jane.Doe+x@example.com"},
            "Jane.Doe+x@example.com",
        ),
        ("{tenant}#{sub}", {"sub": "a", "tenant": "b"}, "b#a"),
        ("{email}", {"email": "Jane@Example.COM"}, "jane@example.com"),
        ("{client_id}/", {"client_id": "abc"}, "abc/"),
        ("SETTINGS", {}, "SETTINGS"),
        ("{sub}", {"sub": "a" * 256}, "a" * 256),
        ("{sub}", {"sub": "a" * 257}, None),
        ("{sub}", {"sub": ""}, None),
        ("{sub}", {"sub": None}, None),
        ("{sub}", {"sub": ["a"]}, None),
        ("{sub}", {}, None),
        ("{tenant}", {"tenant": "a#b"}, None),
        ("{tenant}", {"tenant": "a b"}, None),
        ("{tenant}", {"tenant": "a\n"}, None),
        ("{email}", {"email": "jäne@example.com"}, None),
        ("{email}", {"email": "\u212a@example.com"}, None),  # which small letters make a k
        ("{tenant}", {"tenant": "\uff11"}, None),
    ],
)
def test_a_template_is_filled_with_what_may_stand_in_a_key(
    template: str, values: Mapping[str, Json], text: str | None
) -> None:
    assert Template(template).text(values) == text


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *((text, text) for text in ("0", "7", "-7", "1.5", "-0.25", "1" * 38)),
        *((text, None) for text in ("", "007", "-0", "1.0", "1.", ".5", "1e3", "+1", "1" * 39)),
        *((text, None) for text in ("a", "0x10", "1_0", "-", "1.5.2", "\uff11", "1-1")),
    ],
)
def test_a_number_has_one_notation_and_everything_else_is_absent(
    text: str, key: str | None
) -> None:
    assert Template("{tenant}", is_number=True).text({"tenant": text}) == key


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("", "expected a text that is not empty"),
        ("{sub", "a brace is not closed"),
        ("sub}", "a brace is not opened"),
        ("{sub}}", "a brace is not opened"),
        ("{{sub}}", "a brace is not closed"),
        ("{name}", "no such placeholder"),
        ("{tenent}", "did you mean tenant?"),
        ("{sub}{tenant}", "between two placeholders"),
        ("{sub}-{tenant}", "between two placeholders"),
        ("{sub}#{tenant}a{email}", "between two placeholders"),
    ],
)
def test_what_is_no_template_is_refused(template: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace("?", r"\?")):
        Template(template)


@pytest.mark.parametrize("template", ["USER#{sub}", "{sub}#{tenant}", "one"])
def test_what_can_never_be_a_number_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match="can never be a number"):
        Template(template, is_number=True)


VALUES = st.fixed_dictionaries(
    dict.fromkeys(PLACEHOLDERS, st.text(SAFE, min_size=1, max_size=4) | st.text(max_size=3))
)


@given(VALUES, VALUES)
def test_two_sets_of_values_never_make_one_key(
    one: Mapping[str, str], other: Mapping[str, str]
) -> None:
    template = Template("A#{tenant}#{sub}|{cognito:username}-#{client_id}")
    first, second = template.text(one), template.text(other)

    used = [name for name in PLACEHOLDERS if name != "email"]
    if first is not None and first == second:
        assert [one[name] for name in used] == [other[name] for name in used]


def test_the_values_of_an_event_are_its_own() -> None:
    event = a_user_event(name="jane", email="Jane@example.com", groups=("a", "b"))
    assert event.user is not None

    assert values_of(event, tenant="acme") == {
        "sub": event.user.sub,
        "cognito:username": "jane",
        "client_id": event.client_id,
        "tenant": "acme",
        "email": "Jane@example.com",
        "groups": ["a", "b"],
        "trigger_source": event.trigger_source,
    }


def test_an_email_counts_of_a_native_user_or_of_a_provider_that_is_named() -> None:
    identities = '[{"providerName":"Okta","userId":"1"}]'
    event = a_user_event(email="a@example.com", attributes={"identities": identities})
    unverified = a_user_event(email="a@example.com", email_verified=False)

    assert values_of(event)["email"] is None
    assert values_of(event, email_providers=("Okta",))["email"] == "a@example.com"
    assert values_of(unverified)["email"] is None


def test_a_machine_has_a_client_and_nothing_of_a_user() -> None:
    event = a_machine_event()

    assert values_of(event, tenant="acme", email_providers=("Okta",)) == {
        "sub": None,
        "cognito:username": None,
        "client_id": event.client_id,
        "tenant": None,
        "email": None,
        "groups": [],
        "trigger_source": event.trigger_source,
    }


# What is kept


def test_what_was_found_is_kept_for_so_many_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    class Clock:
        def __init__(self) -> None:
            self.began = now[0]

        def elapsed(self) -> float:
            return now[0] - self.began

    monkeypatch.setattr(module, "Stopwatch", Clock)
    kept: Kept[str] = Kept(60)
    kept.keep("key", "found")

    assert (kept.get("key"), kept.get("another")) == ("found", None)
    now[0] = 59.9
    assert kept.get("key") == "found"
    now[0] = 60.0
    assert kept.get("key") is None
    kept.keep("key", "found again")
    assert kept.get("key") == "found again"


def test_nothing_is_kept_for_no_seconds() -> None:
    kept: Kept[str] = Kept(0)
    kept.keep("key", "found")

    assert kept.get("key") is None


def test_the_oldest_of_a_thousand_makes_room() -> None:
    kept: Kept[int] = Kept(60)
    for number in range(1000):
        kept.keep(number, number)
    kept.keep(0, 0)  # which is now the youngest
    kept.keep(1000, 1000)

    assert [number for number in range(1001) if kept.get(number) is None] == [1]


# Several at once


def test_several_look_ups_are_made_side_by_side() -> None:
    first, second = Event(), Event()

    def one(_: object) -> Item:
        first.set()
        assert second.wait(30)
        return {"number": 1}

    def two(_: object) -> None:
        assert first.wait(30)
        second.set()

    found = find_all({"one": Fake(one), "two": Fake(two)}, {})

    assert list(found.items()) == [("one", {"number": 1}), ("two", None)]


def test_one_look_up_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline._asked, "deadline", monotonic() + 1000, raising=False)
    left = find_all({"a": Fake(lambda _: {"left": seconds_left()})}, {})["a"]
    assert left is not None

    assert float(str(left["left"])) > 900
    assert find_all({}, {}) == {}


def test_the_first_failure_comes_out() -> None:
    def fail(error: BaseException) -> Fake:
        def find(_: object) -> None:
            raise error

        return Fake(find)

    looked_up = {"a": Fake(lambda _: None), "b": fail(SystemExit(1)), "c": fail(ValueError())}
    with pytest.raises(SystemExit):
        find_all(looked_up, {})


def test_a_look_up_that_hangs_is_given_up_at_the_deadline_of_the_plugin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release, told = Event(), []

    def hang(_: object) -> None:
        told.append(seconds_left())
        release.wait(30)

    monkeypatch.setattr(deadline._asked, "deadline", monotonic() + 0.2, raising=False)
    try:
        with pytest.raises(DeadlineError) as raised:
            find_all({"a": Fake(lambda _: {}), "slow": Fake(hang)}, {})
    finally:
        release.set()

    assert raised.value.stage == "look-up slow"
    assert told[0] < 0.2


def test_all_prepare_at_once_and_a_failure_reaches_nobody() -> None:
    look_ups = {"a": Fake(lambda _: None), "b": Fake(lambda _: None)}
    prepare_all(look_ups)

    assert [each.prepared.wait(30) for each in look_ups.values()] == [True, True]


# Through the handler


ALICE, BOB = "a11ce", "b0b"
STORE = {
    f"USER#{sub}#{client}": {
        "pk": {"S": f"USER#{sub}#{client}"},
        "roles": {"L": [{"S": f"role of {sub} by {client}"}]},
    }
    for sub in (ALICE, BOB)
    for client in ("1example23456789abcdefghij", OTHER_CLIENT)
}


@pytest.fixture
def table() -> Iterator[Server]:
    with Server(Table(STORE)) as server:
        yield server


def events() -> list[PreTokenGenerationEvent]:
    clients = ("1example23456789abcdefghij", OTHER_CLIENT)
    return [
        a_user_event(attributes={"sub": sub}, client_id=client, groups=groups)
        for sub in (ALICE, BOB)
        for client in clients
        for groups in (("a",), ("b",))
    ]


def a_handler(look_up: DynamoDBItem) -> Callable[[Any, Any], dict[str, Any]]:
    def plugin(event: PreTokenGenerationEvent) -> Claims:
        item: Any = look_up(event) or {"roles": []}
        item["roles"].append("spoilt by the plugin")  # for itself alone
        return Claims.adding({"roles": item["roles"]})

    return pre_token_generation(member=plugin)


def roles(answer: Mapping[str, Any]) -> Any:
    token = answer["response"]["claimsAndScopeOverrideDetails"]["idTokenGeneration"]
    return token["claimsToAddOrOverride"]["roles"]


@pytest.mark.parametrize(("seconds", "requests"), [(60, 4), (0, 24)])
def test_each_user_gets_their_own_item_in_a_warm_function(
    seconds: int, requests: int, table: Server
) -> None:
    key = {"pk": "USER#{sub}#{client_id}"}
    look_up = DynamoDBItem(table="members", key=key, cache_seconds=seconds, environ=at(table))
    handler = a_handler(look_up)

    for _ in range(3):
        for event in events():
            assert event.user is not None
            wanted = f"role of {event.user.sub} by {event.client_id}"
            assert roles(handler(to_json(event), None)) == [wanted, "spoilt by the plugin"]
    assert len(table.requests) == requests
    assert table.connections == 1


def test_each_look_up_has_one_line_in_the_log_without_a_value(
    table: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "cognito_claims")
    look_up = DynamoDBItem(
        table="members", key={"pk": "USER#{sub}#{tenant}"}, cache_seconds=60, environ=at(table)
    )
    known = a_user_event(attributes={"sub": ALICE})
    for tenant in (OTHER_CLIENT, OTHER_CLIENT, "nobody", "a#b", None):
        look_up(known, tenant=tenant)

    told = [(record.look_up, record.outcome) for record in caplog.records]  # type: ignore[attr-defined]  # as extra fields
    outcomes = ("found", "kept", "absent", "absent", "absent")
    assert told == [("dynamodb", outcome) for outcome in outcomes]
    lines = [record.getMessage() for record in caplog.records]
    assert [line.partition(" (")[0] for line in lines] == [
        f"look-up dynamodb: {outcome}" for outcome in outcomes
    ]
    assert all(record.milliseconds >= 0 for record in caplog.records)  # type: ignore[attr-defined]  # the same
    assert len(table.requests) == 2


def test_an_absent_item_is_not_kept(table: Server) -> None:
    look_up = DynamoDBItem(
        table="members", key={"pk": "{sub}"}, cache_seconds=60, environ=at(table)
    )
    event = a_user_event(attributes={"sub": "newcomer"})

    assert look_up(event) is None
    members = table._reply
    assert isinstance(members, Table)
    members.items["newcomer"] = {"pk": {"S": "newcomer"}, "is_new": {"BOOL": True}}
    assert look_up(event) == {"pk": "newcomer", "is_new": True}


def test_where_there_must_be_an_item_its_absence_refuses_the_sign_in(table: Server) -> None:
    look_up = DynamoDBItem(
        table="members", key={"pk": "{sub}"}, absent="deny", name="member", environ=at(table)
    )
    event = a_user_event(attributes={"sub": "nobody"})

    with pytest.raises(TokenDenied) as refused:
        look_up(event)
    assert (refused.value.reason, refused.value.setting) == (TokenDenied.reason, "member")
    assert look_up.find(values_of(event)) is None  # for those who decide themselves
    with pytest.raises(TokenDenied):
        a_handler(look_up)(to_json(event), None)


def test_a_machine_is_looked_up_by_its_client(table: Server) -> None:
    item = {"pk": {"S": OTHER_CLIENT}, "plan": {"S": "pro"}}
    members = table._reply
    assert isinstance(members, Table)
    members.items[OTHER_CLIENT] = item
    of_client = DynamoDBItem(table="members", key={"pk": "{client_id}"}, environ=at(table))
    of_user = DynamoDBItem(table="members", key={"pk": "{sub}"}, environ=at(table))
    machine = a_machine_event(client_id=OTHER_CLIENT)

    assert of_client(machine) == {"pk": OTHER_CLIENT, "plan": "pro"}
    assert of_user(machine) is None
    assert len(table.requests) == 1
