"""Each configured backend's verdict on the tokens, from a server configured as our set-up pages say."""

from collections.abc import Mapping
from typing import Any, Literal

from cognito_claims.contract.cognito import Tokens
from cognito_claims.contract.issuer import Issuer
from cognito_claims.contract.jwt_rules import NOT_GIVEN
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.plugin import PluginEntry
from cognito_claims.settings import suggestion
from cognito_claims.tools.backends.backend import Judge
from cognito_claims.tools.backends.named import NamedBackend, is_for_machines
from cognito_claims.tools.backends.table import NAMED, TABLE, backends_of, named_backends

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
_WITHOUT_CLAIMS = ("anonymous", NOT_GIVEN)
_OTHER_CLIENT = "other-client"
AS_INTENDED: frozenset[str] = frozenset(("no-user", "no-id-token", _OTHER_CLIENT))
"""The codes of refusals that are as the settings want them: no token has the plugin's claims."""

UNKNOWN = "unknown-backend"


def verdicts(
    plugins: Mapping[str, PluginEntry],
    event: PreTokenGenerationEvent,
    tokens: Tokens,
    issuer: Issuer,
) -> dict[str, dict[str, Any]]:
    """Ask each backend about each token that gets claims for it.

    The backends are those of the ready-made plugins, and those that a rules document names.

    The first token refused decides. Else the verdict is that on the ID token, or on the access token
    where no other is configured; `token` says which. `foreign_client` is the verdict on the token of
    an app client for which the backend is not set up. For app clients that `<NAME>_CLIENTS` does not
    name the plugin adds nothing, and the code is `other-client`.
    """
    given: dict[str, dict[str, Any]] = {}
    for name, backend in backends_of(plugins).items():
        if backend.verifies_tokens:
            given[name] = _verdict(name, plugins[name], backend, event, tokens, issuer)
    for plugin, entry in plugins.items():
        for name, named in named_backends(entry.plugin).items():
            if named is None:
                given[name] = unknown(name)
            else:
                given[name] = _verdict(plugin, entry, named, event, tokens, issuer)
    return given


def level_of(refusal: Mapping[str, Any]) -> Literal["error", "warning"]:
    """Return how bad a refusal is: some users may well be given nothing."""
    return "warning" if refusal["code"] == NOT_GIVEN else "error"


def unknown(name: str) -> dict[str, Any]:
    """Return the verdict for a name in `backends` that nobody knows."""
    told = f"its claims come from the plugin {name}, not from rules"
    if name not in TABLE:
        told = f"backends: no backend of this name is known{suggestion(name, NAMED)}"
    return {"accepted": False, "code": UNKNOWN, "message": told}


def _verdict(
    plugin: str,
    entry: PluginEntry,
    backend: Judge,
    event: PreTokenGenerationEvent,
    tokens: Tokens,
    issuer: Issuer,
) -> dict[str, Any]:
    if event.user is None and not (
        isinstance(backend, NamedBackend) and is_for_machines(backend.document)
    ):
        return dict(_NO_USER)
    variable = f"{plugin.upper().replace('-', '_')}_CLIENTS"
    if entry.clients is not None and event.client_id not in entry.clients:
        return _not_named(variable)
    issued: dict[str, dict[str, Any]] = {
        token: claims
        for token, claims in (("id", tokens.id_token), ("access", tokens.access_token))
        if token in backend.tokens and claims is not None
    }
    if not issued:
        return dict(_NO_ID_TOKEN)
    asked = [_ask(backend, token, issuer, claims) for token, claims in issued.items()]
    given = next((verdict for verdict in asked if not verdict["accepted"]), asked[0])
    if event.user is None and given.get("code") in _WITHOUT_CLAIMS:
        return dict(_NO_USER)  # the rules for machines are for another backend
    given["foreign_client"] = _foreign_verdict(variable, entry, backend, issuer, issued)
    return given


def _not_named(variable: str) -> dict[str, Any]:
    told = "does not name this app client, so that its tokens get none of these claims"
    return {"accepted": False, "code": _OTHER_CLIENT, "message": f"{variable} {told}"}


def _foreign_verdict(
    variable: str,
    entry: PluginEntry,
    backend: Judge,
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
    backend: Judge,
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
    elif isinstance(backend, NamedBackend):
        why = f"{why}; only what setup prints compares it; set {variable} as well"
    elif verdict["code"] == "wrong-client":  # what keeps it out is the script's comparison alone
        why = (
            f"the script that setup prints compares client_id, and another need not; set {variable}"
        )
    refused = {"token": token, "accepted": False, "code": verdict["code"]}
    return {**refused, "message": f"{subject} is refused: {why}"}


def _ask(backend: Judge, token: str, issuer: Issuer, claims: dict[str, Any]) -> dict[str, Any]:
    return {"token": token, **backend.verdict(token, issuer, claims)}
