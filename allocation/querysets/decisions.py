"""Querysets of runs, plans and the rows they hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import count
from typing import Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Exists, Q

from accounts.changes import update_logged
from accounts.querysets.customers import CustomerPartQuerySet
from accounts.querysets.jobs import JobQuerySet, claimed
from accounts.querysets.scope import csm_scope, led_team_ids, served_by


def leads(user: Any) -> bool:
    """Signed in and active as CS ops or a manager."""
    return bool(
        getattr(user, "is_authenticated", False) and user.is_active and (user.is_ops or user.is_manager)
    )


class RunQuerySet(JobQuerySet):
    """Re-tiering runs and book plans: ops and managers see that they exist; their rows are scoped apart."""

    def visible_to(self, user: Any) -> RunQuerySet:
        return self.all() if leads(user) else self.none()

    def wished(self, *, on: date) -> RunQuerySet:
        """Open proposals that somebody wished applied, and that can be on the day."""
        return self.filter(status="proposed", apply_when_proposed=True).not_frozen(on)

    def take_wish_back(self, pk: int) -> bool:
        """An open proposal is not to be applied after all. False: nobody wished it, or it is under way or over."""
        wished = self.filter(pk=pk, status__in=("proposed", "awaiting_approval"), apply_when_proposed=True)
        return wished.update(apply_when_proposed=False, applied_by=None) == 1

    def as_wished(self) -> Self:
        """Those whose applying a person wishes at this moment: accepted, or begun and not taken back.

        Part of the claim of a worker that was rung for: messages outlive the wish they were sent for, and may come twice.
        """
        return self.filter(Q(status="applying") | Q(status="proposed", apply_when_proposed=True))

    def not_frozen(self, on: date) -> Self:
        """No freeze holds on the day; or applying has begun, and what was begun is finished.

        Part of the conditional UPDATE that claims a row for applying, so that a freeze saved before it counts.
        """
        freezes = apps.get_model("allocation", "Freeze").objects.holding(on)
        return self.filter(~Q(status="proposed") | ~Exists(freezes))

    def claim_to_apply(
        self, pk: int, *, owner: str, waiting: Iterable[str], on: date, as_wished: bool
    ) -> int | None:
        """`claim` for applying, of what is `not_frozen` on the day; `as_wished`: of that alone."""
        return self._claim(
            _claimed_to_apply,
            pk,
            owner=owner,
            waiting=waiting,
            working="applying",
            on=on,
            as_wished=as_wished,
        )

    def replace(self, *, message: str) -> dict[int, int]:
        """These proposals become stale, since a newer one takes their place. Gives {run or plan: person who wished it applied}.

        What a command wished without naming a person has nobody to be told. Inside a transaction.
        """
        wishes = self.only("apply_when_proposed", "applied_by", "requested_by")
        # Locked, so that a wish made at this moment is seen, or finds nothing to be applied any more.
        rows: list[Any] = list(wishes.select_for_update(of=("self",)).order_by("pk"))
        self.update(status="stale", message=message)
        wished = [row for row in rows if row.apply_when_proposed]
        people = {row.pk: row.applied_by_id or row.requested_by_id for row in wished}
        return {pk: person for pk, person in people.items() if person is not None}

    def outdate(self, *, model_id: int, number: int) -> int:
        """Proposals of other versions than the one just published become stale."""
        waiting = self.filter(status__in=("proposed", "awaiting_approval")).exclude(tiering_model_id=model_id)
        return waiting.update(status="stale", message=f"Version {number} of the model was published since.")


def _claimed_to_apply(rows: RunQuerySet, *, on: date, as_wished: bool, **values: Any) -> Any:
    return claimed((rows.as_wished() if as_wished else rows).not_frozen(on), **values)


class DecisionQuerySet(CustomerPartQuerySet):
    def moves(self) -> DecisionQuerySet:
        """Changes of a tier that was held before (a first tier is no move)."""
        return self.filter(is_move=True)

    def changes(self) -> DecisionQuerySet:
        """Moves and first tiers."""
        return self.filter(Q(is_move=True) | Q(previous__isnull=True, effective__isnull=False))


class ChunkQuerySet(models.QuerySet):
    """Packed columns of many customers: read by services and selectors for customers already in scope, never listed."""

    def visible_to(self, user: Any) -> ChunkQuerySet:
        return self.all() if leads(user) and user.is_ops else self.none()

    def around(self, customer_id: int) -> ChunkQuerySet:
        """Chunks whose keys span the customer; a run of a few may span it without having it."""
        return self.filter(first_customer_id__lte=customer_id, last_customer_id__gte=customer_id)


class TallyQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> TallyQuerySet:
        return self.filter(csm_scope(user, "csm"))


class MoveQuerySet(models.QuerySet):
    """Seen by whoever sees the customer's book now, or the book it goes to or came from."""

    def visible_to(self, user: Any) -> MoveQuerySet:
        return self.filter(
            csm_scope(user, "customer__csm") | csm_scope(user, "from_csm") | csm_scope(user, "to_csm")
        )

    def waiting_for_approval(self) -> MoveQuerySet:
        """To be applied, of one of the largest customers, and no manager said yes."""
        return self.filter(status="proposed", needs_approval=True, approved_by__isnull=True)

    def waiting_for_a_seat(self) -> MoveQuerySet:
        """To be applied, and to a seat that nobody has yet."""
        return self.filter(status="proposed", to_csm__is_seat=True)

    def of(self, user: Any) -> MoveQuerySet:
        """Moves out of a book this person serves, or into it: the own one, and those covered today."""
        return self.filter(served_by(user, "from_csm") | served_by(user, "to_csm"))

    def of_own_book(self, user: Any) -> MoveQuerySet:
        """Moves out of this person's own book, or into it."""
        return self.filter(Q(from_csm__user=user) | Q(to_csm__user=user))

    def open_to_objections(self, on: date) -> MoveQuerySet:
        """To be applied, of a plan to which the CSMs concerned may object on the day."""
        open_plans = apps.get_model("allocation", "BookPlan").objects.open_to_objections(on)
        return self.filter(status="proposed", plan__in=open_plans.values("pk"))

    def decided_by(self, user: Any) -> MoveQuerySet:
        """Moves a manager may approve: of the customers of the own teams and those below (of one without a CSM, those
        that would get it), but none the manager re-pointed.
        """
        if not (leads(user) and user.is_manager):
            return self.none()
        teams = led_team_ids(user)
        theirs = Q(customer__csm__team_id__in=teams) | Q(customer__csm=None, to_csm__team_id__in=teams)
        return self.filter(theirs).exclude(repointed_by=user)


