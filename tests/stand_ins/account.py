"""An AWS account on moto: a pool that has every setting, and functions."""

import io
import json
import zipfile
from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import uuid4

import boto3

from tests.stand_ins.full_pool import every_setting
from tests.stand_ins.sqs import CREDENTIALS, REGION

SETTINGS = {
    "claims": {"COGNITO_CLAIMS_PLUGINS": "hasura"},
    "sync": {
        "USER_SYNC_SINKS": "hasura",
        "HASURA_SYNC_URL": "https://hasura.example.com/v1/graphql",
        "HASURA_SYNC_ADMIN_SECRET": "ssm:/hasura/admin",
        "HASURA_SYNC_ROLE": "cognito_sync",
    },
}


@cache
def _client(service: str, endpoint: str) -> Any:
    """Make a client, which takes as long as many of its calls."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


class Account:
    """Three functions, and a pool of which the third one is the pre sign-up trigger."""

    def __init__(self, endpoint: str) -> None:
        self.environ = {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}
        self.cognito, self.functions, self.logs, iam = (
            _client(service, endpoint) for service in ("cognito-idp", "lambda", "logs", "iam")
        )
        name = uuid4().hex
        self._role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        handlers = {"claims": "pre_token_generation", "sync": "user_sync"}
        self.claims, self.sync = (
            self.function(
                f"{kind}-{name}",
                Handler=f"cognito_claims.functions.{module}.handler",
                Environment={"Variables": SETTINGS[kind]},
            )
            for kind, module in handlers.items()
        )
        self.other = self.function(f"other-{name}")
        self.pool_id = self.cognito.create_user_pool(PoolName="users")["UserPool"]["Id"]
        self.update(PreSignUp=self.other)

    def update(self, settings: Mapping[str, Any] | None = None, **triggers: Any) -> None:
        """Give the pool every setting, or others of them, and these triggers alone."""
        chosen = {**every_setting(), **(settings or {})}
        self.cognito.update_user_pool(
            UserPoolId=self.pool_id, PoolName="users", LambdaConfig=triggers, **chosen
        )

    def pool(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cognito.describe_user_pool(UserPoolId=self.pool_id)["UserPool"]
        return found

    def triggers(self) -> dict[str, Any]:
        return dict(self.pool()["LambdaConfig"])

    def statements(self, function: str) -> list[dict[str, Any]]:
        try:
            policy = self.functions.get_policy(FunctionName=function)["Policy"]
        except self.functions.exceptions.ResourceNotFoundException:
            return []
        return list(json.loads(policy)["Statement"])

    def function(self, name: str, **settings: Any) -> str:
        """Make a function that does nothing, and give its ARN."""
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("handler.py", "")
        made = self.functions.create_function(
            **{
                "FunctionName": name,
                "Runtime": "python3.11",
                "Role": self._role,
                "Handler": "handler.handler",
                "Code": {"ZipFile": code.getvalue()},
                "Timeout": 5,
                "MemorySize": 512,
                "Architectures": ["arm64"],
                **settings,
            }
        )
        return str(made["FunctionArn"])
