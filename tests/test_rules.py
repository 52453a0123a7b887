"""What rules give: sources, forms, conditions, groups, tenants, refusals and machine tokens."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cognito_claims import Claims, Groups, PreTokenGenerationEvent, RuleError, TokenDenied
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.testing import a_machine_event, a_user_event

NEUTRAL = "Sign-in could not be completed [denied]"
Words = Mapping[str, Any]
Document = dict[str, Any]


def user(**attributes: str) -> PreTokenGenerationEvent:
    """Give an event of a user with custom attributes, `a_b` being `custom:a_b`."""
    return a_user_event(attributes={f"custom:{name}": text for name, text in attributes.items()})


def federated(*providers: str, **attributes: str) -> PreTokenGenerationEvent:
    identities = json.dumps([{"providerName": name} for name in providers])
    custom = {f"custom:{name}": text for name, text in attributes.items()}
    return a_user_event(attributes={"identities": identities, **custom}, groups=["pool_group"])


def value(rule: Words, event: PreTokenGenerationEvent, **sections: Any) -> Any:
    """Give what one claim has for this event, None where it is not made."""
    return Mapper({"claims": {"x": rule}, **sections})(event).id_token.add.get("x")


def refused(document: Words, event: PreTokenGenerationEvent) -> tuple[str, str]:
    """Give the reason and the rule's place of a refusal."""
    with pytest.raises(TokenDenied) as caught:
        Mapper(document)(event)
    return caught.value.reason, caught.value.setting


def failed(rule: Words, event: PreTokenGenerationEvent) -> str:
    with pytest.raises(RuleError) as caught:
        value(rule, event)
    return str(caught.value)


# Sources

JANE = a_user_event(
    attributes={
        "name": "Jane",
        "custom:empty": "",
        "phone_number": "+1",
        "phone_number_verified": "true",
    },
    groups=["editors", "tenant:acme", "tenant:", "tenants"],
    scopes=["openid", "orders/read"],
)


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("name", "Jane"),
        ("sub", JANE.user.sub if JANE.user else ""),
        ("nickname", None),
        ("custom:empty", None),
        ("email", "jane.doe@example.com"),
        ("phone_number", "+1"),
        ("cognito:username", "jane.doe"),
        ("client_id", "1example23456789abcdefghij"),
        ("cognito:groups", ["editors", "tenant:acme", "tenant:", "tenants"]),
        ("scope", ["openid", "orders/read"]),
        ("provider", None),
    ],
)
def test_a_source_gives_what_the_event_has(source: str, given: object) -> None:
    assert value({"from": source}, JANE) == given


def test_a_prefix_takes_the_groups_that_start_so_and_leaves_an_empty_rest_out() -> None:
    assert value({"from": "cognito:groups", "prefix": "tenant:"}, JANE) == ["acme"]


@pytest.mark.parametrize(
    ("event", "is_trusted"),
    [
        (a_user_event(), True),
        (a_user_event(email_verified=False), False),
        (federated("Okta"), True),
        (federated("Okta", "Google"), False),
        (a_user_event(attributes={"identities": "[{]"}), False),
    ],
)
def test_an_email_counts_when_it_is_verified_and_every_provider_is_named(
    event: PreTokenGenerationEvent, *, is_trusted: bool
) -> None:
    found = value({"from": "email"}, event, email_providers=["Okta"])
    assert found == ("jane.doe@example.com" if is_trusted else None)


def test_providers_are_those_that_are_linked_and_unreadable_ones_are_a_failure() -> None:
    assert value({"from": "provider"}, federated("Okta", "Google")) == ["Okta", "Google"]
    broken = a_user_event(attributes={"identities": "broken"})
    unreadable = "provider the attribute identities cannot be read"
    assert failed({"from": "provider"}, broken) == f"claims.x: {unreadable}"
    condition = {"constant": 1, "unless": {"providers": ["Okta"]}}
    assert failed(condition, broken) == f"claims.x.unless.providers: {unreadable}"


# Reading a text as a list

BARE = "one, two [three] %41+"


