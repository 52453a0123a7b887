"""Measure this library beside its peers, in one run: `python -m tests.benchmarks [--rounds N] [--only SECTION,...] [--cache DIR]`.

Needs the environment of `.[dev]`; makes what else it runs (AWS SAM for Lambda's emulator, Lambda's runtime clients, the peers) in the
cache, by pip and npm. A whole run writes `docs/performance.json`, the chart, and the tables in `docs/performance.md`.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.backfill import backfill
from tests.benchmarks.cache import Cache, NotRun
from tests.benchmarks.cold import cold, process
from tests.benchmarks.deployed import deployed
from tests.benchmarks.functions import Kit, kit
from tests.benchmarks.growth import growth
from tests.benchmarks.load import load
from tests.benchmarks.lookups import lookups
from tests.benchmarks.pages import write
from tests.benchmarks.report import Section, as_text
from tests.benchmarks.rules import rules
from tests.benchmarks.throttled import throttled
from tests.benchmarks.warm import warm
from tests.benchmarks.worker import worker

WITH_KIT: Mapping[str, Callable[[Kit, int], Section]] = {
    "cold": cold,
    "process": process,
    "deployed": deployed,
    "lookups": lookups,
    "warm": warm,
    "rules": rules,
    "throttled": throttled,
}
ALONE: Mapping[str, Callable[[int], Section]] = {
    "growth": growth,
    "worker": worker,
    "backfill": backfill,
    "load": load,
}


def main() -> None:
    """Run what is wanted, and print each section when it is done."""
    options = _options()
    # Leave in order when told to: servers and processes are ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with TemporaryDirectory() as temporary:
        cache = Cache(options.cache or Path(temporary))
        done = []
        for section in _sections(options.only, cache, options.rounds):
            print("\n".join(as_text(section)), flush=True)
            done.append(section)
    if len(done) == len(WITH_KIT) + len(ALONE):
        write(done, options.rounds)
    missed = [each.name for section in done for each in section.targets if each.verdict == "missed"]
    print(f"targets missed: {', '.join(missed) or 'none'}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="how often a cold start is measured")
    every = [*WITH_KIT, *ALONE]
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=every,
        help=f"some sections, printed and not written: {', '.join(every)}",
    )
    parser.add_argument("--cache", type=Path, help="where to keep what is made; by default nowhere")
    options = parser.parse_args()
    if options.rounds < 2 or not {*options.only} <= {*every}:
        parser.error(f"--rounds: 2 or more; --only: some of {', '.join(every)}")
    return options


def _sections(wanted: list[str], cache: Cache, rounds: int) -> Iterator[Section]:
    made: Kit | NotRun | None = None
    for name in (*WITH_KIT, *ALONE):
        if name in wanted:
            made = made or (_kit(cache) if name in WITH_KIT else None)
            yield _section(name, made, rounds)


def _section(name: str, made: Kit | NotRun | None, rounds: int) -> Section:
    try:
        if name in ALONE:
            return ALONE[name](rounds)
        if isinstance(made, Kit):
            return WITH_KIT[name](made, rounds)
    except NotRun as reason:
        made = reason
    return Section(name, notes=(f"not run: {made}",))


def _kit(cache: Cache) -> Kit | NotRun:
    try:
        return kit(cache)
    except NotRun as reason:
        return reason


if __name__ == "__main__":
    main()
