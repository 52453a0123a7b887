"""Signed calls to AWS's JSON services without its SDK, and the credentials for them."""

import json
from collections.abc import Mapping
from time import gmtime, strftime, time
from typing import Any, Literal, TypeGuard

from cognito_claims.claims import Json
from cognito_claims.clients.http import HttpClient, Response, json_object, url_problem
from cognito_claims.clients.retry import retried
from cognito_claims.clients.sigv4 import Credentials, sign
from cognito_claims.errors import AWS_TRANSIENT, AwsError, SecretError

_OUTDATED = frozenset(("ExpiredTokenException", "UnrecognizedClientException"))
_CODES = _OUTDATED.union(  # errors repeat only these: a server's text may hold anything
    *AWS_TRANSIENT.values(),
    """AccessDeniedException DecryptionFailure IncompleteSignatureException InternalFailure
    InvalidAddress InvalidKeyId InvalidMessageContents InvalidParameterException
    InvalidRequestException InvalidSecurity InvalidSignatureException KmsAccessDenied KmsDisabled
    KmsInvalidKeyUsage KmsInvalidState KmsNotFound KmsOptInRequired
    MissingAuthenticationTokenException ParameterNotFound ParameterVersionNotFound
    QueueDoesNotExist ResourceNotFoundException ServiceUnavailableException Throttling
    ThrottlingException TooManyRequestsException UnsupportedOperation ValidationException""".split(),  # noqa: SIM905  (a list takes a line for each name)
)
_ENDPOINT_OF = {"secretsmanager": "SECRETS_MANAGER"}
_SUFFIXES = {  # of partitions other than the commercial one and GovCloud
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}
HOSTS: tuple[str, ...] = (".amazonaws.com", *(f".{suffix}" for suffix in _SUFFIXES.values()))
"""How the hosts of AWS's services end."""
_IGNORED = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
_FULL_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
_TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
_EARLY_S = 120  # credentials are replaced so long before they expire


class AwsClient:
    """Calls one AWS service. A region of None means the environment's, read at each call.

    `endpoint` is the address to call, unless the environment names another.
    """

    def __init__(
        self,
        service: str,
        region: str | None,
        environ: Mapping[str, str],
        *,
        json_version: Literal["1.0", "1.1"] = "1.1",
        endpoint: str | None = None,
        retries: int = 1,
    ) -> None:
        self._service = service
        self._region = region
        self._environ = environ
        self._usual_endpoint = endpoint
        self._retries = retries
        self._content_type = f"application/x-amz-json-{json_version}"
        self._clients: dict[str, HttpClient] = {}
        self._container_credentials: tuple[Credentials, str] | None = None

    def call(self, target: str, payload: Mapping[str, Json], *, deadline: float) -> Any:
        """Return the JSON object that the service answers; `deadline` is on the monotonic clock.

        Raises `AwsError`, `DeadlineError` and `TransportError`, and `SecretError` for a missing
        setting.
        """
        body = json.dumps(dict(payload)).encode()
        credentials = self._credentials(deadline)
        try:
            return self._post(target, body, credentials, deadline)
        except AwsError as error:
            if error.aws_code not in _OUTDATED:
                raise
            self._container_credentials = None
            renewed = self._credentials(deadline)
            if renewed == credentials:
                raise
        return self._post(target, body, renewed, deadline)

    def prepare(self) -> None:
        """Load what TLS needs before the first call."""
        self._client(*self._endpoint(self._current_region()))

    def open(self, deadline: float) -> None:
        """Open the connection and get the credentials ahead of the first call."""
        self._client(*self._endpoint(self._current_region())).open(deadline)
        self._credentials(deadline)

    @property
    def url(self) -> str:
        """Where the next call goes."""
        return self._endpoint(self._current_region())[0]

    def _post(self, target: str, body: bytes, credentials: Credentials, deadline: float) -> Any:
        region = self._current_region()
        url, variable = self._endpoint(region)
        client = self._client(url, variable)

        def once() -> dict[str, Any]:
            headers = sign(
                "POST",
                url,
                {"content-type": self._content_type, "x-amz-target": target},
                body,
                credentials=credentials,
                region=region,
                service=self._service,
                now=time(),
            )
            response = client.request("POST", headers, body, deadline=deadline)
            return _answer(self._service, response, variable)

        return retried(once, deadline=deadline, retries=self._retries)

    def _current_region(self) -> str:
        return self._region or _region(self._environ)

    def _endpoint(self, region: str) -> tuple[str, str]:
        """Return the URL, and the variable that it comes from."""
        service = _ENDPOINT_OF.get(self._service, self._service.upper())
        is_ignored = self._environ.get(_IGNORED, "").strip().lower() == "true"
        for variable in (f"AWS_ENDPOINT_URL_{service}", "AWS_ENDPOINT_URL"):
            url = _variable(self._environ, variable)
            if url is not None and not is_ignored:
                return url, variable
        if self._usual_endpoint is not None:
            return self._usual_endpoint, "AWS_REGION"
        return f"https://{self._service}.{region}.{_suffix(region)}/", "AWS_REGION"

    def _client(self, url: str, variable: str) -> HttpClient:
        if url not in self._clients:
            problem = url_problem(url)
            if problem is not None:
                raise SecretError(f"{variable}: {problem}")
            self._clients[url] = HttpClient(url)
        return self._clients[url]

    def _credentials(self, deadline: float) -> Credentials:
        key = _variable(self._environ, "AWS_ACCESS_KEY_ID")
        secret = _variable(self._environ, "AWS_SECRET_ACCESS_KEY")
        if key and secret:
            return Credentials(key, secret, _variable(self._environ, "AWS_SESSION_TOKEN"))
        if key or secret:
            raise SecretError("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: set both or neither")
        # Compare times as strings: to parse them would need an import.
        soon = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(time() + _EARLY_S))
        lent = self._container_credentials
        if lent is None or lent[1] < soon:
            lent = self._container_credentials = self._read_container_credentials(deadline)
        return lent[0]

    def _read_container_credentials(self, deadline: float) -> tuple[Credentials, str]:
        """Return credentials from the container's endpoint, and when they expire.

        Under SnapStart, such an endpoint replaces the keys in the environment.
        """
        url = _variable(self._environ, _FULL_URI)
        if url is None:
            either = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            raise SecretError(f"no AWS credentials: set {either}, or {_FULL_URI}")
        client = self._client(url, _FULL_URI)
        token = _authorization(self._environ)
        headers = {} if token is None else {"authorization": token}

        def once() -> dict[str, Any]:
            response = client.request("GET", headers, b"", deadline=deadline)
            return _answer("container credentials", response, _FULL_URI)

        return _container_credentials(retried(once, deadline=deadline))


