"""Deterministic rows for tests: counted names, no clock, no chance. Each factory makes the least that is valid."""

import datetime
from decimal import Decimal
from types import SimpleNamespace

import factory
from django.contrib.auth.models import Group
from factory.django import DjangoModelFactory

from accounts import roles
from accounts.models import (
    CSM,
    Customer,
    Goal,
    GoalKind,
    Language,
    Region,
    Team,
    Tier,
    TouchActivity,
    User,
    Vertical,
)

TODAY = datetime.date(2026, 11, 22)
NOW = datetime.datetime.combine(TODAY, datetime.time(9), tzinfo=datetime.UTC)
CLOCK = {"on": TODAY, "at": NOW}  # what an edge reads once and hands on


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    name = factory.Sequence(lambda n: f"Person {n}")
    password = "!"  # none: tests sign in by force_login

    @factory.post_generation
    def role(self: User, create: bool, extracted: str | None, **kwargs: object) -> None:
        """`UserFactory(role=roles.OPS)` puts the user into that group."""
        if create and extracted:
            self.groups.add(Group.objects.get_or_create(name=extracted)[0])


class TeamFactory(DjangoModelFactory):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")


class VerticalFactory(DjangoModelFactory):
    class Meta:
        model = Vertical
        django_get_or_create = ("name",)

    name = factory.Sequence(lambda n: f"Vertical {n}")


class RegionFactory(DjangoModelFactory):
    class Meta:
        model = Region
        django_get_or_create = ("name",)

    name = factory.Sequence(lambda n: f"Region {n}")


class LanguageFactory(DjangoModelFactory):
    class Meta:
        model = Language
        django_get_or_create = ("name",)

    name = factory.Sequence(lambda n: f"Language {n}")


class CSMFactory(DjangoModelFactory):
    class Meta:
        model = CSM

    name = factory.Sequence(lambda n: f"CSM {n}")
    email = factory.Sequence(lambda n: f"csm{n}@example.com")
    team = factory.SubFactory(TeamFactory)


class TierFactory(DjangoModelFactory):
    class Meta:
        model = Tier
        django_get_or_create = ("slug",)

    slug = factory.Sequence(lambda n: f"tier-{n}")
    name = factory.LazyAttribute(lambda tier: tier.slug.replace("-", " ").title())
    rank = factory.Sequence(lambda n: n + 1)
    touch_level = "mid"


class TouchActivityFactory(DjangoModelFactory):
    class Meta:
        model = TouchActivity

    tier = factory.SubFactory(TierFactory)
    name = factory.Sequence(lambda n: f"Activity {n}")
    times_a_year = Decimal(12)
    hours_each = Decimal(1)


class CustomerFactory(DjangoModelFactory):
    class Meta:
        model = Customer

    external_id = factory.Sequence(lambda n: f"C{n:04d}")
    name = factory.LazyAttribute(lambda customer: f"Customer {customer.external_id}")
    arr = Decimal("10000.00")
    currency = "USD"


class GoalKindFactory(DjangoModelFactory):
    class Meta:
        model = GoalKind
        django_get_or_create = ("slug",)

    slug = factory.Sequence(lambda n: f"goal-{n}")
    name = factory.LazyAttribute(lambda kind: kind.slug.replace("-", " ").title())


class GoalFactory(DjangoModelFactory):
    class Meta:
        model = Goal

    customer = factory.SubFactory(CustomerFactory)
    kind = factory.SubFactory(GoalKindFactory)
    starts_on = TODAY


def cast() -> SimpleNamespace:
    """The fixed cast: ops, a manager of team A, CSMs in teams A and B, and Nobody."""
    manager = UserFactory(email="manager@example.com", name="Mia Manager", role=roles.MANAGER, is_staff=True)
    team_a = TeamFactory(name="Team A", manager=manager)
    team_b = TeamFactory(name="Team B")
    csm_a = UserFactory(email="csm-a@example.com", name="Ada Book", role=roles.CSM)
    csm_b = UserFactory(email="csm-b@example.com", name="Ben Book", role=roles.CSM)
    CSMFactory(user=csm_a, name=csm_a.name, email=csm_a.email, team=team_a)
    CSMFactory(user=csm_b, name=csm_b.name, email=csm_b.email, team=team_b)
    return SimpleNamespace(
        ops=UserFactory(email="ops@example.com", name="Olga Ops", role=roles.OPS, is_staff=True),
        manager=manager,
        csm_a=csm_a,
        csm_b=csm_b,
        nobody=UserFactory(email="nobody@example.com", name="Nobody"),
        team_a=team_a,
        team_b=team_b,
    )
