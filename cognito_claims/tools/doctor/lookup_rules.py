"""What is wrong with the tables that a function's rules look into."""

from collections.abc import Iterator, Mapping

from cognito_claims.errors import SettingsError
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.registry import load, plugin_entries
from cognito_claims.tools.backends.dynamodb.tables import tables_of
from cognito_claims.tools.doctor.handler_rules import PLUGINS, readable
from cognito_claims.tools.doctor.tables import GET_ITEM, AwsClient, TableFacts, table_facts
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool.description import Function
from cognito_claims.tools.pool.function_policy import FunctionArn

_NAME = "mapper"


def lookup_findings(
    trigger: str, function: Function | None, client: AwsClient
) -> Iterator[Finding]:
    """Read the tables of a function's look-ups, and apply the rules about them."""
    environ = None if function is None else readable(function)
    if function is None or environ is None or _NAME not in plugin_entries(environ):
        return
    try:
        mapper = load({**environ, PLUGINS: _NAME}).plugins[_NAME].plugin
    except SettingsError:
        return  # which is told of the plugin
    assert isinstance(mapper, Mapper)  # noqa: S101  (so the registry has it)
    try:
        tables = tables_of(mapper)
    except UnusableInput as error:
        yield Finding.error("look-up-key", f"{trigger}: {error}")
        return
    arn = FunctionArn.parse("LambdaConfig", function.arn)
    role = (function.configuration or {}).get("Role")
    for table in tables:
        found = table_facts(table, client, region=arn.region, role=role)
        yield from table_findings(trigger, found)


def table_findings(trigger: str, facts: TableFacts) -> Iterator[Finding]:
    """Apply the rules about one table."""
    told = f"{trigger}: the table {facts.table.name} in {facts.region}"
    if facts.is_missing:
        yield Finding.error("look-up-table", f"{told} does not exist; setup dynamodb prints it")
        return
    if facts.types is None:
        yield Finding.warning("not-checked", f"{told} may not be read: dynamodb:DescribeTable")
        return
    wanted = facts.table.types
    if [*facts.types.items()] != [*wanted.items()]:
        keys = f"has the key {_shown(facts.types)}, and the rules' templates make {_shown(wanted)}"
        yield Finding.error("look-up-key", f"{told} {keys}")
    if facts.allowed is None:
        needed = "iam:SimulatePrincipalPolicy"
        yield Finding.warning("not-checked", f"{told}: the role's rights may not be read: {needed}")
        return
    if GET_ITEM not in facts.allowed:
        remedy = "setup dynamodb --part policy prints the policy"
        yield Finding.error("look-up-right", f"{told}: the role may not {GET_ITEM}; {remedy}")
    others = [action for action in facts.allowed if action != GET_ITEM]
    if others:
        more = f"the role may {', '.join(others)} as well; {GET_ITEM} is enough"
        yield Finding.warning("look-up-rights", f"{told}: {more}")


def _shown(types: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in types.items())
