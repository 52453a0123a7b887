"""What a signed-in user tries on two others' rows, over both endpoints of the real server."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from cognito_claims.contract.surrealdb_reach import ATTEMPTS
from cognito_claims.contract.surrealdb_script import setup_script
from cognito_claims.tools.demo.web import EDITABLE
from tests.surrealdb_server.conftest import Start
from tests.surrealdb_server.pool import Pool, a_pool, a_user
from tests.surrealdb_server.server import ALLOWED, Answer, Server

APPLICATION = Path(__file__).parents[2] / "docs/examples/surrealdb-spa/app.surql"
Scripts = Callable[[Pool], tuple[str, ...]]
PLANTED = ("secret-bob", "secret-eve")
_THROW = "{ IF id != $me { THROW <string> [id, email, cognito_username, about] }; RETURN 1 }"
MORE = tuple(
    each.replace("{throw}", _THROW)
    for each in (
        "SELECT * FROM user WHERE {throw}",
        "SELECT *, {throw} AS x FROM user",
        "SELECT VALUE {throw} FROM user",
        "SELECT * FROM ONLY user WHERE id = $one AND {throw} LIMIT 1",
        "SELECT * FROM user SPLIT about",
        "SELECT count(), email FROM user GROUP BY email",
        "SELECT math::sum({throw}) FROM user GROUP ALL",
        "SELECT array::group(email) AS all FROM user GROUP ALL",
        "SELECT * FROM user ORDER BY email",
        "SELECT * FROM user LIMIT { RETURN array::len(SELECT * FROM user WHERE {throw}) + 1 }",
        "SELECT * FROM user START { RETURN array::len(SELECT * FROM user WHERE {throw}) }",
        "SELECT * FROM [$one, $two] WHERE {throw}",
        "SELECT * FROM user:.. WHERE {throw}",
        "SELECT * OMIT id FROM user",
        "SELECT * FROM user FETCH id",
        "SELECT $one.email AS a, $two.{email, about} AS b FROM $auth",
        "SELECT *, (SELECT * FROM user WHERE id != $parent.id) AS others FROM user",
        "SELECT (SELECT * FROM user WHERE id != $parent.id AND {throw}) AS others FROM $auth",
        "SELECT ->?->user AS all, <-?<-user AS back FROM user",
        "SELECT * FROM user WITH INDEX email WHERE email > '' AND {throw}",
        "SELECT * FROM user WITH NOINDEX WHERE email > ''",
        "SELECT * FROM user WHERE email = 'secret-bob@example.com'",
        "SELECT * FROM user EXPLAIN FULL",
        "LET $all = (SELECT * FROM user); RETURN $all",
        "RETURN (SELECT VALUE email FROM user)",
        "RETURN [$one.email, $two.about, $one.*, $one.{email}, record::exists($one)]",
        "RETURN array::map([$one, $two], |$each| $each.email)",
        "FOR $each IN [$one, $two] { THROW <string> [$each.email, $each.about] }",
        "IF $one.email { THROW $one.email } ELSE { RETURN [] }",
        "UPDATE user SET about = email",
        "UPDATE user SET about = 'changed' WHERE {throw} RETURN BEFORE",
        "UPDATE user UNSET about WHERE {throw}",
        "UPDATE user PATCH [{ op: 'replace', path: '/about', value: {throw} }]",
        "UPDATE user REPLACE { about: {throw} }",
        "UPDATE $one SET about = {throw} RETURN AFTER",
        "UPDATE [$one, $two] SET about = 'changed' RETURN DIFF",
        "UPDATE user SET about = 'changed' RETURN VALUE {throw}",
        "UPSERT $one SET email = 'x@example.com' WHERE {throw}",
        "UPSERT user SET about = 'changed' WHERE email > '' AND {throw}",
        "UPSERT user CONTENT { id: $one, email: 'x@example.com', cognito_username: 'x' }",
        "INSERT INTO user { id: $one, email: 'x@example.com', cognito_username: 'x' }",
        "INSERT IGNORE INTO user { id: $one, email: 'x@example.com', cognito_username: 'x' }",
        "INSERT INTO user { id: $one, email: 'x@example.com', cognito_username: 'x' }"
        " ON DUPLICATE KEY UPDATE about = {throw}",
        "INSERT INTO user (SELECT * FROM user)",
        "INSERT RELATION INTO knows { in: $auth, out: $one }",
        "RELATE $auth->knows->$one SET about = $one.email",
        "DELETE user WHERE {throw} RETURN BEFORE",
        "DELETE user RETURN VALUE {throw}",
        "DELETE $one, $two",
        "DELETE $auth",
        "SHOW CHANGES FOR TABLE user SINCE 1",
        "INFO FOR DB",
        "INFO FOR TABLE user",
        "DEFINE FIELD email ON user PERMISSIONS FULL",
        "DEFINE TABLE OVERWRITE user PERMISSIONS FULL",
        "REMOVE TABLE user",
        "REMOVE INDEX email ON user",
        "DEFINE FUNCTION fn::all() { RETURN SELECT * FROM user }; RETURN fn::all()",
        "DEFINE EVENT mine ON user THEN (CREATE stolen SET row = $after)",
        "ALTER TABLE user PERMISSIONS FULL",
        "BEGIN; UPDATE user SET about = 'changed'; COMMIT",
        "USE NS main DB main; SELECT * FROM app:main:user",
        "LET $auth = $one; SELECT * FROM $auth; UPDATE $auth SET about = 'changed'",
        "LET $token = { exp: 9e9, email: $one.email }; SELECT * FROM user",
        "LET $access = NONE; SELECT * FROM user",
    )
)
ON_NOTES = tuple(
    each.replace("{throw}", "{ IF owner != $me { THROW <string> [owner, text] }; RETURN true }")
    for each in (
        "SELECT * FROM note",
        "SELECT * FROM note WHERE {throw}",
        "SELECT *, {throw} AS x FROM note",
        "SELECT text FROM note GROUP BY text",
        "SELECT *, owner.email AS email FROM note FETCH owner",
        "UPDATE note SET text = 'changed' WHERE {throw}",
        "UPDATE note SET text = 'changed' RETURN BEFORE",
        "UPDATE note SET owner = $me",
        "UPDATE note MERGE { text: {throw} }",
        "UPSERT note SET text = 'changed' WHERE {throw}",
        "UPDATE note:bob SET text = 'changed' WHERE {throw} RETURN BEFORE",
        "UPSERT note:bob SET owner = $me, text = 'changed'",
        "INSERT INTO note { id: note:bob, owner: $me, text: 'x' } ON DUPLICATE KEY UPDATE text = 'x'",
        "CREATE note SET owner = $one, text = 'forged'",
        "DELETE note WHERE {throw} RETURN BEFORE",
        "DELETE note:bob RETURN BEFORE",
        "RETURN note:bob.text",
    )
)
_LET = "LET $me = $auth; LET $one = {one}; LET $two = {two};"
_OTHERS = "RETURN [(SELECT * FROM user WHERE id != {me}), (SELECT * FROM note WHERE owner != {me})]"


def printed(pool: Pool) -> tuple[str, ...]:
    return (setup_script(pool.setup, "3.x"), "DEFINE TABLE note")


def with_the_teams_own(pool: Pool) -> tuple[str, ...]:
    """Add the application's fields and table, which the documentation shows."""
    return (setup_script(pool.setup, "3.x", editable=EDITABLE), APPLICATION.read_text())


