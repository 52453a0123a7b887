"""Fauna's faults: the table of `docs/fauna-faults.md`, random ones in a row, sign-ins at once, and Cognito's retries.

`HYPOTHESIS_PROFILE=full pytest tests/test_fauna_faults.py -k random` is 1,000 invocations, and tells its figures.
"""

import json
import logging
import os
import random
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Event
from time import monotonic, sleep, time, time_ns
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch

import pytest
from hypothesis import settings

from cognito_claims import deadline
from cognito_claims.claims import Claims
from cognito_claims.clients.fauna import FaunaClient
from cognito_claims.clients.fauna_driver import FaunaDriver
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.errors import SignInError, TokenDenied
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.handlers import Handler, pre_token_generation
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.registry import mark, optional
from cognito_claims.secret import Secret
from cognito_claims.testing import a_user_event, to_json
from cognito_claims.tools.local.fauna.store import Key
from tests import fauna_faults
from tests.fauna_faults import (
    ARN,
    AWS_URL,
    CASES,
    DEADLINE_MS,
    OMITTED,
    OURS,
    REFUSED,
    WITH_TOKEN,
    WITHOUT,
    Client,
    Met,
    await_preparations,
    held_by,
    standstills,
    trusting,
)
from tests.slow import slow
from tests.stand_ins import fauna_wire as fauna
from tests.stand_ins.certificates import Authority
from tests.stand_ins.fauna import SECRET, FaunaServer
from tests.stand_ins.fauna_wire import Fault
from tests.stand_ins.moto import HIDDEN, SILENCE, Answer, Request, answering

T = TypeVar("T")
RETRYABLE = (
    "a reset within the TLS handshake",
    "a reset in the answer's place",
    "a reset in the headers",
    "a reset in the body",
    "the body is cut short",
    "the body is cut short, chunked",
    "a reset in the answer's place, on a kept connection",
    "a reset in the headers, on a kept connection",
    "HTTP 409 `contended_transaction`",
    "HTTP 429 `limit_exceeded`",
    "HTTP 500 `internal_error`",
    "HTTP 502, a page of HTML",
    "HTTP 503 `service_unavailable`",
    "HTTP 503 `time_out`",
    "HTTP 504 `gateway_timeout`",
)
HARMLESS = ("the answer comes after 200 ms", "a reset after the answer")
SLACK_S = 0.2
CLIENTS: dict[Client, type[FaunaClient | FaunaDriver]] = {
    "http": FaunaClient,
    "driver": FaunaDriver,
}

both_clients = pytest.mark.parametrize("client", CLIENTS)


def owner(server: FaunaServer, secret: str) -> str:
    """Give the email of the user whose document a token is for."""
    (document,) = (token.document for token in server.tokens if token.secret == secret)
    (email,) = (each.data["email"] for each in server.documents if each.id == document)
    return email


def token_of(handler: Handler, event: PreTokenGenerationEvent) -> str:
    """Let somebody sign in, and give the token for Fauna."""
    raw = to_json(event)
    id_token = issue_tokens(raw, handler(raw, None)).id_token or {}
    return str(id_token["fauna_token_secret"])


# Each fault


@pytest.fixture(scope="module", params=slow(*CLIENTS))
def rows(request: pytest.FixtureRequest) -> list[Met]:
    return fauna_faults.all_met(request.param)


ONE_OF_EACH_KIND = (
    "the email is not verified",
    "the connection is refused",
    "the certificate has expired",
    "the server hangs after the request",
    "a reset in the answer's place",
    "the body is cut short",
    "a body of 8 MiB",
    "HTTP 200, a page of HTML",
    "HTTP 401 `unauthorized`",
    "HTTP 503 `service_unavailable`",
    "AWS refuses the secret",
)


@both_clients
@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_a_fault_comes_to_what_the_page_says(client: Client, name: str) -> None:
    (case,) = (case for case in CASES if case.name == name)
    with fauna_faults.bench() as bench:
        rows = bench.meet(case, client, attempts=8)

    page = fauna_faults.PAGE.read_text()
    assert [row for row in fauna_faults.table(rows).splitlines()[2:-2] if row not in page] == []


def test_the_page_has_the_table_that_the_faults_make(rows: list[Met]) -> None:
    page = fauna_faults.PAGE.read_text()

    assert page == fauna_faults.with_table(page, rows), "run: python -m tests.fauna_faults"


def test_everybody_is_answered_within_the_milliseconds_of_the_table(rows: list[Met]) -> None:
    assert [row for row in rows if not row.is_in_time] == []


