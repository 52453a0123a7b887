"""Which look-ups rules make, when, with what, and what comes of their items."""

from collections.abc import Mapping
from typing import Any

import pytest

from cognito_claims import Claims, PreTokenGenerationEvent, RuleError, TokenDenied
from cognito_claims.claims import Json
from cognito_claims.rules.context import Lookup
from cognito_claims.rules.document import Document
from cognito_claims.rules.evaluation import claims_of
from cognito_claims.rules.lookups import DynamoDBTable
from cognito_claims.rules.templates import Template
from cognito_claims.testing import a_machine_event, a_user_event
from tests.rules_documents import CLIENT, EXAMPLE, MEMBER, PLAN, SERVICE

SUB = "a1b2c3d4-5678-90ab-cdef-111122223333"
LOOKUPS = {"member": MEMBER, "plan": PLAN, "client": CLIENT, "service": SERVICE}
PLACEHOLDERS = {"sub": SUB, "client_id": "c", "tenant": "t", "email": None}


class Store:
    """Items by look-up and tenant; what was asked for is kept."""

    def __init__(self, **items: Any) -> None:
        self.items = items
        self.asked: list[tuple[str, Json]] = []
        self.values: Mapping[str, Json] = {}

    def fetch(self, lookup: Lookup, values: Mapping[str, Json]) -> Any:
        self.asked.append((lookup.name, values["tenant"]))
        self.values = values
        item = self.items.get(lookup.name)
        return item.get(values["tenant"]) if lookup.uses_tenant and item else item


def given(
    sections: Mapping[str, Any], event: PreTokenGenerationEvent, store: Store, **lookups: Any
) -> Claims:
    document = Document({"lookups": {**LOOKUPS, **lookups}, **sections})
    return claims_of(document, event, store.fetch)


def claims(**rules: Any) -> dict[str, Any]:
    return {"claims": rules}


USER = a_user_event(groups=["editors"])


def test_a_value_of_an_item_is_found_by_its_path() -> None:
    store = Store(plan={"level": 3, "limits": {"seats": "5"}, "flags": []})
    rules = {
        "level": {"from": "plan.level"},
        "seats": {"from": "plan.limits.seats", "as": "number"},
        "none": {"from": "plan.level.deeper"},
        "flags": {"from": "plan.flags", "default": "no"},
    }
    found = given(claims(**rules), USER, store)
    assert found.id_token.add == {"level": 3, "seats": 5, "flags": "no"}
    assert store.asked == [("plan", None)]


def test_a_lookup_gets_all_values_and_a_key_is_made_of_them() -> None:
    store = Store()
    event = a_user_event(email="Jane@Example.com", groups=["a"])
    given(claims(x={"from": "plan.level"}), event, store)
    assert store.values == {
        "sub": SUB,
        "cognito:username": "jane.doe",
        "email": "jane@example.com",
        "client_id": "1example23456789abcdefghij",
        "tenant": None,
        "groups": ["a"],
        "trigger_source": "TokenGeneration_Authentication",
    }
    given(claims(x={"from": "service.level"}), a_user_event(email="jäne@example.com"), store)
    assert store.values["email"] is None


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        ("USER#{sub}#{client_id}", PLACEHOLDERS, f"USER#{SUB}#c"),
        ("nobody", {}, "nobody"),
        ("{tenant}", {"tenant": "a" * 256}, "a" * 256),
        ("{tenant}", {"tenant": "a" * 257}, None),
        ("{tenant}", {"tenant": ""}, None),
        ("{tenant}", {"tenant": "a#b"}, None),
        ("{tenant}", {"tenant": "ä"}, None),
        ("{tenant}", {"tenant": 5}, None),
        ("{email}", PLACEHOLDERS, None),
    ],
)
def test_a_key_holds_nothing_that_could_make_it_anothers(
    template: str, values: dict[str, Json], text: str | None
) -> None:
    assert Template(template).text(values) == text


@pytest.mark.parametrize(
    ("text", "is_number"),
    [
        *[(text, True) for text in ("0", "-12", "1.5", "10")],
        *[(text, False) for text in ("-0", "01", "1.0", "1.", ".5", "1e3", "a", "", "1.x")],
    ],
)
def test_a_number_in_a_key_is_written_in_one_way(text: str, *, is_number: bool) -> None:
    template = Template("{tenant}", is_number=True)
    assert template.text({"tenant": text}) == (text if is_number else None)


ADMINS = {"when": {"groups": ["admins"]}}
BY_PLAN = {"when": {"is": {"plan.level": [3]}}}


