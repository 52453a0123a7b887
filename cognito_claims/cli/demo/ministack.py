"""ministack, the local AWS, as a child process on loopback that leaves nothing behind."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Self

import cognito_claims
from cognito_claims.cli.demo.failed import Failed
from cognito_claims.cli.inputs import UnusableInput

HOST = "127.0.0.1"
_START_SECONDS = 20


class Ministack:
    """Serves Cognito and Lambda while it is entered; its processes and files go with it.

    `port` 0 takes a free one; a taken one is `UnusableInput`.
    """

    def __init__(self, port: int = 0) -> None:
        self._asked_port = port
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Give the one address of all its services."""
        return f"http://{HOST}:{self._port}"

    def __enter__(self) -> Self:
        """Start it, and return when it takes connections."""
        self._port = _free_port(self._asked_port)
        with ExitStack() as stack:
            files = Path(gettempdir(), f"cognito-claims-{secrets.token_hex(8)}")
            stack.callback(shutil.rmtree, files, ignore_errors=True)  # before a signal can come
            files.mkdir(mode=0o700)
            self._log = files / "log"
            self._process = subprocess.Popen(  # noqa: S603  (this interpreter, and no input)
                [sys.executable, "-m", "cognito_claims.cli.demo.emulator", str(files)],
                env=_environ(self._port, str(files)),
                cwd=files,
                stdin=subprocess.PIPE,
                stdout=stack.enter_context(self._log.open("wb")),
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own: Ctrl-C in the terminal is ours to handle
            )
            stack.callback(self._end)
            self._wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End its processes at once, and remove their files."""
        self._stack.close()

    def log(self) -> str:
        """Give what it has printed so far."""
        return self._log.read_text(errors="replace")

    def _end(self) -> None:
        """End the group: Lambda functions run in children of the child."""
        with suppress(ProcessLookupError, PermissionError):  # macOS says the second of a zombie
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def _wait(self) -> None:
        give_up = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up:
            if self._process.poll() is not None:
                what = "ministack, the local Cognito, ended while it started"
                raise Failed(": ".join((what, *self.log().strip().splitlines()[-1:])))
            with suppress(OSError), socket.create_connection((HOST, self._port), timeout=1):
                return
            time.sleep(0.02)
        raise Failed(f"ministack, the local Cognito, did not start in {_START_SECONDS} s")


def _free_port(port: int) -> int:
    try:
        with socket.create_server((HOST, port)) as server:
            found: int = server.getsockname()[1]
    except OSError as error:
        raise UnusableInput(f"--port {port}: {os.strerror(error.errno or 0)}; 0 takes a free one") from None
    return found


def _environ(port: int, files: str) -> dict[str, str]:
    """Give all that the child knows of this machine: no credentials, no proxies, no Docker."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(Path(cognito_claims.__file__).parent.parent),  # the code that runs here
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": files,
        "TMPDIR": files,
        "STATE_DIR": files,
        # Without a socket there, it neither looks for its containers nor removes somebody's.
        "DOCKER_HOST": f"unix://{files}/no-docker",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": "us-east-1",
        "MINISTACK_COGNITO_PRETOKEN_STRICT": "1",  # a trigger that fails fails the sign-in, as on AWS
        "SERVICES": "cognito-idp,lambda,iam,logs",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
