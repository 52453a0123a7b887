from collections.abc import Callable, Mapping, Set
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognito_claims import Secret
from cognito_claims.errors import Problem, SettingsError
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.registry import load
from cognito_claims.settings import nearest, read_settings, suggestion

Color = Literal["red", "green"]
AS_JSON = 'write names that hold , or = as JSON, as in {"a,b": "c"}'
NOT_A_PAIR = f"expected name=value; {AS_JSON}"
A_PART = f"is part of a directory name; {AS_JSON}"
NO_STRINGS = "expected a JSON array of strings that are not empty"
NO_MEMBER = "expected a name and a string, neither empty"
A_COLOR = "expected one of red, green"


class Shop:
    def __init__(
        self,
        *,
        name: str,
        owner: str | None = "nobody",
        seats: int = 1,
        is_open: bool = False,
        color: Color = "red",
        tags: tuple[str, ...] = ("a", "b"),
        tokens: Set[Color] = frozenset(("red",)),
        rooms: Mapping[str, str] | None = None,
    ) -> None:
        self.told = (name, owner, seats, is_open, color, tags, tokens, rooms)
        problems = [Problem("name", "is taken")] if name == "taken" else []
        if seats > 9:
            problems.append(Problem("seats", "expected 9 at most"))
        if problems:
            raise SettingsError(tuple(problems))


def taking(kind: object, **default: object) -> Callable[..., Any]:
    def factory(*, field: Any) -> Any:
        return field

    factory.__annotations__ = {"field": kind, "return": kind}
    factory.__kwdefaults__ = default
    return factory


def problems_of(
    factory: Callable[..., object], environ: Mapping[str, str], **more: Any
) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        read_settings(factory, "SHOP", environ, **more)
    assert str(raised.value) == "; ".join(map(str, raised.value.problems))
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (str, "acme", "acme"),
        (str, " a, b=c ", "a, b=c"),
        (str, "None", "None"),
        (str | None, "acme", "acme"),
        (str | None, "none", None),
        (int, "0", 0),
        (int, "0042", 42),
        (int | None, "7", 7),
        (int | None, "none", None),
        (bool, "true", True),
        (bool, "false", False),
        (bool | None, "none", None),
        (Color, "green", "green"),
        (Color | None, "none", None),
        (tuple[str, ...], "one", ("one",)),
        (tuple[str, ...], " one , two,one", ("one", "two", "one")),
        (tuple[str, ...], " none ", ()),
        (tuple[str, ...], "one,none", ("one", "none")),
        (tuple[str, ...] | None, "none", None),
        (tuple[str, ...] | None, "one,two", ("one", "two")),
        (Set[Color], "green", frozenset({"green"})),
        (Set[Color], "green, red,green", frozenset({"green", "red"})),
        (Set[Color], "none", frozenset()),
        (Mapping[str, str], "a=b", {"a": "b"}),
        (Mapping[str, str], " a = b c ,d=b c", {"a": "b c", "d": "b c"}),
        (Mapping[str, str], "none", {}),
        (Mapping[str, str] | None, "none", None),
        (
            Mapping[str, str],
            '{"CN=A,OU=B": "c=,d", "none": " e"}',
            {"CN=A,OU=B": "c=,d", "none": " e"},
        ),
        (Mapping[str, str], "{}", {}),
        (tuple[str, ...], '["a,b", "c=d", "none", "a,b"]', ("a,b", "c=d", "none", "a,b")),
        (tuple[str, ...] | None, "[]", ()),
        (Set[Color], '["green", "red"]', frozenset({"green", "red"})),
    ],
)
def test_text_is_read_as_the_annotation_says(kind: object, text: str, value: object) -> None:
    read_value = read_settings(taking(kind), "SHOP", {"SHOP_FIELD": text})

    assert (type(read_value), read_value) == (type(value), value)


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (str, "none", "cannot be none"),
        (int, "none", "cannot be none"),
        (bool, "none", "cannot be none"),
        (Color, "none", "cannot be none"),
        *((int, text, "expected a whole number") for text in ("-1", "1.5", "1_0", "٣", "²", "a")),
        *((bool, text, "expected one of true, false") for text in ("True", "1", "yes")),
        (Color, "blue", A_COLOR),
        (Color, "red,green", A_COLOR),
        (Set[Color], "red,blue", A_COLOR),
        (Set[Color], "red,none", A_COLOR),
        (tuple[str, ...], ",", "entry 1 of the comma list is empty"),
        (tuple[str, ...], "one, ,three", "entry 2 of the comma list is empty"),
        (Set[Color], "red,", "entry 2 of the comma list is empty"),
        (Mapping[str, str], "a=b,", f"entry 2: {NOT_A_PAIR}"),
        (Mapping[str, str], "a", f"entry 1: {NOT_A_PAIR}"),
        (Mapping[str, str], "a=b,=c", f"entry 2: {NOT_A_PAIR}"),
        (Mapping[str, str], "a=b,c= ", f"entry 2: {NOT_A_PAIR}"),
        (Mapping[str, str], "a=b=c", f"entry 1: {NOT_A_PAIR}"),
        (Mapping[str, str], "a=b,none", f"entry 2: {NOT_A_PAIR}"),
        (Mapping[str, str], "a=b, a =c", "entry 2: duplicate name"),
        (Mapping[str, str], "CN=Admins,OU=Groups=editor", f"entry 1: {A_PART}"),
        (Mapping[str, str], "a=b,ou=Groups", f"entry 2: {A_PART}"),
        (Mapping[str, str], '{"a": "b", "a": "c"}', "entry 2: duplicate name"),
        (Mapping[str, str], '{"a": "b", "": "c"}', f"entry 2: {NO_MEMBER}"),
        (Mapping[str, str], '{"a": " "}', f"entry 1: {NO_MEMBER}"),
        (Mapping[str, str], '{"a": {"b": "c"}}', f"entry 1: {NO_MEMBER}"),
        (Mapping[str, str], '{"a": 1}', f"entry 1: {NO_MEMBER}"),
        (Mapping[str, str], '{"a": "b"', "is not JSON (character 10)"),
        (Mapping[str, str], '{"a":' * 100_000, "is not JSON"),
        (Mapping[str, str], '["a"]', f"entry 1: {NOT_A_PAIR}"),
        (tuple[str, ...], '["a", ""]', NO_STRINGS),
        (tuple[str, ...], '["a", 1]', NO_STRINGS),
        (tuple[str, ...], '[{"a": "b"}]', NO_STRINGS),
        (tuple[str, ...], "[a, b]", "is not JSON (character 2)"),
        (Set[Color], '["green", "blue"]', A_COLOR),
    ],
)
def test_text_that_does_not_fit_is_told_by_its_variable(
    kind: object, text: str, message: str
) -> None:
    assert problems_of(taking(kind), {"SHOP_FIELD": text}) == [f"SHOP_FIELD: {message}"]


