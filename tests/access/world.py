"""A company of three books in two teams, with one row at least of every kind, each word of a book recognisable.

Whatever text belongs to book A begins with Quokka, of the other book of the same team with Zorilla, of the book of the
other team with Axolotl: a page that shows one to the wrong person is found by reading it.
"""

from __future__ import annotations

import datetime
import hashlib
from types import SimpleNamespace
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client
from django.urls import reverse

from accounts import roles
from accounts.models import (
    CSM,
    ColumnMapping,
    CustomAttribute,
    Customer,
    Delegation,
    ExchangeRate,
    Goal,
    GoalKind,
    ImportBatch,
    Leave,
    NoticePreference,
    Team,
    TouchActivity,
    User,
)
from allocation.models import (
    BookHolding,
    BookPlan,
    CalendarFeed,
    Freeze,
    Handover,
    Move,
    Notice,
    Objection,
    Override,
    OverrideEdit,
    RetierRun,
    SavedView,
    Scenario,
    Slot,
    Staffing,
    TierDecision,
    TieringModel,
    Touch,
)
from allocation.models.locks import ModelLock
from allocation.services import scenarios, sensitivity
from cstiers.signing_in.throttle import PERSON
from tests import factories
from tests.factories import TODAY
from tests.pages import company

A, A2, B = "Quokka", "Zorilla", "Axolotl"
BOOKS = (A, A2, B)
# Books whose words each person may read, and no other; who is not named here reads none.
READS = {
    "ops": frozenset(BOOKS),
    "manager_a": frozenset({A, A2}),
    "manager_b": frozenset({B}),
    "csm_a": frozenset({A}),
    "csm_a2": frozenset({A2}),
    "csm_b": frozenset({B}),
}
NOW = company.NOW
# Texts with a grammar of their own: no free words.
NOT_WORDS = {
    "currency",
    "slug",
    "decided_by",
    "sha256",
    "digest",
    "facts_digest",
    "claimed_by",
    "password",
    "key",
}


def words(model: type[models.Model], book: str) -> dict[str, str]:
    """A recognisable word for each free text of the model: {"package": "QuokkaCustomerPackage"}."""
    return {
        field.name: f"{book}{model.__name__}{field.name.title().replace('_', '')}"[: field.max_length or 99]
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not isinstance(field, models.EmailField | models.SlugField)
        and not field.choices
        and field.name not in NOT_WORDS
    }


def build() -> SimpleNamespace:
    """The company: `.persons` by name, `.objects` by model label and by other names, `.clients` signed in."""
    persons = _people()
    # Who had some of the customers before, and is in no team: a customer's own history may name her.
    former = factories.CSMFactory(name="Fern Former", team=None, accepting=False)
    world = SimpleNamespace(persons=persons, objects={}, customers={}, csms={}, former=former, forms={})
    company.load_playbook(slug="three-axis", publish=True, at=NOW, actor_id=persons["ops"].pk)
    CustomAttribute.objects.create(slug="motto", label="Motto", kind="choice")
    AccessAttempt.objects.create(
        username="ops@example.com", ip_address="192.0.2.7", user_agent=PERSON, failures_since_start=3
    )
    ExchangeRate.objects.create(currency="EUR", day=TODAY, rate="0.9", base="USD")
    Delegation.objects.create(
        manager=persons["manager_a"],
        delegate=persons["former_manager"],
        starts_on=TODAY + datetime.timedelta(days=20),
        ends_before=TODAY + datetime.timedelta(days=30),
        words="Away",
        created_by=persons["manager_a"],
        created_at=NOW,
    )
    for book, person in ((A, "csm_a"), (A2, "csm_a2"), (B, "csm_b")):
        world.csms[book] = CSM.objects.get(user=persons[person])
        world.customers[book] = _customers(book, world.csms[book])
    # A family and a goal owner that reach over the fence, and a CSM of today who is another's of yesterday.
    Customer.objects.filter(pk=world.customers[A][0].pk).update(parent=world.customers[B][0])
    Customer.objects.filter(pk=world.customers[B][1].pk).update(parent=world.customers[A][1])
    cast = SimpleNamespace(ops=persons["ops"])
    undone = company.applied_run(cast)
    plan = company.applied_plan(cast)
    for book in BOOKS:
        _around(book, world)
    _proposals(world, cast, undone, plan)
    _objects(world)
    world.clients = Clients(persons)
    world.batches = {person: _import(world, person) for person in ("ops",)}
    world.objects["accounts.importbatch"] = world.batches["ops"]
    return world


