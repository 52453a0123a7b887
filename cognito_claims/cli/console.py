"""What several commands print: findings and lines."""

from collections.abc import Iterable, Sequence
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

from cognito_claims.cli.escapes import json_text, printable
from cognito_claims.cli.options import Format
from cognito_claims.tools.findings import Finding

_LEVEL_STYLES = {"error": "bold red", "warning": "yellow"}


def tell_findings(findings: Sequence[Finding], output_format: Format, if_none: str) -> NoReturn:
    """Print the findings and end: with exit code 1 when one is an error."""
    if output_format is Format.JSON:
        print(json_text({"findings": [f._asdict() for f in findings]}))  # noqa: T201  (the output)
    else:
        print_findings(findings, if_none, Console())
    raise typer.Exit(1 if any(finding.level == "error" for finding in findings) else 0)


def print_findings(findings: Iterable[Finding], if_none: str | None, console: Console) -> None:
    """Print the findings, or what it means that there are none."""
    found = list(findings)
    if not found and if_none is not None:
        console.print(line(if_none, style="green"))
    for finding in found:
        told = Text(f"{finding.level}: ", style=_LEVEL_STYLES[finding.level])
        message = printable(f"{finding.message} [{finding.code}]")
        console.print(told.append(message, style="default"))


def line(text: str, style: str = "") -> Text:
    """Return a line that steers no terminal."""
    return Text(printable(text), style=style)
