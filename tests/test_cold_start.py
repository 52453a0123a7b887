"""What a trigger loads: exact, and counted without a clock."""

import json
import os
import subprocess
import sys

import pytest

from tests.rules_documents import without_lookups
from tests.stand_ins.fauna import SECRET, FaunaServer
from tests.stand_ins.hasura import SECRET as ADMIN_SECRET
from tests.stand_ins.hasura import HasuraServer
from tests.stand_ins.moto import Answer, Request, answering

HEAVY = [
    "asyncio",
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "dataclasses",
    "email",
    "http.client",
    "importlib.metadata",
    "inspect",
    "pydantic",
    "requests",
    "ssl",
    "typing_extensions",
    "urllib3",
]
OWN = [
    "cognito_claims",
    "cognito_claims.invocation",
    "cognito_claims.invocation.dispatch",
    "cognito_claims.claims",
    "cognito_claims.composition",
    "cognito_claims.deadline",
    "cognito_claims.invocation.decision",
    "cognito_claims.errors",
    "cognito_claims.events",
    "cognito_claims.functions",
    "cognito_claims.functions.pre_token_generation",
    "cognito_claims.handlers",
    "cognito_claims.plugin",
    "cognito_claims.plugins",
    "cognito_claims.plugins.hasura",
    "cognito_claims.plugins.surrealdb",
    "cognito_claims.pools",
    "cognito_claims.secret",
    "cognito_claims.registry",
    "cognito_claims.response",
    "cognito_claims.settings",
]
MAPPER_OWN = [
    "cognito_claims.plugins.mapper",
    "cognito_claims.rules",
    *(
        f"cognito_claims.rules.{module}"
        for module in (
            *("conditions", "context", "decoding", "document", "evaluation", "forms", "guard"),
            *("reader", "reading", "rule", "sections", "sources"),
        )
    ),
]
RULES = {
    "COGNITO_CLAIMS_PLUGINS": "mapper",
    "MAPPER_RULES": json.dumps({**without_lookups(), "tenant": {"constant": "acme"}, "deny": []}),
}
FAUNA_OWN = [
    "cognito_claims.clients",
    "cognito_claims.clients.connection",
    "cognito_claims.clients.fauna",
    "cognito_claims.clients.http",
    "cognito_claims.clients.retry",
    "cognito_claims.clients.secrets",
    "cognito_claims.plugins.fauna",
]
SYNC_OWN = [
    "cognito_claims.clients",
    "cognito_claims.clients.connection",
    "cognito_claims.clients.http",
    "cognito_claims.clients.retry",
    "cognito_claims.clients.secrets",
    "cognito_claims.sync.from_env",
    "cognito_claims.sync",
    "cognito_claims.sync.hasura",
    "cognito_claims.sync.rows",
    "cognito_claims.sync.users",
]
QUEUE_OWN = [
    "cognito_claims.clients.aws",
    "cognito_claims.clients.sigv4",
    "cognito_claims.sync.queue",
]
SENT = Answer.of({"MessageId": "a-message"})
SYNC = {"USER_SYNC_SINKS": "hasura", "HASURA_SYNC_ADMIN_SECRET": ADMIN_SECRET}
FAUNA = {
    "COGNITO_CLAIMS_PLUGINS": "fauna",
    "FAUNA_SECRET": SECRET,
    "FAUNA_IDENTITY": "sub",
    "FAUNA_ON_ERROR": "omit",
}
STANDARD = [
    "_typing",
    "typing",
    "typing.io",
    "typing.re",
]  # typing's two submodules are gone since 3.13
SIGNS_IN = "PostAuthentication_Authentication"
CREDENTIALS = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example",
}
PROBE = """
import json, sys
import awslambdaric.__main__, awslambdaric.bootstrap
before = set(sys.modules)
from cognito_claims.functions.pre_token_generation import handler
from_import = sorted(set(sys.modules) - before)
handler(json.loads(sys.argv[1]), None)
print(json.dumps([from_import, sorted(set(sys.modules) - before), sorted(sys.modules)]))
"""
HTTP_AND_TLS = """
import json, sys, http.client, ssl
print(json.dumps(sorted(sys.modules)))
"""
SETTINGS = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura",
    "SURREALDB_NAMESPACE": "test",
    "SURREALDB_DATABASE": "test",
    "SURREALDB_ACCESS": "user",
}


