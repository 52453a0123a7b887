"""Ports of this machine alone, and servers on them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Literal

from starlette.types import ASGIApp
from uvicorn import Config, Server

from cognito_claims.tools.errors import UnusableInput

_HOST = "127.0.0.1"


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """Take a port, 0 for a free one; raises `UnusableInput` where it cannot be had."""
    with socket.socket() as listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # at once after the last
            listener.bind((_HOST, port))
            listener.listen()
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or "expected 0 to 65535"
            raise UnusableInput(f"--port {port}: {reason}; 0 takes a free one") from None
        yield listener


def address(listener: socket.socket) -> str:
    """Give the URL of what will answer there, without a slash at its end."""
    return f"http://{_HOST}:{listener.getsockname()[1]}"


@contextmanager
def serving(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Serve in a thread; at the end, an open connection is given a second."""
    server = _server(app)
    thread = Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def serve_until_interrupted(
    app: ASGIApp, listener: socket.socket, *, lifespan: Literal["off", "on"] = "off"
) -> None:
    """Serve until Ctrl-C."""
    with suppress(KeyboardInterrupt):
        _server(app, lifespan).run([listener])


def _server(app: ASGIApp, lifespan: Literal["off", "on"] = "off") -> Server:
    config = Config(
        app,
        access_log=False,
        http="h11",
        lifespan=lifespan,
        log_config=None,
        log_level="critical",
        loop="asyncio",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        ws="none",
    )
    return Server(config)
