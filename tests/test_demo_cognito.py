"""The local Cognito is a strict one on loopback, runs the real function, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import requests

from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.local.cognito import LocalCognito
from cognito_claims.tools.local.errors import Failed
from cognito_claims.tools.local.ministack import Ministack
from cognito_claims.tools.local.sign_in import SignedIn, sign_in
from tests.leftovers import listening, nothing_left, processes_with
from tests.processes import running
from tests.slow import slow

SURREALDB = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb",
    "SURREALDB_NAMESPACE": "shop",
    "SURREALDB_DATABASE": "main",
    "SURREALDB_ACCESS": "user",
}
NO_FAUNA = {
    "COGNITO_CLAIMS_PLUGINS": "fauna",
    "FAUNA_ENDPOINT": "http://127.0.0.1:1",
    "FAUNA_SECRET": "nobody-asks-for-it",
}
NOT_PART_OF_IT = {
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
    "ALL_PROXY": "http://127.0.0.1:1",
    "AWS_PROFILE": "nobody",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "GATEWAY_PORT": "1",
    "BIND_HOST": "0.0.0.0",  # noqa: S104  (must not be obeyed)
    "USE_SSL": "1",
    "COGNITO_CLAIMS_PLUGINS": "nothing-of-the-kind",
}
HELD_OPEN = """
import sys, time
from cognito_claims.tools.local.cognito import LocalCognito
from cognito_claims.tools.local.sign_in import sign_in
with LocalCognito({"COGNITO_CLAIMS_PLUGINS": "hasura"}) as cognito:
    sign_in(cognito)
    print(cognito.url, flush=True)
    time.sleep(60)
