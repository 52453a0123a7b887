"""What a section of the benchmark found: tables, targets and notes, as text, as Markdown and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Figure = float | str | None


class Column(NamedTuple):
    """A column's stable key in the JSON, its title, and the digits that are shown."""

    key: str
    title: str
    digits: int = 1


class Table(NamedTuple):
    """Rows by name; a figure that there is none of is None. The name is the JSON's."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Mapping[str, tuple[Figure, ...]]

    def figure(self, row: str, key: str) -> float | None:
        """Look a number up; None where the row was not run."""
        if row not in self.rows:
            return None
        position = [column.key for column in self.columns].index(key)
        found = self.rows[row][position]
        return found if isinstance(found, float | int) else None


class Target(NamedTuple):
    """A bound that a figure must not exceed; None was not run."""

    name: str
    bound: float
    measured: float | None

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not run"
        return "reached" if self.measured <= self.bound else "missed"


class Section(NamedTuple):
    """What one section found, or in `notes` why it was not run."""

    name: str
    tables: tuple[Table, ...] = ()
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = ()


def as_text(section: Section) -> Iterator[str]:
    """Give the lines for a terminal."""
    yield f"== {section.name}"
    for table in section.tables:
        yield from ("", table.title)
        yield from _aligned(_cells(table))
    if section.targets:
        yield ""
        yield from _aligned(_target_cells(section.targets))
    yield from section.notes
    yield ""


def as_markdown(section: Section) -> Iterator[str]:
    """Give the lines for a page."""
    for table in section.tables:
        yield from (f"{table.title}", "", *_markdown(_cells(table)), "")
    if section.targets:
        yield from (*_markdown(_target_cells(section.targets)), "")
    for note in section.notes:
        yield from (note, "")


def as_json(section: Section) -> dict[str, Any]:
    """Give what JSON can hold, with the columns' keys."""
    tables = {
        table.name: {
            name: {
                column.key: round(figure, 4) if isinstance(figure, float) else figure
                for column, figure in zip(table.columns, row, strict=True)
            }
            for name, row in table.rows.items()
        }
        for table in section.tables
    }
    targets = [{**target._asdict(), "verdict": target.verdict} for target in section.targets]
    return {"tables": tables, "targets": targets, "notes": [*section.notes]}


def _cells(table: Table) -> Iterator[tuple[str, ...]]:
    yield ("", *(column.title for column in table.columns))
    for name, row in table.rows.items():
        pairs = zip(table.columns, row, strict=True)
        yield (name, *(_shown(figure, column.digits) for column, figure in pairs))


def _target_cells(targets: Sequence[Target]) -> Iterator[tuple[str, ...]]:
    yield ("target", "at most", "measured", "")
    for target in targets:
        measured = _shown(target.measured, 2)
        yield (target.name, f"{target.bound:g}", measured, target.verdict)


def _shown(figure: Figure, digits: int) -> str:
    if figure is None:
        return ""
    return figure if isinstance(figure, str) else f"{figure:,.{digits}f}"


def _aligned(rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    cells = [*rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for name, *others in cells:
        shown = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join((f"{name:{widths[0]}}", *shown)).rstrip()


def _markdown(rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"|---{'|--:' * (len(row) - 1)}|"
