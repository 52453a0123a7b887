"""The functions that are run: ours and the peers', each with its runtime, its settings and its event."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks import builds, guides
from tests.benchmarks.cache import Bundle, Cache, NotRun
from tests.benchmarks.figures import Run

CLEAN = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
_PYTHON_LOOP = """
import json, sys
from importlib import import_module
module, _, name = sys.argv[1].rpartition(".")
handler = getattr(import_module(module), name)
print(json.dumps(handler(json.loads(sys.argv[2]), None)), flush=True)
sys.stdin.read()
"""
_NODE_LOOP = """
import { writeSync } from "node:fs";
const [name, event] = process.argv.slice(1);
const { handler } = await import(`./${name.split(".")[0]}.mjs`);
writeSync(1, JSON.stringify(await handler(JSON.parse(event))) + "\\n");
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
"""


class Runtime(NamedTuple):
    """How a language starts a handler: under Lambda's runtime client, or in a few lines that answer one event."""

    client: tuple[str, ...]
    loop: tuple[str, ...]
    environ: Mapping[str, str]


class Function(NamedTuple):
    """A handler in its directory."""

    runtime: Runtime
    directory: Path
    handler: str
    environ: Mapping[str, str]
    event: Mapping[str, Any]

    @property
    def whole_environ(self) -> dict[str, str]:
        """Give all that its process gets to know of this machine."""
        return {
            **CLEAN,
            "LAMBDA_TASK_ROOT": os.fspath(self.directory),
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "_HANDLER": self.handler,
            **self.runtime.environ,
            **self.environ,
        }


class Answer(NamedTuple):
    """What came back, and what it took."""

    content: Any
    run: Run


class Kit(NamedTuple):
    """All that is needed to run a function; without Node, the reason."""

    cache: Cache
    emulator: Path
    python: Runtime
    source: Runtime
    node: Runtime | NotRun
    functions: Mapping[str, Bundle]
    guides: Mapping[str, Bundle]

    @property
    def log(self) -> Path:
        """Where a function prints to."""
        return self.cache.directory / "log"

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"not run: {self.node}",) if isinstance(self.node, NotRun) else ()


def kit(cache: Cache) -> Kit:
    """Make it; raises `NotRun` where the emulator cannot be had."""
    python = os.fspath(builds.interpreter(cache))
    client = {"PYTHONPATH": os.fspath(builds.runtime_client(cache))}
    node: Runtime | NotRun
    found: Mapping[str, Bundle] = {}
    try:
        found = guides.guides(cache)
        node = _node(cache)
    except NotRun as reason:
        node = reason
    runtime = Runtime((python, "-m", "awslambdaric"), (python, "-c", _PYTHON_LOOP), client)
    return Kit(
        cache,
        builds.emulator(cache),
        runtime,
        # -B: and never keep what was compiled
        Runtime((python, "-B", "-m", "awslambdaric"), (python, "-B", "-c", _PYTHON_LOOP), client),
        node,
        builds.functions(cache),
        found,
    )


def _node(cache: Cache) -> Runtime:
    node, script = guides.node(), os.fspath(guides.runtime_client(cache))
    # Or the SDK would take some time to say that Node 20 is old.
    environ = {"AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true"}
    return Runtime((node, script), (node, "--input-type=module", "-e", _NODE_LOOP), environ)
