"""Calls that a type checker must reject: strict mode fails when one of the ignores is no longer needed."""

from cognito_claims import (
    Claims,
    Plugin,
    PreTokenGenerationEvent,
    TokenClaims,
    optional,
    pre_token_generation,
    pure,
)
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.testing import a_user_event


def plan(event: PreTokenGenerationEvent) -> Claims:
    return Claims.adding({"plan": "pro" if "pro" in event.groups else "free"})


def no_claims(event: PreTokenGenerationEvent) -> dict[str, str]:
    return {"plan": event.client_id}


async def late(event: PreTokenGenerationEvent) -> Claims:
    return Claims.adding({"plan": event.client_id})


accepted: Plugin = plan
handler = pre_token_generation(plan=plan, hasura=HasuraClaims(), both=optional(pure(plan)))

pre_token_generation(plan=no_claims)  # type: ignore[arg-type]  # wrong on purpose
pre_token_generation(plan=late)  # type: ignore[arg-type]  # wrong on purpose
pre_token_generation(plan)  # type: ignore[call-arg, arg-type]  # wrong on purpose
optional(no_claims)  # type: ignore[arg-type]  # wrong on purpose
Claims.adding({"plan": object()})  # type: ignore[dict-item]  # wrong on purpose
Claims.adding({"plan": "pro"}, to={"refresh"})  # type: ignore[arg-type]  # wrong on purpose
Claims.adding({"plan": "pro"}, {"id"})  # type: ignore[call-arg]  # wrong on purpose
TokenClaims(suppress="email")  # type: ignore[arg-type]  # wrong on purpose
print(a_user_event().user.sub)  # type: ignore[union-attr]  # wrong on purpose
a_user_event().groups = ()  # type: ignore[misc]  # wrong on purpose
HasuraClaims("user")  # type: ignore[call-arg]  # wrong on purpose
HasuraClaims(claims_format="xml")  # type: ignore[arg-type]  # wrong on purpose
SurrealDBClaims(namespace="test")  # type: ignore[call-arg]  # wrong on purpose