def test_every_single_retryable_fault_still_mints(rows: list[Met]) -> None:
    once = [row for row in rows if row.often == ", once"]

    assert tuple(row.case.name for row in once) == RETRYABLE
    assert {result.meets for row in once for result in (row.deny, row.omit)} == {WITH_TOKEN}


def test_no_fault_makes_a_second_document(rows: list[Met]) -> None:
    for row in rows:
        before = row.case.before is not None
        for result in (row.deny, row.omit):
            assert result.documents - before in ({1} if result.meets == WITH_TOKEN else {0, 1})


def test_hasuras_claims_are_issued_beside_an_optional_fauna_that_fails(rows: list[Met]) -> None:
    event = to_json(a_user_event())
    alone = issue_tokens(event, pre_token_generation(hasura=HasuraClaims())(event, None), now=0)
    failed = [row.omit for row in rows if row.omit.meets == WITHOUT]

    assert [result.id_token for result in failed] == [alone.id_token] * len(failed)
    assert len(failed) > len(rows) / 2


def test_the_policies_differ_in_the_outcome_and_the_level_of_the_log_only(rows: list[Met]) -> None:
    for row in rows:
        failed = row.deny.meets.startswith("Sign-in could not be completed [")
        deny = tuple(f"{REFUSED}{line}" for line in (row.told,) if line)
        told = (f"{OMITTED}{row.told}",) if failed else deny
        meets = WITHOUT if failed else row.deny.meets

        assert row.deny.log == deny
        assert row.omit[:3] == (meets, told, row.deny.retries)


# Random faults


MARK = "hid" + "den-"  # so that no line of this file holds it, as a traceback would show
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
INVOCATIONS = 1000 if FULL else settings().max_examples


def as_a_number(ask: Callable[[], fauna.Answer]) -> list[fauna.Step]:
    envelope = json.loads(ask().body)
    envelope["data"]["token"] = {"@int": envelope["data"]["token"]}
    return [fauna.Answer(200, json.dumps(envelope).encode()).wire]


FAULTS = {case.name: case.fault for case in CASES if case.fault and "kept" not in case.name}
FAULTS["the token is said to be a number"] = Fault(as_a_number)
REFUSED_KEY = "HTTP 401 `unauthorized`"
FAILURES = {f"Sign-in could not be completed [{code}]" for code in ("deadline", "plugin-failed")}
NO_EMAIL = "This account has no verified email address, which the sign-in needs."
AWS_FAULTS = (
    Answer.refusing("AccessDeniedException"),
    Answer.refusing("InternalServiceError", 500),
    Answer(200, f'{{"SecretString": "{HIDDEN}'.encode()),
    Answer.of({"SecretString": HIDDEN}),
    Answer.of({"SecretString": f'{{"key": "{HIDDEN}'}),
    Answer.of({"SecretString": f'{{"key": "{HIDDEN}\\n{HIDDEN}"}}'}),
    SILENCE,
)
AWS_KEY = {
    "AWS_ACCESS_KEY_ID": f"AKID{MARK}",
    "AWS_SECRET_ACCESS_KEY": f"{MARK}key",
    "AWS_SESSION_TOKEN": f"{MARK}token",
}


class RotatingSecret:
    """Secrets Manager with one secret, whose value is a new one each time."""

    def __init__(self, keys: dict[str, Key]) -> None:
        self.keys = keys
        self.faults: list[Answer] = []

    def __call__(self, _request: Request) -> Answer:
        if self.faults:
            return self.faults.pop()
        key = f"fnA{MARK}{len(self.keys):030}"
        self.keys[key] = Key()
        return Answer.of({"SecretString": json.dumps({"key": key})})


class Overheard:
    """A plugin whose errors are written down, with all that they came from."""

    def __init__(self, plugin: FaunaTokens, stream: StringIO) -> None:
        self.plugin = plugin
        self.stream = stream

    def prepare(self) -> None:
        self.plugin.prepare()

    def __call__(self, event: PreTokenGenerationEvent, /) -> Claims:
        try:
            return self.plugin(event)
        except Exception as error:
            self.stream.write("".join(texts(error)))
            raise


def texts(error: BaseException | None) -> Iterator[str]:
    if error is not None:
        yield from (str(error), repr(error), repr(vars(error)), *traceback.format_exception(error))
        yield from texts(error.__cause__)
        yield from texts(error.__context__)


