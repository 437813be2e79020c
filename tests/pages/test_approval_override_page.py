"""The page of one request: who opens it, decides it, changes it and takes it back, and what the second one is told."""

import pytest

from allocation.models import Override, OverrideEdit
from allocation.services.overrides import approve_override, decline_override, edit_override
from tests.factories import TODAY
from tests.pages import approval_cast
from tests.pages.approval_cast import DAY, NOW, asked
from tests.pages.reading import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(cast):
    return approval_cast.build(cast)


def address(override):
    return f"/approvals/overrides/{override.pk}/"


def act(client, override, action, **more):
    given = {"action": action, "version": override.version, "words": "Agreed"}
    return client.post(address(override), given | more)


def words(response):
    return Page(response.content.decode()).words


def changed(override):
    return {
        "tier": override.tier_id,
        "starts_on": override.starts_on.isoformat(),
        "expires_on": (TODAY + 90 * DAY).isoformat(),
    }


def status(override):
    return Override.objects.get(pk=override.pk).status


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("ops", 200),
        ("manager", 200),
        ("director", 200),
        ("csm_a", 200),
        ("other", 404),
        ("csm_b", 404),
        ("nobody", 403),
    ],
)
def test_it_is_there_for_who_sees_the_customer(world, sign_in, who, code):
    client = sign_in(getattr(world, who))
    assert client.get(address(asked(world))).status_code == code
    assert client.get("/approvals/overrides/999999/").status_code in {403, 404}


def test_it_shows_what_was_asked_why_and_who_changed_what(world, sign_in):
    override = asked(world, evidence="A mail of the sponsor")
    edit_override(
        override_id=override.pk,
        actor=world.csm_a,
        words="Half of it is enough",
        expires_on=TODAY + 90 * DAY,
        on=TODAY,
        at=NOW,
    )
    said = words(sign_in(world.manager).get(address(override)))
    for text in (
        "Their sponsor leaves",
        "A mail of the sponsor",
        "Half of it is enough",
        "Ada Book",
        "Risk the model",
    ):
        assert text in said


@pytest.mark.parametrize(("action", "became"), [("approve", "approved"), ("decline", "declined")])
def test_a_manager_decides_with_words(world, sign_in, action, became):
    override = asked(world)
    response = act(sign_in(world.manager), override, action, words="As discussed")
    assert response.status_code == 302
    override.refresh_from_db()
    assert (override.status, override.decided_by, override.decided_words) == (
        became,
        world.manager,
        "As discussed",
    )
    assert "As discussed" in words(sign_in(world.csm_a).get(address(override)))


@pytest.mark.parametrize("who", ["ops", "csm_a"])
@pytest.mark.parametrize("action", ["approve", "decline"])
def test_nobody_else_decides(world, sign_in, who, action):
    override = asked(world)
    assert act(sign_in(getattr(world, who)), override, action).status_code == 403
    assert status(override) == "asked"


def test_nobody_decides_what_he_asked_for_or_changed(world, sign_in):
    own = asked(world, world.customers[0], actor=world.manager)
    response = act(sign_in(world.manager), own, "approve")
    assert response.status_code == 403
    assert "You asked for it yourself" in words(response)
    edited = asked(world, world.customers[1])
    assert act(sign_in(world.manager), edited, "edit", **changed(edited)).status_code == 302
    edited.refresh_from_db()
    response = act(sign_in(world.manager), edited, "approve")
    assert response.status_code == 403
    assert "You changed this request yourself" in words(response)
    assert act(sign_in(world.director), edited, "approve").status_code == 302


def test_who_comes_second_gets_a_page_that_says_who_decided_what_and_when(world, sign_in):
    override = asked(world)
    decline_override(override_id=override.pk, actor=world.director, words="Not now", on=TODAY, at=NOW)
    response = act(sign_in(world.manager), override, "approve")
    assert response.status_code == 409
    said = words(response)
    assert "It was declined by Dora Director already (22" in said
    assert "Not now" in said
    assert status(override) == "declined"


