import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims.claims import Claims
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.contract.hasura import session
from cognito_claims.errors import SettingsError, TokenDenied
from cognito_claims.handlers import pre_token_generation
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.testing import (
    a_machine_event,
    a_user_event,
    recorded,
    recorded_names,
    to_json,
)

NAMESPACE = "https://hasura.io/jwt/claims"
SUB = "a1b2c3d4-5678-90ab-cdef-111122223333"
PHONE = "+12065551212"
USER = {
    "x-hasura-allowed-roles": ["user"],
    "x-hasura-default-role": "user",
    "x-hasura-user-id": SUB,
}
ROLES = {"editors": "editor", "staff": "editor", "boss": "admin"}
PREFIX_EXPECTED = "expected a name that starts with x-hasura-"
TOKENS_EXPECTED = "expected one or both of id, access"


def variables(plugin: HasuraClaims, **event: Any) -> dict[str, Any]:
    """Give what the plugin says of a user, read as Hasura reads it."""
    text = plugin(a_user_event(**event)).id_token.add[NAMESPACE]
    assert isinstance(text, str)
    found: dict[str, Any] = json.loads(text)
    return found


def session_variable(attribute: str, **event: Any) -> str | None:
    plugin = HasuraClaims(session_variables={"X-Hasura-It": attribute})
    found = variables(plugin, **event)
    it: str | None = found.pop("x-hasura-it", None)
    assert found == USER
    return it


def problems_of(**settings: Any) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        HasuraClaims(**settings)
    return [str(problem) for problem in raised.value.problems]


def parsed_array(literal: str) -> list[str]:
    """Read a one-dimensional Postgres array literal with every element quoted, as its manual has it."""
    assert (literal[0], literal[-1]) == ("{", "}")
    return list(_elements(iter(literal[1:-1])))


def _elements(letters: Iterator[str]) -> Iterator[str]:
    for opening in letters:
        assert opening == '"'
        element = ""
        for letter in letters:
            if letter == '"':
                break
            element += next(letters) if letter == "\\" else letter
        else:
            raise AssertionError("an element without an end")
        yield element
        assert next(letters, ",") == ","


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["editors", "boss"], "admin"),
        (["editors"], "editor"),
        (["Editors", "others"], "user"),
        ([], "user"),
    ],
)
def test_the_first_group_that_a_user_is_in_sets_the_default_role(
    groups: list[str], role: str
) -> None:
    pairs = {"boss": "admin", "editors": "editor", "guests": "user"}
    plugin = HasuraClaims(group_roles=ROLES, default_roles=pairs)

    found = variables(plugin, groups=groups)

    assert found["x-hasura-default-role"] == role
    assert role in found["x-hasura-allowed-roles"]


@pytest.mark.parametrize("pairs", [{"boss": "root"}, {"editors": "admin"}, {"": "user"}])
def test_a_default_role_must_be_allowed_to_the_group(pairs: dict[str, str]) -> None:
    expected = "expected an allowed role, or the one that group_roles gives to this group"

    found = problems_of(group_roles=ROLES, default_roles=pairs)

    assert found == [f"default_roles: entry 1: {expected}"]


def test_a_user_has_the_default_role_and_the_user_id() -> None:
    text = (
        '{"x-hasura-allowed-roles":["user"],"x-hasura-default-role":"user",'
        f'"x-hasura-user-id":"{SUB}"}}'
    )

    assert HasuraClaims()(a_user_event(groups=("admins",))) == Claims.adding({NAMESPACE: text})


def test_json_claims_are_an_object_of_the_same() -> None:
    plugin = HasuraClaims(claims_format="json", session_variables={"x-hasura-email": "email"})

    assert plugin(a_user_event()) == Claims.adding(
        {NAMESPACE: {**USER, "x-hasura-email": "jane.doe@example.com"}}
    )


@pytest.mark.parametrize("tokens", [{"id"}, {"access"}, {"id", "access"}])
def test_the_claim_stands_in_the_tokens_that_are_named(
    tokens: set[Literal["id", "access"]],
) -> None:
    claims = HasuraClaims(tokens=tokens, claims_namespace="claims.jwt.hasura.io")(a_user_event())

    expected = {"claims.jwt.hasura.io": json.dumps(USER, separators=(",", ":"))}
    assert claims == Claims.adding(expected, to=tokens)


