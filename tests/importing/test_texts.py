"""The texts that the database makes of customers: they say what the ORM says, and a file that says the same makes the same."""

import json
import zlib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Customer, Goal, ImportChunk, Language, Region, Tier, Vertical
from allocation.services import importing
from allocation.services.importing import storing
from allocation.services.importing.columns import Column
from allocation.services.importing.customer_texts import PATHS, Texts
from allocation.services.importing.rows import plain
from allocation.services.importing.slices import Slice
from tests.factories import TODAY, CSMFactory, CustomerFactory, GoalKindFactory
from tests.importing.readers import CUSTOMER_COLUMNS
from tests.importing.test_applying import confirmed, numbered, staged

pytestmark = pytest.mark.django_db
COLUMNS = [column for column in CUSTOMER_COLUMNS if column != "external_id"]
HARD = 'Öl "und" \\ Gas \t\x07 Ltd'


def company() -> list[Customer]:
    """A full customer, an empty one, and one with all that is hard to write."""
    vertical, region = Vertical.objects.create(name=HARD), Region.objects.create(name="North")
    language = Language.objects.create(name="Français")
    tier = Tier.objects.order_by("pk").first() or Tier.objects.create(slug="gold", name="Gold", rank=1)
    parent = CustomerFactory(external_id="P", name="Parent")
    return [
        CustomerFactory(
            external_id="A", name="Acme", parent=parent, vertical=vertical, region=region, language=language, country="DE",
            arr=Decimal("12.50"), potential_arr=Decimal("9999999999999.99"), package="Pro", products=["Core", "Max"],
            employees=2_000_000_000, adoption=Decimal("0"), health=Decimal("99.90"), sentiment=5, champion=True,
            relationship_breadth=0, reputation=Decimal("100"), complexity=Decimal("0.01"), loss_felt=False,
            wished_engagement="high", paid_tier=tier, contract_start=date(2020, 2, 29), first_renewal_done=True,
            renewal_date=date(2027, 1, 1), csm=CSMFactory(email="ann@example.com"), csm_since=TODAY,
            attributes={"nps": 7, "note": "x"},
        ),
        CustomerFactory(external_id="B", name="Beta", arr=None, health=None, csm=None),
        CustomerFactory(
            external_id="C", name=HARD, package=HARD, products=[HARD, "é"], arr=Decimal("0.10"),
            csm=CSMFactory(email=None, name="No Mail"), csm_since=TODAY, attributes={"nps": 7.5},
        ),
    ]  # fmt: skip


def as_the_orm_says(customer: Customer, column: str) -> Any:
    """One value through the model, in the form of a staged row."""
    if column == "csm":
        return "" if customer.csm is None else customer.csm.email or customer.csm.name
    if column == "goals":
        return sorted(
            set(Goal.objects.open_on(TODAY).filter(customer=customer).values_list("kind__slug", flat=True))
        )
    if column.startswith("attr:"):
        return customer.attributes.get(column.removeprefix("attr:"))
    value: Any = customer
    for name in PATHS.get(column, column).split("__"):
        value = getattr(value, name) if value is not None else None
    return (value or "") if column in PATHS else plain(value)


def test_a_text_taken_apart_says_what_the_orm_says() -> None:
    customers = company()
    Goal.objects.create(customer=customers[0], kind=GoalKindFactory(slug="growth"), starts_on=TODAY)
    columns = [*COLUMNS, "attr:nps"]
    texts = Texts(columns, TODAY)
    stored = texts.stored([customer.pk for customer in customers])
    for customer in Customer.objects.filter(pk__in=stored):
        assert texts.read(stored[customer.pk]) == {
            column: as_the_orm_says(customer, column) for column in columns
        }


def test_a_file_that_says_the_same_asks_for_the_very_text_that_is_stored() -> None:
    customers = company()
    for columns in (COLUMNS, ["goals", "attr:nps"], ["name", "attr:nps"], ["arr"]):
        texts = Texts(columns, TODAY)
        stored = texts.stored([customer.pk for customer in customers])
        said = [texts.read(text) for text in stored.values()]
        cells = range(len(said))
        wanted = texts.wanted(
            {column: Column(cells, dict(enumerate(row[column] for row in said))) for column in columns}
        )
        assert wanted[:2] == list(stored.values())[:2], "quick: nobody takes them apart"


