"""What the figures of the balance mean, in sentences. How to read each: `docs/balance.md`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from allocation.engine.balance import Balance
from allocation.engine.facts.books import BookRow
from allocation.selectors import wording
from allocation.selectors.balance import Workload
from allocation.selectors.plans import figure_words

# Upper bounds, and what is said below them. A Gini of bell-shaped values is their CV ÷ √π (0.56), hence its bounds.
CV_WORDS = ((0.10, "even"), (0.20, "fairly even"), (0.35, "uneven"))
GINI_WORDS = ((0.056, "even"), (0.113, "fairly even"), (0.197, "uneven"))
MOST = "very uneven"


def evenness(value: float | None, words: Sequence[tuple[float, str]]) -> str:
    """ "even" … "very uneven"; empty where there is no figure."""
    if value is None:
        return ""
    return next((said for bound, said in words if value < bound), MOST)


@dataclass(frozen=True, slots=True)
class Evenness:
    """One measure: figures as strings, each with how it came, and what they say together."""

    label: str
    max_over_mean: str
    max_trace: str
    outside: str
    outside_trace: str
    cv: str
    cv_words: str
    cv_trace: str
    gini: str
    gini_words: str
    gini_trace: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Measure:
    """Words of one measure. values: of the books that have it, in the order of `names`. shown: the words of the one at a place."""

    label: str
    largest: str
    figures: Balance
    values: Sequence[float]
    names: Sequence[str]
    shown: Callable[[int], str]
    mean: str


def how_even(found: Workload) -> list[Evenness]:
    """Utilisation, ARR and customers of the books that are looked at."""
    measured = [row for row in found.rows if row.is_measured]
    rows = found.rows
    currency = settings.BASE_CURRENCY
    shares = [100 * (row.utilisation or 0.0) for row in measured]
    measures = [
        _Measure(
            "Utilisation",
            "The busiest CSM carries {more} than the mean",
            found.utilisation,
            shares,
            [row.name for row in measured],
            lambda place: wording.percent(shares[place], places=2),
            wording.percent(sum(shares) / len(shares), places=2) if shares else wording.DASH,
        ),
        _Measure(
            "ARR",
            "The largest book holds {more} ARR than the mean",
            found.arr,
            [float(row.arr_cents) for row in rows],
            [row.name for row in rows],
            lambda place: wording.money(wording.from_cents(rows[place].arr_cents), currency),
            wording.money(
                wording.from_cents(sum(row.arr_cents for row in rows)) / max(len(rows), 1), currency
            ),
        ),
        _Measure(
            "Customers",
            "The longest book has {more} customers than the mean",
            found.customers,
            [float(row.customers) for row in rows],
            [row.name for row in rows],
            lambda place: wording.counted(rows[place].customers, "customer"),
            f"{sum(row.customers for row in rows) / max(len(rows), 1):.1f} customers",
        ),
    ]
    return [_evenness(one, caveat=_arr_caveat(found) if one.label == "ARR" else "") for one in measures]


def _evenness(this: _Measure, *, caveat: str) -> Evenness:
    figures, n = this.figures, len(this.values)
    cv_words, gini_words = evenness(figures.cv, CV_WORDS), evenness(figures.gini, GINI_WORDS)
    largest = max(range(n), key=lambda place: this.values[place], default=None)
    largest_words = "" if largest is None else f"{this.names[largest]}: {this.shown(largest)}"
    outside = 0 if figures.outside_15_pct is None else round(figures.outside_15_pct * n / 100)
    if figures.cv is None:
        said = ["Nothing to compare yet."]
    else:
        said = [_more(this), outside_words(outside, n), _cv_sentence(this, cv_words), caveat]
    return Evenness(
        label=this.label,
        max_over_mean=figure_words(figures.max_over_mean),
        max_trace=f"{largest_words} ÷ the mean, {this.mean}" if figures.max_over_mean is not None else "",
        outside=wording.percent(figures.outside_15_pct, places=1),
        outside_trace=f"{outside} of {wording.counted(n, 'book')} more than 15 % from the mean, {this.mean}"
        if figures.outside_15_pct is not None
        else "",
        cv=figure_words(figures.cv),
        cv_words=cv_words,
        cv_trace=f"Standard deviation of {wording.counted(n, 'book')} ÷ the mean, {this.mean}"
        if cv_words
        else "",
        gini=figure_words(figures.gini),
        gini_words=gini_words,
        gini_trace=f"Mean difference of any two of {wording.counted(n, 'book')}, ÷ twice the mean, {this.mean}"
        if gini_words
        else "",
        sentences=tuple(sentence for sentence in said if sentence),
    )


def _more(this: _Measure) -> str:
    """How far the largest is above the mean; empty where nothing is measured."""
    ratio = this.figures.max_over_mean
    if ratio is None:
        return ""
    pct = round(100 * (ratio - 1))
    if pct == 0:
        return "The largest is as large as the mean."
    return this.largest.format(more=f"{pct}{wording.SPACE}% more") + "."


def outside_words(outside: int, books: int) -> str:
    """ "1 in 8 books is outside the band": rounded where it does not come out even, and then said with both numbers."""
    if not books:
        return ""
    if not outside:
        return "No book is outside the band."
    if outside == books:
        return "The only book is outside the band." if books == 1 else "Every book is outside the band."
    each = round(books / outside)
    if each * outside == books:
        return f"1 in {each} books is outside the band."
    verb = "is" if outside == 1 else "are"
    about = f", about 1{wording.SPACE}in{wording.SPACE}{each}" if each > 2 else ""
    return f"{outside} of {books} books {verb} outside the band{about}."


def _cv_sentence(this: _Measure, cv_words: str) -> str:
    if this.figures.cv is None:
        return ""
    typical = round(100 * this.figures.cv)
    return f"Typically a book lies {typical}{wording.SPACE}% from the mean: {cv_words}."


def _arr_caveat(found: Workload) -> str:
    """Where one customer brings more than a peer's whole book, no allocation makes ARR as even as hours."""
    books = [row for row in found.rows if row.customers]
    if len(books) < 2:
        return ""
    whose = max(books, key=lambda row: (found.largest_cents.get(row.csm, 0), row.csm))
    cents = found.largest_cents.get(whose.csm, 0)
    below = sum(row.arr_cents < cents for row in books if row is not whose)
    if not below:
        return ""
    amount = wording.money(wording.from_cents(cents), settings.BASE_CURRENCY)
    peers = len(books) - 1
    whole = f"the whole book of {below} of {peers} peers" if peers > 1 else "the whole book of the one peer"
    return f"One customer in the book of {whose.name} brings {amount}, more than {whole}: ARR cannot be as even as hours."


def capacity_words(
    row: BookRow, parts: Mapping[str, tuple[object, object, object]], away: Mapping[str, int]
) -> str:
    """How the capacity of one CSM came; parts: hours a month, ramp and share not spent on customers, by key."""
    if row.covered:
        return "Away and covered: the hours count with the cover, so nothing is set against the capacity."
    if row.csm not in parts:
        return ""
    given, ramp, overhead = parts[row.csm]
    said = (
        f"{wording.hours(given)} hours a month × ramp {wording.trimmed(ramp)} % × (1 − {wording.trimmed(overhead)} % "  # type: ignore[arg-type]
        "not spent on customers)"
    )
    days = away.get(row.csm, 0)
    if days:
        said += f", less {days} of 30 days of leave"
    return f"{said} = {wording.hours_and_minutes(row.capacity_minutes)} hours"
