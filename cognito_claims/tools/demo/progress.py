"""Steps as they pass: a spinner and the time in a terminal, plain lines elsewhere, and a list of them for programs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from cognito_claims.tools.local.errors import Failed


class DemoStep(NamedTuple):
    """One step: what came of it, in one line."""

    name: str
    ok: bool
    milliseconds: int
    detail: str


class Progress:
    """The steps so far, each printed when it ends."""

    def __init__(self, console: Console) -> None:
        self.steps: list[DemoStep] = []
        self._console = console

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Run a step, which is told what came of it; `Failed` is recorded, and goes on up."""
        details: list[str] = []
        begun = time.monotonic()
        try:
            # The one spinner that any terminal can show.
            with self._console.status(name, spinner="line"):
                yield details.append
        except Failed as failure:
            self._end(name, begun, str(failure), ok=False)
            raise
        self._end(name, begun, " ".join(details), ok=True)

    def _end(self, name: str, begun: float, detail: str, *, ok: bool) -> None:
        step = DemoStep(name, ok, round((time.monotonic() - begun) * 1000), detail)
        self.steps.append(step)
        marks = ("failed", "ok") if self._console.options.ascii_only else ("✗", "✓")
        line = Text.assemble(
            (f"{marks[ok]} ", "green" if ok else "bold red"),
            (f"{name:<28}", "bold" if ok else "bold red"),
            (f"{step.milliseconds:>5} ms  ", "dim"),
            detail,
        )
        self._console.print(line, soft_wrap=True)
