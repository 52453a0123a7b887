"""Many rows at once: the newest of each user in one request; what is refused is found, and keeps no other from being written."""

from collections import deque
from collections.abc import Mapping, Sequence

from cognito_claims.errors import CognitoClaimsError, HasuraError
from cognito_claims.sync.rows import Row, Sink, key_of

# So many requests in a row may fail with what may pass. Then Hasura is down, and no row is to blame.
MOST_FAILURES = 32


def write_batch(
    sink: Sink, rows: Sequence[Row], *, deadline: float
) -> list[CognitoClaimsError | None]:
    """Give what came of each row: None when it, or a newer one of the same user, is written.

    Where a user's newest row is refused, the next older one is tried, so that the user is there as they last could be. What was
    refused while others were written is tried once more: it may have waited for one of them, as an email does that changes hands.
    A failure that may pass is looked for in single rows, too, as long as others can be written.
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
            elif error is not None:  # nobody knows what will come of the newest
                for number in numbers:
                    outcomes[number] = error
        waiting = older
    _try_the_refused_again(sink, rows, users, outcomes, deadline)
    return outcomes


def hangs_on_the_row(error: CognitoClaimsError) -> bool:
    """Say whether a row that fails alone would fail again, as far as Hasura's code tells."""
    return isinstance(error, HasuraError) and error.may_be_one_row and not error.is_transient


def is_final(error: CognitoClaimsError, *, takes_others: bool) -> bool:
    """Say whether a row can never be written; where Hasura takes no row at all, that may be to blame itself."""
    is_refusal = isinstance(error, HasuraError) and error.is_refusal
    return is_refusal or (takes_others and hangs_on_the_row(error))


def reason_of(error: CognitoClaimsError) -> str:
    """Give the most telling code."""
    return error.hasura_code if isinstance(error, HasuraError) else error.code


def _by_user(rows: Sequence[Row], columns: Mapping[str, str]) -> list[list[int]]:
    """Give the numbers of each user's rows, the newest first."""
    numbers_of: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        numbers_of.setdefault(key_of(row, columns), []).append(number)
    for numbers in numbers_of.values():
        numbers.sort(key=lambda number: (rows[number].at, number), reverse=True)
    # In one order everywhere: two batches that lock the same rows of the database must not wait for each other.
    return [numbers for _, numbers in sorted(numbers_of.items())]


def _isolated(
    sink: Sink, rows: Sequence[Row], numbers: Sequence[int], deadline: float
) -> Mapping[int, CognitoClaimsError]:
    """Write these rows in one request, and in halves where one row may be to blame; give what failed.

    All parts of a size are tried before smaller ones, so that a slow failure delays few rows.
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
