"""The first invocation of the built functions under Lambda's runtime interface emulator, beside a bare `return event`.

`python -m tests.benchmarks.emulator_cold_start [rounds]`, in the environment of `tox -e sam`: builds the functions for this Python,
with the Fauna driver, and runs each with and without bytecode, in shuffled rounds in one run. Every round is a new emulator and
a new process; what is printed are medians, and medians of the rounds' own ratios to the bare function.
"""

import random
import shutil
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from cognito_claims.testing import recorded
from tests.sam.conftest import build, install_runtime_client
from tests.sam.emulator import emulated

_CLAIMS = "cognito_claims.functions.pre_token_generation.handler"
_COMPOSED = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura",
    "SURREALDB_NAMESPACE": "test",
    "SURREALDB_DATABASE": "test",
    "SURREALDB_ACCESS": "user",
    "HASURA_GROUP_ROLES": "editors=editor",
}
# Nobody listens there: what is measured is the import of the driver, and an answer without its claims.
_DRIVER = {
    "COGNITO_CLAIMS_PLUGINS": "fauna",
    "COGNITO_CLAIMS_ON_ERROR": "omit",
    "FAUNA_CLIENT": "driver",
    "FAUNA_ENDPOINT": "http://127.0.0.1:1",
    "FAUNA_SECRET": "example",
    "FAUNA_IDENTITY": "sub",
}
_WORKER = {
    "HASURA_SYNC_URL": "http://127.0.0.1:1/v1/graphql",
    "HASURA_SYNC_ADMIN_SECRET": "example",
    "AWS_ACCESS_KEY_ID": "example",
    "AWS_SECRET_ACCESS_KEY": "example",
}
_RECORD = {
    "messageId": "1",
    "receiptHandle": "1",
    "body": '{"at":"2026-01-01T12:00:00.000000Z","values":{"id":"1","username":"1"}}',
    "attributes": {"ApproximateReceiveCount": "1"},
    "messageAttributes": {},
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:user-sync",
    "awsRegion": "eu-west-1",
}


class Case(NamedTuple):
    """A function's directory, its handler, settings and first event."""

    directory: Path
    handler: str
    environ: Mapping[str, str]
    event: Any


def main() -> None:
    """Build, run all cases in shuffled rounds, and print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with TemporaryDirectory() as temporary:
        directory = Path(temporary)
        print(build(directory / "built", "--extra", "fauna").splitlines()[-3:])
        client = install_runtime_client(sys.executable, directory / "client")
        cases = _cases(directory)
        seconds: dict[str, list[float]] = {name: [] for name in cases}
        for number in range(rounds + 1):  # the first warms the file system
            for name in random.sample([*cases], len(cases)):
                case = cases[name]
                with emulated(
                    case.directory,
                    case.handler,
                    case.environ,
                    runtime_client=client,
                    log=directory / "log",
                ) as emulator:
                    took = emulator.invoke(case.event).seconds
                if number:
                    seconds[name].append(took)
    _print(seconds)


def _cases(directory: Path) -> dict[str, Case]:
    bare = directory / "bare"
    bare.mkdir()
    (bare / "bare.py").write_text("def handler(event, context):\n    return event\n")
    built = {
        "with bytecode": directory / "built",
        "from source": _without_bytecode(directory / "built", directory / "source"),
    }
    event = recorded("pretoken_v2_Authentication")
    cases = {"bare": Case(bare, "bare.handler", {}, event)}
    for how, functions in built.items():
        claims, worker = functions / "ClaimsFunction", functions / "WorkerFunction"
        cases[f"claims, {how}"] = Case(claims, _CLAIMS, _COMPOSED, event)
        cases[f"Fauna driver, {how}"] = Case(claims, _CLAIMS, _DRIVER, event)
        handler = "cognito_claims.functions.user_sync_worker.handler"
        cases[f"worker, {how}"] = Case(worker, handler, _WORKER, {"Records": [_RECORD]})
    return cases


def _without_bytecode(built: Path, source: Path) -> Path:
    """Copy the functions as `sam build` leaves them, in a directory that Python cannot write to, as Lambda's."""
    shutil.copytree(built, source, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [source, *source.rglob("*")]:
        if path.is_dir():
            (path / "__pycache__").write_text(
                ""
            )  # a file in its place: even root cannot write there
    return source


def _print(seconds: Mapping[str, list[float]]) -> None:
    print(f"{'':28}{'median ms':>10}{'fastest':>9}{'to bare':>9}")
    for name, figures in seconds.items():
        pairs = zip(figures, seconds["bare"], strict=True)
        ratio = statistics.median(figure / bare for figure, bare in pairs)
        median, fastest = statistics.median(figures) * 1000, min(figures) * 1000
        print(f"{name:28}{median:10.1f}{fastest:9.1f}{ratio:9.2f}")


if __name__ == "__main__":
    main()
