import calendar
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import gmtime, monotonic, strftime, time
from typing import Any
from urllib.parse import quote

import pytest
from botocore.awsrequest import AWSRequest
from botocore.session import get_session
from hypothesis import given, settings
from hypothesis import strategies as st

from cognito_claims.claims import Json
from cognito_claims.clients import aws
from cognito_claims.clients.aws import AwsClient
from cognito_claims.clients.http import Response
from cognito_claims.clients.sigv4 import Credentials, sign
from cognito_claims.errors import (
    AWS_TRANSIENT,
    AwsError,
    CognitoClaimsError,
    DeadlineError,
    SecretError,
    TransportError,
)
from tests.deadlines import at_the_deadline
from tests.stand_ins.moto import (
    HIDDEN,
    SILENCE,
    Answer,
    Request,
    answering,
    authorization,
    refusal,
)

EXAMPLE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
THEN = calendar.timegm((2015, 8, 30, 12, 36, 0))
REGION = "eu-central-1"
KEY = Credentials("AKIDOFTHETESTS", "a/secret+key", "a/session+token")
OTHER_KEY = Credentials("AKIDOFTHEOTHERS", "another/secret+key", "another/session+token")
KEY_VARIABLES = {
    "AWS_ACCESS_KEY_ID": KEY.access_key_id,
    "AWS_SECRET_ACCESS_KEY": KEY.secret_access_key,
    "AWS_SESSION_TOKEN": str(KEY.session_token),
}
CONTAINER = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
CONTAINER_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
CONTAINER_TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
TOKEN = "let/me=in"
FOUND = Answer.of({"SecretString": "a secret"})