def _people() -> dict[str, User]:
    make = factories.UserFactory
    persons = {
        "ops": make(email="ops@example.com", name="Olga Ops", role=roles.OPS, is_staff=True),
        "manager_a": make(
            email="manager-a@example.com", name="Mia Manager", role=roles.MANAGER, is_staff=True
        ),
        "manager_b": make(
            email="manager-b@example.com", name="Max Manager", role=roles.MANAGER, is_staff=True
        ),
        "csm_a": make(email="csm-quokka@example.com", name=f"{A} Ada", role=roles.CSM),
        "csm_a2": make(email="csm-zorilla@example.com", name=f"{A2} Ann", role=roles.CSM),
        "csm_b": make(email="csm-axolotl@example.com", name=f"{B} Ben", role=roles.CSM),
        "nobody": make(email="nobody@example.com", name="Nobody"),
        "former_manager": make(email="former@example.com", name="Fay Former", role=roles.MANAGER),
    }
    teams = {
        "a": factories.TeamFactory(name="Team of Mia", manager=persons["manager_a"]),
        "b": factories.TeamFactory(name=f"{B} team", manager=persons["manager_b"]),
    }
    for person, team in (("csm_a", "a"), ("csm_a2", "a"), ("csm_b", "b")):
        user = persons[person]
        factories.CSMFactory(user=user, name=user.name, email=user.email, team=teams[team])
    return persons


def _customers(book: str, csm: CSM) -> list[Customer]:
    made = company.customers_of(
        csm,
        name=book,
        count=4,
        vertical=factories.VerticalFactory(name=f"{book} vertical"),
        region=factories.RegionFactory(name=f"{book} region"),
    )
    language = factories.LanguageFactory(name=f"{book} language")
    for number, customer in enumerate(made):
        texts = {name: f"{text}{number}" for name, text in words(Customer, book).items()}
        Customer.objects.filter(pk=customer.pk).update(
            **texts,
            language=language,
            products=[f"{book}Product"],
            attributes={"motto": f"{book}Motto"},
            sentiment=3,
            sentiment_on=TODAY,
            sentiment_by=csm.user,
        )
    return list(Customer.objects.filter(csm=csm).order_by("pk"))


def _around(book: str, world: SimpleNamespace) -> None:
    """What hangs on the customers of one book."""
    csm, (first, second, third, _) = world.csms[book], world.customers[book]
    kind = factories.GoalKindFactory(slug="adoption")
    tier = first.__class__.objects.get(pk=first.pk).tier
    Goal.objects.create(customer=first, kind=kind, owner=csm.user, starts_on=TODAY, **words(Goal, book))
    Leave.objects.create(
        csm=csm, starts_on=TODAY, ends_before=TODAY + datetime.timedelta(days=40), covered_by=world.former
    )
    Touch.objects.create(
        customer=first, activity=TouchActivity.objects.order_by("pk").first(), due_on=TODAY, hours=1,
        done_by=csm, **words(Touch, book),
    )  # fmt: skip
    dates = {"starts_on": TODAY, "expires_on": TODAY + datetime.timedelta(days=90)}
    CalendarFeed.objects.create(
        csm=csm, digest=f"{book}-digest", created_at=NOW, created_by=csm.user
    )  # fmt: skip
    asked = Override.objects.create(
        customer=first, tier=tier, reason_kind="risk", asked_by=csm.user, due_on=TODAY, **dates,
        **{name: text for name, text in words(Override, book).items() if name in {"words", "evidence"}},
    )  # fmt: skip
    OverrideEdit.objects.create(
        override=asked, editor=world.persons["ops"], at=NOW, before={"words": f"{book}Before"},
        after={"words": f"{book}After"}, **words(OverrideEdit, book),
    )  # fmt: skip
    manager = world.persons["manager_b" if book == B else "manager_a"]
    Override.objects.create(
        customer=second, tier=tier, reason_kind="promise", asked_by=csm.user, status="approved",
        decided_by=manager, decided_at=NOW, begun_at=NOW, **dates,
        **{name: text for name, text in words(Override, book).items() if name != "ended_words"},
    )  # fmt: skip
    Notice.objects.create(
        to=csm.user, kind="decided", key=f"notice-{book}", created_at=NOW,
        **{name: text for name, text in words(Notice, book).items() if name != "fault"},
    )  # fmt: skip
    NoticePreference.objects.create(user=csm.user, digest="weekly")
    SavedView.objects.create(user=csm.user, list="book", name=f"{book}View", query=f"q={book}Query")
    # It was in another book before: the ledger says with whom.
    BookHolding.objects.create(
        customer=third, csm=world.former, source="import", starts_on=TODAY - datetime.timedelta(days=400),
        ends_before=TODAY - datetime.timedelta(days=200), **words(BookHolding, book),
    )  # fmt: skip


