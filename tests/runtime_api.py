"""Lambda's Runtime API on a loopback port, to run a function under the real runtime client (AWS: "Using the Lambda runtime API")."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from subprocess import PIPE, STDOUT, Popen
from threading import Event, Thread
from typing import Any, NamedTuple

import cognito_claims

ROOT = Path(cognito_claims.__file__).parents[1]
PREFIX = "/2018-06-01/runtime/"


class Posted(NamedTuple):
    """What the runtime client told Lambda: `response`, `error` or `init/error`, and the JSON."""

    kind: str
    body: Any


def clean_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Give a function's environment; of ours, only what measures coverage."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return {"PYTHONPATH": os.fspath(ROOT), **ours, **environ}


def run(
    handler: str, environ: Mapping[str, str], events: Sequence[object] = ()
) -> tuple[list[Posted], str]:
    """Give what the function answers to each event (or that it could not start), and all it printed."""
    posted: Queue[Posted] = Queue()
    with _served(list(events), posted) as address:
        command = [sys.executable, "-m", "awslambdaric", handler]
        env = clean_environ({**environ, "AWS_LAMBDA_RUNTIME_API": address})
        with Popen(command, env=env, stdout=PIPE, stderr=STDOUT, text=True) as function:
            try:
                answers = [posted.get(timeout=10) for _ in events or [None]]
            finally:
                function.kill()
            printed, _ = function.communicate()
    return answers, printed


@contextmanager
def _served(events: list[object], posted: Queue[Posted]) -> Iterator[str]:
    stopped = Event()

    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not events:
                stopped.wait()  # as in Lambda, where the function is frozen until the next event
                return
            deadline = str(int(time.time() * 1000) + 5000)
            headers = {
                "Lambda-Runtime-Aws-Request-Id": "one",
                "Lambda-Runtime-Deadline-Ms": deadline,
            }
            self._answer(200, json.dumps(events.pop(0)), headers)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kind = self.path.removeprefix(PREFIX).removeprefix("invocation/one/")
            self._answer(202, "", {})
            posted.put(Posted(kind, body))

        def _answer(self, status: int, body: str, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            length = str(len(body.encode()))
            of_body = {"Content-Type": "application/json", "Content-Length": length}
            for name, value in {**headers, **of_body}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.daemon_threads = True
    server.block_on_close = False
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
