"""`setup surrealdb`: each printed script runs on its engine, lets users in to their own row, and stops ten attacks and more.

Every attack is tried on the script as the command prints it, the pool's key in the place of its URL, and once more without
the lines that are to stop it: then it gets through.
"""

import re
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from surrealdb import BlockingEmbeddedSurrealConnection

from cognito_claims.contract.surrealdb import Generation, Setup, public_key, sign
from cognito_claims.contract.surrealdb_script import GENERATIONS, checks, string
from tests.command import Run, run
from tests.surrealdb_engines import (
    BOB,
    CLIENT,
    ISSUER,
    ME,
    NOW,
    POOL,
    SUB,
    Answer,
    Request,
    an_access_token,
    an_id_token,
    ask,
    outcome,
    request,
    without,
)

ENVIRON = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb",
    "SURREALDB_NAMESPACE": "app",
    "SURREALDB_DATABASE": "main",
    "SURREALDB_ACCESS": "user",
    "SURREALDB_TOKEN": "cognito",
    "SURREALDB_SCOPE": "user",
    "SURREALDB_TOKENS": "id,access",
}
SETUP = Setup("app", "main", ISSUER, CLIENT, access="user", token_name="cognito", scope="user")
JWKS = f'"{ISSUER}/.well-known/jwks.json"'
URL_OF: Mapping[Generation, tuple[str, str]] = {
    "1.x": (f"TYPE JWKS VALUE {JWKS}", "TYPE RS256 VALUE "),
    "2.x": (f"WITH JWT URL {JWKS}", "WITH JWT ALGORITHM RS256 KEY "),
    "3.x": (f"WITH JWT URL {JWKS}", "WITH JWT ALGORITHM RS256 KEY "),
}
EACH = pytest.mark.parametrize("generation", GENERATIONS)


def setup(*options: str, environ: Mapping[str, str] = ENVIRON, exit_code: int = 0) -> Run:
    command = ("setup", "surrealdb", "--user-pool-id", POOL, "--client-id", CLIENT, *options)
    return run(*command, environ=environ, exit_code=exit_code)


@cache
def printed(generation: Generation, reads: str = "id") -> str:
    """Give the script as it is printed, with the key in the place of its URL: no embedded engine fetches keys."""
    script = setup("--part", generation, "--token", reads).out
    url, key = URL_OF[generation]
    assert script.count(url) == 1
    return script.replace(url, key + string(public_key()))


# The attacks

Lines = Mapping[str, str]
"""What of a script stops an attack, as patterns; and what stands there when it is taken out."""


class Attack(NamedTuple):
    """A token, what its bearer gets on 1.x and on later ones, what stops them there, and the sign that they got through."""

    token: str
    gets: tuple[str, str]
    lines_of_1_x: Lines
    later_lines: Lines
    gets_through: Callable[[Answer], bool]
    reads: Literal["id", "access"] = "id"

    def on(self, generation: Generation) -> tuple[str, Lines]:
        """Say what the bearer gets, and which lines see to it."""
        if generation == "1.x":
            return self.gets[0], self.lines_of_1_x
        return self.gets[1], self.later_lines


def signs_in(answer: Answer) -> bool:
    return bool(answer.get("seen"))


def reaches_bob(answer: Answer) -> bool:
    return "user:bob" in [row.get("id") for row in answer.get("seen", ())]


def changes_the_own_email(answer: Answer) -> bool:
    return [row["email"] for row in answer["after"] if row["id"] == ME] == ["changed@example.com"]


def changes_the_own_name(answer: Answer) -> bool:
    return [row["cognito_username"] for row in answer["after"] if row["id"] == ME] == ["changed"]


def makes_a_row(answer: Answer) -> bool:
    return bool({row["id"] for row in answer["after"]} - {ME, "user:bob"})


def deletes_the_own_row(answer: Answer) -> bool:
    return ME not in [row["id"] for row in answer["after"]]


def throws_the_email(answer: Answer) -> bool:
    return any(BOB in said for said in answer["said"])


def throws_the_id(answer: Answer) -> bool:
    return any("user:bob" in said for said in answer["said"])


def comparison(claim: str, value: str) -> tuple[Lines, Lines]:
    """Give the line that looks at a claim, in the permissions of 1.x and in the AUTHENTICATE clause of later ones."""
    place = re.escape(f"$token.{claim}")
    return {f" AND {place} = {value}": ""}, {f"    IF {place} != {value} {{.*}};\n": ""}


