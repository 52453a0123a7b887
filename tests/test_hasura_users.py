"""Users reach a table through Hasura: the newest state of each, by its own rules, or an error that tells no value."""

import json
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import pytest

from cognito_claims.errors import (
    AwsError,
    CognitoClaimsError,
    DeadlineError,
    HasuraError,
    SecretError,
    SettingsError,
    TransportError,
)
from cognito_claims.events import User
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.secret import Secret
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.sync.rows import Row, Sink, row_of
from tests.deadlines import at_the_deadline
from tests.stand_ins import fauna_wire as fauna
from tests.stand_ins import hasura
from tests.stand_ins.fauna_wire import Answer, Fault
from tests.stand_ins.hasura import SECRET, HasuraServer
from tests.stand_ins.hasura_schema import USERS, Role
from tests.stand_ins.moto import Answer as AwsAnswer
from tests.stand_ins.moto import Request as AwsRequest
from tests.stand_ins.moto import answering
from tests.stand_ins.postgres import Column, Table

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hasura-AbCdEf"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
EMAIL = {"id": "sub", "email": "email"}
UPDATING: dict[str, Any] = {"columns": EMAIL, "update_columns": ("email",)}
VERSIONED: dict[str, Any] = {**UPDATING, "version_column": "synced_at"}
WRITTEN = ("id", "email", "synced_at")
ROLES = {
    "sync": Role(insert=WRITTEN, update=WRITTEN[1:], select=("synced_at",)),
    "insert_only": Role(insert=WRITTEN),
    "blind": Role(insert=WRITTEN, update=WRITTEN[1:]),
    "reader": Role(select=WRITTEN),
    "backend": Role(insert=WRITTEN, backend_only=True),
    "checked": Role(insert=WRITTEN, check={"email": {"_neq": "eve@example.com"}}),
}
ENVIRON = {
    "HASURA_SYNC_URL": "https://hasura.example.com/v1/graphql",
    "HASURA_SYNC_ADMIN_SECRET": SECRET,
}
NAME = "expected a GraphQL name: letters, digits and _"


@pytest.fixture
def server(dsn: str) -> Iterator[HasuraServer]:
    with HasuraServer(dsn, roles=ROLES) as server:
        yield server


def users_at(server: HasuraServer, **settings: Any) -> HasuraUsers:
    return HasuraUsers(**{"url": server.url, "admin_secret": SECRET, **settings})


def a_user(sub: str = "ada", email: str | None = None, *, is_verified: bool = True) -> User:
    flag = str(is_verified).lower()
    return User(
        f"name of {sub}",
        {"sub": sub, "email": email or f"{sub}@example.com", "email_verified": flag},
    )


def write(
    sink: Sink, *users: User, at: datetime | Sequence[datetime] = NOON, seconds: float = 5
) -> None:
    """Write all of the users at once, as of one moment or of one each."""
    moments = [at] * len(users) if isinstance(at, datetime) else at
    rows = [
        row_of(user, sink.columns, moment.timestamp())
        for user, moment in zip(users, moments, strict=True)
    ]
    sink.write(rows, deadline=monotonic() + seconds)


def stored(server: HasuraServer) -> list[tuple[object, ...]]:
    return [(row["id"], row["email"], row["synced_at"]) for row in server.rows()]


def sent(server: HasuraServer) -> Any:
    return json.loads(server.requests[-1].body)


def refused(sink: Sink, *users: User, seconds: float = 5) -> HasuraError:
    """Give the error with which the users, or else one user, are refused."""
    with pytest.raises(HasuraError) as raised:
        write(sink, *(users or [a_user()]), seconds=seconds)
    return raised.value


def code_of(sink: Sink, *users: User) -> str:
    return refused(sink, *users).hasura_code


# What is written


def test_by_default_a_user_is_inserted_with_id_and_name(server: HasuraServer) -> None:
    write(users_at(server), a_user())

    (row,) = server.rows()
    assert row.pop("created_at") is not None
    assert row == {"id": "ada", "username": "name of ada", "email": None, "synced_at": None}


def test_by_default_who_is_there_stays_as_they_are(server: HasuraServer) -> None:
    users = users_at(server)
    write(users, a_user())
    write(users, User("another", {"sub": "ada"}), a_user("ben"))

    names = [(row["id"], row["username"]) for row in server.rows()]
    assert names == [("ada", "name of ada"), ("ben", "name of ben")]


def test_the_types_stand_in_the_variables(server: HasuraServer) -> None:
    write(users_at(server), a_user())

    assert sent(server) == {
        "query": "mutation($o0:[users_insert_input!]!,$c0:users_on_conflict)"
        "{a0:insert_users(objects:$o0,on_conflict:$c0){affected_rows}}",
        "variables": {
            "o0": [{"id": "ada", "username": "name of ada"}],
            "c0": {"constraint": "users_pkey", "update_columns": []},
        },
    }


def test_columns_are_taken_from_attributes(server: HasuraServer) -> None:
    columns = {"id": "sub", "username": "custom:plan", "email": "email"}
    ada = User("ada", {**a_user().attributes, "custom:plan": "pro"})

    write(users_at(server, columns=columns), ada, a_user("ben"))

    found = [(row["id"], row["username"], row["email"]) for row in server.rows()]
    assert found == [("ada", "pro", "ada@example.com"), ("ben", None, "ben@example.com")]


