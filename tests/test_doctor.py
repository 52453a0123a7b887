"""`doctor`: each rule on a description of a pool, and a few runs of the command against moto's AWS."""

import json
import os
from collections.abc import Mapping
from typing import Any
from unittest import mock

import pytest

from cognito_claims.tools.doctor.pool_rules import diagnoses
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool.description import Facts, Function, PoolReader
from cognito_claims.tools.pool.function_policy import FunctionArn, Permission
from tests.command import Run, run
from tests.stand_ins.account import Account
from tests.stand_ins.moto import HIDDEN, Answer, Request, answering

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:minter-AbCdEf"
SURREALDB = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb",
    "SURREALDB_NAMESPACE": "test",
    "SURREALDB_DATABASE": "test",
    "SURREALDB_ACCESS": "user",
}
FAUNA = {
    "COGNITO_CLAIMS_PLUGINS": "fauna",
    "FAUNA_ENDPOINT": "https://fauna.example.com",
    "FAUNA_SECRET": ARN,
    "FAUNA_IDENTITY": "sub",
}
HASURA = {"COGNITO_CLAIMS_PLUGINS": "hasura"}
ORG = {**HASURA, "HASURA_SESSION_VARIABLES": "x-hasura-org-id=custom:org_id"}
SYNC = {
    "USER_SYNC_SINKS": "hasura",
    "HASURA_SYNC_URL": "https://hasura.example.com/v1/graphql",
    "HASURA_SYNC_ADMIN_SECRET": ARN,
    "HASURA_SYNC_ROLE": "cognito_sync",
}


# A description of a pool about which there is nothing to say, and changes of it


POOL_ARN = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_a1B2c3D4e"
CLAIMS_ARN, SYNC_ARN, OTHER_ARN = (
    f"arn:aws:lambda:eu-west-1:123456789012:function:{name}" for name in ("claims", "sync", "other")
)
CLAIMS, SYNCS = "PreTokenGeneration", ("PostAuthentication", "PostConfirmation")


def permission(arn: str, source: str | None = POOL_ARN, **changes: Any) -> dict[str, Any]:
    condition = {"Condition": {"ArnLike": {"AWS:SourceArn": source}}} if source else {}
    allowed = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn}
    return {
        **allowed,
        "Principal": {"Service": "cognito-idp.amazonaws.com"},
        **condition,
        **changes,
    }


def function(
    arn: str, module: str, environ: Mapping[str, str], statements: Any = None, **changes: Any
) -> Function:
    configuration = {
        "Handler": f"cognito_claims.functions.{module}.handler",
        "Timeout": 5,
        "MemorySize": 512,
        "Architectures": ["arm64"],
        "Environment": {"Variables": environ},
        **changes,
    }
    return Function(arn, configuration, statements or [permission(arn)], keeps_logs_for_ever=False)


def claims(environ: Mapping[str, str] = HASURA, **changes: Any) -> Function:
    return function(CLAIMS_ARN, "pre_token_generation", environ, **changes)


def sync(environ: Mapping[str, str] = SYNC, **changes: Any) -> Function:
    return function(SYNC_ARN, "user_sync", environ, **changes)


def attached(claims: Function, sync: Function) -> dict[str, Function]:
    return {CLAIMS: claims, **dict.fromkeys(SYNCS, sync)}


def client(**changes: Any) -> dict[str, Any]:
    web = {"ClientName": "web", "AllowedOAuthFlows": ["code"], "WriteAttributes": ["email"]}
    return {n: value for n, value in {**web, **changes}.items() if value is not None}


def triggers(version: str = "V2_0", **changes: str) -> dict[str, Any]:
    config = {"LambdaVersion": version, "LambdaArn": CLAIMS_ARN}
    return {
        CLAIMS: CLAIMS_ARN,
        f"{CLAIMS}Config": config,
        **dict.fromkeys(SYNCS, SYNC_ARN),
    } | changes


SOUND = Facts(
    pool={
        "Id": "eu-west-1_a1B2c3D4e",
        "Arn": POOL_ARN,
        "AliasAttributes": ["email"],
        "AutoVerifiedAttributes": ["email"],
        "UserPoolTier": "ESSENTIALS",
        "LambdaConfig": triggers(),
    },
    clients=[client()],
    providers=(),
    groups=(),
    functions=attached(claims(), sync()),
    unread=(),
)


