"""What SurrealDB makes of a token: asked of the embedded engine, and read from the claims table."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt import PyJWS
from surrealdb import _surrealdb_ext

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.surrealdb import (
    Setup,
    SignIn,
    Verdict,
    public_key,
    setup_script,
    sign,
    sign_in,
    verdict,
)
from cognito_claims.contract.surrealdb_claims import NAMES
from cognito_claims.contract.surrealdb_engine import ENGINE
from cognito_claims.contract.surrealdb_script import GENERATIONS, Generation, checks, string
from tests.surrealdb_engines import accepted_by_3x

ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a1B2c3D4e"
CLIENT = "7s24tlabcn8n0defbfoghijsgn"
SUB = "8b1c5a3e-9d7f-4c11-8a20-3f5e6d7c8b9a"
SETUP = Setup("app", "main", ISSUER, CLIENT, access="user", token_name="cognito", scope="user")
FOR_ACCESS_TOKENS = SETUP._replace(token_use="access")
ALICE = SignIn(f"user:⟨{SUB}⟩", "user")
SCRIPT = setup_script(SETUP, public_key=public_key())
Claims = Mapping[str, Any]


def an_id_token(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    own = {
        "iss": ISSUER,
        "aud": CLIENT,
        "token_use": "id",
        "sub": SUB,
        "iat": now,
        "exp": now + 3600,
    }
    user = {"email": "alice@example.com", "email_verified": True, "cognito:username": "alice"}
    ours = {"ns": "app", "db": "main", "ac": "user", "tk": "cognito", "sc": "user"}
    return {**own, **user, **ours, **changed}


def an_access_token(**changed: Any) -> dict[str, Any]:
    claims = without(an_id_token(), "aud", "email", "email_verified", "cognito:username")
    own = {"token_use": "access", "client_id": CLIENT, "username": "alice", "scope": "openid"}
    return {**claims, **own, **changed}


def a_machine_token() -> dict[str, Any]:
    return without(an_access_token(sub=CLIENT), "username")


def without(claims: Claims, *names: str) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in names}


def judged(claims: Claims, setup: Setup = SETUP) -> Verdict:
    settings = setup._asdict()
    return verdict(claims, token=settings.pop("token_use"), **settings)


def codes(claims: Claims, setup: Setup = SETUP) -> dict[Generation, str]:
    """Each generation's code, or "accepted"."""
    versions = judged(claims, setup)["versions"]
    return {each: answer.get("code", "accepted") for each, answer in versions.items()}


def refusal(claims: Claims, setup: Setup = SETUP, *, script: str | None = None) -> str:
    with pytest.raises(BackendRefusal) as raised:
        sign_in(sign(claims), setup, script=script)
    return raised.value.code


# The embedded engine


def test_the_engine_is_the_one_that_is_named() -> None:
    library = Path(_surrealdb_ext.__file__ or "").read_bytes()

    assert f"surrealdb-core-{ENGINE}".encode() in library


def test_a_new_user_reaches_their_own_row_alone() -> None:
    assert sign_in(sign(an_id_token()), SETUP) == ALICE


def test_a_returning_user_whose_email_changed_reaches_their_own_row() -> None:
    known = f'CREATE user:⟨{SUB}⟩ SET email = "old@example.com", cognito_username = "alice";'

    assert sign_in(sign(an_id_token()), SETUP, script=SCRIPT + known) == ALICE


def test_an_access_token_reaches_the_row_of_its_subject() -> None:
    assert sign_in(sign(an_access_token()), FOR_ACCESS_TOKENS) == ALICE


@pytest.mark.parametrize(
    ("client", "code"),
    [
        (CLIENT, "accepted"),
        ("mobile", "accepted"),
        ("another", "wrong-audience"),
        (["mobile"], "wrong-audience"),
        ([CLIENT, "mobile"], "wrong-audience"),
    ],
)
def test_tokens_of_several_app_clients_are_taken(client: object, code: str) -> None:
    found = codes(an_id_token(aud=client), SETUP._replace(other_client_ids=("mobile",)))

    assert found == dict.fromkeys(GENERATIONS, code)


