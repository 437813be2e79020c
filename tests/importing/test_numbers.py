"""Numbers are accepted by a strict grammar or refused with a sentence; none is rounded or reinterpreted."""

from decimal import Decimal

import pytest

from accounts.importing.errors import ChoiceNeeded
from accounts.models import Customer
from tests.importing.readers import Import, check, csv_of, one_cell, workbook_of

ACCEPTED = {
    "0": "0.00",
    "0.00": "0.00",
    "7": "7.00",
    "007": "7.00",
    "1234.5": "1234.50",
    "1234.50": "1234.50",
    "1,234.56": "1234.56",
    "1 234.56": "1234.56",  # a blank groups thousands in every style
    "1\u00a0234.56": "1234.56",  # so does a no-break space
    "1'234.56": "1234.56",  # and a Swiss apostrophe
    "12,345,678": "12345678.00",  # two groups can be no decimals
    " 5 ": "5.00",
    "$1,234.00": "1234.00",
    "$ 5": "5.00",
    "5 USD": "5.00",
    "USD 5": "5.00",
    "1.5000": "1.50",  # a database's trailing zeros: nothing is rounded
    "9999999999999.99": "9999999999999.99",
}
REFUSED = {
    "-1": "at least 0",
    "-0": "Write zero as 0",
    "-0.00": "Write zero as 0",
    "$-5": "at least 0",
    "-$5": "at least 0",
    "10000000000000": "at least 0 and below",
    "99999999999999999999": "no number",
    "1e400": "Scientific",
    "1e6": "Scientific",
    "3.00E+07": "Scientific",
    "1_000": "no number",
    "0.001": "At most 2 decimals",
    "1.005": "At most 2 decimals",  # read with the style given: two decimals are what money has
    "1.2345": "At most 2 decimals",
    "１２": "0 to 9",
    "٣": "0 to 9",
    "NaN": "counted with",
    "nan": "counted with",
    "inf": "counted with",
    "-Infinity": "counted with",
    "∞": "counted with",
    "abc": "no number",
    "$": "no number",
    "1.234,56": "style of this file",
    "1,23": "style of this file",
    "12,34,567": "style of this file",
    "1,234,56": "style of this file",
    "1 2": "style of this file",
    "1..2": "style of this file",
    "1.2.3": "style of this file",
    ".5": "no number",
    "5.": "style of this file",
    "+5": "no number",
    "(5)": "no number",
    "5%": "no number",
    "5 €": "the currency of the row is USD",
    "0x10": "no number",
    "1/2": "no number",
    "=1": "no number",
    "null": "no number",
    "#N/A": "no number",
    "5 XYZ": "no number",
    "1" * 10_000: "too long",
    "--5": "no number",
    "5-": "no number",
    "1;2": "no number",
}


@pytest.mark.parametrize(("text", "value"), ACCEPTED.items())
def test_accepted_amounts_are_exact(text: str, value: str) -> None:
    found = one_cell("arr", text, number_style="point")
    assert isinstance(found, Decimal), found
    assert f"{found:f}" == value


@pytest.mark.parametrize(("text", "words"), [pair for pair in REFUSED.items() if "currency" not in pair[1]])
def test_refused_amounts_say_why(text: str, words: str) -> None:
    found = one_cell("arr", text, number_style="point")
    assert isinstance(found, str), found
    assert words in found


@pytest.mark.parametrize("text", ["1.234", "1,234", "999.999", "$1,234", "1.234 EUR"])
def test_an_amount_with_two_readings_is_asked_about(text: str) -> None:
    with pytest.raises(ChoiceNeeded) as asked:
        one_cell("arr", text)
    [question] = asked.value.questions
    assert (question.option, question.column, question.example) == ("number_style", "arr", text)
    assert "--number-style point or --number-style comma" in str(asked.value)


@pytest.mark.parametrize(("style", "value"), [("point", "1234.00"), ("comma", None)])
def test_the_answer_settles_what_two_readings_left_open(style: str, value: str | None) -> None:
    found = one_cell("arr", "1,234", number_style=style)
    # As 1,234 with a decimal comma it has three decimals, which money has not.
    assert (f"{found:f}" if value else "At most 2 decimals") == (value or found[:18])


