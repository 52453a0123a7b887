"""A state as a test for pytest, which runs as it is with the extra `testing`."""

import ast
import json
import re
from collections.abc import Iterator, Set
from typing import Any

from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.contract.errors import ContractError
from cognito_claims.errors import SignInError, TokenDenied
from cognito_claims.tools.playground.answers import Fault, State, Usable, used
from cognito_claims.tools.playground.settings import Started, entries, is_built_in

_COMPUTING = {"hasura", "surrealdb"}
"""The built-in plugins that ask nobody."""

_CONFIGURED = """\
HANDLER = pre_token_generation_from_env(SETTINGS)
"""
_SAMPLED = """\
CONFIGURATION = load(SETTINGS)
# Where a plugin has a sample, that stands for it: nobody is asked, and its claims are made up.
PLUGINS = {
    name: Marked(
        getattr(marked.plugin, "sample", marked.plugin),
        on_error=marked.on_error,
        is_pure=marked.is_pure,
    )
    for name, marked in CONFIGURATION.plugins.items()
}
HANDLER = pre_token_generation(deadline_ms=CONFIGURATION.deadline_ms, **PLUGINS)
"""
_ISSUED = """\
def test_this_event_has_this_response():
    returned = HANDLER(EVENT, None)

    assert returned == {**EVENT, "response": RESPONSE}
    issue_tokens(EVENT, returned)  # raises what Cognito would not take
"""
_NOT_TAKEN = """\
def test_this_event_has_a_response_that_cognito_would_not_take():
    returned = HANDLER(EVENT, None)

    assert returned == {**EVENT, "response": RESPONSE}
    with pytest.raises(ContractError) as refused:
        issue_tokens(EVENT, returned)
    assert [finding.code for finding in refused.value.findings] == CODES
"""
_REFUSED = """\
def test_this_event_is_refused():
    with pytest.raises(ERROR) as refused:
        HANDLER(EVENT, None)

    assert str(refused.value) == TEXT
"""
_HOMES = {
    "SignInError": "cognito_claims",
    "TokenDenied": "cognito_claims",
    "pre_token_generation": "cognito_claims",
    "issue_tokens": "cognito_claims.contract.cognito",
    "ContractError": "cognito_claims.contract.errors",
    "pre_token_generation_from_env": "cognito_claims.handlers",
    "Marked": "cognito_claims.registry",
    "load": "cognito_claims.registry",
    "recorded": "cognito_claims.testing",
}


def export(state: State, started: Started) -> dict[str, Any]:
    """Give the test of a state, or what is wrong with the state."""
    usable = used(state, started)
    test = _test(usable) if isinstance(usable, Usable) else usable
    return {"unusable": test._asdict()} if isinstance(test, Fault) else {"test": test}


def _test(usable: Usable) -> str | Fault:
    try:
        # A number beyond a double's range is Python's inf, which is no literal.
        json.dumps(usable.event, allow_nan=False)
        text = _source(usable)
        ast.parse(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return Fault("event", ("nested too deep, or numbers too large, for a test",))
    return text


def _source(usable: Usable) -> str:
    handler, before = _handler(usable)
    test, expected = _expected(usable)
    event = f"recorded({_quoted(usable.recorded)})" if usable.recorded else _literal(usable.event)
    settings = _literal(dict(usable.open_settings))
    fixed = f"{before} {handler} {test} {'recorded' if usable.recorded else ''}"
    return "\n".join(
        (
            '"""Made by `cognito-claims playground`: an event, settings, and what came of them."""\n',
            *_imports(set(re.findall(r"\w+", fixed))),
            f"EVENT = {event}",
            f"SETTINGS = {before}{settings}",
            *(f"{name} = {_literal(value)}" for name, value in expected.items()),
            f"\n{handler}\n\n{test}",
        )
    )


def _handler(usable: Usable) -> tuple[str, str]:
    """Give the handler's code, and what stands before the settings."""
    named = [entry for _, entry in entries(usable.environ)]
    if {name for name, _ in named} <= _COMPUTING and all(map(is_built_in, named)):
        return _CONFIGURED, ""
    # What plugins of one's own read is not in the page, and so not in the test.
    return _SAMPLED, "" if all(map(is_built_in, named)) else "dict(os.environ) | "


def _expected(usable: Usable) -> tuple[str, dict[str, Any]]:
    """Give the test's code and the constants that it names."""
    response = usable.preview.response
    if response is None:
        refusal = usable.preview.refusal
        if refusal is None:
            raise ValueError("a preview without a response names what refused it")
        is_denial = isinstance(refusal, TokenDenied)
        text = str(refusal if is_denial else SignInError(refusal.code))
        error = TokenDenied if is_denial else SignInError
        return _REFUSED.replace("ERROR", error.__name__), {"TEXT": text}
    try:
        issue_tokens(usable.event, {**usable.event, "response": response})
    except ContractError as error:
        codes = [finding.code for finding in error.findings]
        return _NOT_TAKEN, {"RESPONSE": response, "CODES": codes}
    return _ISSUED, {"RESPONSE": response}


def _imports(names: Set[str]) -> Iterator[str]:
    if "os" in names:
        yield "import os\n"
    if "pytest" in names:
        yield "import pytest\n"
    modules = sorted({module for name, module in _HOMES.items() if name in names})
    for module in modules:
        wanted = sorted(name for name in _HOMES if _HOMES[name] == module and name in names)
        yield f"from {module} import {', '.join(wanted)}"
    yield ""


def _literal(value: Any, indent: str = "") -> str:
    """Write a value as Python that is nothing but this value, whatever quotes or breaks it holds."""
    deeper = f"{indent}    "
    if isinstance(value, dict) and value:
        pairs = (f"{_quoted(name)}: {_literal(v, deeper)}" for name, v in value.items())
        return "{" + "".join(f"\n{deeper}{pair}," for pair in pairs) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        return "[" + "".join(f"\n{deeper}{_literal(v, deeper)}," for v in value) + f"\n{indent}]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """Escape as `repr` does, in double quotes where that changes nothing."""
    return repr(text) if {"'", '"'} & {*text} else f'"{repr(text)[1:-1]}"'
