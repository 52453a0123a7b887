"""CloudWatch's filter patterns for JSON, as far as the template uses them (AWS: "Filter pattern syntax")."""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

_TOKEN = re.compile(r'\s*(\(|\)|&&|\|\||(\$[.\w]+)\s*=\s*"([^"]*)")')


def matches(pattern: str, line: str) -> bool:
    """Say whether a line of a log counts."""
    try:
        record = json.loads(line)
    except ValueError:
        return False
    inner = pattern.strip()
    assert inner[0] + inner[-1] == "{}"
    return _Reader(inner[1:-1].rstrip(), record).whole()


class _Reader:
    def __init__(self, text: str, record: Any) -> None:
        self._text, self._at, self._record = text, 0, record

    def whole(self) -> bool:
        value = self._any()
        assert self._at == len(self._text), self._text[self._at :]
        return value

    def _any(self) -> bool:
        values = [self._all()]
        while self._took("||"):
            values.append(self._all())
        return any(values)

    def _all(self) -> bool:
        values = [self._one()]
        while self._took("&&"):
            values.append(self._one())
        return all(values)

    def _one(self) -> bool:
        if self._took("("):
            value = self._any()
            assert self._took(")")
            return value
        found = _TOKEN.match(self._text, self._at)
        assert found is not None
        assert found[2] is not None
        self._at = found.end()
        value: Any = self._record
        for name in found[2].split(".")[1:]:
            value = value.get(name) if isinstance(value, dict) else None
        return isinstance(value, str) and fnmatchcase(value, found[3])

    def _took(self, token: str) -> bool:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found[1] != token:
            return False
        self._at = found.end()
        return True
