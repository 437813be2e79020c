"""The list of handovers, what a page says of those that are open, and one of them in scope."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.timezone import localtime

from accounts.models import CSM, Customer
from accounts.querysets.scope import served_by
from allocation.models import Handover, HandoverStep
from allocation.selectors import wording
from allocation.selectors.todo import Todo

SHOWN = ("open", "late", "done", "cancelled")
JOINS = ("customer", "from_csm__team", "to_csm__team")


@dataclass(frozen=True, slots=True)
class HandoverLine:
    """A row of the list. steps: how many of the checklist are ticked; closed: the day, empty while it is open."""

    pk: int
    name: str
    external_id: str
    from_csm: str
    from_team: str
    to_csm: str
    to_team: str
    path: str
    due: str
    due_words: str
    is_late: bool
    steps: str
    steps_trace: str
    signatures: str
    status: str
    status_words: str
    closed: str
    closed_words: str


def visible_handovers(*, user: Any) -> QuerySet[Handover]:
    rows: QuerySet[Handover] = Handover.objects.visible_to(user)
    return rows


def shown(rows: QuerySet[Handover], *, show: str, on: date) -> QuerySet[Handover]:
    """Rows of one tab: open by the day they are due, what is closed by the moment, the latest first."""
    if show == "late":
        return rows.late_on(on).order_by("due_on", "pk")  # type: ignore[attr-defined,no-any-return]
    if show in ("done", "cancelled"):
        return rows.filter(status=show).order_by("-closed_at", "-pk")
    return rows.filter(status="open").order_by("due_on", "pk")


def counts_of(rows: QuerySet[Handover], *, on: date) -> dict[str, int]:
    """How many each tab has; one statement."""
    late = Q(status="open", due_on__lt=on)
    return rows.order_by().aggregate(
        open=Count("pk", filter=Q(status="open")),
        late=Count("pk", filter=late),
        done=Count("pk", filter=Q(status="done")),
        cancelled=Count("pk", filter=Q(status="cancelled")),
    )


def with_joins(rows: QuerySet[Handover]) -> QuerySet[Handover]:
    """What a line names, in the rows' own statement."""
    return rows.select_related(*JOINS)


def handover_lines(rows: Sequence[Handover], *, on: date) -> list[HandoverLine]:
    """Rows read `with_joins`; one statement more, for how far the checklists are: of these rows only, since in the rows' own
    statement those of all of a long list would be counted.
    """
    steps = {
        pk: (every, done)
        for pk, every, done in HandoverStep.objects.filter(handover__in=[row.pk for row in rows])
        .order_by()
        .values_list("handover")
        .annotate(every=Count("pk"), done=Count("done_at"))
    }
    return [_line(row, steps.get(row.pk, (0, 0)), on) for row in rows]


def _line(row: Handover, steps: tuple[int, int], on: date) -> HandoverLine:
    every, done = steps
    is_late = row.status == Handover.Status.OPEN and row.due_on < on
    return HandoverLine(
        pk=row.pk,
        name=row.customer.name,
        external_id=row.customer.external_id,
        from_csm=str(row.from_csm or ""),
        from_team=_team(row.from_csm),
        to_csm=str(row.to_csm),
        to_team=_team(row.to_csm),
        path=row.get_path_display(),
        due=wording.day(row.due_on),
        due_words=wording.days_from(row.due_on, today=on) if row.status == Handover.Status.OPEN else "",
        is_late=is_late,
        steps=f"{done} of {every}",
        steps_trace=f"{done} of the {wording.counted(every, 'step')} of its checklist are ticked.",
        signatures=signatures_in_words(row),
        status="overdue" if is_late else row.status,
        status_words="Late" if is_late else row.get_status_display(),
        closed=wording.day(localtime(row.closed_at).date()) if row.closed_at else "",
        closed_words=row.closed_words,
    )


def _team(csm: CSM | None) -> str:
    return csm.team.name if csm is not None and csm.team is not None else ""