def test_a_machine_token_has_no_claims() -> None:
    assert HasuraClaims()(a_machine_event()) == Claims()


@pytest.mark.parametrize(
    ("settings", "groups", "roles"),
    [
        ({}, ("admin", "user", "editors"), ["user"]),
        ({"group_roles": ROLES}, (), ["user"]),
        ({"group_roles": ROLES}, ("admin", "Editors", "editor"), ["user"]),
        ({"group_roles": ROLES}, ("editors",), ["user", "editor"]),
        ({"group_roles": ROLES}, ("staff", "editors", "boss"), ["user", "editor", "admin"]),
        ({"group_roles": {"staff": "user"}}, ("staff",), ["user"]),
        ({"allowed_roles": ("reader", "user")}, (), ["reader", "user"]),
        ({"allowed_roles": ("user", "reader", "user")}, (), ["user", "reader"]),
        (
            {"allowed_roles": ("user", "editor"), "group_roles": ROLES},
            ("boss", "editors"),
            ["user", "editor", "admin"],
        ),
    ],
)
def test_roles_are_those_of_everyone_and_those_that_a_group_is_named_for(
    settings: dict[str, Any], groups: tuple[str, ...], roles: list[str]
) -> None:
    assert variables(HasuraClaims(**settings), groups=groups) == {
        **USER,
        "x-hasura-allowed-roles": roles,
    }


@pytest.mark.parametrize(
    ("settings", "is_admin"),
    [
        ({}, False),
        ({"group_roles": {"admins": "administrator"}}, False),
        ({"group_roles": {"admin": "user"}}, False),
        ({"group_roles": {"admin": "admin"}}, True),
        ({"group_roles": {"admins": "admin"}}, True),
        ({"default_role": "admin"}, True),
        ({"allowed_roles": ("user", "admin")}, True),
    ],
)
def test_nobody_is_an_admin_unless_a_setting_names_that_role(
    settings: dict[str, Any],
    is_admin: bool,  # noqa: FBT001  (a column of the table)
) -> None:
    groups = ("admin", "admins", "Admin", "x-hasura-admin", "cognito:groups")

    roles = variables(HasuraClaims(**settings), groups=groups)["x-hasura-allowed-roles"]

    assert ("admin" in roles) == is_admin


GROUP_NAMES = st.text(max_size=6) | st.sampled_from(["admin", "editors", "boss", "staff", "NULL"])


@given(groups=st.lists(GROUP_NAMES), default=st.sampled_from(["user", "editor", "reader"]))
def test_roles_stand_once_with_the_default_among_them(groups: list[str], default: str) -> None:
    plugin = HasuraClaims(default_role=default, group_roles=ROLES)

    found = variables(plugin, groups=groups)

    given_roles = [ROLES[group] for group in groups if group in ROLES]
    roles = found["x-hasura-allowed-roles"]
    assert (len(roles), set(roles)) == (len(set(roles)), {default, *given_roles})
    assert found["x-hasura-default-role"] == default


@pytest.mark.parametrize(
    ("attribute", "event", "value"),
    [
        ("custom:org_id", {"attributes": {"custom:org_id": "7"}}, "7"),
        ("custom:org_id", {"attributes": {"custom:org_id": ""}}, ""),
        ("custom:org_id", {"attributes": {"custom:org": "7"}}, None),
        ("sub", {}, SUB),
        ("email", {}, "jane.doe@example.com"),
        ("email", {"email_verified": False}, None),
        ("email", {"email": None, "attributes": {"email": "j@example.com"}}, None),
        ("email", {"email": None}, None),
        ("email_verified", {"email_verified": False}, "false"),
        ("phone_number", {"attributes": {"phone_number": PHONE}}, None),
        (
            "phone_number",
            {"attributes": {"phone_number": PHONE, "phone_number_verified": "false"}},
            None,
        ),
        (
            "phone_number",
            {"attributes": {"phone_number": PHONE, "phone_number_verified": "true"}},
            PHONE,
        ),
        ("cognito:groups", {"groups": ("editors", "admin")}, '{"editors","admin"}'),
        ("cognito:groups", {}, "{}"),
        ("cognito:groups", {"attributes": {"cognito:groups": "admin"}}, "{}"),
        ("groups", {"groups": ("editors",)}, None),
    ],
)
def test_a_session_variable_is_a_usable_attribute_or_it_is_absent(
    attribute: str, event: dict[str, Any], value: str | None
) -> None:
    assert session_variable(attribute, **event) == value


