"""Claims: what plugins want in the two tokens, which claims are protected, and how to merge.

The protected claims are those of AWS's page "Pre token generation Lambda trigger", "Excluded
claims".
"""

from collections.abc import Mapping, Sequence, Set
from types import MappingProxyType
from typing import Literal, NamedTuple, Self, TypeAlias

from cognito_claims.errors import ClaimConflictError, ProtectedClaimError

Token: TypeAlias = Literal["id", "access"]
Json: TypeAlias = "str | int | float | bool | Mapping[str, Json] | Sequence[Json] | None"

_NO_CLAIMS: Mapping[str, Json] = MappingProxyType({})
_NO_NAMES: frozenset[str] = frozenset()

_PROTECTED = frozenset(
    ("acr", "amr", "auth_time", "azp", "exp", "iat", "iss", "jti", "nbf", "nonce", "origin_jti")
) | {"sub", "token_use"}
_PROTECTED_IN: Mapping[Token, frozenset[str]] = {
    "id": _PROTECTED | {"aud", "at_hash", "identities", "cognito:username"},
    "access": _PROTECTED | {"client_id", "device_key", "event_id", "scope", "username", "version"},
}
_PREFIXES = ("cognito:", "dev:")
_BOTH = frozenset(("id", "access"))
_SETS = frozenset((frozenset, set))
GROUP_CLAIMS = frozenset(("cognito:groups", "cognito:roles", "cognito:preferred_role"))


class TokenClaims(NamedTuple):
    """The changes to one token. Only the access token has scopes."""

    add: Mapping[str, Json] = _NO_CLAIMS
    suppress: Set[str] = _NO_NAMES
    add_scopes: Set[str] = _NO_NAMES
    suppress_scopes: Set[str] = _NO_NAMES


_UNCHANGED = TokenClaims()


class Groups(NamedTuple):
    """The groups that REPLACE the user's groups in both tokens; an empty `Groups` suppresses them.

    To keep some of the user's groups, copy them from the event's `groups`, `iam_roles` and
    `preferred_role`.
    """

    groups: tuple[str, ...] = ()
    iam_roles: tuple[str, ...] = ()
    preferred_role: str | None = None


class Claims(NamedTuple):
    """The changes to both tokens that one plugin wants, or all plugins; `Claims()` changes nothing.

    `needs` names the ID token claims that the plugin's backend reads. No other plugin may suppress
    or change them.
    """

    id_token: TokenClaims = _UNCHANGED
    access_token: TokenClaims = _UNCHANGED
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
        """Return `Claims` that add these claims to the ID token, the access token or both.

        Raises `ValueError` for another `to`.

        >>> Claims.adding({"plan": "pro"}, to={"id", "access"}).access_token.add["plan"]
        'pro'
        """
        if not (type(to) in _SETS or isinstance(to, Set)):  # a string, for example
            raise ValueError('to: expected a set, as in {"access"}')
        if not to or not to <= _BOTH:
            raise ValueError("to: expected one or both of id, access")
        added = TokenClaims(MappingProxyType(dict(claims)))
        return cls(
            added if "id" in to else _UNCHANGED,
            added if "access" in to else _UNCHANGED,
            None,
            frozenset(needs),
        )


def merge(answers: Mapping[str, Claims]) -> Claims:
    """Merge the answers of all plugins, given by plugin name. Their order does not matter.

    Raises `ClaimConflictError` when two plugins decide on the same claim, even if the values agree:
    otherwise the conflict would show only for some users. Raises `ProtectedClaimError` for a claim
    that Cognito protects.
    """
    if len(answers) > 1:  # so that the same conflict is reported in any order
        answers = dict(sorted(answers.items()))
    needs = _NO_NAMES
    for claims in answers.values():
        if claims.needs:
            needs = needs.union(claims.needs)
    merged = Claims(
        _merged_token("id", [(name, c.id_token) for name, c in answers.items()]),
        _merged_token("access", [(name, c.access_token) for name, c in answers.items()]),
        _merged_groups(answers),
        needs,
    )
    if merged.needs:
        _refuse_suppressed_needs(answers, merged)
        if not merged.needs.isdisjoint(merged.id_token.add):
            _refuse_changed_needs(answers)
    return merged


def _refuse_suppressed_needs(answers: Mapping[str, Claims], merged: Claims) -> None:
    for claim in sorted(merged.needs & _suppressed(merged)):
        plugins = [
            name
            for name, claims in answers.items()
            if claim in claims.needs or claim in _suppressed(claims)
        ]
        raise _conflict(claim, plugins, "suppressed in the id token, but a backend reads it")


