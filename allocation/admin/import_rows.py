"""Rows of an import as the preview shows them."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator

from accounts.models import ImportBatch
from allocation.forms.importing import words_of
from allocation.services import importing

PAGE_ROWS = 50
SHOWN_VALUES = 6
OUTCOME_BADGES = {
    "created": ("New", "good", "plus"),
    "updated": ("Changed", "info", "edit"),
    "unchanged": ("Unchanged", "neutral", "check"),
    "rejected": ("Refused", "bad", "alert"),
}

# How the numbers of the list of imports come.
OUTCOMES_IN_WORDS = {
    "rows_num": "Rows of the file, blank ones left out.",
    "created_num": "Rows whose key nobody in the list had.",
    "updated_num": "Rows that differed from the list in one value or more.",
    "unchanged_num": "Rows that said what the list said already.",
    "rejected_num": "Rows with a fault: nothing of them is written.",
}


def page_of(*, batch: ImportBatch, outcome: str, number: str | None) -> tuple[Page, list[importing.Row]]:
    """The page of rows with this outcome (any when blank); a number that is no page gives the nearest one."""
    total = getattr(batch, outcome) if outcome else batch.rows
    page = Paginator(range(total), PAGE_ROWS).get_page(number)
    if not total:
        return page, []
    rows, _ = importing.page_of_rows(
        batch=batch, outcome=outcome, start=page.start_index() - 1, size=PAGE_ROWS
    )
    return page, rows


def described(*, row: importing.Row) -> dict[str, Any]:
    """A row as the table shows it."""
    words, tone, icon_name = OUTCOME_BADGES[row.outcome]
    shown = [
        {"column": words_of(column), "before": _shown(row.before.get(column)), "after": _shown(value)}
        for column, value in row.values.items()
        if row.outcome == "updated"
        or (value not in (None, "", []) and not (column == "name" and value == row.key))
    ]
    return {
        "line": row.line,
        "key": row.key,
        "name": row.values.get("name", ""),
        "outcome": row.outcome,
        "words": words,
        "tone": tone,
        "icon": icon_name,
        "changes": shown if row.outcome == "updated" else shown[:SHOWN_VALUES],
        "more": 0 if row.outcome == "updated" else max(0, len(shown) - SHOWN_VALUES),
        "problems": row.problems,
    }


def _shown(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "blank"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
