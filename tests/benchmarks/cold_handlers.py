"""The handlers whose cold starts are compared: a function of ours, and what a guide does instead, in Node 20.

A few lines stand for Lambda's runtime clients, in both languages (npm's does not install without a compiler), so that
ours also pays for `json` and `logging`, which Lambda loads for every function; "bare" is a handler that returns its event.

As in production, Python reads a file of all public authorities (and the test's), and Node those that it has built in (and the
test's, by NODE_EXTRA_CA_CERTS). With a "private authority", SSL_CERT_FILE holds that one alone. Bytecode is compiled
beforehand; "from source" compiles at each start. "Bundled" is the guide's handler, bundled and minified by esbuild.
A secret that is not in the environment is in moto.
"""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from compileall import compile_dir
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import NamedTuple
from venv import EnvBuilder

import boto3

import cognito_claims
from tests.benchmarks.cold_processes import Case
from tests.stand_ins.moto import moto_server

_HERE = Path(__file__).parent
_PACKAGE = Path(cognito_claims.__file__).parent
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


class Subject(NamedTuple):
    """A function of ours and the guide's handler, whose directory is beside this file; `ours` is for ours alone."""

    function: str
    guide: str
    event: Path
    environ: Mapping[str, str]
    ours: Mapping[str, str]


def recorded_event(name: str) -> Path:
    """Give the file of an event that the package carries."""
    return _PACKAGE / f"testing/events/{name}.json"


def cases(
    subject: Subject, directory: Path, authority: Path, secrets: Mapping[str, Mapping[str, str]]
) -> Iterator[Case]:
    """Install both in the directory, and give them by where the secret is kept."""
    public = _with_public_authorities(directory, authority)
    compiled, source = _python_packages(directory)
    guides, bundled = _node_packages(directory, subject.guide)
    event = os.fspath(subject.event)
    node, python = _node("handler.mjs", event), _python(directory, subject.function, event)
    uncompiled = (python[0], "-B", *python[1:])  # -B: and never keep what was compiled
    yield Case("bare Python", compiled, _python(directory, "bare", event), _CLEAN)
    yield Case("bare Node", guides, _node("bare.mjs", event), _CLEAN)
    for place, secret in secrets.items():
        wanted = {**_CLEAN, **subject.environ, **secret}
        theirs = wanted | {"NODE_EXTRA_CA_CERTS": os.fspath(authority)}
        ours = {**wanted, **subject.ours, "SSL_CERT_FILE": os.fspath(public)}
        private = ours | {"SSL_CERT_FILE": os.fspath(authority)}
        name, rival = f"{place}: ours", f"{place}: Node"
        yield Case(rival, guides, node, theirs, "bare Node", rival)
        yield Case(f"{rival}, bundled", bundled, node, theirs, "bare Node", rival)
        yield Case(name, compiled, python, ours, "bare Python", rival)
        yield Case(f"{name}, private authority", compiled, python, private, "bare Python", rival)
        yield Case(f"{name}, from source", source, uncompiled, ours, "bare Python", rival)


def _with_public_authorities(directory: Path, authority: Path) -> Path:
    public = directory / "public.pem"
    system = Path(ssl.get_default_verify_paths().cafile or "").read_text(encoding="ascii")
    public.write_text(system + authority.read_text(encoding="ascii"), encoding="ascii")
    return public


def _python(directory: Path, module: str, event: str) -> tuple[str, ...]:
    interpreter = os.fspath(directory / "python/bin/python")
    return interpreter, "-c", _PYTHON_LOOP.replace("MODULE", module), event


def _node(module: str, event: str) -> tuple[str, ...]:
    return _NODE, "--input-type=module", "-e", _NODE_LOOP, event, f"./{module}"


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


def _node_packages(directory: Path, guide: str) -> tuple[Path, Path]:
    """Install the guide's handler, and bundle it."""
    guides, bundled = directory / "node", directory / "bundled"
    shutil.copytree(_HERE / guide, guides, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(_HERE / "secret.mjs", guides)
    (guides / "bare.mjs").write_text("export const handler = async (event) => event;\n")
    subprocess.check_call([_NPM, *_INSTALL.split()], cwd=guides, stdout=subprocess.DEVNULL)
    esbuild = (_NODE, "node_modules/esbuild/bin/esbuild", "handler.mjs", f"--outdir={bundled}")
    subprocess.check_call([*esbuild, *_ESBUILD], cwd=guides)
    return guides, bundled


@contextmanager
def kept_secrets(pem: Path, variable: str, secret: str) -> Iterator[dict[str, dict[str, str]]]:
    """Give the environments of a secret that is there itself, and of one that is in Secrets Manager, over TLS."""
    with moto_server() as moto, front(pem, moto) as secrets_manager:
        client = boto3.client(
            "secretsmanager",
            region_name=_AWS["AWS_REGION"],
            endpoint_url=moto,
            aws_access_key_id=_AWS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_AWS["AWS_SECRET_ACCESS_KEY"],
        )
        arn = str(client.create_secret(Name=variable, SecretString=secret)["ARN"])
        endpoint = {"AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets_manager}
        yield {
            "environment": {variable: secret},
            "Secrets Manager": {variable: arn, **endpoint, **_AWS},
        }


@contextmanager
def front(pem: Path, upstream: str) -> Iterator[str]:
    """Put TLS before a plain server, and give its URL."""
    command = [_NODE, os.fspath(_HERE / "front.mjs"), os.fspath(pem), upstream]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=_CLEAN, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"https://localhost:{int(process.stdout.readline())}"
        finally:
            process.terminate()