def test_an_email_that_is_not_verified_is_null(server: HasuraServer) -> None:
    write(users_at(server, columns=EMAIL), a_user(is_verified=False))

    assert stored(server) == [("ada", None, None)]


def test_an_email_that_is_no_more_verified_is_taken_from_the_row(server: HasuraServer) -> None:
    users = users_at(server, **UPDATING)
    write(users, a_user())
    write(users, a_user(is_verified=False))

    assert stored(server) == [("ada", None, None)]


def test_only_the_update_columns_are_updated(server: HasuraServer) -> None:
    columns = {**EMAIL, "username": "userName"}
    users = users_at(server, columns=columns, update_columns=("email",))
    write(users, a_user())
    write(users, User("another", a_user(email="new@example.com").attributes))

    found = [(row["id"], row["username"], row["email"]) for row in server.rows()]
    assert found == [("ada", "name of ada", "new@example.com")]


def test_what_a_user_can_write_is_data_and_never_a_part_of_the_query(server: HasuraServer) -> None:
    hostile = "a\"'){affected_rows} delete_users(where:{}){affected_rows}}#\\\u2028\U0001f600$o0"
    write(users_at(server), a_user("ben"), User(hostile, {"sub": hostile}))

    names = {(row["id"], row["username"]) for row in server.rows()}
    assert names == {(hostile, hostile), ("ben", "name of ben")}


def test_many_users_are_one_insert(server: HasuraServer) -> None:
    write(users_at(server, **UPDATING), *(a_user(f"{number:03}") for number in range(100)))

    assert len(server.requests) == 1
    assert sent(server)["query"].count("insert_users(") == 1
    assert stored(server) == [(f"{n:03}", f"{n:03}@example.com", None) for n in range(100)]


@pytest.mark.parametrize("settings", [{}, VERSIONED])
def test_nobody_to_write_is_nothing_to_ask(server: HasuraServer, settings: dict[str, Any]) -> None:
    write(users_at(server, **settings))

    assert server.requests == []


@pytest.mark.parametrize("settings", [UPDATING, VERSIONED])
def test_one_row_that_is_refused_leaves_all_of_them_unwritten(
    server: HasuraServer, settings: dict[str, Any]
) -> None:
    write(users_at(server, **settings), a_user("cat"))

    eve = a_user("eve", "cat@example.com")
    error = refused(users_at(server, **settings), a_user("ben"), eve, a_user("dan"))

    assert error.hasura_code == "constraint-violation"
    assert [row["id"] for row in server.rows()] == ["cat"]


# Versions


@pytest.mark.parametrize(
    ("age", "is_newer"),
    [
        (-SECOND, False),
        (timedelta(microseconds=-5), False),
        (timedelta(0), False),
        (timedelta(microseconds=5), True),
        (SECOND, True),
    ],
)
def test_only_a_newer_event_updates_the_row_and_its_version(
    server: HasuraServer, age: timedelta, *, is_newer: bool
) -> None:
    users = users_at(server, **VERSIONED)
    write(users, a_user())
    write(users, a_user(email="new@example.com"), at=NOON + age)

    new, old = ("ada", "new@example.com", NOON + age), ("ada", "ada@example.com", NOON)
    assert stored(server) == [new if is_newer else old]


def test_a_row_without_a_version_is_older_than_any(server: HasuraServer) -> None:
    write(users_at(server, **UPDATING), a_user())
    write(users_at(server, **VERSIONED), a_user(email="new@example.com"), at=NOON - 9999 * SECOND)

    assert stored(server) == [("ada", "new@example.com", NOON - 9999 * SECOND)]


def test_without_update_columns_the_version_is_that_of_the_insert(server: HasuraServer) -> None:
    settings = {"columns": EMAIL, "version_column": "synced_at", "role": "insert_only"}
    users = users_at(server, **settings)
    write(users, a_user())
    write(users, a_user(email="new@example.com"), at=NOON + SECOND)

    assert stored(server) == [("ada", "ada@example.com", NOON)]


def test_each_row_of_a_batch_is_compared_with_its_own_version(server: HasuraServer) -> None:
    users = users_at(server, **VERSIONED)
    write(users_at(server, **UPDATING), a_user("dan"))
    write(users, a_user("ada"), a_user("ben"))
    server.requests.clear()

    batch = [a_user(sub, f"new.{sub}@example.com") for sub in ("ada", "ben", "cat", "dan")]
    write(users, *batch, at=[NOON - SECOND, NOON + SECOND, NOON - SECOND, NOON])

    assert len(server.requests) == 1
    assert stored(server) == [
        ("ada", "ada@example.com", NOON),
        ("ben", "new.ben@example.com", NOON + SECOND),
        ("cat", "new.cat@example.com", NOON - SECOND),
        ("dan", "new.dan@example.com", NOON),
    ]