@pytest.mark.parametrize(
    ("groups", "literal"),
    [
        ((), "{}"),
        (("a",), '{"a"}'),
        (("a,b", "{c}"), '{"a,b","{c}"}'),
        (('a "b"',), '{"a \\"b\\""}'),
        (("back\\slash", "\\"), '{"back\\\\slash","\\\\"}'),
        (('\\"',), '{"\\\\\\""}'),
        (("Größe", "NULL", ""), '{"Größe","NULL",""}'),
    ],
)
def test_groups_are_a_postgres_array_literal(groups: tuple[str, ...], literal: str) -> None:
    assert session_variable("cognito:groups", groups=groups) == literal
    assert parsed_array(literal) == list(groups)


@given(groups=st.lists(st.text(st.characters(codec="utf-8") | st.sampled_from('"\\{},'))))
def test_every_array_literal_is_read_as_the_groups_that_it_was_made_of(groups: list[str]) -> None:
    literal = session_variable("cognito:groups", groups=groups)

    assert literal is not None
    assert parsed_array(literal) == groups


@pytest.mark.parametrize(
    ("attribute", "event", "user_id"),
    [
        ("custom:id", {"attributes": {"custom:id": "42"}}, "42"),
        ("email", {}, "jane.doe@example.com"),
        (
            "phone_number",
            {"attributes": {"phone_number": PHONE, "phone_number_verified": "true"}},
            PHONE,
        ),
    ],
)
def test_the_user_id_is_the_attribute_that_is_named(
    attribute: str, event: dict[str, Any], user_id: str
) -> None:
    found = variables(HasuraClaims(user_id_attribute=attribute), **event)

    assert found == {**USER, "x-hasura-user-id": user_id}


@pytest.mark.parametrize(
    ("attribute", "event"),
    [
        ("custom:id", {}),
        ("custom:id", {"attributes": {"custom:id": ""}}),
        ("email", {"email_verified": False}),
        ("email", {"email": None}),
        ("phone_number", {"attributes": {"phone_number": PHONE}}),
        ("cognito:groups", {"groups": ("editors",)}),
    ],
)
def test_a_user_without_a_usable_user_id_is_denied(attribute: str, event: dict[str, Any]) -> None:
    plugin = HasuraClaims(user_id_attribute=attribute)

    with pytest.raises(TokenDenied) as raised:
        plugin(a_user_event(**event))

    assert raised.value.reason == "This account lacks an attribute that the sign-in needs verified."


@pytest.mark.parametrize(
    ("settings", "problems"),
    [
        ({"claims_namespace": ""}, ["claims_namespace: cannot be empty"]),
        ({"user_id_attribute": ""}, ["user_id_attribute: cannot be empty"]),
        (
            {"default_role": ""},
            ["default_role: cannot be empty", "allowed_roles: a role cannot be empty"],
        ),
        (
            {"claims_format": "Json"},
            ["claims_format: expected one of stringified_json, json"],
        ),
        ({"allowed_roles": ()}, ["allowed_roles: must include the default role"]),
        ({"allowed_roles": ("User",)}, ["allowed_roles: must include the default role"]),
        ({"allowed_roles": ("user", "")}, ["allowed_roles: a role cannot be empty"]),
        ({"group_roles": {"": "user"}}, ["group_roles: a group or role cannot be empty"]),
        ({"group_roles": {"staff": ""}}, ["group_roles: a group or role cannot be empty"]),
        ({"engine": "v1"}, ["engine: expected one of v2, v3"]),
        ({"email_providers": ("",)}, ["email_providers: expected names of identity providers"]),
        ({"tokens": frozenset()}, [f"tokens: {TOKENS_EXPECTED}"]),
        ({"tokens": {"id", "refresh"}}, [f"tokens: {TOKENS_EXPECTED}"]),
    ],
)
def test_a_wrong_setting_is_a_problem(settings: dict[str, Any], problems: list[str]) -> None:
    assert problems_of(**settings) == problems


