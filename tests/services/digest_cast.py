"""Two books in two teams, with everything a digest may tell; Monday is a Monday."""

import datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

from django.utils import timezone

from accounts import roles
from accounts.models import CSM, Customer, NoticePreference, User
from allocation.models import Notice, Source
from allocation.services.decisions import CsmChange, DecisionSource, TierChange, set_csms, set_tiers
from allocation.services.digests import write_digests
from tests.factories import CSMFactory, CustomerFactory, TeamFactory, TierFactory, UserFactory

DAY = datetime.timedelta(days=1)
MONDAY = datetime.date(2026, 11, 23)
BY_HAND = DecisionSource(kind=Source.MANUAL)


def morning(day: datetime.date = MONDAY, hour: int = 6) -> datetime.datetime:
    """In the zone of the installation."""
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time(hour)))


def wishes(person: User, digest: str = "daily", *, at_once: bool = True) -> None:
    NoticePreference.objects.update_or_create(user=person, defaults={"digest": digest, "at_once": at_once})


def write(day: datetime.date = MONDAY) -> str:
    return write_digests(on=day, at=morning(day))


def digest_of(person: User, day: datetime.date = MONDAY) -> str:
    """Subject and text; empty when there is none."""
    row = Notice.objects.filter(kind="digest", to=person, key__startswith=f"digest-{day}").first()
    return f"{row.subject}\n{row.body}" if row else ""


def lines_of(person: User, day: datetime.date = MONDAY) -> list[str]:
    return [line[2:] for line in digest_of(person, day).splitlines() if line.startswith("- ")]


def customer(csm: CSM | None, name: str, *, on: datetime.date = MONDAY - 100 * DAY, **more: Any) -> Customer:
    """In the book since long ago, as far as the ledger was written."""
    made = CustomerFactory(name=name, **more)
    if csm is not None:
        give(made, csm, on=on)
    return made


def at_noon(day: datetime.date) -> Any:
    """What is written to the ledger within is written down then; a row of it never changes."""
    return written_at(morning(day, 12))


def written_at(moment: datetime.datetime) -> Any:
    return mock.patch("django.utils.timezone.now", return_value=moment)


def give(one: Customer, csm: CSM | None, *, on: datetime.date, at: datetime.datetime | None = None) -> None:
    """By the only writer; written down at noon of the day, or at another moment."""
    one.refresh_from_db()
    changes = [CsmChange(one.pk, one.csm_id, csm.pk if csm else None)]
    with written_at(at) if at else at_noon(on):
        set_csms(changes=changes, on=on, decision=BY_HAND)


def serve(one: Customer, slug: str, *, on: datetime.date) -> None:
    one.refresh_from_db()
    tier = TierFactory(slug=slug)
    with at_noon(on):
        set_tiers(changes=[TierChange(one.pk, one.tier_id, tier.pk)], on=on, decision=BY_HAND)


def another_team(cast: SimpleNamespace) -> SimpleNamespace:
    """A manager, a CSM and a book beside those of the cast."""
    number = CSM.objects.count()
    manager = UserFactory(name=f"Manager {number}", email=f"manager{number}@example.com", role=roles.MANAGER)
    team = TeamFactory(name=f"Another team {number}", manager=manager)
    person = UserFactory(
        name=f"Person of team {number}", email=f"csm-of-{number}@example.com", role=roles.CSM
    )
    csm = CSMFactory(user=person, name=person.name, email=person.email, team=team)
    return SimpleNamespace(manager=manager, team=team, person=person, csm=csm)
