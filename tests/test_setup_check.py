"""`setup --check FILE`: what fits in another spelling fits, what is missing or changed is found, and the file is never repeated."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognito_claims.cli.commands.setup import TokenKind
from cognito_claims.contract.surrealdb_script import Setup
from cognito_claims.tools.backends.fauna import setup as fauna
from cognito_claims.tools.backends.fit import fit
from cognito_claims.tools.backends.hasura import setup as hasura
from cognito_claims.tools.backends.part import Part, find_part, issuer_of
from cognito_claims.tools.backends.surrealdb import setup as surrealdb
from cognito_claims.tools.backends.surrealdb.run_script import engine_findings, refusal_of
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.findings import Finding
from tests.command import Run, run
from tests.slow import slow

ENVIRON = {
    "SURREALDB_NAMESPACE": "app",
    "SURREALDB_DATABASE": "main",
    "SURREALDB_ACCESS": "user",
    "SURREALDB_TOKEN": "cognito",
    "SURREALDB_SCOPE": "user",
    "HASURA_GROUP_ROLES": "editors=editor",
    "HASURA_SYNC_URL": "https://hasura.example.com/v1/graphql",
    "HASURA_SYNC_ADMIN_SECRET": "an-admin-secret",
    "HASURA_SYNC_ROLE": "sync",
    "HASURA_SYNC_COLUMNS": "id=sub,email=email",
    "HASURA_SYNC_UPDATE_COLUMNS": "email",
    "HASURA_SYNC_VERSION_COLUMN": "synced_at",
    "FAUNA_ENDPOINT": "https://fauna.example.com",
    "FAUNA_SECRET": "fnAkey",
    "FAUNA_SUPPRESS": "none",
    "FAUNA_REFRESH_TTL_SECONDS": "86400",
}
FROM_POOL = ("--user-pool-id", "eu-west-1_a1B2c3D4e", "--client-id", "client")
COMMANDS = {"surrealdb": FROM_POOL, "hasura": FROM_POOL, "fauna": ()}
PARTS = {
    "1.x": "surrealdb",
    "2.x": "surrealdb",
    "3.x": "surrealdb",
    "jwt-secret": "hasura",
    "auth-config": "hasura",
    "sql": "hasura",
    "metadata": "hasura",
    "schema": "fauna",
}
SCRIPTS = ("1.x", "2.x", "3.x", "sql", "schema")
SURREALQL = SCRIPTS[:3]
JSON = ("jwt-secret", "auth-config", "metadata")
EACH = pytest.mark.parametrize("name", PARTS)
PLANTED = "planted_5f2c9a"


POOL, CLIENT = FROM_POOL[1], FROM_POOL[3]


class Settings(NamedTuple):
    """What decides of the parts that `setup` makes."""

    environ: tuple[tuple[str, str], ...] = ()
    token: TokenKind | None = None
    editable: tuple[str, ...] = ()
    part: str | None = None

    @classmethod
    def of(
        cls,
        token: str | None = None,
        editable: tuple[str, ...] = (),
        part: str | None = None,
        **environ: str,
    ) -> Self:
        return cls((*environ.items(),), TokenKind(token) if token else None, editable, part)


@cache
def made(backend: str, settings: Settings) -> tuple[list[Part], Setup | None]:
    """Make a backend's parts, and what a run on an engine needs."""
    environ = {"COGNITO_CLAIMS_PLUGINS": backend, **ENVIRON, **dict(settings.environ)}
    if backend == "fauna":
        return fauna.parts(environ), None
    issuer = issuer_of(POOL, [CLIENT])
    if backend == "hasura":
        return hasura.parts(environ, issuer), None
    database = surrealdb.setup_of(environ, issuer, settings.token)
    return surrealdb.parts(database, editable=settings.editable), database


def printed(name: str, **settings: Any) -> str:
    parts, _ = made(PARTS[name], Settings.of(**settings))
    return find_part(parts, name).text


def check(name: str, text: str, **settings: Any) -> list[Finding]:
    """Compare a text with what the settings make, as the command does, with the engine in this process."""
    chosen = Settings.of(**settings)
    parts, database = made(PARTS.get(name, name), chosen)
    nearest, findings = fit([find_part(parts, chosen.part)] if chosen.part else parts, text)
    if nearest.name == "2.x" and not any(finding.level == "error" for finding in findings):
        assert database is not None
        for code, message in filter(None, [refusal_of(text, database, chosen.editable)]):
            findings.append(Finding(code, "error", f"run on a SurrealDB 2.x: {message}"))
    return findings


def pairs(name: str, text: str, **settings: Any) -> list[tuple[str, str]]:
    return [(finding.code, finding.message) for finding in check(name, text, **settings)]


