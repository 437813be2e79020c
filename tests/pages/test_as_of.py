"""Pages as of a past day: the ledgers of that day, the customers that the person may see today, and nothing to do."""

import datetime

import pytest

from accounts.models import Customer, ExchangeRate, User
from allocation.models import Source
from allocation.services.decisions import (
    CsmChange,
    DecisionSource,
    TierChange,
    note_departures,
    set_csms,
    set_tiers,
)
from allocation.services.overrides import approve_override, request_override
from tests.factories import CSMFactory, CustomerFactory, GoalFactory, TierFactory
from tests.pages.reading import plain, read
from tests.queries.counting import queries_of

TODAY = datetime.date(2026, 11, 22)
DAY = datetime.timedelta(days=1)
NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
CANARY = "Zyx Canary"


@pytest.fixture(autouse=True)
def _that_day(monkeypatch):
    monkeypatch.setattr(
        "django.utils.timezone.localdate", lambda *args, **kwargs: args[0].date() if args else TODAY
    )


@pytest.fixture
def world(cast):
    """Until yesterday `moved` was in Ada's book and gold; since then it is in Ben's and bronze."""
    cast.gold, cast.bronze = TierFactory(slug="gold", rank=1), TierFactory(slug="bronze", rank=2)
    cast.moved, cast.stays = CustomerFactory(name=CANARY), CustomerFactory(name="Steady")
    by_hand = DecisionSource(Source.MANUAL, actor_id=cast.ops.pk, words="As agreed")
    ada, ben, long_ago = cast.csm_a.csm, cast.csm_b.csm, TODAY - 100 * DAY
    for one in (cast.moved, cast.stays):
        set_tiers(changes=[TierChange(one.pk, None, cast.gold.pk)], on=long_ago, decision=by_hand)
        set_csms(changes=[CsmChange(one.pk, None, ada.pk)], on=long_ago, decision=by_hand)
    set_tiers(
        changes=[TierChange(cast.moved.pk, cast.gold.pk, cast.bronze.pk)],
        on=TODAY - 10 * DAY,
        decision=by_hand,
    )
    set_csms(changes=[CsmChange(cast.moved.pk, ada.pk, ben.pk)], on=TODAY - 10 * DAY, decision=by_hand)
    return cast


def page(client, path, day, status=200, **more):
    response = client.get(path, {"as_of": f"{day}", **more})
    assert response.status_code == status
    return response


def words(response):
    return plain(read(response).words)


def book_of(user):
    return f"/books/{user.csm.pk}/"


BEFORE, SINCE = TODAY - 11 * DAY, TODAY - 10 * DAY


def test_the_customer_page_tells_tier_and_csm_of_the_day(world, sign_in):
    client = sign_in(world.ops)
    path = f"/customers/{world.moved.pk}/"
    before, since = words(page(client, path, BEFORE)), words(page(client, path, SINCE))
    assert "As it stood on 11 Nov 2026." in before
    assert "Gold since 14 Aug 2026 By hand, Olga Ops: As agreed" in before
    assert "Ada Book since 14 Aug 2026" in before
    assert "Ben Book" not in before
    assert "Bronze since 12 Nov 2026" in since
    assert "Ben Book since 12 Nov 2026" in since


def test_a_day_before_everything_says_so(world, sign_in):
    said = words(page(sign_in(world.ops), f"/customers/{world.moved.pk}/", "1999-12-31"))
    assert "No tier that the ledger knows of" in said
    assert "The ledgers begin later than this day." in said


@pytest.mark.parametrize(
    "path", ["/balance/", "/books/", "/book/", "/books/{csm}/", "/customers/{customer}/"]
)
@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("2026-02-30", "This is no day of the calendar"),
        ("yesterday", "This is no day of the calendar"),
        ("0000-00-00", "This is no day of the calendar"),
        ("٢٠٢٦-٠١-٠١", "This is no day of the calendar"),
        ("2026-11-23", "23 Nov 2026 is still to come"),
        ("9999-12-31", "31 Dec 9999 is still to come"),
    ],
)
def test_a_day_that_cannot_be_shown_is_answered_with_today_and_a_sentence(
    world, sign_in, path, asked, sentence
):
    both = world.csm_a
    both.groups.add(*world.manager.groups.all())
    world.team_a.manager = both
    world.team_a.save()
    client = sign_in(User.objects.get(pk=both.pk))
    said = words(page(client, path.format(csm=both.csm.pk, customer=world.stays.pk), asked))
    assert sentence in said
    assert "As it stood" not in said


