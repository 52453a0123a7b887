"""What is built once for all: the functions, by our build, and the runtime client that they run under.

These tests have an environment of their own (`tox -e sam`): aws-sam-cli pins boto3.
"""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

SAM = Path(__file__).parents[2] / "sam"
sys.path.append(str(SAM))
OURS: Any = import_module("build")
RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def build(directory: Path, *arguments: str, runtime: str = RUNTIME, source: Path = SAM) -> str:
    """Run our build and give what it printed."""
    command = [sys.executable, str(source / "build.py"), "--runtime", runtime]
    options = ("--architecture", "x86_64", "--build-dir", str(directory), *arguments)
    ran = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("built")
    print("\n".join(build(directory).splitlines()[-3:]))
    return directory


@pytest.fixture(scope="session")
def runtime_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install what Lambda's own image holds beside the function: the runtime client and boto3."""
    return install_runtime_client(sys.executable, tmp_path_factory.mktemp("runtime"))


def install_runtime_client(python: str, directory: Path) -> Path:
    pip = [python, "-m", "pip", "install", "-q", "--target", str(directory)]
    subprocess.run([*pip, "awslambdaric>=3,<5", "boto3>=1.40,<2"], check=True, capture_output=True)
    return directory
