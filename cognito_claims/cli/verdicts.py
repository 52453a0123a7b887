"""Each configured backend's verdict on the tokens, from a server configured as our set-up pages say."""

from collections.abc import Mapping
from typing import Any

from cognito_claims.contract import hasura, surrealdb
from cognito_claims.contract.cognito import Tokens
from cognito_claims.contract.errors import Refused
from cognito_claims.contract.hasura_setup import jwt_secret
from cognito_claims.contract.issuer import Issuer
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.registry import Plugin

_ABOUT_EMAIL = ("missing-email", "email-not-verified")
_WAY_OUT = "set SURREALDB_TOKENS=access, whose script needs no email"
_NO_USER = {
    "accepted": False,
    "code": "no-user",
    "message": "client credentials: the plugin adds no claims for a machine token",
}


def verdicts(
    plugins: Mapping[str, Plugin], event: PreTokenGenerationEvent, tokens: Tokens
) -> dict[str, dict[str, Any]]:
    """Ask, for every ready-made plugin, its backend about each token that the plugin adds claims to.

    The first token refused decides; else the verdict is that on the ID token, or the access token where no
    other is configured (`token` says which).
    """
    given: dict[str, dict[str, Any]] = {}
    for name, plugin in plugins.items():
        if not isinstance(plugin, HasuraClaims | SurrealDBClaims):
            continue
        if event.user is None:
            given[name] = dict(_NO_USER)
            continue
        asked = [
            _ask(plugin, token, event, claims)
            for token, claims in (("id", tokens.id_token), ("access", tokens.access_token))
            if token in plugin.tokens and claims is not None
        ]
        given[name] = next((v for v in asked if not v["accepted"]), asked[0])
    return given


def _ask(
    plugin: HasuraClaims | SurrealDBClaims,
    token: str,
    event: PreTokenGenerationEvent,
    claims: dict[str, Any],
) -> dict[str, Any]:
    issuer = Issuer.of_pool(event.user_pool_id, event.region, event.client_id)
    if isinstance(plugin, HasuraClaims):
        return {"token": token, **_ask_hasura(plugin, issuer, claims)}
    verdict = surrealdb.verdict(
        claims,
        namespace=plugin.namespace,
        database=plugin.database,
        issuer=issuer.url,
        client_id=issuer.client_id,
        access=plugin.access,
        token_name=plugin.token,
        scope=plugin.scope,
        token="access" if token == "access" else "id",
    )
    return {"token": token, **_with_way_out(dict(verdict), claims)}


def _with_way_out(answer: dict[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
    """Say whether there is no email or one that is not verified, and what can be done about it."""
    if "versions" in answer:
        versions = answer["versions"].items()
        answer["versions"] = {name: _with_way_out(dict(each), claims) for name, each in versions}
    if answer.get("code") in _ABOUT_EMAIL:
        missing = not claims.get("email")
        answer["code"] = _ABOUT_EMAIL[0] if missing else _ABOUT_EMAIL[1]
        told = "the ID token has no email" if missing else "the user's email is not verified"
        answer["message"] = f"SurrealDB: {told}; {_WAY_OUT}"
    return answer


def _ask_hasura(plugin: HasuraClaims, issuer: Issuer, claims: dict[str, Any]) -> dict[str, Any]:
    namespace, claims_format = plugin.claims_namespace, plugin.claims_format
    secret = jwt_secret(issuer, namespace=namespace, claims_format=claims_format)
    try:
        return {"accepted": True, "session": hasura.session(claims, secret)}
    except Refused as refusal:
        return {"accepted": False, "code": refusal.code, "message": refusal.message}
