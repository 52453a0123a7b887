"""An item of a DynamoDB table, by a key that a template makes: one GetItem, signed and sent by our own client."""

import json
from collections.abc import Collection, Mapping
from importlib import import_module
from time import monotonic
from typing import Any, Literal

from cognito_claims.claims import Json
from cognito_claims.deadline import seconds_left
from cognito_claims.errors import LookUpFailedError, SettingsError
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.lookups.dynamodb_key import Key, region_of, templates_of
from cognito_claims.lookups.dynamodb_values import item_of, number_of
from cognito_claims.lookups.looking_up import Item, Run, common_problems, environment, log, required
from cognito_claims.lookups.values import values_of
from cognito_claims.rules.templates import Template

_TARGET = "DynamoDB_20120810.GetItem"
_RETRIES = 2  # as many as the SDKs' standard mode makes


class DynamoDBItem:
    """Find an item for an event; the role of the function needs `dynamodb:GetItem` on the table.

    `table` is a name, or the ARN of a table of any account and region. `key` has one or two attributes, each
    with a template that may hold `{sub}`, `{cognito:username}`, `{client_id}`, `{tenant}` and `{email}`. A
    value that is not 1 to 256 ASCII letters, digits and `._@+-` makes the item absent. Only `attributes` are
    asked for, beside the key's; without any, the whole item is. With `absent="deny"` a call refuses the
    sign-in where there is no item. What was found is kept for `cache_seconds`. `email_providers` are the
    identity providers whose emails count. `name` is for the log. AWS's own variables are read from
    `environ`, by default the process's.

    Raises `SettingsError` with every problem.
    """

    def __init__(
        self,
        *,
        table: str,
        key: Key,
        attributes: Collection[str] = (),
        consistent: bool = False,
        region: str | None = None,
        absent: Literal["omit", "deny"] = "omit",
        cache_seconds: int = 0,
        email_providers: Collection[str] = (),
        name: str = "dynamodb",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.table: str = table
        self.absent: str = absent
        self.name: str = name
        self.email_providers: frozenset[str] = frozenset(email_providers)
        self.region: str | None = region
        self.key: Mapping[str, Template] = {}
        problems = [*common_problems(absent, cache_seconds)]
        try:
            self.region = region_of(table, region)
        except SettingsError as error:
            problems += error.problems
        try:
            self.key = templates_of(key)
        except SettingsError as error:
            problems += error.problems
        if problems:
            raise SettingsError(tuple(problems))
        self._fixed: dict[str, Json] = {"TableName": table}
        if consistent:
            self._fixed["ConsistentRead"] = True
        if attributes:
            self._fixed |= _projection(dict.fromkeys((*self.key, *attributes)))
        # Only who looks into a table pays for the client of AWS.
        made = import_module("cognito_claims.clients.aws").AwsClient
        self._aws: Any = made(
            "dynamodb", self.region, environment(environ), json_version="1.0", retries=_RETRIES
        )
        self._run = Run(name, cache_seconds, self._read)

    @property
    def placeholders(self) -> frozenset[str]:
        """The placeholders in the key's templates."""
        return frozenset(name for template in self.key.values() for name in template.names)

    def __call__(
        self, event: PreTokenGenerationEvent, /, *, tenant: str | None = None
    ) -> Item | None:
        """Return the event's item, or None where there is none; raise `TokenDenied` if `absent` is `deny`.

        Raises what `find` raises.
        """
        values = values_of(event, tenant=tenant, email_providers=self.email_providers)
        return required(self.find(values), self.absent, self.name)

    def find(self, values: Mapping[str, Json], /) -> Item | None:
        """Return the item for these values (`values_of`), or None where there is none.

        Raises `AwsError`, `DeadlineError`, `TransportError`, `SecretError` for what is to be set, and
        `LookUpFailedError` for an item that cannot be read.
        """
        key = self._filled(values)
        if key is None:
            log(self.name, "absent", monotonic())
            return None
        sent = {**self._fixed, "Key": key}
        return self._run(
            lambda: (self._aws.url, json.dumps(sent)),
            lambda deadline: self._get(sent, key, deadline),
        )

    def prepare(self) -> None:
        """Open the connection, and get the credentials, ahead of the first event."""
        self._aws.open(monotonic() + seconds_left())

    def _filled(self, values: Mapping[str, Json]) -> dict[str, Json] | None:
        key: dict[str, Json] = {}
        for attribute, template in self.key.items():
            text = template.text(values)
            if text is None:
                return None
            key[attribute] = {"N" if template.is_number else "S": text}
        return key

    def _get(
        self, sent: Mapping[str, Json], key: Mapping[str, Json], deadline: float
    ) -> dict[str, Any] | None:
        item = self._aws.call(_TARGET, sent, deadline=deadline).get("Item")
        if item is None:
            return None
        if not isinstance(item, dict):
            raise LookUpFailedError(self.name, 200, "the answer is malformed")
        if not all(_is_same(item[name], key[name]) for name in key if name in item):
            raise LookUpFailedError(self.name, 200, "an item of another key than was asked for")
        return item

    def _read(self, attributes: dict[str, Any]) -> Item:
        try:
            return item_of(attributes)
        except ValueError as error:
            raise LookUpFailedError(self.name, 200, str(error)) from None


def _is_same(found: Any, wanted: Any) -> bool:
    if found == wanted:
        return True
    try:
        return number_of(found["N"]) == number_of(wanted["N"])  # in another notation
    except (KeyError, TypeError, ValueError):
        return False


def _projection(names: Collection[str]) -> dict[str, Json]:
    # By placeholders, for many names are words of DynamoDB's own: role, name, status, group.
    placeholders: dict[str, Json] = {f"#{number}": name for number, name in enumerate(names)}
    return {
        "ProjectionExpression": ",".join(placeholders),
        "ExpressionAttributeNames": placeholders,
    }
