"""Querysets of notices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q


class NoticeQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> NoticeQuerySet:
        """Everybody the own ones, CS ops all: they look for mail that did not go out."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        return self.all() if user.is_ops else self.filter(Q(to=user))

    def unsent(self) -> NoticeQuerySet:
        return self.filter(sent_at__isnull=True)

    def leave(
        self, *, to: Iterable[int], kind: str, about: str, subject: str, body: str, at: datetime
    ) -> None:
        """Write a mail down for each of these people, in the transaction of what it is about; `allocation.tasks` sends it.

        about: what it is about, such as "override-7-asked": a second notice of the same to the same person is dropped.
        """
        rows = [
            self.model(to_id=pk, kind=kind, key=f"{about}-to-{pk}", subject=subject, body=body, created_at=at)
            for pk in sorted(set(to))
        ]
        self.bulk_create(rows, ignore_conflicts=True)
