"""Claims: what plugins want in the two tokens, what Cognito keeps to itself, and how answers are merged.

The protected claims are those of AWS's page "Pre token generation Lambda trigger", "Excluded claims".
"""

from collections.abc import Mapping, Sequence, Set
from types import MappingProxyType
from typing import Literal, NamedTuple, Self, TypeAlias

from cognito_claims.errors import ClaimConflictError, ProtectedClaimError

Token: TypeAlias = Literal["id", "access"]
Json: TypeAlias = "str | int | float | bool | None | Mapping[str, Json] | Sequence[Json]"

_NO_CLAIMS: Mapping[str, Json] = MappingProxyType({})
_NO_NAMES: frozenset[str] = frozenset()

_PROTECTED = frozenset(
    "acr amr auth_time azp exp iat iss jti nbf nonce origin_jti scope sub token_use".split()
)
_PROTECTED_IN = {
    "id": _PROTECTED | frozenset("aud at_hash identities cognito:username".split()),
    "access": _PROTECTED | frozenset("client_id device_key event_id username version".split()),
}
_GROUP_CLAIMS = frozenset(("cognito:groups", "cognito:roles", "cognito:preferred_role"))


class TokenClaims(NamedTuple):
    """What to change in one token, in Cognito's own four verbs; scopes are the access token's only."""

    add: Mapping[str, Json] = _NO_CLAIMS
    suppress: Set[str] = _NO_NAMES
    add_scopes: Set[str] = _NO_NAMES
    suppress_scopes: Set[str] = _NO_NAMES


class Groups(NamedTuple):
    """The groups that REPLACE the user's own in both tokens; no groups at all suppress them.

    To keep a part of the user's own, copy it from the event's `groups`, `iam_roles` and `preferred_role`.
    """

    groups: tuple[str, ...] = ()
    iam_roles: tuple[str, ...] = ()
    preferred_role: str | None = None


class Claims(NamedTuple):
    """What one plugin, or all of them merged, want in the tokens; `Claims()` wants nothing.

    `needs` names the ID token claims that the plugin's backend reads: no other plugin may suppress them.
    """

    id_token: TokenClaims = TokenClaims()
    access_token: TokenClaims = TokenClaims()
    groups: Groups | None = None
    needs: Set[str] = _NO_NAMES

    @classmethod
    def adding(
        cls,
        claims: Mapping[str, Json],
        *,
        to: Set[Token] = frozenset(("id",)),
        needs: Set[str] = _NO_NAMES,
    ) -> Self:
        """Add the same claims to the ID token, the access token or both.

        >>> Claims.adding({"plan": "pro"}, to={"id", "access"}).access_token.add["plan"]
        'pro'
        """
        added = TokenClaims(add=MappingProxyType(dict(claims)))
        return cls(
            id_token=added if "id" in to else TokenClaims(),
            access_token=added if "access" in to else TokenClaims(),
            needs=frozenset(needs),
        )


def merge(answers: Mapping[str, Claims]) -> Claims:
    """Unite the plugins' answers, by plugin name; their order never matters, and `Claims()` adds nothing.

    Raises `ClaimConflictError` when two plugins decide on one claim, even where their values agree (so that a
    conflict never waits for a certain user), and `ProtectedClaimError`.
    """
    id_token = _merged_token("id", {name: claims.id_token for name, claims in answers.items()})
    access_token = _merged_token(
        "access", {name: claims.access_token for name, claims in answers.items()}
    )
    _refuse_suppressed_needs(answers)
    return Claims(
        id_token=id_token,
        access_token=access_token,
        groups=_merged_groups(answers),
        needs=frozenset().union(*(claims.needs for claims in answers.values())),
    )


def _merged_token(token: Token, answers: Mapping[str, TokenClaims]) -> TokenClaims:
    owners: dict[str, str] = {}
    for plugin, answer in answers.items():
        for claim in (*answer.add, *answer.suppress):
            if claim in owners:
                _conflict(claim, (owners[claim], plugin), f"decided on twice in the {token} token")
            owners[claim] = plugin
        _refuse_protected(token, plugin, answer)
    return TokenClaims(
        add=MappingProxyType({k: v for answer in answers.values() for k, v in answer.add.items()}),
        suppress=frozenset().union(*(answer.suppress for answer in answers.values())),
        add_scopes=frozenset().union(*(answer.add_scopes for answer in answers.values())),
        suppress_scopes=_merged_suppressed_scopes(answers),
    )


def _merged_suppressed_scopes(answers: Mapping[str, TokenClaims]) -> frozenset[str]:
    adders = {scope: plugin for plugin, answer in answers.items() for scope in answer.add_scopes}
    for plugin, answer in answers.items():
        for scope in answer.suppress_scopes:
            if scope in adders:
                _conflict(scope, (adders[scope], plugin), "scope both added and suppressed")
    return frozenset().union(*(answer.suppress_scopes for answer in answers.values()))


def _merged_groups(answers: Mapping[str, Claims]) -> Groups | None:
    owner: str | None = None
    groups: Groups | None = None
    for plugin, claims in answers.items():
        if claims.groups is not None:
            if owner is not None:
                _conflict("cognito:groups", (owner, plugin), "groups overridden twice")
            owner, groups = plugin, claims.groups
    if owner is not None:
        for plugin, claims in answers.items():
            suppressed = (claims.id_token.suppress | claims.access_token.suppress) & _GROUP_CLAIMS
            if suppressed and plugin != owner:
                _conflict(min(suppressed), (owner, plugin), "groups overridden and suppressed")
    return groups


def _refuse_suppressed_needs(answers: Mapping[str, Claims]) -> None:
    suppressors = {
        claim: plugin for plugin, claims in answers.items() for claim in claims.id_token.suppress
    }
    for plugin, claims in answers.items():
        for claim in sorted(claims.needs & suppressors.keys()):
            _conflict(
                claim, (plugin, suppressors[claim]), f"{plugin}'s backend reads it in the id token"
            )


def _refuse_protected(token: Token, plugin: str, answer: TokenClaims) -> None:
    protected = _PROTECTED_IN[token]
    for claim in answer.add:
        if claim in protected or claim.startswith("cognito:"):
            raise ProtectedClaimError(claim, token, plugin, "cannot be added or changed")
        if token == "id" and claim.startswith("dev:"):
            raise ProtectedClaimError(claim, token, plugin, "can only be suppressed")
    for claim in answer.suppress:
        if claim in protected or (claim.startswith("cognito:") and claim not in _GROUP_CLAIMS):
            raise ProtectedClaimError(claim, token, plugin, "cannot be suppressed")
        if token == "access" and claim == "aud":
            raise ProtectedClaimError(claim, token, plugin, "can only be added")


def _conflict(subject: str, plugins: tuple[str, str], problem: str) -> None:
    raise ClaimConflictError(subject, tuple(sorted(set(plugins))), problem)