def test_a_batch_with_versions_has_an_alias_and_a_condition_for_each_row(
    server: HasuraServer,
) -> None:
    write(users_at(server, **VERSIONED), a_user(), a_user("ben"), at=[NOON, NOON + SECOND])

    moments = ["2026-01-01T12:00:00.000000Z", "2026-01-01T12:00:01.000000Z"]
    variables: dict[str, object] = {}
    for number, (sub, at) in enumerate(zip(("ada", "ben"), moments, strict=True)):
        older = {"_or": [{"synced_at": {"_lt": at}}, {"synced_at": {"_is_null": True}}]}
        columns = {"update_columns": ["email", "synced_at"], "where": older}
        row = {"id": sub, "email": f"{sub}@example.com", "synced_at": at}
        variables |= {f"o{number}": [row], f"c{number}": {"constraint": "users_pkey", **columns}}
    assert sent(server) == {
        "query": "mutation($o0:[users_insert_input!]!,$c0:users_on_conflict,"
        "$o1:[users_insert_input!]!,$c1:users_on_conflict)"
        "{a0:insert_users(objects:$o0,on_conflict:$c0){affected_rows}"
        " a1:insert_users(objects:$o1,on_conflict:$c1){affected_rows}}",
        "variables": variables,
    }


def test_events_that_overtake_one_another_among_faults_leave_the_newest(
    server: HasuraServer,
) -> None:
    users = users_at(server, **VERSIONED)
    server.random_faults(0.2, seed=1)

    def sync(second: int) -> int:
        try:
            write(users, a_user(email=f"{second}@example.com"), at=NOON + second * SECOND)
        except (HasuraError, TransportError):
            return 0
        return second

    with ThreadPoolExecutor(4) as pool:
        acknowledged = max(pool.map(sync, (7, 3, 39, 1, 38, *range(40))))

    ((_, email, at),) = stored(server)
    assert isinstance(at, datetime)
    assert email == f"{(at - NOON).seconds}@example.com"
    assert at >= NOON + acknowledged * SECOND > NOON


# Tables


def test_keys_may_be_uuid_and_emails_citext(dsn: str) -> None:
    columns = {
        "id": Column("uuid", is_nullable=False),
        "email": Column("citext"),
        "synced_at": Column("timestamptz"),
    }
    table = Table(columns, {"users_pkey": ("id",), "users_email_key": ("email",)})
    key, other = UUID(int=7), UUID(int=8)
    with HasuraServer(dsn, table=table) as server:
        for settings in (UPDATING, VERSIONED):
            users = users_at(server, **settings)
            write(users, a_user(str(key), "Ada@Example.com"))
            assert code_of(users, a_user(str(other), "ADA@example.COM")) == "constraint-violation"
            assert code_of(users, a_user("no-uuid", "new@example.com")) == "data-exception"

        assert stored(server) == [(key, "Ada@Example.com", NOON)]


PEOPLE = Table(USERS.columns, {"people_pkey": ("id",)}, name="people")


@pytest.mark.parametrize(
    ("table", "custom_name", "names"),
    [
        (USERS._replace(schema="auth"), None, {"table": "auth_users"}),
        (PEOPLE, None, {"table": "people", "constraint": "people_pkey"}),
        (USERS, "Accounts2", {"table": "Accounts2"}),
    ],
)
@pytest.mark.parametrize("settings", [UPDATING, VERSIONED])
def test_a_table_may_have_any_name(
    dsn: str,
    table: Table,
    custom_name: str | None,
    names: dict[str, str],
    settings: dict[str, Any],
) -> None:
    with HasuraServer(dsn, table=table, custom_name=custom_name) as server:
        users = users_at(server, **names, **settings)
        write(users, a_user())
        write(users, a_user(email="new@example.com"), at=NOON + SECOND)

        assert [row[:2] for row in stored(server)] == [("ada", "new@example.com")]


def test_columns_and_constraints_may_have_any_name(dsn: str) -> None:
    columns = {
        "cognito_sub": Column(is_nullable=False),
        "Mail": Column(),
        "_seen": Column("timestamptz"),
    }
    table = Table(columns, {"people_sub_is_key": ("cognito_sub",)})
    with HasuraServer(dsn, table=table) as server:
        users = users_at(
            server,
            columns={"cognito_sub": "sub", "Mail": "email"},
            constraint="people_sub_is_key",
            update_columns=("Mail",),
            version_column="_seen",
        )
        for second in range(2):
            write(users, a_user(email=f"{second}@example.com"), at=NOON + second * SECOND)

        row = {"cognito_sub": "ada", "Mail": "1@example.com", "_seen": NOON + SECOND}
        assert server.rows() == [row]


def test_the_constraint_says_whose_conflict_means_the_same_user(server: HasuraServer) -> None:
    settings = {**UPDATING, "constraint": "users_email_key", "update_columns": ("id",)}
    write(users_at(server, **UPDATING), a_user())
    write(users_at(server, **settings), a_user("new", "ada@example.com"))

    assert stored(server) == [("new", "ada@example.com", None)]


def test_another_users_email_is_a_refusal(server: HasuraServer) -> None:
    users = users_at(server, **VERSIONED)
    write(users, a_user())
    server.requests.clear()

    error = refused(users, a_user("eve", "ada@example.com"))

    assert vars(error) == {
        "status": 200,
        "hasura_code": "constraint-violation",
        "is_transient": False,
        "is_refusal": True,
        "may_be_one_row": True,
    }
    assert str(error) == "Hasura: constraint-violation (HTTP 200)"
    assert len(server.requests) == 1
    assert stored(server) == [("ada", "ada@example.com", NOON)]


