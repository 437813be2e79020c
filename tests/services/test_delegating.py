"""Decisions handed over while away: by whom, to whom, for which days, and what the delegate may do then."""

import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts import roles
from accounts.models import Customer, Delegation, User
from allocation.models import Notice, Override
from allocation.selectors.approvers import approvers_of_team
from allocation.services.delegating import UnableToDelegate, delegate_decisions, end_delegation
from allocation.services.overrides import UnableToDecideOverride, approve_override, request_override
from tests.factories import TODAY, CSMFactory, CustomerFactory, TeamFactory, TierFactory, UserFactory

pytestmark = pytest.mark.django_db

NOW = datetime.datetime.combine(TODAY, datetime.time(9), tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
FIRST, BACK = TODAY + 2 * DAY, TODAY + 9 * DAY


@pytest.fixture
def world(cast: SimpleNamespace) -> SimpleNamespace:
    """Mia (cast.manager) leads team A with one customer; Dan leads a team without anybody; Eve is a third manager."""
    cast.dan = UserFactory(email="dan@example.com", name="Dan Delegate", role=roles.MANAGER)
    cast.eve = UserFactory(email="eve@example.com", name="Eve Third", role=roles.MANAGER)
    TeamFactory(name="Team D", manager=cast.dan)
    cast.customer = CustomerFactory(csm=cast.csm_a.csm, csm_since=TODAY - 100 * DAY)
    cast.high = TierFactory(slug="high", rank=1)
    return cast


def delegated(world: SimpleNamespace, **more: Any) -> Delegation:
    given = {
        "manager": world.manager,
        "delegate_id": world.dan.pk,
        "starts_on": FIRST,
        "ends_before": BACK,
        "words": "Skiing",
        "actor": more.get("manager", world.manager),
        "on": TODAY,
        "at": NOW,
    }
    return delegate_decisions(**(given | more))


def fresh(person: Any) -> Any:
    """As the next request sees the person."""
    return User.objects.get(pk=person.pk)


def asked(world: SimpleNamespace) -> Override:
    return request_override(
        customer_id=world.customer.pk,
        tier_id=world.high.pk,
        reason_kind="risk",
        words="Their sponsor leaves",
        starts_on=TODAY,
        expires_on=TODAY + 90 * DAY,
        actor=world.csm_a,
        on=TODAY,
        at=NOW,
    )


def decide(override: Override, actor: Any, on: Any = TODAY) -> Override:
    return approve_override(override_id=override.pk, actor=fresh(actor), words="Agreed", on=on, at=NOW)


def sees(person: Any) -> bool:
    return Customer.objects.visible_to(fresh(person)).exists()


@pytest.mark.parametrize(
    ("day", "there"),
    [(FIRST - DAY, False), (FIRST, True), (BACK - DAY, True), (BACK, False)],
    ids=["the day before", "the first day", "the last day", "the day back"],
)
def test_the_delegate_sees_and_decides_in_these_days_only(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, day: Any, there: bool
) -> None:
    override = asked(world)
    delegated(world)
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: day)
    assert sees(world.dan) is there
    assert (world.dan.pk in approvers_of_team(team_id=world.team_a.pk, on=day).people) is there
    if there:
        assert decide(override, world.dan, day).decided_by == world.dan
    else:
        with pytest.raises(UnableToDecideOverride, match="outside what you may see"):
            decide(override, world.dan, day)


