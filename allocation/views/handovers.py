"""Handovers: the list, and the page of one with its pack, checklist, notes and signatures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import CSM, Customer
from allocation.filters.handovers import HandoverFilter
from allocation.forms.faults import with_focus
from allocation.forms.handovers import CancelForm, NotesForm
from allocation.models import Handover, HandoverStep
from allocation.selectors import handovers as selector
from allocation.selectors import wording
from allocation.selectors.handover_pack import handover_pack
from allocation.selectors.handover_sides import FORMER, NEW, Standing, standing_in, waits_for_notes
from allocation.services import handovers as services
from allocation.views.access import clock, for_everyone_with_a_role, for_leads, today
from allocation.views.lists import Column, headings, page_of
from allocation.views.parts import Kpi
from allocation.views.refusals import refusals_shown

# What was typed is shown again with what is wrong.
UNPROCESSABLE = 422
COLUMNS = (
    Column("Customer"),
    Column("From → to"),
    Column("Kind"),
    Column("Due"),
    Column("Checklist", hint="Steps that are ticked, of all."),
    Column("Signed by"),
    Column("State"),
)
NO_ROWS = {
    "open": ("Nothing changes hands", "When a customer gets another CSM, the handover stands here until both have signed it."),
    "late": ("No handover is late", "Those whose day has passed stand here, and both CSMs and their managers are told."),
    "done": ("No handover is done yet", "Those that both sides signed stand here."),
    "cancelled": ("None was cancelled", "Those that the books overtook, or that somebody cancelled, stand here with the reason."),
}  # fmt: skip


@require_safe
@for_everyone_with_a_role
def handovers(request: HttpRequest) -> HttpResponse:
    """A CSM's own in and out, a manager's of the teams, for CS ops all."""
    user: Any = request.user
    day = today()
    found = HandoverFilter(request.GET, queryset=selector.visible_handovers(user=user), user=user)
    show = request.GET.get("show", "")
    show = show if show in selector.SHOWN else "open"
    page = page_of(request, selector.with_joins(selector.shown(found.qs, show=show, on=day)))
    title, words = NO_ROWS[show]
    context = {
        "filter": found,
        "filtered": any(value for key, value in request.GET.items() if key not in {"page", "show"}),
        "show": show,
        "tabs": _tabs(selector.counts_of(found.qs, on=day)),
        "page": page,
        "rows": selector.handover_lines(list(page.object_list), on=day),
        "columns": headings(COLUMNS, sort=""),
        "empty_title": title,
        "empty_words": words,
        "leads": user.is_ops or user.is_manager,
    }
    return render(request, "pages/handovers.html", context)


def _tabs(counts: dict[str, int]) -> list[tuple[str, str, str, str]]:
    """(name in the address, words, how many, which these are)."""
    words = {
        "open": ("Open", "Neither done nor cancelled, late ones among them"),
        "late": ("Late", "Open, and due before today"),
        "done": ("Done", "Signed by everybody who has to"),
        "cancelled": ("Cancelled", "Called off, with a reason"),
    }
    return [(name, words[name][0], wording.grouped(counts[name]), words[name][1]) for name in selector.SHOWN]


@require_safe
@for_everyone_with_a_role
def handover(request: HttpRequest, pk: int) -> HttpResponse:
    """One handover: the pack, and what is still to be done."""
    return _page(request, _handover_or_404(request, pk))


@dataclass(frozen=True)
class Typed:
    """What a person sent and was refused, so that the page shows it again. notes_now: what stands in the place of the
    notes by now.
    """

    notes: NotesForm | None = None
    notes_now: str = ""
    cancel: CancelForm | None = None

    @property
    def words(self) -> str:
        """As they were typed, for a page that has no form for them any more."""
        form = self.notes or self.cancel
        return form.data.get("words", "").replace("\0", "") if form else ""


NOTHING = Typed()


def _page(request: HttpRequest, row: Handover, *, typed: Typed = NOTHING) -> HttpResponse:
    user: Any = request.user
    day = today()
    standing = standing_in(handover=row, user=user, on=day)
    steps = list(row.steps.select_related("done_by").order_by("position"))
    is_open = row.status == Handover.Status.OPEN
    writes, cancels = is_open and FORMER in standing.acts_for, is_open and standing.leads
    is_offered = (writes and typed.notes) or (cancels and typed.cancel)
    context = {
        "handover": row,
        "is_open": is_open,
        "is_late": is_open and row.due_on < day,
        "kpis": _kpis(row, steps, standing, day),
        "steps": [_step(row, step, standing) for step in steps],
        "sides": [side for side in (_side(row, steps, standing, one) for one in (FORMER, NEW)) if side],
        "pack": handover_pack(handover=row, user=user, on=day),
        "customer_url": _customer_url(row, user),
        "notes_form": (typed.notes or _notes_form(row)) if writes else None,
        "notes_now": typed.notes_now,
        "cancel_form": (typed.cancel or CancelForm(auto_id="cancel_%s")) if cancels else None,
        "unsaved": "" if is_offered else typed.words,
        "leads": user.is_ops or user.is_manager,
    }
    status = 200 if typed is NOTHING else UNPROCESSABLE
    return render(request, "pages/handover.html", context, status=status)


def _notes_form(row: Handover) -> NotesForm:
    seen = selector.digest_of_notes(row.notes)
    return NotesForm(initial={"words": row.notes, "seen": seen}, auto_id="notes_%s")


def _customer_url(row: Handover, user: Any) -> str:
    seen = Customer.objects.visible_to(user).filter(pk=row.customer_id).exists()
    return reverse("customer", args=[row.customer_id]) if seen else ""


@dataclass(frozen=True)
class StepLine:
    """A line of the checklist. can: whether the reader may tick it, or take the tick away; waits: what it waits for."""

    pk: int
    words: str
    who: str
    done: str
    can: bool
    waits: str


def _step(row: Handover, step: HandoverStep, standing: Standing) -> StepLine:
    sides = {str(FORMER), str(NEW)} if step.side == HandoverStep.Side.BOTH else {step.side}
    names = {str(FORMER): str(row.from_csm), str(NEW): str(row.to_csm)}
    signed = (FORMER in sides and row.from_signed_at) or (NEW in sides and row.to_signed_at)
    is_open = row.status == Handover.Status.OPEN
    done = f"{step.done_by}, {wording.moment(step.done_at)}" if step.done_at else ""
    who = "both" if len(sides) == 2 else names[step.side]
    waits = "" if done or not is_open else waits_for_notes(handover=row, step=step, standing=standing)
    can = bool(is_open and sides & standing.acts_for and not (done and signed) and not waits)
    return StepLine(step.pk, step.words, who, done, can, waits)


@dataclass(frozen=True)
class SideLine:
    """One side's signature. signed: by whom and when; missing: what keeps the reader from signing; note: who else may."""

    side: str
    label: str
    csm: str
    team: str
    signed: str
    can: bool
    missing: str
    note: str
    label_of_button: str


