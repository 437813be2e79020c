"""Runs, edits and undos in any order, and what each customer must stand on after them, kept the slow way.

The slow way: each customer has a pile of runs. A run that decided it goes on top; a run that is undone leaves the pile, and where its
tier was given back so does all that lies above. What a customer stands on is what the topmost run said of it.
"""

from datetime import timedelta
from random import Random

from django.utils import timezone

from accounts.models import Customer, Goal, GoalKind, Tier
from allocation.engine.kept import said_of, score_of, unpack_outcomes
from allocation.models import RetierRun, RowStatus, RunChunk, RunStatus, Source, TierDecision, TierStanding
from allocation.services.decisions import DecisionSource, TierChange, set_tiers
from allocation.services.retiering import apply_run, applying, propose_run, queue_run, undo_run, undoing
from tests import factories

TODAY = factories.TODAY
ARRS = (10, 20, 160_000, 200_000, 740_000, 800_000, None)
# Each as often as it is named.
STEPS = (
    *("edit", "edit", "edit", "goal", "goal", "by hand", "new customer"),
    *("full", "full", "full", "goals", "goals", "undo last", "undo last", "undo any", "undo any"),
    *("both crosswise", "edited between", "half applied", "half undone"),
)


class Killed(BaseException):
    """The runner is gone."""


class Company:
    """A few customers; ``piles`` holds what they must stand on."""

    def __init__(self, seed, customers=5):
        self.chance = Random(seed)
        self.piles: dict[int, list[int]] = {}
        self.told: list[str] = []
        for _ in range(customers):
            self.new_customer()

    def step(self):
        name = self.chance.choice(STEPS)
        self.told.append(name)
        getattr(self, name.replace(" ", "_"))()

    def one(self):
        return Customer.objects.order_by("pk")[self.chance.randrange(Customer.objects.count())]

    def new_customer(self):
        factories.CustomerFactory(arr=self.chance.choice(ARRS))

    def edit(self):
        Customer.objects.filter(pk=self.one().pk).update(arr=self.chance.choice(ARRS))

    def goal(self):
        one, goals = self.one(), Goal.objects.order_by("pk")
        if goals.filter(customer=one).exists() and self.chance.random() < 0.5:
            goals.filter(customer=one, ends_before=None).update(ends_before=TODAY)
        else:
            kinds = list(GoalKind.objects.order_by("pk"))
            factories.GoalFactory(
                customer=one, kind=self.chance.choice(kinds), starts_on=TODAY - timedelta(9)
            )

    def by_hand(self):
        one = self.one()
        tier = self.chance.choice(list(Tier.objects.order_by("pk")))
        change = TierChange(one.pk, one.tier_id, tier.pk)
        set_tiers(changes=[change], on=TODAY, decision=DecisionSource(Source.MANUAL))

    def proposed(self, scope="full"):
        run = queue_run(as_of=TODAY, at=timezone.now(), scope=scope)
        propose_run(run_id=run.pk, owner="test")
        RetierRun.objects.filter(pk=run.pk, status=RunStatus.AWAITING_APPROVAL).update(status="proposed")
        return run

    def full(self):
        self.apply(self.proposed())

    def goals(self):
        self.apply(self.proposed("goals"))

    def both_crosswise(self):
        """Both look at the same; the one that was asked for first is applied last."""
        first, second = self.proposed(), self.proposed("goals")
        self.apply(second)
        self.apply(first)

    def edited_between(self):
        run = self.proposed()
        rows = TierDecision.objects.filter(run=run).order_by("pk")
        if rows:
            rows.filter(pk=rows[0].pk).update(
                status=RowStatus.REFUSED, refused_by=factories.UserFactory(), refused_at=timezone.now()
            )
        self.edit()
        self.by_hand()
        self.apply(run)

    def undo_last(self):
        runs = self.applied()
        if runs:
            self.undo(runs[-1])

    def undo_any(self):
        runs = self.applied()
        if runs:
            self.undo(self.chance.choice(runs))

    def half_applied(self):
        """Another run comes between the halves; then the first is finished, or undone."""
        run = self.proposed()
        self.apply(run, killed_at=2)
        RetierRun.objects.filter(pk=run.pk).exclude(status=RunStatus.APPLIED).update(
            status=RunStatus.FAILED, lease_until=None, claimed_by=""
        )
        self.edit()
        self.goals()
        run.refresh_from_db()
        if run.status == RunStatus.FAILED:
            (self.apply if self.chance.random() < 0.5 else self.undo)(run)

    def half_undone(self):
        runs = self.applied()
        if not runs:
            return
        run = self.chance.choice(runs)
        self.undo(run, killed_at=2)
        RetierRun.objects.filter(pk=run.pk).exclude(status=RunStatus.UNDONE).update(
            status=RunStatus.FAILED, lease_until=None, claimed_by=""
        )
        self.full()
        run.refresh_from_db()
        if run.status == RunStatus.FAILED:
            self.undo(run)

    def applied(self):
        return list(RetierRun.objects.filter(status=RunStatus.APPLIED).order_by("applied_at", "pk"))

    def apply(self, run, killed_at=0):
        before = done(run, RowStatus.APPLIED)
        killed(
            applying, "_apply", killed_at, lambda: apply_run(run_id=run.pk, owner="test", at=timezone.now())
        )
        for key, status, _ in self.said(run, done(run, RowStatus.APPLIED) - before):
            if status not in (RowStatus.SKIPPED, RowStatus.REFUSED):
                self.piles.setdefault(key, []).append(run.pk)

    def undo(self, run, killed_at=0):
        before = done(run, RowStatus.UNDONE)
        work = lambda: undo_run(run_id=run.pk, owner="test", at=timezone.now(), on=TODAY)  # noqa: E731
        killed(undoing, "_undo", killed_at, work)
        for key, status, changed in self.said(run, done(run, RowStatus.UNDONE) - before):
            pile = self.piles.get(key, [])
            if run.pk not in pile or status == RowStatus.KEPT:
                continue
            if changed:
                del pile[pile.index(run.pk) :]
            else:
                pile.remove(run.pk)

    def said(self, run, chunks):
        """Of everybody in these chunks: the status of its row, and whether that changed its tier."""
        rows = {row.customer_id: row for row in TierDecision.objects.filter(run=run)}
        for chunk in RunChunk.objects.filter(pk__in=chunks):
            for key in unpack_outcomes(chunk.outcomes).keys.tolist():
                row = rows.get(key)
                yield key, row and row.status, row is not None and row.effective_id != row.previous_id

    def tops(self):
        return {key: pile[-1] for key, pile in self.piles.items() if pile}


