"""Who gets a digest on a day, what it covers, and whose books each may read about; read for everybody at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Max, Q
from django.utils import timezone

from accounts import roles
from accounts.models import CSM, Delegation, NoticePreference, User
from accounts.querysets.scope import all_teams, teams_below_among
from allocation.models import Notice

Digest = NoticePreference.Digest
MONDAY = 0
# What a first digest covers, and at most how far one reaches back: who was told nothing for months has the pages.
PERIOD = {Digest.DAILY: timedelta(days=1), Digest.WEEKLY: timedelta(days=7)}
FURTHEST = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Reader:
    """One who gets a digest. It covers whole days, from `since` up to and without the day it is written on.

    is_ops: reads about the whole company. csm_id: the own book. teams: those led, those below them and those delegated on
    the day, of a manager. As `visible_to` says (accounts.querysets.scope).
    """

    pk: int
    since: date
    is_ops: bool
    is_manager: bool
    csm_id: int | None
    teams: frozenset[int]


def about(on: date) -> str:
    """What a digest of the day is about: one a person and day."""
    return f"digest-{on.isoformat()}"


def midnight(day: date) -> datetime:
    """When the day begins, in the time zone of the installation: 23 or 25 hours after the one before, twice a year."""
    return timezone.make_aware(datetime.combine(day, time.min))


def readers_on(*, on: date) -> tuple[Reader, ...]:
    """Active people with a role who are to have a digest on the day and have none of it yet; seven queries."""
    people = _people()
    last = _last_digests()
    due = [
        (person, since)
        for person in people
        if (since := _covers_since(_rhythm(person), on=on, last=last.get(person.pk))) is not None
    ]
    if not due:
        return ()
    teams, represented = all_teams(), _represented(on=on)
    books = dict(CSM.objects.filter(user__isnull=False).order_by("pk").values_list("user_id", "pk"))
    readers = []
    for person, since in due:
        held = {group.name for group in person.groups.all()}
        leads = roles.MANAGER in held
        managers = {person.pk, *represented.get(person.pk, ())}
        readers.append(
            Reader(
                pk=person.pk,
                since=since,
                is_ops=person.is_superuser or roles.OPS in held,
                is_manager=leads,
                csm_id=books.get(person.pk) if roles.CSM in held else None,
                teams=teams_below_among(teams, managers=managers) if leads else frozenset(),
            )
        )
    return tuple(readers)


def _people() -> Iterable[User]:
    """Each once, with groups and wishes."""
    with_role = Q(groups__name__in=roles.ALL) | Q(is_superuser=True)
    ids = User.objects.filter(with_role, is_active=True).order_by().values("pk")
    rows = User.objects.filter(pk__in=ids).select_related("notice_preference").prefetch_related("groups")
    return rows.order_by("pk")


def _rhythm(person: User) -> str:
    """What the person chose; who chose nothing gets one on Mondays."""
    wish: NoticePreference | None = getattr(person, "notice_preference", None)
    return wish.digest if wish is not None else Digest.WEEKLY


def _covers_since(rhythm: str, *, on: date, last: date | None) -> date | None:
    """The first day that a digest of the day covers; None: no digest is due."""
    is_due = rhythm == Digest.DAILY or (rhythm == Digest.WEEKLY and on.weekday() == MONDAY)
    if not is_due or (last is not None and last >= on):
        return None
    return max(last, on - FURTHEST) if last is not None else on - PERIOD[Digest(rhythm)]


def _last_digests() -> dict[int, date]:
    """The day of each person's newest digest. The key begins with it."""
    rows = Notice.objects.filter(kind=Notice.Kind.DIGEST).order_by().values_list("to_id").annotate(Max("key"))
    begins = len("digest-")
    return {
        pk: date.fromisoformat(key[begins : begins + 10]) for pk, key in rows.values_list("to_id", "key__max")
    }


def _represented(*, on: date) -> Mapping[int, set[int]]:
    """{delegate: managers who handed their decisions over and still are managers}."""
    holding = Delegation.objects.holding(on).filter(manager__groups__name=roles.MANAGER)
    found: dict[int, set[int]] = {}
    for delegate, manager in holding.order_by("pk").values_list("delegate_id", "manager_id"):
        found.setdefault(delegate, set()).add(manager)
    return found
