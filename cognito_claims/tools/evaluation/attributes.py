"""The attributes that plugins ask for, and which of them app clients may write."""

from collections.abc import Set

from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.registry import Configuration
from cognito_claims.testing.recorded import recorded
from cognito_claims.tools.evaluation.rules_findings import attributes_of
from cognito_claims.tools.evaluation.sampled import sampled

SAMPLE_EVENTS = (
    "pretoken_v1_Authentication",
    "pretoken_v2_Authentication",
    "pretoken_v3_Authentication",
    "pretoken_v3_ClientCredentials",
)


_NOT_WRITABLE = frozenset(("sub", "identities", "email_verified", "phone_number_verified"))


def written_by_clients(asked: Set[str]) -> list[str]:
    """Give those of the attributes that plugins ask for which an app client may be allowed to write."""
    return sorted(
        attribute
        for attribute in asked - _NOT_WRITABLE
        # What is asked for together with whether it is verified is nothing that a user just writes.
        if not attribute.startswith("cognito:") and f"{attribute}_verified" not in asked
    )


def asked_attributes(configuration: Configuration) -> set[str]:
    """Give the attributes that the plugins ask for, of a user who has any that there may be."""
    asked = attributes_of(configuration.plugins)
    for name in SAMPLE_EVENTS:
        event = PreTokenGenerationEvent.from_json(recorded(name))
        asked |= sampled(event, configuration).attributes.asked
    return asked
