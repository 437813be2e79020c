"""The pack: read live, the same statements at any size, and closed with the handover to who has lost the customer."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.models import Customer
from allocation.models import Handover, Touch
from allocation.selectors.handover_pack import Pack, handover_pack
from allocation.selectors.handovers import handover_in_scope
from tests.factories import NOW, TODAY, CSMFactory, GoalFactory, GoalKindFactory
from tests.queries.counting import queries_of
from tests.services.handovers.world import give, handed_over

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def row(cast: SimpleNamespace) -> Handover:
    return handed_over(cast)


def pack_of(row: Handover, user: Any) -> Pack:
    seen = handover_in_scope(user=user, pk=row.pk)
    assert seen is not None
    found = handover_pack(handover=seen, user=user, on=TODAY)
    assert found is not None
    return found


def touch(row: Handover, *, days: int, **given: Any) -> Touch:
    made: Touch = Touch.objects.create(
        customer=row.customer,
        due_on=TODAY + days * DAY,
        **{"name": f"Call {days}", "hours": Decimal("1.5"), **given},
    )
    return made


def risks(row: Handover, user: Any, **facts: Any) -> list[str]:
    Customer.objects.filter(pk=row.customer_id).update(**{"health": 80, **facts})
    return [risk.words for risk in pack_of(row, user).risks]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"health": None}, "Health is not known."),
        ({"health": 39}, "Health is 39 of 100, below 40."),
        ({"sentiment": 2, "sentiment_on": TODAY}, "The CSM's sentiment is 2 of 5"),
        ({"adoption": 39}, "Adoption is 39 of 100"),
        ({"renewal_date": TODAY + 90 * DAY}, "The renewal is on"),
        ({"renewal_date": TODAY - DAY}, "has passed"),
        ({"champion": False}, "no champion"),
        ({"relationship_breadth": 1}, "We know 1 team"),
        ({"loss_felt": True}, "loss would be felt"),
    ],
)
def test_what_may_go_wrong_is_a_sentence(
    row: Handover, cast: SimpleNamespace, facts: dict[str, Any], words: str
) -> None:
    (found,) = risks(row, cast.csm_b, **facts)
    assert words in found.replace("\u00a0", " ")


@pytest.mark.parametrize(
    "facts",
    [
        {"health": 40},
        {"sentiment": 3, "sentiment_on": TODAY},
        {"adoption": 40},
        {"renewal_date": TODAY + 91 * DAY},
        {"champion": True},
        {"champion": None},
        {"relationship_breadth": 2},
    ],
)
def test_what_is_well_or_not_known_is_none(
    row: Handover, cast: SimpleNamespace, facts: dict[str, Any]
) -> None:
    assert risks(row, cast.csm_b, **facts) == []


def test_open_touches_are_those_late_and_of_the_next_ninety_days(
    row: Handover, cast: SimpleNamespace
) -> None:
    for days in (-3, 0, 90, 91):
        touch(row, days=days)
    touch(row, days=1, status="skipped", words="Not now")
    found = pack_of(row, cast.csm_b)
    assert [line.name for line in found.open_touches] == ["Call -3", "Call 0", "Call 90"]
    assert [line.is_late for line in found.open_touches] == [True, False, False]
    assert (found.late_touches, found.hours) == (1, "4:30")
    assert {touch.hours for touch in found.open_touches} == {"1:30"}
    assert "3 open touches due in the next 90 days, 1 late among them" in found.hours_trace


def test_what_took_place_last_comes_with_its_notes(row: Handover, cast: SimpleNamespace) -> None:
    for days in (-9, -2):
        touch(
            row,
            days=days,
            status="done",
            done_on=TODAY + days * DAY,
            done_by=cast.csm_a.csm,
            words=f"Note {days}",
        )
    assert [(line.name, line.words) for line in pack_of(row, cast.csm_b).done_touches] == [
        ("Call -2", "Note -2"),
        ("Call -9", "Note -9"),
    ]


def test_goals_history_and_earlier_notes_are_in_it(row: Handover, cast: SimpleNamespace) -> None:
    GoalFactory(customer=row.customer, kind=GoalKindFactory(slug="adoption"), words="All teams use it")
    Handover.objects.filter(pk=row.pk).update(notes="Ask for Ms Lund.", status="cancelled", closed_at=NOW)
    give(row.customer, cast.csm_a.csm)
    back = Handover.objects.open().get()
    found = pack_of(back, cast.csm_a)
    assert [goal.words for goal in found.open_goals] == ["All teams use it"]
    assert [event.what for event in found.events if event.kind == "csm"] == [
        "CSM Ada Book", "CSM Ben Book", "CSM Ada Book",
    ]  # fmt: skip
    assert [(one.who, one.words) for one in found.earlier] == [("Ada Book", "Ask for Ms Lund.")]


def test_the_pack_is_live(row: Handover, cast: SimpleNamespace) -> None:
    before = pack_of(row, cast.csm_a)
    touch(row, days=1)
    assert len(pack_of(row, cast.csm_a).open_touches) == len(before.open_touches) + 1


def test_it_asks_equally_often_at_any_size(row: Handover, cast: SimpleNamespace) -> None:
    def asked() -> int:
        return len(queries_of(lambda: pack_of(row, cast.csm_b)))

    touch(row, days=1)
    asked()  # roles and covers are asked for once a person
    few = asked()
    for number in range(2, 22):
        touch(row, days=number)
        touch(row, days=-number, status="done", done_on=TODAY, words="Done")
        GoalFactory(customer=row.customer, kind=GoalKindFactory(slug=f"goal-{number}"))
    assert asked() == few


def test_a_closed_one_has_no_pack_for_who_has_lost_the_customer(row: Handover, cast: SimpleNamespace) -> None:
    Handover.objects.filter(pk=row.pk).update(status="done", closed_at=NOW)
    row.refresh_from_db()
    assert handover_pack(handover=row, user=cast.csm_a, on=TODAY) is None
    assert handover_pack(handover=row, user=cast.csm_b, on=TODAY) is not None
    give(row.customer, CSMFactory(name="Zoe"))
    assert handover_pack(handover=row, user=cast.csm_b, on=TODAY) is None
