"""A pool's users, page by page, into a sink.

A page is written, then the checkpoint: whoever is interrupted in between writes that page again, which changes nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from time import monotonic, sleep, time
from typing import Any, NamedTuple

from cognito_claims.errors import CognitoClaimsError, DeadlineError, HasuraError
from cognito_claims.events import User
from cognito_claims.sync.batch import is_final, reason_of, write_batch
from cognito_claims.sync.rows import Row, Sink, key_of, row_of
from cognito_claims.sync.worker.session import RETRIES, pauses
from cognito_claims.tools.backfill.checkpoint import Checkpoint
from cognito_claims.tools.waiting import waiting_for

PAGE = 60  # the most that ListUsers gives
# ListUsers is eventually consistent: what it says may be this old, and must not overwrite what a sign-in has written since.
_STALE_S = 60.0
_PATIENCE_S = 30.0
PAUSES_S = (*pauses(RETRIES.new(total=8, backoff_factor=0.25)),)  # 0.5 s, then twice as long


class Page(NamedTuple):
    """Some of the pool's users, as of a Unix time; `token` is the next page's, None on the last one."""

    users: Sequence[User]
    at: float
    token: str | None


class Stopped(Exception):  # noqa: N818  (nothing is lost: the next run goes on)
    """The sink takes nothing any more; the text says why."""


def pages(cognito: Any, user_pool_id: str, token: str | None) -> Iterator[Page]:
    """List the pool's users from a token on; raises what boto3 raises."""
    while True:
        at = time() - _STALE_S
        more = {} if token is None else {"PaginationToken": token}
        answer = cognito.list_users(UserPoolId=user_pool_id, Limit=PAGE, **more)
        token = answer.get("PaginationToken")
        yield Page([*map(_user, answer["Users"])], at, token)
        if token is None:
            return


def fill(
    sink: Sink,
    listed: Iterable[Page],
    start: Checkpoint,
    *,
    save: Callable[[Checkpoint], None],
) -> Checkpoint:
    """Write page after page, and save how far that has come; raises `Stopped`, and what boto3 raises."""
    with waiting_for("the secret (HASURA_SYNC_ADMIN_SECRET)"), suppress(CognitoClaimsError):
        sink.prepare(deadline=monotonic() + _PATIENCE_S)  # the first write tells what is wrong
    done = start
    takes_others = False
    for page in listed:
        rows = [row_of(user, sink.columns, page.at) for user in page.users]
        # Whether one user's data are wrong or everybody's settings, a page tells; one user alone does not.
        failed = _written(sink, rows, takes_others=takes_others and len(rows) == 1)
        takes_others = len(failed) < len(rows)
        done = done.model_copy(
            update={
                "token": page.token,
                "written": done.written + len(rows) - len(failed),
                "failed": {**done.failed, **failed},
                "is_complete": page.token is None,
            }
        )
        save(done)
    return done


def lacking(users: Iterable[User], columns: Mapping[str, str]) -> Counter[str]:
    """Count for each column the users for whom it would be null."""
    rows = (row_of(user, columns, 0.0) for user in users)
    return Counter(column for row in rows for column, value in row.values.items() if value is None)


def _written(sink: Sink, rows: Sequence[Row], *, takes_others: bool) -> dict[str, str]:
    """Write rows, again and again where that may help; give the refused ones' reasons by `sub`."""
    failed: dict[str, str] = {}
    pauses = iter(PAUSES_S)
    witness: list[Row] = []  # a row that was written: that it still can be shows whose fault it is
    while rows:
        pause = next(pauses, None)
        tried = [*rows, *witness] if pause is None else rows
        outcomes = write_batch(sink, tried, deadline=monotonic() + _PATIENCE_S)
        written = [row for row, error in zip(tried, outcomes, strict=True) if error is None]
        takes_others = bool(written) or (takes_others and not (witness and pause is None))
        witness = written[:1] or witness
        again: list[Row] = []
        told = ""
        for row, error in zip(rows, outcomes[: len(rows)], strict=True):
            if error is None:
                continue
            if _is_given_up(error, takes_others=takes_others, is_last=pause is None):
                failed[key_of(row, sink.columns)] = reason_of(error)
            elif pause is None or not _may_pass(error):
                raise Stopped(str(error))
            else:
                told = str(error)
                again.append(row)
        if again and pause:
            with waiting_for(f"another try: {told}"):
                sleep(pause)
        rows = again
    return failed


def _is_given_up(error: CognitoClaimsError, *, takes_others: bool, is_last: bool) -> bool:
    if is_final(error, takes_others=takes_others):
        return True
    may_be_one_row = isinstance(error, HasuraError) and error.may_be_one_row
    return is_last and takes_others and may_be_one_row


def _may_pass(error: CognitoClaimsError) -> bool:
    return isinstance(error, DeadlineError) or bool(getattr(error, "is_transient", False))


def _user(listed: Mapping[str, Any]) -> User:
    attributes = {pair["Name"]: pair.get("Value", "") for pair in listed.get("Attributes", ())}
    return User(listed["Username"], attributes)
