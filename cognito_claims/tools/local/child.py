"""Servers on loopback in processes of their own, which leave nothing behind, whatever they are doing."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple

import cognito_claims
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.files import create_private
from cognito_claims.tools.local.errors import Failed
from cognito_claims.tools.local.loopback import address, listening

_START_SECONDS = 20


class Child(NamedTuple):
    """A server's address, its process, and the file that has what it prints."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def running(
    name: str, module: str, environ: Mapping[str, str], *, ready: int, port: int = 0
) -> Iterator[Child]:
    """Run `python -m module FILES SOCKET` until it is left; begin when a request for `/` has the status `ready`.

    Raises `UnusableInput` for a port that cannot be had, `Failed` with its name for what does not start.
    """
    with ExitStack() as stack:
        files = _folder(stack)
        log = files / "log"
        with listening(port) as listener, create_private(log) as output:
            process = subprocess.Popen(  # noqa: S603  (this interpreter, and no input)
                [sys.executable, "-m", module, str(files), str(listener.fileno())],
                env={**_environ(str(files)), **environ},
                cwd=files,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[listener.fileno()],
                start_new_session=True,  # a group of its own: Ctrl-C in the terminal is ours
            )
            stack.callback(_end, process)
            child = Child(address(listener), process, log)
        _wait(name, child, ready)
        yield child


def _folder(stack: ExitStack) -> Path:
    """Make a folder for this user alone, which goes with the stack."""
    try:
        files = Path(gettempdir(), f"cognito-claims-{secrets.token_hex(8)}")
        stack.callback(shutil.rmtree, files, ignore_errors=True)  # before a signal can come
        files.mkdir(mode=0o700)
    except OSError as error:
        raise UnusableInput(f"TMPDIR: no folder can be made there: {error.strerror}") from None
    return files


def _environ(files: str) -> dict[str, str]:
    """Give all that a child knows of this machine: no credentials, no proxies."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(Path(cognito_claims.__file__).parent.parent),  # the code that runs here
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": files,
        "TMPDIR": files,
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the group: Lambda functions run in children of the child."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says the second of a zombie
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _wait(name: str, child: Child, ready: int) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up:
        if child.process.poll() is not None:
            last = child.log.read_text(errors="replace").strip().splitlines()[-1:]
            raise Failed(": ".join((f"{name} ended while it started", *last)))
        with suppress(OSError, HTTPException):
            if _status(child.url) == ready:
                return
        time.sleep(0.02)
    raise Failed(f"{name} did not start in {_START_SECONDS} s")


def _status(url: str) -> int:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=_START_SECONDS)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def end_with_parent(files: str) -> None:
    """In a child's own thread: end group and files when standard input ends, as it does with the parent."""
    sys.stdin.buffer.read()
    shutil.rmtree(files, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)