@pytest.mark.parametrize(
    "settings",
    [
        {"table": "people"},
        {"constraint": "users_pk"},
        {"columns": {"id": "sub", "mail": "email"}},
        {"columns": EMAIL, "version_column": "seen_at"},
        {"columns": EMAIL, "update_columns": ("email",), "version_column": "seen_at"},
    ],
)
def test_what_does_not_fit_the_schema_is_to_be_set_right(
    server: HasuraServer, settings: dict[str, Any]
) -> None:
    error = refused(users_at(server, **settings))

    assert (error.hasura_code, error.is_transient, error.is_refusal) == (
        "validation-failed", False, False,
    )  # fmt: skip
    assert (len(server.requests), server.rows()) == (1, [])


# Who writes


def test_without_a_role_the_secret_alone_is_sent(server: HasuraServer) -> None:
    write(users_at(server), a_user())

    (request,) = server.requests
    own = {
        name.lower(): value for name, value in request.headers.items() if name.lower()[:2] == "x-"
    }
    assert own == {"x-hasura-admin-secret": SECRET}
    assert request.headers["Content-Type"] == "application/json"
    assert (request.method, request.path) == ("POST", "/v1/graphql")


def test_a_role_writes_with_its_own_permissions(server: HasuraServer) -> None:
    users = users_at(server, role="sync", **VERSIONED)
    write(users, a_user())
    write(users, a_user(email="new@example.com"), at=NOON + SECOND)

    assert {request.headers["x-hasura-role"] for request in server.requests} == {"sync"}
    assert stored(server) == [("ada", "new@example.com", NOON + SECOND)]


@pytest.mark.parametrize(
    ("role", "settings", "code"),
    [
        ("stranger", {"columns": EMAIL}, "validation-failed"),
        ("reader", {"columns": EMAIL}, "validation-failed"),
        ("sync", {}, "validation-failed"),  # it may not write the username
        ("insert_only", UPDATING, "validation-failed"),
        ("blind", VERSIONED, "validation-failed"),  # it may not read the version
        ("checked", {"columns": EMAIL}, "permission-error"),
        ("backend", {"columns": EMAIL}, "validation-failed"),
    ],
)
def test_a_role_can_do_no_more_than_it_may(
    server: HasuraServer, role: str, settings: dict[str, Any], code: str
) -> None:
    assert code_of(users_at(server, role=role, **settings), a_user("eve")) == code
    assert (len(server.requests), server.rows()) == (1, [])


def test_a_backend_only_permission_is_used_where_it_is_asked_for(server: HasuraServer) -> None:
    write(users_at(server, role="backend", backend_only=True, columns=EMAIL), a_user())

    headers = server.requests[-1].headers
    assert headers["x-hasura-use-backend-only-permissions"] == "true"
    assert stored(server) == [("ada", "ada@example.com", None)]


def test_a_wrong_secret_is_denied_and_not_tried_again(server: HasuraServer) -> None:
    error = refused(users_at(server, admin_secret="of-another"))

    assert (error.hasura_code, error.is_transient, error.is_refusal) == (
        "access-denied", False, False,
    )  # fmt: skip
    assert (len(server.requests), server.rows()) == (1, [])


# A secret that is kept in AWS


class Rotating:
    """Secrets Manager with one secret, whose values are given one after the other; the last one stays."""

    def __init__(self, *values: str) -> None:
        self._answers = [AwsAnswer.of({"SecretString": value}) for value in values]
        self.requests = 0

    def then(self, answer: AwsAnswer) -> "Rotating":
        """Give this answer from then on."""
        self._answers.append(answer)
        return self

    def __call__(self, _request: AwsRequest) -> AwsAnswer:
        self.requests += 1
        return self._answers.pop(0) if self._answers[1:] else self._answers[0]


@contextmanager
def kept_in(secrets: Rotating, server: HasuraServer, **settings: Any) -> Iterator[HasuraUsers]:
    with answering(secrets) as url:
        environ = {
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": url,
        }
        yield users_at(server, admin_secret=Secret(ARN, environ), **settings)


def secrets_sent(server: HasuraServer) -> list[str]:
    return [request.headers["x-hasura-admin-secret"] for request in server.requests]


def test_a_rotated_secret_is_fetched_again_and_kept(server: HasuraServer) -> None:
    secrets = Rotating("old", SECRET)
    with kept_in(secrets, server) as users:
        write(users, a_user())
        write(users, a_user("ben"))

    assert secrets.requests == 2
    assert secrets_sent(server) == ["old", SECRET, SECRET]
    assert [row["id"] for row in server.rows()] == ["ada", "ben"]


@pytest.mark.parametrize("values", [("old",), ("old", "older")])
def test_a_secret_that_is_denied_again_is_not_fetched_a_third_time(
    server: HasuraServer, values: tuple[str, ...]
) -> None:
    secrets = Rotating(*values)
    with kept_in(secrets, server) as users:
        assert code_of(users) == "access-denied"

    assert (secrets.requests, secrets_sent(server)) == (2, list(values))


