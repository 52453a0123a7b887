"""`doctor` on look-ups: the tables, their keys, and what the function's role may do with them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest

from cognito_claims.plugins.mapper import Mapper
from cognito_claims.tools.backends.dynamodb.tables import tables_of
from cognito_claims.tools.doctor.lookup_rules import lookup_findings, table_findings
from cognito_claims.tools.doctor.tables import ACTIONS, GET_ITEM, TableFacts, table_facts
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool.aws import Aws
from tests.stand_ins.lookups import CREDENTIALS
from tests.stand_ins.moto import Answer, Request, answering
from tests.test_doctor import claims

REGION = "eu-west-1"  # of the function
ROLE = "arn:aws:iam::123456789012:role/claims"
MEMBER: dict[str, Any] = {
    "dynamodb": {"table": "members", "key": {"pk": "USER#{sub}", "sk": {"N": "{tenant}"}}}
}
RULES: dict[str, Any] = {
    "lookups": {"member": MEMBER},
    "tenant": {"from": "client_metadata.tenant", "among": {"item": "member"}},
    "claims": {"role": {"from": "member.role"}},
}
TYPES = {"pk": "S", "sk": "N"}


(TABLE,) = tables_of(Mapper(RULES, {}))


def told(facts: TableFacts) -> list[tuple[str, str, str]]:
    place = "PreTokenGeneration: the table members in eu-west-1"
    found = [*table_findings("PreTokenGeneration", facts)]
    assert all(finding.message.startswith(place) for finding in found)
    return [(each.level, each.code, each.message.removeprefix(place)) for each in found]


@pytest.mark.parametrize(
    ("types", "allowed", "is_missing", "findings"),
    [
        (TYPES, [GET_ITEM], False, []),
        (
            None,
            None,
            True,
            [("error", "look-up-table", " does not exist; setup dynamodb prints it")],
        ),
        (
            None,
            None,
            False,
            [("warning", "not-checked", " may not be read: dynamodb:DescribeTable")],
        ),
        (
            {"pk": "S"},
            [GET_ITEM],
            False,
            [
                (
                    "error",
                    "look-up-key",
                    " has the key pk (S), and the rules' templates make pk (S), sk (N)",
                )
            ],
        ),
        (
            {"sk": "N", "pk": "S"},
            None,
            False,
            [
                (
                    "error",
                    "look-up-key",
                    " has the key sk (N), pk (S), and the rules' templates make pk (S), sk (N)",
                ),
                (
                    "warning",
                    "not-checked",
                    ": the role's rights may not be read: iam:SimulatePrincipalPolicy",
                ),
            ],
        ),
        (
            TYPES,
            [],
            False,
            [
                (
                    "error",
                    "look-up-right",
                    ": the role may not dynamodb:GetItem; "
                    "setup dynamodb --part policy prints the policy",
                )
            ],
        ),
        (
            TYPES,
            [GET_ITEM, "dynamodb:Scan", "dynamodb:PutItem"],
            False,
            [
                (
                    "warning",
                    "look-up-rights",
                    ": the role may dynamodb:Scan, dynamodb:PutItem as well; "
                    "dynamodb:GetItem is enough",
                )
            ],
        ),
    ],
)
def test_each_rule_about_a_table(
    types: Mapping[str, str] | None,
    allowed: Sequence[str] | None,
    is_missing: bool,  # noqa: FBT001  (a column)
    findings: list[tuple[str, str, str]],
) -> None:
    facts = TableFacts(TABLE, REGION, types, allowed, is_missing=is_missing)

    assert told(facts) == findings


# What AWS says


def simulated(request: Request, allowed: Sequence[str]) -> Answer:
    """Answer as IAM does, to who may do what."""
    asked = parse_qs(request.body.decode())
    names = [text for name, (text,) in asked.items() if name.startswith("ActionNames.member.")]
    results = "".join(
        f"<member><EvalActionName>{name}</EvalActionName>"
        f"<EvalDecision>{'allowed' if name in allowed else 'implicitDeny'}</EvalDecision></member>"
        for name in names
    )
    result = f"<EvaluationResults>{results}</EvaluationResults>"
    wrapped = f"<SimulatePrincipalPolicyResult>{result}</SimulatePrincipalPolicyResult>"
    name = "SimulatePrincipalPolicyResponse"
    return Answer(200, f"<{name}>{wrapped}</{name}>".encode())


@pytest.fixture
def environ(moto: str) -> Iterator[dict[str, str]]:
    """Give the environment in which the table is there, without an IAM."""
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "a/secret+key", None, REGION)
    client = session.client("dynamodb", endpoint_url=moto)
    client.create_table(
        TableName="members",
        # Not in this order, as DynamoDB gives them, too.
        KeySchema=[
            {"AttributeName": "sk", "KeyType": "RANGE"},
            {"AttributeName": "pk", "KeyType": "HASH"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "sk", "AttributeType": "N"},
            {"AttributeName": "pk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    yield {**CREDENTIALS, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_ENDPOINT_URL": moto}
    client.delete_table(TableName="members")


def test_a_table_is_read_with_what_the_role_may_do(environ: dict[str, str]) -> None:
    asked: list[dict[str, list[str]]] = []

    def iam(request: Request) -> Answer:
        asked.append(parse_qs(request.body.decode()))
        return simulated(request, [GET_ITEM, "dynamodb:Query"])

    with answering(iam) as url:
        aws = Aws({**environ, "AWS_ENDPOINT_URL_IAM": url})
        facts = table_facts(TABLE, aws.client, region=REGION, role=ROLE)

    assert facts == TableFacts(TABLE, REGION, TYPES, [GET_ITEM, "dynamodb:Query"])
    assert list(facts.types or ()) == ["pk", "sk"]
    (question,) = asked
    assert question["PolicySourceArn"] == [ROLE]
    arn = f"arn:aws:dynamodb:{REGION}:123456789012:table/members"
    assert question["ResourceArns.member.1"] == [arn]
    assert question["ContextEntries.member.1.ContextKeyValues.member.1"] == ["USER#7"]
    assert len([name for name in question if name.startswith("ActionNames")]) == len(ACTIONS)


def test_what_may_not_be_read_is_none(environ: dict[str, str]) -> None:
    denied = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
    with answering(lambda _: Answer(403, denied)) as url:
        aws = Aws({**environ, "AWS_ENDPOINT_URL_IAM": url})
        no_rights = table_facts(TABLE, aws.client, region=REGION, role=ROLE)
        no_role = table_facts(TABLE, aws.client, region=REGION, role=None)
        elsewhere = table_facts(TABLE, aws.client, region="us-east-1", role=ROLE)
        aws = Aws({**environ, "AWS_ENDPOINT_URL_DYNAMODB": url})
        no_table = table_facts(TABLE, aws.client, region=REGION, role=ROLE)

    assert no_rights == no_role == TableFacts(TABLE, REGION, TYPES, None)
    assert elsewhere == TableFacts(TABLE, "us-east-1", None, None, is_missing=True)
    assert no_table == TableFacts(TABLE, REGION, None, None)


def findings(variables: Mapping[str, str], aws: Aws) -> list[Finding]:
    function = claims(variables, Role=ROLE)
    return [*lookup_findings("PreTokenGeneration", function, aws.client)]


def with_rules(rules: Mapping[str, Any]) -> dict[str, str]:
    return {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": json.dumps(rules)}


def test_the_tables_of_a_functions_rules_are_looked_at(environ: dict[str, str]) -> None:
    with answering(lambda request: simulated(request, [GET_ITEM])) as url:
        aws = Aws({**environ, "AWS_ENDPOINT_URL_IAM": url})
        sound = findings(with_rules(RULES), aws)
        elsewhere = {**MEMBER, "dynamodb": {**MEMBER["dynamodb"], "region": "eu-west-3"}}
        rules = {**RULES, "lookups": {"member": elsewhere}}
        missing = findings(with_rules(rules), aws)

    assert sound == []
    message = "PreTokenGeneration: the table members in eu-west-3 does not exist"
    assert missing == [Finding.error("look-up-table", f"{message}; setup dynamodb prints it")]


@pytest.mark.parametrize(
    "variables",
    [
        {"COGNITO_CLAIMS_PLUGINS": "hasura"},
        with_rules({"claims": {"a": {"constant": 1}}}),
        with_rules({"claims": {"a": {}}}),  # wrong, which is told of the plugin
        {},
    ],
)
def test_without_look_ups_nobody_is_asked(variables: Mapping[str, str]) -> None:
    aws = Aws({"AWS_REGION": REGION})

    assert findings(variables, aws) == []
    assert [*lookup_findings("PreTokenGeneration", None, aws.client)] == []


def test_two_keys_of_one_table_are_told() -> None:
    other = {"dynamodb": {"table": "members", "key": {"id": "{sub}"}}}
    rules = {**RULES, "lookups": {"member": MEMBER, "other": other}}
    (finding,) = findings(with_rules(rules), Aws({"AWS_REGION": REGION}))

    problem = "another look-up has another key for the same table"
    message = f"PreTokenGeneration: lookups.other.dynamodb.key: {problem}"
    assert finding == Finding.error("look-up-key", message)