def test_the_manager_decides_as_before(world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    override = asked(world)
    delegated(world, starts_on=TODAY)
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    assert decide(override, world.manager).decided_by == world.manager


def test_taken_back_it_holds_no_more_at_once(world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    row = delegated(world, starts_on=TODAY)
    assert sees(world.dan)
    ended = end_delegation(delegation_id=row.pk, actor=world.manager, on=TODAY, at=NOW)
    assert (ended.ended_by, ended.ended_at) == (world.manager, NOW)
    assert not sees(world.dan)


@pytest.mark.parametrize("who", ["manager", "dan"])
def test_who_loses_the_role_loses_it_all(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """The delegate who is no manager any more, and the delegate of somebody who is none any more."""
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    delegated(world, starts_on=TODAY)
    getattr(world, who).groups.remove(Group.objects.get(name=roles.MANAGER))
    assert not sees(world.dan)


def test_what_was_handed_over_is_not_handed_on(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where a chain got into the table: one step, no more."""
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    delegated(world, starts_on=TODAY)
    Delegation.objects.create(
        manager=world.dan,
        delegate=world.eve,
        starts_on=TODAY,
        ends_before=BACK,
        created_by=world.ops,
        created_at=NOW,
    )
    assert sees(world.dan)
    assert not sees(world.eve)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"starts_on": TODAY - DAY}, "Choose today or a later day"),
        ({"ends_before": FIRST}, "first day back must be after"),
        ({"ends_before": FIRST + 91 * DAY}, "at most 90 days"),
        ({"words": "x" * 301}, "at most 300 characters"),
        ({"words": "a\0b"}, "NUL"),
    ],
)
def test_days_and_words_that_make_no_sense_are_refused(
    world: SimpleNamespace, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UnableToDelegate, match=sentence):
        delegated(world, **given)
    assert not Delegation.objects.exists()


def test_ninety_days_and_today_are_still_possible(world: SimpleNamespace) -> None:
    row = delegated(world, starts_on=TODAY, ends_before=TODAY + 90 * DAY, words="")
    assert (row.ends_before - row.starts_on).days == 90


@pytest.mark.parametrize("who", ["csm_a", "ops", "nobody"])
def test_only_an_active_manager_is_a_delegate(world: SimpleNamespace, who: str) -> None:
    with pytest.raises(UnableToDelegate, match="role Manager"):
        delegated(world, delegate_id=getattr(world, who).pk)


def test_nobody_who_was_switched_off_and_nobody_unknown_is_a_delegate(world: SimpleNamespace) -> None:
    User.objects.filter(pk=world.dan.pk).update(is_active=False)
    for pk in (world.dan.pk, 999_999):
        with pytest.raises(UnableToDelegate, match="role Manager"):
            delegated(world, delegate_id=pk)


def test_nobody_delegates_to_oneself(world: SimpleNamespace) -> None:
    with pytest.raises(UnableToDelegate, match="to oneself"):
        delegated(world, delegate_id=world.manager.pk)


@pytest.mark.parametrize("who", ["dan", "csm_a", "nobody"])
def test_nobody_hands_over_what_is_somebody_elses(world: SimpleNamespace, who: str) -> None:
    with pytest.raises(UnableToDelegate, match="the own decisions"):
        delegated(world, delegate_id=world.eve.pk, actor=getattr(world, who))


def test_cs_ops_do_it_for_a_manager_and_for_nobody_else(world: SimpleNamespace) -> None:
    assert delegated(world, actor=world.ops).created_by == world.ops
    with pytest.raises(UnableToDelegate, match="is no manager"):
        delegated(world, manager=world.csm_a, actor=world.ops)


@pytest.mark.parametrize(
    ("starts", "ends", "refused"),
    [
        (BACK, BACK + 2 * DAY, False),  # begins the day that one ends
        (BACK - DAY, BACK + 2 * DAY, True),
        (FIRST - DAY, FIRST, False),  # ends the day that one begins
        (FIRST - DAY, FIRST + DAY, True),
        (FIRST + DAY, BACK - DAY, True),
    ],
)
def test_two_delegations_of_one_manager_do_not_overlap(
    world: SimpleNamespace, starts: Any, ends: Any, refused: bool
) -> None:
    delegated(world)
    again = {"delegate_id": world.eve.pk, "starts_on": starts, "ends_before": ends}
    if refused:
        with pytest.raises(UnableToDelegate, match=r"Dan Delegate decides for Mia Manager .* already"):
            delegated(world, **again)
    else:
        delegated(world, **again)


def test_one_that_was_ended_stands_in_nobodys_way(world: SimpleNamespace) -> None:
    end_delegation(delegation_id=delegated(world).pk, actor=world.manager, on=TODAY, at=NOW)
    assert delegated(world, delegate_id=world.eve.pk).delegate == world.eve


def test_who_decides_for_another_hands_nothing_on_in_these_days(world: SimpleNamespace) -> None:
    delegated(world)
    theirs = {"manager": world.dan, "delegate_id": world.eve.pk}
    with pytest.raises(UnableToDelegate, match=r"Dan Delegate decides for Mia Manager .*nobody passes on"):
        delegated(world, **theirs)
    assert delegated(world, **theirs, starts_on=BACK, ends_before=BACK + DAY)


def test_who_is_away_is_no_delegate(world: SimpleNamespace) -> None:
    delegated(world, manager=world.dan, delegate_id=world.eve.pk)
    with pytest.raises(UnableToDelegate, match="Dan Delegate is away"):
        delegated(world)


@pytest.mark.parametrize(("who", "sentence"), [("dan", "Only Mia Manager or CS ops"), ("eve", "no such")])
def test_only_the_manager_and_cs_ops_take_it_back(world: SimpleNamespace, who: str, sentence: str) -> None:
    row = delegated(world)
    with pytest.raises(UnableToDelegate, match=sentence):
        end_delegation(delegation_id=row.pk, actor=getattr(world, who), on=TODAY, at=NOW)
    assert end_delegation(delegation_id=row.pk, actor=world.ops, on=TODAY, at=NOW).ended_by == world.ops


def test_ended_twice_is_ended_once(world: SimpleNamespace) -> None:
    row = delegated(world)
    end_delegation(delegation_id=row.pk, actor=world.manager, on=TODAY, at=NOW)
    with pytest.raises(UnableToDelegate, match="already"):
        end_delegation(delegation_id=row.pk, actor=world.ops, on=TODAY, at=NOW + DAY)
    row.refresh_from_db()
    assert (row.ended_by, row.ended_at) == (world.manager, NOW)


def test_what_is_over_is_not_taken_back(world: SimpleNamespace) -> None:
    row = delegated(world)
    with pytest.raises(UnableToDelegate, match="It is over since"):
        end_delegation(delegation_id=row.pk, actor=world.manager, on=BACK, at=NOW)


def test_the_delegate_is_told_when_it_is_given_and_when_it_is_taken_back(world: SimpleNamespace) -> None:
    row = delegated(world)
    end_delegation(delegation_id=row.pk, actor=world.manager, on=TODAY, at=NOW)
    told = list(Notice.objects.filter(to=world.dan).order_by("pk").values_list("subject", flat=True))
    assert told == ["You decide for Mia Manager", "You no longer decide for Mia Manager"]


def test_a_delegate_above_the_team_is_asked_beside_the_one_who_is_there(
    world: SimpleNamespace,
) -> None:
    """The manager stays an approver while away: a delegation adds, it takes nothing away."""
    delegated(world)
    CSMFactory(team=world.team_a)
    assert approvers_of_team(team_id=world.team_a.pk, on=FIRST).people == (world.manager.pk, world.dan.pk)
