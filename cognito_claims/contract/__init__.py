"""What Cognito and the backends do with a response; shares no code with the trigger side."""

from cognito_claims.contract.extra import testing_extra

with testing_extra():
    import pydantic as _pydantic  # noqa: F401  (here it is told which extra brings it)