@pytest.mark.parametrize(
    ("read", "text", "items"),
    [
        ("cognito-list", "[a, b]", ["a", "b"]),
        ("cognito-list", "[Team+A%2CB, 100%25, %C3%A4%2B]", ["Team A,B", "100%", "ä+"]),
        ("cognito-list", "[a,b]", ["a,b"]),
        ("cognito-list", BARE, [BARE]),
        ("cognito-list", "[", ["["]),
        ("cognito-list", "[]", None),
        ("json", '["a, b", 1, true]', ["a, b", 1, True]),
        ("json", "[]", None),
        ("csv", "a, b,,c d", ["a", "b", "c d"]),
        ("words", "a  b\tc d\u00a0e", ["a", "b\tc", "d\u00a0e"]),
    ],
)
def test_a_text_is_read_as_a_list_in_the_form_that_is_named(
    read: str, text: str, items: object
) -> None:
    assert value({"from": "custom:x", "read": read}, user(x=text)) == items


@pytest.mark.parametrize(
    ("read", "text", "problem"),
    [
        ("cognito-list", "[100%]", "has a malformed %"),
        ("cognito-list", "[%zz]", "has a malformed %"),
        ("cognito-list", "[%+1]", "has a malformed %"),
        ("cognito-list", "[%FF]", "is not UTF-8 when decoded"),
        ("cognito-list", "[\ud800%41]", "is not UTF-8 when decoded"),
        ("json", "[1", "is not JSON"),
        ("json", "[" * 100_000, "is not JSON"),
        ("json", "[NaN]", "is not JSON"),
        ("json", '{"a": 1}', "is not a JSON list"),
        ("json", "[null]", "is not a text, number or boolean"),
        ("json", "[1e999]", "is a number beyond 2^53-1"),
    ],
)
def test_what_cannot_be_read_is_a_failure_without_the_value(
    read: str, text: str, problem: str
) -> None:
    assert (
        failed({"from": "custom:x", "read": read}, user(x=text)) == f"claims.x: custom:x {problem}"
    )


# How a value is carried

LIST = {"constant": ["a", 1, True]}


@pytest.mark.parametrize(
    ("given", "form", "carried"),
    [
        ("a", "string", "a"),
        (1.5, "string", "1.5"),
        (False, "string", "false"),
        ("a", "list", ["a"]),
        (["a", 1], "list", ["a", 1]),
        (["ä", 1, True], "json", '["ä",1,true]'),
        ({"a": {"b": None}}, "json", '{"a":{"b":null}}'),
        (["a b", 1], "csv", "a b,1"),
        (["a,b", True], "words", "a,b true"),
        (["a", 'q"\\'], "postgres_array", '{"a","q\\"\\\\"}'),
        ("x", "postgres_array", '{"x"}'),
        ("-12", "number", -12),
        ("1.5e2", "number", 150.0),
        ("9007199254740991", "number", 2**53 - 1),
        (7, "number", 7),
        ("true", "boolean", True),
        (False, "boolean", False),
    ],
)
def test_a_value_is_carried_in_its_form(given: Any, form: str, carried: object) -> None:
    found = value({"constant": given, "as": form}, JANE)
    assert (type(found), found) == (type(carried), carried)


@pytest.mark.parametrize(
    ("given", "form", "problem"),
    [
        (["a"], "string", "is not a text, number or boolean"),
        ({"a": 1}, "list", "is not a text, number or boolean"),
        (["a,b"], "csv", "has an item with a comma, or an empty one"),
        (["a", ""], "csv", "has an item with a comma, or an empty one"),
        (["a b"], "words", "has an item with a blank, or an empty one"),
        (["a\u2003b"], "words", "has an item with a blank, or an empty one"),
        ([["a"]], "postgres_array", "is not a text, number or boolean"),
        (2**53, "number", "is a number beyond 2^53-1"),
        (True, "number", "is not a number"),
        (["1"], "number", "is not a number"),
        (1, "boolean", "is neither true nor false"),
    ],
)
def test_what_a_form_cannot_carry_is_a_failure(given: Any, form: str, problem: str) -> None:
    assert failed({"constant": given, "as": form}, JANE) == f"claims.x: {problem}"


@pytest.mark.parametrize(
    "text",
    ["1e999", "0x10", "\uff11", "1_0", "+1", "01", "1.", " 1", "1\n", "NaN", "-", "9" * 5000],
)
def test_a_number_is_one_as_json_writes_it(text: str) -> None:
    with pytest.raises(RuleError):
        value({"from": "custom:x", "as": "number"}, user(x=text))


@pytest.mark.parametrize("text", ["True", "TRUE", "1", "yes", "false "])
def test_a_boolean_is_exactly_true_or_false(text: str) -> None:
    told = "claims.x: custom:x is neither true nor false"
    assert failed({"from": "custom:x", "as": "boolean"}, user(x=text)) == told


