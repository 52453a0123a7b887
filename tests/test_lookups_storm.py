"""Sign-ins at once while look-ups meet random faults: all are answered, with their own items or without any.

`HYPOTHESIS_PROFILE=full pytest tests/test_lookups_storm.py` is 1,000 sign-ins for each policy.
"""

import json
import logging
import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cognito_claims.errors import SignInError
from cognito_claims.handlers import Handler, pre_token_generation
from cognito_claims.plugin import optional
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.testing import a_user_event, to_json
from tests.stand_ins import fauna_wire as wire
from tests.stand_ins.fauna_wire import Answer, Fault, Request, as_json
from tests.stand_ins.lookups import CREDENTIALS, Server, Table, at
from tests.stand_ins.moto import HIDDEN

SIGN_INS = 1000 if os.environ.get("HYPOTHESIS_PROFILE") == "full" else 80
USERS = [f"user-{number}" for number in range(40)]
DEADLINE_MS = 400
FAULTS = (
    *(wire.hang, wire.reset_before, wire.reset_in_headers, wire.reset_in_body, wire.reset_after),
    *(wire.close_after, wire.short_body, wire.half_json, wire.html, wire.bad_gateway),
    *(wire.redirect, wire.oversized(1), wire.drip_headers(endless=True), wire.slow(0.1)),
    Fault(lambda _: [wire.End.HANG], on_accept=True),
    Fault(lambda _: [as_json(400, {"__type": "x#ThrottlingException", "x": HIDDEN}).wire]),
    Fault(lambda _: [as_json(500, {"error": HIDDEN}).wire]),
    Fault(lambda _: [as_json(200, [HIDDEN]).wire]),
)
BINARY = Fault(lambda _: [as_json(200, {"Item": {"role": {"B": HIDDEN}}}).wire])


def of(sub: str) -> str:
    return f"role-of-{sub}-{HIDDEN}"


def asked(request: Request) -> Answer:
    return as_json(200, {"role": of(json.loads(request.body)["sub"])})


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    items = {sub: {"pk": {"S": sub}, "role": {"S": of(sub)}} for sub in USERS}
    with Server(Table(items)) as dynamodb, Server(asked) as https:
        yield dynamodb, https


def handler_of(servers: tuple[Server, Server], policy: str, cache_seconds: int) -> Handler:
    dynamodb, https = servers
    member = {"dynamodb": {"table": "members", "key": {"pk": "{sub}"}}}
    service = {"https": {"url": https.endpoint, "secret": f"abc{HIDDEN}", "auth": "bearer"}}
    rules: dict[str, Any] = {
        "lookups": {
            "member": {**member, "cache_seconds": cache_seconds},
            "service": {**service, "cache_seconds": cache_seconds},
        },
        "claims": {"role": {"from": "member.role"}, "other": {"from": "service.role"}},
    }
    mapper = Mapper(rules, at(dynamodb))
    return pre_token_generation(
        deadline_ms=DEADLINE_MS, mapper=optional(mapper) if policy == "omit" else mapper
    )


@pytest.mark.parametrize("cache_seconds", [0, 60])
@pytest.mark.parametrize("policy", ["deny", "omit"])
def test_everybody_is_answered_with_their_own_item_or_none(
    policy: str,
    cache_seconds: int,
    servers: tuple[Server, Server],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "cognito_claims")
    chance = random.Random(7)  # noqa: S311  (to be repeated)
    handler = handler_of(servers, policy, cache_seconds)

    def sign_in(number: int) -> str:
        sub = USERS[number % len(USERS)]
        for server, own in zip(servers, ((*FAULTS, BINARY), FAULTS), strict=True):
            if chance.random() < 0.4:
                server.faults.append(chance.choice(own))
        try:
            answer = handler(to_json(a_user_event(sub=sub)), None)
        except SignInError:
            return "refused"
        changes = answer["response"]["claimsAndScopeOverrideDetails"]
        if changes is None:
            return "left out"
        found = changes["idTokenGeneration"]["claimsToAddOrOverride"]
        assert found == {"role": of(sub), "other": of(sub)}
        return "their own"

    with ThreadPoolExecutor(4) as pool:
        outcomes = [*pool.map(sign_in, range(SIGN_INS))]

    assert set(outcomes) == {"their own", "refused" if policy == "deny" else "left out"}
    own = [record for record in caplog.records if record.name == "cognito_claims"]
    told = repr([(record.getMessage(), vars(record)) for record in own])
    secrets = (HIDDEN, *USERS[-3:], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
    assert [text for text in secrets if text in told] == []