"""

Answer = requests.Response
Meddle = Callable[[Answer], None]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder in which this process's temporary files are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def cognito() -> Iterator[LocalCognito]:
    with LocalCognito(SURREALDB) as cognito:
        yield cognito


class MeddledWith:
    """A Cognito whose answers from one path are changed on their way."""

    def __init__(self, cognito: LocalCognito, path: str, meddle: Meddle) -> None:
        self._cognito, self._path, self._meddle = cognito, path, meddle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cognito, name)

    def request(self, method: str, url: str, **options: Any) -> Answer:
        answer = self._cognito.request(method, url, **options)
        if urlsplit(url).path == self._path:
            self._meddle(answer)
        return answer


def with_tokens(change: Callable[[dict[str, str]], dict[str, str]]) -> tuple[str, Meddle]:
    def meddle(answer: Answer) -> None:
        tokens = change(answer.json())
        answer.json = lambda **_: tokens  # type: ignore[method-assign]  # the answer is this test's own

    return "/oauth2/token", meddle


def sent_elsewhere(answer: Answer) -> None:
    answer.headers["Location"] = answer.headers["Location"].replace("/callback", "/elsewhere", 1)


def with_another_state(answer: Answer) -> None:
    answer.headers["Location"] += "x"


def spoilt(token: str) -> str:
    return f"{token[:-40]}{token[-40:-20].swapcase()}{token[-20:]}"


def refusal(cognito: object) -> str:
    with pytest.raises(Failed) as failed:
        sign_in(cast("LocalCognito", cognito))
    return str(failed.value)


def test_the_function_adds_its_claims_to_a_verified_id_token(cognito: LocalCognito) -> None:
    signed_in = sign_in(cognito)

    own = {"ns": "shop", "db": "main", "ac": "user"}
    assert {name: signed_in.id_claims.get(name) for name in own} == own
    assert own.keys().isdisjoint(signed_in.access_claims)
    assert signed_in.id_claims["iss"] == signed_in.access_claims["iss"] == cognito.issuer
    assert signed_in.id_claims["email"] == cognito.email


def test_without_the_function_no_claim_is_added() -> None:
    with LocalCognito(SURREALDB, is_attached=False) as cognito:
        before = sign_in(cognito)
        cognito.attach()
        after = sign_in(cognito)

    assert after.id_claims.keys() - before.id_claims.keys() == {"ns", "db", "ac"}
    assert before.id_claims["sub"] == after.id_claims["sub"]


def test_a_function_that_refuses_fails_the_sign_in_and_says_its_code() -> None:
    with LocalCognito(NO_FAUNA) as cognito:
        assert refusal(cognito) == "Sign-in could not be completed [plugin-failed]"


@pytest.mark.slow
def test_a_wrong_password_gets_no_code() -> None:
    with LocalCognito(SURREALDB, is_attached=False) as cognito:
        cognito.password = "wrong"
        assert refusal(cognito) == "the login page answers 200, without a code"


def test_an_id_token_of_another_sign_in_is_not_taken_for_this_one(cognito: LocalCognito) -> None:
    old = sign_in(cognito).id_token
    replayed = with_tokens(lambda tokens: tokens | {"id_token": old})

    assert refusal(MeddledWith(cognito, *replayed)) == (
        "the ID token: its nonce is not the one sent"
    )


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda t: t | {"id_token": spoilt(t["id_token"])}, "the id token: InvalidSignatureError"),
        (
            lambda t: t | {"access_token": spoilt(t["access_token"])},
            "the access token: InvalidSignatureError",
        ),
        (
            lambda t: t | {"id_token": t["access_token"]},
            "the id token: MissingRequiredClaimError",
        ),
        (
            lambda t: t | {"access_token": t["id_token"]},
            "the access token: its token_use says otherwise",
        ),
        (lambda t: t | {"id_token": "no.token"}, "the id token: DecodeError"),
    ],
)
def test_a_token_that_is_not_what_it_should_be_is_refused(
    cognito: LocalCognito, change: Callable[[dict[str, str]], dict[str, str]], complaint: str
) -> None:
    assert refusal(MeddledWith(cognito, *with_tokens(change))) == complaint


def test_an_access_token_of_another_app_client_is_refused(cognito: LocalCognito) -> None:
    another = copy(cognito)
    another.client_id = cognito._make_client()
    foreign = sign_in(another).access_token
    exchanged = with_tokens(lambda tokens: tokens | {"access_token": foreign})

    assert refusal(MeddledWith(cognito, *exchanged)) == (
        "the access token: its client_id is not the app client's"
    )


@pytest.mark.parametrize(
    ("meddle", "complaint"),
    [
        (sent_elsewhere, "the login page answers 302, without a code"),
        (with_another_state, "the login page came back with another state"),
    ],
)
def test_a_login_that_comes_back_otherwise_is_refused(
    cognito: LocalCognito, meddle: Meddle, complaint: str
) -> None:
    assert refusal(MeddledWith(cognito, "/login", meddle)) == complaint


def test_a_token_of_another_pools_key_is_refused(cognito: LocalCognito) -> None:
    with LocalCognito(SURREALDB, is_attached=False) as other:
        foreign = sign_in(other).id_token

    with pytest.raises(Failed, match="not in the pool's JWKS"):
        cognito.public_key_of(foreign)


def test_what_is_signed_in_keeps_its_tokens_out_of_its_repr(cognito: LocalCognito) -> None:
    assert repr(sign_in(cognito)) == "SignedIn(***)" == repr(SignedIn("a", "b", {}, {}))


@pytest.mark.slow
def test_it_listens_on_loopback_alone(files: Path) -> None:
    with LocalCognito(SURREALDB) as cognito:
        sign_in(cognito)
        pids = processes_with(files)
        port = urlsplit(cognito.url).port or 0

        assert len(pids) == 2, "ministack, and the function's worker"
        assert listening(pids) == {f"0100007F:{port:04X}"}


def test_nothing_is_left_behind(files: Path) -> None:
    with LocalCognito(SURREALDB) as cognito:
        sign_in(cognito)
        port = urlsplit(cognito.url).port

    assert nothing_left(files, port, seconds=2)


@pytest.mark.slow
def test_nothing_is_left_behind_by_an_error(files: Path) -> None:
    with pytest.raises(ZeroDivisionError), LocalCognito(SURREALDB):
        raise ZeroDivisionError

    assert nothing_left(files, seconds=2)


def test_a_function_that_waits_for_an_answer_is_not_waited_for(files: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as pool:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with LocalCognito(NO_FAUNA | {"FAUNA_ENDPOINT": endpoint}) as cognito:
            waiting = pool.submit(refusal, cognito)
            asked, _ = silent.accept()
        with asked:
            assert nothing_left(files, seconds=1)
            assert waiting.result() == "ministack, the local Cognito, does not answer any more"


@pytest.mark.parametrize("number", [signal.SIGKILL, *slow(signal.SIGINT, signal.SIGTERM)])
def test_nothing_outlives_its_parent(tmp_path: Path, number: signal.Signals) -> None:
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", HELD_OPEN]
    with running(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        port = urlsplit(process.stdout.readline().decode().strip()).port
        process.send_signal(number)
        process.wait(30)

    assert nothing_left(tmp_path, port)


@pytest.mark.slow
def test_an_emulator_that_is_killed_is_told_in_one_line(files: Path) -> None:
    with LocalCognito(SURREALDB) as cognito:
        for pid in processes_with(files):
            os.kill(pid, signal.SIGKILL)
        assert refusal(cognito) == "ministack, the local Cognito, does not answer any more"

    assert nothing_left(files, seconds=2)


def test_an_emulator_that_cannot_start_is_told_in_one_line(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(Failed) as failed:
        Ministack().__enter__()

    assert str(failed.value) == "ministack, the local Cognito, ended while it started"
    assert nothing_left(files, seconds=2)


def test_a_folder_that_cannot_be_made_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))

    with pytest.raises(UnusableInput) as unusable:
        LocalCognito(SURREALDB).__enter__()

    line = "TMPDIR: no folder can be made there: No such file or directory"
    assert unusable.value.lines == (line,)


def test_a_function_gets_no_key_to_the_emulator(files: Path) -> None:
    with LocalCognito(SURREALDB) as cognito:
        sign_in(cognito)
        key = cognito._ministack.key.encode()
        pids = processes_with(files)
        knowing = [pid for pid in pids if key in Path(f"/proc/{pid}/environ").read_bytes()]

        assert len(pids) == 2
        assert knowing == [cognito._ministack._child.process.pid]


def test_a_taken_port_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UnusableInput) as unusable:
            LocalCognito(SURREALDB, port=port).__enter__()

    assert unusable.value.lines == (f"--port {port}: Address already in use; 0 takes a free one",)


def test_a_request_that_cognito_refuses_is_told_by_its_code(cognito: LocalCognito) -> None:
    with pytest.raises(Failed, match=r"refused a request: ResourceConflictException$"):
        cognito.attach()


@pytest.mark.slow
def test_this_machines_environment_is_no_part_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in NOT_PART_OF_IT.items():
        monkeypatch.setenv(name, value)

    with LocalCognito(SURREALDB) as cognito:
        assert sign_in(cognito).id_claims["ns"] == "shop"