def a_pool(facts: Facts = SOUND, **settings: Any) -> Facts:
    return facts._replace(pool={**facts.pool, **settings})


def with_claims(environ: Mapping[str, str] = HASURA, facts: Facts = SOUND, **changes: Any) -> Facts:
    return facts._replace(functions={**facts.functions, CLAIMS: claims(environ, **changes)})


def with_sync(function: Function) -> Facts:
    return SOUND._replace(functions=attached(claims(), function))


def told(facts: Facts) -> list[tuple[str, str]]:
    return sorted({(finding.code, finding.level) for finding in diagnoses(facts)})


MACHINE = client(ClientName="machine", AllowedOAuthFlows=["client_credentials"])


@pytest.mark.parametrize(
    "facts",
    [
        SOUND,
        a_pool(with_claims(), LambdaConfig=triggers("V3_0"))._replace(clients=[MACHINE]),
        a_pool(LambdaConfig=triggers("V1_0"), UserPoolTier="LITE"),
        with_claims({**HASURA, "COGNITO_CLAIMS_USER_POOLS": "eu-west-1_a1B2c3D4e"}),
        with_claims({**HASURA, "HASURA_ALLOWED_ROLES": "user,editor"}),
        with_claims({**HASURA, "HASURA_GROUP_ROLES": "admins=admin"}),
        with_claims(MemorySize=1024, State="Inactive"),
        with_claims(ORG),
        with_claims(FAUNA),
    ],
)
def test_about_a_sound_description_there_is_nothing_to_say(facts: Facts) -> None:
    assert told(facts) == []


CASES: list[tuple[str, str, Facts]] = [
    ("no-claims-function", "warning", SOUND._replace(functions=dict.fromkeys(SYNCS, sync()))),
    ("two-functions", "error", a_pool(LambdaConfig=triggers(PreTokenGeneration=OTHER_ARN))),
    ("half-a-sync", "error", SOUND._replace(functions={CLAIMS: claims(), SYNCS[0]: sync()})),
    ("no-function", "error", with_sync(Function(SYNC_ARN, None, None, None, is_missing=True))),
    ("function-timeout", "warning", with_claims(Timeout=30)),
    ("function-memory", "warning", with_claims(MemorySize=128)),
    ("function-state", "error", with_claims(State="Failed")),
    ("function-update", "error", with_claims(LastUpdateStatus="Failed")),
    ("function-architecture", "warning", with_claims(Architectures=["x86_64"])),
    ("not-checked", "warning", with_claims(Environment={"Error": {"ErrorCode": "AccessDenied"}})),
    ("not-checked", "warning", with_claims(Handler="acme.handler")),
    ("log-retention", "warning", with_sync(sync()._replace(keeps_logs_for_ever=True))),
    ("no-plugins", "warning", with_claims({"COGNITO_CLAIMS_PLUGINS": "none"})),
    ("user-pool", "error", with_claims({**HASURA, "COGNITO_CLAIMS_USER_POOLS": "eu-west-1_Other"})),
    (
        "other-invoker",
        "error",
        with_sync(
            sync(
                statements=[
                    permission(SYNC_ARN),
                    permission(SYNC_ARN, Principal={"Service": "s3.amazonaws.com"}),
                ]
            )
        ),
    ),
    ("no-permission", "error", with_claims(statements=[permission(OTHER_ARN)])),
    *(
        ("permission-too-wide", "error", with_claims(statements=[permission(CLAIMS_ARN), wide]))
        for wide in (
            permission(CLAIMS_ARN, None),
            permission(CLAIMS_ARN, POOL_ARN.replace("a1B2c3D4e", "*")),
            permission(CLAIMS_ARN, POOL_ARN.replace("_a", "_?")),
        )
    ),
    ("plain-secret", "error", with_claims({**FAUNA, "FAUNA_SECRET": HIDDEN})),
    ("settings", "error", with_claims({**HASURA, "HASURA_TOKENS": HIDDEN})),
    ("settings", "error", with_sync(sync({**SYNC, "HASURA_SYNC_URL": "ftp://x"}))),
    ("sync-as-admin", "warning", with_sync(sync({**SYNC, "HASURA_SYNC_ROLE": ""}))),
    (
        "event-version",
        "error",
        a_pool(
            with_claims({**HASURA, "HASURA_TOKENS": "access", "HASURA_CLIENTS": "a"}),
            LambdaConfig=triggers("V1_0"),
        ),
    ),
    ("machine-tokens", "warning", SOUND._replace(clients=[MACHINE])),
    ("feature-plan", "error", a_pool(UserPoolTier="LITE")),
    (
        "writable-attribute",
        "error",
        with_claims(ORG)._replace(clients=[client(WriteAttributes=["custom:org_id"])]),
    ),
    (
        "writable-attribute",
        "warning",
        with_claims(ORG)._replace(clients=[client(WriteAttributes=None, ClientSecret="x")]),
    ),
    ("admin-for-everyone", "error", with_claims({**HASURA, "HASURA_ALLOWED_ROLES": "user,admin"})),
    (
        "admin-group",
        "warning",
        with_claims({**HASURA, "HASURA_GROUP_ROLES": "admins=admin"})._replace(groups=["admins"]),
    ),
    ("shared-secret", "warning", with_claims({**FAUNA, "COGNITO_CLAIMS_PLUGINS": "fauna,hasura"})),
]


