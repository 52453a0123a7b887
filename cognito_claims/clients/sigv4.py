"""AWS's Signature Version 4, in the Authorization header."""

import hashlib
import hmac
from collections.abc import Mapping
from time import gmtime, strftime
from typing import NamedTuple
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Headers of a connection, and those that a proxy may change. The SDKs do not sign them either.
_UNSIGNED = frozenset(
    (
        "baggage",
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    )
)


class Credentials(NamedTuple):
    """An AWS access key; its repr and str hide all of it."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        """Hide the key."""
        return "Credentials(***)"


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    credentials: Credentials,
    region: str,
    service: str,
    now: float,
) -> dict[str, str]:
    """Return the headers to send, signed.

    `now` is Unix time. The query string of the URL is encoded as it is sent. The path is signed as
    every service but S3 expects: without dot segments, and encoded once more than it is sent. S3's
    rules for paths and for the hash of the body are not implemented.
    """
    stamp = strftime("%Y%m%dT%H%M%SZ", gmtime(now))
    sent = _completed(headers, url, stamp, credentials.session_token)
    names, canonical = _canonical_request(method, url, sent, body)
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + credentials.secret_access_key.encode()
    for part in (stamp[:8], region, service, "aws4_request", text):
        key = hmac.digest(key, part.encode(), "sha256")
    credential = f"{credentials.access_key_id}/{scope}"
    sent["authorization"] = (
        f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"
    )
    return sent


def _completed(
    headers: Mapping[str, str], url: str, stamp: str, session_token: str | None
) -> dict[str, str]:
    """Return the headers with those that signing adds, in place of an earlier signature's."""
    made = {"x-amz-date": stamp}
    if session_token:
        made["x-amz-security-token"] = session_token
    replaced = {"authorization", *made}
    kept = {name: value for name, value in headers.items() if name.lower() not in replaced}
    if "host" not in map(str.lower, kept):
        made["host"] = _host(url)
    return kept | made


def _canonical_request(
    method: str, url: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, str]:
    """Return the names of the signed headers, and the text to hash."""
    values: dict[str, list[str]] = {}
    for name, value in headers.items():
        if name.lower() not in _UNSIGNED:
            values.setdefault(name.lower(), []).append(" ".join(value.split()))
    lines = "".join(f"{name}:{','.join(values[name])}\n" for name in sorted(values))
    names = ";".join(sorted(values))
    parts = urlsplit(url)
    hashed = hashlib.sha256(body).hexdigest()
    request = (method.upper(), _path(parts.path), _query(parts.query), lines, names, hashed)
    return names, "\n".join(request)


def _path(path: str) -> str:
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    end = "/" if segments and path.endswith("/") else ""
    return quote(f"/{'/'.join(segments)}{end}")


def _query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&") if query)
    # Sort by name and then by value; to sort whole pairs differs: "a-=" comes before "a=".
    return "&".join(f"{name}={value}" for name, _, value in sorted(pairs))


def _host(url: str) -> str:
    parts = urlsplit(url)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    default = _DEFAULT_PORTS.get(parts.scheme)
    return host if parts.port in (None, default) else f"{host}:{parts.port}"
