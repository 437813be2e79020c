"""A published version never changes, whoever writes: raw SQL against the database."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from allocation.models import TieringModel
from allocation.triggers import NEVER_CHANGES, NOT_DELETED, ONLY_FORWARD, ensure_triggers

pytestmark = pytest.mark.django_db

VALUES = [
    ("number", 99),
    ("name", "Another"),
    ("playbook", "another"),
    ("definition", '{"segments": []}'),
    ("digest", "0" * 64),
    ("created_at", "2001-01-01 00:00:00+00:00"),
    ("published_at", None),
    ("published_by_id", None),
]


@pytest.fixture
def version(ops):
    def made(status):
        return TieringModel.objects.create(
            number=1, name="One", status=status, published_at=timezone.now(), published_by=ops
        )

    return made


def run(sql, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.mark.parametrize("status", ["published", "retired"])
@pytest.mark.parametrize(("column", "value"), VALUES)
def test_what_a_published_version_is_cannot_be_written_over(version, status, column, value):
    row = version(status)
    before = TieringModel.objects.values().get(pk=row.pk)
    with pytest.raises(IntegrityError, match=NEVER_CHANGES):
        run(f"UPDATE allocation_tieringmodel SET {column} = %s WHERE id = %s", value, row.pk)
    assert TieringModel.objects.values().get(pk=row.pk) == before


def test_who_made_it_stays_too(version, ops):
    row = version("published")
    with pytest.raises(IntegrityError, match=NEVER_CHANGES):
        run("UPDATE allocation_tieringmodel SET created_by_id = %s WHERE id = %s", ops.pk, row.pk)


def test_a_draft_can_be_written_over(version):
    row = version("draft")
    run("UPDATE allocation_tieringmodel SET name = %s WHERE id = %s", "Another", row.pk)
    row.refresh_from_db()
    assert row.name == "Another"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("draft", "retired"),
        ("published", "draft"),
        ("retired", "draft"),
        ("retired", "published"),
        ("draft", "nonsense"),
    ],
)
def test_a_version_never_goes_another_way(version, before, after):
    row = version(before)
    with pytest.raises(IntegrityError, match=ONLY_FORWARD):
        run("UPDATE allocation_tieringmodel SET status = %s WHERE id = %s", after, row.pk)


@pytest.mark.parametrize(("before", "after"), [("draft", "published"), ("published", "retired")])
def test_a_version_goes_forward(version, before, after):
    row = version(before)
    run("UPDATE allocation_tieringmodel SET status = %s WHERE id = %s", after, row.pk)
    row.refresh_from_db()
    assert row.status == after


def test_the_triggers_come_back_after_a_table_was_built_anew(version):
    row = version("published")
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER tieringmodel_never_changes")
        else:
            cursor.execute("DROP TRIGGER tieringmodel_stays ON allocation_tieringmodel")
    run("UPDATE allocation_tieringmodel SET name = %s WHERE id = %s", "Two", row.pk)  # the control
    ensure_triggers(using="default")
    with pytest.raises(IntegrityError, match=NEVER_CHANGES):
        run("UPDATE allocation_tieringmodel SET name = %s WHERE id = %s", "Three", row.pk)


@pytest.mark.postgres
@pytest.mark.parametrize("status", ["published", "retired"])
def test_a_version_that_was_in_force_is_not_deleted(version, status):
    row = version(status)
    with pytest.raises(IntegrityError, match=NOT_DELETED):
        run("DELETE FROM allocation_tieringmodel WHERE id = %s", row.pk)


def test_a_draft_may_be_deleted(version):
    row = version("draft")
    run("DELETE FROM allocation_tieringmodel WHERE id = %s", row.pk)
    assert not TieringModel.objects.exists()


@pytest.mark.parametrize(
    ("clash", "number", "status"),
    [
        ("by its id", 7, "draft"),
        ("by its number", 1, "draft"),
        ("by being the published one", 7, "published"),
    ],
)
def test_a_version_is_not_put_in_the_place_of_another(version, only_on_sqlite, clash, number, status):
    """REPLACE deletes what stands in its way without firing any trigger on UPDATE or DELETE."""
    row = version("published")
    before = TieringModel.objects.values().get()
    own_id = row.pk if clash == "by its id" else row.pk + 1
    columns = "id, number, name, playbook, definition, digest, status, created_at"
    with pytest.raises(IntegrityError, match=NEVER_CHANGES):
        run(
            f"REPLACE INTO allocation_tieringmodel ({columns}) VALUES (%s, %s, 'Theirs', '', '{{}}', '', %s, '2001-01-01')",
            own_id,
            number,
            status,
        )
    assert TieringModel.objects.values().get() == before
