"""Hypothesis profiles: `fast` by default; `HYPOTHESIS_PROFILE=full` runs every property on 100,000 examples."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("fast", max_examples=200, deadline=None)
settings.register_profile(
    "full",
    max_examples=100_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
