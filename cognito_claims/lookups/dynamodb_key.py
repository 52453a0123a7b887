"""Which table and which item: the names, ARNs and templates in the settings of a look-up in DynamoDB."""

from collections.abc import Mapping
from string import ascii_letters, digits
from typing import Any, TypeAlias

from cognito_claims.errors import Problem, SettingsError, shown
from cognito_claims.rules.templates import Template

Key: TypeAlias = Mapping[str, str | Mapping[str, str]]
"""One or two attributes: a template each, or `{"N": template}` for a number."""

_IN_NAMES = frozenset(f"{ascii_letters}{digits}_.-")
_IN_REGIONS = frozenset(f"{ascii_letters}{digits}-")
_LONGEST_NAME = 255
_FORM = "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME"


def region_of(table: str, region: str | None) -> str | None:
    """Return the region of a table, None for the environment's; raise `SettingsError` with the problems."""
    problems: list[Problem] = []
    if region is not None and not _is_region(region):
        problems.append(Problem("region", "expected a region, as in eu-central-1"))
    problem, of_arn = _table(table)
    if problem is not None:
        problems.append(Problem("table", problem))
    elif of_arn is not None and region not in (None, of_arn):
        problems.append(Problem("region", "the table's ARN says another one; leave this one out"))
    if problems:
        raise SettingsError(tuple(problems))
    return of_arn or region


def _table(table: str) -> tuple[str | None, str | None]:
    """Return what is wrong with a table's name or ARN, and the region that an ARN says."""
    name, region = table, None
    if table.startswith("arn:"):
        _, partition, service, region, account, resource = (*table.split(":", 5), *[""] * 5)[:6]
        kind, _, name = resource.partition("/")
        if not (partition.startswith("aws") and service == "dynamodb" and kind == "table"):
            return f"expected a table's name, or its ARN, as in {_FORM}", None
        if not (_is_region(region) and _is_account(account)):
            return f"expected a region and an account in the ARN, as in {_FORM}", None
    if not (3 <= len(name) <= _LONGEST_NAME and _IN_NAMES.issuperset(name)):
        expected = "expected a table's name, of 3 to 255 letters, digits and _.-"
        return f"{expected}, or its ARN, as in {_FORM}", None
    return None, region


def templates_of(key: Key) -> dict[str, Template]:
    """Return the templates of a key's attributes; raise `SettingsError` with every problem."""
    problems: list[Problem] = []
    templates: dict[str, Template] = {}
    if len(key) not in (1, 2):
        problem = "expected one or two attributes, with a template each"
        raise SettingsError((Problem("key", problem),))
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
        return Template(wanted)
    text = wanted.get("N") if isinstance(wanted, Mapping) and len(wanted) == 1 else None
    if type(text) is not str:
        raise ValueError('expected a template, or {"N": template} for a number')
    return Template(text, is_number=True)


def _is_region(text: str) -> bool:
    return text.replace("-", "") != "" and _IN_REGIONS.issuperset(text)


def _is_account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()
