"""No statement of a signed-in user shows or changes anything of two others, on three engines."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from cognito_claims.contract.surrealdb import Generation, public_key, setup_script, sign
from cognito_claims.contract.surrealdb_script import GENERATIONS
from tests.surrealdb_attacks import SEARCHES, statements
from tests.surrealdb_engines import ME, SUB, Answer, an_id_token, ask
from tests.test_setup_surrealdb import SETUP

DOCS = Path(__file__).parents[1] / "docs"
APPLICATION = (DOCS / "examples/surrealdb-spa/app.surql").read_text(encoding="utf-8")
FIELDS, FIELD_OF_1_X = re.findall(
    r"```surql\n(.*?)```", (DOCS / "setup.md").read_text(encoding="utf-8"), re.DOTALL
)
EDITABLE = ("about", "display_name")
SECRETS = [
    f"{name}-{what}" for name in ("bob", "carol") for what in ("mail", "name", "about", "plan")
]
ALL_SECRETS = [*SECRETS, "bob-text", "carol-text"]
IDS = ("user:bob", "user:carol")
LATER: tuple[Generation, ...] = ("2.x", "3.x")


def planted(generation: Generation, *, fields: bool, tables: bool) -> str:
    users = "".join(
        f"CREATE user:{name} SET email = '{name}-mail@example.com', cognito_username = '{name}-name'"
        + (f", about = '{name}-about', plan = '{name}-plan', banned = true;" if fields else ";")
        for name in ("bob", "carol")
    )
    notes = "".join(
        f"CREATE note:{name} SET owner = user:{name}, text = '{name}-text';"
        for name in ("bob", "carol")
    )
    own = f"CREATE type::thing('user', '{SUB}');" if generation == "1.x" else ""
    return users + own + (notes if tables else "")


@cache
def answered(
    generation: Generation,
    *,
    own: bool,
    take_out: str = "",
    instead: str = ";",
    added: str = "",
    attempts: tuple[str, ...] = (),
) -> Answer:
    """Try all statements on the printed script, as it is or with what the docs add to it."""
    is_later = generation != "1.x"
    more = (FIELDS + APPLICATION if is_later else FIELD_OF_1_X) if own else ""
    editable: Sequence[str] = EDITABLE if own and is_later else ()
    script = setup_script(SETUP, generation, public_key=public_key(), editable=editable) + more
    if take_out:
        script, count = re.subn(take_out, instead, script)
        assert count
    rows = planted(generation, fields=own and is_later, tables=own and is_later)
    entrance = "$scope" if generation == "1.x" else "$access"
    request = {
        "namespace": "app",
        "database": "main",
        "script": script + added + rows,
        "questions": [],
        "token": sign(an_id_token()),
        "who": f"RETURN [$auth, {entrance}];",
        "look": "SELECT * FROM user, note;" if own and is_later else "SELECT * FROM user;",
        "attempts": attempts or statements(generation),
    }
    (answer,) = ask(generation, [request])
    assert "seen" in answer, answer
    return answer


def shown(answer: Answer, generation: Generation, secrets: Sequence[str]) -> list[tuple[str, str]]:
    """Give the statements whose result or error holds what the statement itself does not."""
    tried = zip(statements(generation), answer["said"], strict=True)
    return [
        (statement, said)
        for statement, said in tried
        for secret in secrets
        if secret in said and secret not in statement
    ]


EACH = pytest.mark.parametrize("generation", GENERATIONS)
OWN = pytest.mark.parametrize("own", [False, True])


@EACH
def test_there_are_more_than_forty_statements(generation: Generation) -> None:
    assert len({*statements(generation)}) > 40


@EACH
@OWN
def test_no_statement_shows_anything_of_another_user(generation: Generation, *, own: bool) -> None:
    answer = answered(generation, own=own)

    assert answer["who"][0] == answer["who"][1]
    assert shown(answer, generation, ALL_SECRETS) == []


@pytest.mark.parametrize("generation", LATER)
@OWN
def test_nor_their_ids(generation: Generation, *, own: bool) -> None:
    answer = answered(generation, own=own)

    assert shown(answer, generation, IDS) == []


@EACH
@OWN
def test_no_statement_changes_another_users_row_or_what_is_not_ones_own(
    generation: Generation, *, own: bool
) -> None:
    answer = answered(generation, own=own)

    before, after = ({row["id"]: row for row in answer[when]} for when in ("planted", "after"))
    mine = after.pop(ME)
    before.pop(ME, None)
    assert {name: row for name, row in after.items() if name in before} == before
    assert {row.get("owner") for name, row in after.items() if name not in before} <= {ME}
    changed = {name: mine.get(name) for name in ("email", "cognito_username", "plan", "banned")}
    token = ("alice@example.com", "alice") if generation != "1.x" else (None, None)
    assert [*changed.values()] == [*token, None, None]


@pytest.mark.parametrize("generation", LATER)
def test_with_auth_in_the_permissions_one_user_acts_as_another(generation: Generation) -> None:
    answer = answered(generation, own=True, take_out=r"session::rd\(\)", instead="$auth")

    assert shown(answer, generation, ALL_SECRETS)


@pytest.mark.parametrize("generation", LATER)
def test_without_the_permissions_of_fields_they_show_everything(generation: Generation) -> None:
    permissions = r"\n  PERMISSIONS FOR select[^;\n]* WHERE (?:id|owner) = session::rd\(\)[^;]*;"

    found = shown(answered(generation, own=True, take_out=permissions), generation, ALL_SECRETS)

    assert len(found) > 15


def told_apart(generation: Generation, *, own: bool, added: str = "") -> list[str]:
    """Give the searches that answer otherwise for a value of bob's than for one of nobody's."""
    values = {"user.email": "'bob-mail@example.com'", "user.cognito_username": "'bob-name'"}
    if own:
        values |= {"user.about": "'bob-about'", "user.plan": "'bob-plan'"}
        values |= {"note.owner": "user:bob", "note.text": "'bob-text'"}
    attempts = [
        search.replace("{table}", table).replace("{field}", field).replace("{value}", each)
        for place, value in values.items()
        for table, _, field in [place.partition(".")]
        for search in SEARCHES
        for each in (value, value.replace("bob", "nobody"))
    ]
    said = answered(generation, own=own, added=added, attempts=tuple(attempts))["said"]
    return [
        attempt
        for attempt, theirs, nobodys in zip(attempts[::2], said[::2], said[1::2], strict=True)
        if theirs != nobodys
    ]


@pytest.mark.parametrize("generation", LATER)
@OWN
def test_no_search_tells_which_values_others_have(generation: Generation, *, own: bool) -> None:
    assert told_apart(generation, own=own) == []


@pytest.mark.parametrize("generation", LATER)
def test_with_an_index_a_search_tells_them(generation: Generation) -> None:
    index = "DEFINE INDEX email ON user FIELDS email;"

    found = told_apart(generation, own=True, added=index)

    assert found
    assert all("bob-mail" in search for search in found)


@pytest.mark.parametrize(
    ("generation", "own", "verbs"),
    [
        ("2.x", False, ["SELECT"]),
        ("2.x", True, ["SELECT", "UPDATE"]),
        ("3.x", False, []),
        ("3.x", True, ["UPDATE"]),
    ],
)
def test_a_search_tells_which_ids_are_taken(
    generation: Generation, *, own: bool, verbs: list[str]
) -> None:
    """What no script closes, and the docs say."""
    searches = {"SELECT": "SELECT * FROM {at}", "UPDATE": "UPDATE {at} SET about = 'x'"}
    attempts = tuple(
        f"{search.replace('{at}', at)} WHERE {{ THROW 'taken' }}"
        for search in searches.values()
        for at in ("user:b..c", "user:d..e")
    )

    said = answered(generation, own=own, attempts=attempts)["said"]

    told = [verb for verb, each in zip(searches, said[::2], strict=True) if "taken" in each]
    assert told == verbs
    assert "taken" not in "".join(said[1::2])


def test_1_x_shows_whatever_is_stored_though_nobody_may_see_it() -> None:
    """The reason why its script stores nothing, and the docs advise against it."""
    script = (
        setup_script(SETUP, "1.x", public_key=public_key())
        + "DEFINE TABLE secret SCHEMAFULL PERMISSIONS NONE;"
        + "DEFINE FIELD text ON secret TYPE string PERMISSIONS NONE;"
        + "CREATE secret:one SET text = 'bob-text';"
    )
    request = {
        "namespace": "app",
        "database": "main",
        "script": script,
        "questions": [],
        "token": sign(an_id_token()),
        "who": "RETURN [$auth, $scope];",
        "look": "SELECT * FROM user;",
        "attempts": ["SELECT * FROM secret", "SELECT * FROM secret WHERE { THROW text }"],
    }

    (answer,) = ask("1.x", [request])

    assert answer["said"] == ["[]", "An error occurred: bob-text"]
