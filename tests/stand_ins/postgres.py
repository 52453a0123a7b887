"""A private PostgreSQL, its connections and its tables."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[tuple[Any, ...]]
ColumnType = Literal["text", "uuid", "citext", "timestamptz", "bool", "jsonb"]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def listed(names: Sequence[str]) -> str:
    return f"({', '.join(map(quoted, names))})"


class Column(NamedTuple):
    """A column, of which `default` is SQL."""

    type: ColumnType = "text"
    is_nullable: bool = True
    default: str | None = None

    def definition(self, name: str) -> str:
        required = "" if self.is_nullable else " NOT NULL"
        default = f" DEFAULT {self.default}" if self.default else ""
        return f"{quoted(name)} {self.type}{required}{default}"


class Table(NamedTuple):
    """A table; of its constraints, by their names, the first is the primary key."""

    columns: Mapping[str, Column]
    constraints: Mapping[str, tuple[str, ...]]
    name: str = "users"
    schema: str = "public"

    @property
    def full_name(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def definition(self) -> str:
        (key, key_columns), *unique = self.constraints.items()
        parts = [column.definition(name) for name, column in self.columns.items()]
        parts.append(f"CONSTRAINT {quoted(key)} PRIMARY KEY {listed(key_columns)}")
        parts += [f"CONSTRAINT {quoted(name)} UNIQUE {listed(on)}" for name, on in unique]
        return f"CREATE TABLE {self.full_name} ({', '.join(parts)})"

    @property
    def all_rows(self) -> str:
        key = next(iter(self.constraints.values()))
        return f"TABLE {self.full_name} ORDER BY {', '.join(map(quoted, key))}"


class Database:
    """A database with one table, asked over connections that are kept."""

    def __init__(self, dsn: str, table: Table) -> None:
        self._dsn, self._table = dsn, table
        self._idle: list[Connection] = []

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection within a transaction, which an exception undoes."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = psycopg.connect(self._dsn, autocommit=True)
        try:
            with connection.transaction():
                yield connection
        finally:
            if connection.closed:
                connection.close()  # it was lost: this lets go of its socket
            else:
                self._idle.append(connection)

    def create(self) -> None:
        """Create the table anew, empty."""
        with self.transaction() as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS citext SCHEMA pg_catalog")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(self._table.schema)}")
            connection.execute(f"DROP TABLE IF EXISTS {self._table.full_name}")
            connection.execute(self._table.definition)

    def rows(self) -> list[dict[str, Any]]:
        """Give all rows, ordered by their key."""
        with self.transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(self._table.all_rows).fetchall()

    def truncate(self) -> None:
        """Delete all rows."""
        with self.transaction() as connection:
            connection.execute(f"TRUNCATE {self._table.full_name}")

    def close(self) -> None:
        """Close the connections, when no transaction is under way."""
        while self._idle:
            self._idle.pop().close()
