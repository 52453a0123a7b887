"""A role from a table of DynamoDB, by boto3."""

from typing import Any

import boto3

_dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    sub = event["request"]["userAttributes"]["sub"]
    found = _dynamodb.get_item(TableName="members", Key={"pk": {"S": f"USER#{sub}"}})
    role = found["Item"]["role"]["S"]
    event["response"]["claimsOverrideDetails"] = {"claimsToAddOrOverride": {"role": role}}
    return event
