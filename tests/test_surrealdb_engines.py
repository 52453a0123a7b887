"""SurrealDB 1.0.0 and 3.0.2, run in Node: what the claims table says of them, they say themselves.

Each engine is one Node process that answers every case of `CASES`; see `engines/harness.mjs`.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

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
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.testing import a_user_event
from tests.surrealdb_engines import (
    ISSUER,
    ME,
    NOW,
    Answer,
    Claims,
    Request,
    an_access_token,
    an_id_token,
    ask,
    outcome,
    request,
    without,
)

SETUP = Setup("app", "main", ISSUER, "client", access="user", token_name="cognito", scope="user")
FOR_ACCESS_TOKENS = SETUP._replace(token_use="access")


def plugin_claims(**settings: str) -> Claims:
    plugin = SurrealDBClaims.from_env(
        {
            "SURREALDB_NAMESPACE": "app",
            "SURREALDB_DATABASE": "main",
            **{f"SURREALDB_{name.upper()}": value for name, value in settings.items()},
        }
    )
    return plugin(a_user_event()).id_token.add


# What is asked of an engine


class Case(NamedTuple):
    """A token for its generation's script, of which a piece may be replaced."""

    token: str
    setup: Setup = SETUP
    replaced: tuple[str, str] = ("", "")


def requested(case: Case, generation: Generation) -> Request:
    script = setup_script(case.setup, generation, public_key=public_key())
    assert case.replaced[0] in script
    return request(case.token, case.setup, generation, script.replace(*case.replaced))


# The cases

NOT_OURS = without(an_id_token(), "ns", "db", "ac", "tk", "sc")
ODD_TOKENS: dict[str, Claims] = {
    "for every generation": {
        **NOT_OURS,
        **plugin_claims(access="user", token="cognito", scope="user"),
    },
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
SCRIPT_3 = setup_script(SETUP, "3.x", public_key=public_key())
DEFINE_ACCESS = SCRIPT_3[SCRIPT_3.index("DEFINE ACCESS") : SCRIPT_3.index("DEFINE TABLE")]
AUTHENTICATE = DEFINE_ACCESS[
    DEFINE_ACCESS.index("  AUTHENTICATE") : DEFINE_ACCESS.index(" DURATION")
]
CASES_OF: dict[Generation, dict[str, Case]] = {
    "1.x": CASES,
    "3.x": {
        **CASES,
        "record cut short": Case(
            sign(an_id_token(id="user:bob@example.com")), replaced=(AUTHENTICATE, "")
        ),
    },
}
BOTH = pytest.mark.parametrize("generation", ["1.x", "3.x"])


# Running them

Answers = Callable[[Generation], dict[str, Answer]]


@pytest.fixture(scope="session")
def answers() -> Answers:
    """Run an engine on all its cases at the first question, and remember."""

    @cache
    def answers_of(generation: Generation) -> dict[str, Answer]:
        cases = CASES_OF[generation]
        requests = [requested(case, generation) for case in cases.values()]
        return dict(zip(cases, ask(generation, requests), strict=True))

    return answers_of


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
    found = verdict(ODD_TOKENS[name], token=settings.pop("token_use"), **settings)

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


def test_an_id_claim_names_the_record_on_1_x_and_is_overruled_on_3_x(answers: Answers) -> None:
    assert answers("1.x")["id of another"]["who"][0] == ["user:bob", "user"]
    assert answers("3.x")["id of another"]["who"][0] == [ME, "user"]


def test_an_id_claim_is_cut_short_on_3_x(answers: Answers) -> None:
    assert answers("3.x")["record cut short"]["who"][0] == ["user:bob", "user"]
