"""The question before a change, for who sits at a terminal."""

import sys

from rich.console import Console

from cognito_claims.cli.console import print_change
from cognito_claims.tools.attach.attach import Change


def ask(change: Change) -> bool:
    """Show a change and ask, on standard error; without a terminal, agree unasked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    print_change(change._replace(is_dry=True), Console(stderr=True))
    sys.stderr.write("Change it? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
