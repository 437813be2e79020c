"""Overrides in the admin: CS ops ask and withdraw; only who is a manager as well, and did not ask, decides."""

import pytest

from accounts import roles
from accounts.models import Customer
from allocation.admin.overrides import OverrideAdmin
from allocation.models import Override, OverrideEdit, RetierRun
from allocation.services.overrides import approve_override, edit_override, request_override
from allocation.services.playbooks import load_playbook
from tests import factories
from tests.admin import world as admin_world
from tests.factories import TODAY
from tests.pages.reading import plain, read
from tests.services.overrides.world import DAY, IN_HALF_A_YEAR, NOW, asked, build

LIST = "/admin/allocation/override/"


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def world(cast):
    """No model is published here: `.high` may be wished since the customer pays for it."""
    found = build(cast)
    Customer.objects.filter(pk=found.customer.pk).update(paid_tier=found.high)
    return found


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.tasks.retiering.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


@pytest.fixture
def both(world):
    """CS ops and manager of team A in one person."""
    person = factories.UserFactory(email="both@example.com", name="Bo Both", role=roles.OPS, is_staff=True)
    person.groups.add(*world.manager.groups.all())
    world.team_a.manager = person
    world.team_a.save()
    return person


def another(world, by=None, **more):
    """A request for another customer of the same book."""
    customer = factories.CustomerFactory(
        csm=world.csm_a.csm, csm_since=TODAY, tier=world.low, tier_since=TODAY
    )
    return asked(world, actor=by, customer_id=customer.pk, **more)


def wish(world, **more):
    return {
        "customer": world.customer.pk,
        "tier": world.high.pk,
        "reason_kind": "risk",
        "words": "Their sponsor leaves",
        "evidence": "",
        "starts_on": TODAY.isoformat(),
        "expires_on": IN_HALF_A_YEAR.isoformat(),
        **more,
    }


def test_ops_ask_through_the_form_and_the_service_writes_the_row(world, sign_in):
    client = sign_in(world.ops)
    response = client.post(f"{LIST}add/", wish(world), follow=True)
    one = Override.objects.get()
    assert (one.status, one.asked_by, one.tier_when_asked, one.due_on) == (
        "asked", world.ops, world.low, TODAY + 7 * DAY,
    )  # fmt: skip
    assert "was added successfully" in read(response).words
    assert "Add override" in read(client.get(LIST)).words


LONG = "x" * 2000
REFUSED = [
    ({"words": LONG}, ""),
    ({"words": LONG + "y"}, "at most 2000 characters"),
    ({"words": " "}, "This field is required."),
    ({"words": "\0"}, "Null characters are not allowed."),
    ({"evidence": LONG + "y"}, "at most 2000 characters"),
    ({"expires_on": "2027-11-22"}, ""),
    ({"expires_on": "2027-11-23"}, "let it expire by"),
    ({"expires_on": TODAY.isoformat()}, "must expire after it starts"),
    ({"starts_on": (TODAY - DAY).isoformat()}, "cannot start in the past"),
    ({"expires_on": ""}, "This field is required."),
    ({"customer": ""}, "This field is required."),
]


@pytest.mark.parametrize(("given", "said"), REFUSED)
def test_what_is_refused_is_a_fault_of_the_form_and_nothing_was_added(world, sign_in, given, said):
    response = sign_in(world.ops).post(f"{LIST}add/", wish(world, **given))
    assert response.status_code == (200 if said else 302)
    assert Override.objects.count() == (0 if said else 1)
    if said:
        assert said in plain(read(response).words)
        assert "successfully" not in read(response).words


def test_a_second_request_is_refused_with_the_first_ones_name_on_the_form(world, sign_in):
    asked(world)
    response = sign_in(world.ops).post(f"{LIST}add/", wish(world, words="Typed with care"))
    words = read(response).words
    assert (response.status_code, Override.objects.count()) == (200, 1)
    assert "Ada Book asked for High" in words
    assert "Typed with care" in words


def test_a_customer_that_left_is_refused_on_the_form(world, sign_in):
    Customer.objects.filter(pk=world.customer.pk).update(status="left")
    response = sign_in(world.ops).post(f"{LIST}add/", wish(world))
    assert "there is no tier to override" in read(response).words
    assert not Override.objects.exists()


def test_retired_tiers_cannot_be_wished(world, sign_in):
    world.high.retired = True
    world.high.save()
    response = sign_in(world.ops).post(f"{LIST}add/", wish(world))
    assert (response.status_code, Override.objects.count()) == (200, 0)


def test_the_page_of_one_is_to_be_read(world, sign_in):
    one = asked(world)
    edit_override(
        override_id=one.pk, actor=world.ops, expires_on=TODAY + 30 * DAY, words="Shorter", on=TODAY, at=NOW
    )
    client = sign_in(world.ops)
    shown = client.get(f"{LIST}{one.pk}/change/")
    words = plain(read(shown).words)
    assert "Their sponsor leaves" in words
    assert "Changes of the request" in words
    assert "Expires: 21 May 2027 → 22 Dec 2026" in words  # as on the page of the request
    assert 'name="words"' not in shown.content.decode()
    assert client.post(f"{LIST}{one.pk}/change/", wish(world, words="Other")).status_code == 403
    assert client.post(f"{LIST}{one.pk}/delete/", {"post": "yes"}).status_code == 403
    one.refresh_from_db()
    assert one.words == "Their sponsor leaves"


