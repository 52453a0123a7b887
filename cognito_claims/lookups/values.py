"""What a look-up is asked by: the values of an event, for its key or its question."""

from collections.abc import Collection

from cognito_claims.claims import Json
from cognito_claims.events import PreTokenGenerationEvent


def values_of(
    event: PreTokenGenerationEvent,
    *,
    tenant: str | None = None,
    email_providers: Collection[str] = (),
) -> dict[str, Json]:
    """Return what a look-up is asked by: the placeholders' values, `groups` and `trigger_source`.

    `email` is the user's email if it is verified, and if the user is a native one or all of their
    providers are in `email_providers`. What an event does not give is None: of a machine token, all
    that is a user's.
    """
    user = event.user
    return {
        "sub": None if user is None else user.sub,
        "cognito:username": None if user is None else user.name,
        "client_id": event.client_id,
        "tenant": None if user is None else tenant,
        "email": None if user is None else user.trusted("email", email_providers),
        "groups": list(event.groups),
        "trigger_source": event.trigger_source,
    }
