"""A sync that failed is in the queue before the deadline, and the sign-in goes on; or every sync is, where that is the sink."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from threading import Event
from time import monotonic, sleep, time
from typing import Any

import pytest

from cognito_claims.claims import Claims
from cognito_claims.errors import SettingsError, SignInError
from cognito_claims.handlers import (
    Handler,
    pre_token_generation_from_env,
    user_sync,
    user_sync_from_env,
)
from cognito_claims.registry import load, optional
from cognito_claims.sync import from_env as sinks
from cognito_claims.sync.queue import UserQueue
from cognito_claims.sync.rows import Row
from cognito_claims.sync.users import UserSync
from cognito_claims.sync.worker.messages import from_message
from cognito_claims.testing import a_post_authentication_event, a_user_event, recorded
from tests.stand_ins import fauna_wire, hasura
from tests.stand_ins.fauna_wire import Fault
from tests.stand_ins.hasura import SECRET, HasuraServer
from tests.stand_ins.moto import Answer, Request, answering
from tests.stand_ins.sqs import CREDENTIALS, Queues

JANE = {"id": "a1b2c3d4-5678-90ab-cdef-111122223333", "username": "jane.doe"}
GOOGLE = "b2c3d4e5-6789-01bc-def0-222233334444"
COLUMNS = {"id": "sub", "username": "userName"}
EMAIL = {"HASURA_SYNC_COLUMNS": "id=sub,email=email", "HASURA_SYNC_UPDATE_COLUMNS": "email"}
NOBODY_LISTENS = "http://127.0.0.1:1/v1/graphql"
ONLY_QUEUE = {"USER_SYNC_SINKS": "queue", "USER_SYNC_QUEUE_URL": "http://127.0.0.1:1/1/users"}
NEUTRAL = "Sign-in could not be completed [{}]"
SECONDS = 1.0  # a deadline that a test can wait for, and moto can keep
DEADLINE = {"USER_SYNC_DEADLINE_MS": str(int(SECONDS * 1000))}
TOLD_OF_JANE = [*JANE.values(), "jane.doe@example.com", "Jane"]
POLICIES = pytest.mark.parametrize("policy", ["allow", "deny"])


@pytest.fixture(autouse=True)
def outside_of_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "awslambdaric", raising=False)


@pytest.fixture
def server(dsn: str) -> Iterator[HasuraServer]:
    with HasuraServer(dsn) as server:
        yield server


@pytest.fixture
def queues(moto: str) -> Queues:
    return Queues(moto)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "cognito_claims")
    return caplog


class Rows:
    """A sink that keeps what it is given, until it is told to fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.columns: Mapping[str, str] = COLUMNS
        self.error = error
        self.written: list[Row] = []
        self.left: list[float] = []
        self.prepared = 0

    def prepare(self, *, deadline: float) -> None:
        assert deadline > monotonic()
        self.prepared += 1

    def write(self, rows: Sequence[Row], *, deadline: float) -> None:
        self.left.append(deadline - monotonic())
        if self.error is not None:
            raise self.error
        self.written += rows


def environ_for(url: str, queues: Queues | None, **more: str) -> dict[str, str]:
    sink = {"HASURA_SYNC_URL": url, "HASURA_SYNC_ADMIN_SECRET": SECRET}
    return {"USER_SYNC_SINKS": "hasura", **sink, **(queues.environ if queues else {}), **more}


def handler_for(url: str, queues: Queues, **more: str) -> Handler:
    return user_sync_from_env(environ_for(url, queues, **more))


def signing_in(name: str = "postauth_Authentication") -> dict[str, Any]:
    return recorded(name)


def rows_in(queues: Queues, columns: Mapping[str, str] = COLUMNS) -> list[Row]:
    read = [from_message(body, columns, now=time()) for body in queues.bodies()]
    assert all(isinstance(row, Row) for row in read)
    return [row for row in read if isinstance(row, Row)]


def values_in(queues: Queues, columns: Mapping[str, str] = COLUMNS) -> list[Any]:
    return [row.values for row in rows_in(queues, columns)]


