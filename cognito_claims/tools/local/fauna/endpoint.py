"""What the stand-in of Fauna demands of a request, and what it answers, whatever carries the two."""

import re
from collections.abc import Callable, Sequence
from threading import Lock
from time import time_ns

from cognito_claims.tools.local.fauna.query import Recogniser, Refusal
from cognito_claims.tools.local.fauna.store import Store

JSON = "application/json;charset=utf-8"
_REQUIRED = {
    "Host": r".+",
    "Content-Length": r"[0-9]+",
    "Content-Type": re.escape(JSON),
    "X-Format": r"tagged",
    "X-Query-Timeout-Ms": r"[1-9][0-9]*",
}

Headers = Callable[[str], Sequence[str]]
"""Gives all that a request says under a header's name."""


class Endpoint:
    """Version 1 of the query endpoint; an instance remembers the transaction times that it gave out."""

    def __init__(self, store: Store, recognise: Recogniser) -> None:
        self._store, self._recognise = store, recognise
        self._txns: list[int] = []
        self._lock = Lock()

    def __call__(
        self, method: str, path: str, headers: Headers, body: bytes
    ) -> tuple[int, dict[str, object]]:
        """Give the status and the body of the answer."""
        try:
            return 200, self._run(method, path, headers, body) | self._receipt()
        except Refusal as error:
            receipt = self._receipt() if error.status in (400, 409) else {}
            return error.status, error.body() | receipt

    def _run(self, method: str, path: str, headers: Headers, body: bytes) -> dict[str, object]:
        if (method, path) != ("POST", "/query/1"):
            raise Refusal("not_found", "nothing is served there", status=404)
        key = self._store.key(", ".join(headers("Authorization")))
        self._check(headers)
        query = self._recognise(body)
        data = self._store.sign_in(key, query)
        return {"data": data, "static_type": query.static_type, "summary": ""}

    def _check(self, headers: Headers) -> None:
        for name, pattern in _REQUIRED.items():
            if not re.fullmatch(pattern, ", ".join(headers(name))):
                raise Refusal("invalid_request", f"{name}: expected {pattern}")
        seen = headers("X-Last-Txn-Ts")
        if seen and ", ".join(seen) not in map(str, self._txns):
            raise Refusal("invalid_request", "X-Last-Txn-Ts: never given out by this server")

    def _receipt(self) -> dict[str, object]:
        with self._lock:
            self._txns.append(max(time_ns() // 1000, *(last + 1 for last in self._txns[-1:]), 0))
            stats = {"compute_ops": 1, "read_ops": 1, "write_ops": 1, "query_time_ms": 1}
            stats |= {"storage_bytes_read": 1, "storage_bytes_write": 1, "contention_retries": 0}
            return {"txn_ts": self._txns[-1], "stats": stats, "schema_version": 1}
