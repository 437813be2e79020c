"""Whom a handover concerns: who serves a book and signs in, and who covers it on the day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from accounts import roles
from accounts.models import CSM, Leave
from accounts.querysets.people import CSMQuerySet


def people_serving(*, csm_ids: Collection[int], on: date) -> dict[int, frozenset[int]]:
    """{CSM: ids of people to tell}: the CSM's own sign-in and that of who covers on the day. Two statements."""
    covers: dict[int, set[int]] = {pk: {pk} for pk in csm_ids}
    for csm_id, cover_id in (
        Leave.objects.covered_on(on).filter(csm__in=csm_ids).values_list("csm_id", "covered_by_id")
    ):
        covers[csm_id].add(cover_id)
    signing_in = dict(
        signing_in_on(on)
        .filter(pk__in={pk for served_by in covers.values() for pk in served_by})
        .values_list("pk", "user_id")
    )
    return {
        csm_id: frozenset(signing_in[pk] for pk in served_by if pk in signing_in)
        for csm_id, served_by in covers.items()
    }


def signing_in_on(on: date) -> CSMQuerySet:
    """CSMs who are with the company on the day and sign in as a CSM: the others have left what a handover asks of them."""
    rows: CSMQuerySet = CSM.objects.serving(on)
    return rows.filter(user__is_active=True, user__groups__name=roles.CSM)
