"""What trigger events read as, and what is refused as none."""

import copy
import json
from collections.abc import Mapping
from traceback import format_exception
from typing import Any

import pytest

from cognito_claims.errors import EventError
from cognito_claims.events import PreTokenGenerationEvent, TriggerVersion, User, UserEvent
from cognito_claims.testing import recorded, recorded_names
from tests.strategies import Place, changed, parent_of, places

Json = dict[str, Any]

POOL: Json = {"user_pool_id": "us-east-1_Ab1Cd2Ef3", "region": "us-east-1"}
CLIENT = "1example23456789abcdefghij"
MACHINE = "7m2mexample0123456789abcde"
JANE = User(
    "jane.doe",
    {
        "sub": "a1b2c3d4-5678-90ab-cdef-111122223333",
        "cognito:user_status": "CONFIRMED",
        "email_verified": "true",
        "phone_number_verified": "true",
        "phone_number": "+12065551212",
        "given_name": "Jane",
        "family_name": "Doe",
        "custom:tenant_id": "acme",
        "email": "jane.doe@example.com",
    },
)
GROUPS = ("admins", "editors")
ROLES = ("arn:aws:iam::123456789012:role/admins", "arn:aws:iam::123456789012:role/editors")
ADMIN_SCOPE = "aws.cognito.signin.user.admin"
SECRET = "S3CRET-of-the-user"


def a_v1_event() -> Json:
    return recorded("pretoken_v1_Authentication")


def a_v2_event() -> Json:
    return recorded("pretoken_v2_Authentication_clientMetadata")


def a_machine_event() -> Json:
    return recorded("pretoken_v3_ClientCredentials")


def a_user_event() -> Json:
    return recorded("postauth_Authentication_clientMetadata")


def read(raw: object) -> PreTokenGenerationEvent:
    return PreTokenGenerationEvent.from_json(raw)


def at(path: str) -> Place:
    return tuple(int(step) if step.isdigit() else step for step in path.split("/"))


def without(document: Json, path: str) -> Json:
    copied = copy.deepcopy(document)
    del parent_of(copied, at(path))[at(path)[-1]]
    return copied


def refusal(raw: object, kind: Any = PreTokenGenerationEvent) -> EventError:
    with pytest.raises(EventError) as raised:
        kind.from_json(raw)
    return raised.value


# What was recorded


@pytest.mark.parametrize(
    ("name", "event"),
    [
        (
            "pretoken_v1_Authentication",
            PreTokenGenerationEvent(
                version=TriggerVersion.V1_0,
                trigger_source="TokenGeneration_Authentication",
                client_id=CLIENT,
                user=JANE,
                groups=GROUPS,
                iam_roles=ROLES,
                preferred_role=ROLES[0],
                **POOL,
            ),
        ),
        (
            "pretoken_v2_Authentication_clientMetadata",
            PreTokenGenerationEvent(
                version=TriggerVersion.V2_0,
                trigger_source="TokenGeneration_Authentication",
                client_id=CLIENT,
                user=JANE,
                groups=GROUPS,
                scopes=(ADMIN_SCOPE,),
                client_metadata={"tenantHint": "acme"},
                iam_roles=ROLES,
                preferred_role=ROLES[0],
                **POOL,
            ),
        ),
        (
            "pretoken_v3_ClientCredentials",
            PreTokenGenerationEvent(
                version=TriggerVersion.V3_0,
                trigger_source="TokenGeneration_ClientCredentials",
                client_id=MACHINE,
                user=None,
                scopes=("solar-system-data/asteroids.read",),
                client_metadata={"environment": "dev", "language": "en-US"},
                **POOL,
            ),
        ),
        (
            "pretoken_v3_odd_ClientCredentials_no_user",
            PreTokenGenerationEvent(
                version=TriggerVersion.V3_0,
                trigger_source="TokenGeneration_ClientCredentials",
                client_id=MACHINE,
                user=None,
                scopes=("solar-system-data/asteroids.read",),
                **POOL,
            ),
        ),
        (
            "pretoken_v2_odd_nulls",
            PreTokenGenerationEvent(
                version=TriggerVersion.V2_0,
                trigger_source="TokenGeneration_Authentication",
                client_id=CLIENT,
                user=JANE,
                scopes=(ADMIN_SCOPE,),
                **POOL,
            ),
        ),
    ],
)
def test_a_recorded_event_reads_as_one_whole_value(
    name: str, event: PreTokenGenerationEvent
) -> None:
    assert read(recorded(name)) == event


