import copy
import json
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import StrEnum
from importlib.resources import files
from typing import Any, NamedTuple
from unittest.mock import MagicMock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cognito_claims.contract.cognito import Tokens, issue_tokens
from cognito_claims.contract.errors import ContractError, ContractFinding

Json = dict[str, Any]
Place = tuple[str, str]  # a finding's code and path

NOW = 1_700_000_000
CLIENT = "1example23456789abcdefghij"
SUB = "a1b2c3d4-5678-90ab-cdef-111122223333"
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab1Cd2Ef3"
ADMIN_SCOPE = "aws.cognito.signin.user.admin"
V1_KEY = "claimsOverrideDetails"
V2_KEY = "claimsAndScopeOverrideDetails"
ID_CLAIMS = f"response.{V2_KEY}.idTokenGeneration.claimsToAddOrOverride"
ID_SUPPRESSED = f"response.{V2_KEY}.idTokenGeneration.claimsToSuppress"
ACCESS = f"response.{V2_KEY}.accessTokenGeneration"
ACCESS_CLAIMS = f"{ACCESS}.claimsToAddOrOverride"
CONFIGURED = "event.request.groupConfiguration"
GROUPS = f"response.{V2_KEY}.groupOverrideDetails"

ATTRIBUTES = {
    "sub": SUB,
    "cognito:user_status": "CONFIRMED",
    "email_verified": "true",
    "phone_number_verified": "false",
    "email": "jane.doe@example.com",
    "custom:tenant_id": "acme",
}
TWO_GROUPS = {
    "groupsToOverride": ["admins", "editors"],
    "iamRolesToOverride": ["arn:admins", "arn:editors"],
    "preferredRole": "arn:admins",
}
NO_GROUPS: Json = {"groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": None}
ONE_GROUP = {
    "groupsToOverride": ["editors"],
    "iamRolesToOverride": ["arn:editors"],
    "preferredRole": "arn:editors",
}
TIMES = {"auth_time": NOW, "iat": NOW, "exp": NOW + 3600}
ID_TOKEN = {
    "sub": SUB,
    "aud": CLIENT,
    "iss": ISSUER,
    "cognito:username": "jane.doe",
    "token_use": "id",
    "email_verified": True,
    "phone_number_verified": False,
    "email": "jane.doe@example.com",
    "custom:tenant_id": "acme",
    **TIMES,
}
ID_GROUPS = {
    "cognito:groups": ["admins", "editors"],
    "cognito:roles": ["arn:admins", "arn:editors"],
    "cognito:preferred_role": "arn:admins",
}
ACCESS_TOKEN = {
    "sub": SUB,
    "iss": ISSUER,
    "client_id": CLIENT,
    "username": "jane.doe",
    "token_use": "access",
    "scope": "openid email",
    "version": 2,
    **TIMES,
}
ACCESS_GROUPS = {"cognito:groups": ["admins", "editors"]}
MACHINE_TOKEN = {
    "sub": CLIENT,
    "client_id": CLIENT,
    "iss": ISSUER,
    "token_use": "access",
    "scope": "api/read",
    "version": 2,
    **TIMES,
}
CLAIMS_OF_EVERY_KIND: Json = {
    "tenant": "acme",
    "level": 7,
    "beta": False,
    "limits": {"seats": 25, "regions": ["eu", "us"]},
    "mixed": ["a", 1, True],
}
FULL_V1: Json = {
    "claimsToAddOrOverride": {
        "tenant": "acme",
        "https://hasura.io/jwt/claims": '{"x-hasura-default-role":"user"}',
    },
    "claimsToSuppress": ["phone_number_verified"],
    "groupOverrideDetails": ONE_GROUP,
}
FULL_V2: Json = {
    "idTokenGeneration": {
        "claimsToAddOrOverride": CLAIMS_OF_EVERY_KIND | {"family_name": "Doe"},
        "claimsToSuppress": ["email", "phone_number"],
    },
    "accessTokenGeneration": {
        "claimsToAddOrOverride": CLAIMS_OF_EVERY_KIND | {"aud": CLIENT},
        "claimsToSuppress": ["email"],
        "scopesToAdd": ["solar-system-data/asteroids.add"],
        "scopesToSuppress": ["openid"],
    },
    "groupOverrideDetails": ONE_GROUP,
}
FULL_MACHINE: Json = {
    "accessTokenGeneration": {
        "claimsToAddOrOverride": {"environment": "dev", "service": {"name": "ingest", "tier": 2}},
        "scopesToAdd": ["solar-system-data/asteroids.add"],
        "scopesToSuppress": [],
    }
}


def an_event(version: str = "2", *, source: str = "Authentication", **request: Any) -> Json:
    return {
        "version": version,
        "triggerSource": f"TokenGeneration_{source}",
        "region": "us-east-1",
        "userPoolId": "us-east-1_Ab1Cd2Ef3",
        "userName": "jane.doe",
        "callerContext": {"awsSdkVersion": "unknown", "clientId": CLIENT},
        "request": {"userAttributes": ATTRIBUTES, "groupConfiguration": TWO_GROUPS, **request},
        "response": {V1_KEY if version == "1" else V2_KEY: None},
    }


def a_v1_event(**request: Any) -> Json:
    return an_event("1", **request)


def a_v2_event(**request: Any) -> Json:
    return an_event("2", **{"scopes": ["openid", "email"], **request})


def a_machine_event() -> Json:
    """As bare as the facts allow: no user name, no attributes, no groups."""
    event = an_event("3", source="ClientCredentials")
    return without(event, "userName") | {"request": {"scopes": ["api/read"]}}


def without(mapping: Json, *names: str) -> Json:
    return {name: value for name, value in mapping.items() if name not in names}


def answered(event: Json, details: object) -> Json:
    return event | {"response": {next(iter(event["response"])): details}}


def changed(event: Json, *path: str | int, to: object) -> Json:
    event = copy.deepcopy(event)
    place: Any = event
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return event


def issued(event: Json, details: object) -> Tokens:
    """The tokens but for the ids, which a test of their own covers."""
    return bare(issue_tokens(event, answered(event, details), now=NOW))


def bare(tokens: Tokens) -> Tokens:
    ids = ("jti", "event_id", "origin_jti")
    id_token, access_token = (token and without(token, *ids) for token in tokens)
    return Tokens(id_token, access_token)


def id_token(event: Json, details: object) -> Json:
    token = issued(event, details).id_token
    assert token is not None
    return token


def access_token(event: Json, details: object) -> Json:
    token = issued(event, details).access_token
    assert token is not None
    return token


def findings(event: Any, returned: object) -> tuple[ContractFinding, ...]:
    with pytest.raises(ContractError) as raised:
        issue_tokens(event, returned)
    return raised.value.findings


def places(event: Any, returned: object) -> list[Place]:
    return [(finding.code, finding.path) for finding in findings(event, returned)]


def refused(event: Json, details: object) -> list[Place]:
    return places(event, answered(event, details))


def adding(claims: object, *, to: str = "id") -> Json:
    return {f"{to}TokenGeneration": {"claimsToAddOrOverride": claims}}


def suppressing(names: object, *, of: str = "id") -> Json:
    return {f"{of}TokenGeneration": {"claimsToSuppress": names}}


