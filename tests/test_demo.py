"""The demo shows what it says, fails when something is wrong, and leaves nothing behind."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import sleep
from typing import Any, NamedTuple

import pytest
from rich.console import Console

from cognito_claims.contract import surrealdb
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.testing.builders import a_user_event
from cognito_claims.tools.demo import demo, verdicts
from cognito_claims.tools.demo.demo import DemoResult, run_demo
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.local.cognito import LocalCognito
from cognito_claims.tools.local.errors import Failed
from cognito_claims.tools.local.fauna.server import Bearer, FaunaStandIn
from cognito_claims.tools.local.fauna.store import Key
from cognito_claims.tools.local.sign_in import SignedIn, sign_in
from tests.demo_picture import picture
from tests.leftovers import nothing_left
from tests.processes import running
from tests.slow import slow

SUB = "a1b2c3d4-5678-90ab-cdef-111122223333"
STEPS = [
    "start a local Cognito",
    "sign in without the function",
    "attach the function",
    "sign in with the function",
    "ask SurrealDB",
    "ask Hasura's rules",
    "ask Fauna's stand-in",
]
ADDED = {"ns", "db", "ac", "https://hasura.io/jwt/claims", "fauna_token_secret", "userId"}
SECRET = re.compile(r"fn[AE][\w-]{4,}")
COMMAND = "import sys; from rich.console import Console; from cognito_claims.tools.demo.demo import run_demo; sys.exit(run_demo(Console()).exit_code)"
WITHOUT_A_NETWORK = f"ip link set lo up && exec {sys.executable} -c '{COMMAND}'"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder in which this process's temporary files are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def quiet() -> DemoResult:
    return run_demo(Console(quiet=True))


def printed(**options: Any) -> tuple[str, DemoResult]:
    out = io.StringIO()
    result = run_demo(Console(file=out, width=200, **options))
    return out.getvalue(), result


def test_its_json_has_the_pinned_shape(files: Path) -> None:
    shape = quiet().to_json()

    sub, steps = shape["id_token"]["after"]["sub"], shape.pop("steps")
    assert [{**step, "milliseconds": 0, "detail": ""} for step in steps] == [
        {"name": name, "ok": True, "milliseconds": 0, "detail": ""} for name in STEPS
    ]
    tokens = {name: shape.pop(name) for name in ("id_token", "access_token")}
    assert {name: set(token) for name, token in tokens.items()} == {
        "id_token": {"before", "after"},
        "access_token": {"before", "after"},
    }
    assert tokens["id_token"]["after"].keys() - tokens["id_token"]["before"].keys() == ADDED
    assert tokens["access_token"]["after"].keys() == tokens["access_token"]["before"].keys()
    assert shape.pop("seconds") > 0
    assert shape == {
        "ok": True,
        "surrealdb": {
            "accepted": True,
            "engine": "2.3.10, embedded",
            "auth": f"user:⟨{sub}⟩",
            "access": "user",
        },
        "hasura": {
            "accepted": True,
            "server": "none: its rules",
            "session": {"x-hasura-user-id": sub, "x-hasura-role": "editor"},
            "admin": "access-denied",
        },
        "fauna": {
            "accepted": True,
            "server": "a bundled stand-in",
            "document": tokens["id_token"]["after"]["userId"],
            "mints": "permission_denied",
            "forged": "unauthorized",
        },
    }
    assert nothing_left(files, seconds=2)


def test_it_prints_plain_lines_where_there_is_no_terminal_and_runs_again() -> None:
    first, _ = printed()
    second, _ = printed()

    for text in (first, second):
        assert [line.split("  ")[0] for line in text.splitlines()[:7]] == [f"✓ {s}" for s in STEPS]
        assert "\x1b" not in text
        assert "its processes and files are gone" in text
        assert "a bundled stand-in, not a Fauna" in text


@pytest.mark.slow
def test_it_shows_in_a_terminal_which_step_is_running() -> None:
    text, _ = printed(force_terminal=True)

    assert all(re.search(rf"[-\\|/].{{0,9}} {re.escape(name)}", text) for name in STEPS)


@pytest.mark.slow
def test_it_prints_ascii_where_nothing_else_can_be_shown() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")

    run_demo(Console(file=out))

    out.seek(0)
    assert out.readline().startswith("ok start a local Cognito")


def test_fauna_secrets_are_neither_printed_nor_in_the_json() -> None:
    text, result = printed()

    assert SECRET.findall(text) == SECRET.findall(json.dumps(result.to_json())) == []
    assert re.search(r"fnE.{3}\.{3}", text)


@pytest.mark.slow
def test_a_step_that_fails_is_told_in_one_line_and_ends_the_run(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "SETTINGS", {"COGNITO_CLAIMS_PLUGINS": "unheard-of"})

    text, result = printed()

    *_, last = text.splitlines()
    assert last.startswith("✗ sign in with the function")
    assert last.endswith("ms  Sign-in could not be completed [settings]")
    assert (result.exit_code, [step.ok for step in result.steps]) == (1, [True] * 3 + [False])
    parts = ("id_token", "access_token", "surrealdb", "hasura", "fauna")
    assert {part: result.to_json()[part] for part in parts} == dict.fromkeys(parts)
    assert nothing_left(files, seconds=2)


def test_a_taken_port_is_unusable_input_and_leaves_nothing_behind(files: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(UnusableInput):
        run_demo(Console(quiet=True), port=server.getsockname()[1])

    assert nothing_left(files, seconds=2)


@pytest.mark.parametrize(
    ("after_lines", "number", "code"),
    [
        (1, signal.SIGINT, -signal.SIGINT),
        (0, signal.SIGTERM, 128 + signal.SIGTERM),
        *slow(
            (0, signal.SIGINT, -signal.SIGINT),
            (3, signal.SIGINT, -signal.SIGINT),
            (3, signal.SIGTERM, 128 + signal.SIGTERM),
        ),
    ],
)
def test_an_interrupted_run_leaves_nothing_behind(
    tmp_path: Path, after_lines: int, number: signal.Signals, code: int
) -> None:
    environ = os.environ | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with running(
        [sys.executable, "-c", COMMAND],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        while not any(tmp_path.glob("cognito-claims-*")):  # then it starts ministack
            sleep(0.005)
        for _ in range(after_lines):
            process.stdout.readline()
        process.send_signal(number)
        process.communicate(timeout=30)

    assert process.returncode == code
    assert nothing_left(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "command",
    [
        ["demo", "--json"],
        *slow(["demo"], ["demo", "--web"], ["playground", "--port", "0"]),
    ],
)
def test_an_output_without_room_is_told_in_one_line(tmp_path: Path, command: list[str]) -> None:
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "cognito_claims", *command],
            env=environ,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    told = "cognito-claims: no space left on standard output, or in TMPDIR\n"
    assert (ran.returncode, ran.stderr) == (2, told)
    assert nothing_left(tmp_path)


@pytest.mark.slow
def test_it_needs_no_network(tmp_path: Path) -> None:
    probe = subprocess.run(["unshare", "-rn", "ip", "link", "set", "lo", "up"], check=False)  # noqa: S607  (the system's)
    if probe.returncode:
        pytest.skip("no network namespaces here (unshare -rn)")

    ran = subprocess.run(
        ["unshare", "-rn", "sh", "-c", WITHOUT_A_NETWORK],  # noqa: S607  (the system's)
        env=os.environ | {"TMPDIR": str(tmp_path)},
        check=False,
        capture_output=True,
    )

    assert (ran.returncode, ran.stderr) == (0, b"")
    assert nothing_left(tmp_path)


class Run(NamedTuple):
    """A sign-in without and one with the function, and what they were made with."""

    cognito: LocalCognito
    fauna: FaunaStandIn
    before: SignedIn
    after: SignedIn

    def with_claims(self, **claims: object) -> SignedIn:
        return self.after._replace(id_claims=self.after.id_claims | claims)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with ExitStack() as stack:
        fauna = stack.enter_context(FaunaStandIn())
        environ = {**verdicts.SETTINGS, **fauna.environ}
        cognito = stack.enter_context(LocalCognito(environ, is_attached=False))
        before = sign_in(cognito)
        cognito.attach()
        yield Run(cognito, fauna, before, sign_in(cognito))


@pytest.mark.parametrize(
    "change", [{"role": "admin"}, {"email": "eve@example.com"}, {"cognito:groups": []}]
)
def test_another_change_to_the_id_token_fails(run: Run, change: dict[str, object]) -> None:
    with pytest.raises(Failed, match="the ID token's claims are not those"):
        verdicts.check_claims(run.before, run.with_claims(**change))


def test_a_claim_that_is_missing_fails(run: Run) -> None:
    with pytest.raises(Failed, match="the ID token's claims are not those"):
        verdicts.check_claims(run.before, run.before)


def test_a_change_to_the_access_token_fails(run: Run) -> None:
    widened = run.after._replace(access_claims=run.after.access_claims | {"scope": "everything"})

    with pytest.raises(Failed, match="the access token's claims are not those"):
        verdicts.check_claims(run.before, widened)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("FOR select WHERE", "FOR select WHERE true OR", "other-row"),
        ("FOR select WHERE", "FOR select WHERE false AND", "own-row"),
        (
            "PERMISSIONS FOR select WHERE id = session::rd()",
            "PERMISSIONS FOR select FULL",
            "other-row",
        ),
        ("FOR delete NONE", "FOR delete WHERE id = session::rd()", "own-row"),
    ],
)
def test_a_database_that_lets_the_wrong_rows_through_fails(
    run: Run, monkeypatch: pytest.MonkeyPatch, old: str, new: str, complaint: str
) -> None:
    def script(*given: Any, **named: Any) -> str:
        good = surrealdb.setup_script(*given, **named)
        assert old in good
        return good.replace(old, new)

    monkeypatch.setattr(verdicts, "setup_script", script)

    with pytest.raises(Failed, match=rf"\[{complaint}\]$"):
        verdicts.ask_surrealdb(run.cognito, run.before, run.after)


def test_a_database_that_takes_a_token_without_the_claims_fails(run: Run) -> None:
    with pytest.raises(Failed, match="a token without the function's claims signed in, too"):
        verdicts.ask_surrealdb(run.cognito, run.after, run.after)


def test_a_record_that_is_not_the_users_fails(run: Run) -> None:
    with pytest.raises(Failed, match="another user's record"):
        verdicts.ask_surrealdb(run.cognito, run.before, run.with_claims(sub="somebody-else"))


@pytest.mark.slow
def test_the_engine_refuses_a_token_signed_with_another_key(run: Run) -> None:
    with LocalCognito({}, is_attached=False) as other:
        foreign = run.after._replace(id_token=sign_in(other).id_token)
        other.client_id, other.issuer = run.cognito.client_id, run.cognito.issuer

        with pytest.raises(Failed, match=r"\[unexplained\]$"):
            verdicts.ask_surrealdb(other, run.before, foreign)


def rights(**claims: object) -> Callable[[Run], SignedIn]:
    def changed(run: Run) -> SignedIn:
        own = json.loads(run.after.id_claims[verdicts.HASURA_CLAIM])
        return run.with_claims(**{verdicts.HASURA_CLAIM: json.dumps(own | claims)})

    return changed


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (rights(**{"x-hasura-allowed-roles": ["user"]}), r"not among them \[access-denied\]"),
        (rights(**{"x-hasura-allowed-roles": ["user", "editor", "admin"]}), "was accepted"),
        (rights(**{"x-hasura-user-id": "somebody-else"}), "another user's"),
    ],
)
def test_rights_that_are_not_the_users_fail(
    run: Run, changed: Callable[[Run], SignedIn], complaint: str
) -> None:
    with pytest.raises(Failed, match=complaint):
        verdicts.ask_hasura(run.cognito, run.before, changed(run))


@pytest.fixture
def fauna() -> Iterator[FaunaStandIn]:
    with FaunaStandIn() as fauna:
        yield fauna


def minted(fauna: FaunaStandIn, sub: str = SUB) -> tuple[str, str]:
    claims = FaunaTokens.from_env(fauna.environ)(a_user_event(sub=sub)).id_token.add
    return str(claims["fauna_token_secret"]), str(claims["userId"])


def test_faunas_stand_in_knows_its_own_secret_and_no_forged_one(fauna: FaunaStandIn) -> None:
    secret, user_id = minted(fauna)

    assert fauna.check(secret, user_id, SUB) == Bearer(user_id, "permission_denied", "unauthorized")


def test_a_secret_that_is_not_this_users_fails(fauna: FaunaStandIn) -> None:
    secret, user_id = minted(fauna)
    _, other_id = minted(fauna, "eve")

    for given in (
        ("fnEforged", user_id, SUB),
        (secret, other_id, SUB),
        (secret, user_id, "eve"),
        (secret, other_id, "eve"),
    ):
        with pytest.raises(Failed, match="not for this user's document"):
            fauna.check(*given)


def test_a_server_that_lets_any_secret_mint_fails(
    fauna: FaunaStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, user_id = minted(fauna)
    monkeypatch.setattr(fauna._store, "key", lambda _: Key())

    with pytest.raises(
        Failed, match=r"may mint tokens \(minted\), or a forged one is known \(minted\)"
    ):
        fauna.check(secret, user_id, SUB)


@pytest.mark.slow
def test_its_picture_needs_nothing_from_elsewhere() -> None:
    svg = picture()

    assert "@font-face" not in svg
    assert (
        re.findall(r"(?:href|src|url)\s*[=(]\s*[\"']?(?!#)[^\"')]*", svg.replace("url(#", "")) == []
    )