@pytest.mark.parametrize(
    ("sections", "asked"),
    [
        (claims(x={"from": "plan.level", **ADMINS}), []),
        (claims(x={"from": "plan.level", "unless": {"groups": ["editors"]}}), []),
        (claims(x={"from": "name", "default": {"from": "plan.level"}}), ["plan"]),
        (claims(x={"object": {"a": {"from": "plan.level"}}}), ["plan"]),
        (claims(x={"constant": 1, **BY_PLAN}), ["plan"]),
        (claims(x={"constant": 1, "unless": BY_PLAN["when"]}), ["plan"]),
        (claims(x={"from": "service.a", **BY_PLAN}), ["plan", "service"]),
        (claims(x={"first": [{"constant": 1}, {"from": "plan.level"}]}), []),
        (claims(x={"first": [{"constant": 1, **ADMINS}, {"from": "plan.level"}]}), ["plan"]),
        (
            claims(x={"first": [{"constant": 1, **BY_PLAN}, {"from": "service.a"}]}),
            ["plan", "service"],
        ),
        ({"scopes": {"a": BY_PLAN["when"]}}, ["plan"]),
        ({"suppress_scopes": {"a": {**BY_PLAN["when"], "groups": ["no"]}}}, []),
        ({"scopes_from": {"from": "plan.scopes", "values": {"a": "b"}}}, ["plan"]),
        ({"deny": [BY_PLAN]}, ["plan"]),
        (claims(x={"from": "name", "among": {"from": "plan.names"}}), ["plan"]),
        (claims(x={"from": "client.name", "to": ["access"]}), ["client"]),
    ],
)
def test_a_lookup_is_made_once_and_only_if_a_rule_that_applies_may_use_it(
    sections: dict[str, Any], asked: list[str]
) -> None:
    store = Store()
    given(sections, USER, store)
    assert [name for name, _ in store.asked] == asked


def test_early_denials_come_before_all_lookups_and_the_others_after() -> None:
    denied = {"when": {"groups": ["editors"]}}
    store = Store(plan={"level": 3})
    sections = {"deny": [BY_PLAN, denied], **claims(x={"from": "plan.level"})}
    with pytest.raises(TokenDenied) as early:
        given(sections, USER, store)
    with pytest.raises(TokenDenied) as late:
        given(sections, a_user_event(), store)
    assert (early.value.setting, late.value.setting) == ("deny[1]", "deny[0]")
    assert store.asked == [("plan", None)]


def test_an_absent_item_refuses_where_the_lookup_says_so() -> None:
    plan = {**PLAN, "absent": "deny"}
    with pytest.raises(TokenDenied) as caught:
        given(claims(x={"from": "plan.level", "default": 0}), USER, Store(), plan=plan)
    assert caught.value.setting == "lookups.plan"
    assert given(claims(x={"from": "plan.level", **ADMINS}), USER, Store(), plan=plan) == Claims()


# The tenant

TENANT = {
    "from": "client_metadata.t",
    "among": {"item": "member"},
    "default": {"from": "custom:home"},
}
ROLE = claims(role={"from": "member.role"}, tenant={"from": "tenant"})
MEMBERS = {"acme": {"role": "editor"}, "b": {"role": "reader"}}


def session(asked: str | None, home: str = "") -> PreTokenGenerationEvent:
    metadata = {} if asked is None else {"t": asked}
    return a_user_event(client_metadata=metadata, attributes={"custom:home": home})


@pytest.mark.parametrize(
    ("rule", "event", "given_claims", "asked"),
    [
        (TENANT, session("acme", "b"), {"role": "editor", "tenant": "acme"}, ["acme"]),
        (TENANT, session(None, "b"), {"role": "reader", "tenant": "b"}, ["b"]),
        (TENANT, session(None, "evil"), {}, ["evil", None]),
        (TENANT, session(None), {}, [None]),
        ({**TENANT, "default": "b"}, session(None), {"role": "reader", "tenant": "b"}, ["b"]),
        ({**TENANT, "default": "x"}, session(None), {"tenant": "x"}, ["x"]),
    ],
)
def test_an_item_proves_the_tenant_and_is_fetched_once(
    rule: Any, event: PreTokenGenerationEvent, given_claims: dict[str, str], asked: list[Json]
) -> None:
    store = Store(member=MEMBERS)
    found = given({"tenant": rule, **ROLE}, event, store)
    assert found.id_token.add == given_claims
    assert store.asked == [("member", tenant) for tenant in asked]


def test_no_item_for_what_was_asked_refuses_whatever_the_lookup_says_of_absent_ones() -> None:
    for member in (MEMBER, {**MEMBER, "absent": "deny"}):
        with pytest.raises(TokenDenied) as caught:
            given({"tenant": TENANT}, session("evil", "acme"), Store(member=MEMBERS), member=member)
        assert caught.value.setting == "tenant"