def presence(claim: str) -> tuple[Lines, Lines]:
    place = re.escape(f"$token.{claim}")
    may_lack = {"cognito_username ON user TYPE string": "cognito_username ON user TYPE any"}
    return {f" AND {place}(?= AND)": ""}, {f"    IF !{place} {{.*}};\n": "", **may_lack}


def id_token(**changed: object) -> str:
    return sign(an_id_token(**changed))


def access_token(**changed: object) -> str:
    return sign(an_access_token(**changed))


OTHER_KEY = generate_private_key(65537, 2048)
OTHER_PEM = OTHER_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
KEY_LINE = {re.escape(string(public_key())): string(OTHER_PEM.decode())}
OWN_ROW = ("own row alone", "own row alone")
SHUT_OUT = ("sees nothing", "refused")
REFUSED = ("refused", "refused")
EMAIL = r" AND email = session::token\(\)\.email"
OWNER = r" AND id = session::rd\(\)"
SUBJECT = r' AND id = type::thing\("user", \$token\.sub\)'
AUTHENTICATE = r"(?s)  AUTHENTICATE {.*?\n  }"
FIELDS = {r"\n  PERMISSIONS FOR select WHERE id = .*;": ";"}
UPDATE = {"FOR update NONE": "FOR update FULL", "FOR create, update NONE": "FOR create NONE"}
STORED = {"VALUE <future> { .* }": "TYPE string"}
ID_FIELD = {r"DEFINE FIELD id ON user\n.*\n": ""}
HELD_BY_THE_ENGINE: Lines = {}
"""An engine looks at `exp` whatever the script says."""

TEN = {
    "other user's row": Attack(
        *(id_token(), OWN_ROW), {SUBJECT: ""}, {OWNER + EMAIL: "", **FIELDS}, reaches_bob
    ),
    "other issuer": Attack(
        *(id_token(iss=f"{ISSUER}x"), SHUT_OUT), *comparison("iss", f'"{ISSUER}"'), signs_in
    ),
    "other audience": Attack(
        *(id_token(aud="another"), SHUT_OUT), *comparison("aud", f'"{CLIENT}"'), signs_in
    ),
    # One that holds all that an ID token does: another trigger may have added it.
    "access token instead of ID token": Attack(
        *(id_token(token_use="access"), SHUT_OUT), *comparison("token_use", '"id"'), signs_in
    ),
    "unverified email": Attack(
        *(id_token(email_verified=False), SHUT_OUT),
        *comparison("email_verified", "true"),
        signs_in,
    ),
    "expired": Attack(
        *(id_token(exp=NOW - 1), REFUSED, HELD_BY_THE_ENGINE, HELD_BY_THE_ENGINE), signs_in
    ),
    "other key": Attack(*(sign(an_id_token(), OTHER_KEY), REFUSED), KEY_LINE, KEY_LINE, signs_in),
    "own email changed to another's": Attack(
        *(id_token(), OWN_ROW), {**STORED, **UPDATE}, {EMAIL: "", **UPDATE}, changes_the_own_email
    ),
    "`id` injected": Attack(
        *(access_token(id="user:bob"), OWN_ROW),
        *({SUBJECT: ""}, {AUTHENTICATE: ""}),
        *(reaches_bob, "access"),
    ),
    "system-user route": Attack(
        *(sign(without(an_id_token(rl=["Owner"]), "sc")), ("refused", "own row alone")),
        {"ON SCOPE `user` TYPE": "ON DATABASE TYPE"},
        {r"TYPE RECORD\s+WITH": "TYPE", AUTHENTICATE: ""},
        reaches_bob,
    ),
}
MORE = {
    "no subject": Attack(
        *(sign(without(an_id_token(), "sub")), SHUT_OUT),
        *({f"{re.escape(' AND $token.sub')}(?= AND)": "", SUBJECT: ""}, presence("sub")[1]),
        signs_in,
    ),
    "`id` injected into an ID token": Attack(
        *(id_token(id="user:bob"), OWN_ROW),
        *({SUBJECT: ""}, {AUTHENTICATE: "", EMAIL: ""}),
        reaches_bob,
    ),
    "own name changed": Attack(
        *(access_token(), OWN_ROW),
        *({**STORED, **UPDATE}, UPDATE),
        *(changes_the_own_name, "access"),
    ),
    "own row deleted": Attack(
        *(id_token(), OWN_ROW),
        *({"FOR delete NONE": "FOR delete FULL"}, {"FOR delete NONE": "FOR delete FULL"}),
        deletes_the_own_row,
    ),
    "other's email in an error": Attack(*(id_token(), OWN_ROW), STORED, FIELDS, throws_the_email),
    "row made by hand": Attack(
        *(id_token(), OWN_ROW),
        {"FOR create WHERE .*": "FOR create FULL"},
        {"FOR create NONE": "FOR create FULL", "FOR create, update NONE": "FOR update NONE"},
        makes_a_row,
    ),
    "access token, other user's row": Attack(
        *(access_token(), OWN_ROW), {SUBJECT: ""}, {OWNER: "", **FIELDS}, reaches_bob, "access"
    ),
    "access token, other issuer": Attack(
        *(access_token(iss=f"{ISSUER}x"), SHUT_OUT),
        *comparison("iss", f'"{ISSUER}"'),
        *(signs_in, "access"),
    ),
    "access token, other client": Attack(
        *(access_token(client_id="another"), SHUT_OUT),
        *comparison("client_id", f'"{CLIENT}"'),
        *(signs_in, "access"),
    ),
    "ID token instead of access token": Attack(
        *(access_token(token_use="id"), SHUT_OUT),
        *comparison("token_use", '"access"'),
        *(signs_in, "access"),
    ),
    "access token, no subject": Attack(
        *(sign(without(an_access_token(), "sub")), SHUT_OUT),
        *({f"{re.escape(' AND $token.sub')}(?= AND)": "", SUBJECT: ""}, presence("sub")[1]),
        *(signs_in, "access"),
    ),
    "machine token": Attack(
        *(sign(without(an_access_token(), "username")), SHUT_OUT),
        *presence("username"),
        *(signs_in, "access"),
    ),
}
ATTACKS = {**TEN, **MORE}