def _refuse_changed_needs(answers: Mapping[str, Claims]) -> None:
    adders = {claim: name for name, claims in answers.items() for claim in claims.id_token.add}
    for name, claims in answers.items():
        for claim in sorted(claims.needs & adders.keys()):
            if adders[claim] != name:
                problem = "changed in the id token, but a backend reads it"
                raise _conflict(claim, [name, adders[claim]], problem)


def _suppressed(claims: Claims) -> Set[str]:
    """Return the claims that the ID token will lack.

    Without `cognito:groups`, Cognito drops the roles as well.
    """
    suppressed = claims.id_token.suppress
    has_no_groups = claims.groups is not None and not claims.groups.groups
    return (
        suppressed | GROUP_CLAIMS if has_no_groups or "cognito:groups" in suppressed else suppressed
    )


def _merged_token(token: Token, answers: list[tuple[str, TokenClaims]]) -> TokenClaims:
    add: dict[str, Json] = {}
    suppress = add_scopes = suppress_scopes = _NO_NAMES
    decided = 0
    for plugin, wanted in answers:
        if wanted is _UNCHANGED:
            continue
        _refuse_protected(token, plugin, wanted)
        decided += len(wanted.add) + len(wanted.suppress)
        add.update(wanted.add)
        if wanted.suppress or wanted.add_scopes or wanted.suppress_scopes:  # rare
            suppress = suppress.union(wanted.suppress)
            add_scopes = add_scopes.union(wanted.add_scopes)
            suppress_scopes = suppress_scopes.union(wanted.suppress_scopes)
    if decided != len(add) + len(suppress) or not suppress.isdisjoint(add):
        raise _two_owners(token, answers)
    if not add_scopes.isdisjoint(suppress_scopes):
        raise _disputed_scope(add_scopes & suppress_scopes, answers)
    if not (add or suppress or add_scopes or suppress_scopes):
        return _UNCHANGED
    return TokenClaims(MappingProxyType(add), suppress, add_scopes, suppress_scopes)


def _two_owners(token: Token, answers: list[tuple[str, TokenClaims]]) -> ClaimConflictError:
    owned = [(claim, name) for name, wanted in answers for claim in (*wanted.add, *wanted.suppress)]
    claims = [claim for claim, _ in owned]
    twice = next(claim for index, claim in enumerate(claims) if claim in claims[:index])
    plugins = [name for claim, name in owned if claim == twice]
    return _conflict(twice, plugins, f"decided twice in the {token} token")


def _disputed_scope(
    disputed: Set[str], answers: list[tuple[str, TokenClaims]]
) -> ClaimConflictError:
    scope = min(disputed)
    plugins = [
        name for name, wanted in answers if scope in {*wanted.add_scopes, *wanted.suppress_scopes}
    ]
    return _conflict(scope, plugins, "the scope is both added and suppressed")


def _merged_groups(answers: Mapping[str, Claims]) -> Groups | None:
    owners = [name for name, claims in answers.items() if claims.groups is not None]
    if not owners:
        return None
    if len(owners) > 1:
        raise _conflict("cognito:groups", owners, "groups overridden twice")
    for plugin, claims in answers.items():
        suppressed = {*claims.id_token.suppress, *claims.access_token.suppress} & GROUP_CLAIMS
        if suppressed and plugin not in owners:
            raise _conflict(min(suppressed), [*owners, plugin], "overridden and suppressed")
    return answers[owners[0]].groups


def addition_problem(claim: str, token: Token) -> str | None:
    """Return why this claim cannot be added to this token, if it cannot."""
    if claim in _PROTECTED_IN[token] or claim.startswith(_PREFIXES):
        if not claim.startswith("dev:"):
            return "cannot be added or changed"
        if token == "id":
            return "can only be suppressed"
    return None


def suppression_problem(claim: str, token: Token) -> str | None:
    """Return why this claim cannot be suppressed in this token, if it cannot."""
    is_cognitos = claim.startswith("cognito:") and claim not in GROUP_CLAIMS
    if claim in _PROTECTED_IN[token] or is_cognitos:
        return "cannot be suppressed"
    return "can only be added" if token == "access" and claim == "aud" else None


def _refuse_protected(token: Token, plugin: str, answer: TokenClaims) -> None:
    protected = _PROTECTED_IN[token]
    for claim in answer.add:
        if claim in protected or claim.startswith(_PREFIXES):  # rare
            _refuse(claim, token, plugin, addition_problem(claim, token))
    for claim in answer.suppress:
        _refuse(claim, token, plugin, suppression_problem(claim, token))


def _refuse(claim: str, token: Token, plugin: str, problem: str | None) -> None:
    if problem is not None:
        raise ProtectedClaimError(claim, token, plugin, problem)


def _conflict(subject: str, plugins: list[str], problem: str) -> ClaimConflictError:
    return ClaimConflictError(subject, tuple(sorted(set(plugins))), problem)
