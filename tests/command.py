"""The command `cognito-claims`, run in this process as a user runs it."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple
from unittest import mock

import pytest

from cognito_claims.__main__ import main


class Run(NamedTuple):
    """What a run has printed, and how it ended."""

    out: str
    err: str
    exit_code: int

    @property
    def content(self) -> Any:
        """Read what is for programs."""
        return json.loads(self.out)


def run(*arguments: str, environ: Mapping[str, str], exit_code: int | None = 0) -> Run:
    """Run it with this environment and no other, in a wide terminal; it must end with that exit code, None for any."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, {"COLUMNS": "300", **environ}, clear=True),
        mock.patch.object(sys, "argv", ["cognito-claims", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    ran = Run(out.getvalue(), err.getvalue(), int(ended.value.code or 0))
    assert exit_code in (None, ran.exit_code), ran
    return ran