def recorded_events() -> dict[str, Json]:
    paths = (files("cognito_claims") / "testing" / "events").iterdir()
    names = sorted(path.name for path in paths)
    return {name: a_recorded_event(name) for name in names if name.startswith("pretoken_")}


def a_recorded_event(name: str) -> Any:
    return json.loads((files("cognito_claims") / "testing" / "events" / name).read_text())


# The tokens without a trigger


def test_a_user_gets_an_id_token_and_an_access_token() -> None:
    event = a_v2_event()
    assert bare(issue_tokens(event, event, now=NOW)) == Tokens(
        ID_TOKEN | ID_GROUPS, ACCESS_TOKEN | ACCESS_GROUPS
    )


def test_a_v1_user_without_scopes_gets_the_scope_of_a_sign_in_without_oauth() -> None:
    event = a_v1_event()
    assert bare(issue_tokens(event, event, now=NOW)) == Tokens(
        ID_TOKEN | ID_GROUPS, ACCESS_TOKEN | ACCESS_GROUPS | {"scope": ADMIN_SCOPE}
    )


def test_a_machine_gets_an_access_token_only() -> None:
    event = a_machine_event()
    assert bare(issue_tokens(event, event, now=NOW)) == Tokens(None, MACHINE_TOKEN)


def test_a_machine_without_scopes_gets_none_of_a_users() -> None:
    event = a_machine_event() | {"request": {}}
    assert bare(issue_tokens(event, event, now=NOW)) == Tokens(
        None, without(MACHINE_TOKEN, "scope")
    )


@pytest.mark.parametrize(
    ("identities", "claim"),
    [
        ('[{"userId":"1","issuer":null}]', [{"userId": "1", "issuer": None}]),
        ("[not json", "[not json"),
        ('{"userId":"1"}', '{"userId":"1"}'),
    ],
)
def test_identities_are_parsed_where_they_are_a_json_array(identities: str, claim: Any) -> None:
    event = a_v2_event(userAttributes=ATTRIBUTES | {"identities": identities})
    assert id_token(event, None) == ID_TOKEN | ID_GROUPS | {"identities": claim}


def test_a_claim_of_cognitos_own_is_never_an_attributes() -> None:
    event = a_v2_event(userAttributes=ATTRIBUTES | {"token_use": "access", "exp": "0"})
    assert id_token(event, None) == ID_TOKEN | ID_GROUPS


@pytest.mark.parametrize("configuration", [None, {}, [], NO_GROUPS, {"groupsToOverride": None}])
def test_no_groups_no_group_claims(configuration: Any) -> None:
    event = a_v2_event(groupConfiguration=configuration)
    assert issued(event, None) == Tokens(ID_TOKEN, ACCESS_TOKEN)


def test_a_request_may_lack_its_group_configuration() -> None:
    event = a_v2_event()
    event["request"] = without(event["request"], "groupConfiguration")
    assert issued(event, None) == Tokens(ID_TOKEN, ACCESS_TOKEN)


@pytest.mark.parametrize(
    ("preferred", "claims"),
    [
        ("arn:a", {"cognito:preferred_role": "arn:a"}),
        (["arn:a"], {"cognito:preferred_role": "arn:a"}),
        ([], {}),
        (None, {}),
    ],
)
def test_a_preferred_role_is_a_string_a_list_or_null(preferred: Any, claims: Json) -> None:
    event = a_v2_event(groupConfiguration={"groupsToOverride": ["g"], "preferredRole": preferred})
    assert id_token(event, None) == ID_TOKEN | {"cognito:groups": ["g"]} | claims


@pytest.mark.parametrize("event", recorded_events().values(), ids=recorded_events())
def test_every_recorded_event_passes_through_untouched(event: Json) -> None:
    before = copy.deepcopy(event)
    tokens = issue_tokens(event, json.loads(json.dumps(event)), now=NOW)
    assert tokens == issue_tokens(event, event, now=NOW)
    assert (tokens.id_token is None) is ("ClientCredentials" in event["triggerSource"])
    assert event == before


@pytest.mark.parametrize("own", [[], None, {}, {V2_KEY: None}, {V2_KEY: {}}, {V2_KEY: []}])
def test_a_response_left_as_it_came_means_the_default_tokens(own: Any) -> None:
    event = a_v2_event() | {"response": own}
    expected = Tokens(ID_TOKEN | ID_GROUPS, ACCESS_TOKEN | ACCESS_GROUPS)
    assert bare(issue_tokens(event, copy.deepcopy(event), now=NOW)) == expected


def test_a_sample_event_without_a_response_may_come_back_as_it_is() -> None:
    event = without(a_v2_event(), "response")
    assert bare(issue_tokens(event, event, now=NOW)).id_token == ID_TOKEN | ID_GROUPS


@pytest.mark.parametrize(
    "details",
    [
        None,
        {},
        {"idTokenGeneration": None, "accessTokenGeneration": None},
        {"idTokenGeneration": {"claimsToAddOrOverride": None, "claimsToSuppress": None}},
        {"accessTokenGeneration": {"scopesToAdd": None, "scopesToSuppress": []}},
    ],
)
def test_null_and_empty_parts_decide_nothing(details: Any) -> None:
    event = a_v2_event() | {"response": {V2_KEY: {"claims": "as it came"}}}
    assert issued(event, details) == Tokens(ID_TOKEN | ID_GROUPS, ACCESS_TOKEN | ACCESS_GROUPS)


def test_one_events_tokens_share_their_session_but_not_their_ids() -> None:
    event = a_v2_event()
    first, second = issue_tokens(event, event, now=NOW)
    assert first is not None
    assert second is not None
    assert first["event_id"] == second["event_id"]
    assert first["origin_jti"] == second["origin_jti"]
    assert len({first["jti"], second["jti"], first["event_id"], first["origin_jti"]}) == 4


def test_ids_follow_from_the_event_and_not_from_the_answer() -> None:
    event, other = a_v2_event(), changed(a_v2_event(), "userName", to="john")
    tokens = [
        issue_tokens(*pair, now=NOW).access_token or {}
        for pair in [(event, event), (event, answered(event, {})), (other, other)]
    ]
    assert tokens[0]["jti"] == tokens[1]["jti"] != tokens[2]["jti"]


def test_ids_do_not_follow_from_the_response_that_an_event_arrives_with() -> None:
    event = a_v2_event()
    other = event | {"response": []}
    assert issue_tokens(event, event, now=NOW) == issue_tokens(other, other, now=NOW)


def test_times_are_whole_seconds_and_now_unless_told() -> None:
    event, before = a_machine_event(), int(time.time())
    token = issue_tokens(event, event).access_token or {}
    told = issue_tokens(event, event, now=NOW + 0.9).access_token or {}
    assert before <= token["iat"] <= time.time()
    assert told["iat"] == NOW
    assert type(told["iat"]) is int


# The answer applied


def test_a_full_v1_response() -> None:
    assert issued(a_v1_event(), FULL_V1) == Tokens(
        without(ID_TOKEN, "phone_number_verified")
        | FULL_V1["claimsToAddOrOverride"]
        | {
            "cognito:groups": ["editors"],
            "cognito:roles": ["arn:editors"],
            "cognito:preferred_role": "arn:editors",
        },
        ACCESS_TOKEN | {"scope": ADMIN_SCOPE, "cognito:groups": ["editors"]},
    )