def weakened(script: str, lines: Lines) -> str:
    for line, instead in lines.items():
        script, count = re.subn(line, instead, script)
        assert count, line
    return script


@cache
def answers(generation: Generation) -> dict[str, Answer]:
    """Try every attack on the printed script, and without its lines; all in one process."""
    requests: dict[str, Request] = {}
    for name, attack in ATTACKS.items():
        setup, script = SETUP._replace(token_use=attack.reads), printed(generation, attack.reads)
        weak = weakened(script, attack.on(generation)[1])
        requests[name] = request(attack.token, setup, generation, script)
        requests[f"{name}, its lines taken out"] = request(attack.token, setup, generation, weak)
    return dict(zip(requests, ask(generation, [*requests.values()]), strict=True))


@EACH
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_stopped(generation: Generation, name: str) -> None:
    attack, answer = ATTACKS[name], answers(generation)[name]

    assert outcome(answer) == attack.on(generation)[0]
    assert "refused" in answer or not attack.gets_through(answer)


@EACH
@pytest.mark.parametrize("name", [name for name in ATTACKS if name != "expired"])
def test_without_its_lines_an_attack_gets_through(generation: Generation, name: str) -> None:
    answer = answers(generation)[f"{name}, its lines taken out"]

    assert "refused" not in answer
    assert ATTACKS[name].gets_through(answer)


@pytest.mark.parametrize("reads", ["id", "access"])
def test_there_is_an_attack_for_every_claim_that_the_script_looks_at(
    reads: Literal["id", "access"],
) -> None:
    lines = [line for a in ATTACKS.values() if a.reads == reads for line in a.later_lines]

    for check in checks(SETUP._replace(token_use=reads)):
        denial = f"    IF {check.fails} {{ THROW {string(check.reason)} }};\n"
        assert [line for line in lines if re.fullmatch(line, denial)], check


# What a user gets


@cache
def answered(
    generation: Generation, reads: Literal["id", "access"], token: str, more: str = ""
) -> Answer:
    setup = SETUP._replace(token_use=reads)
    (answer,) = ask(
        generation, [request(token, setup, generation, printed(generation, reads) + more)]
    )
    return answer


@EACH
def test_a_user_gets_in_by_each_token_to_their_own_row_alone(generation: Generation) -> None:
    assert outcome(answered(generation, "id", id_token())) == "own row alone"
    assert outcome(answered(generation, "access", access_token())) == "own row alone"


