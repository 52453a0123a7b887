"""The engine behind SurrealDB's HTTP endpoints: whoever has no token of the pool's gets nothing from it."""

import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from surrealdb import RecordID
from surrealdb.data.cbor import decode, encode

from cognito_claims.contract.surrealdb_engine import public_key, sign
from cognito_claims.contract.surrealdb_script import Setup, setup_script, string
from cognito_claims.tools.local.errors import Failed
from cognito_claims.tools.local.loopback import address, listening, serving
from cognito_claims.tools.local.surrealdb.engine import LocalSurrealDB, Unauthenticated
from cognito_claims.tools.local.surrealdb.http import LARGEST_BODY, application

ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a1B2c3D4e"
SETUP = Setup("shop", "main", ISSUER, "client", access="user")
SCRIPT = setup_script(SETUP, public_key=public_key())
KEY = string(public_key())
# A system user's method: no table permission would stop its bearers.
SYSTEM = f"DEFINE ACCESS user ON DATABASE TYPE JWT ALGORITHM RS256 KEY {KEY};"
OTHER = f"""DEFINE ACCESS other ON DATABASE TYPE RECORD WITH JWT ALGORITHM RS256 KEY {KEY}
    AUTHENTICATE {{ RETURN user:somebody }};"""
SOMEBODY = 'CREATE user:somebody SET email = "some@example.com", cognito_username = "some";'
ORIGIN = "http://127.0.0.1:1"
JSON, CBOR = "application/json", "application/cbor"
REFUSED = "There was a problem with authentication"
THROWN = "There was a problem with the database: An error occurred: "


def a_token(key: Any = None, **changed: Any) -> str:
    sub = changed.get("sub") or str(uuid.uuid4())
    user = {"email": f"{sub}@example.com", "email_verified": True, "cognito:username": "alice"}
    own = {"iss": ISSUER, "aud": "client", "token_use": "id", "sub": sub}
    ours = {"ns": "shop", "db": "main", "ac": "user", "exp": int(time.time()) + 3600}
    return sign({**own, **user, **ours, **changed}, key)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with (
        LocalSurrealDB(SETUP, SCRIPT, OTHER, SOMEBODY) as database,
        listening(0) as listener,
        serving(application(database, ORIGIN), listener),
    ):
        yield address(listener)


def sql(url: str, text: str, token: str | None = None, **headers: str) -> requests.Response:
    given = {"Accept": JSON, **headers, **(bearer(token) if token else {})}
    return requests.post(f"{url}/sql", text.encode(), headers=given, timeout=10)


def rpc(url: str, method: str, *params: Any, token: str | None = None) -> requests.Response:
    call: Any = {"id": 7, "method": method, "params": params}
    given = bearer(token) if token else {}
    return requests.post(f"{url}/rpc", json=call, headers=given, timeout=10)


def results(answer: requests.Response) -> list[tuple[str, Any]]:
    """Give each statement's status and result, once its shape is SurrealDB's."""
    statements = answer.json()
    assert all({*each} == {"result", "status", "time"} for each in statements)
    return [(each["status"], each["result"]) for each in statements]


# What a bearer gets


def test_a_first_sign_in_makes_the_row_and_sql_gives_it_and_no_other(url: str) -> None:
    answer = sql(url, "SELECT * FROM user;", a_token(sub="a-b"))

    assert answer.headers["content-type"] == JSON
    row = {"cognito_username": "alice", "email": "a-b@example.com", "id": "user:⟨a-b⟩"}
    assert results(answer) == [("OK", [row])]


def test_rpc_speaks_json_with_bound_parameters(url: str) -> None:
    answer = rpc(url, "query", "RETURN [$auth, $a];", {"a": [1, None]}, token=a_token(sub="b-c"))

    body = answer.json()
    del body["result"][0]["time"]
    expected = {"result": ["user:⟨b-c⟩", [1, None]], "status": "OK"}
    assert body == {"id": 7, "result": [expected]}


def test_rpc_speaks_cbor_with_the_types_of_surrealdb(url: str) -> None:
    somebody = RecordID("user", "somebody")
    call = {"id": "x", "method": "query", "params": ["RETURN [$auth, $a];", {"a": somebody}]}
    headers = {"Content-Type": CBOR, **bearer(a_token(sub="cd"))}

    answer = requests.post(f"{url}/rpc", encode(call), headers=headers, timeout=10)

    assert answer.headers["content-type"] == CBOR
    body = decode(answer.content)
    assert (body["id"], body["result"][0]["result"]) == ("x", [RecordID("user", "cd"), somebody])


