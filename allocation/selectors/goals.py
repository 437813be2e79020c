"""Who may own a goal, and what kinds there are to open: the choices of the goal forms, and what the service allows."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from accounts import roles
from accounts.models import CSM, Customer, Goal, GoalKind, User


def goal_kinds() -> QuerySet[GoalKind]:
    """Kinds that may be opened, by name."""
    return GoalKind.objects.filter(retired=False).order_by("name", "pk")


def goal_owners(*, customer: Customer, user: Any) -> QuerySet[User]:
    """People whom `user` may name as owner of a goal of a customer in scope, by name.

    CS ops: everybody with a role. Others: themselves, the CSMs they see, and who leads the customer's team; so that
    no name of another team shows.
    """
    people: QuerySet[User] = User.objects.filter(is_active=True).order_by("name", "email")
    if user.is_ops:
        return people.filter(pk__in=User.objects.filter(groups__name__in=roles.ALL).values("pk"))
    near = Q(pk=user.pk) | Q(pk__in=CSM.objects.visible_to(user).filter(user__isnull=False).values("user_id"))
    if customer.csm is not None and customer.csm.team_id is not None:
        near |= Q(teams=customer.csm.team_id)
    return people.filter(near).distinct()


def open_goals_of(*, customer: Customer, on: date) -> list[Goal]:
    """Goals of one customer open on the day, by name."""
    rows = Goal.objects.open_on(on).filter(customer=customer)
    return list(rows.select_related("kind", "owner").order_by("kind__name", "pk"))
