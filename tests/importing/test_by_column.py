"""What is done for many cells and rows together gives what is done one by one: the slow way is kept here as a check."""

import random
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from accounts.importing import delimited
from accounts.importing.customers import CustomerResource
from accounts.importing.errors import CellRefused
from accounts.importing.keys import word_key, word_keys
from accounts.importing.numbers import COMMA, Style, find_style
from accounts.importing.tables import BrokenCell, Cell, Table
from accounts.importing.widgets import ColumnReading
from tests.importing.readers import LIMITS

PLAIN: list[Cell] = [
    "0",
    "7",
    "12.5",
    "12.50",
    "007",
    "999999999999",
    "1000000000000",
    "A",
    " a ",
    "yes",
    "EUR",
    "5",
]
AWKWARD: list[Cell] = [
    "", " ", "-0", "-1", "1.234", "1,234", "1e6", "12.345", "100.01", "9" * 19, "x" * 201, "nul\0", "half\ud800", "é", "１２",
    5, 10**15, Decimal("12.5"), Decimal("12.345"), Decimal("1E+16"), Decimal(-1), date(2026, 3, 4), BrokenCell("x", "bad"),
    "2026-12-31", "31.12.2026", "high", "Core;Core;Max", "a;b",
]  # fmt: skip


@pytest.mark.parametrize("style", [Style(), Style(COMMA), Style(magnitude=True)])
@pytest.mark.parametrize("column", list(CustomerResource.fields))
def test_distinct_cells_read_together_give_what_each_gives_alone(column: str, style: Style) -> None:
    widget = CustomerResource.fields[column].widget
    for cells in (PLAIN, PLAIN + AWKWARD, AWKWARD, PLAIN[:6]):
        values, refused = widget.clean_all(dict.fromkeys(cells), ColumnReading(style=style))
        assert list(dict.fromkeys(cells)) == sorted(values, key=list(dict.fromkeys(cells)).index)
        for cell in values:
            alone, why = one_by_one(widget, cell, style)
            assert (repr(values[cell]), type(values[cell])) == (repr(alone), type(alone))
            assert refused.get(cell, "") == why


def one_by_one(widget: Any, cell: Cell, style: Style) -> tuple[Any, str]:
    """(value of a cell, why it is refused)."""
    try:
        return widget.clean(cell, reading=ColumnReading(style=style)), ""
    except CellRefused as refusal:
        return widget.blank, str(refusal)


@pytest.mark.parametrize(
    "texts",
    [
        [], [""], ["A"], ["A", "b"], ["", "a b"], ["", "a  b"], ["a\nb", ""], ["a\nb", "c"], [" a", "b"], ["É", "e\u0301"], ["ﬁ"],
        ["a\u200bb"], ["a\x1cb", "c"], ["A\r", "b"],
    ],
)  # fmt: skip
def test_keys_made_together_are_those_made_one_by_one(texts: list[str]) -> None:
    assert word_keys(texts) == list(map(word_key, texts))


def test_numbers_in_which_nothing_is_in_doubt_are_settled_as_those_that_are_weighed() -> None:
    clear = ["1", "1.5", "12.50", "1234.567", "0.12345", "-7", ""]
    doubtful = [*clear, "1.234"]
    assert find_style([("ARR", clear)]).answer == "point"
    assert find_style([("ARR", doubtful)]).answer == "point", "1.5 is evidence"
    assert find_style([("ARR", ["1", "1.234"])]).question is not None
    assert find_style([("ARR", ["1", "1,5"])]).answer == "comma"


def a_table(text: str, *, in_blocks: bool) -> Table | None:
    """The same text, read by one of the two ways."""
    table = Table(headers=[], delimiter=",")
    if in_blocks:
        return table if delimited._read_in_blocks(table, text, LIMITS) else None
    delimited._read_row_by_row(table, text, LIMITS)
    return table


@pytest.mark.parametrize("seed", range(40))
def test_a_file_read_in_blocks_is_the_file_read_row_by_row(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "BLOCK_ROWS", 3)
    chance = random.Random(seed)
    cells = ["a", "b c", "", " ", "'=1", "'", "O'Neil", "é", '"x"', '"a,b"', '"\'=2"', "1.5"]
    lines = ["name,arr,package"]
    widths = chance.choices((3, 3, 3, 3, 2, 4, 1), k=chance.randrange(1, 20))
    lines += [",".join(chance.choices(cells, k=width)) for width in widths]
    text = chance.choice(("\n", "\r\n", "\r")).join(lines) + chance.choice(("", "\n", "\n\n"))
    slow, quick = (a_table(text, in_blocks=way) for way in (False, True))
    assert slow is not None
    if quick is not None:
        assert (slow, slow.lines, slow.blank_rows) == (quick, quick.lines, quick.blank_rows)
    assert slow.distinct == [{cell: cell for cell in column} for column in slow.columns]


def test_most_files_are_read_in_blocks() -> None:
    assert a_table("name,arr\nAcme,1\nO'Neil,2\n", in_blocks=True) is not None
    assert a_table('name,arr\n"Acme, Inc",1\n', in_blocks=True) is not None


@pytest.mark.parametrize(
    "text",
    ['name,arr\n"two\nlines",1\n', "\nname\nAcme\n", 'name\n"open\n', "name\n" + "x" * 40_000 + "\n", "name\n" + "a\n" * 9],
    ids=["two lines", "blank first", "open quotes", "a long cell", "too many rows"],
)  # fmt: skip
def test_what_is_out_of_the_ordinary_is_left_to_the_reading_row_by_row(text: str) -> None:
    limits = replace(LIMITS, rows=5)
    with delimited._cells_of_at_most(limits.cell_characters):
        assert not delimited._read_in_blocks(Table(headers=[], delimiter=","), text, limits)