def test_json_writes_what_it_has_no_word_for_as_surrealdb_does(url: str) -> None:
    values = "NONE, 1h30m20ms, 0s, d'2026-01-02T03:04:05Z', d'2026-01-02T03:04:05.12Z', 1.50dec, user:⟨a-b⟩, $session.tk.x"

    answer = sql(url, f"RETURN [{values}];", a_token())

    day = "2026-01-02T03:04:05"
    expected = [None, "1h30m20ms", "0ns", f"{day}Z", f"{day}.120Z", "1.50", "user:⟨a-b⟩", None]
    assert results(answer) == [("OK", expected)]


def test_a_string_of_json_that_begins_like_a_record_id_becomes_one(url: str) -> None:
    given = {"a": "note:one and more", "b": ["user:7"], "c": "=note:one", "d": "https://x"}

    answer = rpc(url, "query", "RETURN $v;", {"v": given}, token=a_token())

    expected = {"a": "note:one", "b": ["user:⟨7⟩"], "c": "=note:one", "d": "https://x"}
    assert answer.json()["result"][0]["result"] == expected


def test_a_statement_that_fails_is_told_as_surrealdb_does(url: str) -> None:
    token = a_token()

    assert results(sql(url, 'THROW "no"; RETURN 1;', token)) == [
        ("ERR", "An error occurred: no"),
        ("OK", 1),
    ]
    error = rpc(url, "query", "SELECT * FROM", {}, token=token).json()["error"]
    assert error["code"] == -32000
    assert error["message"].startswith("There was a problem with the database: Parse error: ")


def test_health_and_version_are_anybodys(url: str) -> None:
    health, version = (requests.get(f"{url}/{name}", timeout=10) for name in ("health", "version"))

    assert (health.status_code, health.text) == (200, "")
    assert version.text == "surrealdb-2.3.10"
    assert rpc(url, "version").json() == {"id": 7, "result": "surrealdb-2.3.10"}
    assert rpc(url, "ping").json() == {"id": 7, "result": None}


# Who gets nothing

BAD = {
    "no token": (None, REFUSED),
    "no JWT": ("abc", REFUSED),
    "another key": (a_token(generate_private_key(65537, 2048)), REFUSED),
    "expired": (a_token(exp=1), "There was a problem with the database: The token has expired"),
    "another pool": (a_token(iss="https://x"), f"{THROWN}Wrong issuer"),
    "another client": (a_token(aud="x"), f"{THROWN}Wrong audience"),
    "an access token": (a_token(token_use="access"), f"{THROWN}Not an ID token"),
    "email not verified": (a_token(email_verified=False), f"{THROWN}Email not verified"),
    "email no address": (a_token(email="nowhere"), REFUSED),
    "without the claims": (a_token(ns=None, db=None, ac=None), REFUSED),
    "another namespace": (a_token(ns="other"), REFUSED),
    "an access that is not there": (a_token(ac="nothing"), REFUSED),
    "another access": (a_token(ac="other"), REFUSED),
}


@pytest.mark.parametrize("name", BAD)
def test_without_a_good_token_there_is_nothing_but_a_401(url: str, name: str) -> None:
    token, text = BAD[name]

    for answer in (
        sql(url, "SELECT * FROM user; DELETE user;", token),
        rpc(url, "query", "SELECT * FROM user; DELETE user;", {}, token=token),
        rpc(url, "reset", token=token),
        rpc(url, "invalidate", token=token),
        rpc(url, "authenticate", token or ""),
    ):
        assert (answer.status_code, answer.text) == (401, text)
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("given", ["Basic cm9vdDpyb290", f"Basic {a_token()}", "Bearer", "Bearer "])
def test_no_other_way_in_is_known(url: str, given: str) -> None:
    answer = requests.post(f"{url}/sql", "RETURN 1;", headers={"Authorization": given}, timeout=10)

    assert (answer.status_code, answer.text) == (401, REFUSED)


