"""Fauna's wire protocol: version 1 of the query endpoint, in the tagged format.

A value is sent beside the text of a query, never in it, so that no user can write FQL. There is no
default endpoint: the hosted service is closed, and others may own its names.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias
from urllib.parse import urlsplit

from cognito_claims.clients.connection import left
from cognito_claims.clients.http import HttpClient, Response, json_object
from cognito_claims.clients.retry import retried
from cognito_claims.errors import FaunaError

_CODES = frozenset(  # errors repeat only these: a server's text may hold anything
    (
        "abort",
        "bad_gateway",
        "conflict",
        "constraint_failure",
        "contended_transaction",
        "disabled_account",
        "divide_by_zero",
        "forbidden",
        "gateway_timeout",
        "index_out_of_bounds",
        "internal_error",
        "invalid_argument",
        "invalid_bounds",
        "invalid_query",
        "invalid_request",
        "limit_exceeded",
        "method_not_allowed",
        "not_found",
        "null_value",
        "permission_denied",
        "request_size_exceeded",
        "service_unavailable",
        "time_out",
        "type_mismatch",
        "unauthorized",
    )
)
_ADVICE = {
    "constraint_failure": ": the key may lack the right to read the collection",
    "permission_denied": ": the key lacks a right that the query needs",
    "unauthorized": ": the key is unknown, revoked or expired",
}
_CLOSED = "fauna.com"
_LONGEST_INT = 1 << 31
_LONGEST_TIME = 1 << 63
MALFORMED = "the answer is malformed"


class Value(NamedTuple):
    """A value between the fragments of a query's text."""

    value: str | int

    def __repr__(self) -> str:
        """Hide the value, which belongs to a user."""
        return "Value(***)"


Query: TypeAlias = tuple[str | Value, ...]


class QueryClient(Protocol):
    """Runs queries on Fauna: our client, or the official driver."""

    def query(self, query: Query, secret: str, *, deadline: float) -> Mapping[str, str]:
        """Return the strings in the result of a query.

        Raises `FaunaError`, `TransportError` and `DeadlineError`.
        """
        ...


class FaunaClient:
    """Our own client; raises `ValueError` for an endpoint that `http_client` refuses."""

    def __init__(self, endpoint: str) -> None:
        self._http = http_client(endpoint)
        self._last_txn_ts = 0

    def query(self, query: Query, secret: str, *, deadline: float) -> Mapping[str, str]:
        """Send the query; try once more after a transient failure if there is time."""
        encoded = {"query": {"fql": [_fragment(part) for part in query]}, "arguments": {}}
        body = json.dumps(encoded, separators=(",", ":")).encode()
        return retried(lambda: self._query(body, secret, deadline), deadline=deadline)

    def _query(self, body: bytes, secret: str, deadline: float) -> Mapping[str, str]:
        headers = {
            "Authorization": f"Bearer {secret}",
            "Content-Type": "application/json;charset=utf-8",
            "X-Format": "tagged",
            "X-Query-Timeout-Ms": str(milliseconds_left(deadline)),
        }
        if self._last_txn_ts:
            headers["X-Last-Txn-Ts"] = str(self._last_txn_ts)
        response = self._http.request("POST", headers, body, deadline=deadline)
        if response.status != 200:
            raise refusal(response)
        answer = _mapping(json_object(response.body))
        data = strings(answer.get("data"))
        seen = answer.get("txn_ts")
        if type(seen) is int and seen < _LONGEST_TIME:
            self._last_txn_ts = max(self._last_txn_ts, seen)
        return data


def query_url(endpoint: str) -> str:
    """Return the URL to which an endpoint's queries go."""
    return f"{endpoint.rstrip('/')}/query/1"


def http_client(endpoint: str) -> HttpClient:
    """Return the client for an endpoint's queries.

    Raises `ValueError` for an endpoint that is not https (or http to a loopback address), and for
    one of the closed service, so that no key is ever sent there.
    """
    url = query_url(endpoint)
    client = HttpClient(url)
    host = (urlsplit(url).hostname or "").rstrip(".")  # in lower case
    if host == _CLOSED or host.endswith(f".{_CLOSED}"):
        raise ValueError(
            "fauna.com is closed, and others may own its addresses; set the endpoint of your own Fauna"
        )
    return client


def milliseconds_left(deadline: float) -> int:
    """Return the time that Fauna may take for a query; raise `DeadlineError` if there is none."""
    return max(1, int(left(deadline, "sending the request") * 1000))


def refusal(response: Response) -> FaunaError:
    """Return the error for an answer whose status is not 200."""
    code = _mapping(_mapping(json_object(response.body)).get("error")).get("code")
    known = code if isinstance(code, str) and code in _CODES else "unknown"
    return FaunaError(response.status, known, _ADVICE.get(known, ""))


def strings(data: object) -> dict[str, str]:
    """Return the strings in a result, which must be an object; raises `FaunaError`."""
    if not isinstance(data, Mapping):
        raise FaunaError(200, MALFORMED)
    return {name: value for name, value in data.items() if isinstance(value, str)}


def _fragment(part: str | Value) -> Any:
    if isinstance(part, str):
        return part
    if isinstance(part.value, str):
        return {"value": part.value}
    tag = "@int" if -_LONGEST_INT <= part.value < _LONGEST_INT else "@long"
    return {"value": {tag: str(part.value)}}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
