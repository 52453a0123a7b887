"""The stand-in of Hasura is strict, its faults are what they say, and its rows are PostgreSQL's."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from graphql import build_client_schema, get_introspection_query, print_type

from tests.stand_ins import fauna_wire as fauna
from tests.stand_ins import hasura
from tests.stand_ins.certificates import Authority
from tests.stand_ins.fauna_wire import Fault
from tests.stand_ins.hasura import SECRET, HasuraServer
from tests.stand_ins.hasura_schema import USERS, Role
from tests.stand_ins.postgres import Column, Table

SYNC = "mutation($objects:[users_insert_input!]!,$on_conflict:users_on_conflict){insert_users(objects:$objects,on_conflict:$on_conflict){affected_rows}}"
INSERT = "mutation($objects:[users_insert_input!]!){insert_users(objects:$objects){affected_rows}}"
TWO = "mutation($a:[users_insert_input!]!,$b:[users_insert_input!]!){a0:insert_users(objects:$a){affected_rows} a1:insert_users(objects:$b){affected_rows}}"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ARGS = "$.selectionSet.insert_users.args"
NEWEST = {"constraint": "users_pkey", "update_columns": ["email", "synced_at"]}
WRITTEN = ("id", "email", "synced_at")
ROLES = {
    "sync": Role(insert=WRITTEN, update=WRITTEN[1:], select=WRITTEN),
    "insert_only": Role(insert=WRITTEN, select=WRITTEN),
    "blind": Role(insert=WRITTEN, update=WRITTEN[1:]),
    "reader": Role(select=WRITTEN),
    "backend": Role(insert=WRITTEN, backend_only=True),
    "checked": Role(
        insert=WRITTEN,
        update=WRITTEN[1:],
        select=WRITTEN,
        check={"email": {"_neq": "evil@example.com"}},
    ),
}
TYPED = Table(
    columns={
        "id": Column("uuid", is_nullable=False),
        "email": Column("citext"),
        "profile": Column("jsonb"),
        "is_admin": Column("bool"),
        "synced_at": Column("timestamptz"),
    },
    constraints={"users_pkey": ("id",), "users_email_key": ("email",)},
)
CAPTURED = Table(
    columns={
        "id": Column(is_nullable=False),
        "username": Column(),
        "email": Column(),
        "created_at": Column("timestamptz", default="now()"),
    },
    constraints={"users_pkey": ("id",), "users_email_key": ("email",)},
)


@pytest.fixture
def server(dsn: str) -> Iterator[HasuraServer]:
    with HasuraServer(dsn, roles=ROLES) as server:
        yield server


@pytest.fixture
def typed(dsn: str) -> Iterator[HasuraServer]:
    with HasuraServer(dsn, table=TYPED) as server:
        yield server


def headers_of(role: str | None = None, **more: str) -> dict[str, str]:
    headers = {"content-type": "application/json", "x-hasura-admin-secret": SECRET}
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return headers | ({"x-hasura-role": role} if role else {}) | named


def post(
    server: HasuraServer,
    body: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float = 5,
    path: str = "/v1/graphql",
    method: str = "POST",
) -> tuple[int, bytes]:
    netloc = urlsplit(server.url).netloc
    with closing(HTTPConnection(netloc, timeout=seconds)) as connection:
        connection.request(method, path, body, headers)
        with connection.getresponse() as response:
            return response.status, response.read()


def ask(server: HasuraServer, query: str, role: str | None = None, **variables: object) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    status, answer = post(server, body, headers_of(role))
    assert status == 200
    return json.loads(answer)


def data(server: HasuraServer, query: str, role: str | None = None, **variables: object) -> Any:
    answer = ask(server, query, role, **variables)
    assert set(answer) == {"data"}, answer
    return answer["data"]


def error(server: HasuraServer, query: str, role: str | None = None, **variables: object) -> Any:
    """Give the one error there is, flat."""
    answer = ask(server, query, role, **variables)
    assert set(answer) == {"errors"}, answer
    (found,) = answer["errors"]
    assert set(found) == {"message", "extensions"}
    return {"message": found["message"]} | found["extensions"]


def refused(
    server: HasuraServer, query: str, role: str | None = None, **variables: object
) -> tuple[str, str]:
    found = error(server, query, role, **variables)
    return found["code"], found["path"]


def user(
    name: str = "ada", email: str | None = "ada@example.com", at: datetime | None = NOON
) -> dict[str, str | None]:
    return {"id": name, "email": email, "synced_at": at.isoformat() if at else None}


def stored(server: HasuraServer) -> list[tuple[object, ...]]:
    return [(row["id"], row["email"], row["synced_at"]) for row in server.rows()]


def rows_of(*names: str) -> list[tuple[object, ...]]:
    return [(name, f"{name}@example.com", NOON) for name in names]


ADA = rows_of("ada")
BEN = user("ben", "ben@example.com")


# The mutation


def test_a_sync_inserts_rows_of_which_the_others_columns_have_their_defaults(
    server: HasuraServer,
) -> None:
    answer = data(server, SYNC, "sync", objects=[BEN, user()], on_conflict=NEWEST)

    assert answer == {"insert_users": {"affected_rows": 2}}
    assert stored(server) == rows_of("ada", "ben")
    assert [row["username"] for row in server.rows()] == [None, None]
    age = datetime.now(UTC) - server.rows()[0]["created_at"]
    assert timedelta(0) <= age < timedelta(minutes=1)


def test_a_row_that_is_there_is_updated_in_the_columns_that_are_named(
    server: HasuraServer,
) -> None:
    later = NOON + timedelta(seconds=1)
    data(server, SYNC, objects=[user()], on_conflict=NEWEST)

    clause = NEWEST | {"update_columns": ["synced_at"]}
    answer = data(
        server, SYNC, objects=[user(email="new@example.com", at=later)], on_conflict=clause
    )

    assert answer == {"insert_users": {"affected_rows": 1}}
    assert stored(server) == [("ada", "ada@example.com", later)]


@pytest.mark.parametrize("clause", [{"update_columns": []}, {}])
@pytest.mark.parametrize("role", ["sync", "insert_only", "blind"])
def test_no_update_columns_leave_the_row_that_is_there(
    server: HasuraServer, role: str, clause: dict[str, object]
) -> None:
    data(server, SYNC, objects=[user()], on_conflict=NEWEST)

    clause = {"constraint": "users_pkey"} | clause
    answer = data(
        server, SYNC, role, objects=[user(email="new@example.com"), BEN], on_conflict=clause
    )

    assert answer == {"insert_users": {"affected_rows": 1}}
    assert stored(server) == rows_of("ada", "ben")


T = NOON.isoformat()
LATER = (NOON + timedelta(seconds=1)).isoformat()


@pytest.mark.parametrize(
    ("where", "is_updated"),
    [
        ({}, True),
        ({"synced_at": {"_lt": LATER}}, True),
        ({"synced_at": {"_lt": T}}, False),
        ({"synced_at": {"_lte": T}}, True),
        ({"synced_at": {"_eq": "2026-01-01T13:00:00+01:00"}}, True),
        ({"synced_at": {"_is_null": True}}, False),
        ({"username": {"_is_null": True}}, True),
        ({"_not": {"username": {"_lt": "z"}}}, False),
        ({"_or": [{"synced_at": {"_lt": T}}, {"username": {"_is_null": True}}]}, True),
        ({"_and": [{"synced_at": {"_lt": T}}, {"username": {"_is_null": True}}]}, False),
        ({"synced_at": {"_lt": LATER}, "email": {"_eq": "x"}}, False),
    ],
)
def test_where_is_asked_of_the_row_that_is_there(
    server: HasuraServer, where: dict[str, object], *, is_updated: bool
) -> None:
    data(server, SYNC, objects=[user()], on_conflict=NEWEST)

    new, clause = user(email="new@example.com"), NEWEST | {"where": where}
    answer = data(server, SYNC, objects=[new], on_conflict=clause)

    assert answer == {"insert_users": {"affected_rows": int(is_updated)}}
    assert stored(server)[0][1] == ("new@example.com" if is_updated else "ada@example.com")


def test_aliased_inserts_each_with_a_where_of_its_own_keep_the_newer_row(
    server: HasuraServer,
) -> None:
    data(server, SYNC, objects=[user(), BEN], on_conflict=NEWEST)
    variables: dict[str, object] = {}
    for name, at in (("ada", NOON - timedelta(hours=1)), ("ben", NOON + timedelta(hours=1))):
        variables |= {f"{name}_rows": [user(name, "new@example.com", at)]}
        variables |= {f"{name}_c": NEWEST | {"where": {"synced_at": {"_lt": at.isoformat()}}}}
    one = "{0}: insert_users(objects: ${0}_rows, on_conflict: ${0}_c) {{ affected_rows }}"
    types = "${0}_rows: [users_insert_input!]!, ${0}_c: users_on_conflict"
    head = ", ".join(types.format(name) for name in ("ada", "ben"))
    fields = " ".join(one.format(name) for name in ("ada", "ben"))

    answer = data(server, f"mutation ({head}) {{ {fields} }}", "sync", **variables)

    assert answer == {"ada": {"affected_rows": 0}, "ben": {"affected_rows": 1}}
    newer = ("ben", "new@example.com", NOON + timedelta(hours=1))
    assert stored(server) == [*ADA, newer]


# All or nothing


def test_a_field_that_fails_undoes_those_before_it(server: HasuraServer) -> None:
    found = refused(server, TWO, "sync", a=[user()], b=[user("eve")])

    assert found == ("constraint-violation", f"{ARGS}.objects")
    assert server.rows() == []


def test_the_next_request_finds_nothing_of_a_mutation_that_failed(server: HasuraServer) -> None:
    refused(server, TWO, a=[user()], b=[user()])

    assert data(server, INSERT, objects=[user()]) == {"insert_users": {"affected_rows": 1}}


def test_the_same_id_twice_in_one_insert_is_an_error(server: HasuraServer) -> None:
    found = error(server, SYNC, "sync", objects=[user(), user()], on_conflict=NEWEST)

    assert found["message"] == "database query error"
    assert (found["code"], found["path"]) == ("unexpected", f"{ARGS}.objects")
    assert server.rows() == []


@pytest.mark.parametrize("columns", [[], ["email"]])
def test_on_conflict_catches_no_constraint_but_its_own(
    server: HasuraServer, columns: list[str]
) -> None:
    data(server, SYNC, objects=[user()], on_conflict=NEWEST)

    clause = NEWEST | {"update_columns": columns}
    found = error(server, SYNC, "sync", objects=[BEN, user("eve")], on_conflict=clause)

    assert found == {
        "message": 'Uniqueness violation. duplicate key value violates unique constraint "users_email_key"',
        "code": "constraint-violation",
        "path": f"{ARGS}.objects",
    }
    assert stored(server) == ADA


def test_syncs_of_one_user_side_by_side_leave_the_newest(server: HasuraServer) -> None:
    def sync(second: int) -> Any:
        at = NOON + timedelta(seconds=second)
        clause = NEWEST | {"where": {"synced_at": {"_lt": at.isoformat()}}}
        row = user(email=f"{second}@example.com", at=at)
        return data(server, SYNC, "sync", objects=[row], on_conflict=clause)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sync, (7, 3, 59, 1, 58, *range(50))))

    assert stored(server) == [("ada", "59@example.com", NOON + timedelta(seconds=59))]


# Errors of PostgreSQL


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("22P02", "data-exception"),
        ("23502", "constraint-violation"),
        ("23514", "permission-error"),
        ("42704", "constraint-error"),
        ("42501", "unexpected"),
    ],
)
def test_an_sqlstate_has_its_code(server: HasuraServer, dsn: str, state: str, code: str) -> None:
    with raising(dsn, f"RAISE EXCEPTION 'no luck' USING ERRCODE = '{state}'"):
        found = error(server, INSERT, "sync", objects=[user()])

    assert (found["code"], found["path"]) == (code, f"{ARGS}.objects")
    assert ("no luck" in found["message"]) == (code != "unexpected")
    assert server.rows() == []


@contextmanager
def raising(dsn: str, statement: str) -> Iterator[None]:
    """Let a trigger run this statement for each row that is inserted."""
    body = f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN NEW; END $$"
    trigger = "CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(body)
        connection.execute(trigger)
        yield
        connection.execute("DROP FUNCTION f CASCADE")


def test_a_connection_that_is_lost_is_an_error_and_the_next_request_gets_another(
    server: HasuraServer, dsn: str
) -> None:
    with raising(dsn, "PERFORM pg_terminate_backend(pg_backend_pid())"):
        assert refused(server, INSERT, objects=[user()]) == ("postgres-error", "$")

    assert data(server, INSERT, objects=[user()]) == {"insert_users": {"affected_rows": 1}}


# Types


def test_values_of_every_type_reach_their_columns(typed: HasuraServer) -> None:
    key = "8a9b1f5e-6f1b-4c0e-9a53-0d6d9d2a1c11"
    row = {"id": key, "email": "Ada@Example.com", "profile": {"a": [1, None]}, "is_admin": False}
    data(typed, INSERT, objects=[row])

    clause = {"constraint": "users_email_key", "update_columns": ["is_admin"]}
    again = row | {"id": str(UUID(int=1)), "email": "ADA@EXAMPLE.COM", "is_admin": True}
    answer = data(typed, SYNC, objects=[again], on_conflict=clause)

    assert answer == {"insert_users": {"affected_rows": 1}}
    kept = {"id": UUID(key), "is_admin": True, "synced_at": None}
    assert typed.rows() == [row | kept]


@pytest.mark.parametrize(
    ("column", "value", "code", "path"),
    [
        ("id", "no-uuid", "data-exception", ""),
        ("id", 1, "parse-failed", "[0].id"),
        ("id", None, "validation-failed", "[0].id"),
        ("email", "a\0b", "data-exception", ""),
        ("is_admin", "true", "validation-failed", "[0].is_admin"),
        ("synced_at", "yesterday week", "data-exception", ""),
        ("nickname", "x", "validation-failed", "[0]"),
    ],
)
def test_a_value_that_its_column_cannot_hold_is_refused(
    typed: HasuraServer, column: str, value: object, code: str, path: str
) -> None:
    row = {"id": str(UUID(int=1)), column: value}

    assert refused(typed, INSERT, objects=[row]) == (code, f"{ARGS}.objects{path}")
    assert typed.rows() == []


@pytest.mark.parametrize(
    ("table", "declared", "path"),
    [
        (TYPED, "String!", f"{ARGS}.objects[0].id"),
        (TYPED, "uuid!", None),
        (USERS, "String!", None),
        (USERS, "uuid!", "$"),  # a type that no column of this table has
        (USERS, "timestamptz!", f"{ARGS}.objects[0].id"),
    ],
)
def test_a_variable_is_of_the_columns_type_or_refused(
    dsn: str, table: Table, declared: str, path: str | None
) -> None:
    query = (
        f"mutation ($id: {declared}) {{ insert_users(objects: [{{id: $id}}]) {{ affected_rows }} }}"
    )
    with HasuraServer(dsn, table=table) as server:
        answer = ask(server, query, id=str(UUID(int=1)))

        assert len(server.rows()) == (path is None)
    if path:
        extensions = {"path": path, "code": "validation-failed"}
        assert answer["errors"][0]["extensions"] == extensions


# The schema


def schema_of(server: HasuraServer, role: str | None = None) -> Callable[[str], str]:
    schema = build_client_schema(data(server, get_introspection_query(), role))

    def words(name: str) -> str:
        found = schema.get_type(name)
        return " ".join(print_type(found).split()) if found else "nothing"

    return words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("users_constraint", "enum users_constraint { users_pkey users_email_key }"),
        ("users_update_column", "enum users_update_column { created_at email id username }"),
        (
            "users_insert_input",
            "input users_insert_input { created_at: timestamptz email: String id: String username: String }",
        ),
        (
            "users_on_conflict",
            "input users_on_conflict { constraint: users_constraint! update_columns: [users_update_column!]! = [] where: users_bool_exp }",
        ),
        (
            "users_mutation_response",
            "type users_mutation_response { affected_rows: Int! returning: [users!]! }",
        ),
        (
            "mutation_root",
            "type mutation_root { insert_users(objects: [users_insert_input!]!, on_conflict: users_on_conflict): users_mutation_response insert_users_one(object: users_insert_input!, on_conflict: users_on_conflict): users }",
        ),
        (
            "users",
            "type users { created_at: timestamptz email: String id: String! username: String }",
        ),
        (
            "users_bool_exp",
            "input users_bool_exp { _and: [users_bool_exp!] _not: users_bool_exp _or: [users_bool_exp!] created_at: timestamptz_comparison_exp email: String_comparison_exp id: String_comparison_exp username: String_comparison_exp }",
        ),
    ],
)
def test_the_schema_is_the_one_that_was_captured(dsn: str, name: str, expected: str) -> None:
    with HasuraServer(dsn, table=CAPTURED) as server:
        assert schema_of(server)(name) == expected


@pytest.mark.parametrize(
    ("role", "name", "expected"),
    [
        (
            "sync",
            "users_insert_input",
            "input users_insert_input { email: String id: String synced_at: timestamptz }",
        ),
        ("sync", "users_update_column", "enum users_update_column { email synced_at }"),
        ("sync", "users", "type users { email: String id: String! synced_at: timestamptz }"),
        ("insert_only", "users_update_column", "enum users_update_column { _PLACEHOLDER }"),
        ("blind", "users", "nothing"),
        (
            "blind",
            "users_mutation_response",
            "type users_mutation_response { affected_rows: Int! }",
        ),
        (
            "blind",
            "users_bool_exp",
            "input users_bool_exp { _and: [users_bool_exp!] _not: users_bool_exp _or: [users_bool_exp!] }",
        ),
        ("reader", "mutation_root", "nothing"),
        ("backend", "mutation_root", "nothing"),
        ("stranger", "mutation_root", "nothing"),
    ],
)
def test_a_role_sees_the_columns_that_it_may_touch(
    server: HasuraServer, role: str, name: str, expected: str
) -> None:
    assert schema_of(server, role)(name) == expected


@pytest.mark.parametrize(
    ("options", "field", "prefix", "affected", "columns"),
    [
        ({}, "insert_auth_users", "auth_users_", "affected_rows", "update_columns"),
        ({"custom_name": "people"}, "insert_people", "people_", "affected_rows", "update_columns"),
        (
            {"naming": "graphql-default"},
            "insertAuthUsers",
            "AuthUsers",
            "affectedRows",
            "updateColumns",
        ),
    ],
)
def test_schemas_custom_names_and_naming_conventions_name_everything(
    dsn: str, options: dict[str, Any], field: str, prefix: str, affected: str, columns: str
) -> None:
    camel = prefix == "AuthUsers"
    rows, conflict = ("InsertInput", "OnConflict") if camel else ("insert_input", "on_conflict")
    argument, synced = ("onConflict", "syncedAt") if camel else ("on_conflict", "synced_at")
    is_null = "_isNull" if camel else "_is_null"
    query = f"mutation($o:[{prefix}{rows}!]!,$c:{prefix}{conflict}){{{field}(objects:$o,{argument}:$c){{{affected} returning {{id {synced}}}}}}}"
    clause = {"constraint": "users_pkey", columns: [synced], "where": {synced: {is_null: True}}}
    with HasuraServer(dsn, table=USERS._replace(schema="auth"), **options) as server:
        answers = [
            data(server, query, o=[{"id": "ada", synced: at}], c=clause)[field]
            for at in (None, T, LATER)
        ]

        written = [{"id": "ada", synced: None}], [{"id": "ada", synced: T}]
        found = [{affected: 1, "returning": [row]} for (row,) in written]
        assert answers == [*found, {affected: 0, "returning": []}]
        assert stored(server) == [("ada", None, NOON)]


# What is refused before PostgreSQL is asked


@pytest.mark.parametrize(
    ("role", "clause", "path"),
    [
        ("sync", {"constraint": "users_pk"}, ".constraint"),
        ("sync", {"update_columns": []}, ""),
        ("sync", NEWEST | {"update_columns": ["username"]}, ".update_columns[0]"),
        ("sync", NEWEST | {"where": {"synced_at": None}}, ".where.synced_at"),
        ("sync", NEWEST | {"where": {"synced_at": {"_lt": None}}}, ".where.synced_at._lt"),
        ("sync", NEWEST | {"where": {"username": {"_eq": "x"}}}, ".where"),
        ("sync", None, ""),
        ("insert_only", NEWEST, ".update_columns[0]"),
        ("insert_only", {"constraint": "users_pkey", "update_columns": ["_PLACEHOLDER"]}, ""),
        ("blind", NEWEST | {"where": {"synced_at": {"_lt": T}}}, ".where"),
    ],
)
def test_on_conflict_is_held_to_the_schema_and_to_the_role(
    server: HasuraServer, role: str, clause: object, path: str
) -> None:
    found = refused(server, SYNC, role, objects=[user()], on_conflict=clause)

    assert found == ("validation-failed", f"{ARGS}.on_conflict{path}")
    assert server.rows() == []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("", "$.query"),
        (
            "mutation { insert_people(objects: []) { affected_rows } }",
            "$.selectionSet.insert_people",
        ),
        (
            'mutation { insert_users(objects: [{id: "a", username: "b"}]) { affected_rows } }',
            f"{ARGS}.objects[0].username",
        ),
        (
            "mutation { insert_users(objects: [{id: 1}]) { affected_rows } }",
            f"{ARGS}.objects[0].id",
        ),
        (
            "mutation { insert_users(objects: []) { returning { username } } }",
            "$.selectionSet.insert_users.selectionSet.returning.selectionSet.username",
        ),
        ("mutation { insert_users { affected_rows } }", "$.selectionSet.insert_users"),
        ("{ insert_users(objects: []) { affected_rows } }", "$.selectionSet.insert_users"),
        ("subscription { no_queries_available }", "$"),
    ],
)
def test_a_document_that_is_not_valid_for_the_role_is_refused(
    server: HasuraServer, query: str, path: str
) -> None:
    assert refused(server, query, "sync") == ("validation-failed", path)


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"objects": [], "extra": 1}, "$"),
        ({"objects": [], "on_conflict": NEWEST}, "$"),
        ({"objects": None}, f"{ARGS}.objects"),
        ({"objects": [None]}, f"{ARGS}.objects[0]"),
        ({}, f"{ARGS}.objects"),
    ],
)
def test_variables_are_those_that_the_document_uses(
    server: HasuraServer, variables: dict[str, object], path: str
) -> None:
    assert refused(server, INSERT, "sync", **variables) == ("validation-failed", path)


# Who may


@pytest.mark.parametrize("role", ["reader", "stranger", "Admin"])
def test_a_role_that_may_insert_nothing_has_no_mutations(server: HasuraServer, role: str) -> None:
    found = error(server, INSERT, role, objects=[user()])

    expected = {"message": "no mutations exist", "code": "validation-failed", "path": "$"}
    assert found == expected


def with_headers(server: HasuraServer, headers: Mapping[str, str]) -> Any:
    body = json.dumps({"query": INSERT, "variables": {"objects": [user()]}}).encode()
    status, answer = post(server, body, headers)
    assert status == 200
    return json.loads(answer)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ("true", None),
        ("false", "validation-failed"),
        ("1", "bad-request"),
    ],
)
def test_permissions_for_backends_alone_are_asked_for(
    server: HasuraServer, wish: str, code: str | None
) -> None:
    headers = headers_of("backend", x_hasura_use_backend_only_permissions=wish)

    answer = with_headers(server, headers)

    found = [each["extensions"]["code"] for each in answer.get("errors", [])]
    assert found == ([code] if code else [])
    assert stored(server) == ([] if code else ADA)


@pytest.mark.parametrize("secret", [None, "wrong"])
def test_without_the_admin_secret_nothing_is_done(server: HasuraServer, secret: str | None) -> None:
    headers = headers_of("sync", x_hasura_admin_secret=secret or "")
    if secret is None:
        del headers["x-hasura-admin-secret"]

    (found,) = with_headers(server, headers)["errors"]

    assert found["extensions"] == {"path": "$", "code": "access-denied"}
    assert server.rows() == []


@pytest.mark.parametrize("is_there", [False, True])
def test_a_row_that_fails_the_roles_check_undoes_all(
    server: HasuraServer, *, is_there: bool
) -> None:
    if is_there:
        data(server, INSERT, objects=[user()])
    before = server.rows()

    evil = user(email="evil@example.com")
    found = error(server, SYNC, "checked", objects=[BEN, evil], on_conflict=NEWEST)

    assert found == {
        "message": "check constraint of an insert/update permission has failed",
        "code": "permission-error",
        "path": f"{ARGS}.objects",
    }
    assert server.rows() == before


# HTTP


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{", "application/json", "invalid-json"),
        (b'{"query": "{__typename}", "variables": {"a": NaN}}', "application/json", "invalid-json"),
        (
            b'{"query": "{__typename}", "variables": {"a": "\\ud800"}}',
            "application/json",
            "invalid-json",
        ),
        (b'{"query": "{__typename}"}', "text/plain", "invalid-json"),
        (b"{}", "application/json", "parse-failed"),
        (b'{"query": 1}', "application/json", "parse-failed"),
        (b'{"query": "{__typename}", "variables": null}', "application/json; charset=utf-8", None),
    ],
)
def test_a_body_is_a_graphql_request_in_json(
    server: HasuraServer, body: bytes, content_type: str, code: str | None
) -> None:
    status, answer = post(server, body, headers_of(content_type=content_type))

    found = [each["extensions"] for each in json.loads(answer).get("errors", [])]
    assert (status, found) == (200, [{"path": "$", "code": code}] if code else [])


def test_it_speaks_tls(dsn: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context, body = authority.client_context(), json.dumps({"query": "{ __typename }"}).encode()

    with (
        HasuraServer(dsn, certificate=authority.good()) as server,
        closing(HTTPSConnection(urlsplit(server.url).netloc, context=context)) as connection,
    ):
        connection.request("POST", "/v1/graphql", body, headers_of())
        answer = json.loads(connection.getresponse().read())

        assert server.url.startswith("https://localhost:")
    assert answer == {"data": {"__typename": "query_root"}}


# Faults


DONE = (200, b'{"data": {"insert_users": {"affected_rows": 1}}}')


def sync_once(server: HasuraServer, seconds: float = 5) -> tuple[int, bytes] | str:
    """Give the answer to a sync, or the name of what came instead."""
    variables = {"objects": [user()], "on_conflict": NEWEST}
    body = json.dumps({"query": SYNC, "variables": variables}).encode()
    try:
        return post(server, body, headers_of("sync"), seconds=seconds)
    except (OSError, HTTPException) as failure:
        return type(failure).__name__


def errors_in(answer: tuple[int, bytes] | str) -> list[str]:
    assert isinstance(answer, tuple)
    found = json.loads(answer[1])
    return [each["extensions"]["code"] for each in found["errors"]]


@pytest.mark.parametrize("status", [429, 503])
def test_a_status_is_answered_and_nothing_done(server: HasuraServer, status: int) -> None:
    server.faults.append(hasura.status(status, "Retry-After: 1"))

    answer = sync_once(server)

    assert (answer[0], server.rows()) == (status, [])
    assert sync_once(server) == DONE


CODES = [
    *("postgres-error", "postgres-max-connections-error", "timeout"),
    *("concurrent-update", "unexpected"),
]


@pytest.mark.parametrize("code", CODES)
def test_an_error_is_answered_and_nothing_done(server: HasuraServer, code: str) -> None:
    server.faults.append(hasura.error(code))

    answer = sync_once(server)

    assert (answer[0], errors_in(answer), server.rows()) == (200, [code], [])


@pytest.mark.parametrize(
    ("fault", "expected", "is_committed"),
    [
        (hasura.reset_unexecuted, "ConnectionResetError", False),
        (hasura.answer_lost, "ConnectionResetError", True),
        (hasura.neither_data_nor_errors, (200, b"{}"), False),
        (hasura.null_data, (200, b'{"data": null}'), False),
        (fauna.hang, "TimeoutError", False),
        (fauna.short_body, "IncompleteRead", True),
        (fauna.reset_in_body, "ConnectionResetError", True),
    ],
)
def test_a_fault_is_what_its_name_says(
    server: HasuraServer, fault: Fault, expected: tuple[int, bytes] | str, *, is_committed: bool
) -> None:
    server.faults.append(fault)
    seconds = 0.3 if expected == "TimeoutError" else 5

    answer = sync_once(server, seconds)

    assert (answer, stored(server)) == (expected, ADA if is_committed else [])


def outcomes(dsn: str, rate: float, seed: int) -> list[object]:
    with HasuraServer(dsn, roles=ROLES) as server:
        server.random_faults(rate, seed)
        return [sync_once(server) for _ in range(60)]


def test_random_faults_are_those_of_their_seed(dsn: str) -> None:
    first, again, other = (outcomes(dsn, 0.5, seed) for seed in (1, 1, 2))

    assert first == again != other


# The table and the database
