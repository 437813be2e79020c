"""One request for an override: what is asked and why, what the model says; decide it, change it, take it back.

POST to the same address with an `action`. Whoever comes second is told who did what when, with status 409.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from allocation.forms.approvals import EditOverrideForm
from allocation.models import Override
from allocation.models.overrides import LONGEST_WORDS
from allocation.selectors.approval_rows import approval_rows, due
from allocation.selectors.approvals import OVERRIDE
from allocation.selectors.explanations import customer_explanation
from allocation.selectors.override_detail import edit_lines, override_in_scope
from allocation.selectors.override_rights import NOT_YOURS, Rights, override_rights
from allocation.services import overrides
from allocation.tasks.overrides import follow
from allocation.views.access import for_everyone_with_a_role, today
from allocation.views.deciding import BIGGEST_ID, DECISIONS, Said, decide_override
from allocation.views.why import why

REFUSALS = (
    overrides.UnableToDecideOverride,
    overrides.UnableToEditOverride,
    overrides.UnableToWithdrawOverride,
)
ACTIONS = (*DECISIONS, "edit", "withdraw")
OPEN = (Override.Status.ASKED, Override.Status.APPROVED)


@require_http_methods(["GET", "HEAD", "POST"])
@for_everyone_with_a_role
def approval_override(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of one request, and what is done on it."""
    shown = _override_or_404(request.user, pk)
    return _act(request, shown) if request.method == "POST" else _page(request, shown)


def _override_or_404(user: Any, pk: int) -> Override:
    found = override_in_scope(user=user, pk=pk) if pk <= BIGGEST_ID else None
    if found is None:
        raise Http404
    return found


def _act(request: HttpRequest, shown: Override) -> HttpResponse:
    action = request.POST.get("action", "")
    if action not in ACTIONS:
        messages.error(request, "Say whether it is approved, declined, changed or withdrawn.")
        return redirect("approval_override", pk=shown.pk)
    rights = override_rights(override=shown, customer=shown.customer, user=request.user)
    _refuse_action(action, rights)
    seen = _number(request.POST.get("version", ""))
    if seen is None:
        messages.error(request, "Open this page and act here, so that what you act on is what you saw.")
        return redirect("approval_override", pk=shown.pk)
    if action == "withdraw" and request.POST.get("status", shown.status) != shown.status:
        first = f"It was {shown.get_status_display().lower()} meanwhile: look again before you withdraw it."
        return _page(request, shown, refusal=first, status=409)
    form = None
    if action == "edit":
        form = EditOverrideForm(request.POST, override=shown, auto_id="edit_%s")
        if not form.is_valid():
            return _page(request, shown, form=form)
    try:
        done = _do(request, shown, action, seen, form)
    except REFUSALS as refusal:
        return _refused(request, shown, seen, refusal, form)
    messages.success(request, done)
    return redirect("approval_override", pk=shown.pk)


def _refuse_action(action: str, rights: Rights) -> None:
    """403 for what the person may never do here, whatever the state."""
    if action in DECISIONS and not rights.decide:
        raise PermissionDenied(rights.not_deciding)
    if action in {"edit", "withdraw"} and not rights.change:
        raise PermissionDenied(NOT_YOURS)


def _do(request: HttpRequest, shown: Override, action: str, seen: int, form: EditOverrideForm | None) -> str:
    """One service call; what was done, in a sentence."""
    actor: Any = request.user
    words, on, at = request.POST.get("words", ""), today(), timezone.now()
    name = shown.customer.name
    if form is not None:
        given = form.cleaned_data
        changed = overrides.edit_override(
            override_id=shown.pk,
            actor=actor,
            tier_id=given["tier"].pk,
            starts_on=given["starts_on"],
            expires_on=given["expires_on"],
            words=given["words"],
            on=on,
            at=at,
            seen_version=seen,
        )
        follow([changed], on=on, at=at, actor_id=actor.pk)
        return f"The request about {name} is changed. Somebody who did not change it decides."
    if action == "withdraw":
        ended = overrides.withdraw_override(override_id=shown.pk, actor=actor, words=words, on=on, at=at)
        follow([ended], on=on, at=at, actor_id=actor.pk)
        if ended.begun_at is None:
            return f"The request about {name} is withdrawn."
        return f"The override of {name} is withdrawn: a run proposes which tier comes next."
    decided = decide_override(shown.pk, Said(action, words, actor, on, at), seen_version=seen)
    follow([decided], on=on, at=at, actor_id=actor.pk)
    if action == "decline":
        return f"Declined: {name} stays where it is."
    if decided.begun_at is None:
        return f"Approved: {name} is in {decided.tier} from {decided.starts_on:%d %b %Y}."
    return f"Approved: {name} is in {decided.tier} now."


def _refused(
    request: HttpRequest, shown: Override, seen: int, refusal: Exception, form: EditOverrideForm | None
) -> HttpResponse:
    """The page as it is now with the refusal: 409 where it is no longer what the person looked at."""
    now = _override_or_404(request.user, shown.pk)
    somebody_was_first = now.version != seen or now.status not in OPEN or now.status != shown.status
    decided = getattr(refusal, "decided", None) is not None
    conflict = somebody_was_first or decided
    # What was filled in would be about another request than the one that is shown now.
    kept = None if conflict else form
    return _page(request, now, form=kept, refusal=str(refusal), status=409 if conflict else 200)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _page(
    request: HttpRequest,
    this: Override,
    *,
    form: EditOverrideForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    user: Any = request.user
    day = today()
    rights = override_rights(override=this, customer=this.customer, user=user)
    asked = this.status == Override.Status.ASKED
    explanation = customer_explanation(customer_id=this.customer_id, today=day)
    row = approval_rows([(OVERRIDE, this.pk, this.due_on)], user=user, on=day)[0]
    editing = asked and rights.change
    context = {
        "override": this,
        "customer": this.customer,
        "row": row,
        "due": due(this.due_on, on=day) if asked else None,
        "edits": edit_lines(override=this),
        "why": None if explanation is None else why(explanation),
        "said": this.model_said,
        "rights": rights,
        "deciding": asked and rights.decide,
        "withdrawing": this.status in OPEN and rights.change,
        "edit_form": (form or EditOverrideForm(override=this, auto_id="edit_%s")) if editing else None,
        "edit_open": form is not None,
        "refusal": refusal,
        "words": request.POST.get("words", "") if refusal and status == 200 and form is None else "",
        "longest": LONGEST_WORDS,
        "leads": user.is_ops or user.is_manager,
    }
    return render(request, "pages/approval_override.html", context, status=status)
