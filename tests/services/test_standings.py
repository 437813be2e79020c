"""What customers stand on is what it would be if every run wrote everybody; but only what changed is written."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Customer
from allocation.models import RetierRun, RowStatus, RunChunk, TierDecision, TierStanding
from allocation.selectors.explanations import customer_explanation, explanation_of_run
from allocation.selectors.rules_at_work import rules_at_work
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, undo_run
from allocation.services.retiering.standings import StoodOn, packed_stood_on, unpacked_stood_on
from allocation.snapshots.standings import last_word
from allocation.views.why import why
from tests import factories
from tests.oracle import faults
from tests.services.retiering_cast import applied, customer, proposed, tiers
from tests.services.standings_cast import Company, everything_given_back, outcome_in, standings

pytestmark = pytest.mark.django_db

TODAY = factories.TODAY
FIRST = ("decided_in", "decided_as_of")  # the words that the slow way knows nothing of


@pytest.fixture(autouse=True)
def _three_axis(db):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr("allocation.services.retiering.proposing.BATCH", 2)


def found_in(explanation):
    return {name: said for name, said in explanation.found.items() if name not in FIRST}


def wrong(company):
    """Customers that stand elsewhere, or are explained otherwise, than if every run had written everybody."""
    tops, now, found = company.tops(), standings(), []
    if set(now) != set(tops):
        found.append(f"{sorted(now)} stand on something, not {sorted(tops)}")
    for key, top in tops.items():
        word = last_word(customer_id=key)
        said = customer_explanation(customer_id=key, today=TODAY)
        slow = explanation_of_run(customer_id=key, run_id=top, today=TODAY)
        if (word.run_id, said.run.pk) != (top, top):
            found.append(f"{key} stands on {word.run_id}, not {top} of {company.piles[key]}")
        elif found_in(said) != found_in(slow):
            found.append(f"{key} is explained otherwise than run {top} does")
        elif now.get(key) != outcome_in(top, key):
            found.append(f"{key}: {now.get(key)} is not what run {top} found")
        elif word.decided_in not in company.piles[key]:
            found.append(f"{key} was decided in {word.decided_in}, which is none of {company.piles[key]}")
    return found


@pytest.mark.parametrize("seed", range(10))
def test_after_any_runs_edits_and_undos_everybody_stands_where_it_would_if_each_run_wrote_everybody(
    small_chunks, seed
):
    company = Company(seed)
    for _ in range(8):
        company.step()
        assert wrong(company) == [], f"seed {seed}: {company.told}"
        assert faults() == [], f"seed {seed}: {company.told}"


@pytest.mark.parametrize("seed", range(100, 104))
def test_undoing_the_last_run_gives_back_tiers_and_standings_byte_for_byte(small_chunks, seed):
    company = Company(seed)
    for _ in range(6):
        company.step()
    run = company.proposed()
    before = everything_given_back()
    company.apply(run)
    company.undo(run)
    assert everything_given_back() == before, f"seed {seed}: {company.told}"


def test_the_rule_each_customer_stands_on_is_that_of_the_run_with_the_last_word(small_chunks, cast):
    company = Company(7)
    for _ in range(12):
        company.step()
    work = rules_at_work(user=cast.ops)
    by_rule = {key: (name.words, name.tier) for name, keys in work.by_rule.items() for key in keys}
    for key, top in company.tops().items():
        slow = explanation_of_run(customer_id=key, run_id=top, today=TODAY).found
        decided = slow["decided_by"] not in ("undecided", "left")
        assert by_rule.get(key) == ((slow["rule"], slow["suggested"]) if decided else None)
    assert len(by_rule) > 3


def written():
    """The run that wrote each row."""
    return dict(TierStanding.objects.values_list("pk", "run_id"))


def test_who_is_unchanged_is_not_written_and_the_first_run_is_still_where_it_was_decided():
    one = customer(800000)
    first, second = applied(as_of=TODAY - timedelta(days=9)), applied()
    assert written() == {one.pk: first.pk}
    word = last_word(customer_id=one.pk)
    assert (word.run_id, word.decided_in, word.decided_on) == (second.pk, first.pk, first.as_of)
    found = customer_explanation(customer_id=one.pk, today=TODAY).found
    assert (found["run"], found["decided_in"]) == (second.pk, first.pk)


def test_no_row_of_an_unchanged_customer_is_touched_by_any_statement():
    one, two = customer(800000), customer(10)
    applied(as_of=TODAY - timedelta(days=9))
    Customer.objects.filter(pk=two.pk).update(arr=11)
    run, keys = proposed(), []

    def listening(execute, sql, params, many, context):
        if sql.startswith("INSERT") and "tierstanding" in sql:
            place = sql[sql.index("(") + 1 : sql.index(")")].split(", ").index('"customer_id"')
            given = params if many else [params]  # PostgreSQL takes them as one array
            keys.extend(str(row[place]).strip("{}") for row in given)
        assert not (sql.startswith("UPDATE") and "tierstanding" in sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listening):
        apply_run(run_id=run.pk, owner="test", at=timezone.now())
    assert keys == [str(two.pk)]
    assert TierStanding.objects.get(pk=one.pk).run_id != run.pk


def test_other_facts_with_the_same_outcome_are_written():
    one = customer(800000)
    first = applied(as_of=TODAY - timedelta(days=9))
    before = standings()
    Customer.objects.filter(pk=one.pk).update(arr=800001)
    second = applied()
    assert {key: said[:1] for key, said in standings().items()} == {one.pk: before[one.pk][:1]}
    assert written() == {one.pk: second.pk}
    assert TierStanding.objects.get().digest is not None
    assert first.pk != second.pk


def test_a_standing_of_an_earlier_version_is_written_once_more_and_undone_to_what_it_was():
    one = customer(800000)
    first = applied(as_of=TODAY - timedelta(days=9))
    TierStanding.objects.update(digest=None)
    first.chunks.update(turn=None)
    before = everything_given_back()
    second = applied()
    assert written() == {one.pk: second.pk}
    undo_run(run_id=second.pk, owner="test", at=timezone.now(), on=TODAY)
    assert everything_given_back() == before
    assert last_word(customer_id=one.pk).run_id == first.pk


def test_a_run_of_an_earlier_version_kept_what_everybody_stood_on_and_is_undone_by_it(small_chunks):
    """Its chunks have no turn, and what they wrote over names nobody in particular: it is everybody."""
    customer(800000), customer(10), customer(200000)
    applied(as_of=TODAY - timedelta(days=9))
    before = everything_given_back()
    Customer.objects.update(arr=11)
    run = applied()
    for chunk in run.chunks.all():
        stood = unpacked_stood_on(chunk.stood_on)
        chunk.stood_on = packed_stood_on(StoodOn(None, stood.before, stood.setters))
        chunk.save()
    RunChunk.objects.update(turn=None)
    undo_run(run_id=run.pk, owner="test", at=timezone.now(), on=TODAY)
    assert everything_given_back() == before


@pytest.mark.parametrize("edited", [True, False], ids=["written over", "confirmed"])
def test_an_older_of_two_runs_of_an_earlier_version_is_undone_without_touching_what_the_newer_one_left(
    edited,
):
    """Neither has a turn, so nobody knows which came first; a run of this version came after both."""
    customer(800000)
    earlier = []
    for days in (30, 20, 9):
        Customer.objects.update(arr=800000 + days)
        earlier.append(applied(as_of=TODAY - timedelta(days=days)))
    for chunk in RunChunk.objects.all():
        stood = unpacked_stood_on(chunk.stood_on)
        chunk.stood_on, chunk.turn = packed_stood_on(StoodOn(None, stood.before, stood.setters)), None
        chunk.save()
    if edited:
        TierStanding.objects.update(digest=None)
    before = everything_given_back()
    latest = applied()
    for run in (earlier[1], latest):
        undo_run(run_id=run.pk, owner="test", at=timezone.now(), on=TODAY)
    assert everything_given_back() == before


def test_who_was_skipped_by_a_later_run_is_not_confirmed_by_it():
    one = customer(800000)
    first = applied(as_of=TODAY - timedelta(days=9))
    run = proposed()
    Customer.objects.filter(pk=one.pk).update(arr=5)
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    assert TierDecision.objects.get(run=run, customer=one).status == RowStatus.SKIPPED
    assert last_word(customer_id=one.pk).run_id == first.pk


def test_where_a_run_in_the_middle_is_undone_the_one_that_confirmed_it_takes_its_place():
    one = customer(800000)
    applied(as_of=TODAY - timedelta(days=20))
    Customer.objects.filter(pk=one.pk).update(arr=800001)
    second, third = applied(as_of=TODAY - timedelta(days=9)), applied()
    assert written() == {one.pk: second.pk}
    undo_run(run_id=second.pk, owner="test", at=timezone.now(), on=TODAY)
    assert written() == {one.pk: third.pk}
    assert last_word(customer_id=one.pk).decided_in == third.pk


@pytest.mark.parametrize("customers", [3, 30])
def test_explaining_reads_as_much_whatever_the_size_of_the_run(
    django_assert_num_queries, monkeypatch, customers
):
    monkeypatch.setattr("allocation.services.retiering.proposing.BATCH", 3)
    one = customer(800000)
    for _ in range(customers - 1):
        customer(10)
    for days in (30, 20, 10, 0):
        applied(as_of=TODAY - timedelta(days=days))
    with django_assert_num_queries(6):
        found = customer_explanation(customer_id=one.pk, today=TODAY).found
    assert found["run"] == RetierRun.objects.latest("pk").pk
    assert found["score"] is None or isinstance(found["score"], Decimal)


def test_a_tier_that_an_undo_gave_back_and_a_later_run_confirmed_is_that_runs():
    """The ledger says "undo", so only who stands on the run with nothing later after it is known to have the tier by it."""
    one = customer(10)
    applied(as_of=TODAY - timedelta(days=30))
    Customer.objects.filter(pk=one.pk).update(arr=800000)
    second = applied(as_of=TODAY - timedelta(days=20))
    Customer.objects.filter(pk=one.pk).update(arr=200000)
    third = applied(as_of=TODAY - timedelta(days=10))
    undo_run(run_id=third.pk, owner="test", at=timezone.now(), on=TODAY)
    Customer.objects.filter(pk=one.pk).update(arr=800000)
    fourth = applied()
    assert (written(), last_word(customer_id=one.pk).run_id) == ({one.pk: second.pk}, fourth.pk)
    undo_run(run_id=second.pk, owner="test", at=timezone.now(), on=TODAY)
    assert TierDecision.objects.get(run=second, customer=one).status == RowStatus.KEPT
    assert tiers() == {one.external_id: "global"}


def test_people_are_told_where_it_was_decided_and_what_confirmed_it(capsys):
    one = customer(800000)
    first, second = applied(as_of=TODAY - timedelta(days=9)), applied()
    call_command("explain", one.external_id)
    said = f"Decided in run {first.pk}; confirmed unchanged in run {second.pk}."
    assert said in capsys.readouterr().out
    source = why(customer_explanation(customer_id=one.pk, today=TODAY)).source
    assert source.replace("\xa0", " ").startswith(
        f"decided in run {first.pk}, as of 13 Nov 2026; confirmed unchanged in run {second.pk}, as of 22 Nov 2026, model"
    )