def _side(row: Handover, steps: list[HandoverStep], standing: Standing, side: str) -> SideLine | None:
    csm: CSM | None = row.from_csm if side == FORMER else row.to_csm
    if csm is None:
        return None
    by, at = (
        (row.from_signed_by, row.from_signed_at) if side == FORMER else (row.to_signed_by, row.to_signed_at)
    )
    left = [step for step in steps if step.side in {side, HandoverStep.Side.BOTH} and not step.done_at]
    acts = row.status == Handover.Status.OPEN and side in standing.acts_for and not at
    instead = "" if by is None or by.pk == csm.user_id else f" for {csm}"
    return SideLine(
        side=str(side),
        label="Former CSM" if side == FORMER else "New CSM",
        csm=csm.name,
        team=csm.team.name if csm.team else "",
        signed=f"{by}{instead}, {wording.moment(at)}" if at else "",
        can=bool(acts and not left),
        missing=f"{wording.counted(len(left), 'step')} to tick first" if acts and left else "",
        note=_note(csm, side, standing) if not at and row.status == Handover.Status.OPEN else "",
        label_of_button=f"Sign for {csm.name}" if side in standing.gone else "Sign",
    )


def _note(csm: CSM, side: str, standing: Standing) -> str:
    if side not in standing.gone:
        return ""
    if side == FORMER:
        return f"{csm.name} has left or signs in no more: no signature is needed, a manager may tick and sign instead."
    return f"{csm.name} has left or signs in no more: a manager ticks and signs instead, or cancels."


def _kpis(row: Handover, steps: list[HandoverStep], standing: Standing, day: date) -> list[Kpi]:
    ticked = sum(step.done_at is not None for step in steps)
    needed = standing.needed(row)
    signed = sum(
        bool(at) for side, at in ((FORMER, row.from_signed_at), (NEW, row.to_signed_at)) if side in needed
    )
    is_open = row.status == Handover.Status.OPEN
    late = is_open and row.due_on < day
    return [
        Kpi("State", "Late" if late else row.get_status_display(), note=row.get_path_display(), tone="bad" if late else "good" if not is_open and row.status == Handover.Status.DONE else "", icon="handover"),
        Kpi("Due", wording.day(row.due_on), note=wording.days_from(row.due_on, today=day) if is_open else "", tone="bad" if late else "", icon="clock", trace=_due_trace(row)),
        Kpi("Checklist", f"{ticked} of {len(steps)}", note="steps ticked", icon="check", trace=_ticked_trace(steps)),
        Kpi("Signatures", f"{signed} of {len(needed)}", note="needed", icon="approval", trace="Counted are the sides without whose signature it is not done: the new CSM's, and the former CSM's unless the former CSM has left."),
    ]  # fmt: skip


