"""What a book's page stands on whoever its customers are: leave, tiers, touch plans, policies, saved views; read at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Q

from accounts.kept_statements import Kept
from accounts.models import CSM, ExchangeRate, GoalKind, Leave, Tier, TouchActivity
from accounts.querysets.scope import keep_covered
from allocation.models import AttentionPolicy, Handover, SavedView
from allocation.selectors.tiers import in_use_among, tiers_with_settings
from allocation.snapshots.away import MONTH_DAYS
from allocation.snapshots.money import days_of_rates, latest_rates, usable_rates
from allocation.snapshots.together import Row, ShortList, apart, made, row_of, together

_CSM = ("id", "user_id", "name", "email")
_OF_LEAVE = ("id", "csm_id", "starts_on", "ends_before", "covered_by_id")
_ACTIVITY = ("tier_id", "goal_kind_id", "times_a_year", "hours_each")
_RATE = ("id", "currency", "day", "rate", "newest")
_OF_ALL = ("leaves", "tiers", "activities", "kinds", "policy", "rates")
_OF_PAGE = ("handovers", "views")
_SETTINGS = ("held", "paid", "published", "full_time_hours")


@dataclass(frozen=True, slots=True)
class BookGround:
    """leaves: everybody's of the month from the day, and all to come that concern this book, the earliest first. tiers: as
    `tiers_with_settings` gives them; tiers_in_use: those of them. activities: as TouchPlans takes them. kinds: of goals in use,
    by name. policy: of attention, in force; unsaved where none is. rates: of all currencies that have one. views: the person's
    of books, by name. handovers: the open ones of the book that the person sees: to whom, from whom, due on; these two of the
    page only. Tiers and policy are shared by requests: nobody changes them.
    """

    leaves: tuple[Leave, ...]
    tiers: tuple[Any, ...]
    tiers_in_use: tuple[Tier, ...]
    activities: tuple[tuple[int, int | None, Decimal, Decimal], ...]
    kinds: tuple[tuple[int, str], ...]
    policy: AttentionPolicy
    rates: Mapping[str, Decimal]
    views: tuple[SavedView, ...] = ()
    handovers: tuple[tuple[int | None, int | None, date], ...] = ()


def book_ground(*, csm: CSM, on: date, user: Any = None) -> BookGround:
    """Of one book on a day, which is today where a user is given; one statement. user: who opens the page of the book."""
    values = {
        "csm": csm.pk,
        "on": on,
        "until": on + timedelta(days=MONTH_DAYS),
        "base": settings.BASE_CURRENCY,
        **days_of_rates(on),
        "viewer": None if user is None else user.pk,
    }
    found = apart(_names(user), _rows(csm, user, values))
    of_leave = sorted(map(_leave, found["leaves"]), key=lambda row: (row.starts_on, row.pk))
    if user is not None:
        keep_covered(user, of_leave, on=on)
    tiers, in_use = _tiers(found["tiers"])
    return BookGround(
        leaves=tuple(of_leave),
        tiers=tiers,
        tiers_in_use=in_use,
        activities=_activities(found["activities"]),
        kinds=_kinds(found["kinds"]),
        policy=_policy(found["policy"]),
        rates=usable_rates(_rates(found["rates"]), as_of=on),
        views=tuple(made(SavedView, row_of(text)) for text in found.get("views", ())),
        handovers=tuple(
            (row["to_csm_id"], row["from_csm_id"], date.fromisoformat(row["due_on"]))
            for row in map(row_of, found.get("handovers", ()))
        ),
    )


def _rows(csm: CSM, user: Any, values: Mapping[str, Any]) -> Iterable[Any]:
    if user is None or (user.is_csm and csm.user_id == user.pk):  # all of the own book are in a CSM's scope
        return _KEPT.rows(**values)
    return together(_lists(**values, scope=user))


def _names(user: Any) -> list[str]:
    return [*_OF_ALL, *(_OF_PAGE if user is not None else ())]


def _lists(
    *,
    csm: int,
    on: date,
    until: date,
    base: str,
    fresh: date,
    stale: date,
    viewer: int | None,
    scope: Any = None,
) -> dict[str, ShortList]:
    """fresh, stale: of rates. viewer: id of who opens the page. scope: the same person, where not all handovers of the book are theirs to see."""
    leaves = Leave.objects.filter(
        Q(starts_on__lt=until) | Q(csm=csm) | Q(covered_by=csm), ends_before__gt=on
    ).with_cover(on)
    joined = [f"{join}__{name}" for join in ("csm", "covered_by") for name in _CSM]
    lists = {
        "leaves": ShortList(leaves, (*_OF_LEAVE, "is_covered", *joined)),
        "tiers": ShortList(tiers_with_settings(), (*_columns(Tier), *_SETTINGS), place="rank"),
        "activities": ShortList(TouchActivity.objects.all(), _ACTIVITY),
        "kinds": ShortList(GoalKind.objects.filter(retired=False), ("id", "name"), word="name"),
        "policy": ShortList(AttentionPolicy.objects.active(), _columns(AttentionPolicy)),
        "rates": ShortList(latest_rates(as_of=on, base=base, fresh=fresh, stale=stale), _RATE),
    }
    if viewer is not None:
        of_book = Handover.objects.filter(Q(from_csm=csm) | Q(to_csm=csm), status="open")
        if scope is not None:
            of_book = of_book.visible_to(scope)
        mine = SavedView.objects.filter(user_id=viewer, list=SavedView.List.BOOK)
        lists["handovers"] = ShortList(of_book, ("to_csm_id", "from_csm_id", "due_on"))
        lists["views"] = ShortList(mine, _columns(SavedView), word="name")
    return lists


_KEPT = Kept(lambda **values: together(_lists(**values)))


def _columns(model: Any) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


def _leave(text: str) -> Leave:
    row = row_of(text)
    leave = made(Leave, row)
    leave.is_covered = bool(row["is_covered"])  # type: ignore[attr-defined]  # as with_cover says it
    leave.csm = made(CSM, row, over="csm__")
    leave.covered_by = made(CSM, row, over="covered_by__") if row["covered_by_id"] is not None else None
    return leave


# The same rows, as the database gave them for this request, are the same objects: they are rarely changed and often read.


@lru_cache(maxsize=16)
def _tiers(texts: tuple[str, ...]) -> tuple[tuple[Any, ...], tuple[Tier, ...]]:
    tiers = tuple(_tier(row_of(text)) for text in texts)
    return tiers, in_use_among(tiers)


def _tier(row: Row) -> Any:
    tier: Any = made(Tier, row)
    for name in _SETTINGS:
        setattr(tier, name, row[name])
    if isinstance(tier.published, str):  # one of the databases has JSON within JSON as text
        tier.published = json.loads(tier.published)
    return tier


@lru_cache(maxsize=16)
def _activities(texts: tuple[str, ...]) -> tuple[tuple[int, int | None, Decimal, Decimal], ...]:
    rows = [made(TouchActivity, row_of(text)) for text in texts]
    return tuple((row.tier_id, row.goal_kind_id, row.times_a_year, row.hours_each) for row in rows)


@lru_cache(maxsize=16)
def _kinds(texts: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    return tuple((row["id"], row["name"]) for row in map(row_of, texts))


@lru_cache(maxsize=16)
def _policy(texts: tuple[str, ...]) -> AttentionPolicy:
    return next((made(AttentionPolicy, row_of(text)) for text in texts), None) or AttentionPolicy()


@lru_cache(maxsize=16)
def _rates(texts: tuple[str, ...]) -> tuple[tuple[str, date, Decimal, date], ...]:
    rows = [(made(ExchangeRate, row), row["newest"]) for row in map(row_of, texts)]
    return tuple((rate.currency, rate.day, rate.rate, date.fromisoformat(newest)) for rate, newest in rows)
