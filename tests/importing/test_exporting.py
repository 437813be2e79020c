"""Exports: written safely, read back unchanged, and silent about what is decided here."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import CustomAttribute, Customer
from allocation.services.exporting import FOR_CUSTOMERS, UnableToExport, export_customers
from tests.factories import (
    TODAY,
    CustomerFactory,
    GoalFactory,
    LanguageFactory,
    RegionFactory,
    TierFactory,
    VerticalFactory,
)

FORMULAS = [
    "=1+1",
    "==1",
    "+1",
    "-1",
    "@a",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1",
    "'=1",
    "''=1",
    "'plain",
    "plain",
]
CONFIDENTIAL = {
    "segment", "tier", "paid_tier", "score", "tier_since", "csm", "csm_since", "wished_engagement", "health", "goals",
    "sentiment", "potential_arr", "complexity", "reputation", "loss_felt", "adoption", "champion", "status",
}  # fmt: skip


def full_customer(**fields: object) -> Customer:
    """A customer with something in every column."""
    CustomAttribute.objects.get_or_create(slug="nps", defaults={"label": "NPS", "kind": "number"})
    CustomAttribute.objects.get_or_create(slug="reference", defaults={"label": "Reference", "kind": "yes_no"})
    CustomAttribute.objects.get_or_create(slug="signed", defaults={"label": "Signed", "kind": "date"})
    customer = CustomerFactory(
        **{
            "vertical": VerticalFactory(name="Retail"),
            "region": RegionFactory(name="DACH"),
            "language": LanguageFactory(name="German"),
            "country": "Germany",
            "arr": Decimal("1234.50"),
            "currency": "EUR",
            "potential_arr": Decimal("9999999999999.99"),
            "package": "Pro",
            "products": ["Core", "Analytics"],
            "employees": 0,
            "adoption": Decimal("55.25"),
            "health": Decimal("0"),
            "sentiment": 4,
            "champion": True,
            "relationship_breadth": 3,
            "reputation": Decimal("10"),
            "complexity": Decimal("99.99"),
            "loss_felt": False,
            "wished_engagement": "high",
            "paid_tier": TierFactory(slug="gold"),
            "contract_start": date(2024, 2, 29),
            "first_renewal_done": True,
            "renewal_date": date(2027, 1, 31),
            "attributes": {"nps": -12.5, "reference": True, "signed": "2020-01-01"},
            **fields,
        }
    )
    GoalFactory(customer=customer, starts_on=TODAY)
    return customer


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_our_own_export_imported_again_changes_nothing(
    cast: SimpleNamespace, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parent = full_customer(name="Parent", csm=cast.csm_a.csm, csm_since=TODAY)
    for at, text in enumerate(FORMULAS):
        CustomerFactory(name=text + " GmbH", package=text.strip() or "x", external_id=f"F{at}", parent=parent)
    CustomerFactory(name="Tiny", attributes={"nps": 0.000001})
    CustomerFactory(name="Bell \x07 and _x0041_ and \ufffe")
    path = tmp_path / f"customers.{ending}"
    assert (
        export_customers(path=path, audience="internal", user=None, on=date(2030, 1, 1)) == len(FORMULAS) + 3
    )
    call_command("import_customers", str(path), format="json")
    done = json.loads(capsys.readouterr().out)
    assert done["errors"] == []
    assert (done["unchanged"], done["updated"], done["created"]) == (len(FORMULAS) + 3, 0, 0)


def test_formulas_are_marked_in_csv_and_text_in_workbooks(db: None, tmp_path: Path) -> None:
    for at, text in enumerate(FORMULAS):
        CustomerFactory(name=text, external_id=f"F{at:02d}")
    export_customers(path=tmp_path / "a.csv", audience="internal", user=None, on=TODAY)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        names = {row["external_id"]: row["name"] for row in csv.DictReader(file)}
    for at, text in enumerate(FORMULAS):
        marked = text.lstrip("'")[:1] in "=+-@\t\r\n＝" or text == " =1"
        assert names[f"F{at:02d}"] == ("'" + text if marked else text)
    export_customers(path=tmp_path / "a.xlsx", audience="internal", user=None, on=TODAY)
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    types = {cell.data_type for row in sheet.iter_rows(min_row=2, min_col=2, max_col=2) for cell in row}
    assert types == {"s"}


def test_numbers_stay_numbers_in_a_workbook(db: None, tmp_path: Path) -> None:
    full_customer()
    export_customers(path=tmp_path / "a.xlsx", audience="internal", user=None, on=TODAY)
    rows = list(openpyxl.load_workbook(tmp_path / "a.xlsx").active.iter_rows(values_only=True))
    found = dict(zip(rows[0], rows[1], strict=True))
    assert found["arr"] == 1234.5
    assert found["potential_arr"] == 9999999999999.99
    assert found["employees"] == 0


def test_a_file_for_customers_does_not_depend_on_anything_confidential(
    cast: SimpleNamespace, tmp_path: Path
) -> None:
    assert not set(FOR_CUSTOMERS) & CONFIDENTIAL
    customer = full_customer(name="Acme")
    written = []
    for turn in range(2):
        for ending in ("csv", "xlsx"):
            export_customers(path=tmp_path / f"{turn}.{ending}", audience="customer", user=None, on=TODAY)
        with zipfile.ZipFile(tmp_path / f"{turn}.xlsx") as archive:
            parts = {name: archive.read(name) for name in archive.namelist() if "core.xml" not in name}
        written.append(((tmp_path / f"{turn}.csv").read_bytes(), parts))
        Customer.objects.filter(pk=customer.pk).update(
            tier=TierFactory(slug="other"), tier_since=TODAY, csm=cast.csm_a.csm, csm_since=TODAY, health=1,
            paid_tier=None, potential_arr=1, wished_engagement="", complexity=1, attributes={}, sentiment=1,
        )  # fmt: skip
    assert written[0] == written[1]
    assert b"gold" not in written[0][0]


def test_people_export_only_what_they_may_see(cast: SimpleNamespace, tmp_path: Path) -> None:
    CustomerFactory(name="Mine", csm=cast.csm_a.csm, csm_since=TODAY)
    CustomerFactory(name="Theirs", csm=cast.csm_b.csm, csm_since=TODAY)
    path = tmp_path / "a.csv"
    assert export_customers(path=path, audience="internal", user=cast.csm_a, on=TODAY) == 1
    assert "Theirs" not in path.read_text()
    assert export_customers(path=path, audience="internal", user=cast.nobody, on=TODAY) == 0
    assert export_customers(path=path, audience="internal", user=cast.ops, on=TODAY) == 2


def test_another_ending_is_refused(db: None, tmp_path: Path) -> None:
    with pytest.raises(UnableToExport, match="must end in"):
        export_customers(path=tmp_path / "a.pdf", audience="internal", user=None, on=TODAY)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_ops_export_from_the_admin(
    cast: SimpleNamespace, sign_in: Callable[[object], Client], ending: str
) -> None:
    CustomerFactory(name="Acme")
    client = sign_in(cast.ops)
    assert client.get(reverse("admin:export_customers")).status_code == 200
    answer = client.get(reverse("admin:export_customers_file"), {"audience": "customer", "ending": ending})
    assert answer.status_code == 200
    if ending == "csv":
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    else:
        rows = list(openpyxl.load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True))
    assert rows[0] == (list(FOR_CUSTOMERS) if ending == "csv" else FOR_CUSTOMERS)
    assert rows[1][1] == "Acme"
    wrong = client.get(reverse("admin:export_customers_file"), {"audience": "all", "ending": "exe"})
    assert wrong.status_code == 302
