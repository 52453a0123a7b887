"""A handler in a few lines of loop, for both languages: from the spawn of its process to its answer.

A process is killed once it has answered: Lambda, too, never lets one end by itself.
"""

import json
import subprocess
from time import perf_counter

from tests.benchmarks.functions import Answer, Function
from tests.benchmarks.usage import usage_of


def first_answer(function: Function) -> Answer:
    """Start a process, let it answer the event, and end it."""
    command = (*function.runtime.loop, function.handler, json.dumps(function.event))
    pipe = subprocess.PIPE
    began = perf_counter()
    with subprocess.Popen(
        command, cwd=function.directory, env=function.whole_environ, stdin=pipe, stdout=pipe
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            took = usage_of(process.pid, perf_counter() - began)
        finally:
            process.kill()
            process.wait()
    assert line, f"{function.handler}: no answer"
    return Answer(json.loads(line), took)
