"""An item of DynamoDB: the request, its settings, what its values become, and two DynamoDBs that answer."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from decimal import Decimal
from time import sleep
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims.errors import (
    AwsError,
    LookUpFailedError,
    SecretError,
    SettingsError,
)
from cognito_claims.lookups import DynamoDBItem, values_of
from cognito_claims.lookups.dynamodb_values import item_of, number_of
from cognito_claims.testing import a_user_event
from tests.stand_ins.fauna_wire import Answer, Fault, as_json
from tests.stand_ins.lookups import CREDENTIALS, KEY, REGION, Server, Table, at, dynalite
from tests.stand_ins.moto import HIDDEN

ARN = f"arn:aws:dynamodb:{REGION}:123456789012:table/members"
EVENT = a_user_event(sub="a11ce", name="alice", email="Alice@Example.com")
VALUES = values_of(EVENT, tenant="7")


@pytest.fixture
def table() -> Iterator[Server]:
    with Server(Table({"a11ce": {"pk": {"S": "a11ce"}, "role": {"S": "editor"}}})) as server:
        yield server


def look_up(server: Server, **settings: Any) -> DynamoDBItem:
    given = {"table": "members", "key": {"pk": "{sub}"}, "environ": at(server), **settings}
    return DynamoDBItem(**given)


# The request


@pytest.mark.parametrize(
    ("settings", "request_body"),
    [
        ({}, {"TableName": "members", "Key": {"pk": {"S": "a11ce"}}}),
        (
            {"table": ARN, "consistent": True},
            {"TableName": ARN, "Key": {"pk": {"S": "a11ce"}}, "ConsistentRead": True},
        ),
        (
            {"key": {"pk": "{sub}", "sk": {"N": "{tenant}"}}},
            {"TableName": "members", "Key": {"pk": {"S": "a11ce"}, "sk": {"N": "7"}}},
        ),
        (
            {"attributes": ("role", "status", "pk")},
            {
                "TableName": "members",
                "Key": {"pk": {"S": "a11ce"}},
                "ProjectionExpression": "#0,#1,#2",
                "ExpressionAttributeNames": {"#0": "pk", "#1": "role", "#2": "status"},
            },
        ),
    ],
)
def test_a_look_up_is_one_get_item_as_botocore_would_make_it(
    settings: Mapping[str, Any], request_body: Mapping[str, Any], table: Server
) -> None:
    assert look_up(table, **settings).find(VALUES) == {"pk": "a11ce", "role": "editor"}

    (request,) = table.requests
    assert json.loads(request.body) == request_body
    client = get_session().create_client(
        "dynamodb",
        REGION,
        endpoint_url=table.endpoint,
        aws_access_key_id=KEY.access_key_id,
        aws_secret_access_key=KEY.secret_access_key,
        aws_session_token=KEY.session_token,
    )
    client.get_item(**request_body)
    of_botocore = table.requests[-1]
    for header in ("Content-Type", "X-Amz-Target", "X-Amz-Security-Token"):
        assert request.headers[header] == of_botocore.headers[header]
    assert (request.method, request.path) == (of_botocore.method, of_botocore.path)
    assert json.loads(of_botocore.body) == request_body


@pytest.mark.parametrize(
    ("settings", "variables", "region"),
    [
        ({}, {}, REGION),
        ({"region": "eu-west-3"}, {}, "eu-west-3"),
        ({"table": ARN.replace(REGION, "us-east-2")}, {}, "us-east-2"),
        ({"table": ARN, "region": REGION}, {}, REGION),
        ({"table": ARN.replace("aws:", "aws-cn:").replace(REGION, "cn-north-1")}, {}, "cn-north-1"),
        ({}, {"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
    ],
)
def test_the_region_is_the_tables(
    settings: Mapping[str, Any], variables: Mapping[str, str], region: str, table: Server
) -> None:
    members = table._reply
    assert isinstance(members, Table)
    members.region = region

    item = look_up(table, environ=at(table, **variables), **settings).find(VALUES)
    assert item == {"pk": "a11ce", "role": "editor"}


def test_without_an_environment_the_process_has_the_credentials(
    table: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in at(table).items():
        monkeypatch.setenv(name, value)

    assert look_up(table, environ=None)(EVENT) == {"pk": "a11ce", "role": "editor"}


def test_a_call_has_its_email_in_small_letters_if_it_counts(table: Server) -> None:
    made = look_up(table, key={"pk": "{email}"})
    assert made(EVENT) is None
    assert made(a_user_event(email_verified=False)) is None

    assert [body["Key"] for body in table.bodies] == [{"pk": {"S": "alice@example.com"}}]


def test_a_value_that_must_not_stand_in_a_key_asks_nobody(table: Server) -> None:
    made = look_up(table, key={"pk": "{sub}", "sk": "TENANT#{tenant}"})

    assert [made(EVENT, tenant=each) for each in (None, "", "a#b", "a\x00", "ä", "a" * 257)] == (
        [None] * 6
    )
    assert table.requests == []
    assert made.placeholders == {"sub", "tenant"}


def test_the_connection_is_open_before_the_first_event(table: Server) -> None:
    made = look_up(table)
    made.prepare()
    while table.connections == 0:  # until its thread has seen it
        sleep(0.01)
    assert table.requests == []

    made.find(VALUES)
    assert (table.connections, len(table.requests)) == (1, 1)


# Its settings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"table": "ab"}, "table: expected a table's name, of 3 to 255"),
        ({"table": "members/1"}, "table: expected a table's name, of 3 to 255"),
        ({"table": ARN.replace("dynamodb", "sqs")}, "table: expected a table's name, or its ARN"),
        ({"table": ARN + "/index/by-email"}, "table: expected a table's name, of 3 to 255"),
        ({"table": "arn:aws"}, "table: expected a table's name, or its ARN"),
        ({"table": ARN.replace("1234", "")}, "table: expected a region and an account in the ARN"),
        ({"table": ARN.replace(REGION, "")}, "table: expected a region and an account in the ARN"),
        ({"table": ARN, "region": "eu-west-1"}, "region: the table's ARN says another one"),
        ({"region": "eu west"}, "region: expected a region"),
        ({"region": "-"}, "region: expected a region"),
        ({"key": {}}, "key: expected one or two attributes"),
        ({"key": {"a": "1", "b": "2", "c": "3"}}, "key: expected one or two attributes"),
        ({"key": {"pk": "{sup}"}}, "key.pk: no such placeholder"),
        ({"key": {"pk": {"B": "{sub}"}}}, "key.pk: expected a template, or"),
        ({"key": {"pk": {"N": 7}}}, "key.pk: expected a template, or"),
        ({"key": {"pk": 7}}, "key.pk: expected a template, or"),
        ({"key": {"pk": {"N": "USER#{sub}"}}}, "key.pk: can never be a number"),
        ({"key": {"": "{sub}"}}, "key.'': expected an attribute's name"),
        ({"absent": "allow"}, "absent: expected one of omit, deny"),
        ({"cache_seconds": -1}, "cache_seconds: expected 0 to 86400 seconds"),
        ({"cache_seconds": 86_401}, "cache_seconds: expected 0 to 86400 seconds"),
        ({"cache_seconds": True}, "cache_seconds: expected 0 to 86400 seconds"),
    ],
)
def test_a_wrong_setting_is_named(settings: Mapping[str, Any], problem: str) -> None:
    given = {"table": "members", "key": {"pk": "{sub}"}, "environ": {}, **settings}
    with pytest.raises(SettingsError) as raised:
        DynamoDBItem(**given)

    assert [str(each).startswith(problem) for each in raised.value.problems] == [True]


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        DynamoDBItem(
            table="a b",
            key={"pk": "{", "sk": "}"},
            absent="never",  # type: ignore[arg-type]  # that is the point
            cache_seconds=-1,
        )

    names = [problem.setting for problem in raised.value.problems]
    assert names == ["absent", "cache_seconds", "table", "key.pk", "key.sk"]


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "AWS_REGION: required to call AWS"),
        ({"AWS_REGION": REGION}, "no AWS credentials: set AWS_ACCESS_KEY_ID"),
        (
            {**CREDENTIALS, "AWS_ENDPOINT_URL": "http://example.com"},
            "AWS_ENDPOINT_URL: must start with https://",
        ),
    ],
)
def test_what_is_missing_in_the_environment_is_named(
    environ: Mapping[str, str], problem: str
) -> None:
    made = DynamoDBItem(table="members", key={"pk": "{sub}"}, environ=environ)
    with pytest.raises(SecretError) as raised:
        made(EVENT)

    assert str(raised.value).startswith(problem)


def test_a_look_up_shows_nothing_of_itself(table: Server) -> None:
    assert repr(look_up(table)).startswith("<cognito_claims.lookups.dynamodb.DynamoDBItem object")


# What may go wrong


def refusing(code: str, status: int = 400) -> Fault:
    answer = as_json(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "x": HIDDEN})
    return Fault(lambda _: [answer.wire])


def answering(body: object) -> Fault:
    return Fault(lambda _: [as_json(200, body).wire])


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ProvisionedThroughputExceededException", 400),
        ("RequestLimitExceeded", 400),
        ("ThrottlingException", 400),
        ("InternalServerError", 500),
    ],
)
def test_what_may_pass_is_asked_up_to_twice_more(code: str, status: int, table: Server) -> None:
    table.faults = [refusing(code, status)] * 2
    assert look_up(table).find(VALUES) == {"pk": "a11ce", "role": "editor"}

    table.faults = [refusing(code, status)] * 3
    with pytest.raises(AwsError, match=rf"^dynamodb: {code} \(HTTP {status}\)$"):
        look_up(table).find(VALUES)
    assert len(table.requests) == 6


@pytest.mark.parametrize(
    "code",
    [
        "AccessDeniedException",
        "ExpiredTokenException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
        "ValidationException",
    ],
)
def test_what_does_not_pass_is_asked_once(code: str, table: Server) -> None:
    table.faults = [refusing(code)]
    with pytest.raises(AwsError, match=rf"^dynamodb: {code} \(HTTP 400\)$"):
        look_up(table).find(VALUES)

    assert len(table.requests) == 1


def test_credentials_that_expired_are_read_anew(table: Server) -> None:
    members = table._reply
    assert isinstance(members, Table)
    environ = at(table)
    made = look_up(table, environ=environ)
    made.find(VALUES)
    members.credentials = KEY._replace(access_key_id="AKIDOFTHEOTHERS")
    with pytest.raises(AwsError, match="UnrecognizedClientException"):
        made.find(VALUES)
    environ["AWS_ACCESS_KEY_ID"] = "AKIDOFTHEOTHERS"

    assert made.find(VALUES) == {"pk": "a11ce", "role": "editor"}


MALFORMED: tuple[Any, ...] = (
    *(HIDDEN, {}, {"S": HIDDEN, "N": "1"}, {"X": HIDDEN}, {"S": 7}, {"BOOL": 1}),
    *({"N": 7}, {"N": HIDDEN}, {"N": "1e999"}, {"N": "9" * 65}, {"L": HIDDEN}),
    *({"M": []}, {"SS": "a"}, {"SS": [1]}, {"NS": ["a"]}, {"L": [HIDDEN]}),
)
NESTED: dict[str, Any] = {"S": "deep"}
for _ in range(33):
    NESTED = {"L": [NESTED]}


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ([], "the answer is malformed"),
        ({"pk": {"S": "b0b"}}, "an item of another key than was asked for"),
        ({"pk": {"N": "7"}}, "an item of another key than was asked for"),
        ({"pk": HIDDEN}, "an item of another key than was asked for"),
        *(({"role": typed}, "an attribute is malformed") for typed in (*MALFORMED, NESTED)),
        *(
            (
                {"role": typed},
                "an attribute is binary, which no claim can hold; name the attributes",
            )
            for typed in ({"B": HIDDEN}, {"BS": [HIDDEN]}, {"M": {"a": {"L": [{"B": HIDDEN}]}}})
        ),
    ],
)
def test_an_item_that_cannot_be_read_is_a_failure_that_tells_no_value(
    item: object, problem: str, table: Server
) -> None:
    table.faults = [answering({"Item": item})]
    with pytest.raises(LookUpFailedError) as raised:
        look_up(table, name="member").find(VALUES)

    error = raised.value
    assert (error.look_up, error.status, error.is_transient) == ("member", 200, False)
    assert error.problem.startswith(problem)
    assert HIDDEN not in f"{error} {vars(error)} {error.__cause__}"


def test_a_key_may_come_back_in_another_notation_or_not_at_all(table: Server) -> None:
    made = look_up(table, key={"pk": "{sub}", "sk": {"N": "{tenant}"}})
    table.faults = [
        answering({"Item": {"pk": {"S": "a11ce"}, "sk": {"N": "7.0"}}}),
        answering({"Item": {"role": {"S": "editor"}}}),
    ]

    assert made.find(VALUES) == {"pk": "a11ce", "sk": 7}
    assert made.find(VALUES) == {"role": "editor"}


def test_an_answer_that_is_no_json_is_a_wrong_endpoint(table: Server) -> None:
    table.faults = [Fault(lambda _: [Answer(200, HIDDEN.encode()).wire])]
    with pytest.raises(SecretError) as raised:
        look_up(table).find(VALUES)

    problem = "dynamodb: the answer is not a JSON object; is AWS_ENDPOINT_URL_DYNAMODB right?"
    assert str(raised.value) == problem


# What values become: boto3 as the oracle


def plain(value: Any) -> Any:
    """Give what a claim would hold for a value of boto3's."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set):
        return sorted(map(plain, value))
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    return value


