"""What people do with touches: done with a note, skipped with a reason, moved to another day, logged, taken back.

Whoever sees the customer may: CS ops, its manager, its CSM, and who covers that book today. The customer's row is held
first and a touch changes by an update that says how it has to stand: of two people at once, one is told what the other did.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery

from accounts.models import CSM, Customer, TouchActivity, User
from allocation.models import Touch
from allocation.querysets.touches import REOPEN_WITHIN
from allocation.selectors import wording

LONGEST_WORDS = 2000
LONGEST_NAME = 200
LONGEST_MINUTES = 24 * 60
OLDEST_DAY = timedelta(days=365)
FURTHEST_MOVE = timedelta(days=180)
SAME_WITHIN = timedelta(minutes=1)

UNKNOWN = "This touch is unknown, or outside what you may change."
NAMELESS = "Say what it was: choose an activity, or give it a name."
PLANNED, DONE, SKIPPED = Touch.Status.PLANNED, Touch.Status.DONE, Touch.Status.SKIPPED


class UnableToDoTouch(ValueError):
    """The touch cannot be done; the message says why."""


class UnableToSkipTouch(ValueError):
    """The touch cannot be skipped; the message says why."""


class UnableToMoveTouch(ValueError):
    """The touch cannot be moved to that day; the message says why."""


class UnableToLogTouch(ValueError):
    """The touch cannot be logged; the message says why."""


class UnableToReopenTouch(ValueError):
    """What was written down cannot be taken back; the message says why."""


def do_touch(
    *,
    touch_id: int,
    actor: User,
    done_on: date,
    on: date,
    at: datetime,
    minutes: int | None = None,
    words: str = "",
) -> Touch:
    """It took place on `done_on`, a day of the past year or `on`. minutes: how long it took; None: as planned.

    It is done by the CSM that `actor` is; written down by somebody who is none, by the CSM of the customer. Raises UnableToDoTouch.
    """
    with transaction.atomic():
        touch = _locked_touch(touch_id, actor)
        if touch is None:
            raise UnableToDoTouch(UNKNOWN)
        fault = (
            _fault_of_day(done_on, on)
            or _fault_of_minutes(minutes)
            or wording.fault_of(words, if_none="", most=LONGEST_WORDS)
        )
        if fault:
            raise UnableToDoTouch(fault)
        doer = _csm_of(actor)
        changed = _open(touch).update(
            status=DONE,
            done_on=done_on,
            done_by_id=doer.pk if doer else touch.customer.csm_id,
            hours=touch.hours if minutes is None else _hours(minutes),
            words=words.strip(),
            closed_by=actor,
            closed_at=at,
        )
        if changed != 1:
            raise UnableToDoTouch(_what_became(touch_id))
        touch.refresh_from_db()
        return touch


def do_touches(*, touch_ids: Collection[int], actor: User, on: date, at: datetime) -> int:
    """All of these took place on `on` and took the hours planned. How many were; the others were not open any more, or are
    outside what the person may change once the customers are held. Two statements, whatever the number.
    """
    doer = _csm_of(actor)
    of_customer = Customer.objects.filter(pk=OuterRef("customer_id")).order_by("pk").values("csm_id")[:1]
    with transaction.atomic():
        theirs = Touch.objects.filter(pk__in=list(touch_ids)).values("customer_id")
        # The rights are asked for by what holds the rows: who lost a customer in this moment does not get it back.
        held = _holding(actor).filter(pk__in=theirs).order_by("pk")
        ids = list(held.values_list("pk", flat=True))
        done: int = Touch.objects.open().filter(pk__in=list(touch_ids), customer__in=ids).update(
            status=DONE,
            done_on=on,
            done_by_id=doer.pk if doer else Subquery(of_customer),
            words="",
            closed_by=actor,
            closed_at=at,
        )  # fmt: skip
        return done


def skip_touch(*, touch_id: int, actor: User, words: str, at: datetime) -> Touch:
    """It will not take place; words say why. Its place in the rhythm stays taken. Raises UnableToSkipTouch."""
    with transaction.atomic():
        touch = _locked_touch(touch_id, actor)
        if touch is None:
            raise UnableToSkipTouch(UNKNOWN)
        fault = wording.fault_of(words, if_none="Say why it is skipped.", most=LONGEST_WORDS)
        if fault:
            raise UnableToSkipTouch(fault)
        changed = _open(touch).update(status=SKIPPED, words=words.strip(), closed_by=actor, closed_at=at)
        if changed != 1:
            raise UnableToSkipTouch(_what_became(touch_id))
        touch.refresh_from_db()
        return touch


def move_touch(*, touch_id: int, actor: User, due_on: date, on: date) -> bool:
    """It is to take place on another day, from `on` to 180 days later. False: it is due then already. Raises UnableToMoveTouch."""
    with transaction.atomic():
        touch = _locked_touch(touch_id, actor)
        if touch is None:
            raise UnableToMoveTouch(UNKNOWN)
        if due_on < on:
            raise UnableToMoveTouch(
                f"Choose {wording.day(on)} or a later day: nothing is planned in the past."
            )
        if due_on > on + FURTHEST_MOVE:
            raise UnableToMoveTouch(
                f"Choose a day until {wording.day(on + FURTHEST_MOVE)}: a touch that comes later is better skipped, with a reason."
            )
        if touch.status == PLANNED and touch.due_on == due_on:
            return False
        if _open(touch).update(due_on=due_on) != 1:
            raise UnableToMoveTouch(_what_became(touch_id))
        return True


def log_touch(
    *,
    customer_id: int,
    actor: User,
    done_on: date,
    minutes: int,
    on: date,
    at: datetime,
    activity_id: int | None = None,
    name: str = "",
    words: str = "",
) -> Touch:
    """One that was not planned and took place: an activity of the customer's touch plan, or a name.

    One that says the same as what the person logged within the last minute is a second click. Raises UnableToLogTouch.
    """
    with transaction.atomic():
        customer = _locked(customer_id, actor)
        if customer is None:
            raise UnableToLogTouch("This customer is unknown, or outside what you may change.")
        if customer.status != Customer.Status.ACTIVE:
            raise UnableToLogTouch(f"{customer} has left: no touch can be logged for a customer that left.")
        activity = None
        if activity_id is not None:
            activity = TouchActivity.objects.filter(pk=activity_id, tier=customer.tier_id).first()
            if activity is None:
                raise UnableToLogTouch("Choose an activity of this customer's touch plan, or give it a name.")
        said = name.strip() or (activity.name if activity else "")
        fault = (
            wording.fault_of(said, if_none=NAMELESS, most=LONGEST_NAME)
            or _fault_of_day(done_on, on)
            or _fault_of_minutes(minutes)
            or wording.fault_of(words, if_none="", most=LONGEST_WORDS)
        )
        if fault:
            raise UnableToLogTouch(fault)
        given: dict[str, Any] = {
            "customer": customer,
            "activity": activity,
            "name": said,
            "done_on": done_on,
            "hours": _hours(minutes),
            "words": words.strip(),
            "logged": True,
            "closed_by": actor,
        }
        if Touch.objects.filter(**given, closed_at__gt=at - SAME_WITHIN).exists():
            raise UnableToLogTouch(
                f"“{said}” was logged a moment ago, with the same words: if there were two, say what came of each."
            )
        doer = _csm_of(actor)
        more = {"done_by_id": doer.pk if doer else customer.csm_id, "closed_at": at}
        logged: Touch = Touch.objects.create(**given, **more, due_on=done_on, status=DONE)
        return logged


def reopen_touch(*, touch_id: int, actor: User, at: datetime) -> bool:
    """Take back what was written down in the last seven days. True: a planned one is open again, with the hours of its plan.
    False: a logged one is gone (only who wrote it down, a manager or CS ops may). Raises UnableToReopenTouch.
    """
    with transaction.atomic():
        touch = _locked_touch(touch_id, actor)
        if touch is None:
            raise UnableToReopenTouch(UNKNOWN)
        if touch.status == PLANNED:
            raise UnableToReopenTouch("This touch is open already.")
        if touch.closed_at is None or touch.closed_at < at - REOPEN_WITHIN:
            raise UnableToReopenTouch(
                f"It was written down more than {REOPEN_WITHIN.days} days ago, and stays: log another touch instead."
            )
        same: Any = Touch.objects.filter(pk=touch_id, status=touch.status, closed_at=touch.closed_at)
        if touch.logged:
            if touch.closed_by_id != actor.pk and not (actor.is_ops or actor.is_manager):
                raise UnableToReopenTouch(f"Only {touch.closed_by} or a manager can take this back.")
            gone, _ = same.delete()
            if gone != 1:
                raise UnableToReopenTouch("Somebody else took it back in this moment.")
            return False
        changed = same.update(
            status=PLANNED,
            done_on=None,
            done_by=None,
            hours=touch.activity.hours_each if touch.activity else touch.hours,
            words="",
            closed_by=None,
            closed_at=None,
        )
        if changed != 1:
            raise UnableToReopenTouch("Somebody else took it back in this moment.")
        return True


def _locked(customer_id: int, actor: User) -> Customer | None:
    """The customer, if the person may see it, held until the transaction ends."""
    found: Customer | None = _holding(actor).filter(pk=customer_id).first()
    return found


def _holding(actor: User) -> Any:
    """Customers the person may see, held by who reads them."""
    return Customer.objects.visible_to(actor).select_for_update(of=("self",), no_key=True)


def _locked_touch(touch_id: int, actor: User) -> Touch | None:
    """The touch as it stands once its customer's row is held."""
    of = Touch.objects.filter(pk=touch_id).values_list("customer_id", flat=True).first()
    customer = None if of is None else _locked(of, actor)
    if customer is None:
        return None
    rows = Touch.objects.filter(pk=touch_id, customer=customer).select_related(
        "activity", "customer", "closed_by"
    )
    found: Touch | None = rows.first()
    return found


