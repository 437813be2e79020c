"""Querysets of book plans: which stand side by side, which are open to objections, which may be applied."""

from __future__ import annotations

from datetime import date

from django.apps import apps
from django.db.models import Exists, OuterRef, Q

from allocation.querysets.decisions import RunQuerySet


class PlanQuerySet(RunQuerySet):
    def side_by_side(self, comparison_id: int) -> PlanQuerySet:
        """The book plans of one comparison."""
        return self.filter(Q(pk=comparison_id) | Q(compared_with_id=comparison_id))

    def open_to_objections(self, on: date) -> PlanQuerySet:
        """Open plans to whose moves the CSMs concerned may object on the day."""
        return self.filter(status__in=("proposed", "awaiting_approval"), objections_until__gt=on)

    def free_of_objections(self, on: date) -> PlanQuerySet:
        """Nobody may object on the day (any more, or ever), and no objection waits for an answer.

        Part of the conditional UPDATEs that accept a plan and claim it for applying.
        """
        over = Q(objections_until__isnull=True) | Q(objections_until__lte=on)
        unanswered = apps.get_model("allocation", "Objection").objects.unanswered()
        return self.filter(over).exclude(Exists(unanswered.filter(move__plan=OuterRef("pk"))))

    def wished(self, *, on: date) -> PlanQuerySet:
        return super().wished(on=on).free_of_objections(on)
