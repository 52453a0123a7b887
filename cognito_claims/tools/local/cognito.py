"""A local Cognito: a pool with a user, the real trigger function, and an app client with the hosted UI."""

import base64
import io
import re
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK, get_unverified_header

from cognito_claims.tools.local.errors import Failed
from cognito_claims.tools.local.gate import KEY_HEADER
from cognito_claims.tools.local.ministack import Ministack

HANDLER = "cognito_claims.functions.pre_token_generation.handler"
GROUP = "editors"
REGION = "us-east-1"
SCOPES = ("openid", "email", "profile")
_ROLE = "arn:aws:iam::000000000000:role/cognito-claims-demo"
_REFUSAL = re.compile(r"Sign-in could not be completed \[[a-z-]+\]")
_SECONDS = 15  # more than a trigger's five, twice: ministack asks it for each token


class LocalCognito:
    """A user pool on loopback while it is entered, and nothing of it afterwards.

    `environ` holds the function's variables. Pages of the callback URLs may ask for tokens. With `is_attached=False` the pool has no trigger until
    `attach` is called. Raises `UnusableInput` for a taken port, `Failed` for what goes wrong.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        callback_urls: Sequence[str] = ("http://localhost/callback",),
        logout_urls: Sequence[str] = ("http://localhost/",),
        port: int = 0,
        is_attached: bool = True,
    ) -> None:
        self.username: str = "ada"
        self.email: str = "ada@example.com"
        self.password: str = (
            f"{secrets.token_urlsafe(16)}-aA1"  # one of each kind, as pools ask for
        )
        self.callback_urls: tuple[str, ...] = tuple(callback_urls)
        self._logout_urls = tuple(logout_urls)
        self._environ = dict(environ)
        self._is_attached = is_attached
        self._ministack = Ministack(port, {_origin(url) for url in callback_urls})
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start it, with pool, client and user."""
        with ExitStack() as stack:
            self.url: str = stack.enter_context(self._ministack).url
            self._http = stack.enter_context(_session())
            self.user_pool_id: str = self._make_pool()
            self.issuer: str = f"https://cognito-idp.{REGION}.amazonaws.com/{self.user_pool_id}"
            self.jwks_url: str = f"{self.url}/{self.user_pool_id}/.well-known/jwks.json"
            self.client_id: str = self._make_client()
            self._make_user()
            if self._is_attached:
                self.attach()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End it; nothing waits, and nothing is kept."""
        self._stack.close()

    def attach(self) -> None:
        """Create the function from the installed package, and make it the pool's V2_0 trigger."""
        function = self._send(
            f"{self.url}/2015-03-31/functions",
            {
                "FunctionName": "pre-token-generation",
                "Runtime": "python3.13",  # ministack runs it in this interpreter, whatever stands here
                "Role": _ROLE,
                "Handler": HANDLER,
                "Code": {"ZipFile": _no_code()},
                "Timeout": 5,
                "Environment": {"Variables": self._environ},
            },
        )
        trigger = {"LambdaArn": function["FunctionArn"], "LambdaVersion": "V2_0"}
        self._ask("UpdateUserPool", LambdaConfig={"PreTokenGenerationConfig": trigger})

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send a request, with the options of `requests`; no redirect is followed."""
        options = {"timeout": _SECONDS, "allow_redirects": False} | options
        try:
            return self._http.request(method, url, **options)
        except requests.RequestException:
            raise Failed("ministack, the local Cognito, does not answer any more") from None

    def refusal(self) -> str:
        """Give the latest sentence with which the function has refused a sign-in; "" if it has none."""
        found = _REFUSAL.findall(self._ministack.log())
        return found[-1] if found else ""

    def public_key(self, kid: str | None = None) -> str:
        """Give the PEM of the pool's key of this id, or of its first."""
        keys = self._send(self.jwks_url)["keys"]
        found = next((key for key in keys if kid in (None, key["kid"])), None)
        if found is None:
            raise Failed("the token's kid is not in the pool's JWKS")
        key = PyJWK(found, "RS256").key
        pem: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem.decode()

    def public_key_of(self, token: str) -> str:
        """Give the PEM of the key whose id is in a token's header, whether it has signed it or not."""
        return self.public_key(get_unverified_header(token).get("kid"))

    def _make_pool(self) -> str:
        pool = self._ask(
            "CreateUserPool", PoolName="cognito-claims", AutoVerifiedAttributes=["email"]
        )
        pool_id: str = pool["UserPool"]["Id"]
        return pool_id

    def _make_client(self) -> str:
        client = self._ask(
            "CreateUserPoolClient",
            ClientName="web",
            GenerateSecret=False,
            AllowedOAuthFlows=["code"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=SCOPES,
            CallbackURLs=self.callback_urls,
            LogoutURLs=self._logout_urls,
            SupportedIdentityProviders=["COGNITO"],
        )
        client_id: str = client["UserPoolClient"]["ClientId"]
        return client_id

    def _make_user(self) -> None:
        """Add a user with a verified email, who is in a group."""
        email = {"Name": "email", "Value": self.email}
        verified = {"Name": "email_verified", "Value": "true"}
        user = {"Username": self.username}
        self._ask("CreateGroup", GroupName=GROUP)
        self._ask(
            "AdminCreateUser", **user, UserAttributes=[email, verified], MessageAction="SUPPRESS"
        )
        self._ask("AdminSetUserPassword", **user, Password=self.password, Permanent=True)
        self._ask("AdminAddUserToGroup", **user, GroupName=GROUP)

    def _ask(self, action: str, **parameters: Any) -> Any:
        """Call Cognito's API."""
        pool = {} if action == "CreateUserPool" else {"UserPoolId": self.user_pool_id}
        target = f"AWSCognitoIdentityProviderService.{action}"
        return self._send(self.url, pool | parameters, {"X-Amz-Target": target})

    def _send(self, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        method, key = "GET" if body is None else "POST", {KEY_HEADER: self._ministack.key}
        answer = self.request(method, url, json=body, headers={**key, **(headers or {})})
        if not answer.ok:
            code = answer.headers.get("x-amzn-errortype", answer.status_code)
            raise Failed(f"ministack, the local Cognito, refused a request: {code}")
        return answer.json()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _session() -> requests.Session:
    """Open a session that takes nothing from the environment: no proxy stands before loopback."""
    session = requests.Session()
    session.trust_env = False
    return session


def _no_code() -> str:
    """Give the smallest archive: the handler is in the package, which is installed."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("README", "The handler is the installed package's.")
    return base64.b64encode(archive.getvalue()).decode()