@pytest.mark.parametrize("generation", ["2.x", "3.x"])
def test_the_first_sign_in_makes_the_row(generation: Generation) -> None:
    seen = [
        answered(generation, *each)["seen"]
        for each in (("id", id_token()), ("access", access_token()))
    ]

    row = {"id": ME, "cognito_username": "alice"}
    assert seen == [[{**row, "email": "alice@example.com"}], [row]]


@pytest.mark.parametrize("generation", ["2.x", "3.x"])
def test_a_later_sign_in_brings_a_changed_email_and_name(generation: Generation) -> None:
    old = f'CREATE user:`{SUB}` SET email = "old@example.com", cognito_username = "old";'

    answer = answered(generation, "id", id_token(), old)

    row = {"id": ME, "email": "alice@example.com", "cognito_username": "alice"}
    assert answer["seen"] == [row]


@pytest.mark.parametrize("generation", ["2.x", "3.x"])
@pytest.mark.parametrize("taken_out", [False, True])
def test_a_sign_in_that_changes_nothing_writes_nothing(
    generation: Generation, *, taken_out: bool
) -> None:
    script = weakened(printed(generation), {r"IF \(SELECT .*\{": "{"} if taken_out else {})
    time_of_writing = "DEFINE FIELD written ON user VALUE time::now() PERMISSIONS NONE;"
    row = f'CREATE user:`{SUB}` SET email = "alice@example.com", cognito_username = "alice";'

    (answer,) = ask(
        generation, [request(id_token(), SETUP, generation, script + time_of_writing + row)]
    )

    before, after = (
        {row["id"]: row["written"] for row in answer[when]} for when in ("planted", "after")
    )
    assert (before[ME] != after[ME]) is taken_out


@EACH
def test_an_editable_field_is_changed_in_the_own_row_alone(generation: Generation) -> None:
    url, key = URL_OF[generation]
    options = ("--part", generation, "--token", "id", "--editable", "about", "--editable", "motto")
    script = setup(*options).out.replace(url, key + string(public_key()))
    asked = request(id_token(), SETUP, generation, script)
    changes = ["UPDATE user SET about = 'a', motto = 'b', email = 'x@example.com'", "DELETE user"]

    (answer,) = ask(generation, [{**asked, "attempts": changes}])

    email = {"2.x": "alice@example.com", "3.x": "alice@example.com"}.get(generation)
    rows = {row["id"]: row for row in answer["after"]}
    assert [rows[ME][name] for name in ("about", "motto", "email")] == ["a", "b", email]
    assert {"about", "motto"}.isdisjoint(rows["user:bob"])


@EACH
def test_an_address_that_another_row_has_locks_nobody_out(generation: Generation) -> None:
    answer = answered(generation, "id", id_token(email=BOB))

    assert outcome(answer) == "own row alone"
    assert [row["email"] for row in answer["seen"]] == [BOB]


@pytest.mark.parametrize("generation", ["2.x", "3.x"])
@pytest.mark.parametrize("taken_out", [False, True])
def test_not_even_the_ids_of_others_are_seen(generation: Generation, *, taken_out: bool) -> None:
    script = weakened(printed(generation), ID_FIELD if taken_out else {})

    (answer,) = ask(generation, [request(id_token(), SETUP, generation, script)])

    assert throws_the_id(answer) is taken_out


@pytest.mark.parametrize(("taken_out", "sees"), [("", []), (SUBJECT, [ME, "user:bob"])])
def test_who_takes_over_an_email_does_not_take_over_the_row_on_1_x(
    taken_out: str, sees: list[str]
) -> None:
    script = re.sub(taken_out, "", printed("1.x"))
    heir = id_token(sub="another-sub", **{"cognito:username": "heir"})

    (answer,) = ask("1.x", [request(heir, SETUP, "1.x", script)])

    assert [each["id"] for each in answer["seen"]] == sees


@pytest.mark.parametrize(
    ("taken_out", "count"), [("", 0), (r" AND session::token\(\)\.exp > time::unix\(\)", 1)]
)
def test_a_session_shows_nothing_any_more_once_its_token_has_expired(
    taken_out: str, count: int
) -> None:
    with BlockingEmbeddedSurrealConnection("mem://") as engine:
        engine.use(SETUP.namespace, SETUP.database)
        engine.query_raw(re.sub(taken_out, "", printed("2.x")), {})
        engine.authenticate(id_token(exp=int(time.time()) + 1))
        time.sleep(1.2)

        assert str(engine.query("RETURN $auth;")) == ME
        rows: Any = engine.query("SELECT * FROM user;")
        assert len(rows) == count


