"""What a sign-in waits for when the Fauna function starts cold, beside the guide's handler in Node.

`python tests/benchmarks/fauna_cold_start.py [rounds]`; needs Node 20, and npm's registry for the packages of
`fauna/package.json`. Both handlers speak TLS to the same stand-in of Fauna, which sits behind `fauna/front.mjs`: npm's driver
wants HTTP/2, ours speaks HTTP/1.1. A secret that is not in the environment is in moto, behind a front of the same kind.

Every run is a fresh process in a clean environment, from its spawn to the response. A few lines stand for Lambda's
runtime clients, in both languages (npm's does not install without a compiler), so that ours also pays for `json` and
`logging`, which Lambda loads for every function; "bare" is a handler that returns its event. A process is killed once
it has answered: Lambda, too, never lets one end by itself.

As in production, Python reads a file of all public authorities (and the test's), and Node those that it has built in (and the
test's, by NODE_EXTRA_CA_CERTS). With a "private authority", SSL_CERT_FILE holds that one alone. Bytecode is compiled
beforehand; "from source" compiles at each start. "Bundled" is the guide's handler, bundled and minified by esbuild.
"""

import json
import os
import random
import shutil
import signal
import ssl
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from compileall import compile_dir
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple
from venv import EnvBuilder

import boto3

import cognito_claims
from tests.stand_ins.certificates import Authority
from tests.stand_ins.fauna import SECRET, FaunaServer
from tests.stand_ins.moto import moto_server

_HERE = Path(__file__).parent / "fauna"
_PACKAGE = Path(cognito_claims.__file__).parent
_EVENT = _PACKAGE / "testing/events/pretoken_v1_Authentication.json"
_HANDLER = "cognito_claims.functions.pre_token_generation"
_NODE, _NPM = shutil.which("node") or "node", shutil.which("npm") or "npm"
_CLEAN = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
_AWS = {
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true",  # it would cost Node some time
}
_INSTALL = "install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error"
_ESBUILD = (
    *("--bundle", "--splitting", "--minify", "--format=esm", "--platform=node", "--target=node20"),
    *("--main-fields=module,main", "--out-extension:.js=.mjs", "--log-level=warning"),
    # What CommonJS in an ES module lacks:
    "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
)
_PYTHON_LOOP = """
import json, sys
from MODULE import handler
with open(sys.argv[1]) as file:
    event = json.load(file)
print(json.dumps(handler(event, None)), flush=True)
sys.stdin.read()
"""
_NODE_LOOP = """
import { readFileSync, writeSync } from "node:fs";
const { handler } = await import(process.argv[2]);
const event = JSON.parse(readFileSync(process.argv[1], "utf8"));
writeSync(1, JSON.stringify(await handler(event)) + "\\n");
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
"""


class Case(NamedTuple):
    """A handler to start, in its directory, beside its language's bare one, and the one that its ratios are to."""

    name: str
    directory: Path
    command: tuple[str, ...]
    environ: Mapping[str, str]
    bare: str = ""
    rival: str = ""


class Run(NamedTuple):
    """Milliseconds from the spawn to the response, and of CPU (user and system)."""

    wall: float
    cpu: float


