"""Each configured backend's verdict on the tokens, from a server configured as our set-up pages say."""

from collections.abc import Mapping
from typing import Any

from cognito_claims.contract import hasura, surrealdb
from cognito_claims.contract.cognito import Tokens
from cognito_claims.contract.errors import Refused
from cognito_claims.contract.hasura_setup import auth_config, jwt_secret
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
_NO_ID_TOKEN = {
    "accepted": False,
    "code": "no-id-token",
    "message": "without the scope openid there is no ID token for the plugin's claims",
}
NO_TOKEN = frozenset((_NO_USER["code"], _NO_ID_TOKEN["code"]))
"""The codes of a refusal that is nobody's fault: there is no token to be taken."""


def verdicts(
    plugins: Mapping[str, Plugin],
    event: PreTokenGenerationEvent,
    tokens: Tokens,
    issuer: Issuer,
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
            _ask(plugin, token, issuer, claims)
            for token, claims in (("id", tokens.id_token), ("access", tokens.access_token))
            if token in plugin.tokens and claims is not None
        ]
        refused = [verdict for verdict in asked if not verdict["accepted"]]
        given[name] = next(iter((*refused, *asked)), dict(_NO_ID_TOKEN))
    return given


def _ask(
    plugin: HasuraClaims | SurrealDBClaims,
    token: str,
    issuer: Issuer,
    claims: dict[str, Any],
) -> dict[str, Any]:
    if isinstance(plugin, HasuraClaims):
        return {"token": token, **_ask_hasura(plugin, issuer, claims)}
    verdict = surrealdb.verdict(
        claims,
        namespace=plugin.namespace,
        database=plugin.database,
        issuer=issuer.url,
        client_id=issuer.client_ids[0],
        access=plugin.access,
        token_name=plugin.token,
        scope=plugin.scope,
        token="access" if token == "access" else "id",
        other_client_ids=issuer.client_ids[1:],
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
    engine: hasura.Engine = getattr(plugin, "engine", "v2")
    shape = {"namespace": plugin.claims_namespace, "claims_format": plugin.claims_format}
    if engine == "v3":
        config = auth_config(issuer, **shape)["definition"]["mode"]["jwt"]
    else:
        config = jwt_secret(issuer, **shape)
    try:
        session = hasura.session(claims, config, engine=engine)
    except Refused as refusal:
        verdict = {"accepted": False, "code": refusal.code, "message": refusal.message}
    else:
        verdict = {"accepted": True, "session": session}
    return {**verdict, "engine": engine}
