"""API Gateway: which tokens an authorizer with scopes takes; AWS's own verifier agrees."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from jwt.algorithms import RSAAlgorithm

from cognito_claims.contract import apigateway
from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.testing import recorded
from cognito_claims.tools.evaluation.preview import preview
from tests.command import run
from tests.stand_ins.tokens import CLIENT, ISSUER, KEY, MALLORY, OTHER_KEY, POOL, claims, signed

VERIFIER = Path(__file__).parent / "verifier"
SWITCH = "NPM_ENGINES"
SCOPES = frozenset(("orders/read", "orders/write"))
ENVIRON = {
    "COGNITO_CLAIMS_PLUGINS": "mapper",
    "MAPPER_RULES": json.dumps(
        {"backends": ["apigateway"], "scopes": {"orders/write": {"groups": ["editors"]}}}
    ),
}
NOW = int(time.time())
CASES: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "one of the scopes": ({"scope": "openid orders/write"}, None, MALLORY),
    "both": ({"scope": "orders/read orders/write"}, None, MALLORY),
    "no scope of ours": ({"scope": "openid"}, "not-given", "JwtInvalidScopeError"),
    "a part of a scope": ({"scope": "orders/writers"}, "not-given", "JwtInvalidScopeError"),
    "in other letters": ({"scope": "Orders/write"}, "not-given", "JwtInvalidScopeError"),
    "no scope": ({}, "no-scope-at-all", "JwtInvalidScopeError"),
    "another client": (
        {"scope": "orders/write", "client_id": "other"},
        "wrong-client",
        "CognitoJwtInvalidClientIdError",
    ),
    "an ID token": (
        {"token_use": "id", "client_id": None, "aud": CLIENT},
        "no-scope-at-all",
        "JwtInvalidScopeError",
    ),
    "expired": ({"scope": "orders/write", "exp": NOW - 1}, "expired", "JwtExpiredError"),
    "another pool": (
        {"scope": "orders/write", "iss": ISSUER + "x"},
        "wrong-issuer",
        "ParameterValidationError",
    ),
    "not valid yet": (
        {"scope": "orders/write", "nbf": NOW + 600},
        "not-yet-valid",
        "JwtNotBeforeError",
    ),
}


def authorized(token: dict[str, Any], *client_ids: str) -> dict[str, Any]:
    clients = client_ids or (CLIENT,)
    return apigateway.authorize(token, issuer=ISSUER, client_ids=clients, scopes=SCOPES)


@pytest.mark.parametrize(("changed", "code", "_"), CASES.values(), ids=CASES)
def test_any_one_scope_of_the_rules_is_enough_and_nothing_else_is(
    changed: dict[str, Any], code: str | None, _: str
) -> None:
    try:
        answer = str(authorized(claims(MALLORY, **changed))["sub"])
    except BackendRefusal as refused:
        answer = refused.code

    assert answer == (code or MALLORY)
    assert code is None or code in apigateway.SOURCES


def test_a_bound_audience_counts_in_place_of_the_client() -> None:
    bound = claims(MALLORY, scope="orders/read", aud="https://api.example.com")

    assert authorized(bound, "https://api.example.com")["scopes"] == ["orders/read"]
    with pytest.raises(BackendRefusal, match="wrong-client"):
        authorized(bound)


def _verified(requests: list[dict[str, Any]]) -> list[str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip("aws-jwt-verify runs in Node: install Node 20 or later")
    with (VERIFIER / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (VERIFIER / "node_modules").exists():
            if os.environ.get(SWITCH) != "1":
                pytest.skip(f"aws-jwt-verify is not installed: {SWITCH}=1 python -m pytest")
            install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(install, cwd=VERIFIER, check=True, capture_output=True, timeout=100)
    key = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "1", "alg": "RS256"}
    content = {"userPoolId": POOL, "clientId": CLIENT, "jwks": {"keys": [key | {"use": "sig"}]}}
    asked = json.dumps({**content, "requests": requests})
    command = [node, str(VERIFIER / "verify.mjs")]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    answers: list[str] = json.loads(done.stdout)
    return answers


def test_the_verifier_of_aws_says_the_same() -> None:
    ask = {"tokenUse": "access", "scope": sorted(SCOPES)}
    requests: list[dict[str, Any]] = [
        {"token": signed(claims(MALLORY, **changed)), **ask} for changed, _, _ in CASES.values()
    ]
    head, _, signature = signed(claims(MALLORY, scope="orders/write")).split(".")
    other = signed(claims(scope="orders/write", sub="another")).split(".")[1]
    scoped = claims(scope="orders/write")
    forged = [
        signed(scoped, OTHER_KEY),
        f"{head}.{other}.{signature}",
        signed(scoped, None, algorithm="none"),
        signed(scoped, "x" * 32, algorithm="HS256"),
    ]
    requests += [{"token": token, **ask} for token in forged]

    answers = _verified(requests)

    assert dict(zip(CASES, answers, strict=False)) == {
        name: answer for name, (_, _, answer) in CASES.items()
    }
    assert answers[len(CASES) :] == [
        "JwtInvalidSignatureError",
        "JwtInvalidSignatureError",
        "JwtParseError",
        "JwtInvalidSignatureAlgorithmError",
    ]


def test_setup_prints_an_authorizer_and_a_route_for_each_scope() -> None:
    pool = ("--user-pool-id", "cn-north-1_AbCdEfGhI", "--client-id", "abc", "--client-id", "def")
    printed = run("setup", "apigateway", *pool, "--format", "json", environ=ENVIRON).content
    rest, http, stack = (json.loads(text) for text in printed["parts"].values())
    issuer = "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_AbCdEfGhI"

    scheme = rest["components"]["securitySchemes"]["cognito"]
    assert scheme["x-amazon-apigateway-authorizer"]["providerARNs"] == [
        "arn:aws-cn:cognito-idp:cn-north-1:FILL_IN: the account's id:userpool/cn-north-1_AbCdEfGhI"
    ]
    method = rest["paths"]["/orders/write"]["x-amazon-apigateway-any-method"]
    assert method["security"] == [{"cognito": ["orders/write"]}]
    scheme = http["components"]["securitySchemes"]["jwt"]
    assert scheme["x-amazon-apigateway-authorizer"]["jwtConfiguration"] == {
        "issuer": issuer,
        "audience": ["abc", "def"],
    }
    resources = stack["Resources"]
    assert resources["Route1"]["Properties"]["AuthorizationScopes"] == ["orders/write"]
    assert resources["HttpAuthorizer"]["Properties"]["JwtConfiguration"]["Issuer"] == issuer


@pytest.mark.parametrize(("group", "level"), [("editors", None), ("viewers", "warning")])
def test_a_user_without_the_group_is_refused_as_the_rules_say(
    group: str, level: str | None
) -> None:
    event = recorded("pretoken_v2_Authentication")
    event["request"]["groupConfiguration"]["groupsToOverride"] = [group]
    shown = preview(event, ENVIRON)

    levels = [each.level for each in shown.findings if each.code == "apigateway-refused"]
    assert levels == ([] if level is None else [level])
    assert shown.verdicts["apigateway"]["accepted"] is (level is None)
