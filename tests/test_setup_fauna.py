"""`setup fauna`: the schema that a pool's tokens need, and no more rights than that.

No Fauna runs here: the texts are compared whole, and with what the plugin sends.
"""

from collections.abc import Mapping

import pytest

from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.testing import a_user_event
from tests.command import Run, run
from tests.stand_ins.fauna import SECRET as KEY
from tests.stand_ins.fauna import FaunaServer

SECRET = f"fnA{'x' * 37}"
ENVIRON = {
    "COGNITO_CLAIMS_PLUGINS": "fauna",
    "FAUNA_ENDPOINT": "https://fauna.example.com",
    "FAUNA_SECRET": SECRET,
}
PAIR = {**ENVIRON, "FAUNA_REFRESH_TTL_SECONDS": "86400"}

COLLECTION = """\
collection Customer {
  unique [.sub]
  index bySub {
    terms [.sub]
  }
}

"""
MINTER = """\
role cognitoTokenMinter {
  privileges Customer {
    read
    create
  }
  privileges Token {
    create {
      predicate (tok => tok.document isa Customer && tok.ttl != null && tok.ttl! <= Time.now().add(1800, "seconds"))
    }
  }
}

"""
USERS = """\
role cognitoUser {
  membership Customer
  // privileges: what your users may do
}
"""
USERS_BY_ACCESS_TOKEN = """\
role cognitoUser {
  membership Customer {
    predicate (user => Query.token()!.data!.type == "access")
  }
  // privileges: what your users may do
}

"""
REFRESH = """\
role cognitoRefresher {
  membership Customer {
    predicate (user => Query.token()!.data!.type == "refresh")
  }
  privileges refreshAccessToken {
    call
  }
}

role accessTokenMinter {
  privileges Customer {
    read {
      predicate (user => user == Query.identity())
    }
  }
  privileges Token {
    create {
      predicate (tok => tok.document isa Customer && tok.ttl != null && tok.ttl! <= Time.now().add(1800, "seconds") && tok.document == Query.identity() && tok.data!.type == "access")
    }
    read {
      predicate (tok => tok.document == Query.identity())
    }
  }
}

@role(accessTokenMinter)
function refreshAccessToken() {
  let refresh = Query.token()!
  if (refresh.data!.type != "refresh") abort("not a refresh token")
  let access = Token.create({
    document: Query.identity()!,
    ttl: Time.now().add(1800, "seconds"),
    data: { type: "access", refresh: refresh.id.toString() }
  })
  { access: access.secret! }
}
"""
LONGER = MINTER.replace("add(1800", "add(86400")


def setup(environ: Mapping[str, str], *options: str, exit_code: int = 0) -> Run:
    return run("setup", "fauna", *options, environ=environ, exit_code=exit_code)


def test_one_token_needs_a_collection_a_minter_and_the_users_role() -> None:
    assert setup(ENVIRON).out == COLLECTION + MINTER + USERS


def test_a_pair_of_tokens_has_users_by_access_token_alone_and_a_way_to_refresh() -> None:
    assert setup(PAIR).out == COLLECTION + LONGER + USERS_BY_ACCESS_TOKEN + REFRESH


def test_names_and_lives_are_those_of_the_settings() -> None:
    settings = {
        "FAUNA_COLLECTION": "Person",
        "FAUNA_INDEX": "find",
        "FAUNA_IDENTITY": "email",
        "FAUNA_TTL_SECONDS": "60",
        "FAUNA_REFRESH_TTL_SECONDS": "600",
    }
    expected = COLLECTION + LONGER + USERS_BY_ACCESS_TOKEN + REFRESH
    for printed, meant in {
        "Customer": "Person",
        "bySub": "find",
        ".sub": ".email",
        "add(1800": "add(60",
        "add(86400": "add(600",
    }.items():
        expected = expected.replace(printed, meant)

    assert setup({**ENVIRON, **settings}).out == expected


def test_an_index_without_a_setting_has_the_name_of_its_identity() -> None:
    assert (
        "index byEmail {\n    terms [.email]" in setup({**ENVIRON, "FAUNA_IDENTITY": "email"}).out
    )


def test_the_plugin_sends_what_the_schema_names() -> None:
    with FaunaServer(index="bySub", field="sub") as server:
        here = {"FAUNA_ENDPOINT": server.endpoint, "FAUNA_SECRET": KEY}
        FaunaTokens.from_env({**PAIR, **here})(a_user_event())
        sent = server.requests[-1].body.decode()

    schema = setup(PAIR).out
    for query, schemas in {
        "Customer.bySub(": "collection Customer {\n  unique [.sub]\n  index bySub",
        '{ type: \\"refresh\\" }': 'Query.token()!.data!.type == "refresh"',
        '{ type: \\"access\\", refresh: refresh.id.toString() }': 'Query.token()!.data!.type == "access"',
    }.items():
        assert query in sent
        assert schemas in schema


def test_the_purpose_says_how_the_functions_key_is_made_and_no_secret_is_shown() -> None:
    ran = setup(ENVIRON, "--format", "json")

    assert [*ran.content["parts"]] == ["schema"]
    assert SECRET not in ran.out
    assert setup(ENVIRON, "--part", "schema").out == setup(ENVIRON).out


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"FAUNA_COLLECTION": "A {} role x"},
            "FAUNA_COLLECTION: expected an identifier: letters, digits and _",
        ),
        (
            {"FAUNA_INDEX": "é"},
            "FAUNA_INDEX: expected an identifier: letters, digits and _",
        ),
        ({"FAUNA_COLLECTION": "Token"}, "FAUNA_COLLECTION: is a reserved name of Fauna"),
        ({"FAUNA_TTL_SECONDS": "1.5"}, "FAUNA_TTL_SECONDS: expected a whole number"),
        ({"FAUNA_ENDPOINT": ""}, "FAUNA_ENDPOINT: required"),
        ({"COGNITO_CLAIMS_PLUGINS": "hasura"}, "COGNITO_CLAIMS_PLUGINS: fauna is not among them"),
    ],
)
def test_what_cannot_be_used_is_named(settings: Mapping[str, str], said: str) -> None:
    ran = setup({**ENVIRON, **settings}, exit_code=2)

    assert (ran.out, ran.err) == ("", f"cognito-claims: {said}\n")
