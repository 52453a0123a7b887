"""A table, the roles that may touch it, and the GraphQL schema that Hasura generates of both."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
)

from tests.stand_ins.hasura_sql import COMPARISONS, PLACEHOLDER
from tests.stand_ins.postgres import Column, Table

Resolver = Callable[..., object]
Naming = Literal["hasura-default", "graphql-default"]


class Names(NamedTuple):
    """How what is made of a table is named: by its custom name, else by its own and its schema's."""

    table: Table
    naming: Naming = "hasura-default"
    custom_name: str | None = None

    @property
    def base(self) -> str:
        schema, name = self.table.schema, self.table.name
        return self.custom_name or (name if schema == "public" else f"{schema}_{name}")

    def field(self, name: str) -> str:
        """Name a field, argument, column or operator."""
        if self.naming == "hasura-default":
            return name
        first, *rest = name.removeprefix("_").split("_")
        return "_" * name.startswith("_") + first + "".join(map(_capitalised, rest))

    def type(self, name: str) -> str:
        """Name a type."""
        if self.naming == "hasura-default":
            return name
        return "".join(map(_capitalised, name.split("_")))


def _capitalised(word: str) -> str:
    return word[:1].upper() + word[1:]


class Role(NamedTuple):
    """The columns that a role may insert, update and see: None for what it has no permission to do.

    `check` is a boolean expression that every inserted or updated row must satisfy.
    """

    insert: tuple[str, ...] | None = None
    update: tuple[str, ...] | None = None
    select: tuple[str, ...] | None = None
    backend_only: bool = False
    check: Mapping[str, object] | None = None


USERS = Table(
    columns={
        "id": Column(is_nullable=False),
        "username": Column(),
        "email": Column(),
        "created_at": Column("timestamptz", default="now()"),
        "synced_at": Column("timestamptz"),
    },
    constraints={"users_pkey": ("id",), "users_email_key": ("email",)},
)


def _scalar(name: str) -> GraphQLScalarType:
    def a_string(value: object) -> str:
        if not isinstance(value, str):
            message = f"A string is expected for type: {name}"
            raise GraphQLError(message, extensions={"code": "parse-failed"})
        return value

    if name == "jsonb":
        return GraphQLScalarType(name)
    return GraphQLScalarType(name, parse_value=a_string)


def _required_list(of: GraphQLNonNull[Any]) -> GraphQLNonNull[Any]:
    return GraphQLNonNull(GraphQLList(of))


class _Schema:
    """Builds the types of one table for one role; `resolve` and `resolve_one` run its inserts."""

    def __init__(self, names: Names, role: Role) -> None:
        self._names, self._role, self._table = names, role, names.table
        kinds = {column.type for column in names.table.columns.values()} - {"text", "bool"}
        self._scalars: dict[str, GraphQLScalarType] = {kind: _scalar(kind) for kind in kinds}
        self._scalars |= {"text": GraphQLString, "bool": GraphQLBoolean}

    def mutations(self, resolve: Resolver, resolve_one: Resolver) -> dict[str, GraphQLField]:
        field, base = self._names.field, self._names.base
        new_row = GraphQLNonNull(self._insert_input())
        conflict = {field("on_conflict"): GraphQLArgument(self._conflict(), out_name="on_conflict")}
        objects = {"objects": GraphQLArgument(_required_list(new_row)), **conflict}
        row = self._row() if self._role.select else None
        found = {field(f"insert_{base}"): GraphQLField(self._response(row), objects, resolve)}
        if row:
            one = {"object": GraphQLArgument(new_row), **conflict}
            found[field(f"insert_{base}_one")] = GraphQLField(row, one, resolve_one)
        return found

    def _name(self, suffix: str) -> str:
        return self._names.type(f"{self._names.base}_{suffix}")

    def _named(self, columns: Iterable[str] | None) -> dict[str, str]:
        return {self._names.field(column): column for column in sorted(columns or ())}

    def _insert_input(self) -> GraphQLInputObjectType:
        fields = {}
        for name, column in self._named(self._role.insert).items():
            scalar = self._scalars[self._table.columns[column].type]
            fields[name] = GraphQLInputField(scalar, out_name=column)
        return GraphQLInputObjectType(self._name("insert_input"), fields)

    def _row(self) -> GraphQLObjectType:
        fields = {}
        for name, column in self._named(self._role.select).items():
            kind, is_nullable, _ = self._table.columns[column]
            scalar = self._scalars[kind]
            shown = scalar if is_nullable else GraphQLNonNull(scalar)
            fields[name] = GraphQLField(shown, resolve=lambda row, _, column=column: row[column])
        return GraphQLObjectType(self._names.type(self._names.base), fields)

    def _response(self, row: GraphQLObjectType | None) -> GraphQLObjectType:
        count = GraphQLField(GraphQLNonNull(GraphQLInt), resolve=lambda outcome, _: outcome[0])
        fields = {self._names.field("affected_rows"): count}
        if row:
            fields["returning"] = GraphQLField(
                _required_list(GraphQLNonNull(row)),
                resolve=lambda outcome, _: [json.loads(each) for each in outcome.rows],
            )
        return GraphQLObjectType(self._name("mutation_response"), fields)

    def _conflict(self) -> GraphQLInputObjectType:
        constraints = {name: name for name in self._table.constraints}
        constraint = GraphQLEnumType(self._name("constraint"), constraints)
        columns = self._named(self._role.update) or {PLACEHOLDER: PLACEHOLDER}
        column = GraphQLNonNull(GraphQLEnumType(self._name("update_column"), columns))
        some = GraphQLInputField(
            _required_list(column), default_value=[], out_name="update_columns"
        )
        fields = {
            "constraint": GraphQLInputField(GraphQLNonNull(constraint)),
            self._names.field("update_columns"): some,
            "where": GraphQLInputField(self._bool_exp()),
        }
        return GraphQLInputObjectType(self._name("on_conflict"), fields)

    def _bool_exp(self) -> GraphQLInputObjectType:
        comparisons = {kind: self._comparison(scalar) for kind, scalar in self._scalars.items()}

        def fields() -> dict[str, GraphQLInputField]:
            every = GraphQLInputField(GraphQLList(GraphQLNonNull(itself)))
            found = {"_and": every, "_not": GraphQLInputField(itself), "_or": every}
            for name, column in self._named(self._role.select).items():
                kind = comparisons[self._table.columns[column].type]
                found[name] = GraphQLInputField(kind, out_name=column)
            return found

        itself = GraphQLInputObjectType(self._name("bool_exp"), fields)
        return itself

    def _comparison(self, scalar: GraphQLScalarType) -> GraphQLInputObjectType:
        fields = {name: GraphQLInputField(scalar) for name in COMPARISONS}
        is_null = GraphQLInputField(GraphQLBoolean, out_name="_is_null")
        fields[self._names.field("_is_null")] = is_null
        return GraphQLInputObjectType(self._names.type(f"{scalar.name}_comparison_exp"), fields)


def schema_of(names: Names, role: Role, resolve: Resolver, resolve_one: Resolver) -> GraphQLSchema:
    """Give what the role sees of the table, with what runs `insert_users` and `insert_users_one`."""
    nothing = {"no_queries_available": GraphQLField(GraphQLString)}
    query = GraphQLObjectType("query_root", nothing)
    if not role.insert:
        return GraphQLSchema(query)
    fields = _Schema(names, role).mutations(resolve, resolve_one)
    return GraphQLSchema(query, GraphQLObjectType("mutation_root", fields))