def reprs(handler: Handler) -> str:
    """Give the repr of all that a handler holds, but values (an event's own shows the event)."""
    ours = (held for held in held_by(handler) if type(held).__module__.startswith(OURS))
    return "\n".join(repr(held) for held in ours if not isinstance(held, tuple))


@pytest.fixture
def stream() -> Iterator[StringIO]:
    """Give what every logger writes at DEBUG, as Lambda writes it, as text and as it is."""
    with patch.dict(sys.modules):  # an imported runtime client is how the library knows Lambda
        formatter = import_module("awslambdaric.lambda_runtime_log_utils").JsonFormatter()
    logger, stream = logging.getLogger(), StringIO()
    as_json, as_text, raw = handlers = [logging.StreamHandler(stream) for _ in range(3)]
    as_json.setFormatter(formatter)
    as_text.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    level = logger.level
    with patch.object(raw, "format", lambda record: repr(vars(record))):
        logger.setLevel(logging.DEBUG)
        logger.handlers += handlers
        yield stream
        logger.handlers = [each for each in logger.handlers if each not in handlers]
        logger.setLevel(level)


class Plan(NamedTuple):
    """What chance has in store for one invocation."""

    secret: str
    policy: str
    event: PreTokenGenerationEvent
    faults: list[str]
    faults_of_aws: list[Answer]


class Seen(NamedTuple):
    """What came of it: `met` are the faults that it came to; `still` means that the machine stood still meanwhile."""

    plan: Plan
    meets: str
    seconds: float
    met: list[str]
    met_of_aws: int
    still: bool

    @property
    def is_denied(self) -> bool:
        return self.plan.event.user is None or not self.plan.event.user.verified("email")

    @property
    def is_healthy(self) -> bool:
        return not (self.is_denied or self.met or self.met_of_aws or self.still)

    @property
    def expected(self) -> set[str]:
        if self.is_denied:
            return {NO_EMAIL}
        is_renewed = self.met == [REFUSED_KEY] and self.plan.secret == "referenced"
        is_survived = self.met in ([[name] for name in (*RETRYABLE, *HARMLESS)])
        is_hindered = self.met_of_aws or self.still
        if self.is_healthy or (not is_hindered and (is_renewed or is_survived)):
            return {WITH_TOKEN}
        return {WITH_TOKEN, *({WITHOUT} if self.plan.policy == "optional" else FAILURES)}


def dealt(deck: list[T], cards: Sequence[T], count: int, chance: random.Random) -> list[T]:
    """Deal so many cards, each of them once before one comes again."""
    while len(deck) < count:
        deck[:0] = chance.sample(cards, len(cards))
    return [deck.pop() for _ in range(count)]


