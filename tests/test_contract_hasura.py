import copy
import json
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.hasura import session

Judge = Callable[..., dict[str, Any]]

NOW = 1_700_000_000
V2_NAMESPACE = "https://hasura.io/jwt/claims"
ALLOWED_ROLES = "x-hasura-allowed-roles"
DEFAULT_ROLE = "x-hasura-default-role"
ROLES = {ALLOWED_ROLES: ["user", "editor"], DEFAULT_ROLE: "user"}
GOOD = {**ROLES, "x-hasura-user-id": "u1"}
SESSION = {"x-hasura-role": "user", "x-hasura-user-id": "u1"}


def v2(
    claims: Any = GOOD, config: dict[str, Any] | None = None, role: str | None = None, **token: Any
) -> dict[str, Any]:
    return session({V2_NAMESPACE: claims, **token}, config or {}, role, now=NOW)


def v3(
    claims: Any = GOOD,
    config: dict[str, Any] | None = None,
    role: str | None = None,
    *,
    since: Any = None,
    **token: Any,
) -> dict[str, Any]:
    token = {"claims.jwt.hasura.io": claims, "exp": NOW + 300, **token}
    return session(
        token, config or an_auth_config(), role, engine="v3", now=NOW, compatibility_date=since
    )


def an_auth_config(**changes: Any) -> dict[str, Any]:
    namespace = {"location": "/claims.jwt.hasura.io", "claimsFormat": "Json"}
    return {"claimsConfig": {"namespace": namespace}, **changes}


def a_claims_map(**sources: Any) -> dict[str, Any]:
    """A v2 configuration with literal roles; an underscore in a name stands for a hyphen."""
    named = {name.replace("_", "-"): source for name, source in sources.items()}
    return {"claims_map": {**ROLES, **named}}


def locations(**sources: Any) -> dict[str, Any]:
    """The same for v3."""
    named = {name.replace("_", "-"): source for name, source in sources.items()}
    roles = {name: {"literal": value} for name, value in ROLES.items()}
    return {"claimsConfig": {"locations": {**roles, **named}}}