def is_found(name: str, text: str, **settings: Any) -> bool:
    """Say whether an error is found, or the file cannot be used at all; what was planted is not repeated."""
    try:
        findings = check(name, text, **settings)
    except UnusableInput as error:
        said, is_amiss = str(error), True
    else:
        said, is_amiss = str(findings), any(finding.level == "error" for finding in findings)
    assert PLANTED not in said
    return is_amiss


def setup(backend: str, *options: str) -> Run:
    command = ("setup", backend, *COMMANDS[backend], *options)
    return run(*command, environ={"COGNITO_CLAIMS_PLUGINS": backend, **ENVIRON}, exit_code=None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


# What fits


def swapped(one: str, other: str) -> Callable[[str], str]:
    """Let two lines that stand in the text change places."""

    def swap(text: str) -> str:
        lines = text.splitlines()
        places = [
            next(n for n, line in enumerate(lines) if start in line) for start in (one, other)
        ]
        first, second = places
        lines[first], lines[second] = lines[second], lines[first]
        return "\n".join(lines)

    return swap


def replaced(*pairs: tuple[str, str]) -> Callable[[str], str]:
    def replace(text: str) -> str:
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        return text

    return replace


def keywords_in_lower_case(text: str) -> str:
    return re.sub(r"(\"[^\"]*\"|`[^`]*`)|\b[A-Z]+\b", lambda m: m[1] or m[0].lower(), text)


def one_line(text: str) -> str:
    without_comments = re.sub(r"(?m)^\s*(--|//).*$", "", text)
    return re.sub(r"\s+", " ", without_comments)


def other_string_quotes(text: str) -> str:
    return re.sub(r'"([^"\']*)"', r"'\1'", text)


def unlike(text: str) -> str:
    """Give JSON another layout and another order of keys."""

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [*map(turned, value)] if isinstance(value, list) else value

    return json.dumps(turned(json.loads(text)), indent=7)


OWN_FIELD = """DEFINE FIELD plan ON user TYPE option<string>
  PERMISSIONS FOR select WHERE id = session::rd() FOR create, update NONE;"""
UNIQUE, INDEX = "  unique [.sub]\n", "  index bySub {\n    terms [.sub]\n  }\n"
OWN_MEMBERS = """  email: String
  history_days 0
  document_ttls true
  compute full: String = (doc => doc.first + doc.last)
  check adult (doc => doc.age >= 18)
  unique [.name]
  *: Any
"""
OWN_PRIVILEGES = "  privileges Product {\n    read\n  }\n"
SAME: list[tuple[tuple[str, ...], Callable[[str], str]]] = [
    (SURREALQL, keywords_in_lower_case),
    (SCRIPTS, one_line),
    (SCRIPTS, lambda text: text.replace("\n", "\n\n  ")),
    ((*SURREALQL, "schema"), other_string_quotes),
    (SURREALQL, lambda text: text.replace("`", "")),
    (SURREALQL, replaced(("`app`", "⟨app⟩"))),
    (("sql",), lambda text: text.replace('"', "")),
    (("sql",), lambda text: f"BEGIN; {text} COMMIT;"),
    (SURREALQL, replaced(("BEGIN TRANSACTION;\n", ""), ("COMMIT TRANSACTION;\n", ""))),
    (("2.x", "3.x"), replaced(("DEFINE ACCESS", "DEFINE ACCESS OVERWRITE"))),
    (("3.x",), replaced(("FIELD email ON user", "FIELD ⟨email⟩ ON TABLE `user`"))),
    (("2.x", "3.x"), lambda text: text + "REMOVE INDEX IF EXISTS email ON user;"),
    (SURREALQL, swapped("DEFINE FIELD cognito_username", "DEFINE FIELD email")),
    (SURREALQL, replaced(("COMMIT", f"{OWN_FIELD}\nCOMMIT"))),
    (SURREALQL, lambda text: f"/* {PLANTED} \n DEFINE USER */ # of old: ' \n{text}// \"\n"),
    (("schema",), replaced((f"{UNIQUE}{INDEX}", f"{INDEX}{UNIQUE}"))),
    (("schema",), replaced(("  // privileges: what your users may do\n", OWN_PRIVILEGES))),
    (("schema",), replaced(("  unique", "  name: String?\n  unique"))),
    (("schema",), replaced(("  unique", "  index byName {\n    terms [.name]\n  }\n  unique"))),
    (("schema",), replaced((INDEX, f"{INDEX}  name: String?\n"))),
    (("schema",), replaced((INDEX, f"{INDEX}{OWN_MEMBERS}"))),
    (("schema",), replaced(("  unique", f"{OWN_MEMBERS}  unique"))),
    (JSON, unlike),
    (("jwt-secret",), replaced(('["client"]', '"client"'))),
    (("auth-config",), lambda text: json.dumps(json.loads(text)["definition"]["mode"]["jwt"])),
    (
        ("metadata",),
        replaced(('"id",\n            "email"\n', '"email",\n            "id"\n')),
    ),
    (("metadata",), replaced(('"source": "default",', ""), ('"schema": "public",', ""))),
    (
        ("metadata",),
        lambda text: re.sub(r'\{\s*"schema": "public",\s*("name": "users")\s*\}', r"{\1}", text),
    ),
    (
        ("metadata",),
        lambda text: re.sub(r'\{\s*"schema": "public",\s*"name": ("users")\s*\}', r"\1", text),
    ),
    (("metadata",), lambda text: json.dumps({"type": "bulk", "args": [json.loads(text)]})),
]


@pytest.mark.parametrize(
    ("name", "respell"), [(name, respell) for names, respell in SAME for name in names]
)
def test_another_spelling_of_the_same_fits(name: str, respell: Callable[[str], str]) -> None:
    text = respell(printed(name))

    assert text != printed(name)
    assert check(name, text) == []


def test_a_default_of_hasuras_may_be_left_out() -> None:
    secret = json.loads(printed("jwt-secret", HASURA_CLAIMS_FORMAT="json"))

    del secret["claims_namespace"], secret["claims_format"]

    assert check("jwt-secret", json.dumps(secret), HASURA_CLAIMS_FORMAT="json") == []


@pytest.mark.parametrize("reads", ["id", "access"])
@pytest.mark.parametrize("name", SURREALQL)
def test_a_script_for_either_token_fits_its_own_settings_alone(name: str, reads: str) -> None:
    both = {"SURREALDB_TOKENS": "id,access"}
    text = printed(name, token=reads, **both)

    found = {each: is_found(name, text, token=each, **both) for each in ("id", "access")}

    assert [each for each in found if not found[each]] == [reads]


# What is found


DEFAULT = ('"schema": "public"', '"source": "default"')  # what Hasura takes where nothing is said


@EACH
def test_every_line_that_is_taken_out_is_missed(name: str) -> None:
    lines = printed(name).splitlines(keepends=True)

    missed = [
        line
        for place, line in enumerate(lines)
        if line.strip() and not line.strip().startswith(("--", "//", *DEFAULT))
        if not is_found(name, "".join(lines[:place] + lines[place + 1 :]), part=name)
    ]

    assert missed == []


@pytest.mark.parametrize("step", [7, *slow(1)])
@pytest.mark.parametrize("name", SCRIPTS)
def test_every_word_that_is_changed_is_found_and_never_repeated(name: str, step: int) -> None:
    text = printed(name)
    words = [*re.finditer(r"(?m)^\s*(?:--|//).*$|\w+", text)][::step]

    missed = [
        word
        for word in words
        if not word[0].strip().startswith(("--", "//"))
        if not is_found(name, f"{text[: word.start()]}{PLANTED}{text[word.end() :]}", part=name)
    ]

    assert missed == []


@pytest.mark.parametrize("name", SURREALQL)
def test_names_and_strings_in_another_case_are_others(name: str) -> None:
    quoted = re.findall(r"`[^`]+`|\"[^\"]+\"", re.sub("--.*", "", printed(name)))

    missed = [
        each
        for each in quoted
        if not is_found(name, printed(name).replace(each, each.swapcase()), part=name)
    ]

    assert missed == []


def test_a_name_in_capitals_is_not_taken_for_a_keyword() -> None:
    capitals = {"SURREALDB_NAMESPACE": "APP", "SURREALDB_DATABASE": "DB"}
    text = printed("3.x", **capitals)

    assert check("3.x", text, **capitals) == []
    for name in ("`APP`", "`DB`"):
        found = pairs("3.x", text.replace(name, name.lower()), **capitals)
        assert found == [("differs", "3.x: USE, line 9: expected USE NS `APP` DB `DB`;")]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path of everything within a JSON value."""
    inner = [*value.items()] if isinstance(value, dict) else []
    for key, each in [*enumerate(value)] if isinstance(value, list) else inner:
        yield (*path, key)
        yield from places(each, (*path, key))


def without(text: str, path: tuple[Any, ...], *instead: Any) -> str:
    """Take out what stands at a path, or put something in its place."""
    content = json.loads(text)
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    if instead:
        (parent[path[-1]],) = instead
    else:
        del parent[path[-1]]
    return json.dumps(content)


DEFAULTS = {"schema", "source"}  # Hasura's own, too
HARMLESS = {"allowed_skew", "allowedSkew", "claims_namespace"}  # a warning; Hasura's own default


@pytest.mark.parametrize("name", JSON)
def test_everything_that_json_lacks_or_has_otherwise_is_found_and_never_repeated(name: str) -> None:
    text = printed(name)
    paths = [*places(json.loads(text))]

    lacking = [path for path in paths if not is_found(name, without(text, path))]
    changed = [
        (path, value)
        for path in paths
        for value in (PLANTED, [PLANTED], {"role": PLANTED}, None, 7)
        if not is_found(name, without(text, path, value))
    ]

    assert [path for path in lacking if path[-1] not in HARMLESS | DEFAULTS] == []
    assert [each for each in changed if each[0][-1] not in HARMLESS] == []


FOUND: list[tuple[str, Callable[[str], str], tuple[str, str]]] = [
    (
        "3.x",
        replaced((" AND email = session::token().email", "")),
        (
            "differs",
            '3.x: DEFINE TABLE user, line 27: expected FOR select WHERE session::ac() = "user" AND session::token().exp > time::unix() AND id = session::rd() AND email = session::token().email',
        ),
    ),
    (
        "3.x",
        replaced(("DEFINE TABLE", "DEFINE TABLE IF NOT EXISTS")),
        (
            "kept",
            "3.x: DEFINE TABLE user, line 25: IF NOT EXISTS keeps what is there, which may be less strict",
        ),
    ),
    (
        "auth-config",
        lambda text: without(text, ("definition", "alternativeModes"), []),
        (
            "another-entrance",
            "auth-config: definition.alternativeModes: expected none: each is another way in",
        ),
    ),
    (
        "auth-config",
        lambda text: without(text, ("definition", "mode", "noAuth"), {"role": "admin"}),
        ("another-entrance", "auth-config: definition.mode: expected jwt alone"),
    ),
    (
        "metadata",
        replaced(('"bulk"', '"bulk_keep_going"')),
        ("differs", 'metadata: type: expected "bulk"'),
    ),
    (
        "3.x",
        replaced(("create NONE", "create `none`")),
        ("differs", "3.x: DEFINE TABLE user, line 27: expected FOR create NONE"),
    ),
    (
        "3.x",
        lambda text: text + "DEFINE FIELD email ON user;",
        ("defined-twice", "3.x: DEFINE FIELD email ON user, line 37: stands here again"),
    ),
    (
        "1.x",
        swapped("USE", "DEFINE SCOPE"),
        ("order", "1.x: line 14: DEFINE SCOPE user stands before what it needs"),
    ),
    (
        "1.x",
        replaced(("COMMIT TRANSACTION;\n", "")),
        ("not-committed", "1.x: line 15: BEGIN without a COMMIT defines nothing"),
    ),
    (
        "1.x",
        replaced(("COMMIT", "CANCEL")),
        (
            "not-committed",
            "1.x: line 27: expected BEGIN TRANSACTION and then COMMIT TRANSACTION",
        ),
    ),
    (
        "3.x",
        replaced(("https://cog", "https://\\cog")),
        (
            "differs",
            '3.x: DEFINE ACCESS user, line 12: expected WITH JWT URL "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a1B2c3D4e/.well-known/jwks.json"',
        ),
    ),
    (
        "schema",
        replaced(("    read\n    create\n", "    read\n    write\n    create\n")),
        (
            "differs",
            "schema: role cognitoTokenMinter, line 8: expected privileges Customer { ... as `setup` prints it",
        ),
    ),
    (
        "schema",
        replaced(("role cognitoTokenMinter {\n", f"role cognitoTokenMinter {{\n{OWN_PRIVILEGES}")),
        ("grants-more", "schema: role cognitoTokenMinter, line 8: grants more than is needed"),
    ),
    (
        "schema",
        replaced(("  // privileges: what your users may do\n", "  membership Customer\n")),
        ("defined-twice", "schema: membership Customer, line 24: stands here again"),
    ),
    (
        "schema",
        replaced(("@role(accessTokenMinter)", "@role(server)")),
        (
            "differs",
            "schema: function refreshAccessToken, line 52: expected @role(accessTokenMinter) ... as `setup` prints it",
        ),
    ),
    (
        "jwt-secret",
        replaced(('"claims_namespace":', '"claims_namespace_path":')),
        (
            "differs",
            "jwt-secret: expected claims_namespace, and neither claims_map nor claims_namespace_path",
        ),
    ),
    (
        "auth-config",
        replaced(('"v3"', '"v2"')),
        ("differs", 'auth-config: version: expected "v3"'),
    ),
    (
        "metadata",
        replaced(('"filter": {},', '"filter": {}, "set": {"email": "x"},')),
        (
            "differs",
            'metadata: args[4]: pg_create_update_permission for "sync": args.permission: expected {"columns": ["email", "synced_at"], "filter": {}, "check": {}}',
        ),
    ),
]


@pytest.mark.parametrize(("name", "change", "finding"), FOUND)
def test_a_finding_names_the_place_and_what_is_expected_there(
    name: str, change: Callable[[str], str], finding: tuple[str, str]
) -> None:
    assert pairs(name, change(printed(name))) == [finding]


def test_a_permission_that_stands_there_twice_is_found() -> None:
    content = json.loads(printed("metadata"))
    content["args"].insert(1, without_filter := json.loads(json.dumps(content["args"][1])))
    without_filter["args"]["permission"]["filter"] = {}

    codes = [code for code, _ in pairs("metadata", json.dumps(content))]

    assert codes == ["defined-twice", "differs"]


@pytest.mark.parametrize("table", ["users", {"name": "users"}])
@pytest.mark.parametrize("place", [0, 1, 99])
def test_a_wider_permission_is_found_wherever_it_stands_and_however_the_table_is_spelled(
    table: object, place: int
) -> None:
    content = json.loads(printed("metadata"))
    wider = json.loads(json.dumps(content["args"][1]))
    wider["args"] |= {"table": table, "permission": {"columns": "*", "filter": {}}}
    nested = {"type": "bulk", "args": [wider]}
    content["args"].insert(place, nested)

    codes = {code for code, _ in pairs("metadata", json.dumps(content))}

    assert codes == {"defined-twice", "differs"}


REQUIRED = "DEFINE FIELD plan ON user TYPE string PERMISSIONS NONE;"
OPENED = "ALTER TABLE user PERMISSIONS FULL;"


def test_an_engine_says_what_a_2_x_script_does() -> None:
    found = [
        pairs("2.x", printed("2.x").replace("COMMIT", f"{more}\nCOMMIT"))
        for more in (REQUIRED, OPENED)
    ]

    reason = "run on a SurrealDB 2.x: the engine refused a statement of the set-up script"
    reach = "run on a SurrealDB 2.x: the bearer can read or change another user's row"
    altered = ("not-examined", "line 36: ALTER may undo what stands before")
    assert found == [[("setup-script", reason)], [altered, ("other-row", reach)]]


# What is worth a look


WARNED: list[tuple[str, Callable[[str], str], tuple[str, str]]] = [
    (
        "3.x",
        lambda text: f"{text}define user {PLANTED} ON ROOT PASSWORD '{PLANTED}' ROLES OWNER;",
        ("another-entrance", "line 37: DEFINE USER: another way in, not examined"),
    ),
    (
        "1.x",
        lambda text: f"{text}DEFINE TOKEN `{PLANTED}` ON DATABASE TYPE HS512 VALUE '{PLANTED}';",
        ("another-entrance", "line 28: DEFINE TOKEN: another way in, not examined"),
    ),
    (
        "3.x",
        lambda text: f"{text}REMOVE TABLE user;",
        ("not-examined", "line 37: REMOVE may undo what stands before"),
    ),
    (
        "jwt-secret",
        replaced(('["client"]', f'["{PLANTED}","client"]')),
        ("other-audience", "jwt-secret: audience: tokens of other app clients are taken, too"),
    ),
    (
        "jwt-secret",
        replaced(('"allowed_skew":10', '"allowed_skew":null')),
        (
            "skew",
            "jwt-secret: allowed_skew or allowedSkew: expected about 10 seconds: Cognito's clock may be ahead",
        ),
    ),
    (
        "metadata",
        replaced(('"role": "editor"', f'"role": "{PLANTED}"')),
        ("grants-more", "metadata: args[2]: more than the settings need"),
    ),
]


@pytest.mark.parametrize(("name", "change", "finding"), WARNED)
def test_what_opens_more_is_a_warning_that_repeats_nothing(
    name: str, change: Callable[[str], str], finding: tuple[str, str]
) -> None:
    settings = {"HASURA_GROUP_ROLES": "none"} if name == "metadata" else {}
    text = change(printed(name))

    found = check(name, text, **settings)

    assert found == [Finding(finding[0], "warning", finding[1])]
    assert PLANTED not in str(found)


ENTRANCE = 'DEFINE ACCESS backdoor ON DATABASE TYPE JWT ALGORITHM HS256 KEY "k"'
OTHER_ACCESS = ("another-entrance", "line {n}: DEFINE ACCESS: another way in, not examined")
OTHER_USER = ("another-entrance", "line {n}: DEFINE USER: another way in, not examined")
OWNER = "DEFINE USER r ON ROOT PASSWORD 'x' ROLES OWNER"
UNKNOWN = ("not-examined", "line {n}: not examined")
COMPUTED = (
    "not-examined",
    "line {n}: the field may compute with other rows: not examined",
)
INDEXED = ("indexed", "line {n}: an index on user tells every user which values others' rows hold")
DOUBT = ("not-examined", "line {n}: may be read in more than one way: not examined from there")
OPEN = (
    "not-closed",
    "{name}: line {n}: brackets or quotes do not close: nothing after it was examined",
)


def no_permission(lacking: str) -> tuple[str, str]:
    text = f"a field of user has no permission for {lacking}: every user has it"
    return "field-permission", f"line {{n}}: {text}"


BESIDE: list[tuple[str, str, list[tuple[str, str]]]] = [
    *(
        ("3.x", text, [OTHER_ACCESS])
        for text in (
            f"IF true {{ {ENTRANCE} }};",
            f"{{ {ENTRANCE} }};",
            f"LET $x = ({ENTRANCE});",
            f"FOR $x IN [1] {{ {ENTRANCE}; }};",
            f"DEFINE FUNCTION fn::x() {{ {ENTRANCE}; }};",
            ENTRANCE.lower(),
        )
    ),
    *(
        ("3.x", f"{text}; {OWNER};", [OTHER_USER])
        for text in (
            "DEFINE FIELD code ON post ASSERT $value = /^[{(]x$/",
            r"DEFINE FIELD code ON post ASSERT $value = /^\/[{(]x$/",
            "DEFINE FIELD ⟨{⟩ ON post",
            "DEFINE FIELD `;{` ON post",
            "DEFINE FIELD a ON post VALUE r'{'",
            'DEFINE FIELD a ON post VALUE d"{"',
            "DEFINE FIELD a ON post VALUE $a / 2 + 4 / 2 + (4) / 2",
        )
    ),
    *(
        ("3.x", text, [UNKNOWN])
        for text in (
            "DEFINE TABLE leak AS SELECT * FROM user PERMISSIONS FULL;",
            "DEFINE EVENT e ON user THEN { CREATE x };",
            "DEFINE FUNCTION fn::all() { RETURN SELECT * FROM user };",
            "UPDATE user:1;",
        )
    ),
    (
        "3.x",
        "DEFINE FIELD plan.name ON user TYPE option<string>;",
        [no_permission("select and update")],
    ),
    *(
        ("3.x", f"DEFINE FIELD plan ON {text};", [no_permission(lacking)])
        for lacking, texts in {
            "select and update": (
                "user",
                "TABLE `user` TYPE option<string> PERMISSIONS FULL",
                "user PERMISSIONS FOR select FULL FOR create NONE",
            ),
            "update": ("user PERMISSIONS FOR select, create WHERE id = session::rd()",),
            "select": ("user PERMISSIONS FOR update NONE, FOR create, select FULL",),
        }.items()
        for text in texts
    ),
    *(
        ("3.x", f"DEFINE FIELD plan ON {text} PERMISSIONS NONE;", [COMPUTED])
        for text in (
            "user VALUE (SELECT * FROM user)",
            "post VALUE (SELECT * FROM user)",
            "post VALUE { UPDATE post SET a = 1; RETURN $value }",
            "user DEFAULT fn::plan() READONLY",
            "user ASSERT http::get('https://example.com') = 1",
            "user TYPE string VALUE team.name",
            "user VALUE ->member->team",
            "post COMPUTED <-member",
        )
    ),
    *(
        ("3.x", f"DEFINE FIELD plan ON user {text};", [])
        for text in (
            "TYPE string DEFAULT 'x' PERMISSIONS NONE",
            "VALUE $token.plan OR 1.5 PERMISSIONS NONE",
            "PERMISSIONS FOR select, update WHERE id = session::rd()",
            "ASSERT string::len($value) < 9 PERMISSIONS FOR update NONE FOR select WHERE a.b = 1",
        )
    ),
    (
        "3.x",
        "DEFINE FIELD plan ON user TYPE string PERMISSIONS FOR select, update WHERE id = $auth;",
        [("field-permission", "line {n}: users can give $auth another value; ask session::rd()")],
    ),
    *(
        ("3.x", text, [INDEXED])
        for text in (
            "DEFINE INDEX email ON user FIELDS email;",
            "define index overwrite a on table `user` columns b unique;",
            "IF true { DEFINE INDEX a ON TABLE user FIELDS b };",
        )
    ),
    *(
        ("3.x", text, [DOUBT])
        for text in (
            r"DEFINE FIELD ⟨a\b⟩ ON x;",
            r"RETURN r'a\'b';",
            "RETURN total / 2; RETURN 1 / 2;",
            "RETURN function() { return 1 };",
            "-- a\u2028b",
            "-- a\x85b",
            "/* a /* b */",
            r"RETURN x = /a\\/;",
        )
    ),
    *(
        ("3.x", text, [OPEN])
        for text in (
            "RETURN (1; 2);",
            "RETURN { a: (1)",
            "RETURN [1);",
            "RETURN 1 };",
            "RETURN 'x",
            "RETURN 1 /* x",
            r"RETURN r'\'",
            r"DEFINE FIELD ⟨a\⟩ ON x",
        )
    ),
    ("sql", "SELECT 'x", [OPEN]),
    (
        "3.x",
        "IF true { ALTER TABLE post DROP COMMENT };",
        [("not-examined", "line {n}: ALTER may undo what stands before")],
    ),
    *(
        ("sql", text, [UNKNOWN])
        for text in (
            "ALTER TABLE users ADD x text;",
            "GRANT ALL ON users TO PUBLIC;",
            "DROP TABLE users;",
            "CREATE POLICY p ON users USING (true);",
        )
    ),
    *(
        ("sql", text, [DOUBT])
        for text in ("SELECT E'\\';", "SELECT $$x$$;", "/* a /* b */ SELECT 1;")
    ),
    ("schema", "access provider evil {\n  issuer 'x'\n  role admin\n}", [UNKNOWN]),
    ("schema", "role evil {\n  membership Customer\n}", [UNKNOWN]),
    ("schema", "something else {\n}", [UNKNOWN]),
    ("sql", "SELECT 1;\nSELECT 2;", [("not-examined", "lines {n}, {next}: not examined")]),
    ("schema", 'function f() { "#{"a"}" }', [DOUBT]),
    ("schema", "function f(x) { (1 }", [OPEN]),
]


def told(name: str, findings: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Fill in the part's name, and the line after its text."""
    line = printed(name).count("\n") + 1
    return [(code, message.format(name=name, n=line, next=line + 1)) for code, message in findings]


@pytest.mark.parametrize(("name", "text", "findings"), BESIDE)
def test_what_stands_beside_ours_is_named_where_it_could_do_harm(
    name: str, text: str, findings: list[tuple[str, str]]
) -> None:
    assert pairs(name, printed(name) + text) == told(name, findings)


@pytest.mark.parametrize(
    "again",
    [
        "DEFINE TABLE OVERWRITE ⟨user⟩ SCHEMAFULL PERMISSIONS FULL;",
        "DEFINE TABLE `user` PERMISSIONS FULL;",
        "DEFINE FIELD OVERWRITE email ON ⟨user⟩ TYPE any;",
        "DEFINE FIELD ⟨email⟩ ON TABLE `user` TYPE any;",
    ],
)
def test_a_name_is_the_same_in_every_spelling(again: str) -> None:
    codes = {code for code, _ in pairs("3.x", f"{printed('3.x')}{again}")}

    assert codes - {"order"} == {"defined-twice"}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("membership Customer", "defined-twice"),
        ("privileges Token {\n    create\n  }", "not-examined"),
        ("privileges Product {\n    read\n  }", ""),
    ],
)
def test_our_users_role_may_have_more_but_neither_more_members_nor_keys(
    more: str, found: str
) -> None:
    text = printed("schema").replace("  // privileges: what your users may do", f"  {more}")

    assert "".join(code for code, _ in pairs("schema", text)) == found


