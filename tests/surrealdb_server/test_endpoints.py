"""What a bearer gets over `/sql`, `/rpc`, a WebSocket and SurrealDB's own JavaScript client."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from tests.surrealdb_engines import an_access_token
from tests.surrealdb_server.pool import Pool, a_user
from tests.surrealdb_server.server import HERE, Answer, Server

WHO_AND_ROWS = "RETURN $access; SELECT VALUE email FROM user; SELECT * FROM user WHERE id != $auth"
_SECONDS = 60


@pytest.mark.parametrize("ask", [Server.sql, Server.rpc])
def test_a_bearer_sees_their_own_row_alone(
    served: tuple[Server, Pool], ask: Callable[..., Answer]
) -> None:
    server, pool = served
    ada, bob = a_user("ada"), a_user("bob")
    ask(server, pool.setup, pool.token(**bob), "RETURN $auth")

    answer = ask(server, pool.setup, pool.token(**ada), WHO_AND_ROWS)

    assert results(answer) == ["user", [ada["email"]], []]


@pytest.mark.parametrize("ask", [Server.sql, Server.rpc])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"iss": "https://example.com"}, "An error occurred: Wrong issuer"),
        ({"aud": "another"}, "An error occurred: Wrong audience"),
        ({"token_use": "access"}, "An error occurred: Not an ID token"),
        ({"email_verified": False}, "An error occurred: Email not verified"),
        ({"email_verified": "true"}, "An error occurred: Email not verified"),
        ({"exp": 1}, "The token has expired"),
    ],
)
def test_a_token_that_is_not_meant_for_it_is_refused_with_the_reason(
    served: tuple[Server, Pool], ask: Callable[..., Answer], changed: dict[str, Any], said: str
) -> None:
    server, pool = served

    assert ask(server, pool.setup, pool.token(**changed), "RETURN $auth") == Answer(401, said)


def test_an_access_token_of_the_same_user_is_refused(served: tuple[Server, Pool]) -> None:
    server, pool = served
    claims = an_access_token(iss=pool.issuer, aud=None)
    token = pool.token(**claims, email=None, email_verified=None)

    assert server.sql(pool.setup, token, "RETURN $auth").status == 401


def test_nobody_is_a_guest(served: tuple[Server, Pool]) -> None:
    server, _ = served
    headers = {"Accept": "application/json", "Surreal-NS": "app", "Surreal-DB": "main"}

    answer = requests.post(
        f"{server.url}/sql", data="SELECT * FROM user", headers=headers, timeout=_SECONDS
    )

    assert answer.status_code == 403


def test_another_namespace_in_the_header_leads_nowhere(served: tuple[Server, Pool]) -> None:
    server, pool = served
    elsewhere = pool.setup._replace(namespace="other", database="other")

    answer = server.sql(elsewhere, pool.token(), "RETURN [$session.ns, $session.db]")

    assert results(answer) == [["app", "main"]]


def test_the_server_started_as_documented_makes_no_request_for_a_user(
    served: tuple[Server, Pool],
) -> None:
    server, pool = served
    before = pool.fetches

    answer = server.sql(pool.setup, pool.token(), f"RETURN http::get('{pool.issuer}')")

    assert answer.body[0]["result"] == "Function 'http::get' is not allowed to be executed"
    assert pool.fetches - before in (0, 1)  # the keys, if this was the first token


def test_a_web_socket_outlives_its_token_and_shows_nothing_then(
    served: tuple[Server, Pool],
) -> None:
    server, pool = served
    ada, ends = a_user("ada"), int(time.time()) + 5
    token = pool.token(**ada, exp=ends)
    url = f"{server.url.replace('http', 'ws')}/rpc"
    with connect(url, subprotocols=["json"], open_timeout=_SECONDS) as socket:  # type: ignore[list-item]

        def call(method: str, *params: str) -> Any:
            socket.send(json.dumps({"id": 1, "method": method, "params": params}))
            return json.loads(socket.recv(timeout=_SECONDS))

        call("use", "app", "main")
        assert call("authenticate", token) == {"id": 1, "result": None}
        before = call("query", WHO_AND_ROWS)
        time.sleep(max(0, ends + 1 - time.time()))
        after = call("query", f"{WHO_AND_ROWS}; DELETE $auth; UPDATE $auth SET email = 'x@x.xx'")
        again = call("authenticate", token)

    assert results(before) == ["user", [ada["email"]], []]
    assert results(after) == ["user", [], [], [], []]
    assert again["error"]["message"] == "The token has expired"
    rows = server.owner(pool.setup, f"SELECT VALUE email FROM type::record('user', '{ada['sub']}')")
    assert rows == [ada["email"]]


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_surrealdbs_javascript_client(served: tuple[Server, Pool], scheme: str) -> None:
    server, pool = served
    ada, bob, ends = a_user("ada"), a_user("bob"), int(time.time()) + 12
    server.sql(pool.setup, pool.token(**bob), "RETURN $auth")

    answer = in_javascript(
        url=f"{server.url.replace('http', scheme)}/rpc",
        namespace=pool.setup.namespace,
        database=pool.setup.database,
        token=pool.token(**ada, exp=ends),
        other=bob["sub"],
        ends=ends,
    )

    assert answer == {
        "access": "user",
        "seen": [ada["email"]],
        "selected": [ada["email"]],
        "six": [[ada["email"]]] * 6,
        "other": [],
        "expired": answer["expired"],
    }
    assert ada["email"] not in str(answer["expired"])
    print(f"\nsurrealdb.js over {scheme}, after its token has expired: {answer['expired']}")


def in_javascript(**asked: Any) -> Any:
    """Let `client.mjs` ask, with the client of our lock file."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip("no Node 20 or later")
    if not (HERE / "node_modules" / ".package-lock.json").exists():
        install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=HERE, check=True, capture_output=True)
    done = subprocess.run(
        [node, "--experimental-websocket", "client.mjs"],
        cwd=HERE,
        input=json.dumps(asked),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    return json.loads(done.stdout.splitlines()[-1])


def results(answer: Any) -> list[Any]:
    """Return what each statement came to."""
    body = answer.body if isinstance(answer, Answer) else answer
    statements = body["result"] if isinstance(body, dict) else body
    return [statement["result"] for statement in statements]
