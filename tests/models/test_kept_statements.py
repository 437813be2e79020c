"""A statement that is compiled once says what the ORM says, whatever the values, and refuses what it could get wrong."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.test.utils import CaptureQueriesContext

from accounts.kept_statements import DerivedValue, Kept, KeptChange, _with_words, padded
from accounts.models import Customer, Leave
from allocation.models import Override, TieringModel, Touch
from allocation.selectors.book_facts import _CUSTOMERS, _GOALS, _TOUCHES
from allocation.selectors.book_ground import _KEPT
from allocation.snapshots.money import days_of_rates
from tests.factories import TODAY, CSMFactory, CustomerFactory, GoalFactory, GoalKindFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def theirs(*, csm_ids, on):
    asked = Override.objects.filter(customer=OuterRef("pk")).in_force(on)
    return (
        Customer.objects.filter(Q(csm__in=csm_ids) | Q(renewal_date__lt=on))
        .annotate(marked=Exists(asked))
        .order_by("pk")
        .values_list("pk", "name", "arr", "renewal_date", "health", "marked")
    )


def test_it_gives_what_the_query_gives_for_every_value_and_number_of_ids():
    csms = [CSMFactory() for _ in range(3)]
    for number in range(12):
        CustomerFactory(
            csm=csms[number % 3], csm_since=TODAY, arr=None if number == 4 else f"{number}.25",
            health=number * 7, renewal_date=TODAY + (number - 6) * 30 * DAY,
        )  # fmt: skip
    kept = Kept(theirs)
    for ids in ((csms[0].pk,), (csms[2].pk,), (csms[0].pk, csms[1].pk), (csms[1].pk, csms[1].pk), (0,), ()):
        for on in (TODAY, TODAY + 90 * DAY, TODAY - 400 * DAY):
            found, said = kept.rows(csm_ids=ids, on=on), list(theirs(csm_ids=ids, on=on)) if ids else None
            if ids:
                assert found == said
                assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in said]


def test_every_call_asks_the_database_and_sees_what_has_changed():
    csm = CSMFactory()
    kept = Kept(theirs)
    assert kept.rows(csm_ids=(csm.pk,), on=TODAY) == []
    one = CustomerFactory(csm=csm, csm_since=TODAY)
    with CaptureQueriesContext(connection) as asked:
        assert [row[0] for row in kept.rows(csm_ids=(csm.pk,), on=TODAY)] == [one.pk]
    assert len(asked) == 1


@pytest.mark.parametrize(
    "build",
    [
        lambda *, on: Customer.objects.filter(renewal_date__lt=on + DAY).values_list("pk"),
        lambda *, on: Customer.objects.filter(renewal_date__month=on.month).values_list("pk"),
        lambda *, on: Customer.objects.values_list("pk"),
    ],
    ids=["a later day", "its month", "not at all"],
)
def test_a_value_that_is_worked_on_is_refused(build):
    with pytest.raises(DerivedValue):
        Kept(build).rows(on=TODAY)


def test_the_statements_of_a_book_are_those_of_the_orm():
    """Independent of what is kept: each is made anew for the values, and compared row by row."""
    chance = Random(7)
    csms = [CSMFactory() for _ in range(3)]
    kind = GoalKindFactory()
    for _ in range(25):
        customer = CustomerFactory(
            csm=chance.choice(csms), csm_since=TODAY, arr=chance.choice([None, "12.50"]),
            status=chance.choice(["active", "active", "left"]), renewal_date=TODAY + chance.randint(-20, 200) * DAY,
        )  # fmt: skip
        if chance.random() < 0.4:
            GoalFactory(customer=customer, kind=kind)
        for _ in range(chance.randint(0, 4)):
            closed = {"status": "done", "done_on": TODAY - chance.randint(0, 60) * DAY}
            Touch.objects.create(
                customer=customer, name="Call", due_on=TODAY + chance.randint(-30, 200) * DAY, hours="0.75",
                **chance.choice([{}, closed]),
            )  # fmt: skip
    Leave.objects.create(csm=csms[0], covered_by=csms[1], starts_on=TODAY, ends_before=TODAY + 9 * DAY)
    for ids in [(csm.pk,) for csm in csms] + [(csms[0].pk, csms[2].pk)]:
        given = {"csm_ids": ids, "on": TODAY}
        spans = {"first": TODAY.replace(day=1), "week": TODAY + 7 * DAY, "until": TODAY + 90 * DAY}
        assert _CUSTOMERS.rows(**given) == list(_CUSTOMERS._build(**given))
        assert _GOALS.rows(**given) == list(_GOALS._build(**given))
        assert _TOUCHES.rows(**given, **spans) == list(_TOUCHES._build(**given, **spans))
    for viewer in (None, 1):
        given = {"csm": csms[0].pk, "on": TODAY, "until": TODAY + 30 * DAY, "base": "EUR", "viewer": viewer}
        given |= days_of_rates(TODAY)
        found = _KEPT.rows(**given)
        assert found == list(_KEPT._build(**given))
        assert found


@pytest.mark.parametrize(
    ("constants", "sql", "left"),
    [
        (["planned", None], "a = 'planned' AND b LIKE '%%s' AND c = %s", [1]),
        (
            ["", 1],
            "a = '' AND b LIKE '%%s' AND c = %s",
            [1],
        ),  # a number could be read as the number of a column
        (["it's", "50 %"], "a = %s AND b LIKE '%%s' AND c = %s", [0, 1]),
        ([Customer.Status.LEFT, None], "a = 'left' AND b LIKE '%%s' AND c = %s", [1]),
    ],
)
def test_constant_words_are_written_into_the_statement_and_nothing_else_is(constants, sql, left):
    assert _with_words("a = %s AND b LIKE '%%s' AND c = %s", constants) == (sql, left)


def drafts(*, numbers, **columns):
    return TieringModel.objects.filter(number__in=numbers), columns


MOMENT = datetime(2026, 11, 27, 9, tzinfo=UTC)
CHANGES = [
    {"name": "Other", "published_at": MOMENT, "definition": {"said": 'a "word"', "some": [1, None]}},
    {"name": "", "published_at": None, "definition": {}},
    {"name": "%s", "published_at": MOMENT + DAY, "definition": {"kept": 0}},
]


def test_a_change_writes_what_the_orm_writes_for_every_value_and_says_how_many_rows_there_were():
    kept = KeptChange(drafts)
    for number in range(1, 9):
        TieringModel.objects.create(number=number, name="Draft")
    for columns in CHANGES:
        for ids in ((1,), (2, 3), (4, 5, 99), (77,)):
            assert kept.run(numbers=ids, **columns) == TieringModel.objects.filter(number__in=ids).count()
            found = TieringModel.objects.filter(number__in=ids).values(*columns)
            assert list(found) == [columns] * len(found)
    assert set(TieringModel.objects.filter(number__gt=5).values_list("name", flat=True)) == {"Draft"}
    assert None not in kept._made.values(), "all of them were kept"


def test_a_change_is_compiled_once_for_values_of_one_shape():
    asked = []

    def build(**values):
        asked.append(values)
        return drafts(**values)

    kept = KeptChange(build)
    for ids in ((1, 2), (3, 4), (5, 6)):
        kept.run(numbers=ids, name=f"Draft {ids[0]}")
    assert len(asked) == 2, "with two sets of marks"


def test_what_cannot_be_kept_is_made_by_the_orm_each_time():
    one = CustomerFactory(arr="1.00", csm=CSMFactory(), csm_since=TODAY)
    kept = KeptChange(lambda *, pk, arr: (Customer.objects.filter(pk=pk), {"arr": arr}))
    for arr in (Decimal("12.50"), 7, None, Decimal("0.01")):
        assert kept.run(pk=one.pk, arr=arr) == 1
        one.refresh_from_db()
        assert one.arr == arr
    later = KeptChange(lambda *, pk, on: (Customer.objects.filter(pk=pk), {"renewal_date": on + DAY}))
    for on in (TODAY, TODAY + DAY):
        later.run(pk=one.pk, on=on)
        one.refresh_from_db()
        assert one.renewal_date == on + DAY


@pytest.mark.parametrize(("count", "length"), [(0, 0), (1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (500, 512)])
def test_lists_of_ids_have_a_dozen_lengths_and_the_same_ids(count, length):
    ids = list(range(count))
    found = padded(ids)
    assert len(found) == length
    assert list(found[:count]) == ids
    assert set(found) == set(ids)


def test_many_ids_find_the_rows_of_all_of_them_and_of_no_other():
    rows = [CustomerFactory() for _ in range(9)]
    kept = Kept(
        lambda *, ids, on: (
            Customer.objects.filter(pk__in=ids).exclude(renewal_date=on).order_by("pk").values_list("pk")
        )
    )
    for count in range(1, 10):
        ids = tuple(row.pk for row in rows[:count])
        assert kept.rows(ids=padded(ids), on=TODAY + 9999 * DAY) == [(pk,) for pk in ids]


def test_what_was_given_out_is_the_callers_own():
    draft = TieringModel.objects.create(number=1, name="Draft", definition={"said": 1})
    kept = Kept(lambda *, number: TieringModel.objects.filter(number=number).values_list("definition"))
    for _ in range(2):
        ((found,),) = kept.rows(number=draft.number)
        assert found == {"said": 1}
        found["said"] = 2


def test_a_list_is_no_word_of_its_length_and_a_change_of_nobody_changes_nothing():
    kept = KeptChange(drafts)
    TieringModel.objects.create(number=1, name="Draft")
    assert kept.run(numbers=(), name="Other") == 0
    assert kept.run(numbers=(1,), name="Other") == 1
    either = Kept(
        lambda *, which: TieringModel.objects.filter(
            Q(number__in=which) if isinstance(which, tuple) else Q(number=which)
        ).values_list("pk")
    )
    assert len(either.rows(which=1)) == 1
    assert either.rows(which=(1, 2)) == either.rows(which=1)