def test_the_tenants_own_lookups_come_first_and_are_kept() -> None:
    store = Store(plan={"tenants": ["acme"]}, member=MEMBERS)
    tenant = {"from": "client_metadata.t", "among": {"from": "plan.tenants"}}
    found = given({"tenant": tenant, **claims(x={"from": "plan.tenants"}), **ROLE}, USER, store)
    assert found.id_token.add == {"role": "editor", "tenant": "acme"}
    assert store.asked == [("plan", None), ("member", "acme")]


def test_a_list_to_choose_from_that_is_none_is_a_failure() -> None:
    tenant = {"from": "client_metadata.t", "among": {"from": "plan.tenants"}}
    with pytest.raises(RuleError) as caught:
        given({"tenant": tenant}, session("acm"), Store(plan={"tenants": "acme"}))
    assert str(caught.value) == "tenant.among: plan.tenants is not a list"


def test_a_value_of_an_item_that_is_no_text_cannot_be_read_as_one() -> None:
    with pytest.raises(RuleError) as caught:
        given(claims(x={"from": "plan.a", "read": "json"}), USER, Store(plan={"a": [1]}))
    assert str(caught.value) == "claims.x: plan.a is not a text"


@pytest.mark.parametrize("value", [{"a": {1}}, float("nan")])
def test_a_value_that_is_no_json_is_a_failure(value: Any) -> None:
    with pytest.raises(RuleError) as caught:
        given(claims(x={"from": "plan.a", "as": "json"}), USER, Store(plan={"a": value}))
    assert str(caught.value) == "claims.x: plan.a cannot be written as JSON"


# Machine tokens

FOR_CLIENT = {"when": {"clients": ["1example23456789abcdefghij"]}, "to": ["access"]}


@pytest.mark.parametrize(
    ("rule", "is_asked"),
    [
        ({"from": "client.name", "to": ["access"]}, True),
        ({"from": "client.name"}, False),
        ({"from": "service.name", "to": ["access"]}, False),
        ({"from": "service.name", **FOR_CLIENT}, True),
        ({"from": "plan.name", **FOR_CLIENT}, False),
        ({"from": "member.name", **FOR_CLIENT}, False),
        ({"object": {"a": {"from": "plan.name"}, "b": {"constant": 1}}, **FOR_CLIENT}, False),
        ({"from": "nobody.name", "to": ["access"]}, False),
        ({"from": "nobody.name", **FOR_CLIENT}, True),
    ],
)
def test_a_machine_has_items_of_its_client_alone(rule: Any, *, is_asked: bool) -> None:
    nobody = {"dynamodb": {"table": "t", "key": {"pk": "ALL"}}}
    store = Store(client={"name": "x"}, service={"name": "x"}, nobody={"name": "x"})
    sections = {"tenant": {"from": "custom:t"}, **claims(x=rule)}
    found = given(sections, a_machine_event(), store, nobody=nobody).access_token.add
    assert (found.get("x") == "x", len(store.asked)) == (is_asked, int(is_asked))


def test_a_machine_is_denied_by_its_clients_item() -> None:
    entry = {"when": {**FOR_CLIENT["when"], "is": {"client.off": [True]}}}  # type: ignore[dict-item]  # an object
    with pytest.raises(TokenDenied):
        given({"deny": [entry]}, a_machine_event(), Store(client={"off": True}))


def test_a_machine_makes_no_lookup_for_rules_of_users() -> None:
    store = Store()
    sections = {"deny": [BY_PLAN], "scopes": {"a": BY_PLAN["when"], "b": FOR_CLIENT["when"]}}
    assert given(sections, a_machine_event(), store).access_token.add_scopes == {"b"}
    assert store.asked == []


def test_the_settings_of_a_table_are_read() -> None:
    table = {"table": "t", "key": {"pk": {"N": "{sub}"}}, "consistent": True, "region": "eu-west-1"}
    lookup = Document({"lookups": {"a": {"dynamodb": table, "cache_seconds": 5}}}).lookups["a"]
    store = lookup.store
    assert isinstance(store, DynamoDBTable)
    assert (store.table, store.is_consistent, store.region) == ("t", True, "eu-west-1")
    assert (store.key["pk"].is_number, lookup.cache_seconds) == (True, 5)


def test_the_example_with_its_lookup() -> None:
    item = {"permissions": ["read", "write"], "scopes": ["export", "admin"], "suspended": False}
    event = a_user_event(groups=["editors", "tenant:acme"])
    found = claims_of(Document(EXAMPLE), event, Store(member={"acme": item}).fetch)
    assert found.access_token.add["permissions"] == "read write"
    assert found.access_token.add_scopes == {"orders/read", "orders/write", "reports/export"}
