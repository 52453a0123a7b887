"""The one list of the backends that the tools know."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from cognito_claims.plugin import PluginEntry
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.tools.backends.agentcore.backend import AgentCore
from cognito_claims.tools.backends.apigateway.backend import ApiGateway
from cognito_claims.tools.backends.appsync.backend import AppSync
from cognito_claims.tools.backends.backend import Backend
from cognito_claims.tools.backends.fauna.backend import FaunaBackend
from cognito_claims.tools.backends.hasura.backend import HasuraBackend
from cognito_claims.tools.backends.named import NamedBackend, Room
from cognito_claims.tools.backends.postgrest.backend import PostgREST
from cognito_claims.tools.backends.sts.backend import Sts
from cognito_claims.tools.backends.surrealdb.backend import SurrealDBBackend


class Row(NamedTuple):
    """A ready-made plugin, and the room of its backend."""

    plugin: type[Any]
    backend: type[FaunaBackend | HasuraBackend | SurrealDBBackend]


TABLE: Mapping[str, Row] = {
    "fauna": Row(FaunaTokens, FaunaBackend),
    "hasura": Row(HasuraClaims, HasuraBackend),
    "surrealdb": Row(SurrealDBClaims, SurrealDBBackend),
}
"""By the name that the plugin has in `COGNITO_CLAIMS_PLUGINS`."""
VERIFIERS = frozenset(name for name, row in TABLE.items() if row.backend.verifies_tokens)
"""The plugins whose backends take the tokens themselves, and so must know their issuer."""
NAMED: Mapping[str, Room] = {
    "agentcore": AgentCore(),
    "apigateway": ApiGateway(),
    "appsync": AppSync(),
    "postgresql": PostgREST("postgresql"),
    "postgrest": PostgREST("postgrest"),
    "sts": Sts(),
    "supabase": PostgREST("supabase"),
}
"""By the name that the backend has in `backends` of a rules document."""


def named_backends(plugin: object) -> dict[str, NamedBackend | None]:
    """Return what a plugin's rules document names; None stands for a name that nobody knows."""
    if not isinstance(plugin, Mapper):
        return {}
    rooms = {name: NAMED.get(name) for name in plugin.document.backends}
    return {
        name: None if room is None else NamedBackend(room, plugin.document)
        for name, room in rooms.items()
    }


def backend_of(plugin: Any) -> Backend | None:
    """Return the backend of a ready-made plugin; None for any other."""
    return next(
        (row.backend(plugin) for row in TABLE.values() if isinstance(plugin, row.plugin)), None
    )


def backends_of(plugins: Mapping[str, PluginEntry]) -> dict[str, Backend]:
    """Return the backends of those plugins that have one, by the plugin's name."""
    found = {name: backend_of(entry.plugin) for name, entry in plugins.items()}
    return {name: backend for name, backend in found.items() if backend is not None}
