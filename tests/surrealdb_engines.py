"""Three SurrealDB engines, asked alike: 1.0.0 and 3.0.2 in Node, 2.3.10 in this process.

In Node one process answers all cases of an engine; see `engines/harness.mjs`.
"""

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from surrealdb import BlockingEmbeddedSurrealConnection as Engine
from surrealdb import RecordID

from cognito_claims.contract.surrealdb import Generation, Setup
from cognito_claims.contract.surrealdb_engine3 import IS_INSTALLED
from cognito_claims.contract.surrealdb_script import string

ENGINES = Path(__file__).parent / "engines"
INSTALLED = ENGINES / "node_modules"
SWITCH = "NPM_ENGINES"
COMMAND = f"{SWITCH}=1 python -m pytest"
POOL = "eu-west-1_a1B2c3D4e"
ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}"
CLIENT = "client"
SUB = "8b1c5a3e-9d7f-4c11-8a20-3f5e6d7c8b9a"
BOB = "bob@example.com"
ME = f"user:⟨{SUB}⟩"
NOW = int(time.time())
_THROW = "{ IF cognito_username != 'alice' { THROW <string> [id, email] }; RETURN false }"
ATTEMPTS = (
    'UPDATE user SET cognito_username = "changed";',
    'UPDATE user SET email = "changed@example.com";',
    'UPDATE user:bob SET cognito_username = "changed";',
    *(
        attempt.replace("{throw}", _THROW)
        for attempt in (
            "SELECT * FROM user WHERE {throw};",
            "INSERT INTO user (SELECT * FROM user WHERE {throw});",
            "UPDATE user SET email = 'x' WHERE {throw};",
            "UPDATE user:bob SET email = {throw};",
            "DELETE user WHERE {throw};",
        )
    ),
    "DELETE user;",
    'CREATE user SET email = "created@example.com", cognito_username = "created";',
)
"""What every bearer tries; nobody may do any of it."""

Claims = Mapping[str, Any]
Request = dict[str, Any]
Answer = dict[str, Any]


def accepted_by_3x(sub: str) -> dict[str, Any]:
    """Return the verdict's answer for 3.x: the engine's where it is installed, else the table's."""
    if not IS_INSTALLED:
        return {"accepted": True, "source": "claims table", "access": "user"}
    who = {"auth": f"user:⟨{sub}⟩", "access": "user"}
    return {"accepted": True, "source": "embedded engine", "engine": "3.2.4", **who}


def an_id_token(**changed: Any) -> dict[str, Any]:
    own = {"iss": ISSUER, "aud": CLIENT, "token_use": "id", "sub": SUB, "exp": NOW + 3600}
    user = {"email": "alice@example.com", "email_verified": True, "cognito:username": "alice"}
    ours = {"ns": "app", "db": "main", "ac": "user", "tk": "cognito", "sc": "user"}
    return {**own, "iat": NOW, **user, **ours, **changed}


def an_access_token(**changed: Any) -> dict[str, Any]:
    claims = without(an_id_token(), "aud", "email", "email_verified", "cognito:username")
    own = {"token_use": "access", "client_id": CLIENT, "username": "alice"}
    return {**claims, **own, **changed}


def without(claims: Claims, *names: str) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in names}


def request(
    token: str, setup: Setup, generation: Generation, script: str, questions: Sequence[str] = ()
) -> Request:
    """Ask what the bearer of a token can do to this script's database; the questions are asked before, by its owner."""
    entrance = "$scope" if generation == "1.x" else "$access"
    return {
        "namespace": setup.namespace,
        "database": setup.database,
        "script": script + planted(setup, generation),
        "questions": questions,
        "token": token,
        "who": f"RETURN [$auth, {entrance}];",
        "look": "SELECT * FROM user;",
        "attempts": ATTEMPTS,
    }


