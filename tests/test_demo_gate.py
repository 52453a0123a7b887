"""While the demo runs, nobody but the command itself can do more on its Cognito than sign in."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cognito_claims.tools.local.cognito import SCOPES, LocalCognito
from cognito_claims.tools.local.gate import KEY_HEADER, Gate
from cognito_claims.tools.local.loopback import address, listening, serving

APPLICATION = "http://127.0.0.1:1"
EVIL = "https://evil.example"
ONLY_UI = "only the hosted UI is open here\n"
AMZ = "AWSCognitoIdentityProviderService"
OURS = {"content-security-policy", "x-content-type-options", "x-frame-options", "vary"}


@pytest.fixture(scope="module")
def cognito() -> Iterator[LocalCognito]:
    with LocalCognito({}, callback_urls=[f"{APPLICATION}/"], is_attached=False) as cognito:
        yield cognito


def asked(cognito: LocalCognito, method: str, path: str, **options: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        options = {"timeout": 10, "allow_redirects": False} | options
        return session.request(method, f"{cognito.url}{path}", **options)


def login(cognito: LocalCognito) -> dict[str, str]:
    """Give the fields with which ada would get a code."""
    return {
        "client_id": cognito.client_id,
        "redirect_uri": cognito.callback_urls[0],
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "username": cognito.username,
        "password": cognito.password,
    }


@pytest.mark.parametrize("origin", [EVIL, APPLICATION, None])
@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("POST", "/2015-03-31/functions", None),
        ("POST", "/2015-03-31/functions/own/invocations", None),
        ("GET", "/2015-03-31/functions", None),
        ("POST", "/", f"{AMZ}.AdminSetUserPassword"),
        ("POST", "/login", f"{AMZ}.AdminSetUserPassword"),
        ("POST", "/?Action=ListRoles&Version=2010-05-08", None),
        ("PUT", "/bucket", None),
        ("POST", "/_ministack/reset", None),
        ("GET", "/_ministack/health", None),
        ("OPTIONS", "/oauth2/token", None),
        ("PUT", "/oauth2/token", None),
        ("GET", "/oauth2/userInfo", None),
        ("POST", "/saml2/idpresponse", None),
        ("GET", "/bucket/x/.well-known/jwks.json", None),
        ("GET", "/oauth2/authorize/../../2015-03-31/functions", None),
        ("GET", "/oauth2/authorize%0a", None),
    ],
)
def test_without_the_key_nothing_can_be_changed_or_run(
    cognito: LocalCognito, method: str, path: str, target: str | None, origin: str | None
) -> None:
    headers = {"Origin": origin, "X-Amz-Target": target, "Content-Type": "text/plain"}

    answer = asked(cognito, method, path, data=b"{}", headers=headers)

    assert (answer.status_code, answer.text) == (403, ONLY_UI)
    assert {*map(str.lower, answer.headers)} >= OURS
    assert "access-control-allow-origin" not in answer.headers


def test_a_function_from_elsewhere_is_not_there_afterwards(cognito: LocalCognito) -> None:
    body = json.dumps({"FunctionName": "own", "Handler": "os.getcwd", "Runtime": "python3.13"})
    asked(cognito, "POST", "/2015-03-31/functions", data=body, headers={"Origin": EVIL})

    listed = asked(cognito, "GET", "/2015-03-31/functions", headers=key(cognito))

    assert (listed.status_code, listed.json()["Functions"]) == (200, [])


def key(cognito: LocalCognito) -> dict[str, str]:
    return {KEY_HEADER: cognito._ministack.key}


@pytest.mark.parametrize("forged", ["", "x" * 43, "\xe9" * 43])
def test_a_forged_key_opens_nothing(cognito: LocalCognito, forged: str) -> None:
    headers = {KEY_HEADER: forged.encode("latin-1")}

    assert asked(cognito, "GET", "/2015-03-31/functions", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example:PORT", "127.0.0.1", "127.0.0.1:1", "x.localhost:PORT", "[::1]:PORT"]
)
@pytest.mark.parametrize("known", ["nobody", "the command"])
def test_a_name_that_was_bound_anew_reaches_nothing(
    cognito: LocalCognito, host: str, known: str
) -> None:
    port = urlsplit(cognito.url).port
    headers = {"Host": host.replace("PORT", str(port))}
    headers |= key(cognito) if known == "the command" else {}

    answer = asked(
        cognito, "GET", f"/{cognito.user_pool_id}/.well-known/jwks.json", headers=headers
    )

    expected = f"Host: expected one of 127.0.0.1:{port}, localhost:{port}\n"
    assert (answer.status_code, answer.text) == (403, expected)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": EVIL}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:2"}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "URL", "Sec-Fetch-Site": "same-origin"}, 302),
        ({}, 302),
    ],
)
def test_no_other_page_signs_anybody_in(
    cognito: LocalCognito, headers: dict[str, str], status: int
) -> None:
    own = {name: value.replace("URL", cognito.url) for name, value in headers.items()}

    answer = asked(cognito, "POST", "/login", data=login(cognito), headers=own)

    assert answer.status_code == status


@pytest.mark.parametrize("name", ["jwks.json", "openid-configuration"])
@pytest.mark.parametrize(("origin", "reader"), [(APPLICATION, APPLICATION), (EVIL, None)])
def test_what_is_public_may_be_read_by_the_application_alone(
    cognito: LocalCognito, name: str, origin: str, reader: str | None
) -> None:
    path = f"/{cognito.user_pool_id}/.well-known/{name}"

    answer = asked(cognito, "GET", path, headers={"Origin": origin})

    permissions = {n: v for n, v in answer.headers.items() if n.startswith("access-control-")}
    assert answer.status_code == 200
    assert permissions == ({"access-control-allow-origin": reader} if reader else {})


def test_the_login_page_cannot_be_framed(cognito: LocalCognito) -> None:
    answer = asked(cognito, "GET", f"/oauth2/authorize?{urlencode(login(cognito))}")

    assert answer.text.count('type="password"') == 1
    assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert answer.headers["x-frame-options"] == "DENY"


def everything(_: Request) -> Response:
    """Answer as an emulator would that lets everybody do and read everything."""
    return PlainTextResponse("done", headers={"Access-Control-Allow-Origin": "*"})


@pytest.fixture(scope="module")
def gate() -> Iterator[str]:
    app = Starlette(routes=[Route("/{path:path}", everything, methods=["GET", "POST", "PUT"])])
    with listening(0) as listener:
        port = listener.getsockname()[1]
        with serving(Gate(app, port, "planted", [APPLICATION]), listener):
            yield address(listener)


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("PUT", "/anything", {KEY_HEADER: "planted"}, (200, None)),
        ("PUT", "/anything", {KEY_HEADER: "planter"}, (403, None)),
        ("PUT", "/anything", {KEY_HEADER: "planted", "Host": EVIL}, (403, None)),
        ("POST", "/oauth2/token", {"Origin": APPLICATION}, (200, APPLICATION)),
        ("POST", "/oauth2/token", {"Origin": EVIL}, (403, None)),
        ("GET", "/logout", {"Sec-Fetch-Site": "cross-site"}, (200, None)),
    ],
)
def test_whatever_stands_behind_the_gate_is_kept_by_it(
    gate: str, method: str, path: str, headers: dict[str, str], expected: tuple[int, str | None]
) -> None:
    answer = requests.request(method, f"{gate}{path}", headers=headers, timeout=10)

    assert (answer.status_code, answer.headers.get("Access-Control-Allow-Origin")) == expected


def test_the_key_is_in_no_log_and_in_no_command_line(cognito: LocalCognito) -> None:
    emulator = cognito._ministack._child.process

    assert cognito._ministack.key not in cognito._ministack.log()
    assert cognito._ministack.key not in " ".join(map(str, emulator.args))  # type: ignore[arg-type]  # a list here
