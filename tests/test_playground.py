"""The playground without a browser: what its server answers, to whom, and the tests that it makes."""

import ast
import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims.testing import recorded
from cognito_claims.tools.backends.settings import KNOWN
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.evaluation.preview import preview
from cognito_claims.tools.evaluation.token_preview import ClaimChange, TokenPreview, changes
from cognito_claims.tools.inputs import parse_environment, read_environment
from cognito_claims.tools.playground import app, settings
from cognito_claims.tools.playground.answers import State, answer, beginning
from cognito_claims.tools.playground.export import export
from cognito_claims.tools.playground.serve import serve
from tests import settings_table
from tests.processes import running

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "cognito_claims" / "tools" / "playground" / "static"
NAME = "pretoken_v2_Authentication"
BARE = settings.Started.with_environment({})
HASURA = "COGNITO_CLAIMS_PLUGINS=hasura\n"
FAUNA = "FAUNA_ENDPOINT=http://127.0.0.1:1\nFAUNA_SECRET=planted\n"  # nobody listens there
SYNC = (
    "USER_SYNC_SINKS=hasura\nHASURA_SYNC_URL=http://127.0.0.1:1/v1/graphql\n"
    "HASURA_SYNC_ADMIN_SECRET=planted\n"
)
PLUGINS = """
from pathlib import Path
from cognito_claims import Claims, TokenDenied

Path(__file__).with_name("imported").touch()

def tenant(environ):
    return lambda event: Claims.adding({"tenant": environ.get("TENANT_NAME", "nobody")})

def closed(environ):
    def plugin(event):
        raise TokenDenied('"Closed" \\\\ for \\'now\\'.')
    return plugin
"""
SERVE = (
    "import os; from cognito_claims.tools.playground.serve import serve; "
    "serve(dict(os.environ), port=0, on_ready=lambda address: print(address, flush=True))"
)


@contextmanager
def playground(environ: Mapping[str, str]) -> Iterator[str]:
    """Run it in a process of its own, give its address, and end it as Ctrl-C does."""
    command = [sys.executable, "-c", SERVE]
    kept = {
        name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_CONFIG") if name in os.environ
    }
    with running(
        command, env={**kept, **environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "", "")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with playground({}) as address:
        yield address


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "acme_own.py").write_text(PLUGINS)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("acme_own", None)


def test_the_page_may_hand_on_every_documented_setting_that_is_no_secret() -> None:
    tables = "".join(settings_table.table(prefix) for prefix in settings_table.SOURCES)
    documented = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", tables, re.M))

    assert {
        **{name: kind == "secret" for name, kind in documented.items()},
        **dict.fromkeys(
            ("FAUNA_ON_ERROR", "HASURA_ON_ERROR", "MAPPER_ON_ERROR", "SURREALDB_ON_ERROR"), False
        ),
    } == KNOWN


def test_without_settings_of_ones_own_the_page_begins_with_the_documented_example() -> None:
    example = read_environment(ROOT / "docs" / "examples" / "surrealdb-hasura.env")

    for environ in ({}, {"HASURA_DEFAULT_ROLE": "user", "HOME": "/home/jane"}):
        begun = beginning(settings.Started.with_environment(environ))
        assert parse_environment(begun["state"]["settings"], "settings") == example


def test_the_page_begins_with_the_settings_of_its_environment_and_never_with_a_secret() -> None:
    environ = {
        "COGNITO_CLAIMS_PLUGINS": "fauna",
        "FAUNA_SECRET": "planted",
        "FAUNA_ENDPOINT": "https://jane:planted@db.example.com",
        "FAUNA_COLLECTION": "User",
        "HASURA_GRAPHQL_JWT_SECRET": "planted",
        "USER_SYNC_QUEUE_URL": "https://sqs.example.com/?planted",
        "AWS_SECRET_ACCESS_KEY": "planted",
        "HASURA_SYNC_ADMIN_SECRET": " ",
    }

    begun = beginning(settings.Started.with_environment(environ))

    assert begun["state"]["settings"] == (
        "COGNITO_CLAIMS_PLUGINS=fauna\nFAUNA_SECRET=left-out\nFAUNA_ENDPOINT=https://db.example.com/left-out\n"
        "FAUNA_COLLECTION=User\nUSER_SYNC_QUEUE_URL=https://sqs.example.com/left-out\n"
        "HASURA_SYNC_ADMIN_SECRET=' '\n"
    )
    assert "planted" not in json.dumps(begun)


