"""What a book's page stands on whoever its customers are: leave, tiers, touch plans, policies, saved views; read at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q

from accounts.models import CSM, GoalKind, Leave, Tier, TouchActivity
from accounts.querysets.scope import keep_covered
from allocation.models import AttentionPolicy, Handover, SavedView
from allocation.selectors.tiers import tiers_with_settings
from allocation.snapshots.away import MONTH_DAYS
from allocation.snapshots.together import Row, ShortList, made, read_together

_CSM = ("id", "user_id", "name", "email")
_OF_LEAVE = ("id", "csm_id", "starts_on", "ends_before", "covered_by_id")
_ACTIVITY = ("tier_id", "goal_kind_id", "times_a_year", "hours_each")
_SETTINGS = ("held", "paid", "published", "full_time_hours")


@dataclass(frozen=True, slots=True)
class BookGround:
    """leaves: everybody's of the month from the day, and all to come that concern this book, the earliest first. tiers: as
    `tiers_with_settings` gives them. activities: as TouchPlans takes them. kinds: of goals in use, by name. policy: of attention,
    in force; unsaved where none is. views: the person's of books, by name. handovers: the open ones of the book that the person
    sees: to whom, from whom, due on; these two of the page only.
    """

    leaves: tuple[Leave, ...]
    tiers: tuple[Any, ...]
    activities: tuple[tuple[int, int | None, Decimal, Decimal], ...]
    kinds: tuple[tuple[int, str], ...]
    policy: AttentionPolicy
    views: tuple[SavedView, ...] = ()
    handovers: tuple[tuple[int | None, int | None, date], ...] = ()


def book_ground(*, csm: CSM, on: date, user: Any = None) -> BookGround:
    """Of one book on a day, which is today where a user is given; one statement. user: who opens the page of the book."""
    leaves = Leave.objects.filter(
        Q(starts_on__lt=on + timedelta(days=MONTH_DAYS)) | Q(csm=csm) | Q(covered_by=csm), ends_before__gt=on
    ).with_cover(on)
    joined = [f"{join}__{name}" for join in ("csm", "covered_by") for name in _CSM]
    lists = {
        "leaves": ShortList(leaves, (*_OF_LEAVE, "is_covered", *joined)),
        "tiers": ShortList(tiers_with_settings(), (*_columns(Tier), *_SETTINGS), place="rank"),
        "activities": ShortList(TouchActivity.objects.all(), _ACTIVITY),
        "kinds": ShortList(GoalKind.objects.filter(retired=False), ("id", "name"), word="name"),
        "policy": ShortList(AttentionPolicy.objects.active(), _columns(AttentionPolicy)),
    }
    if user is not None:
        of_book = Handover.objects.filter(Q(from_csm=csm) | Q(to_csm=csm), status="open")
        if not (user.is_csm and csm.user_id == user.pk):  # all of the own book are in a CSM's scope
            of_book = of_book.visible_to(user)
        mine = SavedView.objects.of(user).filter(list=SavedView.List.BOOK)
        lists["handovers"] = ShortList(of_book, ("to_csm_id", "from_csm_id", "due_on"))
        lists["views"] = ShortList(mine, _columns(SavedView), word="name")
    found = read_together(lists)
    of_leave = sorted((_leave(row) for row in found["leaves"]), key=lambda row: (row.starts_on, row.pk))
    if user is not None:
        keep_covered(user, of_leave, on=on)
    return BookGround(
        leaves=tuple(of_leave),
        tiers=tuple(_tier(row) for row in found["tiers"]),
        activities=tuple(_activity(made(TouchActivity, row)) for row in found["activities"]),
        kinds=tuple((row["id"], row["name"]) for row in found["kinds"]),
        policy=next((made(AttentionPolicy, row) for row in found["policy"]), None) or AttentionPolicy(),
        views=tuple(made(SavedView, row) for row in found.get("views", ())),
        handovers=tuple(
            (row["to_csm_id"], row["from_csm_id"], date.fromisoformat(row["due_on"]))
            for row in found.get("handovers", ())
        ),
    )


def _columns(model: Any) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


def _leave(row: Row) -> Leave:
    leave = made(Leave, row)
    leave.is_covered = bool(row["is_covered"])  # type: ignore[attr-defined]  # as with_cover says it
    leave.csm = made(CSM, row, over="csm__")
    leave.covered_by = made(CSM, row, over="covered_by__") if row["covered_by_id"] is not None else None
    return leave


def _tier(row: Row) -> Any:
    tier: Any = made(Tier, row)
    for name in _SETTINGS:
        setattr(tier, name, row[name])
    if isinstance(tier.published, str):  # one of the databases has JSON within JSON as text
        tier.published = json.loads(tier.published)
    return tier


def _activity(row: TouchActivity) -> tuple[int, int | None, Decimal, Decimal]:
    return row.tier_id, row.goal_kind_id, row.times_a_year, row.hours_each