# Tables

TABLE = {"b": ["2", "1"], "a": "1", "ä": "3"}


def test_a_table_is_an_allow_list_in_its_own_order() -> None:
    groups = a_user_event(groups=["a", "admin", "B", "b"])
    assert value({"from": "cognito:groups", "values": TABLE}, groups) == ["2", "1"]
    assert value({"from": "cognito:groups", "values": {"x": "y"}}, groups) is None


def test_a_table_gives_for_a_text_what_stands_in_it() -> None:
    rule = {"from": "custom:x", "values": TABLE, "default": "none"}
    assert [value(rule, user(x=text)) for text in ("a", "b", "A", "a\u0308")] == [
        *("1", ["2", "1"], "none", "none")
    ]


# Constants, objects, first, default, absent


def test_the_first_rule_counts_whose_conditions_hold_and_that_gives_something() -> None:
    rule = {
        "first": [
            {"when": {"groups": ["no"]}, "constant": "a"},
            {"from": "nickname"},
            {"from": "name"},
            {"constant": "b"},
        ]
    }
    assert (value(rule, JANE), value(rule, a_user_event())) == ("Jane", "b")


def test_members_that_give_nothing_are_left_out_and_so_is_an_object_of_none() -> None:
    member = {"object": {"inner": {"from": "nickname"}}}
    rule = {"object": {"name": {"from": "name"}, "none": member, "zero": {"constant": 0}}}
    assert value(rule, JANE) == {"name": "Jane", "zero": 0}
    assert value(member, JANE) is None


def test_a_default_stands_for_nothing_and_is_not_encoded() -> None:
    assert value({"from": "nickname", "default": False, "as": "list"}, JANE) is False
    assert value({"from": "nickname", "default": {"from": "name"}}, JANE) == "Jane"
    assert value({"from": "nickname", "default": {"constant": {"a": []}}}, JANE) == {"a": []}


def test_a_rule_whose_conditions_do_not_hold_has_no_default_and_refuses_nobody() -> None:
    rule = {"from": "nickname", "absent": "deny", "default": "x"}
    assert value({**rule, "when": {"groups": ["no"]}}, JANE) is None
    assert value({**rule, "unless": {"groups": ["editors"]}}, JANE) is None
    assert value(rule, JANE) == "x"


def test_nothing_refuses_the_sign_in_where_absent_is_deny() -> None:
    rule = {"from": "nickname", "absent": "deny"}
    assert refused({"claims": {"x": rule}}, JANE) == (NEUTRAL, "claims.x")
    inner = {"claims": {"x": {"object": {"a": rule}}}}
    assert refused(inner, JANE) == (NEUTRAL, "claims.x.object.a")


# Conditions


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"groups": ["admins", "editors"]}, True),
        ({"groups": ["Editors"]}, False),
        ({"clients": ["1example23456789abcdefghij"]}, True),
        ({"scopes": ["orders/read"]}, True),
        ({"scopes": ["orders/write"]}, False),
        ({"providers": ["Okta"]}, False),
        ({"email_domains": ["Example.COM"]}, True),
        ({"email_domains": ["ample.com"]}, False),
        ({"email_domains": ["example.com"], "groups": ["no"]}, False),
        ({"is": {"name": ["John", "Jane"]}}, True),
        ({"is": {"nickname": ["Jane"]}}, False),
        ({"is": {"name": ["Jane"], "phone_number": ["+1"]}}, True),
    ],
)
def test_all_conditions_must_hold_and_one_value_of_a_list_is_enough(
    condition: Words, *, holds: bool
) -> None:
    assert value({"constant": 1, "when": condition}, JANE) == (1 if holds else None)
    assert value({"constant": 1, "unless": condition}, JANE) == (None if holds else 1)


@pytest.mark.parametrize(
    ("email", "holds"),
    [
        ("a@EXAMPLE.com", True),
        ("a@b@example.com", True),
        ("a@sub.example.com", False),
        ("a@example.com.evil.org", False),
        ("a@e\u212aample.com", False),
        ("a@exampl\u00e9.com", False),
        ("example.com", False),
    ],
)
def test_a_domain_is_what_stands_behind_the_last_at(email: str, *, holds: bool) -> None:
    event = a_user_event(email=email)
    found = value({"constant": 1, "when": {"email_domains": ["example.com", "ekample.com"]}}, event)
    assert found == (1 if holds else None)