# The signer


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "signature"),
    [
        ("GET", "/", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", {}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            {},
            b"",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        ("GET", "/ሴ", {}, b"", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (
            "GET",
            "/example space/",
            {},
            b"",
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        ),
        (
            "GET",
            "/",
            {"My-Header1": " value1", "My-Header2": ' "a   b   c"'},
            b"",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "POST",
            "/",
            {"Content-Type": "application/x-www-form-urlencoded"},
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
    ids=["vanilla", "post", "query-order", "utf8", "space", "header-trim", "form"],
)
def test_the_vectors_of_aws_test_suite_come_out(
    method: str, url: str, headers: Mapping[str, str], body: bytes, signature: str
) -> None:
    signed = sign(
        method,
        f"https://example.amazonaws.com{url}",
        headers,
        body,
        credentials=EXAMPLE,
        region="us-east-1",
        service="service",
        now=THEN,
    )

    names = ";".join(sorted(["host", "x-amz-date", *map(str.lower, headers)]))
    assert signed == {
        **headers,
        "host": "example.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}",
    }


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=12)
BLANKS = st.text(" \t\n\r\x0b\x0c\x1f\x85\xa0 ", max_size=3)
VALUES = st.lists(TEXT | BLANKS, max_size=4).map("".join)
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
HOSTS = st.sampled_from(
    ["ssm.eu-central-1.amazonaws.com", "Example.ORG", "127.0.0.1", "[::1]", "[2001:DB8::A]"]
)
PORTS = st.sampled_from(["", ":", ":80", ":443", ":0443", ":8080"])
USERS = st.sampled_from(["", "user@", "user:pass@"])
# A URL's own signs apart, anything; urlsplit takes tabs and newlines out.
IN_URL = st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n?#")
PATHS = st.lists(
    st.sampled_from(["", ".", "..", "a", "%2F", "%zz", "~-_.", "+ ;="])
    | st.text(IN_URL, max_size=4),
    max_size=5,
).map(lambda segments: "".join(f"/{segment}" for segment in segments))
QUERIES = st.lists(
    st.sampled_from(["a=1", "a=", "a", "A=1", "a-=1", "a=1=2", "", "a%20b=c+d", "a=0"])
    | st.text(IN_URL, max_size=6),
    max_size=5,
).map("&".join)
URLS = st.builds(
    lambda scheme, user, host, port, path, query, end: (
        f"{scheme}://{user}{host}{port}{path}{'?' if query else ''}{query}{end}"
    ),
    st.sampled_from(["https", "http", "HTTPS"]),
    USERS,
    HOSTS,
    PORTS,
    PATHS,
    QUERIES,
    st.sampled_from(["", "", "#end", "?"]),
)
UNSIGNED = ["User-Agent", "Expect", "X-Amzn-Trace-Id", "transfer-encoding"]
MADE = ["x-amz-date", "X-Amz-Date", "X-Amz-Security-Token", "Authorization"]
# Botocore signs a Date that is given in the place of X-Amz-Date, and believes a body's hash.
NAMES = (
    st.sampled_from([*UNSIGNED, "Host", "HOST", "X-Amz-Target", "x-amz-target", *MADE])
    | st.text(f"{LETTERS}0123456789!#$%&'*+-.^_`|~", min_size=1, max_size=8)
).filter(lambda name: name.lower() not in ("baggage", "date", "x-amz-content-sha256"))
SOME_CREDENTIALS = st.builds(Credentials, PLAIN, TEXT, st.none() | st.just("") | TEXT)


EXAMPLES = settings().max_examples


@settings(max_examples=max(2_000, EXAMPLES) if EXAMPLES > 100 else EXAMPLES)
@given(
    st.sampled_from(["GET", "POST", "put", "Delete"]),
    URLS,
    st.dictionaries(NAMES, VALUES, max_size=6),
    st.binary(max_size=40),
    SOME_CREDENTIALS,
    TEXT,
    TEXT,
    st.integers(0, calendar.timegm((9999, 12, 31, 23, 59, 59))),
)
def test_any_request_is_signed_as_botocore_signs_it(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: Credentials,
    region: str,
    service: str,
    now: int,
) -> None:
    signed = sign(
        method, url, headers, body, credentials=credentials, region=region, service=service, now=now
    )

    request = AWSRequest(method, url, headers, body)
    assert signed["authorization"] == authorization(request, credentials, region, service, now)
    sent = {name.lower(): value for name, value in signed.items()}
    botocores = {name.lower(): value for name, value in request.headers.items()}
    assert {"host": sent["host"], **botocores} == sent


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_an_encoded_query_is_signed_as_botocore_signs_what_it_encodes(
    pairs: list[tuple[str, str]],
) -> None:
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    signed = sign(
        "GET",
        f"https://example.org/?{query}",
        {},
        b"",
        credentials=KEY,
        region=REGION,
        service="service",
        now=THEN,
    )

    request = AWSRequest("GET", "https://example.org/", {}, b"", params=pairs)
    assert signed["authorization"] == authorization(request, KEY, REGION, "service", THEN)


def test_what_proxies_may_change_is_sent_and_not_signed() -> None:
    names = (
        "Baggage Connection Expect Keep-Alive Proxy-Authenticate Proxy-Authorization TE Traceparent "
        "Tracestate Trailer Transfer-Encoding Upgrade User-Agent X-Amzn-Trace-Id"
    )
    headers = dict.fromkeys(names.split(), "a value")
    signed = sign(
        "GET",
        "https://example.org/",
        headers,
        b"",
        credentials=KEY._replace(session_token=None),
        region=REGION,
        service="service",
        now=THEN,
    )

    assert " SignedHeaders=host;x-amz-date, " in signed["authorization"]
    assert signed.items() > headers.items()


def test_credentials_are_shown_to_nobody() -> None:
    shown = "Credentials(***)"
    assert [repr(KEY), str(KEY), f"{KEY}", repr([KEY])] == [shown, shown, shown, f"[{shown}]"]


# The client


class Aws:
    """A service that answers what it is scripted to, the last thing for ever, when the signature is right."""

    def __init__(
        self, *answers: Answer, key: Credentials = KEY, service: str = "secretsmanager"
    ) -> None:
        self.answers = list(answers or [FOUND])
        self.key = key
        self.service = service
        self.region = REGION
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Answer:
        self.requests.append(request)
        refused = refusal(request, self.key, self.region, self.service)
        if refused is not None:
            return refused
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Container:
    """Lends credentials to whoever shows the token, the last ones for ever."""

    def __init__(self, *lent: Answer, token: str | None = TOKEN) -> None:
        self.lent = list(lent)
        self.token = token
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.headers.get("authorization") != self.token:
            return Answer.refusing("AccessDeniedException", 403)
        return self.lent.pop(0) if len(self.lent) > 1 else self.lent[0]


def lent(key: Credentials = KEY, seconds: float = 3600, form: str = "%Y-%m-%dT%H:%M:%SZ") -> Answer:
    return ending(strftime(form, gmtime(time() + seconds)), key)


def ending(expiration: object, key: Credentials = KEY) -> Answer:
    names = ("AccessKeyId", "SecretAccessKey", "Token", "Expiration")
    return Answer.of(dict(zip(names, (*key, expiration), strict=True)))


@contextmanager
def called(service: Callable[[Request], Answer], **variables: str) -> Iterator[dict[str, str]]:
    """Give the environment in which a service is called."""
    with answering(service) as url:
        yield {"AWS_ENDPOINT_URL": url, **(variables or KEY_VARIABLES)}


@contextmanager
def called_from_a_container(
    service: Callable[[Request], Answer], container: Callable[[Request], Answer]
) -> Iterator[dict[str, str]]:
    with answering(container) as url, called(service, **{CONTAINER: url}) as environ:
        yield environ | {CONTAINER_TOKEN: TOKEN}


def call(environ: Mapping[str, str], *, seconds: float = 30) -> Any:
    return ask(AwsClient("secretsmanager", REGION, environ), seconds=seconds)


def ask(client: AwsClient, *, seconds: float = 30) -> Any:
    payload: Mapping[str, Json] = {"SecretId": "a name"}
    return client.call("secretsmanager.GetSecretValue", payload, deadline=monotonic() + seconds)


def refused(environ: Mapping[str, str]) -> CognitoClaimsError:
    """Give what a call raises, after a look for what must not stand in it."""
    with pytest.raises(CognitoClaimsError) as raised:
        call(environ)
    error: BaseException | None = raised.value
    told = ""
    while error is not None:
        told += f"{error!r} {error} {vars(error)}"
        error = error.__context__
    assert [text for text in (HIDDEN, *KEY, *OTHER_KEY) if str(text) in told] == []
    return raised.value


def outcome(error: CognitoClaimsError) -> tuple[type[CognitoClaimsError], str]:
    return type(error), str(error)


@pytest.mark.parametrize(("options", "version"), [({}, "1.1"), ({"json_version": "1.0"}, "1.0")])
def test_a_call_is_a_signed_post_of_json(options: dict[str, Any], version: str) -> None:
    service = Aws()
    with called(service) as environ:
        answer = ask(AwsClient("secretsmanager", REGION, environ, **options))

    (request,) = service.requests
    assert answer == {"SecretString": "a secret"}
    assert (request.method, request.path, request.body) == ("POST", "/", b'{"SecretId": "a name"}')
    assert request.headers["content-type"] == f"application/x-amz-json-{version}"
    assert request.headers["x-amz-target"] == "secretsmanager.GetSecretValue"


def test_long_lived_keys_have_no_session_token() -> None:
    environ = {name: value for name, value in KEY_VARIABLES.items() if "SESSION" not in name}
    with called(Aws(key=KEY._replace(session_token=None)), **environ) as environ:
        assert call(environ) == {"SecretString": "a secret"}


def test_a_wrong_secret_key_is_refused_like_any_wrong_signature() -> None:
    service = Aws()
    with called(service) as environ:
        error = refused(environ | {"AWS_SECRET_ACCESS_KEY": "another"})

    assert isinstance(error, AwsError)
    assert (
        vars(error).items()
        >= {
            "service": "secretsmanager",
            "status": 403,
            "aws_code": "InvalidSignatureException",
        }.items()
    )
    assert str(error) == "secretsmanager: InvalidSignatureException (HTTP 403)"
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("ResourceNotFoundException", "ResourceNotFoundException"),
        ("com.amazonaws.ssm#ParameterNotFound", "ParameterNotFound"),
        ("AccessDeniedException:http://internal.amazon.com/", "AccessDeniedException"),
        (f"{HIDDEN}Exception", "unknown"),
        (["ResourceNotFoundException"], "unknown"),
        (None, "unknown"),
    ],
)
def test_an_error_tells_only_a_known_code_of_aws(kind: Any, told: str) -> None:
    with called(Aws(Answer.refusing(kind))) as environ:
        assert outcome(refused(environ)) == (AwsError, f"secretsmanager: {told} (HTTP 400)")


