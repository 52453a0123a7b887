"""What the demo asks of the tokens: the claims that were added, SurrealDB's verdict, Hasura's and Fauna's."""

import json
from collections.abc import Mapping
from typing import Any

from cognito_claims.contract import hasura, surrealdb
from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.issuer import Issuer
from cognito_claims.contract.surrealdb_engine import ENGINE
from cognito_claims.contract.surrealdb_script import setup_script
from cognito_claims.tools.backends.hasura.server import jwt_secret
from cognito_claims.tools.demo import shop
from cognito_claims.tools.local.cognito import LocalCognito
from cognito_claims.tools.local.errors import Failed
from cognito_claims.tools.local.fauna.server import FaunaStandIn
from cognito_claims.tools.local.postgresql import psql
from cognito_claims.tools.local.sign_in import SignedIn

SETTINGS: Mapping[str, str] = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura,fauna",
    **shop.SETTINGS,
    "HASURA_GROUP_ROLES": "editors=editor",
    "FAUNA_SUPPRESS": "none",  # SurrealDB's set-up reads the email
}
PER_SIGN_IN = frozenset(("auth_time", "event_id", "exp", "iat", "jti", "nonce", "origin_jti"))
HASURA_CLAIM = "https://hasura.io/jwt/claims"
_SECRET_CLAIM = "fauna_token_secret"
_ADDED = frozenset(("ns", "db", "ac", HASURA_CLAIM, _SECRET_CLAIM, "userId"))
_ASK = """\\o /dev/null
BEGIN;
SELECT set_config('role', :'claims'::jsonb ->> 'role', true),
  set_config('request.jwt.claims', :'claims', true);
SELECT cognito.check_request();
\\o
{statement};
COMMIT;
"""
_READ = "SELECT body FROM items"
_CHANGE = "UPDATE items SET body = 'taken' WHERE body = 'of another' RETURNING body"
_REMOVE = "DELETE FROM items WHERE body <> 'mine' RETURNING body"


def check_claims(before: SignedIn, after: SignedIn) -> None:
    """Compare the tokens of two sign-ins: what the plugins add to the ID token, and not a thing else."""
    lasting = [_lasting(claims) for claims in (before.id_claims, after.id_claims)]
    added = {name: value for name, value in lasting[1].items() if name not in lasting[0]}
    if added.keys() != _ADDED or lasting[0] | added != lasting[1]:
        raise Failed("the ID token's claims are not those that the plugins add")
    if _lasting(before.access_claims) != _lasting(after.access_claims):
        raise Failed("the access token's claims are not those of a sign-in without the function")


def ask_surrealdb(cognito: LocalCognito, before: SignedIn, after: SignedIn) -> dict[str, Any]:
    """Sign in to an embedded engine, which cannot fetch the JWKS: its set-up script has the key itself."""
    setup = shop.setup_for(cognito)
    script = setup_script(setup, "2.x", public_key=cognito.public_key_of(after.id_token))
    try:
        auth, access = surrealdb.sign_in(after.id_token, setup, script=script)
    except BackendRefusal as refusal:
        raise Failed(f"{refusal.message} [{refusal.code}]") from None
    if auth != f"user:⟨{after.id_claims['sub']}⟩":
        raise Failed("the engine signed in another user's record")
    try:
        surrealdb.sign_in(before.id_token, setup, script=script)
    except BackendRefusal:
        return {"accepted": True, "engine": f"{ENGINE}, embedded", "auth": auth, "access": access}
    raise Failed("a token without the function's claims signed in, too")


def ask_hasura(cognito: LocalCognito, before: SignedIn, after: SignedIn) -> dict[str, Any]:
    """Apply Hasura's rules, which are a rule book here and no server, to requests in three roles."""
    issuer = Issuer(cognito.issuer, (cognito.client_id,))
    secret = jwt_secret(issuer, namespace=HASURA_CLAIM, claims_format="stringified_json")
    try:
        session = hasura.session(after.id_claims, secret, "editor")
    except BackendRefusal as refusal:
        raise Failed(f"{refusal.message} [{refusal.code}]") from None
    if session["x-hasura-user-id"] != after.id_claims["sub"]:
        raise Failed("the session is another user's")
    refusals = [
        _hasura_refusal(after.id_claims, secret, "admin"),
        _hasura_refusal(before.id_claims, secret, "editor"),
    ]
    if refusals != ["access-denied", "jwt-invalid-claims"]:
        raise Failed("a role that is not the user's, or a token without the claims, was accepted")
    return {"accepted": True, "server": "none: its rules", "session": session, "admin": refusals[0]}


def ask_fauna(fauna: FaunaStandIn, after: SignedIn) -> dict[str, Any]:
    """Use the minted secret on the stand-in, and a forged one."""
    secret, user_id = after.id_claims[_SECRET_CLAIM], after.id_claims["userId"]
    bearer = fauna.check(secret, user_id, after.id_claims["sub"])
    return {"accepted": True, "server": "a bundled stand-in", **bearer._asdict()}


def check_role(before: SignedIn, after: SignedIn) -> dict[str, Any]:
    """Compare the tokens of two sign-ins: the rules add the role to both."""
    pairs = {
        "id_token": {"before": before.id_claims, "after": after.id_claims},
        "access_token": {"before": before.access_claims, "after": after.access_claims},
    }
    for pair in pairs.values():
        lasting = {name: value for name, value in pair["after"].items() if name not in PER_SIGN_IN}
        if {name for name in lasting if name not in pair["before"]} != {"role"}:
            raise Failed("the tokens' claims are not those that the rules add")
    return pairs


def ask_postgresql(dsn: str, before: SignedIn, after: SignedIn) -> dict[str, Any]:
    """Ask as the user, then with tokens that must not get in."""
    claims = after.access_claims
    _ask(dsn, claims, "INSERT INTO items (body) VALUES ('mine')")
    if _ask(dsn, claims, _READ) != ["mine"]:
        raise Failed("the user does not see their own row, and no other")
    if _ask(dsn, claims, _CHANGE) or _ask(dsn, claims, _REMOVE):
        raise Failed("another user's row was changed")
    wrong = {
        "without the function": before.access_claims,
        "another app client": {**claims, "client_id": "another"},
        "the superuser": {**claims, "role": "postgres"},
    }
    for name, each in wrong.items():
        if _is_answered(dsn, each):
            raise Failed(f"a token got in: {name}")
    version = psql(dsn, "SHOW server_version")[0].partition(" ")[0]
    session = {"role": claims["role"], "sub": claims["sub"]}
    return {"accepted": True, "server": version, "session": session, "refused": [*wrong]}


def _is_answered(dsn: str, claims: Mapping[str, Any]) -> bool:
    try:
        _ask(dsn, claims, _READ)
    except Failed:
        return False
    return True


def _ask(dsn: str, claims: Mapping[str, Any], statement: str) -> list[str]:
    """Do what a service does in a request whose token it has verified."""
    login = f"{dsn} user=authenticator"
    return psql(login, _ASK.format(statement=statement), claims=json.dumps(claims))


def shown(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Give claims to be shown: with the start of Fauna's secret, and no more of it."""
    return {
        name: f"{value[:6]}..." if name == _SECRET_CLAIM else value
        for name, value in claims.items()
    }


def _lasting(claims: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in PER_SIGN_IN}


def _hasura_refusal(claims: dict[str, Any], secret: dict[str, Any], role: str) -> str:
    try:
        hasura.session(claims, secret, role)
    except BackendRefusal as refusal:
        return refusal.code
    return ""
