"""Hasura's set-up: how its server takes the tokens, and, for a user sync, the users' table with its permissions."""

import json
from collections.abc import Mapping
from typing import Any

from cognito_claims.contract.issuer import Issuer
from cognito_claims.errors import SettingsError
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.tools.backends.hasura.server import auth_config, jwt_secret
from cognito_claims.tools.backends.hasura.users_table import metadata, name_problems, table_sql
from cognito_claims.tools.backends.part import Part, find_plugin
from cognito_claims.tools.errors import UnusableInput

_ONE_LINE = {"separators": (",", ":")}


def parts(environ: Mapping[str, str], issuer: Issuer) -> list[Part]:
    """Write the configurations, and for settings of a user sync (`HASURA_SYNC_URL`) its table's."""
    claims = find_plugin(HasuraClaims, "hasura", environ)
    shape = {"namespace": claims.claims_namespace, "claims_format": claims.claims_format}
    secret = _json(jwt_secret(issuer, **shape), **_ONE_LINE)
    config = _json(auth_config(issuer, **shape), indent=2)
    server = [
        Part("jwt-secret", "v2: the variable HASURA_GRAPHQL_JWT_SECRET", "json", secret),
        Part("auth-config", "v3: the AuthConfig (JSON is YAML, and so HML)", "json", config),
    ]
    users = _users(environ)
    if users is None:
        return server
    tracked = _json(metadata(users, claims), indent=2)
    return [
        *server,
        Part("sql", "the table, in PostgreSQL", "sql", table_sql(users)),
        Part("metadata", "v2: the body of a POST to /v1/metadata", "json", tracked),
    ]


def _users(environ: Mapping[str, str]) -> HasuraUsers | None:
    if not environ.get("HASURA_SYNC_URL", "").strip():
        return None
    try:
        users = HasuraUsers.from_env(environ)
    except SettingsError as error:
        raise UnusableInput(*map(str, error.problems)) from None
    problems = [*name_problems(users)]
    if problems:
        raise UnusableInput(*problems)
    return users


def _json(content: object, **layout: Any) -> str:
    """Write JSON that a shell takes between single quotes, whatever is in it."""
    return json.dumps(content, **layout).replace("'", "\\u0027") + "\n"
