"""What a look-up loads: exact, at init alone, and nothing where no look-up is."""

import json

import pytest

from tests.stand_ins.fauna_wire import as_json
from tests.stand_ins.lookups import CREDENTIALS, Server, Table
from tests.test_cold_start import HEAVY, HTTP_AND_TLS, OWN, STANDARD, probe

SUB = "a1b2c3d4"  # of the probe's event
PROBE = """
import json, os, sys
import awslambdaric.__main__, awslambdaric.bootstrap
before = set(sys.modules)
from cognito_claims import Claims, pre_token_generation
from cognito_claims.lookups import DynamoDBItem, HttpsAnswer
member = MADE
handler = pre_token_generation(member=lambda event: Claims.adding(dict(member(event))))
from_import = sorted(set(sys.modules) - before)
answer = handler(json.loads(sys.argv[1]), None)
assert "editor" in json.dumps(answer), answer
print(json.dumps([from_import, sorted(set(sys.modules) - before), sorted(sys.modules)]))
"""
CORE = {
    module
    for module in OWN
    if not module.startswith(("cognito_claims.functions", "cognito_claims.plugins"))
}
LOOK_UPS = {
    "cognito_claims.lookups",
    "cognito_claims.lookups.dynamodb",
    "cognito_claims.lookups.dynamodb_key",
    "cognito_claims.lookups.dynamodb_values",
    "cognito_claims.lookups.https",
    "cognito_claims.lookups.looking_up",
    "cognito_claims.lookups.side_by_side",
    "cognito_claims.lookups.values",
    "cognito_claims.rules",
    "cognito_claims.rules.templates",
    "cognito_claims.clients",
    "cognito_claims.clients.connection",
    "cognito_claims.clients.http",
    "cognito_claims.clients.retry",
    "cognito_claims.clients.secrets",
}
OF_AWS = {"cognito_claims.clients.aws", "cognito_claims.clients.sigv4"}
DYNAMODB = "DynamoDBItem(table='members', key={'pk': '{sub}'})"
BEARER = "HttpsAnswer(url=os.environ['URL'], secret='abc')"
SIGNED = "HttpsAnswer(url=os.environ['URL'], secret='whsec_' + 'a' * 32, auth='standard-webhooks')"


@pytest.mark.parametrize(
    ("made", "more"),
    [
        (DYNAMODB, OF_AWS),
        (BEARER, set()),
        (SIGNED, {"cognito_claims.clients.webhooks"}),
    ],
)
def test_a_look_up_loads_what_it_needs_and_loads_it_at_init(made: str, more: set[str]) -> None:
    item = {"pk": {"S": SUB}, "role": {"S": "editor"}}
    reply = Table({SUB: item}) if made is DYNAMODB else lambda _: as_json(200, {"role": "editor"})
    with Server(reply) as server:
        url = server.endpoint.replace("127.0.0.1", "localhost")
        environ = {**CREDENTIALS, "AWS_ENDPOINT_URL": url, "URL": url}
        printed = probe(PROBE.replace("MADE", made), **environ)
    from_import, with_first_event, everything = json.loads(printed)

    own = {module for module in from_import if module.startswith("cognito_claims")}
    assert own == CORE | LOOK_UPS | more
    extra = ", hashlib, hmac, base64" if more else ""
    needed = json.loads(probe(HTTP_AND_TLS.replace("ssl", f"ssl{extra}", 1)))
    assert set(from_import) - own - set(needed) - set(STANDARD) == set()
    assert [module for module in HEAVY if module in everything] == ["email", "http.client", "ssl"]
    assert with_first_event == from_import


def test_without_a_look_up_nothing_of_them_is_loaded() -> None:
    modules = probe("import sys, cognito_claims; print(' '.join(sys.modules))").split()

    assert [module for module in modules if module.startswith("cognito_claims.lookups")] == []