NUMBERS = st.one_of(
    st.integers(-(10**37), 10**37).map(Decimal),
    st.builds(
        lambda digits, power: Decimal(digits).scaleb(power),
        st.integers(-(10**15), 10**15),
        st.integers(-60, 60),
    ),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
TYPED = st.recursive(
    st.one_of(
        NUMBERS,
        TEXTS,
        st.booleans(),
        st.none(),
        st.sets(NUMBERS, min_size=1, max_size=4),
        st.sets(TEXTS, min_size=1, max_size=4),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, TYPED, max_size=4))
def test_values_are_those_of_boto3_with_plain_numbers_and_sorted_sets(
    item: dict[str, Any],
) -> None:
    serializer, deserializer = TypeSerializer(), TypeDeserializer()
    typed = {name: serializer.serialize(value) for name, value in item.items()}
    wanted = {name: plain(deserializer.deserialize(value)) for name, value in typed.items()}

    read = item_of(json.loads(json.dumps(typed)))
    assert read == wanted
    assert repr(read) == repr(wanted)  # 1 is not 1.0, and not True


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("-0", 0),
        ("5.0", 5),
        ("-50.00", -50),
        ("1e2", 100),
        ("1E+30", 10**30),
        ("120e-1", 12),
        ("123.45", 123.45),
        ("-0.5", -0.5),
        ("1e-130", 1e-130),
        ("9" * 38, int("9" * 38)),
    ],
)
def test_a_number_is_an_integer_where_it_is_whole(text: str, number: float) -> None:
    assert (number_of(text), type(number_of(text))) == (number, type(number))


