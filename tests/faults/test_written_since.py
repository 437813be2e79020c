"""Applying looks again at those only that were written since the run read them, and misses none of them: whatever is written of
whatever is read of a customer, on both databases. The slow way looks at everybody. Races are PostgreSQL's: SQLite has one writer at a time
(what follows from that is in test_written_since_sqlite).
"""

import re
from datetime import timedelta
from threading import Timer
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Customer, Goal, GoalKind, Language, Region, Tier, Vertical
from allocation.engine.kept import unpack_outcomes
from allocation.models import Override, RetierRun, RowStatus, TierDecision, TierHolding, TierStanding
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, applying, propose_run, queue_run, undo_run
from allocation.snapshots import written_since_postgresql
from allocation.snapshots.customer_rows import STORED, Span, read_rows
from allocation.snapshots.written_since import reading_begins, written_since
from allocation.triggers import written
from tests import factories
from tests.faults.meanwhile import writing

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = factories.TODAY


def proposed() -> RetierRun:
    run = queue_run(as_of=TODAY, at=timezone.now())
    propose_run(run_id=run.pk, owner="test")
    RetierRun.objects.filter(pk=run.pk).update(status="proposed")
    run.refresh_from_db()
    return run


def applied(run: RetierRun) -> None:
    assert apply_run(run_id=run.pk, owner="test", at=timezone.now())


@pytest.fixture
def people() -> list[Customer]:
    """Four who have their tier; the third has a goal."""
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    found = [factories.CustomerFactory(arr=800_000, vertical=factories.VerticalFactory()) for _ in range(4)]
    factories.GoalFactory(customer=found[2], starts_on=TODAY - timedelta(days=9))
    applied(proposed())
    return found


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nobody else were in the cluster: a transaction open in another test's database would make more be looked at."""
    whole = written_since_postgresql._HERE
    monkeypatch.setattr(
        written_since_postgresql, "_HERE", whole.replace("pg_snapshot_xmin", "pg_snapshot_xmax")
    )
    assert whole != written_since_postgresql._HERE


def looked_at(run: RetierRun) -> set[int] | None:
    outcomes = unpack_outcomes(run.chunks.get().outcomes)
    found = written_since(
        noted=run.read_since, keys=outcomes.keys, goals=outcomes.digests["goals"], as_of=run.as_of
    )
    return None if found is None else set(found.tolist())


def fast_and_slow(run: RetierRun) -> list[tuple[list[bool], ...]]:
    outcomes, rules = unpack_outcomes(run.chunks.get().outcomes), applying._rules_of_its_day(run)
    seen = [compared(outcomes, rules, run) for compared in (applying._compared, applying._compared_each)]
    return [(one.there.tolist(), one.same_facts.tolist(), one.same_tier.tolist()) for one in seen]


@pytest.mark.usefixtures("alone")
def test_nobody_is_looked_at_again_where_nothing_was_written(people: list[Customer]) -> None:
    run = proposed()
    assert looked_at(run) == set()
    fast, slow = fast_and_slow(run)
    assert fast == slow == ([True] * 4, [True] * 4, [True] * 4)


def override(customer: Customer) -> None:
    cast = factories.cast()
    Override.objects.create(
        customer=customer,
        tier=Tier.objects.get(slug="scale"),
        reason_kind="risk",
        words="They may go.",
        starts_on=TODAY,
        expires_on=TODAY + timedelta(days=90),
        asked_by=cast.csm_a,
        status="approved",
        decided_by=cast.manager,
        decided_at=timezone.now(),
        decided_words="Yes.",
    )


EDITS: dict[str, Any] = {
    "an amount": lambda one: Customer.objects.filter(pk=one.pk).update(arr=5),
    "a status": lambda one: Customer.objects.filter(pk=one.pk).update(status="left"),
    "a tier paid for": lambda one: Customer.objects.filter(pk=one.pk).update(
        paid_tier=Tier.objects.get(slug="scale")
    ),
    "a tier held": lambda one: Customer.objects.filter(pk=one.pk).update(tier=Tier.objects.get(slug="scale")),
    "a name that no rule reads": lambda one: Customer.objects.filter(pk=one.pk).update(name="Renamed"),
    "an override": override,
    "a goal opened": lambda one: factories.GoalFactory(customer=one),
    "a goal ended": lambda one: Goal.objects.filter(customer=one).update(ends_before=TODAY),
    "a goal deleted": lambda one: Goal.objects.filter(customer=one).delete(),
}


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("edit", EDITS)
def test_who_was_written_since_is_looked_at_again_and_nobody_else(people: list[Customer], edit: str) -> None:
    run, one = proposed(), people[2]
    EDITS[edit](one)
    assert looked_at(run) == {one.pk}
    fast, slow = fast_and_slow(run)
    assert fast == slow


