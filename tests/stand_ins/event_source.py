"""Lambda around the worker: its process, which may be killed, and the event source mapping, at its worst.

`python -m tests.stand_ins.event_source PAUSE_S` is the process: events come on stdin, a line each, and answers go to stdout.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from subprocess import DEVNULL, PIPE, Popen
from threading import Lock, Timer
from time import monotonic, sleep
from typing import Any, NamedTuple, Self

import boto3
from botocore.exceptions import ClientError

from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.sync.worker.handler import Worker
from cognito_claims.sync.worker.redelivery import Redelivery
from cognito_claims.sync.worker.session import HttpSession
from tests.stand_ins.sqs import REGION, Queues

Json = dict[str, Any]
_ROOT = Path(__file__).parents[2]
_REMAINING_MS = 4000
_MOST_ENTRIES = 10
_WINDOW_S = 0.3  # for a batch to fill
_POLLS_S = 0.15
_TURN_S = 0.004  # so that nobody takes the lock again and again, while others wait
_FEWEST, _MOST = 50, 100
_KILLS = "  killed in mid-batch"
_COUNTS = (
    "worker invocations",
    _KILLS,
    "  that raised",
    "messages delivered",
    "  though handled before",
    "  twice in one batch",
    "  held back for a later batch",
    "  to come again",
    "  handled, and not deleted",
)
_KILLED, _COPIED, _FORGOTTEN, _HELD, _RELEASED = 0.15, 0.02, 0.05, 0.15, 0.4


class Context(NamedTuple):
    """What Lambda tells a function about its time."""

    remaining_ms: int

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


class OneByOne:
    """A client of boto3's for several threads: moto loses messages, or fails, when it does two things at once to a queue."""

    def __init__(self, client: Any, lock: Lock) -> None:
        self._client, self._lock = client, lock

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, getattr(self._client, name))

    def _call(self, call: Callable[..., Any], **given: Any) -> Any:
        sleep(_TURN_S)
        for again in (True, False):
            with self._lock, suppress(*[ClientError] if again else []):  # the worker asks it, too
                return call(**given)
        return None


class WorkerProcess:
    """A worker in a process of its own; `environ` is all that it gets to know."""

    def __init__(self, environ: Mapping[str, str], *, pause_s: float = 10.0) -> None:
        self._command = [sys.executable, "-m", __spec__.name, str(pause_s)]
        self._environ = {**environ, "AWS_DEFAULT_REGION": REGION, "PYTHONPATH": str(_ROOT)}
        self._process: Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def pid(self) -> int:
        return self._running().pid

    def invoke(self, event: Mapping[str, Any], *, kill_after: float | None = None) -> Json | None:
        """Give what the handler answers or, as `{"error": …}`, raises; or None when it was killed."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        killer = None if kill_after is None else Timer(kill_after, process.kill)
        if killer is not None:
            killer.start()
        try:
            process.stdin.write(json.dumps(event) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if killer is not None:
            killer.cancel()
            killer.join()
        if line.endswith("\n"):
            answer: Json = json.loads(line)
            return answer
        self._end()
        return None

    def _running(self) -> Popen[str]:
        if self._process is None:
            self._process = Popen(
                self._command,
                cwd=_ROOT,
                env=self._environ,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                text=True,
            )
            assert self._process.stdout is not None
            assert self._process.stdout.readline() == "ready\n"
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            with self._process:  # which closes the pipes, and waits
                self._process = None


class EventSource:
    """Delivers a queue's messages to one worker: twice, out of order, and while the worker is killed."""

    def __init__(self, queues: Queues, worker: WorkerProcess, seed: int) -> None:
        self.depth = 0  # of the queue, in flight or not
        self.counts = Counter(dict.fromkeys(_COUNTS, 0))
        self._queues, self._worker = queues, worker
        self._chance = Random(seed)  # noqa: S311 - for a test to repeat
        self._held: list[Json] = []
        self._done: set[str] = set()
        self._lasts = 0.5

    def turn(self) -> bool:
        """Deliver one batch, and say whether there was one."""
        records = self._batch()
        if not records:
            return False
        self.counts["messages delivered"] += len(records)
        again = sum(record["messageId"] in self._done for record in records)
        self.counts["  though handled before"] += again
        nobody_yet = self.counts["worker invocations"] and not self.counts[_KILLS]
        is_killed = nobody_yet or self._chance.random() < _KILLED
        kill_after = self._chance.uniform(0, self._lasts) if is_killed else None
        began = monotonic()
        answer = self._worker.invoke({"Records": records}, kill_after=kill_after)
        self.counts["worker invocations"] += 1
        if answer is None:
            self.counts[_KILLS] += 1
        elif "error" in answer:
            self.counts["  that raised"] += 1
        else:
            self._lasts = monotonic() - began
            self._conclude(records, answer)
        return True

    @property
    def is_drained(self) -> bool:
        return not self._held and self._queues.left() == (0, 0)

    def _batch(self) -> list[Json]:
        """Receive messages, hold some of them back, release some held before, and shuffle."""
        wanted, ends = self._chance.randint(_FEWEST, _MOST), monotonic() + _WINDOW_S
        while self._waiting() < wanted and monotonic() < ends:
            sleep(_POLLS_S)
        received: list[Json] = self._queues.event(wanted)["Records"]
        late = [record for record in self._held if self._chance.random() < _RELEASED]
        kept = [record for record in self._held if record not in late]
        held = [record for record in received if self._chance.random() < _HELD]
        self._held = kept + held
        self.counts["  held back for a later batch"] += len(held)
        batch = late + [record for record in received if record not in held]
        copies = [record for record in batch if self._chance.random() < _COPIED]
        self.counts["  twice in one batch"] += len(copies)
        batch += copies
        self._chance.shuffle(batch)
        return batch

    def _waiting(self) -> int:
        waiting, in_flight = self._queues.left()
        self.depth = waiting + in_flight
        return waiting

    def _conclude(self, records: Sequence[Json], answer: Mapping[str, Any]) -> None:
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        handled = [record for record in records if record["messageId"] not in failed]
        self._done |= {record["messageId"] for record in handled}
        self.counts["  to come again"] += len(records) - len(handled)
        handles = sorted({record["receiptHandle"] for record in handled})
        deleted = [handle for handle in handles if self._chance.random() >= _FORGOTTEN]
        self.counts["  handled, and not deleted"] += len(handles) - len(deleted)
        for start in range(0, len(deleted), _MOST_ENTRIES):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle}
                for number, handle in enumerate(deleted[start : start + _MOST_ENTRIES])
            ]
            self._queues.sqs.delete_message_batch(QueueUrl=self._queues.url, Entries=entries)


def main() -> None:
    """Answer events until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the worker's log, and its metrics
    users = HasuraUsers.from_env(os.environ)
    users.http = HttpSession(users.url)
    worker = Worker(users, Redelivery(boto3.client("sqs"), pause_s=float(sys.argv[1])))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        try:
            answer = worker(json.loads(line), Context(_REMAINING_MS))
        except Exception as error:
            answer = {"error": type(error).__name__}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