def refusal(judge: Judge, /, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(BackendRefusal) as refused:
        judge(*args, **kwargs)
    return refused.value.code


def without(name: str) -> dict[str, Any]:
    return {other: value for other, value in GOOD.items() if other != name}


both = pytest.mark.parametrize("judge", [v2, v3])


# Both engines


@both
def test_a_good_token_gives_its_variables_and_its_default_role(judge: Judge) -> None:
    assert judge() == SESSION


@both
def test_the_role_header_chooses_among_the_allowed_roles(judge: Judge) -> None:
    assert judge(role="editor") == {**SESSION, "x-hasura-role": "editor"}


@both
@pytest.mark.parametrize("role", ["admin", "User", "user "])
def test_a_role_that_is_not_allowed_to_the_letter_is_denied(judge: Judge, role: str) -> None:
    assert refusal(judge, role=role) == "access-denied"


@both
def test_admin_among_the_allowed_roles_is_accepted(judge: Judge) -> None:
    claims = {ALLOWED_ROLES: ["user", "admin"], DEFAULT_ROLE: "user"}
    assert judge(claims, role="admin") == {"x-hasura-role": "admin"}


@both
def test_a_default_role_outside_the_allowed_ones_is_denied(judge: Judge) -> None:
    assert refusal(judge, {**GOOD, DEFAULT_ROLE: "guest"}) == "access-denied"


@both
def test_without_any_allowed_role_nobody_gets_in(judge: Judge) -> None:
    assert refusal(judge, {**GOOD, ALLOWED_ROLES: []}) == "access-denied"


@both
@pytest.mark.parametrize("name", [ALLOWED_ROLES, DEFAULT_ROLE])
def test_both_role_claims_must_be_there(judge: Judge, name: str) -> None:
    assert refusal(judge, without(name)) == "jwt-missing-role-claims"


@both
@pytest.mark.parametrize("roles", ["user", None, {}, {"user": True}, [""], ["user", 1], [["user"]]])
def test_allowed_roles_are_a_list_of_non_empty_strings(judge: Judge, roles: object) -> None:
    assert refusal(judge, {**GOOD, ALLOWED_ROLES: roles}) == "jwt-invalid-claims"


@both
@pytest.mark.parametrize("role", ["", None, 1, True, ["user"], {}])
def test_a_default_role_is_a_non_empty_string(judge: Judge, role: object) -> None:
    assert refusal(judge, {**GOOD, DEFAULT_ROLE: role}) == "jwt-invalid-claims"


no_string = pytest.mark.parametrize("value", [1, 1.5, True, None, ["a"], {"a": "b"}])


@pytest.mark.parametrize("judge", [v2, partial(v3, since="2024-10-15")])
@pytest.mark.parametrize("name", ["x-hasura-org-id", "x-hasura-role"])
@no_string
def test_every_other_variable_is_a_string(judge: Judge, name: str, value: object) -> None:
    assert refusal(judge, {**GOOD, name: value}) == "jwt-invalid-claims"


@pytest.mark.parametrize("since", [None, "2024-10-16", date(2024, 10, 16)])
@no_string
def test_a_variable_of_v3_is_any_json(since: Any, value: object) -> None:
    assert v3({**GOOD, "x-hasura-org": value}, since=since) == {**SESSION, "x-hasura-org": value}


@both
def test_a_role_in_the_claims_never_becomes_the_role_in_force(judge: Judge) -> None:
    assert judge({**GOOD, "x-hasura-role": "admin"}) == SESSION


@both
def test_names_without_the_prefix_are_dropped_whatever_their_value(judge: Judge) -> None:
    assert judge({**GOOD, "org": "o1", "level": 3}) == SESSION


@both
@pytest.mark.parametrize("claims", ["{}", None, [], 1, json.dumps(GOOD)])
def test_the_json_format_expects_an_object(judge: Judge, claims: object) -> None:
    assert refusal(judge, claims) == "jwt-invalid-claims"


STRINGIFIED = [
    pytest.param(v2, {"claims_format": "stringified_json"}, id="v2"),
    pytest.param(
        v3,
        {
            "claimsConfig": {
                "namespace": {
                    "location": "/claims.jwt.hasura.io",
                    "claimsFormat": "StringifiedJson",
                }
            }
        },
        id="v3",
    ),
]


@pytest.mark.parametrize(("judge", "config"), STRINGIFIED)
def test_the_stringified_format_reads_an_object_out_of_a_string(
    judge: Judge, config: dict[str, Any]
) -> None:
    assert judge(json.dumps(GOOD), config) == SESSION


@pytest.mark.parametrize(("judge", "config"), STRINGIFIED)
@pytest.mark.parametrize(
    "claims",
    [GOOD, None, 1, "", "{", "[]", '"x"', '{"x-hasura-x": NaN}', "[" * 200_000],
    ids=["object", "null", "number", "empty", "cut", "array", "string", "NaN", "deep"],
)
def test_the_stringified_format_expects_an_object_in_a_string(
    judge: Judge, config: dict[str, Any], claims: object
) -> None:
    assert refusal(judge, claims, config) == "jwt-invalid-claims"


@pytest.mark.parametrize("config", [{}, {"claims_namespace_path": "$.a.b"}])
def test_a_v2_token_without_the_namespace_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(BackendRefusal) as refused:
        session({"a": {}}, config, now=NOW)
    assert refused.value.code == "jwt-invalid-claims"


@both
@pytest.mark.parametrize("aud", ["web", ["web"], ["app", "web"], None])
def test_one_audience_in_common_is_enough_and_none_is_asked_for(judge: Judge, aud: object) -> None:
    config = {"audience": ["web", "ios"]} if judge is v2 else an_auth_config(audience=["web"])
    assert judge(config=config, aud=aud) == SESSION


@both
@pytest.mark.parametrize("aud", ["app", "we", ["app"], [], 1, [1], {"web": 1}])
def test_another_audience_is_refused(judge: Judge, aud: object) -> None:
    config = {"audience": "web"} if judge is v2 else an_auth_config(audience=["web"])
    assert refusal(judge, config=config, aud=aud) == "invalid-jwt"


@both
@pytest.mark.parametrize("iss", ["https://evil.example", "", 1, ["a"]])
def test_another_issuer_is_refused(judge: Judge, iss: object) -> None:
    config = {"issuer": "https://pool"} if judge is v2 else an_auth_config(issuer="https://pool")
    assert refusal(judge, config=config, iss=iss) == "invalid-jwt"


@both
def test_the_configured_issuer_is_accepted_and_so_is_none(judge: Judge) -> None:
    config = {"issuer": "https://pool"} if judge is v2 else an_auth_config(issuer="https://pool")
    assert judge(config=config, iss="https://pool") == judge(config=config) == SESSION


@pytest.mark.parametrize("judge", [v2, partial(v3, since="2025-03-10")])
def test_without_configuration_any_issuer_and_audience_will_do(judge: Judge) -> None:
    assert judge(iss="https://pool", aud="web") == SESSION


@pytest.mark.parametrize("since", [None, "2025-03-11"])
def test_v3_takes_an_audience_only_where_one_is_configured(since: Any) -> None:
    assert refusal(v3, aud="web", since=since) == "invalid-jwt"
    assert v3(aud="web", config=an_auth_config(audience=["web"]), since=since) == SESSION
    assert v3(since=since) == SESSION


def test_v3_compared_no_audience_before() -> None:
    config = an_auth_config(audience=["web"])
    assert v3(config=config, aud="app", since="2025-03-10") == SESSION


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"engine": "v3", "compatibility_date": "2025-3"}, "expected a date, as in 2025-03-11"),
        ({"engine": "v2", "compatibility_date": "2025-03-11"}, "v2 has none"),
    ],
)
def test_a_compatibility_date_is_a_date_of_v3(told: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"compatibility_date: {message}"):
        session({V2_NAMESPACE: GOOD}, {}, **told)


