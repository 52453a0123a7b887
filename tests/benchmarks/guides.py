"""Node's side of what is run: the runtime client and the AWS SDK, which Lambda's image has, and the guides' handlers."""

import os
import shutil
from pathlib import Path

from tests.benchmarks.cache import PEERS, Bundle, Cache, NotRun, bundle, digest, run

_INSTALL = ("install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
_CLIENT = "aws-lambda-ric@3.3.0"  # the last one that runs in Node 20
_COMPILER = "install g++, make, cmake, autoconf, automake and libtool"
_GUIDES = ("claims", "fauna", "sync")
_ESBUILD = (
    *("--bundle", "--splitting", "--minify", "--format=esm", "--platform=node", "--target=node20"),
    *("--main-fields=module,main", "--out-extension:.js=.mjs", "--log-level=warning"),
    # What CommonJS in an ES module lacks:
    "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
)


def node() -> str:
    """Find Node, beside npm."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        raise NotRun("Node: not here; install nodejs (20 or later) and npm")
    return found


def runtime_client(cache: Cache) -> Path:
    """Give the script of Lambda's runtime client, part of which is compiled here."""
    home = Path(node()).resolve().parents[1]
    has_headers = (home / "include/node/node.h").exists()  # or they come from nodejs.org
    environ = {"npm_config_nodedir": os.fspath(home)} if has_headers else {}

    def install(place: Path) -> None:
        try:
            run("npm", *_INSTALL, "--prefix", place, _CLIENT, environ=environ)
        except NotRun:
            raise NotRun(f"Node: aws-lambda-ric does not compile here; {_COMPILER}") from None

    made = cache.made("node-client", _CLIENT, install)
    return made / "node_modules/aws-lambda-ric/bin/index.mjs"


def guides(cache: Cache) -> dict[str, Bundle]:
    """Give the directories of the guides' handlers, and those of bundled ones; above them lies the SDK."""
    made = cache.made("guides", digest(PEERS / "node"), _install)
    return {path.name: bundle(path) for path in made.iterdir() if path.name.startswith(_GUIDES)}


def _install(place: Path) -> None:
    shutil.copytree(PEERS / "node", place, dirs_exist_ok=True)
    run("npm", *_INSTALL, "--ignore-scripts", cwd=place)
    for name in ("fauna", "sync"):
        shutil.copy(place / "secret.mjs", place / name)
        run("npm", *_INSTALL, "--ignore-scripts", cwd=place / name)
        esbuild = (node(), "node_modules/esbuild/bin/esbuild", f"{name}/handler.mjs")
        run(*esbuild, f"--outdir={place / name}-bundled", *_ESBUILD, cwd=place)
