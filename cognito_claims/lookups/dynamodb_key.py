"""Which table and which item: the names, ARNs and templates in the settings of a look-up in DynamoDB."""

from collections.abc import Mapping
from string import ascii_letters, digits
from typing import Any, TypeAlias

from cognito_claims.errors import Problem, SettingsError, shown
from cognito_claims.lookups.placeholders import Template, parse

Key: TypeAlias = Mapping[str, str | Mapping[str, str]]
"""One or two attributes: a template each, or `{"N": template}` for a number."""

_IN_NAMES = frozenset(f"{ascii_letters}{digits}_.-")
_IN_REGIONS = frozenset(f"{ascii_letters}{digits}-")
_LONGEST_NAME = 255
_FORM = "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME"


def region_of(table: str, region: str | None) -> str | None:
    """Return the region of a table, None for the environment's; raise `SettingsError` with the problem."""
    if region is not None and not _is_region(region):
        raise _error("region", "expected a region, as in eu-central-1")
    name = table
    if table.startswith("arn:"):
        _, partition, service, of_arn, account, resource = (*table.split(":", 5), *[""] * 5)[:6]
        kind, _, name = resource.partition("/")
        if not (partition.startswith("aws") and service == "dynamodb" and kind == "table"):
            raise _error("table", f"expected a table's name, or its ARN, as in {_FORM}")
        if not (_is_region(of_arn) and _is_account(account)):
            raise _error("table", f"expected a region and an account in the ARN, as in {_FORM}")
        if region not in (None, of_arn):
            raise _error("region", "the table's ARN says another one; leave this one out")
        region = of_arn
    if not (3 <= len(name) <= _LONGEST_NAME and _IN_NAMES.issuperset(name)):
        expected = "expected a table's name, of 3 to 255 letters, digits and _.-"
        raise _error("table", f"{expected}, or its ARN, as in {_FORM}")
    return region


def templates_of(key: Key) -> dict[str, Template]:
    """Return the templates of a key's attributes; raise `SettingsError` with every problem."""
    problems: list[Problem] = []
    templates: dict[str, Template] = {}
    if len(key) not in (1, 2):
        raise _error("key", "expected one or two attributes, with a template each")
    for attribute, wanted in key.items():
        try:
            templates[attribute] = _template(attribute, wanted)
        except ValueError as error:
            problems.append(Problem(f"key.{shown(attribute)}", str(error)))
    if problems:
        raise SettingsError(tuple(problems))
    return templates


def _template(attribute: str, wanted: Any) -> Template:
    if not 1 <= len(attribute) <= _LONGEST_NAME:
        raise ValueError("expected an attribute's name")
    if isinstance(wanted, str):
        return parse(wanted)
    text = wanted.get("N") if isinstance(wanted, Mapping) and len(wanted) == 1 else None
    if type(text) is not str:
        raise ValueError('expected a template, or {"N": template} for a number')
    return parse(text, is_number=True)


def _is_region(text: str) -> bool:
    return text.replace("-", "") != "" and _IN_REGIONS.issuperset(text)


def _is_account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()


def _error(setting: str, message: str) -> SettingsError:
    return SettingsError((Problem(setting, message),))
