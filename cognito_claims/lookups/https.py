"""The answer of an HTTPS service that is asked about an event: a JSON object, or nothing."""

import json
import os
from collections.abc import Mapping
from importlib import import_module
from time import monotonic, time
from typing import Literal

from cognito_claims.claims import Json
from cognito_claims.clients.http import HttpClient, Response, json_object
from cognito_claims.clients.retry import retried
from cognito_claims.clients.secrets import SecretReader
from cognito_claims.deadline import seconds_left
from cognito_claims.errors import LookUpFailedError, Problem, SettingsError
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.lookups.looking_up import Item, Run, common_problems, environment, required
from cognito_claims.lookups.values import values_of
from cognito_claims.secret import Secret

LONGEST_ANSWER = 1 << 16
"""How many bytes an answer may have."""

_HEADERS_ROOM = 1 << 13
_ABSENT = (204, 404)
_AUTHS = ("bearer", "standard-webhooks")
_ID_BYTES = 16
_QUESTION = {  # what is sent, by the name of its value
    "sub": "sub",
    "username": "cognito:username",
    "client_id": "client_id",
    "groups": "groups",
    "trigger_source": "trigger_source",
    "tenant": "tenant",
}


class HttpsAnswer:
    """Ask an HTTPS service about an event: 200 with a JSON object is the item, 204 and 404 mean none.

    It gets a POST of `sub`, `username`, `client_id`, `groups`, `trigger_source` and `tenant`, as JSON; what
    a machine token has not is null. `secret` is sent as a bearer token, or signs the request as Standard
    Webhooks says it (`whsec_...`); it may be a reference to AWS. Redirects are not followed. With
    `absent="deny"` a call refuses the sign-in where there is no item. What was found is kept for
    `cache_seconds`. `name` is for the log. AWS's own variables are read from `environ`, by default the
    process's.

    Raises `SettingsError` with every problem.
    """

    placeholders: frozenset[str] = frozenset()

    def __init__(
        self,
        *,
        url: str,
        secret: str | Secret,
        auth: Literal["bearer", "standard-webhooks"] = "bearer",
        absent: Literal["omit", "deny"] = "omit",
        cache_seconds: int = 0,
        name: str = "https",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.absent: str = absent
        self.auth: str = auth
        self.name: str = name
        problems = [*common_problems(absent, cache_seconds)]
        if auth not in _AUTHS:
            problems.append(Problem("auth", f"expected one of {', '.join(_AUTHS)}"))
        try:
            self._http = HttpClient(url, longest_answer=LONGEST_ANSWER + _HEADERS_ROOM)
        except ValueError as error:
            problems.append(Problem("url", str(error)))
        try:
            given = secret if isinstance(secret, Secret) else Secret(secret, environment(environ))
            self._secret = SecretReader(given)
        except ValueError as error:
            problems.append(Problem("secret", str(error)))
        # Only a signature pays for what makes it.
        self._webhooks = (
            import_module("cognito_claims.clients.webhooks") if auth == _AUTHS[1] else None
        )
        if problems:
            raise SettingsError(tuple(problems))
        self._url = url
        self._run = Run(name, cache_seconds, self._read)

    def __call__(
        self, event: PreTokenGenerationEvent, /, *, tenant: str | None = None
    ) -> Item | None:
        """Return the answer for an event, or None where there is none; raise `TokenDenied` if `absent` is `deny`.

        Raises what `find` raises.
        """
        return required(self.find(values_of(event, tenant=tenant)), self.absent, self.name)

    def find(self, values: Mapping[str, Json], /) -> Item | None:
        """Return the answer for these values (`values_of`), or None where there is none.

        Raises `DeadlineError` and `TransportError`, `LookUpFailedError` for any other answer than an item
        or none, and `SecretError` and `AwsError` for a secret that cannot be had.
        """
        question = {name: values.get(value) for name, value in _QUESTION.items()}
        body = json.dumps(question, separators=(",", ":")).encode()
        return self._run(lambda: (self._url, body), lambda deadline: self._ask(body, deadline))

    def prepare(self) -> None:
        """Open the connection, and fetch the secret, ahead of the first event."""
        deadline = monotonic() + seconds_left()
        self._http.open(deadline)
        self._secret.read(deadline)

    def _ask(self, body: bytes, deadline: float) -> bytes | None:
        message_id = f"msg_{os.urandom(_ID_BYTES).hex()}"  # one for all attempts
        return self._secret.use(
            lambda secret: retried(
                lambda: self._once(body, secret, message_id, deadline), deadline=deadline
            ),
            deadline,
        )

    def _once(self, body: bytes, secret: str, message_id: str, deadline: float) -> bytes | None:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._webhooks is None:
            headers["Authorization"] = f"Bearer {secret}"
        else:
            headers |= self._webhooks.signed(
                secret, message_id=message_id, timestamp=int(time()), body=body
            )
        return self._found(self._http.request("POST", headers, body, deadline=deadline))

    def _found(self, response: Response) -> bytes | None:
        if response.status in _ABSENT:
            return None
        if response.status != 200:
            raise LookUpFailedError(self.name, response.status, "refused")
        if len(response.body) > LONGEST_ANSWER:
            problem = f"an answer of more than {LONGEST_ANSWER} bytes"
            raise LookUpFailedError(self.name, 200, problem)
        return response.body

    def _read(self, body: bytes) -> Item:
        found = json_object(body)
        if found is None:
            raise LookUpFailedError(self.name, 200, "the answer is not a JSON object")
        return found
