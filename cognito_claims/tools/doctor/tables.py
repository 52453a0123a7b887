"""What AWS knows of a table that a function looks into, and of what the function's role may do with it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from botocore.exceptions import ClientError

from cognito_claims.tools.backends.dynamodb.tables import Table

GET_ITEM = "dynamodb:GetItem"
ACTIONS: tuple[str, ...] = (
    GET_ITEM,
    *("dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan"),
    *("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"),
    "dynamodb:DeleteTable",
)
AwsClient: TypeAlias = Callable[..., Any]
"""Makes a client of boto3's, for a service and a region."""

_ABSENT = ("ResourceNotFoundException",)


class TableFacts(NamedTuple):
    """A table; `types` are those of its key's attributes, None for what may not be read."""

    table: Table
    region: str
    types: Mapping[str, str] | None
    allowed: Sequence[str] | None
    is_missing: bool = False


def table_facts(table: Table, client: AwsClient, *, region: str, role: str | None) -> TableFacts:
    """Read a table, and what a role may do with it; `region` is the function's."""
    own = table.table.split(":")[3] if table.table.startswith("arn:") else table.region or region
    try:
        described = client("dynamodb", own).describe_table(TableName=table.table)["Table"]
    except ClientError as error:
        is_missing = error.response["Error"]["Code"] in _ABSENT
        return TableFacts(table, own, None, None, is_missing=is_missing)
    types = {
        each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]
    }
    allowed = None if role is None else _allowed(table, described["TableArn"], role, client)
    keys = sorted(described["KeySchema"], key=lambda each: each["KeyType"] != "HASH")
    names = [each["AttributeName"] for each in keys]
    return TableFacts(table, own, {name: types[name] for name in names}, allowed)


def _allowed(table: Table, arn: str, role: str, client: AwsClient) -> list[str] | None:
    """Return what the role may do; None where that may not be simulated."""
    context = [
        {
            "ContextKeyName": "dynamodb:LeadingKeys",
            "ContextKeyValues": [_leading_key(table)],
            "ContextKeyType": "stringList",
        },
        {
            "ContextKeyName": "dynamodb:Attributes",
            "ContextKeyValues": [*table.attributes],
            "ContextKeyType": "stringList",
        },
    ]
    try:
        found = client("iam").simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=[*ACTIONS],
            ResourceArns=[arn],
            ContextEntries=context,
        )
    except ClientError:
        return None
    results: list[Any] = found["EvaluationResults"]
    return [each["EvalActionName"] for each in results if each["EvalDecision"] == "allowed"]


def _leading_key(table: Table) -> str:
    """Return a partition key that the first look-up's template makes."""
    template = next(iter(table.keys[0].values()))
    return "".join("7" if number % 2 else text for number, text in enumerate(template.parts))
