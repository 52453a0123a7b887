"""The playground's server, on this machine alone."""

from collections.abc import Callable, Mapping
from secrets import token_urlsafe

from cognito_claims.tools.local.loopback import address, listening, serve_until_interrupted
from cognito_claims.tools.playground.app import application


def serve(environ: Mapping[str, str], *, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C; `on_ready` gets its first address, port 0 is a free one.

    Raises `UnusableInput` where the port cannot be had.
    """
    with listening(port) as listener:
        token = token_urlsafe()
        on_ready(f"{address(listener)}/?token={token}")
        serve_until_interrupted(application(environ, listener.getsockname()[1], token), listener)