@both
@pytest.mark.parametrize("exp", ["1700000300", True, [], {}, float("nan"), float("inf")])
def test_an_expiry_that_is_no_number_is_refused(judge: Judge, exp: object) -> None:
    assert refusal(judge, exp=exp) == "invalid-jwt"


@both
@pytest.mark.parametrize("exp", [NOW + 1, NOW + 0.5, 10**400])
def test_a_token_is_good_until_it_expires(judge: Judge, exp: float) -> None:
    assert judge(exp=exp) == SESSION


@both
@pytest.mark.parametrize("exp", [0, -1, NOW - 61, -(10**400)])
def test_an_expired_token_is_refused(judge: Judge, exp: float) -> None:
    assert refusal(judge, exp=exp) == "invalid-jwt"


@both
def test_the_clock_is_read_when_no_time_is_given(judge: Judge) -> None:
    engine: Any = judge.__name__
    config = {} if judge is v2 else an_auth_config()
    token = {V2_NAMESPACE: GOOD, "claims.jwt.hasura.io": GOOD, "exp": time.time() + 300}
    assert session(token, config, engine=engine) == SESSION


@pytest.mark.parametrize("token", [None, [], "token", 1])
def test_a_token_that_is_no_object_is_refused(token: Any) -> None:
    assert refusal(session, token, {}) == "invalid-jwt"


# v2


@pytest.mark.parametrize("exp", [NOW, NOW - 1])
def test_v2_has_no_patience_with_expiry_unless_configured(exp: int) -> None:
    assert refusal(v2, exp=exp) == "invalid-jwt"
    assert v2(config={"allowed_skew": 2}, exp=exp) == SESSION


def test_v2_takes_a_token_without_expiry() -> None:
    assert v2(exp=None, iat=None, nbf=None) == SESSION


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_v2_refuses_a_token_from_the_future_unless_within_the_skew(name: str) -> None:
    early: dict[str, Any] = {name: NOW + 10}
    assert refusal(v2, config={"allowed_skew": 9.5}, **early) == "invalid-jwt"
    assert v2(config={"allowed_skew": 10}, **early) == SESSION
    assert v2(config={"allowed_skew": -10}, **early) == SESSION
    assert v2(**{**early, name: NOW}) == SESSION


@pytest.mark.parametrize(
    ("name", "value"),
    [("iat", "now"), ("nbf", False), ("iss", 1), ("sub", 7), ("jti", []), ("aud", []), ("aud", 3)],
)
def test_v2_refuses_a_registered_claim_of_a_wrong_kind(name: str, value: object) -> None:
    assert refusal(v2, **{name: value}) == "invalid-jwt"


def test_v2_lets_a_default_role_outside_pass_while_a_header_is_sent() -> None:
    claims = {**GOOD, DEFAULT_ROLE: "guest"}
    assert v2(claims, role="editor") == {**SESSION, "x-hasura-role": "editor"}


