"""The architecture as tests: imports run down, no rooms in a circle, and the two sides never meet."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cognito_claims"
TRIGGER_SIDE = (
    {"errors"},
    {"deadline", "pools", "events", "claims", "secret"},
    {"response", "settings"},
    {"clients", "plugin", "rules"},
    {"composition", "lookups", "plugins", "sync", "without"},
    {"registry", "sync.worker"},
    {"invocation.dispatch", "sync.from_env"},
    {"invocation"},
    {"handlers"},
    {"functions"},
)
TOOLS = (
    {"testing"},
    {"tools.errors", "tools.files", "tools.json_diff", "tools.waiting"},
    {"tools.findings", "tools.inputs", "tools.configuration"},
    {"tools.backends", "tools.pool", "tools.local"},
    {"tools.evaluation"},
    {"tools.doctor"},
    {"tools.attach", "tools.backfill", "tools.demo", "tools.playground"},
    {"cli"},
    {"__main__"},
)
"""Each set of rooms imports what stands before it, and no room of its own set but itself."""
RANKS = {room: rank for rank, rooms in enumerate((*TRIGGER_SIDE, *TOOLS)) for room in sorted(rooms)}
APART = {"contract": {"contract"}, "__init__": {*RANKS} - {"cli", "testing", "__main__"}}


def _module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def _room(module: str) -> str:
    """Name the room: the longest of the known names that the module begins with."""
    parts = module.split(".")
    names = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next((name for name in names if name in RANKS), parts[0])


def _imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Give the modules of ours that a module imports from, and the names that it takes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("cognito_claims."):
            within = f"{node.module}.".removeprefix("cognito_claims.")
            for alias in node.names:
                name = f"{within}{alias.name}"
                is_module = name in NAMES
                yield (name, []) if is_module else (within.removesuffix("."), [alias.name])


MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = {_module(path) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_down(path: Path) -> None:
    room = _room(_module(path))
    imported = {_room(module) for module, _ in _imports(path)} - {room}
    if room in APART:
        assert imported <= APART[room]
    else:
        upward = {r for r in imported - {"contract"} if RANKS.get(r, 99) >= RANKS[room]}
        assert upward == set()


def test_only_the_tools_and_the_testing_kit_know_the_judges() -> None:
    knowing = {
        _room(_module(path))
        for path in MODULES
        for module, _ in _imports(path)
        if _room(module) == "contract"
    }

    assert [room for room in knowing if room in {r for rooms in TRIGGER_SIDE for r in rooms}] == []


def test_no_module_of_the_tools_is_imported_by_others_for_one_small_type() -> None:
    """Types that several rooms share stand at the ground, and not in the room that had them first."""
    taken: dict[str, Counter[str]] = {}
    for path in MODULES:
        room = _room(_module(path))
        for module, names in _imports(path):
            if _room(module) != room and RANKS.get(_room(module), 0) > RANKS["tools.configuration"]:
                taken.setdefault(module, Counter()).update(n for n in names if n[0].isupper())

    assert {
        (module, name)
        for module, names in taken.items()
        for name, count in names.items()
        if count > 4
    } == set()


def test_the_terminal_is_the_commands_business() -> None:
    importing = {
        _room(_module(path))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom | ast.Import)
        and ast.unparse(node).startswith(("from rich", "from typer", "import rich", "import typer"))
    }

    assert importing == {"cli", "tools.demo"}  # the demo prints each step when it ends


def test_only_functions_and_tools_read_the_environment() -> None:
    readers = {
        _room(_module(path))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute | ast.ImportFrom)
        and ast.unparse(node).startswith(("os.environ", "os.getenv", "from os import"))
    }

    assert readers == {"functions", "lookups", "tools.inputs", "tools.local"}