@pytest.mark.parametrize("environ", [{}, {"SHOP_FIELD": ""}, {"SHOP_FIELD": " \t"}])
def test_an_empty_variable_is_an_unset_one(environ: dict[str, str]) -> None:
    assert read_settings(taking(int, field=4), "SHOP", environ) == 4
    assert problems_of(taking(str), environ) == ["SHOP_FIELD: required"]


def test_a_class_is_made_with_its_own_defaults() -> None:
    shop = read_settings(Shop, "SHOP", {"SHOP_NAME": "acme"})

    assert shop.told == (
        *("acme", "nobody", 1, False, "red"),
        *(("a", "b"), frozenset({"red"}), None),
    )


def test_a_class_is_made_of_its_variables() -> None:
    environ = {
        "SHOP_NAME": "acme",
        "SHOP_OWNER": "none",
        "SHOP_SEATS": "9",
        "SHOP_IS_OPEN": "true",
        "SHOP_COLOR": "green",
        "SHOP_TAGS": "none",
        "SHOP_TOKENS": "red,green",
        "SHOP_ROOMS": "hall=big",
    }

    assert read_settings(Shop, "SHOP", environ).told == (
        *("acme", None, 9, True, "green"),
        *((), frozenset({"red", "green"}), {"hall": "big"}),
    )


def test_a_function_without_defaults_is_called_too() -> None:
    def joined(*, one: str, two: str) -> str:
        return one + two

    assert read_settings(joined, "JOIN", {"JOIN_ONE": "1", "JOIN_TWO": "2", "ONE": "x"}) == "12"


def test_every_problem_is_told_at_once_the_factorys_own_under_its_variables_name() -> None:
    environ = {"SHOP_NAME": "taken", "SHOP_SEATS": "10", "SHOP_COLOR": "blue", "SHOP_TAG": "a"}

    assert problems_of(Shop, environ) == [
        "SHOP_TAG: unknown setting; did you mean SHOP_TAGS?",
        f"SHOP_COLOR: {A_COLOR}",
        "SHOP_NAME: is taken",
        "SHOP_SEATS: expected 9 at most",
    ]


