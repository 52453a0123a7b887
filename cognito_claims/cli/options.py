"""Options that several commands have, and how their findings are told."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from cognito_claims.cli.preview import Finding
from cognito_claims.cli.report import json_text, print_findings


class Format(StrEnum):
    """How a command prints its result."""

    TEXT = "text"
    JSON = "json"


EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", help="Settings as NAME=value lines; without it, the environment."),
]
OutputFormat = Annotated[Format, typer.Option("--format", help="For people, or for programs.")]


PoolId = Annotated[str, typer.Option("--user-pool-id", help="As in eu-central-1_AbCdEfGhI.")]


def tell_findings(findings: Sequence[Finding], output_format: Format, if_none: str) -> NoReturn:
    """Print the findings and end: with exit code 1 when one is an error."""
    if output_format is Format.JSON:
        print(json_text({"findings": [f._asdict() for f in findings]}))  # noqa: T201  (the output)
    else:
        print_findings(findings, if_none, Console())
    raise typer.Exit(1 if any(finding.level == "error" for finding in findings) else 0)