def test_a_row_whose_text_differs_and_whose_values_do_not_is_unchanged() -> None:
    CustomerFactory(external_id="A", name=HARD, attributes={"nps": 5.0})
    batch = staged('external_id,name,attr:nps\nA,"Öl ""und"" \\ Gas \t\x07 Ltd",5\n')
    assert (batch.unchanged, batch.updated) == (1, 0)


def test_a_file_that_only_names_customers_changes_nothing() -> None:
    CustomerFactory(external_id="A")
    batch = staged("external_id\nA\n")
    assert (batch.unchanged, batch.updated, batch.rejected) == (1, 0, 0)


def test_what_is_written_by_column_is_what_the_orm_stores() -> None:
    header = ",".join(
        column for column in CUSTOMER_COLUMNS if column not in ("parent", "goals", "csm", "paid_tier")
    )
    row = "A,Acme \\ Co,V,R,DE,L,12.5,EUR,9999999999999.99,Pro,Core;Max,5,0,99.9,5,yes,0,100,0.01,no,high,2020-02-29,yes,2027-01-01,active"
    batch = confirmed(f"{header}\n{row}\n")
    assert importing.apply_import(batch_id=batch.pk, on=TODAY).status == "applied", batch.reading
    made = Customer.objects.get(external_id="A")
    copy = Customer.objects.get(external_id="A")
    copy.pk, copy.external_id = None, "B"
    copy.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_customer WHERE external_id IN ('A', 'B') ORDER BY external_id")
        names = [column[0] for column in cursor.description]
        first, second = (dict(zip(names, values, strict=True)) for values in cursor.fetchall())
    for values in (first, second):
        values.pop("id"), values.pop("external_id"), values.pop("version")
    assert first == second
    assert {name: type(value) for name, value in first.items()} == {
        name: type(value) for name, value in second.items()
    }
    assert (made.arr, made.products, made.health_on, made.champion) == (
        Decimal("12.50"),
        ["Core", "Max"],
        TODAY,
        True,
    )


def test_an_update_sets_what_changed_and_counts_the_version_up_once() -> None:
    customers = company()
    text = (
        'external_id,arr,products,champion,health,contract_start\nA,,"x\\y;é",no,1,\nB,7,,yes,,2021-01-02\n'
    )
    before = {customer.external_id: customer.version for customer in customers}
    importing.apply_import(batch_id=confirmed(text).pk, on=TODAY)
    first, second = Customer.objects.filter(external_id__in="AB").order_by("external_id")
    assert (first.arr, first.products, first.champion, first.health, first.contract_start) == (
        None,
        ["x\\y", "é"],
        False,
        1,
        None,
    )
    assert (second.arr, second.products, second.champion, second.contract_start) == (
        7,
        [],
        True,
        date(2021, 1, 2),
    )
    assert (first.version, second.version) == (before["A"] + 1, before["B"] + 1)


def test_rows_packed_by_column_come_back_as_they_were_and_older_chunks_are_read_too() -> None:
    CustomerFactory(external_id="A001", name="Name 1", arr=1)
    CustomerFactory(external_id="A002", name="Name 2", arr=7)
    batch = staged(numbered(6).replace("A004,Name 4", "A004,"))
    chunk = batch.chunks.get()
    rows = list(storing.rows_of(chunk))
    assert [row.outcome for row in rows] == [
        "created",
        "updated",
        "updated",
        "created",
        "rejected",
        "rejected",
    ]
    assert list(storing.unpack_rows(storing.pack_slice(Slice.of(rows)).content)) == rows
    ImportChunk.objects.filter(pk=chunk.pk).update(
        content=zlib.compress(json.dumps([row.as_json() for row in rows]).encode())
    )
    chunk.refresh_from_db()
    assert [row.as_json() for row in storing.rows_of(chunk)] == [row.as_json() for row in rows]
    for outcome in ("", *importing.OUTCOMES):
        page, _ = importing.page_of_rows(batch=batch, outcome=outcome, start=0, size=9)
        assert [row.line for row in page] == [row.line for row in rows if outcome in ("", row.outcome)]


@pytest.mark.parametrize("outcome", ["", "created", "rejected"])
def test_a_page_far_down_takes_two_statements(outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "CHUNK_ROWS", 3)
    lines = [f"A{at},Name {at},{at if at % 3 else 'x'}\n" for at in range(60)]
    batch = staged("external_id,name,arr\n" + "".join(lines))
    with CaptureQueriesContext(connection) as asked:
        rows, total = importing.page_of_rows(batch=batch, outcome=outcome, start=15, size=5)
    assert (len(rows), total >= 20) == (5, True)
    assert len(asked) == 2