def test_a_full_v2_response() -> None:
    assert issued(a_v2_event(), FULL_V2) == Tokens(
        without(ID_TOKEN, "email")
        | CLAIMS_OF_EVERY_KIND
        | {
            "family_name": "Doe",
            "cognito:groups": ["editors"],
            "cognito:roles": ["arn:editors"],
            "cognito:preferred_role": "arn:editors",
        },
        ACCESS_TOKEN
        | CLAIMS_OF_EVERY_KIND
        | {
            "aud": CLIENT,
            "scope": "email solar-system-data/asteroids.add",
            "cognito:groups": ["editors"],
        },
    )


def test_a_full_machine_response() -> None:
    added = FULL_MACHINE["accessTokenGeneration"]["claimsToAddOrOverride"]
    scope = {"scope": "api/read solar-system-data/asteroids.add"}
    assert issued(a_machine_event(), FULL_MACHINE) == Tokens(None, MACHINE_TOKEN | added | scope)


@pytest.mark.parametrize("to", ["id", "access"])
def test_suppress_wins_over_add(to: str) -> None:
    section = {"claimsToAddOrOverride": {"plan": "pro"}, "claimsToSuppress": ["plan"]}
    assert issued(a_v2_event(), {f"{to}TokenGeneration": section}) == issued(a_v2_event(), None)


def test_an_added_claim_overrides_an_attribute() -> None:
    details = adding({"email": "x@example.com"})
    assert id_token(a_v2_event(), details) == ID_TOKEN | ID_GROUPS | {"email": "x@example.com"}


@pytest.mark.parametrize(
    ("add", "suppress", "scope"),
    [
        (["api/write"], [], {"scope": "openid email api/write"}),
        (["email"], [], {"scope": "openid email"}),
        ([], ["openid"], {"scope": "email"}),
        ([], ["openid", "email"], {}),
        ([], ["unheard/of"], {"scope": "openid email"}),
    ],
)
def test_scopes_are_added_and_suppressed(add: Any, suppress: Any, scope: Json) -> None:
    details = {"accessTokenGeneration": {"scopesToAdd": add, "scopesToSuppress": suppress}}
    expected = without(ACCESS_TOKEN, "scope") | ACCESS_GROUPS | scope
    assert access_token(a_v2_event(), details) == expected


@pytest.mark.parametrize("override", [None, {}, NO_GROUPS, without(TWO_GROUPS, "groupsToOverride")])
@pytest.mark.parametrize("event", [a_v1_event(), a_v2_event()], ids=["V1", "V2"])
def test_an_empty_group_override_suppresses_groups_and_roles(event: Json, override: Any) -> None:
    tokens = issued(event, {"groupOverrideDetails": override})
    scope = {"scope": ADMIN_SCOPE} if event["version"] == "1" else {}
    assert tokens == Tokens(ID_TOKEN, ACCESS_TOKEN | scope)


def test_a_group_override_replaces_the_roles_it_does_not_name() -> None:
    details = {"groupOverrideDetails": {"groupsToOverride": ["editors"]}}
    override = {"cognito:groups": ["editors"]}
    assert issued(a_v2_event(), details) == Tokens(ID_TOKEN | override, ACCESS_TOKEN | override)


def test_a_copy_of_the_requests_groups_keeps_them_with_all_that_cognito_put_there() -> None:
    own = TWO_GROUPS | {"preferredRole": ["arn:admins"], "fieldOfTomorrow": 1}
    event = a_v2_event(groupConfiguration=own)
    tokens = issued(event, {"groupOverrideDetails": copy.deepcopy(own)})
    assert tokens == Tokens(ID_TOKEN | ID_GROUPS, ACCESS_TOKEN | ACCESS_GROUPS)


def test_suppressing_the_groups_by_name_drops_the_roles_in_that_token_only() -> None:
    tokens = issued(a_v2_event(), suppressing(["cognito:groups"]))
    assert tokens == Tokens(ID_TOKEN, ACCESS_TOKEN | ACCESS_GROUPS)


@pytest.mark.parametrize("name", ["cognito:roles", "cognito:preferred_role"])
def test_a_role_claim_may_be_suppressed_alone(name: str) -> None:
    expected = ID_TOKEN | without(ID_GROUPS, name)
    assert id_token(a_v2_event(), suppressing([name])) == expected


@pytest.mark.parametrize(
    "value",
    ["", "é", 0, -1.5, True, [], ["a", 1, 1.5, False], {}, {"a": [[None, {"b": {}}]]}, ("a", 1)],
)
@pytest.mark.parametrize("to", ["id", "access"])
def test_a_v2_claim_may_be_a_scalar_an_array_of_scalars_or_an_object(to: str, value: Any) -> None:
    tokens = issued(a_v2_event(), adding({"x": value}, to=to))
    token = tokens.id_token if to == "id" else tokens.access_token
    assert token is not None
    assert token["x"] == (list(value) if isinstance(value, tuple) else value)


def test_values_reach_the_token_as_json_sees_them() -> None:
    class Plan(StrEnum):
        PRO = "pro"

    claims = OrderedDict(plan=Plan.PRO, seats=type("Seats", (int,), {})(3))
    token = id_token(a_v2_event(), adding(claims))
    assert [(token[name], type(token[name])) for name in claims] == [("pro", str), (3, int)]


UNDECIDED: list[Any] = [None, [], {}, {V1_KEY: None, V2_KEY: None}]


@pytest.mark.parametrize(
    ("says", "response", "takes"),
    [
        ("1", {V1_KEY: None}, V1_KEY),
        ("2", {V1_KEY: ""}, V1_KEY),
        ("1", {V2_KEY: None}, V2_KEY),
        ("3", {V2_KEY: {}}, V2_KEY),
        *(("1", response, V1_KEY) for response in UNDECIDED),
        *(("2", response, V2_KEY) for response in UNDECIDED),
    ],
)
def test_the_key_that_the_event_came_with_decides_on_its_version_and_scopes_never_do(
    says: str, response: object, takes: str
) -> None:
    event = a_v2_event() | {"version": says, "response": response}
    claims = {"claimsToAddOrOverride": {"level": "7"}}
    details = claims if takes == V1_KEY else {"idTokenGeneration": claims}
    token = issue_tokens(event, event | {"response": {takes: details}}, now=NOW).id_token
    assert bare(Tokens(token, None)).id_token == ID_TOKEN | ID_GROUPS | {"level": "7"}


def test_client_credentials_do_not_come_with_the_key_of_v1() -> None:
    event = a_machine_event() | {"response": {V1_KEY: None}}
    assert places(event, event) == [("event", "event.version")]


def test_unknown_fields_of_an_event_are_accepted() -> None:
    event = a_v2_event(fieldOfTomorrow=[{"a": 1}], clientMetadata={"hint": "x"}) | {"more": None}
    event["callerContext"] = event["callerContext"] | {"more": {"b": 2.0}}
    assert issued(event, None) == issued(a_v2_event(), None)


def test_nothing_is_mutated_and_nothing_shared() -> None:
    event, details = a_v2_event(), adding({"limits": {"regions": ["eu"]}})
    returned = answered(event, details)
    before = copy.deepcopy((event, returned))
    for token in issue_tokens(event, returned):
        for part in [value for value in (token or {}).values() if isinstance(value, list | dict)]:
            part.clear()
    assert (event, returned) == before


