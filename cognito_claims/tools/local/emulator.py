"""The child process in which ministack runs: `python -m cognito_claims.tools.local.emulator FILES SOCKET`."""

import os
import sys
from importlib import import_module
from socket import socket
from threading import Thread

from cognito_claims.tools.local.child import end_with_parent
from cognito_claims.tools.local.gate import Gate
from cognito_claims.tools.local.loopback import serve_until_interrupted

KEY = "COGNITO_CLAIMS_DEMO_KEY"
ORIGINS = "COGNITO_CLAIMS_DEMO_ORIGINS"
"""The variables with the key, and with the origins, with a space between, that may read answers."""


def _serve(files: str, listener: socket) -> None:
    key, origins = os.environ.pop(KEY), os.environ.pop(ORIGINS)  # a function gets the rest
    port = listener.getsockname()[1]
    os.environ.update(_settings(files, port))
    app = import_module("ministack.app").app
    serve_until_interrupted(Gate(app, port, key, origins.split()), listener, lifespan="on")


def _settings(files: str, port: int) -> dict[str, str]:
    return {
        "STATE_DIR": files,
        # Without a socket there, it neither looks for its containers nor removes somebody's.
        "DOCKER_HOST": f"unix://{files}/no-docker",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": "us-east-1",
        "MINISTACK_COGNITO_PRETOKEN_STRICT": "1",  # a trigger that fails fails the sign-in, as on AWS
        "SERVICES": "cognito-idp,lambda,iam,logs",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _main(files: str, given: str) -> None:
    Thread(target=end_with_parent, args=(files,), daemon=True).start()
    with socket(fileno=int(given)) as listener:
        _serve(files, listener)


if __name__ == "__main__":
    _main(*sys.argv[1:])