@pytest.mark.parametrize("name", recorded_names("pretoken_"))
def test_every_recorded_event_reads_as_what_its_name_and_json_say(name: str) -> None:
    raw = recorded(name)
    request, event = raw["request"], read(raw)
    groups = request.get("groupConfiguration") or {}
    assert event.version.name == f"{name.split('_')[1].upper()}_0"
    assert event.trigger_source == raw["triggerSource"]
    assert event.client_id == raw["callerContext"]["clientId"]
    assert event.groups == tuple(groups.get("groupsToOverride") or ())
    assert event.iam_roles == tuple(groups.get("iamRolesToOverride") or ())
    assert event.scopes == tuple(request.get("scopes") or ())
    assert event.client_metadata == (request.get("clientMetadata") or {})
    is_machine = "ClientCredentials" in name
    assert event.user == (None if is_machine else User(raw["userName"], request["userAttributes"]))


@pytest.mark.parametrize("version", TriggerVersion)
def test_every_version_has_recorded_events(version: TriggerVersion) -> None:
    assert len(recorded_names(f"pretoken_v{version}_")) >= 8


@pytest.mark.parametrize("name", recorded_names("post"))
def test_a_recorded_user_event_reads_as_one_whole_value(name: str) -> None:
    raw = recorded(name)
    assert UserEvent.from_json(raw) == UserEvent(
        trigger_source=raw["triggerSource"],
        client_id=CLIENT,
        user=User(raw["userName"], raw["request"]["userAttributes"]),
        new_device_used=name == "postauth_Authentication_clientMetadata",
        client_metadata=raw["request"].get("clientMetadata", {}),
        **POOL,
    )


def test_the_kinds_of_events_are_recorded() -> None:
    prefixes = ("postauth_", "postconfirmation_", "preauth_", "presignup_")
    assert [len(recorded_names(prefix)) for prefix in prefixes] == [3, 2, 1, 3]


@pytest.mark.parametrize("name", recorded_names("pre"))
def test_no_event_before_the_sign_in_is_a_user_event(name: str) -> None:
    assert refusal(recorded(name), UserEvent).path == "triggerSource"


@pytest.mark.parametrize("name", recorded_names("post", "preauth", "presignup"))
def test_no_other_triggers_event_is_a_pre_token_generation_event(name: str) -> None:
    assert refusal(recorded(name)).path == "triggerSource"


# What Cognito and its samples vary


@pytest.mark.parametrize("response", [[], None, {}, {"claimsOverrideDetails": {}}])
def test_the_response_that_comes_with_an_event_decides_nothing(response: Any) -> None:
    assert read(a_v1_event() | {"response": response}) == read(a_v1_event())


def test_an_event_may_come_without_a_response() -> None:
    assert read(without(a_v1_event(), "response")) == read(a_v1_event())


@pytest.mark.parametrize(
    ("preferred", "role"),
    [("arn:a", "arn:a"), (["arn:a"], "arn:a"), ([], None), ([None], None), (None, None)],
)
def test_the_preferred_role_is_a_string_null_or_a_list_of_one(
    preferred: Any, role: str | None
) -> None:
    raw = changed(a_v1_event(), at("request/groupConfiguration/preferredRole"), preferred)
    assert read(raw).preferred_role == role


@pytest.mark.parametrize("configuration", [None, {}, {"groupsToOverride": None}])
def test_no_group_configuration_means_no_groups(configuration: Any) -> None:
    expected = read(a_v1_event())._replace(groups=(), iam_roles=(), preferred_role=None)
    assert read(changed(a_v1_event(), at("request/groupConfiguration"), configuration)) == expected
    assert read(without(a_v1_event(), "request/groupConfiguration")) == expected


def test_no_client_metadata_and_null_are_empty_metadata() -> None:
    expected = read(a_v2_event())._replace(client_metadata={})
    assert read(without(a_v2_event(), "request/clientMetadata")) == expected
    assert read(changed(a_v2_event(), at("request/clientMetadata"), None)) == expected


V1_KEY, V2_KEY = "claimsOverrideDetails", "claimsAndScopeOverrideDetails"


NO_KEYS: list[Any] = [None, [], {}]