def test_v2_takes_an_empty_role_header_for_none() -> None:
    assert v2(role="") == SESSION


def test_v2_takes_a_role_named_twice() -> None:
    assert v2({**GOOD, ALLOWED_ROLES: ["user", "user"]}) == SESSION


def test_v2_denies_the_role_before_it_looks_at_the_variables() -> None:
    assert refusal(v2, {**GOOD, "x-hasura-org-id": 1}, role="admin") == "access-denied"


def test_v2_reads_names_in_any_case() -> None:
    assert v2({name.upper(): value for name, value in GOOD.items()}) == SESSION


def test_v2_prefers_the_lower_case_of_two_spellings() -> None:
    claims = {**GOOD, "X-Hasura-User-Id": "u2", "X-Hasura-Allowed-Roles": ["admin"]}
    assert v2(claims) == v2(dict(reversed(claims.items()))) == SESSION


def test_v2_keeps_secrets_out_of_the_session() -> None:
    secrets = {"x-hasura-admin-secret": "s", "X-Hasura-Access-Key": "s"}
    assert v2({**GOOD, **secrets}) == SESSION


@pytest.mark.parametrize(
    ("config", "token"),
    [
        ({"claims_namespace": "hasura"}, {"hasura": GOOD}),
        ({"claims_namespace": ""}, {"": GOOD}),
        ({"claims_namespace_path": "$.a['b'].c[0]"}, {"a": {"b": {"c": [GOOD]}}}),
        ({"claims_namespace_path": "$"}, {**GOOD, "sub": "s", "exp": NOW + 1}),
        ({"claims_namespace": None, "claims_namespace_path": None}, {V2_NAMESPACE: GOOD}),
        ({"claims_format": None}, {V2_NAMESPACE: GOOD}),
    ],
)
def test_v2_finds_the_namespace_where_it_is_told(
    config: dict[str, Any], token: dict[str, Any]
) -> None:
    assert session(token, config, now=NOW) == SESSION


@pytest.mark.parametrize("config", [{"claims_namespace": "sub"}, {"claims_namespace_path": "sub"}])
def test_v2_never_finds_the_namespace_in_a_registered_claim(config: dict[str, Any]) -> None:
    config = {**config, "claims_format": "stringified_json"}
    assert refusal(v2, config=config, sub=json.dumps(GOOD)) == "jwt-invalid-claims"


def test_v2_maps_claims_from_all_over_the_token() -> None:
    config = {
        "claims_map": {
            ALLOWED_ROLES: {"path": "$['cognito:groups']", "default": ["nobody"]},
            DEFAULT_ROLE: {"path": "$.profile.roles[1]"},
            "X-Hasura-User-Id": {"path": "$.sub"},
            "x-hasura-app": "web",
            "ignored": {"path": "$.nowhere"},
        }
    }
    token = {"cognito:groups": ["a", "b"], "profile": {"roles": ["a", "b"]}, "sub": "u1"}
    expected = {"x-hasura-role": "b", "x-hasura-user-id": "u1", "x-hasura-app": "web"}
    assert session(token, config, now=NOW) == expected


def test_v2_falls_back_to_a_default_where_the_path_leads_nowhere() -> None:
    config = a_claims_map(
        x_hasura_default_role={"path": "$.role", "default": "editor"},
        x_hasura_user_id={"path": "$.list[2]", "default": ""},
        x_hasura_org_id={"path": "$.text.deeper", "default": "o1"},
    )
    expected = {"x-hasura-role": "editor", "x-hasura-user-id": "", "x-hasura-org-id": "o1"}
    assert v2(config=config, list=[1, 2], text="{}") == expected


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("x_hasura_allowed_roles", "jwt-missing-role-claims"),
        ("x_hasura_default_role", "jwt-missing-role-claims"),
        ("x_hasura_user_id", "jwt-invalid-claims"),
    ],
)
def test_v2_refuses_a_mapped_claim_that_is_not_there_or_null(name: str, code: str) -> None:
    config = a_claims_map(**{name: {"path": "$.nowhere"}})
    assert refusal(v2, config=config) == code
    assert refusal(v2, config=config, nowhere=None) == "jwt-invalid-claims"


