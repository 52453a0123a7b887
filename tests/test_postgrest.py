"""PostgREST, Supabase and plain PostgreSQL: the SQL that `setup` prints, attacked on a real server."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import psycopg
import pytest
from rich.console import Console

from cognito_claims.contract import postgrest
from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.issuer import Issuer
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.tools.backends.postgrest.backend import PostgREST
from cognito_claims.tools.demo.demo import run_demo
from cognito_claims.tools.demo.verdicts import ask_postgresql
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.local.errors import Failed
from cognito_claims.tools.local.sign_in import SignedIn
from tests.conftest import start
from tests.stand_ins.postgrest import Denied, Server, rows
from tests.stand_ins.tokens import ALICE, CLIENT, ISSUER, KEY, MALLORY, OTHER_KEY, claims, signed

ROLES = {"first": [{"when": {"groups": ["e"]}, "constant": "editor"}], "default": "authenticated"}
DOCUMENT = Mapper({"claims": {"role": {**ROLES, "to": ["id", "access"]}}}).document
SQL = PostgREST("postgrest").parts(DOCUMENT, Issuer(ISSUER, (CLIENT, "other-of-ours")))
ALL = "SELECT body FROM items"


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with ExitStack() as life:
        yield start(life)


def set_up(dsn: str, name: str, sql: str, *more: str) -> str:
    """Make a database with the script and a row of Alice's, and return its DSN."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    own = dsn.replace("dbname=postgres", f"dbname={name}")
    with psycopg.connect(own, autocommit=True) as connection:
        for script in (sql, *more):
            connection.execute(script.encode())
        connection.execute("INSERT INTO items (owner, body) VALUES (%s, 'secret')", (ALICE,))
    return own


@pytest.fixture(scope="module")
def own(dsn: str) -> str:
    return set_up(dsn, "shop", SQL[0].text, SQL[0].text, SQL[1].text)  # twice does no harm


@pytest.fixture
def server(own: str) -> Iterator[Server]:
    yield Server(own)
    with psycopg.connect(own) as connection:
        connection.execute("DELETE FROM items WHERE owner <> %s", (ALICE,))


@pytest.mark.parametrize("kind", ["access", "id"])
@pytest.mark.parametrize("role", ["authenticated", "editor"])
def test_a_member_is_that_member(server: Server, kind: str, role: str) -> None:
    token = signed(claims(MALLORY, kind, role=role))

    server.request(token, "INSERT INTO items (body) VALUES ('mine')")
    server.request(token, "UPDATE items SET body = 'changed' WHERE body = 'mine'")

    assert server.request(token, ALL) == [("changed",)]
    assert server.request(signed(claims(ALICE, kind)), ALL) == [("secret",)]
    server.request(token, "DELETE FROM items")
    assert rows(server.dsn) == {UUID(ALICE): ["secret"]}


NOW = int(time.time())
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no role": ({"role": None}, "anonymous"),
    "another app client": ({"client_id": "another"}, "wrong-client"),
    "an ID token of another client": (
        {"token_use": "id", "client_id": None, "aud": "another"},
        "wrong-client",
    ),
    "several audiences": (
        {"token_use": "id", "client_id": None, "aud": [CLIENT, "another"]},
        "wrong-client",
    ),
    "neither kind of token": ({"token_use": None}, "wrong-client"),
    "another pool": ({"iss": ISSUER.replace("Ab", "Xy")}, "wrong-issuer"),
    "expired": ({"exp": NOW - 31}, "expired"),
    "without an end": ({"exp": None}, "no-exp"),
    "an end that is a text": ({"exp": str(NOW + 600)}, "no-exp"),
    "issued in the future": ({"iat": NOW + 600}, "not-yet-valid"),
    "not valid yet": ({"nbf": NOW + 600}, "not-yet-valid"),
    "the superuser": ({"role": "postgres"}, "role-above-rows"),
    "service_role": ({"role": "service_role"}, "role-above-rows"),
    "a role of PostgreSQL's": ({"role": "pg_read_all_data"}, "role-not-granted"),
    "in other letters": ({"role": "Authenticated"}, "role-not-granted"),
    "the login role": ({"role": "authenticator"}, "role-not-granted"),
    "the anonymous role": ({"role": "anon"}, "anonymous"),
    "a list of roles": ({"role": ["authenticated"]}, "role-not-text"),
    "an empty role": ({"role": ""}, "role-not-text"),
    "a machine": ({"sub": CLIENT}, "sub-no-uuid"),
    "another's email and name": (
        {"sub": None, "email": "alice@example.com", "username": ALICE},
        "sub-no-uuid",
    ),
    "sub in user_metadata": ({"sub": None, "user_metadata": {"sub": ALICE}}, "sub-no-uuid"),
}


