"""What a command waits for, told on standard error when it takes longer than a few seconds."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 3.0
AGAIN_S = 10.0
_KEY = "cognito-claims-waiting"  # in the context that botocore keeps for a call


class Waiting:
    """Tells what is waited for, after a while and again and again, until it is ended."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._began = monotonic()
        self._is_over = Event()
        self._thread = Thread(target=self._tell, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Tell no more."""
        self._is_over.set()
        self._thread.join()

    def _tell(self) -> None:
        pause = PATIENCE_S
        while not self._is_over.wait(pause):
            seconds = round(monotonic() - self._began)
            sys.stderr.write(f"cognito-claims: waiting for {self._stage}, for {seconds} s\n")
            sys.stderr.flush()
            pause = AGAIN_S


@contextmanager
def waiting_for(stage: str) -> Iterator[None]:
    """Tell the stage when what is done here takes long."""
    waiting = Waiting(stage)
    try:
        yield
    finally:
        waiting.end()


def tell_calls(client: Any) -> None:
    """Let a client of boto3's tell which call it waits for, its retries included."""
    endpoint = urlsplit(client.meta.endpoint_url)
    service = client.meta.service_model.endpoint_prefix

    def begin(model: Any, context: dict[str, Any], **_: Any) -> None:
        context[_KEY] = Waiting(f"{service}:{model.name} at {endpoint.hostname}")

    def end(context: Mapping[str, Any], **_: Any) -> None:
        context[_KEY].end()

    client.meta.events.register("before-call", begin)
    client.meta.events.register("after-call", end)
    client.meta.events.register("after-call-error", end)
