"""Of many rows each user's newest that can be written is written, and what is refused keeps no other from it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from math import ceil, log2
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims.errors import (
    AwsError,
    CognitoClaimsError,
    DeadlineError,
    HasuraError,
    SecretError,
    TransportError,
)
from cognito_claims.sync.batch import (
    MOST_FAILURES,
    hangs_on_the_row,
    is_final,
    reason_of,
    write_batch,
)
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.sync.queue import to_message
from cognito_claims.sync.rows import Row, Sink
from tests.stand_ins import hasura
from tests.stand_ins.fauna_wire import well
from tests.stand_ins.hasura import SECRET, HasuraServer

COLUMNS = {"id": "sub", "email": "email"}
UPDATING: dict[str, Any] = {"columns": COLUMNS, "update_columns": ("email",)}
VERSIONED: dict[str, Any] = {**UPDATING, "version_column": "synced_at"}
REFUSED = HasuraError(200, "constraint-violation")
TAKEN = "cat@example.com"


@pytest.fixture
def server(dsn: str) -> Iterator[HasuraServer]:
    with HasuraServer(dsn) as server:
        yield server


def users_at(server: HasuraServer, **settings: Any) -> HasuraUsers:
    return HasuraUsers(
        **{"url": server.url, "admin_secret": SECRET, **(settings or UPDATING)},
    )


def a_row(sub: str, second: int = 0, email: str | None = None) -> Row:
    values = {"id": sub, "email": email or f"{sub}.{second}@example.com"}
    return Row(values, f"2026-01-01T12:00:{second:02}.000000Z")


def outcomes(sink: Sink, *rows: Row, seconds: float = 10) -> list[str | None]:
    found = write_batch(sink, rows, deadline=monotonic() + seconds)
    return [None if error is None else reason_of(error) for error in found]


def emails(server: HasuraServer) -> dict[str, str | None]:
    return {row["id"]: row["email"] for row in server.rows()}


class Table:
    """A sink that refuses all of the rows with an error when one of them has it for an email."""

    def __init__(self, **errors: CognitoClaimsError) -> None:
        self.columns: Mapping[str, str] = COLUMNS
        self.errors = errors
        self.asked: list[list[Row]] = []
        self.written: list[Row] = []

    def prepare(self, *, deadline: float) -> None:
        raise AssertionError(deadline)

    def write(self, rows: Sequence[Row], *, deadline: float) -> None:
        assert deadline > monotonic()
        self.asked.append([*rows])
        for row in rows:
            if row.values["email"] in self.errors:
                raise self.errors[str(row.values["email"])]
        self.written += rows


# The newest of each user


@pytest.mark.parametrize("settings", [UPDATING, VERSIONED], ids=["updating", "versioned"])
def test_a_batch_is_one_request_whatever_is_in_it_twice(
    server: HasuraServer, settings: dict[str, Any]
) -> None:
    rows = [a_row(sub, second) for second in range(4) for sub in ("ada", "ben", "cat")]

    assert outcomes(users_at(server, **settings), *rows, rows[0]) == [None] * 13
    assert len(server.requests) == 1
    assert emails(server) == {sub: f"{sub}.3@example.com" for sub in ("ada", "ben", "cat")}


@pytest.mark.parametrize("order", [*permutations(range(3))], ids=repr)
def test_the_newest_of_a_user_is_written_whatever_the_order(order: tuple[int, ...]) -> None:
    table = Table()

    assert outcomes(table, *(a_row("ada", second) for second in order)) == [None] * 3
    assert table.asked == [[a_row("ada", 2)]]


def test_of_two_as_new_the_later_one_is_written() -> None:
    table = Table()
    outcomes(table, a_row("ada", 1, "first"), a_row("ada", 1, "second"), a_row("ada", 0, "old"))

    assert table.asked == [[a_row("ada", 1, "second")]]


def test_a_user_is_told_by_the_column_that_is_taken_from_sub() -> None:
    table = Table()
    table.columns = {"id": "custom:id", "email": "sub"}
    outcomes(table, a_row("x", 1, "ada"), a_row("y", 2, "ada"), a_row("x", 3, "ben"))

    assert table.asked == [[a_row("y", 2, "ada"), a_row("x", 3, "ben")]]


@pytest.mark.parametrize("settings", [UPDATING, VERSIONED])
def test_of_nobody_nothing_comes(server: HasuraServer, settings: dict[str, Any]) -> None:
    assert outcomes(users_at(server, **settings)) == []
    assert server.requests == []


def test_users_are_written_in_one_order_so_that_no_two_batches_lock_each_other_out() -> None:
    subs = ["dan", "ada", "eve", "ben", "cat"]
    table = Table(bad=REFUSED)
    outcomes(table, *(a_row(sub, n) for sub in subs for n in range(2)), a_row("cat", 9, "bad"))

    assert len(table.asked) > 2
    for asked in table.asked:
        found = [str(row.values["id"]) for row in asked]
        assert found == sorted(found)


# What is refused


def test_one_that_is_refused_keeps_no_other_from_being_written(server: HasuraServer) -> None:
    users = users_at(server)
    outcomes(users, a_row("cat", email=TAKEN))
    rows = [a_row(f"{number:02}") for number in range(60)]
    rows[37] = a_row("37", email=TAKEN)
    server.requests.clear()

    found = outcomes(users, *rows)

    assert found == [None] * 37 + ["constraint-violation"] + [None] * 22
    written = {row.values["id"]: row.values["email"] for row in rows}
    del written["37"]
    assert emails(server) == {**written, "cat": TAKEN}
    assert len(server.requests) <= 1 + 2 * ceil(log2(60)) + 1  # and once more, alone


def test_two_users_in_one_batch_with_one_email_are_one_and_a_refusal(server: HasuraServer) -> None:
    found = outcomes(users_at(server), a_row("ben", email=TAKEN), a_row("ada", email=TAKEN))

    assert found == ["constraint-violation", None]
    assert emails(server) == {"ada": TAKEN}


@pytest.mark.parametrize("settings", [UPDATING, VERSIONED])
def test_who_cannot_be_written_as_of_now_is_written_as_they_last_could(
    server: HasuraServer, settings: dict[str, Any]
) -> None:
    users = users_at(server, **settings)
    outcomes(users, a_row("cat", email=TAKEN))

    found = outcomes(
        users,
        a_row("ada", 1),
        a_row("ada", 3, TAKEN),
        a_row("ada", 0),
        a_row("ada", 2, TAKEN),
        a_row("ben"),
    )

    assert found == [None, "constraint-violation", None, "constraint-violation", None]
    assert emails(server) == {
        "ada": "ada.1@example.com",
        "ben": "ben.0@example.com",
        "cat": TAKEN,
    }


def test_users_are_written_in_one_order_whatever_the_messages() -> None:
    table = Table()

    outcomes(table, a_row("cat"), a_row("ada"), a_row("ben"), a_row("ada", 1))

    assert table.asked == [[a_row("ada", 1), a_row("ben"), a_row("cat")]]


def test_nobody_is_written_where_everybody_is_refused() -> None:
    table = Table(bad=REFUSED)
    rows = [a_row(sub, second, "bad") for sub in ("ada", "ben") for second in range(2)]

    assert outcomes(table, *rows) == ["constraint-violation"] * 4
    assert table.written == []
    assert len(table.asked) == 6  # both and each alone, for the newer and for the older


EMAILS = st.sampled_from(["good", "bad", "worse"])
ROWS = st.lists(st.builds(a_row, st.sampled_from("abcd"), st.integers(0, 9), EMAILS), max_size=16)


@given(ROWS)
def test_each_users_newest_good_row_is_written_once_and_all_newer_ones_are_told(
    rows: list[Row],
) -> None:
    table = Table(bad=REFUSED, worse=HasuraError(200, "validation-failed"))

    found = outcomes(table, *rows)

    expected: list[str | None] = [None] * len(rows)
    written = []
    for sub in {row.values["id"] for row in rows}:
        numbers = [number for number, row in enumerate(rows) if row.values["id"] == sub]
        for number in sorted(numbers, key=lambda n: (rows[n].at, n), reverse=True):
            email = rows[number].values["email"]
            if email == "good":
                written.append(rows[number])
                break
            expected[number] = "constraint-violation" if email == "bad" else "validation-failed"
    assert found == expected
    assert sorted(map(to_message, table.written)) == sorted(map(to_message, written))
    for asked in table.asked:
        subs = [row.values["id"] for row in asked]
        assert len(subs) == len(set(subs))


# What fails for all


SYSTEMATIC = [
    DeadlineError("connecting"),
    TransportError("connecting", "refused"),
    SecretError("HASURA_SYNC_ADMIN_SECRET: no such secret"),
    AwsError("ssm", 400, "ParameterNotFound"),
    HasuraError(200, "access-denied"),
    HasuraError(200, "not-exists"),
    HasuraError(503, "unknown"),
    HasuraError(200, "unknown"),
]


@pytest.mark.parametrize("error", SYSTEMATIC, ids=str)
def test_what_hangs_on_no_row_is_asked_once_and_comes_of_all(error: CognitoClaimsError) -> None:
    table = Table(bad=error)
    rows = [a_row("ada", 0), a_row("ada", 1, "bad"), a_row("ben")]

    assert write_batch(table, rows, deadline=monotonic() + 10) == [error] * 3
    assert len(table.asked) == 1
    assert table.written == []


MAY_PASS = ["postgres-error", "timeout", "unexpected"]


@pytest.mark.parametrize("code", MAY_PASS)
@pytest.mark.parametrize("place", [0, 37, 99])
def test_a_row_that_fails_with_what_may_pass_holds_no_other_back(code: str, place: int) -> None:
    table = Table(bad=HasuraError(200, code))
    rows = [a_row(f"{number:02}") for number in range(100)]
    rows[place] = a_row(f"{place:02}", email="bad")

    assert outcomes(table, *rows) == [code if n == place else None for n in range(100)]
    assert len(table.asked) <= 1 + 2 * ceil(log2(100))


def test_half_of_the_rows_are_written_before_a_second_request_fails() -> None:
    table = Table(bad=HasuraError(200, "timeout"))
    rows = [a_row(f"{number:02}", email="bad" if number == 0 else None) for number in range(64)]

    outcomes(table, *rows)

    assert [len(asked) for asked in table.asked[:5]] == [64, 32, 32, 16, 16]


@pytest.mark.parametrize("code", MAY_PASS)
def test_while_nobody_can_be_written_hasura_is_asked_a_few_times(code: str) -> None:
    table = Table(bad=HasuraError(200, code))
    rows = [a_row(f"{number:02}", email="bad") for number in range(100)]

    assert outcomes(table, *rows) == [code] * 100
    assert len(table.asked) == MOST_FAILURES


def test_nobody_knows_of_a_row_that_may_yet_be_written_what_comes_of_the_older_ones() -> None:
    error = HasuraError(200, "unexpected")  # it may pass, and it may be one row's
    table = Table(bad=error)
    rows = [a_row("ada", 0), a_row("ada", 1, "bad"), a_row("ben")]

    assert write_batch(table, rows, deadline=monotonic() + 10) == [error, error, None]
    assert table.written == [a_row("ben")]


def test_an_email_that_changes_hands_in_one_batch_waits_for_who_had_it(
    server: HasuraServer,
) -> None:
    users = users_at(server, **UPDATING)
    outcomes(users, a_row("zoe", email=TAKEN))

    assert outcomes(users, a_row("ada", email=TAKEN), a_row("zoe", 1)) == [None, None]
    assert emails(server) == {"ada": TAKEN, "zoe": "zoe.1@example.com"}


def test_a_newest_row_that_is_taken_at_last_settles_the_older_ones(server: HasuraServer) -> None:
    users = users_at(server, **UPDATING)
    outcomes(users, a_row("zoe", email=TAKEN), a_row("yan", email="other@example.com"))

    found = outcomes(
        users,
        a_row("ada", 0, "other@example.com"),
        a_row("ada", 1, TAKEN),
        a_row("zoe", 1),
    )

    assert found == [None, None, None]
    assert emails(server)["ada"] == TAKEN


def test_what_is_too_long_is_halved() -> None:
    table = Table(long=HasuraError(413, "unknown"))

    assert outcomes(table, a_row("ada"), a_row("ben", email="long"), a_row("cat")) == [
        None,
        "unknown",
        None,
    ]


def test_a_fault_in_the_middle_leaves_written_what_is_written(server: HasuraServer) -> None:
    users = users_at(server)
    outcomes(users, a_row("cat", email=TAKEN))
    server.faults += [well, well, hasura.error("not-exists")]

    found = outcomes(users, a_row("ada"), a_row("ben"), a_row("dan"), a_row("eve", email=TAKEN))

    assert found == [None, None, "not-exists", "not-exists"]
    assert emails(server).keys() == {"ada", "ben", "cat"}


def test_without_any_time_nobody_is_asked(server: HasuraServer) -> None:
    assert outcomes(users_at(server), a_row("ada"), a_row("ben"), seconds=0) == ["deadline"] * 2
    assert server.requests == []


def test_an_error_of_another_kind_comes_out() -> None:
    table = Table(bad=ValueError("a bug"))  # type: ignore[arg-type]  # wrong on purpose

    with pytest.raises(ValueError, match="a bug"):
        outcomes(table, a_row("ada", email="bad"))


# What an error says of a row


@pytest.mark.parametrize(
    ("error", "hangs", "final_alone", "final_beside_others", "reason"),
    [
        (HasuraError(200, "constraint-violation"), True, True, True, "constraint-violation"),
        (HasuraError(200, "data-exception"), True, True, True, "data-exception"),
        (HasuraError(200, "validation-failed"), True, False, True, "validation-failed"),
        (HasuraError(200, "permission-error"), True, False, True, "permission-error"),
        (HasuraError(200, "permission-denied"), True, False, True, "permission-denied"),
        (HasuraError(200, "parse-failed"), True, False, True, "parse-failed"),
        (HasuraError(200, "invalid-json"), True, False, True, "invalid-json"),
        (HasuraError(200, "unexpected"), False, False, False, "unexpected"),
        (HasuraError(200, "access-denied"), False, False, False, "access-denied"),
        (HasuraError(200, "postgres-error"), False, False, False, "postgres-error"),
        (HasuraError(503, "validation-failed"), False, False, False, "validation-failed"),
        (HasuraError(502, "unknown"), False, False, False, "unknown"),
        (TransportError("connecting", "refused"), False, False, False, "transport"),
        (DeadlineError("connecting"), False, False, False, "deadline"),
        (SecretError("none"), False, False, False, "secret"),
        (AwsError("ssm", 400, "unknown"), False, False, False, "aws"),
    ],
    ids=str,
)
def test_an_error_says_whether_a_row_would_fail_again(
    error: CognitoClaimsError,
    *,
    hangs: bool,
    final_alone: bool,
    final_beside_others: bool,
    reason: str,
) -> None:
    assert hangs_on_the_row(error) is hangs
    assert is_final(error, takes_others=False) is final_alone
    assert is_final(error, takes_others=True) is final_beside_others
    assert reason_of(error) == reason
