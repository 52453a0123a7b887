"""Writes many rows at once: one request has the newest row of each user.

A row that is refused is found, and does not prevent the others from being written.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from cognito_claims.errors import CognitoClaimsError, HasuraError
from cognito_claims.sync.rows import Row, Sink, key_of

# After so many transient failures in a row, Hasura is down, and no row is the cause.
MOST_FAILURES = 32


def write_batch(
    sink: Sink, rows: Sequence[Row], *, deadline: float
) -> list[CognitoClaimsError | None]:
    """Return the result of each row: None if it, or a newer row of the same user, is written.

    If a user's newest row is refused, the next older one is tried, so that the user has the latest
    possible row. A row that was refused while others were written is tried once more: it may have
    waited for one of them, as when an email moves from one user to another. After a transient
    failure, single rows are tried too, as long as others can be written.
    """
    outcomes: list[CognitoClaimsError | None] = [None] * len(rows)
    users = _by_user(rows, sink.columns)
    waiting = users
    while waiting:
        heads = [numbers[0] for numbers in waiting]
        failures = _isolated(sink, rows, heads, deadline)
        older: list[list[int]] = []
        for numbers in waiting:
            error = failures.get(numbers[0])
            if error is not None and hangs_on_the_row(error):
                outcomes[numbers[0]] = error
                older += [numbers[1:]] if numbers[1:] else []
            elif error is not None:  # the newest row may still be written later
                for number in numbers:
                    outcomes[number] = error
        waiting = older
    _try_the_refused_again(sink, rows, users, outcomes, deadline)
    return outcomes


def hangs_on_the_row(error: CognitoClaimsError) -> bool:
    """Return whether a row that fails alone would fail again, judged by Hasura's code."""
    return isinstance(error, HasuraError) and error.may_be_one_row and not error.is_transient


def is_final(error: CognitoClaimsError, *, takes_others: bool) -> bool:
    """Return whether a row can never be written.

    If Hasura accepts no row at all, Hasura itself may be the cause.
    """
    is_refusal = isinstance(error, HasuraError) and error.is_refusal
    return is_refusal or (takes_others and hangs_on_the_row(error))


def reason_of(error: CognitoClaimsError) -> str:
    """Return the most specific code of an error."""
    return error.hasura_code if isinstance(error, HasuraError) else error.code


def _by_user(rows: Sequence[Row], columns: Mapping[str, str]) -> list[list[int]]:
    """Return the indices of each user's rows, the newest first."""
    numbers_of: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        numbers_of.setdefault(key_of(row, columns), []).append(number)
    for numbers in numbers_of.values():
        numbers.sort(key=lambda number: (rows[number].at, number), reverse=True)
    # One order everywhere: batches that lock the same database rows must not block each other.
    return [numbers for _, numbers in sorted(numbers_of.items())]


def _isolated(
    sink: Sink, rows: Sequence[Row], numbers: Sequence[int], deadline: float
) -> Mapping[int, CognitoClaimsError]:
    """Write these rows in one request; after a failure, in halves. Return what failed.

    All parts of one size are tried before smaller ones, so that a slow failure delays few rows.
    """
    failed: dict[int, CognitoClaimsError] = {}
    parts = deque([numbers])
    failures = 0
    while parts:
        part = parts.popleft()
        try:
            sink.write([rows[number] for number in part], deadline=deadline)
        except CognitoClaimsError as error:
            failures = 0 if hangs_on_the_row(error) else failures + 1
            may_be_one_row = isinstance(error, HasuraError) and error.may_be_one_row
            if failures == MOST_FAILURES:
                waiting = (number for each in (part, *parts) for number in each)
                return {**failed, **dict.fromkeys(waiting, error)}
            if len(part) == 1 or not may_be_one_row:
                failed.update(dict.fromkeys(part, error))
            else:
                half = len(part) // 2
                parts += [part[:half], part[half:]]
        else:
            failures = 0
    return failed


def _try_the_refused_again(
    sink: Sink,
    rows: Sequence[Row],
    users: Sequence[Sequence[int]],
    outcomes: list[CognitoClaimsError | None],
    deadline: float,
) -> None:
    refused = {numbers[0]: numbers for numbers in users if _is_refused(outcomes[numbers[0]])}
    if not refused or None not in outcomes:
        return
    failures = _isolated(sink, rows, [*refused], deadline)
    for newest, numbers in refused.items():
        if newest not in failures:
            for number in numbers:
                outcomes[number] = None


def _is_refused(error: CognitoClaimsError | None) -> bool:
    return isinstance(error, HasuraError) and error.is_refusal
