"""Fill an empty installation with the demonstration company and its sign-ins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zlib import crc32

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from accounts import roles
from accounts.demo_company import (
    DIRECTOR,
    GOAL_KINDS,
    MANAGERS,
    OPS,
    TEAMS,
    DemoCompany,
    DemoCustomer,
    email_of,
    imagine_company,
)
from accounts.models import (
    CSM,
    Customer,
    ExchangeRate,
    Goal,
    GoalKind,
    Language,
    Region,
    Team,
    User,
    Vertical,
)
from allocation.groups import ensure_groups
from allocation.models import Source
from allocation.services.decisions import CsmChange, DecisionSource, set_csms

PASSWORD = "cstiers-demo"  # noqa: S105  (a demonstration, never a real installation: seed_demo refuses one)
BATCH = 500
# How many quarters ago a customer came to its CSM; the last quarter begins early enough for what is done since.
QUARTERS_HELD = (2, 3, 3, 4, 5, 6, 8)
GOAL_OPEN = timedelta(days=63)  # since before the day of the tiers, which a goal decides


class UnableToSeedDemo(Exception):
    """The installation is not empty, or the company asked for makes no sense."""


@dataclass(frozen=True, slots=True)
class SignIn:
    role: str
    name: str
    email: str
    password: str


def demo_sign_ins() -> list[SignIn]:
    """One person of each role, for the last lines of `make demo`; empty without demo data."""
    people = dict(User.objects.filter(email__endswith="@demo.example").values_list("email", "name"))
    first_csm = (
        CSM.objects.filter(user__email__in=people)
        .order_by("pk")
        .values_list("user__email", flat=True)
        .first()
    )
    wanted = [
        (roles.OPS, email_of(OPS)),
        (roles.MANAGER, email_of(MANAGERS[0])),
        (roles.CSM, first_csm or ""),
    ]
    return [SignIn(role, people[email], email, PASSWORD) for role, email in wanted if email in people]


def seed_demo(*, customers: int, csms: int, seed: int, today: date, base_currency: str) -> dict[str, int]:
    """Write the demonstration company into an empty installation, in one transaction.

    Raises UnableToSeedDemo when there are customers or CSMs already.
    """
    if customers < 0 or csms < 0:
        raise UnableToSeedDemo("The numbers of customers and CSMs must not be negative.")
    if Customer.objects.exists() or CSM.objects.exists():
        raise UnableToSeedDemo(
            "There are customers or CSMs already: demo data only goes into an empty installation."
        )
    company = imagine_company(customers=customers, csms=csms, seed=seed, today=today)
    try:
        _write(company, today=today, base_currency=base_currency)
    except IntegrityError as clash:
        raise UnableToSeedDemo(
            "Some of the demo company's people, teams or words are there already under the same name or e-mail: "
            "demo data only goes into an empty installation."
        ) from clash
    return {"customers": len(company.customers), "csms": len(company.csms)}


def _write(company: DemoCompany, *, today: date, base_currency: str) -> None:
    """All of it or nothing."""
    with transaction.atomic():
        ensure_groups()
        people = _write_people(company)
        _write_rates(company, base_currency)
        written = _write_customers(company, today)
        _write_goals(company, written, today)
        _write_books(company, written, people, today)


def _write_books(company: DemoCompany, written: dict[str, int], people: dict[str, int], today: date) -> None:
    """Who has each customer, since a day of the last two years: not all since the same, and none before its contract."""
    since: dict[date, list[CsmChange]] = {}
    for row in company.customers:
        if row.csm is not None:
            change = CsmChange(written[row.external_id], None, people[row.csm])
            since.setdefault(_held_since(row, today), []).append(change)
    for day, changes in sorted(since.items()):
        set_csms(
            changes=changes, on=day, decision=DecisionSource(Source.DEMO, words="who had the customer before")
        )


def _held_since(row: DemoCustomer, today: date) -> date:
    """The first day of a quarter, or of the contract where that is later; the same for the same customer."""
    quarters = QUARTERS_HELD[crc32(row.external_id.encode()) % len(QUARTERS_HELD)]
    month = today.year * 12 + (today.month - 1) // 3 * 3 - 3 * quarters
    contract_start: Any = row.facts["contract_start"]
    begun: date = max(date(month // 12, month % 12 + 1, 1), contract_start)
    return begun


def _write_people(company: DemoCompany) -> dict[str, int]:
    """Users, teams and CSMs; returns CSM ids by e-mail."""
    password = make_password(PASSWORD)  # hashed once: hashing for everybody would take most of the seeding
    names = {roles.OPS: [OPS], roles.MANAGER: [DIRECTOR, *MANAGERS]}
    names[roles.CSM] = [csm.name for csm in company.csms]
    users: dict[str, User] = {}
    for role, members in names.items():
        made = [
            User(email=email_of(name), name=name, password=password, is_staff=role == roles.OPS)
            for name in members
        ]
        for user in made:
            user.save()
        Group.objects.get(name=role).user_set.add(*made)
        users |= {user.email: user for user in made}
    top = Team.objects.create(name="Customer Success", manager=users[email_of(DIRECTOR)])
    teams = {
        name: Team.objects.create(name=name, manager=users[email_of(manager)], parent=top)
        for name, manager in zip(TEAMS, MANAGERS, strict=True)
    }
    verticals = _words(Vertical, {name for csm in company.csms for name in csm.verticals})
    languages = _words(Language, {name for csm in company.csms for name in csm.languages})
    for row in company.csms:
        csm = CSM.objects.create(
            user=users[row.email],
            name=row.name,
            email=row.email,
            team=teams[row.team],
            seniority=row.seniority,
            hours_per_month=row.hours_per_month,
            overhead_pct=row.overhead_pct,
            ramp_pct=row.ramp_pct,
            countries=row.countries,
        )
        csm.verticals.set([verticals[name] for name in row.verticals])
        csm.languages.set([languages[name] for name in row.languages])
    return dict(CSM.objects.filter(email__isnull=False).values_list("email", "pk"))


def _words(model: type[Any], names: set[str]) -> dict[str, int]:
    known: dict[str, int] = dict(model.objects.values_list("name", "pk"))
    for name in sorted(names - set(known)):
        model.objects.create(name=name)
    return dict(model.objects.values_list("name", "pk"))


def _write_rates(company: DemoCompany, base_currency: str) -> None:
    if base_currency != "USD":
        raise UnableToSeedDemo("The demo company's rates are in USD: leave BASE_CURRENCY unset for the demo.")
    ExchangeRate.objects.bulk_create(
        [
            ExchangeRate(currency=currency, day=day, rate=rate, base="USD")
            for currency, day, rate in company.rates
        ],
        ignore_conflicts=True,
    )


def _write_customers(company: DemoCompany, today: date) -> dict[str, int]:
    """Customers without tier or CSM; returns ids by external id."""
    models: dict[str, type[Any]] = {"vertical": Vertical, "region": Region, "language": Language}
    ids = {
        kind: _words(model, {row.words[kind] for row in company.customers}) for kind, model in models.items()
    }
    Customer.objects.bulk_create(
        [
            Customer(
                external_id=row.external_id,
                name=row.name,
                **{f"{kind}_id": ids[kind][name] for kind, name in row.words.items()},
                **row.facts,
            )
            for row in company.customers
        ],
        batch_size=BATCH,
    )
    written: dict[str, int] = dict(Customer.objects.values_list("external_id", "pk"))
    for row in company.customers:
        if row.parent is not None:
            Customer.objects.filter(pk=written[row.external_id]).update(parent_id=written[row.parent])
    return written


def _write_goals(company: DemoCompany, written: dict[str, int], today: date) -> None:
    for slug, name in GOAL_KINDS.items():
        GoalKind.objects.get_or_create(slug=slug, defaults={"name": name})
    kinds: dict[str, int] = dict(GoalKind.objects.values_list("slug", "pk"))
    Goal.objects.bulk_create(
        [
            Goal(customer_id=written[row.external_id], kind_id=kinds[slug], starts_on=today - GOAL_OPEN)
            for row in company.customers
            for slug in row.goals
        ],
        batch_size=BATCH,
    )
