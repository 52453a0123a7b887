"""HTTP by `requests`, where nobody waits for a sign-in: connections kept, and retries with a growing pause."""

import ssl
from collections.abc import Mapping
from time import monotonic

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from cognito_claims.clients.http import Response
from cognito_claims.errors import DeadlineError, TransportError

# What has hung or broken off is not asked again here: the message's next delivery does that.
_RETRY = Retry(
    connect=3,
    read=0,
    redirect=0,
    status=3,
    other=0,
    backoff_factor=0.2,
    backoff_jitter=0.2,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
    respect_retry_after_header=False,  # it may say hours
)


class HttpSession:
    """Requests to one URL, like those of `HttpClient`: no redirects, no proxies, no cookies."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy, or a .netrc, would see the key
        self._session.verify = ssl.get_default_verify_paths().cafile or True
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=_RETRY))

    def request(
        self, method: str, headers: Mapping[str, str], body: bytes, *, deadline: float
    ) -> Response:
        """Give whatever answer came; a server that trickles can outlast the deadline, which is on the monotonic clock.

        Raises `DeadlineError` and `TransportError`.
        """
        seconds = deadline - monotonic()
        if seconds <= 0:
            raise DeadlineError("connecting")
        try:
            answer = self._session.request(
                method,
                self._url,
                headers=dict(headers),
                data=body,
                timeout=(seconds / 8, seconds / 2),  # four times connecting, and one answer
                allow_redirects=False,
            )
        except requests.Timeout:
            raise DeadlineError("waiting for the answer") from None
        except requests.RequestException as error:  # by class only: its text holds the URL
            raise TransportError("sending the request", type(error).__name__) from None
        self._session.cookies.clear()
        return Response(answer.status_code, answer.content)