@pytest.mark.parametrize("name", ["allowed-roles", "default-role", "role", "user-id"])
@pytest.mark.parametrize("change", [str.lower, str.upper, str.title])
def test_reserved_names_are_no_session_variables_in_any_case(name: str, change: Any) -> None:
    reserved = f"x-hasura-{name}"

    assert problems_of(session_variables={change(reserved): "custom:x"}) == [
        f"session_variables: entry 1: {reserved} has its own setting"
    ]


@pytest.mark.parametrize(
    ("session_variables", "problems"),
    [
        ({"org-id": "custom:org"}, [f"entry 1: {PREFIX_EXPECTED}"]),
        ({"": "custom:org"}, [f"entry 1: {PREFIX_EXPECTED}"]),
        ({"x-hasura-": "custom:org"}, [f"entry 1: {PREFIX_EXPECTED}"]),
        ({"x_hasura_org": "custom:org"}, [f"entry 1: {PREFIX_EXPECTED}"]),
        ({"x-hasura-a": "b", "x-hasura-c": ""}, ["entry 2: expected a user attribute"]),
        ({"x-hasura-a": "b", "X-Hasura-A": "c"}, ["entry 2: duplicate name"]),
        (
            {"X-HASURA-A": "b", "a": "b", "x-hasura-A": "c", "x-hasura-role": "d"},
            [
                f"entry 2: {PREFIX_EXPECTED}",
                "entry 3: duplicate name",
                "entry 4: x-hasura-role has its own setting",
            ],
        ),
    ],
)
def test_a_session_variable_has_a_name_of_its_own_and_an_attribute(
    session_variables: dict[str, str], problems: list[str]
) -> None:
    assert problems_of(session_variables=session_variables) == [
        f"session_variables: {problem}" for problem in problems
    ]


def test_every_problem_is_reported_at_once() -> None:
    wrong = {
        "claims_namespace": "",
        "claims_format": "xml",
        "default_role": "reader",
        "allowed_roles": ("",),
        "group_roles": {"": ""},
        "session_variables": {"x-hasura-role": "a", "b": "c"},
        "user_id_attribute": "",
        "tokens": frozenset(),
    }

    assert problems_of(**wrong) == [
        "claims_namespace: cannot be empty",
        "user_id_attribute: cannot be empty",
        "claims_format: expected one of stringified_json, json",
        "allowed_roles: must include the default role",
        "allowed_roles: a role cannot be empty",
        "group_roles: a group or role cannot be empty",
        f"tokens: {TOKENS_EXPECTED}",
        "session_variables: entry 1: x-hasura-role has its own setting",
        f"session_variables: entry 2: {PREFIX_EXPECTED}",
    ]


DEFAULTS = {
    "claims_namespace": NAMESPACE,
    "engine": "v2",
    "claims_format": "stringified_json",
    "default_role": "user",
    "default_roles": {},
    "allowed_roles": ("user",),
    "group_roles": {},
    "session_variables": {},
    "user_id_attribute": "sub",
    "email_providers": frozenset(),
    "tokens": frozenset({"id"}),
}


