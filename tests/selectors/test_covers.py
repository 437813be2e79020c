"""Hours while a CSM is away count with the cover, and everything else stays where it was: laws over a small company."""

from __future__ import annotations

import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.models import CSM, Customer, Leave
from allocation.models import AllocationPolicy
from allocation.selectors.attention import attention_answer, book_attention
from allocation.selectors.balance import Workload, covered_answer, workload
from allocation.selectors.books import csm_book
from allocation.selectors.covers import leave_marks
from allocation.selectors.past_books import past_book
from allocation.services.decisions import CsmChange, DecisionSource, TierChange, set_csms, set_tiers
from allocation.snapshots.books import book_snapshot
from allocation.snapshots.covers import covers_on
from tests.factories import (
    TODAY,
    CSMFactory,
    CustomerFactory,
    TierFactory,
    TouchActivityFactory,
)

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)
FIRST, BACK = TODAY, TODAY + 5 * DAY


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    """Ada has three customers and Ben two, each of 2 h a month (24 times an hour a year); Cem, of team B, has one."""
    tier = TierFactory(slug="one", rank=1)
    TouchActivityFactory(tier=tier, times_a_year=Decimal(24), hours_each=Decimal(1))
    cast.ada, cast.ben = cast.csm_a.csm, cast.csm_b.csm
    cast.cem = CSMFactory(name="Cem", email="cem@example.com", team=cast.team_b)
    cast.tier = tier
    for csm, number in ((cast.ada, 3), (cast.ben, 2), (cast.cem, 1)):
        for n in range(number):
            customer = CustomerFactory(external_id=f"{csm.name}-{n}", tier=None)
            since: Any = {"on": TODAY - 90 * DAY, "decision": DecisionSource(kind="manual")}
            set_tiers(changes=[TierChange(customer.pk, None, tier.pk)], **since)
            set_csms(changes=[CsmChange(customer.pk, None, csm.pk)], **since)
    return cast


def leave(csm: CSM, cover: CSM | None, **days: Any) -> Leave:
    given = {"starts_on": FIRST, "ends_before": BACK} | days
    return Leave.objects.create(csm=csm, covered_by=cover, **given)


def hours(found: Workload) -> dict[str, float]:
    return {row.name: row.minutes / 60 for row in found.rows}


def test_the_hours_of_who_is_away_count_with_the_cover(world: SimpleNamespace) -> None:
    leave(world.ada, world.ben)
    assert hours(workload(as_of=TODAY)) == {"Ada Book": 0, "Ben Book": 4 + 6, "Cem": 2}


@pytest.mark.parametrize(("day", "with_ben"), [(FIRST - DAY, 4), (FIRST, 10), (BACK - DAY, 10), (BACK, 4)])
def test_they_count_there_on_the_days_of_the_leave_only(
    world: SimpleNamespace, day: datetime.date, with_ben: int
) -> None:
    leave(world.ada, world.ben)
    assert hours(workload(as_of=day))["Ben Book"] == with_ben


@pytest.mark.parametrize("covers", ["none", "one", "two of one", "overlapping", "a chain", "a circle"])
def test_all_books_together_ask_the_same_whoever_covers(world: SimpleNamespace, covers: str) -> None:
    before = workload(as_of=TODAY)
    pairs: dict[str, list[tuple[CSM, CSM | None]]] = {
        "none": [(world.ada, None)],
        "one": [(world.ada, world.ben)],
        "two of one": [(world.ada, world.ben), (world.cem, world.ben)],
        "overlapping": [(world.ada, world.ben), (world.ada, world.cem)],
        "a chain": [(world.ada, world.ben), (world.ben, world.cem)],
        "a circle": [(world.ada, world.ben), (world.ben, world.ada)],
    }
    for csm, cover in pairs[covers]:
        leave(csm, cover)
    after = workload(as_of=TODAY)
    assert sum(hours(after).values()) == sum(hours(before).values()) == 12
    kept = [
        (row.csm, row.customers, row.by_tier, row.cap_room, row.arr_cents, row.capacity_minutes)
        for row in before.rows
    ]
    assert [
        (row.csm, row.customers, row.by_tier, row.cap_room, row.arr_cents, row.capacity_minutes)
        for row in after.rows
    ] == kept
    assert (after.arr, after.customers) == (before.arr, before.customers)


def test_of_a_chain_the_third_carries_the_second_only(world: SimpleNamespace) -> None:
    leave(world.ada, world.ben)
    leave(world.ben, world.cem)
    found = covered_answer(found=workload(as_of=TODAY))
    assert {line["name"]: line["hours"] for line in found["csms"]} == {"Ada Book": 6, "Ben Book": 0, "Cem": 6}
    assert found["uncovered"] == ["csm-a@example.com"]


def test_leaves_that_overlap_count_once_with_the_cover_of_the_earliest(world: SimpleNamespace) -> None:
    leave(world.ada, world.cem)
    leave(world.ada, world.ben, starts_on=FIRST - DAY)
    assert hours(workload(as_of=TODAY)) == {"Ada Book": 0, "Ben Book": 10, "Cem": 2}


def test_without_a_cover_the_hours_stay_and_are_listed(world: SimpleNamespace) -> None:
    leave(world.ada, None)
    found = covered_answer(found=workload(as_of=TODAY))
    lines = {line["name"]: line for line in found["csms"]}
    assert (lines["Ada Book"]["hours"], lines["Ada Book"]["away"], lines["Ada Book"]["covered_by"]) == (
        6,
        True,
        None,
    )
    assert found["uncovered"] == ["csm-a@example.com"]


