"""Recorded trigger events, one file each: `<trigger>_<version>_<source>`, and unusual ones.

They are restated from AWS's documentation and from public captures. The unusual ones hold what
Cognito, its documentation or a user pool may do and code tends to forget.
"""

import json
from pathlib import Path
from typing import Any

from cognito_claims.settings import suggestion

_EVENTS = Path(__file__).parent / "events"


def recorded_names(*prefixes: str) -> tuple[str, ...]:
    """Return the names of the recorded events, sorted; with prefixes, only the matching ones."""
    names = sorted(path.stem for path in _EVENTS.glob("*.json"))
    return tuple(name for name in names if not prefixes or name.startswith(prefixes))


def recorded(name: str) -> dict[str, Any]:
    """Return a new copy of one event; raise `LookupError` with the nearest name if unknown."""
    if name not in recorded_names():
        raise LookupError(f"no recorded event {name!r}{meant(name)}")
    event: dict[str, Any] = json.loads((_EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


def meant(name: str) -> str:
    """Return the end of an error message: the name, or names, that this one may mean."""
    names = recorded_names()
    kind = name.rpartition("TokenGeneration_")[2]
    alike = [known for known in names if kind and kind in known]
    if len(alike) > 1:
        return f"; did you mean one of {', '.join(alike[:3])}?"
    return suggestion(name, alike or names)