@pytest.mark.parametrize(
    ("says", "response", "is_read_as"),
    [
        ("1", {V1_KEY: None}, "1"),
        ("2", {V1_KEY: ""}, "1"),
        ("3", {V1_KEY: {}}, "1"),
        ("1", {V2_KEY: None}, "2"),
        ("2", {V2_KEY: {}}, "2"),
        ("3", {V2_KEY: None}, "3"),
        *((says, response, says) for says in "123" for response in NO_KEYS),
        *((says, {V1_KEY: None, V2_KEY: None}, says) for says in "123"),
    ],
)
def test_the_key_of_the_response_decides_on_the_version_and_else_what_the_event_says(
    says: str, response: Any, is_read_as: str
) -> None:
    raw = a_v1_event() | {"version": says, "response": response}
    assert read(raw) == read(a_v1_event())._replace(version=TriggerVersion(is_read_as))


@pytest.mark.parametrize("scopes", [[], ["openid"]])
def test_scopes_do_not_decide_on_the_version(scopes: list[str]) -> None:
    raw = changed(a_v1_event(), at("request/scopes"), scopes)
    assert read(raw) == read(a_v1_event())._replace(scopes=tuple(scopes))


@pytest.mark.parametrize("attributes", [{}, None, {"custom:team": "ingest"}])
def test_a_machine_is_no_user_whatever_is_said_of_one(attributes: Any) -> None:
    raw = changed(a_machine_event(), at("request/userAttributes"), attributes)
    assert read(raw | {"userName": None}) == read(a_machine_event())


@pytest.mark.parametrize(
    "place", ["new", "request/new", "request/groupConfiguration/new", "callerContext/new"]
)
def test_fields_that_cognito_adds_change_nothing(place: str) -> None:
    assert read(changed(a_v2_event(), at(place), {"any": ["thing"]})) == read(a_v2_event())
    if "group" not in place:
        raw = changed(a_user_event(), at(place), {"any": ["thing"]})
        assert UserEvent.from_json(raw) == UserEvent.from_json(a_user_event())


@pytest.mark.parametrize(("sent", "used"), [(True, True), (False, False), (None, False)])
def test_a_new_device_is_used_only_where_the_event_says_so(sent: Any, used: bool) -> None:  # noqa: FBT001  (a column of a table)
    raw = changed(a_user_event(), at("request/newDeviceUsed"), sent)
    assert UserEvent.from_json(raw).new_device_used is used


# What is refused


NOT_OBJECTS: list[Any] = [None, [], "text", 7, True]
NOT_STRINGS: list[Any] = [None, 7, True, ["x"], {"x": "x"}]
GROUP_PATH = "request/groupConfiguration"


@pytest.mark.parametrize(
    ("place", "wrong", "path"),
    [
        *(("version", wrong, "version") for wrong in [*NOT_STRINGS, "", "0", "4", "V1_0", "01"]),
        *(("triggerSource", wrong, "triggerSource") for wrong in [*NOT_STRINGS, "", "PostX_Y"]),
        ("triggerSource", "tokengeneration_Authentication", "triggerSource"),
        ("triggerSource", "TokenGeneration", "triggerSource"),
        ("triggerSource", "TokenGeneration_ClientCredentials", "triggerSource"),
        *(("region", wrong, "region") for wrong in [*NOT_STRINGS, ""]),
        *(("userPoolId", wrong, "userPoolId") for wrong in [*NOT_STRINGS, ""]),
        *(("userName", wrong, "userName") for wrong in [*NOT_STRINGS, ""]),
        *(("callerContext", wrong, "callerContext") for wrong in NOT_OBJECTS),
        *(("callerContext/clientId", x, "callerContext.clientId") for x in [*NOT_STRINGS, ""]),
        *(("request", wrong, "request") for wrong in NOT_OBJECTS),
        *(("request/userAttributes", x, "request.userAttributes") for x in NOT_OBJECTS),
        *(("request/userAttributes/email", x, "request.userAttributes.email") for x in NOT_STRINGS),
        *(("request/userAttributes/sub", x, "request.userAttributes.sub") for x in NOT_STRINGS),
        ("request/userAttributes/sub", "", "request.userAttributes.sub"),
        ("request/userAttributes", {"email": "x"}, "request.userAttributes.sub"),
        ("request/userAttributes/a\nb", 7, r"request.userAttributes.'a\nb'"),
        *((GROUP_PATH, wrong, "request.groupConfiguration") for wrong in [[], "x", 7, False]),
        (f"{GROUP_PATH}/groupsToOverride", "x", "request.groupConfiguration.groupsToOverride"),
        (f"{GROUP_PATH}/groupsToOverride/1", 7, "request.groupConfiguration.groupsToOverride[1]"),
        (f"{GROUP_PATH}/iamRolesToOverride", {}, "request.groupConfiguration.iamRolesToOverride"),
        (
            f"{GROUP_PATH}/iamRolesToOverride/0",
            None,
            "request.groupConfiguration.iamRolesToOverride[0]",
        ),
        *(
            (f"{GROUP_PATH}/preferredRole", wrong, "request.groupConfiguration.preferredRole")
            for wrong in [7, {}, False, [7], ["arn:a", "arn:b"]]
        ),
        *(("request/scopes", wrong, "request.scopes") for wrong in ["openid", {}, 7]),
        ("request/scopes", ["openid", ["email"]], "request.scopes[1]"),
        *(("request/clientMetadata", x, "request.clientMetadata") for x in [[], "x", 7]),
        *(("request/clientMetadata/k", x, "request.clientMetadata") for x in NOT_STRINGS),
        *(("response", wrong, "response") for wrong in ["text", 7, False]),
    ],
)
def test_a_malformed_pre_token_generation_event_is_refused_by_path(
    place: str, wrong: Any, path: str
) -> None:
    assert refusal(changed(a_v2_event(), at(place), wrong)).path == path


