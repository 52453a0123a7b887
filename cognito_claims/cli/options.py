"""Options that several commands have."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from cognito_claims.tools.errors import UnusableInput


class Format(StrEnum):
    """How a command prints its result."""

    TEXT = "text"
    JSON = "json"


class IssuerType(StrEnum):
    """The two types of AWS's `IssuerConfiguration`."""

    ORIGINAL = "original"
    UPDATED = "updated"


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
