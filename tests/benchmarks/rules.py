"""Ten claims with tenant, scopes and a refusal: by rules, by a plugin by hand in the same handler, by Powertools' parser."""

import json
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any

from cognito_claims.testing import recorded
from tests.benchmarks import builds
from tests.benchmarks.claims import HANDLER, OURS
from tests.benchmarks.compared import Check
from tests.benchmarks.emulator import first_invocation
from tests.benchmarks.figures import Case, Run, Runs, compared, in_rounds, spread, wall_ratio
from tests.benchmarks.functions import Answer, Function, Kit
from tests.benchmarks.report import Column, Section, Table, Target
from tests.benchmarks.warm import EVENTS, start

RULES: Mapping[str, Any] = {
    "tenant": {
        "from": "client_metadata.tenant",
        "among": {"from": "cognito:groups", "prefix": "tenant:"},
    },
    "deny": [
        {
            "unless": {"email_domains": ["example.com"]},
            "reason": "Sign in with your work account.",
        }
    ],
    "claims": {
        "tenant_id": {"from": "tenant", "to": ["id", "access"], "absent": "deny"},
        "roles": {
            "from": "cognito:groups",
            "values": {"editors": ["editor", "author"], "admins": "admin"},
            "to": ["access"],
        },
        "role": {
            "first": [
                {"when": {"groups": ["admins"]}, "constant": "admin"},
                {"when": {"groups": ["editors"]}, "constant": "editor"},
            ],
            "default": "authenticated",
        },
        "plan": {"from": "custom:plan", "default": "free", "to": ["id", "access"]},
        "level": {"from": "custom:level", "as": "number"},
        "beta": {"from": "custom:beta", "as": "boolean"},
        "work_email": {"from": "email", "to": ["access"]},
        "https://aws.amazon.com/tags": {
            "object": {"principal_tags": {"object": {"tenant": {"from": "tenant", "as": "list"}}}}
        },
        "teams": {"from": "custom:teams", "read": "csv", "to": ["access"]},
        "service": {"constant": "shop", "to": ["access"]},
    },
    "scopes": {"orders/write": {"groups": ["editors"]}, "orders/read": True},
}
_ID = {
    "tenant_id": "acme",
    "role": "editor",
    "plan": "pro",
    "level": 5,
    "beta": True,
    "https://aws.amazon.com/tags": {"principal_tags": {"tenant": ["acme"]}},
}
_ACCESS = {
    "tenant_id": "acme",
    "roles": ["editor", "author"],
    "plan": "pro",
    "work_email": "jane@example.com",
    "teams": ["blue", "red"],
    "service": "shop",
}
_OURS, _BY_HAND, _PARSER = "rules", "plugin by hand", "Powertools parser"
_SURREALDB, _CONTROL = "SurrealDB plugin", "SurrealDB plugin, again"
_POWERTOOLS = "aws-lambda-powertools[parser]>=3.8,<4"
_COLUMNS = (
    Column("wall_ms", "wall ms"),
    Column("wall_minimum_ms", "min"),
    Column("cpu_ms", "CPU ms"),
    Column("to_surrealdb", "to SurrealDB", 2),
    Column("to_parser", "to parser", 2),
    Column("spread", "spread", 2),
    Column("rounds", "rounds", 0),
)
_WARM_COLUMNS = (
    Column("event_us", "µs an event"),
    Column("event_minimum_us", "min"),
    Column("to_by_hand", "to by hand", 2),
    Column("spread", "spread", 2),
    Column("rounds", "rounds", 0),
)


def rules(kit: Kit, rounds: int) -> Section:
    """Run them under the emulator, and then in processes that live through all rounds."""
    first, warm = _cold(kit, rounds), _warm(kit, rounds)
    targets = (
        Target("rules, cold: wall to SurrealDB", 1.10, first.figure(_OURS, "to_surrealdb")),
        Target("rules, cold: wall to Powertools' parser", 0.4, first.figure(_OURS, "to_parser")),
        Target("rules, warm: to a plugin by hand", 1.6, warm.figure(_OURS, "to_by_hand")),
    )
    return Section("rules", (first, warm), targets)


