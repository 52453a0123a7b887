"""Every fault of the wire, met by real handlers with a look-up: refused, or left out, before the deadline."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from cognito_claims.claims import Claims
from cognito_claims.errors import SignInError, TokenDenied
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.handlers import Handler, pre_token_generation
from cognito_claims.lookups import DynamoDBItem, HttpsAnswer
from cognito_claims.plugin import optional
from cognito_claims.testing import a_user_event, to_json
from tests.stand_ins import fauna_wire as wire
from tests.stand_ins.fauna_wire import Answer, Fault, as_json
from tests.stand_ins.lookups import KEY, Server, Table, at
from tests.stand_ins.moto import HIDDEN

DEADLINE_MS = 350
SUB = f"a11ce-{HIDDEN}"
EVENT = to_json(a_user_event(sub=SUB, email=f"{HIDDEN}@example.com"))
ROLE = f"role-{HIDDEN}"
BEARER = f"bearer-{HIDDEN}"
LATE = "deadline"
FAILED = "plugin-failed"
Kind = str


class Case(NamedTuple):
    """A fault at every attempt, what it comes to, and the end of the log's line."""

    name: str
    fault: Fault
    code: str
    told: str


def saying(status: int, body: object) -> Fault:
    return Fault(lambda _: [as_json(status, body).wire])


def aws(status: int, code: str) -> Case:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": HIDDEN}
    return Case(code, saying(status, body), FAILED, f"AwsError: dynamodb: {code} (HTTP {status})")


def http(status: int) -> Case:
    told = f"LookUpFailedError: look-up https: refused (HTTP {status})"
    return Case(f"HTTP {status}", saying(status, {"error": HIDDEN}), FAILED, told)


LONG = Fault(lambda _: [Answer(200, b" " * (1 << 20)).wire])
OF_THE_WIRE = (
    Case(
        "hangs before a request",
        Fault(lambda _: [wire.End.HANG], on_accept=True),
        LATE,
        "[deadline]",
    ),
    Case("hangs", wire.hang, LATE, "[deadline]"),
    Case("answers after the deadline", wire.slow(30), LATE, "[deadline]"),
    Case("drips headers", wire.drip_headers(endless=True), LATE, "[deadline]"),
    Case("drips a body", wire.drip_body(endless=True), LATE, "[deadline]"),
    Case("never comes to a point", wire.endless_100_continue(), LATE, "[deadline]"),
    Case("resets", wire.reset_before, FAILED, "ConnectionResetError (waiting for the answer)"),
    Case("resets in headers", wire.reset_in_headers, FAILED, "(reading the answer)"),
    Case("resets in the body", wire.reset_in_body, FAILED, "(reading the answer)"),
    Case("cuts the body", wire.short_body, FAILED, "(reading the answer)"),
    Case("answers a mebibyte", LONG, FAILED, "bytes (reading the answer)"),
)
NO_JSON = (
    "SecretError: dynamodb: the answer is not a JSON object; is AWS_ENDPOINT_URL_DYNAMODB right?"
)
IN_DYNAMODB = "LookUpFailedError: look-up dynamodb: "
OF_DYNAMODB = (
    aws(400, "ProvisionedThroughputExceededException"),
    aws(400, "RequestLimitExceeded"),
    aws(400, "ThrottlingException"),
    aws(500, "InternalServerError"),
    aws(400, "ExpiredTokenException"),
    aws(400, "UnrecognizedClientException"),
    aws(400, "AccessDeniedException"),
    aws(400, "ResourceNotFoundException"),
    Case("502", wire.bad_gateway, FAILED, "AwsError: dynamodb: unknown (HTTP 502)"),
    Case("a redirect", wire.redirect, FAILED, "AwsError: dynamodb: unknown (HTTP 302)"),
    Case("half of the JSON", wire.half_json, FAILED, NO_JSON),
    Case("a page of HTML", wire.html, FAILED, NO_JSON),
    Case("an item that is a list", saying(200, {"Item": [HIDDEN]}), FAILED, IN_DYNAMODB),
    Case("a wrong type", saying(200, {"Item": {"role": {"S": 7}}}), FAILED, IN_DYNAMODB),
    Case("a binary", saying(200, {"Item": {"role": {"B": HIDDEN}}}), FAILED, IN_DYNAMODB),
    Case("another's item", saying(200, {"Item": {"pk": {"S": HIDDEN}}}), FAILED, IN_DYNAMODB),
)
OF_HTTPS = (
    *(http(status) for status in (302, 400, 401, 403, 429, 500, 503)),
    *(
        Case(name, fault, FAILED, "the answer is not a JSON object (HTTP 200)")
        for name, fault in (
            ("half of the JSON", wire.half_json),
            ("a page of HTML", wire.html),
            ("a list", saying(200, [HIDDEN])),
        )
    ),
)
CASES = [
    pytest.param(kind, case, id=f"{kind}-{case.name}")
    for kind, own in (("dynamodb", OF_DYNAMODB), ("https", OF_HTTPS))
    for case in (*OF_THE_WIRE, *own)
]
PASSING = ("resets", "resets in headers", "resets in the body", "cuts the body")
PASSING_OF_AWS = (
    *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"),
    *("InternalServerError", "502"),
)
PASSING_OF_HTTPS = ("HTTP 429", "HTTP 500", "HTTP 503")


