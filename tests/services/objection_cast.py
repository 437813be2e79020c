"""An open plan whose moves Ada and Ben may object to, for the tests of objections."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

from accounts import roles
from allocation.models import AllocationPolicy, BookPlan, Move, Notice, Objection
from allocation.services.planning import answer_objections, apply_plan, object_to_move, refuse_moves
from tests.factories import NOW, TODAY, CSMFactory, UserFactory
from tests.services.plan_cast import books, chosen, ids, move_of, proposed

DAYS = 7
UNTIL = TODAY + timedelta(days=DAYS)
LAST_DAY = UNTIL - timedelta(days=1)
SENTENCE = "We are in the middle of a migration"


def world_with_a_window(cast: SimpleNamespace, *, days: int = DAYS, **asked: Any) -> SimpleNamespace:
    """`books`, and a plan proposed under a policy with `days` to object; `.first`, `.second`: Ada's two that go to Ben."""
    found = books(cast)
    AllocationPolicy.objects.update(objection_days=days)
    found.cast, found.plan = cast, proposed(**asked)
    found.first, found.second = chosen(found.plan)
    return found


def world_with_spares(cast: SimpleNamespace) -> SimpleNamespace:
    """As above, with Cem (who signs in) and Dan of team A, who have room for a customer or two; `.first` goes to Ben."""
    found = books(cast)
    AllocationPolicy.objects.update(objection_days=DAYS)
    found.cast = cast
    found.cem_user = UserFactory(email="cem@example.com", role=roles.CSM)
    small: Any = {"team": cast.team_a, "hours_per_month": 10}
    found.cem = CSMFactory(name="Cem", email="cem@example.com", user=found.cem_user, **small)
    found.dan = CSMFactory(name="Dan", email="dan@example.com", **small)
    found.plan = proposed()
    to_ben = Move.objects.filter(plan=found.plan, from_csm=found.ada, to_csm=found.ben)
    found.first = to_ben.order_by("customer__external_id").first().customer.external_id
    # Whoever gets somebody by the plan is told with the proposal; here that is about re-pointing.
    Notice.objects.filter(to=found.cem_user).delete()
    return found


def object_to(
    plan: BookPlan, name: str, *, actor: Any, on: date = TODAY, kind: str = "timing", words: str = SENTENCE
) -> Objection:
    return object_to_move(
        move_id=move_of(plan, name).pk, actor=actor, reason_kind=kind, words=words, on=on, at=NOW
    )


def keep(plan: BookPlan, *names: str, actor: Any, words: str = "It has to be", **seen: Any) -> int:
    return answer_objections(
        plan_id=plan.pk, move_ids=ids(plan, *names), actor=actor, words=words, at=NOW, **seen
    )


def apply(plan: BookPlan, *, on: Any = UNTIL) -> BookPlan:
    return apply_plan(plan_id=plan.pk, actor=None, owner="test", on=on)


def now(plan: BookPlan) -> BookPlan:
    return BookPlan.objects.get(pk=plan.pk)


def mailed(kind: str = Notice.Kind.OBJECT) -> list[str]:
    return list(Notice.objects.filter(kind=kind).order_by("pk").values_list("to__email", flat=True))


def refuse(plan: BookPlan, *names: str, actor: Any) -> int:
    return refuse_moves(plan_id=plan.pk, move_ids=ids(plan, *names), actor=actor, words="Then not", at=NOW)
