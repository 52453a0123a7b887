"""Documents of rules: what the reader and the schema make of right and wrong ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cognito_claims.errors import Problem, SettingsError
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.rules.decoding import decoded
from cognito_claims.rules.document import SECTIONS, Document
from tests.rules_documents import EXAMPLE, RIGHT, WRONG, WRONG_TO_THE_READER, Row, without_lookups
from tests.strategies import changed, places

SCHEMA = json.loads((Path(__file__).parents[1] / "cognito_claims/rules/schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def problems_of(document: Any) -> list[Problem]:
    with pytest.raises(SettingsError) as caught:
        Document(document)
    return sorted(caught.value.problems)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_document_is_read_and_fits_the_schema(name: str) -> None:
    Document(RIGHT[name])
    assert [error.message for error in VALIDATOR.iter_errors(RIGHT[name])] == []


@pytest.mark.parametrize("row", [*WRONG, *WRONG_TO_THE_READER], ids=lambda row: ", ".join(row[1]))
def test_every_mistake_is_told_by_its_place(row: Row) -> None:
    document, wanted = row
    found = problems_of(document)
    assert [problem.setting for problem in found] == sorted(wanted)
    assert [str(p) for p in found if wanted[p.setting] not in p.message] == []


@pytest.mark.parametrize("row", WRONG, ids=lambda row: ", ".join(row[1]))
def test_the_schema_refuses_what_it_can_know(row: Row) -> None:
    assert not VALIDATOR.is_valid(row[0])


def test_the_schema_is_one_and_has_every_section() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert tuple(SCHEMA["properties"]) == SECTIONS


def test_a_name_that_stands_twice_is_told_wherever_it_stands() -> None:
    text = '{"claims": {"a": {"from": "sub", "from": "name"}, "a": {"constant": {"b": 1, "b": 2}}}}'
    assert [str(problem) for problem in problems_of(decoded(text))] == [
        "claims.a: occurs twice in one object",
        "claims.a.constant.b: occurs twice in one object",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "rules: is not JSON (line 1, column 2)"),
        ('{"claims":\n{]', "rules: is not JSON (line 2, column 2)"),
        ("[" * 100_000, "rules: is not JSON"),
        ('{"a": NaN}', "rules: is not JSON"),
        ("1" * 5000, "rules: is not JSON"),
    ],
)
def test_what_is_no_json_is_told_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        decoded(text)
    assert str(caught.value) == problem


def test_what_is_nested_too_deep_is_a_mistake() -> None:
    value: Any = 1
    for _ in range(40):
        value = [value]
    (problem,) = problems_of({"claims": {"x": {"constant": value}}})
    assert problem.message == "nested more than 32 levels deep"


def test_a_document_is_copied() -> None:
    document = without_lookups()
    mapper = Mapper(document)
    document["claims"].clear()
    assert "role" in mapper.owns["id"]


def test_a_document_with_look_ups_is_not_pure_and_prepares_them() -> None:
    with_look_ups, without = Mapper(EXAMPLE, {}), Mapper(without_lookups())

    assert (with_look_ups.pure, callable(with_look_ups.prepare)) == (False, True)
    assert (without.pure, without.prepare) == (True, None)


_WORDS = st.sampled_from(
    [
        *SECTIONS,
        *SCHEMA["$defs"]["claim"]["properties"],
        *SCHEMA["$defs"]["conditions"]["properties"],
    ]
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
_JSON = st.recursive(
    _SCALARS
    | st.sampled_from(["sub", "tenant", "custom:x", "client_metadata.x", "json", "access"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_WORDS | st.text(max_size=2), inner)
    ),
    max_leaves=8,
)


def told(document: Any) -> list[str]:
    try:
        Document(document)
    except SettingsError as error:
        return [str(problem) for problem in error.problems]
    return []


@given(st.dictionaries(st.sampled_from(SECTIONS), _JSON, max_size=3) | _JSON)
def test_any_json_is_a_document_or_told_to_be_none(document: Any) -> None:
    problems = told(document)
    assert problems or VALIDATOR.is_valid(document)
    assert all(problem.isprintable() for problem in problems)


@given(st.sampled_from([*RIGHT.values()]), st.data())
def test_a_damaged_document_is_one_or_told_to_be_none(document: Any, data: Any) -> None:
    place = data.draw(st.sampled_from([*places(document), ("claims",)]))
    damaged = changed(document, place, data.draw(_JSON))
    problems = told(damaged)
    assert problems or VALIDATOR.is_valid(damaged)
    assert all(problem.isprintable() for problem in problems)
