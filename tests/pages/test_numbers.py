"""The control arm of tests/access/test_numbers_traced.py: a number without its words is seen as such."""

import pytest

from tests.pages.numbers import Figure, figures

WORDS = '<button class="traced">{}</button><span popover>3 + 4</span>'


def table(head, cell):
    return f"<table><caption>Books, page 1 of 2</caption><thead><tr><th>CSM</th><th>{head}</th></tr></thead><tbody><tr><th>Ada</th>{cell}</tr></tbody></table>"


def tile(value):
    return (
        f'<div class="kpi"><span class="kpi-label">Hours</span><span class="kpi-value">{value}</span></div>'
    )


@pytest.mark.parametrize(
    "cell",
    [
        '<td class="num">many 7</td>',
        "<td>7</td>",
        "<td>1\u202f200</td>",
        "<td>3:20 h</td>",
        "<td>4 of 7</td>",
        "<td>12.5 %</td>",
        '<td><span class="meter"><svg></svg>80</span></td>',
    ],
)
def test_a_column_of_numbers_is_bare_until_heading_or_cell_says_how(cell):
    assert figures(table("Hours", cell)) == [Figure("Books", "Hours", False)]
    assert figures(table(WORDS.format("Hours"), cell)) == [Figure("Books", "Hours", True)]
    opened = cell[: cell.index(">") + 1]
    assert figures(table("Hours", opened + WORDS.format("7") + "</td>")) == [Figure("Books", "Hours", True)]


@pytest.mark.parametrize("cell", ["<td>Ada</td>", "<td>3 Mar 2026</td>", "<td>Q1 2026</td>", "<td>–</td>"])
def test_words_and_days_are_no_numbers(cell):
    assert figures(table("Since", cell)) == []


def test_a_tile_is_bare_until_its_value_says_how():
    assert figures(tile("12")) == [Figure("tile", "Hours", False)]
    assert figures(tile(WORDS.format("12"))) == [Figure("tile", "Hours", True)]
    assert figures(tile("None")) == []


def test_one_bare_cell_makes_the_column_bare():
    rows = f"<tr><th>Ada</th><td>{WORDS.format('1')}</td></tr><tr><th>Bo</th><td>2</td></tr>"
    page = f'<table id="t"><thead><tr><th>CSM</th><th>n</th></tr></thead><tbody>{rows}</tbody></table>'
    assert figures(page) == [Figure("t", "n", False)]


def test_a_tab_with_a_count_is_bare_without_a_title():
    tabs = '<nav class="tabs"><a href="?"{}>Late <span class="count">3</span></a></nav>'
    assert figures(tabs.format("")) == [Figure("tab", "Late", False)]
    assert figures(tabs.format(' title="Due before today"')) == [Figure("tab", "Late", True)]