def test_nobody_stays_signed_in(url: str) -> None:
    alice, bob = a_token(sub="alice"), a_token(sub="bob")
    whose = "RETURN [$auth, $session.ns, $session.db, $x];"
    assert rpc(url, "authenticate", alice).json() == {"id": 7, "result": None}
    sql(url, "USE NS other DB other; LIVE SELECT * FROM user; LET $x = 1;", alice)

    assert sql(url, whose).status_code == 401
    assert results(sql(url, whose, bob)) == [("OK", ["user:bob", "shop", "main", None])]


def test_a_refused_bearer_does_not_become_the_one_before(url: str) -> None:
    rpc(url, "info", token=a_token(sub="before"))

    assert rpc(url, "info", token=a_token(aud="x")).status_code == 401


METHODS: Mapping[str, list[Any]] = {
    "signin": [{"user": "root", "pass": "root"}],
    "signup": [{"ns": "shop", "db": "main", "ac": "user"}],
    "use": ["other", "main"],
    "let": ["x", 1],
    "unset": ["x"],
    "reset": [],
    "live": ["user"],
    "kill": [str(uuid.uuid4())],
    "begin": [],
    "nonsense": [],
}


@pytest.mark.parametrize("method", METHODS)
def test_no_method_reaches_past_the_bearers_own_session(url: str, method: str) -> None:
    answer = rpc(url, method, *METHODS[method], token=a_token())

    assert answer.json() == {"id": 7, "error": {"code": -32601, "message": "Method not found"}}


def test_what_a_client_sends_to_begin_and_end_a_session_does_nothing(url: str) -> None:
    token = a_token()

    for answer in (
        rpc(url, "use", "shop", "main", token=token),
        rpc(url, "invalidate", token=token),
    ):
        assert answer.json() == {"id": 7, "result": None}


FORBIDDEN = "IAM error: Not enough permissions to perform this action"


@pytest.mark.parametrize(
    "statement",
    [
        "DEFINE USER root ON ROOT PASSWORD 'root'",
        "REMOVE ACCESS user ON DATABASE",
        "CREATE more SET a = 1",
        "INFO FOR DB",
        "USE NS other DB main; DEFINE TABLE more",
    ],
)
def test_a_bearer_is_no_administrator_here_or_elsewhere(url: str, statement: str) -> None:
    assert results(sql(url, statement, a_token()))[-1] == ("ERR", FORBIDDEN)


def test_a_bearer_reaches_no_other_row(url: str) -> None:
    text = """UPDATE user:somebody SET cognito_username = "x"; DELETE user:somebody; SELECT * FROM user:somebody;
        UPDATE $auth SET email = "some@example.org";"""

    assert results(sql(url, text, a_token())) == [("OK", [])] * 4


def test_a_system_user_gets_nothing_by_the_right_access_either() -> None:
    with (
        LocalSurrealDB(SETUP, SYSTEM) as database,
        pytest.raises(Unauthenticated) as caught,
    ):
        database.check(a_token())

    assert str(caught.value) == REFUSED


def test_between_calls_nobody_is_signed_in() -> None:
    with LocalSurrealDB(SETUP, SCRIPT) as database:
        query = {"method": "query", "params": ["USE NS other DB other;", {}]}
        decode(database.answer(a_token(), query))

        # Nothing asks the engine at such a moment; if something ever did, it should be nobody.
        who = database._query("RETURN [$auth, $access, $session.ns, $session.db];")
    assert who[0]["result"] == [None, None, "shop", "main"]


@pytest.fixture
def _threads_that_take_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_threads_that_take_turns")
def test_bearers_at_once_see_their_own_rows() -> None:
    tokens = {f"u{number}": a_token(sub=f"u{number}") for number in range(60)}

    with LocalSurrealDB(SETUP, SCRIPT) as database, ThreadPoolExecutor(8) as pool:

        def seen(token: str) -> Any:
            query = {"method": "query", "params": ["SELECT VALUE id FROM user;", {}]}
            return decode(database.answer(token, query))["result"][0]["result"]

        found = [*pool.map(seen, tokens.values())]
    assert found == [[RecordID("user", sub)] for sub in tokens]


# What is no request


def shape(status: int, information: str) -> dict[str, Any]:
    return {"code": status, "details": "Request problems detected", "information": information}