@pytest.mark.parametrize("path", ["/balance/", "/books/"])
@pytest.mark.parametrize("asked", ["", "2026-11-22", "  "])
def test_today_is_today(world, sign_in, path, asked):
    said = words(page(sign_in(world.ops), path, asked))
    assert "As it stood" not in said


@pytest.mark.parametrize("asked", ["0001-01-01", "1970-01-01", "2026-11-21"])
def test_any_past_day_opens(world, sign_in, asked):
    client = sign_in(world.ops)
    for path in ("/balance/", "/books/", book_of(world.csm_a), f"/customers/{world.moved.pk}/"):
        said = words(page(client, path, asked))
        assert "are today's." in said
        assert "Show today" in said


def test_a_book_as_of_a_day_has_who_was_in_it(world, sign_in):
    client = sign_in(world.ops)
    rows = page(client, book_of(world.csm_a), BEFORE).context["rows"]
    assert [(row.name, row.tier) for row in rows] == [("Steady", world.gold), (CANARY, world.gold)]
    assert [row.name for row in page(client, book_of(world.csm_a), SINCE).context["rows"]] == ["Steady"]
    assert [(row.name, row.tier) for row in page(client, book_of(world.csm_b), SINCE).context["rows"]] == [
        (CANARY, world.bronze)
    ]


def test_a_csm_sees_of_a_past_book_who_is_in_the_own_book_today(world, sign_in):
    """Nothing of the others: neither a name nor how many they were."""
    response = page(sign_in(world.csm_a), "/book/", BEFORE)
    assert [row.name for row in response.context["rows"]] == ["Steady"]
    assert CANARY not in response.content.decode()
    assert "left out" not in words(response)
    assert response.context["kpis"][0].value == "1"


def test_a_manager_is_told_how_many_are_left_out_but_not_who(world, sign_in):
    response = page(sign_in(world.manager), book_of(world.csm_a), BEFORE)
    assert CANARY not in response.content.decode()
    assert "1 customer of this book on that day, now with others, are left out" in words(response)


def test_ops_miss_nobody(world, sign_in):
    assert "left out" not in words(page(sign_in(world.ops), book_of(world.csm_a), BEFORE))


@pytest.mark.parametrize(("who", "status"), [("csm_a", 404), ("nobody", 403), ("manager", 404)])
def test_a_past_day_opens_no_door_to_a_customer_of_others(world, sign_in, who, status):
    """It was in the own book then; what counts is who may see it today."""
    page(sign_in(getattr(world, who)), f"/customers/{world.moved.pk}/", BEFORE, status)


@pytest.mark.parametrize(("who", "status"), [("csm_a", 404), ("manager", 404), ("nobody", 403)])
def test_a_past_day_opens_no_door_to_a_book_of_others(world, sign_in, who, status):
    page(sign_in(getattr(world, who)), book_of(world.csm_b), BEFORE, status)


def test_the_balance_counts_by_the_ledgers_of_the_day(world, sign_in):
    client = sign_in(world.ops)

    def counts(day):
        rows = page(client, "/balance/", day, by="csms").context["rows"]
        return {
            row.line.name: (row.line.customers, {cell.tier: cell.number for cell in row.line.by_tier})
            for row in rows
        }

    assert counts(BEFORE) == {"Ada Book": ("2", {"Gold": "2"}), "Ben Book": ("0", {"Gold": "0"})}
    assert counts(SINCE) == {
        "Ada Book": ("1", {"Gold": "1", "Bronze": "0"}),
        "Ben Book": ("1", {"Gold": "0", "Bronze": "1"}),
    }


