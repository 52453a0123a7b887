"""`doctor` against moto's AWS: each finding provoked once and cleared once, and nothing changed by looking."""

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import pytest

from cognito_claims.tools.doctor.pool_rules import diagnoses
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool import description as facts
from cognito_claims.tools.pool.description import Facts, Reader
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
}
HASURA = {"COGNITO_CLAIMS_PLUGINS": "hasura"}
ORG = {**HASURA, "HASURA_SESSION_VARIABLES": "x-hasura-org-id=custom:org_id"}
SYNC = {
    "USER_SYNC_SINKS": "hasura",
    "HASURA_SYNC_URL": "https://hasura.example.com/v1/graphql",
    "HASURA_SYNC_ADMIN_SECRET": ARN,
    "HASURA_SYNC_ROLE": "cognito_sync",
}
CLIENT = {
    "ClientName": "web",
    "AllowedOAuthFlows": ["code"],
    "WriteAttributes": ["email", "name"],
    "GenerateSecret": False,
}
pytestmark = pytest.mark.usefixtures("quick_clients")
Change = Callable[["Pool"], object]


class Pool:
    """A pool about which there is nothing to say, to be changed."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.settings: dict[str, Any] = {
            "AliasAttributes": ["email"],
            "AutoVerifiedAttributes": ["email"],
            "UserPoolTier": "ESSENTIALS",
        }
        made = account.cognito.create_user_pool(PoolName="users", **self.settings)
        account.pool_id = made["UserPool"]["Id"]
        self.triggers: dict[str, Any] = {}
        self.attach(PreTokenGeneration=account.claims)
        self.version("V2_0")
        self.attach(PostAuthentication=account.sync, PostConfirmation=account.sync)
        for function in (account.claims, account.sync):
            self.permission(function).grant(account.functions)
            self.log(function, days=30)
        self.environ(**HASURA)
        account.functions.update_function_configuration(
            FunctionName=account.sync, Environment={"Variables": SYNC}
        )
        self.client()

    def attach(self, **triggers: Any) -> "Pool":
        self.triggers |= triggers
        return self.update()

    def detach(self, *names: str) -> "Pool":
        self.triggers = {n: arn for n, arn in self.triggers.items() if n not in names}
        return self.update()

    def version(self, version: str) -> "Pool":
        config = {"LambdaVersion": version, "LambdaArn": self.account.claims}
        return self.attach(PreTokenGenerationConfig=config)

    def update(self, **settings: Any) -> "Pool":
        self.settings |= settings
        self.account.cognito.update_user_pool(
            UserPoolId=self.account.pool_id,
            PoolName="users",
            LambdaConfig=self.triggers,
            **{name: value for name, value in self.settings.items() if name != "AliasAttributes"},
        )
        return self

    def permission(self, function: str) -> Permission:
        return Permission(FunctionArn.parse("", function), self.account.pool()["Arn"])

    def log(self, function: str, days: int | None) -> "Pool":
        name = f"/aws/lambda/{function.rpartition(':')[2]}"
        with contextlib.suppress(self.account.logs.exceptions.ResourceAlreadyExistsException):
            self.account.logs.create_log_group(logGroupName=name)
        if days is None:
            self.account.logs.delete_retention_policy(logGroupName=name)
        else:
            self.account.logs.put_retention_policy(logGroupName=name, retentionInDays=days)
        return self

    def environ(self, **variables: str) -> "Pool":
        return self.configure(Environment={"Variables": variables})

    def configure(self, **settings: Any) -> "Pool":
        name = self.account.claims
        self.account.functions.update_function_configuration(FunctionName=name, **settings)
        return self

    def client(self, **settings: Any) -> "Pool":
        wanted = {n: value for n, value in {**CLIENT, **settings}.items() if value is not None}
        self.account.cognito.create_user_pool_client(UserPoolId=self.account.pool_id, **wanted)
        return self

    def clients(self) -> dict[str, str]:
        """Give the clients' ids by their names."""
        found = self.account.cognito.list_user_pool_clients(UserPoolId=self.account.pool_id)
        return {client["ClientName"]: client["ClientId"] for client in found["UserPoolClients"]}

    def group(self, name: str) -> "Pool":
        self.account.cognito.create_group(UserPoolId=self.account.pool_id, GroupName=name)
        return self

    def without(self, client: str) -> "Pool":
        self.account.cognito.delete_user_pool_client(
            UserPoolId=self.account.pool_id, ClientId=self.clients()[client]
        )
        return self


