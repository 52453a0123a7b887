"""What the benchmark needs, made once and kept: each thing in a directory of its own, with the recipe that it was made by."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

PEERS = Path(__file__).parent / "peers"


class NotRun(Exception):  # noqa: N818  (no error: a reason)
    """What cannot be measured here, and what would change that."""


class Bundle(NamedTuple):
    """A function's directory, and the bytes of its zip."""

    directory: Path
    zipped: int


class Cache:
    """Makes what is asked for unless it is there already, made in the same way."""

    def __init__(self, directory: Path) -> None:
        self.directory: Path = directory.absolute()

    def made(self, name: str, recipe: str, make: Callable[[Path], object]) -> Path:
        """Give the place of this name; make it anew where it was made by another recipe, or not to the end."""
        place, record = self.directory / name, self.directory / f"{name}.recipe"
        wanted = f"{sys.version}\n{recipe}"
        if not record.exists() or record.read_text() != wanted:
            record.unlink(missing_ok=True)
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            print(f"making {name}", flush=True)
            make(place)
            record.write_text(wanted)
        return place


def run(*command: str | Path, cwd: Path | None = None, environ: Mapping[str, str] = {}) -> None:
    """Run a command; what it printed is shown when it fails."""
    ran = subprocess.run(
        [os.fspath(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode:
        print("\n".join(ran.stdout.splitlines()[-15:]), file=sys.stderr)
        raise NotRun(f"{Path(command[0]).name} {command[1]}: failed")


def bundle(directory: Path) -> Bundle:
    """Zip a function's directory, to know the size."""
    with TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(directory.rglob("*")):
                archive.write(path, path.relative_to(directory))
        return Bundle(directory, file.tell())


def digest(*places: Path) -> str:
    """Give a hash of all files in these places, but for bytecode."""
    found = hashlib.sha256()
    for path in sorted(path for place in places for path in place.rglob("*")):
        if path.is_file() and not {"__pycache__", ".aws-sam"} & {*path.parts}:
            found.update(f"{path}\n".encode() + path.read_bytes())
    return found.hexdigest()
