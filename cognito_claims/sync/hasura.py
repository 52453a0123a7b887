"""Hasura as a sink: an upsert of users, over GraphQL.

Hasura answers HTTP 200 to nearly everything. A write has succeeded only if its `data` is there.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from cognito_claims.clients.http import Http, HttpClient, Response, json_object
from cognito_claims.clients.retry import retried
from cognito_claims.clients.secrets import SecretReader
from cognito_claims.errors import HasuraError, Problem, SettingsError
from cognito_claims.secret import Secret
from cognito_claims.settings import read_settings
from cognito_claims.sync.rows import COLUMNS, Row, column_problems, is_name

_CODES = frozenset(  # errors repeat only these: Hasura's texts may hold a user's values
    (
        "access-denied",
        "already-exists",
        "bad-request",
        "concurrent-update",
        "constraint-error",
        "constraint-violation",
        "data-exception",
        "invalid-headers",
        "invalid-json",
        "invalid-jwt",
        "invalid-params",
        "jwt-invalid-claims",
        "jwt-missing-role-claims",
        "method-not-allowed",
        "not-exists",
        "not-found",
        "not-supported",
        "parse-failed",
        "permission-denied",
        "permission-error",
        "postgres-error",
        "postgres-max-connections-error",
        "timeout",
        "unexpected",
        "validation-failed",
    )
)


class HasuraUsers:
    """Insert users into a tracked table, or update them there.

    `columns` tells which attribute each column takes (`userName` for the user's name). An existing
    row does not change, except in its `update_columns`. With a `version_column` of a timestamp
    type, only a newer event updates a row. `role` limits the admin secret to the permissions of
    this role. `http` may be replaced by another client of the same URL.

    Raises `HasuraError`, `TransportError`, `DeadlineError`, and what the secret's reader raises.
    """

    def __init__(
        self,
        *,
        url: str,
        admin_secret: str | Secret,
        role: str | None = None,
        backend_only: bool = False,
        table: str = "users",
        constraint: str = "users_pkey",
        columns: Mapping[str, str] = COLUMNS,
        update_columns: tuple[str, ...] = (),
        version_column: str | None = None,
    ) -> None:
        self.url: str = url
        self.role: str | None = role
        self.backend_only: bool = backend_only
        self.table: str = table
        self.constraint: str = constraint
        self.columns: Mapping[str, str] = dict(columns)
        self.update_columns: tuple[str, ...] = update_columns
        self.version_column: str | None = version_column
        problems = [*column_problems(self.columns), *self._problems()]
        try:
            self.http: Http = HttpClient(url)
        except ValueError as error:
            problems.append(Problem("url", str(error)))
        try:
            given = admin_secret if isinstance(admin_secret, Secret) else Secret(admin_secret)
            self._secret = SecretReader(given)
        except ValueError as error:
            problems.append(Problem("admin_secret", str(error)))
        if problems:
            raise SettingsError(tuple(problems))

    @classmethod
    def from_env(cls, environ: Mapping[str, str], /) -> Self:
        """Read the `HASURA_SYNC_*` variables, or raise `SettingsError` with every problem."""
        return read_settings(cls, "HASURA_SYNC", environ)

    def write(self, rows: Sequence[Row], *, deadline: float) -> None:
        """Upsert the rows in one transaction; the caller passes only the newest row of a key."""
        if not rows:
            return
        body = json.dumps(self._mutation(rows)).encode()
        secret = self._secret.read(deadline)
        try:
            retried(lambda: self._post(body, secret, deadline), deadline=deadline)
        except HasuraError as error:
            refused = error.hasura_code == "access-denied"
            fresh = self._secret.refresh(secret, deadline) if refused else None
            if fresh is None:
                raise
        else:
            return
        self._post(body, fresh, deadline)

    def prepare(self, *, deadline: float) -> None:
        """Fetch the admin secret before the first row."""
        self._secret.read(deadline)

    def _post(self, body: bytes, secret: str, deadline: float) -> None:
        headers = {"Content-Type": "application/json", "x-hasura-admin-secret": secret}
        if self.role is not None:
            headers["x-hasura-role"] = self.role
        if self.backend_only:
            headers["x-hasura-use-backend-only-permissions"] = "true"
        response = self.http.request("POST", headers, body, deadline=deadline)
        error = _error_in(response)
        if error is not None:
            raise error

    def _mutation(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the query and its variables; their types work for text, uuid and citext keys."""
        table = self.table
        # A condition holds one constant, so with a version column each row needs its own insert.
        batches = [rows] if self.version_column is None else [[row] for row in rows]
        types: list[str] = []
        fields: list[str] = []
        variables: dict[str, Any] = {}
        for number, batch in enumerate(batches):
            types.append(f"$o{number}:[{table}_insert_input!]!,$c{number}:{table}_on_conflict")
            arguments = f"objects:$o{number},on_conflict:$c{number}"
            fields.append(f"a{number}:insert_{table}({arguments}){{affected_rows}}")
            variables[f"o{number}"] = [self._object(row) for row in batch]
            variables[f"c{number}"] = self._on_conflict(batch[0])
        query = f"mutation({','.join(types)}){{{' '.join(fields)}}}"
        return {"query": query, "variables": variables}

    def _object(self, row: Row) -> dict[str, str | None]:
        version = {} if self.version_column is None else {self.version_column: row.at}
        return {**row.values, **version}

    def _on_conflict(self, row: Row) -> dict[str, Any]:
        version = self.version_column
        if version is None or not self.update_columns:
            return {"constraint": self.constraint, "update_columns": list(self.update_columns)}
        # A row without a version counts as older than any other.
        older = {"_or": [{version: {"_lt": row.at}}, {version: {"_is_null": True}}]}
        columns = [*self.update_columns, version]
        return {"constraint": self.constraint, "update_columns": columns, "where": older}

    def _problems(self) -> Iterator[Problem]:
        for setting in ("table", "constraint"):
            if not is_name(getattr(self, setting)):
                yield Problem(setting, "expected a GraphQL name: letters, digits and _")
        unknown = [column for column in self.update_columns if column not in self.columns]
        if unknown:
            yield Problem("update_columns", "each must be one of the columns")
        if self.version_column is not None and not is_name(self.version_column):
            yield Problem("version_column", "expected a GraphQL name: letters, digits and _")
        role = self.role
        if role is not None and not (role.strip() and role.isascii() and role.isprintable()):
            yield Problem("role", "expected printable ASCII; Hasura treats an empty role as admin")
        if self.version_column in self.columns:
            yield Problem("version_column", "cannot be one of the columns")


def _error_in(response: Response) -> HasuraError | None:
    answer = json_object(response.body) or {}
    errors = answer.get("errors")
    if errors is None and response.status == 200 and _is_written(answer.get("data")):
        return None
    first = errors[0] if isinstance(errors, list) and errors else {}
    extensions = first.get("extensions") if isinstance(first, dict) else None
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return HasuraError(
        response.status, code if isinstance(code, str) and code in _CODES else "unknown"
    )


def _is_written(data: object) -> bool:
    fields = data.values() if isinstance(data, dict) else ()
    return bool(fields) and all(isinstance(field, dict) for field in fields)