@given(st.dictionaries(st.from_regex(r"[A-Z_]+", fullmatch=True), st.text()))
def test_settings_as_text_read_back_as_they_were(environ: dict[str, str]) -> None:
    text = settings.as_text(environ)

    assert parse_environment(text, "settings") == environ


@pytest.mark.parametrize(
    "entries",
    [
        "own=acme_own:tenant",
        " own = acme_own:tenant ",
        "hasura=acme_own:tenant",
        "hasura,surrealdb=acme_own:tenant",
        "acme_own",
        "none,own=acme_own:tenant",
        "=acme_own:tenant",
    ],
)
def test_a_link_brings_no_plugin_along(folder: Path, entries: str) -> None:
    state = State(event=NAME, settings=f"COGNITO_CLAIMS_PLUGINS={entries}\n")

    unusable = answer(state, BARE)["unusable"]

    assert unusable["input"] == "settings"
    assert re.fullmatch(
        r"COGNITO_CLAIMS_PLUGINS: entry \d: not built in; one of your own must stand just so in the environment "
        r"that the playground is started with",
        unusable["lines"][-1],
    )
    assert not (folder / "imported").exists()


@given(st.text(st.sampled_from("ab ,='\"\\\n#:\u00a0xfauna")))
def test_whatever_the_settings_are_nothing_is_imported_for_them(noise: str) -> None:
    text = f"COGNITO_CLAIMS_PLUGINS={noise},x=tests.never_imported:x"

    for written in (
        text,
        f"{noise}\n{text}",
        f"COGNITO_CLAIMS_PLUGINS=hasura{noise}x=tests.never:x",
    ):
        answered = answer(State(event=NAME, settings=written), BARE)
        told = str(answered.get("unusable"))
        assert "cannot be imported" not in told


@pytest.mark.parametrize("name", ["HASURA_GRAPHQL_ENDPOINT", "FAUNA_PROXY", "USER_SYNC_HOOK"])
def test_a_link_turns_no_plugin_of_ones_own_elsewhere(folder: Path, name: str) -> None:
    source = f"""
from cognito_claims import Claims
def tenant(environ):
    return lambda event: Claims.adding({{"asks": environ["{name}"]}})
"""
    (folder / "acme_own.py").write_text(source)
    entry = "COGNITO_CLAIMS_PLUGINS=own=acme_own:tenant"
    started = settings.Started.with_environment(
        {"COGNITO_CLAIMS_PLUGINS": entry.partition("=")[2], name: "https://home.example"}
    )

    answered = answer(State(event=NAME, settings=f"{entry}\n{name}=https://evil.example"), started)

    assert answered["preview"]["id_token"]["after"]["asks"] == "https://home.example"
    assert answered["settings"]["unread"] == [name]
    assert "home.example" not in beginning(started)["state"]["settings"]


@pytest.mark.parametrize(
    ("plugins", "name", "near"),
    [
        ("hasura", "HASURA_TOKNES", "; did you mean HASURA_TOKENS?"),
        ("hasura", "HASURA_" + "X" * 90, ""),
        (f"user_sync\n{SYNC}", "HASURA_SYNC_URI", "; did you mean HASURA_SYNC_URL?"),
        ("none", "COGNITO_CLAIMS_ONERROR", "; did you mean COGNITO_CLAIMS_ON_ERROR?"),
    ],
)
def test_a_name_that_is_nearly_a_setting_is_told(plugins: str, name: str, near: str) -> None:
    state = State(event=NAME, settings=f"COGNITO_CLAIMS_PLUGINS={plugins}\n{name}=1")

    lines = answer(state, BARE)["unusable"]["lines"]

    assert lines == (f"{name}: unknown setting{near}",)


