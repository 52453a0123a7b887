"""A SurrealDB script as a real engine takes it, in a process of its own: one that sleeps is not waited for."""

from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.surrealdb import public_key, sign, sign_in
from cognito_claims.contract.surrealdb_script import Setup, string
from cognito_claims.tools.backends.script.statements import Statement, read_script
from cognito_claims.tools.backends.surrealdb.sample import sample_claims
from cognito_claims.tools.findings import Finding

PATIENCE_S = 30.0
_NOT_RUN = "not-run"
_FETCHED = ["WITH", "JWT", "URL"]


def engine_findings(
    text: str, setup: Setup, patience_s: float = PATIENCE_S, *, editable: Sequence[str] = ()
) -> Iterator[Finding]:
    """Let an embedded SurrealDB 2.x run a script of that version, and a made-up user try what nobody may."""
    # The engine holds the interpreter's lock while it runs, so no thread of this process could give up.
    processes = get_context("spawn")
    receiver, sender = processes.Pipe(duplex=False)
    process = processes.Process(target=_answer, args=(text, setup, editable, sender), daemon=True)
    process.start()
    sender.close()
    try:
        refusal = receiver.recv() if receiver.poll(patience_s) else _unfinished(patience_s)
    except EOFError:
        refusal = (_NOT_RUN, "the engine ended without an answer")
    finally:
        process.kill()
        process.join()
        process.close()
        receiver.close()
    if refusal is not None:
        code, message = refusal
        said = f"run on a SurrealDB 2.x: {message}"
        yield Finding(code, "warning" if code == _NOT_RUN else "error", said)


def refusal_of(text: str, setup: Setup, editable: Sequence[str] = ()) -> tuple[str, str] | None:
    """Run the script in this process; no embedded engine fetches keys, so it gets the one that signed the token."""
    try:
        token, script = sign(sample_claims(setup)), _with_own_key(text)
        sign_in(token, setup, script=script, editable=editable)
    except BackendRefusal as refusal:
        return refusal.code, refusal.message
    return None


def _answer(text: str, setup: Setup, editable: Sequence[str], sender: Connection) -> None:
    sender.send(refusal_of(text, setup, editable))


def _unfinished(patience_s: float) -> tuple[str, str]:
    return _NOT_RUN, f"no answer after {patience_s:g} seconds"


def _with_own_key(text: str) -> str:
    places = [
        place
        for statement in read_script(text, "surrealql").statements
        for place in _addresses(statement)
    ]
    for start, end in reversed(places):
        text = f"{text[:start]}ALGORITHM RS256 KEY {string(public_key())}{text[end:]}"
    return text


def _addresses(statement: Statement) -> Iterator[tuple[int, int]]:
    """Give where the addresses of keys begin and end, the word URL with them."""
    tokens, words = statement.tokens, statement.words
    for place in range(len(tokens) - 3):
        if words[place : place + 3] == _FETCHED and tokens[place + 3].kind == "string":
            yield tokens[place + 2].start, tokens[place + 3].end