@pytest.mark.parametrize(
    ("environ", "changed"),
    [
        ({}, {}),
        ({"HASURA_CLAIMS_NAMESPACE": "ns"}, {"claims_namespace": "ns"}),
        ({"HASURA_CLAIMS_FORMAT": "json"}, {"claims_format": "json"}),
        ({"HASURA_DEFAULT_ROLE": "me"}, {"default_role": "me", "allowed_roles": ("me",)}),
        ({"HASURA_ALLOWED_ROLES": "user, me"}, {"allowed_roles": ("user", "me")}),
        ({"HASURA_ALLOWED_ROLES": "none"}, {}),
        ({"HASURA_GROUP_ROLES": "a=b,c=b"}, {"group_roles": {"a": "b", "c": "b"}}),
        ({"HASURA_GROUP_ROLES": "none"}, {}),
        (
            {"HASURA_SESSION_VARIABLES": "X-Hasura-Org-Id=custom:org_id"},
            {"session_variables": {"x-hasura-org-id": "custom:org_id"}},
        ),
        ({"HASURA_SESSION_VARIABLES": "none"}, {}),
        ({"HASURA_USER_ID_ATTRIBUTE": "email"}, {"user_id_attribute": "email"}),
        ({"HASURA_EMAIL_PROVIDERS": "Okta,A"}, {"email_providers": frozenset({"Okta", "A"})}),
        ({"HASURA_ENGINE": "v3"}, {"engine": "v3"}),
        ({"HASURA_TOKENS": "id,access"}, {"tokens": frozenset({"id", "access"})}),
        ({"HASURA_ON_ERROR": "omit", "HASURA_SYNC_URL": "x", "SURREALDB_ACCESS": "x"}, {}),
    ],
)
def test_settings_are_read_from_the_environment(
    environ: Mapping[str, str], changed: dict[str, object]
) -> None:
    assert vars(HasuraClaims.from_env(environ)) == {**DEFAULTS, **changed}


def test_problems_of_the_environment_are_told_by_variable() -> None:
    environ = {
        "HASURA_CLAIMS_NAMESPACE": "none",
        "HASURA_CLAIMS_FORMAT": "JSON",
        "HASURA_ALLOWED_ROLES": "reader",
        "HASURA_GROUP_ROLES": "editors",
        "HASURA_SESSION_VARIABLES": "x-hasura-a=b,x-hasura-ROLE=c",
        "HASURA_TOKENS": "none",
        "HASURA_ROLE": "user",
    }

    with pytest.raises(SettingsError) as raised:
        HasuraClaims.from_env(environ)

    assert [str(problem) for problem in raised.value.problems] == [
        "HASURA_ROLE: unknown setting",
        "HASURA_CLAIMS_NAMESPACE: cannot be none",
        "HASURA_CLAIMS_FORMAT: expected one of stringified_json, json",
        "HASURA_GROUP_ROLES: entry 1: expected name=value; write names that hold , or = as JSON, "
        'as in {"a,b": "c"}',
        "HASURA_ALLOWED_ROLES: must include the default role",
        f"HASURA_TOKENS: {TOKENS_EXPECTED}",
        "HASURA_SESSION_VARIABLES: entry 2: x-hasura-role has its own setting",
    ]


def test_later_changes_of_what_was_given_change_nothing() -> None:
    group_roles = {"editors": "editor"}
    plugin = HasuraClaims(group_roles=group_roles)

    group_roles["admin"] = "admin"

    roles = variables(plugin, groups=("admin", "editors"))["x-hasura-allowed-roles"]
    assert roles == ["user", "editor"]


V2 = {"claims_format": "stringified_json"}
V3 = {
    "audience": [a_user_event().client_id],
    "claimsConfig": {
        "namespace": {
            "location": "/https:~1~1hasura.io~1jwt~1claims",
            "claimsFormat": "StringifiedJson",
        }
    },
}


@pytest.mark.parametrize("name", recorded_names("pretoken_v1", "pretoken_v2"))
@pytest.mark.parametrize(("engine", "config"), [("v2", V2), ("v3", V3)])
def test_both_engines_accept_every_users_token(
    name: str, engine: Literal["v2", "v3"], config: dict[str, Any]
) -> None:
    plugin = HasuraClaims(
        group_roles={"editors": "editor", "Größe": "editor"},
        session_variables={"X-Hasura-Groups": "cognito:groups", "x-hasura-email": "email"},
    )
    event = recorded(name)

    token = issue_tokens(event, pre_token_generation(hasura=plugin)(event, None)).id_token

    assert token is not None
    found = session(token, config, engine=engine)
    assert (found["x-hasura-role"], found["x-hasura-user-id"]) == ("user", token["sub"])
    assert parsed_array(found["x-hasura-groups"]) == list(token.get("cognito:groups", []))


@pytest.mark.parametrize("version", ["2", "3"])
def test_an_access_token_serves_too(version: str) -> None:
    plugin = HasuraClaims(tokens={"access"}, claims_format="json")
    event = to_json(a_user_event(version=version))

    token = issue_tokens(event, pre_token_generation(hasura=plugin)(event, None)).access_token

    assert token is not None
    assert session(token, {}) == {"x-hasura-role": "user", "x-hasura-user-id": SUB}