def test_one_clear_cell_anywhere_settles_the_style_of_the_file() -> None:
    checked = check(csv_of([["name", "arr", "employees"], ["A", "1.234", "10"], ["B", "5,50", "1.000"]]))
    assert not checked.problems
    assert checked.number_style == "comma"
    assert checked.values["arr"] == [Decimal(1234), Decimal("5.50")]
    assert checked.values["employees"] == [10, 1000]


def test_contradicting_evidence_with_an_open_cell_is_asked_about() -> None:
    with pytest.raises(ChoiceNeeded):
        check(csv_of([["name", "arr"], ["A", "1.234"], ["B", "5,50"], ["C", "5.50"]]))


def test_without_open_cells_the_few_that_do_not_fit_are_refused_alone() -> None:
    checked = check(csv_of([["name", "arr"], ["A", "7.50"], ["B", "5.50"], ["C", "1.234,56"]]))
    assert list(checked.problems) == [2]
    assert checked.values["arr"][:2] == [Decimal("7.50"), Decimal("5.50")]


def test_numbers_of_a_workbook_need_no_style() -> None:
    checked = check(
        workbook_of([["name", "arr", "employees"], ["A", 1.234, 5], ["B", 1234, 6.0], ["C", 0.1 + 0.2, 1.5]])
    )
    assert checked.problems[0][0].message.startswith("At most 2 decimals")
    assert 1 not in checked.problems
    assert (checked.values["arr"][1], checked.values["employees"][1]) == (Decimal(1234), 6)
    assert [problem.column for problem in checked.problems[2]] == ["employees"], "0.1 + 0.2 is written as 0.3"


MAGNITUDES = {
    ("18.3 MM", "2 MM"): ["18300000.00", "2000000.00"],
    ("1.5K", "2k"): ["1500.00", "2000.00"],
    ("$1.5M", "0"): ["1500000.00", "0.00"],  # zero is zero in any magnitude
    ("800K", "1.2M"): ["800000.00", "1200000.00"],
    ("2.5bn", ""): ["2500000000.00", None],
}


@pytest.mark.parametrize(("cells", "values"), MAGNITUDES.items())
def test_magnitudes_are_read_where_every_amount_has_one(
    cells: tuple[str, ...], values: list[str | None]
) -> None:
    checked = check(csv_of([["name", "arr"], *([f"C{at}", cell] for at, cell in enumerate(cells))]))
    assert not checked.problems
    assert [None if value is None else f"{value:f}" for value in checked.values["arr"]] == values
    assert any("are read with" in remark for remark in checked.remarks)


@pytest.mark.parametrize("cells", [("1.5M", "200000"), ("1M", "1MM")])
def test_magnitudes_on_some_amounts_only_are_refused(cells: tuple[str, ...]) -> None:
    checked = check(csv_of([["name", "arr"], *([f"C{at}", cell] for at, cell in enumerate(cells))]))
    assert 0 in checked.problems


BOUNDS = [
    ("health", "0", True),
    ("health", "100", True),
    ("health", "100.01", False),
    ("health", "-1", False),
    ("health", "99.99", True),
    ("health", "99.999", False),
    ("health", "green", False),
    ("sentiment", "1", True),
    ("sentiment", "5", True),
    ("sentiment", "0", False),
    ("sentiment", "6", False),
    ("sentiment", "3.5", False),
    ("employees", "0", True),
    ("employees", "-1", False),
    ("employees", "1.5", False),
    ("employees", "2000000000", True),
    ("employees", "2000000001", False),
    ("employees", "$5", False),
    ("relationship_breadth", "3", True),
    ("attr:nps", "-100", True),
]


@pytest.mark.parametrize(("column", "text", "accepted"), BOUNDS)
def test_bounds_hold_on_both_sides(column: str, text: str, accepted: bool) -> None:
    found = one_cell(column, text, number_style="point")
    assert isinstance(found, Decimal | int) is accepted, found


@pytest.mark.django_db
def test_a_custom_number_with_more_digits_than_are_kept_is_refused(load: Import) -> None:
    answer = load("external_id,name,attr:n\nA,Kept,123456789012.345\nB,Lost,123456789012345.1\n")
    assert [(error["line"], "15 digits" in error["message"]) for error in answer["errors"]] == [(3, True)]
    assert Customer.objects.get().attributes == {"n": 123456789012.345}
