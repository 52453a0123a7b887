"""What `demo --web` serves: the example's own files, with this machine's addresses, under its own policy."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from cognito_claims.cli.demo.web import FILES, Values, application, local_web, read
from cognito_claims.cli.inputs import UnusableInput
from cognito_claims.cli.loopback import address, listening, serving

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
from cognito_claims.cli.demo.web import serve_web
serve_web(port=0, on_ready=lambda text: print(text, flush=True))
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


def test_it_serves_until_ctrl_c_and_ends_in_peace() -> None:
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url, who = (process.stdout.readline().rstrip() for _ in range(2))
        assert requests.get(url, timeout=10).text.startswith("<!doctype html>")
        process.send_signal(signal.SIGINT)
        assert (process.wait(20), process.stderr.read()) == (0, "")

    assert who.startswith("Sign in as ada with the password ")
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=10)