@pytest.mark.usefixtures("alone")
def test_where_a_name_was_written_everybody_is_looked_at(people: list[Customer]) -> None:
    run = proposed()
    Vertical.objects.filter(pk=people[0].vertical_id).update(name="Renamed")
    assert looked_at(run) is None
    assert looked_at(proposed()) == set()


@pytest.mark.usefixtures("alone")
def test_who_was_added_since_is_none_of_the_runs_and_who_is_gone_is_noticed(people: list[Customer]) -> None:
    run = proposed()
    stray = factories.CustomerFactory(arr=10, status=Customer.Status.LEFT)
    assert looked_at(run) == set()
    run = proposed()
    Customer.objects.filter(pk=stray.pk).delete()
    # PostgreSQL, which only sees that somebody is missing, looks at everybody.
    assert looked_at(run) == (None if connection.vendor == "postgresql" else {stray.pk})
    fast, slow = fast_and_slow(run)
    assert fast == slow


READ = (Customer, Goal, Override, GoalKind, Vertical, Region, Language, Tier)


def everything_read(customer: Customer) -> None:
    """A row of each kind that is read of the customer."""
    Customer.objects.filter(pk=customer.pk).update(
        region=factories.RegionFactory(), language=factories.LanguageFactory(), parent=None
    )
    override(customer)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("model", "field"),
    [
        pytest.param(model, field, id=f"{model.__name__}.{field.name}")
        for model in READ
        for field in model._meta.concrete_fields
        if not field.primary_key
    ],
)
def test_whichever_column_is_written_beside_the_orm_the_customer_is_looked_at(
    people: list[Customer], model: Any, field: Any
) -> None:
    one = people[2]
    everything_read(one)
    run = proposed()
    assert looked_at(run) == set()
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {field.column} = {field.column}")
    found = looked_at(run)
    if model in (Goal, GoalKind) and connection.vendor == "postgresql":
        assert found == set()  # goals are read and compared there: what is the same is no change
    elif model in (Goal, Override):
        assert found == {one.pk}
    else:
        assert found is None or one.pk in found


def test_no_other_table_is_read_of_a_customer_than_those_whose_writing_is_noticed(
    people: list[Customer],
) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        read_rows(names=sorted(STORED), as_of=TODAY, whom=Span(1, 2))
    tables = {table for query in asked for table in re.findall(r'(?:FROM|JOIN) "(\w+)"', query["sql"])}
    assert len(asked) == 3
    assert tables == set(written.TABLES) == {model._meta.db_table for model in READ}


@pytest.mark.usefixtures("alone")
def test_each_open_run_looks_at_those_written_since_it_read_itself(people: list[Customer]) -> None:
    first = proposed()
    Customer.objects.filter(pk=people[0].pk).update(arr=5)
    queued = queue_run(as_of=TODAY, at=timezone.now(), scope="goals")
    propose_run(run_id=queued.pk, owner="test")
    Customer.objects.filter(pk=people[1].pk).update(arr=6)
    queued.refresh_from_db()
    assert looked_at(first) == {people[0].pk, people[1].pk}
    keys, goals = (
        unpack_outcomes(first.chunks.get().outcomes).keys,
        unpack_outcomes(first.chunks.get().outcomes).digests["goals"],
    )
    found = written_since(noted=queued.read_since, keys=keys, goals=goals, as_of=TODAY)
    assert found is not None
    assert found.tolist() == [people[1].pk]


@pytest.mark.usefixtures("alone")
def test_what_was_rolled_back_was_not_written(people: list[Customer]) -> None:
    run = proposed()
    with transaction.atomic():
        Customer.objects.filter(pk=people[0].pk).update(arr=5)
        transaction.set_rollback(True)
    assert looked_at(run) == set()


