"""Undoing a run from its page: asked for once, done by a worker, and what was not restored is listed."""

from django.urls import reverse

from accounts.models import Customer
from allocation.models import RetierRun, RowStatus, RunChunk, RunStatus, Source
from allocation.services import retiering
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.tasks.retiering import undo_retier_run
from tests.factories import TODAY, TierFactory
from tests.pages.company import NOW, refreshed
from tests.pages.reading import plain, read
from tests.pages.test_run_review import names, ops, page_of, row_of, run, rung

__all__ = ["ops", "run", "rung"]  # fixtures


def test_undoing_marks_the_run_and_rings(company, ops, rung, run):
    retiering.apply_run(run_id=run.pk, owner="test", at=NOW, actor_id=company.cast.ops.pk)
    undo = [form for form in read(page_of(ops, run)).of("form") if form.get("action", "").endswith("/undo/")]
    assert "goes back to what it was" in undo[0]["data-confirm"]
    response = ops.post(reverse("run_undo", args=[run.pk]), follow=True)
    assert (refreshed(run).status, refreshed(run).undone_by) == (RunStatus.UNDOING, company.cast.ops)
    assert rung == [(undo_retier_run, {"run_id": run.pk})]
    assert "Undoing" in read(response).words
    again = read(ops.post(reverse("run_undo", args=[run.pk]), follow=True))
    assert "is being undone already" in again.words
    assert len(rung) == 1


def test_what_could_not_be_restored_is_listed_with_the_reason(company, ops, rung, run):
    retiering.apply_run(run_id=run.pk, owner="test", at=NOW, actor_id=company.cast.ops.pk)
    grown = Customer.objects.get(pk=company.a[2].pk)
    set_tiers(
        changes=[TierChange(grown.pk, grown.tier_id, TierFactory(slug="global").pk)],
        on=TODAY,
        decision=DecisionSource(kind=Source.OVERRIDE, words="A promise"),
    )
    ops.post(reverse("run_undo", args=[run.pk]))
    undo_retier_run(run_id=run.pk)
    response = page_of(ops, run, show="kept")
    assert names(response) == {"Alpha customer 002"}
    words = plain(read(response).words)
    assert "Its tier was changed after this run, so it stays as it is." in words
    assert "has now: Global" in words
    assert "Undone by Olga Ops on" in words
    assert "3 customers have their tiers back, 1 was changed since and stays as it is: see" in words
    assert Customer.objects.get(pk=company.b[2].pk).tier.slug == "scale"


def test_only_rows_that_changed_something_are_said_to_be_undone(company, ops, run):
    grown, held = row_of(run, company.a[2]), row_of(run, company.b[2])
    held.is_move, held.decided_by, held.effective = False, "dead_band", held.previous
    held.save()
    run.decisions.update(status=RowStatus.UNDONE)
    RetierRun.objects.filter(pk=run.pk).update(status="undone", undone_at=NOW)
    assert {row.standing for row in page_of(ops, run, show="held").context["rows"]} == {""}
    moved = {row.pk: row.standing for row in page_of(ops, run, show="moves").context["rows"]}
    assert moved[grown.pk] == "Undone"


def test_a_run_that_is_not_applied_has_no_undo_and_is_not_undone(company, ops, rung, run):
    assert not [
        form for form in read(page_of(ops, run)).of("form") if form.get("action", "").endswith("/undo/")
    ]
    page = read(ops.post(reverse("run_undo", args=[run.pk]), follow=True))
    assert "only an applied run can be undone" in page.words
    assert rung == []


def test_what_was_applied_of_a_run_that_was_given_up_can_be_undone(company, ops, rung, run):
    retiering.apply_run(run_id=run.pk, owner="test", at=NOW, actor_id=company.cast.ops.pk)
    RetierRun.objects.filter(pk=run.pk).update(status=RunStatus.FAILED)
    assert page_of(ops, run).context["can_undo"]
    RunChunk.objects.filter(run=run).update(status=RowStatus.PROPOSED)  # nobody had been reached
    assert not page_of(ops, run).context["can_undo"]
