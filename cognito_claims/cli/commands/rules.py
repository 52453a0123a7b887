"""The command `rules`: a document of rules, checked before anybody signs in; and its JSON Schema."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from cognito_claims.cli.console import tell_findings
from cognito_claims.cli.options import Commands, Format, OutputFormat
from cognito_claims.errors import SettingsError
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.rules.decoding import decoded
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.evaluation.rules_findings import document_findings
from cognito_claims.tools.findings import settings_findings
from cognito_claims.tools.inputs import read_text

rules: typer.Typer = Commands(
    no_args_is_help=True, help="Check a document of rules, or print its JSON Schema."
)


@rules.command()
def check(
    file: Annotated[Path, typer.Argument(help="A document of rules, as JSON.")],
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Tell all mistakes of a document, each with its place; exits with 1 when there is one."""
    try:
        document = decoded(read_text(file))
    except SettingsError as error:
        raise UnusableInput(*(f"{file}: {problem.message}" for problem in error.problems)) from None
    try:
        found = list(document_findings(file.name, Mapper(document).document))
    except SettingsError as error:
        found = list(settings_findings(error))
    tell_findings(found, output_format, "No findings: the document says what the plugin can do.")


@rules.command()
def schema() -> None:
    """Print the JSON Schema of the document, for editors."""
    text = files("cognito_claims.rules").joinpath("schema.json").read_text("utf-8")
    print(text, end="")  # noqa: T201  (the output)