@pytest.mark.parametrize(
    ("place", "wrong", "path"),
    [
        *(("triggerSource", wrong, "triggerSource") for wrong in [*NOT_STRINGS, "", "Post_X"]),
        ("triggerSource", "PreAuthentication_Authentication", "triggerSource"),
        *(("region", wrong, "region") for wrong in [None, ""]),
        *(("userPoolId", wrong, "userPoolId") for wrong in [None, ""]),
        *(("userName", wrong, "userName") for wrong in [None, ""]),
        *(("callerContext", wrong, "callerContext") for wrong in NOT_OBJECTS),
        ("callerContext/clientId", None, "callerContext.clientId"),
        *(("request", wrong, "request") for wrong in NOT_OBJECTS),
        *(("request/userAttributes", x, "request.userAttributes") for x in NOT_OBJECTS),
        ("request/userAttributes/sub", "", "request.userAttributes.sub"),
        ("request/userAttributes/name", 7, "request.userAttributes.name"),
        *(("request/newDeviceUsed", x, "request.newDeviceUsed") for x in ["true", 1, [], {}]),
        ("request/clientMetadata", [], "request.clientMetadata"),
        ("request/clientMetadata/k", 7, "request.clientMetadata"),
    ],
)
def test_a_malformed_user_event_is_refused_by_path(place: str, wrong: Any, path: str) -> None:
    assert refusal(changed(a_user_event(), at(place), wrong), UserEvent).path == path


REQUIRED = [
    *("triggerSource", "region", "userPoolId", "userName", "callerContext"),
    *("callerContext/clientId", "request", "request/userAttributes", "request/userAttributes/sub"),
]


@pytest.mark.parametrize("place", [*REQUIRED, "version"])
def test_what_is_missing_from_a_pre_token_generation_event_is_named(place: str) -> None:
    assert refusal(without(a_v2_event(), place)).path == place.replace("/", ".")


@pytest.mark.parametrize("place", REQUIRED)
def test_what_is_missing_from_a_user_event_is_named(place: str) -> None:
    assert refusal(without(a_user_event(), place), UserEvent).path == place.replace("/", ".")


@pytest.mark.parametrize("kind", [PreTokenGenerationEvent, UserEvent])
@pytest.mark.parametrize("raw", [None, [], "text", 7, True, {1: "x"}, {"version"}, object()])
def test_what_is_no_json_object_is_no_event(kind: Any, raw: Any) -> None:
    assert refusal(raw, kind).path == "event"


@pytest.mark.parametrize(
    "place", ["request", "callerContext", "request/clientMetadata", "request/userAttributes"]
)
def test_an_object_whose_names_are_not_strings_is_refused(place: str) -> None:
    raw = a_v2_event()
    parent_of(raw, (*at(place), "one of them"))[7] = "x"
    error = refusal(raw)
    assert (error.path, error.problem) == (
        place.replace("/", "."),
        "expected names that are strings",
    )


@pytest.mark.parametrize("version", ["1", "2"])
def test_client_credentials_come_with_version_3_only(version: str) -> None:
    error = refusal(a_machine_event() | {"version": version})
    assert error.path == "triggerSource"
    assert error.problem == "client credentials come with version 3 only"


def test_a_machine_cannot_bring_a_user_along() -> None:
    raw = changed(a_machine_event(), at("request/userAttributes/sub"), "x")
    assert refusal(raw).path == "request.userAttributes.sub"


