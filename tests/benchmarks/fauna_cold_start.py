"""What a sign-in waits for when the Fauna function starts cold, beside the guide's handler in Node.

`python tests/benchmarks/fauna_cold_start.py [rounds]`; needs Node 20, and npm's registry for the packages of
`fauna/package.json`. How both are started is in `cold_handlers.py`. Both speak TLS to the same stand-in of Fauna, which sits
behind `front.mjs`: npm's driver wants HTTP/2, ours speaks HTTP/1.1.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.cold_handlers import Subject, cases, front, kept_secrets, recorded_event
from tests.benchmarks.cold_processes import Case, Check, in_rounds, print_table, wanted_rounds
from tests.stand_ins.certificates import Authority
from tests.stand_ins.fauna import SECRET, FaunaServer


def main() -> None:
    """Run all cases in shuffled rounds, and print a table."""
    rounds = wanted_rounds()
    with TemporaryDirectory() as temporary, FaunaServer() as fauna:
        directory = Path(temporary)
        authority = Authority(directory)
        pem = authority.good().path
        with (
            front(pem, fauna.endpoint) as endpoint,
            kept_secrets(pem, "FAUNA_SECRET", SECRET) as secrets,
        ):
            every = [*cases(_subject(endpoint), directory, authority.path, secrets)]
            runs = in_rounds(rounds, every, _minted_in(fauna))
    print_table(every, runs)


def _subject(endpoint: str) -> Subject:
    return Subject(
        function="cognito_claims.functions.pre_token_generation",
        guide="fauna",
        event=recorded_event("pretoken_v1_Authentication"),
        environ={"FAUNA_ENDPOINT": endpoint},
        ours={"COGNITO_CLAIMS_PLUGINS": "fauna"},
    )


def _minted_in(fauna: FaunaServer) -> Check:
    """Check that the stand-in minted the token of the response, and no other."""

    def check(case: Case, line: str) -> None:
        details = json.loads(line)["response"].get("claimsOverrideDetails") or {}
        answered = details.get("claimsToAddOrOverride", {}).get("fauna_token_secret")
        tokens = [token.secret for token in fauna.tokens]
        assert tokens == ([answered] if case.rival else []), case.name
        fauna.tokens.clear()

    return check


if __name__ == "__main__":
    main()