class HoldingQuerySet(CustomerPartQuerySet):
    def current(self) -> HoldingQuerySet:
        return self.filter(ends_before__isnull=True)

    def set_by(self, source: str) -> HoldingQuerySet:
        """Set by such a decision, or given back to it by an undo."""
        return self.filter(Q(source=source) | Q(gives_back=source))

    def held_on(self, day: date) -> HoldingQuerySet:
        return self.filter(Q(ends_before__isnull=True) | Q(ends_before__gt=day), starts_on__lte=day)


class PolicyQuerySet(models.QuerySet):
    def active(self) -> PolicyQuerySet:
        return self.filter(is_active=True)

    def put_in_force(self, pk: int) -> None:
        """One policy becomes the active one, the one before rests. In a transaction."""
        # All of them, in one order: who comes second waits, and then finds the first one's choice to put to rest.
        list(self.select_for_update().order_by("pk").values_list("pk"))
        update_logged(self.filter(is_active=True).exclude(pk=pk), is_active=False)
        update_logged(self.filter(pk=pk), is_active=True)

    def copied(self, policy: Any, *, called: str, kind: str, **changed: Any) -> Any:
        """A resting allocation policy with the values and named tiers of another, the changed ones put in; its name is
        "… (kind)". In a transaction."""
        values = {
            field.name: getattr(policy, field.name)
            for field in policy._meta.concrete_fields
            if field.name not in ("id", "name", "is_active")
        }
        made = self.create(name=self.free_name(called, kind), **{**values, **changed})
        named = apps.get_model("allocation", "NamedTiers").objects
        for line in named.filter(policy=policy.pk).prefetch_related("tiers").order_by("pk"):
            named.create(policy=made, csm_id=line.csm_id).tiers.set(line.tiers.all())
        return made

    def free_name(self, called: str, kind: str) -> str:
        """The name with its kind behind it: "… (copy)", and where that is taken "… (copy 2)" and so on."""
        taken = set(self.values_list("name", flat=True))
        endings = (f" ({kind})" if number == 1 else f" ({kind} {number})" for number in count(1))
        return next(
            free for ending in endings if (free := f"{called[: 200 - len(ending)]}{ending}") not in taken
        )

    def active_or_default(self) -> Any:
        """The active policy; an installation that has none yet gets one with the default values."""
        found = self.active().first()
        if found is not None:
            return found
        return self.get_or_create(name="Default", defaults={"is_active": True})[0]