@pytest.mark.parametrize(
    ("environ", "runs_own"),
    [
        ({}, False),
        ({"COGNITO_CLAIMS_PLUGINS": "hasura,fauna"}, False),
        ({"COGNITO_CLAIMS_PLUGINS": "hasura,own=acme_own:tenant"}, True),
        ({"COGNITO_CLAIMS_PLUGINS": "installed"}, True),
        ({"COGNITO_CLAIMS_PLUGINS": "hasura=acme_own:tenant"}, True),
    ],
)
def test_the_page_knows_whether_a_link_could_run_a_plugin_of_ones_own(
    environ: Mapping[str, str], runs_own: object
) -> None:
    started = settings.Started.with_environment(environ)

    assert beginning(started)["runs_own"] is runs_own


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"A=b{' ' * 4096}x", "settings: line 1: longer than 4,096 characters"),
        (f"A=1\r\nB=2\r{'C' * 4097}", "settings: line 3: longer than 4,096 characters"),
        ("A=b" + " \x85" * 4000 + "x", "settings: line 1: longer than 4,096 characters"),
        ("A=\n" * 22_000, "settings: longer than 65,536 characters"),
    ],
)
def test_settings_that_would_take_long_to_read_are_not_read(text: str, line: str) -> None:
    unusable = answer(State(event=NAME, settings=text), BARE)["unusable"]

    assert unusable == {"input": "settings", "lines": (line,)}


@pytest.mark.parametrize("line", ["A{}=b" + " " * 4080 + "x\n", "HASURA_{}" + "X" * 4080 + "=\n"])
def test_settings_as_long_as_they_may_be_are_answered_at_once(line: str) -> None:
    text = "".join(map(line.format, range(15)))
    begun = time.process_time()

    answer(State(event=NAME, settings=f"{HASURA}{text}"), BARE)

    assert time.process_time() - begun < 3  # a tenth of that


def test_a_setting_that_the_page_leaves_out_is_not_taken_from_the_environment() -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "hasura", "HASURA_CLAIMS_FORMAT": "json"}
    started = settings.Started.with_environment(environ)

    answered = answer(State(event=NAME, settings=HASURA), started)

    assert (
        answered["preview"]["response"]
        == preview(recorded(NAME), {**environ, "HASURA_CLAIMS_FORMAT": ""}).response
    )


@pytest.mark.parametrize("name", ["FAUNA_ENDPOINT", "HASURA_SYNC_URL", "USER_SYNC_QUEUE_URL"])
@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("https://a.example", "https://a.example"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ("https://[::1]:1/v1/graphql", "https://[::1]:1/v1/graphql"),
        (
            "https://sqs.eu-west-1.amazonaws.com/000000000000/q.fifo",
            "https://sqs.eu-west-1.amazonaws.com/000000000000/q.fifo",
        ),
        ("https://a.example/hooks/planted", "https://a.example/left-out"),
        ("https://a.example:1/000000000000/planted", "https://a.example:1/left-out"),
        ("https://a.example/v1/graphql?planted", "https://a.example/left-out"),
        ("https://a.example#planted", "https://a.example/left-out"),
        ("https://jane:planted@a.example/v1/graphql", "https://a.example/left-out"),
        ("https://planted planted", "left-out"),
        ("planted", "left-out"),
        ("", ""),
    ],
)
def test_of_a_url_no_more_is_shown_than_is_usual(name: str, value: str, seen: str) -> None:
    assert settings.shown(name, value) == seen


def test_a_misspelt_plugin_is_told_the_right_name() -> None:
    state = State(event=NAME, settings="COGNITO_CLAIMS_PLUGINS=hasurra")

    assert answer(state, BARE) == {
        "unusable": {
            "input": "settings",
            "lines": ("COGNITO_CLAIMS_PLUGINS: entry 1: not built in; did you mean hasura?",),
        }
    }


