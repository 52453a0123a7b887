"""Build the functions so that they start fast: `python sam/build.py --runtime python3.13 --architecture arm64`.

It runs `sam build`, takes out what no function needs, and compiles the rest by the runtime's own Python: Lambda cannot keep bytecode, so
a function without it compiles its source at every cold start. Needs the `sam` command (PyPI: aws-sam-cli) and that Python; what
follows `--` goes to `sam build`. Two builds of one source are the same, file by file: `.aws-sam/build/MANIFEST` lists them.
"""

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK = HERE / "worker" / "requirements.txt"
RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")
PLATFORMS = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}
TOOLS = (
    "__main__.py",
    "cli",
    "contract",
    "rules/schema.json",
    "testing",
    "tools",
)  # what no function needs


def main() -> None:
    """Build all functions, and print their sizes."""
    options = _options()
    python = interpreter(options.runtime)
    built = options.build_dir or HERE / ".aws-sam" / "build"
    _sam_build(python, options, built)
    functions = sorted(path for path in built.iterdir() if path.is_dir())
    for function in functions:
        if function.name == "ClaimsFunction":
            _install(python, options, function, _of_extras(options.extra))
        if function.name == "WorkerFunction":  # sam looks at no hash of another platform's wheels
            locked = ("--upgrade", "--require-hashes", "--no-deps", "-r", str(LOCK))
            _install(python, options, function, locked)
        _prune(function)
        _compile(python, function)
    (built / "MANIFEST").write_text("".join(f"{line}\n" for line in manifest(functions)))
    for function in functions:
        files = sum(path.is_file() for path in function.rglob("*"))
        print(f"{function.name}: {files} files, {zipped_size(function) / 1000:.0f} kB zipped")


def interpreter(runtime: str) -> str:
    """Find the runtime's Python, or end with what to do."""
    found = {name: path for name in RUNTIMES for path in _candidates(name) if _is(name, path)}
    if runtime in found:
        return found[runtime]
    others = ", ".join(f"--runtime {name}" for name in found) or "none was found"
    sys.exit(
        f"build.py: {runtime} is not here, and no other Python can compile bytecode for it; "
        f"install it, or build for one that is here ({others}), or build without bytecode: sam build"
    )


def manifest(functions: Sequence[Path]) -> Iterator[str]:
    """Give a line for each file: its SHA-256 and its path."""
    for function in functions:
        for path in sorted(function.rglob("*")):
            if path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                yield f"{digest}  {path.relative_to(function.parent)}"


def zipped_size(function: Path) -> int:
    """Give the bytes of a function's zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(function.rglob("*")):
            archive.write(path, path.relative_to(function))
    return len(content.getvalue())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runtime", choices=RUNTIMES, default="python3.13")
    parser.add_argument("--architecture", choices=PLATFORMS, default="arm64")
    parser.add_argument(
        "--extra",
        action="append",
        default=[],
        help="an extra of cognito-claims for the claims function: fauna, for FAUNA_CLIENT=driver",
    )
    parser.add_argument("--build-dir", type=Path, help="instead of .aws-sam/build")
    parser.add_argument("sam", nargs="*", help="arguments for sam build, after --")
    return parser.parse_args()


def _candidates(name: str) -> Iterator[str]:
    on_path = shutil.which(name)
    if on_path is not None:
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for path in sorted(pyenv.glob(f"versions/{name.removeprefix('python')}.*/bin/{name}")):
        yield os.fspath(path)


def _is(name: str, path: str) -> bool:
    """Say whether it runs, as a shim may not, and is that version."""
    code = "import sys; print('python%d.%d' % sys.version_info[:2])"
    ran = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
    return ran.stdout.strip() == name


def _sam_build(python: str, options: argparse.Namespace, built: Path) -> None:
    sam = shutil.which(
        "sam", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    )
    if sam is None:
        sys.exit("build.py: the command sam is not here: pip install aws-sam-cli")
    overrides = f"Runtime={options.runtime} Architecture={options.architecture}"
    command = [sam, "build", "--build-dir", str(built), "--parameter-overrides", overrides]
    path = os.pathsep.join((str(Path(python).parent), os.environ["PATH"]))  # for sam's own pip
    subprocess.run([*command, *options.sam], cwd=HERE, env={**os.environ, "PATH": path}, check=True)


def _of_extras(extras: Sequence[str]) -> Sequence[str]:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    return [need for extra in extras for need in project["optional-dependencies"][extra]]


def _install(
    python: str, options: argparse.Namespace, function: Path, wanted: Sequence[str]
) -> None:
    """Add packages for the function's platform."""
    if wanted:
        target = ("--target", str(function), "--platform", PLATFORMS[options.architecture])
        version = ("--python-version", options.runtime.removeprefix("python"))
        only = ("--only-binary=:all:", "--no-compile", "--quiet")
        subprocess.run(
            [python, "-m", "pip", "install", *target, *version, *only, *wanted], check=True
        )


def _prune(function: Path) -> None:
    for path in [function / "cognito_claims" / tool for tool in TOOLS]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in (function / "bin", *function.glob("*.data"), *function.rglob("__pycache__")):
        shutil.rmtree(path, ignore_errors=True)
    (function / "requirements.txt").unlink(missing_ok=True)


def _compile(python: str, function: Path) -> None:
    """Write bytecode that is never checked against its source, which cannot change in Lambda."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    options = (
        "-q",
        "--invalidation-mode",
        "unchecked-hash",
        "-s",
        str(function),
        "-p",
        "/var/task",
    )
    subprocess.run(
        [python, "-m", "compileall", *options, str(function)],
        env={**environ, "PYTHONHASHSEED": "0"},
        check=True,
    )


if __name__ == "__main__":
    main()
