"""Options that several commands have, and how their findings are told."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperCommand

from cognito_claims.cli.console import json_text, print_findings
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool.issuer import IssuerType


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


ClientIds = Annotated[
    list[str], typer.Option("--client-id", help="An app client; give it again for each.")
]
Issuer = Annotated[
    IssuerType | None,
    typer.Option("--issuer-type", help="The pool's IssuerConfiguration; without it, original."),
]


class Commands(typer.Typer):
    """Commands of which no option is given twice, but for those that take several values."""

    def command(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Register a command."""
        return super().command(*args, cls=_Once, **kwargs)


class _Once(TyperCommand):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse what the parser would drop: all but the last value of an option."""
        _, _, given = self.make_parser(ctx).parse_args(args=[*args])
        for option in given:
            is_single = not (getattr(option, "multiple", True) or getattr(option, "is_flag", True))
            if is_single and given.count(option) > 1:
                raise UnusableInput(f"{option.opts[0]}: given twice, and takes one value")
        return super().parse_args(ctx, args)


def tell_findings(findings: Sequence[Finding], output_format: Format, if_none: str) -> NoReturn:
    """Print the findings and end: with exit code 1 when one is an error."""
    if output_format is Format.JSON:
        print(json_text({"findings": [f._asdict() for f in findings]}))  # noqa: T201  (the output)
    else:
        print_findings(findings, if_none, Console())
    raise typer.Exit(1 if any(finding.level == "error" for finding in findings) else 0)