FIRST_SIGN_IN = "-- At a user's first sign-in the application makes the row:\n-- (.*)\n"


@pytest.mark.parametrize("reads", ["id", "access"])
def test_on_1_x_the_application_makes_the_row_as_the_comment_says(
    reads: Literal["id", "access"],
) -> None:
    script, token = printed("1.x", reads), id_token() if reads == "id" else access_token()
    (statement,) = re.findall(FIRST_SIGN_IN, script)
    others = statement.replace("$token.sub", '"mallory"')
    by_anyone = re.sub(SUBJECT, "", script)

    made = [
        _rows_after(each, reads, token, attempt)
        for each, attempt in ((script, statement), (script, others), (by_anyone, others))
    ]

    assert made == [[ME], [], ["user:mallory"]]


def _rows_after(script: str, reads: Literal["id", "access"], token: str, attempt: str) -> list[str]:
    setup = SETUP._replace(token_use=reads)
    asked = {**request(token, setup, "1.x", ""), "script": script, "attempts": [attempt]}
    (answer,) = ask("1.x", [asked])
    return [row["id"] for row in answer["after"]]


# Running it again


@pytest.mark.parametrize(
    ("generation", "options", "is_taken"),
    [
        ("1.x", (), True),
        ("1.x", ("--overwrite",), True),
        ("2.x", (), False),
        ("2.x", ("--overwrite",), True),
        ("3.x", (), False),
        ("3.x", ("--overwrite",), True),
    ],
)
def test_what_is_there_is_replaced_only_when_asked_to(
    *, generation: Generation, options: tuple[str, ...], is_taken: bool
) -> None:
    url, key = URL_OF[generation]
    second = setup("--part", generation, "--token", "id", *options).out
    script = printed(generation) + second.replace(url, key + string(public_key()))

    (answer,) = ask(generation, [request(id_token(), SETUP, generation, script)])

    assert ("faulty" not in answer) is is_taken
    assert not is_taken or outcome(answer) == "own row alone"


@pytest.mark.parametrize("generation", ["2.x", "3.x"])
def test_an_index_of_an_earlier_script_is_taken_out(generation: Generation) -> None:
    url, key = URL_OF[generation]
    second = setup("--part", generation, "--token", "id", "--overwrite").out
    index = "DEFINE INDEX email ON user FIELDS email UNIQUE;"
    script = printed(generation) + index + second.replace(url, key + string(public_key()))

    asked = request(id_token(), SETUP, generation, script, ["INFO FOR TABLE user;"])
    (answer,) = ask(generation, [asked])

    assert answer["told"][0]["indexes"] == {}
    assert outcome(answer) == "own row alone"


@EACH
def test_a_script_that_cannot_be_run_whole_defines_nothing(generation: Generation) -> None:
    broken = printed(generation).replace("COMMIT", 'THROW "no";\nCOMMIT')
    asked = request(id_token(), SETUP, generation, "", ["INFO FOR DB;"])

    answer, empty = ask(generation, [{**asked, "script": each} for each in (broken, "RETURN 1;")])

    assert "faulty" in answer
    assert answer["told"] == empty["told"]


# What is printed


def test_only_the_generations_that_the_settings_address_are_printed() -> None:
    def names(**environ: str) -> list[str]:
        ran = setup("--token", "id", "--format", "json", environ={**ENVIRON, **environ})
        return [*ran.content["parts"]]

    assert names() == ["1.x", "2.x", "3.x"]
    assert names(SURREALDB_ACCESS="") == ["1.x"]
    assert names(SURREALDB_TOKEN="", SURREALDB_SCOPE="") == ["2.x", "3.x"]


def test_the_text_is_all_parts_each_under_its_purpose_and_json_the_same_parts() -> None:
    parts = setup("--token", "id", "--format", "json").content["parts"]

    purpose = "# {0}: SurrealDB {0}, to run as the root or namespace owner\n\n{1}"
    text = "\n".join(purpose.format(name, part) for name, part in parts.items())
    assert setup("--token", "id").out == text
    assert [setup("--token", "id", "--part", name).out for name in parts] == [*parts.values()]


@EACH
def test_the_script_says_how_to_start_the_server(generation: Generation) -> None:
    script = setup("--token", "id", "--part", generation).out

    comment = script[: script.index("USE NS")]
    assert "surreal start --deny-funcs=http --allow-net=" in comment
    assert "--allow-funcs=session,type,string,time" in comment
    assert ("DEFINE DATABASE `main` STRICT" in comment) is (generation == "3.x")
    assert ("every signed-in user read all that is stored" in comment) is (generation == "1.x")


