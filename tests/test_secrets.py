import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread, Timer
from time import monotonic
from typing import Any

import pytest

from cognito_claims.claims import Json
from cognito_claims.clients.aws import AwsClient
from cognito_claims.clients.secrets import SecretReader
from cognito_claims.errors import AwsError, CognitoClaimsError, DeadlineError, SecretError
from cognito_claims.secret import Secret
from tests.deadlines import at_the_deadline
from tests.stand_ins.moto import HIDDEN, Answer, Request, answering, moto_server

Environ = dict[str, str]
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/fauna-a1B2c3"
KEY = {"AWS_ACCESS_KEY_ID": "AKIDOFTHETESTS", "AWS_SECRET_ACCESS_KEY": "a/secret+key"}
NOWHERE = {**KEY, "AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}


def soon(seconds: float = 30) -> float:
    return monotonic() + seconds


# Moto's services


@pytest.fixture(scope="module")
def environ() -> Iterator[Environ]:
    with moto_server() as url:
        yield {**KEY, "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": url}


def created(environ: Environ, **content: Json) -> str:
    """Keep a secret in another region than the environment's; give its ARN."""
    client = AwsClient("secretsmanager", "eu-central-1", environ)
    name = f"shop/{len(json.dumps(content))}-{monotonic()}"
    answer = client.call("secretsmanager.CreateSecret", {"Name": name, **content}, deadline=soon())
    return str(answer["ARN"])


def put_parameter(environ: Environ, name: str, value: str, **others: Json) -> None:
    parameter: Mapping[str, Json] = {"Name": name, "Value": value, "Type": "SecureString", **others}
    AwsClient("ssm", None, environ).call("AmazonSSM.PutParameter", parameter, deadline=soon())


def read(text: str, environ: Mapping[str, str] | None) -> str:
    return SecretReader(Secret(text, environ)).read(soon())


def refused(ask: Callable[[], object], *hidden: str) -> CognitoClaimsError:
    """Give what is raised, after a look for what must not stand in it."""
    with pytest.raises(CognitoClaimsError) as raised:
        ask()
    error: BaseException | None = raised.value
    told = ""
    while error is not None:
        told += f"{error!r} {error} {vars(error)}"
        error = error.__context__
    assert [text for text in (HIDDEN, *hidden) if text in told] == []
    return raised.value


def outcome(error: CognitoClaimsError) -> tuple[type[CognitoClaimsError], str]:
    return type(error), str(error)


def test_an_arn_gives_the_whole_secret(environ: Environ) -> None:
    assert read(created(environ, SecretString=f" {HIDDEN}\n"), environ) == HIDDEN


def test_a_key_gives_one_field_of_the_secret(environ: Environ) -> None:
    content = json.dumps({"password": f" {HIDDEN} ", "a#b": "another"})
    arn = created(environ, SecretString=content)
    assert [read(f"{arn}#password", environ), read(f"{arn}#a#b", environ)] == [HIDDEN, "another"]


NO_FIELD = "the secret must be a JSON object in which the reference's #key names a string"
UNPRINTABLE = "the secret holds a character that is not printable ASCII"


@pytest.mark.parametrize(
    ("content", "end", "problem"),
    [
        (json.dumps({"user": HIDDEN}), "#password", NO_FIELD),
        (json.dumps({"password": [HIDDEN]}), "#password", NO_FIELD),
        (json.dumps([HIDDEN]), "#password", NO_FIELD),
        (f'{{"password": "{HIDDEN}', "#password", NO_FIELD),
        ("[" * 60_000, "#password", NO_FIELD),
        (json.dumps({"password": " "}), "#password", "the secret is empty"),
        (" \n", "", "the secret is empty"),
        (f"{HIDDEN}\n{HIDDEN}", "", UNPRINTABLE),
        (f"{HIDDEN}é", "", UNPRINTABLE),
    ],
)
def test_a_secret_that_cannot_be_used_is_told_without_it(
    content: str, end: str, problem: str, environ: Environ
) -> None:
    text = f"{created(environ, SecretString=content)}{end}"
    error = refused(lambda: read(text, environ), text, "password")
    assert outcome(error) == (SecretError, problem)


def test_a_binary_secret_is_refused(environ: Environ) -> None:
    arn = created(environ, SecretBinary="aHVudGVyMg==")
    error = refused(lambda: read(arn, environ), arn)
    assert outcome(error) == (SecretError, "the secret is binary; store it as a SecretString")


def test_a_secret_that_is_not_there_is_told_by_awss_code(environ: Environ) -> None:
    error = refused(lambda: read(ARN, environ), ARN)
    assert isinstance(error, AwsError)  # of status 400, if moto were as exact as AWS
    assert (error.service, error.aws_code) == ("secretsmanager", "ResourceNotFoundException")


def test_a_parameter_is_decrypted(environ: Environ) -> None:
    put_parameter(environ, "/shop/fauna", f"{HIDDEN}\n")
    assert read("ssm:/shop/fauna", environ) == HIDDEN


def test_a_parameter_is_one_of_the_environments_region(environ: Environ) -> None:
    there = {**environ, "AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-1"}
    put_parameter(there, "/shop/there", HIDDEN)

    assert read("ssm:/shop/there", there) == HIDDEN
    error = refused(lambda: read("ssm:/shop/there", environ), "/shop/there")
    assert outcome(error) == (AwsError, "ssm: ParameterNotFound (HTTP 400)")


def test_a_rotated_secret_is_fetched_when_a_backend_refuses_the_old_one(environ: Environ) -> None:
    put_parameter(environ, "/shop/rotated", "old")
    reader = SecretReader(Secret("ssm:/shop/rotated", environ))
    assert reader.read(soon()) == "old"
    assert reader.refresh("old", soon()) is None

    put_parameter(environ, "/shop/rotated", "new", Overwrite=True)

    assert reader.read(soon()) == "old"
    assert reader.refresh("old", soon()) == "new"
    assert reader.read(soon()) == "new"
    assert reader.refresh("old", soon()) == "new"


# What the reader makes of any answer


class Store:
    """A parameter store with one parameter, or what it answers instead; `opened` lets it answer."""

    def __init__(self, value: str = "one") -> None:
        self.answer = parameter(value)
        self.requests: list[Request] = []
        self.opened = Event()
        self.opened.set()
        self.asked = Event()

    def __call__(self, request: Request) -> Answer:
        self.requests.append(request)
        answer = self.answer
        self.asked.set()
        self.opened.wait(30)
        return answer


def parameter(value: object) -> Answer:
    return Answer.of({"Parameter": {"Value": value}})


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def reader(store: Store) -> Iterator[SecretReader]:
    with answering(store) as url:
        yield SecretReader(Secret("ssm:/name", {**NOWHERE, "AWS_ENDPOINT_URL": url}))


def test_a_value_is_fetched_once(reader: SecretReader, store: Store) -> None:
    assert [reader.read(soon()), reader.read(soon())] == ["one", "one"]
    assert reader.read(soon(-1)) == "one"  # there is nothing to wait for
    assert len(store.requests) == 1


def test_a_failure_is_tried_again_on_the_next_call(reader: SecretReader, store: Store) -> None:
    store.answer = Answer.refusing("AccessDeniedException")
    for _ in range(2):
        error = refused(lambda: reader.read(soon()))
        assert outcome(error) == (AwsError, "ssm: AccessDeniedException (HTTP 400)")

    store.answer = parameter("one")
    assert reader.read(soon()) == "one"
    assert len(store.requests) == 3


def test_a_failed_refresh_leaves_the_value(reader: SecretReader, store: Store) -> None:
    assert reader.read(soon()) == "one"
    store.answer = Answer.refusing("AccessDeniedException")
    assert isinstance(refused(lambda: reader.refresh("one", soon())), AwsError)
    assert reader.read(soon()) == "one"


def test_a_refresh_before_any_read_fetches(reader: SecretReader, store: Store) -> None:
    assert reader.refresh("none", soon()) == "one"
    assert reader.read(soon()) == "one"
    assert len(store.requests) == 1


@pytest.mark.parametrize(
    "answer", [{}, {"Parameter": [HIDDEN]}, {"Parameter": {"Value": [HIDDEN]}}]
)
def test_an_answer_without_a_value_is_told_as_such(
    answer: object, reader: SecretReader, store: Store
) -> None:
    store.answer = Answer.of(answer)
    error = refused(lambda: reader.read(soon()))
    problem = "the answer of the parameter store holds no value"
    assert outcome(error) == (SecretError, problem)


# Threads


def at_once(ask: Callable[[], object], store: Store, threads: int = 8) -> list[Any]:
    """Let threads ask while the store answers none of them; give their results once it does."""
    store.opened.clear()
    together = Barrier(threads + 1)

    def asked() -> object:
        together.wait(30)
        return ask()

    with ThreadPoolExecutor(threads) as pool:
        results = [pool.submit(asked) for _ in range(threads)]
        together.wait(30)
        store.asked.wait(30)
        Event().wait(0.1)  # the others have come as far as they can
        store.opened.set()
        return [result.result() for result in results]


def test_threads_that_read_at_once_make_one_request(reader: SecretReader, store: Store) -> None:
    assert at_once(lambda: reader.read(soon()), store) == ["one"] * 8
    assert len(store.requests) == 1


@pytest.mark.parametrize(("value", "result"), [("two", "two"), ("one", None)])
def test_threads_that_refresh_at_once_make_one_request(
    value: str, result: str | None, reader: SecretReader, store: Store
) -> None:
    assert reader.read(soon()) == "one"
    store.asked.clear()
    store.answer = parameter(value)

    assert at_once(lambda: reader.refresh("one", soon()), store) == [result] * 8
    assert len(store.requests) == 2


def test_threads_whose_fetch_failed_fetch_on_their_own(reader: SecretReader, store: Store) -> None:
    store.answer = Answer.refusing("AccessDeniedException")
    results = at_once(lambda: outcome(refused(lambda: reader.read(soon()))), store, 3)
    assert results == [(AwsError, "ssm: AccessDeniedException (HTTP 400)")] * 3
    assert len(store.requests) == 3


@pytest.mark.parametrize("name", ["read", "refresh"])
def test_nobody_waits_for_another_thread_past_the_own_deadline(
    name: str, reader: SecretReader, store: Store
) -> None:
    store.opened.clear()
    first = Thread(target=lambda: reader.read(soon()))
    first.start()
    assert store.asked.wait(30)

    def ask(deadline: float) -> object:
        return reader.read(deadline) if name == "read" else reader.refresh("one", deadline)

    with at_the_deadline(0.1):
        error = refused(lambda: ask(soon(0.1)))
    past = refused(lambda: ask(soon(-1)))
    store.opened.set()
    first.join()

    told = "no answer before the deadline (connecting)"
    assert [outcome(error), outcome(past)] == [(DeadlineError, told)] * 2
    assert reader.read(soon()) == "one"


def test_a_fetch_that_hangs_is_not_waited_for_but_made_again(
    reader: SecretReader, store: Store
) -> None:
    store.opened.clear()
    first = Thread(target=lambda: reader.read(soon()))
    first.start()
    assert store.asked.wait(30)
    began = monotonic()
    Timer(0.7, store.opened.set).start()  # both are answered then

    assert reader.read(began + 5) == "one"

    first.join()
    assert len(store.requests) == 2


def test_a_fetch_ends_at_the_deadline(reader: SecretReader, store: Store) -> None:
    store.opened.clear()
    assert isinstance(refused(lambda: reader.read(soon(0.1))), DeadlineError)
    store.opened.set()
    assert reader.read(soon()) == "one"


# Without AWS


def test_a_literal_is_its_own_value() -> None:
    reader = SecretReader(Secret(f" {HIDDEN}\n"))
    assert reader.read(soon(-1)) == HIDDEN
    assert [reader.refresh(HIDDEN, soon()), reader.refresh("another", soon())] == [None, None]


def test_a_parameter_needs_a_region() -> None:
    error = refused(lambda: read("ssm:/name", {**NOWHERE, "AWS_REGION": ""}))
    assert outcome(error) == (SecretError, "AWS_REGION: required to call AWS")


def test_the_repr_of_a_reader_holds_nothing(reader: SecretReader) -> None:
    reader.read(soon())
    assert repr(reader).startswith("<cognito_claims.clients.secrets.SecretReader object at 0x")
