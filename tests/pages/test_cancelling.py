"""Cancel, go on and start again on the pages of runs, plans and imports; what work waits for; the banner of a freeze."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import ImportBatch
from allocation.models import BookPlan, Freeze, Pulse, RetierRun, RunChunk, RunStatus
from tests.factories import TODAY
from tests.pages.company import proposed_plan, proposed_run
from tests.pages.reading import read

pytestmark = pytest.mark.django_db


def page_of(client, row):
    return read(client.get(address(row)))


def address(row, act=""):
    what = "run" if isinstance(row, RetierRun) else "plan"
    return reverse(f"{what}{act}", args=[row.pk])


def set_to(row, **fields):
    type(row).objects.filter(pk=row.pk).update(**fields)


def said(client, row, act):
    return read(client.post(address(row, act), follow=True)).words


ALIVE = {"claimed_by": "a worker", "lease_until": timezone.now() + timedelta(hours=9)}


@pytest.fixture(params=["run", "plan"])
def row(request, company):
    """An open run, and an open plan."""
    make = proposed_run if request.param == "run" else proposed_plan
    return make(company.cast)


def test_ops_cancel_what_is_under_way_and_are_told_what_that_means(row, company, sign_in):
    set_to(row, status="computing", **ALIVE)
    client = sign_in(company.cast.ops)
    assert "Cancel" in page_of(client, row).words
    assert "is stopped within a few seconds, and discarded" in said(client, row, "_cancel")
    shown = page_of(client, row).words
    assert "Olga Ops asked for it to be stopped: it ends after the step under way." in shown
    assert "asked for that already" in said(client, row, "_cancel")


@pytest.mark.parametrize("gone", [{"lease_until": timezone.now() - timedelta(seconds=1)}, {"claimed_by": ""}])
def test_one_whose_worker_is_gone_is_cancelled_again_and_ends_at_once(gone, row, company, sign_in):
    """Marked while the worker had its claim, and no worker came back to see the mark."""
    asked = {"cancel_asked_at": timezone.now(), "cancel_asked_by": company.cast.ops}
    client = sign_in(company.cast.ops)
    set_to(row, status="applying", **ALIVE, **asked)
    assert address(row, "_cancel") not in [form.get("action") for form in page_of(client, row).of("form")]
    set_to(row, **gone)
    shown = page_of(client, row)
    assert (
        "asked for it to be stopped, but no worker has it any more. Cancelled again, it ends" in shown.words
    )
    assert address(row, "_cancel") in [form.get("action") for form in shown.of("form")]
    client.post(address(row, "_cancel"))
    row.refresh_from_db()
    assert row.status == "proposed"


def test_a_manager_sees_how_far_it_is_and_no_button(row, company, sign_in):
    set_to(row, status="computing", **ALIVE)
    shown = page_of(sign_in(company.cast.manager), row)
    assert address(row, "_cancel") not in [form.get("action") for form in shown.of("form")]


def test_after_the_end_a_sentence_says_so(row, company, sign_in):
    assert "only a " in said(sign_in(company.cast.ops), row, "_cancel")


def test_a_stopped_one_says_how_far_it_came_and_offers_to_go_on_and_to_undo(company, sign_in):
    run = company.run
    last = RunChunk.objects.filter(run=run).order_by("-pk").first()
    set_to(
        run,
        status="failed",
        message="Stopped by Olga Ops: 4 of 8 customers done.",
        cancel_asked_at=timezone.now(),
    )
    RunChunk.objects.create(
        run=run,
        first_customer_id=0,
        last_customer_id=0,
        customers=4,
        facts=last.facts,
        outcomes=last.outcomes,
    )
    client = sign_in(company.cast.ops)
    shown = page_of(client, run)
    assert "Stopped by Olga Ops: 4 of 8 customers done." in shown.words
    assert "Nothing was changed" not in shown.words
    actions = [form.get("action") for form in shown.of("form")]
    assert address(run, "_continue") in actions
    assert address(run, "_undo") in actions
    client.post(address(run, "_continue"))
    run.refresh_from_db()
    assert (run.status, run.cancel_asked_at) == (RunStatus.APPLYING, None)


def test_what_failed_with_nothing_done_can_be_started_again_as_it_was(row, company, sign_in):
    set_to(row, status="failed", message="Given up after 5 attempts.")
    client = sign_in(company.cast.ops)
    shown = page_of(client, row)
    assert "Start it again" in shown.words
    start = reverse("retier_start" if isinstance(row, RetierRun) else "plan_start")
    assert start in [form.get("action") for form in shown.of("form")]
    kept = {field["name"]: field.get("value") for field in shown.of("input") if field.get("type") == "hidden"}
    assert kept["as_of"] == TODAY.isoformat()
    client.post(start, {name: kept[name] for name in ("as_of", "scope", "seed") if name in kept})
    newest = type(row).objects.order_by("-pk").first()
    assert (newest.pk > row.pk, newest.status, newest.as_of) == (True, "queued", TODAY)


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        (None, "No worker has been heard of yet; it starts by itself when one is there."),
        (61, "No worker has been heard of since"),
        (30, "waits for a worker. It starts by itself."),
    ],
)
def test_a_queued_one_says_whether_a_worker_is_there(row, company, sign_in, heard, words):
    set_to(row, status="queued")
    if heard is not None:
        Pulse.objects.create(part="worker", at=timezone.now() - timedelta(seconds=heard))
    client = sign_in(company.cast.ops)
    assert words in page_of(client, row).words
    assert words in client.get(address(row, "_progress")).json()["note"]


def test_one_that_rests_says_how_often_it_was_tried_and_when_it_is_next(row, company, sign_in):
    until = timezone.now() + timedelta(minutes=5)
    set_to(row, status="computing", rest_until=until, attempts=3, lease_until=timezone.now())
    shown = page_of(sign_in(company.cast.ops), row).words
    assert (
        f"Tried 3 times; the next try is at {until.astimezone(timezone.get_current_timezone()):%H:%M}."
        in shown
    )


def test_applying_shows_how_many_are_done(row, company, sign_in):
    set_to(row, status="applying", progress_done=4000, progress_total=10000, message="Applying", **ALIVE)
    assert "Applying 4,000 of 10,000" in page_of(sign_in(company.cast.ops), row).words


@pytest.fixture
def year_end(db):
    return Freeze.objects.create(
        name="Year end", starts_on=TODAY, ends_before=TODAY + timedelta(days=21), words="The books close."
    )


def test_in_a_freeze_the_page_says_until_when_and_keeps_a_wish(row, company, sign_in, year_end):
    client = sign_in(company.cast.ops)
    shown = page_of(client, row).words
    assert "Year end: nothing is applied from 22 Nov 2026 to 12 Dec 2026. The books close." in shown
    assert "Apply on 13 Dec" in shown
    told = said(client, row, "_apply")
    assert "is applied by itself on 13" in told.replace("\u00a0", " ")
    page = page_of(client, row)
    assert "applied by itself on 13 Dec 2026, as was asked for by Olga Ops, unless a newer" in page.words
    assert not any(script.get("src", "").endswith("progress.js") for script in page.of("script")), (
        "weeks to go"
    )
    assert "Do not apply it" in page.words
    assert "is not applied; its proposal stays" in said(client, row, "_cancel")
    row.refresh_from_db()
    assert (row.status, row.apply_when_proposed) == ("proposed", False)


def test_a_freeze_is_nothing_to_those_applied_before(company, sign_in, year_end):
    client = sign_in(company.cast.ops)
    for applied in (company.run, company.plan):
        assert "Year end" not in page_of(client, applied).words


def test_a_comparison_that_is_computed_can_be_cancelled_as_a_whole(company, sign_in):
    client = sign_in(company.cast.ops)
    client.post(reverse("compare_start"))
    head = BookPlan.objects.filter(alternatives__isnull=False).distinct().get()
    shown = read(client.get(reverse("plan_compare", args=[head.pk])))
    assert "Cancel all" in shown.words
    client.post(reverse("compare_discard", args=[head.pk]))
    assert set(BookPlan.objects.side_by_side(head.pk).values_list("status", flat=True)) == {"discarded"}


def test_an_import_that_is_read_is_cancelled_on_its_page(company, sign_in):
    batch = ImportBatch.objects.create(kind="customers", file_name="a.csv", sha256="0" * 64)
    client = sign_in(company.cast.ops)
    preview = reverse("admin:import_preview", args=[batch.pk])
    cancel = reverse("admin:import_cancel", args=[batch.pk])
    shown = read(client.get(preview))
    assert cancel in [form.get("action") for form in shown.of("form")]
    assert "The import waits for a worker." in shown.words
    assert "Cancelled by Olga Ops; nothing was written." in read(client.post(cancel, follow=True)).words
    assert "only an import that waits or is worked on" in read(client.post(cancel, follow=True)).words


def test_one_that_is_written_in_one_step_has_no_button(company, sign_in):
    batch = ImportBatch.objects.create(
        kind="customers", file_name="a.csv", sha256="0" * 64, status="applying", **ALIVE
    )
    client = sign_in(company.cast.ops)
    shown = read(client.get(reverse("admin:import_preview", args=[batch.pk])))
    cancel = reverse("admin:import_cancel", args=[batch.pk])
    assert cancel not in [form.get("action") for form in shown.of("form")]
    assert "cannot be stopped on the way" in read(client.post(cancel, follow=True)).words
    ImportBatch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    shown = read(client.get(reverse("admin:import_preview", args=[batch.pk])))
    assert cancel not in [form.get("action") for form in shown.of("form")], "its own lock may keep its lease"


def test_an_import_whose_reader_is_gone_is_cancelled_again(company, sign_in):
    batch = ImportBatch.objects.create(
        kind="customers", file_name="a.csv", sha256="0" * 64, status="staging", **ALIVE
    )
    client = sign_in(company.cast.ops)
    preview = reverse("admin:import_preview", args=[batch.pk])
    cancel = reverse("admin:import_cancel", args=[batch.pk])
    client.post(cancel)
    assert cancel not in [form.get("action") for form in read(client.get(preview)).of("form")]
    ImportBatch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert cancel in [form.get("action") for form in read(client.get(preview)).of("form")]
    assert "nothing was written" in read(client.post(cancel, follow=True)).words
