"""The tables of `docs/rules.md`, made from the schema: `python -m tests.rules_reference` writes them anew."""

import json
from pathlib import Path
from typing import Any

from tests.rules_documents import without_lookups

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "rules.md"
SCHEMA = json.loads((ROOT / "cognito_claims" / "rules" / "schema.json").read_text("utf-8"))
_WIDTH = 78
_BEGIN, _END = "<!-- begin {} -->\n", "<!-- end {} -->"
TABLES = (
    "sections",
    "claim",
    "conditions",
    "among",
    "group",
    "denial",
    "lookup",
    "dynamodb",
    "https",
)


def table(name: str) -> str:
    """Give the Markdown table of an object of the schema."""
    of = SCHEMA if name == "sections" else SCHEMA["$defs"][name]
    required = of.get("required", ())
    rows = ["| word | meaning |", "|---|---|"]
    for word, described in of["properties"].items():
        told = f"{'Required. ' * (word in required)}{_described(described)}"
        rows.append(f"| `{word}` | {told} |")
    return "\n".join(rows) + "\n"


def _described(schema: dict[str, Any]) -> str:
    if "description" not in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    text: str = schema["description"]
    return text


def pretty(value: Any, indent: int = 0) -> str:
    """Write JSON for people: what fits into a line stands in one."""
    text = json.dumps(value, ensure_ascii=False)
    if indent + len(text) <= _WIDTH or not isinstance(value, (dict, list)):
        return text
    inner = indent + 2
    if isinstance(value, dict):
        members = [f"{json.dumps(name)}: {pretty(v, inner)}" for name, v in value.items()]
    else:
        members = [pretty(item, inner) for item in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    lines = ",".join(f"\n{' ' * inner}{member}" for member in members)
    return f"{first}{lines}\n{' ' * indent}{last}"


def parts() -> dict[str, str]:
    """Give all that is made, by its name."""
    example = pretty(without_lookups())
    return {"example": f"```json\n{example}\n```\n", **{name: table(name) for name in TABLES}}


def made(page: str) -> str:
    """Give the page with everything between its marks made anew."""
    for name, text in parts().items():
        begin, end = _BEGIN.format(name), _END.format(name)
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}{text}{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(made(PAGE.read_text("utf-8")), "utf-8")
