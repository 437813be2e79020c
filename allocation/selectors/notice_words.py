"""What a notice says. Mail leaves the house, so it names a customer or a person and a link, and nothing else.

No text of these, nor any address in them, says what it is about: neither the words of the field (docs/glossary.md) nor
anything worked out. Whoever wants to know signs in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.conf import settings
from django.urls import reverse

from allocation.selectors.wording import counted, day

LONGEST_NAME = 120  # a subject has room for 200 characters
FOOT = "You are told because it concerns you. What it is about stands on the page, for whoever may sign in."


def approvals_link() -> str:
    """The address of the queue: for whoever decides."""
    return settings.SITE_URL + reverse("approvals")


def run_link(run_id: int) -> str:
    return settings.SITE_URL + reverse("run", args=[run_id])


def plan_link(plan_id: int) -> str:
    return settings.SITE_URL + reverse("plan", args=[plan_id])


def objections_link() -> str:
    """The page on which a CSM objects, and reads the answers."""
    return settings.SITE_URL + reverse("objections")


def handovers_link(query: str = "") -> str:
    """The list of handovers, for both ends and whoever leads them."""
    return settings.SITE_URL + reverse("handovers") + query


def notices_link() -> str:
    """The person's own notices, and what mail the person gets."""
    return settings.SITE_URL + reverse("notices")


def waits_for_you(*, customer: str, link: str) -> tuple[str, str]:
    """Subject and body for each person who may decide."""
    return _mail(f"A request about {one_line(customer)} waits for your decision", "Please decide it.", link)


def was_decided(*, customer: str, by: str, link: str) -> tuple[str, str]:
    """Subject and body for who asked and for the CSM. It does not say how it was decided."""
    return _mail(
        f"A request about {one_line(customer)} was decided", f"{one_line(by)} decided it and said why.", link
    )


def yours_was_seen_to(*, link: str) -> tuple[str, str]:
    """Subject and body for who asked and no longer has the customer: it names nobody and does not say what became of it."""
    return _mail(
        "Something you asked for was decided or has ended",
        "What became of it stands with your notices.",
        link,
    )


def ends_soon(*, customer: str, on: date, link: str) -> tuple[str, str]:
    """Subject and body for who asked and for the CSM, some days before the day."""
    return _mail(
        f"Something agreed about {one_line(customer)} ends soon",
        f"It ends on {plain_day(on)}. If it is still needed, ask again before that day.",
        link,
    )


def has_ended(*, customer: str, link: str) -> tuple[str, str]:
    """Subject and body for who asked and for the CSM, once it no longer holds."""
    return _mail(
        f"Something agreed about {one_line(customer)} has ended",
        "If it is still needed, ask again.",
        link,
    )


def job_waits_for_you(*, what: str, link: str) -> tuple[str, str]:
    """Subject and body for each manager who may decide. what: "run 12", "book plan 3"."""
    return _mail(f"{_capital(what)} waits for your decision", "Please look at it and decide.", link)


def job_was_decided(*, what: str, by: str, link: str) -> tuple[str, str]:
    """Subject and body for who asked for the run or plan."""
    return _mail(f"{_capital(what)} was decided", f"{one_line(by)} decided it and said why.", link)


def job_was_replaced(*, what: str, by: str, link: str) -> tuple[str, str]:
    """Subject and body for who wished `what` applied; by: the newer one, such as "run 14"."""
    return _mail(
        f"{_capital(what)} is not applied",
        f"You asked for it to be applied, and {by} has taken its place before that was done. Please look at {by}, and "
        "apply that if it should be.",
        link,
    )


def you_decide_for(*, manager: str, starts_on: date, ends_before: date, link: str) -> tuple[str, str]:
    """Subject and body for the delegate."""
    return _mail(
        f"You decide for {one_line(manager)}",
        f"{one_line(manager)} is away from {plain_day(starts_on)} and back on {plain_day(ends_before)}. "
        "What waits until then waits for you too.",
        link,
    )


def you_no_longer_decide_for(*, manager: str, link: str) -> tuple[str, str]:
    """Subject and body for the delegate whose delegation was taken back."""
    return _mail(
        f"You no longer decide for {one_line(manager)}",
        "The delegation was taken back before its time.",
        link,
    )


def book_link(csm_id: int) -> str:
    """A CSM's book: for the cover and the managers, in the days in which they may see it."""
    return settings.SITE_URL + reverse("book", args=[csm_id])


def you_cover_for(*, csm: str, ends_before: date, link: str) -> tuple[str, str]:
    """Subject and body for the cover, on the first day."""
    return _mail(
        f"You cover for {one_line(csm)} from today",
        f"{one_line(csm)} is away and back on {plain_day(ends_before)}. Until then you see and serve that book too.",
        link,
    )


