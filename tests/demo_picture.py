"""The picture of `cognito-claims demo` in docs/demo.svg, made anew from a real run: `python -m tests.demo_picture`."""

import inspect
import io
import re
from pathlib import Path

from rich.console import Console

from cognito_claims.tools.demo.demo import run_demo

PICTURE = Path(__file__).parents[1] / "docs" / "demo.svg"
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def picture() -> str:
    """Run the demo, and draw what it prints, with the reader's own fonts."""
    console = Console(record=True, width=100, file=io.StringIO())
    result = run_demo(console)
    assert result.ok, result
    template: str = inspect.signature(Console.export_svg).parameters["code_format"].default
    template = re.sub(r"@font-face \{\{.*?\}\}\s*", "", template, flags=re.DOTALL)
    template = template.replace("Fira Code, monospace", _FONT)
    return console.export_svg(title="cognito-claims demo", code_format=template, unique_id="demo")


if __name__ == "__main__":
    PICTURE.write_text(picture())
