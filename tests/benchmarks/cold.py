"""The first invocation of the real artifact under Lambda's runtime interface emulator; and from a process's start to its response."""

from tests.benchmarks.claims import OURS, subjects
from tests.benchmarks.compared import table
from tests.benchmarks.emulator import first_invocation
from tests.benchmarks.functions import Answer, Function, Kit
from tests.benchmarks.processes import first_answer
from tests.benchmarks.report import Section, Table, Target

TITLE = "Claims: the first invocation under Lambda's emulator, init included."
_LOOP = "Claims: from the start of a process to its answer, in a few lines of loop instead of the runtime client."


def cold(kit: Kit, rounds: int) -> Section:
    """Run all claims functions under the emulator."""

    def start(function: Function) -> Answer:
        return first_invocation(kit.emulator, function, kit.log)

    found = table("claims", TITLE, subjects(kit), rounds, start)
    return Section("cold", (found,), tuple(_targets(found)), kit.notes)


def process(kit: Kit, rounds: int) -> Section:
    """Run the same as processes of their own."""
    return Section(
        "process", (table("claims", _LOOP, subjects(kit), rounds, first_answer),), (), kit.notes
    )


def _targets(found: Table) -> list[Target]:
    targets = []
    for job in OURS:
        name = f"{job}: ours"
        targets += [
            Target(f"{name}: wall to bare", 1.25, found.figure(name, "wall_to_bare")),
            Target(f"{name}: wall to guide", 1.0, found.figure(name, "wall_to_guide")),
            Target(f"{name}: CPU over bare, ms", 8.0, found.figure(name, "cpu_over_bare_ms")),
        ]
    size = found.figure("both: ours", "zipped_kb")
    return [*targets, Target("the claims bundle, kB zipped", 300, size)]
