"""A built function under Lambda's own runtime interface emulator, which comes with PyPI's aws-sam-cli, without Docker."""

import json
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_INVOKE = "/2015-03-31/functions/function/invocations"
_ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]


class Answer(NamedTuple):
    """What an invocation came to, and how long it took; the first one's time includes the cold start."""

    content: Any
    seconds: float


class Emulator:
    """An emulator that is running; the function starts with the first event."""

    def __init__(self, port: int, log: Path) -> None:
        self._url = f"http://127.0.0.1:{port}{_INVOKE}"
        self._log = log

    @property
    def log(self) -> str:
        """Give all that the function has printed."""
        return self._log.read_text()

    def invoke(self, event: object) -> Answer:
        """Send an event, and give what comes back."""
        request = Request(self._url, json.dumps(event).encode(), method="POST")  # noqa: S310  (http)
        began = monotonic()
        try:
            with urlopen(request, timeout=30) as response:  # noqa: S310  (the same)
                text = response.read().decode()
        except HTTPError as error:  # a function that could not start
            text = error.read().decode()
        seconds = monotonic() - began
        try:
            return Answer(json.loads(text), seconds)
        except ValueError:
            return Answer(text, seconds)


@contextmanager
def emulated(
    function: Path,
    handler: str,
    environ: Mapping[str, str],
    *,
    runtime_client: Path,
    log: Path,
    python: str = sys.executable,
    timeout_s: int = 5,
) -> Iterator[Emulator]:
    """Run a function's directory as Lambda does, with the timeout that the template gives it."""
    port, api_port = free_ports()
    found = find_spec("samcli")
    assert found is not None
    assert found.origin is not None
    rie = Path(found.origin).parent / "local/rapid" / f"aws-lambda-rie-{_ARCHITECTURE}"
    addresses = ("--runtime-interface-emulator-address", f"127.0.0.1:{port}")
    api = ("--runtime-api-address", f"127.0.0.1:{api_port}")
    command = [str(rie), "--log-level", "error", *addresses, *api, python, "-m", "awslambdaric"]
    clean = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.fspath(runtime_client),
        "LAMBDA_TASK_ROOT": os.fspath(function),
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_s),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "_HANDLER": handler,
        "AWS_LAMBDA_FUNCTION_HANDLER": handler,
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, handler],
            cwd=function,
            env={**clean, **environ},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for(port, process)
            yield Emulator(port, log)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the function's process as well
            process.wait()


def free_ports() -> tuple[int, int]:
    """Find two that nobody listens on."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Return when the emulator takes connections."""
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.005)
    raise ChildProcessError(f"the emulator ended with {process.returncode}")