def test_the_tokens_share_nothing_with_each_other() -> None:
    shared = {"limits": {"regions": ["eu"]}}
    tokens = issued(a_v2_event(), adding(shared) | adding(shared, to="access"))
    id_claims, access_claims = (token or {} for token in tokens)
    assert id_claims["limits"] is not access_claims["limits"]
    assert id_claims["cognito:groups"] is not access_claims["cognito:groups"]


# What depends on the sign-in, the pool and the app client

STANDARD = {
    "email": "jane.doe@example.com",
    "email_verified": True,
    "phone_number": "+12065551212",
    "phone_number_verified": False,
    "given_name": "Jane",
    "custom:tenant_id": "acme",
}
PROFILE = {"given_name", "custom:tenant_id"}
EMAIL, PHONE = {"email", "email_verified"}, {"phone_number", "phone_number_verified"}


def attributes_of(event: Json, **told: Any) -> set[str]:
    attributes = {name: str(value).lower() for name, value in STANDARD.items()}
    event = changed(event, "request", "userAttributes", to={"sub": SUB, **attributes})
    token = issue_tokens(event, event, **told).id_token or {}
    return token.keys() & STANDARD.keys()


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["openid"], {*STANDARD}),
        (["openid", "api/read", ADMIN_SCOPE], {*STANDARD}),
        (["openid", "email"], EMAIL),
        (["openid", "phone"], PHONE),
        (["openid", "profile"], PROFILE),
        (["openid", "email", "phone", ADMIN_SCOPE], EMAIL | PHONE),
        (None, {*STANDARD}),
        ([], {*STANDARD}),
    ],
)
@pytest.mark.parametrize("source", ["HostedAuth", "RefreshTokens"])
@pytest.mark.parametrize("version", ["1", "2"])
def test_a_hosted_sign_ins_id_token_has_the_attributes_of_its_scopes(
    version: str, source: str, scopes: list[str] | None, expected: set[str]
) -> None:
    assert attributes_of(an_event(version, source=source, scopes=scopes)) == expected


@pytest.mark.parametrize("source", ["Authentication", "RefreshTokens"])
def test_a_sign_in_by_api_has_all_attributes(source: str) -> None:
    assert attributes_of(an_event(source=source, scopes=[ADMIN_SCOPE])) == {*STANDARD}


@pytest.mark.parametrize("version", ["1", "2"])
def test_without_the_scope_openid_a_hosted_sign_in_has_no_id_token(version: str) -> None:
    event = an_event(version, source="HostedAuth", scopes=["profile", "api/read"])
    tokens = issued(event, None)
    scope = {"scope": "profile api/read"}
    assert tokens == Tokens(None, ACCESS_TOKEN | ACCESS_GROUPS | scope)


@pytest.mark.parametrize(
    ("version", "details", "section"),
    [
        ("1", {"claimsToAddOrOverride": {"a": "b"}}, ""),
        ("2", adding({"a": "b"}), ".idTokenGeneration"),
    ],
)
def test_claims_for_an_id_token_that_is_not_issued_are_worth_a_warning(
    version: str, details: Json, section: str
) -> None:
    event = an_event(version, source="HostedAuth", scopes=["profile"])
    tokens = issue_tokens(event, answered(event, details))
    path = f"response.{V1_KEY if version == '1' else V2_KEY}{section}.claimsToAddOrOverride"
    message = "has no effect: without the scope openid a hosted sign-in has no ID token"
    assert tokens.findings == (ContractFinding("no-id-token", path, message, "warning"),)


def test_an_app_client_reads_the_attributes_that_it_may_read() -> None:
    read = ("email", "custom:tenant_id", "unheard_of")
    assert attributes_of(an_event(), read_attributes=read) == {"email", "custom:tenant_id"}
    hosted = an_event(source="HostedAuth", scopes=["openid", "email"])
    assert attributes_of(hosted, read_attributes=read) == {"email"}
    assert attributes_of(an_event(), read_attributes=()) == set()


def test_the_users_identifier_and_identities_are_read_by_every_client() -> None:
    event = changed(a_v2_event(), "request", "userAttributes", "identities", to="[]")
    token = issue_tokens(event, event, read_attributes=()).id_token or {}
    assert (token["sub"], token["identities"]) == (SUB, [])


@pytest.mark.parametrize(
    ("region", "issuer_type", "issuer"),
    [
        ("eu-west-1", "original", "https://cognito-idp.eu-west-1.amazonaws.com/pool"),
        ("eu-west-1", "updated", "https://issuer-cognito-idp.eu-west-1.amazonaws.com/pool"),
        ("cn-north-1", "original", "https://cognito-idp.cn-north-1.amazonaws.com.cn/pool"),
        (
            "eusc-de-east-1",
            "updated",
            "https://issuer-cognito-idp.eusc-de-east-1.amazonaws.eu/pool",
        ),
    ],
)
def test_both_tokens_name_the_pools_issuer(region: str, issuer_type: Any, issuer: str) -> None:
    for event in (a_v2_event(), a_machine_event()):
        event |= {"region": region, "userPoolId": "pool"}
        tokens = issue_tokens(event, event, issuer_type=issuer_type)
        assert {token["iss"] for token in tokens if token} == {issuer}


def test_identities_have_the_types_of_a_posted_token() -> None:
    text = """[{"userId": "AD\\\\someone", "providerName": "ADFS", "issuer": null, "primary": true,
        "dateCreated": 1614866385549}, "odd"]"""
    event = changed(a_v1_event(), "request", "userAttributes", "identities", to=text)
    identity = {"userId": "AD\\someone", "providerName": "ADFS", "issuer": None}
    assert id_token(event, None)["identities"] == [
        identity | {"primary": "true", "dateCreated": "1614866385549"},
        "odd",
    ]


# What is no event


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ([], "event"),
        ("event", "event"),
        (without(a_v2_event(), "version"), "event.version"),
        (a_v2_event() | {"version": 2}, "event.version"),
        (a_v2_event() | {"triggerSource": "PreSignUp_SignUp"}, "event.triggerSource"),
        (a_v2_event() | {"userName": ""}, "event.userName"),
        (a_v2_event() | {"userName": "\ud800"}, "event.userName"),
        (a_v2_event() | {"callerContext": {}}, "event.callerContext.clientId"),
        (a_v2_event() | {"request": None}, "event.request"),
        (a_v2_event(userAttributes=None), "event.request.userAttributes.sub"),
        (a_v2_event(userAttributes={"sub": 1}), "event.request.userAttributes.sub"),
        (a_v2_event(userAttributes={"sub": SUB, "a\n": 1}), 'event.request.userAttributes."a\\n"'),
        (a_v2_event(scopes=["openid", 1]), "event.request.scopes[1]"),
        (a_v2_event(scopes={"openid": 1}), "event.request.scopes"),
        (
            a_v2_event(groupConfiguration={"groupsToOverride": "g"}),
            f"{CONFIGURED}.groupsToOverride",
        ),
        (an_event("1", source="ClientCredentials"), "event.version"),
    ],
)
def test_what_is_no_pre_token_generation_event(event: Any, path: str) -> None:
    assert places(event, event) == [("event", path)]


def test_everything_that_is_wrong_with_an_event_is_said_at_once() -> None:
    event = {"version": "9", "triggerSource": "TokenGeneration_HostedAuth", "request": {}}
    assert places(event, event) == [
        ("event", "event.version"),
        ("event", "event.region"),
        ("event", "event.userPoolId"),
        ("event", "event.callerContext"),
    ]