def event() -> dict[str, Any]:
    """Give an event that has what the rules read."""
    raw = recorded("pretoken_v2_Authentication")
    request = raw["request"]
    request["groupConfiguration"]["groupsToOverride"] = ["editors", "tenant:acme"]
    request["clientMetadata"] = {"tenant": "acme"}
    request["userAttributes"] |= {
        "email": "jane@example.com",
        "email_verified": "true",
        "custom:plan": "pro",
        "custom:level": "5",
        "custom:beta": "true",
        "custom:teams": "blue,red",
    }
    return raw


def adds_the_claims(answer: Any) -> None:
    """Refuse an answer that lacks one of the claims or scopes, or has another."""
    given = answer["response"]["claimsAndScopeOverrideDetails"]
    access = given["accessTokenGeneration"]
    assert given["idTokenGeneration"]["claimsToAddOrOverride"] == _ID
    assert access["claimsToAddOrOverride"] == _ACCESS
    assert sorted(access["scopesToAdd"]) == ["orders/read", "orders/write"]


def _adds_surrealdb(answer: Any) -> None:
    given = answer["response"]["claimsAndScopeOverrideDetails"]["idTokenGeneration"]
    assert given["claimsToAddOrOverride"].keys() == {"ns", "db", "sc", "tk"}


def _subjects(kit: Kit) -> Iterator[tuple[str, Function, Check]]:
    ours, raw = kit.functions["ClaimsFunction"].directory, event()
    by_rules = {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": json.dumps(RULES)}
    by_hand = builds.peer(kit.cache, "rules_by_hand").directory
    path = f"{kit.python.environ['PYTHONPATH']}:{by_hand}"
    plugin = {"COGNITO_CLAIMS_PLUGINS": "rules=peer:from_env", "PYTHONPATH": path}
    parser = builds.peer(kit.cache, "rules_parsed", _POWERTOOLS).directory
    yield _OURS, Function(kit.python, ours, HANDLER, by_rules, raw), adds_the_claims
    yield _BY_HAND, Function(kit.python, ours, HANDLER, plugin, raw), adds_the_claims
    yield _PARSER, Function(kit.python, parser, "peer.handler", {}, raw), adds_the_claims


def _cold(kit: Kit, rounds: int) -> Table:
    ours = kit.functions["ClaimsFunction"].directory
    other = Function(kit.python, ours, HANDLER, OURS["SurrealDB"], event())
    subjects = [*_subjects(kit), *((n, other, _adds_surrealdb) for n in (_SURREALDB, _CONTROL))]
    cases = [
        Case(name, _checked(kit, function, check), _SURREALDB, _PARSER)
        for name, function, check in subjects
    ]
    runs = in_rounds(cases, rounds)
    rows = {name: _cold_row(runs, name) for name in runs}
    title = "Ten claims with tenant, scopes and a refusal: the first invocation under Lambda's emulator, init included."
    return Table("rules", title, _COLUMNS, rows)


def _checked(kit: Kit, function: Function, check: Check) -> Callable[[], Run]:
    def run() -> Run:
        answer: Answer = first_invocation(kit.emulator, function, kit.log)
        check(answer.content)
        return answer.run

    return run


def _cold_row(runs: Runs, name: str) -> tuple[float | None, ...]:
    kept = runs[name].values()
    walls = [run.wall for run in kept]
    ratios = (compared(runs, name, other, wall_ratio) for other in (_SURREALDB, _PARSER))
    cpu = median(run.cpu for run in kept)
    return (median(walls), min(walls), cpu, *ratios, spread(walls), len(walls))


def _warm(kit: Kit, rounds: int) -> Table:
    started = {name: start(function, check) for name, function, check in _subjects(kit)}
    try:
        runs = in_rounds([Case(n, each.timed, _BY_HAND) for n, each in started.items()], rounds)
    finally:
        for each in started.values():
            each.process.kill()
            each.process.communicate()
    rows: dict[str, tuple[float | None, ...]] = {}
    for name, kept in runs.items():
        walls = [run.wall for run in kept.values()]
        ratio = compared(runs, name, _BY_HAND, wall_ratio)
        rows[name] = (median(walls), min(walls), ratio, spread(walls), len(walls))
    title = f"The same, warm: microseconds an event, JSON both ways included, of {EVENTS:,}."
    return Table("rules_warm", title, _WARM_COLUMNS, rows)
