"""What the page asks for: a state's preview, with the changes of each token, or what cannot be used about it."""

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from cognito_claims.errors import EventError
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.testing.recorded import recorded, recorded_names
from cognito_claims.tools.backends.settings import KNOWN
from cognito_claims.tools.configuration import configured
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.evaluation.preview import Preview, preview
from cognito_claims.tools.evaluation.token_preview import (
    COOKIE_BYTES,
    HEADER_BYTES,
    TokenPreview,
    changes,
)
from cognito_claims.tools.inputs import parse_environment, parse_json
from cognito_claims.tools.playground.settings import (
    Started,
    as_text,
    length_problem,
    plugin_problems,
    shown,
    unknown_settings,
)

_MOST_PROBLEMS = 20
_FIRST = "pretoken_v2_Authentication"


class State(BaseModel, extra="forbid", frozen=True, strict=True):
    """What is on the page, or in a link: an event's JSON, or a recorded one's name, and the text of an env file."""

    event: str
    settings: str


class Fault(NamedTuple):
    """What is wrong with one of the two inputs, a line for each thing to change."""

    input: Literal["event", "settings"]
    lines: tuple[str, ...]


class Usable(NamedTuple):
    """A state that can be previewed, and its preview."""

    event: dict[str, Any]
    recorded: str | None
    environ: Mapping[str, str]
    open_settings: Mapping[str, str]
    """What others may see of the settings: what a link or a test holds."""
    preview: Preview


def beginning(started: Started) -> dict[str, Any]:
    """Give what the page begins with."""
    return {
        "events": {name: _pretty(recorded(name)) for name in recorded_names("pretoken_")},
        "state": {"event": _FIRST, "settings": as_text(started.settings)},
        "marks": {"cookie": COOKIE_BYTES, "header": HEADER_BYTES},
        "runs_own": started.runs_own,
    }


def used(state: State, started: Started) -> Usable | Fault:
    """Preview a state, or say what is wrong with it; never raises `UnusableInput`."""
    event = _event(state.event)
    if isinstance(event, Fault):
        return event
    if problem := length_problem(state.settings):
        return Fault("settings", (problem,))
    try:
        environ = parse_environment(state.settings, "settings")
        if problems := tuple(islice(plugin_problems(environ, started), _MOST_PROBLEMS)):
            return Fault("settings", problems)
        if not environ.get("MAPPER_RULES", "{").lstrip().startswith("{"):
            told = "MAPPER_RULES: expected the JSON itself; the page reads no file"
            return Fault("settings", (told,))
        settable = {name: value for name, value in environ.items() if name in KNOWN}
        complete = {**started.own, **settable}
        if unknown := tuple(islice(unknown_settings(environ), _MOST_PROBLEMS)):
            return Fault("settings", (*unknown, *_other_problems(complete)))
        result = preview(event, complete)
    except UnusableInput as error:
        return Fault("settings", error.lines)
    name = state.event if state.event in recorded_names() else None
    opened = {name: shown(name, value) for name, value in settable.items()}
    return Usable(event, name, environ, opened, result)


def answer(state: State, started: Started) -> dict[str, Any]:
    """Give all that the page shows of a state."""
    usable = used(state, started)
    if isinstance(usable, Fault):
        return {"unusable": usable._asdict()}
    result = usable.preview
    return {
        "preview": result.to_json(),
        "response": _pretty(result.response),
        "changes": {
            "id_token": _changes(result.id_token),
            "access_token": _changes(result.access_token),
        },
        "settings": {
            "open": as_text(usable.open_settings),
            "secret": [
                n for n, value in usable.open_settings.items() if value != usable.environ[n]
            ],
            "unread": [name for name in usable.environ if name not in KNOWN],
        },
    }


def _other_problems(environ: Mapping[str, str]) -> tuple[str, ...]:
    try:
        configured(environ)
    except UnusableInput as error:
        return error.lines
    return ()


def _event(text: str) -> dict[str, Any] | Fault:
    try:
        event = recorded(text) if text in recorded_names() else parse_json(text)
        PreTokenGenerationEvent.from_json(event)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        return Fault("event", (f"not JSON at {place}: {error.msg}",))
    except RecursionError:
        return Fault("event", ("not JSON that can be read: nested too deep",))
    except EventError as error:
        return Fault("event", (f"not a pre token generation event: {error}",))
    except ValueError:
        return Fault("event", ("not JSON: a number that JSON, or Python, does not have",))
    decoded: dict[str, Any] = event
    return decoded


def _changes(token: TokenPreview | None) -> list[dict[str, Any]] | None:
    return None if token is None else [change._asdict() for change in changes(token)]


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
