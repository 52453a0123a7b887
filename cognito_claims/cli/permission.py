"""A function's resource policy: who may invoke it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from botocore.exceptions import ClientError

from cognito_claims.cli.inputs import UnusableInput

PRINCIPAL = "cognito-idp.amazonaws.com"
_ACTION = "lambda:InvokeFunction"


class FunctionArn(NamedTuple):
    """A Lambda function, or a version or alias of it."""

    arn: str
    region: str
    account: str
    name: str
    qualifier: str | None

    @classmethod
    def parse(cls, option: str, text: str) -> "FunctionArn":
        """Read an ARN; raises `UnusableInput` that names the option."""
        arn, _, service, region, account, kind, name, *qualifier = (text.split(":") + [""] * 7)[:8]
        is_function = (arn, service, kind) == ("arn", "lambda", "function") and name
        if not (is_function and region and account.isdigit()) or text.count(":") > 7:
            form = "arn:aws:lambda:REGION:ACCOUNT:function:NAME"
            raise UnusableInput(f"{option}: expected a function's ARN, as in {form}")
        return cls(text, region, account, name, qualifier=(qualifier or [""])[0] or None)

    @property
    def target(self) -> dict[str, str]:
        """Give what names it in a call of Lambda's."""
        if self.qualifier is None:
            return {"FunctionName": self.arn}
        return {
            "FunctionName": self.arn.removesuffix(f":{self.qualifier}"),
            "Qualifier": self.qualifier,
        }


class Permission(NamedTuple):
    """The right of a pool, and of no other, to invoke a function."""

    function: FunctionArn
    pool_arn: str

    @property
    def statement_id(self) -> str:
        """Give the name of the statement that `grant` adds."""
        return f"cognito-claims-{self.pool_arn.rpartition('/')[2]}"

    def is_granted(self, client: Any) -> bool:
        """Say whether the function's policy has it already."""
        return any(
            grants(statement, self.pool_arn) for statement in statements(client, self.function)
        )

    def grant(self, client: Any) -> None:
        """Add it to the function's policy."""
        client.add_permission(
            **self.function.target,
            StatementId=self.statement_id,
            Action=_ACTION,
            Principal=PRINCIPAL,
            SourceArn=self.pool_arn,
            SourceAccount=self.pool_arn.split(":")[4],
        )

    def is_ours(self, client: Any) -> bool:
        """Say whether what `grant` adds is there."""
        found = (statement.get("Sid") for statement in statements(client, self.function))
        return self.statement_id in found

    def revoke(self, client: Any) -> None:
        """Take away what `grant` added, if it is there."""
        if self.is_ours(client):
            client.remove_permission(**self.function.target, StatementId=self.statement_id)


def statements(client: Any, function: FunctionArn) -> Iterator[Mapping[str, Any]]:
    """Give the statements of a function's policy; none where it has no policy."""
    try:
        policy = client.get_policy(**function.target)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return
    yield from json.loads(policy)["Statement"]


def grants(statement: Mapping[str, Any], pool_arn: str) -> bool:
    """Say whether a statement lets this pool, by its very ARN, invoke the function."""
    return (
        statement.get("Effect") == "Allow"
        and is_for_cognito(statement)
        and source(statement, "SourceArn") == pool_arn
        and source(statement, "SourceAccount") in (None, pool_arn.split(":")[4])
    )


def is_for_cognito(statement: Mapping[str, Any]) -> bool:
    """Say whether a statement is about Cognito's invoking the function."""
    principal, action = statement.get("Principal"), statement.get("Action")
    service = principal.get("Service") if isinstance(principal, dict) else principal
    return service in (PRINCIPAL, "*") and action in (_ACTION, "lambda:*", "*")


def source(statement: Mapping[str, Any], key: Literal["SourceArn", "SourceAccount"]) -> str | None:
    """Give the source that a statement is limited to."""
    for operator in ("ArnLike", "ArnEquals", "StringEquals", "StringLike"):
        for name, value in statement.get("Condition", {}).get(operator, {}).items():
            if name.lower() == f"aws:{key}".lower():
                return str(value)
    return None