def _container_credentials(answer: Mapping[str, Any]) -> tuple[Credentials, str]:
    key, secret = answer.get("AccessKeyId"), answer.get("SecretAccessKey")
    token, end = answer.get("Token") or None, answer.get("Expiration")
    if not (_is_plain(key) and _is_plain(secret) and (token is None or _is_plain(token))):
        raise SecretError(f"{_FULL_URI}: its endpoint answers without credentials")
    # An end that is not in UTC cannot be compared, so such credentials are used only once.
    is_utc = isinstance(end, str) and end.endswith("Z")
    return Credentials(key, secret, token), str(end) if is_utc else ""


def _authorization(environ: Mapping[str, str]) -> str | None:
    path = _variable(environ, _TOKEN_FILE)
    if path is None:
        return _variable(environ, "AWS_CONTAINER_AUTHORIZATION_TOKEN")
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123  (pathlib would need an import)
            token = file.read().strip()
    except (OSError, ValueError):
        token = ""
    if not _is_plain(token):
        raise SecretError(f"{_TOKEN_FILE}: expected a file that holds a token")
    return token


def _region(environ: Mapping[str, str]) -> str:
    region = _variable(environ, "AWS_REGION") or _variable(environ, "AWS_DEFAULT_REGION")
    if region is None:
        raise SecretError("AWS_REGION: required to call AWS")
    if not region.replace("-", "").isalnum():
        raise SecretError("AWS_REGION: expected a region, as in eu-central-1")
    return region


def _suffix(region: str) -> str:
    """Return the end of the hosts of AWS's services in a region."""
    for prefix, suffix in _SUFFIXES.items():
        if region.startswith(prefix):
            return suffix
    return "amazonaws.com"


def _variable(environ: Mapping[str, str], name: str) -> str | None:
    """Return a variable; an empty one counts as unset."""
    text = environ.get(name, "").strip()
    if text and not _is_plain(text):
        raise SecretError(f"{name}: holds a character that is not printable ASCII")
    return text or None


def _is_plain(text: object) -> TypeGuard[str]:
    return isinstance(text, str) and text != "" and text.isascii() and text.isprintable()


def _answer(service: str, response: Response, variable: str) -> dict[str, Any]:
    """Return the JSON object; no error, nor its cause, holds any part of an answer."""
    content = json_object(response.body)
    if response.status != 200:
        kind = str((content or {}).get("__type")).rpartition("#")[2].partition(":")[0]
        raise AwsError(service, response.status, kind if kind in _CODES else "unknown")
    if content is None:
        raise SecretError(f"{service}: the answer is not a JSON object; is {variable} right?")
    return content