CODES = """
AccessDeniedException DecryptionFailure ExpiredTokenException InternalFailure InternalServerError
InternalServiceError InvalidAddress InvalidKeyId InvalidMessageContents InvalidParameterException
InvalidRequestException InvalidSecurity InvalidSignatureException KmsAccessDenied KmsDisabled
KmsInvalidKeyUsage KmsInvalidState KmsNotFound KmsOptInRequired KmsThrottled
IncompleteSignatureException MissingAuthenticationTokenException ParameterNotFound
ParameterVersionNotFound QueueDoesNotExist RequestThrottled ResourceNotFoundException
ProvisionedThroughputExceededException RequestLimitExceeded ServiceUnavailableException Throttling
ThrottlingException TooManyRequestsException UnrecognizedClientException UnsupportedOperation
ValidationException
"""


@pytest.mark.parametrize("kind", CODES.split())
def test_the_codes_of_aws_are_told(kind: str) -> None:
    with called(Aws(Answer.refusing(kind))) as environ:
        assert outcome(refused(environ)) == (AwsError, f"secretsmanager: {kind} (HTTP 400)")


MALFORMED = [
    HIDDEN.encode(),
    b'{"SecretString": "' + HIDDEN.encode(),
    json.dumps([HIDDEN]).encode(),
    b'{"SecretString": "\xff' + HIDDEN.encode() + b'"}',
    b"[" * 100_000,
    b"",
]


