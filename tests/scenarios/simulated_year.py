"""A year of a small company, day by day, by the services people use; each evening what the live tables hold is noted.

Seeded: the same seed gives the same year.
"""

import datetime
import random
from collections import Counter
from dataclasses import dataclass

from django.utils import timezone

from accounts import roles
from accounts.importing.checking import Answers
from accounts.models import CSM, Customer, Goal, GoalKind, Tier
from allocation.models import AllocationPolicy, BookPlan, Override, RetierRun, RunStatus
from allocation.services import importing, overrides, planning
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import apply_run, approve_run, propose_run, queue_run, undo_run
from tests.factories import CSMFactory, UserFactory

FIRST = datetime.date(2025, 1, 1)
DAYS = 365
CUSTOMERS = 40
MONTH = datetime.timedelta(days=30)


@dataclass(frozen=True)
class Evening:
    """What the live tables held at the end of a day."""

    day: datetime.date
    tiers: dict  # customer id → tier id
    csms: dict  # customer id → CSM id
    active: frozenset
    counts: dict  # CSM key → {tier slug: active customers}
    newest: int  # the highest customer id: who came later was not there yet


class Company:
    """The year. `evenings`: a note a day; `happened`: how often what was done, so that a quiet year is noticed."""

    def __init__(self, cast, *, seed):
        self.cast, self.chance = cast, random.Random(seed)
        self.day, self.evenings, self.happened = FIRST, [], Counter()
        load_playbook(slug="three-axis", publish=True, at=self.at)
        AllocationPolicy.objects.filter(is_active=True).update(search_iterations=1, approve_top=0)
        self.lead_b = UserFactory(email="lead-b@example.com", name="Leo Lead", role=roles.MANAGER)
        cast.team_b.manager = self.lead_b
        cast.team_b.save()
        CSMFactory(name="Cem Book", email="cem@example.com", team=cast.team_a)
        CSMFactory(name="Dee Book", email="dee@example.com", team=cast.team_b)
        self.numbers = iter(range(1, 10_000))

    @property
    def at(self):
        """Noon of the day that is lived through."""
        return timezone.make_aware(datetime.datetime.combine(self.day, datetime.time(12)))

    def live(self):
        """The whole year; returns the evenings."""
        self.import_customers(new=CUSTOMERS)
        self.retier("full")
        self.plan()
        for passed in range(DAYS):
            self.day = FIRST + datetime.timedelta(days=passed)
            if passed:
                self.a_day()
            self.evenings.append(self.evening())
        return self.evenings

    def evening(self):
        rows = list(Customer.objects.values_list("pk", "tier_id", "csm_id", "status"))
        slugs, keys = (
            dict(Tier.objects.values_list("pk", "slug")),
            {csm.pk: csm.key for csm in CSM.objects.all()},
        )
        counts = {}
        for _, tier, csm, status in rows:
            if csm is not None and status == "active":
                counts.setdefault(keys[csm], Counter())[slugs.get(tier, "")] += 1
        return Evening(
            day=self.day,
            tiers={pk: tier for pk, tier, _, _ in rows if tier is not None},
            csms={pk: csm for pk, _, csm, _ in rows if csm is not None},
            active=frozenset(pk for pk, _, _, status in rows if status == "active"),
            counts={key: dict(found) for key, found in counts.items()},
            newest=max(pk for pk, *_ in rows),
        )

    def a_day(self):
        """What the calendar does, then what people do; on most days little, on some several things."""
        self.happened["begun"] += len(overrides.begin_overrides(on=self.day, at=self.at))
        ended = overrides.expire_overrides(on=self.day, at=self.at)
        self.happened["expired"] += len(ended)
        if ended:
            self.retier("goals")
        for often, done in (
            (0.06, self.import_customers),
            (0.04, self.change_goals),
            (0.04, lambda: self.retier("full")),
            (0.03, self.plan),
            (0.02, self.undo_run),
            (0.02, self.undo_plan),
            (0.10, self.ask_override),
            (0.08, self.decide_override),
            (0.03, self.withdraw_override),
            (0.01, self.csm_leaves),
        ):
            if self.chance.random() < often:
                done()

    def import_customers(self, new=None):
        """New ones, other amounts, another CSM by the file, some leave, some come back."""
        lines = ["external_id,name,arr,health,status,csm"]
        csms = list(CSM.objects.filter(leaves_on=None).order_by("pk").values_list("email", flat=True))
        for row in self.some(Customer.objects.order_by("pk").select_related("csm"), 6):
            leaves = self.chance.random() < (0.25 if row.status == "active" else 0.5)
            status = {"active": "left", "left": "active"}[row.status] if leaves else row.status
            self.happened["left" if status == "left" and leaves else "stayed"] += 1
            csm = row.csm.key if row.csm else ""
            if self.chance.random() < 0.2:
                csm = self.chance.choice([*csms, ""])
            lines.append(
                f"{row.external_id},{row.name},{self.amount()},{self.chance.randint(0, 100)},{status},{csm}"
            )
        for _ in range(self.chance.randint(0, 2) if new is None else new):
            key = f"N{next(self.numbers):03d}"
            lines.append(f"{key},Customer {key},{self.amount()},50,active,")
        batch = importing.receive_import(
            kind="customers",
            file_name="day.csv",
            data="\n".join(lines).encode(),
            wishes=importing.Wishes(mapping=None, answers=Answers(), allow_new_values=True),
            all_or_nothing=False,
            user=self.cast.ops,
        )
        importing.stage_import(batch_id=batch.pk, on=self.day)
        importing.confirm_import(batch_id=batch.pk, user=self.cast.ops)
        importing.apply_import(batch_id=batch.pk, on=self.day)
        self.happened["imports"] += 1

    def amount(self):
        return round(10 ** self.chance.uniform(4, 6.3))

    def some(self, rows, at_most):
        found = list(rows)
        return self.chance.sample(found, min(at_most, len(found)))

    def change_goals(self):
        """Goals come and go; a goals run looks at them."""
        kinds = list(GoalKind.objects.order_by("pk"))
        for row in self.some(Customer.objects.active().order_by("pk"), 3):
            kind = self.chance.choice(kinds)
            if not Goal.objects.open_on(self.day).filter(customer=row, kind=kind).exists():
                Goal.objects.create(customer=row, kind=kind, starts_on=self.day, ends_before=self.day + MONTH)
        self.retier("goals")

    def retier(self, scope):
        run = queue_run(as_of=self.day, at=self.at, scope=scope, actor_id=self.cast.ops.pk)
        propose_run(run_id=run.pk, owner="year")
        run.refresh_from_db()
        if run.status == RunStatus.AWAITING_APPROVAL:
            approve_run(run_id=run.pk, actor=self.cast.manager, at=self.at)
            self.happened["approved runs"] += 1
        apply_run(run_id=run.pk, owner="year", at=self.at, actor_id=self.cast.ops.pk)
        self.happened[f"{scope} runs"] += 1

    def undo_run(self):
        run = RetierRun.objects.filter(status=RunStatus.APPLIED).order_by("-pk").first()
        if run is not None:
            undo_run(run_id=run.pk, owner="year", at=self.at, on=self.day, actor_id=self.cast.ops.pk)
            self.happened["undone runs"] += 1

    def plan(self):
        made = planning.queue_plan(as_of=self.day, seed=self.chance.randint(1, 99), actor=self.cast.ops)
        planning.propose_plan(plan_id=made.pk, owner="year", on=self.day, at=self.at)
        planning.apply_plan(plan_id=made.pk, actor=self.cast.ops, owner="year", on=self.day)
        self.happened["plans"] += 1

    def undo_plan(self):
        plan = BookPlan.objects.filter(status=RunStatus.APPLIED).order_by("-pk").first()
        if plan is not None:
            planning.undo_plan(plan_id=plan.pk, owner="year", at=self.at, on=self.day, actor=self.cast.ops)
            self.happened["undone plans"] += 1

    def ask_override(self):
        row = self.some(Customer.objects.active().filter(csm__isnull=False).order_by("pk"), 1)[0]
        starts = self.day + datetime.timedelta(days=self.chance.choice([0, 0, 5]))
        wished = self.chance.choice(list(Tier.objects.filter(retired=False).order_by("pk")))
        try:
            overrides.request_override(
                customer_id=row.pk, tier_id=wished.pk, reason_kind="risk", words="I know them.", starts_on=starts,
                expires_on=starts + datetime.timedelta(days=self.chance.randint(2, 60)),
                actor=self.cast.ops, on=self.day, at=self.at,
            )  # fmt: skip
            self.happened["asked"] += 1
        except overrides.UnableToRequestOverride:
            self.happened["not asked"] += 1  # it waits already, or the tier is the same

    def decide_override(self):
        for row in self.some(Override.objects.filter(status="asked").order_by("pk"), 3):
            lead = (
                self.cast.manager
                if row.customer.csm and row.customer.csm.team == self.cast.team_a
                else self.lead_b
            )
            decide = overrides.approve_override if self.chance.random() < 0.8 else overrides.decline_override
            try:
                decide(override_id=row.pk, actor=lead, words="As I see it.", on=self.day, at=self.at)
                self.happened[decide.__name__] += 1
            except overrides.UnableToDecideOverride:
                self.happened["not decided"] += 1  # the customer has left, or nobody has it now

    def withdraw_override(self):
        for row in self.some(Override.objects.filter(status__in=("asked", "approved")).order_by("pk"), 1):
            held = row.begun_at is not None
            overrides.withdraw_override(
                override_id=row.pk, actor=self.cast.ops, words="Not needed.", on=self.day, at=self.at
            )
            self.happened["withdrawn"] += 1
            if held:
                self.retier("goals")

    def csm_leaves(self):
        """One goes, another comes; the next plan hands the book on."""
        going = self.some(CSM.objects.filter(leaves_on=None).order_by("pk"), 1)[0]
        going.leaves_on = self.day + MONTH
        going.save()
        number = next(self.numbers)
        CSMFactory(
            name=f"New {number}", email=f"new{number}@example.com", team=going.team, starts_on=self.day
        )
        self.happened["leavers"] += 1
        self.plan()
