"""Querysets of tiering models and their locks."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from typing import Any

from django.db import models
from django.db.models import Max
from django.utils import timezone


def definition_digest(*, definition: object) -> str:
    """The same rules give the same digest, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()


def day_of(at: datetime) -> date:
    """The day a moment falls on where the company is."""
    return at.astimezone(timezone.get_current_timezone()).date()


class TieringModelQuerySet(models.QuerySet):
    def published(self) -> TieringModelQuerySet:
        """The version in force: one, or none."""
        return self.filter(status="published")

    def drafts(self) -> TieringModelQuerySet:
        return self.filter(status="draft")

    def next_number(self) -> int:
        return int(self.aggregate(last=Max("number"))["last"] or 0) + 1

    def draft(self, *, name: str, definition: Any, playbook: str = "", created_by_id: int | None) -> Any:
        """A new draft under the next number. Two at once: the second raises IntegrityError."""
        return self.create(
            number=self.next_number(),
            name=name,
            playbook=playbook,
            definition=definition,
            digest=definition_digest(definition=definition),
            created_by_id=created_by_id,
        )

    def put_in_force(self, version: Any, *, at: datetime, published_by_id: int | None) -> bool:
        """Publish a draft as it was read and retire the version before; False if it changed since. In a transaction."""
        as_read = self.drafts().filter(pk=version.pk, digest=version.digest)
        self.published().exclude(pk=version.pk).update(status="retired")
        return bool(
            as_read.update(
                status="published",
                digest=definition_digest(definition=version.definition),
                published_at=at,
                published_by=published_by_id,
            )
        )


class ModelLockQuerySet(models.QuerySet):
    """Nobody changes or deletes a row: the newest counts, the others are history."""

    def newest_first(self) -> ModelLockQuerySet:
        return self.select_related("set_by").order_by("-pk")

    def in_force(self, on: date) -> Any:
        """The lock that holds on a day, or None: the newest row, while the day is before its end."""
        newest = self.newest_first().first()
        return newest if newest is not None and newest.until is not None and on < newest.until else None
