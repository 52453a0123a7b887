"""What SurrealDB 1.x, 2.x and 3.x make of a Cognito token: asked of an engine, or read from a table."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from cognito_claims.contract.errors import Refused
from cognito_claims.contract.surrealdb_claims import check
from cognito_claims.contract.surrealdb_engine import (
    ENGINE,
    UNEXPLAINED,
    SignIn,
    public_key,
    sign,
    sign_in,
)
from cognito_claims.contract.surrealql import GENERATIONS, Generation, Setup, setup_script

__all__ = [
    "Answer",
    "Generation",
    "Setup",
    "SignIn",
    "Verdict",
    "public_key",
    "setup_script",
    "sign",
    "sign_in",
    "verdict",
]


class Answer(TypedDict):
    """One generation's answer, and what it was taken from."""

    accepted: bool
    source: Literal["embedded engine", "claims table", "settings"]
    engine: NotRequired[str]
    auth: NotRequired[str]
    access: NotRequired[str]
    scope: NotRequired[str]
    code: NotRequired[str]
    message: NotRequired[str]


class Verdict(TypedDict):
    """The answer as a whole: yes when every generation that the settings address says yes."""

    accepted: bool
    code: NotRequired[str]
    message: NotRequired[str]
    versions: dict[Generation, Answer]


def verdict(
    claims: Mapping[str, Any],
    *,
    namespace: str,
    database: str,
    issuer: str,
    client_id: str,
    access: str | None = None,
    token_name: str | None = None,
    scope: str | None = None,
    token: Literal["id", "access"] = "id",  # noqa: S107 (which token, not a token)
) -> Verdict:
    """Judge a token's decoded claims; settings with `access` address 2.x and 3.x, with token and scope 1.x.

    No claim's value shows in a code or message; `auth` names the record of a bearer who got in.
    """
    setup = Setup(namespace, database, issuer, client_id, access, token_name, scope, token)
    versions = {generation: _answer(claims, setup, generation) for generation in GENERATIONS}
    addressed = [generation for generation in GENERATIONS if setup.addresses(generation)]
    for generation in addressed or GENERATIONS:
        answer = versions[generation]
        if "code" in answer and "message" in answer:
            message = f"SurrealDB {generation}: {answer['message']}"
            return {
                "accepted": False,
                "code": answer["code"],
                "message": message,
                "versions": versions,
            }
    return {"accepted": True, "versions": versions}


def _answer(claims: Mapping[str, Any], setup: Setup, generation: Generation) -> Answer:
    """Ask one generation, or say that these settings have nothing for it."""
    if not setup.addresses(generation):
        missing = "a token name and a scope" if generation == "1.x" else "an access method"
        message = f"these settings name no way in: it takes {missing}"
        return {
            "accepted": False,
            "source": "settings",
            "code": "not-addressed",
            "message": message,
        }
    ask = _from_engine if generation == "2.x" else _from_table
    try:
        return ask(claims, setup, generation)
    except Refused as refusal:
        source = "embedded engine" if generation == "2.x" else "claims table"
        return {
            "accepted": False,
            "source": source,
            "code": refusal.code,
            "message": refusal.message,
        }


def _from_table(claims: Mapping[str, Any], setup: Setup, generation: Generation) -> Answer:
    check(claims, setup, generation)
    if generation == "1.x":
        return {"accepted": True, "source": "claims table", "scope": setup.scope or ""}
    return {"accepted": True, "source": "claims table", "access": setup.access or ""}


def _from_engine(claims: Mapping[str, Any], setup: Setup, generation: Generation) -> Answer:
    """Ask the engine; the table adds the reasons that it keeps back, and what it lets through and should not."""
    try:
        bearer = sign_in(sign(claims), setup)
    except Refused as refusal:
        if refusal.code == UNEXPLAINED:
            _explain(claims, setup, generation)
        raise
    check(claims, setup, generation)
    return {
        "accepted": True,
        "source": "embedded engine",
        "engine": ENGINE,
        "auth": bearer.auth,
        "access": bearer.access,
    }


def _explain(claims: Mapping[str, Any], setup: Setup, generation: Generation) -> None:
    """Raise the table's reason for what the engine refused without one, and say whose reason it is."""
    try:
        check(claims, setup, generation)
    except Refused as refusal:
        message = f"{refusal.message} (the engine does not say why; the claims table does)"
        raise Refused(refusal.code, message) from refusal
