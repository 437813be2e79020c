"""What a digest says: a line with a figure and a link for each thing, the weightiest first.

Mail leaves the house. As in notice_words no line says a word of the field that is not for customers, nor anything worked
out about one: that customers are served another way is a number, and so is who should be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from allocation.models import Work
from allocation.selectors import notice_words
from allocation.selectors.digest_books import Absence, BookNews
from allocation.selectors.digest_ops import OpsNews
from allocation.selectors.digest_teams import Book, TeamNews, Waiting
from allocation.selectors.notice_words import one_line, plain_day
from allocation.selectors.wording import counted, grouped

NAMED = 5  # names in one line; more are counted
# What is done by the calendar, in words that may stand in a mail.
WORK = {
    Work.FULL_RUN: "the full run",
    Work.GOALS_RUN: "the run after goals",
    Work.BOOK_PLAN: "the book plan",
    Work.OVERRIDES: "what was agreed for a time",
    Work.LEAVE: "leave that begins and ends",
    Work.RATES: "fetching exchange rates",
    Work.TOUCHES: "planning touches",
    Work.HANDOVERS: "late handovers",
    Work.BOOK_DAYS: "keeping the figures of the books",
    Work.DIGESTS: "digests by mail",
    Work.HOUSEKEEPING: "housekeeping",
}


@dataclass(frozen=True, slots=True)
class Line:
    """said: a sentence without its full stop. link: where to look."""

    said: str
    link: str


@dataclass(frozen=True, slots=True)
class Part:
    heading: str
    lines: tuple[Line, ...]


def digest_mail(*, parts: Sequence[Part], on: date) -> tuple[str, str]:
    """Subject and body of the parts that have lines, in this order; of at least one line."""
    told = [part for part in parts if part.lines]
    first = told[0].lines[0].said.split(": ")[0]
    others = sum(len(part.lines) for part in told) - 1
    more = f", and {counted(others, 'more line')}" if others else ""
    subject = f"{first}{more} (digest of {plain_day(on)})"
    texts = [
        "\n".join([part.heading, *(f"- {line.said}.\n  {line.link}" for line in part.lines)]) for part in told
    ]
    body = "\n\n".join([f"Your digest of {plain_day(on)}.", *texts, notice_words.foot()])
    return one_line(subject, most=200), body


def held_part(*, notices: Iterable[tuple[str, str]]) -> Part:
    """What would have been mail of its own: (subject, text) of each, none left out."""
    lines = tuple(Line(one_line(subject, most=200), notice_words.link_in(body)) for subject, body in notices)
    return Part("What you are told here instead of at once", lines)


def team_part(*, news: TeamNews) -> Part:
    """For a manager."""
    return Part("Your teams", tuple(_team_lines(news)))


def ops_part(*, news: OpsNews) -> Part:
    """For CS ops."""
    return Part("For CS ops", tuple(_ops_lines(news)))


def book_part(*, news: BookNews) -> Part:
    """For a CSM."""
    return Part("Your book", tuple(_book_lines(news)))


def _team_lines(news: TeamNews) -> Iterator[Line]:
    decisions = list(_decisions(news))
    yield from (line for late, line in decisions if late)
    yield from (line for late, line in decisions if not late)
    if news.over:
        said = f"{counted(len(news.over), 'CSM')} over capacity: {_books(news.over)}"
        yield Line(said, _page("balance"))
    if news.uneven:
        said = (
            f"{grouped(len(news.uneven))} of {counted(news.books, 'book')} more than 15 % from the mean: "
            f"{_books(news.uneven)}"
        )
        yield Line(said, _page("balance"))
    if news.unknown:
        said = "How full the books are cannot be said today: an exchange rate is missing, and CS ops are told"
        yield Line(said, _page("balance"))
    if news.leaving:
        names = _list(
            f"{one_line(name)} ({plain_day(day)}, {counted(held, 'customer')})"
            for name, day, held in news.leaving
        )
        yield Line(
            f"{counted(len(news.leaving), 'CSM')} with customers leaving soon: {names}", _page("books")
        )
    if news.uncovered:
        names = _list(f"{one_line(one.csm)} ({_days(one)})" for one in news.uncovered)
        yield Line(f"{counted(len(news.uncovered), 'absence')} that nobody covers: {names}", _page("books"))


def _decisions(news: TeamNews) -> Iterator[tuple[bool, Line]]:
    """(whether something of it is overdue, line) of each kind of thing that waits."""
    waits = news.requests
    if waits.count:
        verb = "waits" if waits.count == 1 else "wait"
        said = f"{counted(waits.count, 'request')} {verb} for your decision{_late(waits)}"
        yield bool(waits.late), Line(said, notice_words.approvals_link())
    for pk, waits in news.runs.items():
        said = f"Run {pk} waits for your decision{_late(waits)}"
        yield bool(waits.late), Line(said, notice_words.run_link(pk))
    for pk, waits in news.plans.items():
        said = f"Book plan {pk}: {counted(waits.count, 'move')} to decide{_late(waits)}"
        yield bool(waits.late), Line(said, notice_words.plan_link(pk))


def _late(waits: Waiting) -> str:
    if waits.oldest is None:
        return ""
    figure = "overdue" if waits.late == waits.count == 1 else f"{grouped(waits.late)} overdue"
    return f", {figure} since {plain_day(waits.oldest)}"


def _books(books: Sequence[Book]) -> str:
    """ "Ada Alpha 131 %", in whole per cent."""
    return _list(
        f"{one_line(book.csm)} {'without capacity' if book.share is None else f'{round(100 * book.share)} %'}"
        for book in books
    )


def _ops_lines(news: OpsNews) -> Iterator[Line]:
    yield from _failures(news)
    now = news.standing
    if now.currencies:
        said = f"{counted(len(now.currencies), 'exchange rate')} missing or too old: {_list(now.currencies)}"
        yield Line(said, _admin("accounts_exchangerate"))
    if now.unused is not None:
        yield Line(f"Version {now.unused} was published, and no full run by it was applied", _page("runs"))
    if now.full_run_due is not None and now.last_full_run is not None:
        said = (
            f"The full run is due since {plain_day(now.full_run_due)}, the last one was as of "
            f"{plain_day(now.last_full_run)}"
        )
        yield Line(said, _page("runs"))
    if now.asking:
        said = f"{counted(now.asking, 'import')} {'needs' if now.asking == 1 else 'need'} an answer"
        yield Line(said, imports_link())
    if now.staged:
        said = f"{counted(now.staged, 'import')} {'waits' if now.staged == 1 else 'wait'} for a confirmation"
        yield Line(said, imports_link())


def _failures(news: OpsNews) -> Iterator[Line]:
    for what, by_work in (("failed", news.failed_work), ("was missed", news.missed_work)):
        for work, times in sorted(by_work.items()):
            said = f"Scheduled work {what} {counted(times, 'time')}: {work_words(work=work)}"
            yield Line(said, slots_link())
    for pk in news.runs:
        yield Line(f"Run {pk} failed", notice_words.run_link(pk))
    for pk in news.plans:
        yield Line(f"Book plan {pk} failed", notice_words.plan_link(pk))
    if news.imports:
        said = f"{counted(news.imports, 'import')} came to nothing: refused, or not confirmed in time"
        yield Line(said, imports_link())
    if news.unsent:
        said = f"{counted(news.unsent, 'notice')} could not be sent"
        yield Line(said, f"{_admin('allocation_notice')}?sent=given_up")


def work_words(*, work: str) -> str:
    """The kind of scheduled work, in words for a mail."""
    return WORK.get(Work(work), "work by the timetable") if work in Work.values else "work by the timetable"


def _book_lines(news: BookNews) -> Iterator[Line]:
    book = _page("my_book")
    if news.came:
        yield Line(f"{counted(len(news.came), 'customer')} came to your book: {_names(news.came)}", book)
    if news.gone:
        yield Line(f"{counted(len(news.gone), 'customer')} left your book: {_names(news.gone)}", book)
    if news.served_otherwise:
        said = f"The service of {counted(news.served_otherwise, 'customer')} changed"
        yield Line(said, _page("customers"))
    yield from _touches(news)
    yield from _renewals(news)
    if news.low:
        new = f", {grouped(news.worse)} of them since the last digest" if news.worse else ""
        yield Line(f"{counted(news.low, 'customer')} to look at first{new}", book)
    if news.handovers:
        late = f", {grouped(news.handovers_late)} overdue" if news.handovers_late else ""
        yield Line(f"{counted(news.handovers, 'handover')} open{late}", book)
    for one in news.covers:
        yield _cover(one, book)
    for one in news.away:
        cover = f"{one_line(one.cover)} covers you" if one.cover else "Nobody covers you"
        yield Line(f"{cover} while you are away ({_days(one)})", book)


def _cover(one: Absence, book: str) -> Line:
    said = f"You cover 1 book: {one_line(one.csm)} is away ({_days(one)})"
    if one.book is None:
        return Line(said, book)
    asks = (
        f"{counted(one.renewals, 'renewal')} in the coming 30 days",
        f"{counted(one.low, 'customer')} to look at first",
    )
    return Line(", ".join([said, *asks]), notice_words.book_link(one.book))


def _touches(news: BookNews) -> Iterator[Line]:
    """ "3 touches due this week, 1 late"."""
    due, late = news.touches_due, news.touches_late
    if due:
        told = f"{counted(due, 'touch', 'touches')} due this week"
        yield Line(f"{told}, {grouped(late)} late" if late else told, _page("touches") + _show(late))
    elif late:
        yield Line(f"{counted(late, 'touch', 'touches')} late", _page("touches") + _show(late))


def _show(late: int) -> str:
    return f"?show={'late' if late else 'due'}"


def _renewals(news: BookNews) -> Iterator[Line]:
    if news.renewals:
        said = f"{counted(len(news.renewals), 'renewal')} in the coming 30 days: "
        named = _list(f"{one_line(name)} ({plain_day(day)})" for name, day in news.renewals)
        yield Line(said + named, _page("my_book"))
    if news.renewals_past:
        said = f"{counted(news.renewals_past, 'customer')} with a renewal date that has passed"
        yield Line(said, _page("my_book"))


def _names(names: Iterable[str]) -> str:
    return _list(one_line(name) for name in names)


def _list(texts: Iterable[str]) -> str:
    """The first few; the others are counted, and the link leads to all."""
    every = list(texts)
    more = len(every) - NAMED
    return ", ".join(every[:NAMED]) + (f" and {grouped(more)} more" if more > 0 else "")


def _days(one: Absence) -> str:
    return f"{plain_day(one.starts_on)}, back on {plain_day(one.ends_before)}"


def imports_link() -> str:
    return _admin("accounts_importbatch", "allocation_importbatch")


def slots_link() -> str:
    """What ran by the timetable, and what came of it."""
    return _admin("allocation_slot")


def _page(name: str) -> str:
    return settings.SITE_URL + reverse(name)


def _admin(*models: str) -> str:
    """The admin's list of the first of these that this installation has; else the home page, which says the same."""
    for model in models:
        try:
            return settings.SITE_URL + reverse(f"admin:{model}_changelist")
        except NoReverseMatch:
            continue
    return _page("home")