def test_nothing_but_a_denial_fetches_the_secret_again(server: HasuraServer) -> None:
    secrets = Rotating(SECRET)
    codes = ["permission-error", "invalid-headers", "constraint-violation", "invalid-jwt"]
    server.faults += [hasura.status(401), hasura.status(403), *map(hasura.error, codes)]

    with kept_in(secrets, server) as users:
        found = [code_of(users) for _ in range(6)]

    assert (found, secrets.requests) == (["unknown", "unknown", *codes], 1)


def test_the_secret_is_fetched_ahead_of_the_first_row(server: HasuraServer) -> None:
    secrets = Rotating(SECRET)
    with kept_in(secrets, server) as users:
        users.prepare(deadline=monotonic() + 5)
        assert (secrets.requests, server.requests) == (1, [])
        write(users, a_user())

    assert (secrets.requests, len(server.rows())) == (1, 1)


def test_what_the_store_of_secrets_says_comes_out(server: HasuraServer) -> None:
    gone = AwsAnswer.refusing("ResourceNotFoundException")
    with kept_in(Rotating().then(gone), server) as users, pytest.raises(AwsError):
        write(users, a_user())
    with kept_in(Rotating(""), server) as users, pytest.raises(SecretError):
        write(users, a_user())
    assert server.requests == []

    with kept_in(Rotating("old").then(gone), server) as users, pytest.raises(AwsError) as raised:
        write(users, a_user())
    assert raised.value.aws_code == "ResourceNotFoundException"
    assert (len(server.requests), server.rows()) == (1, [])


# What Hasura refuses, and what comes in the place of an answer

PASSING = (
    "concurrent-update",
    "postgres-error",
    "postgres-max-connections-error",
    "timeout",
    "unexpected",
)
REFUSALS = ("constraint-violation", "data-exception")
OTHERS = (
    "access-denied",
    "already-exists",
    "bad-request",
    "constraint-error",
    "invalid-headers",
    "invalid-json",
    "invalid-jwt",
    "invalid-params",
    "jwt-invalid-claims",
    "jwt-missing-role-claims",
    "method-not-allowed",
    "not-exists",
    "not-found",
    "not-supported",
    "parse-failed",
    "permission-denied",
    "permission-error",
    "validation-failed",
)
OF_A_ROW = (
    "invalid-json",
    "parse-failed",
    "permission-denied",
    "permission-error",
    "validation-failed",
)


def saying(body: object, status: int = 200) -> Fault:
    """Answer with this body, without executing anything."""
    said = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Fault(lambda _: [Answer(status, said).wire])


def an_error(code: object) -> dict[str, object]:
    return {"errors": [{"message": "m", "extensions": {"path": "$", "code": code}}]}


@pytest.mark.parametrize("code", PASSING)
def test_a_code_that_may_pass_is_tried_once_more(server: HasuraServer, code: str) -> None:
    users = users_at(server)
    server.faults.append(hasura.error(code))
    write(users, a_user())
    assert (len(server.requests), len(server.rows())) == (2, 1)

    server.faults += [hasura.error(code)] * 2
    error = refused(users, a_user("ben"))
    assert (error.hasura_code, error.is_transient, error.is_refusal) == (code, True, False)
    assert (len(server.requests), len(server.rows())) == (4, 1)


@pytest.mark.parametrize("code", [*REFUSALS, *OTHERS])
def test_any_other_code_is_final(server: HasuraServer, code: str) -> None:
    server.faults.append(hasura.error(code))

    error = refused(users_at(server))

    assert vars(error) == {
        "status": 200,
        "hasura_code": code,
        "is_transient": False,
        "is_refusal": code in REFUSALS,
        "may_be_one_row": code in (*REFUSALS, *OF_A_ROW),
    }
    assert (len(server.requests), server.rows()) == (1, [])


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_status_that_may_pass_is_tried_once_more(server: HasuraServer, status: int) -> None:
    users = users_at(server)
    server.faults.append(hasura.status(status))
    write(users, a_user())
    assert (len(server.requests), len(server.rows())) == (2, 1)

    server.faults += [hasura.status(status)] * 2
    error = refused(users, a_user("ben"))
    assert (error.status, error.hasura_code, error.is_transient) == (status, "unknown", True)
    assert (len(server.requests), len(server.rows())) == (4, 1)


@pytest.mark.parametrize("status", [201, 302, 400, 401, 403, 404, 500, 501])
def test_any_other_status_is_final_whatever_it_says(server: HasuraServer, status: int) -> None:
    users = users_at(server)
    written = {"data": {"a0": {"affected_rows": 1}}}
    server.faults += [saying(written, status), saying(an_error("data-exception"), status)]

    first, second = refused(users), refused(users)

    assert str(first) == f"Hasura: unknown (HTTP {status})"
    assert (first.is_transient, first.is_refusal) == (False, False)
    assert (second.status, second.hasura_code, second.is_refusal) == (
        status, "data-exception", True,
    )  # fmt: skip
    assert len(server.requests) == 2