def _proposals(world: SimpleNamespace, cast: SimpleNamespace, applied: RetierRun, plan: BookPlan) -> None:
    """Runs and plans in the states that people meet them in, with rows of every book."""
    head = company.compared_plans(cast)
    over = company.proposed_run(cast)
    RetierRun.objects.filter(pk=over.pk).update(status="awaiting_approval", over_limit=True)
    open_plan = BookPlan.objects.create(
        as_of=TODAY, policy=plan.policy, policy_values=plan.policy_values, status="awaiting_approval",
        objections_until=TODAY + datetime.timedelta(days=3), objections_opened_by=cast.ops,
        objections_opened_at=NOW, requested_by=cast.ops,
        shortages=[{"pool": f"{B} vertical", "customers": 1, "hours": 1, "heads": 1}],
        unassigned=[{"external_id": f"{B}Id", "pool": f"{B} vertical", "reason": f"{B}Reason"}],
        summary=plan.summary,
    )  # fmt: skip
    world.moves = {}
    for book in BOOKS:
        csm, customer = world.csms[book], world.customers[book][3]
        stranger = world.csms[B if book != B else A]
        move = Move.objects.create(
            plan=open_plan, customer=customer, from_csm=csm, to_csm=None, runner_up=stranger,
            needs_approval=True, tier=customer.tier, **words(Move, book),
        )  # fmt: skip
        world.moves[book] = move
        Objection.objects.create(
            move=move, csm=csm, by=csm.user, reason_kind="timing", at=NOW, **words(Objection, book)
        )
        Handover.objects.create(
            customer=customer,
            move=move,
            from_csm=world.former,
            to_csm=csm,
            due_on=TODAY,
            **words(Handover, book),
        )
        decision = TierDecision.objects.filter(run=over, customer=customer)
        decision.update(
            **{name: text for name, text in words(TierDecision, book).items() if name != "segment"}
        )
    Scenario.objects.create(name="Scenario of ops", owner=cast.ops)
    Staffing.objects.get_or_create(is_active=True, defaults={"name": "Usual"})
    version = TieringModel.objects.published().get()
    asked = sensitivity.ask_sensitivity(model_id=version.pk, actor=cast.ops, on=TODAY, at=NOW)
    sensitivity.compute_sensitivity(sensitivity_id=asked.pk, owner="world", on=TODAY)
    world.objects["scenario"] = _scenario(world.persons["manager_a"])
    Freeze.objects.create(name="Year end", starts_on=TODAY, ends_before=TODAY + datetime.timedelta(days=9))
    Slot.objects.create(
        work="goals_run", slot=f"{TODAY} 00:30", due_at=NOW, status="failed", message="No model.", run=over
    )
    ModelLock.objects.create(until=TODAY, words="Year-end.", set_by=cast.ops, set_at=NOW)
    ColumnMapping.objects.create(name="CRM", mapping={"Account": "name"}, saved_by=cast.ops)
    TieringModel.objects.draft(name="Draft", definition=applied.tiering_model.definition, created_by_id=None)
    world.objects |= {
        "run": over,
        "run applied": applied,
        "plan": open_plan,
        "plan applied": plan,
        "comparison": head,
    }


