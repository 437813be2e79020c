"""Goals of a customer: open one, change its owner or words, close it.

CS ops may for every customer, a manager for those of the own teams, a CSM for those of the own book. A goal that was
open is closed and never deleted: a decision may have read it. The customer's row is locked first, so that of two
people who open the same kind at once one is refused. The edge then asks for a goals run (allocation.tasks.retiering).
"""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.db.models import Q

from accounts.models import Customer, Goal, GoalKind, User
from allocation.selectors import wording
from allocation.selectors.goals import goal_owners

LONGEST_WORDS = 2000


class UnableToOpenGoal(ValueError):
    """The goal cannot be opened; the message says why."""


class UnableToChangeGoal(ValueError):
    """The goal cannot be changed; the message says why."""


class UnableToCloseGoal(ValueError):
    """The goal cannot be closed; the message says why."""


def open_goal(
    *, customer_id: int, kind_id: int, actor: User, on: date, owner_id: int | None = None, words: str = ""
) -> Goal:
    """Open a goal from day `on`. Raises UnableToOpenGoal."""
    with transaction.atomic():
        customer = _locked(customer_id, actor)
        if customer is None:
            raise UnableToOpenGoal("This customer is unknown, or outside what you may change.")
        if customer.status != Customer.Status.ACTIVE:
            raise UnableToOpenGoal(f"{customer} has left: no goal can be opened for a customer that left.")
        kind = GoalKind.objects.filter(pk=kind_id).first()
        if kind is None:
            raise UnableToOpenGoal("There is no such goal kind.")
        if kind.retired:
            raise UnableToOpenGoal(f"The goal kind {kind} is retired: choose one that is in use.")
        # Open without an end, or with an end that is yet to come.
        still_open = Q(ends_before__isnull=True) | Q(ends_before__gt=on)
        if Goal.objects.filter(still_open, customer=customer, kind=kind).exists():
            raise UnableToOpenGoal(f"{customer} has an open goal “{kind}” already: change that one.")
        fault = _fault(customer, actor, owner_id, words)
        if fault:
            raise UnableToOpenGoal(fault)
        opened: Goal = Goal.objects.create(
            customer=customer, kind=kind, owner_id=owner_id, starts_on=on, words=words
        )
        return opened


def change_goal(*, goal_id: int, actor: User, on: date, owner_id: int | None, words: str) -> bool:
    """Give an open goal another owner or other words. False: both were so already. Raises UnableToChangeGoal.

    Neither is read by any rule, so no run has to follow.
    """
    with transaction.atomic():
        goal, customer = _locked_goal(goal_id, actor)
        if goal is None or customer is None:
            raise UnableToChangeGoal("This goal is unknown, or outside what you may change.")
        if _is_over(goal, on):
            raise UnableToChangeGoal(f"The goal “{goal.kind}” is closed: open a new one instead.")
        if (goal.owner_id, goal.words) == (owner_id, words):
            return False
        fault = _fault(customer, actor, owner_id if owner_id != goal.owner_id else None, words)
        if fault:
            raise UnableToChangeGoal(fault)
        Goal.objects.filter(pk=goal.pk).update(owner_id=owner_id, words=words)
        return True


def close_goal(*, goal_id: int, actor: User, on: date) -> Goal:
    """Close a goal: `on` is the first day it no longer holds. Raises UnableToCloseGoal."""
    with transaction.atomic():
        goal, _ = _locked_goal(goal_id, actor)
        if goal is None:
            raise UnableToCloseGoal("This goal is unknown, or outside what you may change.")
        if _is_over(goal, on):
            raise UnableToCloseGoal(f"The goal “{goal.kind}” is closed already.")
        goal.ends_before = max(
            on, goal.starts_on
        )  # one that was to start later ends the day it would have begun
        goal.save(update_fields=["ends_before"])
        return goal


def _locked(customer_id: int, actor: User) -> Customer | None:
    """The customer, if the person may see it, held until the transaction ends."""
    rows = Customer.objects.visible_to(actor).select_for_update(of=("self",)).select_related("csm")
    found: Customer | None = rows.filter(pk=customer_id).first()
    return found


def _locked_goal(goal_id: int, actor: User) -> tuple[Goal | None, Customer | None]:
    """The goal as it stands once its customer's row is held."""
    of = Goal.objects.filter(pk=goal_id).values_list("customer_id", flat=True).first()
    customer = None if of is None else _locked(of, actor)
    if customer is None:
        return None, None
    goal: Goal | None = Goal.objects.select_related("kind").filter(pk=goal_id).first()
    return goal, customer


def _is_over(goal: Goal, on: date) -> bool:
    return goal.ends_before is not None and goal.ends_before <= on


def _fault(customer: Customer, actor: User, owner_id: int | None, words: str) -> str:
    """A sentence about an owner or words that cannot be taken; empty when they can."""
    fault = wording.fault_of(words, if_none="", most=LONGEST_WORDS)
    if fault:
        return fault
    if owner_id is None or goal_owners(customer=customer, user=actor).filter(pk=owner_id).exists():
        return ""
    return "Choose an owner among the people you work with on this customer."