ATTACKS_ON_ID_TOKENS = {
    "wrong-issuer": an_id_token(iss=f"{ISSUER}x"),
    "wrong-token-use": an_id_token(token_use="access"),
    "wrong-audience": an_id_token(aud="another-client"),
    "missing-subject": without(an_id_token(), "sub"),
    "email-not-verified": an_id_token(email_verified=False),
}
ATTACKS_ON_ACCESS_TOKENS = {
    "wrong-issuer": an_access_token(iss=f"{ISSUER}x"),
    "wrong-token-use": an_access_token(token_use="id"),
    "wrong-client": an_access_token(client_id="another-client"),
    "missing-subject": without(an_access_token(), "sub"),
    "missing-username": a_machine_token(),
}
ATTACKS = [(SETUP, each) for each in ATTACKS_ON_ID_TOKENS.items()]
ATTACKS += [(FOR_ACCESS_TOKENS, each) for each in ATTACKS_ON_ACCESS_TOKENS.items()]


def test_there_is_an_attack_for_each_check_of_the_script() -> None:
    assert [check.code for check in checks(SETUP)] == list(ATTACKS_ON_ID_TOKENS)
    assert [check.code for check in checks(FOR_ACCESS_TOKENS)] == list(ATTACKS_ON_ACCESS_TOKENS)


@pytest.mark.parametrize(("setup", "attack"), ATTACKS)
def test_each_check_of_the_script_stops_its_attack(
    setup: Setup, attack: tuple[str, Claims]
) -> None:
    code, claims = attack

    assert refusal(claims, setup) == code


@pytest.mark.parametrize(("setup", "attack"), ATTACKS)
def test_without_its_check_the_attack_gets_through(
    setup: Setup, attack: tuple[str, Claims]
) -> None:
    code, claims = attack
    (line,) = (f"IF {check.fails} {{" for check in checks(setup) if check.code == code)
    script = setup_script(setup, public_key=public_key())
    weaker = "".join(each for each in script.splitlines(keepends=True) if line not in each)
    weaker = weaker.replace("user TYPE string", "user TYPE option<string>")  # or it stops as well

    assert script.count(line) == 1
    assert sign_in(sign(claims), setup, script=weaker).auth.startswith("user:")


OWN_FIELDS = r"\n  PERMISSIONS FOR select WHERE id = .*;"
MAY = r"(?s)(FIELD {} ON user.*?)\n  PERMISSIONS .*?;"
ADDED = "DEFINE FIELD {} PERMISSIONS FOR select WHERE id = session::rd() FOR create, update NONE; COMMIT"


@pytest.mark.parametrize(
    ("line", "weaker", "code"),
    [
        ("id = session::rd\\(\\) AND email = session::token\\(\\).email", "true", "other-row"),
        ("FOR create NONE", "FOR create FULL", "other-row"),
        ("FOR select WHERE session::ac", "FOR select WHERE true OR session::ac", "other-row"),
        ("FOR select WHERE session::ac", "FOR select WHERE false AND session::ac", "own-row"),
        ("FOR update NONE", "FOR update FULL", "other-id"),
        ("FOR delete NONE", "FOR delete WHERE id = session::rd()", "own-row"),
        ("FOR delete NONE", "FOR delete FULL", "other-row"),
        (MAY.format("email"), r"\1;", "other-row"),
        (MAY.format("cognito_username"), r"\1;", "other-row"),
        (OWN_FIELDS, ";", "other-row"),
        (MAY.format("id"), r"\1;", "other-id"),
        *(
            ("COMMIT", f"DEFINE FIELD plan ON user TYPE option<{kind}>; COMMIT", "other-row")
            for kind in ("string", "bool", "number", "datetime", "array", "record<user>")
        ),
        ("COMMIT", "DEFINE FIELD plan ON user FLEXIBLE TYPE option<object>; COMMIT", "other-row"),
        ("COMMIT", ADDED.format("of_all ON user VALUE <string> (SELECT * FROM user)"), "other-row"),
        (
            "COMMIT",
            ADDED.format("c ON user VALUE <future> { (SELECT VALUE email FROM user) }"),
            "other-row",
        ),
        ("COMMIT", "DEFINE INDEX email ON user FIELDS email UNIQUE; COMMIT", "unique-email"),
        ("COMMIT", "DEFINE INDEX email ON user FIELDS email; COMMIT", "indexed"),
        (r"WHERE id = session::rd\(\)", "WHERE id = $auth", "other-row"),
    ],
)
def test_weaker_or_missing_permissions_are_noticed(line: str, weaker: str, code: str) -> None:
    script = re.sub(line, weaker, SCRIPT)

    assert script != SCRIPT
    assert refusal(an_id_token(), script=script) == code