@pytest.mark.parametrize("path", [("secrets",), ("definition", "secrets")])
def test_another_key_in_an_auth_config_is_not_examined(path: tuple[str, ...]) -> None:
    more = "auth-config: more keys than the settings need: not examined"

    found = pairs("auth-config", without(printed("auth-config"), path, {}))

    assert found == [("not-examined", more)]


@pytest.mark.parametrize("name", JSON)
def test_json_with_a_key_that_stands_twice_is_refused(name: str) -> None:
    said = "--check: the file is JSON with a key that stands twice in one object"
    with pytest.raises(UnusableInput, match=f"^{said}$"):
        check(name, re.sub(r'("\w+":)', r"\1 1, \1", printed(name), count=1))


@pytest.mark.parametrize(
    "kind", ["run_sql", "add_inherited_role", "pg_drop_select_permission", "bulk_atomic"]
)
def test_a_call_that_is_not_known_is_not_examined(kind: str) -> None:
    content = json.loads(printed("metadata"))
    content["args"].append({"type": kind, "args": {"role": PLANTED}})

    found = pairs("metadata", json.dumps(content))

    place = f"args[{len(content['args']) - 1}]"
    assert found == [("not-examined", f"metadata: {place}: not examined")]


@pytest.mark.parametrize("between", [" ", " /* x */ ", "\n-- x\n"])
def test_the_engine_gets_its_key_whatever_stands_before_the_address(between: str) -> None:
    assert check("2.x", printed("2.x").replace("JWT URL", f"JWT{between}URL{between}")) == []