def _due_trace(row: Handover) -> str:
    if row.opened_on is None:
        return ""
    days = wording.counted((row.due_on - row.opened_on).days, "day")
    return f"Opened on {wording.day(row.opened_on)}, plus {days} that the policy in force then gave such a handover."


def _ticked_trace(steps: list[HandoverStep]) -> str:
    done = [step.words for step in steps if step.done_at]
    return "Ticked: " + "; ".join(done) + "." if done else "No step is ticked yet."


def _handover_or_404(request: HttpRequest, pk: int) -> Handover:
    row = selector.handover_in_scope(user=request.user, pk=pk)
    if row is None:
        raise Http404
    return row


@require_POST
@for_everyone_with_a_role
def handover_step(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick a step, or take the tick away."""
    row = _handover_or_404(request, pk)
    given = request.POST.get("step", "")
    done = request.POST.get("done") == "1"
    on, at = clock()
    with refusals_shown(request, services.UnableToHandOver):
        services.tick_step(
            handover_id=row.pk,
            step_id=int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0,
            done=done,
            actor=request.user,
            on=on,
            at=at,
        )
    return _back(pk, "checklist")


@require_POST
@for_everyone_with_a_role
def handover_notes(request: HttpRequest, pk: int) -> HttpResponse:
    """What the former CSM wants the new one to know. Refused, it stands on the page as it was typed."""
    row = _handover_or_404(request, pk)
    form = NotesForm(request.POST, auto_id="notes_%s")
    if not form.is_valid():
        return _page(request, row, typed=Typed(notes=with_focus(form)))
    on, at = clock()
    try:
        services.write_notes(
            handover_id=row.pk,
            words=form.cleaned_data["words"],
            seen=form.cleaned_data["seen"],
            actor=request.user,
            on=on,
            at=at,
        )
    except services.NotesChanged as changed:
        return _page(request, row, typed=_typed_beside(request, changed))
    except services.UnableToHandOver as refusal:
        messages.error(request, str(refusal))
        # Read again: it may have been closed meanwhile.
        return _page(request, _handover_or_404(request, pk), typed=Typed(notes=form))
    messages.success(request, f"Your notes are saved; {row.to_csm} reads them here.")
    return _back(pk, "notes")


def _typed_beside(request: HttpRequest, changed: services.NotesChanged) -> Typed:
    """The person's own words to be saved again, and above them those of others, which the person has seen now."""
    data = request.POST.copy()
    data["seen"] = selector.digest_of_notes(changed.now)
    form = NotesForm(data, auto_id="notes_%s")
    form.add_error(None, str(changed))
    return Typed(notes=with_focus(form), notes_now=changed.now or "Nothing: they were emptied.")


@require_POST
@for_everyone_with_a_role
def handover_sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign for a side; the last signature that is needed ends the handover."""
    row = _handover_or_404(request, pk)
    on, at = clock()
    with refusals_shown(request, services.UnableToHandOver):
        signed = services.sign_handover(
            handover_id=row.pk, side=request.POST.get("side", ""), actor=request.user, on=on, at=at
        )
        done = signed.status == Handover.Status.DONE
        messages.success(
            request, "Signed: the handover is done." if done else "Signed. The other side is still to sign."
        )
    return _back(pk, "signatures")


@require_POST
@for_leads
def handover_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """End it without the signatures, with words. Refused, they stand on the page as they were typed."""
    row = _handover_or_404(request, pk)
    form = CancelForm(request.POST, auto_id="cancel_%s")
    if not form.is_valid():
        return _page(request, row, typed=Typed(cancel=with_focus(form)))
    on, at = clock()
    try:
        services.cancel_handover(
            handover_id=row.pk, words=form.cleaned_data["words"], actor=request.user, on=on, at=at
        )
    except services.UnableToHandOver as refusal:
        messages.error(request, str(refusal))
        # Read again: it may have been closed meanwhile.
        return _page(request, _handover_or_404(request, pk), typed=Typed(cancel=form))
    messages.success(request, "The handover is cancelled. The customer keeps its CSM.")
    return _back(pk, "")


def _back(pk: int, place: str) -> HttpResponse:
    return redirect(reverse("handover", args=[pk]) + (f"#{place}" if place else ""))
