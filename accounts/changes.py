"""Who changed which setting, tier, model, policy or person, and when: one log, written in the transaction of the change.

django-auditlog sees what is saved or deleted row by row. A write that goes past save() says so itself: `update_logged`
and `logged` instead of `update` (tests/house/test_logged.py finds those that do not).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from auditlog import get_logentry_model
from auditlog.diff import model_instance_diff
from auditlog.registry import auditlog
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models.signals import pre_save

Person = Callable[[], Any]
_person: ContextVar[Person | None] = ContextVar("acting_person", default=None)


def keep_changes(model: type[models.Model], *, but: Iterable[str] = (), many: Iterable[str] = ()) -> None:
    """Log changes of this model's own columns, but these; of relations to many, only those named."""
    columns = [field.name for field in model._meta.concrete_fields if field.name not in {"id", *but}]
    auditlog.register(model, include_fields=columns, m2m_fields=set(many))


def keep_who() -> None:
    """Every line of the log says who acted (`acting`). To be called once the apps are there."""
    pre_save.connect(_by_whom, sender=get_logentry_model(), dispatch_uid="changes_by_whom")


def is_logged(model: type[models.Model]) -> bool:
    return bool(auditlog.contains(model))


@contextmanager
def acting(person: Person) -> Iterator[None]:
    """What is changed within is logged as this person's. Asked only when something is logged, and may say None."""
    token = _person.set(person)
    try:
        yield
    finally:
        _person.reset(token)


def update_logged(rows: models.QuerySet, **values: Any) -> int:
    """`rows.update(**values)`, logged row by row. The rows are locked first, so that what is logged is what was done."""
    with logged(rows) as ids:
        return rows.model._base_manager.using(rows.db).filter(pk__in=ids).update(**values)


@contextmanager
def logged(rows: models.QuerySet) -> Iterator[list[Any]]:
    """Writes past save() within are logged: one change a row, from how it was to how it is at the end. Gives the keys."""
    with transaction.atomic(using=rows.db):
        # Of "self" only: a row that is joined may be none, and then cannot be locked.
        before = {row.pk: row for row in rows.select_for_update(of=("self",)).order_by("pk")}
        yield list(before)
        after = rows.model._base_manager.using(rows.db).in_bulk(before)
        lines = [_line(before[pk], after[pk]) for pk in before if pk in after]
        get_logentry_model().objects.bulk_create([line for line in lines if line is not None])


def note_change(row: models.Model, changes: Mapping[str, tuple[Any, Any]]) -> None:
    """One line about a row whose other columns are not logged: {column: (before, after)}, where they differ."""
    found = {name: [before, after] for name, (before, after) in changes.items() if before != after}
    if found:
        _line_of(row, found).save()


def _line(before: models.Model, after: models.Model) -> Any:
    found = model_instance_diff(before, after, use_json_for_changes=True)
    return _line_of(after, found) if found else None


def _line_of(after: models.Model, found: Mapping[str, Any]) -> Any:
    log = get_logentry_model()
    line = log(
        content_type=ContentType.objects.get_for_model(after),
        object_pk=str(after.pk),
        object_id=after.pk,
        object_repr=str(after),
        action=log.Action.UPDATE,
        changes=found,
    )
    _sign(line)
    return line


def _by_whom(sender: Any, instance: Any, **kwargs: Any) -> None:
    if instance.actor_id is None:
        _sign(instance)


def _sign(line: Any) -> None:
    asked = _person.get()
    person = asked() if asked is not None else None
    if person is not None:
        line.actor, line.actor_email = person, person.email
