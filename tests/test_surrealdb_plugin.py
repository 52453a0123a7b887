from collections.abc import Mapping
from typing import Any, Literal

import pytest

from cognito_claims.claims import Claims, TokenClaims, merge
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.errors import ClaimConflictError, SettingsError
from cognito_claims.handlers import pre_token_generation
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.testing import a_machine_event, a_user_event, recorded, recorded_names

SHOP: dict[str, Any] = {"namespace": "acme", "database": "shop"}
CLAIMS = {"ns": "acme", "db": "shop"}
NEEDS = {"email", "email_verified"}
TOKENS_EXPECTED = "tokens: expected one or both of id, access"
ACCESS_REQUIRED = "access: required, unless token and scope are set (SurrealDB 1.x)"
TOKEN_REQUIRED = "token: required beside the scope (SurrealDB 1.x)"
SCOPE_REQUIRED = "scope: required beside the token (SurrealDB 1.x)"


def problems_of(**settings: Any) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        SurrealDBClaims(**settings)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("settings", "claims"),
    [
        ({"access": "user"}, {"ac": "user"}),
        ({"token": "cognito", "scope": "user"}, {"tk": "cognito", "sc": "user"}),
        (
            {"access": "a", "token": "t", "scope": "s"},
            {"ac": "a", "tk": "t", "sc": "s"},
        ),
    ],
)
def test_every_user_gets_the_claims_that_are_set(
    settings: dict[str, Any], claims: dict[str, str]
) -> None:
    plugin = SurrealDBClaims(**SHOP, **settings)

    assert plugin(a_user_event()) == Claims.adding({**CLAIMS, **claims}, needs=NEEDS)
    assert plugin(a_user_event(version="1", email=None)) == plugin(a_user_event())


@pytest.mark.parametrize(
    ("tokens", "needs"),
    [({"id"}, NEEDS), ({"access"}, set()), ({"id", "access"}, NEEDS)],
)
def test_the_claims_stand_in_the_tokens_that_are_named(
    tokens: set[Literal["id", "access"]], needs: set[str]
) -> None:
    claims = SurrealDBClaims(**SHOP, access="user", tokens=tokens)(a_user_event())

    assert claims == Claims.adding({**CLAIMS, "ac": "user"}, to=tokens, needs=needs)


def test_a_machine_token_has_no_claims() -> None:
    plugin = SurrealDBClaims(**SHOP, access="user", tokens={"id", "access"})

    assert plugin(a_machine_event()) == Claims()


@pytest.mark.parametrize("claim", sorted(NEEDS))
def test_nobody_else_may_suppress_what_the_backend_reads(claim: str) -> None:
    plugin = SurrealDBClaims(**SHOP, access="user")
    answers = {"surrealdb": plugin(a_user_event()), "x": Claims(TokenClaims(suppress={claim}))}

    with pytest.raises(ClaimConflictError) as raised:
        merge(answers)

    assert (raised.value.subject, raised.value.plugins) == (claim, ("surrealdb", "x"))


@pytest.mark.parametrize(
    ("settings", "problems"),
    [
        ({}, [ACCESS_REQUIRED]),
        ({"token": "t"}, [SCOPE_REQUIRED]),
        ({"scope": "s"}, [TOKEN_REQUIRED]),
        ({"access": "a", "token": "t"}, [SCOPE_REQUIRED]),
        ({"access": "a", "scope": "s"}, [TOKEN_REQUIRED]),
        ({"access": ""}, ["access: cannot be empty"]),
        ({"token": "", "scope": "s"}, ["token: cannot be empty"]),
        ({"token": "t", "scope": ""}, ["scope: cannot be empty"]),
        ({"access": "a", "tokens": frozenset()}, [TOKENS_EXPECTED]),
        ({"access": "a", "tokens": {"id", "refresh"}}, [TOKENS_EXPECTED]),
        ({"access": "a", "namespace": ""}, ["namespace: cannot be empty"]),
        ({"access": "a", "database": ""}, ["database: cannot be empty"]),
        (
            {"namespace": "", "database": "", "token": "", "tokens": {"refresh"}},
            [
                SCOPE_REQUIRED,
                "namespace: cannot be empty",
                "database: cannot be empty",
                "token: cannot be empty",
                TOKENS_EXPECTED,
            ],
        ),
    ],
)
def test_every_wrong_setting_is_reported_at_once(
    settings: dict[str, Any], problems: list[str]
) -> None:
    assert problems_of(**{**SHOP, **settings}) == problems


