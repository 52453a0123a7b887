"""What a sign-in waits for when the user sync starts cold, beside the handler of Hasura's guide in Node.

`python tests/benchmarks/user_sync_cold_start.py [rounds]`; needs PostgreSQL, Node 20, and npm's registry for the packages of
`user_sync/package.json`. How both are started is in `cold_handlers.py`. Both speak TLS to the same stand-in of Hasura over a
real PostgreSQL, whose time both pay, and after every run the row must be there.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.cold_handlers import Subject, cases, kept_secrets, recorded_event
from tests.benchmarks.cold_processes import (
    Case,
    Check,
    Run,
    in_rounds,
    print_table,
    ratios,
    wanted_rounds,
)
from tests.stand_ins.certificates import Authority
from tests.stand_ins.hasura import SECRET, HasuraServer
from tests.stand_ins.postgres import postgres

_GOAL = 0.6
_EVENT = recorded_event("postauth_Authentication")


def main() -> None:
    """Run all cases in shuffled rounds, and print a table and whether the goal is reached."""
    rounds = wanted_rounds()
    with TemporaryDirectory() as temporary, postgres() as dsn:
        directory = Path(temporary)
        authority = Authority(directory)
        certificate = authority.good()
        with (
            HasuraServer(dsn, certificate=certificate) as hasura,
            kept_secrets(certificate.path, "HASURA_SYNC_ADMIN_SECRET", SECRET) as secrets,
        ):
            every = [*cases(_subject(hasura.url), directory, authority.path, secrets)]
            runs = in_rounds(rounds, every, _written_in(hasura))
    print_table(every, runs)
    _print_goal(every, runs)


def _subject(url: str) -> Subject:
    return Subject(
        function="cognito_claims.functions.user_sync",
        guide="user_sync",
        event=_EVENT,
        environ={"HASURA_SYNC_URL": url},
        ours={"USER_SYNC_SINKS": "hasura"},
    )


def _written_in(hasura: HasuraServer) -> Check:
    """Check that the event came back as it was, and that its user's row is in the table, alone."""
    event = json.loads(_EVENT.read_text(encoding="utf-8"))
    row = (event["request"]["userAttributes"]["sub"], event["userName"])

    def check(case: Case, line: str) -> None:
        rows = [(row["id"], row["username"]) for row in hasura.rows()]
        assert json.loads(line) == event, case.name
        assert rows == ([row] if case.rival else []), case.name
        hasura.truncate()

    return check


def _print_goal(every: Sequence[Case], runs: Mapping[str, list[Run]]) -> None:
    print(f"Goal: ours takes at most {_GOAL} of Node's time.")
    for case in every:
        if case.name.endswith(": ours"):
            wall, cpu = ratios(case, runs)
            verdict = "reached" if max(wall, cpu) <= _GOAL else "missed"
            print(f"{case.name}: wall {wall:.3f}, CPU {cpu:.3f}, {verdict}")


if __name__ == "__main__":
    main()
