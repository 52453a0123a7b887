"""The commands that serve on this machine, `demo` and `playground`; they need the extra `demo`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from errno import ENOSPC
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from rich.console import Console

from cognito_claims.cli.escapes import json_text
from cognito_claims.cli.options import EnvFile
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.inputs import read_environment
from cognito_claims.tools.local.errors import Failed

_EXTRA = ("ministack", "starlette", "uvicorn")

Port = Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes a free one.")]


class DemoBackend(StrEnum):
    """On to which backends the demo goes."""

    ALL = "all"
    POSTGRESQL = "postgresql"


@contextmanager
def _with_room() -> Iterator[None]:
    """Tell of a full disk as of other input that cannot be used."""
    try:
        yield
    except OSError as error:
        if error.errno != ENOSPC:
            raise
        # What is left in its buffer would be written at the very end, in vain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise UnusableInput("no space left on standard output, or in TMPDIR") from None


@_with_room()
def demo(
    *,
    web: Annotated[
        bool, typer.Option("--web", help="Serve the web application of the SurrealDB guide.")
    ] = False,
    backend: Annotated[
        DemoBackend, typer.Option(help="On to which backends; postgresql needs its programs.")
    ] = DemoBackend.ALL,
    port: Port = 0,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Sign a user in on a local Cognito with the real function, and on to the backends. Exits with 1 when a step fails."""
    if web:
        if as_json:
            raise UnusableInput("--json: the web application has nothing to print")
        if backend is not DemoBackend.ALL:
            raise UnusableInput("--backend: the web application is for SurrealDB")
        try:
            _with_extra("cognito_claims.tools.demo.web").serve_web(port=port, on_ready=_say)
        except Failed as error:
            Console(stderr=True).print(
                f"cognito-claims: {error}", highlight=False, markup=False, soft_wrap=True
            )
            raise typer.Exit(1) from None
        return
    result = _with_extra("cognito_claims.tools.demo.demo").run_demo(
        Console(quiet=as_json), port=port, backend=backend.value
    )
    if as_json:
        print(json_text(result.to_json()), flush=True)  # noqa: T201  (the output)
    raise typer.Exit(result.exit_code)


@_with_room()
def playground(*, port: Port = 8420, env_file: EnvFile = None) -> None:
    """Serve a page on which one changes events and settings, and sees the tokens and verdicts."""
    serve = _with_extra("cognito_claims.tools.playground.serve").serve
    serve(read_environment(env_file), port=port, on_ready=_say)


def _with_extra(module: str) -> Any:
    for needed in _EXTRA:
        if find_spec(needed) is None:
            advice = f"needs {needed}: pip install 'cognito-claims[demo]'"
            raise UnusableInput(f"the command {advice}")
    return import_module(module)


def _say(url: str) -> None:
    Console().print(f"{url}\nCtrl-C ends it.", highlight=False, markup=False, soft_wrap=True)