def _scenario(owner: User) -> Scenario:
    """Of a manager, computed: customers of every book move in it, and the own ones are named."""
    wished = {"engagement": {"as": "wished", "without_a_wish": "highest"}, "books": "planned anew"}
    asked = scenarios.ask_scenario(
        name=f"{A} question", words=f"{A} why", definition=wished, actor=owner, at=NOW, on=TODAY
    )
    scenarios.compute_scenario(scenario_id=asked.pk, owner="test", on=TODAY)
    found: Scenario = Scenario.objects.get(pk=asked.pk)
    assert found.status == "done", found.message
    assert found.result["moves"] > 0
    return found


def _objects(world: SimpleNamespace) -> None:
    """The row of book A (or of nobody in particular) that stands for each model in an address."""
    csm, customer = world.csms[A], world.customers[A][0]
    world.objects |= {
        "accounts.csm": csm,
        "accounts.customer": customer,
        "allocation.override": Override.objects.get(customer=customer, status="asked"),
        "customer without a request": world.customers[A][2],
        "accounts.user": csm.user,
        "accounts.team": Team.objects.get(pk=csm.team_id),
        "accounts.vertical": customer.vertical,
        "accounts.region": customer.region,
        "accounts.language": customer.language,
        "allocation.touch": Touch.objects.get(customer=customer),
        "allocation.calendarfeed": CalendarFeed.objects.get(csm=csm),
        "allocation.move": world.moves[A],
        "move": world.moves[A],
        "saved view": SavedView.objects.get(user=csm.user),
        "kind": GoalKind.objects.get(slug="adoption"),
        "auth.group": csm.user.groups.get(),
        "allocation.bookplan": world.objects["plan"],
        "allocation.retierrun": world.objects["run"],
        "allocation.tieringmodel": TieringModel.objects.drafts().order_by("pk").first(),
    }


def object_of(world: SimpleNamespace, model: type[models.Model]) -> Any:
    """The row of book A of this model, where the model has an owner; else its first one."""
    label = model._meta.label_lower
    if label not in world.objects:
        rows = model._default_manager.order_by("pk")
        if hasattr(rows, "visible_to"):
            rows = rows.visible_to(world.persons["csm_a"]) or rows
        world.objects[label] = rows[0] if rows else None
    return world.objects[label]


class Clients:
    """A browser for each person, a new one each time: signing out in one call is not felt in the next."""

    def __init__(self, persons: dict[str, User]) -> None:
        self.sessions = {}
        self.handler = (
            Client().handler
        )  # one for all: a new one would look through all static files each time
        for name, user in persons.items():
            client = Client()
            client.force_login(user)
            self.sessions[name] = client.cookies[settings.SESSION_COOKIE_NAME].value

    def __getitem__(self, person: str) -> Client:
        client = Client(raise_request_exception=False)
        client.handler = self.handler
        if person in self.sessions:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[person]
        return client


def _import(world: SimpleNamespace, person: str) -> ImportBatch:
    """A file with a row of each book and a refused one, read and waiting for the word of who sent it."""
    lines = [f"{book}New,{book} new,x" for book in BOOKS] + [f"{B}Bad,{B} bad row,y"]
    file = SimpleUploadedFile("list.csv", "\n".join(["external_id,name,health", *lines]).encode())
    answer = world.clients[person].post(
        reverse("admin:import_customers"), {"file": file, "allow_new_values": "on"}
    )
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return ImportBatch.objects.order_by("-pk")[0]


def digest(*, timeless: bool = False) -> str:
    """All rows of all tables but sessions and the admin's log, as one number.

    timeless: without moments and the record of changes, which two calls of the same differ in.
    """
    from django.apps import apps

    found = hashlib.sha256()
    for model in sorted(apps.get_models(include_auto_created=True), key=lambda model: model._meta.label):
        if model._meta.label in (NOT_COUNTED | RECORD if timeless else NOT_COUNTED):
            continue
        found.update(model._meta.label.encode())
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if not (timeless and isinstance(field, models.DateTimeField))
        ]
        for row in model._base_manager.order_by("pk").values_list(*names):
            found.update(repr(row).encode())
    return found.hexdigest()


RECORD = {"auditlog.LogEntry"}
NOT_COUNTED = {"sessions.Session", "admin.LogEntry"}