def test_a_text_is_neither_a_number_nor_a_boolean() -> None:
    rule = {"constant": 1, "when": {"is": {"custom:x": [1, True]}}}
    assert [value(rule, user(x=text)) for text in ("1", "true")] == [None, None]


# Groups

IDP_GROUPS = {
    "from": "custom:groups",
    "read": "cognito-list",
    "values": {"Okta Editors": "editors", "Okta Admins": ["admins", "editors"]},
    "when": {"providers": ["Okta", "Google"]},
}
OKTA = federated("Okta", groups="[Okta+Editors, Okta+Admins, admins]")


@pytest.mark.parametrize(
    ("entries", "event", "groups"),
    [
        (IDP_GROUPS, OKTA, ("editors", "admins")),
        ({**IDP_GROUPS, "keep": True}, OKTA, ("pool_group", "editors", "admins")),
        (IDP_GROUPS, federated("Okta", "Evil", groups="Okta Editors"), None),
        (IDP_GROUPS, user(groups="Okta Editors"), None),
        (IDP_GROUPS, a_user_event(attributes={"identities": "broken"}), None),
        (IDP_GROUPS, federated("Okta", groups="okta editors"), ()),
        (IDP_GROUPS, federated("Okta"), ()),
        ({**IDP_GROUPS, "keep": True}, federated("Okta"), None),
        ([{"constant": "a", "keep": True}, {"constant": ["b"]}], OKTA, ("a", "b")),
        ({"constant": "a", "when": {"groups": ["no"]}}, OKTA, None),
        ({"from": "cognito:groups", "values": {"pool_group": "x"}}, OKTA, ("x",)),
        ({"from": "client_id"}, OKTA, ("1example23456789abcdefghij",)),
        ({"constant": "a", "when": {"providers": ["Okta"]}}, federated("Okta", "X"), ("a",)),
        ({"constant": "a"}, a_machine_event(), None),
        ([], OKTA, None),
    ],
)
def test_groups_of_entries_that_apply_replace_or_join_the_users(
    entries: Any, event: PreTokenGenerationEvent, groups: tuple[str, ...] | None
) -> None:
    mapper = Mapper({"groups": entries})
    decided = mapper.decide_groups(event)
    assert decided == (None if groups is None else Groups(groups))
    assert mapper(event).groups == decided


def test_roles_stay_where_groups_join_the_users_own() -> None:
    event = a_user_event(groups=["a"], iam_roles=["arn:r"], preferred_role="arn:r")
    decided = Mapper({"groups": {"constant": "b", "keep": True}}).decide_groups(event)
    assert decided == Groups(("a", "b"), ("arn:r",), "arn:r")


def test_rules_see_the_decided_groups_and_entries_those_that_came() -> None:
    entries = [{"constant": "b"}, {"constant": "c", "when": {"groups": ["b"]}}]
    document = {"groups": entries, "claims": {"x": {"from": "cognito:groups"}}}
    assert Mapper(document)(a_user_event(groups=["a"])).id_token.add == {"x": ["b"]}


def test_only_groups_and_their_suppression_decide_on_groups() -> None:
    documents: list[Document] = [
        {"groups": {"constant": "a"}},
        {"suppress": {"id": ["cognito:groups"]}},
        {},
    ]
    assert [Mapper(document).decides_groups for document in documents] == [True, True, False]
    assert Mapper(documents[1]).decide_groups(JANE) is None


# The tenant

CHOSEN = {
    "from": "client_metadata.tenant",
    "among": {"from": "cognito:groups", "prefix": "tenant:"},
    "default": {"from": "custom:home"},
}
CONSTANT = {"from": "client_metadata.tenant", "among": {"constant": ["acme", "evil"]}}


def session(
    asked: str | None, groups: list[str], *, home: str | None = None
) -> PreTokenGenerationEvent:
    return a_user_event(
        groups=groups,
        client_metadata={} if asked is None else {"tenant": asked},
        attributes={} if home is None else {"custom:home": home},
    )


ACME, BOTH = ["tenant:acme"], ["tenant:acme", "tenant:b"]