def with_a_table_for_everybody(pool: Pool) -> tuple[str, ...]:
    """Let every user read, change and delete every row, as nobody should."""
    script, *more = with_the_teams_own(pool)
    owner = re.search(r"FOR select (WHERE .*)", script)
    assert owner is not None
    script = script.replace(owner[1], "FULL").replace("FOR delete NONE", "FOR delete FULL")
    return (re.sub(r"\n  PERMISSIONS FOR .*;", ";", script), *more)


@pytest.mark.parametrize("scripts", [printed, with_the_teams_own])
@pytest.mark.parametrize("ask", [Server.sql, Server.rpc])
def test_nobody_sees_or_changes_what_is_another_users(
    start: Start, ask: Callable[..., Answer], scripts: Scripts
) -> None:
    attempts = (*ATTEMPTS, *MORE, *ON_NOTES)

    assert what_worked(start, scripts, ask, attempts) == []
    print(f"\n{len(attempts)} statements, /{ask.__name__}, {scripts.__name__}: none gets through")


def test_it_is_seen_when_attacks_get_through(start: Start) -> None:
    attempts = (*ATTEMPTS, *MORE)

    worked = what_worked(start, with_a_table_for_everybody, Server.sql, attempts)

    print(f"\n{len(worked)} of {len(attempts)} get through where the table is everybody's")
    assert len(worked) > 40