@pytest.mark.parametrize("body", MALFORMED)
def test_an_answer_that_is_no_json_object_is_a_wrong_endpoint(body: bytes) -> None:
    with called(Aws(Answer(200, body))) as environ:
        assert outcome(refused(environ)) == (
            SecretError,
            "secretsmanager: the answer is not a JSON object; is AWS_ENDPOINT_URL right?",
        )


@pytest.mark.parametrize("body", MALFORMED)
@pytest.mark.parametrize("status", [204, 302, 404])
def test_a_refusal_that_is_no_json_object_is_an_unknown_one(status: int, body: bytes) -> None:
    content = b"" if status == 204 else body
    with called(Aws(Answer(status, content))) as environ:
        assert outcome(refused(environ)) == (
            AwsError,
            f"secretsmanager: unknown (HTTP {status})",
        )


@pytest.mark.parametrize(
    ("service", "code"),
    [(service, code) for service, codes in AWS_TRANSIENT.items() for code in codes],
)
def test_every_services_own_transient_codes_are_tried_again(service: str, code: str) -> None:
    aws = Aws(Answer.refusing(code), FOUND, service=service)
    with called(aws) as environ:
        answer = ask(AwsClient(service, REGION, environ))

    assert (answer, len(aws.requests)) == ({"SecretString": "a secret"}, 2)


def test_a_code_of_another_service_is_none_that_may_pass() -> None:
    aws = Aws(Answer.refusing("ProvisionedThroughputExceededException"))
    with called(aws) as environ:
        assert isinstance(refused(environ), AwsError)

    assert len(aws.requests) == 1


@pytest.mark.parametrize(("retries", "requests"), [(0, 1), (1, 2), (2, 3)])
def test_a_client_makes_so_many_retries(retries: int, requests: int) -> None:
    aws = Aws(Answer.refusing("ThrottlingException"))
    with called(aws) as environ, pytest.raises(AwsError):
        ask(AwsClient("secretsmanager", REGION, environ, retries=retries))

    assert len(aws.requests) == requests


