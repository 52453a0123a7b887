"""`setup hasura`: its server takes the plugin's tokens and no others, and a sync does its work with what is printed, and no more."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, Literal, NamedTuple

import psycopg
import pytest
import requests

from cognito_claims.contract import hasura
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.events import User
from cognito_claims.handlers import pre_token_generation
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.sync.rows import row_of
from cognito_claims.testing import a_user_event, to_json
from tests.command import Run, run
from tests.stand_ins.hasura import SECRET, HasuraServer
from tests.stand_ins.hasura_schema import USERS, Role
from tests.stand_ins.postgres import Column, Table

POOL, CLIENT = "eu-west-1_aBcDeFgHi", "1example23456789abcdefghij"
PLACE = {"region": "eu-west-1", "userPoolId": POOL}
CLAIMS = {"COGNITO_CLAIMS_PLUGINS": "hasura"}
SYNC = {
    **CLAIMS,
    "HASURA_SYNC_URL": "https://hasura.example.com/v1/graphql",
    "HASURA_SYNC_ADMIN_SECRET": SECRET,
    "HASURA_SYNC_ROLE": "sync",
    "HASURA_SYNC_COLUMNS": "id=sub,email=email",
}
UPDATING = {"HASURA_SYNC_UPDATE_COLUMNS": "email"}
VERSIONED = {"HASURA_SYNC_VERSION_COLUMN": "synced_at"}
HOSTILE = """o'; DROP TABLE "users"; -- $(touch x) `y` \\ "' ${z} !! \u00e9\u2028a"""


def setup(*options: str, environ: Mapping[str, str] = SYNC, exit_code: int = 0) -> Run:
    command = ("setup", "hasura", "--user-pool-id", POOL, "--client-id", CLIENT, *options)
    return run(*command, environ=environ, exit_code=exit_code)


def printed(environ: Mapping[str, str]) -> dict[str, str]:
    parts: dict[str, str] = setup("--format", "json", environ=environ).content["parts"]
    return parts


def refused(**environ: str) -> str:
    ran = setup(environ={**SYNC, **environ}, exit_code=2)
    assert ran.out == ""
    return ran.err


# The server's configuration

SHAPES: list[dict[str, str]] = [
    {},
    {"HASURA_CLAIMS_FORMAT": "json"},
    {"HASURA_CLAIMS_NAMESPACE": "claims.jwt.hasura.io"},
    {"HASURA_CLAIMS_NAMESPACE": "a/b~c~1d/"},
    {"HASURA_CLAIMS_NAMESPACE": HOSTILE},
]
ENGINES: list[Literal["v2", "v3"]] = ["v2", "v3"]


def id_token(environ: Mapping[str, str]) -> dict[str, Any]:
    """Let the plugin of these settings sign a user of the pool in."""
    handler = pre_token_generation(hasura=HasuraClaims.from_env(environ))
    event = {**to_json(a_user_event(groups=("editors",), client_id=CLIENT)), **PLACE}
    tokens = issue_tokens(event, handler(event, None))
    assert tokens.id_token
    return tokens.id_token


def config_of(engine: Literal["v2", "v3"], environ: Mapping[str, str]) -> dict[str, Any]:
    parts = printed(environ)
    if engine == "v2":
        secret: dict[str, Any] = json.loads(parts["jwt-secret"])
        return secret
    jwt: dict[str, Any] = json.loads(parts["auth-config"])["definition"]["mode"]["jwt"]
    return jwt


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_server_takes_the_plugins_tokens(
    engine: Literal["v2", "v3"], shape: Mapping[str, str]
) -> None:
    environ = {**CLAIMS, **shape, "HASURA_GROUP_ROLES": "editors=editor"}
    token = id_token(environ)

    found = hasura.session(token, config_of(engine, environ), "editor", engine=engine)

    assert found == {"x-hasura-role": "editor", "x-hasura-user-id": token["sub"]}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("claim", ["iss", "aud"])
def test_the_server_refuses_other_pools_and_other_clients(
    engine: Literal["v2", "v3"], claim: str
) -> None:
    token = id_token(CLAIMS)

    with pytest.raises(BackendRefusal) as raised:
        hasura.session(
            {**token, claim: f"{token[claim]}x"}, config_of(engine, CLAIMS), engine=engine
        )

    assert raised.value.message == f"{claim}: not the configured one"


@pytest.mark.parametrize("engine", ENGINES)
def test_the_server_bears_a_clock_of_cognitos_that_is_ahead(engine: Literal["v2", "v3"]) -> None:
    token = id_token(CLAIMS)

    early = hasura.session(token, config_of(engine, CLAIMS), engine=engine, now=token["iat"] - 9)

    assert early["x-hasura-role"] == "user"


def test_both_configurations_name_the_pools_keys() -> None:
    parts = printed(CLAIMS)

    url = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}/.well-known/jwks.json"
    assert json.loads(parts["jwt-secret"])["jwk_url"] == url
    config = json.loads(parts["auth-config"])
    assert config["definition"]["mode"]["jwt"]["key"] == {"jwkFromUrl": url}
    assert (config["kind"], config["version"]) == ("AuthConfig", "v3")


def test_the_secret_is_one_line_as_a_variable_takes_it() -> None:
    assert setup("--part", "jwt-secret").out.count("\n") == 1


@pytest.mark.parametrize(
    ("part", "held"),
    [("jwt-secret", HOSTILE), ("auth-config", f"/{HOSTILE}"), ("metadata", HOSTILE)],
)
def test_a_shell_takes_each_json_between_single_quotes(part: str, held: str) -> None:
    hostile = {"HASURA_CLAIMS_NAMESPACE": HOSTILE, "HASURA_DEFAULT_ROLE": HOSTILE}
    text = setup("--part", part, environ={**SYNC, **hostile}).out

    command = ["/bin/sh", "-c", f"printf %s '{text}'"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True)

    assert (shown.stdout, shown.stderr) == (text, "")
    assert held in texts_in(json.loads(text))


def texts_in(value: object) -> list[object]:
    inside = [*value.values()] if isinstance(value, dict) else value
    return (
        [text for each in inside for text in texts_in(each)]
        if isinstance(inside, list)
        else [value]
    )


# The users' table


class Found(NamedTuple):
    """A table as PostgreSQL's catalog has it."""

    columns: list[tuple[str, str, bool]]
    constraints: list[tuple[str, str, list[str]]]


