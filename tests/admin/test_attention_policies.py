"""An attention policy is put in force from a page that shows what it changes; what is in force is not edited."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allocation.models import AttentionPolicy
from allocation.selectors.attention_preview import attention_preview
from tests.factories import TODAY, CSMFactory, CustomerFactory, TierFactory
from tests.pages.reading import plain, read

LIST = "/admin/allocation/attentionpolicy/"


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def books(cast: SimpleNamespace) -> SimpleNamespace:
    """Ada's 120 hours over voices of 60 and 40, Ben's over 100 and nothing; nobody has base hours. New: evenly."""
    cast.tier = TierFactory(slug="one", name="One", rank=1)
    for csm, voices in ((cast.csm_a.csm, (60, 40)), (cast.csm_b.csm, (100, 0))):
        for voice in voices:
            customer(cast, csm, f"{csm.name} {voice}", voice)
    cast.old = AttentionPolicy.objects.create(name="Voices", basis="advocacy", is_active=True)
    cast.new = AttentionPolicy.objects.create(name="Same for all", basis="even")
    return cast


def customer(cast, csm, name, voice):
    return CustomerFactory(
        external_id=name, name=name, tier=cast.tier, tier_since=TODAY, csm=csm, csm_since=TODAY,
        reputation=Decimal(voice), champion=False,
    )  # fmt: skip


def test_the_form_says_what_each_basis_does_and_saving_leads_on(books, sign_in):
    client = sign_in(books.ops)
    said = plain(read(client.get(f"{LIST}add/")).words)
    assert "Need: low health, sentiment and adoption and a near renewal pull hours." in said
    assert "Floor, % of an even share" in said and "Cap, % of the hours left" in said
    given = {"name": "Other", "basis": "need", "floor_pct": "5", "cap_pct": "50"}
    page = read(client.post(f"{LIST}add/", given, follow=True))
    pk = AttentionPolicy.objects.get(name="Other").pk
    assert "Other is not in force yet." in page.words
    assert f"{LIST}{pk}/preview/" in page.links()


def test_the_preview_says_what_moves_in_each_book_and_in_all(books):
    found = attention_preview(policy=books.new, as_of=TODAY)
    # Ada: 72 h and 48 h become 60 h each; Ben: 120 h and none become 60 h each.
    assert [(book.name, book.moved, book.gain, book.lose) for book in found.books] == [
        ("Ben Book", 3600, 1, 1), ("Ada Book", 720, 1, 1),
    ]  # fmt: skip
    assert (found.moved, found.gain, found.lose, found.customers) == (4320, 2, 2, 4)
    assert (found.books[0].gains, found.books[0].loses) == (("Ben Book 0", 3600), ("Ben Book 100", -3600))


def test_an_hour_more_or_less_is_not_counted_and_a_minute_beyond_it_is(books):
    AttentionPolicy.objects.filter(pk=books.old.pk).update(basis="even")
    for cap, counted in ((Decimal("50.83"), 0), (Decimal("50.85"), 1)):
        # The cap of 50.83 % of 7 200 minutes is 3 659, of 50.85 % is 3 661: 59 and 61 minutes above an even share.
        AttentionPolicy.objects.filter(pk=books.new.pk).update(basis="advocacy", cap_pct=cap)
        books.new.refresh_from_db()
        ada = next(
            book for book in attention_preview(policy=books.new, as_of=TODAY).books if book.name == "Ada Book"
        )
        assert (ada.gain, ada.lose) == (counted, counted)


def test_the_policy_is_put_in_force_from_the_page_that_shows_it(books, sign_in):
    client = sign_in(books.ops)
    path = f"{LIST}{books.new.pk}/preview/"
    form = read(client.get(f"{LIST}{books.new.pk}/change/"))
    assert path in form.links()
    page = read(client.get(path))
    said = plain(page.words)
    assert "Now Advocacy value." in said and "Then Even." in said
    assert "Hours moved 72:00" in said
    assert page.refused_by_policy() == []
    (seen,) = [field["value"] for field in page.of("input") if field.get("name") == "seen"]
    assert client.post(path).status_code == 405
    assert (
        client.post(f"{LIST}{books.new.pk}/activate/", {"seen": seen}).url == f"{LIST}{books.new.pk}/change/"
    )
    assert AttentionPolicy.objects.get(is_active=True) == books.new
    assert "This policy is in force already." in read(client.get(path)).words


def test_what_changed_since_it_was_shown_is_shown_again(books, sign_in):
    client = sign_in(books.ops)
    path = f"{LIST}{books.new.pk}/preview/"
    (seen,) = [field["value"] for field in read(client.get(path)).of("input") if field.get("name") == "seen"]
    AttentionPolicy.objects.filter(pk=books.new.pk).update(cap_pct=10)
    response = client.post(f"{LIST}{books.new.pk}/activate/", {"seen": seen}, follow=True)
    assert "The policies changed since this was shown" in read(response).words
    assert AttentionPolicy.objects.get(is_active=True) == books.old


def test_what_is_in_force_is_not_edited_and_a_resting_one_is(books, sign_in):
    client = sign_in(books.ops)
    sent = {"name": "Other", "basis": "need", "floor_pct": "5", "cap_pct": "50"}
    for policy in (books.old, books.new):
        client.post(f"{LIST}{policy.pk}/change/", sent | {"name": f"{policy.name} now"})
        policy.refresh_from_db()
    assert (books.old.name, books.old.basis, books.old.cap_pct) == ("Voices now", "advocacy", 100)
    assert (books.new.name, books.new.basis, books.new.cap_pct) == ("Same for all now", "need", 50)


def test_the_form_says_of_what_a_number_is_and_what_each_basis_does_and_saving_leads_on(books, sign_in):
    client = sign_in(books.ops)
    for pk in (books.new.pk, books.old.pk):  # a resting one and the one in force
        words = read(client.get(f"{LIST}{pk}/change/")).words
        assert "Floor, % of an even share" in words and "Cap, % of the hours left" in words
        assert "Even: everybody gets the same." in words
    sent = {"name": "Other", "basis": "need", "floor_pct": "5", "cap_pct": "50"}
    saved = read(client.post(f"{LIST}add/", sent, follow=True))
    made = AttentionPolicy.objects.get(name="Other")
    assert "It is not in force yet." in saved.words
    assert f"{LIST}{made.pk}/preview/" in saved.links()
    saved = read(client.post(f"{LIST}{books.old.pk}/change/", {"name": "Voices now"}, follow=True))
    assert "It is not in force yet." not in saved.words


@pytest.mark.parametrize("who", ["manager", "csm_a", "nobody"])
def test_others_see_no_preview(books, sign_in, who):
    assert sign_in(getattr(books, who)).get(f"{LIST}{books.new.pk}/preview/", follow=True).status_code == 403


def test_of_a_policy_that_is_not_there_there_is_no_preview(books, sign_in):
    assert sign_in(books.ops).get(f"{LIST}987654/preview/").status_code == 404


def test_without_any_book_there_is_nothing_to_change(cast, sign_in):
    policy = AttentionPolicy.objects.create(name="First")
    said = read(sign_in(cast.ops).get(f"{LIST}{policy.pk}/preview/")).words
    assert "No book has customers" in said


def test_it_asks_equally_often_at_any_size(books):
    def asked() -> int:
        with CaptureQueriesContext(connection) as said:
            attention_preview(policy=books.new, as_of=TODAY)
        return len(said)

    before = asked()
    for n in range(10):
        csm = CSMFactory()
        for voice in range(3):
            customer(books, csm, f"{n}-{voice}", voice)
    assert asked() == before <= 10