def is_away(*, csm: str, cover: str, ends_before: date, link: str) -> tuple[str, str]:
    """Subject and body for the manager, on the first day."""
    return _mail(
        f"{one_line(csm)} is away from today",
        f"{one_line(cover)} covers until {one_line(csm)} is back on {plain_day(ends_before)}.",
        link,
    )


def nobody_covers(*, csm: str, starts_on: date, ends_before: date, link: str) -> tuple[str, str]:
    """Subject and body for the manager, some days before and once it begins."""
    return _mail(
        f"Nobody covers for {one_line(csm)}",
        f"{one_line(csm)} is away from {plain_day(starts_on)} and back on {plain_day(ends_before)}. "
        "Please name who serves the customers in these days.",
        link,
    )


def cover_ends(*, csm: str, ends_before: date, link: str) -> tuple[str, str]:
    """Subject and body for the cover and the manager, on the last day."""
    return _mail(
        f"{one_line(csm)} is back on {plain_day(ends_before)}",
        "The cover ends with this day by itself. Please talk about what happened meanwhile.",
        link,
    )


def may_be_objected_to(*, until: date, link: str) -> tuple[str, str]:
    """Subject and body for each CSM whose book a proposed change concerns."""
    return _mail(
        f"Planned changes in your book can be objected to before {plain_day(until)}",
        "Please look at them. What you do not object to may be carried out from that day on.",
        link,
    )


def objection_was_answered(*, link: str) -> tuple[str, str]:
    """Subject and body for who objected. It does not say how it was answered."""
    return _mail("Your objection was answered", "Who answered it said why.", link)


def handovers_opened(*, link: str) -> tuple[str, str]:
    """Subject and body for each CSM who gives or takes customers, once for all of them."""
    return _mail(
        "Customers change hands with you",
        "The list says which, with whom and until when. Please hand over what the other needs to know.",
        link,
    )


def handovers_are_late(*, own: int, led: int, link: str, without_manager: int = 0) -> tuple[str, str]:
    """Subject and body, once a person for all of them. own: late ones of the person as a CSM; led: ones that are late for
    days in teams the person leads; without_manager: the same in teams nobody leads, for CS ops. At least one of the three.
    """
    said = []
    if own:
        said.append(f"{counted(own, 'handover')} with you {'is' if own == 1 else 'are'} late")
    if led:
        said.append(f"{counted(led, 'handover')} in your teams {'is' if led == 1 else 'are'} late")
    if without_manager:
        is_late = "is" if without_manager == 1 else "are"
        said.append(f"{counted(without_manager, 'handover')} without a manager {is_late} late")
    passed_on = led or without_manager
    asked = "Please see to it that they are done." if passed_on else "Please finish what is still to be done."
    return _mail(" and ".join(said), asked, link)


def work_failed(*, what: str, link: str) -> tuple[str, str]:
    """Subject and body for CS ops. what: "The fetching of exchange rates of 27 Nov 2026". It does not say why."""
    return _mail(f"{what} failed", "The page says why, and what to do.", link)


def work_was_missed(*, what: str, days: Sequence[date], link: str) -> tuple[str, str]:
    """Subject and body for CS ops, of work that was due while nobody kept the timetable. days: of each time, the oldest
    first; at least one.
    """
    first, last = plain_day(days[0]), plain_day(days[-1])
    if len(days) == 1:
        said = f"{what} of {first} was missed"
    elif first == last:
        said = f"{what} was missed {counted(len(days), 'time')} on {first}"
    else:
        said = f"{what} was missed {counted(len(days), 'time')}, from {first} to {last}"
    return _mail(said, "The next one makes up for it; look whether a worker and the timetable run.", link)


def _mail(subject: str, said: str, link: str) -> tuple[str, str]:
    return subject, f"{subject}.\n{said}\n\n{link}\n\n{foot()}"


def foot() -> str:
    """The end of every mail: why it came, and where to say what one wants."""
    return f"{FOOT}\nChange what you get: {notices_link()}\n"


def link_in(body: str) -> str:
    """Where a notice leads: the line of its text that is an address."""
    return next((line for line in body.splitlines() if line.startswith(settings.SITE_URL)), notices_link())


def one_line(name: str, *, most: int = LONGEST_NAME) -> str:
    """A name as one line of bearable length: names come from files, and a line break in a subject forges a header."""
    line = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def plain_day(on: date) -> str:
    """Without the narrow space of the pages: not every mail program shows it."""
    return " ".join(day(on).split())


def _capital(what: str) -> str:
    return what[:1].upper() + what[1:]