# What is no answer


@pytest.mark.parametrize("returned", [None, "event", 1, [], {1, 2}, object(), MagicMock(spec=dict)])
def test_an_answer_is_an_object(returned: object) -> None:
    assert places(a_v2_event(), returned) == [("not-an-object", "returned")]


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("version",), "3", "version"),
        (("triggerSource",), None, "triggerSource"),
        (("callerContext", "clientId"), "x", "callerContext.clientId"),
        (("request",), None, "request"),
    ],
)
def test_the_envelope_of_the_event_comes_back_as_it_was_sent(
    path: tuple[str, ...], value: object, named: str
) -> None:
    event = a_v2_event()
    assert places(event, changed(event, *path, to=value)) == [("event-changed", named)]


DROPPED = "Cognito reads the response only, as far as is known, and drops this"


@pytest.mark.parametrize(
    ("path", "value", "named", "what"),
    [
        (("request", "userAttributes", "email"), "x", "request.userAttributes.email", "changed"),
        (("request", "userAttributes", "new"), "x", "request.userAttributes.new", "added"),
        (("request", "scopes"), [], "request.scopes", "changed"),
        (("request", "scopes", 1), "x", "request.scopes[1]", "changed"),
        (("request", "flag"), 1, "request.flag", "changed"),
        (("extra",), None, "extra", "added"),
        (("callerContext", "extra"), {}, "callerContext.extra", "added"),
    ],
)
def test_what_cognito_has_no_reason_to_read_is_worth_a_warning(
    path: tuple[str | int, ...], value: object, named: str, what: str
) -> None:
    event = a_v2_event(flag=True)
    tokens = issue_tokens(event, changed(event, *path, to=value), now=NOW)
    assert bare(tokens) == issued(event, None)
    assert tokens.findings == (
        ContractFinding("event-changed", named, f"was {what}: {DROPPED}", "warning"),
    )


def test_a_part_of_the_request_that_does_not_come_back_is_worth_a_warning() -> None:
    event = a_v2_event()
    returned = event | {"request": without(event["request"], "scopes")}
    assert issue_tokens(event, returned).findings == (
        ContractFinding("event-changed", "request.scopes", f"was left out: {DROPPED}", "warning"),
    )


@pytest.mark.parametrize("path", [("request", "scopes"), ("request", "new"), ("new",)])
@pytest.mark.parametrize("value", [{1, 2}, [float("nan")]])
def test_what_json_cannot_carry_does_not_come_back(path: tuple[str, ...], value: object) -> None:
    [finding] = findings(a_v2_event(), changed(a_v2_event(), *path, to=value))
    assert (finding.code, finding.level) == ("unsupported-value", "error")


def test_a_handler_that_appends_to_the_requests_own_groups_is_warned_and_gets_its_tokens() -> None:
    event = a_v1_event()
    returned = copy.deepcopy(event)
    groups = returned["request"]["groupConfiguration"]["groupsToOverride"]
    groups.append("extra")
    returned["response"] = {V1_KEY: {"groupOverrideDetails": {"groupsToOverride": groups}}}
    tokens = issue_tokens(event, returned)
    assert [(f.code, f.path, f.level) for f in tokens.findings] == [
        ("event-changed", f"{CONFIGURED[6:]}.groupsToOverride", "warning")
    ]
    assert tokens.id_token is not None
    assert tokens.id_token["cognito:groups"] == ["admins", "editors", "extra"]


@pytest.mark.parametrize("event", [a_v1_event(), a_v2_event()])
def test_an_empty_response_is_worth_a_warning_and_means_the_default_tokens(event: Json) -> None:
    tokens = issue_tokens(event, event | {"response": {}}, now=NOW)
    [key] = event["response"]
    message = "is missing: nobody documents that an empty response means the default tokens"
    assert tokens.findings == (
        ContractFinding("missing-key", f"response.{key}", message, "warning"),
    )
    assert bare(tokens) == issued(event, None)


NULLS: Json = {"groupsToOverride": None, "iamRolesToOverride": None, "preferredRole": None}


@pytest.mark.parametrize("event", [a_v1_event(), a_v2_event()])
@pytest.mark.parametrize("override", [None, {}, NULLS])
def test_a_null_that_takes_all_groups_away_is_worth_a_warning(event: Json, override: Any) -> None:
    details = {"groupOverrideDetails": override}
    tokens = issue_tokens(event, answered(event, details), now=NOW)
    [key] = event["response"]
    message = "null takes all groups away: name them, or leave this key out to keep them"
    path = f"response.{key}.groupOverrideDetails"
    assert tokens.findings == (ContractFinding("groups-wiped", path, message, "warning"),)
    assert tokens.id_token is not None
    assert "cognito:groups" not in tokens.id_token


@pytest.mark.parametrize(
    ("event", "override"),
    [
        (a_v2_event(), NO_GROUPS),
        (a_v2_event(groupConfiguration=NO_GROUPS), NULLS),
        (a_v2_event(groupConfiguration=None), None),
        (a_machine_event(), None),
    ],
)
def test_groups_that_are_taken_away_on_purpose_or_that_nobody_has_are_no_news(
    event: Json, override: Any
) -> None:
    returned = answered(event, {"groupOverrideDetails": override})
    assert issue_tokens(event, returned).findings == ()


def test_warnings_come_along_with_errors_and_after_them() -> None:
    event = a_v2_event()
    returned = answered(event, {"nope": 1}) | {"extra": 1}
    assert [(f.code, f.level) for f in findings(event, returned)] == [
        ("unknown-key", "error"),
        ("event-changed", "warning"),
    ]


def test_findings_are_no_third_token() -> None:
    event = a_v2_event()
    id_token, access_token = issue_tokens(event, event | {"extra": 1}, now=NOW)
    assert issue_tokens(event, event, now=NOW) == (id_token, access_token)


def test_a_part_of_the_event_that_does_not_come_back_is_named() -> None:
    event = a_v2_event()
    returned = {"version": "2", "response": {V2_KEY: {}}, 7: 8}
    assert places(event, returned) == [
        ("event-changed", "triggerSource"),
        ("event-changed", "region"),
        ("event-changed", "userPoolId"),
        ("event-changed", "userName"),
        ("event-changed", "callerContext"),
        ("event-changed", "request"),
        ("event-changed", "<a key that is not a string>"),
    ]


@pytest.mark.parametrize(
    ("returned", "got"),
    [
        ({"response": {V2_KEY: {"nope": 1}}}, "its response alone"),
        ({V2_KEY: {}}, "the content of its response"),
        ({"statusCode": 200, "body": ""}, "an object without its keys"),
    ],
)
def test_what_came_back_instead_of_the_event_is_all_that_is_told(returned: Json, got: str) -> None:
    told = ContractFinding("not-the-event", "returned", f"must be the whole event, not {got}")
    assert findings(a_v2_event(), returned) == (told,)


def test_that_the_response_is_missing_comes_before_what_else_has_changed() -> None:
    event = a_v2_event()
    returned = without(event, "response") | {"region": "eu-west-1"}
    assert places(event, returned) == [
        ("missing-response", "response"),
        ("event-changed", "region"),
    ]


