"""Whatever a setting holds, `setup` prints exactly what is meant, or refuses the value and names the setting.

`HYPOTHESIS_PROFILE=full` tries 5,000 settings for each backend.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jwt import PyJWS

from cognito_claims.contract.surrealdb import Generation, Setup, public_key, sign
from cognito_claims.contract.surrealdb_engine import private_key
from cognito_claims.contract.surrealdb_script import GENERATIONS, identifier, string
from tests.command import Run, run
from tests.surrealdb_engines import (
    CLIENT,
    ISSUER,
    POOL,
    Answer,
    Claims,
    an_access_token,
    an_id_token,
    ask,
    outcome,
    request,
)

EXAMPLES = min(5_000, settings().max_examples)
Environ = Mapping[str, str]
Drawn = st.SearchStrategy[Any]

# Values

KEYWORDS = ("NONE", "NULL", "true", "user", "USER", "select", "DEFINE", "ON", "OVERWRITE", "none")
OTHER_TYPES = (
    *("0", "123", "-1", "1.5", "1e5", "12dec", "0x10", "1h", "1h30m", "2023-01-01T00:00:00Z"),
    *("user:abc", "user:⟨a b⟩", "user:`a`", "user:1..2", "8b1c5a3e-9d7f-4c11-8a20-3f5e6d7c8b9a"),
    *(
        "d'2023-01-01T00:00:00Z'",
        'r"user:a"',
        "/a/",
        "[1]",
        "{a: 1}",
        "<future> { 1 }",
        "$token.sub",
    ),
)
SYNTAX = (
    *(
        "'",
        '"',
        "`",
        "\\",
        "\\`",
        '\\"',
        "⟨",
        "⟩",
        "\\⟩",
        ";",
        "--",
        "//",
        "#",
        "/*",
        "*/",
        "{",
        "}",
    ),
    *("${a}", "$$", "%s", "(", ")", ",", "=", ":", "::", ".", "@", " ", "\n", "\\n", "\\u{60}"),
    *("`; REMOVE TABLE user; `", '"; REMOVE TABLE user; "', "' OR true OR '", '" OR true OR "'),
    "; DEFINE USER x ON ROOT PASSWORD 'x' ROLES OWNER; --",
)
ODD = (
    *("é", "e\u0301", "\uff2e\uff2f", "😀", "ß", "İ"),
    *("\u00a0", "\u200b", "\u202e", "\u2028", "\ufeff"),
)
CONTROLS = ("\r", "\t", "\x1b", "\x7f", "\x85", "\udc80", "\udcff")  # bytes that are no UTF-8, too
PIECES = st.sampled_from((*KEYWORDS, *OTHER_TYPES, *SYNTAX))
LETTERS = st.characters(exclude_categories=("Cs", "Cc", "Cf", "Cn", "Co", "Zl", "Zp", "Zs"))
ANYTHING = st.characters(exclude_categories=["Cs"], exclude_characters="\0")  # in an environment
MIXED = st.lists(PIECES | st.text(LETTERS, max_size=4), min_size=1, max_size=5).map("".join)
LONG = st.tuples(MIXED, st.integers(100, 2_000)).map(lambda drawn: drawn[0] * drawn[1])
WILD = st.lists(st.sampled_from((*ODD, *CONTROLS)) | st.text(ANYTHING, max_size=4) | PIECES).map(
    "".join
)


def mostly(usual: Drawn, other: Drawn, one_in: int) -> Drawn:
    return st.integers(1, one_in).flatmap(lambda n: other if n == 1 else usual)


TEXTS = mostly(PIECES | MIXED | st.text(LETTERS, min_size=1, max_size=30), LONG | WILD, 15)
IDS = mostly(st.text("abcXYZ0189", min_size=1, max_size=30), TEXTS, 15)


def gathered(drawn: Drawn) -> list[Any]:
    """Draw so many examples, for an engine that is asked about all of them at once."""
    examples: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(drawn)
    def gather(example: Any) -> None:
        examples.append(example)

    gather()
    return examples


DEFAULTS = {
    "HASURA_CLAIMS_NAMESPACE": "https://hasura.io/jwt/claims",
    "HASURA_DEFAULT_ROLE": "user",
    "HASURA_SYNC_TABLE": "users",
    "HASURA_SYNC_CONSTRAINT": "users_pkey",
    "FAUNA_COLLECTION": "Customer",
    "FAUNA_TTL_SECONDS": "1800",
}


def value_of(environ: Environ, name: str) -> str | None:
    """Give what a setting says: `none` is nothing, white space around it does not count, an empty one is unset."""
    text = environ.get(name, "").strip()
    return None if text == "none" else text or DEFAULTS.get(name)


def is_printable(text: str) -> bool:
    kinds = {unicodedata.category(letter) for letter in text.replace(" ", "")}
    return not kinds & {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}


def check_refusal(ran: Run, *names: str) -> None:
    """A refusal names settings of this plugin, and shows no value and no traceback."""
    lines = ran.err.splitlines()
    wrong = [
        line for line in lines if not re.match(rf"cognito-claims: (?:{'|'.join(names)})\w*: ", line)
    ]
    assert (ran.exit_code, ran.out, wrong) == (2, "", []), ran
    assert lines
    assert max(map(len, lines)) < 200


# SurrealDB

INFO = ("INFO FOR ROOT;", "INFO FOR NS;", "INFO FOR DB;", "INFO FOR TABLE user;")
NAMES = ("NAMESPACE", "DATABASE", "ACCESS", "TOKEN", "SCOPE")
SURREALDB = st.fixed_dictionaries(
    {"reads": st.sampled_from(["id", "access"]), "client": IDS}
    | {f"SURREALDB_{name}": TEXTS for name in NAMES}
)
PLAIN = {f"SURREALDB_{name}": "plain" for name in NAMES} | {"reads": "id", "client": CLIENT}
QUOTED = re.compile(
    r"`(?:\\.|[^`\\])*`|⟨(?:\\.|[^⟩\\])*⟩|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL
)
NAMED = re.compile(r"\b(DEFINE (?:ACCESS|DATABASE|NAMESPACE|SCOPE|TOKEN)|ON SCOPE) \S+")


class Script(NamedTuple):
    """A script as it is printed, and what it is meant to set up."""

    text: str
    setup: Setup
    generation: Generation


def surrealdb(drawn: Environ) -> Run:
    environ = {name: text for name, text in drawn.items() if name.startswith("SURREALDB_")}
    environ |= {"COGNITO_CLAIMS_PLUGINS": "surrealdb", "SURREALDB_TOKENS": "id,access"}
    options = ("--user-pool-id", POOL, "--client-id", drawn["client"], "--token", drawn["reads"])
    return run("setup", "surrealdb", *options, "--format", "json", environ=environ, exit_code=None)


def meant(drawn: Environ) -> Setup | None:
    """Give the set-up that settings mean, None for what cannot be meant."""
    namespace, database, access, token, scope = (
        value_of(drawn, f"SURREALDB_{name}") for name in NAMES
    )
    is_complete = namespace and database and (access or token) and bool(token) == bool(scope)
    names = (namespace, database, access, token, scope)
    if not is_complete or not all(is_printable(name or "") for name in names):
        return None
    if not re.fullmatch(r"[A-Za-z0-9_+]{1,128}", drawn["client"]):
        return None
    if scope and (":" in scope or re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4,12}){4}", scope)):
        return None  # to 1.x it may be a record, a time or a uuid
    reads: Literal["id", "access"] = "id" if drawn["reads"] == "id" else "access"
    return Setup(
        namespace or "", database or "", ISSUER, drawn["client"], access, token, scope, reads
    )


def token_for(setup: Setup, generation: Generation) -> str:
    names = {"ns": setup.namespace, "db": setup.database, "ac": setup.access}
    names |= {"tk": setup.token_name, "sc": setup.scope}
    make = an_id_token if setup.token_use == "id" else an_access_token
    client = {"aud" if setup.token_use == "id" else "client_id": setup.client_id}
    claims = make(**{claim: name for claim, name in names.items() if name}, **client)
    return _readable_by_1_0_0(claims) if generation == "1.x" else sign(claims)


def _readable_by_1_0_0(claims: Claims) -> str:
    """Escape what would come to a `-` or `_` of base64url, which 1.0.0 cannot read (surrealdb/surrealdb#3165)."""
    payload = re.sub("[>?~\x7f]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(claims))
    return PyJWS().encode(payload.encode(), private_key(), algorithm="RS256")


def asked(script: Script) -> dict[str, Any]:
    setup, generation = script.setup, script.generation
    url = f'"{ISSUER}/.well-known/jwks.json"'
    kinds = {
        f"TYPE JWKS VALUE {url}": "TYPE RS256 VALUE ",
        f"WITH JWT URL {url}": "WITH JWT ALGORITHM RS256 KEY ",
    }
    (line,) = (line for line in kinds if line in script.text)
    text = script.text.replace(line, kinds[line] + string(public_key()))
    more = (f"INFO FOR SCOPE {identifier(setup.scope or '')};",) if generation == "1.x" else ()
    return request(token_for(setup, generation), setup, generation, text, (*INFO, *more))


def expected(setup: Setup, generation: Generation) -> list[dict[str, list[str]]]:
    """Give the names of all that the script defines: in the root, the namespace, the database, the table, the scope."""
    own = {"main"} if generation == "3.x" else set()  # which 3.x makes itself
    is_later = generation != "1.x"
    email = ["email"] if setup.token_use == "id" else []
    table = {"fields": ["cognito_username", *email, *(["id"] if is_later else [])]}
    entrance = {"accesses": [setup.access or ""]} if is_later else {"scopes": [setup.scope or ""]}
    found: list[dict[str, list[str]]] = [
        {"namespaces": sorted({setup.namespace, *own})},
        {"databases": [setup.database]},
        {**entrance, "tables": ["user"]},
        table,
    ]
    return [*found, {"tokens": [setup.token_name or ""]}] if generation == "1.x" else found


def defined(told: list[dict[str, Any]], generation: Generation) -> list[dict[str, list[str]]]:
    ignored = ("config", "defaults", "system")  # of 2.x and 3.x themselves
    name = _unquoted if generation == "1.x" else str
    return [
        {
            kind: sorted(map(name, names))
            for kind, names in info.items()
            if names and kind not in ignored
        }
        for info in told
    ]


def _unquoted(name: str) -> str:
    """Read a name as 1.0.0 tells it: quoted, but for a plain one."""
    return name[1:-1].replace("\\`", "`") if name.startswith("`") else name


def skeleton(told: list[dict[str, Any]], setup: Setup) -> list[str]:
    """Give the definitions without any name or string."""
    texts = [text for info in told[1:] for kind in info.values() for text in kind.values()]
    names = (setup.namespace, setup.database, setup.access, setup.token_name, setup.scope)
    for quote in "`'\"":  # 1.0.0 shows a backslash as it is, which no pattern reads
        shown = [
            f"{quote}{name.replace(quote, f'{chr(92)}{quote}')}{quote}" for name in names if name
        ]
        for name in sorted(shown, key=len, reverse=True):
            texts = [text.replace(name, "?") for text in texts]
    return [NAMED.sub(r"\1 ?", QUOTED.sub("?", text)) for text in texts]


@cache
def surrealdb_runs() -> list[tuple[Environ, Run]]:
    return [(drawn, surrealdb(drawn)) for drawn in gathered(SURREALDB)]


def test_a_surrealdb_setting_is_printed_or_refused_by_its_name() -> None:
    for drawn, ran in surrealdb_runs():
        setup = meant(drawn)
        if setup is None:
            check_refusal(ran, "SURREALDB_", "--client-id")
        else:
            assert [*ran.content["parts"]] == [*setup.generations()]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_engine_finds_exactly_what_is_meant(generation: Generation) -> None:
    setups = [(setup, ran) for drawn, ran in surrealdb_runs() if (setup := meant(drawn))]
    scripts = [
        Script(ran.content["parts"][generation], setup, generation)
        for setup, ran in setups
        if generation in setup.generations()
    ]
    assert len(scripts) > EXAMPLES / 4

    for script, answer in zip(scripts, ask(generation, [*map(asked, scripts)]), strict=True):
        check_answer(script, answer)


def check_answer(script: Script, answer: Answer) -> None:
    setup, generation = script.setup, script.generation
    assert "faulty" not in answer, (script, answer)
    assert defined(answer["told"], generation) == expected(setup, generation), script
    assert skeleton(answer["told"], setup) == skeleton_of_plain(generation, setup.token_use), script
    assert outcome(answer) == "own row alone", (script, answer)
    assert answer["who"][0][1] == (setup.scope if generation == "1.x" else setup.access)


@cache
def skeleton_of_plain(generation: Generation, reads: str) -> list[str]:
    drawn = {**PLAIN, "reads": reads}
    setup = meant(drawn)
    assert setup
    script = Script(surrealdb(drawn).content["parts"][generation], setup, generation)
    return skeleton(ask(generation, [asked(script)])[0]["told"], setup)


# Hasura

GRAPHQL = st.from_regex(r"[_A-Za-z][_0-9A-Za-z]{0,66}", fullmatch=True)
TABLE_NAMES = ("users", "select", "user", "order", "Users", "xmin", "ctid", "__a", "users_pkey")
TABLE_TEXTS = mostly(GRAPHQL, st.sampled_from(TABLE_NAMES) | TEXTS, 6)
ROLES = mostly(st.sampled_from(("user", "admin", "it's", 'a"b', "a\\b")), TEXTS, 4)
SYNC_ROLES = mostly(st.sampled_from(("sync", "admin", "'s", "user", "; --")), TEXTS, 4)
HASURA = st.fixed_dictionaries(
    {"pool": mostly(st.just(POOL), TEXTS, 20), "client": IDS}
    | {
        "HASURA_CLAIMS_NAMESPACE": TEXTS,
        "HASURA_CLAIMS_FORMAT": st.sampled_from(("json", "stringified_json")),
        "HASURA_DEFAULT_ROLE": ROLES,
        "HASURA_GROUP_ROLES": ROLES.map(lambda role: f"editors={role}"),
        "HASURA_SYNC_ROLE": SYNC_ROLES,
        "HASURA_SYNC_TABLE": TABLE_TEXTS,
        "HASURA_SYNC_CONSTRAINT": TABLE_TEXTS,
        "HASURA_SYNC_VERSION_COLUMN": TABLE_TEXTS | st.just("none"),
        "HASURA_SYNC_COLUMNS": st.tuples(TABLE_TEXTS, TABLE_TEXTS).map(
            lambda names: f"{names[0]}=sub,{names[1]}_=email"
        ),
    }
)
SYNC = {"HASURA_SYNC_URL": "https://hasura.example.com", "HASURA_SYNC_ADMIN_SECRET": "secret"}


def hasura(drawn: Environ) -> Run:
    environ = {name: text for name, text in drawn.items() if name.startswith("HASURA_")}
    environ |= {"COGNITO_CLAIMS_PLUGINS": "hasura", **SYNC}
    options = ("--user-pool-id", drawn["pool"], "--client-id", drawn["client"])
    return run("setup", "hasura", *options, "--format", "json", environ=environ, exit_code=None)


@cache
def hasura_runs() -> list[tuple[Environ, Run]]:
    return [(drawn, hasura(drawn)) for drawn in gathered(HASURA)]


def printed_parts() -> Iterator[tuple[Environ, dict[str, str]]]:
    """Give the settings of which something is printed; the others are refused, and said to be."""
    for drawn, ran in hasura_runs():
        if ran.exit_code:
            check_refusal(ran, "HASURA_", "--client-id", "--user-pool-id")
        else:
            yield drawn, ran.content["parts"]


def test_a_hasura_setting_is_in_the_json_as_it_is_or_refused_by_its_name() -> None:
    found = [*printed_parts()]
    assert len(found) > EXAMPLES / 10

    for drawn, parts in found:
        secret, metadata = json.loads(parts["jwt-secret"]), json.loads(parts["metadata"])
        config = json.loads(parts["auth-config"])["definition"]["mode"]["jwt"]
        namespace = value_of(drawn, "HASURA_CLAIMS_NAMESPACE")
        location = config["claimsConfig"]["namespace"]["location"]
        pool = f"https://cognito-idp.eu-west-1.amazonaws.com/{drawn['pool']}"
        assert "'" not in "".join(parts[name] for name in ("jwt-secret", "auth-config", "metadata"))
        assert (secret["issuer"], config["issuer"]) == (pool, pool)
        assert (secret["audience"], config["audience"]) == ([drawn["client"]],) * 2
        assert secret["claims_namespace"] == namespace
        assert location[1:].replace("~1", "/").replace("~0", "~") == namespace
        assert {call["args"]["table"]["name"] for call in metadata["args"]} == {
            value_of(drawn, "HASURA_SYNC_TABLE")
        }
        assert {call["args"].get("role") for call in metadata["args"]} == {None, *roles(drawn)}


def roles(drawn: Environ) -> set[str | None]:
    group = drawn["HASURA_GROUP_ROLES"].removeprefix("editors=").strip()
    named = {value_of(drawn, f"HASURA_{name}_ROLE") for name in ("DEFAULT", "SYNC")}
    return {group, *named} - {None, "admin"}


def test_postgresql_finds_exactly_the_table_that_is_meant(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        for drawn, parts in printed_parts():
            found = made_by(connection, parts["sql"])
            key, email = re.findall(r"(\w+)=", drawn["HASURA_SYNC_COLUMNS"])
            version = value_of(drawn, "HASURA_SYNC_VERSION_COLUMN")
            columns = [(key, "text"), (email, "text")]
            columns += [(version, "timestamp with time zone")] if version else []
            table, constraint = (
                value_of(drawn, f"HASURA_SYNC_{name}") for name in ("TABLE", "CONSTRAINT")
            )
            key_of_table = (table, constraint, "key")
            assert found == [*[(table, *column) for column in columns], key_of_table]


MADE = """
SELECT relname, attname, atttypid::regtype::text FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0
UNION ALL SELECT relname, conname, 'key' FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
  WHERE pg_class.relnamespace = 'public'::regnamespace AND contype = 'p'"""


def made_by(connection: psycopg.Connection[Any], sql: str) -> list[tuple[str, ...]]:
    """Run the SQL in an empty schema, list all that is in it then, and undo it."""
    connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.execute(sql.encode())
    found = connection.execute(MADE).fetchall()
    connection.rollback()
    return [(*row,) for row in found]


# Fauna

FAUNA_TEXTS = mostly(GRAPHQL, TEXTS | st.sampled_from(("Token", "let", "Customer")), 8)
SECONDS = mostly(st.integers(1, 10**5).map(str), TEXTS, 10)
LONGER = mostly(st.integers(10**4, 10**8).map(str), TEXTS | st.sampled_from(("", "none")), 5)
FAUNA = st.fixed_dictionaries(
    {
        "FAUNA_COLLECTION": FAUNA_TEXTS,
        "FAUNA_INDEX": FAUNA_TEXTS,
        "FAUNA_IDENTITY": st.sampled_from(("email", "sub")),
        "FAUNA_TTL_SECONDS": SECONDS,
        "FAUNA_REFRESH_TTL_SECONDS": LONGER,
    }
)
FAUNA_SERVER = {
    "COGNITO_CLAIMS_PLUGINS": "fauna",
    "FAUNA_ENDPOINT": "https://fauna.example.com",
    "FAUNA_SECRET": "fnAkey",
}
STAND_INS = {
    "FAUNA_COLLECTION": "Name_of_the_collection",
    "FAUNA_INDEX": "name_of_the_index",
    "FAUNA_TTL_SECONDS": "111111",
    "FAUNA_REFRESH_TTL_SECONDS": "222222",
}


def schema(environ: Environ) -> Run:
    return run("setup", "fauna", environ={**FAUNA_SERVER, **environ}, exit_code=None)


def test_a_fauna_setting_is_in_the_schema_as_it_is_or_refused_by_its_name() -> None:
    printed = 0
    for drawn in gathered(FAUNA):
        ran = schema(drawn)
        if ran.exit_code:
            check_refusal(ran, "FAUNA_")
            continue
        printed += 1
        given = {name: text for name, text in drawn.items() if value_of(drawn, name)}
        meant = schema({name: STAND_INS.get(name, text) for name, text in given.items()}).out
        for name, stand_in in STAND_INS.items():
            meant = meant.replace(stand_in, str(value_of(drawn, name)))
        assert ran.out == meant
        assert all(
            str(value_of(drawn, name)).isidentifier()
            for name in ("FAUNA_COLLECTION", "FAUNA_INDEX")
        )
    assert printed > EXAMPLES / 6
