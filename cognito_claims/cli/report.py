"""Previews and findings as text for people."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cognito_claims.cli.attach import Change
from cognito_claims.cli.backfill import DryRun, Result
from cognito_claims.cli.pool_update import Difference
from cognito_claims.cli.preview import (
    COOKIE_BYTES,
    HEADER_BYTES,
    Finding,
    Preview,
    TokenPreview,
)

_STYLES = {"added": "green", "changed": "yellow", "suppressed": "red", "": ""}
_LEVEL_STYLES = {"error": "bold red", "warning": "yellow"}


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
    _print_findings(preview.findings, console)
    for name, verdict in preview.verdicts.items():
        _print_verdict(name, verdict, console)


def print_findings(findings: Iterable[Finding], if_none: str, console: Console) -> None:
    """Print the findings, or what it means that there are none."""
    found = list(findings)
    if not found:
        console.print(_line(if_none, style="green"))
    _print_findings(found, console)


def print_backfill(result: Result | DryRun, console: Console) -> None:
    """Print how far a backfill has come and whom it could not write, or what it would write."""
    if isinstance(result, DryRun):
        console.print(Text(f"{result.users:,} users would be written."))
        for column, users in sorted(result.null.items()):
            console.print(_line(f"{column}: null for {users:,} of them"))
        return
    done = result.done
    failed = f", {len(done.failed):,} not" if done.failed else ""
    console.print(Text(f"{done.written:,} users are written{failed}."))
    for sub, reason in done.failed.items():
        console.print(_line(f"not written: {sub} [{reason}]"))
    if result.stopped is not None:
        advice = f"the same command goes on from {result.path}"
        stopped = _line(f"Stopped: {result.stopped}; {advice}.", style="bold red")
        console.print(stopped, soft_wrap=True)


def print_change(change: Change, console: Console) -> None:
    """Print what attaching or detaching changed, or would change, setting by setting."""
    if not (change.wanted or change.notes or change.unwanted or change.remarks):
        console.print(Text("Nothing to change.", style="green"))
    would = "would change: " if change.is_dry else ""
    for difference in change.wanted:
        console.print(Text(would).append(_compared(difference)))
    for note in change.notes:
        console.print(_line(f"{would}{note}"))
    for remark in change.remarks:
        console.print(_line(remark))
    for difference in change.unwanted:
        console.print(Text("unexpected: ", style="bold red").append(_compared(difference)))


def _compared(difference: Difference) -> str:
    before, after = (
        "nothing" if value is None else printable(json.dumps(value, ensure_ascii=False))
        for value in (difference.before, difference.after)
    )
    return f"{printable(difference.path)}: {before} -> {after}"


def _print_token(name: str, token: TokenPreview, console: Console) -> None:
    table = Table(title=name, title_justify="left", box=box.SIMPLE, pad_edge=False)
    for column in ("", "claim", "before", "after"):
        table.add_column(column, overflow="fold")
    for claim in sorted({*token.before, *token.after}):
        mark = _mark(claim, token)
        table.add_row(
            *map(Text, (mark, printable(claim), _shown(token.before, claim))),
            Text(_shown(token.after, claim)) if mark else Text("the same", style="dim"),
            style=_STYLES[mark],
        )
    console.print(table)
    console.print(Text(f"{_gauge(token.bytes)}\n"))


def _mark(claim: str, token: TokenPreview) -> str:
    if claim not in token.before:
        return "added"
    if claim not in token.after:
        return "suppressed"
    return "" if token.before[claim] == token.after[claim] else "changed"


def _shown(claims: Mapping[str, Any], claim: str) -> str:
    if claim not in claims:
        return ""
    value = claims[claim]
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def printable(text: str) -> str:
    """Escape what would steer a terminal: users write attributes, and developers preview them."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _line(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style)


def json_text(content: object) -> str:
    """Return indented JSON that steers no terminal: what `printable` escapes is escaped as in JSON."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def _gauge(size: int) -> str:
    """Draw the size against the cookie's and the header's mark, 32 cells to the header's."""
    cell = HEADER_BYTES // 32
    filled = min(size // cell, 32)
    cells = ["█" if index < filled else "·" for index in range(32)]
    cells.insert(COOKIE_BYTES // cell, "|")
    return f"[{''.join(cells)}] {size} bytes (| cookie {COOKIE_BYTES}, ] header {HEADER_BYTES})"


def _print_findings(findings: Iterable[Finding], console: Console) -> None:
    for finding in findings:
        line = Text(f"{finding.level}: ", style=_LEVEL_STYLES[finding.level])
        told = printable(f"{finding.message} [{finding.code}]")
        console.print(line.append(told, style="default"))


def _print_verdict(name: str, verdict: Mapping[str, Any], console: Console) -> None:
    accepted = verdict["accepted"]
    judge = f" ({verdict['engine']})" if "engine" in verdict else ""
    line = Text(f"{name}{judge}: ", style="bold")
    line.append("accepted" if accepted else "refused", style="green" if accepted else "bold red")
    if not accepted:
        line.append(printable(f", {verdict['message']} [{verdict['code']}]"))
    console.print(line)
    for variable, value in verdict.get("session", {}).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        console.print(_line(f"  {variable}: {text}"))
    for version, answer in verdict.get("versions", {}).items():
        console.print(_line(f"  {version}: {_answer(answer)}"))
    if "foreign_client" in verdict:
        console.print(_line(f"  {verdict['foreign_client']['message']}"))


def _answer(answer: Mapping[str, Any]) -> str:
    source = f"says the {answer['source']}" + (f" {answer['engine']}" if "engine" in answer else "")
    if not answer["accepted"]:
        return f"no, {answer['message']} ({source})"
    known = [f"{key} {answer[key]}" for key in ("auth", "access", "scope") if key in answer]
    return f"yes, {', '.join(known)} ({source})"
