import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import invalidate_caches
from pathlib import Path
from shutil import copytree
from subprocess import check_output
from unittest.mock import patch

import pytest

import cognito_claims
from cognito_claims.claims import Claims
from cognito_claims.errors import PluginFailedError, SettingsError
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.registry import Plugin, PluginEntry, load, mark, optional, pure
from cognito_claims.sync.users import UserSync
from cognito_claims.testing import a_user_event

ROOT = Path(cognito_claims.__file__).parents[1]
NEITHER = "neither a known plugin nor name=import.path:factory"
SHAPE = "expected name=import.path:factory"
NO_FACTORY = "the module has no such factory"
FACTORY = "expected a factory, which takes the environment and returns a plugin"
NO_MODULE = "the module cannot be imported"
NOWHERE = "it is neither in the working directory nor on PYTHONPATH"
NO_NAME = "the text before = is not a valid plugin name"
POLICIES = "expected one of deny, omit"
SURREALDB = {
    "SURREALDB_NAMESPACE": "shop",
    "SURREALDB_DATABASE": "shop",
    "SURREALDB_ACCESS": "user",
}
ACME = """
from cognito_claims import Claims, Problem, SettingsError, optional

class Plan:
    pure = True

    def __init__(self, name):
        self.name = name

    def __call__(self, event):
        return Claims.adding({"plan": self.name})

    class Factories:
        @staticmethod
        def from_env(environ):
            return Plan(environ.get("PLAN_NAME", "free"))

def free(environ):
    return Plan("free")

def slow(environ):
    return lambda event: Claims()

def lenient(environ):
    return optional(Plan("free"))

def strict(environ):
    raise SettingsError((Problem("ACME_ONE", "required"), Problem("ACME_TWO", "required")))

def broken(environ):
    return 1 / 0

def asks(environ):
    return environ.hunter2

def forgetful(environ):
    Plan("free")

def plain(event):
    return Claims() if event.user is None else Claims.adding({"plan": "free"})

def constant(event):
    return Claims.adding({"plan": "free"})

class Bare:
    pass

instance = Plan("free")
claims = Claims()
not_callable = "free"
"""
Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Give a function that writes a file where modules and distributions are found."""

    def written(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
        invalidate_caches()

    monkeypatch.syspath_prepend(tmp_path)
    written("acme_claims.py", ACME)
    with patch.dict(sys.modules):  # the next test writes its own
        yield written


def install(write: Write, entry_points: str, name: str = "acme") -> None:
    folder = f"{name}-1.0.dist-info"
    write(f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    write(f"{folder}/entry_points.txt", entry_points)


def problems_of(environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(environ)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    return [str(problem) for problem in raised.value.problems]


def entry_problem(entries: str) -> str:
    (problem,) = problems_of({"COGNITO_CLAIMS_PLUGINS": entries, **SURREALDB})
    return problem.removeprefix("COGNITO_CLAIMS_PLUGINS: ")


def marks(plugin: PluginEntry) -> tuple[Plugin, str, bool]:
    return plugin.plugin, plugin.on_error, plugin.is_pure


def plan_of(plugin: PluginEntry) -> object:
    return plugin(a_user_event()).id_token.add["plan"]


def test_built_in_plugins_are_made_by_name_in_order() -> None:
    configuration = load({"COGNITO_CLAIMS_PLUGINS": " surrealdb , hasura", **SURREALDB})

    assert {name: type(marked.plugin) for name, marked in configuration.plugins.items()} == {
        "surrealdb": SurrealDBClaims,
        "hasura": HasuraClaims,
    }
    assert list(configuration.plugins) == ["surrealdb", "hasura"]
    assert [marks(marked)[1:] for marked in configuration.plugins.values()] == [("deny", True)] * 2
    assert configuration.deadline_ms == 4000


@pytest.mark.parametrize(
    "entry",
    [
        "plan=acme_claims:Plan.Factories.from_env",
        " plan = acme_claims:Plan.Factories.from_env ",
    ],
)
@pytest.mark.usefixtures("write")
def test_a_plugin_is_found_by_its_path_and_reads_its_own_variables(entry: str) -> None:
    plugins = load({"COGNITO_CLAIMS_PLUGINS": entry, "PLAN_NAME": "pro"}).plugins

    assert {name: plan_of(plugin) for name, plugin in plugins.items()} == {"plan": "pro"}


def test_a_path_beats_a_built_in_name(write: Write) -> None:
    write("acme_other.py", "from acme_claims import free")

    plugins = load({"COGNITO_CLAIMS_PLUGINS": "hasura=acme_other:free"}).plugins

    assert plan_of(plugins["hasura"]) == "free"


def test_a_plugin_that_a_distribution_installs_is_found_by_its_name(write: Write) -> None:
    install(write, "[cognito_claims.plugins]\nplan = acme_claims:Plan.Factories.from_env\n")

    plugins = load({"COGNITO_CLAIMS_PLUGINS": "hasura,plan", "PLAN_NAME": "pro"}).plugins

    assert list(plugins) == ["hasura", "plan"]
    assert plan_of(plugins["plan"]) == "pro"


def test_entry_points_of_another_group_are_not_plugins(write: Write) -> None:
    install(write, "[console_scripts]\nplan = acme_claims:free\n")

    assert entry_problem("plan") == f"entry 1: {NEITHER}"


@pytest.mark.parametrize(
    ("entries", "hint"),
    [
        ("hasra", "; did you mean hasura?"),
        ("Hasura", "; did you mean hasura?"),
        ("surreal_db", "; did you mean surrealdb?"),
        ("plam", "; did you mean plan?"),
        ("acme_claims:free", ""),
    ],
)
def test_an_unknown_plugin_is_told_with_the_nearest_name(
    write: Write, entries: str, hint: str
) -> None:
    install(write, "[cognito_claims.plugins]\nplan = acme_claims:free\n")

    assert entry_problem(entries) == f"entry 1: {NEITHER}{hint}"


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ("x=acme_claims", f"entry 1: {SHAPE}"),
        ("x=", f"entry 1: {SHAPE}"),
        ("x=:free", f"entry 1: {SHAPE}"),
        ("x=acme_claims:", f"entry 1: {SHAPE}"),
        ("x=acme_missing:free", f"entry 1: {NO_MODULE}: {NOWHERE}"),
        ("x=acme_claims.deeper:free", f"entry 1: {NO_MODULE}: {NOWHERE}"),
        ("x=acme_missing.claims:free", f"entry 1: {NO_MODULE}: {NOWHERE}"),
        ("x=acme_claims:missing", f"entry 1: {NO_FACTORY}"),
        ("x=acme_claims:Plan.missing", f"entry 1: {NO_FACTORY}"),
        ("x=acme_claims:missing.from_env", f"entry 1: {NO_FACTORY}"),
        ("x=acme_claims:Plan..pure", f"entry 1: {SHAPE}"),
        ("x=.acme_claims:free", f"entry 1: {SHAPE}"),
        ("x=acme claims:free", f"entry 1: {SHAPE}"),
        ("=acme_claims:free", f"entry 1: {NO_NAME}"),
        ("a b=acme_claims:free", f"entry 1: {NO_NAME}"),
        ("deadline_ms=acme_claims:free", f"entry 1: {NO_NAME}"),
        ("x=acme_claims:not_callable", f"entry 1: {FACTORY}; got str"),
        ("hasura,x=acme_claims:not_callable", f"entry 2: {FACTORY}; got str"),
        ("hasura,surrealdb,hasura", "entry 3: duplicate plugin name"),
        ("hasura,hasura=acme_claims:free", "entry 2: duplicate plugin name"),
        ("hasura,none", f"entry 2: {NEITHER}"),
        ("hasura,,surrealdb", "entry 2 of the comma list is empty"),
        ("hasura,", "entry 2 of the comma list is empty"),
        ("", "required"),
    ],
)
@pytest.mark.usefixtures("write")
def test_an_entry_that_is_wrong_is_told_by_its_place(entries: str, problem: str) -> None:
    assert entry_problem(entries) == problem


@pytest.mark.parametrize(
    ("source", "raised"),
    [
        ("\nimport some_driver.client", "ModuleNotFoundError"),
        ("\nimport acme", "ModuleNotFoundError"),
        ("\nfrom acme_claims import nothing", "ImportError"),
        ("\nraise ImportError('hunter2')", "ImportError"),
        ("\nraise ImportError('hunter2', name='hunter2')", "ImportError"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_with_the_place_of_what_it_needs(
    write: Write, tmp_path: Path, source: str, raised: str
) -> None:
    write("acme_needy.py", source)

    place = f"{raised} at {tmp_path / 'acme_needy.py'}:2 in <module>"
    assert entry_problem("x=acme_needy:f") == f"entry 1: {NO_MODULE}: {place}"


def test_an_empty_module_has_no_factory(write: Write) -> None:
    write("acme_empty.py", "")

    assert entry_problem("x=acme_empty:f") == f"entry 1: {NO_FACTORY}"


@pytest.mark.parametrize("environ", [{}, {"COGNITO_CLAIMS_PLUGINS": " "}])
def test_the_plugins_are_required(environ: dict[str, str]) -> None:
    assert problems_of(environ) == ["COGNITO_CLAIMS_PLUGINS: required"]


def test_none_is_no_plugin_at_all() -> None:
    configuration = load({"COGNITO_CLAIMS_PLUGINS": "none", "COGNITO_CLAIMS_DEADLINE_MS": "1"})

    assert (configuration.plugins, configuration.deadline_ms) == ({}, 1)


@pytest.mark.parametrize("milliseconds", [1, 4000, 5000])
def test_the_deadline_is_within_what_cognito_waits(milliseconds: int) -> None:
    environ = {
        "COGNITO_CLAIMS_PLUGINS": "none",
        "COGNITO_CLAIMS_DEADLINE_MS": str(milliseconds),
    }

    assert load(environ).deadline_ms == milliseconds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0", "expected 1 to 5000 milliseconds"),
        ("5001", "expected 1 to 5000 milliseconds"),
        ("-1", "expected a whole number"),
        ("none", "cannot be none"),
    ],
)
def test_another_deadline_is_a_problem(text: str, problem: str) -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "none", "COGNITO_CLAIMS_DEADLINE_MS": text}

    assert problems_of(environ) == [f"COGNITO_CLAIMS_DEADLINE_MS: {problem}"]


@pytest.mark.parametrize(
    ("environ", "policies"),
    [
        ({}, ("deny", "deny", "omit")),
        ({"COGNITO_CLAIMS_ON_ERROR": "deny"}, ("deny", "deny", "omit")),
        ({"COGNITO_CLAIMS_ON_ERROR": "omit"}, ("omit", "omit", "omit")),
        ({"HASURA_ON_ERROR": "omit"}, ("omit", "deny", "omit")),
        ({"MY_PLAN_ON_ERROR": " omit "}, ("deny", "omit", "omit")),
        ({"LENIENT_ON_ERROR": "deny"}, ("deny", "deny", "deny")),
        ({"COGNITO_CLAIMS_ON_ERROR": "omit", "HASURA_ON_ERROR": "deny"}, ("deny", "omit", "omit")),
        ({"COGNITO_CLAIMS_ON_ERROR": "omit", "MY_PLAN_ON_ERROR": ""}, ("omit", "omit", "omit")),
    ],
)
@pytest.mark.usefixtures("write")
def test_a_policy_is_set_for_all_or_by_name(
    environ: dict[str, str], policies: tuple[str, ...]
) -> None:
    entries = "hasura,my-plan=acme_claims:slow,lenient=acme_claims:lenient"

    plugins = load({"COGNITO_CLAIMS_PLUGINS": entries, **environ}).plugins

    assert tuple(plugin.on_error for plugin in plugins.values()) == policies
    assert [plugin.is_pure for plugin in plugins.values()] == [True, False, True]
    assert not [plugin for plugin in plugins.values() if isinstance(plugin.plugin, PluginEntry)]


def test_problems_of_all_plugins_come_at_once(write: Write, tmp_path: Path) -> None:
    write("acme_needy.py", "import some_driver")
    environ = {
        "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura,a=acme_claims:strict,b=acme_needy:f",
        "COGNITO_CLAIMS_ON_ERROR": "allow",
        "COGNITO_CLAIMS_DEADLINE_MS": "soon",
        "COGNITO_CLAIMS_DEADLINE": "4000",
        "SURREALDB_TOKENS": "refresh",
        "SURREALDB_ON_ERROR": "none",
        "HASURA_ON_ERROR": "allow",
        "HASURA_TOKEN": "id",
        "HASURA_SYNC_URL": "http://localhost",
        "A_ON_ERROR": "deny",
    }

    assert problems_of(environ) == [
        "COGNITO_CLAIMS_DEADLINE: unknown setting; did you mean COGNITO_CLAIMS_DEADLINE_MS?",
        f"COGNITO_CLAIMS_ON_ERROR: {POLICIES}",
        "COGNITO_CLAIMS_DEADLINE_MS: expected a whole number",
        "SURREALDB_NAMESPACE: required",
        "SURREALDB_DATABASE: required",
        "SURREALDB_TOKENS: expected one of id, access",
        "SURREALDB_ACCESS: required, unless token and scope are set (SurrealDB 1.x)",
        f"SURREALDB_ON_ERROR: {POLICIES}",
        "HASURA_TOKEN: unknown setting; did you mean HASURA_TOKENS?",
        f"HASURA_ON_ERROR: {POLICIES}",
        *("ACME_ONE: required", "ACME_TWO: required"),
        f"COGNITO_CLAIMS_PLUGINS: entry 4: {NO_MODULE}: ModuleNotFoundError"
        f" at {tmp_path / 'acme_needy.py'}:1 in <module>",
    ]


def test_a_wrong_policy_alone_is_a_problem() -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "hasura", "HASURA_ON_ERROR": "Omit"}

    assert problems_of(environ) == [f"HASURA_ON_ERROR: {POLICIES}"]


USER_SYNC = {
    "COGNITO_CLAIMS_PLUGINS": "user_sync",
    "USER_SYNC_SINKS": "hasura",
    "HASURA_SYNC_URL": "https://hasura.example.com/v1/graphql",
    "HASURA_SYNC_ADMIN_SECRET": "hunter2",
}


@pytest.mark.parametrize(
    ("policy", "on_error"), [("", "omit"), ("allow", "omit"), ("deny", "deny")]
)
@pytest.mark.parametrize("default", ["", "deny", "omit"])
def test_a_user_sync_is_a_plugin_whose_policies_are_allow_and_deny(
    policy: str, on_error: str, default: str
) -> None:
    policies = {"USER_SYNC_ON_ERROR": policy, "COGNITO_CLAIMS_ON_ERROR": default}

    plugins = load({**USER_SYNC, **policies}).plugins

    plugin, *marked = marks(plugins["user_sync"])
    assert (list(plugins), type(plugin), marked) == (["user_sync"], UserSync, [on_error, False])


@pytest.mark.usefixtures("write")
def test_the_name_has_these_policies_whatever_plugin_bears_it() -> None:
    environ = {**USER_SYNC, "COGNITO_CLAIMS_PLUGINS": "user_sync=acme_claims:free"}

    assert load({**environ, "USER_SYNC_ON_ERROR": "allow"}).plugins["user_sync"].on_error == "omit"
    assert problems_of({**environ, "USER_SYNC_ON_ERROR": "omit"}) == [
        "USER_SYNC_ON_ERROR: expected one of deny, allow"
    ]


@pytest.mark.parametrize(
    ("entries", "raised"),
    [
        ("x=acme_claims:broken,hasura", "ZeroDivisionError"),
        ("x=acme_loud:f", "LookupError"),
        ("x=acme_exits:f", "SystemExit"),
        ("x=acme_unread:f", "SyntaxError"),
        ("x=acme_claims:asks", "AttributeError"),
    ],
)
def test_what_a_factory_raises_is_told_by_plugin_class_and_place(
    write: Write, entries: str, raised: str
) -> None:
    write("acme_loud.py", "raise LookupError('hunter2')")
    write("acme_exits.py", "raise SystemExit('hunter2')")
    write("acme_unread.py", "hunter2 !")

    with pytest.raises(PluginFailedError) as failure:
        load({"COGNITO_CLAIMS_PLUGINS": entries})

    assert (failure.value.plugin, failure.value.raised) == ("x", raised)
    assert "acme_" in failure.value.place


def test_nobody_who_interrupts_is_told_of_a_failure(write: Write) -> None:
    write("acme_slow.py", "raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        load({"COGNITO_CLAIMS_PLUGINS": "x=acme_slow:f"})


def nothing(_event: object, /) -> Claims:
    return Claims()


class Pure:
    pure = True

    def __call__(self, _event: object, /) -> Claims:
        return Claims()


PURE = Pure()


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        (mark(nothing), (nothing, "deny", False)),
        (mark(PURE), (PURE, "deny", True)),
        (pure(nothing), (nothing, "deny", True)),
        (optional(nothing), (nothing, "omit", False)),
        (optional(PURE), (PURE, "omit", True)),
        (pure(optional(nothing)), (nothing, "omit", True)),
        (optional(pure(nothing)), (nothing, "omit", True)),
        (optional(optional(nothing)), (nothing, "omit", False)),
        (pure(pure(nothing)), (nothing, "deny", True)),
        (mark(optional(nothing)), (nothing, "omit", False)),
    ],
)
def test_marks_go_together_in_any_order(
    marked: PluginEntry, expected: tuple[Plugin, str, bool]
) -> None:
    assert marks(marked) == expected


def test_a_marked_plugin_is_still_a_plugin() -> None:
    claims = Claims.adding({"plan": "free"})

    assert optional(pure(lambda _: claims))(a_user_event()) is claims


def test_only_pure_itself_is_pure() -> None:
    class Truthy(Pure):
        pure = "yes"  # type: ignore[assignment]  # what a plugin without types may say

    assert mark(Truthy()).is_pure is False


@pytest.mark.parametrize(
    ("entries", "is_searched"),
    [("hasura", "False"), ("hasura,x=acme_claims:free", "False"), ("plan", "True")],
)
def test_installed_plugins_are_searched_only_for_a_name_that_is_neither(
    write: Write, tmp_path: Path, entries: str, is_searched: str
) -> None:
    install(write, "[cognito_claims.plugins]\nplan = acme_claims:free\n")
    probe = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(tmp_path)!r}]\n"
        "from cognito_claims.registry import load\n"
        f"load({{'COGNITO_CLAIMS_PLUGINS': {entries!r}}})\n"
        "print('importlib.metadata' in sys.modules, 'cognito_claims.plugins.entry_points' in sys.modules)"
    )

    told = check_output([sys.executable, "-c", probe], env={}, text=True)

    assert told == f"{is_searched} {is_searched}\n"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("acme_missing:free", f"{NO_MODULE}: {NOWHERE}"),
        ("acme_claims:missing", NO_FACTORY),
        ("acme_claims:not_callable", f"{FACTORY}; got str"),
    ],
)
def test_an_installed_plugin_that_cannot_be_loaded_is_told_by_its_place(
    write: Write, path: str, problem: str
) -> None:
    install(write, f"[cognito_claims.plugins]\nplan = {path}\n")

    assert entry_problem("hasura,plan") == f"entry 2: {problem}"


def test_a_name_that_two_installed_distributions_offer_is_refused_with_both(write: Write) -> None:
    entry_point = "[cognito_claims.plugins]\nplan = acme_claims:free\n"
    install(write, entry_point)
    install(write, entry_point, "other")

    assert entry_problem("plan") == (
        "entry 1: plan is offered by several installed distributions: acme, other;"
        " uninstall all but one, or write name=import.path:factory"
    )


def test_a_distribution_that_is_found_twice_is_one(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(write, "[cognito_claims.plugins]\nplan = acme_claims:free\n")
    copytree(tmp_path / "acme-1.0.dist-info", tmp_path / "again" / "acme-1.0.dist-info")
    monkeypatch.syspath_prepend(tmp_path / "again")

    assert list(load({"COGNITO_CLAIMS_PLUGINS": "plan"}).plugins) == ["plan"]


@pytest.mark.usefixtures("write")
def test_places_are_those_of_the_list_whatever_else_is_wrong() -> None:
    assert problems_of({"COGNITO_CLAIMS_PLUGINS": "hasura,,x=acme_claims:missing,none"}) == [
        "COGNITO_CLAIMS_PLUGINS: entry 2 of the comma list is empty",
        f"COGNITO_CLAIMS_PLUGINS: entry 3: {NO_FACTORY}",
        f"COGNITO_CLAIMS_PLUGINS: entry 4: {NEITHER}",
    ]


def test_a_name_that_stands_twice_is_told_once_whatever_else_is_wrong() -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "hasura,hasura", "HASURA_TOKENS": "refresh"}

    assert problems_of(environ) == [
        "HASURA_TOKENS: expected one of id, access",
        "COGNITO_CLAIMS_PLUGINS: entry 2: duplicate plugin name",
    ]


@pytest.mark.usefixtures("write")
def test_a_wrong_policy_is_told_of_a_plugin_that_cannot_be_loaded() -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "x=acme_claims:missing", "X_ON_ERROR": "allow"}

    assert problems_of(environ) == [
        f"COGNITO_CLAIMS_PLUGINS: entry 1: {NO_FACTORY}",
        f"X_ON_ERROR: {POLICIES}",
    ]


@pytest.mark.parametrize("factory", ["forgetful", "missing.__class__"])
@pytest.mark.usefixtures("write")
def test_a_factory_that_makes_no_plugin_is_a_problem(factory: str) -> None:
    assert entry_problem(f"x=acme_claims:{factory}").startswith("entry 1: ")


@pytest.mark.parametrize(
    ("found", "got"),
    [
        ("plain", "a plugin"),
        ("constant", "a plugin"),
        ("instance", "a plugin"),
        ("claims", "Claims"),
        ("Bare", "something that does not take it"),
    ],
)
@pytest.mark.usefixtures("write")
def test_what_stands_where_a_factory_should_is_told(found: str, got: str) -> None:
    assert entry_problem(f"x=acme_claims:{found}") == f"entry 1: {FACTORY}; got {got}"
