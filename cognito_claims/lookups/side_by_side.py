"""Several look-ups at once, each in a thread of its own, before one deadline."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Thread
from time import monotonic

from cognito_claims.claims import Json
from cognito_claims.deadline import seconds_left, set_thread_deadline
from cognito_claims.errors import DeadlineError, shown
from cognito_claims.lookups.looking_up import Item, LookUp


def find_all(look_ups: Mapping[str, LookUp], values: Mapping[str, Json]) -> dict[str, Item | None]:
    """Return what each look-up finds, by name, in the order given.

    Raise what the first of those that failed raised, and `DeadlineError` for one that is not done.
    """
    if len(look_ups) < 2:  # needs no thread
        return {name: look_up.find(values) for name, look_up in look_ups.items()}
    deadline = monotonic() + seconds_left()
    found: dict[str, Item | None] = {}
    failed: dict[str, BaseException] = {}

    def find(name: str, look_up: LookUp) -> None:
        set_thread_deadline(deadline)
        try:
            found[name] = look_up.find(values)
        except BaseException as error:  # SystemExit too: it is the plugin's failure
            failed[name] = error

    threads = [Thread(target=find, args=each, daemon=True) for each in look_ups.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    for name in look_ups:
        if name not in found:
            raise failed.get(name) or DeadlineError(f"look-up {shown(name)}")
    return {name: found[name] for name in look_ups}


def prepare_all(look_ups: Mapping[str, LookUp]) -> None:
    """Let all look-ups prepare at once, and return before they are done.

    What fails here fails again when an event comes; its policy and the log are there.
    """
    for look_up in look_ups.values():
        with suppress(RuntimeError):  # the process has no thread left
            Thread(target=_prepare, args=(look_up.prepare,), daemon=True).start()


def _prepare(prepare: Callable[[], None]) -> None:
    with suppress(BaseException):
        prepare()