def test_1_x_says_which_editable_fields_everybody_can_read() -> None:
    options = ("--token", "id", "--part", "1.x", "--editable", "about", "--editable", "motto")

    said = "-- Every signed-in user can read these fields of all users: about, motto.\n"
    assert said in setup(*options).out


@EACH
def test_the_script_says_from_where_the_server_fetches_keys(generation: Generation) -> None:
    script = setup("--token", "id", "--part", generation).out

    assert "--allow-net=cognito-idp.eu-west-1.amazonaws.com ..." in script
    assert script.count(f'"{ISSUER}/.well-known/jwks.json"') == 1


@EACH
@pytest.mark.parametrize("reads", ["id", "access"])
def test_tokens_of_every_app_client_that_is_named_are_taken_and_no_others(
    generation: Generation, reads: Literal["id", "access"]
) -> None:
    options = ("--client-id", "mobile", "--client-id", CLIENT)
    url, key = URL_OF[generation]
    script = setup("--part", generation, "--token", reads, *options).out.replace(
        url, key + string(public_key())
    )
    token, claim = (id_token, "aud") if reads == "id" else (access_token, "client_id")
    clients: list[object] = [CLIENT, "mobile", "another", [CLIENT], [CLIENT, "mobile"], None]
    asked = [
        request(token(**{claim: client}), SETUP._replace(token_use=reads), generation, script)
        for client in clients
    ]

    found = [outcome(answer) for answer in ask(generation, asked)]

    shut_out = SHUT_OUT[generation != "1.x"]
    assert found == ["own row alone"] * 2 + [shut_out] * 4


@pytest.mark.parametrize(
    ("options", "environ", "said"),
    [
        ((), {}, "--token: SURREALDB_TOKENS names both, say which the database gets"),
        (
            ("--token", "access"),
            {"SURREALDB_TOKENS": "id"},
            "--token: SURREALDB_TOKENS does not name this one",
        ),
        (
            ("--token", "id", "--part", "4.x"),
            {},
            "4.x: the settings make no such part, but 1.x, 2.x, 3.x",
        ),
        (
            ("--token", "id"),
            {"COGNITO_CLAIMS_PLUGINS": "hasura"},
            "COGNITO_CLAIMS_PLUGINS: surrealdb is not among them",
        ),
        (
            ("--token", "id"),
            {
                "COGNITO_CLAIMS_PLUGINS": "surrealdb,two=cognito_claims.plugins.surrealdb:SurrealDBClaims.from_env"
            },
            "COGNITO_CLAIMS_PLUGINS: surrealdb stands there twice",
        ),
        (
            ("--token", "id"),
            {"SURREALDB_SCOPE": "a\x1bb", "SURREALDB_ACCESS": "a\u2028b"},
            "SURREALDB_ACCESS: a set-up script takes printable text alone\n"
            "cognito-claims: SURREALDB_SCOPE: a set-up script takes printable text alone",
        ),
        (("--token", "id"), {"SURREALDB_DATABASE": ""}, "SURREALDB_DATABASE: required"),
        (
            ("--token", "id", "--editable", "about", "--editable", "email"),
            {},
            "--editable: expected the name of a field: letters, digits and _; "
            "not id or email or cognito_username",
        ),
    ],
)
def test_what_cannot_be_used_is_named(
    options: tuple[str, ...], environ: Mapping[str, str], said: str
) -> None:
    ran = setup(*options, environ={**ENVIRON, **environ}, exit_code=2)

    assert (ran.out, ran.err) == ("", f"cognito-claims: {said}\n")


@pytest.mark.parametrize(
    ("pool", "client", "setting"),
    [
        ("eu-west-1", CLIENT, "--user-pool-id"),
        ('eu-west-1_a"b', CLIENT, "--user-pool-id"),
        (POOL, 'a"b', "--client-id"),
        (POOL, "", "--client-id"),
    ],
)
def test_ids_that_are_no_pools_and_no_clients_are_refused(
    pool: str, client: str, setting: str
) -> None:
    command = ("setup", "surrealdb", "--user-pool-id", pool, "--client-id", client)

    ran = run(*command, "--token", "id", environ=ENVIRON, exit_code=2)

    assert ran.err.startswith(f"cognito-claims: {setting}: expected ")