def done(run, status):
    return set(RunChunk.objects.filter(run=run, status=status).values_list("pk", flat=True))


def killed(module, name, number, work):
    """Do it, and be gone before the so-many-eth chunk (0: never)."""
    real, calls = getattr(module, name), []

    def dies(*args):
        calls.append(args)
        if len(calls) == number:
            raise Killed
        real(*args)

    setattr(module, name, dies)
    try:
        work()
    except Killed:
        pass
    finally:
        setattr(module, name, real)


def outcome_in(run_id, key):
    """What a run kept of a customer that a standing says too."""
    for chunk in RunChunk.objects.filter(run=run_id):
        outcomes = unpack_outcomes(chunk.outcomes)
        at = outcomes.place(key)
        if at is not None:
            return (
                said_of(outcomes.segment, at) or "",
                score_of(outcomes.score, at),
                said_of(outcomes.decided_by, at) or "",
                *(int(outcomes.digests[name][at]) for name in ("lifecycle", "goals")),
            )
    raise AssertionError(f"run {run_id} has nothing of {key}")


def standings():
    rows = TierStanding.objects.values_list("pk", "segment", "score", "decided_by", "lifecycle", "goals")
    return {key: tuple(said) for key, *said in rows}


def everything_given_back():
    """To the byte: tiers, their days, standings."""
    return (
        list(Customer.objects.order_by("pk").values("pk", "tier_id", "tier_since")),
        list(TierStanding.objects.order_by("pk").values()),
    )
