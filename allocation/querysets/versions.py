"""Querysets of tiering models and their locks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.db import DatabaseError, IntegrityError, connections, models, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.changes import update_logged

# The advisory lock of PostgreSQL that drafting and publishing take turns by; any number that nothing else uses.
TURN = 0x7469657273
DEADLOCK = "40P01"


def is_clash(error: DatabaseError) -> bool:
    """Whether somebody else at the same moment is the reason: a key written twice, or two who waited for each other."""
    return isinstance(error, IntegrityError) or getattr(error.__cause__, "sqlstate", "") == DEADLOCK


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

    def take_turn(self) -> None:
        """Wait for whoever drafts or publishes just now; the turn lasts until the transaction ends.

        A lock on rows would not do: the first version has none, and a playbook writes many tables. SQLite has one
        writer at a time.
        """
        connection = connections[self.db]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])

    @contextmanager
    def in_turn(self, refusal: Exception) -> Iterator[None]:
        """A transaction that drafts or publishes, one after the other; a clash all the same raises `refusal`."""
        try:
            with transaction.atomic(using=self.db):
                self.take_turn()
                yield
        except DatabaseError as error:
            if not is_clash(error):
                raise
            raise refusal from error

    def next_number(self) -> int:
        """The number of a version that is stored in the same transaction: whoever wants one too waits for its end."""
        self.take_turn()
        return int(self.aggregate(last=Max("number"))["last"] or 0) + 1

    def draft(self, *, name: str, definition: Any, playbook: str = "", created_by_id: int | None) -> Any:
        """A new draft under the next number. In a transaction."""
        return self.create(
            number=self.next_number(),
            name=name,
            playbook=playbook,
            definition=definition,
            digest=definition_digest(definition=definition),
            created_by_id=created_by_id,
        )

    def put_in_force(self, version: Any, *, at: datetime, published_by_id: int | None) -> bool:
        """Publish a draft as it was read, retire the version before, make its open runs stale. In a transaction.

        False: the draft changed since, or is none any more.
        """
        as_read = self.drafts().filter(pk=version.pk, digest=version.digest)
        update_logged(self.published().exclude(pk=version.pk), status="retired")
        published = update_logged(
            as_read,
            status="published",
            digest=definition_digest(definition=version.definition),
            published_at=at,
            published_by=published_by_id,
        )
        if published:
            version.runs.model._default_manager.outdate(model_id=version.pk, number=version.number)
        return bool(published)


class ModelLockQuerySet(models.QuerySet):
    """Nobody changes or deletes a row: the newest counts, the others are history."""

    def newest_first(self) -> ModelLockQuerySet:
        return self.select_related("set_by").order_by("-pk")

    def in_force(self, on: date) -> Any:
        """The lock that holds on a day, or None: the newest row, while the day is before its end."""
        newest = self.newest_first().first()
        return newest if newest is not None and newest.until is not None and on < newest.until else None