@pytest.mark.parametrize(
    ("rule", "event", "chosen"),
    [
        (CHOSEN, session("b", BOTH, home="acme"), "b"),
        (CHOSEN, session(None, BOTH, home="acme"), "acme"),
        (CHOSEN, session("", BOTH, home="acme"), "acme"),
        (CHOSEN, session(None, ACME, home="evil"), "acme"),
        (CHOSEN, session(None, ACME), "acme"),
        (CHOSEN, session(None, [*ACME, *ACME]), "acme"),
        (CHOSEN, session(None, []), None),
        ({**CHOSEN, "default": "any"}, session(None, BOTH), "any"),
        ({**CHOSEN, "default": {"constant": "any"}}, session(None, BOTH), "any"),
        ({**CHOSEN, "default": {"first": [{"constant": "any"}]}}, session(None, ACME), "acme"),
        ({**CHOSEN, "values": {"acme": "1"}}, session("acme", BOTH), "1"),
        ({**CHOSEN, "values": {"acme": "1"}}, session(None, ACME), "1"),
        ({**CHOSEN, "values": {"acme": "1"}}, session("b", BOTH, home="acme"), "acme"),
        (CONSTANT, session("acme", []), "acme"),
        (CONSTANT, session(None, []), None),
        ({**CHOSEN, "among": {"from": "custom:l", "read": "csv"}}, session(None, []), None),
    ],
)
def test_a_tenant_is_chosen_among_what_is_proven(
    rule: Words, event: PreTokenGenerationEvent, chosen: str | None
) -> None:
    assert value({"from": "tenant"}, event, tenant=rule) == chosen


@pytest.mark.parametrize(
    ("rule", "event"),
    [
        (CHOSEN, session("evil", BOTH, home="acme")),
        (CHOSEN, session("ACME", ACME)),
        (CHOSEN, session("acme ", ACME)),
        (CHOSEN, session("\u0430cme", ACME)),
        (CHOSEN, session("acme", [])),
        (CHOSEN, session(None, BOTH)),
        (CHOSEN, session(None, BOTH, home="evil")),
        (CHOSEN, session("x" * 131_072, ACME)),
        (CONSTANT, session("other", [])),
        ({**CONSTANT, "among": {"constant": ["x" * 1025]}}, session("x" * 1025, [])),
        ({"from": "custom:home", "absent": "deny"}, session(None, [])),
    ],
)
def test_whoever_asks_for_another_tenant_is_refused(
    rule: Words, event: PreTokenGenerationEvent
) -> None:
    assert refused({"tenant": rule}, event) == (NEUTRAL, "tenant")


def test_a_tenant_is_one_text() -> None:
    with pytest.raises(RuleError) as caught:
        Mapper({"tenant": {"from": "cognito:groups"}})(a_user_event(groups=["a", "b"]))
    assert str(caught.value) == "tenant: its value is not a text"


def test_among_holds_for_every_item_of_a_list() -> None:
    rule = {"from": "cognito:groups", "among": {"constant": ["a", "b"]}}
    assert value(rule, a_user_event(groups=["b", "a"])) == ["b", "a"]
    assert refused({"claims": {"x": rule}}, a_user_event(groups=["a", "c"]))[1] == "claims.x"


# Refusals, scopes, suppression


@pytest.mark.parametrize(
    ("entry", "refusal"),
    [
        ({"unless": {"email_domains": ["example.org"]}, "reason": "No."}, ("No.", "deny[0]")),
        ({"when": {"groups": ["editors"]}}, (NEUTRAL, "deny[0]")),
        ({"when": {"is": {"tenant": ["t"]}}}, (NEUTRAL, "deny[0]")),
    ],
)
def test_a_denial_refuses_with_its_reason(entry: Words, refusal: tuple[str, str]) -> None:
    assert refused({"deny": [entry], "tenant": {"constant": "t"}}, JANE) == refusal


def test_scopes_and_claims_are_added_and_suppressed_for_whom_the_rules_say() -> None:
    document = {
        "scopes": {
            "orders/write": {"groups": ["editors"]},
            "orders/all": {"groups": ["no"]},
            "a": True,
        },
        "scopes_from": {"from": "cognito:groups", "values": {"editors": ["b", "c"], "no": "d"}},
        "suppress_scopes": {"orders/read": {"scopes": ["openid"]}, "email": {"groups": ["no"]}},
        "suppress": {"id": ["email"], "access": ["username2"]},
    }
    claims = Mapper(document)(JANE)
    assert claims.access_token.add_scopes == {"orders/write", "a", "b", "c"}
    assert claims.access_token.suppress_scopes == {"orders/read"}
    assert (claims.id_token.suppress, claims.access_token.suppress) == ({"email"}, {"username2"})


