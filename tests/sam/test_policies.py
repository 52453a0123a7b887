"""A second opinion on the template's policies: parliament, a linter of IAM policies that knows every action."""

import json
import re
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import yaml

from tests.sam.conftest import SAM

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it leaves a file open, and uses what is deprecated
    parliament: Any = import_module("parliament")
_ARNS = {
    "ClaimsLogGroup": "arn:aws:logs:eu-west-1:123456789012:log-group:claims:*",
    "UserSyncLogGroup": "arn:aws:logs:eu-west-1:123456789012:log-group:sync:*",
    "WorkerLogGroup": "arn:aws:logs:eu-west-1:123456789012:log-group:worker:*",
    "UserSyncQueue": "arn:aws:sqs:eu-west-1:123456789012:users",
    "UserSyncDeadLetterQueue": "arn:aws:sqs:eu-west-1:123456789012:users-dead",
    "FaunaSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:fauna-AbCdEf",
    "HasuraSyncSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hasura-AbCdEf",
    "LookUpTableArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/members",
    "LookUpTableArn2": "arn:aws:dynamodb:eu-west-1:123456789012:table/plans",
    "LookUpTableArn3": "arn:aws:dynamodb:eu-west-1:210987654321:table/shared",
    "SecretsKmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "FaunaSecretParameter": "/fauna/minter",
    "HasuraSyncSecretParameter": "/hasura/admin",
}


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # it carries no types
    """Reads references as the ARNs that they may come to."""


def _resolved(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if suffix == "Sub":
        return re.sub(
            r"\$\{([\w:]+)\}", lambda m: _ARNS.get(m[1], m[1]), loader.construct_scalar(node)
        )
    if suffix in ("GetAtt", "Ref"):
        name = loader.construct_scalar(node)
        return _ARNS.get(name.removesuffix(".Arn"), name)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _resolved)


def _policies(value: object, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict) and "PolicyName" in value:
        yield f"{path}: {value['PolicyName']}", value["PolicyDocument"]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _policies(each, path)


TEMPLATE = yaml.load((SAM / "template.yaml").read_text(), _Loader)  # noqa: S506  (a safe one)
POLICIES = [
    found for name, resource in TEMPLATE["Resources"].items() for found in _policies(resource, name)
]


@pytest.mark.parametrize(("name", "policy"), POLICIES, ids=[name for name, _ in POLICIES])
def test_a_policy_has_no_finding(name: str, policy: dict[str, Any]) -> None:
    found = parliament.analyze_policy_string(json.dumps(policy)).findings

    assert [(finding.issue, finding.detail, name) for finding in found] == []


def test_the_second_opinion_can_be_another_one() -> None:
    wide = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sqs:SendMesage", "Resource": "*"}],
    }

    assert [f.issue for f in parliament.analyze_policy_string(json.dumps(wide)).findings] == [
        "UNKNOWN_ACTION"
    ]