def _open(touch: Touch) -> Any:
    return Touch.objects.open().filter(pk=touch.pk)


def _csm_of(actor: User) -> CSM | None:
    """The CSM that the person is."""
    return CSM.objects.filter(user=actor).first() if actor.is_csm else None


def _what_became(touch_id: int) -> str:
    """Why a touch that was to be changed is not open, as it stands."""
    touch = Touch.objects.select_related("closed_by").filter(pk=touch_id).first()
    if touch is None or touch.status == PLANNED:
        return "This touch is no longer planned: look again."
    verb = "done" if touch.status == DONE else "skipped"
    by = f" by {touch.closed_by}" if touch.closed_by else ""
    when = f", {wording.moment(touch.closed_at)}" if touch.closed_at else ""
    return f"“{touch.name}” was written down as {verb}{by}{when}: look again."


def _hours(minutes: int) -> Decimal:
    return (Decimal(minutes) / 60).quantize(wording.CENT, rounding=ROUND_HALF_EVEN)


def _fault_of_day(done_on: date, on: date) -> str:
    if done_on > on:
        return f"Choose {wording.day(on)} or an earlier day: what is still to come is not done."
    if done_on < on - OLDEST_DAY:
        return (
            f"Choose {wording.day(on - OLDEST_DAY)} or a later day: what is older than a year stays as it is."
        )
    return ""


def _fault_of_minutes(minutes: int | None) -> str:
    if minutes is None or 0 <= minutes <= LONGEST_MINUTES:
        return ""
    return f"Say how many minutes it took: from 0 to {wording.grouped(LONGEST_MINUTES)}, a day of 24 hours."
