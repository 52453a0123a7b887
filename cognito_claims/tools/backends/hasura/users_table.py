"""The users' table of a sync: its SQL, and who may do what with it, as calls of Hasura's metadata API.

Shapes: Hasura's "Metadata API Reference", `pg_track_table` and `pg_create_*_permission`.
"""

from collections.abc import Iterator
from typing import Any

from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.tools.errors import UnusableInput

_ADMIN = "admin"  # who needs no permission, and can be given none
_LONGEST_NAME = 63
_OF_EVERY_TABLE = frozenset(("cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"))


def name_problems(users: HasuraUsers) -> Iterator[str]:
    """Say which settings name what PostgreSQL would cut short, or has already ("Identifiers", "System Columns")."""
    version = () if users.version_column is None else (users.version_column,)
    columns = {"HASURA_SYNC_COLUMNS": tuple(users.columns), "HASURA_SYNC_VERSION_COLUMN": version}
    named = {"HASURA_SYNC_TABLE": (users.table,), "HASURA_SYNC_CONSTRAINT": (users.constraint,)}
    for setting, names in {**named, **columns}.items():
        if any(len(name) > _LONGEST_NAME for name in names):
            yield f"{setting}: PostgreSQL cuts a name after {_LONGEST_NAME} letters"
    for setting, names in columns.items():
        if not _OF_EVERY_TABLE.isdisjoint(names):
            yield f"{setting}: every table of PostgreSQL's has a column of this name"
    if users.constraint == users.table:
        yield "HASURA_SYNC_CONSTRAINT: its index cannot have the table's name"


def table_sql(users: HasuraUsers) -> str:
    """Give the table that the sync writes to; all names are GraphQL names, and so identifiers."""
    key = _key(users)
    columns = [f'  "{column}" text{" NOT NULL" * (column == key)}' for column in users.columns]
    if users.version_column is not None:
        columns.append(f'  "{users.version_column}" timestamptz')
    constraint = f'  CONSTRAINT "{users.constraint}" PRIMARY KEY ("{key}")'
    return (
        f'CREATE TABLE public."{users.table}" (\n' + ",\n".join((*columns, constraint)) + "\n);\n"
    )


def metadata(users: HasuraUsers, claims: HasuraClaims) -> dict[str, Any]:
    """Give the calls that track the table, let each role read its own row, and the sync's role write its columns."""
    calls = [*_own_rows(users, claims), *_sync(users)]
    table = {"source": "default", "table": {"schema": "public", "name": users.table}}
    tracked = {"type": "pg_track_table", "args": table}
    made = [{"type": call, "args": {**table, **args}} for call, args in calls]
    return {"type": "bulk", "args": [tracked, *made]}


def _own_rows(users: HasuraUsers, claims: HasuraClaims) -> Iterator[tuple[str, dict[str, Any]]]:
    attribute = claims.user_id_attribute
    owner = next((column for column, source in users.columns.items() if source == attribute), None)
    if owner is None:
        advice = (
            "no column takes the attribute of HASURA_USER_ID_ATTRIBUTE, so no row is anybody's own"
        )
        raise UnusableInput(f"HASURA_SYNC_COLUMNS: {advice}")
    roles = dict.fromkeys((*claims.allowed_roles, *claims.group_roles.values()))
    for role in roles:
        if role == users.role:
            danger = "users may take this role, and then write every user's row"
            raise UnusableInput(f"HASURA_SYNC_ROLE: {danger}")
        if role != _ADMIN:
            own = {"columns": [*users.columns], "filter": {owner: {"_eq": "X-Hasura-User-Id"}}}
            yield "pg_create_select_permission", {"role": role, "permission": own}


def _sync(users: HasuraUsers) -> Iterator[tuple[str, dict[str, Any]]]:
    if users.role in (None, _ADMIN):
        return
    version = [] if users.version_column is None else [users.version_column]
    insert: dict[str, Any] = {"columns": [*users.columns, *version], "check": {}}
    if users.backend_only:
        insert["backend_only"] = True
    yield "pg_create_insert_permission", {"role": users.role, "permission": insert}
    if users.update_columns:
        update = {"columns": [*users.update_columns, *version], "filter": {}, "check": {}}
        yield "pg_create_update_permission", {"role": users.role, "permission": update}
    if users.update_columns and version:  # the condition of the update reads it
        select = {"columns": version, "filter": {}}
        yield "pg_create_select_permission", {"role": users.role, "permission": select}


def _key(users: HasuraUsers) -> str:
    return next(column for column, source in users.columns.items() if source == "sub")
