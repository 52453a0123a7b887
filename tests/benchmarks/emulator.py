"""A function's first invocation under Lambda's runtime interface emulator, which starts the function with its first event."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter

from tests.benchmarks.functions import Answer, Function
from tests.benchmarks.usage import child_of, usage_of
from tests.sam.emulator import free_ports, wait_for

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
    port, api_port = free_ports()
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
            wait_for(port, process)
            yield process, port
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the function's process as well
            process.wait()
