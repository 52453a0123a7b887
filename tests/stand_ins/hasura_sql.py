"""The SQL with which Hasura inserts, and what it makes of the errors of PostgreSQL.

Its rules were read in the source of Hasura 2.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg

from tests.stand_ins.postgres import Connection, Table, listed, quoted

COMPARISONS = {"_eq": "=", "_neq": "<>", "_gt": ">", "_gte": ">=", "_lt": "<", "_lte": "<="}
PLACEHOLDER = "_PLACEHOLDER"
# By SQLSTATE or its class; what is not here is `unexpected`, a deadlock (40P01), a serialization failure
# (40001) and a row that one statement hits twice (21000) included.
_CODES = {
    "22": ("data-exception", ""),
    "23": ("constraint-violation", ""),
    "23502": ("constraint-violation", "Not-NULL violation. "),
    "23503": ("constraint-violation", "Foreign key violation. "),
    "23505": ("constraint-violation", "Uniqueness violation. "),
    "23514": ("permission-error", "Check constraint violation. "),
    "42704": ("constraint-error", ""),
    "42P10": ("constraint-error", ""),
}


class HasuraError(Exception):
    """A refusal, as the server words it; `internal` is for the role admin alone."""

    def __init__(
        self, code: str, message: str, path: str = "$", internal: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.path, self.internal = code, message, path, internal

    def body(self, *, is_admin: bool) -> dict[str, object]:
        internal = {"internal": self.internal} if self.internal and is_admin else {}
        extensions = {**internal, "path": self.path, "code": self.code}
        return {"errors": [{"message": self.message, "extensions": extensions}]}


class Outcome(NamedTuple):
    """What an insert did; the rows are JSON, as PostgreSQL writes it."""

    affected_rows: int
    rows: list[str]


class Insert(NamedTuple):
    """A field's arguments, and what every row must satisfy once it is inserted or updated."""

    arguments: Mapping[str, Any]
    check: Mapping[str, Any] | None = None

    @property
    def rows(self) -> dict[str, Mapping[str, object]]:
        """The new rows, by their places in the arguments."""
        if "object" in self.arguments:
            return {".object": self.arguments["object"]}
        return {f".objects[{i}]": row for i, row in enumerate(self.arguments["objects"])}

    def verify(self, table: Table, path: str) -> None:
        """Refuse what the schema takes and Hasura does not; null is nowhere an absence."""
        if "on_conflict" in self.arguments:
            _check_conflict(self.arguments["on_conflict"], f"{path}.on_conflict")
        for place, row in self.rows.items():
            for column, value in row.items():
                if value is None and not table.columns[column].is_nullable:
                    where = f"{path}{place}.{column}"
                    raise HasuraError("validation-failed", "unexpected null value", where)


def _check_conflict(clause: Mapping[str, Any] | None, path: str) -> None:
    for place in _nulls(clause, path):
        raise HasuraError("validation-failed", "unexpected null value", place)
    if clause and PLACEHOLDER in clause["update_columns"]:
        raise HasuraError("validation-failed", "erroneous column name", path)


def _nulls(value: object, path: str) -> Iterator[str]:
    if value is None:
        yield path
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _nulls(each, f"{path}[{index}]")
    if isinstance(value, Mapping):
        for name, each in value.items():
            if each is None or name not in COMPARISONS:  # what is compared with may be JSON
                yield from _nulls(each, f"{path}.{name}")


