"""Events of emulators, which Cognito would never send: read as what they are meant to be, and told."""

from typing import Any

from cognito_claims.events import TriggerVersion

_SENT_BY = {"$LATEST": "LocalStack", "0": "cognito-local"}
_V1_KEY = "claimsOverrideDetails"
_V2_KEY = "claimsAndScopeOverrideDetails"
_MACHINE = "TokenGeneration_ClientCredentials"


def as_cognito_would_send(event: Any) -> tuple[Any, list[str]]:
    """Give the event with a version that Cognito has, and a warning where it had another one."""
    if not isinstance(event, dict) or not isinstance(event.get("version"), str):
        return event, []
    version, response = event["version"], event.get("response")
    keys = response if isinstance(response, dict) else {}
    if version in [*TriggerVersion]:
        if version != TriggerVersion.V1_0 and _V1_KEY in keys and _V2_KEY not in keys:
            told = f"{_V1_KEY} is V1_0's and comes with version 1: read as V1_0"
            return event, [f"an emulator's fault: {told}"]
        return event, []
    meant = TriggerVersion.V1_0
    if _V2_KEY in keys and _V1_KEY not in keys:
        is_machine = event.get("triggerSource") == _MACHINE
        meant = TriggerVersion.V3_0 if is_machine else TriggerVersion.V2_0
    sender = f" (as {_SENT_BY[version]} does)" if version in _SENT_BY else ""
    told = f"version is none that Cognito sends{sender}: read as {meant.name}"
    refused = "the handler refuses such an event"
    return {**event, "version": meant.value}, [f"an emulator's fault: {told}; {refused}"]
