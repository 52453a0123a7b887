"""What a whole run is written to: `docs/performance.json`, the tables between marks in `docs/performance.md`, and the chart."""

import json
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks import guides
from tests.benchmarks.cache import NotRun
from tests.benchmarks.chart import bars, chart
from tests.benchmarks.report import Section, as_json, as_markdown

_ROOT = Path(__file__).parents[2]
PAGE = _ROOT / "docs/performance.md"
_BEGIN, _END = "<!-- begin {} -->\n", "<!-- end {} -->"


def write(sections: Sequence[Section], rounds: int) -> None:
    """Write all three, of one run."""
    about = _about(rounds)
    content = {**about, "sections": {each.name: as_json(each) for each in sections}}
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    PAGE.with_suffix(".json").write_text(text)
    PAGE.with_suffix(".svg").write_text(chart(bars(sections)))
    PAGE.write_text(with_tables(PAGE.read_text(), sections, about))


def with_tables(page: str, sections: Sequence[Section], about: Mapping[str, Any]) -> str:
    """Give the page with what stands between its marks made anew."""
    parts = {each.name: "\n".join(as_markdown(each)) for each in sections}
    parts["run"] = "".join(f"{line}\n" for line in _told(about))
    for name, text in parts.items():
        before, begin, rest = page.partition(_BEGIN.format(name))
        _, end, after = rest.partition(_END.format(name))
        assert end, f"{PAGE.name}: no marks for {name}"
        page = f"{before}{begin}{text}{end}{after}"
    return page


def _about(rounds: int) -> dict[str, Any]:
    """Say where and when it was run, and of what."""
    git = ("git", "-C", str(_ROOT))
    commit = _printed(*git, "rev-parse", "--short=12", "HEAD")
    is_changed = bool(_printed(*git, "status", "--porcelain", "cognito_claims", "sam"))
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit + "+" * is_changed,
        "rounds": rounds,
        "machine": {
            "cpu": _cpu(),
            "cores": len(_lines("processor")),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "node": _node(),
        },
    }


def _told(about: Mapping[str, Any]) -> Iterator[str]:
    machine = about["machine"]
    commit = about["commit"].rstrip("+") + (
        " and changes to it" if about["commit"].endswith("+") else ""
    )
    yield f"Run on {about['date']} at commit {commit}, in {about['rounds']} rounds."
    yield f"{machine['cores']} cores of {machine['cpu']}, {machine['system']}, Python {machine['python']}, Node {machine['node']}."


def _cpu() -> str:
    models = _lines("model name")
    return models[0] if models else platform.machine()


def _lines(name: str) -> list[str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return [line.partition(":")[2].strip() for line in lines if line.startswith(name)]


def _node() -> str:
    try:
        return _printed(guides.node(), "--version").removeprefix("v")
    except NotRun:
        return "none"


def _printed(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.stdout.strip()