class Drill:
    """Warm handlers on one server, and those who sign in with them."""

    def __init__(self, client: Client, seed: int, stream: StringIO, stack: ExitStack) -> None:
        self.chance = random.Random(seed)  # noqa: S311  (it keeps no secret)
        self.stream = stream
        self.stills: list[float] = []
        stack.enter_context(standstills(self.stills))
        self.deck: list[str] = []
        self.deck_of_aws: list[Answer] = []
        keys = {f"fnA{MARK}literal": Key()}
        authority = Authority(Path(stack.enter_context(TemporaryDirectory())))
        stack.enter_context(trusting(authority))
        self.server = stack.enter_context(FaunaServer(keys=keys, certificate=authority.good()))
        self.aws = RotatingSecret(keys)
        environ = AWS_KEY | {AWS_URL: stack.enter_context(answering(self.aws))}
        secrets = {"literal": Secret(next(iter(keys))), "referenced": Secret(f"{ARN}#key", environ)}
        self.handlers = {
            (kind, policy.__name__): pre_token_generation(
                deadline_ms=DEADLINE_MS, fauna=policy(self._plugin(client, secret))
            )
            for kind, secret in secrets.items()
            for policy in (mark, optional)
        }
        await_preparations()

    def _plugin(self, client: Client, secret: Secret) -> Overheard:
        plugin = FaunaTokens(
            endpoint=self.server.endpoint, secret=secret, identity="email", client=client
        )
        return Overheard(plugin, self.stream)

    def plan(self, number: int) -> Plan:
        choice, user = self.chance.choice, f"{MARK}{number}"
        event = a_user_event(
            name=user,
            email=choice((None, *[f"{user}@example.com"] * 9)),
            email_verified=choice((False, *[True] * 9)),
        )
        policy = choice(("mark", "optional"))
        if choice((True, *[False] * 4)):
            of_aws = dealt(self.deck_of_aws, AWS_FAULTS, choice((0, 1, 1)), self.chance)
            return Plan("referenced", policy, event, [REFUSED_KEY], of_aws)
        faults = dealt(self.deck, [*FAULTS], choice((0, 0, 1, 1, 2)), self.chance)
        return Plan(choice(("literal", "referenced")), policy, event, faults, [])

    def sign_in(self, plan: Plan) -> Seen:
        self.server.faults += [FAULTS[name] for name in plan.faults]
        self.aws.faults += plan.faults_of_aws
        began = monotonic()
        meets = self._meets(plan)
        seconds = monotonic() - began
        met = plan.faults[: len(plan.faults) - len(self.server.faults)]
        met_of_aws = len(plan.faults_of_aws) - len(self.aws.faults)
        # For somebody else; but what waits for a connection would wait for ever while all are kept.
        unmet = plan.faults[len(met) :]
        self.deck[:0] = [name for name in unmet if not FAULTS[name].on_accept]
        self.deck_of_aws[:0] = self.aws.faults
        self.server.faults.clear()
        self.aws.faults.clear()
        still = any(end > began for end in self.stills)
        return Seen(plan, meets, seconds, met, met_of_aws, still)

    def _meets(self, plan: Plan) -> str:
        raw = to_json(plan.event)
        try:
            returned = self.handlers[plan.secret, plan.policy](raw, None)
        except (SignInError, TokenDenied) as error:
            self.stream.write("".join(texts(error)))
            logging.getLogger("outside").warning("raised", exc_info=error)
            return str(error)
        secret = (issue_tokens(raw, returned).id_token or {}).get("fauna_token_secret")
        if secret is None:
            return WITHOUT
        email = raw["request"]["userAttributes"]["email"]
        return WITH_TOKEN if owner(self.server, secret) == email else "another user's token"

    def invocations(self, count: int) -> Iterator[Seen]:
        """Let so many sign in, and after a failure some of them again, as Cognito does."""
        for number in range(count):
            seen = self.sign_in(self.plan(number))
            yield seen
            if not seen.is_denied and seen.meets != WITH_TOKEN and self.chance.random() < 0.5:
                yield self.sign_in(seen.plan._replace(faults=[], faults_of_aws=[]))


LOGGERS = ("cognito_claims", "fauna", "httpx", "httpcore", "urllib3", "asyncio", "concurrent")


@pytest.mark.parametrize("logger", LOGGERS)
def test_what_is_planted_in_a_log_is_found(logger: str, stream: StringIO) -> None:
    logging.getLogger(logger).debug("of %s", MARK, extra={"it": [MARK]})

    lines = stream.getvalue().split("\n")
    assert [line.count(MARK) for line in lines if line] == [2, 1, 3]


def test_what_is_planted_in_an_error_is_found(stream: StringIO) -> None:
    plugin = Overheard(
        FaunaTokens(endpoint="http://127.0.0.1:1", secret=SECRET, identity="email"), stream
    )
    chained = LookupError()
    chained.__context__ = KeyError(MARK)

    with pytest.raises(LookupError), patch.object(plugin, "plugin", side_effect=chained):
        plugin(a_user_event())

    assert MARK in stream.getvalue()


@both_clients
def test_every_object_behind_a_handler_is_looked_at(client: Client, stream: StringIO) -> None:
    with ExitStack() as stack:
        drill = Drill(client, 0, stream, stack)
        handler = drill.handlers["referenced", "optional"]
        token_of(handler, a_user_event())
        shown = reprs(handler)

    names = {"PluginEntry", "FaunaTokens", CLIENTS[client].__name__, "HttpClient", "Connection"}
    names |= {"SecretReader", "AwsClient", "TimeBudget"}
    assert {name for name in names if f".{name} object" not in shown} == set()


@both_clients
def test_random_faults_hold_nobody_up_and_tell_nothing(
    client: Client, stream: StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("FAUNA_FAULTS_SEED", time_ns()))
    began, all_seen = monotonic(), []
    with ExitStack() as stack:
        drill = Drill(client, seed, stream, stack)
        for seen in drill.invocations(INVOCATIONS):
            all_seen.append(seen)
            again = f"of {len(all_seen)} invocations; again with FAUNA_FAULTS_SEED={seed}"
            assert seen.meets in seen.expected, again
            assert seen.still or not FULL or seen.seconds < DEADLINE_MS / 1000 + SLACK_S, again
        told = stream.getvalue() + "".join(map(reprs, drill.handlers.values()))
    told += "".join(capfd.readouterr())
    if FULL:
        with capfd.disabled():
            sys.stderr.write(f"\n{client}, {figures(all_seen)}, in {monotonic() - began:.0f} s\n")

    secrets = [token.secret.removeprefix("fnE") for token in drill.server.tokens]
    assert [secret for secret in (MARK, HIDDEN, *secrets) if secret in told] == []
    assert "sign-in refused: plugin fauna: " in told


