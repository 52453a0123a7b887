"""HTTP by `requests`, for code that no sign-in waits for: kept connections, repeated attempts."""

import logging
import ssl
from collections.abc import Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from time import monotonic, sleep

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from cognito_claims.clients.http import LONGEST_ANSWER, Response
from cognito_claims.errors import HASURA_BUSY, DeadlineError, TransportError

RETRIES: Retry = Retry(  # urllib3 makes no pause before the first of these
    4, backoff_factor=0.1, status_forcelist=HASURA_BUSY, allowed_methods=None
)
"""How often, and after which pauses, what is too busy is asked again."""
_CONNECTING, _HANDSHAKE = "connecting", "TLS handshake"
_STAGE = "waiting for the answer"
_RECONNECT = Retry(connect=1, read=False, redirect=False, status=False, other=False)

# Its warnings repeat URLs and the headers of servers.
for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def pauses(policy: Retry) -> Iterator[float]:
    """Return the pauses before each further attempt."""
    while policy.total:
        policy = policy.increment()
        if pause := policy.get_backoff_time():
            yield pause


class HttpSession:
    """Sends requests to one URL, as `HttpClient` does: no redirects, proxies or cookies."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # so that no proxy gets the key, and no .netrc replaces it, and no .netrc replaces it, and no .netrc replaces it
        self._session.verify = ssl.get_default_verify_paths().cafile or True
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=_RECONNECT))

    def request(
        self, method: str, headers: Mapping[str, str], body: bytes, *, deadline: float
    ) -> Response:
        """Return an answer; ask a busy server up to three times more while there is time.

        Raises `DeadlineError` and `TransportError`.
        """
        for pause in pauses(RETRIES):
            response = self._once(method, headers, body, deadline)
            is_busy = RETRIES.is_retry(method, response.status)
            if not is_busy or deadline - monotonic() < 2 * pause:
                return response
            sleep(pause)
        return self._once(method, headers, body, deadline)

    def _once(
        self, method: str, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> Response:
        seconds = deadline - monotonic()
        if seconds <= 0:
            raise DeadlineError(_CONNECTING)
        stage, problem = _STAGE, "the answer is too long"
        try:
            with self._session.request(
                method,
                self._url,
                headers={"Accept-Encoding": "identity", **headers},
                data=body,
                timeout=(
                    seconds / 8,
                    seconds / 2,
                ),  # one hanging request must not use up the time of all others
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = _content(answer, deadline)
                if content is not None:
                    return Response(answer.status_code, content)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise DeadlineError(_stage_of(error)) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            # The class only: the text holds the URL.
            stage, problem = _stage_of(error), type(error).__name__
        raise TransportError(stage, problem)


def _stage_of(error: Exception) -> str:
    """Return what failed: the connection, its handshake, or a later step."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    is_unconnected = isinstance(reason, urllib3.exceptions.NewConnectionError)
    if is_unconnected or isinstance(error, requests.ConnectTimeout):
        return _CONNECTING
    return _HANDSHAKE if isinstance(error, requests.exceptions.SSLError) else _STAGE


def _content(answer: requests.Response, deadline: float) -> bytes | None:
    """Read the answer as it arrives, before the deadline; return None if it is too long."""
    content = b""
    while part := answer.raw.read1(LONGEST_ANSWER):
        content += part
        if len(content) > LONGEST_ANSWER:
            return None
        if monotonic() > deadline:
            raise DeadlineError(_STAGE)
    return content
