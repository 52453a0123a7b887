"""A private PostgreSQL that lives as long as a `with` block; it needs the server's programs."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pwd import getpwnam
from tempfile import TemporaryDirectory

from cognito_claims.tools.local.errors import Failed

_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "listen_addresses": "",
    "log_min_messages": "fatal",
}


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a server on a socket of its own, and give its DSN; it refuses to run as root.

    Raises `FileNotFoundError` where there is no PostgreSQL.
    """
    user = "postgres" if os.geteuid() == 0 else None
    with TemporaryDirectory(prefix="pg-") as home:
        data = f"{home}/data"
        initdb, server_program = program("initdb"), program("postgres")
        if user:
            os.chown(home, getpwnam(user).pw_uid, getpwnam(user).pw_gid)
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
        made = [initdb, "-D", data, "--no-instructions", *options]
        subprocess.run(made, user=user, cwd=home, check=True, capture_output=True)  # noqa: S603
        settings = [f"--{name}={value}" for name, value in _FAST.items()]
        command = [server_program, "-D", data, "-k", home, *settings]
        with subprocess.Popen(  # noqa: S603  (PostgreSQL's own program)
            command, user=user, cwd=home, stderr=subprocess.DEVNULL
        ) as server:
            try:
                _wait(server, home)
                yield f"host={home} user=postgres dbname=postgres"
            finally:
                server.send_signal(signal.SIGINT)  # it disconnects everybody, and leaves in order


def program(name: str) -> str:
    """Find a program of PostgreSQL, which Debian keeps out of the path."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    found = shutil.which(name) or max(versions, key=lambda path: int(path.parts[4]), default=None)
    if found is None:
        raise FileNotFoundError(f"{name}: install PostgreSQL (apt-get install postgresql)")
    return str(found)


def _wait(server: subprocess.Popen[bytes], home: str) -> None:
    ready = [program("pg_isready"), "-q", "-h", home]
    while server.poll() is None:
        if subprocess.run(ready, check=False).returncode == 0:  # noqa: S603  (as above)
            return
        time.sleep(0.01)
    raise ChildProcessError(f"postgres ended with {server.returncode}")


def psql(dsn: str, script: str, **variables: str) -> list[str]:
    """Run a script, and give the lines that it prints; raise `Failed` for what is refused."""
    given = [f"--set={name}={value}" for name, value in variables.items()]
    command = [program("psql"), "-X", "-q", "-A", "-t", "--set=ON_ERROR_STOP=1", *given, dsn]
    done = subprocess.run(  # noqa: S603  (PostgreSQL's own program)
        command, input=script, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"PostgreSQL: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.split("\n")[:-1]
