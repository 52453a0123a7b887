"""`render` turns claims into the response that the event's version expects.

It raises for a claim that the version cannot carry. The shapes are those of AWS's page "Pre token
generation Lambda trigger".
"""

from collections.abc import Mapping
from typing import Any

from cognito_claims.claims import Claims, Groups, Token, TokenClaims
from cognito_claims.errors import UnsupportedClaimError
from cognito_claims.events import PreTokenGenerationEvent, TriggerVersion

# The characters of a scope-token (RFC 6749, section 3.3).
_SCOPE_CHARACTERS = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('"\\')
_SIMPLE_ID_CLAIMS = frozenset(("address", "email_verified", "phone_number_verified", "updated_at"))


_KEY_V1 = "claimsOverrideDetails"
_KEY_V2 = "claimsAndScopeOverrideDetails"
_DEEPEST = 32
_MOST_MEMBERS = 10_000
_LARGEST = 1.7976931348623157e308  # largest double: many JSON readers have no other number


class _Place:
    """The place of a value, for the error that refuses it."""

    __slots__ = ("members", "subject", "token", "version")

    def __init__(self, subject: str, token: Token, version: TriggerVersion) -> None:
        self.subject = subject
        self.token: Token = token
        self.version = version
        self.members = 0

    def refused(self, problem: str) -> UnsupportedClaimError:
        return UnsupportedClaimError(self.subject, self.token, self.version.name, problem)


def render(claims: Claims, event: PreTokenGenerationEvent) -> dict[str, Any]:
    """Return the event's `response` object; its key is null if there is nothing to change.

    Raises `UnsupportedClaimError` for what the event's version, or a machine token, cannot carry.
    """
    version = event.version
    _refuse_unsupported(claims, event)
    details: dict[str, Any] = {}
    if version is TriggerVersion.V1_0:
        details = _section(claims.id_token, "id", version)
    else:
        if id_section := _section(claims.id_token, "id", version):
            details["idTokenGeneration"] = id_section
        if access_section := _section(claims.access_token, "access", version):
            details["accessTokenGeneration"] = access_section
    if claims.groups is not None:
        details["groupOverrideDetails"] = _group_override(claims.groups, version)
    return {_KEY_V1 if version is TriggerVersion.V1_0 else _KEY_V2: details or None}


def _section(wanted: TokenClaims, token: Token, version: TriggerVersion) -> dict[str, Any]:
    section: dict[str, Any] = {}
    if wanted.add:
        section["claimsToAddOrOverride"] = {
            claim: value if _is_plain(claim, value) else _checked(value, claim, token, version)
            for claim, value in wanted.add.items()
        }
    if wanted.suppress:
        section["claimsToSuppress"] = [
            _claim_name(_Place(claim, token, version)) for claim in sorted(wanted.suppress)
        ]
    if wanted.add_scopes:
        section["scopesToAdd"] = sorted(wanted.add_scopes)
    if wanted.suppress_scopes:
        section["scopesToSuppress"] = sorted(wanted.suppress_scopes)
    return section


def _is_plain(claim: str, value: object) -> bool:
    """Return whether every version can carry this claim: an ASCII string with an ASCII name."""
    return isinstance(value, str) and value.isascii() and claim != "" and claim.isascii()


def _checked(value: object, claim: str, token: Token, version: TriggerVersion) -> Any:
    place = _Place(claim, token, version)
    _claim_name(place)
    return _value(value, place)


def _group_override(groups: Groups, version: TriggerVersion) -> dict[str, Any]:
    place = _Place("cognito:groups", "id", version)
    override: dict[str, Any] = {
        "groupsToOverride": [_name(group, place) for group in groups.groups],
        "iamRolesToOverride": [_name(role, place) for role in groups.iam_roles],
    }
    if groups.preferred_role is not None:
        override["preferredRole"] = _name(groups.preferred_role, place)
    return override


def _refuse_unsupported(claims: Claims, event: PreTokenGenerationEvent) -> None:
    id_token, access_token, version = claims.id_token, claims.access_token, event.version
    for scope in (*id_token.add_scopes, *id_token.suppress_scopes):
        raise _Place(scope, "id", version).refused("only the access token has scopes")
    if event.user is None:
        for claim in (*id_token.add, *id_token.suppress):
            raise _Place(claim, "id", version).refused("client credentials have no ID token")
        if claims.groups is not None:
            raise _Place("cognito:groups", "access", version).refused(
                "client credentials have no groups"
            )
    if access_token == TokenClaims():
        return
    if version is TriggerVersion.V1_0:
        subject = min((*access_token.add, *access_token.suppress), default="scope")
        raise _Place(subject, "access", version).refused("the access token needs V2_0 or later")
    if access_token.add.get("aud", event.client_id) != event.client_id:
        raise _Place("aud", "access", version).refused("can only be the app client's id")
    _refuse_scopes(access_token, version)


def _refuse_scopes(wanted: TokenClaims, version: TriggerVersion) -> None:
    for scope in (*wanted.add_scopes, *wanted.suppress_scopes):
        if not is_scope(scope):
            raise _Place(scope, "access", version).refused("not a valid scope (RFC 6749)")


def is_scope(text: str) -> bool:
    """Return whether a scope may be written so (RFC 6749)."""
    return text != "" and _SCOPE_CHARACTERS.issuperset(text)


def _claim_name(place: _Place) -> str:
    if not place.subject:
        raise place.refused("a claim name cannot be empty")
    return _text(place.subject, place)


def _value(value: object, place: _Place) -> Any:
    if place.version is TriggerVersion.V1_0 and not isinstance(value, str):
        told = f"V1_0 carries strings only, got {_kind(value)}"
        raise place.refused(f"{told}; a value of another type needs V2_0 or later")
    if value is None:
        raise place.refused("expected a value, got nothing")
    if isinstance(value, (Mapping, list, tuple)):
        if place.token == "id" and place.subject in _SIMPLE_ID_CLAIMS:
            raise place.refused("cannot be an array or an object")
        if not isinstance(value, Mapping):
            return [_scalar(item, place) for item in value]
    return _json(value, place, 0)


def _json(value: object, place: _Place, depth: int) -> Any:
    if depth > _DEEPEST:
        raise place.refused(f"nested more than {_DEEPEST} levels deep")
    if isinstance(value, (Mapping, list, tuple)):
        place.members += len(value)  # shared parts are written out several times
        if place.members > _MOST_MEMBERS:
            raise place.refused(f"more than {_MOST_MEMBERS} members")
    if isinstance(value, Mapping):
        return {_name(name, place): _json(item, place, depth + 1) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item, place, depth + 1) for item in value]
    return None if value is None else _scalar(value, place)


def _scalar(value: object, place: _Place) -> str | int | float:
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, (int, float)) and -_LARGEST <= value <= _LARGEST:
        return value
    if isinstance(value, (int, float)):
        raise place.refused("expected a number that a double can hold")
    expected = "expected a string, number, boolean, array of these, or an object"
    raise place.refused(f"{expected}, got {_kind(value)}")


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__


def _name(name: object, place: _Place) -> str:
    if not isinstance(name, str):
        raise place.refused(f"expected names that are strings, got {_kind(name)}")
    return _text(name, place)


def _text(text: str, place: _Place) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise place.refused("expected text that UTF-8 can carry") from None
    return text