@pytest.mark.parametrize(("code", "level", "facts"), CASES, ids=[code for code, *_ in CASES])
def test_each_cause_has_its_finding(code: str, level: str, facts: Facts) -> None:
    assert told(facts) == [(code, level)]


def test_a_statement_for_another_account_is_no_permission() -> None:
    condition = {
        "ArnLike": {"AWS:SourceArn": POOL_ARN},
        "StringEquals": {"AWS:SourceAccount": "999999999999"},
    }

    assert told(with_claims(statements=[permission(CLAIMS_ARN, Condition=condition)])) == [
        ("no-permission", "error"),
        ("policy-not-understood", "error"),
    ]


def test_a_function_that_is_no_user_sync_may_have_one_trigger() -> None:
    other = function(OTHER_ARN, "", {}, Handler="handler.handler")

    found = told(SOUND._replace(functions={CLAIMS: claims(), SYNCS[1]: other}))

    assert found == [("not-checked", "warning")]


def test_a_sync_beside_the_claims_is_examined_as_one_of_its_own() -> None:
    environ = {
        **SYNC,
        "COGNITO_CLAIMS_PLUGINS": "hasura,user_sync",
        "HASURA_SYNC_COLUMNS": "id=sub,email=email,name=name",
        "HASURA_SYNC_UPDATE_COLUMNS": "email",
    }

    assert told(with_claims(environ)) == [
        ("no-version-column", "warning"),
        ("null-unless-verified", "warning"),
        ("writable-attribute", "warning"),
    ]


@pytest.mark.parametrize(
    "foreign", ["m=builtins:print", "m=builtins:exit", "m=json:loads", "unheard-of", "a b"]
)
def test_what_a_functions_variables_name_is_never_run(
    foreign: str, capfd: pytest.CaptureFixture[str]
) -> None:
    plugins = {"COGNITO_CLAIMS_PLUGINS": f"{foreign},hasura", "MY_SECRET": HIDDEN}

    found = [*diagnoses(with_claims({**plugins, "HASURA_DEFAULT_ROLE": "admin"}))]

    assert [(f.code, f.message.partition(":")[0]) for f in found] == [
        ("not-checked", "COGNITO_CLAIMS_PLUGINS"),
        ("admin-for-everyone", "HASURA_ALLOWED_ROLES, HASURA_DEFAULT_ROLE"),
    ]
    assert HIDDEN not in f"{found}{capfd.readouterr()}"


GOOGLE = {"ProviderName": "Google", "AttributeMapping": {"email": "email"}}
BY_EMAIL = {**FAUNA, "FAUNA_IDENTITY": "email"}
HASURA_BY_EMAIL = {**HASURA, "HASURA_USER_ID_ATTRIBUTE": "email"}


@pytest.mark.parametrize(
    ("environ", "codes"),
    [
        (SURREALDB, ["email-not-verified"]),  # whose rows belong to `sub`
        (
            {**SURREALDB, "SURREALDB_TOKENS": "id,access", "SURREALDB_CLIENTS": "a"},
            ["email-not-verified"],
        ),
        ({**SURREALDB, "SURREALDB_TOKENS": "access", "SURREALDB_CLIENTS": "a"}, []),
        (BY_EMAIL, ["email-not-unique", "email-not-verified"]),
        (FAUNA, []),
        (HASURA, []),
        (HASURA_BY_EMAIL, ["email-not-unique", "email-not-verified"]),
    ],
)
def test_an_email_that_is_read_must_be_verified_and_unique_where_it_is_an_identity(
    environ: Mapping[str, str], codes: list[str]
) -> None:
    found = with_claims(environ)
    sound = a_pool(found, UsernameAttributes=["email"])
    lax = a_pool(found, AliasAttributes=[], AutoVerifiedAttributes=["phone_number"])

    assert told(sound) == []
    assert [code for code, _ in told(lax)] == codes


