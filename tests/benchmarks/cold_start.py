"""What a cold start pays for this library: `python tests/benchmarks/cold_start.py [rounds]`.

In fresh processes with a clean environment: the CPU time (user and system) of importing Lambda's runtime client, which every
function pays, and then of importing the ready-made function and answering the first event. Prints medians, their
ratio (which holds on a noisy machine), and the modules that the library adds.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

_EVENT = Path(__file__).parents[2] / "cognito_claims/testing/events/pretoken_v2_Authentication.json"
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura",
    "SURREALDB_NAMESPACE": "test",
    "SURREALDB_DATABASE": "test",
    "SURREALDB_ACCESS": "user",
    "HASURA_GROUP_ROLES": "editors=editor",
}
_PROBE = """
import json, sys, time
started = time.process_time()
import awslambdaric.__main__, awslambdaric.bootstrap
event = json.load(open(sys.argv[1]))
before, client = set(sys.modules), time.process_time()
from cognito_claims.functions.pre_token_generation import handler
imported = time.process_time()
handler(event, None)
answered = time.process_time()
print(json.dumps({"client": client - started, "import": imported - client, "event": answered - imported,
                  "modules": sorted(set(sys.modules) - before)}))
"""


def main() -> None:
    """Print one line a figure, in milliseconds of CPU."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    command = [sys.executable, "-c", _PROBE, os.fspath(_EVENT)]
    runs = [
        json.loads(subprocess.check_output(command, env=_ENVIRONMENT, stderr=subprocess.DEVNULL))
        for _ in range(rounds + 1)
    ][1:]
    client = statistics.median(run["client"] for run in runs) * 1000
    added = statistics.median(run["import"] + run["event"] for run in runs) * 1000
    fastest = min(run["import"] + run["event"] for run in runs) * 1000
    ratio = statistics.median((run["import"] + run["event"]) / run["client"] for run in runs)
    print(f"runtime client: {client:.1f} ms (median of {rounds})")
    print(f"import and first event: {added:.1f} ms (median), {fastest:.1f} ms (fastest)")
    print(f"ratio to the runtime client: {ratio:.2f}")
    print("modules added:", " ".join(runs[0]["modules"]))


if __name__ == "__main__":
    main()
