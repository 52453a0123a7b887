"""A row holds what its columns ask of a user, and the moment as PostgreSQL reads it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims.errors import Problem
from cognito_claims.events import User
from cognito_claims.sync.rows import Row, column_problems, is_name, row_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
NOT_A_NAME = "columns: a column must be a GraphQL name: letters, digits and _"
NO_ATTRIBUTE = "columns: expected column=attribute"
NO_SUB = "columns: one column must be taken from sub, as in id=sub"


def test_a_row_takes_its_columns_from_the_name_and_the_attributes() -> None:
    user = User("ada.l", {"sub": "s-1", "custom:plan": "pro", "locale": "", "zoneinfo": "UTC"})
    columns = {"id": "sub", "login": "userName", "plan": "custom:plan", "locale": "locale"}

    assert row_of(user, columns, NOON) == Row(
        {"id": "s-1", "login": "ada.l", "plan": "pro", "locale": ""}, "2026-01-01T12:00:00.000000Z"
    )


def test_what_the_user_lacks_is_none_and_no_missing_column() -> None:
    row = row_of(User("ada", {"sub": "s-1"}), {"id": "sub", "email": "email", "a": "custom:a"}, 0)

    assert row == Row({"id": "s-1", "email": None, "a": None}, "1970-01-01T00:00:00.000000Z")


@pytest.mark.parametrize("attribute", ["email", "phone_number"])
@pytest.mark.parametrize(
    ("verified", "is_given"), [("true", True), ("false", False), ("True", False), (None, False)]
)
def test_an_email_or_phone_number_counts_once_it_is_verified(
    attribute: str, verified: str | None, *, is_given: bool
) -> None:
    flag = {} if verified is None else {f"{attribute}_verified": verified}
    user = User("ada", {"sub": "s-1", attribute: "of-ada", **flag})

    assert row_of(user, {"contact": attribute}, NOON).values == {
        "contact": "of-ada" if is_given else None
    }


def test_an_attribute_that_is_called_like_the_users_name_is_not_mistaken_for_it() -> None:
    user = User("ada", {"sub": "s-1", "userName": "eve", "username": "bob"})

    row = row_of(user, {"a": "userName", "b": "username"}, NOON)

    assert row.values == {"a": "ada", "b": "bob"}


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON, "2026-01-01T12:00:00.000000Z"),
        (NOON + 0.25, "2026-01-01T12:00:00.250000Z"),
        (NOON + 0.000_01, "2026-01-01T12:00:00.000010Z"),
        (NOON + 59.999_999_5, "2026-01-01T12:00:59.999999Z"),
        (1, "1970-01-01T00:00:01.000000Z"),
    ],
)
def test_the_moment_is_told_in_utc_to_the_microsecond(
    at: float, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")

    assert row_of(User("ada", {"sub": "s-1"}), {}, at).at == text


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_of_two_moments_the_later_one_is_never_told_as_the_earlier(
    one: float, other: float
) -> None:
    user = User("ada", {"sub": "s-1"})
    first, second = (row_of(user, {}, at).at for at in sorted((one, other)))

    told = datetime.fromisoformat(first)
    real = datetime.fromtimestamp(0, UTC) + timedelta(seconds=min(one, other))
    assert first <= second
    assert abs(told - real) <= timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"id": "sub"}, []),
        ({"id": "sub", "username": "userName", "_email2": "email", "Plan": "custom:plan"}, []),
        ({"id": "sub", "e-mail": "email"}, [NOT_A_NAME]),
        ({"id": "sub", "": "email"}, [NOT_A_NAME]),
        ({"id": "sub", "email": ""}, [NO_ATTRIBUTE]),
        ({"id": "userName"}, [NO_SUB]),
        ({"id": "sub", "key": "sub"}, [NO_SUB]),
        ({"sub": "email"}, [NO_SUB]),
        ({}, [NO_SUB]),
        ({"1": "", "2": ""}, [NOT_A_NAME, NO_ATTRIBUTE, NO_SUB]),
    ],
)
def test_columns_have_all_of_their_problems_told(
    columns: dict[str, str], expected: list[str]
) -> None:
    problems = list(column_problems(columns))

    assert [str(problem) for problem in problems] == expected
    assert all(isinstance(problem, Problem) for problem in problems)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("users", True),
        ("auth_users", True),
        ("Users2", True),
        ("_users", True),
        ("_", True),
        ("", False),
        ("2users", False),
        ("auth.users", False),
        ("auth-users", False),
        ("auth users", False),
        ("users\n", False),
        ("users{id}", False),
        ("$users", False),
        ("benützer", False),
        ("\N{FULLWIDTH LATIN SMALL LETTER U}sers", False),
        ("__users", False),
        ("__", False),
    ],
)
def test_a_name_is_one_of_graphqls_grammar(text: str, *, expected: bool) -> None:
    assert is_name(text) is expected
