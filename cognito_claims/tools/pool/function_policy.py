"""A function's resource policy: who may invoke it."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.pool.policy import ACTION, PRINCIPAL, Verdict, judge


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
    def itself(self) -> str:
        """Give the ARN of the function without a version or an alias."""
        return self.arn if self.qualifier is None else self.arn.removesuffix(f":{self.qualifier}")

    @property
    def target(self) -> dict[str, str]:
        """Give what names it in a call of Lambda's."""
        if self.qualifier is None:
            return {"FunctionName": self.arn}
        return {"FunctionName": self.itself, "Qualifier": self.qualifier}


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
            grants(statement, self.pool_arn, self.function.arn)
            for statement in statements(client, self.function.target)
        )

    def grant(self, client: Any) -> None:
        """Add it to the function's policy."""
        client.add_permission(
            **self.function.target,
            StatementId=self.statement_id,
            Action=ACTION,
            Principal=PRINCIPAL,
            SourceArn=self.pool_arn,
            SourceAccount=self.pool_arn.split(":")[4],
        )

    def is_ours(self, client: Any) -> bool:
        """Say whether what `grant` adds is there."""
        found = (statement.get("Sid") for statement in statements(client, self.function.target))
        return self.statement_id in found

    def revoke(self, client: Any) -> None:
        """Take away what `grant` added, if it is there."""
        if self.is_ours(client):
            client.remove_permission(**self.function.target, StatementId=self.statement_id)


def statements(client: Any, target: Mapping[str, str]) -> list[Any]:
    """Give the statements of a function's policy; none where it has no policy."""
    try:
        policy = client.get_policy(**target)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return []
    found = json.loads(policy).get("Statement", [])
    return found if isinstance(found, list) else [found]


def grants(statement: object, pool_arn: str, function_arn: str) -> bool:
    """Say whether a statement lets this pool, and nobody else, invoke this very ARN.

    A permission on a function does not hold for its aliases and versions.
    """
    if judge(statement, pool_arn) is not Verdict.POOL or not isinstance(statement, Mapping):
        return False
    resource: object = statement.get("Resource")
    return resource == function_arn
