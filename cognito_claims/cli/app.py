"""The command `cognito-claims`: its commands by name, of which only the one that is called is loaded."""

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, NamedTuple

import typer

from cognito_claims.cli.escapes import printable
from cognito_claims.cli.options import Commands
from cognito_claims.tools.errors import UnusableInput

_ROOM = "cognito_claims.cli.commands"


class Command(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    module: str
    summary: str


COMMANDS = {
    "preview": Command(
        "preview",
        "Run one event through the configured plugins; exits with 1 when there is an error.",
    ),
    "check": Command(
        "check",
        "Check the settings and the composition of the plugins; exits with 1 when there is an error.",
    ),
    "rules": Command("rules", "Check and test a document of rules, or print its JSON Schema."),
    "doctor": Command(
        "doctor",
        "Examine a pool and the functions attached to it, by reading alone; "
        "exits with 1 when there is an error.",
    ),
    "backfill": Command(
        "backfill",
        "Write the users that a pool has already; run it again to go on. "
        "Exits with 1 when some are not written.",
    ),
    "attach": Command(
        "attach",
        "Attach functions to a pool that exists, and keep all that it has. "
        "Exits with 1 when something else changed.",
    ),
    "detach": Command("attach", "Undo what attach did, for these functions; other functions stay."),
    "setup": Command("setup", "Print what a backend needs to take the pool's tokens."),
    "demo": Command(
        "serve",
        "Sign a user in on a local Cognito with the real function, and on to the backends. "
        "Exits with 1 when a step fails.",
    ),
    "playground": Command(
        "serve",
        "Serve a page on which one changes events and settings, and sees the tokens and verdicts.",
    ),
}


def application(called: str | None) -> typer.Typer:
    """Make the application: the called command as it is, of the others what the list says."""
    app = Commands(
        name="cognito-claims",
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(cognito_claims)
    for name, command in COMMANDS.items():
        if name != called:
            app.command(name, help=command.summary)(_not_loaded)
            continue
        found: Any = getattr(import_module(f"{_ROOM}.{command.module}"), name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def _print_version(is_asked: bool) -> None:  # noqa: FBT001  (typer calls it)
    if is_asked:
        print(f"cognito-claims {version('cognito-claims')}")  # noqa: T201  (the output)
        raise typer.Exit


def cognito_claims(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """See offline what Amazon Cognito's tokens will hold, and set the functions on a pool."""


def _not_loaded() -> None:
    """Stand in the list for a command that is not called."""


def run() -> None:
    """Run the command; what cannot be used is told in one line each, with exit code 2.

    A plugin's module may be in the working directory. It comes last, so that it hides no other module.
    """
    if "" not in sys.path:
        sys.path.append("")
    called = next((each for each in sys.argv[1:] if not each.startswith("-")), None)
    try:
        application(called)()
    except UnusableInput as error:
        for line in error.lines:
            print(f"cognito-claims: {printable(line)}", file=sys.stderr)  # noqa: T201  (the command's own error)
        sys.exit(2)
