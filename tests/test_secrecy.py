"""Secrets are planted wherever one may stand; then everything that is told to anybody is searched for them."""

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from importlib import import_module
from io import StringIO
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from cognito_claims.claims import Claims, Groups
from cognito_claims.errors import SignInError, TokenDenied
from cognito_claims.handlers import (
    pre_token_generation,
    pre_token_generation_from_env,
    user_sync,
    user_sync_from_env,
)
from cognito_claims.invocation.decision import decide
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.registry import load, mark, optional, pure
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.sync.queue import to_message
from cognito_claims.sync.rows import Row
from cognito_claims.sync.users import UserSync
from cognito_claims.sync.worker.handler import Worker
from cognito_claims.sync.worker.redelivery import Redelivery
from cognito_claims.sync.worker.session import HttpSession
from cognito_claims.testing import a_user_event, recorded, recorded_names, to_json
from tests.stand_ins import hasura
from tests.stand_ins import moto as aws
from tests.stand_ins.fauna_wire import Answer, Fault, as_json
from tests.stand_ins.hasura import SECRET as ADMIN_SECRET
from tests.stand_ins.hasura import HasuraServer
from tests.stand_ins.moto import answering
from tests.stand_ins.postgres import Column, Table
from tests.stand_ins.sqs import CREDENTIALS, Queues, client_of

SECRET = "hunter" + "2"  # so that no line of this file holds it, as a traceback would show
EVENTS = [recorded(name) for name in recorded_names("pretoken_")]
EVENT = to_json(a_user_event())
ACME = "acme_of_secrecy"
Told = Callable[[Callable[[], object]], str]


