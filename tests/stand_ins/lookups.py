"""What look-ups ask, on loopback: a table, a service, both with every fault of the wire; and dynalite."""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cognito_claims.clients.sigv4 import Credentials
from tests.stand_ins import moto
from tests.stand_ins.certificates import Certificate
from tests.stand_ins.fauna import FaunaServer
from tests.stand_ins.fauna_wire import Answer, Request, as_json

REGION = "eu-central-1"
KEY = Credentials("AKIDOFTHETESTS", "a/secret+key", "a/session+token")
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": KEY.access_key_id,
    "AWS_SECRET_ACCESS_KEY": KEY.secret_access_key,
    "AWS_SESSION_TOKEN": str(KEY.session_token),
    "AWS_REGION": REGION,
}
SWITCH = "NPM_ENGINES"
_DYNALITE = Path(__file__).parents[1] / "dynalite"


class Server(FaunaServer):
    """The wire of Fauna's stand-in, with its faults, and other answers on it."""

    def __init__(
        self, answer: Callable[[Request], Answer], certificate: Certificate | None = None
    ) -> None:
        super().__init__(certificate=certificate)
        self._reply = answer

    def _answer(self, request: Request) -> Answer:
        return self._reply(request)

    @property
    def bodies(self) -> list[Any]:
        """What was asked, as JSON."""
        return [json.loads(request.body) for request in self.requests]


class Table:
    """A table by its items' first keys; it answers only what is signed as botocore signs it."""

    def __init__(self, items: Mapping[str, object], *, key: str = "pk") -> None:
        self.items = dict(items)
        self.key = key
        self.credentials = KEY
        self.region = REGION

    def __call__(self, request: Request) -> Answer:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = moto.Request(request.method, request.path, headers, request.body)
        refused = moto.refusal(asked, self.credentials, self.region, "dynamodb")
        if refused is not None:
            return Answer(*refused)
        ((_, value),) = json.loads(request.body)["Key"][self.key].items()
        found = self.items.get(value)
        return as_json(200, {} if found is None else {"Item": found})


def at(server: Server, **variables: str) -> dict[str, str]:
    """Return the environment in which a stand-in is DynamoDB."""
    return {**CREDENTIALS, "AWS_ENDPOINT_URL_DYNAMODB": server.endpoint, **variables}


@contextmanager
def dynalite() -> Iterator[str]:
    """Give the URL of dynalite, which is installed where that is asked for."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip(f"dynalite runs in Node: install Node 20 or later, and set {SWITCH}=1")
    if not (_DYNALITE / "node_modules" / ".package-lock.json").exists():
        if os.environ.get(SWITCH) != "1":
            pytest.skip(f"dynalite is not installed (10 MB): {SWITCH}=1 python -m pytest")
        install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=_DYNALITE, check=True, capture_output=True, timeout=300)
    command = [node, "node_modules/dynalite/cli.js", "--host", "127.0.0.1", "--createTableMs", "0"]
    with subprocess.Popen(
        [*command, "--port", _free_port()], cwd=_DYNALITE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            process.terminate()


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])