def test_v2_complains_of_mapped_roles_before_mapped_variables() -> None:
    nowhere = {"path": "$.nowhere"}
    config = a_claims_map(x_hasura_a=nowhere, x_hasura_default_role=nowhere)
    assert refusal(v2, config=config) == "jwt-missing-role-claims"


@pytest.mark.parametrize(
    ("path", "registered"), [("$.aud", {"aud": ["web"]}), ("aud[1]", {"aud": ["app", "web"]})]
)
def test_v2_maps_a_list_of_one_audience_as_a_string(path: str, registered: Any) -> None:
    variables = v2(config=a_claims_map(x_hasura_aud={"path": path}), **registered)
    assert variables["x-hasura-aud"] == "web"


def test_v2_maps_a_registered_null_as_nothing() -> None:
    config = a_claims_map(x_hasura_user_id={"path": "$.sub", "default": "nobody"})
    assert v2(config=config, sub=None)["x-hasura-user-id"] == "nobody"


# JSON path


@pytest.mark.parametrize(
    ("path", "token"),
    [
        ("$.a", {"a": "found"}),
        ("a", {"a": "found"}),
        (".a", {"a": "found"}),
        ("$a-b.c_d", {"a-b": {"c_d": "found"}}),
        ("$._1", {"_1": "found"}),
        ("$.été", {"été": "found"}),
        ("['custom:org']", {"custom:org": "found"}),
        ('$["custom:org"]', {"custom:org": "found"}),
        ("$.a.['b']", {"a": {"b": "found"}}),
        ("$.a[0][1]", {"a": [["", "found"]]}),
        (r"$['it\'s']", {"it's": "found"}),
        ("""$['say "hi"']""", {'say "hi"': "found"}),
        (r"""$['say \"hi\"']""", {'say "hi"': "found"}),
        (r'$["\u0061\n\\"]', {"a\n\\": "found"}),
        ("$['']", {"": "found"}),
    ],
)
def test_a_json_path_finds(path: str, token: dict[str, Any]) -> None:
    variables = v2(config=a_claims_map(x_hasura_x={"path": path}), **token)
    assert variables["x-hasura-x"] == "found"


@pytest.mark.parametrize("path", ["$.a[1]", "$.a['0']", "$.b[0]", "$.b.c", "$.a.b"])
def test_a_json_path_takes_no_index_for_a_key_nor_a_key_for_an_index(path: str) -> None:
    config = a_claims_map(x_hasura_x={"path": path, "default": "nothing"})
    assert v2(config=config, a=["x"], b={"0": "x"})["x-hasura-x"] == "nothing"


@pytest.mark.parametrize(
    "path",
    [
        *("", "$.", "$$", "$.1", "a b", "$..a", "$.a.", "$.*", "$[-1]", "$[a]", "$['a]", "$[1"),
        *(r"$['\x']", "$['\n']", f"$[{'9' * 19}]", 1, None),
    ],
)
def test_a_path_outside_the_dialect_is_a_configuration_error(path: object) -> None:
    with pytest.raises(ValueError, match=r"^claims_map\.x-hasura-x\.path\.path: .*JSON path"):
        v2(config=a_claims_map(x_hasura_x={"path": path}))


@given(st.text())
def test_a_json_path_finds_any_key_that_is_quoted_as_json(key: str) -> None:
    config = a_claims_map(x_hasura_x={"path": f"$.nested[{json.dumps(key)}]"})
    assert v2(config=config, nested={key: "found"})["x-hasura-x"] == "found"


# v3


def test_v3_asks_for_an_expiry() -> None:
    assert refusal(v3, exp=None) == "invalid-jwt"


def test_v3_has_a_minute_of_patience_unless_configured() -> None:
    assert v3(exp=NOW - 60) == SESSION
    assert v3(config=an_auth_config(allowedSkew=0), exp=NOW) == SESSION
    assert refusal(v3, config=an_auth_config(allowedSkew=0), exp=NOW - 1) == "invalid-jwt"
    assert refusal(v3, config=an_auth_config(allowedSkew=10), exp=NOW - 11) == "invalid-jwt"


def test_v3_counts_in_whole_seconds() -> None:
    token = {"claims.jwt.hasura.io": GOOD, "exp": NOW}
    config = an_auth_config(allowedSkew=0)
    assert session(token, config, engine="v3", now=NOW + 0.9) == SESSION