COLUMNS = """
SELECT attname, atttypid::regtype::text, attnotnull FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"""
CONSTRAINTS = """
SELECT conname, contype::text,
  ARRAY(SELECT attname::text FROM unnest(conkey) AS key JOIN pg_attribute ON attrelid = conrelid AND attnum = key)
FROM pg_constraint WHERE conrelid = %s::regclass"""


def found_after(dsn: str, sql: str, table: str) -> Found:
    """Run the SQL, look, and undo it."""
    with psycopg.connect(dsn) as connection:
        connection.execute(f'DROP TABLE IF EXISTS "{table}"; {sql}'.encode())
        name = (f'public."{table}"',)
        columns = connection.execute(COLUMNS, name).fetchall()
        constraints = connection.execute(CONSTRAINTS, name).fetchall()
        connection.rollback()
    return Found([(*row,) for row in columns], [(*row,) for row in constraints])


@pytest.mark.parametrize(
    ("settings", "table", "expected"),
    [
        (
            {},
            "users",
            Found([("id", "text", True), ("email", "text", False)], [("users_pkey", "p", ["id"])]),
        ),
        (
            {
                "HASURA_SYNC_TABLE": "Order",
                "HASURA_SYNC_CONSTRAINT": "Is_Key",
                "HASURA_SYNC_COLUMNS": "Mail=email,user=sub,select=userName",
                "HASURA_SYNC_VERSION_COLUMN": "At",
            },
            "Order",
            Found(
                [
                    ("Mail", "text", False),
                    ("user", "text", True),
                    ("select", "text", False),
                    ("At", "timestamp with time zone", False),
                ],
                [("Is_Key", "p", ["user"])],
            ),
        ),
    ],
)
def test_the_sql_makes_exactly_the_table_of_the_settings(
    dsn: str, settings: Mapping[str, str], table: str, expected: Found
) -> None:
    sql = setup("--part", "sql", environ={**SYNC, **settings}).out

    assert found_after(dsn, sql, table) == expected


# The permissions


def roles_of(metadata: Mapping[str, Any]) -> dict[str, Role]:
    """Turn the calls of the metadata API into what the stand-in's roles may do."""
    tracked, *calls = metadata["args"]
    assert tracked["type"] == "pg_track_table"
    roles: dict[str, Role] = {}
    for call in calls:
        assert {**tracked["args"], **call["args"]} == call["args"]
        kind = call["type"].removeprefix("pg_create_").removesuffix("_permission")
        permission = dict(call["args"]["permission"])
        role = roles.get(call["args"]["role"], Role())
        columns: dict[str, Any] = {kind: tuple(permission.pop("columns"))}
        role = role._replace(**columns)
        if kind == "insert":
            role = role._replace(backend_only=permission.pop("backend_only", False))
        assert kind == "select" or permission.pop("check") == {}
        owner = permission.pop("filter", {})
        assert permission == {}
        assert owner == {} or call["args"]["role"] != "sync"
        roles[call["args"]["role"]] = role
    return roles


