"""AWS for the commands: boto3's clients, with what the environment or its file says before a profile."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.waiting import tell_calls

AWS_ERRORS: tuple[type[Exception], ...] = (BotoCoreError, ClientError)
_KEY, _SECRET, _TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
_SERVICE_IDS = {  # as they stand in AWS's variables
    "cognito-idp": "COGNITO_IDENTITY_PROVIDER",
    "dynamodb": "DYNAMODB",
    "iam": "IAM",
    "lambda": "LAMBDA",
    "logs": "CLOUDWATCH_LOGS",
    "sqs": "SQS",
}
# Adaptive: slows down by itself when AWS throttles, and tries again.
_CONFIG = Config(
    retries={"mode": "adaptive", "max_attempts": 12}, user_agent_extra="cognito-claims"
)
_ONCE = Config(retries={"total_max_attempts": 1}, user_agent_extra="cognito-claims")


class Aws:
    """Clients of AWS's services, by the credentials in `environ`, or else by boto3's own ways to find some."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        key = environ.get(_KEY) or None
        self._session = boto3.Session(
            aws_access_key_id=key,
            aws_secret_access_key=environ.get(_SECRET) or None,
            aws_session_token=environ.get(_TOKEN) or None,
            region_name=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None,
            profile_name=None if key else environ.get("AWS_PROFILE") or None,
        )

    def client(self, service: str, region: str | None = None, *, is_retried: bool = True) -> Any:
        """Make a client, for a region that may be the environment's."""
        own = f"AWS_ENDPOINT_URL_{_SERVICE_IDS[service]}"
        endpoint = self._environ.get(own) or self._environ.get("AWS_ENDPOINT_URL") or None
        client = self._session.client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            config=_CONFIG if is_retried else _ONCE,
        )
        tell_calls(client)
        return client

    def environ(self) -> Mapping[str, str]:
        """Give the environment with the credentials of a profile in it, for a secret that is kept in AWS."""
        if self._environ.get(_KEY) or self._environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            return self._environ
        found = self._session.get_credentials()
        if found is None:
            return self._environ
        frozen = found.get_frozen_credentials()
        keys = {_KEY: frozen.access_key, _SECRET: frozen.secret_key, _TOKEN: frozen.token}
        region = {"AWS_REGION": self._session.region_name}
        known = {name: text for name, text in {**region, **keys}.items() if text}
        return {**self._environ, **known}


@contextmanager
def asking_aws(subject: str) -> Iterator[None]:
    """Tell what AWS refuses as `UnusableInput`, in one line about the subject."""
    try:
        yield
    except AWS_ERRORS as error:
        raise UnusableInput(f"{subject}: {aws_message(error)}") from None
    except ValueError as error:  # an endpoint that is no URL
        raise UnusableInput(f"{subject}: {error}") from None


def aws_message(error: Exception) -> str:
    """Say what AWS refused, in AWS's own words."""
    response: Mapping[str, Any] = getattr(error, "response", {})
    refused = response.get("Error", {})
    return f"{refused['Code']}: {refused.get('Message', '')}" if refused else str(error)
