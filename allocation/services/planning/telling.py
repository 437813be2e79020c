"""Who is told about objections: mail is written down with what it is about, and sent after the commit."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q
from django.utils.timezone import localtime

from accounts import roles
from accounts.models import CSM, Leave
from allocation.models import Move, Notice, Objection, RowStatus
from allocation.selectors import notice_words


def tell_concerned(*, plan_id: int, until: date, at: datetime) -> None:
    """One mail to each CSM with a sign-in whose book a move of the plan concerns, and to who covers that book today; told
    twice about the same day: once.
    """
    moves = Move.objects.filter(plan_id=plan_id, status=RowStatus.PROPOSED)
    concerned = moves.filter(Q(from_csm=OuterRef("pk")) | Q(to_csm=OuterRef("pk")))
    books = CSM.objects.filter(Exists(concerned))
    covers = Leave.objects.covered_on(localtime(at).date()).filter(csm__in=books.values("pk"))
    serving = Q(pk__in=books.values("pk")) | Q(pk__in=covers.values("covered_by"))
    people = CSM.objects.filter(serving, user__is_active=True, user__groups__name=roles.CSM)
    subject, body = notice_words.may_be_objected_to(until=until, link=notice_words.objections_link())
    Notice.objects.leave(
        to=people.values_list("user_id", flat=True),
        kind=Notice.Kind.OBJECT,
        about=f"plan-{plan_id}-objections-{until:%Y%m%d}",
        subject=subject,
        body=body,
        at=at,
    )


def tell_answered(*, plan_id: int, objection_ids: Collection[int], at: datetime) -> None:
    """One mail to each person whose objections were answered now, however many they are."""
    objectors = Objection.objects.filter(pk__in=objection_ids, by__is_active=True)
    subject, body = notice_words.objection_was_answered(link=notice_words.objections_link())
    Notice.objects.leave(
        to=objectors.values_list("by_id", flat=True),
        kind=Notice.Kind.DECIDED,
        about=f"plan-{plan_id}-answers-{at:%Y%m%d%H%M%S%f}",
        subject=subject,
        body=body,
        at=at,
    )