@pytest.mark.parametrize(
    "failure",
    [
        SILENCE,
        Answer.refusing("InternalServiceError", 500),
        Answer(503, b"<html>"),
        Answer.refusing("TooManyRequestsException", 429),
        Answer.refusing("ThrottlingException"),
        Answer.refusing("com.amazonaws.ssm#Throttling"),
    ],
)
def test_what_may_pass_is_tried_once_more_after_a_short_wait(failure: Answer) -> None:
    service = Aws(failure, FOUND)
    with called(service) as environ:
        assert call(environ) == {"SecretString": "a secret"}

    assert len(service.requests) == 2


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (SILENCE, TransportError),
        (Answer.refusing("InternalServiceError", 500), AwsError),
        (Answer.refusing("ThrottlingException"), AwsError),
    ],
)
def test_what_does_not_pass_is_not_tried_a_third_time(
    failure: Answer, error: type[CognitoClaimsError]
) -> None:
    service = Aws(failure)
    with called(service) as environ:
        assert type(refused(environ)) is error

    assert len(service.requests) == 2


def test_nothing_is_tried_again_when_the_deadline_is_near() -> None:
    service = Aws(Answer.refusing("ThrottlingException"))
    with called(service) as environ, pytest.raises(AwsError):
        call(environ, seconds=0.1)

    assert len(service.requests) == 1


def test_a_silent_service_is_given_up_at_the_deadline() -> None:
    answered = Event()

    def silent(_: Request) -> Answer:
        answered.wait(30)
        return FOUND

    with called(silent) as environ:
        with at_the_deadline(0.2), pytest.raises(DeadlineError):
            call(environ, seconds=0.2)
        answered.set()


# Where to call


PARTITIONS = get_session().get_data("partitions")["partitions"]


