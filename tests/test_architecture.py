"""The architecture as tests: imports run down, and the two sides never meet."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cognito_claims"
RANKS = {
    "errors": 0,
    "deadline": 1,
    "pools": 1,
    "events": 1,
    "claims": 1,
    "response": 2,
    "references": 2,
    "settings": 2,
    "clients": 3,
    "plugin": 3,
    "rules": 3,
    "composition": 4,
    "plugins": 4,
    "lookups": 4,
    "sync": 4,
    "installed": 4,
    "without": 4,
    "registry": 5,
    "sinks": 6,
    "asking": 6,
    "decision": 7,
    "handlers": 8,
    "functions": 9,
}
TOPS = ("testing", "cli", "__main__", "__init__")


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported_rooms(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {n.split(".")[1] for n in names if n.startswith("cognito_claims.")}


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_down(path: Path) -> None:
    room = _room(path)
    if room == "contract":
        assert _imported_rooms(path) <= {"contract"}
    elif room not in TOPS:
        upward = {r for r in _imported_rooms(path) if RANKS.get(r, 99) > RANKS[room]}
        assert upward == set()


def test_the_command_and_the_testing_kit_are_out_of_reach_of_the_trigger_side() -> None:
    reached = {
        room for path in MODULES if _room(path) in RANKS for room in _imported_rooms(path)
    } & {"testing", "cli", "contract"}

    assert reached == set()


def test_only_functions_and_tools_read_the_environment() -> None:
    readers = {
        _room(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute | ast.ImportFrom)
        and ast.unparse(node).startswith(("os.environ", "os.getenv", "from os import"))
    }

    assert readers == {"functions", "cli", "lookups"}