def test_a_number_may_come_back_in_another_spelling() -> None:
    event = a_v2_event(flag=1)
    assert issue_tokens(event, a_v2_event(flag=1.0)).id_token is not None


@pytest.mark.parametrize(
    ("event", "response", "expected"),
    [
        (a_v2_event(), None, [("wrong-type", "response")]),
        (a_v2_event(), [], [("wrong-type", "response")]),
        (a_v2_event(), "", [("wrong-type", "response")]),
        (a_v2_event(), {V1_KEY: None}, [("wrong-version-key", f"response.{V1_KEY}")]),
        (a_v1_event(), {V2_KEY: {}}, [("wrong-version-key", f"response.{V2_KEY}")]),
        (a_v2_event(), {V2_KEY: {}, V1_KEY: {}}, [("wrong-version-key", f"response.{V1_KEY}")]),
        (a_v2_event(), {V2_KEY: {}, "more": 1}, [("unknown-key", "response.more")]),
        (a_v2_event(), {V2_KEY: []}, [("wrong-type", f"response.{V2_KEY}")]),
        (
            a_v2_event(),
            {"claimsAndScopesOverrideDetails": {}},
            [
                ("missing-key", f"response.{V2_KEY}"),
                ("unknown-key", "response.claimsAndScopesOverrideDetails"),
            ],
        ),
    ],
)
def test_a_response_holds_the_events_own_key(
    event: Json, response: object, expected: list[Place]
) -> None:
    assert places(event, event | {"response": response}) == expected


def test_a_response_comes_back() -> None:
    event = a_v2_event()
    assert places(event, without(event, "response")) == [("missing-response", "response")]


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"idTokenGeneration": []}, [("wrong-type", f"response.{V2_KEY}.idTokenGeneration")]),
        ({"accessTokenGeneration": "x"}, [("wrong-type", ACCESS)]),
        ({"idToken": {}}, [("unknown-key", f"response.{V2_KEY}.idToken")]),
        ({2: {}}, [("unknown-key", f"response.{V2_KEY}.<a key that is not a string>")]),
        (adding(["x"]), [("wrong-type", ID_CLAIMS)]),
        (adding({7: "x"}), [("wrong-type", f"{ID_CLAIMS}.<a key that is not a string>")]),
        (suppressing("email"), [("wrong-type", ID_SUPPRESSED)]),
        (suppressing({"email"}), [("wrong-type", ID_SUPPRESSED)]),
        (suppressing(["x", None, 1]), [("wrong-type", f"{ID_SUPPRESSED}[{n}]") for n in (1, 2)]),
        (
            {"idTokenGeneration": {"scopesToAdd": ["x"]}},
            [("unknown-key", f"response.{V2_KEY}.idTokenGeneration.scopesToAdd")],
        ),
        ({"accessTokenGeneration": {"scopesToAdd": {}}}, [("wrong-type", f"{ACCESS}.scopesToAdd")]),
        (
            {"accessTokenGeneration": {"scopesToSuppress": [1]}},
            [("wrong-type", f"{ACCESS}.scopesToSuppress[0]")],
        ),
        ({"groupOverrideDetails": []}, [("wrong-type", GROUPS)]),
        (
            {"groupOverrideDetails": {"groupsToOverride": "g", "iamRolesToOverride": [1]}},
            [
                ("wrong-type", f"{GROUPS}.groupsToOverride"),
                ("wrong-type", f"{GROUPS}.iamRolesToOverride[0]"),
            ],
        ),
        (
            {"groupOverrideDetails": {"preferredRole": ["r"], "groups": []}},
            [("wrong-type", f"{GROUPS}.preferredRole"), ("unknown-key", f"{GROUPS}.groups")],
        ),
    ],
)
def test_every_key_is_known_and_every_type_right(details: Json, expected: list[Place]) -> None:
    assert refused(a_v2_event(), details) == expected


@pytest.mark.parametrize("name", ["accessTokenGeneration", "idTokenGeneration", "scopesToAdd"])
def test_v1_has_no_sections_for_the_tokens(name: str) -> None:
    assert refused(a_v1_event(), {name: None}) == [("unknown-key", f"response.{V1_KEY}.{name}")]


@pytest.mark.parametrize("value", [7, 1.5, True, None, ["a"], {"a": 1}, float("nan"), object()])
def test_a_v1_claim_is_a_string(value: object) -> None:
    path = f"response.{V1_KEY}.claimsToAddOrOverride.x"
    assert refused(a_v1_event(), {"claimsToAddOrOverride": {"x": value}}) == [
        ("not-a-string", path)
    ]


class Pair(NamedTuple):
    left: int
    right: int


@pytest.mark.parametrize(
    ("value", "below"),
    [
        (None, ""),
        (float("nan"), ""),
        (float("-inf"), ""),
        (10**400, ""),
        (b"bytes", ""),
        ({1, 2}, ""),
        (Decimal(1), ""),
        (Pair(1, 2), ""),
        ([None], "[0]"),
        (["a", ["b"]], "[1]"),
        (["a", {}], "[1]"),
        ([float("inf")], "[0]"),
        ({"a": float("nan")}, ".a"),
        ({"a": [{"b": [0, object()]}]}, ".a[0].b[1]"),
        ({1: "x"}, ".<a key that is not a string>"),
        ({("a",): {}}, ".<a key that is not a string>"),
    ],
)
@pytest.mark.parametrize("to", ["id", "access"])
def test_what_a_v2_claim_cannot_hold(to: str, value: object, below: str) -> None:
    path = f"{ID_CLAIMS if to == 'id' else ACCESS_CLAIMS}.x{below}"
    assert refused(a_v2_event(), adding({"x": value}, to=to)) == [("unsupported-value", path)]


@pytest.mark.parametrize("value", [[], ["a"], {}, {"a": 1}])
@pytest.mark.parametrize(
    "name", ["phone_number_verified", "email_verified", "updated_at", "address"]
)
def test_some_claims_of_the_id_token_take_no_complex_value(name: str, value: object) -> None:
    place = ("unsupported-value", f"{ID_CLAIMS}.{name}")
    assert refused(a_v2_event(), adding({name: value})) == [place]
    assert access_token(a_v2_event(), adding({name: value}, to="access"))[name] == value


def test_a_simple_value_is_fine_for_them() -> None:
    expected = ID_TOKEN | ID_GROUPS | {"email_verified": False}
    assert id_token(a_v2_event(), adding({"email_verified": False})) == expected


@pytest.mark.parametrize(
    "details",
    [
        adding({"": "x"}),
        adding({"": "x"}, to="access"),
        suppressing([""]),
        suppressing([""], of="access"),
    ],
)
def test_a_claim_has_a_name(details: Json) -> None:
    assert [code for code, _ in refused(a_v2_event(), details)] == ["empty-claim-name"]


IN_BOTH = "acr amr auth_time azp exp iat iss jti nbf nonce origin_jti token_use sub cognito:other"
UNTOUCHABLE = [
    *(("id", name) for name in f"{IN_BOTH} aud at_hash identities cognito:username".split()),
    *(
        ("access", name)
        for name in f"{IN_BOTH} username client_id event_id device_key version scope".split()
    ),
]