@pytest.fixture
def told(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Give a function that runs something and gives all that anybody could learn of it."""
    with patch.dict(sys.modules):  # an imported runtime client is how the library knows Lambda
        formatter = import_module("awslambdaric.lambda_runtime_log_utils").JsonFormatter()
    logger, stream = logging.getLogger(), StringIO()
    as_json, as_text, raw = (logging.StreamHandler(stream) for _ in range(3))
    as_json.setFormatter(formatter)
    monkeypatch.setattr(raw, "format", lambda record: repr(vars(record)))
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    monkeypatch.setattr(logger, "handlers", [*logger.handlers, as_json, as_text, raw])

    def everything(action: Callable[[], object]) -> str:
        try:
            action()
        except BaseException as error:
            stream.write("".join(_texts(error)))
        printed = capfd.readouterr()
        return stream.getvalue() + printed.out + printed.err

    yield everything
    logging.getLogger("cognito_claims").setLevel(logging.NOTSET)


def _texts(error: BaseException | None) -> Iterator[str]:
    if error is not None:
        yield from (str(error), repr(error), repr(vars(error)), *traceback.format_exception(error))
        yield from _texts(error.__cause__)
        yield from _texts(error.__context__)


def start_and_sign_everybody_in(environ: Mapping[str, str]) -> None:
    handler = pre_token_generation_from_env(environ)
    for event in EVENTS:
        sign_in(handler, event)


def sign_in(handler: Callable[[Any, Any], object], event: object) -> None:
    try:
        handler(event, None)
    except (SignInError, TokenDenied) as error:
        logging.getLogger("outside").warning("raised", exc_info=error)
        logging.getLogger("outside").warning("%s", list(_texts(error)))


GOOD = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura",
    "SURREALDB_NAMESPACE": "acme",
    "SURREALDB_DATABASE": "shop",
    "SURREALDB_ACCESS": "user",
}
NAMES = {
    "COGNITO_CLAIMS": "PLUGINS ON_ERROR DEADLINE_MS SECRET",
    "SURREALDB": "NAMESPACE DATABASE ACCESS TOKEN SCOPE TOKENS ON_ERROR PASSWORD",
    "HASURA": "CLAIMS_FORMAT DEFAULT_ROLE ALLOWED_ROLES GROUP_ROLES SESSION_VARIABLES TOKENS"
    " ON_ERROR ADMIN_SECRET SYNC_ADMIN_SECRET GRAPHQL_JWT_SECRET",
}  # all but the claims namespace, which the log names, and the user id's, which a refusal names
VARIABLES = [f"{prefix}_{name}" for prefix, names in NAMES.items() for name in names.split()]
SHAPES = [
    "{}",
    " {} ",
    "{},{}",
    "user,{}",
    "{},,none",
    "id,{}",
    "{}={}",
    "a={},b",
    "editors={}",
    "{}=user",
    "x-hasura-a={}",
    "x-hasura-{}=email",
    "x-hasura-role={}",
    "hasura,x={}:f",
    "hasura,x=json.{}:f",
    "hasura,x=json:{}",
    "hasura,x=json:dumps.{}",
    "hasura,{}",
]


def test_what_is_planted_is_found_where_it_is_told(told: Told) -> None:
    def telling() -> None:
        logging.getLogger("cognito_claims").debug("told", extra={"it": [SECRET]})

    def raising() -> None:
        raise SignInError("x") from ValueError(SECRET)

    for action in (telling, raising, lambda: sys.stderr.write(SECRET)):
        assert SECRET in told(action)


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_setting_is_never_told(variable: str, told: Told) -> None:
    for shape in SHAPES:
        environ = {**GOOD, variable: shape.replace("{}", SECRET)}
        assert SECRET not in told(lambda: start_and_sign_everybody_in(environ)), shape  # noqa: B023  (called at once)


def test_settings_that_are_all_wrong_are_not_told(told: Told) -> None:
    for plugins in ("surrealdb,hasura", SECRET):
        environ = {**dict.fromkeys(VARIABLES, SECRET), "COGNITO_CLAIMS_PLUGINS": plugins}

        assert SECRET not in told(lambda: pre_token_generation_from_env(environ))  # noqa: B023  (called at once)
        assert SECRET not in told(lambda: load(environ))  # noqa: B023  (called at once)


def test_settings_that_are_right_are_in_no_repr(told: Told) -> None:
    configuration = load(
        {
            **GOOD,
            **{v: SECRET for v in VARIABLES if v.startswith("SURREALDB_") and v in GOOD},
            "HASURA_DEFAULT_ROLE": SECRET,
            "HASURA_GROUP_ROLES": f"{SECRET}={SECRET}",
            "HASURA_SESSION_VARIABLES": f"x-hasura-{SECRET}={SECRET}",
            "HASURA_CLAIMS_NAMESPACE": SECRET,
            "HASURA_USER_ID_ATTRIBUTE": SECRET,
        }
    )
    decision = decide(EVENT, configuration.plugins, 0)
    shown = [configuration, *configuration.plugins.values(), decision, *decision.outcomes.values()]
    shown += [marked.plugin for marked in configuration.plugins.values()]

    assert SECRET not in repr(shown)
    assert told(lambda: None) == ""


def test_an_attribute_that_names_the_user_is_told_by_name_only(told: Told) -> None:
    environ = {**GOOD, "HASURA_USER_ID_ATTRIBUTE": "custom:tenant_id"}
    event = deepcopy(EVENT)
    event["request"]["userAttributes"]["custom:tenant"] = SECRET
    handler = pre_token_generation_from_env(environ)

    text = told(lambda: sign_in(handler, event))

    assert "This account lacks an attribute that the sign-in needs verified." in text
    assert SECRET not in text


FULL = recorded("pretoken_v3_Authentication_clientMetadata")
LOGGED = [("triggerSource",), ("callerContext", "clientId")]


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    members: list[tuple[Any, object]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    for key, member in members:
        yield from places(member, (*path, key))


def with_planted(path: tuple[Any, ...], planted: object, full: object = FULL) -> Any:
    root: dict[str, Any] = {"event": deepcopy(full)}
    inner: Any = root
    *above, last = ("event", *path)
    for key in above:
        inner = inner[key]
    inner[last] = planted
    return root["event"]


@pytest.mark.parametrize(
    "path",
    [path for path in places(FULL) if path not in LOGGED],
    ids=lambda path: ".".join(map(str, path)),
)
def test_what_an_event_holds_is_never_told(path: tuple[Any, ...], told: Told) -> None:
    handler = pre_token_generation(
        hasura=HasuraClaims(
            user_id_attribute="email",
            session_variables={"x-hasura-a": "custom:tenant_id", "x-hasura-b": "cognito:groups"},
        ),
        surrealdb=SurrealDBClaims(namespace="a", database="b", access="c"),
        groups=lambda event: Claims(groups=Groups(event.groups, event.iam_roles)),
        broken=optional(lambda event: 1 / len(repr(event)[:0])),  # type: ignore[arg-type]  # wrong on purpose
    )
    for planted in (SECRET, [SECRET], {"a": SECRET}, [{"a": [SECRET]}]):
        event = with_planted(path, planted)
        assert SECRET not in told(lambda: sign_in(handler, event)), planted  # noqa: B023  (called at once)


def test_a_trigger_source_of_no_trigger_is_not_told(told: Told) -> None:
    handler = pre_token_generation(nothing=lambda _: Claims())

    assert SECRET not in told(lambda: sign_in(handler, {**EVENT, "triggerSource": SECRET}))


class TellingError(Exception):
    """Says the secret however it is asked."""

    def __str__(self) -> str:
        return SECRET

    __repr__ = __str__


def an_error(kind: type[BaseException], *args: object) -> BaseException:
    error = kind(*args)
    error.add_note(SECRET)
    error.__cause__ = ValueError(SECRET)
    return error


ERRORS = [
    an_error(ValueError, SECRET),
    an_error(KeyError, SECRET, {SECRET: SECRET}),
    an_error(OSError, 2, SECRET, SECRET),
    an_error(ImportError, SECRET),
    an_error(UnicodeDecodeError, "utf-8", SECRET.encode(), 0, 1, SECRET),
    an_error(SyntaxError, SECRET, (SECRET, 1, 1, SECRET)),
    an_error(SignInError, SECRET),
    an_error(ExceptionGroup, SECRET, [ValueError(SECRET)]),
    an_error(SystemExit, SECRET),
    an_error(KeyboardInterrupt, SECRET),
    an_error(TellingError),
]


def raising(error: BaseException) -> Callable[[Any], Any]:
    def plugin(_: object) -> Any:
        raise error

    return plugin


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("wrap", [mark, pure, optional])
def test_what_a_plugin_raises_is_never_told(
    error: BaseException, wrap: Callable[[Any], Any], told: Told
) -> None:
    handler = pre_token_generation(x=wrap(raising(error)))

    text = told(lambda: sign_in(handler, EVENT))

    assert f"plugin x: {type(error).__name__} at " in text
    assert SECRET not in text


def test_what_a_plugin_raises_too_late_is_never_told(told: Told) -> None:
    gate, threads = threading.Event(), []

    def late(_: object) -> Claims:
        threads.append(threading.current_thread())
        gate.wait()
        raise ValueError(SECRET)

    def giving_up() -> None:
        sign_in(pre_token_generation(x=late, deadline_ms=10), EVENT)
        gate.set()
        threads[0].join()

    text = told(giving_up)

    assert "plugin x: no answer before the deadline" in text
    assert SECRET not in text


def test_what_denied_a_token_is_told_by_its_reason_only(told: Told) -> None:
    handler = pre_token_generation(x=raising(an_error(TokenDenied, "Not now.")))

    text = told(lambda: sign_in(handler, EVENT))

    assert "Not now." in text
    assert SECRET not in text


ANSWERS: list[Any] = [
    SECRET,
    {"plan": SECRET},
    [SECRET],
    Claims(id_token={"plan": SECRET}),  # type: ignore[arg-type]  # wrong on purpose
    Claims.adding({"sub": SECRET}),
    Claims.adding({"plan": SECRET}, to={"access"}),
    Claims.adding({"aud": SECRET}, to={"access"}),
    Claims.adding({"email_verified": {"a": SECRET}}),
    Claims.adding({"plan": {"a": {SECRET, 1}}}),  # type: ignore[dict-item]  # wrong on purpose
    Claims.adding({"plan": [[SECRET]]}),
    Claims.adding({"plan": [SECRET, float("nan")]}),
    Claims.adding({"plan": {"a": SECRET, "b": ValueError(SECRET)}}),  # type: ignore[dict-item]  # wrong on purpose
    Claims.adding({"plan": SECRET + "\ud800"}),
    Claims.adding({"plan": {SECRET: "\ud800"}}),
    Claims.adding({"plan": {SECRET: SECRET}, "other": [SECRET]}),
    Claims(groups=Groups((SECRET,), (SECRET,), SECRET)),
    Claims(groups=(SECRET,)),  # type: ignore[arg-type]  # wrong on purpose
]


@pytest.mark.parametrize("returned", ANSWERS, ids=range(len(ANSWERS)))
@pytest.mark.parametrize("version", ["1", "2"])
def test_what_a_plugin_returns_is_never_told(returned: Any, version: str, told: Told) -> None:
    event = to_json(a_user_event(version=version))
    alone = pre_token_generation(x=lambda _: returned)
    twice = pre_token_generation(x=lambda _: returned, y=lambda _: returned)

    for handler in (alone, twice):
        assert SECRET not in told(lambda: sign_in(handler, event))  # noqa: B023  (called at once)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_a_factory_raises_is_never_told(
    error: BaseException, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = ModuleType(ACME)
    vars(acme)["factory"] = raising(error)
    monkeypatch.setitem(sys.modules, ACME, acme)
    environ = {**GOOD, "COGNITO_CLAIMS_PLUGINS": f"hasura,x={ACME}:factory"}

    text = told(lambda: pre_token_generation_from_env(environ))

    assert "no handler can be made: " in text
    assert f"{type(error).__name__} at " in text
    assert SECRET not in text


SOURCES = [
    "raise ValueError(SECRET)",
    "raise ImportError(SECRET)",
    "raise ValueError from KeyError(SECRET)",
    "import os, nothing_of_this_name as os",
    "SECRET !",
    "from cognito_claims import TokenDenied; raise TokenDenied(SECRET)",
]


@pytest.mark.parametrize(
    "source",
    [
        *SOURCES,
        "__import__(SECRET)",
        "raise SystemExit(SECRET)",
    ],
)
def test_what_a_module_raises_is_never_told(
    source: str, told: Told, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme_of_secrecy_loud.py").write_text(f"SECRET = {SECRET!r}\n{source}\n")
    monkeypatch.syspath_prepend(tmp_path)
    plugins = "hasura,x=acme_of_secrecy_loud:f"
    environ = {**GOOD, "COGNITO_CLAIMS_PLUGINS": plugins, "ACME_DRIVER": SECRET}

    text = told(lambda: pre_token_generation_from_env(environ))

    assert "Sign-in could not be completed [" in text
    assert SECRET not in text


SYNCED = recorded("postauth_Authentication_clientMetadata")
SYNC_NAMES = {
    "USER_SYNC": "SINKS ON_ERROR DEADLINE_MS QUEUE_URL SECRET",
    "HASURA_SYNC": "URL ADMIN_SECRET ROLE BACKEND_ONLY TABLE CONSTRAINT COLUMNS UPDATE_COLUMNS"
    " VERSION_COLUMN ON_ERROR SECRET",
}
SYNC_SHAPES = [
    *("{}", " {} ", "{},{}", "hasura,{}", "{}=sub", "id=sub,{}=email", "id=sub,username={}"),
    *("id=sub,{}={}", "ssm:/{}", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:{}"),
    *("{}://127.0.0.1", "http://{}@127.0.0.1:1", "http://127.0.0.1:{}", "http://127.0.0.1:1/{}?{}"),
    "http://127.0.0.1:1/1/{}",
]
TYPED = Table(
    columns={"id": Column("uuid", is_nullable=False), "username": Column(), "email": Column()},
    constraints={"users_pkey": ("id",), "users_email_key": ("email",)},
)
TELLING = {"message": SECRET, "extensions": {"code": SECRET, "path": SECRET, "internal": SECRET}}
TELLING_FAULTS = {
    "an error": as_json(200, {"errors": [TELLING]}),
    "a status": as_json(503, {"error": SECRET, "code": SECRET}),
    "another shape": as_json(200, {"data": {SECRET: [SECRET]}, "errors": {SECRET: SECRET}}),
    "a body": Answer(400, SECRET.encode()),
    "a header": Answer(200, b"{}", (f"Content-Type: {SECRET}", f"{SECRET}: {SECRET}")),
    "no header": Answer(200, b"{}", (SECRET,)),
}


def sync_environ(url: str) -> dict[str, str]:
    sink = {"HASURA_SYNC_URL": url, "HASURA_SYNC_ADMIN_SECRET": ADMIN_SECRET}
    return {"USER_SYNC_SINKS": "hasura", "HASURA_SYNC_COLUMNS": "id=sub,email=email", **sink}


@pytest.mark.parametrize(
    "variable",
    [f"{prefix}_{name}" for prefix, names in SYNC_NAMES.items() for name in names.split()],
)
def test_a_setting_of_a_user_sync_is_never_told(variable: str, told: Told, dsn: str) -> None:
    def start_and_sign_in(environ: Mapping[str, str]) -> None:
        sign_in(user_sync_from_env(environ), SYNCED)

    with HasuraServer(dsn) as server:
        for shape in SYNC_SHAPES:
            environ = {**sync_environ(server.url), variable: shape.replace("{}", SECRET)}
            text = told(lambda: start_and_sign_in(environ))  # noqa: B023  (called at once)
            assert "user sync: " in text or "wrong setting: " in text, shape
            assert SECRET not in text, shape


@pytest.mark.parametrize(
    "path",
    [path for path in places(SYNCED) if path not in LOGGED],
    ids=lambda path: ".".join(map(str, path)),
)
def test_what_an_event_of_a_user_sync_holds_is_never_told(
    path: tuple[Any, ...], told: Told, dsn: str
) -> None:
    with HasuraServer(dsn, table=TYPED) as server:
        columns = {"id": "sub", "username": "userName", "email": "email"}
        sink = HasuraUsers(url=server.url, admin_secret=ADMIN_SECRET, columns=columns)
        handler = user_sync(first=optional(UserSync(sink)), x=UserSync(sink))
        for planted in (SECRET, [SECRET], {"a": SECRET}, [{"a": [SECRET]}]):
            event = with_planted(path, planted, SYNCED)
            text = told(lambda: sign_in(handler, event))  # noqa: B023  (called at once)
            assert "user sync: " in text
            assert SECRET not in text, planted


@pytest.mark.parametrize("policy", ["allow", "deny"])
def test_an_email_that_is_anothers_is_never_told(policy: str, told: Told, dsn: str) -> None:
    with HasuraServer(dsn) as server:
        handler = user_sync_from_env({**sync_environ(server.url), "USER_SYNC_ON_ERROR": policy})
        text = ""
        for sub in ("one", f"{SECRET}-two"):
            event = with_planted(("request", "userAttributes", "email"), SECRET, SYNCED)
            event["request"]["userAttributes"]["sub"] = sub
            text = told(lambda: sign_in(handler, event))  # noqa: B023  (called at once)

    assert "Hasura: constraint-violation (HTTP 200)" in text
    assert SECRET not in text


@pytest.mark.parametrize("answer", TELLING_FAULTS.values(), ids=TELLING_FAULTS)
@pytest.mark.parametrize("policy", ["allow", "deny"])
def test_what_hasura_answers_is_never_told(
    answer: Answer, policy: str, told: Told, dsn: str
) -> None:
    with HasuraServer(dsn) as server:
        settings = {"USER_SYNC_ON_ERROR": policy, "USER_SYNC_DEADLINE_MS": "400"}
        handler = user_sync_from_env({**sync_environ(server.url), **settings})
        server.faults += [Fault(lambda _: [answer.wire])] * 2
        text = told(lambda: sign_in(handler, SYNCED))

    assert "plugin hasura: " in text
    assert SECRET not in text


def test_an_admin_secret_is_never_told(told: Told, dsn: str) -> None:
    with HasuraServer(dsn) as server:
        environ = {**sync_environ(server.url), "HASURA_SYNC_ADMIN_SECRET": SECRET}
        text = told(lambda: sign_in(user_sync_from_env(environ), SYNCED))
        sink = HasuraUsers(url=server.url, admin_secret=SECRET)
        assert [r.headers["X-Hasura-Admin-Secret"] for r in server.requests] == [SECRET]

    assert "Hasura: access-denied (HTTP 200)" in text
    assert SECRET not in f"{text} {sink!r} {UserSync(sink)!r} {vars(sink)!r}"


def test_who_is_synced_well_is_not_told_either(told: Told, dsn: str) -> None:
    with HasuraServer(dsn) as server:
        handler = user_sync_from_env(sync_environ(server.url))
        text = told(lambda: sign_in(handler, SYNCED))
        assert len(server.rows()) == 1

    told_of = [*SYNCED["request"]["userAttributes"].values(), SYNCED["userName"], ADMIN_SECRET]
    assert "user sync: done" in text
    values = [value for value in told_of if value not in ("true", "CONFIRMED", "acme")]
    assert [value for value in values if value in text] == []


# The queue and its worker


SQS_ANSWERS = {
    "an error": aws.Answer.refusing("AccessDeniedException"),
    "a code": aws.Answer.refusing(SECRET),
    "a status": aws.Answer.refusing(SECRET, 503),
    "a body": aws.Answer(200, SECRET.encode()),
    "no message": aws.Answer.of({SECRET: SECRET}),
    "nothing": aws.SILENCE,
}


@pytest.mark.parametrize("answer", SQS_ANSWERS.values(), ids=SQS_ANSWERS)
@pytest.mark.parametrize("policy", ["allow", "deny"])
def test_what_sqs_answers_is_never_told(answer: aws.Answer, policy: str, told: Told) -> None:
    event = with_planted(("request", "userAttributes", "sub"), SECRET, SYNCED)
    nobody = sync_environ("http://127.0.0.1:1")
    with answering(lambda _: answer) as url:
        sqs = {**CREDENTIALS, "AWS_ENDPOINT_URL": url, "USER_SYNC_QUEUE_URL": f"{url}1/{SECRET}"}
        for sinks in ("hasura", "queue", "hasura,queue"):
            settings = {"USER_SYNC_SINKS": sinks, "USER_SYNC_ON_ERROR": policy}
            handler = user_sync_from_env({**nobody, **sqs, **settings})
            text = told(lambda: sign_in(handler, event))  # noqa: B023  (called at once)
            assert "user sync: " in text
            assert SECRET not in text


@pytest.mark.usefixtures("as_in_lambda")
@pytest.mark.parametrize("sinks", ["hasura", "queue"])
def test_who_is_put_into_the_queue_is_not_told(sinks: str, told: Told, moto: str) -> None:
    queues = Queues(moto)
    environ = {**sync_environ("http://127.0.0.1:1"), **queues.environ, "USER_SYNC_SINKS": sinks}
    event = with_planted(("request", "userAttributes", "email"), SECRET, SYNCED)
    event["request"]["userAttributes"]["sub"] = f"{SECRET}-sub"
    text = told(lambda: sign_in(user_sync_from_env(environ), event))

    assert [SECRET in body for body in queues.bodies()] == [True]
    assert "user sync: done" in text
    assert [value for value in (SECRET, queues.url, ADMIN_SECRET) if value in text] == []


@pytest.fixture
def as_in_lambda(own_logger: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all tell everything but the libraries that send a message's body: nobody has set a level for them."""
    del own_logger
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
    for name in ("boto3", "botocore"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.WARNING)


def planted(sub: str, second: int = 0, email: str = f"{SECRET}@example.com") -> str:
    values = {"id": f"{sub}-{SECRET}", "username": SECRET, "email": email}
    return to_message(Row(values, f"2026-01-01T12:00:{second:02}.000000Z"))


PLANTED = [
    *(planted("ada", second) for second in range(3)),
    *(planted("ben", second, f"{second}{SECRET}") for second in range(2)),
    planted("eve", email=f"{SECRET}\x00"),
    planted("zoe", email=f"{SECRET}\ud800"),
    *(SECRET, f'{{"{SECRET}": "{SECRET}"}}', planted("dan")[:-1]),
]


def answering_with(answer: Answer) -> Fault:
    return Fault(lambda _: [answer.wire])


WORKER_FAULTS = {
    "none": [],
    "down": [hasura.error("postgres-error")] * 2,
    "reset": [hasura.reset_unexecuted] * 2,
    "secret": [hasura.error("access-denied")],
    **{name: [answering_with(answer)] * 2 for name, answer in TELLING_FAULTS.items()},
}


class Context(NamedTuple):
    """Lambda's, when there is little time left."""

    milliseconds: int = 4000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.mark.usefixtures("as_in_lambda")
@pytest.mark.parametrize("faults", WORKER_FAULTS.values(), ids=WORKER_FAULTS)
@pytest.mark.parametrize("most_receives", [1, 5])
def test_what_a_message_holds_is_never_told_by_the_worker(
    faults: list[Fault], most_receives: int, told: Told, dsn: str, moto: str
) -> None:
    columns = {"id": "sub", "username": "userName", "email": "email"}
    queues = Queues(moto, most_receives=most_receives)
    queues.send(*PLANTED)
    event = queues.event()
    with HasuraServer(dsn) as server:
        users = HasuraUsers(url=server.url, admin_secret=ADMIN_SECRET, columns=columns)
        users.http = HttpSession(users.url)
        server.faults += faults
        text = told(lambda: Worker(users, Redelivery(queues.sqs))(event, Context()))

    assert '"message":"user sync"' in text
    assert '"reason":"malformed"' in text
    assert [value for value in (SECRET, ADMIN_SECRET) if value in text] == []


@pytest.mark.usefixtures("as_in_lambda")
@pytest.mark.parametrize("name", ["an error", "nothing"])
def test_what_sqs_answers_is_never_told_by_the_worker(
    name: str, told: Told, dsn: str, moto: str
) -> None:
    queues = Queues(moto)
    queues.send(*PLANTED)
    event = queues.event()
    with HasuraServer(dsn) as server, answering(lambda _: SQS_ANSWERS[name]) as url:
        users = HasuraUsers(url=server.url, admin_secret=ADMIN_SECRET)
        text = told(lambda: Worker(users, Redelivery(client_of(url)))(event, Context()))

    assert "SQS failed" in text
    assert [value for value in (SECRET, ADMIN_SECRET) if value in text] == []