def test_what_the_model_said_is_on_the_page(cast, sign_in):
    found = admin_world.build(cast)
    one = Override.objects.get(customer=found.customer)
    Override.objects.filter(pk=one.pk).update(
        model_said={
            "run": 3, "model_version": 2, "segment": "Everyone", "rule": "ARR ≥ 100,000", "score": "71.20",
            "suggested": "top",
        }
    )  # fmt: skip
    words = read(sign_in(cast.ops).get(f"{LIST}{one.pk}/change/")).words
    assert "Top, score 71.20, segment Everyone, rule “ARR ≥ 100,000”, run 3, model version 2" in words


def act(client, name, *rows, words=None, versions=None):
    """Choose rows and an action; with words, confirm what the page then showed."""
    sent = {"action": name, "_selected_action": [row.pk for row in rows]}
    if words is not None:
        sent |= {
            "words": words,
            "seen": [f"{row.pk}:{(versions or {}).get(row.pk, row.version)}" for row in rows],
        }
    return client.post(LIST, sent, follow=words is not None)


def statuses(*rows):
    return [Override.objects.get(pk=row.pk).status for row in rows]


def test_withdrawing_shows_asks_for_words_acts_and_says_row_by_row(world, sign_in, rung):
    one, done = asked(world), another(world)
    Override.objects.filter(pk=done.pk).update(status="expired", ended_at=NOW)
    done.refresh_from_db()
    client = sign_in(world.ops)
    shown = act(client, "withdraw", one, done)
    words = read(shown).words
    assert "Withdraw 2 overrides" in words
    assert "Their sponsor leaves" in words
    assert "It is expired already" in words
    assert statuses(one, done) == ["asked", "expired"]  # looking did nothing
    told = read(act(client, "withdraw", one, done, words="It is over")).words
    assert f"Override {one.pk} (" in told
    assert "is withdrawn." in told
    assert f"Override {done.pk} (" in told
    assert "is not withdrawn: It is expired already." in told
    assert statuses(one, done) == ["withdrawn", "expired"]
    assert Override.objects.get(pk=one.pk).ended_words == "It is over"


@pytest.mark.parametrize(
    ("words", "taken"), [("", False), ("  ", False), (LONG, True), (LONG + "y", False), ("\0", False)]
)
def test_an_action_needs_words_that_are_kept(world, sign_in, rung, words, taken):
    one = asked(world)
    response = act(sign_in(world.ops), "withdraw", one, words=words)
    assert statuses(one) == ["withdrawn" if taken else "asked"]
    assert ("Withdraw 1 override" in read(response).words) is not taken


def test_withdrawing_one_in_force_has_one_run_proposed(world, sign_in, rung):
    both_held = [
        approve_override(override_id=one.pk, actor=world.manager, words="Agreed", on=TODAY, at=NOW)
        for one in (asked(world), another(world))
    ]
    load_playbook(slug="three-axis", publish=True, at=NOW)
    told = read(act(sign_in(world.ops), "withdraw", *both_held, words="Over")).words
    run = RetierRun.objects.get()
    assert (run.scope, run.apply_when_proposed, len(rung)) == ("goals", False, 1)
    assert f"Run {run.pk} proposes what follows" in told
    assert Customer.objects.get(pk=world.customer.pk).tier == world.high


def test_ops_decide_nothing(world, sign_in, rung):
    one, client = asked(world), sign_in(world.ops)
    offered = client.get(LIST).content.decode()
    assert 'value="withdraw"' in offered
    for name in ("approve", "decline"):
        assert f'value="{name}"' not in offered
        act(client, name, one)
        act(client, name, one, words="Agreed")
    assert statuses(one) == ["asked"]


def test_the_service_refuses_ops_also_where_the_action_is_forced(world, sign_in, rung, monkeypatch):
    """The offer is for the eye; here it is made to everybody."""
    one = asked(world)
    monkeypatch.setattr(
        OverrideAdmin,
        "get_actions",
        lambda self, request: {name: self.get_action(name) for name in ("approve", "decline")},
    )
    told = read(act(sign_in(world.ops), "approve", one, words="Agreed")).words
    assert "is not approved: An override is decided by a manager" in told
    assert statuses(one) == ["asked"]


def test_nobody_approves_the_own_request_by_the_action(world, both, sign_in, rung):
    """Asked as ops, decided as manager, by one person: refused on the page that shows, and again when acting."""
    own, client = asked(world, actor=both), sign_in(both)
    assert (
        "You asked for it yourself: another manager has to decide." in read(act(client, "approve", own)).words
    )
    for name in ("approve", "decline"):
        told = read(act(client, name, own, words="I am sure")).words
        assert "You asked for it yourself: another manager has to decide." in told
    assert statuses(own) == ["asked"]
    assert Customer.objects.get(pk=world.customer.pk).tier == world.low


