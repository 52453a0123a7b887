"""The judges that are tables of rules: AWS STS, AppSync, Bedrock AgentCore."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from cognito_claims.contract import agentcore, appsync, sts
from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.jwt_rules import Source
from cognito_claims.testing import recorded
from cognito_claims.tools.evaluation.preview import preview
from tests.command import run
from tests.stand_ins.tokens import CLIENT, ISSUER, MALLORY, claims

Ask = Callable[[Mapping[str, Any]], dict[str, Any]]
TAGS = "https://aws.amazon.com/tags"
POOL = ("--user-pool-id", "eu-central-1_AbCdEfGhI", "--client-id", "abc", "--client-id", "d_f")


def tags(**more: Any) -> dict[str, Any]:
    return {TAGS: {"principal_tags": {"tenant": ["acme"]}, **more}}


def tagged(**values: Any) -> dict[str, Any]:
    return {TAGS: {"principal_tags": values}}


def ask_sts(token: Mapping[str, Any]) -> dict[str, Any]:
    return sts.session_tags(token, issuer=ISSUER, client_ids=(CLIENT,), required={"tenant"})


def ask_appsync(token: Mapping[str, Any]) -> dict[str, Any]:
    named = {"tenant_id", "roles"}
    return appsync.identity(token, issuer=ISSUER, client_pattern=f"^({CLIENT})$", claims=named)


def compared(name: str, kind: str, **value: Any) -> dict[str, Any]:
    operator = "EQUALS" if kind == "STRING" else "CONTAINS_ANY"
    matched = {"claimMatchValue": value, "claimMatchOperator": operator}
    return {
        "inboundTokenClaimName": name,
        "inboundTokenClaimValueType": kind,
        "authorizingClaimMatchValue": matched,
    }


AUTHORIZER = {
    "discoveryUrl": f"{ISSUER}/.well-known/openid-configuration",
    "allowedClients": [CLIENT],
    "allowedScopes": ["agent/invoke"],
    "customClaims": [
        compared("roles", "STRING_ARRAY", matchValueStringList=["editor", "admin"]),
        compared("plan", "STRING", matchValueString="pro"),
    ],
}
AGENT = {"roles": ["editor"], "plan": "pro", "scope": "openid agent/invoke"}


def ask_agentcore(token: Mapping[str, Any]) -> dict[str, Any]:
    return agentcore.authorize({**AGENT, **token}, AUTHORIZER)


ACCEPTED: list[tuple[Ask, str, dict[str, Any], dict[str, Any]]] = [
    (ask_sts, "id", tags(), {"tags": {"tenant": "acme"}}),
    (ask_sts, "id", {f"{TAGS}/principal_tags/tenant": "acme"}, {"tags": {"tenant": "acme"}}),
    (
        ask_sts,
        "id",
        {**tags(transitive_tag_keys=["tenant"]), "https://aws.amazon.com/source_identity": "a@b.c"},
        {
            "tags": {"tenant": "acme"},
            "transitive_tag_keys": ["tenant"],
            "source_identity": "a@b.c",
        },
    ),
    (
        ask_appsync,
        "access",
        {"tenant_id": "acme", "roles": '["editor"]', "cognito:groups": ["a"]},
        {"cognito:groups": ["a"], "tenant_id": "acme", "roles": ["editor"]},
    ),
    (ask_appsync, "id", {"roles": ["editor"]}, {"cognito:groups": [], "roles": ["editor"]}),
    (
        ask_agentcore,
        "access",
        {},
        {"client_id": CLIENT, "scopes": ["agent/invoke"], "roles": ["editor"], "plan": "pro"},
    ),
]


@pytest.mark.parametrize(("ask", "kind", "made", "session"), ACCEPTED)
def test_a_member_is_accepted_as_that_member(
    ask: Ask, kind: str, made: dict[str, Any], session: dict[str, Any]
) -> None:
    assert ask(claims(MALLORY, kind, **made)) == {"sub": MALLORY, **session}


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"iss": ISSUER + "x"}, "wrong-issuer"),
    ({"iss": None}, "wrong-issuer"),
    ({"exp": 1}, "expired"),
    ({"exp": None}, "no-exp"),
    ({"exp": "9999999999"}, "no-exp"),
    ({"exp": True}, "no-exp"),
    ({"nbf": 9999999999}, "not-yet-valid"),
    ({"iat": "now"}, "not-yet-valid"),
]
REFUSED: dict[Ask, list[tuple[dict[str, Any], str]]] = {
    ask_sts: [
        *[({**tags(), **changed}, code) for changed, code in OTHERS],
        ({**tags(), "aud": "another"}, "wrong-client"),
        ({**tags(), "aud": [CLIENT]}, "wrong-client"),
        ({**tags(), "aud": None, "client_id": CLIENT}, "no-aud"),
        ({}, "not-given"),
        (tagged(tenant=[""]), "not-given"),
        (tagged(other=["acme"]), "not-given"),
        ({TAGS: json.dumps(tags()[TAGS])}, "tags-not-object"),
        ({TAGS: {"principal_tags": "acme"}}, "tags-not-object"),
        (tagged(tenant="acme"), "tag-not-one-text"),
        (tagged(tenant=[]), "tag-not-one-text"),
        (tagged(tenant=["acme", "other"]), "tag-not-one-text"),
        (tagged(tenant=[1]), "tag-not-one-text"),
        ({f"{TAGS}/principal_tags/tenant": ["acme"]}, "tag-not-one-text"),
        ({**tags(), f"{TAGS}/principal_tags/tenant": "other"}, "two-shapes"),
        (tagged(tenant=["acme"], Tenant=["other"]), "tag-name"),
        (tagged(tenant=["acme"], **{"AWS:x": ["y"]}), "tag-name"),
        (tagged(tenant=["acme"], **{"a*": ["y"]}), "tag-name"),
        (tagged(tenant=["acme"], **{"a" * 129: ["y"]}), "tag-name"),
        (tagged(tenant=["*"]), "tag-value"),
        (tagged(tenant=["a" * 257]), "tag-value"),
        (tagged(tenant=["a"], **{f"t{n}": ["x"] for n in range(50)}), "too-many-tags"),
        (tags(transitive_tag_keys=["other"]), "transitive"),
        (tags(transitive_tag_keys="tenant"), "transitive"),
        (tags(transitive_tag_keys=[["tenant"]]), "transitive"),
        ({**tags(), "https://aws.amazon.com/source_identity": "a b"}, "source-identity"),
    ],
    ask_appsync: [
        *[({"tenant_id": "acme", **changed}, code) for changed, code in OTHERS],
        ({"tenant_id": "acme", "aud": f"x{CLIENT}"}, "wrong-client"),
        ({"tenant_id": "acme", "aud": None}, "wrong-client"),
        ({"tenant_id": "acme", "aud": [CLIENT]}, "wrong-client"),
        ({}, "not-given"),
        ({"tenant": "acme"}, "not-given"),
        ({"roles": "[editor, admin]"}, "one-group"),
        ({"roles": "[1]"}, "not-a-claim-for-rules"),
        ({"roles": {"editor": True}}, "not-a-claim-for-rules"),
        ({"roles": ["editor", 1]}, "not-a-claim-for-rules"),
        ({"tenant_id": 7}, "not-a-claim-for-rules"),
    ],
    ask_agentcore: [
        *OTHERS,
        ({"client_id": "another"}, "wrong-client"),
        ({"client_id": None}, "wrong-client"),
        ({"token_use": "id", "client_id": None, "aud": CLIENT}, "wrong-client"),
        ({"scope": "openid"}, "not-given"),
        ({"scope": "agent/invoke-all"}, "not-given"),
        ({"roles": ["viewer"]}, "not-given"),
        ({"roles": []}, "not-given"),
        ({"roles": [["editor"]]}, "not-given"),
        ({"roles": '["editor"]'}, "claim-type"),
        ({"plan": "Pro"}, "not-given"),
        ({"plan": ["pro"]}, "claim-type"),
        ({"plan": True}, "claim-type"),
    ],
}


@pytest.mark.parametrize(
    ("ask", "changed", "code"),
    [(ask, changed, code) for ask, cases in REFUSED.items() for changed, code in cases],
)
def test_any_other_token_is_refused(ask: Ask, changed: dict[str, Any], code: str) -> None:
    token = claims(MALLORY, "access" if ask is ask_agentcore else "id", **changed)
    with pytest.raises(BackendRefusal) as refused:
        ask(token)

    assert refused.value.code == code


def test_a_claim_that_is_absent_matches_nothing() -> None:
    with pytest.raises(BackendRefusal, match="not-given"):
        agentcore.authorize(claims(MALLORY, scope="agent/invoke"), AUTHORIZER)


@pytest.mark.parametrize(
    "rule",
    [
        compared("https://example.com/roles", "STRING", matchValueString="pro"),
        compared("roles", "STRING_ARRAY", matchValueStringList=["editor", "tenant:a"]),
    ],
)
def test_what_agentcore_can_never_compare_is_told_of(rule: dict[str, Any]) -> None:
    with pytest.raises(BackendRefusal, match="unmatchable"):
        agentcore.authorize(claims(), {**AUTHORIZER, "customClaims": [rule]})


@pytest.mark.parametrize("module", [sts, appsync, agentcore])
def test_every_refusal_has_a_source(module: Any) -> None:
    text = Path(module.__file__).read_text()
    sources: dict[str, Source] = module.SOURCES
    raised = {*re.findall(r'BackendRefusal\(\s*"([a-z-]+)"', text), "accepted", "not-given"}

    assert sources.keys() == raised | {"no-exp", "expired", "not-yet-valid", "wrong-issuer"}
    assert str(sources["accepted"]).startswith("a table of rules, not the backend itself; ")


# From the rules to the verdict and the other end

STS_RULES = {
    "object": {"principal_tags": {"object": {"tenant": {"constant": ["acme"]}}}},
    "to": ["id"],
}
ROLES = {"from": "cognito:groups", "values": {"editors": "editor"}, "to": ["id", "access"]}
DOCUMENT = {
    "backends": ["sts", "appsync", "agentcore"],
    "claims": {
        TAGS: STS_RULES,
        "roles": ROLES,
        "tenant_id": {"from": "custom:tenant_id", "to": ["id", "access"]},
    },
    "scopes": {"agent/invoke": {"groups": ["editors"]}},
}
ENVIRON = {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": json.dumps(DOCUMENT)}


def printed(name: str) -> dict[str, str]:
    ran = run("setup", name, *POOL, "--format", "json", environ=ENVIRON)
    parts: dict[str, str] = ran.content["parts"]
    return parts


def test_the_rules_give_each_its_claims_and_preview_says_so() -> None:
    event = recorded("pretoken_v2_Authentication")
    event["request"]["groupConfiguration"]["groupsToOverride"] = ["editors"]
    verdicts = preview(event, ENVIRON).verdicts

    assert {name: verdict.get("code") for name, verdict in verdicts.items()} == {
        "sts": None,
        "appsync": None,
        "agentcore": None,
    }
    assert verdicts["sts"]["session"]["tags"] == {"tenant": "acme"}
    assert verdicts["appsync"]["session"]["roles"] == ["editor"]
    assert verdicts["agentcore"]["session"]["scopes"] == ["agent/invoke"]
    assert [note.partition(":")[0] for note in verdicts["agentcore"]["notes"]] == ["tenant_id"]


def test_a_user_whom_the_rules_give_nothing_is_refused_without_an_error() -> None:
    event = recorded("pretoken_v2_Authentication")
    event["request"]["groupConfiguration"]["groupsToOverride"] = []
    shown = preview(event, ENVIRON)

    assert shown.verdicts["agentcore"]["code"] == "not-given"
    assert [f.level for f in shown.findings if f.code == "agentcore-refused"] == ["warning"]


def test_sts_gets_a_provider_a_trust_policy_and_a_policy() -> None:
    parts = {name: json.loads(text) for name, text in printed("sts").items()}
    host = "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI"
    (statement,) = parts["trust-policy"]["Statement"]

    assert parts["provider"]["Properties"] == {
        "Url": f"https://{host}",
        "ClientIdList": ["abc", "d_f"],
    }
    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
    assert statement["Condition"] == {
        "StringEquals": {f"{host}:aud": ["abc", "d_f"]},
        "StringLike": {"aws:RequestTag/tenant": "?*"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["tenant"]},
    }
    assert parts["policy"]["Statement"][0]["Resource"].endswith("/${aws:PrincipalTag/tenant}/*")


def test_appsync_gets_the_pool_and_rules_for_owners_and_groups() -> None:
    parts = printed("appsync")

    assert json.loads(parts["api"]) == {
        "userPoolId": "eu-central-1_AbCdEfGhI",
        "awsRegion": "eu-central-1",
        "defaultAction": "DENY",
        "appIdClientRegex": "^(abc|d_f)$",
    }
    rules = [line.strip() for line in parts["graphql"].splitlines() if "allow:" in line]
    assert rules == [
        '{allow: owner, ownerField: "owner_tenant_id", identityClaim: "tenant_id"}',
        '{allow: groups, groupClaim: "roles", groups: ["editor"]}',
    ]
    assert 'allow.groups(["editor"]).withClaimIn("roles"),' in parts["typescript"]


def test_agentcore_gets_an_authorizer_that_the_service_takes() -> None:
    parts = printed("agentcore")
    given = json.loads(parts["authorizer"])
    client = boto3.Session().client(
        "bedrock-agentcore-control",
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    shape = client.meta.service_model.shape_for("AuthorizerConfiguration")

    assert ParamValidator().validate(given, shape).generate_report() == ""
    assert given["customJWTAuthorizer"]["customClaims"] == [
        compared("roles", "STRING_ARRAY", matchValueStringList=["editor"])
    ]
    assert json.loads(parts["mcp-metadata"])["scopes_supported"] == ["agent/invoke"]


@pytest.mark.parametrize("name", ["sts", "appsync", "agentcore", "apigateway"])
def test_rules_that_make_nothing_for_it_have_no_other_end(name: str) -> None:
    unfit = {"from": "cognito:groups", "values": {"g": "d/e"}, "to": ["access"]}
    rules = {} if name == "appsync" else {"claims": {"a:b/c": unfit}}
    environ = {**ENVIRON, "MAPPER_RULES": json.dumps(rules)}
    told = run("setup", name, *POOL, environ=environ, exit_code=2).err

    assert told.startswith(("cognito-claims: claims", "cognito-claims: scopes"))
