"""Rows that are written column by column are those that the ORM would write, whatever stands in them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.bulk_rows import insert_long_rows, insert_rows
from accounts.models import ExchangeRate
from allocation.models import RetierRun, RowStatus, RunChunk, TieringModel
from tests.factories import cast

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, 30, 1, 250, tzinfo=UTC)
# What an array, a row or a statement could take for its own.
TEXTS = [
    '"',
    "\\",
    '\\"',
    "a,b",
    "{x}",
    "NULL",
    "null",
    "",
    " ",
    "'",
    "%s",
    "%",
    "é ✓",
    "two\nlines",
    "\t",
    "$1",
    "()",
]


def test_texts_numbers_days_moments_and_json_are_as_the_orm_stores_them() -> None:
    ops = cast().ops
    definitions = [{"said": text, "some": [1, None, True, 0.5]} for text in TEXTS]
    moments = [None if number % 2 else NOON for number in range(len(TEXTS))]
    numbers = list(range(1, 2 * len(TEXTS) + 1))
    first, second = numbers[: len(TEXTS)], numbers[len(TEXTS) :]
    columns = {"number": first, "name": TEXTS, "definition": definitions, "published_at": moments}
    insert_rows(TieringModel, columns, alike={"created_at": NOON, "created_by_id": ops.pk})
    TieringModel.objects.bulk_create(
        TieringModel(number=number, name=name, definition=said, published_at=at, created_by=ops)
        for number, name, said, at in zip(second, TEXTS, definitions, moments, strict=True)
    )
    TieringModel.objects.filter(number__in=second).update(created_at=NOON)
    names = [
        field.attname for field in TieringModel._meta.concrete_fields if field.name not in ("id", "number")
    ]
    rows = list(TieringModel.objects.order_by("number").values_list(*names))
    assert rows[: len(TEXTS)] == rows[len(TEXTS) :]
    assert [row[names.index("name")] for row in rows[: len(TEXTS)]] == TEXTS


def test_a_row_that_is_there_is_written_over_and_only_where_that_is_wanted() -> None:
    insert_rows(TieringModel, {"number": [1], "name": ["Old"]}, alike={"created_at": NOON})
    again = {"number": [1, 2], "name": ["New", "Other"]}
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(TieringModel, again, alike={"created_at": NOON})
    insert_rows(TieringModel, again, alike={"created_at": NOON}, over="number")
    assert list(TieringModel.objects.order_by("number").values_list("number", "name")) == [
        (1, "New"),
        (2, "Other"),
    ]


def test_many_rows_are_one_statement_and_no_rows_are_none() -> None:
    with CaptureQueriesContext(connection) as asked:
        insert_rows(ExchangeRate, {"currency": [], "day": []})
        days = [date.fromordinal(739_000 + number) for number in range(2_000)]
        rates = [Decimal(number + 1) / 1000 for number in range(2_000)]
        insert_rows(ExchangeRate, {"day": days, "rate": rates}, alike={"currency": "USD", "base": "EUR"})
    assert sum("INSERT" in one["sql"] for one in asked) == 1
    assert list(ExchangeRate.objects.order_by("day").values_list("day", "rate")) == list(
        zip(days, rates, strict=True)
    )


def test_what_the_database_refuses_is_refused() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(TieringModel, {"number": [1, 1], "name": ["One", "Two"]}, alike={"created_at": NOON})
    assert not TieringModel.objects.exists()


def test_no_json_is_none_of_it_and_not_a_null_in_json() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(TieringModel, {"number": [1], "name": ["Draft"], "definition": [None]})


def test_columns_of_different_lengths_are_refused_on_either_database() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        insert_rows(TieringModel, {"number": [1, 2], "name": ["Draft"]})


def test_long_rows_are_as_the_orm_stores_them() -> None:
    model = TieringModel.objects.create(number=1, name="One", created_at=NOON)
    by_us, by_it = (
        RetierRun.objects.create(scope=scope, as_of=NOON.date(), tiering_model=model, queued_at=NOON)
        for scope in ("full", "goals")
    )

    def chunks(run: RetierRun) -> list[RunChunk]:
        stored = {"facts": bytes(range(256)) * 9, "outcomes": b"", "status": RowStatus.APPLIED}
        spans = ((1, 5, None, None), (6, 2**40, b"%s\\'", run.pk))
        return [
            RunChunk(
                run=run,
                first_customer_id=first,
                last_customer_id=last,
                customers=7,
                left_out=left,
                turn=turn,
                **stored,
            )
            for first, last, left, turn in spans
        ]

    insert_long_rows(RunChunk, chunks(by_us))
    RunChunk.objects.bulk_create(chunks(by_it))
    names = [
        field.attname for field in RunChunk._meta.concrete_fields if field.name not in ("id", "run", "turn")
    ]
    ours, its = (
        [
            [bytes(value) if isinstance(value, memoryview) else value for value in row]
            for row in run.chunks.order_by("first_customer_id").values_list(*names)
        ]
        for run in (by_us, by_it)
    )
    assert ours == its
    assert list(by_us.chunks.order_by("pk").values_list("turn", flat=True)) == [None, by_us.pk]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_long_rows(RunChunk, chunks(by_us))
    insert_long_rows(RunChunk, [])