def test_the_answer_says_who_covers_whom(world: SimpleNamespace) -> None:
    leave(world.ada, world.ben)
    lines = {line["name"]: line for line in covered_answer(found=workload(as_of=TODAY))["csms"]}
    assert lines["Ada Book"]["covered_by"] == "csm-b@example.com"
    assert lines["Ben Book"]["covers"] == ["csm-a@example.com"]
    assert (lines["Cem"]["away"], lines["Cem"]["covered_by"], lines["Cem"]["covers"]) == (False, None, [])


def test_who_is_covered_has_no_part_in_how_even_books_are(world: SimpleNamespace) -> None:
    leave(world.ada, world.ben)
    row = next(row for row in workload(as_of=TODAY).rows if row.name == "Ada Book")
    assert row.utilisation is None
    # 10 h and 2 h of 120 net hours: the larger is 10 ÷ 6 of the mean.
    assert workload(as_of=TODAY).utilisation.max_over_mean == round(10 / 6, 4)


def test_a_manager_reads_the_hours_of_the_cover_but_not_whose_they_are(world: SimpleNamespace) -> None:
    leave(world.cem, world.ada)
    found = covered_answer(found=workload(as_of=TODAY, user=world.manager))
    (line,) = found["csms"]
    assert (line["hours"], line["covers"]) == (8, ["someone in another team"])


def test_a_past_day_reads_the_leave_of_that_day(world: SimpleNamespace) -> None:
    leave(world.ada, world.ben, starts_on=TODAY - 9 * DAY, ends_before=TODAY - 3 * DAY)
    set_csms(  # the ledger is asked from now on
        changes=[CsmChange(Customer.objects.get(external_id="Cem-0").pk, world.cem.pk, None)],
        on=TODAY,
        decision=DecisionSource(kind="manual"),
    )
    assert hours(workload(as_of=TODAY - 4 * DAY)) == {"Ada Book": 0, "Ben Book": 10, "Cem": 2}
    assert hours(workload(as_of=TODAY - 3 * DAY)) == {"Ada Book": 6, "Ben Book": 4, "Cem": 2}
    assert hours(workload(as_of=TODAY)) == {"Ada Book": 6, "Ben Book": 4, "Cem": 0}


def test_planning_reads_who_owns_and_no_cover(world: SimpleNamespace) -> None:
    policy = AllocationPolicy.objects.active_or_default()
    before = book_snapshot(as_of=TODAY, policy=policy)
    leave(world.ada, world.ben)
    after = book_snapshot(as_of=TODAY, policy=policy)
    assert after.digest == before.digest
    assert after.facts.csms == before.facts.csms
    assert after.facts.customers.csm == before.facts.customers.csm
    assert list(after.facts.customers.minutes) == list(before.facts.customers.minutes)


def test_the_cover_shares_the_own_hours_over_own_and_covered_customers(world: SimpleNamespace) -> None:
    leave(world.ada, world.ben)
    found = book_attention(csm=world.ben, as_of=TODAY)
    # 160 h × 75 %
    assert found.net_minutes == 120 * 60
    assert {share.external_id for share in found.shares} == {
        "Ada Book-0", "Ada Book-1", "Ada Book-2", "Ben Book-0", "Ben Book-1",
    }  # fmt: skip
    assert sum(share.minutes for share in found.shares) + found.unallocated_minutes == found.net_minutes
    assert book_attention(csm=world.ada, as_of=TODAY).shares == ()
    assert len(book_attention(csm=world.ada, as_of=BACK).shares) == 3


def test_attention_names_no_customer_outside_the_scope_of_who_asks(world: SimpleNamespace) -> None:
    leave(world.cem, world.ada)
    found = book_attention(csm=world.ada, as_of=TODAY)
    answer = attention_answer(csm=world.ada, found=found, as_of=TODAY, user=world.manager)
    names = [line["external_id"] for line in answer["customers"]]
    assert sorted(names) == ["Ada Book-0", "Ada Book-1", "Ada Book-2", "someone in another team"]
    assert (
        sum(line["minutes"] for line in answer["customers"]) + answer["unallocated_minutes"]
        == answer["net_minutes"]
    )
    assert "Cem-0" in [
        line["external_id"] for line in attention_answer(csm=world.ada, found=found, as_of=TODAY)["customers"]
    ]


@pytest.mark.parametrize("name", ["ada", "ben", "cem"])
@pytest.mark.parametrize("cover", [True, False])
def test_the_page_of_a_book_and_the_balance_say_the_same(
    world: SimpleNamespace, name: str, cover: bool
) -> None:
    leave(world.ada, world.ben if cover else None)
    book = csm_book(csm=getattr(world, name), as_of=TODAY)
    row = next(row for row in workload(as_of=TODAY).rows if row.csm == book.csm.key)
    assert (book.load, book.capacity, book.summary.customers) == (
        row.minutes,
        row.capacity_minutes,
        row.customers,
    )
    past = past_book(csm=getattr(world, name), day=TODAY, today=TODAY, user=world.ops)
    assert (past.load, past.is_covered) == (row.minutes, row.covered)


def test_marks_say_who_is_away_and_who_covers(world: SimpleNamespace) -> None:
    leave(world.ada, world.ben)
    leave(world.cem, None)
    marks = leave_marks(covers=covers_on(on=TODAY), seen=frozenset({"cem@example.com"}))
    assert {key: " ".join(words.split()) for key, (words, _) in marks.items()} == {
        "csm-a@example.com": "away, back on 27 Nov 2026: Ben Book covers",
        "csm-b@example.com": "covers someone in another team",
        "cem@example.com": "away, back on 27 Nov 2026: nobody covers",
    }