@pytest.fixture
def account(moto: str) -> Account:
    return Account(moto)


@pytest.fixture
def pool(account: Account) -> Pool:
    return Pool(account)


def doctor(account: Account, *arguments: str) -> Run:
    command = ("doctor", "--user-pool-id", account.pool_id, *arguments)
    return run(*command, environ=account.environ, exit_code=None)


def codes(account: Account, *arguments: str) -> set[tuple[str, str]]:
    findings = doctor(account, "--format", "json", *arguments).content["findings"]
    return {(finding["code"], finding["level"]) for finding in findings}


def test_about_a_sound_pool_there_is_nothing_to_say(pool: Pool) -> None:
    before = pool.account.pool()

    sound = "No findings: the pool and its functions are sound.\n"
    assert doctor(pool.account) == Run(sound, "", exit_code=0)
    assert pool.account.pool() == before


CASES: dict[tuple[str, str], tuple[Change, Change]] = {
    ("no-claims-function", "warning"): (
        lambda pool: pool.detach("PreTokenGeneration", "PreTokenGenerationConfig"),
        lambda pool: pool.attach(PreTokenGeneration=pool.account.claims).version("V2_0"),
    ),
    ("two-functions", "error"): (
        lambda pool: pool.attach(PreTokenGeneration=pool.account.other),
        lambda pool: pool.attach(PreTokenGeneration=pool.account.claims),
    ),
    ("half-a-sync", "error"): (
        lambda pool: pool.detach("PostConfirmation"),
        lambda pool: pool.attach(PostConfirmation=pool.account.sync),
    ),
    ("function-timeout", "warning"): (
        lambda pool: pool.configure(Timeout=30),
        lambda pool: pool.configure(Timeout=5),
    ),
    ("function-memory", "warning"): (
        lambda pool: pool.configure(MemorySize=128),
        lambda pool: pool.configure(MemorySize=1024),
    ),
    ("log-retention", "warning"): (
        lambda pool: pool.log(pool.account.sync, days=None),
        lambda pool: pool.log(pool.account.sync, days=7),
    ),
    ("no-plugins", "warning"): (
        lambda pool: pool.environ(COGNITO_CLAIMS_PLUGINS="none"),
        lambda pool: pool.environ(**HASURA),
    ),
    ("not-checked", "warning"): (
        lambda pool: pool.configure(Handler="acme.handler"),
        lambda pool: pool.configure(
            Handler="cognito_claims.functions.pre_token_generation.handler"
        ),
    ),
    ("user-pool", "error"): (
        lambda pool: pool.environ(**HASURA, COGNITO_CLAIMS_USER_POOLS="eu-west-1_Other"),
        lambda pool: pool.environ(**HASURA, COGNITO_CLAIMS_USER_POOLS=pool.account.pool_id),
    ),
    ("other-invoker", "error"): (
        lambda pool: pool.account.functions.add_permission(
            FunctionName=pool.account.sync,
            StatementId="bucket",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn="arn:aws:s3:::bucket",
        ),
        lambda pool: pool.account.functions.remove_permission(
            FunctionName=pool.account.sync, StatementId="bucket"
        ),
    ),
    ("no-permission", "error"): (
        lambda pool: pool.permission(pool.account.claims).revoke(pool.account.functions),
        lambda pool: pool.permission(pool.account.claims).grant(pool.account.functions),
    ),
    ("permission-too-wide", "error"): (
        lambda pool: pool.account.functions.add_permission(
            FunctionName=pool.account.claims,
            StatementId="anybody",
            Action="lambda:InvokeFunction",
            Principal="cognito-idp.amazonaws.com",
        ),
        lambda pool: pool.account.functions.remove_permission(
            FunctionName=pool.account.claims, StatementId="anybody"
        ),
    ),
    ("no-function", "error"): (
        lambda pool: pool.attach(PostConfirmation=f"{pool.account.sync}-gone"),
        lambda pool: pool.attach(PostConfirmation=pool.account.sync),
    ),
    ("plain-secret", "error"): (
        lambda pool: pool.environ(**{**FAUNA, "FAUNA_SECRET": HIDDEN, "FAUNA_IDENTITY": "sub"}),
        lambda pool: pool.environ(**{**FAUNA, "FAUNA_IDENTITY": "sub"}),
    ),
    ("settings", "error"): (
        lambda pool: pool.environ(**{**HASURA, "HASURA_TOKENS": HIDDEN}),
        lambda pool: pool.environ(**HASURA),
    ),
    ("event-version", "error"): (
        lambda pool: pool.version("V1_0").environ(**HASURA, HASURA_TOKENS="access"),
        lambda pool: pool.version("V2_0"),
    ),
    ("machine-tokens", "warning"): (
        lambda pool: pool.client(
            ClientName="machine", AllowedOAuthFlows=["client_credentials"], GenerateSecret=True
        ),
        lambda pool: pool.version("V3_0"),
    ),
    ("feature-plan", "error"): (
        lambda pool: pool.update(UserPoolTier="LITE"),
        lambda pool: pool.update(UserPoolTier="ESSENTIALS"),
    ),
    ("writable-attribute", "error"): (
        lambda pool: pool.environ(**ORG).client(
            ClientName="lax", WriteAttributes=["custom:org_id"]
        ),
        lambda pool: pool.without("lax"),
    ),
    ("writable-attribute", "warning"): (
        lambda pool: pool.environ(**ORG).client(
            ClientName="server", WriteAttributes=None, GenerateSecret=True
        ),
        lambda pool: pool.without("server"),
    ),
    ("email-not-unique", "warning"): (
        lambda pool: pool.environ(**FAUNA, FAUNA_IDENTITY="email"),
        lambda pool: pool.environ(**FAUNA, FAUNA_IDENTITY="sub"),
    ),
    ("admin-for-everyone", "error"): (
        lambda pool: pool.environ(**HASURA, HASURA_ALLOWED_ROLES="user,admin"),
        lambda pool: pool.environ(**HASURA, HASURA_ALLOWED_ROLES="user,editor"),
    ),
    ("admin-group", "warning"): (
        lambda pool: pool.environ(**HASURA, HASURA_GROUP_ROLES="admins=admin").group("admins"),
        lambda pool: pool.account.cognito.delete_group(
            UserPoolId=pool.account.pool_id, GroupName="admins"
        ),
    ),
    ("shared-secret", "warning"): (
        lambda pool: pool.environ(
            **{**FAUNA, "COGNITO_CLAIMS_PLUGINS": "fauna,hasura", "FAUNA_IDENTITY": "sub"}
        ),
        lambda pool: pool.environ(**{**FAUNA, "FAUNA_IDENTITY": "sub"}),
    ),
}


