"""The child process in which ministack runs: `python -m cognito_claims.cli.demo.emulator FILES`."""

import os
import runpy
import shutil
import signal
import sys
from threading import Thread


def _end_with_parent(files: str) -> None:
    """End group and files when standard input ends: whatever has ended the parent, its pipe is closed."""
    sys.stdin.buffer.read()
    shutil.rmtree(files, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    Thread(target=_end_with_parent, args=(sys.argv.pop(),), daemon=True).start()
    runpy.run_module("ministack", run_name="__main__")
