"""Python's side of what is run: the runtime client with what Lambda's image has beside it, our functions as built, the peers."""

import platform
import shutil
import sys
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode
from venv import EnvBuilder

from tests.benchmarks.cache import PEERS, Bundle, Cache, bundle, digest, run

_ROOT = Path(__file__).parents[2]
_RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
_MACHINE = platform.machine().replace("aarch64", "arm64")
_CLIENT = ("awslambdaric>=4,<5", "boto3>=1.40,<2")
_SAM = ("aws-sam-cli>=1.140,<2", "setuptools<81")
_PIP = ("-m", "pip", "install", "--quiet")


def interpreter(cache: Cache) -> Path:
    """Give an interpreter with nothing installed."""
    return cache.made("python", "", lambda place: EnvBuilder().create(place)) / "bin/python"


def runtime_client(cache: Cache) -> Path:
    """Give what Lambda's image has for Python: its runtime client, and boto3."""
    return cache.made("python-client", repr(_CLIENT), lambda place: _install(place, *_CLIENT))


def emulator(cache: Cache) -> Path:
    """Give Lambda's runtime interface emulator, which comes with aws-sam-cli."""
    rapid = next(_sam(cache).glob("lib/*/site-packages/samcli/local/rapid"))
    return rapid / f"aws-lambda-rie-{_MACHINE}"


def functions(cache: Cache) -> dict[str, Bundle]:
    """Build our functions, as `sam/build.py` does for everybody."""
    python = _sam(cache) / "bin/python"
    options = ("--runtime", _RUNTIME, "--architecture", _MACHINE)

    def build(place: Path) -> None:
        run(python, _ROOT / "sam/build.py", *options, "--build-dir", place)

    recipe = digest(_ROOT / "cognito_claims", _ROOT / "sam")
    built = cache.made("functions", recipe, build)
    return {path.name: bundle(path) for path in built.iterdir() if path.is_dir()}


def peer(cache: Cache, module: str, *packages: str) -> Bundle:
    """Give a peer with its packages, compiled; its handler is `peer.handler`."""
    source = PEERS / f"{module}.py"

    def install(place: Path) -> None:
        if packages:
            _install(place, *packages)
        shutil.copy(source, place / "peer.py")
        compile_dir(
            place, quiet=1, force=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
        )

    recipe = source.read_text() + repr(packages)
    return bundle(cache.made(f"peer-{module}", recipe, install))


def from_source(cache: Cache, directory: Path) -> Path:
    """Copy a function as `sam build` leaves it, for a place that Python cannot write to, as Lambda's."""

    def copy(place: Path) -> None:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(directory, place, ignore=ignored, dirs_exist_ok=True)
        for path in [place, *place.rglob("*")]:
            if path.is_dir():  # a file in its place: even root cannot write there
                (path / "__pycache__").write_text("")

    return cache.made(f"source-{directory.name}", digest(directory), copy)


def _sam(cache: Cache) -> Path:
    """Give an environment with aws-sam-cli, which pins boto3, and so cannot live in ours."""

    def install(place: Path) -> None:
        EnvBuilder(with_pip=True).create(place)
        run(place / "bin/python", *_PIP, *_SAM)

    return cache.made("sam", repr(_SAM), install)


def _install(place: Path, *packages: str) -> None:
    run(
        sys.executable, *_PIP, "--target", place, *packages, environ={"PYTHONDONTWRITEBYTECODE": ""}
    )