def test_reserved_names_are_refused_as_hasura_compares_them() -> None:
    assert problems_of(session_variables={"x-hasura-u\u017fer-id": "custom:x"}) == [
        "session_variables: entry 1: x-hasura-user-id has its own setting"
    ]


@pytest.mark.parametrize("name", ["x-hasura-admin-secret", "X-Hasura-Access-Key"])
def test_names_that_hasura_keeps_out_of_sessions_are_refused(name: str) -> None:
    assert problems_of(session_variables={name: "custom:x"}) == [
        "session_variables: entry 1: Hasura keeps the names of its secrets out of sessions"
    ]


FROM_GOOGLE = {"identities": '[{"userId":"1","providerName":"Google","primary":true}]'}
VERIFIED_PHONE = {"phone_number": PHONE, "phone_number_verified": "true"}


@pytest.mark.parametrize("attribute", ["email", "phone_number"])
def test_a_users_email_or_phone_number_counts_if_their_provider_is_named(attribute: str) -> None:
    attributes = {**VERIFIED_PHONE, **FROM_GOOGLE}
    named = HasuraClaims(user_id_attribute=attribute, email_providers=("Google",))
    unnamed = HasuraClaims(user_id_attribute=attribute, email_providers=("google",))

    event = a_user_event(attributes=attributes)
    assert event.user is not None
    user_id = variables(named, attributes=attributes)["x-hasura-user-id"]
    assert user_id == event.user.attributes[attribute]
    with pytest.raises(TokenDenied) as refused:
        unnamed(event)
    assert (refused.value.setting, refused.value.problem) == (
        "HASURA_EMAIL_PROVIDERS",
        f"the user's {attribute} is not trusted: an identity provider of theirs is not named",
    )


def test_a_session_variable_takes_no_email_that_nobody_trusted_has_verified() -> None:
    assert session_variable("email", attributes=FROM_GOOGLE) is None
    assert session_variable("name", attributes={**FROM_GOOGLE, "name": "Jane"}) == "Jane"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-1", -1),
        ("1.5", 1.5),
        ("0", 0),
        ("9007199254740991", 9007199254740991),
        ("true", True),
        ("false", False),
        *(
            (text, text)
            for text in (
                *("", "007", "+1", "1e3", "1.0e1", "1.", ".5", "1_0", "0x10", "\uff11", "\u0661"),
                *("-0", "1.50", " 1", "1 ", "9007199254740992", "1" * 30, "True", "null", "[1]"),
                *("NaN", "Infinity", "1.5.1", "abc1", "-"),
            )
        ),
    ],
)
@pytest.mark.parametrize("claims_format", ["json", "stringified_json"])
def test_v3_gets_native_types_and_text_that_is_none_as_it_is(
    text: str, value: object, claims_format: Literal["json", "stringified_json"]
) -> None:
    plugin = HasuraClaims(
        engine="v3", claims_format=claims_format, session_variables={"x-hasura-it": "custom:it"}
    )

    claim = plugin(a_user_event(attributes={"custom:it": text})).id_token.add[NAMESPACE]

    found = json.loads(claim) if isinstance(claim, str) else claim
    assert isinstance(found, dict)
    assert (type(found["x-hasura-it"]), found["x-hasura-it"]) == (type(value), value)


def test_v3_gets_the_groups_as_a_list_and_v2_everything_as_text() -> None:
    settings: dict[str, Any] = {
        "claims_format": "json",
        "user_id_attribute": "custom:id",
        "session_variables": {"x-hasura-groups": "cognito:groups"},
    }
    event = a_user_event(groups=("a,b", "c"), attributes={"custom:id": "7"})

    def added(engine: Literal["v2", "v3"]) -> Any:
        found: Any = HasuraClaims(engine=engine, **settings)(event).id_token.add[NAMESPACE]
        return found["x-hasura-user-id"], found["x-hasura-groups"]

    assert added("v3") == (7, ["a,b", "c"])
    assert added("v2") == ("7", '{"a,b","c"}')