def main() -> None:
    """Run all cases in shuffled rounds, and print a table."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with TemporaryDirectory() as temporary, FaunaServer() as fauna, moto_server() as moto:
        directory = Path(temporary)
        authority = Authority(directory)
        pem = authority.good().path
        with _front(pem, fauna.endpoint) as endpoint, _front(pem, moto) as secrets_manager:
            aws = {"AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets_manager, **_AWS}
            secrets = {
                "environment": {"FAUNA_SECRET": SECRET},
                "Secrets Manager": {"FAUNA_SECRET": _stored_secret(moto), **aws},
            }
            cases = [*_cases(directory, authority.path, endpoint, secrets)]
            runs: dict[str, list[Run]] = {case.name: [] for case in cases}
            for number in range(rounds + 1):  # the first warms the file system and the servers
                for case in random.sample(cases, len(cases)):
                    run = _run(case, fauna)
                    if number:
                        runs[case.name].append(run)
    _print(cases, runs)


def _cases(
    directory: Path, authority: Path, endpoint: str, secrets: Mapping[str, Mapping[str, str]]
) -> Iterator[Case]:
    public = directory / "public.pem"
    system = Path(ssl.get_default_verify_paths().cafile or "").read_text(encoding="ascii")
    public.write_text(system + authority.read_text(encoding="ascii"), encoding="ascii")
    compiled, source = _python_packages(directory)
    guides, bundled = _node_packages(directory)
    node, python = _node("handler.mjs"), _python(directory, _HANDLER)
    uncompiled = (python[0], "-B", *python[1:])  # -B: and never keep what was compiled
    yield Case("bare Python", compiled, _python(directory, "bare"), _CLEAN)
    yield Case("bare Node", guides, _node("bare.mjs"), _CLEAN)
    for place, secret in secrets.items():
        wanted = {**_CLEAN, **secret, "FAUNA_ENDPOINT": endpoint}
        theirs = wanted | {"NODE_EXTRA_CA_CERTS": os.fspath(authority)}
        ours = wanted | {"COGNITO_CLAIMS_PLUGINS": "fauna", "SSL_CERT_FILE": os.fspath(public)}
        private = ours | {"SSL_CERT_FILE": os.fspath(authority)}
        name, rival = f"{place}: ours", f"{place}: Node"
        yield Case(rival, guides, node, theirs, "bare Node", rival)
        yield Case(f"{rival}, bundled", bundled, node, theirs, "bare Node", rival)
        yield Case(name, compiled, python, ours, "bare Python", rival)
        yield Case(f"{name}, private authority", compiled, python, private, "bare Python", rival)
        yield Case(f"{name}, from source", source, uncompiled, ours, "bare Python", rival)


def _python(directory: Path, module: str) -> tuple[str, ...]:
    interpreter = os.fspath(directory / "python/bin/python")
    return interpreter, "-c", _PYTHON_LOOP.replace("MODULE", module), os.fspath(_EVENT)


def _node(module: str) -> tuple[str, ...]:
    return _NODE, "--input-type=module", "-e", _NODE_LOOP, os.fspath(_EVENT), f"./{module}"


def _python_packages(directory: Path) -> tuple[Path, Path]:
    """Copy the package to two places, and compile one of them, for an interpreter with nothing else installed."""
    EnvBuilder().create(directory / "python")
    compiled, source = directory / "compiled", directory / "source"
    for place in (compiled, source):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_PACKAGE, place / _PACKAGE.name, ignore=ignored)
    (compiled / "bare.py").write_text("def handler(event, context):\n    return event\n")
    compile_dir(compiled, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return compiled, source


def _node_packages(directory: Path) -> tuple[Path, Path]:
    """Install the guide's handler, and bundle it."""
    guides, bundled = directory / "node", directory / "bundled"
    shutil.copytree(_HERE, guides, ignore=shutil.ignore_patterns("node_modules"))
    (guides / "bare.mjs").write_text("export const handler = async (event) => event;\n")
    subprocess.check_call([_NPM, *_INSTALL.split()], cwd=guides, stdout=subprocess.DEVNULL)
    esbuild = (_NODE, "node_modules/esbuild/bin/esbuild", "handler.mjs", f"--outdir={bundled}")
    subprocess.check_call([*esbuild, *_ESBUILD], cwd=guides)
    return guides, bundled


def _stored_secret(moto: str) -> str:
    """Keep the secret in Secrets Manager, and give its ARN."""
    client = boto3.client(
        "secretsmanager",
        region_name=_AWS["AWS_REGION"],
        endpoint_url=moto,
        aws_access_key_id=_AWS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=_AWS["AWS_SECRET_ACCESS_KEY"],
    )
    return str(client.create_secret(Name="fauna", SecretString=SECRET)["ARN"])


@contextmanager
def _front(pem: Path, upstream: str) -> Iterator[str]:
    command = [_NODE, os.fspath(_HERE / "front.mjs"), os.fspath(pem), upstream]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=_CLEAN, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"https://localhost:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def _run(case: Case, fauna: FaunaServer) -> Run:
    """Start a process, wait for its response, and check that the stand-in minted the token in it, and no other."""
    minted = len(fauna.tokens)
    pipe = subprocess.PIPE
    began = perf_counter()
    with subprocess.Popen(
        case.command, cwd=case.directory, env=case.environ, stdin=pipe, stdout=pipe
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            wall = perf_counter() - began
        finally:
            os.kill(process.pid, signal.SIGKILL)  # `process.kill` would wait for one that has ended
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    assert line, f"{case.name}: no response"
    tokens = [token.secret for token in fauna.tokens[minted:]]
    details = json.loads(line)["response"].get("claimsOverrideDetails") or {}
    answered = details.get("claimsToAddOrOverride", {}).get("fauna_token_secret")
    assert tokens == ([answered] if case.rival else []), case.name
    return Run(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000)


def _print(cases: Iterable[Case], runs: Mapping[str, list[Run]]) -> None:
    print("Milliseconds: median / fastest, and what the median is over the bare handler's.")
    print('Ratios to "Node": the median of each round\'s own.')
    print(f"{'':42}{'wall':>14}{'added':>8}{'ratio':>7}{'CPU':>14}{'added':>8}{'ratio':>7}")
    for case in cases:
        row = f"{case.name:42}"
        for field in (0, 1):
            figures = [run[field] for run in runs[case.name]]
            median = statistics.median(figures)
            row += f"{median:8.1f} /{min(figures):4.0f}"
            if case.rival:
                bare = statistics.median(run[field] for run in runs[case.bare])
                pairs = zip(figures, runs[case.rival], strict=True)
                ratio = statistics.median(figure / run[field] for figure, run in pairs)
                row += f"{median - bare:8.1f}{ratio:7.2f}"
            else:
                row += f"{'':15}"
        print(row)


if __name__ == "__main__":
    main()