def reply(kind: Kind) -> Callable[[wire.Request], Answer]:
    if kind == "https":
        return lambda _: as_json(200, {"role": ROLE})
    return Table({SUB: {"pk": {"S": SUB}, "role": {"S": ROLE}}})


def look_up(kind: Kind, server: Server, **settings: Any) -> DynamoDBItem | HttpsAnswer:
    if kind == "https":
        return HttpsAnswer(url=server.endpoint, secret=BEARER, **settings)
    key = {"pk": "{sub}"}
    return DynamoDBItem(table="members", key=key, environ=at(server), **settings)


def handler_of(made: DynamoDBItem | HttpsAnswer, policy: str, *, deadline_ms: int) -> Handler:
    def role(event: PreTokenGenerationEvent) -> Claims:
        item = made(event)
        return Claims() if item is None else Claims.adding({"role": item["role"]})

    plugin = optional(role) if policy == "omit" else role
    return pre_token_generation(
        deadline_ms=deadline_ms, member=plugin, own=lambda _: Claims.adding({"own": "claim"})
    )


def claims(answer: Mapping[str, Any]) -> Any:
    token = answer["response"]["claimsAndScopeOverrideDetails"]["idTokenGeneration"]
    return token["claimsToAddOrOverride"]


@pytest.fixture
def servers() -> Iterator[Callable[[Kind], Server]]:
    with ExitStack() as life:
        yield lambda kind: life.enter_context(Server(reply(kind)))


@pytest.mark.parametrize("policy", ["deny", "omit"])
@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_fault_refuses_the_sign_in_or_leaves_the_claims_out(
    kind: Kind,
    case: Case,
    policy: str,
    servers: Callable[[Kind], Server],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server = servers(kind)
    server.faults = [case.fault] * 9
    # Where the fault ends by itself, a machine that stands still must not end it before.
    deadline_ms = DEADLINE_MS if case.code == LATE else 5000
    handler = handler_of(look_up(kind, server), policy, deadline_ms=deadline_ms)

    if policy == "omit":
        assert claims(handler(EVENT, None)) == {"own": "claim"}
    else:
        with pytest.raises(SignInError) as refused:
            handler(EVENT, None)
        assert refused.value.reason_code == case.code
    (line,) = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert case.told in line
    assert HIDDEN not in caplog.text + repr([vars(record) for record in caplog.records])
    assert not server.redirect_was_followed


@pytest.mark.parametrize("policy", ["deny", "omit"])
@pytest.mark.parametrize(
    ("kind", "case"),
    [
        pytest.param(*each.values, id=each.id)
        for each in CASES
        if str(each.id).partition("-")[2]
        in (*PASSING, *(PASSING_OF_HTTPS if "https" in str(each.id) else PASSING_OF_AWS))
    ],
)
def test_a_fault_that_passes_is_not_noticed(
    kind: Kind, case: Case, policy: str, servers: Callable[[Kind], Server]
) -> None:
    server = servers(kind)
    server.faults = [case.fault]

    handler = handler_of(look_up(kind, server), policy, deadline_ms=5000)
    assert claims(handler(EVENT, None)) == {"role": ROLE, "own": "claim"}
    assert len(server.requests) == 2


@pytest.mark.parametrize("policy", ["deny", "omit"])
@pytest.mark.parametrize(("kind", "missing"), [("dynamodb", {}), ("https", None)])
def test_a_missing_item_is_no_fault_and_absent_deny_refuses_under_either_policy(
    kind: Kind, missing: object, policy: str, servers: Callable[[Kind], Server]
) -> None:
    server = servers(kind)
    server.faults = [saying(204 if missing is None else 200, missing)] * 2
    left_out = handler_of(look_up(kind, server), policy, deadline_ms=5000)
    refusing = handler_of(look_up(kind, server, absent="deny"), policy, deadline_ms=5000)

    assert claims(left_out(EVENT, None)) == {"own": "claim"}
    with pytest.raises(TokenDenied, match=r"^Sign-in could not be completed \[denied\]$"):
        refusing(EVENT, None)


@pytest.mark.parametrize("kind", ["dynamodb", "https"])
def test_after_a_fault_the_next_sign_in_finds_its_own(
    kind: Kind, servers: Callable[[Kind], Server]
) -> None:
    server = servers(kind)
    handler = handler_of(look_up(kind, server, cache_seconds=60), "omit", deadline_ms=DEADLINE_MS)
    server.faults = [wire.hang]
    assert claims(handler(EVENT, None)) == {"own": "claim"}

    slow = handler_of(look_up(kind, server, cache_seconds=60), "omit", deadline_ms=5000)
    found = [claims(slow(EVENT, None)) for _ in range(3)]
    assert found == [{"role": ROLE, "own": "claim"}] * 3
    assert len(server.requests) == 2


def test_nothing_of_the_key_is_shown_where_aws_cannot_be_reached(
    servers: Callable[[Kind], Server], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = servers("dynamodb")
    environ = at(server, AWS_ENDPOINT_URL_DYNAMODB="http://127.0.0.1:1")
    made = DynamoDBItem(table="members", key={"pk": "{sub}"}, environ=environ)
    with pytest.raises(SignInError):
        handler_of(made, "deny", deadline_ms=5000)(EVENT, None)

    assert "ConnectionRefusedError (connecting)" in caplog.text
    assert [text for text in (*KEY, "members", SUB) if str(text) in caplog.text] == []
