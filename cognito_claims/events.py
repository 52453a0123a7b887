"""Trigger events as immutable values. No other module reads raw event JSON.

The shapes are AWS's ("Pre token generation Lambda trigger", "Customizing user pool workflows with
Lambda triggers"). A field that is read here must have its type; other fields may come and go.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from json import loads
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from cognito_claims.errors import EventError, shown

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_JSON_KINDS = {
    bool: "a boolean",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "an array",
    str: "a string",
}
_VERIFIABLE = ("email", "phone_number")
_TEXT = frozenset((str,))
_MACHINE = "TokenGeneration_ClientCredentials"


class TriggerVersion(StrEnum):
    """The version of a pre token generation event; the value is the one in the event."""

    V1_0 = "1"
    V2_0 = "2"
    V3_0 = "3"


_VERSIONS = {version.value: version for version in TriggerVersion}


class User(NamedTuple):
    """The user who signs in: the user name and Cognito's attributes, which always include `sub`."""

    name: str
    attributes: Mapping[str, str]

    @property
    def sub(self) -> str:
        """The user's id in the pool. It never changes, and no other user ever gets it."""
        return self.attributes["sub"]

    def verified(self, attribute: str) -> str | None:
        """Return the attribute, or None if it is absent, or an email or phone number not verified.

        Users may change their own email. It is not verified until they confirm it.
        """
        if attribute in _VERIFIABLE and self.attributes.get(f"{attribute}_verified") != "true":
            return None
        return self.attributes.get(attribute)

    @property
    def providers(self) -> tuple[str, ...] | None:
        """The names of the user's identity providers, or None if they cannot be read.

        A native user has none. A user whose `identities` cannot be read does not count as a native
        user.
        """
        text = self.attributes.get("identities")
        if text is not None:
            return _provider_names(text)
        is_external = self.attributes.get("cognito:user_status") == "EXTERNAL_PROVIDER"
        return None if is_external else ()

    def distrust(self, attribute: str, email_providers: Collection[str]) -> str | None:
        """Return why the attribute cannot be trusted for this user, or None if it can.

        An email or phone number must be verified, by Cognito (a native user) or by a provider in
        `email_providers`: whoever runs a provider can claim that any address is verified. Names are
        compared exactly.
        """
        if not self.attributes.get(attribute):
            return f"the user has no attribute {attribute}"
        if attribute not in _VERIFIABLE:
            return None
        if self.attributes.get(f"{attribute}_verified") != "true":
            return f"the user's {attribute} is not verified: {attribute}_verified is not true"
        providers = self.providers
        if providers is None:
            return f"the user's {attribute} is not trusted: the attribute identities cannot be read"
        if not all(provider in email_providers for provider in providers):
            return f"the user's {attribute} is not trusted: an identity provider of theirs is not named"
        return None

    def trusted(self, attribute: str, email_providers: Collection[str]) -> str | None:
        """Return the attribute, or None if `distrust` has a reason against it."""
        return (
            self.verified(attribute) if self.distrust(attribute, email_providers) is None else None
        )


class PreTokenGenerationEvent(NamedTuple):
    """The event before Cognito signs the tokens.

    `user` is None for a machine token (client credentials, V3_0 only), which has no ID token
    either. `scopes` are those of the access token; V1_0 has none. The client writes
    `client_metadata`: it proves nothing.
    """

    version: TriggerVersion
    trigger_source: str
    user_pool_id: str
    region: str
    client_id: str
    user: User | None
    groups: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    client_metadata: Mapping[str, str] = _NOTHING
    iam_roles: tuple[str, ...] = ()
    preferred_role: str | None = None

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Return the event in decoded JSON of any version, or raise `EventError`.

        `raw` is neither kept nor changed.
        """
        event = _object(raw, "event")
        source = _trigger_source(event, "TokenGeneration_")
        request = _object(event.get("request"), "request")
        version = _version(event)
        groups = _object_or_nothing(request.get("groupConfiguration"), "request.groupConfiguration")
        return cls(
            version=version,
            trigger_source=source,
            user_pool_id=_text(event.get("userPoolId"), "userPoolId"),
            region=_text(event.get("region"), "region"),
            client_id=_client_id(event),
            user=_user_or_machine(event, request, source, version),
            groups=_texts(groups, "groupsToOverride", "request.groupConfiguration"),
            scopes=_texts(request, "scopes", "request"),
            client_metadata=_client_metadata(request),
            iam_roles=_texts(groups, "iamRolesToOverride", "request.groupConfiguration"),
            preferred_role=_preferred_role(groups),
        )


class UserEvent(NamedTuple):
    """The event after a user signed in (post authentication) or confirmed (post confirmation)."""

    trigger_source: str
    user_pool_id: str
    region: str
    client_id: str
    user: User
    new_device_used: bool = False
    client_metadata: Mapping[str, str] = _NOTHING

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Return the event in decoded JSON, or raise `EventError`; `raw` is neither kept nor
        changed.
        """
        event = _object(raw, "event")
        source = _trigger_source(event, "PostAuthentication_", "PostConfirmation_")
        request = _object(event.get("request"), "request")
        return cls(
            trigger_source=source,
            user_pool_id=_text(event.get("userPoolId"), "userPoolId"),
            region=_text(event.get("region"), "region"),
            client_id=_client_id(event),
            user=_user(event, request),
            new_device_used=_flag(request.get("newDeviceUsed"), "request.newDeviceUsed"),
            client_metadata=_client_metadata(request),
        )


