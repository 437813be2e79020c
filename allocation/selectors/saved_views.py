"""A person's own views of a list."""

from __future__ import annotations

from typing import Any

from allocation.models import SavedView


def view_in_scope(*, user: Any, pk: int) -> SavedView | None:
    return SavedView.objects.of(user).filter(pk=pk).first()
