"""A function's first invocation under Lambda's runtime interface emulator, which starts the function with its first event."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter, sleep

from tests.benchmarks.functions import Answer, Function
from tests.benchmarks.usage import child_of, usage_of

_LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_TIMEOUT": "5",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_LOG_FORMAT": "JSON",  # as the template says
    "AWS_LAMBDA_LOG_LEVEL": "INFO",  # and what Lambda makes of that
}
_INVOKE = "/2015-03-31/functions/function/invocations"


def first_invocation(
    emulator: Path, function: Function, log: Path, *, before: tuple[str, ...] = ()
) -> Answer:
    """Start an emulator, invoke the function once, and end both; `before` is put before its command."""
    with _running(emulator, function, log, before) as (process, port):
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.connect()
            body = json.dumps(function.event)
            began = perf_counter()
            connection.request("POST", _INVOKE, body)
            text = connection.getresponse().read()
            wall = perf_counter() - began
            took = usage_of(child_of(process.pid), wall)
        finally:
            connection.close()
    try:
        return Answer(json.loads(text), took)
    except ValueError:
        return Answer(text.decode(), took)


@contextmanager
def _running(
    emulator: Path, function: Function, log: Path, before: tuple[str, ...]
) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    port, api_port = _free_ports()
    addresses = ("--runtime-interface-emulator-address", f"127.0.0.1:{port}")
    api = ("--runtime-api-address", f"127.0.0.1:{api_port}")
    command = (os.fspath(emulator), "--log-level", "error", *addresses, *api)
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, *before, *function.runtime.client, function.handler],
            cwd=function.directory,
            env={**_LAMBDA, **function.whole_environ},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_for(port, process)
            yield process, port
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the function's process as well
            process.wait()


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.005)
    raise ChildProcessError(f"the emulator ended with {process.returncode}")
