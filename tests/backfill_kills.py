"""A backfill that is killed again and again, and in the end has written everybody.

`python -m tests.backfill_kills [users] [kills]` runs the command in a terminal, ends it at random moments with SIGKILL, and starts it
again; the suite runs a small one. Prints what the terminal showed, and the counts; exits with 1 when anybody is missing.
"""

import json
import os
import pty
import random
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import NamedTuple, Self

from cognito_claims.tools.local.postgresql import postgresql
from tests.stand_ins.hasura import SECRET, HasuraServer
from tests.stand_ins.pool import people, user_pool

PAGE = 60
_SETTINGS = {
    "HASURA_SYNC_ADMIN_SECRET": SECRET,
    "HASURA_SYNC_COLUMNS": "id=sub,username=userName,email=email",
    "HASURA_SYNC_UPDATE_COLUMNS": "email",
    "HASURA_SYNC_VERSION_COLUMN": "synced_at",
}
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Outcome(NamedTuple):
    """What came of it: the exit codes of all runs, the last of which nobody killed, and what that one showed."""

    users: int
    written: int
    in_table: int
    missing: int
    exit_codes: list[int]
    shown: str
    files_left: list[str]


def run(users: int, kills: int, dsn: str, seed: int = 1) -> Outcome:
    """Backfill so many users, with so many kills, each after a random number of pages and milliseconds."""
    chance = random.Random(seed)  # noqa: S311  (for a test to repeat)
    everybody = people(users)
    with (
        user_pool(everybody) as pool,
        HasuraServer(dsn) as server,
        TemporaryDirectory() as home,
        Terminal(
            pool.id, {**os.environ, **pool.environ, **_SETTINGS}, server.url, home
        ) as terminal,
    ):
        exit_codes: list[int] = []
        for pages in sorted(chance.sample(range(1, users // PAGE), kills)):
            terminal.start()
            terminal.watch(lambda number=pages: len(server.requests) >= number)  # type: ignore[misc]  # bound now
            terminal.watch_for(chance.random() / 20)
            exit_codes.append(terminal.end(signal.SIGKILL))
        terminal.start()
        exit_codes.append(terminal.end())
        rows = server.rows()
        wanted = {(who["sub"], name, who["email"]) for name, who in everybody}
        found = {(row["id"], row["username"], row["email"]) for row in rows}
        return Outcome(
            users,
            written=sum(_rows_in(request.body) for request in server.requests),
            in_table=len(rows),
            missing=len(wanted - found),
            exit_codes=exit_codes,
            shown=terminal.shown,
            files_left=sorted(path.name for path in Path(home).iterdir()),
        )


_XTERM = {"TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"}


class Terminal:
    """A terminal in which the command runs."""

    def __init__(self, pool_id: str, environ: Mapping[str, str], url: str, home: str) -> None:
        self._command = [sys.executable, "-m", "cognito_claims", "backfill"]
        self._command += ["--user-pool-id", pool_id]
        self._environ = {**environ, "HASURA_SYNC_URL": url, **_XTERM}
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def start(self) -> None:
        self._screen, end = pty.openpty()
        self.shown = ""
        self._process = subprocess.Popen(
            self._command, cwd=self._home, env=self._environ, stdout=end, stderr=end
        )
        os.close(end)

    def watch(self, until: Callable[[], bool]) -> None:
        """Read what is shown until then, or until the command ends."""
        while not until():
            if select.select([self._screen], [], [], 0.005)[0]:
                try:
                    self.shown += os.read(self._screen, 65536).decode()
                except OSError:  # nobody writes any more
                    return

    def watch_for(self, seconds: float) -> None:
        end = monotonic() + seconds
        self.watch(lambda: monotonic() >= end)

    def end(self, number: signal.Signals | None = None) -> int:
        """Give the exit code, after a signal or when the command has done its work."""
        assert self._process is not None
        if number is not None:
            self._process.send_signal(number)
        self.watch(lambda: False)
        os.close(self._screen)
        return self._process.wait()


def _rows_in(body: bytes) -> int:
    variables = json.loads(body)["variables"]
    return sum(len(sent) for name, sent in variables.items() if name.startswith("o"))


def main() -> None:
    """Run the full size, and print the counts."""
    users, kills = (int(text) for text in (*sys.argv[1:], "50000", "3")[:2])
    with postgresql() as dsn:
        outcome = run(users, kills, dsn)
    frames = [line for line in re.split(r"[\r\n]+", _CONTROL.sub("", outcome.shown)) if line]
    print("\n".join(frames[:: max(1, len(frames) // 8)]), frames[-1], sep="\n")
    print(outcome._replace(shown="(above)"))
    sys.exit(outcome.missing > 0 or outcome.written > users + kills * PAGE)


if __name__ == "__main__":
    main()