@pytest.mark.parametrize(("finding", "change"), CASES.items(), ids=map("-".join, CASES))
def test_a_finding_comes_with_its_cause_and_goes_with_it(
    pool: Pool, finding: tuple[str, str], change: tuple[Change, Change]
) -> None:
    provoke, clear = change
    assert codes(pool.account) == set()

    provoke(pool)
    assert finding in codes(pool.account)

    clear(pool)
    assert finding not in codes(pool.account)


@pytest.mark.parametrize("pools", ["*", "eu-west-1_?b1Cd2Ef3"])
def test_a_statement_for_many_pools_is_too_wide(pool: Pool, pools: str) -> None:
    pool.account.functions.add_permission(
        FunctionName=pool.account.claims,
        StatementId="many",
        Action="lambda:InvokeFunction",
        Principal="cognito-idp.amazonaws.com",
        SourceArn=f"arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{pools}",
    )

    assert codes(pool.account) == {("permission-too-wide", "error")}


def test_a_statement_for_another_account_is_no_permission(pool: Pool) -> None:
    arn = pool.account.pool()["Arn"]
    pool.permission(pool.account.claims).revoke(pool.account.functions)
    pool.account.functions.add_permission(
        FunctionName=pool.account.claims,
        StatementId="other",
        Action="lambda:InvokeFunction",
        Principal="cognito-idp.amazonaws.com",
        SourceArn=arn,
        SourceAccount="999999999999",
    )

    assert codes(pool.account) == {
        ("no-permission", "error"),
        ("policy-not-understood", "error"),
    }


