"""DynamoDB's set-up: the tables in CloudFormation, what the function's role may do, and sample items."""

import json
from collections.abc import Mapping
from typing import Any

from cognito_claims.plugins.mapper import Mapper
from cognito_claims.rules.templates import PLACEHOLDERS
from cognito_claims.tools.backends.dynamodb.tables import Key, Table, tables_of
from cognito_claims.tools.backends.part import Part, find_plugin
from cognito_claims.tools.errors import UnusableInput

_SAMPLES: Mapping[str, str] = dict(
    zip(
        PLACEHOLDERS,
        (
            "a1b2c3d4-5678-90ab-cdef-111122223333",
            "jane.doe",
            "1example23456789abcdefghij",
            "acme",
            "jane.doe@example.com",
        ),
        strict=True,
    )
)
_SAMPLE_NUMBER = "7"


def parts(environ: Mapping[str, str]) -> list[Part]:
    """Write the parts for the look-ups of the plugin `mapper`; raise `UnusableInput` without any."""
    tables = tables_of(find_plugin(Mapper, "mapper", environ))
    if not tables:
        raise UnusableInput("MAPPER_RULES: the document has no look-up in DynamoDB")
    told = "replace REGION and ACCOUNT; a table of another account needs a policy of its own, too"
    return [
        Part("template", "the tables and the policy, in CloudFormation", "json", _template(tables)),
        Part("policy", f"the policy of the function's role; {told}", "json", _policy_text(tables)),
        Part(
            "items",
            "sample items, for aws dynamodb batch-write-item --request-items file://FILE",
            "json",
            _items(tables),
        ),
    ]


def _template(tables: list[Table]) -> str:
    resources: dict[str, Any] = {}
    for number, table in enumerate(tables, 1):
        if not table.table.startswith("arn:"):  # which lies in another stack
            resources[f"LookUpTable{number}"] = _resource(table)
    arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"
    statements = [_statement(table, arn) for table in tables]
    for statement in statements:
        if "${" in statement["Resource"]:
            statement["Resource"] = {"Fn::Sub": statement["Resource"]}
    resources["LookUpPolicy"] = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": _document(statements)},
    }
    outputs = {"LookUpPolicyArn": {"Value": {"Ref": "LookUpPolicy"}}}
    version = "2010-09-09"
    return _text({"AWSTemplateFormatVersion": version, "Resources": resources, "Outputs": outputs})


def _resource(table: Table) -> dict[str, Any]:
    kinds = ("HASH", "RANGE")
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "TableName": table.name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind} for name, kind in table.types.items()
            ],
            "KeySchema": [
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(table.types, kinds, strict=False)
            ],
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        },
    }


def _policy_text(tables: list[Table]) -> str:
    arn = "arn:aws:dynamodb:REGION:ACCOUNT:table/"
    return _text(_document([_statement(table, arn) for table in tables]))


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(table: Table, arn: str) -> dict[str, Any]:
    """Allow GetItem alone, of the attributes that rules read, by keys of the templates' form alone."""
    equal = {"dynamodb:Attributes": sorted(table.attributes)}
    conditions: dict[str, Any] = {"ForAllValues:StringEquals": equal}
    patterns = sorted({_pattern(key) for key in table.keys})
    if "*" not in patterns:
        conditions["ForAllValues:StringLike"] = {"dynamodb:LeadingKeys": patterns}
    is_arn = table.table.startswith("arn:")
    return {
        "Effect": "Allow",
        "Action": "dynamodb:GetItem",
        "Resource": table.table if is_arn else f"{arn}{table.name}",
        "Condition": conditions,
    }


def _pattern(key: Key) -> str:
    """Return the partition keys that a template makes, as IAM's StringLike has it."""
    template = next(iter(key.values()))
    return "".join(
        "*" if number % 2 else _escaped(text) for number, text in enumerate(template.parts)
    )


def _escaped(text: str) -> str:
    return "".join(f"${{{letter}}}" if letter in "*?$" else letter for letter in text)


def _items(tables: list[Table]) -> str:
    items: dict[str, Any] = {}
    for table in tables:
        others = [name for name in table.attributes if name not in table.types]
        values = {name: {"S": f"FILL_IN: {name}"} for name in others}
        samples = [{"PutRequest": {"Item": {**_sample(key), **values}}} for key in table.keys]
        unique = [each for number, each in enumerate(samples) if each not in samples[:number]]
        items[table.table] = unique
    return _text(items)


def _sample(key: Key) -> dict[str, Any]:
    return {
        name: {"N": template.text(dict.fromkeys(PLACEHOLDERS, _SAMPLE_NUMBER))}
        if template.is_number
        else {"S": template.text(_SAMPLES)}
        for name, template in key.items()
    }


def _text(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
