"""Many rows at once: the newest of each user in one request; what is refused is found, and keeps no other from being written."""

from collections.abc import Mapping, Sequence

from cognito_claims.errors import CognitoClaimsError, HasuraError
from cognito_claims.sync.rows import Row, Sink, key_of

_Failures = Mapping[int, CognitoClaimsError]  # by the number of the row


def write_batch(
    sink: Sink, rows: Sequence[Row], *, deadline: float
) -> list[CognitoClaimsError | None]:
    """Give what came of each row: None when it, or a newer one of the same user, is written.

    Where a user's newest row is refused, the next older one is tried, so that the user is there as they last could be.
    """
    outcomes: list[CognitoClaimsError | None] = [None] * len(rows)
    waiting = _by_user(rows, sink.columns)
    while waiting:
        heads = [numbers[0] for numbers in waiting]
        failures = _isolated(sink, rows, heads, deadline)
        again: list[list[int]] = []
        for numbers in waiting:
            error = failures.get(numbers[0])
            if error is None:
                continue
            if hangs_on_the_row(error):
                outcomes[numbers[0]] = error
                again += [numbers[1:]] if numbers[1:] else []
            else:  # nobody knows what will come of the newest
                for number in numbers:
                    outcomes[number] = error
        waiting = again
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
) -> _Failures:
    """Write these rows in one request, and where that may fail because of one of them, in halves."""
    try:
        sink.write([rows[number] for number in numbers], deadline=deadline)
    except CognitoClaimsError as error:
        if len(numbers) == 1 or not (isinstance(error, HasuraError) and error.may_be_one_row):
            return dict.fromkeys(numbers, error)
        half = len(numbers) // 2
        halves = (numbers[:half], numbers[half:])
        first, second = (_isolated(sink, rows, part, deadline) for part in halves)
        return {**first, **second}
    return {}
