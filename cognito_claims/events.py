"""Trigger events as immutable values: the only place that touches raw event JSON.

The shapes are AWS's ("Pre token generation Lambda trigger", "Customizing user pool workflows with Lambda
triggers"). Fields that are not read here may come and go; those that are read must have their type.
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
    """The version of a pre token generation event; its value is the one on the wire."""

    V1_0 = "1"
    V2_0 = "2"
    V3_0 = "3"


_VERSIONS = {version.value: version for version in TriggerVersion}


class User(NamedTuple):
    """Who signs in: the user name and Cognito's attributes, `sub` always among them."""

    name: str
    attributes: Mapping[str, str]

    @property
    def sub(self) -> str:
        """The user's identifier in the pool: it never changes and is never given to another user."""
        return self.attributes["sub"]

    def verified(self, attribute: str) -> str | None:
        """Give the attribute, or None when it is absent, or an email or phone number not (or no more) verified.

        Users may change their own email; until they confirm the new one, it is not theirs. Whoever runs an
        identity provider of the pool can say that an email is verified: as an identity, use `trusted`.
        """
        if attribute in _VERIFIABLE and self.attributes.get(f"{attribute}_verified") != "true":
            return None
        return self.attributes.get(attribute)

    @property
    def providers(self) -> tuple[str, ...] | None:
        """Return the providers that the user comes from or is linked to; None if they cannot be read.

        A native user has none. A user whose `identities` cannot be read is not taken for a native one.
        """
        text = self.attributes.get("identities")
        if text is not None:
            return _provider_names(text)
        is_external = self.attributes.get("cognito:user_status") == "EXTERNAL_PROVIDER"
        return None if is_external else ()

    def distrust(self, attribute: str, email_providers: Collection[str]) -> str | None:
        """Return why the attribute cannot stand for this user, or None when it can.

        An email or phone number must be verified, by Cognito (a native user) or by a provider that is
        named: whoever runs a provider can say of any address that it is verified. Names are compared
        exactly.
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
        """Return the attribute, or None when `distrust` has a reason against it."""
        return (
            self.verified(attribute) if self.distrust(attribute, email_providers) is None else None
        )


class PreTokenGenerationEvent(NamedTuple):
    """A token is about to be signed.

    `user` is None for a machine token (client credentials, V3_0 only), which has no ID token either.
    `scopes` are those of the access token, empty in V1_0. `client_metadata` is written by the client: it is
    never proof of anything.
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
        """Read a decoded event of any version, or raise `EventError`; `raw` is not kept, nor changed."""
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
    """A user has signed in (post authentication), or has confirmed something (post confirmation)."""

    trigger_source: str
    user_pool_id: str
    region: str
    client_id: str
    user: User
    new_device_used: bool = False
    client_metadata: Mapping[str, str] = _NOTHING

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """Read a decoded event, or raise `EventError`; `raw` is not kept, nor changed."""
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
    # Cognito reads the key that it sent. Samples of V2_0 in AWS's documentation say version "1".
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
    """Read `identities`: a JSON array, in a text, of objects with a `providerName`; never an empty one."""
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
    """Return the members of an object; raise `ValueError` if a name stands twice, as readers differ then."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice")
    return members


def _preferred_role(groups: Mapping[str, Any]) -> str | None:
    path = "request.groupConfiguration.preferredRole"
    role = groups.get("preferredRole")
    if isinstance(role, list):  # so on AWS's own page; a string or null on the wire
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
        _string(value, path)  # its keys are the client's to choose: none is named
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
    """Say whether all are strings; asked of all at once, which is by far the quickest, unless one is of a subclass."""
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
