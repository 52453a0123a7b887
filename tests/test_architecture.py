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
    "secret": 2,
    "settings": 2,
    "clients": 3,
    "plugin": 3,
    "composition": 4,
    "plugins": 4,
    "sync": 4,
    "without": 4,
    "registry": 5,
    "sync.worker": 5,
    "sync.from_env": 6,
    "invocation.dispatch": 6,
    "invocation": 7,
    "handlers": 8,
    "functions": 9,
}
TOPS = ("testing", "tools", "cli", "__main__", "__init__")


def _room(path: Path) -> str:
    return _room_of(".".join(path.relative_to(PACKAGE).with_suffix("").parts))


def _room_of(module: str) -> str:
    """Name the room: the longest of the names in `RANKS` that the module begins with."""
    parts = module.split(".")
    names = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next((name for name in names if name in RANKS), parts[0])


def _imported_rooms(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    own = (name.removeprefix("cognito_claims.") for name in names if "cognito_claims." in name)
    return {_room_of(name) for name in own}


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
    } & {"testing", "tools", "cli", "contract"}

    assert reached == set()


def test_only_functions_and_tools_read_the_environment() -> None:
    readers = {
        _room(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute | ast.ImportFrom)
        and ast.unparse(node).startswith(("os.environ", "os.getenv", "from os import"))
    }

    assert readers == {"functions", "tools"}