def test_a_function_that_is_no_user_sync_may_have_one_trigger(pool: Pool) -> None:
    pool.detach("PostAuthentication").attach(PostConfirmation=pool.account.other)
    pool.permission(pool.account.other).grant(pool.account.functions)
    pool.log(pool.account.other, days=7)

    assert codes(pool.account) == {("not-checked", "warning")}


@pytest.mark.parametrize(
    ("settings", "finding"),
    [
        ({**SYNC, "HASURA_SYNC_URL": "ftp://x"}, ("settings", "error")),
        ({**SYNC, "HASURA_SYNC_ROLE": ""}, ("sync-as-admin", "warning")),
    ],
)
def test_the_settings_of_a_user_sync_are_examined(
    pool: Pool, settings: dict[str, str], finding: tuple[str, str]
) -> None:
    pool.account.functions.update_function_configuration(
        FunctionName=pool.account.sync, Environment={"Variables": settings}
    )

    assert codes(pool.account) == {finding}


@pytest.mark.parametrize(
    "foreign", ["m=builtins:print", "m=builtins:exit", "m=json:loads", "unheard-of", "a b"]
)
def test_what_a_functions_variables_name_is_never_run(
    pool: Pool, foreign: str, capfd: pytest.CaptureFixture[str]
) -> None:
    plugins = {"COGNITO_CLAIMS_PLUGINS": f"{foreign},hasura", "MY_SECRET": HIDDEN}
    pool.environ(**plugins, HASURA_DEFAULT_ROLE="admin")

    ran = doctor(pool.account, "--format", "json")

    told = [(f["code"], f["message"].partition(":")[0]) for f in ran.content["findings"]]
    assert told == [
        ("admin-for-everyone", "HASURA_ALLOWED_ROLES, HASURA_DEFAULT_ROLE"),
        ("not-checked", "COGNITO_CLAIMS_PLUGINS"),
    ]
    assert HIDDEN not in ran.out + ran.err + "".join(capfd.readouterr())


# What moto cannot be brought to say


def read(account: Account, **changes: Any) -> Facts:
    with mock.patch.dict(os.environ, account.environ, clear=True):
        return Reader(account.pool_id, (), account.environ).facts()._replace(**changes)


def told(found: Facts) -> set[str]:
    return {finding.code for finding in diagnoses(found)}


def with_settings(found: Facts, **settings: Any) -> Facts:
    claims = found.functions[facts.CLAIMS]
    changed = claims._replace(configuration={**(claims.configuration or {}), **settings})
    return found._replace(functions={**found.functions, facts.CLAIMS: changed})


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"State": "Failed"}, "function-state"),
        ({"LastUpdateStatus": "Failed"}, "function-update"),
        ({"Architectures": ["x86_64"]}, "function-architecture"),
        ({"Environment": {"Error": {"ErrorCode": "AccessDeniedException"}}}, "not-checked"),
    ],
)
def test_the_state_of_a_function_is_examined(
    pool: Pool, settings: dict[str, Any], code: str
) -> None:
    sound = read(pool.account)

    assert (told(sound), told(with_settings(sound, **settings))) == (set(), {code})


GOOGLE = {"ProviderName": "Google", "AttributeMapping": {"email": "email"}}
BY_EMAIL = {**FAUNA, "FAUNA_IDENTITY": "email"}
HASURA_BY_EMAIL = {**HASURA, "HASURA_USER_ID_ATTRIBUTE": "email"}