def test_scopes_from_a_text_is_one_scope_or_none() -> None:
    mapper = Mapper({"scopes_from": {"from": "custom:x", "values": {"a": "b", "c": ["d", "e"]}}})
    found = [set(mapper(user(x=text)).access_token.add_scopes) for text in ("a", "c", "z")]
    assert found == [{"b"}, {"d", "e"}, set()]


# Machine tokens

CLIENT = "1example23456789abcdefghij"
FOR_CLIENT = {"clients": [CLIENT]}


def machine(document: Words) -> Claims:
    return Mapper(document)(a_machine_event(scopes=["orders/read"]))


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        ({"constant": 1}, None),
        ({"constant": 1, "when": FOR_CLIENT}, 1),
        ({"constant": 1, "when": {"scopes": ["orders/read"]}}, None),
        ({"constant": 1, "when": {**FOR_CLIENT, "groups": ["a"]}}, None),
        ({"constant": 1, "when": FOR_CLIENT, "unless": {"groups": ["a"]}}, None),
        ({"constant": 1, "when": FOR_CLIENT, "unless": {"scopes": ["x"]}}, 1),
        ({"from": "client_id"}, CLIENT),
        ({"from": "scope"}, ["orders/read"]),
        ({"from": "sub", "when": FOR_CLIENT, "default": 1}, None),
        ({"from": "client_id", "values": {"x": "y"}, "default": 1}, 1),
        ({"from": "client_id", "values": {"x": "y"}, "default": {"from": "sub"}}, None),
        ({"object": {"a": {"from": "sub"}, "b": {"constant": 1}}, "when": FOR_CLIENT}, {"b": 1}),
        ({"first": [{"from": "name"}, {"constant": 1}], "when": FOR_CLIENT}, 1),
        ({"from": "client_id", "among": {"from": "cognito:groups"}}, None),
        ({"from": "client_id", "to": ["id"]}, None),
        ({"from": "tenant", "when": FOR_CLIENT, "default": 1}, None),
    ],
)
def test_a_rule_applies_to_a_machine_where_it_says_so(rule: Words, given: object) -> None:
    document = {"claims": {"x": {"to": ["access"], **rule}}, "tenant": {"from": "custom:t"}}
    claims = machine(document)
    assert (claims.access_token.add.get("x"), dict(claims.id_token.add)) == (given, {})


def test_a_tenant_of_machines_is_chosen_for_them() -> None:
    document = {
        "tenant": {"from": "client_id", "values": {CLIENT: "acme"}},
        "claims": {"x": {"from": "tenant", "when": FOR_CLIENT, "to": ["access"]}},
    }
    assert machine(document).access_token.add == {"x": "acme"}


def test_scopes_of_a_machine_need_its_client_and_nothing_is_suppressed_for_all() -> None:
    document = {
        "scopes": {"a": True, "b": FOR_CLIENT, "c": {"scopes": ["orders/read"]}},
        "scopes_from": {"from": "scope", "values": {"orders/read": "d"}},
        "suppress_scopes": {"e": True, "f": FOR_CLIENT},
        "suppress": {"access": ["x"]},
    }
    token = machine(document).access_token
    assert (token.add_scopes, token.suppress_scopes, token.suppress) == ({"b", "d"}, {"f"}, set())
    by_group = {"scopes_from": {"from": "cognito:groups", "values": {"a": "b"}}}
    assert machine(by_group) == Claims()


@pytest.mark.parametrize(
    ("entry", "is_refused"),
    [
        ({"when": FOR_CLIENT}, True),
        ({"unless": {"clients": ["another"]}}, True),
        ({"unless": {"scopes": ["x"]}, "when": {"scopes": ["orders/read"]}}, True),
        ({"unless": FOR_CLIENT}, False),
        ({"unless": {"email_domains": ["example.com"]}}, False),
        ({"when": {"groups": ["a"]}}, False),
    ],
)
def test_a_denial_of_a_machine_asks_for_clients_and_scopes_alone(
    entry: Words, *, is_refused: bool
) -> None:
    document = {"deny": [entry]}
    if is_refused:
        assert refused(document, a_machine_event())[1] == "deny[0]"
    else:
        assert machine(document) == Claims()