@pytest.mark.parametrize("value", [NOW + 10_000, "soon"])
def test_v3_looks_at_neither_iat_nor_nbf(value: object) -> None:
    assert v3(iat=value, nbf=value) == SESSION


def test_v3_refuses_a_default_role_outside_even_with_a_header() -> None:
    assert refusal(v3, {**GOOD, DEFAULT_ROLE: "guest"}, role="editor") == "access-denied"


def test_v3_takes_an_empty_role_header_for_a_role() -> None:
    assert refusal(v3, role="") == "access-denied"


def test_v3_refuses_a_role_named_twice() -> None:
    claims = {**GOOD, ALLOWED_ROLES: ["user", "editor", "user"]}
    assert refusal(v3, claims) == "jwt-invalid-claims"


@pytest.mark.parametrize("name", ["X-Hasura-Default-Role", "X-HASURA-ALLOWED-ROLES"])
def test_v3_knows_role_claims_in_lower_case_only(name: str) -> None:
    claims = {**without(name.lower()), name: GOOD[name.lower()]}
    assert refusal(v3, claims) == "jwt-missing-role-claims"


def test_v3_keeps_names_as_they_are_spelled() -> None:
    claims = {**GOOD, "X-Hasura-User-Id": "u2"}
    assert v3(claims) == {**SESSION, "X-Hasura-User-Id": "u2"}


@pytest.mark.parametrize(
    ("location", "token"),
    [
        ("/https:~1~1hasura.io~1jwt~1claims", {V2_NAMESPACE: GOOD}),
        ("/a/0/b", {"a": [{"b": GOOD}]}),
        ("/a/0", {"a": {"0": GOOD}}),
        ("/~01", {"~1": GOOD}),
        ("/", {"": GOOD}),
        ("", GOOD),
    ],
)
def test_v3_finds_the_namespace_by_json_pointer(location: str, token: dict[str, Any]) -> None:
    namespace = {"location": location, "claimsFormat": "Json"}
    assert v3(config={"claimsConfig": {"namespace": namespace}}, **token) == SESSION


@pytest.mark.parametrize("location", ["/b", "/a/1", "/a/00", "/a/-", "/a/x", "/text/0"])
def test_v3_refuses_a_token_without_the_namespace(location: str) -> None:
    config = {"claimsConfig": {"namespace": {"location": location, "claimsFormat": "Json"}}}
    assert refusal(v3, config=config, a=[GOOD], text="[]") == "jwt-invalid-claims"


@given(st.text())
def test_a_json_pointer_finds_any_key_that_is_escaped(key: str) -> None:
    pointer = "/nested/" + key.replace("~", "~0").replace("/", "~1")
    config = locations(x_hasura_x={"path": {"path": pointer}})
    assert v3(config=config, nested={key: "found"})["x-hasura-x"] == "found"


def test_v3_reads_claims_from_their_locations() -> None:
    config = locations(
        x_hasura_allowed_roles={"path": {"path": "/groups"}},
        x_hasura_default_role={"path": {"path": "/groups/9", "default": "b"}},
        x_hasura_user_id={"path": {"path": "/sub"}},
        x_hasura_absent={"path": {"path": "/nowhere"}},
    )
    assert v3(config=config, groups=["a", "b"], sub="u1") == {**SESSION, "x-hasura-role": "b"}


@pytest.mark.parametrize("name", ["x_hasura_allowed_roles", "x_hasura_default_role"])
def test_v3_refuses_a_role_claim_that_is_not_in_its_location(name: str) -> None:
    config = locations(**{name: {"path": {"path": "/nowhere"}}})
    assert refusal(v3, config=config) == "jwt-missing-role-claims"


# Configurations

COGNITO: dict[str, Any] = {
    "jwk_url": "https://cognito-idp.eu-west-1.amazonaws.com/p/.well-known/jwks.json",
    "issuer": "https://cognito-idp.eu-west-1.amazonaws.com/p",
    "audience": ["client"],
    "claims_format": "stringified_json",
    "allowed_skew": 10,
}


def test_the_documented_cognito_secret_is_accepted() -> None:
    token = {"iss": COGNITO["issuer"], "aud": "client", "iat": NOW + 1, "exp": NOW + 3600}
    assert v2(json.dumps(GOOD), COGNITO, **token) == SESSION


