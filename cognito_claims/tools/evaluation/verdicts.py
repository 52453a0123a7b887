"""Each configured backend's verdict on the tokens, from a server configured as our set-up pages say."""

from collections.abc import Mapping
from typing import Any

from cognito_claims.contract.cognito import Tokens
from cognito_claims.contract.issuer import Issuer
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.plugin import PluginEntry
from cognito_claims.tools.backends.backend import Backend
from cognito_claims.tools.backends.table import backends_of

_FOREIGN = "another-client"  # no app client can have this id
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
_OTHER_CLIENT = "other-client"
AS_INTENDED: frozenset[str] = frozenset(("no-user", "no-id-token", _OTHER_CLIENT))
"""The codes of refusals that are as the settings want them: no token has the plugin's claims."""


def verdicts(
    plugins: Mapping[str, PluginEntry],
    event: PreTokenGenerationEvent,
    tokens: Tokens,
    issuer: Issuer,
) -> dict[str, dict[str, Any]]:
    """Ask, for every ready-made plugin, its backend about each token that the plugin adds claims to.

    The first token refused decides. Else the verdict is that on the ID token, or on the access token
    where no other is configured; `token` says which. `foreign_client` is the verdict on the token of
    an app client for which the backend is not set up. For app clients that `<NAME>_CLIENTS` does not
    name the plugin adds nothing, and the code is `other-client`.
    """
    given: dict[str, dict[str, Any]] = {}
    for name, backend in backends_of(plugins).items():
        if not backend.verifies_tokens:
            continue
        entry = plugins[name]
        if event.user is None:
            given[name] = dict(_NO_USER)
            continue
        variable = f"{name.upper().replace('-', '_')}_CLIENTS"
        if entry.clients is not None and event.client_id not in entry.clients:
            given[name] = _not_named(variable)
            continue
        issued: dict[str, dict[str, Any]] = {
            token: claims
            for token, claims in (("id", tokens.id_token), ("access", tokens.access_token))
            if token in backend.tokens and claims is not None
        }
        given[name] = dict(_NO_ID_TOKEN)
        if issued:
            asked = [_ask(backend, token, issuer, claims) for token, claims in issued.items()]
            given[name] = next((v for v in asked if not v["accepted"]), asked[0])
            given[name]["foreign_client"] = _foreign_verdict(
                variable, entry, backend, issuer, issued
            )
    return given


def _not_named(variable: str) -> dict[str, Any]:
    told = "does not name this app client, so that its tokens get none of these claims"
    return {"accepted": False, "code": _OTHER_CLIENT, "message": f"{variable} {told}"}


def _foreign_verdict(
    variable: str,
    entry: PluginEntry,
    backend: Backend,
    issuer: Issuer,
    issued: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    foreign = [
        _ask_foreign(variable, entry, backend, token, issuer, claims)
        for token, claims in issued.items()
    ]
    return next((verdict for verdict in foreign if verdict["accepted"]), foreign[0])


def _ask_foreign(
    variable: str,
    entry: PluginEntry,
    backend: Backend,
    token: str,
    issuer: Issuer,
    claims: Mapping[str, Any],
) -> dict[str, Any]:
    """Ask the backend about this user's token from an app client for which it is not set up."""
    client = "aud" if token == "id" else "client_id"
    foreign = {**claims, client: _FOREIGN}
    if entry.clients is not None:
        owned = (entry.owns or {}).get(token, frozenset())
        foreign = {claim: value for claim, value in foreign.items() if claim not in owned}
    verdict = _ask(backend, token, issuer, foreign)
    kind = "ID" if token == "id" else "access"
    subject = f"the {kind} token of another app client"
    if verdict["accepted"]:
        told = f"{subject} gets in: it has these claims, and no aud that could be wrong"
        return {"token": token, "accepted": True, "message": f"{told}; set {variable}"}
    why = verdict["message"]
    if entry.clients is not None:
        why = f"{variable} does not name that client, so that it has none of these claims"
    elif verdict["code"] == "wrong-client":  # what keeps it out is the script's comparison alone
        why = (
            f"the script that setup prints compares client_id, and another need not; set {variable}"
        )
    refused = {"token": token, "accepted": False, "code": verdict["code"]}
    return {**refused, "message": f"{subject} is refused: {why}"}


def _ask(backend: Backend, token: str, issuer: Issuer, claims: dict[str, Any]) -> dict[str, Any]:
    return {"token": token, **backend.verdict(token, issuer, claims)}
