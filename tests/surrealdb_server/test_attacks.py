"""What a signed-in user tries on two others' rows, over both endpoints of the real server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from cognito_claims.contract.surrealdb_engine import ATTEMPTS
from cognito_claims.contract.surrealql import setup_script
from tests.surrealdb_server.conftest import Start
from tests.surrealdb_server.pool import Pool, a_pool, a_user
from tests.surrealdb_server.server import ALLOWED, Answer, Server

APPLICATION = Path(__file__).parents[2] / "docs/examples/surrealdb-spa/app.surql"
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
_LET = "LET $me = $auth; LET $one = type::record('user', '{}'); LET $two = type::record('user', '{}');"
_ROWS = "SELECT * FROM user WHERE id != type::record('user', '{}') ORDER BY id"


@pytest.mark.parametrize("editable", [(), ("about",)])
@pytest.mark.parametrize("ask", [Server.sql, Server.rpc])
def test_nobody_sees_or_changes_another_users_row(
    start: Start, ask: Callable[..., Answer], editable: tuple[str, ...]
) -> None:
    attempts = (*ATTEMPTS, *MORE)
    with a_pool() as pool, start(*ALLOWED) as server:
        server.set_up(pool.setup, setup_script(pool.setup, "3.x", editable=editable))
        if not editable:
            server.set_up(pool.setup, APPLICATION.read_text())
        me, others = a_user("mallory"), plant(server, pool)
        token, let = pool.token(**me), _LET.format(*others)
        ask(server, pool.setup, token, "RETURN $auth")
        rows = server.owner(pool.setup, _ROWS.format(me["sub"]))
        assert [row["email"][:10] for row in rows] == sorted(PLANTED, key=emails(rows).index)

        worked = {}
        for attempt in attempts:
            told = json.dumps(ask(server, pool.setup, token, f"{let} {attempt}").body)
            # what the attempt itself says, or was bound to, is no news
            named = told.replace(let, "").replace(json.dumps(attempt)[1:-1], "")
            shown = [each for each in (*PLANTED,) if each in named]
            after = server.owner(pool.setup, _ROWS.format(me["sub"]))
            if after != rows or (shown and "secret-" not in attempt):
                worked[attempt] = told
        own = server.owner(pool.setup, f"SELECT * FROM type::record('user', '{me['sub']}')")

    assert worked == {}
    assert [(row["email"], row["cognito_username"]) for row in own] == [(me["email"], "mallory")]
    print(f"\n{len(attempts)} statements over {ask.__name__}: nothing of anybody else's")


def plant(server: Server, pool: Pool) -> list[str]:
    """Let two users sign in, and fill the field of the team's own; return their subs."""
    subs = []
    for name in PLANTED:
        user = {**a_user(name), "cognito:username": name}
        assert server.sql(pool.setup, pool.token(**user), "RETURN $auth").status == 200
        row = f"type::record('user', '{user['sub']}')"
        server.owner(pool.setup, f"UPDATE {row} SET about = '{name}'")
        subs.append(user["sub"])
    return subs


def emails(rows: list[dict[str, Any]]) -> list[str]:
    return [row["email"][:10] for row in rows]


def test_a_live_query_tells_nothing_of_others(served: tuple[Server, Pool]) -> None:
    """Ask for all rows; then others sign in for the first time, and with another email."""
    server, pool = served
    other = {**a_user("secret-bob"), "cognito:username": "secret-bob"}
    with connect(f"{server.url.replace('http', 'ws')}/rpc", subprotocols=["json"]) as socket:  # type: ignore[list-item]

        def call(method: str, *params: str) -> Any:
            socket.send(json.dumps({"id": 1, "method": method, "params": params}))
            return json.loads(socket.recv(timeout=60))

        call("use", "app", "main")
        call("authenticate", pool.token(**a_user("mallory")))
        live = call("query", "LIVE SELECT * FROM user; LIVE SELECT DIFF FROM user")
        for email in (other["email"], "secret-bob@example.com"):
            answer = server.sql(
                pool.setup, pool.token(**{**other, "email": email}), "RETURN $access"
            )
            assert answer.body[0]["result"] == "user"
        marker = call("query", "RETURN 'the next message'")

    assert [each["status"] for each in live["result"]] == ["OK", "OK"]
    assert marker["result"][0]["result"] == "the next message"