def signatures_in_words(row: Handover) -> str:
    """ "Ada signed, Ben has not": of each side there is."""
    sides = [(row.from_csm, row.from_signed_at), (row.to_csm, row.to_signed_at)]
    signed = [str(csm) for csm, at in sides if csm is not None and at]
    waited_for = [str(csm) for csm, at in sides if csm is not None and not at]
    if not signed:
        return "nobody yet"
    if not waited_for:
        return "both" if len(signed) == 2 else signed[0]
    return f"{signed[0]}, not yet {waited_for[0]}"


def handover_in_scope(*, user: Any, pk: int) -> Handover | None:
    """With everything its page names."""
    joins = (
        "customer__tier", "customer__csm__team", "customer__vertical", "customer__region", "customer__language",
        "customer__paid_tier", "customer__sentiment_by", "from_csm__user", "from_csm__team", "to_csm__user",
        "to_csm__team", "from_signed_by", "to_signed_by", "move__plan",
    )  # fmt: skip
    found: Handover | None = visible_handovers(user=user).select_related(*joins).filter(pk=pk).first()
    return found


def digest_of_notes(words: str) -> str:
    """What a page keeps of the notes it shows, so that saving overwrites no others."""
    return hashlib.sha256(words.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class OpenHandover:
    """A line on another page: an open handover in words, and where it stands."""

    pk: int
    words: str
    is_late: bool


def open_handover_of(*, customer: Customer, user: Any, on: date) -> OpenHandover | None:
    """For the customer's page; one statement."""
    rows = visible_handovers(user=user).filter(customer=customer, status="open")
    row = rows.select_related("from_csm", "to_csm").first()
    if row is None:
        return None
    when = f"due {wording.day(row.due_on)}"
    if row.due_on < on:
        when = f"late since {wording.day(row.due_on)}"
    return OpenHandover(
        row.pk, f"{row.from_csm or 'Nobody'} hands over to {row.to_csm}, {when}.", row.due_on < on
    )


@dataclass(frozen=True, slots=True)
class BookHandovers:
    """Open handovers of one book: how many customers come, go, and how many are late."""

    into: int
    out: int
    late: int
    words: str


def handovers_of_book(
    *, csm: CSM, rows: Iterable[tuple[int | None, int | None, date]], on: date
) -> BookHandovers | None:
    """For the page of a book; None where nothing is open. rows: as `book_ground` read them. No statement."""
    counts = {"into": 0, "out": 0, "late": 0}
    for into, out, due_on in rows:
        counts["into"] += into == csm.pk
        counts["out"] += out == csm.pk
        counts["late"] += due_on < on
    if not counts["into"] + counts["out"]:
        return None
    parts = [
        f"{wording.counted(counts['into'], 'customer')} to be taken over" if counts["into"] else "",
        f"{wording.counted(counts['out'], 'customer')} to be handed over" if counts["out"] else "",
        f"{wording.grouped(counts['late'])} late" if counts["late"] else "",
    ]
    return BookHandovers(**counts, words=", ".join(part for part in parts if part))


def csm_todos(*, user: Any, on: date) -> list[Todo]:
    """Open handovers of the books a CSM serves, for the home page; one statement."""
    rows = visible_handovers(user=user).filter(served_by(user, "from_csm") | served_by(user, "to_csm"))
    counts = counts_of(rows, on=on)
    if not counts["open"]:
        return []
    title = f"{wording.counted(counts['open'], 'handover')} open"
    words = "Introduce each other and the customer."
    if counts["late"]:
        return [Todo("handovers_late", "warn", title, f"{wording.grouped(counts['late'])} late. {words}")]
    return [Todo("handovers", "accent", title, words)]


def lead_todos(*, user: Any, on: date) -> list[Todo]:
    """Open handovers of the teams a manager leads, for the home page; one statement."""
    counts = counts_of(visible_handovers(user=user), on=on)
    if counts["late"]:
        title = f"{wording.counted(counts['late'], 'handover')} late in your teams"
        words = f"Of {wording.grouped(counts['open'])} open. Ask both CSMs what is missing; sign for who has left."
        return [Todo("handovers_late", "warn", title, words)]
    if counts["open"]:
        title = f"{wording.counted(counts['open'], 'handover')} open in your teams"
        return [Todo("handovers", "accent", title, "None is late: both CSMs sign, then it is done.")]
    return []
