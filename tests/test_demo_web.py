"""What `demo --web` serves: the example's own files, with this machine's addresses, under its own policy."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from cognito_claims.tools.demo.web import FILES, Values, application, local_web, read
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.local.loopback import address, listening, serving
from tests.leftovers import nothing_left
from tests.processes import running

VALUES = Values(
    cognito="http://127.0.0.1:1",
    issuer="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x",
    client_id="another",
    surrealdb="http://127.0.0.1:2",
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src http://127.0.0.1:1 http://127.0.0.1:2; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
SERVE = """
from cognito_claims.tools.demo.web import serve_web
serve_web(port=0, on_ready=lambda text: print(text, flush=True))
"""
SIGNED_IN = """
from contextlib import suppress
from threading import Event
from cognito_claims.tools.local.sign_in import sign_in
from cognito_claims.tools.demo.web import local_web
with suppress(KeyboardInterrupt), local_web(port=0) as web:
    print(web.url, web.surrealdb, sign_in(web.cognito).id_token, sep="\\n", flush=True)
    Event().wait()
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with listening(0) as listener, serving(application(VALUES), listener):
        yield address(listener)


def test_every_example_value_stands_where_it_is_replaced() -> None:
    example = Values()
    config, page = ((FILES / name).read_text() for name in ("config.js", "index.html"))

    assert [config.count(f'"{value}"') for value in example] == [1, 1, 1, 1]
    assert f"connect-src {example.cognito} {example.surrealdb};" in page


def test_no_other_file_holds_them() -> None:
    texts = {path.name: path.read_text() for path in FILES.iterdir()}

    changed = {name for name, text in texts.items() if read(name, VALUES) != text}
    assert changed == {"config.js", "index.html"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", "text/html"),
        ("page.css", "text/css"),
        ("config.js", "text/javascript"),
        ("page.js", "text/javascript"),
    ],
)
def test_files_come_with_their_kind_and_under_a_policy(url: str, name: str, kind: str) -> None:
    answer = requests.get(f"{url}/{name}", timeout=10)

    policy = {"content-security-policy": POLICY} if kind == "text/html" else {}
    own = {name: value for name, value in answer.headers.items() if "-" in name}
    expected = {**HEADERS, **policy, "content-type": f"{kind}; charset=utf-8"}
    assert own == {**expected, "content-length": str(len(answer.content))}
    assert answer.text == read(name or "index.html", VALUES)


@pytest.mark.parametrize("name", ["app.surql", "README.md", "../web.py", "%2e%2e/web.py"])
def test_no_other_file_is_served(url: str, name: str) -> None:
    assert requests.get(f"{url}/{name}", timeout=10).status_code == 404


def test_a_name_that_only_points_here_is_refused(url: str) -> None:
    assert requests.get(url, headers={"Host": "evil.example"}, timeout=10).status_code == 400


@pytest.mark.parametrize("path", ["/", "/config.js?a=b%2Fc"])
def test_under_its_other_name_it_sends_the_browser_to_the_one_that_cognito_knows(
    url: str, path: str
) -> None:
    named = url.replace("127.0.0.1", "localhost")

    answer = requests.get(
        f"{url}{path}",
        headers={"Host": named.removeprefix("http://")},
        allow_redirects=False,
        timeout=10,
    )

    assert (answer.status_code, answer.headers["location"]) == (307, f"{url}{path}")


def test_a_taken_port_is_told_with_the_option_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnusableInput) as caught, local_web(port=port):
            pass

    text = f"--port {port}: Address already in use; 0 takes a free one"
    assert caught.value.lines == (text,)


def test_a_port_that_is_none_is_told() -> None:
    with pytest.raises(UnusableInput) as caught, local_web(port=65536):
        pass

    assert caught.value.lines == ("--port 65536: expected 0 to 65535; 0 takes a free one",)


@pytest.mark.slow
def test_a_statement_without_an_end_holds_up_neither_the_page_nor_ctrl_c(tmp_path: Path) -> None:
    command, environ = [sys.executable, "-c", SIGNED_IN], {**os.environ, "TMPDIR": str(tmp_path)}
    with running(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, surrealdb, token = (process.stdout.readline().rstrip() for _ in range(3))
        with asked(surrealdb, token, "RETURN sleep(60s)"):
            with pytest.raises(requests.Timeout):  # by then the engine is at it
                requests.get(f"{surrealdb}/health", timeout=1)
            page = requests.get(url, timeout=5)
            process.send_signal(signal.SIGINT)
            code = process.wait(20)  # and not the 60 s of the statement

    assert (page.status_code, code) == (200, 0)
    assert nothing_left(tmp_path, urlsplit(surrealdb).port, seconds=2)


@contextmanager
def asked(surrealdb: str, token: str, statement: str) -> Iterator[None]:
    """Send a statement, and do not wait for the answer."""
    port = urlsplit(surrealdb).port or 0
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        headers = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        length = f"Content-Length: {len(statement)}\r\n"
        connection.sendall(f"POST /sql HTTP/1.1\r\n{headers}{length}\r\n{statement}".encode())
        yield


def test_it_serves_until_ctrl_c_and_ends_in_peace() -> None:
    command = [sys.executable, "-c", SERVE]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url, who = (process.stdout.readline().rstrip() for _ in range(2))
        assert requests.get(url, timeout=10).text.startswith("<!doctype html>")
        process.send_signal(signal.SIGINT)
        assert (process.wait(20), process.stderr.read()) == (0, "")

    assert who.startswith("Sign in as ada with the password ")
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=10)