def figures(all_seen: list[Seen]) -> str:
    healthy = [seen for seen in all_seen if seen.is_healthy]
    denied = [seen for seen in all_seen if seen.is_denied]
    minted = [seen for seen in all_seen if seen.meets == WITH_TOKEN]
    longest = max(seen.seconds for seen in all_seen) * 1000
    stills = sum(seen.still for seen in all_seen)
    return (
        f"{len(all_seen)} invocations, {len(denied)} without a verified email, "
        f"{len(healthy)} healthy, all with tokens, {len(all_seen) - len(healthy) - len(denied)} faulty, "
        f"{len(minted) - len(healthy)} of them with tokens, the longest {longest:.0f} ms, "
        f"{stills} while the machine stood still"
    )


# Sign-ins at once


@pytest.fixture
def server() -> Iterator[FaunaServer]:
    with FaunaServer() as server:
        yield server


def a_plugin(server: FaunaServer, client: Client) -> FaunaTokens:
    return FaunaTokens(endpoint=server.endpoint, secret=SECRET, identity="email", client=client)


def a_handler(server: FaunaServer, client: Client) -> Handler:
    return pre_token_generation(fauna=a_plugin(server, client))


def at_once(*sign_ins: tuple[Handler, PreTokenGenerationEvent]) -> list[str]:
    with ThreadPoolExecutor(len(sign_ins)) as pool:
        return [*pool.map(lambda sign_in: token_of(*sign_in), sign_ins)]


def meeting(count: int) -> Fault:
    """Answer rightly, but nobody before all are there."""
    barrier = Barrier(count, timeout=5)
    return Fault(lambda ask: (barrier.wait(), ask().wire)[1:])


NATIVE = a_user_event(name="ada", email="ada@example.com")
FEDERATED = a_user_event(name="google_1", sub="g", email="Ada@Example.COM")


@both_clients
@pytest.mark.parametrize("containers", [1, 2])
@pytest.mark.parametrize("contended", [0, 1])
def test_two_first_sign_ins_at_once_end_with_one_document(
    server: FaunaServer, client: Client, containers: int, contended: int
) -> None:
    handlers = [a_handler(server, client) for _ in range(containers)]
    server.faults += [meeting(2)] * 2
    server.store.races_to_lose = contended

    tokens = at_once((handlers[0], NATIVE), (handlers[-1], FEDERATED))

    assert [dict(document.data) for document in server.documents] == [{"email": "ada@example.com"}]
    assert sorted(tokens) == sorted(token.secret for token in server.tokens)
    assert {token.document for token in server.tokens} == {server.documents[0].id}
    assert len(server.requests) == 2 + contended


@both_clients
def test_users_at_once_on_one_warm_handler_each_get_their_own(
    server: FaunaServer, client: Client
) -> None:
    handler = a_handler(server, client)
    token_of(handler, a_user_event())
    server.faults += [meeting(4)] * 4
    emails = [f"user{number}@example.com" for number in range(4)]

    tokens = at_once(*((handler, a_user_event(name=email, email=email)) for email in emails))

    assert [owner(server, token) for token in tokens] == emails
    assert len({request.connection for request in server.requests[1:]}) == 4
    wait_until(lambda: server.open_connections == 1)


@both_clients
def test_two_plugins_wait_side_by_side(server: FaunaServer, client: Client) -> None:
    with FaunaServer() as other:
        one, two = (a_plugin(each, client) for each in (server, other))

        def renamed(event: PreTokenGenerationEvent, /) -> Claims:
            return Claims.adding({"two": two(event).id_token.add["fauna_token_secret"]})

        handler = pre_token_generation(one=one, two=renamed)
        together = meeting(2)
        server.faults.append(together)
        other.faults.append(together)
        event = to_json(a_user_event())
        id_token = issue_tokens(event, handler(event, None)).id_token or {}

    assert id_token["fauna_token_secret"] == server.tokens[0].secret
    assert id_token["two"] == other.tokens[0].secret


# Cognito's retries, and whoever is late