def test_nor_one_that_he_edited(world, both, sign_in, rung):
    one = asked(world)
    edit_override(override_id=one.pk, actor=both, expires_on=TODAY + 9 * DAY, words="Short", on=TODAY, at=NOW)
    one.refresh_from_db()
    act(sign_in(both), "approve", one, words="Agreed")
    assert statuses(one) == ["asked"]
    assert OverrideEdit.objects.count() == 1


def test_who_holds_both_roles_approves_those_of_others(world, both, sign_in, rung):
    own, theirs, third = another(world, by=both), asked(world), another(world)
    client = sign_in(both)
    shown = read(act(client, "approve", own, theirs)).words
    assert "Approve 2 overrides" in shown
    told = read(act(client, "approve", own, theirs, words="Agreed")).words
    assert f"Override {theirs.pk} ({world.customer} → High) is approved." in told
    assert f"Override {own.pk} (" in told
    assert statuses(own, theirs, third) == ["asked", "approved", "asked"]
    assert Customer.objects.get(pk=world.customer.pk).tier == world.high
    act(client, "decline", third, words="Not now")
    assert Override.objects.get(pk=third.pk).decided_words == "Not now"
    assert Override.objects.get(pk=third.pk).status == "declined"


def test_what_was_changed_since_it_was_shown_is_not_approved(world, both, sign_in, rung):
    one = asked(world)
    edit_override(
        override_id=one.pk, actor=world.ops, expires_on=TODAY + 9 * DAY, words="Short", on=TODAY, at=NOW
    )
    told = read(act(sign_in(both), "approve", one, words="Agreed", versions={one.pk: 1})).words
    assert "changed since you looked at it" in told
    assert statuses(one) == ["asked"]
    for forged in ("", "1", ":", f"{one.pk}:x", f"{one.pk}:-2", "9" * 40 + ":2"):
        client = sign_in(both)
        client.post(
            LIST, {"action": "approve", "_selected_action": [one.pk], "words": "Yes", "seen": [forged]}
        )
        assert statuses(one) == ["asked"], forged


def test_too_many_at_once_are_refused(world, sign_in, monkeypatch):
    monkeypatch.setattr("allocation.admin.overrides.AT_MOST", 1)
    rows = [asked(world), another(world)]
    client = sign_in(world.ops)
    response = client.post(
        LIST, {"action": "withdraw", "_selected_action": [row.pk for row in rows]}, follow=True
    )
    assert "Choose at most 1 at a time." in read(response).words


@pytest.mark.parametrize("role", ["csm_a", "manager", "nobody"])
def test_who_is_no_ops_reaches_nothing_here(world, sign_in, role):
    one, client = asked(world), sign_in(getattr(world, role))
    for path in (LIST, f"{LIST}add/", f"{LIST}{one.pk}/change/"):
        assert client.get(path).status_code in {302, 403}, path
    client.post(f"{LIST}add/", wish(world, customer=factories.CustomerFactory().pk))
    act(client, "withdraw", one, words="Mine")
    assert statuses(one) == ["asked"]
    assert Override.objects.count() == 1


FILTERS = [
    ("decision=waits", {"waits", "late"}),
    ("decision=overdue", {"late"}),
    ("end=14", {"soon"}),
    ("end=90", {"soon"}),
    ("status__exact=approved", {"soon", "long"}),
    ("end=nonsense", {"waits", "late", "soon", "long"}),
]


@pytest.mark.parametrize(("query", "found"), FILTERS)
def test_the_list_is_narrowed(world, sign_in, query, found):
    rows = {"waits": another(world, words="waits"), "late": another(world, words="late")}
    Override.objects.filter(pk=rows["late"].pk).update(due_on=TODAY - DAY)
    for name, ends in (("soon", 14), ("long", 150)):
        one = another(world, expires_on=TODAY + ends * DAY)
        rows[name] = approve_override(override_id=one.pk, actor=world.manager, words="Yes", on=TODAY, at=NOW)
    shown = sign_in(world.ops).get(f"{LIST}?{query}").content.decode()
    assert {name for name, row in rows.items() if f"{LIST}{row.pk}/change/" in shown} == found


def test_a_request_asked_in_the_admin_is_the_same_as_one_of_the_service(world, sign_in):
    sign_in(world.ops).post(f"{LIST}add/", wish(world))
    here = Override.objects.get()
    there = request_override(
        customer_id=factories.CustomerFactory(tier=world.low, tier_since=TODAY).pk,
        tier_id=world.high.pk,
        reason_kind="risk",
        words="Their sponsor leaves",
        starts_on=TODAY,
        expires_on=IN_HALF_A_YEAR,
        actor=world.ops,
        on=TODAY,
        at=NOW,
    )
    fields = (
        "tier",
        "reason_kind",
        "words",
        "evidence",
        "starts_on",
        "expires_on",
        "tier_when_asked",
        "due_on",
        "version",
    )
    assert [getattr(here, name) for name in fields] == [getattr(there, name) for name in fields]
