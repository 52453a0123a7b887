"""`preview` of what an event does not tell, and of events that Cognito would never send."""

import json
from typing import Any, Literal

import pytest

from cognito_claims.contract.cognito import Tokens, issue_tokens
from cognito_claims.contract.issuer import Issuer
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.plugin import mark
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.testing import recorded
from cognito_claims.tools.evaluation.emulators import as_cognito_would_send
from cognito_claims.tools.evaluation.preview import Pool, Preview, preview
from cognito_claims.tools.evaluation.verdicts import verdicts
from cognito_claims.tools.findings import Finding
from tests.command import run

HASURA = {"COGNITO_CLAIMS_PLUGINS": "hasura"}
BOTH = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura",
    "SURREALDB_NAMESPACE": "test",
    "SURREALDB_DATABASE": "test",
    "SURREALDB_ACCESS": "user",
}
V1_KEY, V2_KEY = "claimsOverrideDetails", "claimsAndScopeOverrideDetails"
CLIENT = "1example23456789abcdefghij"
UPDATED = "https://issuer-cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab1Cd2Ef3"


def an_event(**changes: Any) -> dict[str, Any]:
    return recorded("pretoken_v2_Authentication") | changes


def a_hosted_event(*scopes: str) -> dict[str, Any]:
    event = recorded("pretoken_v2_HostedAuth")
    return event | {"request": event["request"] | {"scopes": [*scopes]}}


def id_token(shown: Preview) -> dict[str, Any]:
    assert shown.id_token is not None
    return shown.id_token.after


# The pool, its app client, and the backends


def test_the_pools_issuer_is_in_the_tokens_and_the_backends_take_it() -> None:
    shown = preview(an_event(), BOTH, Pool("updated"))

    assert id_token(shown)["iss"] == UPDATED
    assert {verdict["accepted"] for verdict in shown.verdicts.values()} == {True}


def test_an_app_client_has_the_attributes_that_it_may_read() -> None:
    token = id_token(preview(an_event(), HASURA, Pool(read_attributes=["email"])))

    assert "email" in token
    assert not {"email_verified", "custom:tenant_id"} & token.keys()


@pytest.mark.parametrize(
    ("client_ids", "accepted"),
    [((), True), ((CLIENT,), True), (("other", CLIENT), True), (("other",), False)],
)
def test_the_backends_take_tokens_of_the_app_clients_that_are_named(
    client_ids: tuple[str, ...], *, accepted: bool
) -> None:
    shown = preview(an_event(), BOTH, Pool(client_ids=client_ids))

    assert {name: each["accepted"] for name, each in shown.verdicts.items()} == {
        "surrealdb": accepted,
        "hasura": accepted,
    }


def test_the_command_takes_what_no_event_tells() -> None:
    options = ("--issuer-type", "updated", "--read-attribute", "email", "--read-attribute", "name")
    clients = ("--client-id", "other", "--client-id", CLIENT)
    event = ("preview", "pretoken_v2_Authentication", "--format", "json")

    shown = run(*event, *options, *clients, environ=HASURA).content

    token = shown["id_token"]["before"]
    assert (token["iss"], "custom:tenant_id" in token) == (UPDATED, False)
    assert shown["verdicts"]["hasura"]["accepted"]


def test_an_option_of_one_value_is_not_given_twice() -> None:
    said = run(
        *("preview", "pretoken_v2_Authentication", "--env-file", "a", "--env-file", "b"),
        environ={},
        exit_code=2,
    )

    assert said.err == "cognito-claims: --env-file: given twice, and takes one value\n"


def test_a_flag_may_be_given_twice() -> None:
    twice = ("--overwrite", "--overwrite", "--part", "2.x", "--user-pool-id", "eu-west-1_A")

    run("setup", "surrealdb", *twice, "--client-id", "web", environ=BOTH)


def test_without_openid_there_is_no_id_token_to_be_taken_and_nobody_is_to_blame() -> None:
    shown = preview(a_hosted_event("profile"), HASURA)

    assert shown.id_token is None
    assert shown.access_token is not None
    assert [(finding.code, finding.level) for finding in shown.findings] == [
        ("no-id-token", "warning")
    ]
    assert shown.verdicts["hasura"]["code"] == "no-id-token"


# Which engine of Hasura judges


@pytest.mark.parametrize("engine", ["v2", "v3"])
def test_the_verdict_names_the_engine_that_judged(engine: Literal["v2", "v3"]) -> None:
    event = PreTokenGenerationEvent.from_json(an_event())
    plugin = HasuraClaims(engine=engine)
    # The same role twice: v3 refuses that, and v2 does not mind.
    roles = {"x-hasura-allowed-roles": ["user", "user"], "x-hasura-default-role": "user"}
    token = {
        **(issue_tokens(an_event(), an_event()).id_token or {}),
        plugin.claims_namespace: json.dumps(roles),
    }
    issuer = Issuer.of_pool(event.user_pool_id, event.region, event.client_id)

    [verdict] = verdicts({"hasura": mark(plugin)}, event, Tokens(token, {}), issuer).values()

    assert (verdict["engine"], verdict["accepted"]) == (engine, engine == "v2")


# Events of emulators


@pytest.mark.parametrize(
    ("version", "response", "read_as"),
    [
        ("$LATEST", {V1_KEY: None}, "1"),
        ("0", {}, "1"),
        ("0", None, "1"),
        ("4", {V2_KEY: None}, "2"),
        ("latest", {V1_KEY: None, V2_KEY: None}, "1"),
    ],
)
def test_a_version_that_cognito_never_sends_is_read_by_the_responses_key(
    version: str, response: object, read_as: str
) -> None:
    event = an_event(version=version, response=response)

    read, [fault] = as_cognito_would_send(event)

    assert read == an_event(version=read_as, response=response)
    assert fault.startswith("an emulator's fault: version is none that Cognito sends")
    assert fault.endswith(f"read as V{read_as}_0; the handler refuses such an event")


@pytest.mark.parametrize(("version", "sender"), [("$LATEST", "LocalStack"), ("0", "cognito-local")])
def test_the_emulator_is_named_where_it_is_known(version: str, sender: str) -> None:
    _, [fault] = as_cognito_would_send(an_event(version=version))

    assert f" (as {sender} does)" in fault


def test_a_machines_event_of_an_emulator_is_one_of_v3() -> None:
    event = recorded("pretoken_v3_ClientCredentials")

    assert as_cognito_would_send(event | {"version": "$LATEST"})[0] == event


def test_the_key_of_v1_beside_version_2_is_told() -> None:
    event = an_event(response={V1_KEY: None})

    assert as_cognito_would_send(event) == (
        event,
        [f"an emulator's fault: {V1_KEY} is V1_0's and comes with version 1: read as V1_0"],
    )


@pytest.mark.parametrize(
    "event",
    [None, [], {}, {"version": 7}, an_event(), an_event(version="1", response={V2_KEY: {}})],
)
def test_nothing_is_told_of_other_events(event: Any) -> None:
    assert as_cognito_would_send(event) == (event, [])


def test_an_emulators_event_is_previewed_with_a_warning() -> None:
    event = recorded("pretoken_v1_Authentication")

    shown = preview(event | {"version": "$LATEST"}, HASURA)
    plain = preview(event, HASURA)

    assert shown.findings[0][:2] == Finding("emulator", "warning", "")[:2]
    assert (shown.response, shown.has_errors) == (plain.response, False)
