"""The answer of an HTTPS service: what it is asked, how it knows who asks, and which answers count."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from hmac import compare_digest, new
from time import sleep, time
from typing import Any

import pytest

from cognito_claims.clients import connection
from cognito_claims.clients.webhooks import signed
from cognito_claims.errors import (
    LookUpFailedError,
    SecretError,
    SettingsError,
    TokenDenied,
    TransportError,
)
from cognito_claims.lookups import HttpsAnswer, values_of
from cognito_claims.secret import Secret
from cognito_claims.testing import a_machine_event, a_user_event
from tests.stand_ins import moto
from tests.stand_ins.certificates import Authority
from tests.stand_ins.fauna_wire import Answer, Fault, Request, as_json, redirect
from tests.stand_ins.lookups import CREDENTIALS, Server
from tests.stand_ins.moto import HIDDEN

EVENT = a_user_event(sub="a11ce", name="alice", groups=("editors",))
SIGNING = f"whsec_{b64encode(b'0123456789abcdef').decode()}"
BEARER = f"bearer-{HIDDEN}"
ITEM = {"roles": ["editor"], "limits": {"seats": 3}}
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x"


def is_signed(request: Request, secret: str) -> bool:
    """Check a request as its receiver does; the same stands in docs/lookups.md."""
    headers = request.headers
    if abs(time() - int(headers["webhook-timestamp"])) > 300:
        return False
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    key = b64decode(secret.removeprefix("whsec_"))
    wanted = b64encode(new(key, text, sha256).digest()).decode()
    given = headers["webhook-signature"].split(" ")
    return any(compare_digest(each, f"v1,{wanted}") for each in given)


def answer(request: Request) -> Answer:
    if "webhook-id" in request.headers:
        is_known = is_signed(request, SIGNING)
    else:
        is_known = request.headers["Authorization"] == f"Bearer {BEARER}"
    return as_json(200, ITEM) if is_known else as_json(401, {"error": HIDDEN})


@pytest.fixture
def service() -> Iterator[Server]:
    with Server(answer) as server:
        yield server


def look_up(server: Server, **settings: Any) -> HttpsAnswer:
    given = {"url": f"{server.endpoint}/claims", "secret": BEARER, **settings}
    return HttpsAnswer(**given)


# The request


def test_a_service_is_asked_with_a_post_of_what_it_needs(service: Server) -> None:
    assert look_up(service)(EVENT, tenant="acme") == ITEM

    (request,) = service.requests
    assert (request.method, request.path) == ("POST", "/claims")
    assert dict(request.headers) == {
        "Host": service.endpoint.removeprefix("http://"),
        "Accept-Encoding": "identity",
        "Content-Length": str(len(request.body)),
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Authorization": f"Bearer {BEARER}",
    }
    assert json.loads(request.body) == {
        "sub": "a11ce",
        "username": "alice",
        "client_id": EVENT.client_id,
        "groups": ["editors"],
        "trigger_source": EVENT.trigger_source,
        "tenant": "acme",
    }


def test_of_a_machine_a_service_learns_its_client(service: Server) -> None:
    event = a_machine_event()
    look_up(service)(event, tenant="acme")

    assert service.bodies == [
        {
            "sub": None,
            "username": None,
            "client_id": event.client_id,
            "groups": [],
            "trigger_source": event.trigger_source,
            "tenant": None,
        }
    ]


def test_a_request_is_signed_as_its_receiver_checks_it(service: Server) -> None:
    made = look_up(service, secret=SIGNING, auth="standard-webhooks")
    assert [made(EVENT), made(EVENT)] == [ITEM, ITEM]

    first, second = (request.headers for request in service.requests)
    assert "Authorization" not in first
    assert first["webhook-id"].startswith("msg_")
    assert first["webhook-id"] != second["webhook-id"]


def test_the_signature_is_that_of_the_scheme() -> None:
    # The example in the tests of the scheme's reference implementations.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = signed(
        secret,
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_another_attempt_has_the_same_id(service: Server) -> None:
    service.faults = [Fault(lambda _: [as_json(503, {}).wire])]
    look_up(service, secret=SIGNING, auth="standard-webhooks")(EVENT)

    ids = {request.headers["webhook-id"] for request in service.requests}
    assert (len(service.requests), len(ids)) == (2, 1)


@pytest.mark.parametrize(
    "secret",
    [
        HIDDEN,
        "whsec_",
        f"whsec_{HIDDEN}",
        f"whsec_{b64encode(b'0123456789abcde').decode()}",
        SIGNING.removeprefix("whsec_"),
        f"{SIGNING}!",
    ],
)
def test_a_secret_that_cannot_sign_is_told_without_it(secret: str, service: Server) -> None:
    made = look_up(service, secret=secret, auth="standard-webhooks")
    with pytest.raises(SecretError) as raised:
        made(EVENT)

    problem = "secret: expected whsec_ and the base64 of 16 random bytes or more"
    assert str(raised.value).startswith(problem)
    assert secret not in str(raised.value).replace("whsec_", "", 1) or secret == "whsec_"
    assert service.requests == []


def test_a_secret_that_was_rotated_is_fetched_anew(service: Server) -> None:
    values = iter(["old", BEARER])
    store = moto.answering(lambda _: moto.Answer.of({"SecretString": next(values)}))
    with store as url:
        environ = {**CREDENTIALS, "AWS_ENDPOINT_URL": url}
        made = look_up(service, secret=ARN, environ=environ)
        given = look_up(service, secret=Secret(BEARER))
        made.prepare()

        assert [made(EVENT), made(EVENT), given(EVENT)] == [ITEM] * 3
    sent = [request.headers["Authorization"] for request in service.requests]
    assert sent == ["Bearer old", *[f"Bearer {BEARER}"] * 3]


def test_a_reference_is_read_with_the_credentials_of_the_process(
    service: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto.answering(lambda _: moto.Answer.of({"SecretString": BEARER})) as url:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": url}.items():
            monkeypatch.setenv(name, value)
        assert look_up(service, secret=ARN)(EVENT) == ITEM


def test_connection_and_secret_are_there_before_the_first_event(service: Server) -> None:
    with moto.answering(lambda _: moto.Answer.of({"SecretString": BEARER})) as url:
        environ = {**CREDENTIALS, "AWS_ENDPOINT_URL": url}
        made = look_up(service, secret=ARN, environ=environ)
        made.prepare()
    while service.connections == 0:  # until its thread has seen it
        sleep(0.01)
    assert service.requests == []

    assert made(EVENT) == ITEM
    assert service.connections == 1


def test_over_tls_the_certificate_is_the_hosts(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    connection.tls_context.cache_clear()
    with Server(answer, authority.good()) as good, Server(answer, authority.self_signed()) as bad:
        assert look_up(good)(EVENT) == ITEM
        with pytest.raises(TransportError, match="the certificate is self-signed"):
            look_up(bad)(EVENT)
    connection.tls_context.cache_clear()

    assert bad.requests == []


# The answer


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (as_json(200, {}), {}),
        (as_json(200, {"a": {"b": [1, 1.5, True, None]}}), {"a": {"b": [1, 1.5, True, None]}}),
        (Answer(200, b'{"a": "' + b"x" * ((1 << 16) - 9) + b'"}'), {"a": "x" * ((1 << 16) - 9)}),
        (Answer(204, b""), None),
        (as_json(404, {"a": HIDDEN}), None),
        (Answer(404, b"<html>"), None),
    ],
)
def test_an_object_is_the_item_and_204_and_404_say_that_there_is_none(
    reply: Answer, found: Mapping[str, Any] | None
) -> None:
    with Server(lambda _: reply) as server:
        assert look_up(server)(EVENT) == found


@pytest.mark.parametrize(
    ("reply", "problem", "requests"),
    [
        (Answer(200, HIDDEN.encode()), "the answer is not a JSON object", 1),
        (as_json(200, [HIDDEN]), "the answer is not a JSON object", 1),
        (as_json(200, None), "the answer is not a JSON object", 1),
        (Answer(200, b'{"a": NaN}'), "the answer is not a JSON object", 1),
        (Answer(200, b"[" * 60_000), "the answer is not a JSON object", 1),
        (
            Answer(200, b'{"a": "' + b"x" * ((1 << 16) - 8) + b'"}'),
            "an answer of more than 65536 bytes",
            1,
        ),
        (as_json(201, {"a": HIDDEN}), "refused", 1),
        (as_json(202, {"a": HIDDEN}), "refused", 1),
        (as_json(400, {"a": HIDDEN}), "refused", 1),
        (as_json(401, {"a": HIDDEN}), "refused", 1),
        (as_json(403, {"a": HIDDEN}), "refused", 1),
        (as_json(429, {"a": HIDDEN}), "refused", 2),
        (as_json(500, {"a": HIDDEN}), "refused", 2),
        (Answer(503, HIDDEN.encode()), "refused", 2),
    ],
)
def test_any_other_answer_is_a_failure_that_tells_no_value(
    reply: Answer, problem: str, requests: int
) -> None:
    with Server(lambda _: reply) as server, pytest.raises(LookUpFailedError) as raised:
        look_up(server, name="member")(EVENT)

    error = raised.value
    assert (error.look_up, error.status, error.problem) == ("member", reply.status, problem)
    assert HIDDEN not in f"{error} {vars(error)} {error.__cause__} {error.__context__}"
    assert len(server.requests) == requests


def test_no_redirect_is_followed(service: Server) -> None:
    service.faults = [redirect]
    with pytest.raises(LookUpFailedError, match=r"refused \(HTTP 302\)"):
        look_up(service)(EVENT)

    assert not service.redirect_was_followed


def test_of_a_longer_answer_no_more_is_read() -> None:
    with Server(lambda _: Answer(200, b" " * (1 << 20))) as server:
        with pytest.raises(TransportError, match="more than 73728 bytes"):
            look_up(server)(EVENT)
        assert len(server.requests) == 1


def test_where_there_must_be_an_answer_its_absence_refuses_the_sign_in() -> None:
    with Server(lambda _: Answer(204, b"")) as server:
        made = look_up(server, absent="deny")
        with pytest.raises(TokenDenied) as refused:
            made(EVENT)
        assert made.find(values_of(EVENT)) is None

    assert (refused.value.reason, refused.value.setting) == (TokenDenied.reason, "https")


def test_an_answer_is_kept_for_the_whole_of_what_was_sent(service: Server) -> None:
    made = look_up(service, cache_seconds=60)
    events = [
        EVENT,
        EVENT._replace(client_id="9example23456789abcdefghij"),
        EVENT._replace(groups=("admins",)),
        EVENT._replace(trigger_source="TokenGeneration_RefreshTokens"),
        a_user_event(sub="b0b"),
    ]
    for _ in range(3):
        for event in events:
            item: Any = made(event)
            assert item == ITEM
            item["roles"].append("spoilt by a plugin")
        made(EVENT, tenant="acme")

    assert len(service.requests) == 6


# Its settings


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"url": "http://example.com/"}, "url: must start with https://"),
        ({"url": f"https://{HIDDEN}@example.com/"}, "url: must not hold a user"),
        ({"url": ""}, "url: expected a URL"),
        ({"secret": ""}, "secret: expected printable ASCII characters"),
        ({"secret": "arn:aws:sqs:x"}, "secret: an ARN of something else"),
        ({"auth": "basic"}, "auth: expected one of bearer, standard-webhooks"),
        ({"absent": "allow"}, "absent: expected one of omit, deny"),
        ({"cache_seconds": 1.5}, "cache_seconds: expected 0 to 86400 seconds"),
    ],
)
def test_a_wrong_setting_is_named(settings: Mapping[str, Any], problem: str) -> None:
    given = {"url": "https://example.com/", "secret": BEARER, **settings}
    with pytest.raises(SettingsError) as raised:
        HttpsAnswer(**given)

    assert [str(each).startswith(problem) for each in raised.value.problems] == [True]
    assert HIDDEN not in str(raised.value)


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        HttpsAnswer(url="ftp://a", secret="ä", cache_seconds=-1)

    names = [problem.setting for problem in raised.value.problems]
    assert names == ["cache_seconds", "url", "secret"]


def test_a_look_up_shows_nothing_of_itself(service: Server) -> None:
    assert repr(look_up(service)).startswith("<cognito_claims.lookups.https.HttpsAnswer object")
