"""`demo`: a sign-in from the hosted UI to the backends, on this machine alone, without and with the function."""

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal, NamedTuple

from rich.console import Console

from cognito_claims.contract.issuer import Issuer
from cognito_claims.rules.document import Document
from cognito_claims.tools.backends.postgrest.backend import PostgREST
from cognito_claims.tools.demo.progress import DemoStep, Progress
from cognito_claims.tools.demo.report import print_result
from cognito_claims.tools.demo.verdicts import (
    SETTINGS,
    ask_fauna,
    ask_hasura,
    ask_postgresql,
    ask_surrealdb,
    check_claims,
    check_role,
    shown,
)
from cognito_claims.tools.local.cognito import GROUP, HANDLER, LocalCognito
from cognito_claims.tools.local.errors import Failed
from cognito_claims.tools.local.fauna.server import FaunaStandIn
from cognito_claims.tools.local.postgresql import postgresql, psql
from cognito_claims.tools.local.sign_in import SignedIn, sign_in

Backend = Literal["all", "postgresql"]
_ROOM = PostgREST("postgresql")
_OTHER = "a11ce000-0000-4000-8000-000000000001"
_PLANT = f"INSERT INTO items (owner, body) VALUES ('{_OTHER}', 'of another');"  # noqa: S608


class DemoResult(NamedTuple):
    """What the steps came to; what a failed run has not reached is None."""

    seconds: float
    steps: list[DemoStep]
    found: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether every step came out as it should."""
        return all(step.ok for step in self.steps)

    @property
    def exit_code(self) -> int:
        """Give the command's exit code."""
        return 0 if self.ok else 1

    def to_json(self) -> dict[str, Any]:
        """Give the pinned JSON shape of `demo --json`."""
        parts: tuple[str, ...] = ("id_token", "access_token", "surrealdb", "hasura", "fauna")
        if "postgresql" in self.found:
            parts = ("id_token", "access_token", "postgresql")
        return {
            "ok": self.ok,
            "seconds": self.seconds,
            "steps": [step._asdict() for step in self.steps],
            **{part: self.found.get(part) for part in parts},
        }


def run_demo(console: Console, *, port: int = 0, backend: Backend = "all") -> DemoResult:
    """Run all steps, and leave nothing behind; a taken port is `UnusableInput`.

    A quiet console prints nothing. SIGTERM ends it as Ctrl-C does, with everything closed.
    """
    begun = time.monotonic()
    progress, found = Progress(console), dict[str, Any]()
    try:
        with _ended_by_sigterm(), ExitStack() as stack:
            play = _play_postgresql if backend == "postgresql" else _play
            play(progress, stack, port, found)
    except Failed:
        pass  # it is the last step's
    result = DemoResult(round(time.monotonic() - begun, 2), progress.steps, found)
    if result.ok:
        print_result(result.found, result.seconds, console)
    return result


def _play(progress: Progress, stack: ExitStack, port: int, found: dict[str, Any]) -> None:
    with progress.step("start a local Cognito") as tell:
        fauna = stack.enter_context(FaunaStandIn())
        environ = {**SETTINGS, **fauna.environ}
        cognito = stack.enter_context(LocalCognito(environ, port=port, is_attached=False))
        tell(f"ministack on {cognito.url}, user {cognito.username} in {GROUP}")
    before = _sign_in_and_attach(progress, cognito)
    with progress.step("sign in with the function") as tell:
        after = sign_in(cognito)
        check_claims(before, after)
        found |= _tokens(before, after)
        tell("six claims more in the ID token, and no other change")
    with progress.step("ask SurrealDB") as tell:
        found["surrealdb"] = ask_surrealdb(cognito, before, after)
        tell("a real engine: the user's own row, and no other")
    with progress.step("ask Hasura's rules") as tell:
        found["hasura"] = ask_hasura(cognito, before, after)
        tell("the role editor is the user's, admin is not")
    with progress.step("ask Fauna's stand-in") as tell:
        found["fauna"] = ask_fauna(fauna, after)
        tell("the secret is the user's; a forged one is nobody's")


def _sign_in_and_attach(progress: Progress, cognito: LocalCognito) -> SignedIn:
    """Return the sign-in without the function, which is attached after it."""
    with progress.step("sign in without the function") as tell:
        before = sign_in(cognito)
        tell("hosted UI, code grant, PKCE; both signatures verified")
    with progress.step("attach the function") as tell:
        cognito.attach()
        tell(f"{HANDLER}, V2_0")
    return before


def _play_postgresql(
    progress: Progress, stack: ExitStack, port: int, found: dict[str, Any]
) -> None:
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
        psql(dsn, script + _PLANT)
        tell("roles, grants, policies, and a row of another user")
    before = _sign_in_and_attach(progress, cognito)
    with progress.step("sign in with the function") as tell:
        after = sign_in(cognito)
        found |= check_role(before, after)
        tell("one claim more in both tokens: role")
    with progress.step("ask PostgreSQL") as tell:
        found["postgresql"] = ask_postgresql(dsn, before, after)
        tell("the user's own row, and no other")


def _tokens(before: SignedIn, after: SignedIn) -> dict[str, Any]:
    return {
        "id_token": {"before": shown(before.id_claims), "after": shown(after.id_claims)},
        "access_token": {"before": before.access_claims, "after": after.access_claims},
    }


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise, so that what is open is closed; only the main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
