"""How many users a second a backfill writes: from moto's listing, page by page, into the stand-in of Hasura, on the same cores."""

import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from time import perf_counter

from cognito_claims.tools.local.postgresql import postgresql
from tests.benchmarks.cache import NotRun
from tests.benchmarks.report import Column, Section, Table
from tests.stand_ins.hasura import SECRET, HasuraServer
from tests.stand_ins.pool import people, user_pool

USERS = 5_000
_SETTINGS = {
    "HASURA_SYNC_ADMIN_SECRET": SECRET,
    "HASURA_SYNC_COLUMNS": "id=sub,username=userName,email=email",
    "HASURA_SYNC_UPDATE_COLUMNS": "email",
}
_COLUMNS = (
    Column("users", "users", 0),
    Column("seconds", "seconds"),
    Column("users_per_second", "users a second", 0),
)


def backfill(_rounds: int) -> Section:
    """Backfill a pool once, from the command's start to its end, and look for everybody in the table."""
    try:
        with postgresql() as dsn:
            seconds = _seconds(dsn)
    except FileNotFoundError as error:
        raise NotRun(str(error)) from None
    row = (USERS, seconds, USERS / seconds)
    title = "A backfill through Hasura, the command's start included."
    return Section("backfill", (Table("backfill", title, _COLUMNS, {"backfill": row}),))


def _seconds(dsn: str) -> float:
    everybody = people(USERS)
    command = (sys.executable, "-m", "cognito_claims", "backfill", "--user-pool-id")
    with user_pool(everybody) as pool, HasuraServer(dsn) as server, TemporaryDirectory() as home:
        environ = {**os.environ, **pool.environ, **_SETTINGS, "HASURA_SYNC_URL": server.url}
        began = perf_counter()
        subprocess.run([*command, pool.id], cwd=home, env=environ, capture_output=True, check=True)
        seconds = perf_counter() - began
        wanted = {(who["sub"], name, who["email"]) for name, who in everybody}
        assert {(row["id"], row["username"], row["email"]) for row in server.rows()} == wanted
    return seconds
