"""The command `preview`."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cognito_claims.cli.console import line, print_findings
from cognito_claims.cli.escapes import json_text, printable
from cognito_claims.cli.options import ClientIds, EnvFile, Format, Issuer, IssuerType, OutputFormat
from cognito_claims.tools.evaluation.look_ups import LookUps
from cognito_claims.tools.evaluation.preview import Pool, Preview
from cognito_claims.tools.evaluation.preview import preview as run_preview
from cognito_claims.tools.evaluation.token_preview import (
    MARKS,
    TokenPreview,
    changes,
)
from cognito_claims.tools.inputs import read_environment, read_event, read_items, with_aws

_STYLES = {"added": "green", "changed": "yellow", "suppressed": "red"}


def preview(
    event: Annotated[str, typer.Argument(help="A JSON file, or the name of a recorded event.")],
    *,
    issuer_type: Issuer = None,
    read_attributes: Annotated[
        list[str] | None,
        typer.Option(
            "--read-attribute", help="One that the app client may read; without any, all are."
        ),
    ] = None,
    client_ids: ClientIds = [],  # noqa: B006  (typer's way to a list)
    items: Annotated[
        list[str] | None,
        typer.Option(
            "--item", help="A look-up's sample item, as in member=item.json; null there is none."
        ),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the look-ups' tables and services for real.")
    ] = False,
    env_file: EnvFile = None,
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Run one event through the configured plugins; exits with 1 when there is an error.

    With --client-id, the backends take tokens of these app clients; without, of the event's own.
    Look-ups make no request: each counts as absent unless --item gives what it finds, or --live is said.
    """
    pool = Pool((issuer_type or IssuerType.ORIGINAL).value, read_attributes or None, client_ids)
    look_ups = LookUps(read_items(items or []), live)
    environ = read_environment(env_file)
    if live:
        environ = with_aws(environ)
    result = run_preview(read_event(event), environ, pool, look_ups)
    if output_format is Format.JSON:
        print(json_text(result.to_json()))  # noqa: T201  (the output)
    else:
        print_preview(result, Console())
    raise typer.Exit(1 if result.has_errors else 0)


def print_preview(preview: Preview, console: Console) -> None:
    """Print both tokens before and after, with what changed, then findings and verdicts."""
    if preview.response is None:
        console.print(Text("The sign-in is refused: no tokens.", style="bold red"))
    elif preview.access_token is None:
        console.print(Text("Cognito would not take this response.", style="bold red"))
    for name, token in (("ID token", preview.id_token), ("Access token", preview.access_token)):
        if token is not None:
            _print_token(name, token, console)
        elif preview.access_token is not None:
            why = "for client credentials, or without the scope openid"
            console.print(Text(f"{name}: none {why}\n"))
    print_findings(preview.findings, None, console)
    for name, verdict in preview.verdicts.items():
        _print_verdict(name, verdict, console)
    if preview.rules is not None:
        _print_rules(preview.rules, console)


def _print_rules(rules: Mapping[str, Any], console: Console) -> None:
    names = {"id": "ID token", "access": "access token", "scopes": "scope"}
    for part, name in names.items():
        for subject, place in rules[part].items():
            console.print(line(f"rule: {name}, {subject}: {place}"))
    if "groups" in rules:
        console.print(line(f"rule: groups: {rules['groups']}"))


def _print_token(name: str, token: TokenPreview, console: Console) -> None:
    table = Table(title=name, title_justify="left", box=box.SIMPLE, pad_edge=False)
    for column in ("", "claim", "before", "after"):
        table.add_column(column, overflow="fold")
    for change in changes(token):
        is_same = change.mark == "unchanged"
        table.add_row(
            *map(Text, ("" if is_same else change.mark, printable(change.claim))),
            Text(printable(change.before or "")),
            Text("the same", style="dim") if is_same else Text(printable(change.after or "")),
            style=_STYLES.get(change.mark, ""),
        )
    console.print(table)
    console.print(Text(f"{_gauge(token.bytes)}\n"))


def _gauge(size: int) -> str:
    """Draw the size against the marks, 40 cells to the largest."""
    cell = MARKS[-1] // 40
    cells = ["█" if index < size // cell else "·" for index in range(40)]
    for mark in reversed(MARKS[:-1]):
        cells.insert(round(mark / cell), "|")
    marks = ", ".join(map(str, MARKS[:-1]))
    return f"[{''.join(cells)}] {size} bytes (| {marks}; ] {MARKS[-1]})"


def _print_verdict(name: str, verdict: Mapping[str, Any], console: Console) -> None:
    accepted = verdict["accepted"]
    judge = f" ({verdict['engine']})" if "engine" in verdict else ""
    told = Text(f"{name}{judge}: ", style="bold")
    told.append("accepted" if accepted else "refused", style="green" if accepted else "bold red")
    if not accepted:
        told.append(printable(f", {verdict['message']} [{verdict['code']}]"))
    console.print(told)
    for variable, value in verdict.get("session", {}).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        console.print(line(f"  {variable}: {text}"))
    for version, answer in verdict.get("versions", {}).items():
        console.print(line(f"  {version}: {_answer(answer)}"))
    for told in (*verdict.get("notes", ()), *([verdict["source"]] if "source" in verdict else [])):
        console.print(line(f"  {told}"))
    if "foreign_client" in verdict:
        console.print(line(f"  {verdict['foreign_client']['message']}"))


def _answer(answer: Mapping[str, Any]) -> str:
    source = f"says the {answer['source']}" + (f" {answer['engine']}" if "engine" in answer else "")
    if not answer["accepted"]:
        return f"no, {answer['message']} ({source})"
    known = [f"{key} {answer[key]}" for key in ("auth", "access", "scope") if key in answer]
    return f"yes, {', '.join(known)} ({source})"