def test_a_plugin_of_ones_own_runs_when_the_environment_names_it(folder: Path) -> None:
    environ = {
        "COGNITO_CLAIMS_PLUGINS": "own = acme_own:tenant",
        "TENANT_NAME": "acme",
        "TENANT_KEY": "planted",
    }
    started = settings.Started.with_environment(environ)
    text = "COGNITO_CLAIMS_PLUGINS=own=acme_own:tenant\nTENANT_NAME=elsewhere"

    answered = answer(State(event=NAME, settings=text), started)

    assert (
        answered["preview"]["id_token"]["after"]["tenant"] == "acme"
    )  # no link turns it elsewhere
    assert answered["settings"]["unread"] == ["TENANT_NAME"]
    assert "planted" not in json.dumps([answered, beginning(started)])
    assert (folder / "imported").exists()


@pytest.mark.parametrize("entry", ["own", "own=acme_own:closed", "other=acme_own:tenant"])
def test_a_plugin_of_ones_own_runs_in_its_very_entry_only(folder: Path, entry: str) -> None:
    started = settings.Started.with_environment(
        {"COGNITO_CLAIMS_PLUGINS": "hasura,own=acme_own:tenant"}
    )
    state = State(event=NAME, settings=f"COGNITO_CLAIMS_PLUGINS=hasura,{entry}")

    lines = answer(state, started)["unusable"]["lines"]

    assert [line.partition(";")[0] for line in lines] == [
        "COGNITO_CLAIMS_PLUGINS: entry 2: not built in"
    ]
    assert not (folder / "imported").exists()


@pytest.mark.parametrize("plugins", ["fauna", "user_sync", "fauna,user_sync,surrealdb"])
@pytest.mark.parametrize("what", [answer, export])
def test_no_built_in_plugin_calls_anybody(
    plugins: str, what: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, place: called.append(place))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *place, **_: called.append(place))
    surrealdb = "SURREALDB_NAMESPACE=test\nSURREALDB_DATABASE=test\nSURREALDB_ACCESS=user\n"
    text = f"COGNITO_CLAIMS_PLUGINS={plugins}\nFAUNA_SUPPRESS=none\n{FAUNA}{SYNC}{surrealdb}"

    for secret in ("planted", "ssm:/fauna/key"):
        answered = what(State(event=NAME, settings=text.replace("planted", secret)), BARE)
        assert "unusable" not in answered

    assert called == []


def test_an_answer_is_what_preview_says() -> None:
    text = settings.as_text(settings.EXAMPLE)

    answered = answer(State(event=NAME, settings=text), BARE)

    expected = preview(recorded(NAME), settings.EXAMPLE).to_json()
    for part in ("response", "findings", "verdicts"):
        assert answered["preview"][part] == expected[part]
    assert json.loads(answered["response"]) == expected["response"]
    assert answered["settings"] == {"open": text, "secret": [], "unread": []}


def test_what_changes_in_a_token_is_told_claim_by_claim() -> None:
    before = {"kept": True, "gone": "a", "other": 1, "same": ["\ud800"]}
    after = {"kept": True, "other": 12345678901234567890, "same": ["\ud800"], "new": {"é": None}}

    assert [*changes(TokenPreview(before, after, 0))] == [
        ClaimChange("suppressed", "gone", "a", None),
        ClaimChange("unchanged", "kept", "true", "true"),
        ClaimChange("added", "new", None, '{"é": null}'),
        ClaimChange("changed", "other", "1", "12345678901234567890"),
        ClaimChange("unchanged", "same", '["\ud800"]', '["\ud800"]'),
    ]


