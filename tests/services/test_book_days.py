"""The figures of the books are kept once a day, from the same rows as the balance page, and a trend needs no more."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ExchangeRate, Leave
from allocation.models import BookDay, Work
from allocation.selectors.balance import workload
from allocation.services import book_days
from allocation.services.book_days import keep_book_days, month_ends_before
from allocation.services.decisions import CsmChange, DecisionSource, TierChange, set_csms, set_tiers
from allocation.services.timetable import UnableToCarryOut
from allocation.snapshots.money import UnknownRate
from allocation.tasks.timetable import DOORS
from tests.factories import NOW, TODAY, CSMFactory, CustomerFactory, TierFactory, TouchActivityFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BEGIN = date(2026, 9, 10)


@pytest.fixture
def books(cast):
    """Ada has two customers of 2 h a month (24 times an hour a year) since 10 September, Ben has none."""
    cast.tier = TierFactory(slug="one", rank=1)
    TouchActivityFactory(tier=cast.tier, times_a_year=Decimal(24), hours_each=Decimal(1))
    cast.ada, cast.ben = cast.csm_a.csm, cast.csm_b.csm
    cast.customers = [customer(cast, n) for n in range(2)]
    return cast


def customer(cast, number, **more):
    made = CustomerFactory(external_id=f"C-{number}", arr=Decimal("100.50"), tier=None, **more)
    given = {"on": BEGIN, "decision": DecisionSource(kind="manual")}
    set_tiers(changes=[TierChange(made.pk, None, cast.tier.pk)], **given)
    set_csms(changes=[CsmChange(made.pk, None, cast.ada.pk)], **given)
    return made


def rows():
    return list(BookDay.objects.order_by("on", "csm").values())


def on_day(day):
    return {one.csm_id: one for one in BookDay.objects.filter(on=day).select_related("csm")}


def test_a_day_has_a_line_a_book_with_the_figures_of_the_balance(books):
    kept = keep_book_days(on=TODAY)
    assert kept.books == 2
    found = workload(as_of=TODAY)
    lines = on_day(TODAY)
    for row in found.rows:
        line = lines[found.csm_ids[row.csm]]
        figures = (
            line.customers,
            line.by_tier,
            line.minutes,
            line.capacity_minutes,
            line.arr_cents,
            line.covered,
        )
        assert figures == (
            row.customers, dict(row.by_tier), row.minutes, row.capacity_minutes, row.arr_cents, row.covered,
        )  # fmt: skip
    assert lines[books.ada.pk].minutes == 240
    assert lines[books.ada.pk].arr_cents == 20_100


def test_writing_a_day_again_changes_the_line_and_adds_none(books):
    keep_book_days(on=TODAY)
    before = rows()
    assert keep_book_days(on=TODAY).worked_out == ()
    assert rows() == before
    customer(books, 9)
    keep_book_days(on=TODAY)
    assert len(rows()) == len(before)
    assert on_day(TODAY)[books.ada.pk].customers == 3


def test_a_book_that_is_gone_in_the_evening_does_not_stay_beside_the_others(books):
    keep_book_days(on=TODAY)
    books.ben.leaves_on = TODAY
    books.ben.save()
    keep_book_days(on=TODAY)
    assert set(on_day(TODAY)) == {books.ada.pk}


def test_the_first_time_adds_the_month_ends_the_ledgers_know_of(books):
    kept = keep_book_days(on=TODAY)
    assert kept.worked_out == (date(2026, 9, 30), date(2026, 10, 31))
    assert on_day(date(2026, 9, 30))[books.ada.pk].customers == 2
    assert not BookDay.objects.filter(on__lt=BEGIN).exists()


def test_a_month_end_of_the_past_counts_who_had_whom_then(books):
    """One customer came to Ben in November: in October it was Ada's."""
    (one, _) = books.customers
    given = {"on": date(2026, 11, 5), "decision": DecisionSource(kind="manual")}
    set_csms(changes=[CsmChange(one.pk, books.ada.pk, books.ben.pk)], **given)
    keep_book_days(on=TODAY)
    assert [on_day(date(2026, 10, 31))[csm.pk].customers for csm in (books.ada, books.ben)] == [2, 0]
    assert [on_day(TODAY)[csm.pk].customers for csm in (books.ada, books.ben)] == [1, 1]


def test_what_was_kept_on_its_own_day_is_not_worked_out_again(books):
    end = date(2026, 10, 31)
    keep_book_days(on=end)
    BookDay.objects.filter(on=end).update(customers=77)
    assert keep_book_days(on=TODAY).worked_out == ()
    assert {line.customers for line in on_day(end).values()} == {77}


def test_no_more_than_twelve_month_ends_are_added():
    ends = month_ends_before(on=date(2026, 3, 31))
    assert (ends[0], ends[-1], len(ends)) == (date(2026, 2, 28), date(2025, 3, 31), 12)
    assert month_ends_before(on=date(2024, 3, 1))[0] == date(2024, 2, 29)


def test_hours_of_who_is_covered_count_with_the_cover(books):
    Leave.objects.create(csm=books.ada, covered_by=books.ben, starts_on=TODAY, ends_before=TODAY + DAY)
    keep_book_days(on=TODAY)
    lines = on_day(TODAY)
    assert [(lines[csm.pk].minutes, lines[csm.pk].covered) for csm in (books.ada, books.ben)] == [
        (0, True),
        (240, False),
    ]


def test_old_days_go_but_for_the_last_of_each_month(books):
    """Older than 400 days: 17 Oct 2025 and before. The 401st day goes, the 400th stays."""
    limit = TODAY - book_days.KEEP_EVERY_DAY
    old = [date(2025, 8, 30), date(2025, 8, 31), date(2025, 9, 14), date(2025, 9, 28), limit - 2 * DAY]
    for day in [*old, limit - DAY, limit]:
        BookDay.objects.create(on=day, csm=books.ada, customers=1, minutes=1, capacity_minutes=1, arr_cents=1)
    assert keep_book_days(on=TODAY).forgotten == 3
    left = set(BookDay.objects.filter(on__lte=limit).values_list("on", flat=True))
    assert left == {date(2025, 8, 31), date(2025, 9, 28), limit - DAY, limit}
    assert keep_book_days(on=TODAY).forgotten == 0


def test_a_missing_rate_writes_nothing_and_the_timetable_says_which(books):
    customer(books, 5, currency="SEK")
    assert not ExchangeRate.objects.exists()
    with pytest.raises(UnknownRate, match="SEK"):
        keep_book_days(on=TODAY)
    assert rows() == []
    with pytest.raises(UnableToCarryOut, match="SEK"):
        DOORS[Work.BOOK_DAYS].do(TODAY, NOW)


def test_the_line_of_the_timetable_says_what_was_kept(books):
    said = DOORS[Work.BOOK_DAYS].do(TODAY, NOW).words
    assert said == "The figures of 2 books were kept. 2 month ends of the past came from the ledgers."
    assert DOORS[Work.BOOK_DAYS].do(TODAY, NOW).words == "The figures of 2 books were kept."


def test_a_day_takes_as_many_statements_with_many_books_as_with_few(books):
    def statements():
        keep_book_days(on=TODAY)
        with CaptureQueriesContext(connection) as found:
            keep_book_days(on=TODAY)
        return len(found)

    few = statements()
    CSMFactory.create_batch(6)
    for number in range(20, 30):
        customer(books, number)
    assert statements() == few
