"""`undo plan`, `plan refuse|accept|repoint|approve|decline`: keys to the letter, rights, refusals with a sentence."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Customer
from allocation.models import BookPlan, RunStatus
from tests.factories import TODAY, CSMFactory
from tests.services.plan_cast import books as made_books
from tests.services.plan_cast import by_hand, held_by, move_of, proposed, seats, state, the_largest_are

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    found = made_books(cast)
    found.cem = CSMFactory(name="Cem", email="cem@example.com", team=cast.team_a, hours_per_month=10)
    found.cast = cast
    return found


def told(*words: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def answer(*words: str, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(*words, format="json", **options))
    return found


def test_undo_has_its_keys_and_restores(world: SimpleNamespace) -> None:
    before, ledger = state(), held_by()
    plan = str(answer("plan_books", "--apply")["plan"])
    assert state() != before
    found = answer("undo", "plan", plan)
    assert found == {"plan": int(plan), "status": "undone", "restored": 4, "skipped": []}
    assert state() == before
    assert answer("undo", "plan", plan) == found  # a second time changes nothing
    assert set(held_by()) == set(ledger)
    assert f"Book plan {plan} is undone: 4 customers have their CSM back." in told("undo", "plan", plan)


def test_who_was_changed_since_is_listed(world: SimpleNamespace) -> None:
    plan = str(answer("plan_books", "--apply")["plan"])
    by_hand(Customer.objects.get(external_id="N0"), world.lea)
    found = answer("undo", "plan", plan)
    assert (found["restored"], found["skipped"]) == (3, ["N0"])
    assert "Changed since, so left as they are: N0" in told("undo", "plan", plan)


def test_only_ops_undo_and_only_what_was_applied(world: SimpleNamespace) -> None:
    plan = str(proposed().pk)
    with pytest.raises(CommandError, match="is proposed; only an applied plan can be undone"):
        answer("undo", "plan", plan)
    answer("plan", "apply", plan)
    with pytest.raises(CommandError, match="Only CS ops may undo a book plan"):
        answer("undo", "plan", plan, acting=world.cast.manager.email)
    for person in (world.cast.csm_a, world.cast.nobody):
        with pytest.raises(CommandError, match=f"There is no book plan {plan}"):
            answer("undo", "plan", plan, acting=person.email)
    with pytest.raises(CommandError, match="There is no book plan 999"):
        answer("undo", "plan", "999")


def test_moves_are_refused_repointed_and_accepted_by_external_id(world: SimpleNamespace) -> None:
    plan, ops = proposed(), world.cast.ops.email
    found = answer("plan", "refuse", str(plan.pk), "N0", words="Later", acting=ops)
    assert (found["refused"], found["changed_by_review"]) == (["N0"], True)
    assert answer("plan", "accept", str(plan.pk), "N0", acting=ops)["refused"] == []
    to = next(csm for csm in (world.cem, world.ada) if csm != move_of(plan, "N0").to_csm)
    found = answer("plan", "repoint", str(plan.pk), "N0", words="Closer", to=to.email.upper(), acting=ops)
    assert found["repointed"] == ["N0"]
    (move,) = [one for one in found["moves"] if one["external_id"] == "N0"]
    assert (move["to"], move["words"]) == (to.email, "Closer")
    assert move["planned"] not in {None, to.email}
    assert "Changed by review: 0 moves refused, 1 re-pointed." in told("plan", "show", str(plan.pk))
    answer("plan", "apply", str(plan.pk), acting=ops)
    assert seats()["N0"] == to.name


def test_the_largest_wait_for_a_manager_and_the_wish_to_apply_comes_true_with_the_last(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allocation.services.planning.proposing.propose_books", the_largest_are({"L0"}))
    found = answer("plan_books", "--apply")
    plan = str(found["plan"])
    assert (found["status"], found["waiting_for_approval"]) == ("awaiting_approval", ["L0"])
    assert "Waits for a manager's approval: L0" in told("plan", "show", plan)
    with pytest.raises(CommandError, match="a manager has to approve or decline"):
        answer("plan", "apply", plan)
    with pytest.raises(CommandError, match="need the approval of a manager"):
        answer("plan", "approve", plan, "L0", words="Yes", acting=world.cast.ops.email)
    with pytest.raises(CommandError, match="would stay with Lea Leaver"):
        answer("plan", "decline", plan, "L0", words="No", acting=world.cast.manager.email)
    found = answer("plan", "approve", plan, "L0", words="Yes", acting=world.cast.manager.email)
    assert (found["status"], found["waiting_for_approval"]) == ("applied", [])
    assert BookPlan.objects.get().status == RunStatus.APPLIED


@pytest.mark.parametrize(
    ("words", "options", "sentence"),
    [
        (("refuse",), {}, "Name the customers whose moves are meant"),
        (("refuse", "N0"), {}, "Say why these moves are refused"),
        (("refuse", "X"), {"words": "x"}, "moves nothing for X"),
        (("repoint", "N0"), {"words": "x", "to": "nobody@example.com"}, "Name the CSM with --to"),
        (("repoint", "N0"), {"words": "x"}, "Name the CSM with --to"),
        (("repoint", "N0", "L0"), {"words": "x"}, "One move is re-pointed at a time"),
    ],
)
def test_a_refusal_of_the_command_is_a_sentence(
    world: SimpleNamespace, words: tuple[str, ...], options: dict[str, Any], sentence: str
) -> None:
    plan = str(proposed().pk)
    action, *customers = words
    with pytest.raises(CommandError, match=sentence):
        answer("plan", action, plan, *customers, acting=world.cast.ops.email, **options)
    with pytest.raises(CommandError, match="reviewed by CS ops and by managers"):
        answer("plan", "refuse", plan, "N0", words="No")  # who refuses must say who they are


def test_an_undo_that_was_left_is_finished_before_the_next_plan(world: SimpleNamespace) -> None:
    before = state()
    answer("plan_books", "--apply")
    BookPlan.objects.update(status=RunStatus.UNDOING)
    first = BookPlan.objects.get()
    first.lease_until = first.started_at
    first.save()
    answer("plan_books")
    first.refresh_from_db()
    assert first.status == RunStatus.UNDONE
    assert state() == before