@pytest.fixture(scope="module")
def loaded() -> tuple[list[str], list[str], list[str]]:
    from_import, with_first_event, everything = json.loads(probe(PROBE))
    return from_import, with_first_event, everything


def test_no_heavy_module_is_loaded(loaded: tuple[list[str], list[str], list[str]]) -> None:
    assert [module for module in HEAVY if module in loaded[2]] == []


def test_only_what_the_configured_plugins_need_is_added_to_the_runtime_client(
    loaded: tuple[list[str], list[str], list[str]],
) -> None:
    assert sorted(set(loaded[0]) - set(STANDARD)) == sorted(OWN)


def test_nothing_is_left_for_the_handler_to_import(
    loaded: tuple[list[str], list[str], list[str]],
) -> None:
    assert loaded[1] == loaded[0]


@pytest.mark.parametrize(
    ("more", "modules"),
    [
        ({}, []),
        ({"groups": {"constant": "a"}}, ["cognito_claims.rules.groups"]),
    ],
)
def test_rules_load_what_their_sections_need_and_nothing_of_the_standard_library(
    more: dict[str, object], modules: list[str]
) -> None:
    rules = {**without_lookups(), "tenant": {"constant": "acme"}, "deny": []}
    del rules["groups"]
    environ = {**RULES, "MAPPER_RULES": json.dumps({**rules, **more})}
    from_import, with_first_event, _ = json.loads(probe(PROBE, **environ))

    own = {m for m in OWN if not m.endswith((".hasura", ".surrealdb"))} | {*MAPPER_OWN, *modules}
    assert set(from_import) - set(STANDARD) == own
    assert with_first_event == from_import


def test_fauna_adds_its_clients_and_what_http_and_tls_need() -> None:
    with FaunaServer(index="bySub", field="sub") as server:
        endpoint = server.endpoint.replace("127.0.0.1", "localhost")
        printed = probe(PROBE, FAUNA_ENDPOINT=endpoint, **FAUNA)
    from_import, with_first_event, everything = json.loads(printed)

    assert len(server.tokens) == 1
    own = {module for module in from_import if module.startswith("cognito_claims")}
    expected = {m for m in OWN if not m.endswith((".hasura", ".surrealdb"))} | set(FAUNA_OWN)
    assert own == expected
    assert [m for m in HEAVY if m in everything] == ["email", "http.client", "ssl"]
    # Not even the codec of host names, or what a thread or a random number would bring.
    assert set(with_first_event) - set(from_import) == set()


def test_only_a_reference_to_a_secret_pays_for_the_client_of_aws_and_pays_at_init() -> None:
    with answering(lambda _: Answer.of({"Parameter": {"Value": "fnA"}})) as url:
        reference = {"FAUNA_SECRET": "ssm:/fauna", "AWS_ENDPOINT_URL": url, **CREDENTIALS}
        printed = probe(PROBE, **{**FAUNA, **reference, "FAUNA_ENDPOINT": "http://127.0.0.1:1"})
    from_import, with_first_event, _ = json.loads(printed)

    own = {module for module in from_import if module.startswith("cognito_claims.clients")}
    added = {"cognito_claims.clients.aws", "cognito_claims.clients.sigv4"}
    assert own == {m for m in FAUNA_OWN if ".clients" in m} | added
    assert with_first_event == from_import


@pytest.mark.parametrize(
    "source", ["PostAuthentication_Authentication", "PostConfirmation_ConfirmSignUp"]
)
def test_user_sync_adds_its_sink_and_what_http_and_tls_need(dsn: str, source: str) -> None:
    code = PROBE.replace("pre_token_generation", "user_sync")
    with HasuraServer(dsn) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        printed = probe(code, trigger_source=source, HASURA_SYNC_URL=url, **SYNC)
        assert [row["id"] for row in server.rows()] == ["a1b2c3d4"]
    from_import, with_first_event, everything = json.loads(printed)

    http_and_tls = json.loads(probe(HTTP_AND_TLS))
    own = {module for module in from_import if module.startswith("cognito_claims")}
    assert set(from_import) - own - set(http_and_tls) - set(STANDARD) == set()
    core = {m for m in OWN if ".plugins" not in m and not m.endswith(".pre_token_generation")}
    assert own == core | set(SYNC_OWN) | {"cognito_claims.functions.user_sync"}
    assert [m for m in HEAVY if m in everything] == ["email", "http.client", "ssl"]
    assert with_first_event == from_import