@pytest.mark.parametrize(
    ("line", "weaker"),
    [
        (MAY.format("cognito_username"), r"\1 PERMISSIONS FOR select WHERE id = session::rd();"),
        ("SCHEMAFULL", "SCHEMALESS"),
    ],
)
def test_who_may_edit_a_field_may_not_edit_more(line: str, weaker: str) -> None:
    ours = setup_script(SETUP, public_key=public_key(), editable=["about"])
    script = re.sub(line, weaker, ours)

    assert sign_in(sign(an_id_token()), SETUP, script=ours, editable=["about"]) == ALICE
    with pytest.raises(BackendRefusal, match="own-row"):
        sign_in(sign(an_id_token()), SETUP, script=script, editable=["about"])


def test_a_field_inside_of_another_may_have_its_own_permission() -> None:
    field = ADDED.format("plan.name ON user TYPE option<string>")

    assert sign_in(sign(an_id_token()), SETUP, script=SCRIPT.replace("COMMIT", field)) == ALICE


def test_a_value_that_the_client_cannot_read_is_said_to_be_one() -> None:
    ours = setup_script(SETUP, public_key=public_key(), editable=["about"])
    script = ours.replace("COMMIT", ADDED.format("own ON user VALUE <future> { email }"))

    with pytest.raises(BackendRefusal, match="unreadable"):
        sign_in(sign(an_id_token()), SETUP, script=script, editable=["about"])


def test_another_way_in_does_not_open_the_row() -> None:
    second = SCRIPT[SCRIPT.index("DEFINE ACCESS") : SCRIPT.index("DEFINE TABLE")]
    script = SCRIPT + second.replace("`user`", "`guests`")
    setup = SETUP._replace(access="guests")

    assert refusal(an_id_token(ac="user"), setup, script=script) == "wrong-access"
    assert refusal(an_id_token(ac="guests"), setup, script=script) == "own-row"
    open_door = script.replace('session::ac() = "user" AND ', "")
    assert sign_in(sign(an_id_token(ac="guests")), setup, script=open_door).access == "guests"


@pytest.mark.parametrize("setup", [SETUP, FOR_ACCESS_TOKENS], ids=["id", "access"])
@pytest.mark.parametrize("taken_from_update", ["", "update, ", "delete, ", "update, delete, "])
def test_the_script_of_before_is_refused(setup: Setup, taken_from_update: str) -> None:
    """It had one permission for all on the table, and none on fields."""
    script = setup_script(setup, public_key=public_key())
    script = re.sub(OWN_FIELDS, ";", script).replace("DEFINE FIELD id ON user;\n", "")
    script = re.sub(r"\n  FOR create NONE\n  FOR update NONE\n  FOR delete NONE;", ";", script)
    kinds = "update, delete, ".replace(taken_from_update, "") + "select"
    closed = taken_from_update.removesuffix(", ")
    before = "FOR create NONE " + (f"FOR {closed} NONE " if closed else "")
    script = script.replace("FOR select WHERE", f"{before}FOR {kinds} WHERE")
    claims = an_id_token() if setup.token_use == "id" else an_access_token()

    assert refusal(claims, setup, script=script) == "other-row"


@pytest.mark.parametrize("setup", [SETUP, FOR_ACCESS_TOKENS], ids=["id", "access"])
def test_an_editable_field_is_changed_in_the_own_row_alone(setup: Setup) -> None:
    claims = an_id_token() if setup.token_use == "id" else an_access_token()
    script = setup_script(setup, public_key=public_key(), editable=["about"])

    assert sign_in(sign(claims), setup, editable=["about", "display_name"]) == ALICE
    with pytest.raises(BackendRefusal, match="own-row"):
        sign_in(sign(claims), setup, script=script, editable=["about", "display_name"])


@pytest.mark.parametrize("name", ["id", "email", "cognito_username", "", "a.b", "a b", "1a", "ä"])
def test_what_the_token_fills_and_what_is_no_name_is_never_editable(name: str) -> None:
    with pytest.raises(BackendRefusal, match="setup-value"):
        setup_script(SETUP, editable=["about", name])


def test_an_email_that_another_row_has_locks_nobody_out() -> None:
    taken = 'CREATE user:bob SET email = "alice@example.com", cognito_username = "bob";'

    assert sign_in(sign(an_id_token()), SETUP, script=SCRIPT + taken) == ALICE


