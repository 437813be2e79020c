"""The columns of a book: which there are, which stand there unless others are chosen, what each is called in a CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BookColumn:
    """`sort`: its name in the address, empty where it does not sort. heads: its headings in a CSV, one a cell.

    short: the heading on the page, where the label is long. within: the column below whose words it stands in small, where
    both are shown; alone it is a column like the others.
    """

    key: str
    label: str
    heads: tuple[str, ...]
    sort: str = ""
    class_: str = ""
    hint: str = ""
    usual: bool = True
    short: str = ""
    within: str = ""


CUSTOMER = BookColumn("name", "Customer", ("Customer", "External id"), "name")
COLUMNS: tuple[BookColumn, ...] = (
    BookColumn("tier", "Tier", ("Tier",), "tier"),
    BookColumn(
        "goals",
        "Open goals",
        ("Open goals",),
        "goals",
        hint="Goals that are open today; sorted by how many.",
        short="Goals",
        within="tier",
    ),
    BookColumn(
        "health",
        "Health",
        ("Health", "Health in words"),
        "health",
        hint="0 to 100: below 40 low, from 67 on good.",
    ),
    BookColumn(
        "sentiment",
        "Sentiment",
        ("Sentiment of 5", "Sentiment in words"),
        "sentiment",
        hint="How the CSM judges the mood: 1 very poor to 5 very good.",
    ),
    BookColumn("arr", "ARR", ("ARR", "Currency"), "arr", "num"),
    BookColumn("renewal", "Renewal", ("Renewal",), "renewal"),
    BookColumn(
        "month",
        "Hours this month",
        ("Hours done this month", "Attention this month, hours"),
        "month",
        "num",
        short="Hours",
        hint="Hours that touches took since the first of the month, of the attention the customer gets in the thirty days from today.",
    ),
    BookColumn(
        "touch",
        "Next touch",
        ("Next touch", "Next touch on", "Next touch is"),
        "touch",
        hint="The open touch with the earliest day.",
    ),
    BookColumn(
        "next",
        "Best use of the next hour",
        ("Rank of the next hour", "Best use of the next hour", "Why"),
        "next",
        short="Next hour",
        hint="1 is the customer with whom the next hour is worth most; how it is worked out is in the documentation.",
    ),
    BookColumn(
        "base",
        "Base hours a month",
        ("Base hours a month",),
        "base",
        "num",
        short="Base hours",
        hint="Hours a year of the touch plan ÷ 12.",
        usual=False,
    ),
    BookColumn("since", "In this book since", ("In this book since",), "since", usual=False, short="Since"),
    BookColumn("vertical", "Vertical", ("Vertical",), "vertical", usual=False),
    BookColumn("csm", "CSM", ("CSM",), "csm", usual=False),
)
BY_KEY = {column.key: column for column in COLUMNS}
USUAL = tuple(column.key for column in COLUMNS if column.usual)


def chosen_columns(keys: Iterable[str]) -> tuple[BookColumn, ...]:
    """Those named, in their own order, whatever the order and the rest of what was named; none named: the usual ones."""
    wanted = set(keys) & set(BY_KEY) or set(USUAL)
    return tuple(column for column in COLUMNS if column.key in wanted)


def apart(columns: Sequence[BookColumn]) -> Sequence[BookColumn]:
    """Those that have a heading and a cell of their own among the columns shown."""
    shown = {column.key for column in columns}
    return [column for column in columns if column.within not in shown]
