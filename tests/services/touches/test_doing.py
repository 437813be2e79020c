"""Touches: who does, skips, moves, logs and takes one back, and what is refused with a sentence."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Customer, Leave
from allocation.models import Touch
from allocation.services import touches
from tests.factories import (
    NOW,
    TODAY,
    CustomerFactory,
    TierFactory,
    TouchActivityFactory,
)

DAY = timedelta(days=1)
CLOCK = {"on": TODAY, "at": NOW}


@pytest.fixture
def customer(cast):
    """In the book of csm_a, whose team the manager leads."""
    return CustomerFactory(
        name="Acme", csm=cast.csm_a.csm, csm_since=TODAY, tier=TierFactory(slug="top"), tier_since=TODAY
    )


@pytest.fixture
def review(customer):
    return TouchActivityFactory(tier=customer.tier, name="Review", hours_each=Decimal("1.5"))


@pytest.fixture
def touch(customer, review):
    return planned(customer, review)


def planned(customer, activity, due_on=TODAY, **more):
    values = {"name": activity.name, "slot_on": due_on, "due_on": due_on, "hours": activity.hours_each}
    return Touch.objects.create(customer=customer, activity=activity, **{**values, **more})


def done(touch, actor, **more):
    return touches.do_touch(**{"touch_id": touch.pk, "actor": actor, "done_on": TODAY, **CLOCK, **more})


@pytest.mark.parametrize(("role", "doer"), [("csm_a", "csm_a"), ("manager", "csm_a"), ("ops", "csm_a")])
def test_it_is_done_by_the_csm_who_does_it_or_whose_customer_it_is(cast, touch, role, doer):
    actor = getattr(cast, role)
    found = done(touch, actor, minutes=50, words=" They renew. ")
    touch.refresh_from_db()
    assert found == touch
    assert (touch.status, touch.done_on, touch.done_by, touch.words) == (
        "done", TODAY, getattr(cast, doer).csm, "They renew.",
    )  # fmt: skip
    assert (touch.hours, touch.closed_by, touch.closed_at) == (Decimal("0.83"), actor, NOW)


def test_who_covers_the_book_does_it_as_oneself(cast, touch, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    Leave.objects.create(
        csm=cast.csm_a.csm, starts_on=TODAY, ends_before=TODAY + DAY, covered_by=cast.csm_b.csm
    )
    assert done(touch, cast.csm_b).done_by == cast.csm_b.csm


def test_without_minutes_it_took_what_was_planned(cast, touch):
    assert done(touch, cast.csm_a).hours == Decimal("1.5")


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        (TODAY + DAY, "or an earlier day"),
        (TODAY - 366 * DAY, "or a later day"),  # the last one that is taken is a year ago, to the day
        (TODAY - 365 * DAY, None),
        (TODAY, None),
    ],
)
def test_the_day_is_of_the_past_year(cast, touch, day, sentence):
    if sentence is None:
        assert done(touch, cast.csm_a, done_on=day).done_on == day
        return
    with pytest.raises(touches.UnableToDoTouch, match=sentence):
        done(touch, cast.csm_a, done_on=day)
    touch.refresh_from_db()
    assert touch.status == "planned"


@pytest.mark.parametrize("minutes", [-1, 1441])
def test_it_took_a_day_at_most_and_not_less_than_nothing(cast, touch, minutes):
    with pytest.raises(touches.UnableToDoTouch, match="how many minutes it took"):
        done(touch, cast.csm_a, minutes=minutes)
    assert done(touch, cast.csm_a, minutes=max(0, min(minutes, 1440))).hours in {0, 24}


def test_what_is_done_is_not_done_skipped_or_moved_again_and_it_says_by_whom(cast, touch):
    done(touch, cast.manager)
    said = "“Review” was written down as done by Mia Manager"
    with pytest.raises(touches.UnableToDoTouch, match=said):
        done(touch, cast.csm_a)
    with pytest.raises(touches.UnableToSkipTouch, match=said):
        touches.skip_touch(touch_id=touch.pk, actor=cast.csm_a, words="Away", at=NOW)
    with pytest.raises(touches.UnableToMoveTouch, match=said):
        touches.move_touch(touch_id=touch.pk, actor=cast.csm_a, due_on=TODAY + DAY, on=TODAY)


@pytest.mark.parametrize("role", ["csm_b", "nobody"])
def test_others_are_told_nothing_but_that_it_is_not_theirs(cast, touch, customer, role):
    actor = getattr(cast, role)
    with pytest.raises(touches.UnableToDoTouch, match="unknown, or outside"):
        done(touch, actor)
    with pytest.raises(touches.UnableToSkipTouch, match="unknown, or outside"):
        touches.skip_touch(touch_id=touch.pk, actor=actor, words="Mine", at=NOW)
    with pytest.raises(touches.UnableToMoveTouch, match="unknown, or outside"):
        touches.move_touch(touch_id=touch.pk, actor=actor, due_on=TODAY, on=TODAY)
    with pytest.raises(touches.UnableToReopenTouch, match="unknown, or outside"):
        touches.reopen_touch(touch_id=touch.pk, actor=actor, at=NOW)
    with pytest.raises(touches.UnableToLogTouch, match="unknown, or outside"):
        logged(customer, actor)
    assert touches.do_touches(touch_ids=[touch.pk], actor=actor, **CLOCK) == 0
    assert Touch.objects.get().status == "planned"


def test_one_that_never_was_is_answered_as_one_of_others(cast):
    with pytest.raises(touches.UnableToDoTouch, match="unknown, or outside"):
        touches.do_touch(touch_id=999, actor=cast.ops, done_on=TODAY, **CLOCK)


def test_skipping_needs_a_reason(cast, touch):
    for words in ("", "  ", "x" * 2001, "nul\0"):
        with pytest.raises(touches.UnableToSkipTouch):
            touches.skip_touch(touch_id=touch.pk, actor=cast.csm_a, words=words, at=NOW)
    found = touches.skip_touch(touch_id=touch.pk, actor=cast.csm_a, words="They are on holiday", at=NOW)
    assert (found.status, found.words, found.closed_by, found.done_on) == (
        "skipped", "They are on holiday", cast.csm_a, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        (TODAY - DAY, "nothing is planned in the past"),
        (TODAY, None),
        (TODAY + 180 * DAY, None),
        (TODAY + 181 * DAY, "better skipped"),
    ],
)
def test_a_touch_moves_to_a_day_from_today_to_half_a_year_later(cast, customer, review, day, sentence):
    touch = planned(customer, review, TODAY - 3 * DAY)
    if sentence is None:
        assert touches.move_touch(touch_id=touch.pk, actor=cast.csm_a, due_on=day, on=TODAY)
        assert not touches.move_touch(touch_id=touch.pk, actor=cast.csm_a, due_on=day, on=TODAY)
    else:
        with pytest.raises(touches.UnableToMoveTouch, match=sentence):
            touches.move_touch(touch_id=touch.pk, actor=cast.csm_a, due_on=day, on=TODAY)
    touch.refresh_from_db()
    assert (touch.due_on, touch.slot_on) == (day if sentence is None else TODAY - 3 * DAY, TODAY - 3 * DAY)


def logged(customer, actor, **more):
    given = {"customer_id": customer.pk, "actor": actor, "done_on": TODAY, "minutes": 30, "name": "Call"}
    return touches.log_touch(**{**given, **CLOCK, **more})


def test_a_touch_that_was_not_planned_is_logged(cast, customer, review):
    free = logged(customer, cast.csm_a, words="They asked")
    assert (free.name, free.activity, free.slot_on, free.due_on, free.done_on, free.hours, free.status) == (
        "Call", None, None, TODAY, TODAY, Decimal("0.5"), "done",
    )  # fmt: skip
    assert (free.done_by, free.closed_by, free.words) == (cast.csm_a.csm, cast.csm_a, "They asked")
    named = logged(customer, cast.manager, name="", activity_id=review.pk, done_on=TODAY - 9 * DAY)
    assert (named.name, named.activity, named.slot_on, named.done_by) == (
        "Review",
        review,
        None,
        cast.csm_a.csm,
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": " "}, "Say what it was"),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"done_on": TODAY + DAY}, "or an earlier day"),
        ({"minutes": 1441}, "how many minutes"),
        ({"words": "nul\0"}, "NUL"),
        ({"activity_id": 999}, "an activity of this customer's touch plan"),
    ],
)
def test_what_cannot_have_been_is_not_logged(cast, customer, given, sentence):
    with pytest.raises(touches.UnableToLogTouch, match=sentence):
        logged(customer, cast.csm_a, **given)
    assert not Touch.objects.exists()


def test_an_activity_of_another_plan_is_not_logged(cast, customer):
    with pytest.raises(touches.UnableToLogTouch, match="touch plan"):
        logged(customer, cast.csm_a, activity_id=TouchActivityFactory().pk)


def test_nothing_is_logged_for_a_customer_that_left(cast, customer):
    Customer.objects.filter(pk=customer.pk).update(status="left")
    with pytest.raises(touches.UnableToLogTouch, match="Acme has left"):
        logged(customer, cast.csm_a)


def test_what_was_done_or_skipped_is_open_again_with_the_hours_of_its_plan(cast, touch):
    done(touch, cast.csm_a, minutes=5, words="Wrong customer")
    assert touches.reopen_touch(touch_id=touch.pk, actor=cast.manager, at=NOW + 7 * DAY)
    touch.refresh_from_db()
    assert (touch.status, touch.done_on, touch.done_by, touch.words, touch.closed_by, touch.closed_at) == (
        "planned", None, None, "", None, None,
    )  # fmt: skip
    assert touch.hours == Decimal("1.5")
    touches.skip_touch(touch_id=touch.pk, actor=cast.csm_a, words="Away", at=NOW)
    assert touches.reopen_touch(touch_id=touch.pk, actor=cast.csm_a, at=NOW)
    with pytest.raises(touches.UnableToReopenTouch, match="open already"):
        touches.reopen_touch(touch_id=touch.pk, actor=cast.csm_a, at=NOW)


def test_after_seven_days_it_stays(cast, touch):
    done(touch, cast.csm_a)
    with pytest.raises(touches.UnableToReopenTouch, match="more than 7 days ago"):
        touches.reopen_touch(touch_id=touch.pk, actor=cast.csm_a, at=NOW + 7 * DAY + timedelta(seconds=1))


def test_a_logged_one_is_taken_back_by_who_wrote_it_down_or_a_lead(cast, customer, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    Leave.objects.create(
        csm=cast.csm_a.csm, starts_on=TODAY, ends_before=TODAY + DAY, covered_by=cast.csm_b.csm
    )
    mine, other = logged(customer, cast.csm_a), logged(customer, cast.csm_a, words="Another")
    with pytest.raises(touches.UnableToReopenTouch, match="Only Ada Book or a manager"):
        touches.reopen_touch(touch_id=mine.pk, actor=cast.csm_b, at=NOW)
    assert not touches.reopen_touch(touch_id=mine.pk, actor=cast.csm_a, at=NOW)
    assert not touches.reopen_touch(touch_id=other.pk, actor=cast.manager, at=NOW)
    assert not Touch.objects.exists()


def test_one_planned_by_hand_is_open_again_and_no_logged_one(cast, customer):
    """Neither has a place in the rhythm: only that it was logged tells them apart."""
    by_hand = Touch.objects.create(customer=customer, name="Dinner", due_on=TODAY + DAY, hours=2)
    done(by_hand, cast.csm_a, words="They came")
    one = logged(customer, cast.csm_a)
    assert touches.reopen_touch(touch_id=by_hand.pk, actor=cast.csm_a, at=NOW)
    assert not touches.reopen_touch(touch_id=one.pk, actor=cast.csm_a, at=NOW)
    found = Touch.objects.get()
    assert (found, found.status, found.due_on, found.hours, found.done_on, found.closed_at) == (
        by_hand, "planned", TODAY + DAY, 2, None, None,
    )  # fmt: skip


def test_a_second_click_logs_nothing(cast, customer, review):
    """The same said by the same person within a minute; what differs in anything is another touch."""
    logged(customer, cast.csm_a)
    almost = NOW + timedelta(seconds=59)
    with pytest.raises(touches.UnableToLogTouch, match="“Call” was logged a moment ago"):
        logged(customer, cast.csm_a, at=almost)
    differing = [
        {"words": "Another"}, {"minutes": 31}, {"name": "Lunch"}, {"done_on": TODAY - DAY},
        {"activity_id": review.pk}, {"at": NOW + timedelta(seconds=60)},
    ]  # fmt: skip
    for one in differing:
        logged(customer, cast.csm_a, **{"at": almost, **one})
    logged(customer, cast.manager, at=almost)
    assert Touch.objects.count() == 8


def test_several_are_done_at_once_those_that_are_open_and_in_scope(cast, customer, review):
    mine = [planned(customer, review, TODAY + n * DAY) for n in range(3)]
    done(mine[0], cast.manager, words="Before")
    foreign = planned(CustomerFactory(csm=cast.csm_b.csm, csm_since=TODAY), review)
    ids = [touch.pk for touch in [*mine, foreign]]
    assert touches.do_touches(touch_ids=ids, actor=cast.csm_a, **CLOCK) == 2
    rows = list(
        Touch.objects.order_by("pk").values_list("status", "done_on", "done_by__name", "hours", "words")
    )
    assert rows == [
        ("done", TODAY, "Ada Book", Decimal("1.5"), "Before"),
        ("done", TODAY, "Ada Book", Decimal("1.5"), ""),
        ("done", TODAY, "Ada Book", Decimal("1.5"), ""),
        ("planned", None, None, Decimal("1.5"), ""),
    ]
    assert touches.do_touches(touch_ids=ids, actor=cast.ops, **CLOCK) == 1
    assert Touch.objects.get(pk=foreign.pk).done_by == cast.csm_b.csm


def test_doing_several_asks_the_database_equally_often(cast, customer, review, django_assert_num_queries):
    for rows in (2, 20):
        Touch.objects.all().delete()
        ids = [planned(customer, review, TODAY + n * DAY).pk for n in range(rows)]
        actor = type(cast.csm_a).objects.get(pk=cast.csm_a.pk)
        with django_assert_num_queries(7):
            touches.do_touches(touch_ids=ids, actor=actor, **CLOCK)