def refusal(handler: Handler, event: object) -> str:
    with pytest.raises(SignInError) as raised:
        handler(event, None)
    return str(raised.value)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what is logged, without the places, which hold paths and line numbers."""
    found = [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
    assert [
        value for value in TOLD_OF_JANE if value in repr([vars(r) for r in caplog.records])
    ] == []
    return [re.sub(r" at \S+:\d+ in \w+", "", line) for line in found]


def problems(load: Callable[[Mapping[str, str]], object], environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(environ)
    return [str(problem) for problem in raised.value.problems]


# What Hasura does not take


FAILING: dict[str, tuple[list[Fault], str]] = {
    "resets": ([hasura.reset_unexecuted] * 2, r"TransportError: .+ \(.+\)"),
    "hangs": ([fauna_wire.hang], r"DeadlineError: no answer before the deadline \(.+\)"),
    "drips": ([fauna_wire.drip_body(0.05, endless=True)], r"DeadlineError: .+ \(.+\)"),
    "503": ([hasura.status(503)] * 2, r"HasuraError: Hasura: unknown \(HTTP 503\)"),
    "no database": (
        [hasura.error("postgres-error")] * 2,
        r"HasuraError: Hasura: postgres-error \(HTTP 200\)",
    ),
    "refused": (
        [hasura.error("constraint-violation")],
        r"HasuraError: Hasura: constraint-violation \(HTTP 200\)",
    ),
    "no permission": (
        [hasura.error("permission-error")],
        r"HasuraError: Hasura: permission-error \(HTTP 200\)",
    ),
    "no data": ([hasura.null_data], r"HasuraError: Hasura: unknown \(HTTP 200\)"),
    "no JSON": ([fauna_wire.html], r"HasuraError: Hasura: unknown \(HTTP 200\)"),
}


@pytest.mark.parametrize("kind", FAILING)
@POLICIES
def test_what_hasura_does_not_take_is_in_the_queue_and_the_sign_in_goes_on(
    server: HasuraServer, queues: Queues, log: pytest.LogCaptureFixture, kind: str, policy: str
) -> None:
    faults, told = FAILING[kind]
    handler = handler_for(server.url, queues, USER_SYNC_ON_ERROR=policy, **DEADLINE)
    server.faults += faults
    event = signing_in()

    began, at = monotonic(), time()
    assert handler(event, None) is event
    took = monotonic() - began

    assert event == signing_in()
    (row,) = rows_in(queues)
    assert row is not None
    assert row.values == JANE
    assert -0.001 < datetime.fromisoformat(row.at).timestamp() - at < SECONDS
    warning, done = lines(log)
    assert re.fullmatch(rf"WARNING put into the queue: {told}", warning)
    assert done == "INFO user sync: done"
    assert took < SECONDS
    assert len(server.rows()) == (1 if kind == "drips" else 0)  # it is written, and comes again


@POLICIES
def test_where_nobody_listens_the_queue_takes_it(
    queues: Queues, log: pytest.LogCaptureFixture, policy: str
) -> None:
    event = signing_in()

    assert handler_for(NOBODY_LISTENS, queues, USER_SYNC_ON_ERROR=policy)(event, None) is event
    assert values_in(queues) == [JANE]
    assert lines(log)[0].startswith("WARNING put into the queue: TransportError: ")


@pytest.mark.parametrize("error", [ValueError("jane.doe"), KeyError("jane.doe"), OSError(2, "x")])
def test_whatever_a_sink_of_ones_own_raises_the_queue_takes_it(
    queues: Queues, log: pytest.LogCaptureFixture, error: Exception
) -> None:
    queue = UserQueue(queue_url=queues.url, columns=COLUMNS, environ=queues.environ)
    handler = user_sync(users=UserSync(Rows(error), queue=queue))

    handler(signing_in(), None)

    assert values_in(queues) == [JANE]
    warning = f"WARNING put into the queue: {type(error).__name__}"
    assert lines(log) == [warning, "INFO user sync: done"]


def test_a_sink_that_would_end_the_process_loses_nobody() -> None:
    class Ends(Rows):
        def write(self, rows: Sequence[Row], *, deadline: float) -> None:
            raise SystemExit(f"{rows} {deadline}")

    queue = Rows()
    UserSync(Ends(), queue=queue)(a_post_authentication_event())
    assert len(queue.written) == 1


def test_a_sink_that_knows_no_deadline_loses_nobody() -> None:
    class Resolves(Rows):
        def write(self, rows: Sequence[Row], *, deadline: float) -> None:  # noqa: ARG002  (that is it)
            sleep(1.5)

    queue = Rows()
    began = monotonic()
    user_sync(deadline_ms=800, users=UserSync(Resolves(), queue=queue))(signing_in(), None)

    assert monotonic() - began < 1
    assert len(queue.written) == 1


def test_a_process_without_a_thread_left_loses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Thread:
        def __init__(self, **_: object) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr("cognito_claims.sync.users.Thread", Thread)
    queue = Rows()
    UserSync(Rows(), queue=queue)(a_post_authentication_event())

    assert len(queue.written) == 1


def test_what_the_queue_fails_to_take_is_told_as_not_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sync = UserSync(Rows(ValueError("hunter2")), queue=Rows(ValueError("hunter3")))
    user_sync(users=optional(sync))(signing_in(), None)

    told = [record.getMessage() for record in caplog.records]
    assert told[0].startswith("not written: ValueError at ")
    assert told[0].endswith("; the queue failed too")
    assert "put into" not in caplog.text
    assert "hunter" not in caplog.text


def test_while_all_is_well_nothing_is_in_the_queue(server: HasuraServer, queues: Queues) -> None:
    handler_for(server.url, queues)(signing_in(), None)

    assert [row["id"] for row in server.rows()] == [JANE["id"]]
    assert queues.bodies() == []


def test_another_users_email_is_in_the_queue_for_the_worker_to_tell(
    server: HasuraServer, queues: Queues
) -> None:
    handler = handler_for(server.url, queues, USER_SYNC_ON_ERROR="deny", **EMAIL)
    handler(signing_in("postauth_Authentication_federated"), None)
    handler(signing_in(), None)

    email = {"id": JANE["id"], "email": "jane.doe@example.com"}
    assert values_in(queues, {"id": "sub", "email": "email"}) == [email]
    assert [row["id"] for row in server.rows()] == [GOOGLE]


def test_a_pre_token_generation_trigger_falls_back_to_the_queue_too(
    server: HasuraServer, queues: Queues
) -> None:
    environ = environ_for(server.url, queues, USER_SYNC_ON_ERROR="deny")
    server.faults.append(hasura.error("validation-failed"))
    event = recorded("pretoken_v2_Authentication")

    pre_token_generation_from_env({"COGNITO_CLAIMS_PLUGINS": "user_sync", **environ})(event, None)

    assert values_in(queues) == [
        {"id": event["request"]["userAttributes"]["sub"], "username": event["userName"]}
    ]


# When the queue does not take it either


def test_when_the_queue_fails_too_the_sign_in_goes_on_where_that_is_the_policy(
    queues: Queues, log: pytest.LogCaptureFixture
) -> None:
    event = signing_in()
    handler = handler_for(NOBODY_LISTENS, queues, USER_SYNC_QUEUE_URL=f"{queues.url}-no")

    assert handler(event, None) is event
    assert lines(log)[1:] == [
        "WARNING not synced: plugin hasura: AwsError: sqs: QueueDoesNotExist (HTTP 400) [plugin-failed]",
        "INFO user sync: failed",
    ]


def test_when_the_queue_fails_too_the_sign_in_is_refused_where_that_is_the_policy(
    queues: Queues, log: pytest.LogCaptureFixture
) -> None:
    wrong = {"USER_SYNC_QUEUE_URL": f"{queues.url}-no", "USER_SYNC_ON_ERROR": "deny"}

    assert refusal(handler_for(NOBODY_LISTENS, queues, **wrong), signing_in()) == NEUTRAL.format(
        "plugin-failed"
    )
    assert lines(log)[-1] == "INFO user sync: refused"


@POLICIES
def test_when_both_hang_nobody_waits_beyond_the_deadline(
    server: HasuraServer, log: pytest.LogCaptureFixture, policy: str
) -> None:
    over = Event()

    def hang(_: Request) -> Answer:
        over.wait(30)
        return Answer(500, b"")

    server.faults.append(fauna_wire.hang)
    event = signing_in()
    with answering(hang) as url:
        own = {**CREDENTIALS, "AWS_ENDPOINT_URL": url, "USER_SYNC_QUEUE_URL": f"{url}1/users"}
        handler = user_sync_from_env(
            environ_for(server.url, None, USER_SYNC_ON_ERROR=policy, **own, **DEADLINE)
        )
        began = monotonic()
        if policy == "allow":
            assert handler(event, None) is event
        else:
            assert refusal(handler, event) == NEUTRAL.format("deadline")
        took = monotonic() - began
        over.set()

    assert SECONDS - 0.2 < took < SECONDS + 0.2
    assert "plugin hasura: no answer before the deadline" in lines(log)[1]


def test_a_sink_has_three_quarters_of_the_time_and_the_queue_what_is_left() -> None:
    sink, queue = Rows(ValueError()), Rows()
    user_sync(users=UserSync(sink, queue=queue), deadline_ms=1000)(signing_in(), None)

    (of_sink,), (of_queue,) = sink.left, queue.left
    assert 0.6 < of_sink < 0.75
    assert of_sink + 0.2 < of_queue < 1
    assert [row.values for row in queue.written] == [JANE]


def test_without_a_queue_a_sink_has_all_of_the_time() -> None:
    sink = Rows()
    UserSync(sink)(a_post_authentication_event())

    assert sink.left == [pytest.approx(4, abs=0.05)]


def test_what_is_fetched_ahead_is_the_sinks() -> None:
    sink, queue = Rows(), Rows()
    UserSync(sink, queue=queue).prepare()

    assert sink.prepared == 1


# The sink queue


@POLICIES
def test_as_a_sink_the_queue_takes_every_sync_and_needs_nothing_of_hasura(
    queues: Queues, log: pytest.LogCaptureFixture, policy: str
) -> None:
    environ = {**queues.environ, "USER_SYNC_SINKS": "queue", "USER_SYNC_ON_ERROR": policy}
    handler = user_sync_from_env(environ)
    for name in ("postconfirmation_ConfirmSignUp", "postauth_Authentication"):
        event = signing_in(name)
        assert handler(event, None) is event

    assert values_in(queues) == [JANE] * 2
    assert lines(log) == ["INFO user sync: done"] * 2


def test_a_password_reset_puts_nothing_into_the_queue(queues: Queues) -> None:
    handler = user_sync_from_env({**queues.environ, "USER_SYNC_SINKS": "queue"})
    handler(signing_in("postconfirmation_ConfirmForgotPassword"), None)

    assert queues.bodies() == []


def test_as_a_sink_the_queue_takes_the_columns_that_are_hasuras(queues: Queues) -> None:
    environ = {**queues.environ, **EMAIL, "USER_SYNC_SINKS": "queue"}
    user_sync_from_env(environ)(signing_in(), None)

    email = {"id": JANE["id"], "email": "jane.doe@example.com"}
    assert values_in(queues, {"id": "sub", "email": "email"}) == [email]


def test_as_a_sink_a_queue_that_fails_does_what_the_policy_says(
    queues: Queues, log: pytest.LogCaptureFixture
) -> None:
    environ = {
        **queues.environ,
        "USER_SYNC_SINKS": "queue",
        "USER_SYNC_QUEUE_URL": f"{queues.url}-no",
    }
    event = signing_in()
    told = "plugin queue: AwsError: sqs: QueueDoesNotExist (HTTP 400) [plugin-failed]"

    assert user_sync_from_env(environ)(event, None) is event
    assert lines(log) == [f"WARNING not synced: {told}", "INFO user sync: failed"]
    denying = user_sync_from_env({**environ, "USER_SYNC_ON_ERROR": "deny"})
    assert refusal(denying, event) == NEUTRAL.format("plugin-failed")


def test_two_sinks_take_every_sync_each(server: HasuraServer, queues: Queues) -> None:
    handler = handler_for(server.url, queues, USER_SYNC_SINKS="hasura,queue")
    handler(signing_in(), None)

    assert [row["id"] for row in server.rows()] == [JANE["id"]]
    assert values_in(queues) == [JANE]


def test_one_of_two_sinks_that_fails_does_what_the_policy_says(
    server: HasuraServer, queues: Queues
) -> None:
    two = {"USER_SYNC_SINKS": "hasura,queue", "USER_SYNC_ON_ERROR": "deny"}
    server.faults.append(hasura.error("validation-failed"))

    assert refusal(handler_for(server.url, queues, **two), signing_in()) == NEUTRAL.format(
        "plugin-failed"
    )
    assert values_in(queues) == [JANE]  # once: the queue is a sink of its own


def test_as_a_plugin_the_queue_writes_beside_the_claims(queues: Queues) -> None:
    environ = {
        **queues.environ,
        "USER_SYNC_SINKS": "queue",
        "COGNITO_CLAIMS_PLUGINS": "hasura,user_sync",
    }
    event = recorded("pretoken_v2_Authentication")
    alone = pre_token_generation_from_env({"COGNITO_CLAIMS_PLUGINS": "hasura"})(event, None)

    assert pre_token_generation_from_env(environ)(event, None) == alone
    assert len(queues.bodies()) == 1


def test_in_code_a_queue_is_a_sink_like_any_other(queues: Queues) -> None:
    queue = UserQueue(queue_url=queues.url, environ=queues.environ)
    sync = UserSync(queue)

    assert sync(a_user_event()) == Claims()
    assert len(queues.bodies()) == 1


def test_what_cannot_be_prepared_is_told_by_the_first_event_and_not_before(
    log: pytest.LogCaptureFixture,
) -> None:
    environ = {**ONLY_QUEUE, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    user_sync_from_env(environ)(signing_in(), None)

    told = "plugin queue: SecretError: AWS_REGION: required to call AWS [plugin-failed]"
    assert lines(log)[-2:] == [f"WARNING not synced: {told}", "INFO user sync: failed"]


# Settings


HASURA = {
    "USER_SYNC_SINKS": "hasura",
    "HASURA_SYNC_URL": NOBODY_LISTENS,
    "HASURA_SYNC_ADMIN_SECRET": SECRET,
}
QUEUE_URL = "USER_SYNC_QUEUE_URL"
WRONG: list[tuple[dict[str, str], list[str]]] = [
    ({"USER_SYNC_SINKS": "queue"}, [f"{QUEUE_URL}: required for the sink queue"]),
    ({**ONLY_QUEUE, QUEUE_URL: "none"}, [f"{QUEUE_URL}: required for the sink queue"]),
    ({**HASURA, "USER_SYNC_SINKS": "hasura,queue"}, [f"{QUEUE_URL}: required for the sink queue"]),
    (
        {**ONLY_QUEUE, QUEUE_URL: "hunter2"},
        [f"{QUEUE_URL}: expected a URL, as in https://host:port"],
    ),
    ({**HASURA, QUEUE_URL: "hunter2"}, [f"{QUEUE_URL}: expected a URL, as in https://host:port"]),
    (
        {**HASURA, QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/hunter2"},
        [f"{QUEUE_URL}: expected a queue's URL, which ends with /ACCOUNT/NAME"],
    ),
    (
        {**ONLY_QUEUE, QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/hunter2.fifo"},
        [f"{QUEUE_URL}: expected a standard queue; a version column keeps the order"],
    ),
    (
        {**ONLY_QUEUE, "USER_SYNC_QUEUE": "hunter2"},
        ["USER_SYNC_QUEUE: unknown setting; did you mean USER_SYNC_QUEUE_URL?"],
    ),
    (
        {**ONLY_QUEUE, "HASURA_SYNC_COLUMN": "hunter2"},
        ["HASURA_SYNC_COLUMN: unknown setting; did you mean HASURA_SYNC_COLUMNS?"],
    ),
    (
        {**ONLY_QUEUE, "HASURA_SYNC_ON_ERROR": "deny"},
        ["HASURA_SYNC_ON_ERROR: unknown setting; did you mean USER_SYNC_ON_ERROR?"],
    ),
    (
        {**ONLY_QUEUE, "QUEUE_SYNC_ON_ERROR": "deny"},
        ["QUEUE_SYNC_ON_ERROR: unknown setting; did you mean USER_SYNC_ON_ERROR?"],
    ),
    (
        {**ONLY_QUEUE, "HASURA_SYNC_COLUMNS": "id=hunter2,e-mail=email"},
        [
            "HASURA_SYNC_COLUMNS: a column must be a GraphQL name: letters, digits and _",
            "HASURA_SYNC_COLUMNS: one column must be taken from sub, as in id=sub",
        ],
    ),
    (
        {**ONLY_QUEUE, "USER_SYNC_DEADLINE_MS": "0"},
        ["USER_SYNC_DEADLINE_MS: expected 1 to 5000 milliseconds"],
    ),
    (
        {"USER_SYNC_SINKS": "queue", "HASURA_SYNC_COLUMNS": "id=hunter2"},
        [
            f"{QUEUE_URL}: required for the sink queue",
            "HASURA_SYNC_COLUMNS: one column must be taken from sub, as in id=sub",
        ],
    ),
]


@pytest.mark.parametrize(("environ", "told"), WRONG)
@pytest.mark.parametrize("load", [sinks.load, load], ids=["handler", "plugin"])
def test_a_wrong_setting_is_told_once_by_its_name_and_nothing_else_is(
    load: Callable[[Mapping[str, str]], object], environ: dict[str, str], told: list[str]
) -> None:
    assert problems(load, {**environ, "COGNITO_CLAIMS_PLUGINS": "user_sync"}) == told


def test_as_a_plugin_there_is_one_sink() -> None:
    two = {**HASURA, **ONLY_QUEUE, "USER_SYNC_SINKS": "hasura,queue"}
    advice = "name one sink; beside hasura, USER_SYNC_QUEUE_URL keeps what failed"

    assert problems(sinks.plugin_from_env, two) == [f"USER_SYNC_SINKS: {advice}"]
    assert [*sinks.load(two).plugins] == ["hasura", "queue"]


def test_settings_of_hasura_may_stay_where_the_queue_is_the_sink() -> None:
    others = "URL ADMIN_SECRET ROLE BACKEND_ONLY TABLE CONSTRAINT UPDATE_COLUMNS VERSION_COLUMN"
    stale = {f"HASURA_SYNC_{name}": "hunter 2" for name in others.split()}

    assert [*sinks.load({**ONLY_QUEUE, **stale}).plugins] == ["queue"]


@pytest.mark.parametrize(
    ("environ", "columns"),
    [
        ({}, COLUMNS),
        (
            {"HASURA_SYNC_COLUMNS": "key=sub,plan=custom:plan"},
            {"key": "sub", "plan": "custom:plan"},
        ),
    ],
)
def test_who_fills_a_queue_reads_the_columns_alone(
    environ: dict[str, str], columns: dict[str, str]
) -> None:
    assert sinks.columns_from_env(environ) == columns


def test_a_configuration_says_what_goes_where() -> None:
    marked = sinks.load({**HASURA, **ONLY_QUEUE, "USER_SYNC_SINKS": "hasura", **EMAIL}).plugins
    (sync,) = [each.plugin for each in marked.values()]

    assert isinstance(sync, UserSync)
    assert isinstance(sync.queue, UserQueue)
    assert (sync.queue.queue_url, sync.queue.columns) == (ONLY_QUEUE[QUEUE_URL], sync.sink.columns)


def test_optional_keeps_its_meaning_beside_a_queue() -> None:
    sink, queue = Rows(ValueError()), Rows(ValueError())
    event = signing_in()

    assert user_sync(users=optional(UserSync(sink, queue=queue)))(event, None) is event
    assert (len(sink.left), len(queue.left)) == (1, 1)


def test_a_message_holds_nothing_but_the_row(queues: Queues) -> None:
    user_sync_from_env({**queues.environ, "USER_SYNC_SINKS": "queue"})(signing_in(), None)

    (body,) = queues.bodies()
    message = json.loads(body)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", message.pop("at"))
    assert message == {"values": JANE}
