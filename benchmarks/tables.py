"""Tables as Markdown that is readable in a terminal too, and the verdict of a goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Cell = str | int | float | None


def table(headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Aligned Markdown; None is shown as a dash, the first column to the left, the others to the right."""
    shown = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(len(line[at]) for line in (headers, *shown)) for at in range(len(headers))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join([first, *others]) + " |"

    rule = (
        "|" + "|".join("-" * (width + 1) + ("-" if not at else ":") for at, width in enumerate(widths)) + "|"
    )
    return "\n".join([line(headers), rule, *(line(row) for row in shown)])


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    return f"{cell:,.3f}".replace(",", " ") if isinstance(cell, float) else str(cell)


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure against what it must be at most and what is aimed at. ``value`` None: why is in ``without``.

    ``late``: it was reached in more than the seconds that the goal names.
    """

    name: str
    value: float | None
    must: float
    aim: float
    unit: str
    without: str = "not measured"
    late: bool = False

    @property
    def verdict(self) -> str:
        """In words."""
        if self.value is None:
            return self.without
        if self.value > self.must:
            return "MISSED"
        return ("aim" if self.value <= self.aim else "must") + " reached" + (", late" if self.late else "")

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "verdict": self.verdict}


def goals_table(goals: Sequence[Goal]) -> str:
    """One line a goal."""
    rows = [
        (goal.name, goal.value, f"{goal.must:g}", f"{goal.aim:g}", goal.unit, goal.verdict) for goal in goals
    ]
    return table(("goal (at most)", "measured", "must", "aim", "unit", "verdict"), rows)