class Server(NamedTuple):
    """A Hasura with the printed table and permissions, and the sync that the same settings make."""

    hasura: HasuraServer
    users: HasuraUsers

    def sync(self, *emails: str) -> list[tuple[object, ...]]:
        """Sync a user who has one email after another, each a second later, and give the rows."""
        for second, email in enumerate(emails):
            user = User("ada", {"sub": "ada", "email": email, "email_verified": "true"})
            row = row_of(user, self.users.columns, second)
            self.users.write([row], deadline=monotonic() + 5)
        return [(row["id"], row["email"]) for row in self.hasura.rows()]

    def code(self, fields: str, **variables: object) -> str | None:
        """Ask as the sync's role, and give the code of the refusal."""
        headers = {"x-hasura-admin-secret": SECRET, "x-hasura-role": "sync"}
        body: Any = {"query": fields, "variables": variables}
        answer = requests.post(self.hasura.url, json=body, headers=headers, timeout=5).json()
        return answer["errors"][0]["extensions"]["code"] if "errors" in answer else None


@contextmanager
def served(dsn: str, *settings: Mapping[str, str]) -> Iterator[Server]:
    environ = dict(SYNC)
    for each in settings:
        environ |= each
    parts = printed(environ)
    columns = {"id": Column(is_nullable=False), "email": Column()}
    if "HASURA_SYNC_VERSION_COLUMN" in environ:
        columns["synced_at"] = Column("timestamptz")
    table = Table(columns, {"users_pkey": ("id",)})
    roles = roles_of(json.loads(parts["metadata"]))
    with HasuraServer(dsn, table=table, roles=roles) as server:
        with psycopg.connect(
            dsn
        ) as connection:  # the stand-in's own table gives way to the printed one
            connection.execute(f"DROP TABLE {table.full_name}; {parts['sql']}".encode())
        yield Server(server, HasuraUsers.from_env({**environ, "HASURA_SYNC_URL": server.url}))


BACKEND_ONLY = {"HASURA_SYNC_BACKEND_ONLY": "true"}
ONCE, TWICE = ("ada", "a@example.com"), ("ada", "b@example.com")


@pytest.mark.parametrize(
    ("settings", "row"),
    [
        ([], ONCE),
        ([VERSIONED], ONCE),
        ([UPDATING], TWICE),
        ([UPDATING, VERSIONED], TWICE),
        ([UPDATING, VERSIONED, BACKEND_ONLY], TWICE),
    ],
)
def test_the_sync_works_with_the_printed_table_and_permissions(
    dsn: str, settings: list[Mapping[str, str]], row: tuple[str, str]
) -> None:
    with served(dsn, *settings) as server:
        assert server.sync("a@example.com", "b@example.com") == [row]


INSERT = "mutation($o:[users_insert_input!]!,$c:users_on_conflict){insert_users(objects:$o,on_conflict:$c){affected_rows}}"
READ = INSERT.replace("affected_rows", "returning{email}")
EVE = [{"id": "ada", "email": "eve@example.com"}]


def on_conflict(*columns: str, **more: object) -> dict[str, object]:
    return {"constraint": "users_pkey", "update_columns": columns, **more}


def test_the_syncs_role_can_do_no_more_than_its_settings_say(dsn: str) -> None:
    with served(dsn) as server:
        rows = server.sync("a@example.com")

        assert server.code(INSERT, o=EVE, c=on_conflict("email")) == "validation-failed"
        assert server.code(READ, o=EVE, c=on_conflict()) == "validation-failed"
        assert server.code("{users{email}}") == "validation-failed"
        assert server.code("mutation{delete_users(where:{}){affected_rows}}") == "validation-failed"
        assert server.code(INSERT, o=EVE, c=on_conflict()) is None
        assert server.sync() == rows


def test_the_syncs_role_updates_its_columns_and_reads_the_version_alone(dsn: str) -> None:
    by_email = {"where": {"email": {"_eq": "a@example.com"}}}
    with served(dsn, UPDATING, VERSIONED) as server:
        rows = server.sync("a@example.com")

        assert server.code(INSERT, o=EVE, c=on_conflict("id")) == "validation-failed"
        assert server.code(INSERT, o=EVE, c=on_conflict("email", **by_email)) == "validation-failed"
        assert server.code(READ, o=EVE, c=on_conflict("email")) == "validation-failed"
        assert server.sync() == rows