DATA = {"a0": {"affected_rows": 1}}
UNREADABLE: dict[str, object] = {
    "neither": {},
    "null data": {"data": None},
    "empty data": {"data": {}},
    "one null field": {"data": {**DATA, "a1": None}},
    "data is a list": {"data": [DATA]},
    "errors beside data": {"data": DATA, "errors": [{"message": "m"}]},
    "errors are an object": {"data": DATA, "errors": {"0": {"extensions": {"code": "timeout"}}}},
    "error is null": {"errors": [None]},
    "no extensions": {"errors": [{"message": "m"}]},
    "extensions are a text": {"errors": [{"extensions": "code"}]},
    "code is a list": an_error(["timeout"]),
    "code of nobody": an_error("ada@example.com"),
    "code in capitals": an_error("TIMEOUT"),
    "null": None,
    "nothing": b"",
    "not UTF-8": b'{"data": {"a0": {"\xff": 1}}}',
    "half": json.dumps({"data": DATA}).encode()[:-3],
    "deep": b"[" * 100_000,
    "HTML": b"<h1>Welcome</h1>",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_answer_of_200_without_data_is_no_success(server: HasuraServer, body: object) -> None:
    server.faults.append(saying(body))

    error = refused(users_at(server))

    assert vars(error) == {
        "status": 200,
        "hasura_code": "unknown",
        "is_transient": False,
        "is_refusal": False,
        "may_be_one_row": False,
    }
    assert (len(server.requests), server.rows()) == (1, [])


@pytest.mark.parametrize(
    "body",
    [
        {"data": DATA},
        {"data": DATA, "errors": None},
        {"data": {"a0": {}}, "extensions": {"tracing": 1}},
        b" \n" + json.dumps({"data": DATA}).encode() + b"\n",
    ],
)
def test_data_without_errors_is_a_success(server: HasuraServer, body: object) -> None:
    server.faults.append(saying(body))

    write(users_at(server), a_user())

    assert len(server.requests) == 1


@pytest.mark.parametrize("settings", [{}, UPDATING, VERSIONED])
def test_a_lost_answer_is_asked_for_again_and_there_is_one_row(
    server: HasuraServer, settings: dict[str, Any]
) -> None:
    server.faults.append(hasura.answer_lost)

    write(users_at(server, **settings), a_user())

    assert [row["id"] for row in server.rows()] == ["ada"]
    first, second = server.requests
    assert first.body == second.body


def test_a_connection_that_breaks_is_tried_once_more(server: HasuraServer) -> None:
    users = users_at(server)
    server.faults.append(hasura.reset_unexecuted)
    write(users, a_user())
    assert (len(server.requests), len(server.rows())) == (2, 1)

    broken = users_at(server)  # which keeps no connection
    server.faults += [hasura.reset_unexecuted] * 2
    with pytest.raises(TransportError):
        write(broken, a_user("ben"))
    assert (len(server.requests), len(server.rows())) == (4, 1)


@pytest.mark.parametrize("fault", [hasura.error("timeout"), hasura.status(503)])
def test_there_is_no_second_attempt_without_time_for_it(server: HasuraServer, fault: Fault) -> None:
    server.faults.append(fault)

    error = refused(users_at(server), seconds=0.12)

    assert (error.is_transient, len(server.requests), server.rows()) == (True, 1, [])


def test_a_server_that_hangs_is_left_at_the_deadline(server: HasuraServer) -> None:
    server.faults.append(fauna.hang)

    with at_the_deadline(0.3), pytest.raises(DeadlineError):
        write(users_at(server), a_user(), seconds=0.3)

    assert len(server.requests) == 1


# Settings


def problems_of(**settings: Any) -> list[str]:
    good = {"url": "https://hasura.example.com/v1/graphql", "admin_secret": SECRET}
    with pytest.raises(SettingsError) as raised:
        HasuraUsers(**good | settings)
    return [str(problem) for problem in raised.value.problems]


NO_ROLE = "role: expected printable ASCII; Hasura treats an empty role as admin"
NO_SUB = "columns: one column must be taken from sub, as in id=sub"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"url": ""}, "url: expected a URL, as in https://host:port"),
        (
            {"url": "http://hasura.example.com/v1/graphql"},
            "url: must start with https://; plain http:// is for a loopback address",
        ),
        ({"admin_secret": "a\nb"}, "admin_secret: expected printable ASCII characters"),
        (
            {"admin_secret": "ssm:path"},
            "admin_secret: a parameter's path starts with a slash, as in ssm:/path",
        ),
        (
            {"admin_secret": ARN},
            "admin_secret: a reference needs an environment: Secret(reference, os.environ)",
        ),
        ({"role": ""}, NO_ROLE),
        ({"role": "sync\r\nx-hasura-role: admin"}, NO_ROLE),
        ({"role": "bénévole"}, NO_ROLE),
        ({"table": "auth.users"}, f"table: {NAME}"),
        ({"table": "users(objects:[]){affected_rows}}#"}, f"table: {NAME}"),
        ({"constraint": "users-pkey"}, f"constraint: {NAME}"),
        ({"columns": {"id": "email"}}, NO_SUB),
        ({"columns": {"id": "sub", "key": "sub"}}, NO_SUB),
        ({"columns": {"id": "sub", "email": ""}}, "columns: expected column=attribute"),
        (
            {"columns": {"id": "sub", "e-mail": "email"}},
            "columns: a column must be a GraphQL name: letters, digits and _",
        ),
        ({"update_columns": ("email",)}, "update_columns: each must be one of the columns"),
        (
            {"update_columns": ("username", "synced_at"), "version_column": "synced_at"},
            "update_columns: each must be one of the columns",
        ),
        ({"version_column": "synced at"}, f"version_column: {NAME}"),
        ({"version_column": "username"}, "version_column: cannot be one of the columns"),
    ],
)
def test_a_wrong_setting_is_told(settings: dict[str, Any], expected: str) -> None:
    assert problems_of(**settings) == [expected]