@pytest.mark.parametrize(
    ("environ", "codes"),
    [
        (BY_EMAIL, {"untrusted-provider"}),
        ({**BY_EMAIL, "FAUNA_EMAIL_PROVIDERS": "google"}, {"untrusted-provider"}),
        ({**BY_EMAIL, "FAUNA_EMAIL_PROVIDERS": "Okta,Google"}, set()),
        (FAUNA, set()),
        (HASURA_BY_EMAIL, {"untrusted-provider"}),
        ({**HASURA_BY_EMAIL, "HASURA_EMAIL_PROVIDERS": "Google"}, set()),
        ({**HASURA, "HASURA_USER_ID_ATTRIBUTE": "phone_number"}, {"untrusted-provider"}),
        (HASURA, set()),
        (SURREALDB, set()),
    ],
)
def test_an_identity_that_a_provider_can_assert_is_an_error(
    environ: Mapping[str, str], codes: set[str]
) -> None:
    mapped = {**GOOGLE, "AttributeMapping": {"email": "email", "email_verified": "verified"}}

    errors = [
        {
            code
            for code, level in told(with_claims(environ)._replace(providers=[p]))
            if level == "error"
        }
        for p in (GOOGLE, mapped)
    ]
    assert errors == [codes, codes]


def test_an_attribute_that_a_provider_sets_and_claims_are_made_of_is_a_warning() -> None:
    sets = {"ProviderName": "Okta", "AttributeMapping": {"custom:org_id": "org", "email": "mail"}}

    assert [*diagnoses(with_claims(ORG)._replace(providers=[GOOGLE, sets]))] == [
        Finding(
            "provided-attribute",
            "warning",
            "AttributeMapping: Okta sets custom:org_id, which claims are made of; "
            "whoever runs the provider gives these rights",
        )
    ]


def test_no_settings_value_is_told() -> None:
    facts = with_claims(
        {
            "COGNITO_CLAIMS_PLUGINS": "fauna,hasura,surrealdb",
            "FAUNA_ENDPOINT": f"https://{HIDDEN}.example.com",
            "FAUNA_SECRET": HIDDEN,
            "HASURA_TOKENS": HIDDEN,
            "SURREALDB_NAMESPACE": HIDDEN,
        }
    )

    found = [*diagnoses(facts)]

    assert {"plain-secret", "settings"} == {finding.code for finding in found}
    assert HIDDEN not in f"{found}{facts.functions}"


# The command, against moto


pytestmark = pytest.mark.usefixtures("quick_clients")


@pytest.fixture
def account(moto: str) -> Account:
    """Give an account with a pool about which there is nothing to say."""
    account = Account(moto)
    sound = {"AliasAttributes": ["email"], "AutoVerifiedAttributes": ["email"]}
    made = account.cognito.create_user_pool(PoolName="users", **sound, UserPoolTier="ESSENTIALS")
    account.pool_id = made["UserPool"]["Id"]
    sync = dict.fromkeys(SYNCS, account.sync)
    config = {"LambdaVersion": "V2_0", "LambdaArn": account.claims}
    attach(account, PreTokenGeneration=account.claims, PreTokenGenerationConfig=config, **sync)
    for arn in (account.claims, account.sync):
        own = Permission(FunctionArn.parse("", arn), made["UserPool"]["Arn"])
        own.grant(account.functions)
        log = f"/aws/lambda/{arn.rpartition(':')[2]}"
        account.logs.create_log_group(logGroupName=log)
        account.logs.put_retention_policy(logGroupName=log, retentionInDays=30)
    configure(account, account.claims, HASURA)
    configure(account, account.sync, SYNC)
    make_client(account, "web", "email")
    return account


def attach(account: Account, **triggers: Any) -> None:
    account.cognito.update_user_pool(
        UserPoolId=account.pool_id,
        PoolName="users",
        AutoVerifiedAttributes=["email"],
        UserPoolTier="ESSENTIALS",
        LambdaConfig=triggers,
    )


