"""Text that steers no terminal."""

import json


def printable(text: str) -> str:
    """Escape what would steer a terminal: users write attributes, and developers preview them."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def json_text(content: object) -> str:
    """Return indented JSON that steers no terminal: what `printable` escapes is escaped as in JSON."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