@pytest.mark.parametrize("attributes", [[], "x", 7])
def test_a_machines_attributes_are_an_object_if_anything(attributes: Any) -> None:
    raw = changed(a_machine_event(), at("request/userAttributes"), attributes)
    assert refusal(raw).path == "request.userAttributes"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (None, "expected a string, got nothing"),
        (True, "expected a string, got a boolean"),
        (7, "expected a string, got a number"),
        (0.5, "expected a string, got a number"),
        ([], "expected a string, got an array"),
        ({}, "expected a string, got an object"),
        (b"x", "expected a string, got something that is not JSON"),
        ("", "expected a non-empty string"),
    ],
)
def test_a_refusal_says_what_was_expected_and_found(wrong: Any, problem: str) -> None:
    error = refusal(a_v2_event() | {"region": wrong})
    assert (error.path, error.problem) == ("region", problem)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (PreTokenGenerationEvent, "expected TokenGeneration_*"),
        (UserEvent, "expected PostAuthentication_* or PostConfirmation_*"),
    ],
)
def test_a_foreign_trigger_source_is_told_which_were_expected(kind: Any, problem: str) -> None:
    assert refusal(recorded("presignup_SignUp"), kind).problem == problem


@pytest.mark.parametrize(
    ("place", "wrong", "message"),
    [
        ("version", "4", 'version: expected "1", "2" or "3"'),
        ("request/scopes", "x", "request.scopes: expected an array, got a string"),
        ("request/scopes/0", 7, "request.scopes[0]: expected a string, got a number"),
        ("response", 7, "response: expected an object, got a number"),
        ("request", [], "request: expected an object, got an array"),
        (
            "request/groupConfiguration/preferredRole",
            ["a", "b"],
            "request.groupConfiguration.preferredRole: expected one role, got several",
        ),
    ],
)
def test_the_message_is_the_path_and_the_problem(place: str, wrong: Any, message: str) -> None:
    assert str(refusal(changed(a_v2_event(), at(place), wrong))) == message


def test_no_refusal_tells_a_value_or_a_client_metadata_key() -> None:
    kinds: list[tuple[Json, Any]] = [
        (a_v2_event(), PreTokenGenerationEvent),
        (a_user_event(), UserEvent),
    ]
    for base, kind in kinds:
        base["request"]["clientMetadata"] = {SECRET: SECRET}
        refusals = []
        for place in places(base):
            for wrong in (SECRET, [SECRET, SECRET], {"x": SECRET}, {SECRET: 7}, [7, SECRET]):
                if place[:2] == ("request", "userAttributes") and isinstance(wrong, dict):
                    continue  # an attribute's name is the pool's, no secret
                try:
                    kind.from_json(changed(base, place, wrong))
                except EventError as error:
                    refusals.append("".join(format_exception(error)) + repr(vars(error)))
        assert len(refusals) > 50
        assert not [told for told in refusals if SECRET in told]


# What an event is, once read


def test_an_event_shares_nothing_with_its_json() -> None:
    raw, before = a_v2_event(), a_v2_event()
    event = read(raw)
    assert raw == before
    for container in (raw["request"]["userAttributes"], raw["request"]["clientMetadata"]):
        container.clear()
    raw["request"]["scopes"].append("x")
    raw["request"]["groupConfiguration"]["groupsToOverride"].append("x")
    assert event == read(before)


def test_a_user_event_shares_nothing_with_its_json() -> None:
    raw, before = a_user_event(), a_user_event()
    event = UserEvent.from_json(raw)
    assert raw == before
    for container in (raw["request"]["userAttributes"], raw["request"]["clientMetadata"]):
        container.clear()
    assert event == UserEvent.from_json(before)


@pytest.mark.parametrize(
    "event", [read(a_v2_event()), read(a_v1_event()), UserEvent.from_json(a_user_event())]
)
def test_an_event_cannot_be_changed(event: Any) -> None:
    mappings: list[Mapping[str, str]] = [event.user.attributes, event.client_metadata]
    for mapping in mappings:
        with pytest.raises(TypeError):
            mapping["email"] = "x"  # type: ignore[index]  # wrong on purpose
    for value, name in ((event, "user"), (event.user, "name")):
        with pytest.raises(AttributeError):
            setattr(value, name, None)


