"""Applying: once, as previewed, resumable, and never half where one transaction is promised."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import Customer, ImportBatch, Vertical
from allocation.services import importing
from allocation.services.importing import applying, bulk_sql, stopping, storing
from allocation.services.importing.writing_customers import Writer
from tests.factories import TODAY, CustomerFactory

pytestmark = pytest.mark.django_db


def staged(text: str, kind: str = "customers", **wishes: Any) -> ImportBatch:
    """A file, received and read."""
    batch = importing.receive_import(
        kind=kind,
        file_name="list.csv",
        data=text.encode(),
        wishes=importing.Wishes(**wishes),
        all_or_nothing=False,
        user=None,
    )
    return importing.stage_import(batch_id=batch.pk, on=TODAY)


def confirmed(text: str) -> ImportBatch:
    return importing.confirm_import(batch_id=staged(text).pk, user=None)


def numbered(rows: int, arr: int = 1) -> str:
    return "external_id,name,parent,vertical,arr\n" + "".join(
        f"A{at:03d},Name {at},{f'A{at - 1:03d}' if at % 10 else ''},V{at % 3},{arr}\n" for at in range(rows)
    )


def test_a_batch_is_applied_once_however_often_it_is_asked() -> None:
    batch = confirmed(numbered(5))
    first = importing.apply_import(batch_id=batch.pk, on=TODAY)
    assert first.status == "applied"
    before = list(Customer.objects.order_by("pk").values())
    for _ in range(2):
        assert importing.apply_import(batch_id=batch.pk, on=TODAY).status == "applied"
    assert list(Customer.objects.order_by("pk").values()) == before
    with pytest.raises(importing.UnableToApplyImport, match="confirmed already"):
        importing.confirm_import(batch_id=batch.pk, user=None)


def test_nothing_is_applied_before_it_is_confirmed() -> None:
    batch = staged(numbered(5))
    assert importing.apply_import(batch_id=batch.pk, on=TODAY).status == "staged"
    assert not Customer.objects.exists()


def test_a_customer_made_since_the_preview_stops_the_import() -> None:
    batch = confirmed(numbered(5))
    CustomerFactory(external_id="A003", name="Made by hand")
    with pytest.raises(importing.UnableToApplyImport, match="changed since the preview"):
        importing.apply_import(batch_id=batch.pk, on=TODAY)
    batch.refresh_from_db()
    assert (batch.status, batch.created, batch.updated) == ("staged", 4, 1)
    assert Customer.objects.count() == 1
    assert not Vertical.objects.exists()


def test_a_change_in_a_column_the_file_does_not_name_stops_nothing() -> None:
    customer = CustomerFactory(external_id="A000", name="Name 0", health=1)
    batch = confirmed("external_id,arr\nA000,7\n")
    Customer.objects.filter(pk=customer.pk).update(health=2)
    assert importing.apply_import(batch_id=batch.pk, on=TODAY).status == "applied"
    customer.refresh_from_db()
    assert (customer.arr, customer.health) == (7, 2)


def test_an_import_that_breaks_off_writes_nothing_and_can_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = confirmed(numbered(5))
    with monkeypatch.context() as broken:
        broken.setattr(Writer, "set_parents", _dies)
        with pytest.raises(RuntimeError):
            importing.apply_import(batch_id=batch.pk, on=TODAY)
    assert not Customer.objects.exists()
    assert not Vertical.objects.exists()
    assert importing.apply_import(batch_id=batch.pk, on=TODAY).status == "applying", "the claim still stands"
    ImportBatch.objects.filter(pk=batch.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert importing.apply_import(batch_id=batch.pk, on=TODAY).status == "applied"
    assert Customer.objects.count() == 5


def _dies(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("the machine went away")


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch, only_on_sqlite: None) -> None:
    """A long file in miniature: steps of two chunks of five rows. PostgreSQL writes any file in one transaction."""
    monkeypatch.setattr(storing, "CHUNK_ROWS", 5)
    monkeypatch.setattr(stopping, "ROWS_IN_ONE_TRANSACTION", 10)
    monkeypatch.setattr(applying, "CHUNKS_IN_A_STEP", 2)


@pytest.mark.usefixtures("small_steps")
def test_a_long_file_is_written_in_steps_under_one_batch() -> None:
    batch = importing.apply_import(batch_id=confirmed(numbered(33)).pk, on=TODAY)
    assert (batch.status, batch.created, batch.rejected) == ("applied", 33, 0)
    assert Customer.objects.count() == 33
    assert Customer.objects.get(external_id="A032").parent.external_id == "A031"
    again = staged(numbered(33))
    assert (again.unchanged, again.created) == (33, 0)


@pytest.mark.usefixtures("small_steps")
def test_a_long_file_that_breaks_off_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = confirmed(numbered(33))
    written: list[int] = []
    real = Writer.write

    def write(self: Writer, rows: Any) -> None:
        if len(written) == 3:
            raise RuntimeError("the machine went away")
        written.append(len(rows))
        real(self, rows)

    with monkeypatch.context() as broken:
        broken.setattr(Writer, "write", write)
        with pytest.raises(RuntimeError):
            importing.apply_import(batch_id=batch.pk, on=TODAY)
    assert Customer.objects.count() == 10, "the first step is there, the second is not"
    ImportBatch.objects.filter(pk=batch.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert importing.apply_import(batch_id=batch.pk, on=TODAY).status == "applied"
    assert Customer.objects.count() == 33


@pytest.mark.usefixtures("small_steps")
def test_between_steps_a_row_that_changed_is_refused_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    importing.apply_import(batch_id=confirmed(numbered(33)).pk, on=TODAY)
    batch = confirmed(numbered(33, arr=9))
    real = Writer.write

    def write(self: Writer, rows: Any) -> None:
        if rows[0].key == "A005":
            Customer.objects.filter(external_id="A020").update(arr=5)
        real(self, rows)

    monkeypatch.setattr(Writer, "write", write)
    batch = importing.apply_import(batch_id=batch.pk, on=TODAY)
    assert (batch.updated, batch.rejected, batch.rows) == (32, 1, 33)
    assert Customer.objects.get(external_id="A020").arr == 5
    [error] = importing.report_of_batch(batch=batch)["errors"]
    assert error["value"] == "A020"


def test_a_clash_in_the_database_stops_the_import_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = confirmed(numbered(5))

    def clash(*args: Any, **kwargs: Any) -> None:
        raise IntegrityError("somebody was first")

    with monkeypatch.context() as broken:
        broken.setattr(Writer, "write", clash)
        with pytest.raises(importing.UnableToApplyImport):
            importing.apply_import(batch_id=batch.pk, on=TODAY)
    batch.refresh_from_db()
    assert batch.status == "staged"


def test_abandoned_imports_are_dropped_with_their_rows() -> None:
    old, fresh = staged(numbered(2)), staged(numbered(3))
    ImportBatch.objects.filter(pk=old.pk).update(queued_at=timezone.now() - timedelta(days=2))
    assert importing.discard_abandoned_imports(before=timezone.now() - timedelta(days=1)) == 1
    old.refresh_from_db()
    assert old.status == "discarded"
    assert not old.chunks.exists()
    assert fresh.chunks.exists()


def test_pages_of_rows_cover_every_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "CHUNK_ROWS", 5)
    CustomerFactory(external_id="A001", name="Name 1", arr=1)
    batch = staged(numbered(33).replace(",V1,1", ",V1,x", 4))
    for outcome in ("", *importing.OUTCOMES):
        lines: list[int] = []
        start = 0
        while True:
            rows, total = importing.page_of_rows(batch=batch, outcome=outcome, start=start, size=4)
            lines += [row.line for row in rows]
            start += 4
            if len(rows) < 4:
                break
        assert len(lines) == len(set(lines)) == total
        assert lines == sorted(lines)


def test_more_new_customers_than_go_in_one_statement_are_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_sql, "ROWS_TOGETHER", 2)
    batch = confirmed(numbered(5))
    assert importing.apply_import(batch_id=batch.pk, on=TODAY).created == 5
    keys = list(Customer.objects.order_by("pk").values_list("external_id", flat=True))
    assert keys == [f"A{at:03d}" for at in range(5)]
