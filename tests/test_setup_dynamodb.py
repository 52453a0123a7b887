"""The tables, the policy and the sample items for look-ups, and a real stack of them on moto."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from cognito_claims.handlers import pre_token_generation_from_env
from cognito_claims.testing import a_user_event, to_json
from cognito_claims.tools.backends.dynamodb.setup import parts
from cognito_claims.tools.errors import UnusableInput
from tests.command import run
from tests.stand_ins.lookups import CREDENTIALS, REGION

ARN = f"arn:aws:dynamodb:{REGION}:210987654321:table/plans"
SUB = "a1b2c3d4-5678-90ab-cdef-111122223333"
RULES: dict[str, Any] = {
    "lookups": {
        "member": {
            "dynamodb": {"table": "members", "key": {"pk": "USER#{sub}", "sk": {"N": "{tenant}"}}}
        },
        "client": {
            "dynamodb": {
                "table": "members",
                "key": {"pk": "CLIENT$*#{client_id}", "sk": {"N": "0"}},
            }
        },
        "plan": {"dynamodb": {"table": ARN, "key": {"id": "{email}"}}},
        "service": {"https": {"url": "https://example.com/", "secret": "abc", "auth": "bearer"}},
    },
    "tenant": {"from": "client_metadata.tenant", "among": {"item": "member"}},
    "claims": {
        "role": {"from": "member.role"},
        "status": {"from": "member.status.name"},
        "api": {"from": "client.api"},
        "plan": {"from": "plan.plan"},
    },
}


def settings(rules: Mapping[str, Any], **more: str) -> dict[str, str]:
    return {
        "COGNITO_CLAIMS_PLUGINS": "mapper",
        "MAPPER_RULES": json.dumps(rules),
        **CREDENTIALS,
        **more,
    }


def part(name: str, rules: Mapping[str, Any] = RULES) -> Any:
    (found,) = (each.text for each in parts(settings(rules)) if each.name == name)
    return json.loads(found)


def statement(resource: object, attributes: list[str], *keys: str) -> dict[str, Any]:
    conditions: dict[str, Any] = {"ForAllValues:StringEquals": {"dynamodb:Attributes": attributes}}
    if keys:
        conditions["ForAllValues:StringLike"] = {"dynamodb:LeadingKeys": [*keys]}
    return {
        "Effect": "Allow",
        "Action": "dynamodb:GetItem",
        "Resource": resource,
        "Condition": conditions,
    }


OF_MEMBERS = (["api", "pk", "role", "sk", "status"], "CLIENT${$}${*}#*", "USER#*")
OF_PLANS = (["id", "plan"],)


def test_the_policy_allows_get_item_alone_by_these_keys_and_of_these_attributes() -> None:
    assert part("policy") == {
        "Version": "2012-10-17",
        "Statement": [
            statement("arn:aws:dynamodb:REGION:ACCOUNT:table/members", *OF_MEMBERS),
            statement(ARN, *OF_PLANS),
        ],
    }


def test_the_template_makes_the_tables_of_this_account() -> None:
    template = part("template")

    own = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/members"
    assert [*template["Resources"]] == ["LookUpTable1", "LookUpPolicy"]
    assert template["Resources"]["LookUpTable1"]["Properties"] == {
        "TableName": "members",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    }
    policy = template["Resources"]["LookUpPolicy"]["Properties"]["PolicyDocument"]
    assert policy["Statement"] == [
        statement({"Fn::Sub": own}, *OF_MEMBERS),
        statement(ARN, *OF_PLANS),
    ]


def test_a_sample_item_for_each_key_has_what_rules_read() -> None:
    values = {name: {"S": f"FILL_IN: {name}"} for name in ("role", "status", "api")}
    plan = {"id": {"S": "jane.doe@example.com"}, "plan": {"S": "FILL_IN: plan"}}
    keys = [
        {"pk": {"S": f"USER#{SUB}"}, "sk": {"N": "7"}},
        {"pk": {"S": "CLIENT$*#1example23456789abcdefghij"}, "sk": {"N": "0"}},
    ]

    assert part("items") == {
        "members": [{"PutRequest": {"Item": {**key, **values}}} for key in keys],
        ARN: [{"PutRequest": {"Item": plan}}],
    }


@pytest.mark.parametrize(
    ("lookups", "problem"),
    [
        (
            {"service": RULES["lookups"]["service"]},
            "MAPPER_RULES: the document has no look-up in DynamoDB",
        ),
        (
            {
                "one": {"dynamodb": {"table": "members", "key": {"pk": "{sub}"}}},
                "two": {"dynamodb": {"table": "members", "key": {"pk": {"N": "{tenant}"}}}},
            },
            "lookups.two.dynamodb.key: another look-up has another key for the same table",
        ),
    ],
)
def test_what_makes_no_tables_is_told(lookups: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(UnusableInput) as raised:
        parts(settings({"lookups": lookups}))

    assert str(raised.value) == problem


def test_a_real_stack_of_it_gives_the_sample_item_to_the_handler(moto: str) -> None:
    rules = {
        "lookups": {"member": {"dynamodb": {"table": "stacked", "key": {"pk": "USER#{sub}"}}}},
        "claims": {"role": {"from": "member.role"}},
    }
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "a/secret+key", None, REGION)
    stacks = session.client("cloudformation", endpoint_url=moto)
    database = session.client("dynamodb", endpoint_url=moto)

    stacks.create_stack(
        StackName="look-ups",
        TemplateBody=json.dumps(part("template", rules)),
        Capabilities=["CAPABILITY_IAM"],
    )
    database.batch_write_item(RequestItems=part("items", rules))
    handler = pre_token_generation_from_env(settings(rules, AWS_ENDPOINT_URL=moto))

    answer = handler(to_json(a_user_event(sub=SUB)), None)["response"]
    token = answer["claimsAndScopeOverrideDetails"]["idTokenGeneration"]
    assert token["claimsToAddOrOverride"] == {"role": "FILL_IN: role"}
    database.delete_table(TableName="stacked")


def test_the_command_prints_a_part() -> None:
    done = run("setup", "dynamodb", "--part", "policy", environ=settings(RULES))

    assert done.content == part("policy")
