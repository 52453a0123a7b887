"""A real SurrealDB server: built by cargo once a machine, run on loopback in memory.

`CARGO_TARGET_DIR` says where the build is kept; by default in the user's cache directory.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from cognito_claims.contract.surrealdb_script import Setup, setup_script
from tests.surrealdb_server.pool import Pool

HERE = Path(__file__).parent
ALLOWED = ("--allow-net", "127.0.0.1", "--deny-funcs", "http")
_START_SECONDS = 60
_SECONDS = 60


def target_directory() -> Path:
    """Return where cargo keeps the build: outside the tree."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    own = cache / "cognito-claims" / "surrealdb-server"
    return Path(os.environ.get("CARGO_TARGET_DIR") or own)


def build() -> Path:
    """Build the server unless it is built, and return its path."""
    cargo = shutil.which("cargo")
    if cargo is None:
        pytest.skip("no cargo: install Rust 1.94 or later")
    target = target_directory()
    manifest = ("--manifest-path", str(HERE / "Cargo.toml"), "--target-dir", str(target))
    subprocess.run([cargo, "build", "--locked", *manifest], check=True)
    return target / "debug" / "surreal"


class Answer(NamedTuple):
    """A status, and what a client reads: JSON, or the text of a refusal."""

    status: int
    body: Any


class Server:
    """A running server, asked as its owner or as a bearer."""

    def __init__(self, url: str, password: str, log: Path) -> None:
        self.url = url
        self.log = log
        # once: a password is hashed anew in each request, which takes this build a second
        self._owner = _signed_in(url, password)

    def set_up(self, setup: Setup, *scripts: str) -> None:
        """Run scripts as the database's owner; a statement that fails fails the test."""
        for script in scripts:
            self.owner(setup, script)

    def owner(self, setup: Setup, text: str) -> Any:
        """Run statements as the owner, and return the last one's result."""
        answer = self.sql(setup, self._owner, text)
        assert answer.status == 200, answer
        assert {result["status"] for result in answer.body} == {"OK"}, answer
        return answer.body[-1]["result"]

    def sql(self, setup: Setup, token: str, text: str) -> Answer:
        """Run statements as the token's bearer, over `/sql`."""
        return self._post("/sql", text.encode(), {**_headers(setup), **_bearer(token)})

    def rpc(self, setup: Setup, token: str, text: str, **variables: Any) -> Answer:
        """Run statements as the token's bearer, over `/rpc`."""
        call = {"id": 1, "method": "query", "params": [text, variables]}
        headers = {**_headers(setup), **_bearer(token), "Content-Type": "application/json"}
        return self._post("/rpc", call, headers)

    def _post(self, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        url = f"{self.url}{path}"
        answer = requests.post(url, headers=dict(headers), timeout=_SECONDS, **sent)
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return Answer(answer.status_code, answer.json() if is_json else answer.text)


@contextmanager
def a_server(
    binary: Path, folder: Path, *options: str, environ: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a server with an empty store until it is left."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    password, log = secrets.token_urlsafe(16), folder / "surreal.log"
    own = {"HOME": str(folder), "SURREAL_USER": "root", "SURREAL_PASS": password}
    command = [str(binary), "start", "--no-banner", "--bind", f"127.0.0.1:{port}", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "memory"],
            env={"PATH": os.defpath, **own, **(environ or {})},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(process, f"{url}/ready", log)
        yield Server(url, password, log)
    finally:
        process.kill()
        process.wait()


def _signed_in(url: str, password: str) -> str:
    user = {"user": "root", "pass": password}
    answer = requests.post(
        f"{url}/signin", json=user, headers={"Accept": "application/json"}, timeout=_SECONDS
    )
    token: str = answer.json()["token"]
    return token


def printed_script(pool: Pool) -> str:
    """Return the set-up script as it is printed for 3.x, with the URL of the pool's keys."""
    return setup_script(pool.setup, "3.x")


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up:
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            if requests.get(url, timeout=_SECONDS).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise AssertionError(f"SurrealDB did not start in {_START_SECONDS} s")


def _headers(setup: Setup) -> dict[str, str]:
    names = {"Surreal-NS": setup.namespace, "Surreal-DB": setup.database}
    return {"Accept": "application/json", **names}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
