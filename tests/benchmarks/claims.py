"""Claims for SurrealDB and Hasura: ours, the guides' for Node, and four ways to do Hasura's job in Python; one event for all."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cognito_claims.testing import recorded
from tests.benchmarks import builds
from tests.benchmarks.cache import Bundle, NotRun
from tests.benchmarks.compared import Check, Subject
from tests.benchmarks.functions import Function, Kit, Runtime

EVENT = recorded("pretoken_v1_Authentication")
HANDLER = "cognito_claims.functions.pre_token_generation.handler"
_NAMESPACE = "https://hasura.io/jwt/claims"
_POWERTOOLS = "aws-lambda-powertools>=3.8,<4"
_SURREALDB = {
    "SURREALDB_NAMESPACE": "shop",
    "SURREALDB_DATABASE": "main",
    "SURREALDB_SCOPE": "user",
    "SURREALDB_TOKEN": "cognito",
}
OURS: Mapping[str, Mapping[str, str]] = {
    "SurrealDB": {"COGNITO_CLAIMS_PLUGINS": "surrealdb", **_SURREALDB},
    "Hasura": {"COGNITO_CLAIMS_PLUGINS": "hasura"},
    "both": {"COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura", **_SURREALDB},
}
_GUIDES = {"SurrealDB": "surrealdb", "Hasura": "hasura"}
PEERS = {
    "Python by hand": ("by_hand",),
    "Powertools data classes": ("data_classes", _POWERTOOLS),
    "Powertools parser": ("parsed", "aws-lambda-powertools[parser]>=3.8,<4"),
    "pydantic": ("own_models", "pydantic>=2.9,<3"),
}
_CLAIMS: Mapping[str, Mapping[str, Any]] = {
    "SurrealDB": {"ns": "shop", "db": "main", "sc": "user", "tk": "cognito"},
    "Hasura": {
        _NAMESPACE: {
            "x-hasura-user-id": EVENT["request"]["userAttributes"]["sub"],
            "x-hasura-default-role": "user",
            "x-hasura-allowed-roles": ["user"],
        }
    },
}
BARE, BARE_NODE = "bare Python", "bare Node"
BY_HAND, GUIDE = "Hasura: Python by hand", "Hasura: guide, Node"


def adds(job: str) -> Check:
    """Check that the answer adds the job's claims, and no others."""
    wanted = {
        name: each
        for key, claims in _CLAIMS.items()
        if job in (key, "both")
        for name, each in claims.items()
    }

    def check(answer: Any) -> None:
        added = dict(answer["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"])
        if _NAMESPACE in added:
            added[_NAMESPACE] = json.loads(added[_NAMESPACE])
        assert added == wanted

    return check


def returns_the_event(answer: Any) -> None:
    assert answer == EVENT


def subjects(kit: Kit) -> Iterator[Subject]:
    """Give the bare functions, ours and all peers; Python's with bytecode and from source."""
    yield from _bare(kit)
    ours = kit.functions["ClaimsFunction"]
    for job, environ in OURS.items():
        guide = GUIDE if job == "both" else f"{job}: guide, Node"
        for how, runtime, directory in _with_and_without_bytecode(kit, ours.directory):
            function = Function(runtime, directory, HANDLER, environ, EVENT)
            yield Subject(f"{job}: ours{how}", function, adds(job), ours.zipped, BARE, guide)
    for name, (module, *packages) in PEERS.items():
        peer = builds.peer(kit.cache, module, *packages)
        for how, runtime, directory in _with_and_without_bytecode(kit, peer.directory):
            function = Function(runtime, directory, "peer.handler", {}, EVENT)
            title = f"Hasura: {name}{how}"
            yield Subject(title, function, adds("Hasura"), peer.zipped, BARE, GUIDE)


def _bare(kit: Kit) -> Iterator[Subject]:
    bare = builds.peer(kit.cache, "bare")
    function = Function(kit.python, bare.directory, "peer.handler", {}, EVENT)
    yield Subject(BARE, function, returns_the_event)
    if isinstance(kit.node, NotRun):
        return
    guides: Bundle = kit.guides["claims"]
    function = Function(kit.node, guides.directory, "bare.handler", {}, EVENT)
    yield Subject(BARE_NODE, function, returns_the_event)
    for job, module in _GUIDES.items():
        function = Function(kit.node, guides.directory, f"{module}.handler", {}, EVENT)
        name = f"{job}: guide, Node"
        yield Subject(name, function, adds(job), guides.zipped, BARE_NODE, name)


def _with_and_without_bytecode(kit: Kit, directory: Path) -> Iterator[tuple[str, Runtime, Path]]:
    yield "", kit.python, directory
    yield ", from source", kit.source, builds.from_source(kit.cache, directory)
