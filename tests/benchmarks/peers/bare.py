"""A function that does nothing: what is left is Lambda's runtime client."""

from typing import Any


def handler(event: Any, _context: object) -> Any:
    return event