class _Parameters(list[object]):
    """The parameters of a statement, in the order in which they stand in it."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table

    def row(self, values: Mapping[str, object]) -> str:
        columns = self._table.columns
        cells = [self._value(c, values[c]) if c in values else "DEFAULT" for c in columns]
        return f"({', '.join(cells)})"

    def conflict(self, clause: Mapping[str, Any]) -> str:
        start = f"ON CONFLICT ON CONSTRAINT {quoted(clause['constraint'])}"
        columns = clause["update_columns"]
        if not columns:
            return f"{start} DO NOTHING"
        sets = ", ".join(f"{quoted(name)} = EXCLUDED.{quoted(name)}" for name in columns)
        return f"{start} DO UPDATE SET {sets} WHERE {self.bool_exp(clause.get('where', {}))}"

    def bool_exp(self, expression: Mapping[str, Any]) -> str:
        return _joined(" AND ", [self._term(*each) for each in expression.items()])

    def _term(self, name: str, value: Any) -> str:
        if name == "_not":
            return f"NOT {self.bool_exp(value)}"
        if name in ("_and", "_or"):
            joint = " AND " if name == "_and" else " OR "
            return _joined(joint, [self.bool_exp(each) for each in value])
        return _joined(" AND ", [self._comparison(name, *each) for each in value.items()])

    def _comparison(self, column: str, operator: str, value: object) -> str:
        name = f"{self._table.full_name}.{quoted(column)}"
        if operator == "_is_null":
            return f"{name} IS {'' if value else 'NOT '}NULL"
        return f"{name} {COMPARISONS[operator]} {self._value(column, value)}"

    def _value(self, column: str, value: object) -> str:
        if value is None:
            return "NULL"
        kind = self._table.columns[column].type
        self.append(json.dumps(value) if kind == "jsonb" else value)
        return f"%s::{kind}"


def _joined(joint: str, terms: Sequence[str]) -> str:
    nothing = "FALSE" if joint == " OR " else "TRUE"
    return f"({joint.join(terms) or nothing})"


def run(connection: Connection, table: Table, insert: Insert, path: str) -> Outcome:
    """Insert in one statement; the path is that of the field's arguments."""
    insert.verify(table, path)
    path += ".object" if "object" in insert.arguments else ".objects"
    if not insert.rows:
        return Outcome(0, [])
    statement, parameters = _statement(table, insert)
    try:
        found = connection.execute(statement, parameters).fetchall()
    except psycopg.Error as error:
        if connection.closed:
            raise connection_error(error) from None
        raise _refusal(error, path, statement, parameters) from None
    if not all(is_right for _, is_right in found):
        message = "check constraint of an insert/update permission has failed"
        raise HasuraError("permission-error", message, path)
    return Outcome(len(found), [text for text, _ in found])


def _statement(table: Table, insert: Insert) -> tuple[str, list[object]]:
    parameters, clause = _Parameters(table), insert.arguments.get("on_conflict")
    rows = ", ".join(map(parameters.row, insert.rows.values()))
    words = ["INSERT INTO", table.full_name, listed(list(table.columns)), "VALUES", rows]
    words += [parameters.conflict(clause)] if clause else []
    words += [f"RETURNING row_to_json({quoted(table.name)}.*)::text,"]
    words += [parameters.bool_exp(insert.check or {})]
    return " ".join(words), parameters


def connection_error(error: psycopg.Error) -> HasuraError:
    """Say what Hasura makes of a connection that cannot be had, or was lost."""
    internal = {"error": str(error)}
    if "too many clients" in str(error):
        message = "max connections reached on postgres"
        return HasuraError("postgres-max-connections-error", message, internal=internal)
    return HasuraError("postgres-error", "connection error", internal=internal)


def _refusal(
    error: psycopg.Error, path: str, statement: str, arguments: Sequence[object]
) -> HasuraError:
    state, message = error.sqlstate or "", error.diag.message_primary or str(error)
    if isinstance(error, psycopg.DataError) and not state:
        state = "22021"  # a NUL, which psycopg refuses before PostgreSQL can
    # Hasura 2 shows this with `unexpected` alone: here with every error, so that a leak shows.
    details = {"message": message, "status_code": state, "description": error.diag.message_detail}
    internal = {"statement": statement, "error": details, "arguments": list(map(str, arguments))}
    code, prefix = _CODES.get(state) or _CODES.get(state[:2]) or ("unexpected", "")
    said = "database query error" if code == "unexpected" else prefix + message
    return HasuraError(code, said, path, internal)
