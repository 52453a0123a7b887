"""AWS on loopback: moto's services, which check no signature, and a stand-in that checks nothing but that."""

import calendar
import json
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import PIPE, STDOUT, Popen
from threading import Lock, Thread
from typing import NamedTuple
from unittest.mock import patch

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from cognito_claims.clients.sigv4 import Credentials

HIDDEN = "hunter" + "2"  # so that no line of a file holds it, as a traceback would show
_clock = Lock()  # botocore's, of which there is one


class Request(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    status: int
    body: bytes

    @classmethod
    def of(cls, content: object, status: int = 200) -> "Answer":
        return cls(status, json.dumps(content).encode())

    @classmethod
    def refusing(cls, kind: str, status: int = 400) -> "Answer":
        return cls.of({"__type": kind, "message": HIDDEN}, status)


SILENCE = Answer(0, b"")  # the connection closes without a word


@contextmanager
def moto_server() -> Iterator[str]:
    """Give the URL of moto, in a process of its own: its warnings are none of ours."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    with Popen(command, env=env, stdout=PIPE, stderr=STDOUT, text=True) as process:
        url = _url_in(process)
        try:
            # It writes a line for every request: unread, they would fill the pipe, and stop it.
            reader = Thread(target=deque, args=(process.stdout, 0), daemon=True)
            reader.start()
            yield url
        finally:
            process.kill()  # it keeps nothing
            reader.join()


def _url_in(process: Popen[str]) -> str:
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise AssertionError(printed)


@contextmanager
def answering(answer: Callable[[Request], Answer]) -> Iterator[str]:
    """Give the URL of a server that answers as the function says, to each connection in a thread."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content = answer(Request(self.command, self.path, headers, body))
            if status == SILENCE.status:
                return
            with suppress(ConnectionError):  # whoever asked may be gone
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST  # noqa: N815  (http.server's name)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def refusal(request: Request, credentials: Credentials, region: str, service: str) -> Answer | None:
    """Check a request as AWS does: the key, the token, what is signed, the time, and the signature itself."""
    headers = request.headers
    given = headers.get("authorization", "")
    if f"Credential={credentials.access_key_id}/" not in given:
        return Answer.refusing("UnrecognizedClientException")
    if headers.get("x-amz-security-token") != credentials.session_token:
        return Answer.refusing("UnrecognizedClientException")
    names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    of_aws = {"host", "content-type", *(name for name in headers if name.startswith("x-amz-"))}
    at = calendar.timegm(time.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ"))
    url = f"http://{headers['host']}{request.path}"
    signed = {name: headers[name] for name in names}
    wanted = authorization(
        AWSRequest(request.method, url, signed, request.body), credentials, region, service, at
    )
    if not of_aws.issubset(names) or abs(time.time() - at) > 300 or given != wanted:
        return Answer.refusing("com.amazon.coral.service#InvalidSignatureException", 403)
    return None


def authorization(
    request: AWSRequest, credentials: Credentials, region: str, service: str, now: int
) -> str:
    """Let botocore sign, at that time."""
    signer = SigV4Auth(BotocoreCredentials(*credentials), service, region)
    at = datetime.fromtimestamp(now, UTC).replace(tzinfo=None)
    with _clock, patch("botocore.auth.get_current_datetime", lambda: at):
        signer.add_auth(request)
    return str(request.headers["Authorization"])