def test_the_settings_for_a_link_hold_no_secret_and_nothing_unknown() -> None:
    text = (
        f"{HASURA}{FAUNA}FAUNA_SERCET=planted\nMY_KEY=planted\n# planted\nHASURA_DEFAULT_ROLE='a b'"
    )

    told = answer(State(event=NAME, settings=text), BARE)["settings"]

    assert told == {
        "open": (
            f"{HASURA}FAUNA_ENDPOINT=http://127.0.0.1:1\nFAUNA_SECRET=left-out\n"
            "HASURA_DEFAULT_ROLE='a b'\n"
        ),
        "secret": ["FAUNA_SECRET"],
        "unread": ["FAUNA_SERCET", "MY_KEY"],
    }


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ('{\n  "a": 1,\n}', "not JSON at line 3, column 1: "),
        ("", "not JSON at line 1, column 1: Expecting value"),
        ("/etc/hostname", "not JSON at line 1, column 1: Expecting value"),
        ("NaN", "not JSON: a number that JSON, or Python, does not have"),
        ("9" * 5000, "not JSON: a number that JSON, or Python, does not have"),
        ("[" * 100_000, "not JSON that can be read: nested too deep"),
        ("[]", "not a pre token generation event: event: expected an object, got an array"),
        (
            "postauth_Authentication",
            "not a pre token generation event: triggerSource: expected TokenGeneration_*",
        ),
    ],
)
def test_an_event_that_cannot_be_used_is_one_clear_line(event: str, line: str) -> None:
    unusable = answer(State(event=event, settings="also wrong"), BARE)["unusable"]

    assert (unusable["input"], len(unusable["lines"])) == ("event", 1)
    assert unusable["lines"][0].startswith(line)


def test_settings_that_cannot_be_used_have_a_line_each() -> None:
    lines = answer(State(event=NAME, settings="A=1\nwrong\nA=2"), BARE)["unusable"]["lines"]
    problems = answer(State(event=NAME, settings=f"{HASURA}HASURA_TOKENS=all"), BARE)["unusable"]

    assert lines == (
        "settings: line 2: expected NAME=value",
        "settings: line 3: A stands twice",
    )
    assert problems["lines"] == ("HASURA_TOKENS: expected one of id, access",)


def _asked(
    address: str, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> tuple[int, dict[str, str], str]:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=20)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        response = connection.getresponse()
        told = {name.lower(): value for name, value in response.getheaders()}
        return response.status, told, response.read().decode()
    finally:
        connection.close()


def cookie(address: str) -> str:
    """Return the cookie that a browser has after it has opened this address."""
    return f"playground-{urlsplit(address).port}={urlsplit(address).query.removeprefix('token=')}"


def _page(address: str, body: bytes = b"", **changed: str | None) -> dict[str, str]:
    """Give the headers of the page's own request, some of them changed or, as None, left out."""
    headers: dict[str, str | None] = {
        "Host": urlsplit(address).netloc,
        "Origin": f"http://{urlsplit(address).netloc}",
        "Cookie": cookie(address),
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Sec-Fetch-Site": "same-origin",
    }
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return {name: value for name, value in headers.items() if value is not None}


STATE = json.dumps({"event": NAME, "settings": HASURA}).encode()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
@pytest.mark.parametrize("site", ["same-origin", None])
def test_the_page_itself_is_answered(address: str, host: str, kind: str, site: str | None) -> None:
    here = f"{host}:{urlsplit(address).port}"
    headers = _page(
        address, STATE, Host=here, Origin=f"http://{here}", Content_Type=kind, Sec_Fetch_Site=site
    )

    status, told, body = _asked(address, "POST", "/answer", headers, STATE)

    assert (status, told["content-type"]) == (200, "application/json")
    assert json.loads(body)["preview"]["verdicts"]["hasura"]["accepted"] is True


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Host": "rebound.example.com:PORT"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Host": "127.0.0.1.:PORT"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "https://127.0.0.1:PORT"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://127.0.0.1:PORT.evil.example.com"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "none"}, 403),
        ({"Content_Type": None}, 415),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "text/plain;application/json"}, 415),
    ],
)
@pytest.mark.parametrize("path", ["/answer", "/export"])
def test_nobody_else_is_answered(
    address: str, changed: dict[str, str | None], status: int, path: str
) -> None:
    port = str(urlsplit(address).port)
    replaced = {name: value and value.replace("PORT", port) for name, value in changed.items()}
    headers = _page(address, STATE, **replaced)

    refused, told, body = _asked(address, "POST", path, headers, STATE)

    assert refused == status
    assert body.startswith(next(iter(changed)).replace("_", "-"))
    assert "access-control-allow-origin" not in told


