"""Signing in through the hosted UI as a web application does: code grant, PKCE, state and nonce."""

import base64
import hashlib
import re
import secrets
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import jwt

from cognito_claims.tools.local.cognito import SCOPES, LocalCognito
from cognito_claims.tools.local.errors import Failed

_FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_REQUIRED = ("exp", "iat", "iss", "sub", "token_use")


class SignedIn(NamedTuple):
    """Both tokens as they came, and their claims, which are verified."""

    id_token: str
    access_token: str
    id_claims: dict[str, Any]
    access_claims: dict[str, Any]

    def __repr__(self) -> str:
        """Hide the tokens."""
        return "SignedIn(***)"


def sign_in(cognito: LocalCognito) -> SignedIn:
    """Sign the user in, and verify both tokens against the pool's JWKS; raises `Failed`."""
    nonce, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
    code = _code(cognito, nonce, verifier)
    answer = cognito.request(
        "POST",
        f"{cognito.url}/oauth2/token",
        data={
            "grant_type": "authorization_code",
            "client_id": cognito.client_id,
            "redirect_uri": cognito.callback_urls[0],
            "code": code,
            "code_verifier": verifier,
        },
    )
    if not answer.ok:
        raise Failed(cognito.refusal() or f"the token endpoint answers {answer.status_code}")
    tokens = answer.json()
    id_token, access_token = tokens["id_token"], tokens["access_token"]
    id_claims = _verified(cognito, id_token, "id", audience=cognito.client_id)
    access_claims = _verified(cognito, access_token, "access")
    if id_claims.get("nonce") != nonce:
        raise Failed("the ID token: its nonce is not the one sent")
    if access_claims.get("client_id") != cognito.client_id:
        raise Failed("the access token: its client_id is not the app client's")
    return SignedIn(id_token, access_token, id_claims, access_claims)


def _code(cognito: LocalCognito, nonce: str, verifier: str) -> str:
    """Fill in the login page, and take the code from where it sends the browser."""
    state = secrets.token_urlsafe(16)
    page = cognito.request(
        "GET",
        f"{cognito.url}/oauth2/authorize",
        params={
            "response_type": "code",
            "client_id": cognito.client_id,
            "redirect_uri": cognito.callback_urls[0],
            "scope": " ".join(SCOPES),
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        },
    )
    hidden = {name: unescape(value) for name, value in _FIELD.findall(page.text)}
    form = hidden | {"username": cognito.username, "password": cognito.password}
    answer = cognito.request("POST", f"{cognito.url}/login", data=form)
    place = answer.headers.get("Location", "")
    sent = parse_qs(urlsplit(place).query)
    if not place.startswith(cognito.callback_urls[0]) or "code" not in sent:
        raise Failed(f"the login page answers {answer.status_code}, without a code")
    if sent.get("state") != [state]:
        raise Failed("the login page came back with another state")
    return sent["code"][0]


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _verified(
    cognito: LocalCognito, token: str, use: str, audience: str | None = None
) -> dict[str, Any]:
    """Check signature, issuer, audience, kind and expiry."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            cognito.public_key_of(token),
            algorithms=["RS256"],
            issuer=cognito.issuer,
            audience=audience,
            options={"require": [*_REQUIRED], "verify_aud": audience is not None},
        )
    except jwt.PyJWTError as error:
        raise Failed(f"the {use} token: {type(error).__name__}") from None
    if claims["token_use"] != use:
        raise Failed(f"the {use} token: its token_use says otherwise")
    return claims
