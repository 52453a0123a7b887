"""Rules with look-ups, through the real handler: whose items they give, how many requests, and what refuses."""

import json
from collections.abc import Callable, Iterator, Mapping
from threading import Barrier
from typing import Any

import pytest

from cognito_claims.errors import SettingsError, SignInError, TokenDenied
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.handlers import Handler, pre_token_generation, pre_token_generation_from_env
from cognito_claims.plugin import optional
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.testing import a_machine_event, a_user_event, to_json
from tests.stand_ins import fauna_wire as wire
from tests.stand_ins.fauna_wire import Answer, Request, as_json
from tests.stand_ins.lookups import CREDENTIALS, Server, Table, at
from tests.test_cold_start import probe

WEB, OTHER = "1example23456789abcdefghij", "9example23456789abcdefghij"
ALICE, BOB = "a11ce", "b0b"
MEMBER: dict[str, Any] = {
    "dynamodb": {"table": "members", "key": {"pk": "USER#{sub}#{client_id}"}},
    "cache_seconds": 60,
}
MEMBERSHIP = {"dynamodb": {"table": "members", "key": {"pk": "TENANT#{tenant}#{sub}"}}}


def item(key: str, **values: Any) -> tuple[str, Mapping[str, Any]]:
    return key, {"pk": {"S": key}, **values}


ITEMS = dict(
    [
        *(
            item(f"USER#{sub}#{client}", role={"S": f"{sub} of {client}"}, photo={"B": "AA=="})
            for sub in (ALICE, BOB)
            for client in (WEB, OTHER)
        ),
        item(f"TENANT#acme#{ALICE}", role={"S": "owner"}),
        item(f"CLIENT#{OTHER}", plan={"S": "pro"}),
    ]
)


@pytest.fixture
def table() -> Iterator[Server]:
    with Server(_projecting(Table(ITEMS))) as server:
        yield server


def _projecting(table: Callable[[Request], Answer]) -> Any:
    """Leave out what is not asked for, as DynamoDB does."""

    def answer(request: Request) -> Answer:
        whole = table(request)
        asked = json.loads(request.body).get("ExpressionAttributeNames", {}).values()
        found = json.loads(whole.body)
        if "Item" in found:
            found["Item"] = {name: found["Item"][name] for name in asked if name in found["Item"]}
        return as_json(whole.status, found)

    return answer


def handler_of(rules: Mapping[str, object], environ: Mapping[str, str]) -> Handler:
    return pre_token_generation(mapper=Mapper(rules, environ))


def added(answer: Mapping[str, Any], name: str = "idTokenGeneration") -> Any:
    changes = answer["response"]["claimsAndScopeOverrideDetails"]
    return {} if changes is None else changes[name]["claimsToAddOrOverride"]


def test_each_user_client_and_group_gets_their_own_in_a_warm_function(table: Server) -> None:
    rules = {"lookups": {"member": MEMBER}, "claims": {"role": {"from": "member.role"}}}
    handler = handler_of(rules, at(table))

    for _ in range(2):
        for sub in (ALICE, BOB):
            for client in (WEB, OTHER):
                for group in ("a", "b"):
                    event = a_user_event(sub=sub, client_id=client, groups=(group,))
                    answer = handler(to_json(event), None)
                    assert added(answer) == {"role": f"{sub} of {client}"}
    assert len(table.requests) == 4
    # So a binary attribute that no rule reads harms nobody, and the role may be kept from it.
    assert table.bodies[0]["ExpressionAttributeNames"] == {"#0": "pk", "#1": "role"}