def test_what_is_missing_does_not_hide_the_factorys_own_problems() -> None:
    assert problems_of(Shop, {"SHOP_SEATS": "10"}) == [
        "SHOP_NAME: required",
        "SHOP_SEATS: expected 9 at most",
    ]


def test_problems_are_values_with_a_setting_and_a_message() -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings(Shop, "SHOP", {})

    assert raised.value.problems == (Problem("SHOP_NAME", "required"),)
    assert (raised.value.code, raised.value.__cause__, raised.value.__context__) == (
        *("settings", None),
        None,
    )


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("SHOP_SEAT", "; did you mean SHOP_SEATS?"),
        ("SHOP_seats", ""),
        ("SHOP_ON_EROR", "; did you mean SHOP_ON_ERROR?"),
        ("SHOP_SOMETHING_ELSE_ENTIRELY", ""),
    ],
)
def test_an_unknown_variable_of_the_prefix_is_told_with_the_nearest_name(
    variable: str, hint: str
) -> None:
    environ = {"SHOP_NAME": "acme", variable: ""}

    assert problems_of(Shop, environ) == [f"{variable}: unknown setting{hint}"]


def test_variables_that_somebody_else_reads_are_no_problem() -> None:
    environ = {
        "SHOP_NAME": "acme",
        "SHOP_ON_ERROR": "omit",
        "SHOP_SYNC_URL": "x",
        "SHOPPING_LIST": "x",
        "SHOP": "x",
    }

    shop = read_settings(Shop, "SHOP", environ, foreign=("SHOP_SYNC_",))

    assert shop.told[0] == "acme"
    assert problems_of(Shop, environ) == ["SHOP_SYNC_URL: unknown setting"]


def test_what_a_factory_raises_besides_comes_out_as_it_is() -> None:
    def broken(*, divisor: int) -> float:
        return 1 / divisor

    with pytest.raises(ZeroDivisionError):
        read_settings(broken, "SHOP", {"SHOP_DIVISOR": "0"})


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("hasura", ("surrealdb", "hasura"), "hasura"),
        ("hasra", ("surrealdb", "hasura"), "hasura"),
        ("hasuraa", ("surrealdb", "hasura"), "hasura"),
        ("hazura", ("surrealdb", "hasura"), "hasura"),
        ("hazurra", ("surrealdb", "hasura"), "hasura"),
        ("hazzrra", ("surrealdb", "hasura"), None),
        ("xy", ("ab",), None),
        ("xy", ("xb",), "xb"),
        ("", ("a",), "a"),
        ("", ("ab",), None),
        ("ac", ("ad", "ab"), "ab"),
        ("acme", (), None),
    ],
)
def test_a_name_is_near_when_a_third_of_its_letters_are_to_change(
    name: str, known: tuple[str, ...], found: str | None
) -> None:
    assert nearest(name, known) == found
    assert suggestion(name, known) == (f"; did you mean {found}?" if found else "")


SECRET = "hunter2"
WITH_SECRET = st.lists(
    st.sampled_from([SECRET, ",", "=", " ", ":", "none", "id", "9", "x-hasura-"]), max_size=8
).map(lambda parts: SECRET + "".join(parts))
PREFIXES = {
    "SHOP": "NAME OWNER SEATS IS_OPEN COLOR TAGS TOKENS ROOMS NAMES",
    "COGNITO_CLAIMS": "PLUGINS ON_ERROR DEADLINE_MS DEADLINE",
    "SURREALDB": "NAMESPACE DATABASE ACCESS TOKEN SCOPE TOKENS ON_ERROR SECRET",
    "HASURA": "CLAIMS_NAMESPACE CLAIMS_FORMAT DEFAULT_ROLE ALLOWED_ROLES GROUP_ROLES"
    " SESSION_VARIABLES USER_ID_ATTRIBUTE TOKENS ON_ERROR ADMIN_SECRET",
}
VARIABLES = [f"{prefix}_{name}" for prefix, names in PREFIXES.items() for name in names.split()]
READERS: list[Callable[[Mapping[str, str]], object]] = [
    lambda environ: read_settings(Shop, "SHOP", environ),
    load,
    SurrealDBClaims.from_env,
    HasuraClaims.from_env,
]


def told_of(reader: Callable[[Mapping[str, str]], object], environ: dict[str, str]) -> str:
    try:
        reader(environ)
    except SettingsError as error:
        return f"{error} {error!r} {error.problems!r} {error.__context__!r}"
    return ""


