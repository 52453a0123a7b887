"""The functions build, small and the same each time, by our build and by `sam build` alone."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.sam.conftest import OURS, RUNTIME, SAM, build

TOOL = Path(sys.executable).with_name("sam")
CONFIG = tomllib.loads((SAM / "samconfig.toml").read_text())


def files(function: Path) -> set[str]:
    return {str(p.relative_to(function)) for p in function.rglob("*") if p.is_file()}


def sam(*arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "SAM_CLI_TELEMETRY": "0"}
    command = [str(TOOL), *arguments]
    return subprocess.run(
        command, cwd=SAM, env=environ, capture_output=True, text=True, check=False
    )


def test_the_template_is_valid() -> None:
    ran = sam("validate", "--lint", "--region", "eu-west-1")

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_two_builds_are_the_same_file_by_file(built: Path, tmp_path: Path) -> None:
    build(tmp_path)

    first = (built / "MANIFEST").read_text()
    assert len(first.splitlines()) > 100
    assert (tmp_path / "MANIFEST").read_text() == first


def test_a_trigger_holds_the_package_alone_with_its_bytecode_and_no_tools(built: Path) -> None:
    found = files(built / "ClaimsFunction")

    assert {path.split("/")[0] for path in found} == {"cognito_claims"}
    assert {path.split("/")[1] for path in found}.isdisjoint(
        {"cli", "contract", "testing", "tools", "__main__.py"}
    )
    sources = {path for path in found if path.endswith(".py")}
    tag = f"cpython-{RUNTIME.removeprefix('python').replace('.', '')}"
    bytecode = {path for path in found if path.endswith(f".{tag}.pyc")}
    assert len(bytecode) == len(sources) > 20
    assert found == sources | bytecode | {"cognito_claims/py.typed"}


def test_the_bytecode_is_never_checked_against_its_source(built: Path) -> None:
    for path in (built / "ClaimsFunction").rglob("*.pyc"):
        assert path.read_bytes()[4:8] == (1).to_bytes(4, "little")  # PEP 552: by hash, unchecked


def test_the_claims_bundle_is_small(built: Path) -> None:
    assert OURS.zipped_size(built / "ClaimsFunction") <= 500_000  # with rules and look-ups


def test_the_worker_has_what_it_imports_and_not_what_lambda_has(built: Path) -> None:
    found = {path.split("/")[0] for path in files(built / "WorkerFunction")}

    assert {"aws_lambda_powertools", "cognito_claims", "requests", "urllib3"} <= found
    assert found.isdisjoint({"boto3", "botocore", "requirements.txt", "bin"})


@pytest.mark.parametrize("section", [name for name in CONFIG if name != "version"])
def test_sam_build_alone_works_for_each_section(section: str, tmp_path: Path) -> None:
    options = ("--config-env", section, "--build-dir", str(tmp_path))
    overrides = ("--parameter-overrides", f"Runtime={RUNTIME} Architecture=x86_64")
    ran = sam("build", *options, *overrides)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    names = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert names == ["ClaimsFunction", "UserSyncFunction", "WorkerFunction"]


def test_without_the_runtimes_python_the_build_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, str(SAM / "build.py"), "--runtime", "python3.14"]
    environ = {**os.environ, "PATH": "/nowhere", "PYENV_ROOT": "/nowhere", "HOME": str(tmp_path)}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert ran.stderr.startswith("build.py: python3.14 is not here")
    assert "sam build" in ran.stderr