@pytest.mark.usefixtures("alone")
def test_what_applying_and_undoing_write_is_noticed_by_the_next_run_only_where_it_came_after(
    people: list[Customer],
) -> None:
    Customer.objects.filter(pk__in=[one.pk for one in people[:2]]).update(arr=5)
    moving = proposed()
    later = queue_run(as_of=TODAY, at=timezone.now(), scope="goals")
    propose_run(run_id=later.pk, owner="test")
    later.refresh_from_db()
    applied(moving)
    moved = set(moving.decisions.filter(status=RowStatus.APPLIED).values_list("customer_id", flat=True))
    assert moved
    since = {"goals": unpack_outcomes(moving.chunks.get().outcomes).digests["goals"], "as_of": TODAY}
    keys = unpack_outcomes(moving.chunks.get().outcomes).keys
    found = written_since(noted=later.read_since, keys=keys, **since)
    assert found is not None
    assert set(found.tolist()) == moved
    noted = reading_begins()
    undo_run(run_id=moving.pk, owner="test", at=timezone.now(), on=TODAY)
    found = written_since(noted=noted, keys=keys, **since)
    assert found is not None
    assert set(found.tolist()) == moved


def outcome(run: RetierRun) -> dict[str, Any]:
    """What applying it left, after which all is as before."""
    with transaction.atomic():
        apply_run(run_id=run.pk, owner="test", at=factories.NOW, on=TODAY)
        left = {
            "run": RetierRun.objects.values("status", "message", "summary").get(pk=run.pk),
            "chunks": list(run.chunks.order_by("pk").values("status", "stood_on", "turn", "left_out")),
            "customers": list(Customer.objects.order_by("pk").values()),
            "decisions": list(TierDecision.objects.order_by("customer_id", "run_id").values()),
            "standings": list(TierStanding.objects.order_by("pk").values()),
            "ledger": list(
                TierHolding.objects.order_by("customer_id", "pk").values(
                    "customer_id", "tier_id", "starts_on", "ends_before", "source", "source_id"
                )
            ),
        }
        transaction.set_rollback(True)
    for decision in left["decisions"]:
        del decision["id"]
    return left


@pytest.mark.parametrize("edit", [*EDITS, "nothing"])
def test_applying_comes_to_the_same_with_and_without_looking_at_everybody(
    people: list[Customer], monkeypatch: pytest.MonkeyPatch, edit: str
) -> None:
    Customer.objects.filter(pk=people[0].pk).update(arr=5)
    run = proposed()
    EDITS.get(edit, lambda one: None)(people[2])
    fast = outcome(run)
    RetierRun.objects.filter(pk=run.pk).update(read_since="")  # as of an earlier version of the program
    assert outcome(run) == fast
    assert fast["run"]["status"] == "applied"


@pytest.mark.postgres
def test_who_was_being_edited_while_the_run_read_is_looked_at_again(people: list[Customer]) -> None:
    """The edit has an older number than the run's first look, and was committed after it."""
    with writing(lambda: Customer.objects.filter(pk=people[1].pk).update(arr=5)):
        run = proposed()
    applied(run)
    assert list(run.decisions.filter(status=RowStatus.SKIPPED).values_list("customer_id", flat=True)) == [
        people[1].pk
    ]


@pytest.mark.postgres
def test_an_edit_that_applying_had_to_wait_for_is_listed(people: list[Customer]) -> None:
    run = proposed()
    with writing(lambda: Customer.objects.filter(pk=people[1].pk).update(arr=5)) as commit:
        Timer(0.5, commit).start()
        applied(run)
    assert list(run.decisions.filter(status=RowStatus.SKIPPED).values_list("customer_id", flat=True)) == [
        people[1].pk
    ]


@pytest.mark.postgres
def test_numbers_of_another_database_tell_nothing(people: list[Customer]) -> None:
    run = proposed()
    cluster, database, number = run.read_since.split()
    for noted in (
        "",
        f"1 {database} {number}",
        f"{cluster} 1 {number}",
        f"{cluster} {database} {int(number) + 2**40}",
    ):
        run.read_since = noted
        assert looked_at(run) is None
    assert reading_begins().split()[:2] == [cluster, database]