def test_backend_only_keeps_the_role_from_whoever_does_not_ask_for_it(dsn: str) -> None:
    with served(dsn, UPDATING, BACKEND_ONLY) as server:
        assert server.code(INSERT, o=EVE, c=on_conflict()) == "validation-failed"
        assert server.sync("a@example.com") == [ONCE]


def test_columns_that_are_not_the_syncs_are_out_of_its_reach(dsn: str) -> None:
    metadata = json.loads(printed({**SYNC, **UPDATING, **VERSIONED})["metadata"])
    more = [{**EVE[0], "username": "eve"}]
    with HasuraServer(dsn, table=USERS, roles=roles_of(metadata)) as hasura:
        server = Server(hasura, HasuraUsers.from_env({**SYNC, "HASURA_SYNC_URL": hasura.url}))

        assert server.code(INSERT, o=more, c=on_conflict()) == "validation-failed"
        assert server.code(INSERT, o=EVE, c=on_conflict("username")) == "validation-failed"
        assert server.code(INSERT, o=EVE, c=on_conflict("email")) is None


def test_every_role_of_the_users_reads_its_own_row_and_writes_none() -> None:
    roles = {"HASURA_ALLOWED_ROLES": "user,guest", "HASURA_GROUP_ROLES": "a=editor,b=admin,c=user"}
    metadata = json.loads(printed({**SYNC, **roles, "HASURA_SYNC_ROLE": "none"})["metadata"])

    own = {"columns": ["id", "email"], "filter": {"id": {"_eq": "X-Hasura-User-Id"}}}
    table = {"source": "default", "table": {"schema": "public", "name": "users"}}
    assert metadata == {
        "type": "bulk",
        "args": [
            {"type": "pg_track_table", "args": table},
            *(
                {
                    "type": "pg_create_select_permission",
                    "args": {**table, "role": role, "permission": own},
                }
                for role in ("user", "guest", "editor")
            ),
        ],
    }


def test_the_own_row_is_found_by_the_attribute_of_the_user_id() -> None:
    settings = {"HASURA_USER_ID_ATTRIBUTE": "email"}
    metadata = json.loads(printed({**SYNC, **settings})["metadata"])

    permission = metadata["args"][1]["args"]["permission"]
    assert permission["filter"] == {"email": {"_eq": "X-Hasura-User-Id"}}


# What is refused, and what is left out


def test_without_a_sync_there_is_no_table() -> None:
    assert [*printed({**CLAIMS, "HASURA_SYNC_URL": " "})] == ["jwt-secret", "auth-config"]


def test_no_secret_is_printed() -> None:
    assert SECRET not in setup().out


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"HASURA_ALLOWED_ROLES": "user,sync"},
            "HASURA_SYNC_ROLE: users may take this role, and then write every user's row",
        ),
        (
            {"HASURA_GROUP_ROLES": "a=sync"},
            "HASURA_SYNC_ROLE: users may take this role, and then write every user's row",
        ),
        (
            {"HASURA_USER_ID_ATTRIBUTE": "custom:id"},
            "HASURA_SYNC_COLUMNS: no column takes the attribute of HASURA_USER_ID_ATTRIBUTE, so no row is anybody's own",
        ),
        (
            {"HASURA_SYNC_TABLE": 'u"; --'},
            "HASURA_SYNC_TABLE: expected a GraphQL name: letters, digits and _",
        ),
        (
            {"HASURA_SYNC_TABLE": "u" * 64},
            "HASURA_SYNC_TABLE: PostgreSQL cuts a name after 63 letters",
        ),
        (
            {"HASURA_SYNC_COLUMNS": "xmin=sub"},
            "HASURA_SYNC_COLUMNS: every table of PostgreSQL's has a column of this name",
        ),
        (
            {"HASURA_SYNC_CONSTRAINT": "users"},
            "HASURA_SYNC_CONSTRAINT: its index cannot have the table's name",
        ),
        ({"HASURA_DEFAULT_ROLE": "a\udc80"}, "HASURA_DEFAULT_ROLE: not a text in UTF-8"),
        ({"COGNITO_CLAIMS_PLUGINS": "none"}, "COGNITO_CLAIMS_PLUGINS: hasura is not among them"),
    ],
)
def test_what_cannot_be_used_is_named(settings: Mapping[str, str], said: str) -> None:
    assert refused(**settings) == f"cognito-claims: {said}\n"
