"""A run with its model as whoever works on it reads it; the statement is made once in a process, the answer is read each time."""

from __future__ import annotations

from functools import cache
from typing import Any

from accounts.kept_statements import Kept
from allocation.models import RetierRun, TieringModel

_MODEL = "tiering_model"


def run_with_model(run_id: int, *, unread: tuple[str, ...] = ()) -> RetierRun:
    """unread: fields of the run that are not looked at. Raises RetierRun.DoesNotExist."""
    own, models, kept = _statement(unread)
    rows = kept.rows(pk=run_id)
    if not rows:
        raise RetierRun.DoesNotExist(f"There is no run {run_id}.")
    (row,) = rows
    run = RetierRun.from_db("default", own, row[: len(own)])
    run.tiering_model = TieringModel.from_db("default", models, row[len(own) :])
    return run


@cache
def _statement(unread: tuple[str, ...]) -> tuple[list[str], list[str], Kept]:
    own = [field.attname for field in RetierRun._meta.concrete_fields if field.name not in unread]
    models = [field.attname for field in TieringModel._meta.concrete_fields]
    names = (*own, *(f"{_MODEL}__{name}" for name in models))

    def asked(*, pk: int) -> Any:
        return RetierRun.objects.filter(pk=pk).values_list(*names)

    return own, models, Kept(asked)
