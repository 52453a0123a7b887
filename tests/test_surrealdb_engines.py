"""SurrealDB 1.0.0 and 3.0.2, run in Node: what the claims table says of them, they say themselves.

Each engine is one Node process that answers every case of `CASES`; see `engines/harness.mjs`.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from cognito_claims.contract.surrealdb import (
    Generation,
    Setup,
    SignIn,
    public_key,
    setup_script,
    sign,
    sign_in,
    verdict,
)
from cognito_claims.contract.surrealql import checks, string
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.testing import a_user_event

ENGINES = Path(__file__).parent / "engines"
INSTALLED = ENGINES / "node_modules"
SWITCH = "NPM_ENGINES"
COMMAND = f"{SWITCH}=1 python -m pytest tests/{Path(__file__).name}"
ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a1B2c3D4e"
SUB = "8b1c5a3e-9d7f-4c11-8a20-3f5e6d7c8b9a"
BOB = "bob@example.com"
ME = f"user:⟨{SUB}⟩"
NOW = int(time.time())
SETUP = Setup("app", "main", ISSUER, "client", access="user", token_name="cognito", scope="user")
FOR_ACCESS_TOKENS = SETUP._replace(reads="access")

Claims = Mapping[str, Any]


def an_id_token(**changed: Any) -> dict[str, Any]:
    own = {"iss": ISSUER, "aud": "client", "token_use": "id", "sub": SUB, "exp": NOW + 3600}
    user = {"email": "alice@example.com", "email_verified": True, "cognito:username": "alice"}
    ours = plugin_claims(access="user", token="cognito", scope="user")
    return {**own, "iat": NOW, **user, **ours, **changed}


def plugin_claims(**settings: str) -> Claims:
    plugin = SurrealDBClaims.from_env(
        {
            "SURREALDB_NAMESPACE": "app",
            "SURREALDB_DATABASE": "main",
            **{f"SURREALDB_{name.upper()}": value for name, value in settings.items()},
        }
    )
    return plugin(a_user_event()).id_token.add


def an_access_token(**changed: Any) -> dict[str, Any]:
    claims = without(an_id_token(), "aud", "email", "email_verified", "cognito:username")
    own = {"token_use": "access", "client_id": "client", "username": "alice"}
    return {**claims, **own, **changed}


def without(claims: Claims, *names: str) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in names}


# What is asked of an engine


class Case(NamedTuple):
    """A token for its generation's script, of which a piece may be replaced, or more added."""

    token: str
    setup: Setup = SETUP
    replaced: tuple[str, str] = ("", "")
    more: str = ""


def request(case: Case, generation: Generation) -> dict[str, Any]:
    script = setup_script(case.setup, generation, public_key=public_key())
    assert case.replaced[0] in script
    entrance = "$scope" if generation == "1.x" else "$access"
    users = planted(case.setup, generation)
    return {
        "namespace": case.setup.namespace,
        "database": case.setup.database,
        "script": script.replace(*case.replaced) + case.more + users,
        "token": case.token,
        "who": f"RETURN [$auth, {entrance}];",
        "look": "SELECT * FROM user;",
        "attempts": ATTEMPTS,
    }


ATTEMPTS = (
    'UPDATE user SET cognito_username = "changed";',
    'UPDATE user SET email = "changed@example.com";',
    'UPDATE user:bob SET cognito_username = "changed";',
    "DELETE user:bob;",
    'CREATE user SET email = "created@example.com", cognito_username = "created";',
)


def planted(setup: Setup, generation: Generation) -> str:
    """Plant bob, and on 1.x the bearer as well: nothing makes their row there."""
    record = "type::record" if generation == "3.x" else "type::thing"
    users = {"bob": "bob"} if generation == "3.x" else {"bob": "bob", SUB: "alice"}
    return "".join(
        f"CREATE {record}('user', {string(key)}) SET cognito_username = '{name}'{email};"
        for key, name in users.items()
        for email in [f", email = '{name}@example.com'" if setup.reads == "id" else ""]
    )