@pytest.mark.parametrize("partition", PARTITIONS, ids=lambda partition: partition["id"])
def test_a_services_host_ends_as_botocore_says(
    partition: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    suffix = partition["outputs"]["dnsSuffix"]
    for region in partition["regions"]:
        url = f"https://ssm.{region}.{suffix}/"
        if not region.endswith("-global"):
            assert called_urls("ssm", region, KEY_VARIABLES, monkeypatch) == [url]


@pytest.mark.parametrize(
    ("service", "region", "url"),
    [
        ("secretsmanager", "eu-central-1", "https://secretsmanager.eu-central-1.amazonaws.com/"),
        ("ssm", "us-gov-west-1", "https://ssm.us-gov-west-1.amazonaws.com/"),
        ("ssm", "cn-north-1", "https://ssm.cn-north-1.amazonaws.com.cn/"),
        ("sqs", "eu-central-1", "https://sqs.eu-central-1.amazonaws.com/"),
    ],
)
def test_a_service_is_called_in_its_region(
    service: str, region: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert called_urls(service, region, KEY_VARIABLES, monkeypatch) == [url]


ENDPOINTS = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_SSM": "http://127.0.0.1:2",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:3",
    "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:4",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:5",
}


@pytest.mark.parametrize(
    ("service", "empty", "url"),
    [
        ("secretsmanager", "", "http://127.0.0.1:3"),
        ("ssm", "", "http://127.0.0.1:2"),
        ("sqs", "", "http://127.0.0.1:4"),
        ("sts", "", "http://127.0.0.1:1"),
        ("ssm", "AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1"),
        ("dynamodb", "", "http://127.0.0.1:5"),
    ],
)
def test_the_variables_of_the_sdks_name_another_endpoint(
    service: str, empty: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = KEY_VARIABLES | ENDPOINTS | {empty: " "}
    assert called_urls(service, REGION, environ, monkeypatch) == [url]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("true", "https://dynamodb.eu-central-1.amazonaws.com/"),
        ("True", "https://dynamodb.eu-central-1.amazonaws.com/"),
        ("false", "http://127.0.0.1:5"),
        ("1", "http://127.0.0.1:5"),
        ("", "http://127.0.0.1:5"),
    ],
)
def test_the_variables_for_endpoints_are_ignored_where_the_sdks_ignore_them(
    text: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = KEY_VARIABLES | ENDPOINTS | {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": text}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    of_botocore = get_session().create_client("dynamodb", REGION).meta.endpoint_url

    assert called_urls("dynamodb", REGION, environ, monkeypatch) == [url]
    assert AwsClient("dynamodb", REGION, environ).url == url
    assert of_botocore == url.removesuffix("/")


def called_urls(
    service: str, region: str, environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    urls = record(monkeypatch, b"{}")
    client = AwsClient(service, region, environ)
    assert [ask(client), ask(client)] == [{}, {}]  # by one HttpClient, which keeps its connection
    return urls


def record(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> list[str]:
    """Put a stand-in in the place of `HttpClient`; give the URLs that it is made for."""
    urls: list[str] = []

    class Recorder:
        def __init__(self, url: str) -> None:
            urls.append(url)

        def request(self, *_: object, deadline: float) -> Response:
            assert deadline > monotonic()
            return Response(200, answer)

    monkeypatch.setattr(aws, "HttpClient", Recorder)
    return urls


def test_what_answers_no_json_in_the_place_of_aws_is_a_wrong_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record(monkeypatch, HIDDEN.encode())
    problem = "secretsmanager: the answer is not a JSON object; is AWS_REGION right?"
    assert outcome(refused(KEY_VARIABLES)) == (SecretError, problem)


def test_an_endpoint_must_be_one_that_may_see_a_secret() -> None:
    environ = KEY_VARIABLES | {"AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://{HIDDEN}.org/"}
    error = refused(environ)
    assert isinstance(error, SecretError)
    assert str(error).startswith("AWS_ENDPOINT_URL_SECRETS_MANAGER: must start with https://")


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_REGION": "eu-west-3"},
        {"AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "us-east-1"},
        {"AWS_REGION": "", "AWS_DEFAULT_REGION": " eu-west-3 "},
    ],
)
def test_without_a_region_of_its_own_a_client_takes_the_environments(
    variables: dict[str, str],
) -> None:
    service = Aws()
    service.region = "eu-west-3"
    with called(service) as environ:
        client = AwsClient("secretsmanager", None, environ | variables)
        assert ask(client) == {"SecretString": "a secret"}


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({}, "AWS_REGION: required to call AWS"),
        ({"AWS_REGION": f"{HIDDEN}.org/"}, "AWS_REGION: expected a region, as in eu-central-1"),
        ({"AWS_REGION": "-"}, "AWS_REGION: expected a region, as in eu-central-1"),
    ],
)
def test_a_region_that_is_none_names_the_variable(variables: dict[str, str], problem: str) -> None:
    client = AwsClient("ssm", None, KEY_VARIABLES | variables)
    with pytest.raises(SecretError) as raised:
        ask(client)
    assert str(raised.value) == problem


# Ahead of the first call


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://sqs.eu-central-1.amazonaws.com/"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
    ],
)
@pytest.mark.parametrize("region", [REGION, None])
def test_to_prepare_is_to_make_the_one_client_that_the_calls_use(
    variables: dict[str, str],
    url: str,
    region: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    urls = record(monkeypatch, b"{}")
    client = AwsClient("sqs", region, {**KEY_VARIABLES, "AWS_REGION": REGION, **variables})
    client.prepare()

    assert urls == [url]
    assert ask(client) == {}
    assert urls == [url]


def test_to_open_is_to_connect_and_to_get_the_credentials() -> None:
    container = Container(lent())
    with called_from_a_container(Aws(), container) as environ:
        client = AwsClient("secretsmanager", REGION, environ)
        client.open(monotonic() + 30)
        assert len(container.requests) == 1
        assert ask(client) == {"SecretString": "a secret"}

    assert len(container.requests) == 1


def test_to_prepare_asks_nobody_and_wants_no_credentials() -> None:
    service = Aws()
    with called(service) as environ:
        AwsClient(
            "secretsmanager", REGION, {"AWS_ENDPOINT_URL": environ["AWS_ENDPOINT_URL"]}
        ).prepare()

    assert service.requests == []


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({}, "AWS_REGION: required to call AWS"),
        (
            {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": f"http://{HIDDEN}.org/"},
            "AWS_ENDPOINT_URL: must start with https://; plain http:// is for a loopback address",
        ),
    ],
)
def test_to_prepare_says_what_is_to_be_set(variables: dict[str, str], problem: str) -> None:
    with pytest.raises(SecretError) as raised:
        AwsClient("sqs", None, variables).prepare()
    assert str(raised.value) == problem


