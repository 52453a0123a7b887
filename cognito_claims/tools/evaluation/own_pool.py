"""Recorded events as they come from a pool whose events are answered."""

from collections.abc import Mapping
from typing import Any

from cognito_claims.pools import ANY

RECORDED_POOL = "us-east-1_Ab1Cd2Ef3"  # of every recorded event


def of_own_pool(event: Mapping[str, Any], user_pools: tuple[str, ...]) -> dict[str, Any]:
    """Let a recorded event come from the first pool that is answered; another event stays as it is."""
    if user_pools == ANY or event["userPoolId"] != RECORDED_POOL:
        return dict(event)
    region, _, _ = user_pools[0].partition("_")
    return {**event, "userPoolId": user_pools[0], "region": region}
