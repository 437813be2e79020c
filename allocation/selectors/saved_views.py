"""A person's own views of a list."""

from __future__ import annotations

from typing import Any

from allocation.models import SavedView


def saved_views(*, user: Any, list_name: str) -> list[SavedView]:
    """By name; one query."""
    return list(SavedView.objects.of(user).filter(list=list_name).order_by("name", "pk"))


def view_in_scope(*, user: Any, pk: int) -> SavedView | None:
    return SavedView.objects.of(user).filter(pk=pk).first()