def _trigger_source(event: Mapping[str, Any], *prefixes: str) -> str:
    source = _text(event.get("triggerSource"), "triggerSource")
    if not source.startswith(prefixes):
        expected = " or ".join(f"{prefix}*" for prefix in prefixes)
        raise EventError("triggerSource", f"expected {expected}")
    return source


def _version(event: Mapping[str, Any]) -> TriggerVersion:
    version = _VERSIONS.get(_text(event.get("version"), "version"))
    if version is None:
        raise EventError("version", 'expected "1", "2" or "3"')
    response = event.get("response")
    if response is not None and not isinstance(response, (dict, list)):
        raise EventError("response", f"expected an object, got {_kind(response)}")
    # Cognito reads the key that it sent. V2_0 samples in AWS's documentation have version "1".
    if isinstance(response, dict):
        is_v1 = "claimsOverrideDetails" in response
        if is_v1 is not ("claimsAndScopeOverrideDetails" in response):
            if is_v1:
                return TriggerVersion.V1_0
            if version is TriggerVersion.V1_0:
                return TriggerVersion.V2_0
    return version


def _user(event: Mapping[str, Any], request: Mapping[str, Any]) -> User:
    attributes = _strings(request.get("userAttributes"), "request.userAttributes")
    if not attributes.get("sub"):
        raise EventError("request.userAttributes.sub", "expected a non-empty string")
    return User(_text(event.get("userName"), "userName"), attributes)


def _user_or_machine(
    event: Mapping[str, Any], request: Mapping[str, Any], source: str, version: TriggerVersion
) -> User | None:
    if source != _MACHINE:
        return _user(event, request)
    if version is not TriggerVersion.V3_0:
        raise EventError("triggerSource", "client credentials come with version 3 only")
    attributes = request.get("userAttributes")
    if attributes is not None and "sub" in _strings(attributes, "request.userAttributes"):
        raise EventError("request.userAttributes.sub", "expected no user with client credentials")
    return None


def _provider_names(text: str) -> tuple[str, ...] | None:
    """Return the `providerName` of each object in `identities`, a string that holds a JSON array.

    Return None for another text, and for an empty array.
    """
    try:
        identities = loads(text, object_pairs_hook=_named_once)
    except (ValueError, RecursionError):
        return None
    if not isinstance(identities, list) or not identities:
        return None
    names: list[str] = []
    for identity in identities:
        name = identity.get("providerName") if isinstance(identity, dict) else None
        if not isinstance(name, str) or not name:
            return None
        names.append(name)
    return tuple(names)


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object; raise `ValueError` for a duplicate name.

    JSON readers differ about duplicates.
    """
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("duplicate name")
    return members


def _preferred_role(groups: Mapping[str, Any]) -> str | None:
    path = "request.groupConfiguration.preferredRole"
    role = groups.get("preferredRole")
    if isinstance(role, list):  # a list on AWS's page; a string or null in real events
        if len(role) > 1:
            raise EventError(path, "expected one role, got several")
        role = role[0] if role else None
    return None if role is None else _string(role, path)


def _client_id(event: Mapping[str, Any]) -> str:
    caller = _object(event.get("callerContext"), "callerContext")
    return _text(caller.get("clientId"), "callerContext.clientId")


def _client_metadata(request: Mapping[str, Any]) -> Mapping[str, str]:
    path = "request.clientMetadata"
    metadata = _object_or_nothing(request.get("clientMetadata"), path)
    for value in metadata.values():
        _string(value, path)  # the client chooses the keys, so no message names one
    return MappingProxyType(dict(metadata)) if metadata else _NOTHING


def _strings(value: object, path: str) -> Mapping[str, str]:
    found = _object(value, path)
    if not are_texts(found.values()):
        name, value = next((n, v) for n, v in found.items() if not isinstance(v, str))
        raise EventError(f"{path}.{shown(name)}", f"expected a string, got {_kind(value)}")
    return MappingProxyType(dict(found))


def _texts(parent: Mapping[str, Any], key: str, path: str) -> tuple[str, ...]:
    value = parent.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise EventError(f"{path}.{key}", f"expected an array, got {_kind(value)}")
    if not are_texts(value):
        index, other = next((i, v) for i, v in enumerate(value) if not isinstance(v, str))
        raise EventError(f"{path}.{key}[{index}]", f"expected a string, got {_kind(other)}")
    return tuple(value)


def _object(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise EventError(path, f"expected an object, got {_kind(value)}")
    if not are_texts(value):
        raise EventError(path, "expected names that are strings")
    return value


def are_texts(values: Iterable[object]) -> bool:
    """Return whether all values are strings.

    The check of all types at once is the fastest; it fails only for subclasses.
    """
    return _TEXT.issuperset(map(type, values)) or all(isinstance(v, str) for v in values)


def _object_or_nothing(value: object, path: str) -> Mapping[str, Any]:
    return _NOTHING if value is None else _object(value, path)


def _string(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise EventError(path, f"expected a string, got {_kind(value)}")
    return value


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise EventError(path, f"expected a string, got {_kind(value)}")
    if not value:
        raise EventError(path, "expected a non-empty string")
    return value


def _flag(value: object, path: str) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise EventError(path, f"expected true or false, got {_kind(value)}")


def _kind(value: object) -> str:
    return (
        "nothing" if value is None else _JSON_KINDS.get(type(value), "something that is not JSON")
    )