def test_the_users_own_fields_fit_where_they_are_asked_for_alone() -> None:
    editable = ("about", "display_name")
    text = printed("2.x", editable=editable)

    assert check("2.x", text, editable=editable) == []
    assert is_found("2.x", text)
    assert is_found("2.x", printed("2.x"), editable=editable)
    assert is_found("2.x", text, editable=(*editable, "plan"))


@pytest.mark.parametrize("generation", ["1.x", "2.x", "3.x"])
def test_a_script_of_before_is_compared_with_the_one_of_its_generation(generation: str) -> None:
    """It had one permission for all on the table, none on fields, and a unique index."""
    before = re.sub(r"\n  PERMISSIONS FOR select WHERE id = .*;", ";", printed(generation))
    before = re.sub(r"DEFINE FIELD id .*\n", "", before)
    before = before.replace("COMMIT", "DEFINE INDEX email ON user FIELDS email UNIQUE;\nCOMMIT")
    before = re.sub(
        r"FOR select (WHERE.*)\n(.*\n)*?.*FOR delete NONE", r"FOR select, delete \1", before
    )

    found = pairs(generation, before)
    errors = [text for code, text in found if code not in ("indexed", "not-examined")]

    assert len(errors) < len(found)
    assert {text.split(":")[0] for text in errors} == {generation}
    assert f"{generation}: DEFINE TABLE user" in " ".join(errors)