@pytest.mark.parametrize("action", ["approve", "decline", "edit"])
def test_what_was_changed_since_it_was_shown_is_looked_at_again(world, sign_in, action):
    override = asked(world)
    edit_override(
        override_id=override.pk,
        actor=world.csm_a,
        words="Longer",
        expires_on=TODAY + 200 * DAY,
        on=TODAY,
        at=NOW,
    )
    response = act(sign_in(world.manager), override, action, **changed(override))
    assert response.status_code == 409
    assert "changed since you looked at it" in words(response)
    assert (status(override), OverrideEdit.objects.count()) == ("asked", 1)


def test_a_refusal_that_is_nobodys_fault_but_the_words_stays_on_the_page(world, sign_in):
    override = asked(world)
    response = act(sign_in(world.manager), override, "approve", words=" ")
    assert response.status_code == 200
    assert "Say why it is approved" in words(response)
    assert status(override) == "asked"


def test_who_asked_changes_and_withdraws_the_own_request(world, sign_in):
    override = asked(world)
    client = sign_in(world.csm_a)
    assert act(client, override, "edit", **changed(override)).status_code == 302
    override.refresh_from_db()
    assert (override.expires_on, override.version) == (TODAY + 90 * DAY, 2)
    assert act(client, override, "withdraw", status="asked").status_code == 302
    assert status(override) == "withdrawn"


def test_a_csm_changes_nothing_that_somebody_else_asked_for(world, sign_in):
    override = asked(world, actor=world.ops)
    client = sign_in(world.csm_a)
    for action in ("edit", "withdraw"):
        assert act(client, override, action, **changed(override)).status_code == 403
    assert status(override) == "asked"


def test_faults_of_a_change_stand_beside_what_was_filled_in(world, sign_in):
    override = asked(world)
    client = sign_in(world.csm_a)
    response = act(client, override, "edit", **changed(override) | {"expires_on": "soon"})
    assert (response.status_code, "Enter a valid date" in words(response)) == (200, True)
    too_long = changed(override) | {"expires_on": (TODAY + 900 * DAY).isoformat()}
    response = act(client, override, "edit", **too_long)
    assert response.status_code == 200
    assert "months at most" in words(response)
    assert (TODAY + 900 * DAY).isoformat() in response.content.decode()
    assert not OverrideEdit.objects.exists()


def test_what_was_approved_meanwhile_is_not_withdrawn_by_an_old_page(world, sign_in):
    override = asked(world)
    approve_override(override_id=override.pk, actor=world.manager, words="Yes", on=TODAY, at=NOW)
    response = act(sign_in(world.csm_a), override, "withdraw", status="asked")
    assert response.status_code == 409
    assert "approved meanwhile" in words(response)
    assert status(override) == "approved"


def test_one_in_force_is_ended_before_its_time_and_a_run_is_asked_for(world, sign_in, monkeypatch):
    heard = []
    monkeypatch.setattr("allocation.tasks.overrides.ask_for_goals_run", lambda **given: heard.append(given))
    override = asked(world)
    act(sign_in(world.manager), override, "approve")
    act(sign_in(world.manager), override, "withdraw", status="approved", words="They renewed")
    assert status(override) == "withdrawn"
    assert len(heard) == 2  # once it held, and once it ended


@pytest.mark.parametrize("given", [{"version": ""}, {"version": "one"}, {"version": "9" * 30}])
def test_a_decision_without_what_was_seen_is_none(world, sign_in, given):
    override = asked(world)
    assert act(sign_in(world.manager), override, "approve", **given).status_code == 302
    assert status(override) == "asked"


def test_an_action_that_is_none_changes_nothing(world, sign_in):
    override = asked(world)
    client = sign_in(world.manager)
    assert act(client, override, "delete").status_code == 302
    assert "Say whether it is approved" in words(client.get(address(override)))
    assert status(override) == "asked"


def test_looking_changes_nothing(world, sign_in):
    override = asked(world)
    client = sign_in(world.manager)
    for _ in range(3):
        client.get(address(override), {"action": "approve", "version": 1, "words": "x"})
    client.head(address(override))
    assert status(override) == "asked"
