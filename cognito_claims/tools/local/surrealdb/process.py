"""SurrealDB's endpoints in a child process: `python -m cognito_claims.tools.local.surrealdb.process FILES SOCKET`.

The engine lets no other Python run while it works on a statement, and a statement may take for ever.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from socket import socket
from threading import Thread

from cognito_claims.contract.surrealdb_script import Setup
from cognito_claims.tools.local.child import end_with_parent, running
from cognito_claims.tools.local.loopback import serve_until_interrupted
from cognito_claims.tools.local.surrealdb.engine import LocalSurrealDB
from cognito_claims.tools.local.surrealdb.http import application

_GIVEN = "COGNITO_CLAIMS_DEMO_DATABASE"


@contextmanager
def database(origin: str, setup: Setup, *scripts: str) -> Iterator[str]:
    """Run a database for pages of this origin, set up by scripts, and give its address; raises `Failed`."""
    given = {_GIVEN: json.dumps([origin, setup, scripts])}
    with running("SurrealDB", __name__, given, ready=HTTPStatus.NOT_FOUND) as child:
        yield child.url


def _serve(listener: socket) -> None:
    origin, setup, scripts = json.loads(os.environ.pop(_GIVEN))
    with LocalSurrealDB(Setup(*setup), *scripts) as engine:
        serve_until_interrupted(application(engine, origin), listener)


def _main(files: str, given: str) -> None:
    Thread(target=end_with_parent, args=(files,), daemon=True).start()
    with socket(fileno=int(given)) as listener:
        _serve(listener)


if __name__ == "__main__":
    _main(*sys.argv[1:])