def test_the_columns_are_a_copy() -> None:
    columns = {"id": "sub"}
    users = HasuraUsers(url=ENVIRON["HASURA_SYNC_URL"], admin_secret=SECRET, columns=columns)
    columns["e-mail"] = "email"

    assert users.columns == {"id": "sub"}


SETTINGS = (
    "role",
    "backend_only",
    "table",
    "constraint",
    "columns",
    "update_columns",
    "version_column",
)


def settings_of(environ: Mapping[str, str]) -> dict[str, object]:
    users = HasuraUsers.from_env(environ)
    return {name: getattr(users, name) for name in SETTINGS}


def test_the_environment_needs_only_the_url_and_the_secret() -> None:
    assert settings_of(ENVIRON) == {
        "role": None,
        "backend_only": False,
        "table": "users",
        "constraint": "users_pkey",
        "columns": {"id": "sub", "username": "userName"},
        "update_columns": (),
        "version_column": None,
    }


def test_the_environment_says_the_rest() -> None:
    more = {
        "ROLE": "sync",
        "BACKEND_ONLY": "true",
        "TABLE": "auth_users",
        "CONSTRAINT": "auth_pkey",
        "COLUMNS": "id=sub, email=email",
        "UPDATE_COLUMNS": "email",
        "VERSION_COLUMN": "synced_at",
    }
    environ = {**ENVIRON, **{f"HASURA_SYNC_{name}": text for name, text in more.items()}}

    assert settings_of(environ) == {
        "role": "sync",
        "backend_only": True,
        "table": "auth_users",
        "constraint": "auth_pkey",
        "columns": EMAIL,
        "update_columns": ("email",),
        "version_column": "synced_at",
    }


def test_a_secret_may_be_a_reference_of_the_environment() -> None:
    HasuraUsers.from_env({**ENVIRON, "HASURA_SYNC_ADMIN_SECRET": f"{ARN}#admin"})


def test_every_wrong_variable_is_told_at_once() -> None:
    wrong = {
        "ADMIN_SECRET": "ssm:path",
        "BACKEND_ONLY": "yes",
        "COLUMNS": "id=email",
        "CONSTRAINT": "users-pkey",
        "RULE": "sync",
        "TABLE": "auth.users",
        "UPDATE_COLUMNS": "email,,id",
        "VERSION_COLUMN": "id",
    }
    with pytest.raises(SettingsError) as raised:
        HasuraUsers.from_env({f"HASURA_SYNC_{name}": text for name, text in wrong.items()})

    assert {problem.setting: problem.message for problem in raised.value.problems} == {
        "HASURA_SYNC_ADMIN_SECRET": "a parameter's path starts with a slash, as in ssm:/path",
        "HASURA_SYNC_BACKEND_ONLY": "expected one of true, false",
        "HASURA_SYNC_COLUMNS": "one column must be taken from sub, as in id=sub",
        "HASURA_SYNC_CONSTRAINT": NAME,
        "HASURA_SYNC_RULE": "unknown setting; did you mean HASURA_SYNC_ROLE?",
        "HASURA_SYNC_TABLE": NAME,
        "HASURA_SYNC_UPDATE_COLUMNS": "entry 2 of the comma list is empty",
        "HASURA_SYNC_URL": "required",
        "HASURA_SYNC_VERSION_COLUMN": "cannot be one of the columns",
    }


def test_the_variables_of_the_sync_and_of_the_claims_do_not_disturb_each_other() -> None:
    own = {"HASURA_DEFAULT_ROLE": "guest", "HASURA_ALLOWED_ROLES": "guest"}
    environ = {**ENVIRON, **own, "HASURA_SYNC_ROLE": "sync"}

    claims = HasuraClaims.from_env(environ)

    assert claims.default_role == "guest"
    assert settings_of(environ) == {**settings_of(ENVIRON), "role": "sync"}


# Nobody's values are told

HIDDEN = "hunter" + "2"  # so that no line of this file holds it, as a traceback would show


def texts(error: BaseException | None) -> Iterator[str]:
    """Give all that an error, its causes and its contexts tell."""
    if error is not None:
        yield from (str(error), repr(error), repr(vars(error)), repr(error.args))
        yield from traceback.format_exception(error)
        yield from texts(error.__cause__)
        yield from texts(error.__context__)