NO_TOKEN = (
    "Open the whole address that the command printed, its token included, once in this browser\n"
)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/?token=x"), ("GET", "/link.js"), ("HEAD", "/"), ("POST", "/answer")],
)
@pytest.mark.parametrize("given", [None, "", "x", "é"])
def test_without_the_token_nothing_is_answered(
    address: str, method: str, path: str, given: str | None
) -> None:
    name = cookie(address).partition("=")[0]
    headers = _page(address, STATE, Cookie=None if given is None else f"{name}={given}")

    status, told, body = _asked(address, method, path, headers, STATE)

    assert (status, "set-cookie" in told) == (403, False)
    assert body == ("" if method == "HEAD" else NO_TOKEN)


def test_the_first_address_gives_a_cookie_and_leads_to_the_page_without_the_token(
    address: str,
) -> None:
    first = urlsplit(address)

    status, told, _ = _asked(address, "GET", f"/?{first.query}", {"Host": first.netloc})

    assert (status, told["location"]) == (303, "/")
    assert told["set-cookie"] == f"{cookie(address)}; HttpOnly; Path=/; SameSite=strict"


def test_each_start_has_a_token_of_its_own(address: str) -> None:
    with playground({}) as other:
        assert _asked(other, "POST", "/answer", _page(other, STATE), STATE)[0] == 200
        tokens = {urlsplit(each).query for each in (address, other)}

    assert (len(tokens), min(map(len, tokens))) == (2, len("token=") + 43)


@pytest.mark.parametrize("path", ["/", "/playground.js", "/beginning", "/nothing"])
def test_a_name_that_was_bound_anew_reads_nothing(address: str, path: str) -> None:
    status, _, body = _asked(address, "GET", path, {"Host": "rebound.example.com"})

    assert (status, body.startswith("Host: expected one of 127.0.0.1:")) == (403, True)


@pytest.mark.parametrize(
    ("path", "site", "status"),
    [
        ("/", "cross-site", 200),
        ("/", "none", 200),
        ("/beginning", "same-origin", 200),
        ("/beginning", "none", 200),
        ("/beginning", "cross-site", 403),
        ("/beginning", "same-site", 403),
        ("/playground.js", "cross-site", 403),
    ],
)
def test_other_pages_may_link_to_the_page_and_load_nothing_of_it(
    address: str, path: str, site: str, status: int
) -> None:
    headers = {"Host": urlsplit(address).netloc, "Sec-Fetch-Site": site, "Cookie": cookie(address)}

    assert _asked(address, "GET", path, headers)[0] == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/playground.css", 200),
        ("GET", "/playground.css/", 404),
        ("GET", "/../app.py", 404),
        ("GET", "/answer", 405),
        ("POST", "/", 405),
        ("OPTIONS", "/answer", 405),
        ("POST", "/answer", 400),
    ],
)
def test_every_answer_says_what_a_browser_may_do_with_it(
    address: str, method: str, path: str, status: int
) -> None:
    answered, told, _ = _asked(address, method, path, _page(address, b"{}"), b"{}")

    assert answered == status
    kept = ("date", "content-length", "content-type", "allow", "connection")
    assert {name: value for name, value in told.items() if name not in kept} == {
        "cache-control": "no-store",
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


def test_a_body_that_is_too_long_is_refused_told_or_not(address: str) -> None:
    body = b" " * (app.LONGEST_BODY + 1)
    chunked = {**_page(address), "Transfer-Encoding": "chunked"}
    del chunked["Content-Length"]
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"

    told = _asked(address, "POST", "/answer", _page(address, body), body)
    untold = _asked(address, "POST", "/answer", chunked, chunk)

    assert (told[0], told[2]) == (untold[0], untold[2]) == (413, "longer than 1,048,576 bytes\n")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"event": 1, "settings": ""}', b'{"event": "", "settings": "", "x": 1}']
)
def test_a_body_that_is_no_state_is_refused(address: str, body: bytes) -> None:
    status, _, told = _asked(address, "POST", "/answer", _page(address, body), body)

    assert (status, told) == (400, "expected an object with the texts event and settings\n")


