"""`demo --backend postgresql`: the same sign-in, on to a real PostgreSQL with row-level security."""

import json
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from cognito_claims.contract.issuer import Issuer
from cognito_claims.rules.document import Document
from cognito_claims.tools.backends.postgrest.backend import PostgREST
from cognito_claims.tools.demo.progress import Progress
from cognito_claims.tools.demo.verdicts import PER_SIGN_IN
from cognito_claims.tools.local.cognito import GROUP, HANDLER, LocalCognito
from cognito_claims.tools.local.errors import Failed
from cognito_claims.tools.local.postgresql import postgresql, program
from cognito_claims.tools.local.sign_in import SignedIn, sign_in

_ROOM = PostgREST("postgresql")
_OTHER = "a11ce000-0000-4000-8000-000000000001"
_PLANT = f"INSERT INTO items (owner, body) VALUES ('{_OTHER}', 'of another');"  # noqa: S608
_ASK = """\\o /dev/null
BEGIN;
SELECT set_config('role', :'claims'::jsonb ->> 'role', true),
  set_config('request.jwt.claims', :'claims', true);
SELECT cognito.check_request();
\\o
{statement};
COMMIT;
"""
_READ = "SELECT body FROM items"
_CHANGE = "UPDATE items SET body = 'taken' WHERE body = 'of another' RETURNING body"
_REMOVE = "DELETE FROM items WHERE body <> 'mine' RETURNING body"


def play(progress: Progress, stack: ExitStack, port: int, found: dict[str, Any]) -> None:
    """Run the steps."""
    with progress.step("start PostgreSQL") as tell:
        try:
            dsn = stack.enter_context(postgresql())
        except FileNotFoundError as error:
            raise Failed(str(error)) from None
        tell("a real server, on a socket of its own")
    with progress.step("start a local Cognito") as tell:
        environ = {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": _ROOM.rules()}
        cognito = stack.enter_context(LocalCognito(environ, port=port, is_attached=False))
        tell(f"ministack on {cognito.url}, user {cognito.username} in {GROUP}")
    with progress.step("run the SQL that setup prints") as tell:
        issuer = Issuer(cognito.issuer, (cognito.client_id,))
        script = _ROOM.parts(Document(json.loads(_ROOM.rules())), issuer)[0].text
        _psql(dsn, script + _PLANT)
        tell("roles, grants, policies, and a row of another user")
    with progress.step("sign in without the function") as tell:
        before = sign_in(cognito)
        tell("hosted UI, code grant, PKCE; both signatures verified")
    with progress.step("attach the function") as tell:
        cognito.attach()
        tell(f"{HANDLER}, V2_0")
    with progress.step("sign in with the function") as tell:
        after = sign_in(cognito)
        found |= _tokens(before, after)
        tell("one claim more in both tokens: role")
    with progress.step("ask PostgreSQL") as tell:
        found["postgresql"] = ask_all(dsn, before, after)
        tell("the user's own row, and no other")


def _tokens(before: SignedIn, after: SignedIn) -> dict[str, Any]:
    pairs = {
        "id_token": {"before": before.id_claims, "after": after.id_claims},
        "access_token": {"before": before.access_claims, "after": after.access_claims},
    }
    for pair in pairs.values():
        lasting = {name: value for name, value in pair["after"].items() if name not in PER_SIGN_IN}
        if {name for name in lasting if name not in pair["before"]} != {"role"}:
            raise Failed("the tokens' claims are not those that the rules add")
    return pairs


def ask_all(dsn: str, before: SignedIn, after: SignedIn) -> dict[str, Any]:
    """Ask as the user, then with tokens that must not get in."""
    claims = after.access_claims
    _ask(dsn, claims, "INSERT INTO items (body) VALUES ('mine')")
    if _ask(dsn, claims, _READ) != ["mine"]:
        raise Failed("the user does not see their own row, and no other")
    if _ask(dsn, claims, _CHANGE) or _ask(dsn, claims, _REMOVE):
        raise Failed("another user's row was changed")
    wrong = {
        "without the function": before.access_claims,
        "another app client": {**claims, "client_id": "another"},
        "the superuser": {**claims, "role": "postgres"},
    }
    for name, each in wrong.items():
        if _is_answered(dsn, each):
            raise Failed(f"a token got in: {name}")
    version = _psql(dsn, "SHOW server_version")[0].partition(" ")[0]
    session = {"role": claims["role"], "sub": claims["sub"]}
    return {"accepted": True, "server": version, "session": session, "refused": [*wrong]}


def _is_answered(dsn: str, claims: Mapping[str, Any]) -> bool:
    try:
        _ask(dsn, claims, _READ)
    except Failed:
        return False
    return True


def _ask(dsn: str, claims: Mapping[str, Any], statement: str) -> list[str]:
    """Do what a service does in a request whose token it has verified."""
    login = f"{dsn} user=authenticator"
    return _psql(login, _ASK.format(statement=statement), claims=json.dumps(claims))


def _psql(dsn: str, script: str, **variables: str) -> list[str]:
    given = [f"--set={name}={value}" for name, value in variables.items()]
    command = [program("psql"), "-X", "-q", "-A", "-t", "--set=ON_ERROR_STOP=1", *given, dsn]
    done = subprocess.run(  # noqa: S603  (PostgreSQL's own program)
        command, input=script, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"PostgreSQL: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.split("\n")[:-1]
