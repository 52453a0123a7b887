"""What AWS STS makes of an ID token: the session tags of AssumeRoleWithWebIdentity."""

import re
import time
import unicodedata
from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.jwt_rules import (
    NOT_GIVEN,
    Claims,
    Source,
    check_issuer,
    check_times,
)

TAGS: Final = "https://aws.amazon.com/tags"
FLAT: Final = f"{TAGS}/principal_tags/"
_FLAT_TRANSITIVE = f"{TAGS}/transitive_tag_keys"
_SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"
MOST_TAGS: Final = 50
_LONGEST_KEY = 128
_LONGEST_VALUE = 256
_PUNCTUATION = frozenset("_.:/=+-@")
_IDENTITY = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_GUIDE = "IAM guide, Passing session tags in STS"
_MODEL = "the service model of STS in botocore"
SOURCES: Final = {
    "accepted": Source(f"{_GUIDE}; {_MODEL}", "documented"),
    "no-exp": Source("the OIDC specification: exp is required", "assumed"),
    "expired": Source("STS, ExpiredTokenException", "documented"),
    "not-yet-valid": Source("the OIDC specification; skew unknown", "assumed"),
    "wrong-issuer": Source("IAM: the provider's URL is iss", "documented"),
    "wrong-client": Source("IAM: the provider's client IDs are compared with aud", "documented"),
    "no-aud": Source("IAM: the provider's client IDs are compared with aud", "documented"),
    "two-shapes": Source("no page says which of the two counts", "assumed"),
    "tags-not-object": Source(f"{_GUIDE}; whether a JSON text is read is not said", "assumed"),
    "tag-not-one-text": Source(f"{_GUIDE}: each value is a list of exactly one", "documented"),
    "tag-name": Source(f"{_MODEL}; {_GUIDE}: no aws:, and case does not count", "documented"),
    "tag-value": Source(_MODEL, "documented"),
    "too-many-tags": Source(_MODEL, "documented"),
    "transitive": Source(f"{_GUIDE}: keys of tags that are there", "documented"),
    "source-identity": Source(_MODEL, "documented"),
    NOT_GIVEN: Source("the trust policy that setup prints asks for the tag", "documented"),
}


def session_tags(
    token: Claims,
    *,
    issuer: str,
    client_ids: tuple[str, ...],
    required: Set[str] = frozenset(),
    now: float | None = None,
) -> dict[str, Any]:
    """Return the session's tags; raise `BackendRefusal` where the call fails.

    `required` are the tags that the trust policy asks for.
    """
    check_issuer(token, issuer)
    check_times(token, time.time() if now is None else now, 0)
    if "aud" not in token:
        raise BackendRefusal("no-aud", "aud: an access token has none; send the ID token")
    if token["aud"] not in client_ids:
        raise BackendRefusal("wrong-client", "aud: is not among the client IDs of the IAM provider")
    tags = _tags(token)
    if len(tags) > MOST_TAGS:
        raise BackendRefusal("too-many-tags", f"{TAGS}: more than {MOST_TAGS} tags")
    missing = sorted(key for key in required if not tags.get(key))
    if missing:
        raise BackendRefusal(NOT_GIVEN, f"{TAGS}: without the tag {', '.join(missing)}")
    given: dict[str, Any] = {"sub": token.get("sub"), "tags": tags}
    if transitive := _transitive(token, tags):
        given["transitive_tag_keys"] = transitive
    identity = token.get(_SOURCE_IDENTITY)
    if identity is None:
        return given
    if not (isinstance(identity, str) and _IDENTITY.fullmatch(identity)):
        raise BackendRefusal(
            "source-identity", f"{_SOURCE_IDENTITY}: 2 to 64 letters, digits and +=,.@-_"
        )
    return {**given, "source_identity": identity}


def _tags(token: Claims) -> dict[str, str]:
    nested = token.get(TAGS)
    flat = {name.removeprefix(FLAT): v for name, v in token.items() if name.startswith(FLAT)}
    if nested is not None and flat:
        raise BackendRefusal(
            "two-shapes", f"{TAGS}: there are nested and flat tags; keep one of them"
        )
    if nested is not None and not isinstance(nested, Mapping):
        raise BackendRefusal("tags-not-object", f"{TAGS}: is not an object (V1_0 cannot carry one)")
    found = dict(_nested(nested) if nested is not None else _flat(flat))
    if len({key.casefold() for key in found}) < len(found):
        raise BackendRefusal("tag-name", f"{TAGS}: two keys differ in case alone")
    for key, value in found.items():
        if key.casefold().startswith("aws:") or not _is_plain(key, 1, _LONGEST_KEY):
            raise BackendRefusal("tag-name", f"{TAGS}: a key is not allowed")
        if not _is_plain(value, 0, _LONGEST_VALUE):
            raise BackendRefusal("tag-value", f"{TAGS}: the value of {key} is not allowed")
    return found


def _nested(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    tags = content.get("principal_tags", {})
    if not isinstance(tags, Mapping):
        raise BackendRefusal("tags-not-object", f"{TAGS}: principal_tags is not an object")
    for key, values in tags.items():
        if not (isinstance(values, list) and len(values) == 1 and isinstance(values[0], str)):
            raise BackendRefusal(
                "tag-not-one-text", f"{TAGS}: {key} is not a list of exactly one text"
            )
        yield key, values[0]


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if not isinstance(value, str):
            raise BackendRefusal("tag-not-one-text", f"{FLAT}{key}: is not a text")
        yield key, value


def _transitive(token: Claims, tags: Mapping[str, str]) -> list[str]:
    nested = token.get(TAGS)
    keys = nested.get("transitive_tag_keys", []) if nested else token.get(_FLAT_TRANSITIVE, [])
    if not isinstance(keys, list) or not all(isinstance(k, str) and k in tags for k in keys):
        raise BackendRefusal("transitive", f"{TAGS}: a transitive key is not the key of a tag")
    return keys


def _is_plain(text: str, shortest: int, longest: int) -> bool:
    is_allowed = all(
        character in _PUNCTUATION or unicodedata.category(character)[0] in "LNZ"
        for character in text
    )
    return is_allowed and shortest <= len(text) <= longest