def test_a_queue_adds_the_client_of_aws_and_no_sdk() -> None:
    asked: list[Request] = []

    def sqs(request: Request) -> Answer:
        asked.append(request)
        return SENT

    code = PROBE.replace("pre_token_generation", "user_sync")
    with answering(sqs) as url:
        settings = {**CREDENTIALS, "AWS_ENDPOINT_URL": url, "USER_SYNC_QUEUE_URL": f"{url}1/users"}
        printed = probe(code, trigger_source=SIGNS_IN, USER_SYNC_SINKS="queue", **settings)
    from_import, with_first_event, everything = json.loads(printed)

    assert len(asked) == 1
    own = {module for module in from_import if module.startswith("cognito_claims")}
    core = {m for m in OWN if ".plugins" not in m and not m.endswith(".pre_token_generation")}
    assert own == {*core, *SYNC_OWN, *QUEUE_OWN, "cognito_claims.functions.user_sync"}
    needed = json.loads(probe(HTTP_AND_TLS.replace("ssl", "ssl, hashlib, hmac")))
    assert set(from_import) - own - set(needed) - set(STANDARD) == set()
    assert [m for m in HEAVY if m in everything] == ["email", "http.client", "ssl"]
    assert with_first_event == from_import


def test_a_queue_behind_hasura_is_loaded_before_it_is_needed() -> None:
    code = PROBE.replace("pre_token_generation", "user_sync")
    hasura = {**SYNC, "HASURA_SYNC_URL": "http://127.0.0.1:1"}  # nobody listens there
    with answering(lambda _: SENT) as url:
        settings = {**CREDENTIALS, "AWS_ENDPOINT_URL": url, "USER_SYNC_QUEUE_URL": f"{url}1/users"}
        printed = probe(code, trigger_source=SIGNS_IN, **hasura, **settings)
    from_import, with_first_event, _ = json.loads(printed)

    assert {*QUEUE_OWN} < {*from_import}
    assert with_first_event == from_import


def test_a_pre_token_generation_pays_for_user_sync_only_where_it_is_named() -> None:
    settings = {"HASURA_SYNC_URL": "http://127.0.0.1:1", **SYNC}  # nobody listens there
    named = {"COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura,user_sync"}
    without, _, _ = json.loads(probe(PROBE, **settings))
    beside, with_first_event, _ = json.loads(probe(PROBE, **settings, **named))

    assert [m for m in without if m.startswith("cognito_claims")] == sorted(OWN)
    assert [m for m in beside if m.startswith("cognito_claims")] == sorted((*OWN, *SYNC_OWN))
    assert with_first_event == beside


def test_a_plugin_that_is_not_named_is_not_loaded() -> None:
    code = "import sys, cognito_claims.functions.pre_token_generation; print(' '.join(sys.modules))"

    modules = probe(code, COGNITO_CLAIMS_PLUGINS="surrealdb").split()

    assert "cognito_claims.plugins.surrealdb" in modules
    assert "cognito_claims.plugins.hasura" not in modules


def test_the_package_alone_loads_neither_tools_nor_the_testing_kit() -> None:
    modules = probe("import sys, cognito_claims; print(' '.join(sys.modules))").split()

    rooms = ("contract", "testing", "cli", "tools", "functions", "plugins")
    assert [m for m in modules if m.startswith(tuple(f"cognito_claims.{r}" for r in rooms))] == []


def probe(
    code: str, *, trigger_source: str = "TokenGeneration_Authentication", **settings: str
) -> str:
    event = {
        "version": "2",
        "triggerSource": trigger_source,
        "region": "us-east-1",
        "userPoolId": "us-east-1_Ab1Cd2Ef3",
        "userName": "jane.doe",
        "callerContext": {"clientId": "1example23456789abcdefghij"},
        "request": {"userAttributes": {"sub": "a1b2c3d4"}, "scopes": []},
        "response": {},
    }
    # Coverage's own subprocess hook would load half of these modules, and every variable is looked at.
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
    run = subprocess.run(
        [sys.executable, "-c", code, json.dumps(event)],
        env={**environment, **SETTINGS, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout
