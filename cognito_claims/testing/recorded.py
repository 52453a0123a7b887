"""Recorded trigger events, one file each beside this module: `<trigger>_<version>_<source>` and odd ones.

They are restated from AWS's documentation and from public captures; the odd ones hold what Cognito, its
documentation or a user pool may do that code tends to forget.
"""

import json
from pathlib import Path
from typing import Any

from cognito_claims.settings import suggestion

_EVENTS = Path(__file__).parent / "events"


def recorded_names(*prefixes: str) -> tuple[str, ...]:
    """Give the names of the recorded events, sorted; with prefixes, as in `"pretoken_v2"`, only theirs."""
    names = sorted(path.stem for path in _EVENTS.glob("*.json"))
    return tuple(name for name in names if not prefixes or name.startswith(prefixes))


def recorded(name: str) -> dict[str, Any]:
    """Read one event afresh, so that a test may change it; raises `LookupError` with the nearest name."""
    if name not in recorded_names():
        raise LookupError(f"no recorded event {name!r}{meant(name)}")
    event: dict[str, Any] = json.loads((_EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


def meant(name: str) -> str:
    """Return the end of an error message: the recorded event of the nearest name, or those of this kind."""
    names = recorded_names()
    kind = name.rpartition("TokenGeneration_")[2]
    alike = [known for known in names if kind and kind in known]
    if len(alike) > 1:
        return f"; did you mean one of {', '.join(alike[:3])}?"
    return suggestion(name, alike or names)
