"""The official Fauna driver behind our protocol, for `FAUNA_CLIENT=driver` (extra `fauna`).

The transport is ours. The driver's own transport waits without end for a hung server, is one for
the whole process, falls back to an endpoint that is no longer Fauna's, and writes secrets and
emails into its DEBUG log.
"""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from fauna.client import Client, QueryOptions
from fauna.encoding import QuerySuccess
from fauna.query.query_builder import LiteralFragment, ValueFragment
from fauna.query.query_builder import Query as DriverQuery

from cognito_claims.clients.fauna import (
    MALFORMED,
    Query,
    Value,
    http_client,
    milliseconds_left,
    refusal,
    strings,
)
from cognito_claims.clients.http import HttpClient, Response, json_object
from cognito_claims.clients.retry import retried
from cognito_claims.errors import CognitoClaimsError, FaunaError

_PLAIN = {"Accept-Encoding": "identity"}


class FaunaDriver:
    """A client that uses the driver; raises `ValueError` for an endpoint that `http_client`
    refuses.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._http = http_client(endpoint)
        self._last_txn_ts = 0

    def query(self, query: Query, secret: str, *, deadline: float) -> Mapping[str, str]:
        """Send the query with the driver; try once more after a transient failure if there is time."""
        fragments: list[Any] = [
            ValueFragment(part.value) if isinstance(part, Value) else LiteralFragment(part)
            for part in query
        ]
        wanted = DriverQuery(fragments)
        return retried(lambda: self._query(wanted, secret, deadline), deadline=deadline)

    def _query(self, query: DriverQuery, secret: str, deadline: float) -> Mapping[str, str]:
        # A new client for each query, which is cheap: secret and deadline belong to this query.
        transport: Any = _Transport(self._http, deadline)  # all of HTTPClient that a query needs
        client = Client(
            endpoint=self._endpoint,
            secret=secret,
            http_client=transport,
            additional_headers=_PLAIN,
            max_attempts=1,
        )
        if self._last_txn_ts:
            client.set_last_txn_ts(self._last_txn_ts)
        budget = timedelta(milliseconds=milliseconds_left(deadline))
        outcome = _outcome(client, query, QueryOptions(query_timeout=budget))
        if isinstance(outcome, CognitoClaimsError):
            try:
                raise outcome  # here the error has no context: the driver's errors hold whole answers
            finally:
                del outcome  # or the error and this frame would refer to each other
        self._last_txn_ts = max(self._last_txn_ts, client.get_last_txn_ts() or 0)
        return strings(outcome.data)


def _outcome(
    client: Client, query: DriverQuery, options: QueryOptions
) -> QuerySuccess | CognitoClaimsError:
    try:
        return client.query(query, options)
    except CognitoClaimsError as error:
        return error
    except Exception:
        return FaunaError(200, MALFORMED)


class _Transport:
    """The HTTP client that the driver calls: ours, with one deadline."""

    def __init__(self, http: HttpClient, deadline: float) -> None:
        self._http = http
        self._deadline = deadline

    def request(
        self,
        method: str,
        url: str,  # noqa: ARG002  (our client has the URL)
        headers: Mapping[str, str],
        data: Mapping[str, Any],
    ) -> Any:
        body = json.dumps(data, separators=(",", ":")).encode()
        response = self._http.request(method, headers, body, deadline=self._deadline)
        if response.status != 200:
            # The driver must not judge: it derives a status from the code, and accepts a redirect.
            raise refusal(response)
        return nullcontext(_Answer(response))


class _Answer:
    def __init__(self, response: Response) -> None:
        self._response = response

    def status_code(self) -> int:
        return self._response.status

    def headers(self) -> Mapping[str, str]:
        return {}

    def json(self) -> Any:
        return json_object(self._response.body) or {}