def test_a_field_that_others_can_read_is_found_by_the_engine() -> None:
    field = "DEFINE FIELD plan ON user TYPE option<string>;\nCOMMIT"

    codes = [code for code, _ in pairs("2.x", printed("2.x").replace("COMMIT", field))]

    assert codes == ["field-permission", "other-row"]


def test_an_engine_that_sleeps_is_not_waited_for() -> None:
    database = Setup("app", "main", "https://issuer.example.com/pool", "client", access="user")

    found = [*engine_findings("SLEEP 1h;", database, patience_s=1)]

    said = "run on a SurrealDB 2.x: no answer after 1 seconds"
    assert found == [Finding("not-run", "warning", said)]


def test_what_is_about_another_table_is_nobodys_business() -> None:
    content = json.loads(printed("metadata"))
    other = json.loads(json.dumps(content["args"]).replace('"users"', '"products"'))
    content["args"] += other

    assert check("metadata", json.dumps(content)) == []


# Files that cannot be used


@pytest.mark.parametrize(
    ("backend", "text", "said"),
    [
        ("surrealdb", "{}", "--check: the file is JSON, which 1.x is not"),
        ("fauna", "[1]", "--check: the file is JSON, which schema is not"),
        ("hasura", '{"jwk_url": "x",}', "--check: the file is not JSON"),
        ("hasura", "[" * 100_000, "--check: the file is not JSON"),
    ],
)
def test_a_file_of_another_kind_is_refused(backend: str, text: str, said: str) -> None:
    with pytest.raises(UnusableInput, match=f"^{said}$"):
        check(backend, text)