def test_an_id_claim_names_the_record_only_without_an_authenticate_clause() -> None:
    claims = an_id_token(id="user:bob")
    bob = 'CREATE user:bob SET email = "alice@example.com", cognito_username = "bob";'
    trusting = re.sub(r"\n  AUTHENTICATE \{.*?\n  \}", "", SCRIPT, flags=re.DOTALL) + bob

    assert sign_in(sign(claims), SETUP) == ALICE
    assert sign_in(sign(claims), SETUP, script=trusting) == SignIn("user:bob", "user")
    assert set(codes(claims).values()) == {"record-claim"}


def test_a_jwt_access_makes_the_bearer_a_system_user() -> None:
    table = SCRIPT[SCRIPT.index("DEFINE TABLE") : SCRIPT.index("COMMIT")]
    access = f"DEFINE ACCESS user ON DATABASE TYPE JWT ALGORITHM RS256 KEY {string(public_key())};"

    assert refusal(an_id_token(), script=access + table) == "system-user"


@pytest.mark.parametrize(
    "script", ["DEFINE;", f"{SCRIPT} DEFINE ACCESS user ON DATABASE TYPE RECORD;"]
)
def test_a_script_that_does_not_run_is_said_to_be_at_fault(script: str) -> None:
    assert refusal(an_id_token(), script=script) == "setup-script"


def test_a_token_of_another_key_is_refused() -> None:
    stranger = generate_private_key(public_exponent=65537, key_size=2048)

    with pytest.raises(BackendRefusal, match="unexplained"):
        sign_in(sign(an_id_token(), stranger), SETUP)


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused() -> None:
    payload = json.dumps(an_id_token()).encode()
    secret = "".join(public_key().splitlines()[1:-1])  # PyJWT itself refuses the whole PEM

    with pytest.raises(BackendRefusal, match="unexplained"):
        sign_in(PyJWS().encode(payload, secret, algorithm="HS256"), SETUP)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", sign(an_id_token())[:-8], "…", "\ud800"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(BackendRefusal, match="unexplained"):
        sign_in(token, SETUP)


# Names in the set-up script