def what_worked(
    start: Start, scripts: Scripts, ask: Callable[..., Answer], attempts: Iterable[str]
) -> list[str]:
    """Try all on two other users' rows; return what showed or changed any of them."""
    me, worked = a_user("mallory"), []
    with a_pool() as pool, start(*ALLOWED) as server:
        server.set_up(pool.setup, *scripts(pool))
        (let, restore), token = plant(server, pool), pool.token(**me)
        assert ask(server, pool.setup, token, "RETURN $access").status == 200
        others = _OTHERS.replace("{me}", row_of(me))
        before = server.owner(pool.setup, others)
        assert [len(rows) for rows in before] == [2, 2]
        for attempt in attempts:
            told = json.dumps(ask(server, pool.setup, token, f"{let} {attempt}").body)
            shown = any(each in told and each not in attempt for each in PLANTED)
            if shown or server.owner(pool.setup, others) != before:
                worked.append(attempt)
                server.owner(pool.setup, restore)
                before = server.owner(pool.setup, others)
        own = server.owner(pool.setup, f"SELECT * FROM {row_of(me)}")
    assert [(row["email"], row["cognito_username"]) for row in own] == [(me["email"], "mallory")]
    return worked


def plant(server: Server, pool: Pool) -> tuple[str, str]:
    """Let two users sign in, and fill what is the team's own.

    Return statements that name their rows, and statements that restore them.
    """
    rows, restore = [], ""
    for name, note in zip(PLANTED, ("note:bob", "note:eve"), strict=True):
        user = {**a_user(name), "cognito:username": name}
        assert server.sql(pool.setup, pool.token(**user), "RETURN $auth").status == 200
        row = row_of(user)
        has_more = "(INFO FOR TABLE user).fields.about"
        server.owner(pool.setup, f"IF {has_more} {{ UPDATE {row} SET about = '{name}' }}")
        server.owner(pool.setup, f"CREATE {note} SET owner = {row}, text = '{name}'")
        rows.append(row)
        restore += f"UPSERT {row} SET email = '{user['email']}', cognito_username = '{name}';"
    return _LET.format(one=rows[0], two=rows[1]), restore


def row_of(user: dict[str, str]) -> str:
    return f"type::record('user', '{user['sub']}')"


def test_a_live_query_tells_nothing_of_others(served: tuple[Server, Pool]) -> None:
    """Ask for all rows; then others sign in for the first time, and with another email."""
    server, pool = served
    server.owner(pool.setup, "DEFINE TABLE seen SCHEMALESS PERMISSIONS FULL")
    copied = "(CREATE seen SET what = <string> [$this, $value, $before, $after, email])"
    other = {**a_user("secret-bob"), "cognito:username": "secret-bob"}
    with connect(f"{server.url.replace('http', 'ws')}/rpc", subprotocols=["json"]) as socket:  # type: ignore[list-item]

        def call(method: str, *params: str) -> Any:
            socket.send(json.dumps({"id": 1, "method": method, "params": params}))
            return json.loads(socket.recv(timeout=60))

        call("use", "app", "main")
        call("authenticate", pool.token(**a_user("mallory")))
        plain = "LIVE SELECT * FROM user; LIVE SELECT DIFF FROM user"
        live = call("query", f"{plain}; LIVE SELECT * FROM user WHERE {copied}")
        for email in (other["email"], "secret-bob@example.com"):
            answer = server.sql(
                pool.setup, pool.token(**{**other, "email": email}), "RETURN $access"
            )
            assert answer.body[0]["result"] == "user"
        server.owner(pool.setup, f"UPDATE {row_of(other)} SET email = 'secret-bob2@example.com'")
        marker = call("query", "RETURN 'the next message'")

    assert [each["status"] for each in live["result"]] == ["OK", "OK", "OK"]
    seen = server.owner(pool.setup, "SELECT VALUE what FROM seen")
    assert seen
    assert "secret-bob" not in str(seen)
    refused = server.sql(pool.setup, pool.token(**other), "LIVE SELECT * FROM user")
    assert refused.body[0]["details"] == {"kind": "LiveQueryNotSupported"}
    assert marker["result"][0]["result"] == "the next message"