@pytest.mark.parametrize(("changed", "code"), REFUSED.values(), ids=REFUSED)
def test_a_token_that_is_not_for_us_sees_nothing_and_the_table_says_so(
    server: Server, changed: dict[str, Any], code: str
) -> None:
    wrong = claims(**{"sub": ALICE, **changed})
    with pytest.raises(BackendRefusal) as refused:
        postgrest.session(
            wrong, issuer=ISSUER, client_ids=(CLIENT,), roles={"authenticated", "editor"}
        )
    assert refused.value.code == code
    assert code in postgrest.SOURCES

    if code == "not-yet-valid" and "nbf" not in changed:
        return  # PyJWT and PostgreSQL take such a token; PostgREST does not
    with pytest.raises(Denied):
        server.request(signed(wrong), ALL)


def test_the_table_takes_a_member() -> None:
    given = postgrest.session(
        claims(ALICE), issuer=ISSUER, client_ids=(CLIENT,), roles={"authenticated"}
    )

    assert given == {"role": "authenticated", "sub": ALICE}


def test_forged_and_unverified_tokens_are_refused(server: Server) -> None:
    head, body, signature = signed(claims(MALLORY)).split(".")
    other = signed(claims(ALICE)).split(".")[1]
    forged = {
        "another key": signed(claims(ALICE), OTHER_KEY),
        "another one's claims": f"{head}.{other}.{signature}",
        "without a signature": f"{head}.{body}.",
        "no algorithm": signed(claims(ALICE), None, algorithm="none"),
        "a shared secret": signed(claims(ALICE), "x" * 32, algorithm="HS256"),
    }
    taken = []
    for name, token in forged.items():
        try:
            taken.append((name, server.request(token, ALL)))
        except Denied:
            continue

    assert taken == []
    assert KEY is not OTHER_KEY


ATTACKS = (
    ALL,
    "SELECT body FROM items WHERE owner = 'ALICE'",
    "SELECT 'secret' FROM items",
    "SELECT body FROM items WHERE body::int = 0",
    "SELECT body FROM items WHERE 1 / (CASE WHEN body LIKE 's%' THEN 0 ELSE 1 END) = 1",
    "SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'items'",
    "SELECT body FROM items TABLESAMPLE SYSTEM (100)",
    "COPY items TO STDOUT",
    "UPDATE items SET body = 'taken' RETURNING body",
    "UPDATE items SET owner = 'MALLORY' RETURNING body",
    "INSERT INTO items (owner, body) VALUES ('ALICE', 'planted')",
    "INSERT INTO items (id, body) SELECT id, 'x' FROM items ON CONFLICT (id) DO UPDATE SET body='x'",
    "MERGE INTO items USING (VALUES (1)) v ON true WHEN MATCHED THEN UPDATE SET body = 'x'",
    "DELETE FROM items RETURNING body",
    "DELETE FROM items WHERE owner = 'ALICE' RETURNING body",
    "TRUNCATE items",
    "DROP TABLE items",
    "ALTER TABLE items DISABLE ROW LEVEL SECURITY",
    "ALTER POLICY own_rows ON items USING (true)",
    "CREATE POLICY mine ON items USING (true)",
    "CREATE OR REPLACE FUNCTION cognito.user_id() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TRIGGER t AFTER INSERT ON items EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "GRANT ALL ON items TO authenticated",
    "SET ROLE postgres",
    "SELECT lo_export(1, '/tmp/x')",
    "SELECT pg_read_file('/etc/passwd')",
    "LOCK TABLE items IN ACCESS EXCLUSIVE MODE",
    "SELECT b.body FROM items a RIGHT JOIN items b ON a.id <> b.id",
    "WITH t AS (UPDATE items SET body = body RETURNING body) SELECT body FROM t",
)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("role", ["authenticated", None])
def test_no_row_of_another_is_seen_or_changed(
    server: Server, attack: str, role: str | None
) -> None:
    statement = attack.replace("ALICE", ALICE).replace("MALLORY", MALLORY)
    try:
        seen = str(server.run(claims(MALLORY, role=role), statement))
    except Denied as denied:
        seen = str(denied)

    assert "secret" not in seen.replace(statement, "")
    assert rows(server.dsn) == {UUID(ALICE): ["secret"]}