def test_what_only_the_signature_needs_is_accepted() -> None:
    header = {"type": "Cookie", "name": "jwt"}
    assert v2(config={"type": "RS256", "key": "PEM", "header": header}) == SESSION
    key = {"fixed": {"algorithm": "HS256", "key": {"value": "k"}}}
    location = {"type": "BearerAuthorization"}
    assert v3(config=an_auth_config(key=key, tokenLocation=location)) == SESSION


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"claim_namespace": "x"}, "claim_namespace"),
        ({"claims_format": "yaml"}, "claims_format"),
        ({"claims_namespace": 1}, "claims_namespace"),
        ({"claims_namespace_path": "a b"}, "claims_namespace_path"),
        ({"audience": 1}, "audience"),
        ({"audience": [1]}, r"audience\.0"),
        ({"issuer": ["x"]}, "issuer"),
        ({"allowed_skew": "10"}, "allowed_skew"),
        ({"allowed_skew": True}, "allowed_skew"),
        ({"allowed_skew": float("nan")}, "allowed_skew"),
        ({"key": "k", "jwk_url": "u"}, "config: .*key, jwk_url"),
        (
            {"claims_namespace": "x", "claims_namespace_path": "$"},
            "config: .*claims_namespace_path",
        ),
        ({"claims_namespace": "x", **a_claims_map()}, "config: .*claims_map"),
        ({"claims_map": []}, "claims_map"),
        ({"claims_map": {}}, "claims_map: x-hasura-allowed-roles"),
        ({"claims_map": {ALLOWED_ROLES: ["a"]}}, "claims_map: x-hasura-default-role"),
        (a_claims_map(x_hasura_allowed_roles="user"), "claims_map: x-hasura-allowed-roles"),
        (a_claims_map(x_hasura_default_role=""), "claims_map: x-hasura-default-role"),
        (a_claims_map(x_hasura_a=1), "claims_map: x-hasura-a"),
        (a_claims_map(x_hasura_a=None), r"claims_map\.x-hasura-a"),
        (a_claims_map(x_hasura_a={}), r"claims_map\.x-hasura-a\.path\.path"),
        (a_claims_map(x_hasura_a={"literal": "x"}), r"claims_map\.x-hasura-a\.path"),
        (a_claims_map(x_hasura_a={"path": "$", "default": 1}), "claims_map: x-hasura-a"),
    ],
)
def test_a_wrong_jwt_secret_is_one_line_that_names_the_key(
    config: dict[str, Any], place: str
) -> None:
    with pytest.raises(ValueError, match=rf"^{place}[^\n]*$"):
        v2(config=config)


NAMESPACE = an_auth_config()["claimsConfig"]["namespace"]


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"audience": ["web"]}, "claimsConfig"),
        ({"claimsConfig": {}}, "claimsConfig: .*namespace or locations"),
        ({"claimsConfig": {"namespace": NAMESPACE, **locations()["claimsConfig"]}}, "claimsConfig"),
        ({"claimsConfig": {"namespace": {"location": "/a"}}}, ".*claimsFormat"),
        ({"claimsConfig": {"namespace": {**NAMESPACE, "location": "a"}}}, ".*location: .*pointer"),
        (
            {"claimsConfig": {"namespace": {**NAMESPACE, "location": "/~2"}}},
            ".*location: .*pointer",
        ),
        ({"claimsConfig": {"namespace": {**NAMESPACE, "location": 1}}}, ".*location: .*pointer"),
        ({"claimsConfig": {"namespace": {**NAMESPACE, "claimsFormat": "json"}}}, ".*claimsFormat"),
        (an_auth_config(claims_config={}), "claims_config"),
        (an_auth_config(audience="web"), "audience"),
        (an_auth_config(allowedSkew=-1), "allowedSkew"),
        (an_auth_config(allowedSkew=1.5), "allowedSkew"),
        (locations(x_hasura_a="x"), r"claimsConfig\.locations\.x-hasura-a"),
        (locations(x_hasura_a={}), r"claimsConfig\.locations\.x-hasura-a"),
        (locations(x_hasura_a={"literal": 1}), r"claimsConfig\.locations: x-hasura-a"),
        (
            locations(x_hasura_a={"literal": "x", "path": {"path": ""}}),
            r"claimsConfig\.locations\.x-hasura-a",
        ),
    ],
)
def test_a_wrong_auth_config_is_one_line_that_names_the_key(
    config: dict[str, Any], place: str
) -> None:
    with pytest.raises(ValueError, match=rf"^{place}[^\n]*$"):
        v3(config=config)