@pytest.mark.parametrize(("token", "name"), UNTOUCHABLE)
def test_a_protected_claim_is_neither_added_nor_suppressed(token: str, name: str) -> None:
    section = f"response.{V2_KEY}.{token}TokenGeneration"
    assert refused(a_v2_event(), adding({name: "x"}, to=token)) == [
        ("protected-claim", f"{section}.claimsToAddOrOverride.{name}")
    ]
    assert refused(a_v2_event(), suppressing(["ok", name], of=token)) == [
        ("protected-claim", f"{section}.claimsToSuppress[1]")
    ]


@pytest.mark.parametrize("token", ["id", "access"])
@pytest.mark.parametrize("name", ["cognito:groups", "cognito:roles", "cognito:preferred_role"])
def test_a_group_claim_is_not_added_by_name(token: str, name: str) -> None:
    details = adding({name: ["x"]}, to=token)
    assert [code for code, _ in refused(a_v2_event(), details)] == ["protected-claim"]


def test_a_developer_claim_of_the_id_token_is_only_suppressed() -> None:
    assert refused(a_v2_event(), adding({"dev:x": "y"})) == [
        ("protected-claim", f"{ID_CLAIMS}.dev:x")
    ]
    assert id_token(a_v2_event(), suppressing(["dev:x"])) == ID_TOKEN | ID_GROUPS


def test_a_developer_claim_of_the_access_token_is_free() -> None:
    expected = ACCESS_TOKEN | ACCESS_GROUPS | {"dev:x": "y"}
    assert access_token(a_v2_event(), adding({"dev:x": "y"}, to="access")) == expected


def test_the_other_tokens_protected_claims_are_free() -> None:
    in_id_token = dict.fromkeys(["client_id", "username", "device_key", "version", "scope"], "x")
    in_access_token = dict.fromkeys(["at_hash", "identities"], "x")
    details = adding(in_id_token) | adding(in_access_token, to="access")
    assert issued(a_v2_event(), details) == Tokens(
        ID_TOKEN | ID_GROUPS | in_id_token, ACCESS_TOKEN | ACCESS_GROUPS | in_access_token
    )


@pytest.mark.parametrize("value", ["other-client", [CLIENT], None, 1])
def test_the_access_tokens_audience_is_the_app_client_or_nothing(value: object) -> None:
    place = ("protected-claim", f"{ACCESS_CLAIMS}.aud")
    assert refused(a_v2_event(), adding({"aud": value}, to="access")) == [place]


def test_the_access_tokens_audience_is_not_suppressed() -> None:
    place = ("protected-claim", f"{ACCESS}.claimsToSuppress[0]")
    assert refused(a_v2_event(), suppressing(["aud"], of="access")) == [place]


@pytest.mark.parametrize("scope", ["", "a b", "a\tb", "a\n", 'a"b', "a\\b", "é", "a\x7f"])
@pytest.mark.parametrize("key", ["scopesToAdd", "scopesToSuppress"])
def test_a_scope_is_a_scope_token_of_rfc_6749(key: str, scope: str) -> None:
    details = {"accessTokenGeneration": {key: ["fine/scope", scope]}}
    assert refused(a_v2_event(), details) == [("invalid-scope", f"{ACCESS}.{key}[1]")]


def test_a_scope_is_not_both_added_and_suppressed() -> None:
    section = {"scopesToSuppress": ["x/b", "x/a"], "scopesToAdd": ["x/c", "x/a"]}
    [finding] = findings(a_v2_event(), answered(a_v2_event(), {"accessTokenGeneration": section}))
    assert finding == ContractFinding(
        "scope-added-and-suppressed",
        f"{ACCESS}.scopesToAdd[1]",
        "is in scopesToSuppress[1] too: keep one of them",
    )


@pytest.mark.parametrize(
    ("details", "path"),
    [
        (adding({"x": "\ud800"}), f"{ID_CLAIMS}.x"),
        (adding({"x": {"y": ["\udfff"]}}), f"{ID_CLAIMS}.x.y[0]"),
        (adding({"\ud800": "x"}), f"{ID_CLAIMS}.<a key that cannot be encoded as UTF-8>"),
        (suppressing(["\ud800"]), f"{ID_SUPPRESSED}[0]"),
        ({"accessTokenGeneration": {"scopesToAdd": ["\ud800"]}}, f"{ACCESS}.scopesToAdd[0]"),
        ({"groupOverrideDetails": {"preferredRole": "\ud800"}}, f"{GROUPS}.preferredRole"),
    ],
)
def test_every_string_can_be_utf8(details: Json, path: str) -> None:
    assert refused(a_v2_event(), details) == [("not-utf8", path)]


def test_a_v1_string_can_be_utf8() -> None:
    details = {"claimsToAddOrOverride": {"x": "\ud800"}}
    path = f"response.{V1_KEY}.claimsToAddOrOverride.x"
    assert refused(a_v1_event(), details) == [("not-utf8", path)]


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (
            adding({"x": 0}),
            [("no-id-token", f"response.{V2_KEY}.idTokenGeneration")],
        ),
        (
            suppressing(["sub"]),
            [
                ("no-id-token", f"response.{V2_KEY}.idTokenGeneration"),
                ("protected-claim", f"{ID_SUPPRESSED}[0]"),
            ],
        ),
        ({"groupOverrideDetails": ONE_GROUP}, [("no-groups", GROUPS)]),
    ],
)
def test_what_a_machine_token_cannot_carry_does_not_vanish(
    details: Json, expected: list[Place]
) -> None:
    assert refused(a_machine_event(), details) == expected


@pytest.mark.parametrize(
    "details",
    [
        {"idTokenGeneration": None, "groupOverrideDetails": None},
        {"idTokenGeneration": {}, "groupOverrideDetails": {}},
        adding({}) | {"groupOverrideDetails": NO_GROUPS},
    ],
)
def test_empty_sections_are_fine_for_a_machine(details: Json) -> None:
    assert issued(a_machine_event(), details) == Tokens(None, MACHINE_TOKEN)


def test_every_problem_is_said_at_once_in_the_answers_order() -> None:
    event = a_v2_event()
    details = {
        "groupOverrideDetails": {"groupsToOverride": {}},
        "idTokenGeneration": {"claimsToSuppress": ["iss"], "claimsToAddOrOverride": {"sub": None}},
        "nope": 1,
    }
    assert places(event, answered(event | {"region": "eu-west-1"}, details)) == [
        ("event-changed", "region"),
        ("wrong-type", f"{GROUPS}.groupsToOverride"),
        ("protected-claim", f"{ID_SUPPRESSED}[0]"),
        ("protected-claim", f"{ID_CLAIMS}.sub"),
        ("unsupported-value", f"{ID_CLAIMS}.sub"),
        ("unknown-key", f"response.{V2_KEY}.nope"),
    ]


@pytest.mark.parametrize(
    ("details", "message"),
    [
        (adding({"x": None}), "must be a string, a number or a boolean, not null"),
        (adding({"x": object()}), "is a Python object that JSON cannot carry: it must be"),
        (
            adding({"scope": "x"}, to="access"),
            "scope cannot be added in the access token: use scopesToAdd and scopesToSuppress",
        ),
        (suppressing(["iss"], of="access"), "iss cannot be suppressed in the access token"),
        (suppressing(["cognito:\n"]), '"cognito:\\n" cannot be suppressed in the ID token'),
        ({"groupOverideDetails": {}}, "is an unknown key: did you mean groupOverrideDetails?"),
        ({"x": {}}, "is an unknown key: Cognito knows idTokenGeneration, accessTokenGeneration,"),
    ],
)
def test_a_finding_names_what_to_change(details: Json, message: str) -> None:
    [finding] = findings(a_v2_event(), answered(a_v2_event(), details))
    assert finding.message.startswith(message)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (a_v2_event() | {"version": "3"}, "was changed"),
        (without(a_v2_event(), "version"), "is missing"),
    ],
)
def test_a_changed_event_is_said_to_be_changed_or_missing(returned: Json, message: str) -> None:
    [finding] = findings(a_v2_event(), returned)
    assert finding.message == f"{message}: a trigger writes the response only"


