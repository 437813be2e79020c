"""`plan objections|object|answer`: the time to object from the command line, and what is told to whom."""

import json
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from allocation.models import AllocationPolicy, BookPlan, Objection, RunStatus
from tests.factories import NOW, TODAY
from tests.services.objection_cast import UNTIL, world_with_a_window
from tests.services.plan_cast import books

KEYS = {"external_id", "csm", "reason", "words", "answered", "answer"}


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    return world_with_a_window(cast)


def told(*words: str, acting: str | None = None, **options: Any) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=StringIO(), acting=acting, **options)
    return out.getvalue()


def answer(*words: str, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(*words, format="json", **options))
    return found


def test_until_when_and_what_was_said_stand_in_the_answer(world: SimpleNamespace) -> None:
    plan, ada, ops = str(world.plan.pk), world.cast.csm_a.email, world.cast.ops.email
    given = {"reason": "timing", "words": "Not now", "acting": ada}
    own = answer("plan", "object", plan, world.first, **given)
    assert own == {
        "plan": world.plan.pk,
        "status": "proposed",
        "objections_until": UNTIL.isoformat(),
        "objections": [
            {
                "external_id": world.first, "csm": ada, "reason": "timing", "words": "Not now",
                "answered": False, "answer": "",
            }
        ],
    }  # fmt: skip
    found = answer("plan", "objections", plan, acting=ops)
    assert (found["objections_until"], found["objections"]) == (UNTIL.isoformat(), own["objections"])
    assert set(found["objections"][0]) == KEYS
    words = told("plan", "show", plan)
    assert "CSMs may object before 2026-11-29" in words
    assert f"{ada} objects to {world.first} (timing): Not now (not answered)" in words
    found = answer("plan", "answer", plan, world.first, words="It has to be", acting=ops)
    assert found["objections"][0]["answered"] is True
    assert "Kept by Olga Ops" in found["objections"][0]["answer"]


def test_a_csm_is_told_nothing_of_the_plan_but_the_own_objections(world: SimpleNamespace) -> None:
    plan = str(world.plan.pk)
    for who in (world.cast.csm_a, world.cast.csm_b):
        given = {"reason": "other", "words": who.name, "acting": who.email}
        found = answer("plan", "object", plan, world.first, **given)
        assert [one["words"] for one in found["objections"]] == [who.name]
        assert set(found) == {"plan", "status", "objections_until", "objections"}


def test_taking_back(world: SimpleNamespace) -> None:
    given = {"acting": world.cast.csm_a.email, "words": "x", "reason": "timing"}
    answer("plan", "object", str(world.plan.pk), world.first, **given)
    assert (
        answer("plan", "object", str(world.plan.pk), world.first, withdraw=True, **given)["objections"] == []
    )
    with pytest.raises(CommandError, match="no such objection of yours"):
        answer("plan", "object", str(world.plan.pk), world.first, withdraw=True, **given)


def test_the_window_is_opened_moved_and_closed(cast: SimpleNamespace) -> None:
    plan = str(world_with_a_window(cast, days=0).plan.pk)
    assert answer("plan", "objections", plan)["objections_until"] is None
    assert answer("plan", "objections", plan, until=UNTIL)["objections_until"] == UNTIL.isoformat()
    with pytest.raises(CommandError, match="CSMs may object to moves"):
        answer("plan", "apply", plan)
    assert answer("plan", "objections", plan, close=True)["objections_until"] == TODAY.isoformat()
    assert answer("plan", "apply", plan)["status"] == "applied"


def test_plan_books_apply_waits_for_the_day_and_says_so(cast: SimpleNamespace) -> None:
    books(cast)
    AllocationPolicy.objects.update(objection_days=7)
    err = StringIO()
    call_command("plan_books", "--apply", stdout=StringIO(), stderr=err)
    plan = BookPlan.objects.get()
    assert (plan.status, plan.apply_when_proposed, plan.objections_until) == ("proposed", True, UNTIL)
    assert "Nothing was applied: CSMs may object to moves" in err.getvalue()
    assert "It is applied by itself then" in err.getvalue()


def test_the_last_answer_after_the_day_applies_what_was_asked_for(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = str(world.plan.pk)
    given = {"acting": world.cast.csm_a.email, "words": "x", "reason": "timing"}
    answer("plan", "object", plan, world.first, **given)
    BookPlan.objects.update(apply_when_proposed=True)
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: UNTIL)
    told("sweep", here=True)
    assert BookPlan.objects.get().status == RunStatus.PROPOSED
    assert (
        answer("plan", "answer", plan, world.first, words="Yes", acting=world.cast.ops.email)["status"]
        == "applied"
    )


@pytest.mark.parametrize(
    ("words", "who", "options", "sentence"),
    [
        (("object", "N0"), None, {}, "Name the CSM who objects with --as"),
        (("object", "N0"), "ops", {}, "Name the CSM who objects with --as"),
        (("object", "N0"), "csm_a", {"words": "x", "reason": "timing"}, "moves nothing for N0"),
        (("object",), "csm_b", {}, "One move is objected to at a time"),
        (("object", "N0", "L0"), "csm_b", {}, "One move is objected to at a time"),
        (("object", "N0"), "csm_b", {"words": "x"}, "Choose one of the reasons"),
        (("object", "N0"), "csm_b", {"reason": "skill"}, "Say why"),
        (("answer", "N0"), "ops", {"words": "x"}, "None of these moves has an objection"),
        (("answer",), "ops", {"words": "x"}, "Name the customers whose moves are meant"),
        (("objections",), "manager", {"close": True}, "Only CS ops open and close"),
        (("objections",), "csm_a", {}, "There is no book plan"),
    ],
)
def test_what_makes_no_sense_is_refused(
    world: SimpleNamespace, words: tuple[str, ...], who: str | None, options: dict[str, Any], sentence: str
) -> None:
    acting = getattr(world.cast, who).email if who else None
    with pytest.raises(CommandError, match=sentence):
        told("plan", words[0], str(world.plan.pk), *words[1:], acting=acting, **options)
    assert not Objection.objects.exists()


def test_before_a_window_is_open_there_is_no_such_plan_for_a_csm(cast: SimpleNamespace) -> None:
    world = world_with_a_window(cast, days=0)
    with pytest.raises(CommandError, match="There is no book plan"):
        told("plan", "object", str(world.plan.pk), world.first, acting=cast.csm_a.email)