@pytest.mark.parametrize("text", ["", "-", "1e", "1e-99999999999", "nan", "0x1", "1 ", None, "1_0"])
def test_what_is_no_number_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="an attribute is malformed"):
        number_of(text)


# DynamoDB by two hands


@pytest.fixture(scope="module", params=["moto", "dynalite"])
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    with ExitStack() as life:
        if request.param == "moto":
            yield request.getfixturevalue("moto")
        else:
            yield life.enter_context(dynalite())


ITEM: dict[str, Any] = {
    "pk": "USER#a11ce",
    "sk": Decimal(7),
    "role": "editor",
    "status": "active",
    "name": "Ångström",
    "scopes": {"b", "c", "a"},
    "levels": {Decimal(10), Decimal(9), Decimal("-1.5")},
    "limits": {"storage": Decimal("12.5"), "seats": Decimal(3), "none": None, "list": [True, {}]},
    "is_admin": False,
}


@pytest.fixture(scope="module")
def members(endpoint: str) -> Iterator[dict[str, str]]:
    """Give the environment in which the table `members` is there, with an item for alice."""
    environ = {
        **CREDENTIALS,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_ENDPOINT_URL": endpoint,
    }
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "a/secret+key", "a/session+token", REGION)
    resource = session.resource("dynamodb", endpoint_url=endpoint)
    made = resource.create_table(
        TableName="members",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    made.wait_until_exists()
    made.put_item(Item=ITEM)
    yield environ
    made.delete()


MEMBER_KEY: Mapping[str, str | Mapping[str, str]] = {"pk": "USER#{sub}", "sk": {"N": "{tenant}"}}


def test_a_real_table_gives_the_item(members: Mapping[str, str]) -> None:
    made = DynamoDBItem(table="members", key=MEMBER_KEY, consistent=True, environ=members)

    assert made(EVENT, tenant="7") == plain(ITEM)
    assert [made(EVENT, tenant=tenant) for tenant in ("8", "x", None)] == [None] * 3


def test_a_real_table_is_found_by_its_arn(members: Mapping[str, str]) -> None:
    made = DynamoDBItem(table=ARN, key=MEMBER_KEY, environ=members)
    try:
        item = made(EVENT, tenant="7")
    except AwsError:
        pytest.skip("dynalite knows no ARNs")

    assert item == plain(ITEM)


def test_a_real_table_gives_the_attributes_asked_for_reserved_words_too(
    members: Mapping[str, str],
) -> None:
    names = ("role", "status", "name", "absent")
    made = DynamoDBItem(table="members", key=MEMBER_KEY, attributes=names, environ=members)

    wanted = {name: plain(ITEM[name]) for name in ("pk", "sk", "role", "status", "name")}
    assert made(EVENT, tenant="7") == wanted


def test_an_item_that_has_none_of_the_attributes_is_there(members: Mapping[str, str]) -> None:
    made = DynamoDBItem(table="members", key=MEMBER_KEY, attributes=("plan",), environ=members)

    assert made(EVENT, tenant="7") == {"pk": "USER#a11ce", "sk": 7}


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"table": "nobodys"}, "ResourceNotFoundException"),
        ({"key": {"pk": "USER#{sub}"}}, "ValidationException"),
    ],
)
def test_a_real_refusal_is_told_by_its_code(
    settings: Mapping[str, Any], code: str, members: Mapping[str, str]
) -> None:
    made = DynamoDBItem(**{"table": "members", "key": MEMBER_KEY, "environ": members, **settings})
    with pytest.raises(AwsError) as raised:
        made(EVENT, tenant="7")

    assert (raised.value.aws_code, raised.value.status) == (code, 400)