def test_a_document_in_the_environment_looks_up_with_the_functions_own_credentials(
    table: Server,
) -> None:
    rules = {"lookups": {"member": MEMBER}, "claims": {"role": {"from": "member.role"}}}
    environ = {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": json.dumps(rules)}
    handler = pre_token_generation_from_env({**environ, **at(table)})

    event = to_json(a_user_event(sub=BOB))
    assert added(handler(event, None)) == {"role": f"{BOB} of {WEB}"}


SWITCH = {
    "lookups": {"membership": MEMBERSHIP},
    "tenant": {"from": "client_metadata.tenant", "among": {"item": "membership"}},
    "claims": {"tenant": {"from": "tenant"}, "role": {"from": "membership.role"}},
}


def switching(sub: str, tenant: str) -> PreTokenGenerationEvent:
    return a_user_event(
        sub=sub, client_metadata={"tenant": tenant}, trigger_source="TokenGeneration_RefreshTokens"
    )


def test_an_item_proves_that_a_user_belongs_to_the_tenant_they_ask_for(table: Server) -> None:
    handler = handler_of(SWITCH, at(table))

    answer = handler(to_json(switching(ALICE, "acme")), None)
    assert added(answer) == {"tenant": "acme", "role": "owner"}
    assert len(table.requests) == 1


@pytest.mark.parametrize(
    ("sub", "tenant"),
    [
        (BOB, "acme"),
        (ALICE, "other"),
        (ALICE, f"acme#{ALICE}"),
        (ALICE, "acme "),
        (BOB, f"acme#{ALICE}#"),
        (ALICE, "ＡＣＭＥ"),  # noqa: RUF001  (that is the point)
    ],
)
def test_a_tenant_without_an_item_refuses_the_sign_in(sub: str, tenant: str, table: Server) -> None:
    with pytest.raises(TokenDenied, match=r"^Sign-in could not be completed \[denied\]$"):
        handler_of(SWITCH, at(table))(to_json(switching(sub, tenant)), None)


def test_who_asks_for_no_tenant_gets_none_and_no_request_is_made(table: Server) -> None:
    answer = handler_of(SWITCH, at(table))(to_json(a_user_event(sub=ALICE)), None)

    assert (added(answer), table.requests) == ({}, [])


def test_a_machine_has_the_item_of_its_client(table: Server) -> None:
    rules = {
        "lookups": {"client": {"dynamodb": {"table": "m-s", "key": {"pk": "CLIENT#{client_id}"}}}},
        "claims": {"plan": {"from": "client.plan", "to": ["access"]}},
    }
    answer = handler_of(rules, at(table))(to_json(a_machine_event(client_id=OTHER)), None)

    assert added(answer, "accessTokenGeneration") == {"plan": "pro"}


def test_several_look_ups_are_made_at_once_and_a_service_sees_the_groups_in_force() -> None:
    both_are_asked = Barrier(2)

    def service(request: Request) -> Answer:
        both_are_asked.wait(30)
        return as_json(200, {"groups": json.loads(request.body)["groups"]})

    def members(request: Request) -> Answer:
        both_are_asked.wait(30)
        return Table(ITEMS)(request)

    with Server(service) as https, Server(members) as dynamodb:
        rules = {
            "lookups": {
                "member": MEMBER,
                "service": {"https": {"url": https.endpoint, "secret": "abc", "auth": "bearer"}},
            },
            "groups": {"constant": "decided"},
            "claims": {"role": {"from": "member.role"}, "g": {"from": "service.groups"}},
        }
        dynamodb._reply = _projecting(members)
        answer = handler_of(rules, at(dynamodb))(to_json(a_user_event(sub=BOB)), None)

    assert added(answer) == {"role": f"{BOB} of {WEB}", "g": ["decided"]}


@pytest.mark.parametrize("fault", [wire.hang, wire.reset_before, wire.redirect, wire.html])
def test_a_look_up_that_fails_is_a_failure_of_the_plugin(fault: wire.Fault, table: Server) -> None:
    rules = {"lookups": {"member": MEMBER}, "claims": {"role": {"from": "member.role"}}}
    event = to_json(a_user_event(sub=BOB))
    table.faults = [fault] * 9
    mapper = Mapper(rules, at(table))

    answer = pre_token_generation(deadline_ms=500, mapper=optional(mapper))(event, None)
    assert added(answer) == {}
    with pytest.raises(SignInError):
        pre_token_generation(deadline_ms=500, mapper=mapper)(event, None)


def test_where_there_must_be_an_item_its_absence_refuses_the_sign_in(table: Server) -> None:
    lookups = {"member": {**MEMBER, "absent": "deny"}}
    rules = {"lookups": lookups, "claims": {"role": {"from": "member.role"}}}
    with pytest.raises(TokenDenied, match=r"\[denied\]$"):
        handler_of(rules, at(table))(to_json(a_user_event(sub="nobody")), None)


def test_a_sample_asks_nobody(table: Server) -> None:
    mapper = Mapper(
        {"lookups": {"member": MEMBER}, "claims": {"role": {"from": "member.role"}}}, at(table)
    )
    event = a_user_event(sub=ALICE)

    assert mapper.sample(event).id_token.add == {}
    assert mapper.sample(event, items={"member": {"role": "x"}}).id_token.add == {"role": "x"}
    assert table.requests == []


def test_every_wrong_setting_of_a_look_up_has_its_place() -> None:
    rules = {
        "lookups": {
            "one": {
                "dynamodb": {"table": "a b", "key": {"pk": "{sub}"}, "region": "eu west"},
                "cache_seconds": 100_000,
            },
            "two": {
                "https": {
                    "url": "https://example.com/?a=b",
                    "secret": "ssm:nowhere",
                    "auth": "standard-webhooks",
                }
            },
        },
        "claims": {"a": {"from": "one.a"}, "b": {"from": "two.b"}},
    }
    with pytest.raises(SettingsError) as raised:
        Mapper(rules, CREDENTIALS)

    assert [problem.setting for problem in raised.value.problems] == [
        "lookups.one.cache_seconds",
        "lookups.one.dynamodb.region",
        "lookups.one.dynamodb.table",
        "lookups.two.https.url",
        "lookups.two.https.secret",
    ]


def test_rules_without_look_ups_load_nothing_for_them() -> None:
    code = "import sys, cognito_claims.functions.pre_token_generation; print(' '.join(sys.modules))"
    rules = {"claims": {"a": {"constant": "b"}}}
    modules = probe(code, COGNITO_CLAIMS_PLUGINS="mapper", MAPPER_RULES=json.dumps(rules)).split()

    rooms = ("cognito_claims.lookups", "cognito_claims.clients", "http.client", "ssl")
    assert [module for module in modules if module.startswith(rooms)] == []