# Credentials


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        (
            {"AWS_REGION": REGION},
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ),
        (
            {"AWS_ACCESS_KEY_ID": HIDDEN, CONTAINER: "http://127.0.0.1:1"},
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: set both or neither",
        ),
        (
            {"AWS_SECRET_ACCESS_KEY": HIDDEN},
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: set both or neither",
        ),
        (
            KEY_VARIABLES | {"AWS_SECRET_ACCESS_KEY": f"{HIDDEN}ü"},
            "AWS_SECRET_ACCESS_KEY: holds a character that is not printable ASCII",
        ),
        (
            KEY_VARIABLES | {"AWS_SESSION_TOKEN": f"{HIDDEN}\r\nx: y"},
            "AWS_SESSION_TOKEN: holds a character that is not printable ASCII",
        ),
        (
            {CONTAINER: f"http://169.254.170.2/{HIDDEN}"},
            f"{CONTAINER}: must start with https://; plain http:// is for a loopback address",
        ),
    ],
)
def test_credentials_that_cannot_be_had_name_the_variable(
    variables: dict[str, str], problem: str
) -> None:
    with called(Aws(), **variables) as environ:
        assert outcome(refused(environ)) == (SecretError, problem)


def test_variables_are_read_at_each_call() -> None:
    with called(Aws(key=OTHER_KEY)) as environ:
        client = AwsClient("secretsmanager", REGION, environ)
        with pytest.raises(AwsError, match="UnrecognizedClientException"):
            ask(client)
        environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], _ = OTHER_KEY
        environ["AWS_SESSION_TOKEN"] = str(OTHER_KEY.session_token)
        assert ask(client) == {"SecretString": "a secret"}


def test_refused_variables_are_not_tried_again() -> None:
    service = Aws(Answer.refusing("ExpiredTokenException"))
    with called(service) as environ:
        error = refused(environ)

    assert outcome(error) == (AwsError, "secretsmanager: ExpiredTokenException (HTTP 400)")
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("seconds", "form", "requests"),
    [
        (3600, "%Y-%m-%dT%H:%M:%SZ", 1),
        (3600, "%Y-%m-%dT%H:%M:%S.5Z", 1),
        (180, "%Y-%m-%dT%H:%M:%SZ", 1),
        (90, "%Y-%m-%dT%H:%M:%SZ", 2),
        (-3600, "%Y-%m-%dT%H:%M:%SZ", 2),
        (3600, "%Y-%m-%dT%H:%M:%S+00:00", 2),
        (3600, "", 2),
    ],
)
def test_lent_credentials_serve_until_shortly_before_their_end(
    seconds: float, form: str, requests: int
) -> None:
    assert asked_of_a_container(lent(KEY, seconds, form)) == [("GET", "/", b"")] * requests


@pytest.mark.parametrize("expiration", [None, 4102444800, ["2100-01-01T00:00:00Z"]])
def test_credentials_lent_without_an_end_serve_once(expiration: object) -> None:
    assert len(asked_of_a_container(ending(expiration))) == 2


@pytest.mark.parametrize("token", [None, ""])
def test_long_lived_keys_are_lent_without_a_token(token: str | None) -> None:
    service = Aws(key=KEY._replace(session_token=None))
    container = Container(lent(KEY._replace(session_token=token)))
    with called_from_a_container(service, container) as environ:
        assert call(environ) == {"SecretString": "a secret"}


def asked_of_a_container(lease: Answer) -> list[tuple[str, str, bytes]]:
    """Give the requests that two calls make for credentials."""
    container = Container(lease)
    with called_from_a_container(Aws(), container) as environ:
        client = AwsClient("secretsmanager", REGION, environ)
        assert [ask(client), ask(client)] == [{"SecretString": "a secret"}] * 2
    return [(request.method, request.path, request.body) for request in container.requests]


def test_a_container_without_a_token_is_asked_without_one() -> None:
    with called_from_a_container(Aws(), Container(lent(), token=None)) as environ:
        assert call(environ | {CONTAINER_TOKEN: ""}) == {"SecretString": "a secret"}


