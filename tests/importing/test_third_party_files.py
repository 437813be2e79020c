"""Files that nobody on this project wrote are read whole: every row in, or refused with line and reason."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.importing.readers import check, csv_of

TERRITORY = {
    "account_name": "name",
    "owner": "csm",
    "current_arr": "arr",
    "internal_tam": "potential_arr",
    "health_score": "health",
    "territory": "region",
    "products_owned": "products",
}


def test_territory_planner_reads_149_customers_of_8_csms(inputs: Path) -> None:
    checked = check((inputs / "territory_planner/customers.csv").read_bytes(), TERRITORY)
    assert not checked.problems
    assert len(checked.values["name"]) == 149
    assert sum(checked.values["arr"]) == 16_034_000
    assert len(set(checked.values["csm"])) == 8
    assert checked.values["products"][0] == ("Core Platform", "Analytics")
    assert any("separated by commas" in remark for remark in checked.remarks)


@pytest.mark.parametrize("number", ["d01", "d02", "d03", "d04", "d05"])
def test_every_dialect_of_the_messy_exports_equals_the_expected_values(inputs: Path, number: str) -> None:
    folder = inputs / "messy_exports"
    [path] = folder.glob(f"{number}_*")
    checked = check(
        path.read_bytes(),
        {
            "Account ID": "external_id",
            "Account Name": "name",
            "Annual Revenue": "arr",
            "Employees": "employees",
            "Industry": "vertical",
            "Billing City": "region",
            "Billing Country": "country",
        },
    )
    assert not checked.problems
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    values = checked.values
    assert [
        {
            "Account ID": values["external_id"][at],
            "Account Name": values["name"][at],
            "Annual Revenue": f"{values['arr'][at]:f}",
            "Employees": values["employees"][at],
            "Industry": values["vertical"][at],
            "Billing City": values["region"][at],
            "Billing Country": values["country"][at],
        }
        for at in range(len(values["name"]))
    ] == expected


def test_inc5000_amounts_in_millions_are_read_in_full_and_zero_employees_stay_zero(inputs: Path) -> None:
    checked = check(
        (inputs / "inc5000/inc5000.csv").read_bytes(),
        {"COMPANY NAME": "name", " REVENUE ": "arr", "EMPLOYEES": "employees", "INDUSTRY": "vertical"},
    )
    assert not checked.problems
    assert len(checked.values["name"]) == 5000
    assert sum(checked.values["arr"]) == Decimal("206107.9") * 10**6
    assert sum(checked.values["employees"]) == 1_146_773
    assert checked.values["employees"].count(0) == 10
    assert "Amounts of “REVENUE” are read with MM = × 1,000,000." in checked.remarks


def test_maven_accounts_are_read_with_misspelt_words_kept(inputs: Path) -> None:
    checked = check(
        (inputs / "maven_crm/accounts.csv").read_bytes(),
        {
            "account": "name",
            "sector": "vertical",
            "revenue": "arr",
            "office_location": "country",
            "subsidiary_of": "parent",
        },
    )
    assert not checked.problems
    assert len(checked.values["name"]) == 85
    assert sum(checked.values["arr"]) == Decimal("169543.8")
    assert sum(checked.values["employees"]) == 396_170, "a header that is our own name counts unmapped"
    assert "technolgy" in checked.values["vertical"]
    assert "Philipines" in checked.values["country"]


def test_salesforce_rows_are_read_or_refused_with_line_and_reason(inputs: Path) -> None:
    data = (inputs / "salesforce/Account_bulk1_test.csv").read_bytes()
    plain = check(data)
    assert not plain.problems
    assert "ANNUALREVENUE" in plain.map.ignored
    mapped = check(data, {"NAME": "name", "ANNUALREVENUE": "arr", "NUMBEROFEMPLOYEES": "employees"})
    for row, problems in mapped.problems.items():
        assert problems[0].line == mapped.table.lines[row]
        assert "Scientific notation" in problems[0].message
    written = sum("E+" in str(value) for value in mapped.table.column(mapped.map.positions["arr"]))
    assert len(mapped.problems) == written > 0
    # The record on line 2 has addresses of three lines each: the next one starts on line 8 of the file.
    lines = data.decode().splitlines()
    for row in range(5):
        assert lines[mapped.table.lines[row] - 1].startswith(mapped.values["name"][row])


def test_the_second_salesforce_export_is_read_whole(inputs: Path) -> None:
    checked = check((inputs / "salesforce/sf_account_data.csv").read_bytes())
    assert not checked.problems
    assert checked.map.headers["external_id"] == "id"
    assert len(checked.values["name"]) == 10


def test_the_health_sample_keeps_negative_nps_as_a_custom_attribute(inputs: Path) -> None:
    checked = check(
        (inputs / "cs_health_sample/sample_data.csv").read_bytes(),
        {"Customer": "name", "ARR": "arr", "Renewal_Date": "renewal_date", "NPS": "attr:nps"},
    )
    assert not checked.problems
    assert checked.new_attributes == {"attr:nps": "number"}
    assert min(checked.values["attr:nps"]) == -10
    assert len(checked.values["name"]) == 10


def test_hostile_strings_are_kept_exactly_as_names(inputs: Path) -> None:
    strings = json.loads((inputs / "naughty/blns.json").read_text(encoding="utf-8"))
    rows = [["external_id", "name"], *([f"n{at}", text] for at, text in enumerate(strings))]
    checked = check(csv_of(rows))
    too_long = [text for text in strings if len(text) > 200]
    assert [problems[0].message[:12] for problems in checked.problems.values()] == ["At most 200 "] * len(
        too_long
    )
    for at, text in enumerate(strings):
        if at not in checked.problems:
            assert checked.values["name"][at] == (text if text.strip() else "")
