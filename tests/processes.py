"""Processes that end with their test, whatever happens in it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from subprocess import Popen
from typing import Any


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[Popen[Any]]:
    """Run a program; whoever wants its exit code waits for it before the block ends."""
    with Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()