def test_the_containers_token_is_read_from_its_file_at_each_fetch(tmp_path: Path) -> None:
    file = tmp_path / "token"
    container = Container(lent(seconds=0), token="first")
    with called_from_a_container(Aws(), container) as environ:
        client = AwsClient("secretsmanager", REGION, environ | {CONTAINER_TOKEN_FILE: str(file)})
        for token in ("first", "second"):
            container.token = token
            file.write_text(f"{token}\n")
            assert ask(client) == {"SecretString": "a secret"}


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff", f"{HIDDEN}\r\nx: y".encode()])
def test_a_file_without_a_token_names_the_variable(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / HIDDEN
    if content is not None:
        file.write_bytes(content)
    with called_from_a_container(Aws(), Container(lent())) as environ:
        error = refused(environ | {CONTAINER_TOKEN_FILE: str(file)})

    problem = f"{CONTAINER_TOKEN_FILE}: expected a file that holds a token"
    assert outcome(error) == (SecretError, problem)


NO_CREDENTIALS = f"{CONTAINER}: its endpoint answers without credentials"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer.of({}), (SecretError, NO_CREDENTIALS)),
        (lent(KEY._replace(access_key_id="")), (SecretError, NO_CREDENTIALS)),
        (lent(KEY._replace(secret_access_key=f"{HIDDEN}\n")), (SecretError, NO_CREDENTIALS)),
        (lent(KEY._replace(session_token=f"{HIDDEN}\n")), (SecretError, NO_CREDENTIALS)),
        (
            Answer(200, HIDDEN.encode()),
            (
                SecretError,
                f"container credentials: the answer is not a JSON object; is {CONTAINER} right?",
            ),
        ),
        (
            Answer(404, HIDDEN.encode()),
            (AwsError, "container credentials: unknown (HTTP 404)"),
        ),
    ],
)
def test_a_container_without_credentials_is_told_as_such(
    answer: Answer, error: tuple[type[CognitoClaimsError], str]
) -> None:
    with called_from_a_container(Aws(), Container(answer)) as environ:
        assert outcome(refused(environ)) == error


def test_a_container_that_stumbles_is_asked_again() -> None:
    with called_from_a_container(Aws(), Container(SILENCE, lent())) as environ:
        assert call(environ) == {"SecretString": "a secret"}


@pytest.mark.parametrize("kind", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_lent_credentials_that_aws_refuses_are_fetched_anew(kind: str) -> None:
    service = Aws()
    container = Container(lent(OTHER_KEY), lent(KEY))

    def rotating(request: Request) -> Answer:
        is_old = OTHER_KEY.access_key_id in request.headers["authorization"]
        return Answer.refusing(kind) if is_old else service(request)

    with called_from_a_container(rotating, container) as environ:
        client = AwsClient("secretsmanager", REGION, environ)
        assert [ask(client), ask(client)] == [{"SecretString": "a secret"}] * 2

    assert len(container.requests) == 2


def test_lent_credentials_are_fetched_anew_only_once() -> None:
    service = Aws(key=EXAMPLE)
    container = Container(lent(KEY), lent(OTHER_KEY), lent(EXAMPLE))
    with called_from_a_container(service, container) as environ:
        error = refused(environ)

    assert outcome(error) == (AwsError, "secretsmanager: UnrecognizedClientException (HTTP 400)")
    assert (len(service.requests), len(container.requests)) == (2, 2)


def test_a_container_that_lends_the_same_again_ends_it() -> None:
    service, container = Aws(key=OTHER_KEY), Container(lent(KEY))
    with called_from_a_container(service, container) as environ:
        assert isinstance(refused(environ), AwsError)

    assert (len(service.requests), len(container.requests)) == (1, 2)


def test_other_refusals_leave_the_lent_credentials() -> None:
    container = Container(lent())
    service = Aws(Answer.refusing("AccessDeniedException"), FOUND)
    with called_from_a_container(service, container) as environ:
        client = AwsClient("secretsmanager", REGION, environ)
        with pytest.raises(AwsError, match="AccessDeniedException"):
            ask(client)
        assert ask(client) == {"SecretString": "a secret"}

    assert len(container.requests) == 1


def test_the_repr_of_a_client_holds_nothing() -> None:
    with called_from_a_container(Aws(), Container(lent())) as environ:
        client = AwsClient("secretsmanager", REGION, environ)
        ask(client)
    shown = repr(client)
    assert shown.startswith("<cognito_claims.clients.aws.AwsClient object at 0x")