def test_who_left_since_is_counted_until_then(world, sign_in):
    Customer.objects.filter(pk=world.stays.pk).update(status="left")
    note_departures(customer_ids=[world.stays.pk], on=TODAY - 5 * DAY, decision=DecisionSource(Source.MANUAL))
    client = sign_in(world.ops)
    names = [
        {row.name for row in page(client, book_of(world.csm_a), day).context["rows"]}
        for day in (TODAY - 6 * DAY, TODAY - 5 * DAY)
    ]
    assert names == [{"Steady"}, set()]
    assert "Had left" in words(page(client, f"/customers/{world.stays.pk}/", TODAY - 5 * DAY))
    assert "Had left" not in words(page(client, f"/customers/{world.stays.pk}/", TODAY - 6 * DAY))


def sent_by(response):
    """Addresses of the forms that change something; signing out is always there."""
    forms = [form for form in read(response).of("form") if form.get("method") == "post"]
    return {form["action"] for form in forms} - {"/sign-out/"}


def test_nothing_can_be_done_in_the_past(world, sign_in):
    client = sign_in(world.ops)
    GoalFactory(customer=world.stays, starts_on=TODAY - 50 * DAY)
    path = f"/customers/{world.stays.pk}/"
    assert sent_by(client.get(path))
    assert sent_by(page(client, path, BEFORE)) == set()
    book = page(client, book_of(world.csm_a), BEFORE)
    assert sent_by(book) == set()
    assert [form for form in read(book).of("form") if form.get("class") == "filter-bar"] == []


def test_the_override_of_the_day_and_who_decided_it(world, sign_in):
    started = TODAY - 20 * DAY
    noon = datetime.datetime.combine(started, datetime.time(12), tzinfo=datetime.UTC)
    asked = request_override(
        customer_id=world.stays.pk, tier_id=world.bronze.pk, reason_kind="risk", words="They may go",
        starts_on=started, expires_on=TODAY + 30 * DAY, actor=world.csm_a, on=started, at=noon,
    )  # fmt: skip
    approve_override(override_id=asked.pk, actor=world.manager, words="Yes", on=started, at=noon)
    client = sign_in(world.ops)
    path = f"/customers/{world.stays.pk}/"
    then, before = words(page(client, path, started)), words(page(client, path, started - DAY))
    assert "Asked for by Ada Book, approved by Mia Manager." in then
    assert f"Override {asked.pk}, Mia Manager (asked for by Ada Book, approved by Mia Manager)" in then
    assert "No override was in force on that day." in before
    today = client.get(path)
    assert f"/approvals/overrides/{asked.pk}/" in read(today).links()
    assert f"Override {asked.pk}, Mia Manager (asked for by Ada Book" in words(today)


def test_links_keep_the_day(world, sign_in):
    client = sign_in(world.ops)
    links = read(page(client, "/books/", BEFORE)).links()
    assert f"{book_of(world.csm_a)}?as_of={BEFORE}" in links
    links = read(page(client, book_of(world.csm_a), BEFORE)).links()
    assert f"/customers/{world.moved.pk}/?as_of={BEFORE}" in links


def test_pages_of_the_past_ask_equally_often_at_any_size(world, sign_in):
    client = sign_in(world.ops)
    path = f"{book_of(world.csm_a)}?as_of={BEFORE}"
    client.get(path)
    few = len(queries_of(lambda: client.get(path)))
    for _ in range(20):
        one = CustomerFactory()
        decision = DecisionSource(Source.MANUAL)
        set_tiers(changes=[TierChange(one.pk, None, world.gold.pk)], on=BEFORE - DAY, decision=decision)
        set_csms(changes=[CsmChange(one.pk, None, world.csm_a.csm.pk)], on=BEFORE - DAY, decision=decision)
    CSMFactory.create_batch(5)
    assert len(queries_of(lambda: client.get(path))) == few


def test_a_past_balance_needs_no_rate_of_that_day(world, sign_in):
    """Amounts are today's, and so are the rates they are compared by."""
    ExchangeRate.objects.create(currency="EUR", day=TODAY, rate="0.5", base="USD")
    Customer.objects.filter(pk=world.stays.pk).update(currency="EUR", arr=100)
    said = words(page(sign_in(world.ops), "/balance/", BEFORE, by="csms"))
    assert "Ada Book" in said
    assert "no exchange rate" not in said