def test_a_mistake_of_ours_is_told_by_its_place_and_not_by_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_state: State, _started: settings.Started) -> dict[str, Any]:
        raise RuntimeError("planted")

    monkeypatch.setattr(app, "answer", broken)
    sent: list[Any] = []

    with pytest.raises(RuntimeError):  # for the log, which serve turns off
        asyncio.run(_call(app.application({}, 80, "t"), "/broken", sent))

    assert sent[0]["status"] == 500
    told = sent[1]["body"].decode()
    assert re.fullmatch(r"failed: RuntimeError at .+test_playground.py:\d+ in broken\n", told)


async def _call(application: Any, path: str, sent: list[Any]) -> None:
    headers = _page("http://127.0.0.1:80/?token=t", STATE)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": STATE, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": path, "headers": raw, "query_string": b""}
    await application(scope, receive, send)


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnusableInput) as refused:
            serve({}, port=port, on_ready=print)

    assert refused.value.lines == (f"--port {port}: Address already in use; 0 takes a free one",)


def test_a_port_that_is_none_is_one_clear_line() -> None:
    with pytest.raises(UnusableInput) as refused:
        serve({}, port=70_000, on_ready=print)

    assert refused.value.lines == ("--port 70000: expected 0 to 65535; 0 takes a free one",)


def test_the_page_is_on_this_machine_alone(address: str) -> None:
    assert urlsplit(address).hostname == "127.0.0.1"
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", urlsplit(address).port))


OWN = "COGNITO_CLAIMS_PLUGINS=own=acme_own:{}\n"
EXPORTED = [
    (NAME, settings.as_text(settings.EXAMPLE), '"ns": "test"', '"ns": "best"'),
    ("pretoken_v3_ClientCredentials", HASURA, 'Details": None', 'Details": 1'),
    (NAME, f"COGNITO_CLAIMS_PLUGINS=fauna\n{FAUNA}", '"userId": "0', '"userId": "1'),
    (NAME, f"COGNITO_CLAIMS_PLUGINS=user_sync,hasura\n{SYNC}", "x-hasura-user-id", "x-hasura-id"),
    ("pretoken_v1_Authentication", f"{HASURA}HASURA_TOKENS=access", "[unsupported", "[supported"),
    (NAME, OWN.format("tenant"), '"acme"', '"emca"'),
    (NAME, OWN.format("closed"), "Closed", "Open"),
    (json.dumps(recorded(NAME)).replace('"acme"', '"\\ud800"'), HASURA, '"event",', '"x",'),
    (json.dumps({**recorded(NAME), "x": "\ud800'\"\n\\N"}), HASURA, "user", "loser"),
]


def _pytest(folder: Path, environ: Mapping[str, str]) -> str:
    """Run a folder's tests as whoever saved them does; no AWS, no key."""
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*command, "--rootdir", str(folder), str(folder)],
        env={"PATH": os.environ["PATH"], **environ},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout


@pytest.mark.slow
def test_exported_tests_pass_and_fail_when_a_claim_changes(folder: Path) -> None:
    environ = {"PYTHONPATH": str(folder), "TENANT_NAME": "acme"}
    named = "own=acme_own:tenant,own=acme_own:closed"
    started = settings.Started.with_environment({"COGNITO_CLAIMS_PLUGINS": named, **environ})
    for kind in ("right", "wrong"):
        (folder / kind).mkdir()
    for number, (event, text, right, wrong) in enumerate(EXPORTED):
        test = export(State(event=event, settings=text), started)["test"]
        (folder / "right" / f"test_right_{number}.py").write_text(test)
        (folder / "wrong" / f"test_wrong_{number}.py").write_text(test.replace(right, wrong))
        assert right in test

    assert f"{len(EXPORTED)} passed" in _pytest(folder / "right", environ)
    assert f"{len(EXPORTED)} failed" in _pytest(folder / "wrong", environ)