@given(environ=st.dictionaries(st.sampled_from(VARIABLES), WITH_SECRET, min_size=1))
def test_no_message_ever_holds_a_value(environ: dict[str, str]) -> None:
    assert SECRET not in "".join(told_of(reader, environ) for reader in READERS)


def bounded(*, seats: int, tags: Set[Color], color: Color) -> None:
    wrong = {"seats": seats < 1, "tags": not tags <= {"red"}, "color": color not in ("red", "x")}
    problems = tuple(Problem(field, "is wrong") for field, is_wrong in wrong.items() if is_wrong)
    if problems:
        raise SettingsError(problems)


def test_what_is_missing_is_told_of_every_kind_once() -> None:
    assert problems_of(bounded, {"SHOP_SEATS": "0"}) == [
        "SHOP_TAGS: required",
        "SHOP_COLOR: required",
        "SHOP_SEATS: is wrong",
    ]


def test_a_problem_of_no_parameter_keeps_its_name() -> None:
    def refusing(*, one: str = "a") -> None:
        raise SettingsError((Problem("one and two", f"differ from {len(one)}"),))

    assert problems_of(refusing, {}) == ["one and two: differ from 1"]


@pytest.mark.parametrize("kind", [float, list[str], frozenset[Color], "int", int | str])
def test_an_annotation_that_is_not_understood_is_a_mistake_of_the_plugin(kind: object) -> None:
    with pytest.raises(TypeError, match="field"):
        read_settings(taking(kind), "SHOP", {"SHOP_FIELD": "1"})


@pytest.mark.parametrize(
    "kind", [float | None, tuple[int, ...], Mapping[str, int], Set[str], Literal[1, 2]]
)
def test_an_annotation_is_understood_as_a_whole_or_it_is_a_mistake(kind: object) -> None:
    with pytest.raises(TypeError, match="field"):
        read_settings(taking(kind, field=None), "SHOP", {})


def test_what_is_missing_is_told_even_if_the_factory_cannot_do_without() -> None:
    def first(*, names: tuple[str, ...]) -> str:
        return names[0]

    assert problems_of(first, {}) == ["SHOP_NAMES: required"]


def test_a_number_of_thousands_of_digits_is_no_number() -> None:
    def taking_one(*, seats: int) -> int:
        return seats

    assert problems_of(taking_one, {"SHOP_SEATS": "9" * 5000}) == [
        "SHOP_SEATS: expected a whole number"
    ]


ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf"


@pytest.mark.parametrize("kind", [Secret, str | Secret, Secret | None, str | Secret | None])
@pytest.mark.parametrize("text", [" hunter2\n", f"{ARN}#key", "ssm:/shop/key"])
def test_a_secret_keeps_its_text_and_the_environment(kind: object, text: str) -> None:
    environ = {"SHOP_FIELD": text, "AWS_REGION": "eu-west-1"}

    secret = read_settings(taking(kind), "SHOP", environ)

    assert (type(secret), secret.text, secret.environ) == (Secret, text.strip(), environ)


def test_a_secret_that_may_be_absent_may_be_none() -> None:
    assert read_settings(taking(str | Secret | None), "SHOP", {"SHOP_FIELD": "none"}) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("none", "cannot be none"),
        ("a\tb", "expected printable ASCII characters"),
        ("sesam öffne dich", "expected printable ASCII characters"),
        ("ssm:shop", "a parameter's path starts with a slash, as in ssm:/path"),
    ],
)
def test_a_secret_that_is_none_is_told_without_its_text(text: str, problem: str) -> None:
    assert problems_of(taking(str | Secret), {"SHOP_FIELD": text}) == [f"SHOP_FIELD: {problem}"]


def test_a_secret_beside_a_wrong_setting_leaves_the_factorys_own_problems_told() -> None:
    class Safe(Shop):
        def __init__(self, *, name: str, secret: Secret, seats: int) -> None:
            assert secret.text == "missing"
            super().__init__(name=name, seats=seats)

    environ = {"SHOP_NAME": "taken", "SHOP_SEATS": "2", "SHOP_SECRET": "ssm:x"}

    assert [p.partition(":")[0] for p in problems_of(Safe, environ)] == ["SHOP_SECRET", "SHOP_NAME"]


def test_a_secret_hides_itself() -> None:
    secret = Secret("hunter2")

    assert f"{secret} {secret!r}" == "Secret(***) Secret(***)"


def test_a_reference_needs_the_environment_that_it_is_fetched_with() -> None:
    with pytest.raises(ValueError, match=r"^a reference needs an environment: Secret\(reference, "):
        Secret(ARN)