@pytest.mark.parametrize(
    ("attributes", "attribute", "given"),
    [
        ({"email": "a@b", "email_verified": "true"}, "email", "a@b"),
        ({"email": "a@b", "email_verified": "false"}, "email", None),
        ({"email": "a@b", "email_verified": "TRUE"}, "email", None),
        ({"email": "a@b", "email_verified": ""}, "email", None),
        ({"email": "a@b"}, "email", None),
        ({"email": "a@b", "phone_number_verified": "true"}, "email", None),
        ({"email_verified": "true"}, "email", None),
        ({"phone_number": "+1", "phone_number_verified": "true"}, "phone_number", "+1"),
        ({"phone_number": "+1", "phone_number_verified": "false"}, "phone_number", None),
        ({"phone_number": "+1", "email_verified": "true"}, "phone_number", None),
        ({"email_verified": "false"}, "email_verified", "false"),
        ({"custom:org": "x"}, "custom:org", "x"),
        ({"custom:org": "x", "custom:org_verified": "false"}, "custom:org", "x"),
        ({"custom:org": ""}, "custom:org", ""),
        ({}, "custom:org", None),
    ],
)
def test_an_email_or_phone_number_is_given_only_once_verified(
    attributes: dict[str, str], attribute: str, given: str | None
) -> None:
    assert User("jane", {"sub": "1", **attributes}).verified(attribute) == given


def test_a_users_identifier_is_the_attribute_sub() -> None:
    assert JANE.sub == "a1b2c3d4-5678-90ab-cdef-111122223333"


ATTRIBUTES_OF_JANE = {"sub": "a1", "email": "jane@example.com", "email_verified": "true"}


def identities(*names: object) -> dict[str, str]:
    return {"identities": json.dumps([{"userId": "1", "providerName": name} for name in names])}


UNREADABLE = {
    "empty": "",
    "no JSON": "Google",
    "no array": '{"providerName":"Google"}',
    "empty array": "[]",
    "no object": '["Google"]',
    "no name": '[{"userId":"1"}]',
    "an empty name": '[{"providerName":""}]',
    "a name that is no string": '[{"providerName":null}]',
    "one of two without a name": '[{"providerName":"Google"},{}]',
    "two names in one": '[{"providerName":"Google","providerName":"Okta"}]',
    "too deep": "[" * 100_000,
}


@pytest.mark.parametrize(
    ("attributes", "providers"),
    [
        ({}, ()),
        (identities("Google"), ("Google",)),
        (identities("Google", "Okta"), ("Google", "Okta")),
        *(({"identities": text}, None) for text in UNREADABLE.values()),
        ({"cognito:user_status": "EXTERNAL_PROVIDER"}, None),
        ({**identities("Okta"), "cognito:user_status": "EXTERNAL_PROVIDER"}, ("Okta",)),
    ],
)
def test_providers_are_those_of_the_identities_or_unreadable(
    attributes: dict[str, str], providers: tuple[str, ...] | None
) -> None:
    user = User("jane", {**ATTRIBUTES_OF_JANE, **attributes})

    assert user.providers == providers


@pytest.mark.parametrize(
    ("attributes", "is_trusted"),
    [
        ({}, True),
        ({"email_verified": "false"}, False),
        (identities("Okta"), True),
        (identities("okta"), False),
        (identities("Okta "), False),
        (identities("Google"), False),
        (identities("Okta", "Google"), False),
        ({**identities("Okta"), "email_verified": "false"}, False),
        *(({"identities": text}, False) for text in UNREADABLE.values()),
    ],
)
def test_an_email_stands_for_a_user_only_if_somebody_trusted_has_verified_it(
    attributes: dict[str, str],
    is_trusted: bool,  # noqa: FBT001  (a column of the table)
) -> None:
    user = User("jane", {**ATTRIBUTES_OF_JANE, **attributes})

    email = user.attributes["email"] if is_trusted else None
    assert user.trusted("email", {"Okta"}) == email
    assert user.trusted("sub", ()) == user.sub


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"email": ""}, "the user has no attribute email"),
        (
            {"email_verified": "false"},
            "the user's email is not verified: email_verified is not true",
        ),
        (
            {"identities": "[]"},
            "the user's email is not trusted: the attribute identities cannot be read",
        ),
        (
            identities("Google"),
            "the user's email is not trusted: an identity provider of theirs is not named",
        ),
        ({}, None),
    ],
)
def test_a_reason_for_distrust_is_told_without_a_value(
    attributes: dict[str, str], reason: str | None
) -> None:
    user = User("jane", {**ATTRIBUTES_OF_JANE, **attributes})

    assert user.distrust("email", ()) == reason