def test_row_level_security_cannot_be_turned_off(server: Server) -> None:
    with pytest.raises(Denied, match="row-level security"):
        server.run(claims(MALLORY), f"SET LOCAL row_security = off; {ALL}")


def test_what_one_request_was_is_gone_in_the_next(own: str) -> None:
    with psycopg.connect(f"{own} user=authenticator", autocommit=True) as connection:
        with connection.transaction():
            connection.execute("SELECT set_config('role', 'authenticated', true)")
            connection.execute("SELECT set_config('request.jwt.claims', '{\"sub\": 1}', true)")
        gone = connection.execute(
            "SELECT current_user::text, current_setting('request.jwt.claims', true)"
        ).fetchone()

    assert gone == ("authenticator", "")


NEEDED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("ALTER TABLE public.items ENABLE ROW LEVEL SECURITY;\n", "", {"sub": MALLORY}),
    ("USING (owner = (SELECT cognito.user_id()))", "USING (true)", {"sub": MALLORY}),
    (f"claims ->> 'iss' = '{ISSUER}'", "true", {"iss": "https://another"}),
    (f"IN ('{CLIENT}', 'other-of-ours')", "IS NOT NULL", {"client_id": "another"}),
    ("- interval '30 seconds'", "- interval '1 hour'", {"exp": NOW - 31}),
    ("AND claims ->> 'role' = current_user", "", {"role": "editor"}),
)


@pytest.mark.parametrize("number", range(len(NEEDED)))
def test_without_a_line_of_the_script_an_attack_gets_through(dsn: str, number: int) -> None:
    line, instead, changed = NEEDED[number]
    content = claims(**{"sub": ALICE, **changed})
    whole = Server(set_up(dsn, f"whole{number}", SQL[0].text), hook="SELECT 1")
    weak = SQL[0].text.replace(line, instead)
    assert weak != SQL[0].text

    assert whole.run(content, ALL, role="authenticated") == []
    server = Server(set_up(dsn, f"weak{number}", weak), hook="SELECT 1")
    assert server.run(content, ALL, role="authenticated") == [("secret",)]


def test_a_role_that_may_do_more_than_its_grants_stops_the_script(dsn: str) -> None:
    script = SQL[0].text.replace('"editor"', '"strong"').replace("'editor'", "'strong'")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE strong BYPASSRLS")

    with pytest.raises(psycopg.Error, match="may do more"):
        set_up(dsn, "strong", script)


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ({"constant": "service_role"}, "service_role may do more"),
        ({"constant": "a$$; DROP"}, "expected letters"),
        ({"from": "custom:role"}, "expected a constant, or values"),
        (None, "expected a constant, or values"),
    ],
)
def test_rules_that_name_no_safe_role_are_refused(claim: object, told: str) -> None:
    document = Mapper({"claims": {} if claim is None else {"role": claim}}).document

    with pytest.raises(UnusableInput, match=told):
        PostgREST("supabase").parts(document, Issuer(ISSUER, (CLIENT,)))


def test_the_demo_fails_where_another_row_is_seen(dsn: str) -> None:
    signed_in = [
        SignedIn("", "", {}, claims(MALLORY, role=role)) for role in (None, "authenticated")
    ]
    strong = set_up(dsn, "demo", SQL[0].text)
    weak = set_up(dsn, "demo_weak", SQL[0].text.replace("USING (owner", "USING (true OR owner"))

    assert ask_postgresql(strong, *signed_in)["refused"] == [
        "without the function",
        "another app client",
        "the superuser",
    ]
    with pytest.raises(Failed, match="their own row, and no other"):
        ask_postgresql(weak, *signed_in)


@pytest.mark.slow
def test_the_demo_signs_in_to_a_real_postgresql() -> None:
    result = run_demo(Console(quiet=True), backend="postgresql")

    assert result.ok, result.steps
    told = result.to_json()["postgresql"]
    assert told["session"] == {
        "role": "authenticated",
        "sub": result.found["id_token"]["after"]["sub"],
    }


def test_supabase_keeps_its_own_roles() -> None:
    script = PostgREST("supabase").parts(DOCUMENT, Issuer(ISSUER, (CLIENT,)))[0].text

    assert [line for line in script.splitlines() if "CREATE ROLE" in line] == [
        '  CREATE ROLE "editor" NOLOGIN NOINHERIT;'
    ]
