"""Events and answers that people posted, through `preview`, the contract and what `setup` prints."""

import json
import time
from typing import Any

from cognito_claims import Claims
from cognito_claims.contract import hasura
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.handlers import pre_token_generation
from cognito_claims.testing import recorded
from cognito_claims.tools.evaluation.preview import Pool, preview
from tests.command import run

POOL = "us-east-1_Ab1Cd2Ef3"
HASURA = {"COGNITO_CLAIMS_PLUGINS": "hasura"}
NAMESPACE = "https://hasura.io/jwt/claims"


def posted(**request: Any) -> dict[str, Any]:
    event = recorded("pretoken_v1_Authentication")
    return event | {"request": event["request"] | request}


def test_the_printed_hasura_takes_a_token_of_the_updated_issuer_and_the_original_one_does_not() -> (
    None
):
    event = recorded("pretoken_v2_Authentication")
    shown = preview(event, HASURA, Pool("updated"))
    assert shown.id_token
    client = ("--client-id", event["callerContext"]["clientId"])
    command = ("setup", "hasura", "--user-pool-id", POOL, *client, "--part", "jwt-secret")

    updated = run(*command, "--issuer-type", "updated", environ=HASURA).content
    original = run(*command, environ=HASURA).content

    token = {**shown.id_token.after, "exp": int(time.time()) + 300}
    assert hasura.session(token, updated)["x-hasura-user-id"] == token["sub"]
    assert updated["issuer"] == token["iss"] != original["issuer"]


def test_groups_may_be_the_scopes_of_a_v1_id_token() -> None:
    def scopes(event: PreTokenGenerationEvent) -> Claims:
        names = " ".join(f"{group}-{event.client_id}" for group in event.groups)
        return Claims.adding({"scope": names})

    event = posted()
    tokens = issue_tokens(event, pre_token_generation(scopes=scopes)(event, None))

    assert tokens.id_token
    client = event["callerContext"]["clientId"]
    assert tokens.id_token["scope"] == f"admins-{client} editors-{client}"


def test_a_handler_that_adds_to_the_requests_own_groups_gets_its_tokens_and_a_warning() -> None:
    event = posted()
    groups = {
        "groupsToOverride": [*event["request"]["groupConfiguration"]["groupsToOverride"], "b"]
    }
    returned = posted(groupConfiguration=event["request"]["groupConfiguration"] | groups)
    returned["response"] = {"claimsOverrideDetails": {"groupOverrideDetails": groups}}

    tokens = issue_tokens(event, returned)

    assert tokens.id_token
    assert tokens.id_token["cognito:groups"] == groups["groupsToOverride"]
    assert {(found.code, found.level) for found in tokens.findings} == {
        ("event-changed", "warning")
    }


def test_a_v1_event_with_scopes_is_answered_with_its_own_key() -> None:
    shown = preview(posted(scopes=["openid", "email", "profile"]), HASURA)

    assert shown.response
    assert list(shown.response) == ["claimsOverrideDetails"]
    assert NAMESPACE in shown.response["claimsOverrideDetails"]["claimsToAddOrOverride"]


def test_identities_are_the_texts_of_a_real_token() -> None:
    event = posted()
    identity = {"userId": "AD\\someone", "providerName": "ADFS", "providerType": "SAML"}
    stored = identity | {"issuer": None, "primary": True, "dateCreated": 1614866385549}
    event["request"]["userAttributes"]["identities"] = json.dumps([stored])

    shown = preview(event, HASURA)

    assert shown.id_token
    told = shown.id_token.before["identities"]
    assert told == [stored | {"primary": "true", "dateCreated": "1614866385549"}]


def test_an_emulators_user_without_email_or_groups_is_previewed() -> None:
    event = posted(
        userAttributes={"cognito:user_status": "CONFIRMED", "sub": "0902798e-0000"},
        groupConfiguration={
            "groupsToOverride": [],
            "iamRolesToOverride": [],
            "preferredRole": None,
        },
    )

    shown = preview(event | {"version": "$LATEST"}, HASURA)

    assert shown.verdicts["hasura"]["session"]["x-hasura-user-id"] == "0902798e-0000"
    assert [(found.code, found.level) for found in shown.findings] == [("emulator", "warning")]