@pytest.mark.parametrize(
    ("environ", "codes"),
    [
        (SURREALDB, {"email-not-verified"}),  # whose rows belong to `sub`
        (
            {**SURREALDB, "SURREALDB_TOKENS": "id,access", "SURREALDB_CLIENTS": "a"},
            {"email-not-verified"},
        ),
        ({**SURREALDB, "SURREALDB_TOKENS": "access", "SURREALDB_CLIENTS": "a"}, set()),
        (BY_EMAIL, {"email-not-unique", "email-not-verified"}),
        (FAUNA, set()),
        (HASURA, set()),
        (HASURA_BY_EMAIL, {"email-not-unique", "email-not-verified"}),
    ],
)
def test_an_email_that_is_read_must_be_verified_and_unique_where_it_is_an_identity(
    pool: Pool, environ: Mapping[str, str], codes: set[str]
) -> None:
    found = with_settings(read(pool.account), Environment={"Variables": environ})
    sound = {**found.pool, "UsernameAttributes": ["email"], "AutoVerifiedAttributes": ["email"]}
    lax = {**found.pool, "AliasAttributes": [], "AutoVerifiedAttributes": ["phone_number"]}

    assert told(found._replace(pool=sound)) == set()
    assert told(found._replace(pool=lax)) == codes


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
    pool: Pool, environ: Mapping[str, str], codes: set[str]
) -> None:
    found = with_settings(read(pool.account), Environment={"Variables": environ})
    mapped = {**GOOGLE, "AttributeMapping": {"email": "email", "email_verified": "verified"}}

    errors = [
        {f.code for f in diagnoses(found._replace(providers=[provider])) if f.level == "error"}
        for provider in (GOOGLE, mapped)
    ]
    assert errors == [codes, codes]


def test_an_attribute_that_a_provider_sets_and_claims_are_made_of_is_a_warning(pool: Pool) -> None:
    found = with_settings(read(pool.account), Environment={"Variables": ORG})
    sets = {"ProviderName": "Okta", "AttributeMapping": {"custom:org_id": "org", "email": "mail"}}

    assert [*diagnoses(found._replace(providers=[GOOGLE, sets]))] == [
        Finding(
            "provided-attribute",
            "warning",
            "AttributeMapping: Okta sets custom:org_id, which claims are made of; "
            "whoever runs the provider gives these rights",
        )
    ]


def test_what_may_not_be_read_is_told_and_the_rest_is_examined(pool: Pool) -> None:
    described = json.loads(json.dumps({"UserPool": pool.account.pool()}, default=str))
    for name in ("CreationDate", "LastModifiedDate"):
        del described["UserPool"][name]

    def only_the_pool(request: Request) -> Answer:
        if request.headers.get("x-amz-target", "").endswith(".DescribeUserPool"):
            return Answer.of(described)
        return Answer.refusing("AccessDeniedException")

    with answering(only_the_pool) as url:
        pool.account.environ = {**pool.account.environ, "AWS_ENDPOINT_URL": url}
        ran = doctor(pool.account, "--format", "json")

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


def test_one_client_can_be_examined_alone(pool: Pool) -> None:
    ids = pool.environ(**ORG).client(ClientName="lax", WriteAttributes=["custom:org_id"]).clients()

    ran = doctor(pool.account, "--client-id", ids["web"])
    assert (ran.out.count("sound"), ran.exit_code) == (0, 0)
    assert f"looked at: the app client {ids['web']}, the pool, " in ran.out
    assert codes(pool.account, "--client-id", ids["lax"]) == {("writable-attribute", "error")}


def test_no_settings_value_is_told(pool: Pool) -> None:
    pool.environ(
        COGNITO_CLAIMS_PLUGINS="fauna,hasura,surrealdb",
        FAUNA_ENDPOINT=f"https://{HIDDEN}.example.com",
        FAUNA_SECRET=HIDDEN,
        HASURA_TOKENS=HIDDEN,
        SURREALDB_NAMESPACE=HIDDEN,
    )

    ran = doctor(pool.account)

    assert ran.exit_code == 1
    assert "FAUNA_SECRET is the secret itself" in ran.out
    assert HIDDEN not in ran.out + ran.err
    assert HIDDEN not in repr(read(pool.account).functions)


def test_a_pool_that_is_not_there_is_told_in_one_line(account: Account) -> None:
    account.pool_id = "eu-west-1_Nowhere"

    ran = doctor(account)

    assert (ran.exit_code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith("cognito-claims: eu-west-1_Nowhere: ResourceNotFoundException")