@pytest.mark.parametrize(
    "text", ["", ";", '"";', "``", "}", "{", "role cognitoUser", "USE", "@role"]
)
@pytest.mark.parametrize("name", ["3.x", "sql", "schema"])
def test_scraps_are_nothing_that_fits(name: str, text: str) -> None:
    assert is_found(name, text)


SCRAPS = st.sampled_from(
    ["'", '"', "`", ";", "{", "}", "(", ")", "/*", "--", "\\", "@", "null", "⟨"]
)


@settings(max_examples=min(5_000, settings().max_examples))
@given(name=st.sampled_from([*PARTS]), data=st.data())
def test_no_file_is_too_odd_to_be_told_about(name: str, data: st.DataObject) -> None:
    text = printed(name)
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    scrap = data.draw(SCRAPS | st.text(st.characters(exclude_categories=["Cs"]), max_size=5))

    is_found(name, text[:start] + scrap + text[data.draw(st.sampled_from((start, end))) :])


# The command


@EACH
def test_what_is_printed_fits(file: Path, name: str) -> None:
    file.write_text(setup(PARTS[name], "--part", name).out)

    fits = f"No findings: {file} fits the settings.\n"
    assert setup(PARTS[name], "--check", str(file)) == Run(fits, "", exit_code=0)