MALFORMED: Mapping[str, tuple[str, bytes, str]] = {
    "no JSON": (JSON, b"{", "Parse error"),
    "no UTF-8": (JSON, b"\xff", "Parse error"),
    "deep JSON": (JSON, b"[" * 100_000, "Parse error"),
    "a list": (JSON, b"[]", "Parse error"),
    "no number": (JSON, b'{"id": NaN, "method": "ping"}', "Parse error"),
    "an endless number": (JSON, b'{"id": 1, "method": "ping", "params": [-1e999]}', "Parse error"),
    "no method": (JSON, b'{"params": []}', "Parse error"),
    "method no text": (JSON, b'{"method": [], "params": []}', "Invalid request"),
    "params no list": (JSON, b'{"method": "query", "params": {}}', "Invalid request"),
    "no CBOR": (CBOR, b"\xff", "Parse error"),
    "deep CBOR": (CBOR, b"\x81" * 100_000, "Parse error"),
    "a date that is none": (CBOR, b"\xc0\x01", "Parse error"),
    "an empty body": (CBOR, b"", "Parse error"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_call_that_cannot_be_read_is_told_so(url: str, name: str) -> None:
    kind, body, text = MALFORMED[name]

    answer = requests.post(f"{url}/rpc", body, headers={"Content-Type": kind}, timeout=10)

    assert (answer.status_code, answer.json()) == (400, shape(400, text))


def test_an_sql_text_that_cannot_be_parsed_is_told_so(url: str) -> None:
    answer = sql(url, "SELECT * FROM", a_token())

    assert answer.status_code == 400
    assert "Parse error: Unexpected end of file" in answer.json()["information"]


def test_other_media_types_are_refused(url: str) -> None:
    text = "The specified media type is unsupported"
    plain = requests.post(f"{url}/rpc", "{}", headers={"Content-Type": "text/plain"}, timeout=10)

    for answer in (plain, sql(url, "RETURN 1", a_token(), Accept="text/html")):
        assert (answer.status_code, answer.json()) == (415, shape(415, text))


@pytest.mark.parametrize("path", ["sql", "rpc"])
def test_another_database_is_not_there(url: str, path: str) -> None:
    headers = {"Surreal-NS": "shop", "Surreal-DB": "other", "Content-Type": JSON}

    answer = requests.post(f"{url}/{path}", "{}", headers=headers, timeout=10)

    text = "surreal-ns, surreal-db: not those of this database"
    assert (answer.status_code, answer.json()) == (400, shape(400, text))


def test_a_body_beyond_the_limit_is_refused(url: str) -> None:
    assert sql(url, "-" * LARGEST_BODY).status_code == 401

    answer = sql(url, "-" * (LARGEST_BODY + 1))

    assert (answer.status_code, answer.json()) == (413, shape(413, "length limit exceeded"))


def test_an_address_that_is_not_there_is_told_so(url: str) -> None:
    answer = requests.get(f"{url}/key/user", timeout=10)

    assert (answer.status_code, answer.json()) == (404, shape(404, "Not Found"))


# Which pages


def preflight(url: str, origin: str) -> requests.Response:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,surreal-db,surreal-ns",
    }
    return requests.options(f"{url}/rpc", headers={"Origin": origin, **asked}, timeout=10)


def test_the_applications_pages_may_ask_and_read_refusals_too(url: str) -> None:
    asked = preflight(url, ORIGIN)
    refused = sql(url, "RETURN 1", Origin=ORIGIN)

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-methods"] == "GET, POST"
    assert [each.headers["access-control-allow-origin"] for each in (asked, refused)] == [
        ORIGIN
    ] * 2


@pytest.mark.parametrize("origin", ["http://127.0.0.1:2", "https://evil.example", "null"])
def test_no_other_page_may(url: str, origin: str) -> None:
    asked = preflight(url, origin)
    answer = sql(url, "RETURN 1", a_token(), Origin=origin)

    assert asked.status_code == 400
    assert not {*asked.headers, *answer.headers} & {"access-control-allow-origin"}


def test_a_name_that_only_points_here_is_refused(url: str) -> None:
    answer = sql(url, "RETURN 1", a_token(), Host="evil.example")

    assert (answer.status_code, answer.text) == (400, "Invalid host header")


# Setting it up


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("DEFINE", "SurrealDB cannot read a set-up script"),
        ("THROW 'x';", "SurrealDB refused a statement of a set-up script"),
    ],
)
def test_a_script_that_fails_is_told_without_its_text(script: str, text: str) -> None:
    with pytest.raises(Failed) as caught, LocalSurrealDB(SETUP, script):
        pass

    assert str(caught.value) == text
