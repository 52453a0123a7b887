"""The value of a secret: the setting itself, or what AWS keeps under the reference."""

from collections.abc import Callable, Mapping
from importlib import import_module
from threading import Lock
from time import monotonic
from typing import Any, TypeAlias, TypeVar

from cognito_claims.claims import Json
from cognito_claims.clients.http import json_object
from cognito_claims.errors import FaunaError, LookUpFailedError, SecretError
from cognito_claims.secret import Reference, Secret, parse

_T = TypeVar("_T")
_LONGEST_WAIT_S = 0.5
_UNAUTHORIZED = 401
_Call: TypeAlias = Callable[..., Any]  # of `AwsClient`


class SecretReader:
    """Reads one secret, for any number of threads, and keeps its value."""

    def __init__(self, secret: Secret) -> None:
        reference = parse(secret.text)
        environ = {} if secret.environ is None else secret.environ
        self._fetch = None if reference is None else _fetcher(reference, environ)
        self._value = secret.text if reference is None else ""
        self._fetches = 0
        self._lock = Lock()

    def read(self, deadline: float) -> str:
        """Return the value. The first call fetches it; after a failure, the next call tries again.

        Raises `SecretError`, `AwsError`, `TransportError` and `DeadlineError`.
        """
        if self._value or self._fetch is None:
            return self._value
        return self._after(0, self._fetch, deadline)

    def refresh(self, stale: str, deadline: float) -> str | None:
        """Fetch the secret again after a backend refused it; return None if it has not changed.

        If several threads call this at the same time, one fetches for all. Raises what `read`
        raises.
        """
        if self._fetch is None:
            return None
        fetches, value = self._fetches, self._value
        if value in ("", stale):
            value = self._after(fetches, self._fetch, deadline)
        return None if value == stale else value

    def use(self, attempt: Callable[[str], _T], deadline: float) -> _T:
        """Return the result of `attempt` with the value.

        If a backend refuses the value (401), fetch it again and repeat the attempt. Raises what
        `read` and the attempt raise.
        """
        value = self.read(deadline)
        try:
            return attempt(value)
        except (FaunaError, LookUpFailedError) as error:
            # The secret was probably rotated, so the reference may lead to another value now.
            fresh = self.refresh(value, deadline) if error.status == _UNAUTHORIZED else None
            if fresh is None:
                raise
        return attempt(fresh)

    def _after(self, fetches: int, fetch: Callable[[float], str], deadline: float) -> str:
        """Return the value after so many fetches: the result of another thread, or of this one."""
        # Another thread's request may hang, in a frozen process for ever, so do not wait for it long.
        is_mine = self._lock.acquire(timeout=max(0.0, min(_LONGEST_WAIT_S, deadline - monotonic())))
        try:
            if self._fetches == fetches:
                self._value = fetch(deadline)
                self._fetches += 1
            return self._value
        finally:
            if is_mine:
                self._lock.release()


def _fetcher(reference: Reference, environ: Mapping[str, str]) -> Callable[[float], str]:
    # Only a reference needs the import of the AWS client.
    made = import_module("cognito_claims.clients.aws").AwsClient
    call = made(reference.service, reference.region, environ).call
    fetch = _from_parameter_store if reference.service == "ssm" else _from_secrets_manager
    return lambda deadline: _usable(fetch(call, reference, deadline))


def _from_parameter_store(call: _Call, reference: Reference, deadline: float) -> str:
    wanted: Mapping[str, Json] = {"Name": reference.name, "WithDecryption": True}
    answer = call("AmazonSSM.GetParameter", wanted, deadline=deadline)
    return _text(
        answer.get("Parameter"), "Value", "the answer of the parameter store holds no value"
    )


def _from_secrets_manager(call: _Call, reference: Reference, deadline: float) -> str:
    wanted = {"SecretId": reference.name}
    answer = call("secretsmanager.GetSecretValue", wanted, deadline=deadline)
    text = _text(answer, "SecretString", "the secret is binary; store it as a SecretString")
    if reference.key is None:
        return text
    problem = "the secret must be a JSON object in which the reference's #key names a string"
    return _text(json_object(text), reference.key, problem)


def _text(holder: object, name: str, problem: str) -> str:
    text: Any = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(text, str):
        raise SecretError(problem)
    return text


def _usable(text: str) -> str:
    """Return the value in a form that an HTTP header can hold."""
    value = text.strip()
    if not value:
        raise SecretError("the secret is empty")
    if not (value.isascii() and value.isprintable()):
        raise SecretError("the secret holds a character that is not printable ASCII")
    return value
