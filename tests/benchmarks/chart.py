"""A bar chart as SVG: one line a function, grouped; it needs nothing from elsewhere, and is readable in light and in dark."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from tests.benchmarks.report import Section

_WIDTH, _LABELS, _RIGHT = 760, 250, 70
_LINE, _BAR, _HEAD, _GAP = 24, 14, 26, 10
_STYLE = """
.back { fill: #ffffff }
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.head { font-weight: 600 }
.ours { fill: #0a6e31 } .node { fill: #8c6d1f } .python { fill: #4a6fa5 } .bare { fill: #8b949e }
@media (prefers-color-scheme: dark) {
  .back { fill: #0d1117 } text { fill: #e6edf3 }
  .ours { fill: #3fb950 } .node { fill: #d4a72c } .python { fill: #79a6e0 } .bare { fill: #7d8590 }
}
"""
_SHOWN = {
    "cold": ("SurrealDB", "Hasura", "both"),
    "deployed": ("Fauna", "sync", "Fauna deployed", "sync deployed"),
}
_GROUPS = {
    "SurrealDB": "Claims for SurrealDB",
    "Hasura": "Claims for Hasura",
    "both": "Claims for both",
    "Fauna": "Fauna token, key in the environment",
    "sync": "User sync, secret in the environment",
    "Fauna deployed": "Fauna token, key in Secrets Manager",
    "sync deployed": "User sync, secret in Secrets Manager, with a queue",
}


class Bar(NamedTuple):
    """A function's milliseconds, and the group that it stands in."""

    group: str
    label: str
    kind: str
    milliseconds: float


def bars(sections: Sequence[Section]) -> list[Bar]:
    """Give what the chart shows: the first invocations, with bytecode, as medians."""
    found = [bar for section in sections if section.name == "cold" for bar in _bare(section)]
    for section in sections:
        for job in _SHOWN.get(section.name, ()):
            found += sorted(_group(section, job), key=lambda bar: bar.kind != "ours")
    return found


def _bare(section: Section) -> Iterator[Bar]:
    for table in section.tables:
        for name in ("bare Python", "bare Node"):
            milliseconds = table.figure(name, "wall_ms")
            if milliseconds is not None:
                yield Bar("Nothing: a function that returns its event", name, "bare", milliseconds)


def _group(section: Section, job: str) -> Iterator[Bar]:
    for table in section.tables:
        for name in table.rows:
            milliseconds = table.figure(name, "wall_ms")
            of_job, _, label = name.partition(": ")
            if of_job == job and "from source" not in label and milliseconds is not None:
                kind = "ours" if "ours" in label else "node" if "Node" in label else "python"
                yield Bar(_GROUPS[job], label, kind, milliseconds)


def chart(shown: Sequence[Bar]) -> str:
    """Draw the bars, groups in their order, to one scale."""
    most = max((bar.milliseconds for bar in shown), default=1.0)
    scale = (_WIDTH - _LABELS - _RIGHT) / most
    lines, y, group = [], 0, ""
    for bar in shown:
        if bar.group != group:
            group, y = bar.group, y + _HEAD + _GAP
            lines.append(f'<text class="head" x="0" y="{y - _GAP}">{escape(group)}</text>')
        lines += _bar(bar, y, scale)
        y += _LINE
    described = "; ".join(f"{bar.group}, {bar.label}: {bar.milliseconds:.0f} ms" for bar in shown)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + _GAP}" width="{_WIDTH}" height="{y + _GAP}" role="img" aria-labelledby="title desc">',
            '<title id="title">First invocation under Lambda\'s emulator, init included, in milliseconds</title>',
            f'<desc id="desc">{escape(described)}</desc>',
            f"<style>{_STYLE}</style>",
            '<rect class="back" width="100%" height="100%"/>',
            *lines,
            "</svg>\n",
        )
    )


def _bar(bar: Bar, y: int, scale: float) -> Iterator[str]:
    width = bar.milliseconds * scale
    text = y + _BAR - 3
    yield f'<text x="{_LABELS - 8}" y="{text}" text-anchor="end">{escape(bar.label)}</text>'
    yield f'<rect class="{bar.kind}" x="{_LABELS}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2"/>'
    yield f'<text x="{_LABELS + width + 6:.1f}" y="{text}">{bar.milliseconds:.0f} ms</text>'
