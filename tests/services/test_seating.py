"""Open seats: placed with a plan that is complete with them, skipped when it is applied, filled, taken away."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.models import CSM, Customer
from allocation.engine.headcount_seats import SeatAsked
from allocation.models import BookPlan, Move, RowStatus
from allocation.selectors.headcount import Headcount, headcount, staffing_inputs
from allocation.services.planning import (
    Placed,
    UnableToPlaceSeats,
    place_seats,
    propose_plan,
    queue_plan,
    remove_seats,
)
from tests.factories import CLOCK, TODAY, LanguageFactory, RegionFactory, VerticalFactory
from tests.services.headcount_cast import company, open_seat, staffing
from tests.services.plan_cast import applied, by_hand, seats, undone


def counted() -> Headcount:
    return headcount(on=TODAY, inputs=staffing_inputs()[0])


def placed(actor: Any = None) -> Placed:
    found = counted()
    return place_seats(lines=found.seats.seats, head_minutes=found.head.minutes, actor=actor, on=TODAY)


def planned(plan: BookPlan) -> BookPlan:
    done = propose_plan(plan_id=plan.pk, owner="test", **CLOCK)
    assert done is not None
    return done


@pytest.fixture
def short(cast: SimpleNamespace) -> SimpleNamespace:
    """47 enterprise customers; Ada and Ben hold 19 each, nine have nobody; a seat holds 15."""
    staffing()
    return company(cast)


def test_with_the_seats_asked_for_the_plan_is_complete(cast: SimpleNamespace, short: SimpleNamespace) -> None:
    before = planned(queue_plan(as_of=TODAY, seed=0, actor=None))
    assert (before.summary["assigned"], before.summary["customers"]) == (38, 47)
    assert before.shortages
    done = placed(cast.ops)
    # 3.01 heads are needed, two are there.
    assert [(seat.name, seat.is_seat, seat.user, seat.email) for seat in done.seats] == [
        ("Open seat 1 · everyone else", True, None, None),
        ("Open seat 2 · everyone else", True, None, None),
    ]
    after = planned(done.plan)
    assert (after.summary["assigned"], after.summary["customers"], after.shortages) == (47, 47, [])
    assert counted().seats.seats == ()
    assert counted().lacking == 2


def test_a_seat_has_the_net_hours_of_the_arithmetic(cast: SimpleNamespace, short: SimpleNamespace) -> None:
    seat = placed().seats[0]
    assert (seat.hours_per_month, seat.overhead_pct) == (160, Decimal("39.06"))  # 97.5 h of 160
    assert [one.minutes for one in counted().open_seats] == [5850, 5850]


def test_more_hours_than_full_time_are_entered_as_more_hours(cast: SimpleNamespace) -> None:
    staffing_hours = 8760 * 60 // 12
    one = SeatAsked(label="Telco", customers=1, minutes=1)
    company(cast)
    done = place_seats(lines=[one], head_minutes=staffing_hours, actor=None, on=TODAY)
    assert (done.seats[0].hours_per_month, done.seats[0].overhead_pct) == (730, 0)


def test_a_seat_is_able_for_what_it_names(cast: SimpleNamespace) -> None:
    company(cast)
    VerticalFactory(name="Telco")
    RegionFactory(name="EMEA")
    LanguageFactory(name="Spanish")
    one = SeatAsked(
        label="Telco", customers=1, minutes=1, verticals=("Telco",), regions=("EMEA", "gone since"),
        languages=("Spanish",), countries=("Spain",), products=("Core",), team="Team A",
    )  # fmt: skip
    (seat,) = place_seats(lines=[one], head_minutes=6000, actor=None, on=TODAY).seats
    assert [list(getattr(seat, field).values_list("name", flat=True)) for field in ("verticals", "regions", "languages")] == [
        ["Telco"], ["EMEA"], ["Spanish"],
    ]  # fmt: skip
    assert (seat.countries, seat.products, seat.team) == (["Spain"], ["Core"], cast.team_a)


def test_names_are_free_ones(cast: SimpleNamespace, short: SimpleNamespace) -> None:
    open_seat("Open seat 1 · Telco")
    open_seat("Open seat 3 · Telco")
    done = place_seats(
        lines=[SeatAsked(label="Telco", customers=1, minutes=1)] * 2, head_minutes=6000, actor=None, on=TODAY
    )
    assert [seat.name for seat in done.seats] == ["Open seat 2 · Telco", "Open seat 4 · Telco"]


def test_without_a_plan_no_seat_is_placed(cast: SimpleNamespace, short: SimpleNamespace) -> None:
    queue_plan(as_of=TODAY, seed=0, actor=None)
    with pytest.raises(UnableToPlaceSeats, match="No seat was placed"):
        placed()
    assert not CSM.objects.filter(is_seat=True).exists()


@pytest.mark.parametrize("number", [0, 201])
def test_no_seat_and_too_many_are_refused(cast: SimpleNamespace, number: int) -> None:
    with pytest.raises(UnableToPlaceSeats, match="No seat is lacking" if not number else "At most 200 seats"):
        place_seats(
            lines=[SeatAsked(label="Telco", customers=1, minutes=1)] * number,
            head_minutes=6000,
            actor=cast.ops,
            on=TODAY,
        )


def test_only_ops_place_seats_and_take_them_away(cast: SimpleNamespace, short: SimpleNamespace) -> None:
    with pytest.raises(UnableToPlaceSeats, match="Only CS ops"):
        placed(cast.manager)
    with pytest.raises(UnableToPlaceSeats, match="Only CS ops"):
        remove_seats(seat_ids=[open_seat().pk], actor=cast.manager, on=TODAY)


def test_applying_moves_nobody_to_a_seat_and_says_so(cast: SimpleNamespace, short: SimpleNamespace) -> None:
    plan = planned(placed().plan)
    waits = Move.objects.filter(plan=plan).waiting_for_a_seat().count()
    assert waits >= 9
    done = applied(plan)
    assert not Customer.objects.filter(csm__is_seat=True).exists()
    skipped = Move.objects.filter(plan=plan, status=RowStatus.SKIPPED)
    assert skipped.filter(to_csm__is_seat=True).count() == waits
    assert skipped.filter(
        words="Open seat 1 · everyone else is not filled yet: the customer stays where it is until somebody is there."
    ).exists()
    assert done.status == "applied"
    assert f"{skipped.count()} skipped" in done.message
    load = [Customer.objects.filter(csm=csm).count() for csm in (cast.csm_a.csm, cast.csm_b.csm)]
    assert all(number <= 19 for number in load)


def test_a_seat_that_is_filled_before_the_plan_is_applied_gets_its_customers(
    cast: SimpleNamespace, short: SimpleNamespace
) -> None:
    done = placed()
    plan = planned(done.plan)
    CSM.objects.filter(is_seat=True).update(is_seat=False)
    applied(plan)
    assert not Move.objects.filter(plan=plan, status=RowStatus.SKIPPED).exists()
    assert Customer.objects.filter(csm__in=done.seats).exists()
    assert all(seats().values())


def test_what_was_applied_can_be_undone_though_some_moves_waited(
    cast: SimpleNamespace, short: SimpleNamespace
) -> None:
    before = seats()
    plan = planned(placed().plan)
    applied(plan)
    assert seats() != before
    undone(plan)
    assert seats() == before


def test_a_plan_without_seats_asks_no_more_than_before(cast: SimpleNamespace, short: SimpleNamespace) -> None:
    plan = planned(queue_plan(as_of=TODAY, seed=0, actor=None))
    applied(plan)
    assert not Move.objects.filter(plan=plan, status=RowStatus.SKIPPED).exists()


def test_seats_that_nobody_has_are_taken_away(cast: SimpleNamespace, short: SimpleNamespace) -> None:
    plan = planned(placed().plan)
    never = open_seat("Open seat 8")
    told = CSM.objects.get(name="Open seat 1 · everyone else")
    assert Move.objects.filter(plan=plan, to_csm=told).exists()
    assert remove_seats(seat_ids=[never.pk, told.pk], actor=cast.ops, on=TODAY) == 2
    assert not CSM.objects.filter(pk=never.pk).exists()
    told.refresh_from_db()
    assert (told.leaves_on, told.accepting) == (TODAY, False)
    assert [one.name for one in counted().open_seats] == ["Open seat 2 · everyone else"]
    assert remove_seats(seat_ids=[never.pk, told.pk], actor=cast.ops, on=TODAY) == 0


def test_a_seat_that_is_filled_or_holds_customers_is_not_taken_away(
    cast: SimpleNamespace, short: SimpleNamespace
) -> None:
    with pytest.raises(UnableToPlaceSeats, match="Ada Book: this is no open seat any more"):
        remove_seats(seat_ids=[cast.csm_a.csm.pk], actor=cast.ops, on=TODAY)
    seat = open_seat()
    by_hand(short.customers[0], seat)
    with pytest.raises(UnableToPlaceSeats, match="customers are in this book"):
        remove_seats(seat_ids=[seat.pk], actor=cast.ops, on=TODAY)
    assert CSM.objects.get(pk=seat.pk).leaves_on is None
