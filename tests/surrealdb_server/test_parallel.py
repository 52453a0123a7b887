"""Parallel requests of one user: AUTHENTICATE runs for each of them, and two writes at once conflict."""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from tests.surrealdb_server.conftest import Start
from tests.surrealdb_server.pool import Pool, a_pool, a_user
from tests.surrealdb_server.server import ALLOWED, Server, printed_script

AT_ONCE = 8
REQUESTS = 48
_CONDITION = re.compile(r"IF \(SELECT VALUE [^{]*\{\s*(UPSERT [^;]*;)\s*\};")
_CONFLICT = (401, "There was an unexpected error while performing authentication")


def refused(server: Server, pool: Pool, tokens: Iterable[str]) -> int:
    """Ask with each token, 8 at a time; return how many requests were refused by a conflict."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(
            threads.map(lambda token: server.sql(pool.setup, token, "RETURN $access"), tokens)
        )
    ok = [answer for answer in answers if answer.status == 200]
    assert {answer.body[0]["result"] for answer in ok} == {"user"}
    assert {answer for answer in answers if answer.status != 200} <= {_CONFLICT}
    return len(answers) - len(ok)


def test_no_request_of_a_known_user_is_refused(served: tuple[Server, Pool]) -> None:
    server, pool = served
    token = pool.token(**a_user())
    assert refused(server, pool, [token]) == 0

    assert refused(server, pool, [token] * REQUESTS) == 0


def test_writing_at_every_request_would_have_a_known_users_requests_refused(start: Start) -> None:
    """What the condition in the printed script is for."""
    with a_pool() as pool, start(*ALLOWED) as server:
        script, count = _CONDITION.subn(r"\1", printed_script(pool))
        assert count == 1
        server.set_up(pool.setup, script)
        token = pool.token(**a_user())
        assert refused(server, pool, [token]) == 0

        counts = [refused(server, pool, [token] * REQUESTS) for _ in range(5)]

    print(f"\nwithout the condition, {REQUESTS} requests, {AT_ONCE} at a time, 5 rounds: {counts}")
    assert min(counts) > 0


def test_few_requests_of_a_new_user_are_refused(served: tuple[Server, Pool]) -> None:
    """Only requests that began before the row was there can be: fewer than run at once."""
    server, pool = served
    assert refused(server, pool, [pool.token(**a_user())]) == 0  # the keys are there

    counts = [refused(server, pool, [pool.token(**a_user())] * REQUESTS) for _ in range(5)]

    print(f"\na new user's {REQUESTS} requests, {AT_ONCE} at a time, refused in 5 rounds: {counts}")
    assert max(counts) < AT_ONCE


def test_few_requests_of_a_user_with_a_new_email_are_refused(served: tuple[Server, Pool]) -> None:
    server, pool = served
    user = a_user()
    assert refused(server, pool, [pool.token(**user)]) == 0
    token = pool.token(**{**user, "email": "new@example.com"})

    count = refused(server, pool, [token] * REQUESTS)

    print(f"\na changed email, {REQUESTS} requests, {AT_ONCE} at a time: {count} refused")
    assert count < AT_ONCE
    own = server.sql(pool.setup, token, "SELECT VALUE email FROM user")
    assert own.body[0]["result"] == ["new@example.com"]


def test_new_users_do_not_hinder_one_another(served: tuple[Server, Pool]) -> None:
    server, pool = served
    assert refused(server, pool, [pool.token(**a_user())]) == 0

    assert refused(server, pool, [pool.token(**a_user()) for _ in range(REQUESTS)]) == 0


def test_simultaneous_first_sign_ins_find_the_keys(start: Start) -> None:
    """Each that comes before the keys are there fetches them."""
    with a_pool() as pool, start(*ALLOWED) as server:
        server.set_up(pool.setup, printed_script(pool))

        count = refused(server, pool, [pool.token(**a_user()) for _ in range(REQUESTS)])

        print(f"\n{REQUESTS} users before the keys are there: {pool.fetches} fetches")
    assert (count, pool.fetches <= AT_ONCE) == (0, True)
