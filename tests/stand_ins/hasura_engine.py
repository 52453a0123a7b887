"""What Hasura does with a GraphQL request: all of it in one transaction, or nothing."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import psycopg
from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    ListValueNode,
    Node,
    ObjectFieldNode,
    OperationType,
    VariableDefinitionNode,
    VariableNode,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from tests.stand_ins.hasura_schema import Names, Role, schema_of
from tests.stand_ins.hasura_sql import HasuraError, Insert, Outcome, connection_error, run
from tests.stand_ins.postgres import Connection, Database

_INVALID = re.compile(
    r"Variable '\$(\w+)' (?:of .* must not be null|got invalid value .*?(?: at '\1(\S+)')?; )",
    re.DOTALL,
)
_NOBODY = Role()


class Session(NamedTuple):
    """Who asks, and whether the permissions that are for backends alone count."""

    role: str
    is_backend: bool = False


class Query(NamedTuple):
    """What is asked, without its variables."""

    text: str
    operation: str | None = None


class _Document(NamedTuple):
    """A document that is valid for a schema; `uses` says where it uses which variable."""

    schema: GraphQLSchema
    document: DocumentNode
    is_mutation: bool
    uses: Mapping[str, str]
    optional: Sequence[str]


class Engine:
    """Runs documents, each of which is parsed and validated once for a role."""

    def __init__(self, database: Database, names: Names, roles: Mapping[str, Role]) -> None:
        self._database, self._names, self._roles = database, names, roles
        self._schemas: dict[Session, GraphQLSchema] = {}
        self._documents: dict[tuple[Session, Query], _Document] = {}

    def run(
        self, session: Session, query: Query, variables: Mapping[str, object]
    ) -> dict[str, Any] | None:
        """Give the data; raises `HasuraError`."""
        document = self._documents.get((session, query))
        if document is None:
            document = _document(self._schema(session), query)
            self._documents[session, query] = document
        unknown = sorted(set(variables) - set(document.uses))
        if unknown:
            message = f"unexpected variables in variableValues: {', '.join(unknown)}"
            raise HasuraError("validation-failed", message)
        # To Hasura, a nullable variable without a value is null, and not what its absence would be.
        values = {**dict.fromkeys(document.optional), **variables}
        if not document.is_mutation:
            return _execute(document, query, values, None)
        try:
            with self._database.transaction() as connection:
                return _execute(document, query, values, connection)
        except psycopg.Error as error:
            raise connection_error(error) from None

    def _schema(self, session: Session) -> GraphQLSchema:
        role = self._roles.get(session.role, _NOBODY)
        if role.backend_only and not session.is_backend:
            role = _NOBODY
        schema = self._schemas.get(session)
        if schema is None:
            resolvers = partial(self._insert, role), partial(self._insert_one, role)
            schema = self._schemas[session] = schema_of(self._names, role, *resolvers)
        return schema

    def _insert(self, role: Role, _: object, info: GraphQLResolveInfo, **sent: Any) -> Outcome:
        path = f"$.selectionSet.{info.field_name}.args"
        return run(info.context, self._names.table, Insert(sent, role.check), path)

    def _insert_one(self, *asked: Any, **sent: Any) -> object:
        outcome = self._insert(*asked, **sent)
        return json.loads(outcome.rows[0]) if outcome.rows else None


def _document(schema: GraphQLSchema, query: Query) -> _Document:
    try:
        document = parse(query.text)
    except GraphQLError:
        raise HasuraError("validation-failed", "not a valid graphql query", "$.query") from None
    asked = get_operation_ast(document, query.operation)
    if asked is None:
        raise HasuraError("validation-failed", "exactly one operation has to be present, or named")
    if asked.operation is OperationType.SUBSCRIPTION:
        raise HasuraError("validation-failed", "no such field in the schema")
    is_mutation = asked.operation is OperationType.MUTATION
    if is_mutation and schema.mutation_type is None:
        raise HasuraError("validation-failed", "no mutations exist")
    places = list(_walk(document, "$"))
    for error in validate(schema, document):
        found = (path for node, path in places if error.nodes and node is error.nodes[-1])
        raise HasuraError("validation-failed", _told(error), next(found, "$"))
    uses = {n.name.value: path for n, path in places if isinstance(n, VariableNode)}
    definitions = asked.variable_definitions or ()
    optional = [d.variable.name.value for d in definitions if d.default_value is None]
    return _Document(schema, document, is_mutation, uses, optional)


def _step(node: Node) -> str:
    if isinstance(node, FieldNode):
        return f".selectionSet.{node.name.value}"
    if isinstance(node, ArgumentNode):
        return f".args.{node.name.value}"
    return f".{node.name.value}" if isinstance(node, ObjectFieldNode) else ""


def _walk(node: Node, path: str) -> Iterator[tuple[Node, str]]:
    """Give the nodes of a document, and their paths as Hasura writes them."""
    path += _step(node)
    yield node, path
    for key in () if isinstance(node, VariableDefinitionNode) else node.keys:
        child = getattr(node, key)
        if isinstance(child, Node):
            yield from _walk(child, path)
        for index, each in enumerate(child if isinstance(child, list | tuple) else ()):
            yield from _walk(each, f"{path}[{index}]" if isinstance(node, ListValueNode) else path)


def _execute(
    document: _Document, query: Query, values: dict[str, Any], connection: Connection | None
) -> dict[str, Any] | None:
    result = execute_sync(
        document.schema,
        document.document,
        context_value=connection,
        variable_values=values,
        operation_name=query.operation,
    )
    for error in result.errors or ():
        if isinstance(error.original_error, HasuraError):
            raise error.original_error
        raise _refused_variable(error, document)
    return result.data


def _refused_variable(error: GraphQLError, document: _Document) -> HasuraError:
    refused = _INVALID.match(error.message)
    if refused is None:
        raise error
    code = (error.extensions or {}).get("code", "validation-failed")
    path = document.uses[refused[1]] + (refused[2] or "")
    return HasuraError(code, _told(error), path)


def _told(error: GraphQLError) -> str:
    """Give the message without graphql-core's suggestions, which Hasura does not make."""
    return error.message.partition(" Did you mean ")[0]