def configure(account: Account, arn: str, environ: Mapping[str, str], **settings: Any) -> None:
    account.functions.update_function_configuration(
        FunctionName=arn, Environment={"Variables": environ}, **settings
    )


def make_client(account: Account, name: str, *attributes: str) -> str:
    made = account.cognito.create_user_pool_client(
        UserPoolId=account.pool_id, ClientName=name, WriteAttributes=attributes
    )
    return str(made["UserPoolClient"]["ClientId"])


def doctor(account: Account, *arguments: str) -> Run:
    command = ("doctor", "--user-pool-id", account.pool_id, *arguments)
    return run(*command, environ=account.environ, exit_code=None)


def codes(account: Account, *arguments: str) -> list[tuple[str, str]]:
    findings = doctor(account, "--format", "json", *arguments).content["findings"]
    return [(finding["code"], finding["level"]) for finding in findings]


def test_about_a_sound_pool_there_is_nothing_to_say(account: Account) -> None:
    before = account.pool()

    sound = "No findings: the pool and its functions are sound.\n"
    assert doctor(account) == Run(sound, "", exit_code=0)
    assert account.pool() == before


def test_all_that_the_rules_need_is_read_and_errors_come_first(account: Account) -> None:
    environ = {**ORG, "HASURA_GROUP_ROLES": "admins=admin"}
    configure(account, account.claims, environ, Timeout=30, MemorySize=128)
    attach(account, PreTokenGeneration=account.claims, PostConfirmation=f"{account.sync}-gone")
    account.cognito.create_group(UserPoolId=account.pool_id, GroupName="admins")
    account.cognito.create_identity_provider(
        UserPoolId=account.pool_id,
        ProviderName="Okta",
        ProviderType="OIDC",
        ProviderDetails={},
        AttributeMapping={"custom:org_id": "org"},
    )
    make_client(account, "lax", "custom:org_id")
    anybody = {"Action": "lambda:InvokeFunction", "Principal": "cognito-idp.amazonaws.com"}
    account.functions.add_permission(FunctionName=account.claims, StatementId="anybody", **anybody)
    log = f"/aws/lambda/{account.claims.rpartition(':')[2]}"
    account.logs.delete_retention_policy(logGroupName=log)

    ran = doctor(account, "--format", "json")

    assert [(f["code"], f["level"]) for f in ran.content["findings"]] == [
        ("permission-too-wide", "error"),
        ("no-function", "error"),
        ("writable-attribute", "error"),
        ("function-timeout", "warning"),
        ("function-memory", "warning"),
        ("log-retention", "warning"),
        ("provided-attribute", "warning"),
        ("admin-group", "warning"),
    ]
    assert ran.exit_code == 1


def test_a_function_is_examined_as_the_version_that_is_attached(account: Account) -> None:
    version = account.functions.publish_version(FunctionName=account.claims)["FunctionArn"]
    attach(account, PreTokenGeneration=version, **dict.fromkeys(SYNCS, account.sync))

    with mock.patch.dict(os.environ, account.environ, clear=True):
        facts = PoolReader(account.pool_id, (), account.environ).facts()

    elsewhere = facts.functions[CLAIMS].elsewhere
    assert facts.functions[CLAIMS].arn == version
    assert elsewhere is not None
    assert [*elsewhere] == ["the function itself"]
    assert HIDDEN not in repr(facts.functions)


def test_what_may_not_be_read_is_told_and_the_rest_is_examined(account: Account) -> None:
    described = json.loads(json.dumps({"UserPool": account.pool()}, default=str))
    for name in ("CreationDate", "LastModifiedDate"):
        del described["UserPool"][name]

    def only_the_pool(request: Request) -> Answer:
        if request.headers.get("x-amz-target", "").endswith(".DescribeUserPool"):
            return Answer.of(described)
        return Answer.refusing("AccessDeniedException")

    with answering(only_the_pool) as url:
        account.environ = {**account.environ, "AWS_ENDPOINT_URL": url}
        ran = doctor(account, "--format", "json")

    messages = [finding["message"] for finding in ran.content["findings"]]
    assert ran.exit_code == 0
    assert messages == [
        f"{action} is not allowed: what it tells is not checked"
        for action in (
            "lambda:GetFunctionConfiguration",
            "lambda:GetPolicy",
            "logs:DescribeLogGroups",
            "lambda:ListAliases",
            "lambda:ListVersionsByFunction",
            "cognito-idp:DescribeUserPoolClient",
            "cognito-idp:DescribeIdentityProvider",
            "cognito-idp:ListGroups",
        )
    ]


