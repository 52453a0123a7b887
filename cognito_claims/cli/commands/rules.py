"""The command `rules`: a document of rules, checked and tested before anybody signs in; its JSON Schema."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from cognito_claims.cli.console import tell_findings
from cognito_claims.cli.escapes import printable
from cognito_claims.cli.options import Commands, Format, OutputFormat
from cognito_claims.errors import SettingsError
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.rules.decoding import decoded
from cognito_claims.rules.document import Document
from cognito_claims.testing.rules import case_problems
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.evaluation.backend_findings import findings_of
from cognito_claims.tools.evaluation.rules_findings import document_findings
from cognito_claims.tools.findings import settings_findings
from cognito_claims.tools.inputs import read_event, read_text

rules: typer.Typer = Commands(
    no_args_is_help=True, help="Check and test a document of rules, or print its JSON Schema."
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
        mapper = Mapper(document)
        found = [*document_findings(file.name, mapper.document), *findings_of(mapper)]
    except SettingsError as error:
        found = list(settings_findings(error))
    tell_findings(found, output_format, "No findings: the document says what the plugin can do.")


@rules.command()
def schema() -> None:
    """Print the JSON Schema of the document, for editors."""
    text = files("cognito_claims.rules").joinpath("schema.json").read_text("utf-8")
    print(text, end="")  # noqa: T201  (the output)


@rules.command("test")
def run_cases(
    directory: Annotated[Path, typer.Argument(help="A directory of cases, JSON files.")],
    *,
    document: Annotated[
        Path | None,
        typer.Option("--rules", help="The document; without it, claims.json there or beside it."),
    ] = None,
) -> None:
    """Run cases against a document; exits with 1 when one does not hold."""
    path = document or next(filter(Path.exists, _places(directory)), _places(directory)[0])
    try:
        content = decoded(read_text(path))
        Document(content)
    except SettingsError as error:
        raise UnusableInput(*(f"{path}: {problem}" for problem in error.problems)) from None
    files = sorted(file for file in directory.glob("*.json") if file.resolve() != path.resolve())
    if not files:
        raise UnusableInput(f"{directory}: no cases there, which are JSON files")
    cases = [case for file in files for case in _cases(file)]
    lines = [
        f"{name}: {problem}" for name, case in cases for problem in case_problems(content, case)
    ]
    for told in lines or [f"All cases hold ({len(cases)})."]:
        print(printable(told))  # noqa: T201  (the output)
    raise typer.Exit(1 if lines else 0)


def _places(directory: Path) -> tuple[Path, Path]:
    return directory / "claims.json", directory.parent / "claims.json"


def _cases(file: Path) -> list[tuple[str, Any]]:
    """Return a file's cases, each with its name: one, or a list of them."""
    content = read_event(str(file))
    if not isinstance(content, list):
        return [(file.name, content)]
    return [(f"{file.name}[{index}]", case) for index, case in enumerate(content)]
