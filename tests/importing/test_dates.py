"""Dates: ISO and unambiguous forms are read, two readings are asked about, days that do not exist refused."""

from datetime import date, datetime, time

import pytest

from accounts.importing.errors import ChoiceNeeded
from tests.importing.readers import check, csv_of, one_cell, workbook_of

DAY = date(2026, 12, 31)


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-31",
        "2026/12/31",
        "2026-12-31T00:00:00Z",
        "2026-12-31 08:15:00",
        "2026-12-31T08:15:00.000+01:00",
        "31.12.2026",
        "31. 12. 2026",
        "31/12/2026",
        "12/31/2026",
        "31-12-2026",
        "31 December 2026",
        "31-Dec-2026",
        "Dec 31, 2026",
        "December 31 2026",
        " 2026-12-31 ",
    ],
)
def test_the_same_day_in_many_forms(text: str) -> None:
    assert one_cell("renewal_date", text) == DAY


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-02-31", "There is no 31 February 2026."),
        ("31.02.2026", "There is no 31 February 2026."),
        ("31/02/2026", "There is no 31 February 2026."),
        ("2025-02-29", "There is no 29 February 2025."),
        ("2026-13-01", "There is no month 13"),
        ("31/12/26", "This is no date"),  # a year of two digits could be any
        ("tomorrow", "This is no date"),
        ("45000", "This is no date"),
        ("0000-00-00", "The year must lie"),
        ("9999-12-31", "The year must lie"),
        ("2026-12", "This is no date"),
        ("2026-12-31x", "This is no date"),
        ("２０２６-12-31", "This is no date"),
    ],
)
def test_what_is_no_day_is_refused_with_a_sentence(text: str, words: str) -> None:
    assert words in one_cell("renewal_date", text)


def test_day_and_month_that_could_be_swapped_are_asked_about() -> None:
    with pytest.raises(ChoiceNeeded, match="--date-order dmy or --date-order mdy"):
        one_cell("renewal_date", "03/04/2026")
    assert one_cell("renewal_date", "03/04/2026", date_order="dmy") == date(2026, 4, 3)
    assert one_cell("renewal_date", "03/04/2026", date_order="mdy") == date(2026, 3, 4)
    assert one_cell("renewal_date", "03/03/2026") == date(2026, 3, 3), "both readings are the same day"


def test_one_clear_date_in_another_column_settles_the_order() -> None:
    rows = [["name", "contract_start", "renewal_date"], ["A", "03/04/2026", "12/25/2026"]]
    assert check(csv_of(rows)).values["contract_start"] == [date(2026, 3, 4)]


def test_dates_of_a_workbook_are_days() -> None:
    rows = [
        ["name", "renewal_date"],
        ["A", DAY],
        ["B", datetime.combine(DAY, time())],
        ["C", 46000],
        ["D", "2026-12-31"],
    ]
    checked = check(workbook_of(rows))
    assert checked.values["renewal_date"][:2] == [DAY, DAY]
    assert "number where a date" in checked.problems[2][0].message
    assert checked.values["renewal_date"][3] == DAY