@pytest.mark.parametrize("config", [None, [], "{}", 1])
def test_a_configuration_that_is_no_object_is_an_error(config: Any) -> None:
    with pytest.raises(ValueError, match=r"^config: "):
        session({}, config)


def test_every_problem_of_a_configuration_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"^claims_format: .*; allowed_skew: "):
        v2(config={"claims_format": "yaml", "allowed_skew": "10"})


def test_an_unknown_engine_is_an_error() -> None:
    engine: Any = "v4"
    with pytest.raises(ValueError, match=r"^engine: "):
        session({}, {}, engine=engine)


# Promises

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    "config",
    [
        {"key": [SECRET]},
        {"key": SECRET, "jwk_url": SECRET},
        {"claims_format": SECRET},
        {"claims_namespace_path": f"{SECRET} !"},
        a_claims_map(x_hasura_a=[SECRET]),
    ],
)
def test_a_configuration_error_never_quotes_a_value(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^.+$") as error:
        v2(config=config)
    assert SECRET not in str(error.value)
    assert error.value.__context__ is None


@pytest.mark.parametrize(
    ("claims", "config", "token"),
    [
        ({**GOOD, "x-hasura-a": [SECRET]}, {}, {}),
        ({**GOOD, DEFAULT_ROLE: SECRET}, {}, {}),
        ({**GOOD, ALLOWED_ROLES: SECRET}, {}, {}),
        (SECRET, {"claims_format": "stringified_json"}, {}),
        (GOOD, {"audience": "web"}, {"aud": SECRET}),
        (GOOD, {"issuer": "pool"}, {"iss": SECRET}),
        (GOOD, {}, {"exp": SECRET}),
    ],
)
def test_a_refusal_never_quotes_a_value(claims: Any, config: Any, token: Any) -> None:
    with pytest.raises(BackendRefusal) as refused:
        v2(claims, config, **token)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@both
def test_neither_token_nor_configuration_is_changed(judge: Judge) -> None:
    claims = {**GOOD, "X-Hasura-Other": "o"}
    config = {"audience": ["web"]} if judge is v2 else an_auth_config(audience=["web"])
    before = copy.deepcopy((claims, config))
    judge(claims, config, aud=["web"])
    assert (claims, config) == before


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("user"),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)
role_claims = st.fixed_dictionaries(
    {},
    optional={
        ALLOWED_ROLES: st.just(["user"]) | anything,
        DEFAULT_ROLE: st.just("user") | anything,
        "X-Hasura-Default-Role": anything,
        "x-hasura-user-id": st.text() | anything,
    },
)
tokens = st.fixed_dictionaries(
    {},
    optional={
        V2_NAMESPACE: role_claims | role_claims.map(json.dumps) | anything,
        "exp": st.just(NOW + 1) | anything,
        **dict.fromkeys(("iat", "nbf", "iss", "aud", "sub"), anything),
    },
)
POINTED = {"location": "/https:~1~1hasura.io~1jwt~1claims"}


@given(tokens | anything, st.none() | st.text())
@pytest.mark.parametrize(
    ("engine", "config"),
    [
        ("v2", {"audience": "web", "issuer": "pool", "allowed_skew": 0.5}),
        ("v2", {"claims_format": "stringified_json"}),
        ("v2", {"claims_map": {ALLOWED_ROLES: {"path": "aud"}, DEFAULT_ROLE: {"path": "aud[0]"}}}),
        ("v3", {"claimsConfig": {"namespace": {**POINTED, "claimsFormat": "Json"}}}),
        ("v3", {"claimsConfig": {"namespace": {**POINTED, "claimsFormat": "StringifiedJson"}}}),
    ],
)
def test_any_json_gives_a_session_or_a_refusal(
    engine: Any, config: dict[str, Any], token: Any, role: str | None
) -> None:
    try:
        variables = session(token, config, role, engine=engine, now=NOW)
    except BackendRefusal:
        return
    assert "x-hasura-role" in variables
    assert engine == "v3" or all(isinstance(value, str) for value in variables.values())
