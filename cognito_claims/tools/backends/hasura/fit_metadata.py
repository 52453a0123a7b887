"""Whether what was sent to Hasura's metadata API still fits the settings."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cognito_claims.tools.findings import Finding
from cognito_claims.tools.json_diff import differences

_TRACK = "pg_track_table"
_KNOWN = frozenset(
    (
        _TRACK,
        *(f"pg_create_{right}_permission" for right in ("delete", "insert", "select", "update")),
    )
)
_DEFAULT_SOURCE, _DEFAULT_SCHEMA = "default", "public"


class Call(NamedTuple):
    """One call, by its place, since what a file says is not to be repeated; defaults are filled in."""

    place: str
    kind: str
    args: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """Name it by its type and the role that it is about."""
        role = self.args.get("role")
        return self.kind if role is None else f"{self.kind} for {json.dumps(role)}"

    @property
    def table(self) -> tuple[Any, Any]:
        """Give the source and the table that it is about."""
        return self.args.get("source"), self.args.get("table")

    @property
    def content(self) -> dict[str, Any]:
        """Give what is compared."""
        return {"type": self.kind, "args": self.args}


def metadata_findings(expected: dict[str, Any], content: dict[str, Any]) -> Iterator[Finding]:
    """Look for each call about the table; whoever may do more with it than that is worth a look."""
    # bulk_keep_going would keep an older permission, and say nothing of it.
    if content["type"] != expected["type"]:
        wanted_type = json.dumps(expected["type"])
        yield Finding("differs", "error", f"metadata: type: expected {wanted_type}")
    wanted = [*_calls(expected["args"])]
    given = [*_calls(content["args"])]
    about = [each for each in given if each.table == wanted[0].table]
    for call in wanted:
        yield from _call_findings(call, [each for each in about if each.subject == call.subject])
    known = {call.subject for call in wanted}
    for each in given:
        if each.kind not in _KNOWN:
            yield Finding("not-examined", "warning", f"metadata: {each.place}: not examined")
        elif each in about and each.subject not in known:
            more = f"metadata: {each.place}: more than the settings need"
            yield Finding("grants-more", "warning", more)


def _call_findings(call: Call, same: list[Call]) -> Iterator[Finding]:
    if not same:
        yield Finding("missing", "error", f"metadata: {call.subject} is missing")
    for each in same[1:]:
        twice = f"metadata: {each.place}: {call.subject} stands here again"
        yield Finding("defined-twice", "error", twice)
    for each in same:
        for path, value, _ in differences(call.content, each.content, more="refused"):
            where = f"metadata: {each.place}: {call.subject}: {path}"
            yield Finding("differs", "error", f"{where}: expected {json.dumps(value)}")


def _calls(calls: object, within: str = "") -> Iterator[Call]:
    """Give the calls, those within a bulk as well."""
    for number, call in enumerate(calls if isinstance(calls, list) else []):
        place = f"{within}args[{number}]"
        kind = call.get("type") if isinstance(call, dict) else None
        args = call.get("args") if isinstance(call, dict) else None
        if kind == "bulk":
            yield from _calls(args, f"{place}.")
        else:
            yield Call(place, f"{kind}", _with_defaults(args))


def _with_defaults(args: object) -> Mapping[str, Any]:
    if not isinstance(args, dict):
        return {}
    table = args.get("table")
    named = {"name": table} if isinstance(table, str) else table
    if isinstance(named, dict):
        args = {**args, "table": {"schema": _DEFAULT_SCHEMA, **named}}
    return {"source": _DEFAULT_SOURCE, **args}