def planted(setup: Setup, generation: Generation) -> str:
    """Plant bob, and on 1.x the bearer as well: nothing makes their row there."""
    record = "type::record" if generation == "3.x" else "type::thing"
    users = {"bob": "bob", SUB: "alice"} if generation == "1.x" else {"bob": "bob"}
    return "".join(
        f"CREATE {record}('user', {string(key)}) SET cognito_username = '{name}'{email};"
        for key, name in users.items()
        for email in [f", email = '{name}@example.com'" if setup.token_use == "id" else ""]
    )


def outcome(answer: Answer) -> str:
    """Say what the bearer got, from what they saw and what became of the rows."""
    assert "faulty" not in answer, answer
    if "refused" in answer:
        return "refused"
    assert answer["who"][0] == answer["who"][1], "the session changed hands: nothing here is proof"
    planted, seen, after = (
        {row.get("id"): row for row in answer[when]} for when in ("planted", "seen", "after")
    )
    before, own, own_after = (rows.pop(ME, None) for rows in (planted, seen, after))
    if seen:
        return "sees other rows"
    if after != planted:
        return "changes other rows"
    if own is None:
        return "sees nothing"
    return "own row alone" if own_after in (own, before) else "changes their own row"


def ask(generation: Generation, requests: Sequence[Request]) -> list[Answer]:
    """Let the engine of this generation answer, each request on a database of its own."""
    if generation == "2.x":
        return [_judged(each) for each in requests]
    node = _node()
    if generation == "1.x" and not (INSTALLED / "surrealdb.node-linux-x64-gnu").exists():
        pytest.skip("SurrealDB 1.0.0 is published for Linux with glibc on x86-64 alone")
    done = subprocess.run(
        [node, f"engine-{generation[0]}.mjs"],
        cwd=ENGINES,
        input=json.dumps(requests),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=900,
    )
    answers: list[Answer] = json.loads(done.stdout.splitlines()[-1])
    return answers


def _node() -> str:
    """Find Node and the engines, or install them where that is asked for."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip(
            f"SurrealDB 1.0.0 and 3.0.2 run in Node: install Node 20 or later, then {COMMAND}"
        )
    with (ENGINES / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process of pytest-xdist installs, the others wait
        if not (INSTALLED / ".package-lock.json").exists():
            if os.environ.get(SWITCH) != "1":
                pytest.skip(f"SurrealDB 1.0.0 and 3.0.2 are not installed (200 MB): {COMMAND}")
            install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(install, cwd=ENGINES, check=True, capture_output=True, timeout=300)
    return node


def _judged(request: Request) -> Answer:
    """Do in this process what `engines/harness.mjs` does in Node."""
    with Engine("mem://") as engine:
        engine.use(request["namespace"], request["database"])
        faulty = None
        try:
            _ask(engine, request["script"])
        except RuntimeError as error:
            faulty = str(error)
        told = [_ask(engine, question) for question in request["questions"]]
        if faulty:
            return {"faulty": faulty, "told": told}
        planted = _ask(engine, request["look"])
        try:
            engine.authenticate(request["token"])
        except (RuntimeError, ValueError) as error:
            return {"told": told, "refused": str(error)}
        before, seen = _ask(engine, request["who"]), _ask(engine, request["look"])
        said = [_said(engine, attempt) for attempt in request["attempts"]]
        who = [before, _ask(engine, request["who"])]
        engine.invalidate()
        engine.use(request["namespace"], request["database"])
        rows = {"planted": planted, "seen": seen, "after": _ask(engine, request["look"])}
        return {"told": told, "said": said, "who": who, **rows}


def _said(engine: Engine, attempt: str) -> str:
    try:
        return str([_plain(each["result"]) for each in engine.query_raw(attempt)["result"]])
    except RuntimeError as error:
        return str(error)


def _ask(engine: Engine, query: str) -> Any:
    statements = engine.query_raw(query)["result"]
    for statement in statements:
        if statement["status"] != "OK":
            raise RuntimeError(statement["result"])
    return _plain(statements[-1]["result"])


def _plain(value: Any) -> Any:
    if isinstance(value, RecordID):
        return str(value)
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