HOSTILE = [
    "a`b",
    "a\\",
    "a\\`; REMOVE TABLE user; `",
    'a"; REMOVE TABLE user; "',
    "a'b",
    "a⟩; REMOVE TABLE user; ⟨",
    "a;b -- c /* d",
    "1",
    "select",
    "ünï 😀",
    "$token.sub",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("setup", [SETUP, FOR_ACCESS_TOKENS], ids=["id", "access"])
def test_a_hostile_name_is_just_a_name(setup: Setup, name: str) -> None:
    hostile = Setup(name, name, name, name, access=name, token_use=setup.token_use)
    same = {"iss": name, "aud": name, "client_id": name, "ns": name, "db": name, "ac": name}
    claims = an_id_token(**same) if setup.token_use == "id" else an_access_token(**same)

    assert sign_in(sign(claims), hostile) == SignIn(f"user:⟨{SUB}⟩", name)


@pytest.mark.parametrize("name", ["", "a\0b", "a\x1b", "a\u2028b", "\ud800"])
@pytest.mark.parametrize("field", ["namespace", "database", "access", "issuer", "client_id"])
def test_a_name_that_is_no_printable_text_is_refused(field: str, name: str) -> None:
    with pytest.raises(BackendRefusal, match="setup-value"):
        sign_in(sign(an_id_token()), Setup(**{**SETUP._asdict(), field: name}))


def test_a_name_in_two_lines_is_refused() -> None:
    with pytest.raises(BackendRefusal, match="setup-value"):
        setup_script(SETUP._replace(namespace="a\nb"))


@pytest.mark.parametrize(
    ("generation", "spelled"),
    [
        (
            "1.x",
            [
                "DEFINE SCOPE `user` SESSION 1h;",
                f'TYPE JWKS VALUE "{ISSUER}/.well-known/jwks.json"',
            ],
        ),
        ("2.x", [f'WITH JWT URL "{ISSUER}/.well-known/jwks.json"', "type::thing", "is::email"]),
        ("3.x", [f'WITH JWT URL "{ISSUER}/.well-known/jwks.json"', "type::record", "is_email"]),
    ],
)
def test_each_generation_has_its_own_spelling(generation: Generation, spelled: list[str]) -> None:
    script = setup_script(SETUP, generation)

    assert [part for part in spelled if part in script] == spelled


def test_the_script_names_the_pools_keys_unless_it_is_given_one() -> None:
    inline = setup_script(SETUP, "1.x", public_key=public_key())

    assert f'TYPE RS256 VALUE "{public_key()}"' in inline
    assert "jwks" not in inline


# Verdicts


def test_a_token_for_every_generation_is_accepted_by_each() -> None:
    assert judged(an_id_token()) == {
        "accepted": True,
        "versions": {
            "1.x": {"accepted": True, "source": "claims table", "scope": "user"},
            "2.x": {
                "accepted": True,
                "source": "embedded engine",
                "engine": "2.3.10",
                "auth": f"user:⟨{SUB}⟩",
                "access": "user",
            },
            "3.x": accepted_by_3x(SUB),
        },
    }


def test_a_refusal_names_the_first_generation_that_refused() -> None:
    found = judged(an_id_token(email_verified="true"), SETUP._replace(scope=None))

    reason = "Email not verified"
    assert found["versions"]["2.x"] == {
        "accepted": False,
        "source": "embedded engine",
        "code": "email-not-verified",
        "message": reason,
    }
    assert found.get("code") == "email-not-verified"
    assert found.get("message") == f"SurrealDB 2.x: {reason}"


def test_a_reason_that_the_engine_keeps_back_is_said_to_be_the_tables() -> None:
    found = judged(without(an_id_token(), "ns"))["versions"]["2.x"]

    assert found.get("code") == "missing-namespace"
    assert found.get("message", "").endswith("(the engine does not say why; the claims table does)")


def test_a_refusal_that_nobody_can_explain_is_one_all_the_same() -> None:
    nested = json.loads("[" * 200 + "]" * 200)

    assert codes(an_id_token(nested=nested))["2.x"] == "unexplained"


GUIDE = without(an_id_token(), "ac")
LATER = without(an_id_token(), "tk", "sc")


@pytest.mark.parametrize(
    ("claims", "accepted"),
    [(an_id_token(), GENERATIONS), (GUIDE, ("1.x",)), (LATER, ("2.x", "3.x"))],
)
def test_each_generation_takes_its_own_claims(
    claims: Claims, accepted: tuple[Generation, ...]
) -> None:
    versions = judged(claims)["versions"]

    assert tuple(each for each in GENERATIONS if versions[each]["accepted"]) == accepted


@pytest.mark.parametrize(
    ("claims", "setup", "accepted"),
    [
        (GUIDE, SETUP._replace(access=None), True),
        (GUIDE, SETUP, False),
        (LATER, SETUP._replace(token_name=None, scope=None), True),
        (LATER, SETUP, False),
        (an_id_token(), SETUP, True),
        (an_id_token(), SETUP._replace(access=None, scope=None), False),
    ],
)
def test_the_verdict_counts_what_the_settings_address(
    *, claims: Claims, setup: Setup, accepted: bool
) -> None:
    assert judged(claims, setup)["accepted"] is accepted


def test_settings_without_a_way_in_accept_nothing() -> None:
    setup = SETUP._replace(access=None, token_name=None)

    assert judged(an_id_token(), setup).get("code") == "not-addressed"
    assert set(codes(an_id_token(), setup).values()) == {"not-addressed"}


@pytest.mark.parametrize("claim", ["namespace", "database", "access", "token", "scope"])
@pytest.mark.parametrize("spelling", range(1, 4))
def test_a_claim_may_go_by_any_of_its_names(claim: str, spelling: int) -> None:
    short, alias = NAMES[claim][0], NAMES[claim][spelling]
    claims = {alias if name == short else name: value for name, value in an_id_token().items()}

    assert judged(claims)["accepted"]


EVERY = "every generation"
LATER_ONES = "2.x and 3.x"
SEEN_BY = {EVERY: GENERATIONS, "1.x": ("1.x",), LATER_ONES: ("2.x", "3.x")}
ODD_TOKENS: list[tuple[Claims, str, str]] = [
    ({}, "missing-namespace", EVERY),
    (without(an_id_token(), "ns"), "missing-namespace", EVERY),
    (without(an_id_token(), "db"), "missing-database", EVERY),
    (without(an_id_token(), "ac"), "missing-access", LATER_ONES),
    (without(an_id_token(), "tk"), "missing-token", "1.x"),
    (without(an_id_token(), "sc"), "system-user", "1.x"),
    (an_id_token(ns=None), "missing-namespace", EVERY),
    (an_id_token(ns="elsewhere"), "wrong-namespace", EVERY),
    (an_id_token(db="elsewhere"), "wrong-database", EVERY),
    (an_id_token(ac="elsewhere"), "wrong-access", LATER_ONES),
    (an_id_token(tk="elsewhere"), "wrong-token", "1.x"),
    (an_id_token(sc="elsewhere"), "wrong-scope", "1.x"),
    (an_id_token(ns=1), "claim-type", EVERY),
    (an_id_token(db=["main"]), "claim-type", EVERY),
    (an_id_token(ac=True), "claim-type", LATER_ONES),
    (an_id_token(tk=1), "claim-type", "1.x"),
    (an_id_token(NS="app"), "duplicate-claim", EVERY),
    (an_id_token(NS=None), "duplicate-claim", EVERY),
    (an_id_token(**{"https://surrealdb.com/database": "main"}), "duplicate-claim", EVERY),
    (an_id_token(AC="user"), "duplicate-claim", LATER_ONES),
    (an_id_token(SC="user"), "duplicate-claim", "1.x"),
    (an_id_token(id="user:bob"), "record-claim", EVERY),
    (an_id_token(ID="user:bob"), "record-claim", EVERY),
    (an_id_token(id="user:bob@example.com"), "record-claim", EVERY),
    (an_id_token(rl=["Owner"]), "roles-claim", EVERY),
    (an_id_token(RL="Owner"), "roles-claim", EVERY),
    (without(an_id_token(), "exp"), "missing-exp", EVERY),
    (an_id_token(exp=int(time.time()) - 1), "expired", EVERY),
    (an_id_token(exp=time.time() + 3600), "claim-type", EVERY),
    (an_id_token(exp="1893456000"), "claim-type", EVERY),
    (an_id_token(exp=True), "claim-type", EVERY),
    (an_id_token(exp=2**70), "claim-type", EVERY),
    (an_id_token(nbf=int(time.time()) + 3600), "not-yet-valid", EVERY),
    (an_id_token(iat="today"), "claim-type", EVERY),
    (an_id_token(sub=7), "claim-type", EVERY),
    (an_id_token(sub=""), "missing-subject", EVERY),
    (an_id_token(aud=[CLIENT]), "wrong-audience", EVERY),
    (an_id_token(email_verified="true"), "email-not-verified", EVERY),
    (without(an_id_token(), "email"), "missing-email", EVERY),
    (an_id_token(email=["alice@example.com"]), "missing-email", EVERY),
    (an_id_token(email="alice"), "missing-email", EVERY),
    (without(an_id_token(), "cognito:username"), "missing-username", LATER_ONES),
    (an_access_token(), "wrong-token-use", EVERY),
    (an_id_token(extra={1, 2}), "not-json", EVERY),
    (an_id_token(extra=float("nan")), "not-json", EVERY),
    (an_id_token(extra="\ud800"), "not-json", EVERY),
]


@pytest.mark.parametrize(("claims", "code", "seen_by"), ODD_TOKENS)
def test_an_odd_token_is_refused_by_whoever_reads_the_odd_claim(
    claims: Claims, code: str, seen_by: str
) -> None:
    expected = {each: code if each in SEEN_BY[seen_by] else "accepted" for each in GENERATIONS}

    assert codes(claims) == expected


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        (an_access_token(), "accepted"),
        *((claims, code) for code, claims in ATTACKS_ON_ACCESS_TOKENS.items()),
    ],
)
def test_access_tokens_are_judged_alike_by_engine_and_table(claims: Claims, code: str) -> None:
    assert set(codes(claims, FOR_ACCESS_TOKENS).values()) == {code}


@pytest.mark.parametrize(
    "subject",
    ["123", "NONE", "user:bob", "a..b", "bob trailing", "⟩⟨`\\'\"", "ünï 😀", "x" * 100_000, "1:2"],
)
def test_a_subject_of_any_spelling_is_a_user_of_their_own(subject: str) -> None:
    assert judged(an_id_token(sub=subject))["accepted"]


@pytest.mark.parametrize("claims", [claims for claims, *_ in ODD_TOKENS])
def test_a_refusal_shows_no_claims_value(claims: Claims) -> None:
    shown = json.dumps(judged(claims))

    secret = ("alice@", SUB, "user:bob", "Owner", "elsewhere")
    assert json.loads(shown)["accepted"] is False
    assert [value for value in secret if value in re.sub(r'"auth": "[^"]*"', "", shown)] == []
