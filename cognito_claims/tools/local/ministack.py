"""ministack, the local AWS, as a child process on loopback behind a gate."""

import secrets
from collections.abc import Iterable
from contextlib import ExitStack
from http import HTTPStatus
from typing import Self

from cognito_claims.tools.local.child import running
from cognito_claims.tools.local.emulator import KEY, ORIGINS


class Ministack:
    """Serves Cognito and Lambda while it is entered; its processes and files go with it.

    Whoever shows the `key` may do all that ministack can, others may sign in, and pages of `origins` may
    read what comes of it. `port` 0 takes a free one; a taken one is `UnusableInput`.
    """

    def __init__(self, port: int = 0, origins: Iterable[str] = ()) -> None:
        self.key: str = secrets.token_urlsafe(32)
        self._origins = " ".join(origins)
        self._port = port
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start it, and return when it refuses whoever has no key."""
        self._child = self._stack.enter_context(
            running(
                "ministack, the local Cognito,",
                "cognito_claims.tools.local.emulator",
                {KEY: self.key, ORIGINS: self._origins},
                ready=HTTPStatus.FORBIDDEN,
                port=self._port,
            )
        )
        self.url: str = self._child.url
        return self

    def __exit__(self, *_: object) -> None:
        """End its processes at once, and remove their files."""
        self._stack.close()

    def log(self) -> str:
        """Give what it has printed so far."""
        return self._child.log.read_text(errors="replace")
