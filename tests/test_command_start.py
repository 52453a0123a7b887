"""What a command loads: the one that is called, and no library that it does not use."""

import json
import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any

import pytest
import typer

from cognito_claims.cli.app import COMMANDS
from tests.command import run

LIBRARIES = [
    "boto3",
    "botocore",
    "ministack",
    "requests",
    "starlette",
    "surrealdb",
    "uvicorn",
]
OWN = [
    "cognito_claims.__main__",
    "cognito_claims.cli",
    "cognito_claims.cli.app",
    "cognito_claims.cli.escapes",
    "cognito_claims.cli.options",
    "cognito_claims.tools",
    "cognito_claims.tools.errors",
]
POOL = ["--user-pool-id", "eu-west-1_aBcDeFgHi", "--client-id", "a"]
HASURA = {"COGNITO_CLAIMS_PLUGINS": "hasura"}
SURREALDB = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb",
    "SURREALDB_NAMESPACE": "test",
    "SURREALDB_DATABASE": "test",
    "SURREALDB_ACCESS": "user",
}
FAUNA = {
    "COGNITO_CLAIMS_PLUGINS": "fauna",
    "FAUNA_ENDPOINT": "http://127.0.0.1:1",
    "FAUNA_SECRET": "ssm:/fauna",
}
PROBE = """
import atexit, json, sys
from cognito_claims.__main__ import main
BEFORE
def tell():
    sys.stderr.write("\\n" + json.dumps(sorted(sys.modules)))
atexit.register(tell)
main()
"""


def loaded(*arguments: str, before: str = "", **environ: str) -> tuple[int, set[str], str]:
    """Run a command; return its exit code, the modules that it loaded, and what it told."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.replace("BEFORE", before), *arguments],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    told, _, modules = done.stderr.rpartition("\n")
    return done.returncode, {*json.loads(modules)}, told


@pytest.mark.parametrize("option", ["-h", "--help", "--version"])
def test_what_asks_for_help_or_the_version_loads_no_command(option: str) -> None:
    code, modules, _ = loaded(option)

    rooms = ("__main__", "cli", "clients", "contract", "plugins", "sync", "testing", "tools")
    own = sorted(
        name for name in modules if name.startswith(tuple(f"cognito_claims.{r}" for r in rooms))
    )
    assert (code, own) == (0, OWN)
    assert [name for name in LIBRARIES if name in modules] == []


def test_help_needs_no_module_that_typer_and_rich_do_not_load() -> None:
    alone = "import json, sys, typer, rich.console, importlib.metadata"
    script = f"{alone}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    _, modules, _ = loaded("--help")

    foreign = {name.partition(".")[0] for name in modules - {*json.loads(done.stdout)}}
    assert foreign - {*sys.stdlib_module_names} <= {"cognito_claims", "typer"}


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        (["preview", "pretoken_v2_Authentication"], HASURA, []),
        (
            ["preview", "pretoken_v2_Authentication"],
            SURREALDB,
            ["requests", "surrealdb"],
        ),
        (["check"], {**SURREALDB, "SURREALDB_TOKENS": "id"}, []),
        (["setup", "hasura", *POOL], HASURA, []),
        (["setup", "surrealdb", *POOL], SURREALDB, []),
        (["setup", "fauna"], FAUNA, []),
        (["doctor", "-h"], {}, ["boto3", "botocore"]),
        (["attach", "-h"], {}, ["boto3", "botocore"]),
        (["backfill", "-h"], {}, ["boto3", "botocore", "requests"]),
        (["demo", "-h"], {}, []),
        (["playground", "-h"], {}, []),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_command_loads_the_libraries_that_it_uses(
    arguments: list[str], environ: dict[str, str], expected: list[str]
) -> None:
    code, modules, told = loaded(*arguments, **environ)

    assert (code, told.strip()) == (0, "")
    assert [name for name in LIBRARIES if name in modules] == expected


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_the_command_says(name: str) -> None:
    command = COMMANDS[name]
    found: Any = getattr(import_module(f"cognito_claims.cli.commands.{command.module}"), name)

    told = found.info.help if isinstance(found, typer.Typer) else found.__doc__.partition("\n")[0]
    assert command.summary == told


def test_a_library_that_is_missing_is_named_when_a_command_needs_it() -> None:
    code, _, told = loaded("doctor", "-h", before="sys.modules['boto3'] = None")

    expected = "cognito-claims: the command needs boto3: pip install 'cognito-claims[cli]'"
    assert (code, told.strip()) == (2, expected)


def test_the_version_is_that_of_the_distribution() -> None:
    assert run("--version", environ={}).out == f"cognito-claims {version('cognito-claims')}\n"
