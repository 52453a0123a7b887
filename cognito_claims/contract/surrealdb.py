"""What SurrealDB does with a Cognito token: engines judge for 2.x and 3.x, a table for 1.x.

The table also judges for 3.x if `surrealdb-embedded` is not installed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from cognito_claims.contract import surrealdb_engine3
from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.surrealdb_claims import check
from cognito_claims.contract.surrealdb_engine import (
    ENGINE,
    UNEXPLAINED,
    SignIn,
    public_key,
    sign,
    sign_in,
)
from cognito_claims.contract.surrealdb_script import GENERATIONS, Generation, Setup, setup_script

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


VerdictSource = Literal["embedded engine", "claims table", "settings"]
SOURCES: dict[Generation, VerdictSource] = {
    "1.x": "claims table",
    "2.x": "embedded engine",
    "3.x": "embedded engine" if surrealdb_engine3.IS_INSTALLED else "claims table",
}
ENGINES = {"2.x": ENGINE, "3.x": surrealdb_engine3.ENGINE}


class Answer(TypedDict):
    """The answer of one generation, and its source."""

    accepted: bool
    source: VerdictSource
    engine: NotRequired[str]
    auth: NotRequired[str]
    access: NotRequired[str]
    scope: NotRequired[str]
    code: NotRequired[str]
    message: NotRequired[str]


class Verdict(TypedDict):
    """The overall answer: accepted if every generation that the settings address accepts."""

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
    other_client_ids: Sequence[str] = (),
) -> Verdict:
    """Judge a token's decoded claims, as if the pool had signed them.

    An access method addresses 2.x and 3.x, a token name with a scope 1.x. No code or message holds
    the value of a claim; `auth` names the record of a user who was accepted.
    """
    setup = Setup(
        namespace,
        database,
        issuer,
        client_id,
        access,
        token_name,
        scope,
        token,
        tuple(other_client_ids),
    )
    versions: dict[Generation, Answer] = {
        generation: _answer(claims, setup, generation) for generation in GENERATIONS
    }
    for generation in setup.generations() or GENERATIONS:
        answer = versions[generation]
        if not answer["accepted"]:
            return {
                "accepted": False,
                "code": answer.get("code", ""),
                "message": f"SurrealDB {generation}: {answer.get('message')}",
                "versions": versions,
            }
    return {"accepted": True, "versions": versions}


def _answer(claims: Mapping[str, Any], setup: Setup, generation: Generation) -> Answer:
    """Return the answer of one generation; a refusal if the settings do not address it."""
    if generation not in setup.generations():
        missing = "a token name and a scope" if generation == "1.x" else "an access method"
        return _refusal("settings", BackendRefusal("not-addressed", f"the settings lack {missing}"))
    ask = _ask_table if SOURCES[generation] == "claims table" else _ask_engine
    try:
        return ask(claims, setup, generation)
    except BackendRefusal as refusal:
        return _refusal(SOURCES[generation], refusal)


def _ask_table(claims: Mapping[str, Any], setup: Setup, generation: Generation) -> Answer:
    check(claims, setup, generation)
    if generation == "1.x":
        return {"accepted": True, "source": "claims table", "scope": setup.scope or ""}
    return {"accepted": True, "source": "claims table", "access": setup.access or ""}


def _ask_engine(claims: Mapping[str, Any], setup: Setup, generation: Generation) -> Answer:
    """Ask the engine, and then the table.

    The table gives the reason if the engine gives none. It also refuses what the engine accepts and
    nobody should send.
    """
    try:
        auth, access = sign_in(sign(claims), setup, generation=generation)
    except BackendRefusal as refusal:
        if refusal.code == UNEXPLAINED:
            _explain(claims, setup, generation)
        raise
    check(claims, setup, generation)
    return {
        "accepted": True,
        "source": "embedded engine",
        "engine": ENGINES[generation],
        "auth": auth,
        "access": access,
    }


def _explain(claims: Mapping[str, Any], setup: Setup, generation: Generation) -> None:
    """Raise the table's reason, and say that it comes from the table."""
    try:
        check(claims, setup, generation)
    except BackendRefusal as refusal:
        message = f"{refusal.message} (the engine does not say why; the claims table does)"
        raise BackendRefusal(refusal.code, message) from refusal


def _refusal(source: VerdictSource, refusal: BackendRefusal) -> Answer:
    return {
        "accepted": False,
        "source": source,
        "code": refusal.code,
        "message": refusal.message,
    }
