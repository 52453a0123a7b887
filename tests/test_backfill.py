"""`backfill` against a real listing API (moto's), the stand-in of Hasura and a real queue API."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import time
from typing import Any
from unittest import mock

import boto3
import pytest

from cognito_claims.errors import HasuraError
from cognito_claims.events import User
from cognito_claims.sync.rows import Row
from cognito_claims.sync.worker.messages import from_message
from cognito_claims.tools.backfill import fill as filling
from cognito_claims.tools.backfill.checkpoint import Checkpoint, Job
from cognito_claims.tools.backfill.target import Target
from tests import backfill_kills
from tests.command import Run, run
from tests.slow import slow
from tests.stand_ins import hasura
from tests.stand_ins.fauna_wire import well
from tests.stand_ins.hasura import SECRET, HasuraServer
from tests.stand_ins.moto import Answer, Request, answering
from tests.stand_ins.pool import REGION, Pool, people, user_pool

pytestmark = pytest.mark.usefixtures("quick_clients")
USERS = 150  # three pages
EVERYBODY = people(USERS)
EVERYBODY[3][1]["email_verified"] = "false"
del EVERYBODY[5][1]["email"]
COLUMNS = {"id": "sub", "username": "userName", "email": "email"}
NOBODY_LISTENS = "http://127.0.0.1:1/v1/graphql"


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with user_pool(EVERYBODY) as pool:
        yield pool


@pytest.fixture
def server(dsn: str) -> Iterator[HasuraServer]:
    with HasuraServer(dsn) as server:
        yield server


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "PAUSES_S", (0.01, 0.01))


def settings(pool: Pool, server: HasuraServer | None, **more: str) -> dict[str, str]:
    return {
        **pool.environ,
        "HASURA_SYNC_URL": NOBODY_LISTENS if server is None else server.url,
        "HASURA_SYNC_ADMIN_SECRET": SECRET,
        "HASURA_SYNC_COLUMNS": ",".join(f"{c}={a}" for c, a in COLUMNS.items()),
        "HASURA_SYNC_UPDATE_COLUMNS": "email",
        "HASURA_SYNC_VERSION_COLUMN": "synced_at",
        **more,
    }


def job(pool: Pool, server: HasuraServer | None) -> Job:
    """Give what those settings come to."""
    found = {
        "url": NOBODY_LISTENS if server is None else server.url,
        "table": "users",
        "constraint": "users_pkey",
        "update_columns": "email",
        "version_column": "synced_at",
    }
    return Job(user_pool_id=pool.id, into=Target.HASURA, settings=found, columns=COLUMNS)


ANY_JOB = job(Pool("eu-west-1_Example", ""), None)


def backfill(pool_id: str, *arguments: str, environ: Mapping[str, str], exit_code: int = 0) -> Run:
    command = ("backfill", "--user-pool-id", pool_id, *arguments)
    return run(*command, environ=environ, exit_code=exit_code)


def expected() -> list[tuple[str, str, str | None]]:
    return [
        (
            attributes["sub"],
            name,
            attributes.get("email") if attributes["email_verified"] == "true" else None,
        )
        for name, attributes in EVERYBODY
    ]


def found(server: HasuraServer) -> list[tuple[str, str, str | None]]:
    return [(row["id"], row["username"], row["email"]) for row in server.rows()]


def secretless(ran: Run) -> bool:
    return SECRET not in ran.out + ran.err and "@example.com" not in ran.out + ran.err


# What is written


def test_every_user_of_the_pool_is_written_in_pages(
    pool: Pool, server: HasuraServer, folder: Path
) -> None:
    ran = backfill(pool.id, environ=settings(pool, server))

    assert found(server) == expected()
    assert len(server.requests) == 3
    assert ran.out == "150 users are written.\n"
    assert list(folder.iterdir()) == []
    assert secretless(ran)


def test_writing_everybody_again_changes_nothing(pool: Pool, server: HasuraServer) -> None:
    for _ in range(2):
        backfill(pool.id, environ=settings(pool, server))

    assert found(server) == expected()


def test_what_a_sign_in_wrote_before_is_older_and_what_it_wrote_just_now_is_newer(
    pool: Pool, server: HasuraServer
) -> None:
    backfill(pool.id, environ=settings(pool, server))
    with server._database.transaction() as connection:
        connection.execute("UPDATE users SET email = NULL")
        connection.execute(
            "UPDATE users SET email = 'newer@example.com', synced_at = now() WHERE username = 'user-1'"
        )
        connection.execute(
            "UPDATE users SET synced_at = now() - interval '1 day' WHERE username <> 'user-1'"
        )

    backfill(pool.id, environ=settings(pool, server))

    emails = {name: email for _, name, email in found(server)}
    assert emails["user-1"] == "newer@example.com"
    assert emails["user-2"] == "user-2@example.com"


def test_users_go_into_the_queue_where_the_settings_say_so(pool: Pool) -> None:
    sqs = boto3.client(
        "sqs",
        region_name=REGION,
        endpoint_url=pool.endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    url = sqs.create_queue(QueueName="users")["QueueUrl"]
    queue = {
        "USER_SYNC_SINKS": "queue",
        "USER_SYNC_QUEUE_URL": url,
        "HASURA_SYNC_COLUMNS": "id=sub,email=email",
    }

    ran = backfill(pool.id, environ={**pool.environ, **queue})

    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in messages]
    read = (from_message(body, {"id": "sub", "email": "email"}, now=time()) for body in bodies)
    rows = [row for row in read if isinstance(row, Row)]
    assert sorted((r.values["id"], r.values["email"]) for r in rows) == [
        (sub, email) for sub, _, email in expected()
    ]
    assert ran.out == "150 users are written.\n"


def test_the_queue_can_be_chosen_and_must_then_be_told(pool: Pool) -> None:
    ran = backfill(pool.id, "--into", "queue", environ=settings(pool, None), exit_code=2)

    assert ran.err == "cognito-claims: USER_SYNC_QUEUE_URL: required\n"


def test_a_dry_run_counts_and_writes_nothing(
    pool: Pool, server: HasuraServer, folder: Path
) -> None:
    ran = backfill(pool.id, "--dry-run", environ=settings(pool, server))

    assert ran.out == "150 users would be written.\nemail: null for 2 of them\n"
    assert (server.requests, server.rows(), list(folder.iterdir())) == ([], [], [])


def test_a_dry_run_for_programs(pool: Pool, server: HasuraServer) -> None:
    ran = backfill(pool.id, "--dry-run", "--format", "json", environ=settings(pool, server))

    assert ran.content == {"users": 150, "null": {"email": 2}}


def test_a_secret_that_is_kept_in_aws_is_fetched(pool: Pool, server: HasuraServer) -> None:
    ssm = boto3.client(
        "ssm",
        region_name=REGION,
        endpoint_url=pool.endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    ssm.put_parameter(Name="/hasura", Value=SECRET, Type="SecureString", Overwrite=True)

    backfill(pool.id, environ=settings(pool, server, HASURA_SYNC_ADMIN_SECRET="ssm:/hasura"))

    assert found(server) == expected()


# Who cannot be written, and what stops a run


def test_who_is_refused_is_listed_by_id_and_keeps_nobody_back(
    server: HasuraServer, folder: Path
) -> None:
    users = people(70)
    users[7][1]["email"] = users[2][1]["email"]
    with user_pool(users) as pool:
        ran = backfill(pool.id, environ=settings(pool, server), exit_code=1)
        again = backfill(pool.id, "--format", "json", environ=settings(pool, server), exit_code=1)

    refused = users[7][1]["sub"]
    assert ran.out == (
        f"69 users are written, 1 not.\nnot written: {refused} [constraint-violation]\n"
    )
    assert [row["id"] for row in server.rows()] == [
        attributes["sub"] for _, attributes in users if attributes["sub"] != refused
    ]
    assert again.content == {
        "user_pool_id": pool.id,
        "into": "hasura",
        "settings": {**job(pool, server).settings},
        "columns": COLUMNS,
        "written": 69,
        "failed": {refused: "constraint-violation"},
        "is_complete": True,
        "stopped": None,
    }
    assert [path.name for path in folder.iterdir()] == [f"backfill-{pool.id}.json"]
    assert secretless(ran)


def test_what_passes_is_waited_for(pool: Pool, server: HasuraServer) -> None:
    server.faults += [hasura.error("postgres-error")] * 3  # more than one attempt's
    server.faults.append(hasura.answer_lost)

    backfill(pool.id, environ=settings(pool, server))

    assert found(server) == expected()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"HASURA_SYNC_ADMIN_SECRET": "wrong"}, "Hasura: access-denied (HTTP 200)"),
        *slow(
            ({"HASURA_SYNC_TABLE": "people"}, "Hasura: validation-failed (HTTP 200)"),
            ({"HASURA_SYNC_URL": NOBODY_LISTENS}, "ConnectionError (connecting)"),
        ),
    ],
)
def test_what_holds_for_everybody_stops_the_run_and_the_next_one_goes_on(
    pool: Pool, server: HasuraServer, wrong: dict[str, str], told: str
) -> None:
    ran = backfill(pool.id, environ={**settings(pool, server), **wrong}, exit_code=1)

    goes_on = f"the same command goes on from backfill-{pool.id}.json"
    assert ran.out == f"0 users are written.\nStopped: {told}; {goes_on}.\n"
    assert server.rows() == []
    backfill(pool.id, environ=settings(pool, server))
    assert found(server) == expected()


def test_a_code_that_clings_to_one_user_is_given_up_at_last() -> None:
    refusing = Refusing("user-1", "unexpected")
    done = filling.fill(refusing, [page(3)], Checkpoint(job=ANY_JOB), save=lambda _: None)

    assert (done.written, done.failed) == (2, {EVERYBODY[1][1]["sub"]: "unexpected"})


def test_a_database_that_goes_down_within_a_page_stops_the_run_and_blames_nobody() -> None:
    class Dying(Refusing):
        def write(self, rows: Sequence[Row], *, deadline: float) -> None:
            super().write(rows, deadline=deadline)
            self._name = ""

    with pytest.raises(filling.Stopped, match="postgres-error"):
        filling.fill(
            Dying("user-1", "postgres-error"),
            [page(3)],
            Checkpoint(job=ANY_JOB),
            save=lambda _: None,
        )


def test_what_holds_for_everybody_stops_the_run_on_a_later_page_too(
    pool: Pool, server: HasuraServer
) -> None:
    server.faults.append(well)
    server.faults += [hasura.error("validation-failed")] * 200

    ran = backfill(pool.id, environ=settings(pool, server), exit_code=1)

    assert ran.out.startswith("60 users are written.\nStopped: Hasura: validation-failed")
    server.faults.clear()
    ran = backfill(pool.id, environ=settings(pool, server))
    assert ran.out == "150 users are written.\n"
    assert found(server) == expected()


def test_one_user_alone_on_the_last_page_is_judged_by_the_page_before() -> None:
    pages = [page(1)._replace(token="next"), page(2)._replace(users=page(2).users[1:])]
    sink = Refusing("user-1", "validation-failed")

    done = filling.fill(sink, pages, Checkpoint(job=ANY_JOB), save=lambda _: None)

    refused = EVERYBODY[1][1]["sub"]
    assert (done.written, done.failed) == (1, {refused: "validation-failed"})


def test_a_code_that_clings_to_everybody_stops_the_run() -> None:
    saved: list[Checkpoint] = []

    with pytest.raises(filling.Stopped, match=r"Hasura: unexpected \(HTTP 200\)"):
        filling.fill(
            Refusing("", "unexpected"), [page(3)], Checkpoint(job=ANY_JOB), save=saved.append
        )

    assert saved == []


def page(users: int) -> filling.Page:
    return filling.Page([User(*who) for who in EVERYBODY[:users]], at=0.0, token=None)


class Refusing:
    """A sink that refuses whose name begins so."""

    columns: Mapping[str, str] = COLUMNS

    def __init__(self, name: str, code: str) -> None:
        self._name, self._code = name, code

    def prepare(self, *, deadline: float) -> None:
        """Do nothing."""

    def write(self, rows: Sequence[Row], *, deadline: float) -> None:  # noqa: ARG002  (a sink's)
        if any(str(row.values["username"]).startswith(self._name) for row in rows):
            raise HasuraError(200, self._code)


# Going on


@pytest.mark.parametrize(("users", "kills"), [(120, 1), *slow((480, 3))])
def test_who_is_killed_again_and_again_ends_with_everybody(
    dsn: str, users: int, kills: int
) -> None:
    outcome = backfill_kills.run(users, kills, dsn)

    assert outcome.exit_codes == [*[-9] * kills, 0]
    assert (outcome.in_table, outcome.missing) == (users, 0)
    assert users <= outcome.written <= users + kills * backfill_kills.PAGE
    assert outcome.files_left == []
    assert f"{users}/{users}" in outcome.shown
    assert "users/s" in outcome.shown
    assert f"{users} users are written." in outcome.shown


def test_who_interrupts_is_told_how_to_go_on(pool: Pool, server: HasuraServer) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with mock.patch("cognito_claims.tools.backfill.run.fill", interrupt):
        ran = backfill(pool.id, environ=settings(pool, server), exit_code=1)

    goes_on = f"the same command goes on from backfill-{pool.id}.json"
    assert ran.out == f"0 users are written.\nStopped: interrupted; {goes_on}.\n"


def test_a_token_that_is_known_no_more_starts_over(
    pool: Pool, server: HasuraServer, folder: Path
) -> None:
    path = folder / f"backfill-{pool.id}.json"
    Checkpoint(job=job(pool, server), token="gone", written=60).write(path)
    users = [{"Username": name, "Attributes": pairs(a)} for name, a in EVERYBODY[:2]]

    def cognito(request: Request) -> Answer:
        if json.loads(request.body).get("PaginationToken") == "gone":
            return Answer.refusing("InvalidParameterException")
        return Answer.of({"Users": users, "UserPool": {}})

    with answering(cognito) as url:
        environ = {**settings(pool, server), "AWS_ENDPOINT_URL": url}
        ran = backfill(pool.id, environ=environ)

    assert "starting over" in ran.err
    assert ran.out == "2 users are written.\n"
    assert found(server) == expected()[:2]


def pairs(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


def test_cognito_is_asked_more_slowly_when_it_throttles(pool: Pool, server: HasuraServer) -> None:
    asked: list[str] = []

    def cognito(request: Request) -> Answer:
        asked.append(request.headers["x-amz-target"].rpartition(".")[2])
        if asked.count("ListUsers") in (1, 2) and asked[-1] == "ListUsers":
            return Answer.refusing("TooManyRequestsException")
        return Answer.of({"Users": [], "UserPool": {}})

    with answering(cognito) as url:
        ran = backfill(pool.id, environ={**settings(pool, server), "AWS_ENDPOINT_URL": url})

    assert asked == ["DescribeUserPool", "ListUsers", "ListUsers", "ListUsers"]
    assert ran.out == "0 users are written.\n"


def other_pool(job: Job) -> str:
    return Checkpoint(
        job=job.model_copy(update={"user_pool_id": "eu-west-1_Other"})
    ).model_dump_json()


def other_hasura(job: Job) -> str:
    settings = {**job.settings, "url": "https://staging.example.com/v1/graphql"}
    return Checkpoint(job=job.model_copy(update={"settings": settings})).model_dump_json()


def other_columns(job: Job) -> str:
    return Checkpoint(job=job.model_copy(update={"columns": {"id": "sub"}})).model_dump_json()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (lambda _: "{", "not a backfill's checkpoint"),
        (lambda _: "[]", "not a backfill's checkpoint"),
        (other_pool, "of another pool, or of other settings of the sync"),
        (other_columns, "of another pool, or of other settings of the sync"),
        (other_hasura, "of another pool, or of other settings of the sync"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused_until_it_is_to_be_forgotten(
    pool: Pool,
    server: HasuraServer,
    folder: Path,
    content: Callable[[Job], str],
    told: str,
) -> None:
    path = folder / "state.json"
    path.write_text(content(job(pool, server)))
    arguments = ("--checkpoint", str(path))

    ran = backfill(pool.id, *arguments, environ=settings(pool, server), exit_code=2)

    assert ran.err.startswith(f"cognito-claims: {path}: {told}; ")
    assert "--restart" in ran.err
    assert server.requests == []
    backfill(pool.id, *arguments, "--restart", environ=settings(pool, server))
    assert found(server) == expected()


def test_a_checkpoint_that_cannot_be_written_is_told(
    pool: Pool, server: HasuraServer, folder: Path
) -> None:
    path = folder / "nowhere" / "state.json"

    ran = backfill(pool.id, "--checkpoint", str(path), environ=settings(pool, server), exit_code=2)

    assert f"cognito-claims: {path}: No such file or directory" in ran.err


def test_a_checkpoint_is_its_owners_and_holds_no_attribute(folder: Path) -> None:
    path = folder / "state.json"
    failed = {"a1b2": "constraint-violation"}

    Checkpoint(job=ANY_JOB, token="next", written=60, failed=failed).write(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {
        "job": ANY_JOB.model_dump(mode="json"),
        "token": "next",
        "written": 60,
        "failed": failed,
        "is_complete": False,
    }


# What is to be changed first


@pytest.mark.parametrize(
    "pool_id", ["", "users", "eu-west-1", "eu-west-1_", "_Ab", "eu-west-1_A b"]
)
def test_what_is_no_pools_id_is_told(pool: Pool, server: HasuraServer, pool_id: str) -> None:
    ran = backfill(pool_id, environ=settings(pool, server), exit_code=2)

    assert ran.err == (
        "cognito-claims: --user-pool-id: expected a pool's id, as in eu-central-1_AbCdEfGhI\n"
    )


def test_wrong_settings_are_told_all_at_once(pool: Pool) -> None:
    ran = backfill(pool.id, environ={"HASURA_SYNC_TABEL": "x"}, exit_code=2)

    assert [line.partition(": ")[2].partition(":")[0] for line in ran.err.splitlines()] == [
        "HASURA_SYNC_TABEL",
        "HASURA_SYNC_URL",
        "HASURA_SYNC_ADMIN_SECRET",
    ]


def test_a_pool_that_is_not_there_stops_the_run(pool: Pool, server: HasuraServer) -> None:
    ran = backfill("eu-west-1_Nowhere", environ=settings(pool, server), exit_code=1)

    assert "Stopped: ResourceNotFoundException" in ran.out
    assert server.requests == []


def test_a_dry_run_of_a_pool_that_is_not_there_is_told(pool: Pool, server: HasuraServer) -> None:
    environ = settings(pool, server)

    ran = backfill("eu-west-1_Nowhere", "--dry-run", environ=environ, exit_code=2)

    assert "cognito-claims: eu-west-1_Nowhere: ResourceNotFoundException" in ran.err


def test_that_there_are_no_credentials_is_told(
    pool: Pool, server: HasuraServer, folder: Path
) -> None:
    nothing = {
        **settings(pool, server, AWS_EC2_METADATA_DISABLED="true", HOME=str(folder)),
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
    }

    ran = backfill(pool.id, environ=nothing, exit_code=2)

    assert ran.err == f"cognito-claims: {pool.id}: Unable to locate credentials\n"


def test_a_profiles_credentials_fetch_a_secret_too(
    pool: Pool, server: HasuraServer, folder: Path
) -> None:
    ssm = boto3.client(
        "ssm",
        region_name=REGION,
        endpoint_url=pool.endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    ssm.put_parameter(Name="/hasura", Value=SECRET, Type="SecureString", Overwrite=True)
    credentials = folder / "credentials"
    credentials.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    environ = {
        **settings(pool, server, HASURA_SYNC_ADMIN_SECRET="ssm:/hasura"),
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
    }

    backfill(pool.id, environ=environ)

    assert found(server) == expected()


def test_a_queue_that_does_not_take_a_message_stops_the_run_or_is_asked_again(pool: Pool) -> None:
    asked: list[int] = []

    def sqs(request: Request) -> Answer:
        if "SQS" not in request.headers["x-amz-target"]:
            attributes = pairs(EVERYBODY[1][1])
            user = {"Username": "user-1", "Attributes": attributes}
            return Answer.of({"Users": [user], "UserPool": {}})
        asked.append(1)
        failed = {"Id": "0", "SenderFault": len(asked) > 1, "Code": "InternalError"}
        return Answer.of({"Failed": [failed]})

    with answering(sqs) as url:
        queue_url = f"{url}123456789012/users"
        environ = {**pool.environ, "AWS_ENDPOINT_URL": url, "USER_SYNC_QUEUE_URL": queue_url}
        ran = backfill(pool.id, "--into", "queue", environ=environ, exit_code=1)

    assert len(asked) == 2
    assert "Stopped: sqs: InternalError (HTTP 400)" in ran.out


def test_wrong_settings_of_the_queue_are_told_all_at_once(pool: Pool) -> None:
    environ = {"USER_SYNC_QUEUE_URL": "http://example.com/x", "HASURA_SYNC_COLUMNS": "id=email"}

    ran = backfill(pool.id, "--into", "queue", environ=environ, exit_code=2)

    assert [line.partition(": ")[2].partition(":")[0] for line in ran.err.splitlines()] == [
        "USER_SYNC_QUEUE_URL",
        "HASURA_SYNC_COLUMNS",
    ]


@pytest.mark.parametrize("answer", [{}, {"Successful": []}], ids=["nothing", "none of them"])
def test_what_is_not_sqs_takes_no_message(pool: Pool, answer: dict[str, Any]) -> None:
    user = {"Username": "user-1", "Attributes": pairs(EVERYBODY[1][1])}
    answers: dict[str, Any] = {"ListUsers": {"Users": [user]}, "DescribeUserPool": {}}

    def anything(request: Request) -> Answer:
        return Answer.of(answers.get(request.headers["x-amz-target"].rpartition(".")[2], answer))

    with answering(anything) as url:
        queue = {"USER_SYNC_QUEUE_URL": f"{url}123456789012/users", "AWS_ENDPOINT_URL": url}
        environ = {**pool.environ, **queue}
        ran = backfill(pool.id, "--into", "queue", environ=environ, exit_code=1)

    assert ran.out.startswith("0 users are written.\nStopped: sqs: unknown (HTTP 200)")


def test_what_is_dangerous_is_warned_of(pool: Pool, server: HasuraServer) -> None:
    ran = backfill(pool.id, environ=settings(pool, server, HASURA_SYNC_VERSION_COLUMN=""))

    assert "warning: HASURA_SYNC_VERSION_COLUMN: unset" in ran.err


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"USER_SYNC_SINKS": "queu"}, "USER_SYNC_SINKS: expected one of hasura, queue"),
        ({"AWS_ENDPOINT_URL": "localhost:4566"}, "eu-west-1_Example: Invalid endpoint"),
        (
            {"AWS_PROFILE": "nobodys", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            "eu-west-1_Example: The config profile (nobodys) could not be found",
        ),
    ],
)
def test_a_wrong_environment_is_told_in_one_line(
    pool: Pool, wrong: dict[str, str], told: str
) -> None:
    environ = {**settings(pool, None), **wrong}

    ran = backfill("eu-west-1_Example", environ=environ, exit_code=2)

    *_, last = ran.err.splitlines()
    assert last.startswith(f"cognito-claims: {told}")