def outcome(answer: dict[str, Any]) -> str:
    """Say what the bearer got, from what they saw and what became of the rows."""
    if "refused" in answer:
        return "refused"
    assert answer["who"][0] == answer["who"][1], "the session changed hands: nothing here is proof"
    seen, after = ({row["id"]: row for row in answer[when]} for when in ("seen", "after"))
    own, own_after = seen.pop(ME, None), after.pop(ME, None)
    bob = after.pop("user:bob", {})
    if seen:
        return "sees other rows"
    if after or bob["cognito_username"] != "bob" or bob.get("email") not in {None, BOB}:
        return "changes other rows"
    if own is None:
        return "sees nothing"
    return "own row alone" if own_after == {**own, "cognito_username": "changed"} else "own email"


# The cases

NOT_OURS = without(an_id_token(), "ns", "db", "ac", "tk", "sc")
ODD_TOKENS: dict[str, Claims] = {
    "for every generation": an_id_token(),
    "as the guide has it": {**NOT_OURS, **plugin_claims(token="cognito", scope="user")},
    "for 2.x and 3.x": {**NOT_OURS, **plugin_claims(access="user")},
    "nothing of ours": NOT_OURS,
    "no namespace": without(an_id_token(), "ns"),
    "no database": without(an_id_token(), "db"),
    "no token name": without(an_id_token(), "tk"),
    "no scope": without(an_id_token(), "sc"),
    "null namespace": an_id_token(ns=None),
    "wrong namespace": an_id_token(ns="elsewhere"),
    "wrong database": an_id_token(db="elsewhere"),
    "wrong access": an_id_token(ac="elsewhere"),
    "wrong token name": an_id_token(tk="elsewhere"),
    "wrong scope": an_id_token(sc="elsewhere"),
    "namespace no string": an_id_token(ns=1),
    "access no string": an_id_token(ac=1),
    "token name no string": an_id_token(tk=1),
    "scope no string": an_id_token(sc=1),
    "two namespaces": an_id_token(NS="app"),
    "two namespaces, one null": an_id_token(NS=None),
    "two databases": an_id_token(**{"https://surrealdb.com/db": "main"}),
    "two accesses": an_id_token(AC="user"),
    "two token names": an_id_token(TK="cognito"),
    "two scopes": an_id_token(SC="user"),
    "upper case": {key.upper() if len(key) == 2 else key: v for key, v in an_id_token().items()},
    "roles no array": an_id_token(rl="Owner"),
    "null roles, null record": an_id_token(rl=None, id=None),
    "no exp": without(an_id_token(), "exp"),
    "expired": an_id_token(exp=NOW - 1),
    "exp no whole number": an_id_token(exp=NOW + 3600.5),
    "exp true": an_id_token(exp=True),
    "exp of 70 bits": an_id_token(exp=2**70),
    "nbf to come": an_id_token(nbf=NOW + 3600),
    "iat no number": an_id_token(iat="today"),
    "wrong issuer": an_id_token(iss=f"{ISSUER}x"),
    "issuer no string": an_id_token(iss=1),
    "wrong audience": an_id_token(aud="elsewhere"),
    "audience in a list": an_id_token(aud=["client"]),
    "an access token": an_access_token(),
    "email not verified": an_id_token(email_verified=False),
    "email verified, as a string": an_id_token(email_verified="true"),
    "no email": without(an_id_token(), "email"),
    "email no address": an_id_token(email="alice"),
    "no user name": without(an_id_token(), "cognito:username"),
    "no subject": without(an_id_token(), "sub"),
    "empty subject": an_id_token(sub=""),
    "groups and identities": an_id_token(**{"cognito:groups": ["a"], "identities": [{"b": 1}]}),
}
HOSTILE = "a`b\\`;'\" -- {c}"
HOSTILE_CLAIMS = dict.fromkeys(("iss", "aud", "ns", "db", "ac", "tk", "sc"), HOSTILE)
NAMED_HOSTILE = Setup(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
CASES: dict[str, Case] = {
    **{name: Case(sign(claims)) for name, claims in ODD_TOKENS.items()},
    "access token": Case(sign(an_access_token()), FOR_ACCESS_TOKENS),
    "machine token": Case(sign(without(an_access_token(), "username")), FOR_ACCESS_TOKENS),
    "tampered": Case(sign(an_id_token())[:-10] + "AAAAAAAAAA"),
    "another key": Case(sign(an_id_token(), generate_private_key(65537, 2048))),
    "hostile names": Case(sign(an_id_token(**HOSTILE_CLAIMS)), NAMED_HOSTILE),
    "base64url": Case(sign(an_id_token(picture="???~~~>>>"))),
    "id of another": Case(sign(an_id_token(id="user:bob"))),
}
ATTACKS = {
    "wrong-issuer": an_id_token(iss=f"{ISSUER}x"),
    "wrong-token-use": an_id_token(token_use="access"),
    "wrong-audience": an_id_token(aud="elsewhere"),
    "missing-subject": without(an_id_token(), "sub"),
    "email-not-verified": an_id_token(email_verified=False),
}
KEY = string(public_key())
SCRIPT_3 = setup_script(SETUP, "3.x", public_key=public_key())
DEFINE_ACCESS = SCRIPT_3[SCRIPT_3.index("DEFINE ACCESS") : SCRIPT_3.index("DEFINE TABLE")]
AUTHENTICATE = DEFINE_ACCESS[
    DEFINE_ACCESS.index("  AUTHENTICATE") : DEFINE_ACCESS.index(" DURATION")
]
TYPE_JWT = f"DEFINE ACCESS user ON DATABASE TYPE JWT ALGORITHM RS256 KEY {KEY};\n"
ON_DATABASE = f"DEFINE TOKEN cognito ON DATABASE TYPE RS256 VALUE {KEY};"


def weakened(generation: Generation) -> dict[str, Case]:
    """Take each check out of the script, and let in the token that it is for."""
    cases = {}
    for check in checks(SETUP):
        throw = f"    IF {check.fails} {{ THROW {string(check.reason)} }};\n"
        line = f" AND {check.holds}" if generation == "1.x" else throw
        cases[f"{check.code} unchecked"] = Case(sign(ATTACKS[check.code]), replaced=(line, ""))
    return cases


CASES_OF: dict[Generation, dict[str, Case]] = {
    "1.x": {
        **CASES,
        **weakened("1.x"),
        "any row": Case(sign(an_id_token()), replaced=("email = $token.email", "true")),
        "system user": Case(sign(without(an_id_token(), "sc")), more=ON_DATABASE),
    },
    "3.x": {
        **CASES,
        **weakened("3.x"),
        "any row": Case(
            sign(an_id_token()), replaced=("id = $auth AND email = $token.email", "true")
        ),
        "own email": Case(sign(an_id_token()), replaced=(" AND email = $token.email", "")),
        "system user": Case(sign(an_id_token()), replaced=(DEFINE_ACCESS, TYPE_JWT)),
        "record cut short": Case(
            sign(an_id_token(id="user:bob@example.com")), replaced=(AUTHENTICATE, "")
        ),
    },
}
BOTH = pytest.mark.parametrize("generation", ["1.x", "3.x"])


# Running them

Answers = Callable[[Generation], dict[str, dict[str, Any]]]


@pytest.fixture(scope="session")
def node() -> str:
    """Find Node and the engines, or install them where that is asked for."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip(
            f"SurrealDB 1.0.0 and 3.0.2 run in Node: install Node 20 or later, then {COMMAND}"
        )
    if not (INSTALLED / ".package-lock.json").exists():
        if os.environ.get(SWITCH) != "1":
            pytest.skip(f"SurrealDB 1.0.0 and 3.0.2 are not installed (200 MB): {COMMAND}")
        install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=ENGINES, check=True, capture_output=True, timeout=300)
    return node


@pytest.fixture(scope="session")
def answers(node: str) -> Answers:
    """Run an engine on all its cases at the first question, and remember."""

    @cache
    def ask(generation: Generation) -> dict[str, dict[str, Any]]:
        if generation == "1.x" and not (INSTALLED / "surrealdb.node-linux-x64-gnu").exists():
            pytest.skip("SurrealDB 1.0.0 is published for Linux with glibc on x86-64 alone")
        cases = CASES_OF[generation]
        done = subprocess.run(
            [node, f"engine-{generation[0]}.mjs"],
            cwd=ENGINES,
            input=json.dumps([request(case, generation) for case in cases.values()]),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=120,
        )
        return dict(zip(cases, json.loads(done.stdout.splitlines()[-1]), strict=True))

    return ask


def test_the_guides_token_reaches_the_users_own_row_on_1_x(answers: Answers) -> None:
    answer = answers("1.x")["as the guide has it"]

    assert answer["who"][0] == [None, "user"]
    assert outcome(answer) == "own row alone"


def test_the_later_claims_reach_the_users_own_row_on_3_x(answers: Answers) -> None:
    answer = answers("3.x")["for 2.x and 3.x"]

    assert answer["who"][0] == [ME, "user"]
    assert outcome(answer) == "own row alone"


def test_one_token_serves_every_generation(answers: Answers) -> None:
    token = CASES["for every generation"].token

    assert outcome(answers("1.x")["for every generation"]) == "own row alone"
    assert sign_in(token, SETUP) == SignIn(ME, "user")
    assert outcome(answers("3.x")["for every generation"]) == "own row alone"


@BOTH
@pytest.mark.parametrize("name", ["tampered", "another key", "expired"])
def test_a_token_that_is_not_the_pools_or_not_fresh_is_refused(
    answers: Answers, generation: Generation, name: str
) -> None:
    assert outcome(answers(generation)[name]) == "refused"


def test_another_issuers_token_is_refused_on_3_x_and_shown_nothing_on_1_x(answers: Answers) -> None:
    assert outcome(answers("3.x")["wrong issuer"]) == "refused"
    assert outcome(answers("1.x")["wrong issuer"]) == "sees nothing"


@BOTH
@pytest.mark.parametrize("name", ODD_TOKENS)
def test_the_claims_table_says_what_the_engine_does(
    answers: Answers, generation: Generation, name: str
) -> None:
    settings = SETUP._asdict()
    found = verdict(ODD_TOKENS[name], token=settings.pop("reads"), **settings)

    got_in = outcome(answers(generation)[name]) == "own row alone"
    assert got_in is found["versions"][generation]["accepted"]


@BOTH
def test_access_tokens_have_a_script_of_their_own(answers: Answers, generation: Generation) -> None:
    assert outcome(answers(generation)["access token"]) == "own row alone"
    assert outcome(answers(generation)["machine token"]) in {"refused", "sees nothing"}


@BOTH
def test_hostile_names_are_just_names(answers: Answers, generation: Generation) -> None:
    answer = answers(generation)["hostile names"]

    assert answer["who"][0][1] == HOSTILE
    assert outcome(answer) == "own row alone"


def test_1_0_0_cannot_read_every_payload(answers: Answers) -> None:
    """Before 1.1 a `-` or `_` is no base64 to it (surrealdb/surrealdb#3165)."""
    payload = CASES["base64url"].token.split(".")[1]

    assert {"-", "_"} & set(payload)
    assert outcome(answers("1.x")["base64url"]) == "refused"
    assert outcome(answers("3.x")["base64url"]) == "own row alone"


@BOTH
@pytest.mark.parametrize("code", ATTACKS)
def test_without_its_check_an_attack_gets_through(
    answers: Answers, generation: Generation, code: str
) -> None:
    assert "who" in answers(generation)[f"{code} unchecked"]
    assert answers(generation)[f"{code} unchecked"]["seen"] != []


@BOTH
def test_an_open_table_is_noticed(answers: Answers, generation: Generation) -> None:
    assert outcome(answers(generation)["any row"]) == "sees other rows"


def test_without_the_email_in_the_permissions_users_change_their_own_on_3_x(
    answers: Answers,
) -> None:
    assert outcome(answers("3.x")["own email"]) == "own email"


@BOTH
def test_a_token_without_scope_or_record_access_is_a_system_users(
    answers: Answers, generation: Generation
) -> None:
    answer = answers(generation)["system user"]

    assert answer["who"][0][0] is None
    assert outcome(answer) == "sees other rows"


def test_an_id_claim_names_the_record_on_1_x_and_is_overruled_on_3_x(answers: Answers) -> None:
    assert answers("1.x")["id of another"]["who"][0] == ["user:bob", "user"]
    assert answers("3.x")["id of another"]["who"][0] == [ME, "user"]


def test_an_id_claim_is_cut_short_on_3_x(answers: Answers) -> None:
    assert answers("3.x")["record cut short"]["who"][0] == ["user:bob", "user"]