def told_by(sink: Sink, *users: User, at: datetime = NOON) -> str:
    with pytest.raises(CognitoClaimsError) as raised:
        write(sink, *users, at=at, seconds=0.5)
    return "\n".join(texts(raised.value))


@pytest.mark.parametrize("role", [None, "sync"])
@pytest.mark.parametrize("settings", [UPDATING, VERSIONED])
def test_a_refusal_tells_neither_the_email_nor_the_secret(
    server: HasuraServer, role: str | None, settings: dict[str, Any]
) -> None:
    users = users_at(server, role=role, **settings)
    write(users, a_user("ada", HIDDEN))

    text = told_by(users, a_user(f"{HIDDEN} of eve", HIDDEN))

    assert "constraint-violation" in text
    assert not [word for word in (HIDDEN, SECRET, "INSERT", "users_email_key") if word in text]


def test_what_the_role_admin_is_shown_of_the_sql_is_not_told(server: HasuraServer) -> None:
    users = users_at(server, columns=EMAIL, update_columns=("email",))
    twice = a_user(email=HIDDEN), a_user(email=f"{HIDDEN}.new")

    text = told_by(users, *twice)

    assert "Hasura: unexpected (HTTP 200)" in text
    assert not [word for word in (HIDDEN, SECRET, "INSERT", "cannot affect") if word in text]


LEAKS: dict[str, Fault] = {
    "code": saying(an_error(HIDDEN)),
    "message": saying({"errors": [{"message": HIDDEN, "extensions": {"code": "not-found"}}]}),
    "internal": saying({"errors": [{"extensions": {"code": "timeout", "internal": HIDDEN}}]}),
    "not JSON": saying(f"<h1>{HIDDEN}</h1>".encode()),
    "half JSON": saying(f'{{"data": {{"{HIDDEN}'.encode()),
    "a status": saying({"error": HIDDEN}, 500),
    "not HTTP": Fault(lambda _: [f"{HIDDEN} {SECRET}\r\n\r\n".encode(), fauna.End.CLOSE]),
    "half HTTP": Fault(lambda _: [f"HTTP/1.1 200 OK\r\nX: {HIDDEN}".encode(), fauna.End.RESET]),
    "a hang": fauna.hang,
    "a reset": hasura.reset_unexecuted,
}


@pytest.mark.parametrize("fault", LEAKS.values(), ids=LEAKS.keys())
def test_no_answer_makes_an_error_that_tells_it(server: HasuraServer, fault: Fault) -> None:
    server.faults += [fault] * 3

    text = told_by(users_at(server, columns=EMAIL), a_user(HIDDEN, f"{HIDDEN}@example.com"))

    assert not [word for word in (HIDDEN, SECRET) if word in text]


@pytest.mark.parametrize("value", ["\ud800", "\0", "é" * 300_000])
def test_a_value_that_cannot_be_written_is_not_told(server: HasuraServer, value: str) -> None:
    (server.faults if len(value) > 1 else []).append(hasura.error("data-exception"))

    text = told_by(users_at(server, columns=EMAIL), a_user(email=f"{HIDDEN}{value}"))

    assert not [word for word in (HIDDEN, SECRET) if word in text]
    assert server.rows() == []


def test_a_secret_that_was_denied_is_not_told_nor_is_the_one_that_came_after(
    server: HasuraServer,
) -> None:
    denied, empty = AwsAnswer.refusing("AccessDeniedException"), AwsAnswer.of({"SecretString": ""})
    old = f"{HIDDEN}1"
    rotating = Rotating(old, f"{HIDDEN}2"), Rotating(old).then(denied), Rotating(old).then(empty)
    for secrets in rotating:
        with kept_in(secrets, server) as users:
            assert HIDDEN not in told_by(users, a_user(HIDDEN))


def test_no_setting_is_told(server: HasuraServer) -> None:
    wrong: dict[str, Any] = {
        "url": f"https://{HIDDEN}@hasura.example.com/",
        "admin_secret": f"{HIDDEN}\n{HIDDEN}",
        "role": f"{HIDDEN}\n",
        "table": f"{HIDDEN}-",
        "constraint": f"{HIDDEN}-",
        "columns": {f"{HIDDEN}-": HIDDEN},
        "update_columns": (HIDDEN,),
        "version_column": f"{HIDDEN}-",
    }
    with pytest.raises(SettingsError) as raised:
        HasuraUsers(**wrong)

    assert {problem.setting for problem in raised.value.problems} == set(wrong)
    assert HIDDEN not in "\n".join(texts(raised.value))
    assert SECRET not in repr(users_at(server)) + repr(vars(users_at(server)))


# The error


def test_an_errors_class_and_text_come_from_its_status_and_code() -> None:
    error = HasuraError(503, "data-exception")

    assert (error.code, str(error)) == ("hasura", "Hasura: data-exception (HTTP 503)")
    assert (error.is_transient, error.is_refusal) == (True, True)


def test_a_row_as_of_a_moment_that_is_none_is_refused(server: HasuraServer) -> None:
    users = users_at(server, **VERSIONED)
    with pytest.raises(HasuraError) as raised:
        users.write([Row({"id": "ada", "email": None}, "noon")], deadline=monotonic() + 5)

    assert raised.value.hasura_code == "data-exception"
