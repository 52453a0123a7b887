"""A strict stand-in of Hasura 2 over a real PostgreSQL, with faults that a test can script."""

import json
from collections.abc import Mapping
from email.message import Message
from random import Random
from typing import Any, Self

from tests.stand_ins.certificates import Certificate
from tests.stand_ins.fauna import FaunaServer
from tests.stand_ins.fauna_wire import Answer, End, Fault, Request, slow
from tests.stand_ins.hasura_engine import Engine, Query, Session
from tests.stand_ins.hasura_schema import USERS, Names, Naming, Role
from tests.stand_ins.hasura_sql import HasuraError
from tests.stand_ins.postgres import Database, Table

SECRET = "stand-in-of-an-admin-secret"
_PATH = "/v1/graphql"
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y"), True),
    **dict.fromkeys(("false", "f", "no", "n"), False),
}

reset_unexecuted = Fault(lambda _: [End.RESET])
answer_lost = Fault(lambda ask: (ask(), End.RESET)[1:])  # it is committed
neither_data_nor_errors = Fault(lambda _: [_json(200, {}).wire])
null_data = Fault(lambda _: [_json(200, {"data": None}).wire])


def _json(status: int, body: object, *headers: str) -> Answer:
    lines = ("Content-Type: application/json; charset=utf-8", *headers)
    return Answer(status, json.dumps(body).encode(), lines)


def status(status: int, *headers: str) -> Fault:
    """Answer so without executing anything."""
    body = {"error": "a fault of the stand-in"}
    return Fault(lambda _: [_json(status, body, *headers).wire])


def error(code: str) -> Fault:
    """Answer 200 with an error of this code, without executing anything."""
    refused = HasuraError(code, "a fault of the stand-in")
    return Fault(lambda _: [_json(200, refused.body(is_admin=False)).wire])


_PASSING = (
    *map(status, (429, 502, 503, 504)),
    *map(error, ("postgres-error", "postgres-max-connections-error", "timeout")),
    error("concurrent-update"),
    reset_unexecuted,
    answer_lost,
    slow(0.05),
)


class HasuraServer(FaunaServer):
    """Serves `/v1/graphql` on a free port of 127.0.0.1 while it is entered; makes its table anew.

    Connections, `requests` and `faults` are those of the stand-in of Fauna, and so are the faults
    that know nothing of what is asked: `hang`, `slow`, `half_json`, `drip_body` and the like.
    The role admin may do everything; what the others may, `roles` says.
    """

    def __init__(
        self,
        dsn: str,
        *,
        table: Table = USERS,
        roles: Mapping[str, Role] | None = None,
        naming: Naming = "hasura-default",
        custom_name: str | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        super().__init__(certificate=certificate)
        every = tuple(table.columns)
        known = {**(roles or {}), "admin": Role(insert=every, update=every, select=every)}
        self._database = Database(dsn, table)
        self._engine = Engine(self._database, Names(table, naming, custom_name), known)
        self._random, self._rate = Random(0), 0.0  # noqa: S311 - for a test to repeat

    def __enter__(self) -> Self:
        self._database.create()
        super().__enter__()
        self.url = self.endpoint + _PATH
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._database.close()

    def rows(self) -> list[dict[str, Any]]:
        """Give all rows of the table, ordered by their key."""
        return self._database.rows()

    def truncate(self) -> None:
        """Delete all rows of the table."""
        self._database.truncate()

    def random_faults(self, rate: float, seed: int) -> None:
        """Let so many of the requests that find `faults` empty meet a fault that passes."""
        self._random, self._rate = Random(seed), rate  # noqa: S311 - for a test to repeat

    def _take(self, *, on_accept: bool) -> Fault | None:
        scripted = super()._take(on_accept=on_accept)
        if scripted or on_accept or self._random.random() >= self._rate:
            return scripted
        return self._random.choice(_PASSING)

    def _answer(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", _PATH):
            missing = {"path": "$", "error": "resource does not exist", "code": "not-found"}
            return _json(404, missing)
        session = Session("nobody")
        try:
            session = _session(request.headers)
            data = self._engine.run(session, *_sent(request))
        except HasuraError as refused:
            return _json(200, refused.body(is_admin=session.role == "admin"))
        return _json(200, {"data": data})


def _session(headers: Message) -> Session:
    secret = headers.get("X-Hasura-Admin-Secret")
    if secret is None:
        raise HasuraError("access-denied", "x-hasura-admin-secret required, but not found")
    if secret != SECRET:
        raise HasuraError("access-denied", "invalid x-hasura-admin-secret")
    wish = headers.get("X-Hasura-Use-Backend-Only-Permissions", "false").lower()
    if wish not in _BOOLEANS:
        message = "x-hasura-use-backend-only-permissions: Not a valid boolean text"
        raise HasuraError("bad-request", message)
    role = headers.get("X-Hasura-Role") or "admin"  # an empty one, too, is Hasura's admin
    return Session(role, _BOOLEANS[wish])


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _sent(request: Request) -> tuple[Query, dict[str, object]]:
    """Give the query and its variables."""
    if request.headers.get_content_type() != "application/json":  # Hasura itself takes any
        raise HasuraError("invalid-json", "content-type: expected application/json")
    try:
        sent = json.loads(request.body.decode(), parse_constant=_no_constant)
        json.dumps(sent, ensure_ascii=False).encode()  # refuses half of a surrogate pair
    except ValueError:
        raise HasuraError("invalid-json", "the body is not JSON") from None
    fields = sent if isinstance(sent, dict) else {}
    text, operation = fields.get("query"), fields.get("operationName")
    variables = fields.get("variables") or {}
    if not (isinstance(text, str) and isinstance(variables, dict)):
        raise HasuraError("parse-failed", "the body is not a GraphQL request")
    return Query(text, operation), variables