ENVIRON = {
    "SURREALDB_NAMESPACE": "acme",
    "SURREALDB_DATABASE": "shop",
    "SURREALDB_ACCESS": "user",
}


@pytest.mark.parametrize(
    ("environ", "claims", "tokens"),
    [
        ({}, {"ac": "user"}, {"id"}),
        (
            {"SURREALDB_ACCESS": "none", "SURREALDB_TOKEN": "t", "SURREALDB_SCOPE": "s"},
            {"tk": "t", "sc": "s"},
            {"id"},
        ),
        (
            {"SURREALDB_TOKEN": "t", "SURREALDB_SCOPE": "s", "SURREALDB_TOKENS": "access,id"},
            {"ac": "user", "tk": "t", "sc": "s"},
            {"id", "access"},
        ),
        ({"SURREALDB_TOKEN": "none", "SURREALDB_TOKENS": "access"}, {"ac": "user"}, {"access"}),
        ({"SURREALDB_ON_ERROR": "omit", "HASURA_TOKENS": "x"}, {"ac": "user"}, {"id"}),
    ],
)
def test_settings_are_read_from_the_environment(
    environ: Mapping[str, str], claims: dict[str, str], tokens: set[Literal["id", "access"]]
) -> None:
    plugin = SurrealDBClaims.from_env({**ENVIRON, **environ})

    needs = NEEDS if "id" in tokens else set()
    expected = Claims.adding({**CLAIMS, **claims}, to=tokens, needs=needs)
    assert plugin(a_user_event()) == expected


def test_problems_of_the_environment_are_told_by_variable() -> None:
    environ = {"SURREALDB_NAMESPACE": "none", "SURREALDB_SCOPE": "s", "SURREALDB_SCOP": "s"}

    with pytest.raises(SettingsError) as raised:
        SurrealDBClaims.from_env({**environ, "SURREALDB_TOKENS": "none"})

    assert [str(problem) for problem in raised.value.problems] == [
        "SURREALDB_SCOP: unknown setting; did you mean SURREALDB_SCOPE?",
        "SURREALDB_NAMESPACE: cannot be none",
        "SURREALDB_DATABASE: required",
        f"SURREALDB_{TOKEN_REQUIRED.replace('token', 'TOKEN', 1)}",
        f"SURREALDB_{TOKENS_EXPECTED.replace('tokens', 'TOKENS', 1)}",
    ]


def test_the_settings_stand_on_the_plugin() -> None:
    plugin = SurrealDBClaims(**SHOP, token="t", scope="s", tokens={"access"})

    settings = {name: value for name, value in vars(plugin).items() if name[0] != "_"}
    assert settings == {
        **SHOP,
        "access": None,
        "token": "t",
        "scope": "s",
        "tokens": frozenset({"access"}),
    }


@pytest.mark.parametrize("name", recorded_names("pretoken_"))
def test_every_users_id_token_has_the_claims(name: str) -> None:
    handler = pre_token_generation(surrealdb=SurrealDBClaims(**SHOP, access="user"))
    event = recorded(name)

    tokens = issue_tokens(event, handler(event, None))

    untouched = issue_tokens(event, event)
    added = None if untouched.id_token is None else {**CLAIMS, "ac": "user"}
    assert (tokens.id_token or {}).items() >= (added or {}).items()
    assert (tokens.id_token is None) == (untouched.id_token is None)
    assert (tokens.access_token or {}).keys() == (untouched.access_token or {}).keys()
