"""Touches in the admin: how each stands, what a closed one must say, and who closed it."""

from datetime import timedelta

import pytest

from allocation.models import Touch
from tests.factories import TODAY, CustomerFactory, TierFactory, TouchActivityFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LIST = "/admin/allocation/touch/"


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def customer(cast):
    return CustomerFactory(tier=TierFactory(), tier_since=TODAY, csm=cast.csm_a.csm, csm_since=TODAY)


@pytest.fixture
def touch(customer):
    """Planned, with a slot."""
    activity = TouchActivityFactory(tier=customer.tier, name="QBR")
    return Touch.objects.create(
        customer=customer, activity=activity, name="QBR", slot_on=TODAY, due_on=TODAY + DAY, hours=5
    )


@pytest.fixture
def send(cast, sign_in):
    """`send(touch, **changes)`: what a browser sends of the touch's page (None: of the page for a new one)."""
    client = sign_in(cast.ops)

    def seen(touch):
        page = client.get(f"{LIST}{touch.pk}/change/")
        return page.context["adminform"].form["seen"].value()

    def sent(touch, **changes):
        given = {"name": "Call", "due_on": TODAY, "hours": "1", "status": "planned", "done_on": "", "done_by": "", "words": ""}  # fmt: skip
        if touch is not None:
            given |= {"name": touch.name, "due_on": touch.due_on, "hours": touch.hours, "seen": seen(touch)}
        address = f"{LIST}add/" if touch is None else f"{LIST}{touch.pk}/change/"
        return client.post(address, given | changes)

    return sent


@pytest.mark.parametrize(
    ("given", "standing"),
    [
        ({"due_on": TODAY + 7 * DAY}, "planned"),
        ({"due_on": TODAY + 6 * DAY}, "due"),
        ({"due_on": TODAY}, "due"),
        ({"due_on": TODAY - DAY}, "late"),
        ({"due_on": TODAY - DAY, "status": "done", "done_on": TODAY}, "done"),
        ({"due_on": TODAY - DAY, "status": "skipped", "words": "No."}, "skipped"),
    ],
)
def test_the_list_says_how_each_stands_and_filters_by_it(cast, sign_in, customer, given, standing):
    Touch.objects.create(customer=customer, name="Anything", hours=1, **given)
    client = sign_in(cast.ops)
    assert f">{standing.capitalize()}</span>" in client.get(LIST).content.decode().replace("</svg>", ">")
    for asked in ("planned", "due", "late", "done", "skipped"):
        page = client.get(LIST, {"standing": asked}).content.decode()
        assert ("Anything" in page) is (asked == standing), asked


DONE = {"status": "done", "done_on": TODAY, "words": "They renew."}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({**DONE, "done_on": ""}, "Give the day on which it was done."),
        ({**DONE, "done_on": TODAY + DAY}, "This day is yet to come"),
        ({"status": "skipped"}, "Say why it is skipped."),
        ({"status": "planned", "done_on": TODAY}, "Only one that is done has this"),
        ({"status": "skipped", "words": "No.", "done_on": TODAY}, "Only one that is done has this"),
    ],
)
def test_a_closed_one_without_day_or_words_is_refused(touch, send, changes, refusal):
    answer = send(touch, **changes)
    assert answer.status_code == 200
    assert refusal in answer.content.decode()
    touch.refresh_from_db()
    assert touch.status == "planned"


def test_who_closes_it_is_written_down_and_goes_when_it_is_open_again(cast, touch, send):
    assert send(touch, **DONE, done_by=cast.csm_a.csm.pk).status_code == 302
    touch.refresh_from_db()
    assert (touch.status, touch.done_on, touch.done_by) == ("done", TODAY, cast.csm_a.csm)
    assert (touch.closed_by, touch.closed_at is None) == (cast.ops, False)
    assert send(touch).status_code == 302
    touch.refresh_from_db()
    assert (touch.status, touch.done_on, touch.closed_by, touch.closed_at) == ("planned", None, None, None)


def test_where_it_stands_in_the_plan_is_not_for_people_to_change(touch, send):
    other = CustomerFactory()
    assert send(touch, customer=other.pk, activity="", slot_on="2020-01-01").status_code == 302
    before = (touch.customer, touch.activity, touch.slot_on)
    touch.refresh_from_db()
    assert (touch.customer, touch.activity, touch.slot_on) == before


def test_one_beside_the_plan_is_added_by_hand(cast, customer, send):
    assert send(None, customer=customer.pk, activity="", **DONE).status_code == 302
    added = Touch.objects.get()
    assert (added.slot_on, added.closed_by, added.words) == (None, cast.ops, "They renew.")


def seen_by(client, touch):
    return client.get(f"{LIST}{touch.pk}/change/").context["adminform"].form["seen"].value()


def test_what_people_did_meanwhile_is_not_written_over(cast, touch, send, sign_in):
    """The page was opened before: the touch was done, moved, or planned anew since."""
    from_before = seen_by(sign_in(cast.ops), touch)
    meanwhile = [
        {"status": "done", "done_on": TODAY, "closed_by": cast.csm_a, "words": "They renew."},
        {"due_on": TODAY + 9 * DAY},
        {"name": "Check-in"},
    ]
    for change in meanwhile:
        Touch.objects.filter(pk=touch.pk).update(**{"status": "planned", "done_on": None, **change})
        row = Touch.objects.values().get()
        answer = send(touch, seen=from_before)
        assert (answer.status_code, "while you were editing" in answer.content.decode()) == (200, True)
        assert Touch.objects.values().get() == row


def test_done_needs_no_words_as_on_the_pages(touch, send):
    assert send(touch, **{**DONE, "words": ""}).status_code == 302
    touch.refresh_from_db()
    assert (touch.status, touch.words) == ("done", "")


def test_who_says_otherwise_what_came_of_it_is_written_down(cast, touch, send):
    Touch.objects.filter(pk=touch.pk).update(
        status="done", done_on=TODAY, words="They stay.", closed_by=cast.csm_a, closed_at=None
    )
    touch.refresh_from_db()
    assert send(touch, **DONE).status_code == 302
    touch.refresh_from_db()
    assert (touch.words, touch.closed_by, touch.closed_at is None) == ("They renew.", cast.ops, False)