# Whatever comes back


def a_cycle() -> Any:
    value: Json = {}
    value["a"] = [value]
    return value


def a_deep_value() -> Any:
    value: Any = "x"
    for _ in range(sys.getrecursionlimit() * 2):
        value = {"a": value}
    return value


def a_value_that_unfolds_without_end() -> Any:
    value: Any = ["x"]
    for _ in range(60):
        value = {"a": value, "b": value}
    return value


@pytest.mark.parametrize(
    "make", [a_cycle, a_deep_value, a_value_that_unfolds_without_end], ids=lambda f: f.__name__
)
def test_a_value_without_end_is_a_finding(make: Callable[[], Any]) -> None:
    codes = {code for code, _ in refused(a_v2_event(), adding({"x": make()}))}
    assert codes == {"unsupported-value"}


def test_an_answer_without_end_is_a_finding() -> None:
    event = a_v2_event()
    event_in_itself = dict(event)
    event_in_itself["response"] = event_in_itself
    assert places(event, event_in_itself) == [("wrong-type", "response")]
    assert places(event, [a_deep_value()]) == [("not-an-object", "returned")]


class Hostile(dict[Any, Any]):
    def __iter__(self) -> Iterator[Any]:
        raise AssertionError

    def items(self) -> Any:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


class HostileKey(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise AssertionError

    __hash__ = str.__hash__

    def __str__(self) -> str:
        raise AssertionError


class HostileList(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


def test_nothing_that_a_subclass_overrides_is_called() -> None:
    claims = Hostile({HostileKey("x"): HostileList([HostileKey("y")])})
    assert id_token(a_v2_event(), adding(claims)) == ID_TOKEN | ID_GROUPS | {"x": ["y"]}


def outcome(event: Json, returned: object) -> Tokens | tuple[ContractFinding, ...]:
    try:
        return issue_tokens(event, returned, now=NOW)
    except ContractError as error:
        return error.findings


EVENTS = [a_v1_event(), a_v2_event(), a_machine_event()]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.sampled_from(["sub", "scope", "cognito:groups", "aud", "a b"])
    | st.binary()
    | st.builds(object)
)
KEYS: st.SearchStrategy[Any] = st.sampled_from(
    [
        *a_v2_event(),
        *(V1_KEY, V2_KEY, "idTokenGeneration", "accessTokenGeneration", "groupOverrideDetails"),
        *("claimsToAddOrOverride", "claimsToSuppress", "scopesToAdd", "scopesToSuppress"),
        *TWO_GROUPS,
    ]
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(KEYS | st.text(max_size=4) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)
STRINGS = st.lists(st.sampled_from(["x/a", "x/b", "email"]) | SCALARS, max_size=3) | ANYTHING
CLAIMS = st.dictionaries(st.text(max_size=4) | KEYS, ANYTHING, max_size=3) | ANYTHING
SECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "claimsToAddOrOverride": CLAIMS,
        "claimsToSuppress": STRINGS,
        "scopesToAdd": STRINGS,
        "scopesToSuppress": STRINGS,
        "groupsToOverride": STRINGS,
        "preferredRole": STRINGS,
        "groupOverrideDetails": ANYTHING,
    },
)
DETAILS = (
    st.fixed_dictionaries(
        {},
        optional={
            "idTokenGeneration": SECTIONS,
            "accessTokenGeneration": SECTIONS,
            "groupOverrideDetails": SECTIONS,
        },
    )
    | SECTIONS
)


def steps_within(value: object) -> Iterator[tuple[str | int, ...]]:
    pairs: Any = value.items() if isinstance(value, dict) else ()
    for step, member in enumerate(value) if isinstance(value, list) else pairs:
        yield (step,)
        yield from ((step, *below) for below in steps_within(member))


def is_sound(token: Json | None) -> bool:
    return token is None or bool(json.dumps(token, allow_nan=False).encode())


def check_outcome(event: Json, returned: object) -> None:
    before = copy.deepcopy(event)
    told = outcome(event, returned)
    if isinstance(told, Tokens):
        assert is_sound(told.id_token)
        assert is_sound(told.access_token)
    else:
        assert told
        assert "".join(map(str, told)).isprintable()
    assert event == before


@given(event=st.sampled_from(EVENTS), returned=ANYTHING)
@example(event=EVENTS[1], returned=float)
def test_any_answer_gives_sound_tokens_or_findings(event: Json, returned: object) -> None:
    check_outcome(event, returned)


@given(event=st.sampled_from(EVENTS), details=DETAILS)
def test_any_response_gives_sound_tokens_or_findings(event: Json, details: object) -> None:
    check_outcome(event, answered(event, details))


@given(st.sampled_from([*zip(EVENTS, [FULL_V1, FULL_V2, FULL_MACHINE], strict=True)]), st.data())
def test_a_mutated_answer_gives_sound_tokens_or_findings(
    pair: tuple[Json, Json], data: st.DataObject
) -> None:
    event, returned = pair[0], answered(*pair)
    steps = data.draw(st.sampled_from([*steps_within(returned)]))
    check_outcome(event, changed(returned, *steps, to=data.draw(STRINGS | CLAIMS)))


@given(st.sampled_from(EVENTS), st.text(min_size=12, alphabet="äöüß"), st.data())
def test_no_finding_tells_a_value(event: Json, secret: str, data: st.DataObject) -> None:
    wrong = data.draw(st.sampled_from([secret, [secret], {"x": secret}, [[secret]], {secret}]))
    claims = {"x": wrong, "sub": secret, "aud": secret, "email_verified": wrong}
    section = {"claimsToAddOrOverride": claims, "scopesToAdd": [secret], "scopesToSuppress": wrong}
    details = {"idTokenGeneration": section, "accessTokenGeneration": section, **section}
    told = outcome(event, answered(event, details) | {"userName": wrong, "region": secret})
    assert not isinstance(told, Tokens)
    assert secret not in "".join(map(str, told))


def test_no_finding_about_the_event_tells_a_value() -> None:
    event = a_v2_event(userAttributes={"sub": ["my secret"]}) | {"version": "my secret"}
    assert "my secret" not in "".join(map(str, findings(event, event)))


@pytest.mark.parametrize("version", ["1", "2"])
def test_client_credentials_come_with_version_3_only(version: str) -> None:
    event = {
        "version": version,
        "triggerSource": "TokenGeneration_ClientCredentials",
        "region": "us-east-1",
        "userPoolId": "us-east-1_Ab1Cd2Ef3",
        "callerContext": {"clientId": "client"},
        "request": {"scopes": ["orders/read"]},
        "response": {"claimsAndScopeOverrideDetails": None},
    }

    with pytest.raises(ContractError) as raised:
        issue_tokens(event, event)

    assert [finding.path for finding in raised.value.findings] == ["event.version"]
