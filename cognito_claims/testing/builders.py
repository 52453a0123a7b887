"""Builders of typed events with defaults, and their conversion to the JSON that a handler takes."""

from collections.abc import Mapping, Sequence
from typing import Any

from cognito_claims.errors import EventError
from cognito_claims.events import PreTokenGenerationEvent, TriggerVersion, User, UserEvent

_POOL = "us-east-1_Ab1Cd2Ef3"
_REGION = "us-east-1"
_CLIENT = "1example23456789abcdefghij"
_SUB = "a1b2c3d4-5678-90ab-cdef-111122223333"
_NOTHING: Mapping[str, str] = {}


def a_user_event(
    *,
    version: str = "2",
    trigger_source: str = "TokenGeneration_Authentication",
    name: str = "jane.doe",
    sub: str = _SUB,
    email: str | None = "jane.doe@example.com",
    email_verified: bool = True,
    attributes: Mapping[str, str] = _NOTHING,
    groups: Sequence[str] = (),
    iam_roles: Sequence[str] = (),
    preferred_role: str | None = None,
    scopes: Sequence[str] = ("openid", "email"),
    client_metadata: Mapping[str, str] = _NOTHING,
    client_id: str = _CLIENT,
) -> PreTokenGenerationEvent:
    """Return the event of a user who signs in.

    `attributes` are added to `sub` and the email, or replace them.

    >>> a_user_event(groups=("admin",)).groups
    ('admin',)
    """
    version = version_in_events(version)
    return PreTokenGenerationEvent.from_json(
        {
            **_envelope(trigger_source, client_id, version),
            "userName": name,
            "request": {
                "userAttributes": _attributes(sub, email, attributes, verified=email_verified),
                "groupConfiguration": {
                    "groupsToOverride": list(groups),
                    "iamRolesToOverride": list(iam_roles),
                    "preferredRole": preferred_role,
                },
                "scopes": None if version == "1" else list(scopes),
                "clientMetadata": dict(client_metadata),
            },
        }
    )


def version_in_events(version: str) -> str:
    """Return the version as events spell it, of either spelling; `EventError` for any other."""
    for known in TriggerVersion:
        if version in (known.value, known.name):
            return known.value
    raise EventError("version", "expected 1, 2 or 3, or V1_0, V2_0 or V3_0")


def a_machine_event(
    *,
    scopes: Sequence[str] = ("orders/read",),
    client_metadata: Mapping[str, str] = _NOTHING,
    client_id: str = _CLIENT,
) -> PreTokenGenerationEvent:
    """Return the event of a machine token (client credentials): V3_0, and no user."""
    return PreTokenGenerationEvent.from_json(
        {
            **_envelope("TokenGeneration_ClientCredentials", client_id, "3"),
            "request": {"scopes": list(scopes), "clientMetadata": dict(client_metadata)},
        }
    )


def a_post_authentication_event(
    *,
    trigger_source: str = "PostAuthentication_Authentication",
    name: str = "jane.doe",
    sub: str = _SUB,
    email: str | None = "jane.doe@example.com",
    email_verified: bool = True,
    attributes: Mapping[str, str] = _NOTHING,
    new_device_used: bool = False,
) -> UserEvent:
    """Return the event of a user who has signed in.

    With another `trigger_source`, the user has confirmed the sign-up.
    """
    return UserEvent.from_json(
        {
            **_envelope(trigger_source, _CLIENT, "1"),
            "userName": name,
            "request": {
                "userAttributes": _attributes(sub, email, attributes, verified=email_verified),
                "newDeviceUsed": new_device_used,
            },
        }
    )


def to_json(event: PreTokenGenerationEvent) -> dict[str, Any]:
    """Return the JSON that Cognito would send for this event, to call a handler with."""
    request: dict[str, Any] = {
        "userAttributes": dict(event.user.attributes) if event.user else {},
        "groupConfiguration": {
            "groupsToOverride": list(event.groups),
            "iamRolesToOverride": list(event.iam_roles),
            "preferredRole": event.preferred_role,
        },
    }
    if event.client_metadata:
        request["clientMetadata"] = dict(event.client_metadata)
    response_key = "claimsOverrideDetails"
    if event.version is not TriggerVersion.V1_0:
        request["scopes"] = list(event.scopes)
        response_key = "claimsAndScopeOverrideDetails"
    return {
        "version": event.version.value,
        "triggerSource": event.trigger_source,
        "region": event.region,
        "userPoolId": event.user_pool_id,
        "userName": _user_name(event.user),
        "callerContext": {
            "awsSdkVersion": "aws-sdk-unknown-unknown",
            "clientId": event.client_id,
        },
        "request": request,
        "response": {response_key: None},
    }


def _user_name(user: User | None) -> str:
    return "ClientCredentials" if user is None else user.name


def _envelope(trigger_source: str, client_id: str, version: str) -> dict[str, Any]:
    return {
        "version": version,
        "triggerSource": trigger_source,
        "region": _REGION,
        "userPoolId": _POOL,
        "callerContext": {"clientId": client_id},
    }


def _attributes(
    sub: str, email: str | None, attributes: Mapping[str, str], *, verified: bool
) -> dict[str, str]:
    emails = {} if email is None else {"email": email, "email_verified": str(verified).lower()}
    return {"sub": sub, "cognito:user_status": "CONFIRMED", **emails, **attributes}