def wait_until(condition: Callable[[], object]) -> None:
    end = monotonic() + 5
    while not condition():
        assert monotonic() < end
        sleep(0.002)


def later(seconds: float) -> Any:
    """Set the clock forward, as a process finds it that was frozen meanwhile."""
    return patch.object(deadline, "time", lambda: time() + seconds)


def give_up(
    plugin: FaunaTokens, event: PreTokenGenerationEvent, *, ms: int = 300, **beside: Any
) -> None:
    """Let somebody sign in with little patience, and in vain."""
    handler = pre_token_generation(deadline_ms=ms, fauna=plugin, **beside)
    with pytest.raises(SignInError) as refused:
        handler(to_json(event), None)
    assert refused.value.reason_code == "deadline"


def asking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "_ask_until" in thread.name]


@both_clients
def test_the_same_event_within_15_seconds_gets_the_token_already_minted(
    server: FaunaServer, client: Client
) -> None:
    handler = a_handler(server, client)
    first = token_of(handler, a_user_event())

    with later(14.5):
        again = token_of(handler, a_user_event())
    with later(15):
        anew = token_of(handler, a_user_event())

    assert [first, again, anew] == [server.tokens[0].secret] * 2 + [server.tokens[1].secret]
    assert len(server.requests) == 2


@both_clients
@pytest.mark.parametrize(
    "other",
    [
        a_user_event(name="joe", email="joe@example.com"),
        a_user_event(name="joe"),
        a_user_event(trigger_source="TokenGeneration_RefreshTokens"),
    ],
    ids=["user", "name", "source"],
)
def test_another_event_mints_anew(
    server: FaunaServer, client: Client, other: PreTokenGenerationEvent
) -> None:
    handler = a_handler(server, client)

    tokens = [token_of(handler, each) for each in (a_user_event(), other)]

    assert tokens == [token.secret for token in server.tokens]


@both_clients
def test_a_retry_gets_the_token_of_a_sign_in_that_another_plugin_held_up(
    server: FaunaServer, client: Client
) -> None:
    gate, plugin = Event(), a_plugin(server, client)

    give_up(plugin, a_user_event(), ms=600, other=lambda _: (gate.wait(5), Claims())[1])
    gate.set()

    assert token_of(pre_token_generation(fauna=plugin), a_user_event()) == server.tokens[0].secret
    assert len(server.tokens) == 1


@both_clients
def test_a_retry_gets_the_token_of_a_thread_that_finished_after_it_was_given_up(
    server: FaunaServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, query = Event(), CLIENTS[client].query

    def frozen(*arguments: Any, **more: Any) -> Mapping[str, str]:
        minted = query(*arguments, **more)
        gate.wait(5)
        return minted

    monkeypatch.setattr(CLIENTS[client], "query", frozen)
    plugin = a_plugin(server, client)

    give_up(plugin, a_user_event(), ms=600)
    gate.set()
    wait_until(lambda: not asking())

    assert token_of(pre_token_generation(fauna=plugin), a_user_event()) == server.tokens[0].secret
    assert len(server.tokens) == 1


@both_clients
def test_a_retry_of_what_was_never_answered_mints(server: FaunaServer, client: Client) -> None:
    plugin = a_plugin(server, client)
    server.faults.append(fauna.hang)

    give_up(plugin, a_user_event())

    assert token_of(pre_token_generation(fauna=plugin), a_user_event()) == server.tokens[0].secret
    assert len(server.tokens) == 1


@both_clients
def test_the_connection_of_whoever_is_late_is_closed_and_not_used_again(
    server: FaunaServer, client: Client
) -> None:
    plugin = a_plugin(server, client)
    handler = pre_token_generation(fauna=plugin)
    server.faults += [fauna.slow(0), fauna.slow(0.5)]
    token_of(handler, a_user_event())

    give_up(plugin, a_user_event(name="late", email="late@example.com"))
    token = token_of(handler, a_user_event(name="next", email="next@example.com"))

    assert owner(server, token) == "next@example.com"
    assert [request.connection for request in server.requests] == [1, 1, 2]
    wait_until(lambda: server.open_connections == 1)


def test_whoever_waits_for_the_resolver_too_long_connects_to_nobody(
    server: FaunaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, resolve = Event(), socket.getaddrinfo
    plugin = a_plugin(server, "http")
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *a, **more: (gate.wait(5), resolve(*a, **more))[1]
    )

    give_up(plugin, a_user_event())
    gate.set()
    wait_until(lambda: not asking())

    assert server.connections == 0