def test_one_client_can_be_examined_alone(account: Account) -> None:
    configure(account, account.claims, ORG)
    web, lax = make_client(account, "app", "email"), make_client(account, "lax", "custom:org_id")

    ran = doctor(account, "--client-id", web)
    assert (ran.out.count("sound"), ran.exit_code) == (0, 0)
    assert f"looked at: the app client {web}, the pool, " in ran.out
    assert codes(account, "--client-id", lax) == [("writable-attribute", "error")]


def test_a_pool_that_is_not_there_is_told_in_one_line(moto: str) -> None:
    environ = {"AWS_ENDPOINT_URL": moto, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}

    ran = run("doctor", "--user-pool-id", "eu-west-1_Nowhere", environ=environ, exit_code=2)

    assert (ran.out, ran.err.count("\n")) == ("", 1)
    assert ran.err.startswith("cognito-claims: eu-west-1_Nowhere: ResourceNotFoundException")


def test_no_name_in_aws_steers_the_terminal(account: Account) -> None:
    configure(account, account.claims, ORG)
    make_client(account, "web\u202e\x1b[2J", "custom:org_id")

    text = doctor(account).out

    assert all(c.isprintable() or c == "\n" for c in text)
    assert "the client web\\u202e\\x1b[2J may write custom:org_id" in text


# Rules


def with_rules(rules: dict[str, Any], **facts: Any) -> Facts:
    environ = {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": json.dumps(rules)}
    return with_claims(environ)._replace(**facts)


BY_GROUP = {"from": "cognito:groups", "prefix": "t:", "values": {"a": "1", "b": "2"}}
RENAMED = {"from": "cognito:groups", "values": {"c": "d"}}
GROUP_RULES: dict[str, Any] = {
    "groups": [RENAMED, {"constant": "e"}],
    "claims": {"x": BY_GROUP},
    "scopes": {"s": {"groups": ["d"]}, "t": {"groups": ["f"]}, "u": {"groups": ["e", "f"]}},
    "scopes_from": {"from": "cognito:groups", "values": {"e": "v", "g": "w"}},
}


def test_groups_that_the_pool_does_not_have_are_told() -> None:
    found = [finding.message for finding in diagnoses(with_rules(GROUP_RULES, groups=["t:a"]))]
    unknown = "the pool has no group of this name"
    assert found == [
        "mapper: scopes.t: the pool has none of these groups, so no user gets it",
        f"mapper: claims.x.values.b: {unknown}",
        f"mapper: scopes_from.values.g: {unknown}",
        f"mapper: groups[0].values.c: {unknown}",
    ]


@pytest.mark.parametrize(("mapped", "count"), [("email", 1), ("email_verified", 0)])
def test_a_provider_whose_emails_never_count_is_told(mapped: str, count: int) -> None:
    provider = {"ProviderName": "Okta", "AttributeMapping": {mapped: "x"}}
    facts = with_rules({"email_providers": ["Okta"], "claims": {}}, providers=[provider])
    assert told(facts) == [("provider-email-not-verified", "warning")] * count


def test_rules_for_the_access_token_need_a_version_that_has_it() -> None:
    for rules in ({"scopes": {"a": True}}, {"claims": {"x": {"from": "sub", "to": ["access"]}}}):
        assert told(a_pool(with_rules(rules), LambdaConfig=triggers("V1_0"))) == [
            ("event-version", "error")
        ]


def test_a_file_of_rules_is_not_read_here() -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": "claims.json"}
    assert told(with_claims(environ)) == [("not-checked", "warning")]


def test_an_attribute_that_rules_read_of_federated_users_alone_may_not_be_written() -> None:
    entry = {"from": "custom:g", "values": {"a": "b"}, "when": {"providers": ["Okta"]}}
    rules = {"groups": entry, "scopes": {"s": {"is": {"custom:s": ["x"]}}}}
    web = client(WriteAttributes=["custom:g", "custom:s"])
    (finding,) = diagnoses(with_rules(rules, clients=[web]))
    assert finding.level == "error"
    assert finding.message.startswith("the client web may write custom:g, custom:s, which")