_TEXTS = st.text(st.characters() | st.sampled_from("'\"\\\n\r{}"))


@given(_TEXTS, _TEXTS, st.sampled_from(["\ud800", '"""', "'''", "\\", "\u2028", "\u202e"]))
def test_no_value_breaks_out_of_an_exported_test(key: str, value: str, odd: str) -> None:
    event = recorded(NAME)
    event |= {f"{key}{odd}": [f"{value}{odd}", {odd: None}, 1.5, True, {}, []], "y": odd + value}
    claim = f"x{value}{odd}".encode(errors="ignore").decode()  # no half of a surrogate pair
    text = settings.as_text({"COGNITO_CLAIMS_PLUGINS": "hasura", "HASURA_CLAIMS_NAMESPACE": claim})

    test = export(State(event=json.dumps(event), settings=text), BARE)["test"]

    tree = ast.parse(test)
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    constants = {ast.unparse(node.targets[0]): node.value for node in assigned}
    assert ast.literal_eval(constants["EVENT"]) == event
    assert ast.literal_eval(constants["SETTINGS"])["HASURA_CLAIMS_NAMESPACE"] == claim
    assert {*constants} <= {"EVENT", "SETTINGS", "RESPONSE", "TEXT", "HANDLER"}
    others = [type(node).__name__ for node in tree.body if node not in assigned]
    assert {*others} <= {"Expr", "Import", "ImportFrom", "FunctionDef"}
    assert (others.count("Expr"), others.count("FunctionDef")) == (1, 1)


@pytest.mark.parametrize("odd", ["1e999", "[" * 210 + "]" * 210, "[" * 900 + "]" * 900])
def test_an_event_that_python_cannot_write_has_no_test(odd: str) -> None:
    event = json.dumps(recorded(NAME)).replace("{", f'{{"x": {odd}, ', 1)

    assert "preview" in answer(State(event=event, settings=HASURA), BARE)
    assert export(State(event=event, settings=HASURA), BARE) == {
        "unusable": {
            "input": "event",
            "lines": ("nested too deep, or numbers too large, for a test",),
        }
    }


def test_what_cannot_be_used_has_no_test() -> None:
    unusable = export(State(event="{", settings=HASURA), BARE)

    assert unusable == answer(State(event="{", settings=HASURA), BARE)


_SCHEMES = ("light", "dark")
_WORDS = ("text", "muted", "accent", "added", "changed", "suppressed", "error", "warning")


@pytest.mark.parametrize("scheme", _SCHEMES)
@pytest.mark.parametrize("ground", ["ground", "panel"])
def test_words_stand_out_from_what_is_behind_them(scheme: str, ground: str) -> None:
    colours = _colours(scheme)

    words = {word: _contrast(colours[word], colours[ground]) for word in _WORDS}

    assert {word: contrast for word, contrast in words.items() if contrast < 4.5} == {}
    assert _contrast(colours["control"], colours[ground]) >= 3  # WCAG's for the edge of a control


def _colours(scheme: str) -> dict[str, str]:
    css = (STATIC / "playground.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.S)
    assert len(blocks) == len(_SCHEMES)
    return dict(re.findall(r"--(\w+): (#\w{6});", blocks[_SCHEMES.index(scheme)]))


def _contrast(one: str, other: str) -> float:
    """Give the contrast of two colours as WCAG 2 counts it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_page_has_no_script_or_style_within_and_nothing_from_elsewhere() -> None:
    page = (STATIC / "index.html").read_text()
    scripts = "".join(path.read_text() for path in STATIC.glob("*.js"))
    css = (STATIC / "playground.css").read_text()

    assert re.findall(r"<(?:script|style)(?![^>]*src=)[^>]*>|\s(?:on\w+|style)=", page) == []
    assert re.findall(r"//\w|@import|url\(", page + css) == []
    assert re.findall(r"\w+HTML|insertAdjacent|document\.write|eval\(|https?:", scripts) == []
