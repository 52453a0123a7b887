"""Run by tox in an environment that holds the built wheel and nothing else: the trigger side works without extras."""

import importlib
import os
import subprocess
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

INSTALLED = Path(sysconfig.get_path("purelib")) / "cognito_claims"
SETTINGS = {
    "COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura",
    "SURREALDB_NAMESPACE": "test",
    "SURREALDB_DATABASE": "test",
    "SURREALDB_ACCESS": "user",
}


def main() -> None:
    """Fail with an AssertionError at the first thing that is not as users need it."""
    sys.path.pop(0)  # the folder of this file
    os.environ.update(SETTINGS)
    package = importlib.import_module("cognito_claims")
    testing = importlib.import_module("cognito_claims.testing")
    function = importlib.import_module("cognito_claims.functions.pre_token_generation")

    assert Path(package.__file__ or "").parent == INSTALLED
    for name in (
        "py.typed",
        "tools/playground/static/index.html",
        "rules/schema.json",
        "tools/demo/spa/index.html",
    ):
        assert (INSTALLED / name).exists(), name
    for name in testing.recorded_names("pretoken_"):
        assert "response" in function.handler(testing.recorded(name), None)
    required = [r for r in distribution("cognito-claims").requires or () if "extra ==" not in r]
    assert required == []
    command = subprocess.run(
        [sys.executable, "-m", "cognito_claims"], capture_output=True, text=True, check=False
    )
    assert (command.returncode, command.stderr) == (
        2,
        "cognito-claims: the command needs typer: pip install 'cognito-claims[cli]'\n",
    )
    print("the wheel works without extras")


if __name__ == "__main__":
    main()