def test_a_file_may_come_from_windows(file: Path) -> None:
    file.write_text("\ufeff" + printed("sql").replace("\n", "\r\n"), newline="")

    assert setup("hasura", "--check", str(file)).exit_code == 0


def test_a_2_x_script_is_tried_on_an_engine(file: Path) -> None:
    file.write_text(printed("2.x").replace("COMMIT", f"{REQUIRED}\nCOMMIT"))

    ran = setup("surrealdb", "--check", str(file), "--format", "json")

    reason = "run on a SurrealDB 2.x: the engine refused a statement of the set-up script"
    found = {"code": "setup-script", "level": "error", "message": reason}
    assert (ran.exit_code, ran.content["findings"]) == (1, [found])


def test_another_part_than_the_one_asked_for_is_refused(file: Path) -> None:
    file.write_text(printed("jwt-secret"))

    ran = setup("hasura", "--check", str(file), "--part", "auth-config")

    said = "jwt-secret: the settings make no such part, but auth-config"
    assert (ran.exit_code, ran.err) == (2, f"cognito-claims: {said}\n")


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    absent = setup("fauna", "--check", str(file))
    file.write_bytes(b"\xff")
    binary = setup("fauna", "--check", str(file))

    said = [f"{file}: No such file or directory", f"{file}: not a text in UTF-8"]
    assert [absent.err, binary.err] == [f"cognito-claims: {line}\n" for line in said]
    assert [absent.exit_code, binary.exit_code] == [2, 2]
