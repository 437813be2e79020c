"""An import that is cancelled: dropped while it is read, staged again before it is written, stopped between two steps."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Customer, ImportBatch, ImportFile
from allocation.services import importing
from allocation.services.importing import applying, staging, stopping, storing
from allocation.services.importing.writing_customers import Writer
from allocation.tasks import importing as tasks
from tests.factories import TODAY, GoalKindFactory
from tests.importing.test_applying import confirmed, numbered, staged

pytestmark = pytest.mark.django_db


def cancel(batch: ImportBatch, by: Any) -> str:
    said: str = importing.cancel_import(batch_id=batch.pk, user=by, at=timezone.now())
    batch.refresh_from_db()
    return said


def received(text: str) -> ImportBatch:
    return importing.receive_import(
        kind="customers",
        file_name="list.csv",
        data=text.encode(),
        wishes=importing.Wishes(),
        all_or_nothing=False,
        user=None,
    )


def test_a_file_that_waits_to_be_read_is_dropped(cast: Any) -> None:
    batch = received(numbered(3))
    cancel(batch, cast.ops)
    assert (batch.status, batch.message) == ("discarded", "Cancelled by Olga Ops; nothing was written.")
    assert not ImportFile.objects.exists()


def test_a_file_that_is_read_is_dropped_at_its_next_heartbeat(
    cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = received(numbered(3))
    real = staging.prepare

    def asked(**given: Any) -> Any:
        cancel(batch, cast.ops)
        return real(**given)

    monkeypatch.setattr(staging, "prepare", asked)
    assert importing.stage_import(batch_id=batch.pk, on=TODAY).status == "discarded"
    assert not ImportFile.objects.exists()
    assert not batch.chunks.exists()


def test_a_confirmed_file_that_nobody_began_to_write_can_be_confirmed_again(cast: Any) -> None:
    batch = confirmed(numbered(3))
    cancel(batch, cast.ops)
    assert batch.status == "staged"
    assert "before anything was written" in batch.message
    importing.confirm_import(batch_id=batch.pk, user=None)
    assert importing.apply_import(batch_id=batch.pk, on=TODAY).status == "applied"


def test_what_is_written_in_one_step_cannot_be_cancelled(cast: Any) -> None:
    batch = confirmed(numbered(3))
    ImportBatch.objects.claim(batch.pk, owner="alive", waiting=["confirmed"], working="applying")
    batch.refresh_from_db()
    assert not importing.can_be_cancelled(batch=batch, at=timezone.now())
    with pytest.raises(importing.UnableToCancelImport, match="written in one step"):
        cancel(batch, cast.ops)
    assert batch.cancel_asked_at is None


def test_one_whose_worker_died_is_staged_again(cast: Any) -> None:
    batch = confirmed(numbered(3))
    ImportBatch.objects.claim(batch.pk, owner="dead", waiting=["confirmed"], working="applying")
    ImportBatch.objects.update(lease_until=batch.queued_at)
    cancel(batch, cast.ops)
    assert batch.status == "staged"


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch, only_on_sqlite: None) -> None:
    monkeypatch.setattr(storing, "CHUNK_ROWS", 5)
    monkeypatch.setattr(stopping, "ROWS_IN_ONE_TRANSACTION", 10)
    monkeypatch.setattr(applying, "CHUNKS_IN_A_STEP", 2)


def asks_while_writing(monkeypatch: pytest.MonkeyPatch, batch: ImportBatch, by: Any) -> None:
    real = Writer.write

    def write(self: Writer, rows: Any) -> None:
        if rows[0].key == "A000":
            cancel(batch, by)
        real(self, rows)

    monkeypatch.setattr(Writer, "write", write)


@pytest.mark.usefixtures("small_steps")
def test_a_long_file_stops_after_the_step_under_way_and_says_how_far(
    cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = confirmed(numbered(33))
    asks_while_writing(monkeypatch, batch, cast.ops)
    batch = importing.apply_import(batch_id=batch.pk, on=TODAY)
    assert (batch.status, batch.was_stopped) == ("failed", True)
    assert batch.message.startswith("Stopped by Olga Ops: 10 of 33 rows are written and stay.")
    assert Customer.objects.count() == 10
    with pytest.raises(importing.UnableToImport, match="stays as their record"):
        importing.discard_import(batch_id=batch.pk, user=cast.ops)
    assert importing.discard_abandoned_imports(before=timezone.now()) == 0
    monkeypatch.undo()
    importing.answer_import(
        batch_id=batch.pk, user=cast.ops, mapping=None, number_style="", date_order="",
        allow_new_values=True, all_or_nothing=False,
    )  # fmt: skip
    again = importing.stage_import(batch_id=batch.pk, on=TODAY)
    assert (again.status, again.created) == ("staged", 23)


@pytest.mark.usefixtures("small_steps")
def test_goals_that_a_stopped_file_opened_are_followed(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    GoalKindFactory(slug="growth")
    text = "external_id,name,goals\n" + "".join(f"A{at:03d},Name {at},growth\n" for at in range(33))
    batch = confirmed(text)
    asks_while_writing(monkeypatch, batch, cast.ops)
    asked: list[int] = []
    monkeypatch.setattr(tasks, "ask_for_goals_run", lambda **given: asked.append(1))
    tasks.apply_import(batch_id=batch.pk)
    batch.refresh_from_db()
    assert batch.status == "failed"
    assert asked == [1]


def test_who_may_not_import_may_not_cancel(cast: Any) -> None:
    batch = staged(numbered(3))
    with pytest.raises(importing.UnableToImport, match="Only CS ops"):
        cancel(batch, cast.csm_a)
    with pytest.raises(importing.UnableToCancelImport, match="only an import that waits or is worked on"):
        cancel(batch, cast.ops)
